"""A campaign of real calls, while the daemon is killed again and again.

    python -m chaos.campaign --seed 7 --leads 1000 --kills 50     (from the directory tests/lab)

Agents with open lines, and one process that answers, or does not, at every number. Meanwhile the
daemon gets kill -9 at seeded moments and is started again. Then everything is counted, against the
far end's own log: each lead called once or not at all, each attempt with its permit and the result
that its number gives; and how soon behind each start no attempt was open without a channel.

Exit code 0 when all of it holds, 1 when not, 2 when the lab failed.
"""

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog
from lab import campaign_figures, outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import rows
from lab.errors import LabError
from lab.far_end import Call
from lab.parties import Party, World, numbers, parties
from lab.root import Servers, servers

from ccmiddleware.clock import utc_now
from ccmiddleware.ids import attempt_of

CAMPAIGN = "spring"
WRAPUP = 2
ALIVE = (2.0, 7.0)
"""Seconds that a daemon lives, from when it is well to the next kill."""
BACK_WITHIN = 10.0
"""Seconds from a start until nothing is held for calls that are over."""


@dataclass(frozen=True)
class Wanted:
    """What to do. ``limit``: seconds at most."""

    seed: int = 1
    leads: int = 1000
    kills: int = 50
    agents: int = 10
    limit: float = 2400


@dataclass
class Found:
    """What was counted. Times in seconds."""

    seed: int
    leads: int
    kills: int = 0
    attempts: int = 0
    permits: int = 0
    calls: int = 0
    """That the far end had."""
    not_called: int = 0
    """Leads whose attempt ended as unknown, before Asterisk had the order."""
    results: dict[str, int] = field(default_factory=dict)
    drop_pct: float = 0.0
    slowest_back: float = 0.0
    """From a start until no attempt was open without a channel."""
    late: list[str] = field(default_factory=list)
    """Starts after which that took too long: on a machine that has nothing else to do, none."""
    problems: list[str] = field(default_factory=list)


async def run(wanted: Wanted, found: Servers, directory: Path, say: Callable[[str], None]) -> Found:
    """Play the campaign, kill, and count."""
    people = parties(World(), numbers(wanted.leads, utc_now()), wanted.seed)
    plan = outbound.plan(wanted.agents, CAMPAIGN, WRAPUP)
    async with (
        Asterisk(found, plan) as pbx,
        Daemon(
            directory, pbx, recording="never", more=outbound.more(CAMPAIGN, WRAPUP),
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
        ) as daemon,
    ):  # fmt: skip
        far = pbx.far_end(people)
        await far.start()
        await outbound.sit_down(pbx, plan.agents, CAMPAIGN)
        url = (await daemon.ccm("db", "url")).out.strip()
        await outbound.prepare(daemon, CAMPAIGN, people)
        counted = Found(wanted.seed, wanted.leads)
        await outbound.begin(daemon, CAMPAIGN)
        async with asyncio.timeout(wanted.limit):
            await _kill(wanted, pbx, daemon, url, counted, say)
            await campaign_figures.over(url, CAMPAIGN, wanted.leads, wanted.limit)
        attempts = await campaign_figures.attempts(url, CAMPAIGN)
        figures = await campaign_figures.figures(url, CAMPAIGN)
        _count(counted, attempts, people, far.calls())
        counted.permits, counted.drop_pct = figures.permits, figures.drop_pct
        return counted


async def _kill(
    wanted: Wanted, pbx: Asterisk, daemon: Daemon, url: str, counted: Found,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    dice = random.Random(wanted.seed)
    loop = asyncio.get_running_loop()
    while counted.kills < wanted.kills:
        await asyncio.sleep(dice.uniform(*ALIVE))
        done = sum(
            one["ended_at"] is not None for one in await campaign_figures.attempts(url, CAMPAIGN)
        )
        if done >= wanted.leads:
            counted.problems.append(f"all was over after {counted.kills} kills")
            return
        await daemon.kill()
        counted.kills += 1
        started = loop.time()
        await daemon.start()
        while left := await _held(pbx, url):
            if loop.time() - started > 6 * BACK_WITHIN:
                counted.problems.append(f"kill {counted.kills}: {left} are held for no call")
                break
            await asyncio.sleep(0.25)
        back = loop.time() - started
        counted.slowest_back = max(counted.slowest_back, round(back, 1))
        if back > BACK_WITHIN:
            counted.late.append(f"kill {counted.kills}: capacity was back after {back:.1f} s")
        say(f"kill {counted.kills}: {done} over; all back {back:.1f} s after the start")


async def _held(pbx: Asterisk, url: str) -> list[str]:
    """Attempts of earlier leaders that are open without a channel."""
    open_ = await rows(
        url,
        "SELECT a.id FROM ccm.attempt AS a WHERE a.ended_at IS NULL "
        "AND a.term < (SELECT max(term) FROM ccm.leadership)",
    )
    channels = (await pbx.cli("core show channels concise")).split("\n")
    there = {attempt_of(line.rpartition("!")[2].strip()) for line in channels}
    return [str(row["id"]) for row in open_ if row["id"] not in there]


def _count(
    counted: Found, attempts: Sequence[dict[str, Any]], people: Sequence[Party],
    calls: Sequence[Call],
) -> None:  # fmt: skip
    called = {call.number for call in calls}
    unknown = {
        one["number"]
        for one in attempts
        if one["result"] == "unknown" and one["number"] not in called
    }
    # Killed before Asterisk had the order: nobody was called, and the attempt says so.
    others = [one for one in attempts if one["number"] not in unknown]
    there = [party for party in people if party.number not in unknown]
    counted.problems += campaign_figures.differences(others, there, calls)
    if len(unknown) > counted.kills * 20:
        counted.problems.append(f"{len(unknown)} leads were claimed and not called")
    leads = [one["lead_id"] for one in attempts]
    if len(leads) != len(set(leads)) or len(leads) != counted.leads:
        counted.problems.append(f"{len(leads)} attempts of {len(set(leads))} leads")
    if not all(one["permitted"] for one in attempts):
        counted.problems.append("attempts without a permit")
    counted.attempts, counted.calls = len(attempts), len(calls)
    counted.not_called = len(unknown)
    for one in attempts:
        counted.results[one["result"]] = counted.results.get(one["result"], 0) + 1


def main() -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.campaign", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="people and kills (default 1)")
    parser.add_argument("--leads", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--kills", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--agents", type=int, default=10, help="how many (default 10)")
    parser.add_argument("--limit", type=float, default=40, help="minutes at most (default 40)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", type=Path, help="keep the log and the database there")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    wanted = Wanted(asked.seed, asked.leads, asked.kills, asked.agents, asked.limit * 60)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    directory = asked.keep or Path(tempfile.mkdtemp(prefix="ccm-chaos-"))
    try:
        found = asyncio.run(run(wanted, servers(say), directory, say))
    except (LabError, TimeoutError) as error:
        say(f"the lab failed: {error!r}")
        return 2
    finally:
        if asked.keep is None:
            shutil.rmtree(directory, ignore_errors=True)
    if asked.json:
        print(json.dumps(asdict(found)))
    else:
        for name, value in asdict(found).items():
            print(f"{name.replace('_', ' ')}: {value}")
    return 1 if found.problems or found.late else 0


if __name__ == "__main__":
    sys.exit(main())
