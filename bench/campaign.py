#!/usr/bin/env python3
"""A campaign of real calls beside its simulation: utilisation, drops, answer to agent.

A real Asterisk, agents whose lines are open, the daemon, and one process that answers, or does
not, at every number. Figures come from the report views; bench/README.md says what they mean.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "deploy"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import campaign_figures, outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import rows
from lab.far_end import FarEnd
from lab.parties import ANSWERS, Party, World, numbers, parties
from lab.root import servers

from ccmiddleware.clock import utc_now
from ccmiddleware.dialer.budget import DayCount, GoOn, decide
from ccmiddleware.dialer.dialing import PACE_SECONDS
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.simulation.policies import Ours
from ccmiddleware.dialer.simulation.shift import Shift
from ccmiddleware.dialer.simulation.workloads import Workload

BEEP = 0.45
"""Seconds of Asterisk's own beep, from the agent found to the agent connected."""

SHIFTS = 20
"""Simulated shifts, with seeds 1, 2, …"""

WORLD = World(shortest_talk=2.2)
"""Nobody hangs up before the two seconds are over: the simulated don't either."""

DECISIONS = """
SELECT reason, count(*) AS decisions, sum(number)::int AS calls FROM report.dialer_decision
WHERE campaign = $1 GROUP BY 1
"""
DEADLINE = 1800.0
LAW = builtin("us-ftc")
DAY = date(2026, 11, 30)
"""Any day: the whole campaign is within one."""

QUEUE = CAMPAIGN = "spring"


@dataclass(frozen=True)
class Load:
    """What is played."""

    leads: int
    agents: int
    wrapup: int
    seed: int
    mode: str


def main() -> int:
    """Run it; the exit code says whether the attempts are what the far end did."""
    arguments = _arguments()
    load = Load(arguments.leads, arguments.agents, arguments.wrapup, arguments.seed, arguments.mode)
    result = asyncio.run(
        measure(load, lambda text: print(f"campaign: {text}", file=sys.stderr), arguments.log)
    )
    print(json.dumps(result) if arguments.json else table(result))
    return 1 if result["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=1000, help="how many leads")
    parser.add_argument("--agents", type=int, default=10, help="agents with open lines")
    parser.add_argument("--wrapup", type=int, default=2, help="seconds of wrap-up")
    parser.add_argument("--seed", type=int, default=1, help="of the people who are called")
    parser.add_argument("--mode", default="predictive", choices=("predictive", "progressive"))
    parser.add_argument("--log", type=Path, help="keep the daemon's log there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


# -- the real thing -----------------------------------------------------------------------------


async def measure(load: Load, say: Callable[[str], None], keep: Path | None) -> dict[str, Any]:
    """Everything that --json prints."""
    found = servers(say)
    people = parties(WORLD, numbers(load.leads, utc_now()), load.seed)
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as directory:
        say("starting Asterisk, the agents and the daemon")
        async with Asterisk(found, outbound.plan(load.agents, QUEUE, load.wrapup)) as pbx:
            daemon = Daemon(
                Path(directory), pbx, recording="never", more=outbound.more(QUEUE, load.wrapup),
                node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
            )  # fmt: skip
            # The lab's daemon tells everything; one in production does not.
            as_in_production = daemon.config.read_text().replace('"debug"', '"info"')
            daemon.config.write_text(as_in_production)
            try:
                async with daemon:
                    return await play(load, pbx, daemon, people, say)
            finally:
                if keep is not None:
                    await asyncio.to_thread(shutil.copy, daemon.log, keep)


async def play(
    load: Load, pbx: Asterisk, daemon: Daemon, people: list[Party], say: Callable[[str], None]
) -> dict[str, Any]:
    """Play the campaign, and compare."""
    far = pbx.far_end(people)
    await far.start()
    await outbound.sit_down(pbx, pbx.plan.agents, QUEUE)
    url = (await daemon.ccm("db", "url")).out.strip()
    await outbound.prepare(daemon, CAMPAIGN, people, mode=load.mode)
    await outbound.begin(daemon, CAMPAIGN)
    cpu = {"asterisk": pbx.pid, "daemon": daemon.process.pid}
    before = {name: cpu_of(pid) for name, pid in cpu.items()}
    problems = await over(load, url, far, say)
    used = {name: round(cpu_of(pid) - before[name], 1) for name, pid in cpu.items()}
    attempts = await campaign_figures.attempts(url, CAMPAIGN)
    figures = await campaign_figures.figures(url, CAMPAIGN)
    decisions = await rows(url, DECISIONS, CAMPAIGN)
    problems += campaign_figures.differences(attempts, people, far.calls())
    problems += daemon.complaints()
    say("simulating the same workload")
    simulated = await asyncio.to_thread(simulate, load, people, figures.span_seconds)
    return {
        "real": asdict(figures),
        "simulated": simulated,
        "utilisation_off_by": round(figures.utilisation_pct - simulated["utilisation_pct"], 1),
        "decisions": {row["reason"]: [row["decisions"], row["calls"]] for row in decisions},
        "truth": truth(people),
        "load": asdict(load),
        "cpu_seconds": used,
        "problems": problems,
        "versions": {"asterisk": await pbx.version(), "python": platform.python_version()},
        "cores": os.cpu_count(),
    }


async def over(load: Load, url: str, far: FarEnd, say: Callable[[str], None]) -> list[str]:
    """Wait until all attempts are over; what is wrong when that does not come."""
    begun = told = time.monotonic()
    while time.monotonic() - begun < DEADLINE:
        attempts = await campaign_figures.attempts(url, CAMPAIGN)
        done = sum(one["ended_at"] is not None for one in attempts)
        if time.monotonic() - told > 30:
            say(f"{len(attempts)} leads called, {done} attempts over")
            told = time.monotonic()
        if done >= load.leads:
            return []
        await asyncio.sleep(2)
    return [f"after {DEADLINE:g} s {len(far.calls())} leads were called"]


def truth(people: list[Party]) -> dict[str, Any]:
    """What the world is like."""
    talks = [party.talk for party in people if party.kind in ANSWERS]
    return {
        "answered": len(talks),
        "mean_talk_seconds": round(sum(talks) / max(len(talks), 1), 2),
    }


def cpu_of(pid: int) -> float:
    """CPU seconds so far of one process, all its threads, without its children."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


# -- the simulation -----------------------------------------------------------------------------


class AsDialed(Ours):
    """The controller as the daemon runs it: under the ledger of drops, with no end in sight."""

    def __init__(self, leads: int, mode: str) -> None:
        super().__init__()
        self._leads = leads
        self._mode = mode
        self._live = self._drops = 0

    def call_answered(self, call: Any, now: float) -> None:
        super().call_answered(call, now)
        self._live += 1

    def call_abandoned(self, call: Any, now: float) -> None:
        super().call_abandoned(call, now)
        self._drops += 1

    def calls(self, now: float, shift: Shift) -> int:
        done = shift.counts.attempts
        coming = 0.5 * self._live / max(done, 1) * max(self._leads - done, 0)
        counts = [DayCount(DAY, self._live, self._drops)]
        go_on = decide(LAW, DAY, DAY, counts, expected_answers=int(coming)).go_on
        self.settings = replace(
            self.settings, predictive=self._mode == "predictive" and go_on is GoOn.NORMAL
        )
        self.last = self.decide(now)
        return 0 if go_on is GoOn.STOP else self.last.calls


def simulate(load: Load, people: list[Party], seconds: float) -> dict[str, Any]:
    """As many seconds of the same workload, over many seeds.

    An agent hears the beep before each talk: it is simulated as a part of the wrap-up, and taken
    off what the agent did and off the time that who answers can wait.
    """
    world = WORLD
    answering = world.people + world.machines  # without detection a machine is a person
    mean = truth(people)["mean_talk_seconds"]
    drawn = world.share_short * world.short_talk + (1 - world.share_short) * world.long_talk
    workload = Workload(
        "bench",
        lambda now: answering,
        ring_mean=world.ring_mean,
        ring_cv=world.ring_cv,
        ring_longest=world.ring_longest,
        machine=0.0,
        failed=world.busy + world.wrong + world.no_line + world.declined,
        short_talk=world.short_talk * mean / drawn,
        long_talk=world.long_talk * mean / drawn,
        share_short=world.share_short,
        talk_cv=world.talk_cv,
        wrap_mean=load.wrapup + BEEP,
        wrap_cv=0.01,
        patience=LAW.terms.agent_seconds.value - BEEP,
    )
    busy, lost, attempts = [], [], []
    for seed in range(1, SHIFTS + 1):
        policy = AsDialed(load.leads, load.mode)
        counts = Shift(workload, load.agents, policy, seed, seconds, tick=PACE_SECONDS).run()
        busy.append((counts.busy - BEEP * counts.connected) / counts.present)
        lost.append(counts.abandonment)
        attempts.append(counts.attempts)
    return {
        "utilisation_pct": round(100 * sum(busy) / SHIFTS, 1),
        "utilisation_least_pct": round(100 * min(busy), 1),
        "utilisation_most_pct": round(100 * max(busy), 1),
        "drop_pct": round(100 * sum(lost) / SHIFTS, 2),
        "attempts": round(sum(attempts) / SHIFTS),
        "shifts": SHIFTS,
        "seconds": round(seconds, 1),
    }


# -- telling ------------------------------------------------------------------------------------


def table(result: Mapping[str, Any]) -> str:
    """The same for people."""
    real, sim, load = result["real"], result["simulated"], result["load"]
    shown = (
        ("utilisation, %", real["utilisation_pct"], sim["utilisation_pct"]),
        ("drops, % of live answers", real["drop_pct"], sim["drop_pct"]),
        ("attempts", real["attempts"], sim["attempts"]),
        ("answer to agent, median s", real["agent_seconds_p50"], ""),
        ("answer to agent, p99 s", real["agent_seconds_p99"], ""),
        ("same, met a free agent, p99 s", real["met_a_free_agent_p99"], ""),
        ("CPU of Asterisk, s", result["cpu_seconds"]["asterisk"], ""),
        ("CPU of the daemon, s", result["cpu_seconds"]["daemon"], ""),
    )
    results = ", ".join(f"{count:,} {name}" for name, count in real["results"].items())
    versions = ", ".join(f"{name} {one}" for name, one in result["versions"].items())
    return "\n".join(
        [
            f"{load['leads']:,} leads, {load['agents']} agents, {load['mode']}, mean talk "
            f"{result['truth']['mean_talk_seconds']} s, {real['span_seconds']:.0f} s: {results}",
            f"{versions}, {result['cores']} cores",
            "",
            f"{'':<34}{'real':>12}{'simulated':>12}",
            *(f"{title:<34}{here:>12}{there:>12}" for title, here, there in shown),
            "",
            f"{real['permits']:,} permits; utilisation is off by {result['utilisation_off_by']} "
            f"points ({sim['shifts']} shifts: {sim['utilisation_least_pct']} to "
            f"{sim['utilisation_most_pct']} %)",
            *(f"WRONG: {problem}" for problem in result["problems"]),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
