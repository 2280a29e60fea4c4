"""Whether the daemon keeps up with a busy PBX: queue calls on a real Asterisk, followed live.

    python bench/calls.py [--rate N] [--seconds N] [--members N] [--queues N] [--record] [--json]

The lab's Asterisk gets ``rate`` calls a second for ``seconds``, all of them between Local channels:
callers join one of a few queues, whose members (Local channels too) answer, talk for some seconds
and hang up; of twenty callers four hang up themselves, one gives up waiting and one is sent away by
a timeout. The daemon follows as it does in production: AMI as the user that ships, journal with
fsync, a real Postgres (the embedded one).

``ratio`` is the CPU time of the daemon's process through that of Asterisk's, both from the first
call to the end of the last. The lag is from Asterisk's timestamp of an event until the daemon has
handled it, by the daemon's own metric: that of the oldest event of each batch it takes, so that no
event of the batch had a greater one. A run in which a call is
missing, doubled, inferred, or other than in Asterisk's own queue_log exits with code 1.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from ami import cpu_of_group
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parents[1] / "deploy"))

from lab.ami import Ami
from lab.asterisk import Asterisk, QueueLogRow
from lab.daemon import WEB_PORT, Daemon
from lab.plan import Plan
from lab.processes import until
from lab.root import servers

NOBODY = "nobody"
"""A queue without members, where callers wait in vain."""

KINDS = ("gives up", "timed out", *["caller ends"] * 4, *["agent ends"] * 14)
"""What becomes of every twenty calls."""

DEADLINE = 120.0
"""Seconds for each step after which something counts as stuck."""

SHOWN = 8
"""Differences that are told one by one."""

DIALPLAN = """
[bench-callers]
; <kind>-<queue>: this half waits in the queue, the other one does what Originate said.
exten => _wait-.,1,Answer()
 same => n,Queue(${CUT(EXTEN,-,2)})
 same => n,Hangup()
exten => _brief-.,1,Answer()
 same => n,Queue(${CUT(EXTEN,-,2)},,,,2)
 same => n,Hangup()

[bench-agents]
exten => _X.,1,Wait(0.3)
 same => n,Answer()
 same => n,Wait(${RAND(2,4)})
 same => n,Hangup()
"""

STAYS = """
SELECT i.uniqueid, q.name, v.outcome, coalesce(a.interface, ''), coalesce(s.ended_by, ''),
       i.inferred OR v.inferred OR coalesce(s.inferred, false) AS inferred
FROM ccm.interaction AS i
JOIN ccm.queue_visit AS v ON v.interaction_id = i.id
JOIN ccm.queue AS q ON q.id = v.queue_id
LEFT JOIN ccm.segment AS s ON s.interaction_id = i.id AND s.visit = v.ordinal
LEFT JOIN ccm.agent AS a ON a.id = s.agent_id
"""
OPEN = "SELECT count(*) FROM ccm.interaction WHERE ended_at IS NULL"

REFUSED = "SELECT count(*) FROM ccm.rejected_fact"
POSTMASTER = """
SELECT (regexp_match(pg_read_file('postmaster.pid'), '^[0-9]+'))[1]::int
"""

Stay = tuple[str, str, str, str]
"""Queue, outcome, interface of the agent, who ended the talk."""

ENDS = {"ABANDON", "EXITWITHTIMEOUT", "COMPLETECALLER", "COMPLETEAGENT"}


@dataclass(frozen=True)
class Load:
    """What is asked of the PBX."""

    rate: float
    seconds: float
    members: int
    queues: int
    record: bool

    @property
    def calls(self) -> int:
        """How many calls that makes."""
        return round(self.rate * self.seconds)

    def interfaces(self) -> list[str]:
        """The members."""
        return [f"Local/{100_000 + n}@bench-agents/n" for n in range(self.members)]

    def plan(self) -> Plan:
        """The PBX."""
        names = [f"q{n}" for n in range(self.queues)]
        shares = [self.interfaces()[n :: self.queues] for n in range(self.queues)]
        sections = [
            f"[{name}]\nstrategy = rrmemory\ntimeout = 15\nretry = 1\nringinuse = no\n"
            "wrapuptime = 0\njoinempty = yes\nleavewhenempty = no\nannounce-frequency = 0\n"
            + "".join(f"member => {interface}\n" for interface in share)
            for name, share in zip([*names, NOBODY], [*shares, []], strict=True)
        ]
        general = "[general]\npersistentmembers = no\nautofill = yes\nshared_lastcall = no\n"
        return Plan(
            agents=(), queues=(), dialplan=DIALPLAN,
            files={"queues.conf": "\n".join([general, *sections])},
        )  # fmt: skip


class Cpu(NamedTuple):
    """CPU seconds so far of the processes that are compared."""

    asterisk: float
    daemon: float
    postgres: float


def main() -> int:
    """Run it; the exit code says whether every call is there as it was."""
    arguments = _arguments()
    load = Load(
        arguments.rate, arguments.seconds, arguments.members, arguments.queues, arguments.record
    )
    result = asyncio.run(measure(load, lambda text: print(f"calls: {text}", file=sys.stderr)))
    print(json.dumps(result) if arguments.json else table(result))
    return 1 if result["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=60, help="calls a second")
    parser.add_argument("--seconds", type=float, default=60, help="for how long")
    parser.add_argument("--members", type=int, default=300, help="members of all queues together")
    parser.add_argument("--queues", type=int, default=3, help="queues they are spread over")
    parser.add_argument("--record", action="store_true", help="record every talk")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


# -- measuring ----------------------------------------------------------------------------------


async def measure(load: Load, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything that --json prints."""
    found = servers(say)
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as directory:
        say("starting Asterisk and the daemon")
        async with Asterisk(found, load.plan()) as pbx:
            daemon = Daemon(Path(directory), pbx, recording="always" if load.record else "never")
            # The lab's daemon tells everything; one in production does not.
            as_in_production = daemon.config.read_text().replace('"debug"', '"info"')
            daemon.config.write_text(as_in_production)
            async with daemon:
                return await follow(load, pbx, daemon, say)


async def follow(
    load: Load, pbx: Asterisk, daemon: Daemon, say: Callable[[str], None]
) -> dict[str, Any]:
    """Make the calls, wait for their end, compare."""
    url = (await daemon.ccm("db", "url")).out.strip()
    connection = await asyncpg.connect(url, timeout=DEADLINE)
    try:
        postgres = await connection.fetchval(POSTMASTER, timeout=DEADLINE)

        def cpu() -> Cpu:
            return Cpu(cpu_of(pbx.pid), cpu_of(daemon.process.pid), cpu_of_group(postgres))

        told_before, before = scrape(daemon), cpu()
        say(f"{load.calls} calls, {load.rate:g} a second")
        latest = await make_calls(load, pbx, say)
        say("waiting for the last ones to end")
        await until(lambda: ended(pbx.queue_log()) >= load.calls, DEADLINE, "all calls to end")
        await settled(connection)
        after, told = cpu(), scrape(daemon)
        stored = await connection.fetch(STAYS, timeout=DEADLINE)
        refused = await connection.fetchval(REFUSED, timeout=DEADLINE)
        versions = {
            "asterisk": await pbx.version(),
            "postgres": str(await connection.fetchval("SHOW server_version", timeout=DEADLINE)),
            "python": platform.python_version(),
        }
    finally:
        await connection.close(timeout=DEADLINE)
    used = Cpu(*(there - here for here, there in zip(before, after, strict=True)))
    lag = {bound: told.lag[bound] - told_before.lag.get(bound, 0.0) for bound in told.lag}
    logged = by_asterisk(pbx.queue_log())
    return {
        "ratio": round(used.daemon / used.asterisk, 3),
        "lag_p50_below_seconds": quantile(lag, 0.5),
        "lag_p99_below_seconds": quantile(lag, 0.99),
        "lag_max_below_seconds": quantile(lag, 1.0),
        "batches": round(lag[float("inf")]),
        "cpu_seconds": {name: round(value, 2) for name, value in used._asdict().items()},
        "daemon_max_rss_mib": round(most_memory(daemon.process.pid), 1),
        "calls": load.calls,
        "outcomes": dict(sorted(Counter(stay[1] for stay in logged.values()).items())),
        "load": asdict(load),
        "latest_call_seconds": round(latest, 3),
        "problems": problems(load, logged, stored, told, refused),
        "versions": versions,
        "cores": os.cpu_count(),
    }


async def make_calls(load: Load, pbx: Asterisk, say: Callable[[str], None]) -> float:
    """Place every call at its time; by how many seconds the latest was late."""
    loop, latest = asyncio.get_running_loop(), 0.0
    async with pbx.operator() as operator:
        began = loop.time()
        for number in range(load.calls):
            due = began + number / load.rate
            await asyncio.sleep(due - loop.time())
            latest = max(latest, loop.time() - due)
            await place(operator, number, load)
            if number and number % round(load.rate * 10) == 0:
                say(f"{number} calls placed")
    return latest


async def place(operator: Ami, number: int, load: Load) -> None:
    """One caller."""
    kind, queue = KINDS[number % len(KINDS)], f"q{number % load.queues}"
    target, stays = f"wait-{queue}", "120"
    match kind:
        case "gives up":
            target, stays = f"wait-{NOBODY}", "3"
        case "timed out":
            target = f"brief-{NOBODY}"
        case "caller ends":
            stays = "1.5"
        case _:
            pass
    await operator.action(
        "Originate",
        Channel=f"Local/{target}@bench-callers/n",
        Application="Wait",
        Data=stays,
        CallerID=f"<1202555{number % 10_000:04}>",
        Async="true",
    )


async def settled(connection: "asyncpg.Connection[Any]") -> None:
    """Wait until Postgres knows the end of every call that it knows of."""
    async with asyncio.timeout(DEADLINE):
        quiet = 0
        while quiet < 3:
            open_calls = await connection.fetchval(OPEN, timeout=DEADLINE)
            quiet = quiet + 1 if open_calls == 0 else 0
            await asyncio.sleep(0.5)


# -- looking ------------------------------------------------------------------------------------


def cpu_of(pid: int) -> float:
    """CPU seconds so far of one process, all its threads, without its children."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


def most_memory(pid: int) -> float:
    """The most resident memory that a process ever had, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kibibytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kibibytes) / 1024


@dataclass(frozen=True)
class Told:
    """What the daemon says of itself: batches by upper bound of their lag, and failings."""

    lag: Mapping[float, float]
    dropped: float
    rejected: float


def scrape(daemon: Daemon) -> Told:
    """The daemon's own metrics."""
    url = f"http://{daemon.web_address.ip}:{WEB_PORT}/metrics"
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}

    def total(name: str) -> float:
        return sum(
            sample.value for sample in families[name].samples if sample.name == f"{name}_total"
        )

    lag = {
        float(sample.labels["le"]): sample.value
        for sample in families["ccm_event_lag_seconds"].samples
        if sample.name.endswith("_bucket")
    }
    return Told(lag, total("ccm_events_dropped"), total("ccm_facts_rejected"))


def quantile(lag: Mapping[float, float], part: float) -> float:
    """The least bound below which that part of the batches were handled."""
    total = lag[float("inf")]
    return min(bound for bound, count in lag.items() if count >= part * total)


def ended(log: Sequence[QueueLogRow]) -> int:
    """Calls whose last row is there."""
    return sum(row.event in ENDS for row in log)


def by_asterisk(log: Sequence[QueueLogRow]) -> dict[str, Stay]:
    """What became of each call, as queue_log has it."""
    told: dict[str, Stay] = {}
    for row in log:
        queue, outcome, agent, ended_by = told.get(row.call, (row.queue, "", "", ""))
        match row.event:
            case "CONNECT":
                outcome, agent = "answered", row.agent
            case "COMPLETECALLER" | "COMPLETEAGENT":
                ended_by = row.event.removeprefix("COMPLETE").lower()
            case "ABANDON":
                outcome = "abandoned"
            case "EXITWITHTIMEOUT":
                outcome = "timed_out"
            case "ENTERQUEUE":
                pass
            case _:
                continue
        told[row.call] = (queue, outcome, agent, ended_by)
    return told


def problems(
    load: Load, logged: Mapping[str, Stay], stored: Sequence[Any], told: Told, refused: int
) -> list[str]:
    """Every way in which ours is not what Asterisk wrote down, the first few of each."""
    ours: dict[str, list[Stay]] = {}
    for uniqueid, queue, outcome, agent, ended_by, inferred in stored:
        ours.setdefault(uniqueid, []).append((queue, outcome, agent, ended_by))
        if inferred:
            ours[uniqueid].append((queue, "inferred", agent, ended_by))
    found = []
    if len(logged) != load.calls:
        found.append(f"{load.calls} calls were made, Asterisk's queue_log has {len(logged)}")
    wrong = {
        uniqueid: (logged.get(uniqueid), ours.get(uniqueid))
        for uniqueid in {*logged, *ours}
        if ours.get(uniqueid) != [logged.get(uniqueid)]
    }
    found += [
        f"{uniqueid}: queue_log {theirs}, stored {here}"
        for uniqueid, (theirs, here) in sorted(wrong.items())[:SHOWN]
    ]
    if len(wrong) > SHOWN:
        found.append(f"… and {len(wrong) - SHOWN} more")
    found += [
        f"{round(number)} {what}"
        for what, number in (
            ("events dropped", told.dropped),
            ("facts rejected", told.rejected),
            ("rows in ccm.rejected_fact", refused),
        )
        if number
    ]
    return found


# -- telling ------------------------------------------------------------------------------------


def table(result: Mapping[str, Any]) -> str:
    """The same for people."""
    load, cpu = result["load"], result["cpu_seconds"]
    versions = ", ".join(f"{name} {one}" for name, one in result["versions"].items())
    outcomes = ", ".join(f"{count:,} {name}" for name, count in result["outcomes"].items())
    rows = (
        ("CPU of Asterisk, s", cpu["asterisk"]),
        ("CPU of the daemon, s", cpu["daemon"]),
        ("CPU of Postgres, s", cpu["postgres"]),
        ("batches of events", result["batches"]),
        ("lag in half of them below, s", result["lag_p50_below_seconds"]),
        ("lag in 99 % of them below, s", result["lag_p99_below_seconds"]),
        ("lag in all of them below, s", result["lag_max_below_seconds"]),
        ("most memory of the daemon, MiB", result["daemon_max_rss_mib"]),
        ("latest call was late by, s", result["latest_call_seconds"]),
    )
    lines = [
        f"{result['calls']:,} calls, {load['rate']:g} a second, {load['members']} members in "
        f"{load['queues']} queues, recorded: {'all' if load['record'] else 'none'}",
        outcomes,
        f"{versions}, {result['cores']} cores",
        "",
        *(f"{title:<34}{value:>12,}" for title, value in rows),
        "",
        f"ratio {result['ratio']}: the daemon's CPU through Asterisk's",
        *(f"WRONG: {problem}" for problem in result["problems"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
