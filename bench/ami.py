"""What following calls costs: the whole daemon beside a bare panoramisk listener, on one stream.

    python bench/ami.py [--events N] [--rounds N] [--used-only] [--pace N] [--json]

A recorded AMI stream of real calls (data/calls.ami.gz) is sent over TCP on loopback by a process
of its own, in turns to

* the daemon as it runs in production: AMI link, call machine, presence, recorder (policy never),
  journal on disk with fsync, and a real Postgres (the embedded one, default settings);
* a bare panoramisk Manager with one callback for every event, which stores nothing.

Figures are medians of the rounds. ``ratio`` is CPU per event of the daemon through that of the bare
listener; an event is one that was sent, whether the receiver cares for it or not. Postgres' CPU
is told beside it. A run in which Postgres does not hold every call as it was exits with code 1.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg
from ami_stream import Expected, Prepared, prepare

from ccmiddleware import logs
from ccmiddleware.config import AmiSettings, LogSettings
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.migrations import migrate

HERE = Path(__file__).parent
DEADLINE = 300.0
"""Seconds after which a client counts as stuck."""

FAILINGS = ("rejected", "dropped", "malformed")
"""What the daemon counts and none of which may happen here."""

STORED = {
    "interactions": "SELECT count(*) FROM ccm.interaction WHERE node_id = $1 AND state = 'ended'"
    " AND ended_at IS NOT NULL AND NOT inferred",
    "visits": "SELECT count(*) FROM ccm.queue_visit AS v JOIN ccm.queue AS q ON q.id = v.queue_id"
    " WHERE q.node_id = $1 AND v.left_at IS NOT NULL AND NOT v.inferred",
    "offers": "SELECT count(*) FROM ccm.offer AS o JOIN ccm.agent AS a ON a.id = o.agent_id"
    " WHERE a.node_id = $1 AND o.ended_at IS NOT NULL",
    "segments": "SELECT count(*) FROM ccm.segment AS s JOIN ccm.agent AS a ON a.id = s.agent_id"
    " WHERE a.node_id = $1 AND s.ended_at IS NOT NULL AND NOT s.inferred",
}
"""Rows that are there and closed, nothing of them inferred."""

OUTCOMES = "SELECT outcome, count(*) FROM ccm.interaction WHERE node_id = $1 GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True)
class Round:
    """What both sides took for one turn, in seconds, and what was wrong with the daemon's."""

    daemon: dict[str, Any]
    bare: dict[str, Any]
    postgres_cpu: float
    stored: Expected
    problems: list[str]


def main() -> int:
    """Run the benchmark; the exit code says whether the daemon kept every call."""
    arguments = _arguments()
    # Nothing below warning: our lines would stand between the figures.
    logs.configure(LogSettings(level="warning"))
    prepared = prepare(arguments.events, int(time.time()), used_only=arguments.used_only)
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as directory:
        rounds, postgres = asyncio.run(measure(prepared, arguments, Path(directory)))
    stream = {"used_only": arguments.used_only, "pace": arguments.pace}
    result = summary(prepared, rounds, postgres) | stream
    print(json.dumps(result) if arguments.json else table(result))
    return 1 if result["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=60_000, help="events sent in each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of both sides")
    parser.add_argument(
        "--used-only", action="store_true", help="the hardest stream: no event that is skipped"
    )
    parser.add_argument(
        "--pace", type=int, default=0, help="events sent a second; 0, the usual: as fast as it goes"
    )
    parser.add_argument(
        "--queue-size",
        type=int,
        default=AmiSettings.model_fields["queue_size"].default,
        help="events that the daemon keeps waiting at most; with few it must lose some",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


# -- measuring ----------------------------------------------------------------------------------


async def measure(
    prepared: Prepared, arguments: argparse.Namespace, directory: Path
) -> tuple[list[Round], str]:
    """Both sides in turns. Returns the rounds and the version of Postgres."""
    stream = directory / "stream"
    stream.write_bytes(prepared.data)
    server = EmbeddedPostgres(directory / "state")
    url = await server.start()
    try:
        await migrate(url)
        connection = await asyncpg.connect(url, timeout=DEADLINE)
        try:
            with sending(stream, arguments.pace) as port:
                task = {"port": port, "url": url, "queue_size": arguments.queue_size}
                done = [
                    await one_round(number, prepared, task, server.pid or 0, connection)
                    for number in range(arguments.rounds)
                ]
            return done, str(await connection.fetchval("SHOW server_version", timeout=DEADLINE))
        finally:
            await connection.close(timeout=DEADLINE)
    finally:
        await server.stop()


@contextmanager
def sending(stream: Path, pace: int) -> Iterator[int]:
    """A sender of this file; its port."""
    program = [sys.executable, str(HERE / "ami_sender.py"), str(stream), str(pace)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as sender:
        try:
            assert sender.stdout is not None  # noqa: S101 - for the type checker
            yield int(sender.stdout.readline())
        finally:
            sender.kill()


async def one_round(
    number: int,
    prepared: Prepared,
    task: dict[str, Any],
    postgres: int,
    connection: "asyncpg.Connection[Any]",
) -> Round:
    """One turn of each side. Each has its own process; the daemon a new node and journal."""
    node = f"bench{number}"
    bare = await client("bare", task)
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as state_dir:
        before = cpu_of_group(postgres)
        daemon = await client("daemon", task | {"node": node, "state_dir": state_dir})
        after = cpu_of_group(postgres)
    stored = await look(connection, node)
    problems = []
    if bare["events"] != prepared.events:
        problems.append(f"the bare listener saw {bare['events']} of {prepared.events} events")
    problems += [f"{daemon[key]} {key}" for key in FAILINGS if daemon[key]]
    if stored != prepared.expected:
        problems.append(f"stored {asdict(stored)}, sent {asdict(prepared.expected)}")
    problems = [f"round {number + 1}: {problem}" for problem in problems]
    return Round(daemon, bare, after - before, stored, problems)


async def client(side: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run one side to its end; what it measured. Raises RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "ami_client.py"),
        side,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            told, _ = await process.communicate(json.dumps(task).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the {side} client failed with exit code {process.returncode}")
    result: dict[str, Any] = json.loads(told)
    return result


def cpu_of_group(leader: int) -> float:
    """CPU seconds so far of a process, its children, and those of them that have ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended just now; its parent has its time
        # proc(5): state, ppid, … utime, stime, cutime, cstime
        if entry.name == str(leader):
            ticks += sum(map(int, words[11:15]))
        elif words[1] == str(leader):
            ticks += sum(map(int, words[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def look(connection: "asyncpg.Connection[Any]", node: str) -> Expected:
    """What Postgres has of a node."""
    node_id = await connection.fetchval(
        "SELECT id FROM ccm.node WHERE name = $1", node, timeout=DEADLINE
    )
    counts = {
        name: await connection.fetchval(sql, node_id, timeout=DEADLINE)
        for name, sql in STORED.items()
    }
    outcomes = await connection.fetch(OUTCOMES, node_id, timeout=DEADLINE)
    return Expected(**counts, outcomes={str(row[0]): row[1] for row in outcomes})


# -- telling ------------------------------------------------------------------------------------


def summary(prepared: Prepared, rounds: list[Round], postgres: str) -> dict[str, Any]:
    """The one object that --json prints. Times in CPU microseconds for each event sent."""
    events = prepared.events
    daemon = _side([one.daemon for one in rounds], events)
    bare = _side([one.bare for one in rounds], events)
    daemon["facts"] = rounds[-1].daemon["facts"]
    daemon["facts_per_second"] = round(
        statistics.median(one.daemon["facts"] / one.daemon["wall_seconds"] for one in rounds)
    )
    daemon["read_events_per_second"] = round(
        statistics.median(events / one.daemon["read_seconds"] for one in rounds)
    )
    daemon["postgres_cpu_us_per_event"] = round(
        statistics.median(one.postgres_cpu for one in rounds) / events * 1e6, 2
    )
    return {
        "ratio": round(daemon["cpu_us_per_event"] / bare["cpu_us_per_event"], 2),
        "daemon": daemon,
        "bare": bare,
        "events": events,
        "repetitions": prepared.repetitions,
        "rounds": len(rounds),
        "ratios": [round(one.daemon["cpu_seconds"] / one.bare["cpu_seconds"], 2) for one in rounds],
        "expected": asdict(prepared.expected),
        "stored": asdict(rounds[-1].stored),
        "problems": [problem for one in rounds for problem in one.problems],
        "recording_policy": "never",
        "versions": {
            "python": platform.python_version(),
            "postgres": postgres,
            "panoramisk": version("panoramisk"),
            "asyncpg": version("asyncpg"),
        },
        "cores": os.cpu_count(),
    }


def _side(turns: list[dict[str, Any]], events: int) -> dict[str, Any]:
    return {
        "cpu_us_per_event": round(
            statistics.median(turn["cpu_seconds"] for turn in turns) / events * 1e6, 2
        ),
        "events_per_second": round(
            statistics.median(events / turn["wall_seconds"] for turn in turns)
        ),
        "max_rss_mib": round(max(turn["max_rss_mib"] for turn in turns), 1),
    }


def table(result: dict[str, Any]) -> str:
    """The same for people."""
    daemon, bare, stored = result["daemon"], result["bare"], result["stored"]
    versions = ", ".join(f"{name} {one}" for name, one in result["versions"].items())
    rows = [("", "daemon", "bare panoramisk")]
    rows += [
        (title, f"{daemon[key]:,}", f"{bare[key]:,}")
        for title, key in (
            ("CPU us for each event", "cpu_us_per_event"),
            ("events a second", "events_per_second"),
            ("most memory, MiB", "max_rss_mib"),
        )
    ]
    rows += [
        (title, f"{daemon[key]:,}", "-")
        for title, key in (
            ("Postgres' CPU us for each event", "postgres_cpu_us_per_event"),
            ("events a second, read alone", "read_events_per_second"),
            ("facts stored a second", "facts_per_second"),
        )
    ]
    lines = [
        f"{result['events']:,} events of {stored['interactions']:,} calls "
        f"({result['repetitions']} repetitions), {result['rounds']} rounds, medians; "
        f"recording policy {result['recording_policy']}"
        + (", events that the daemon skips left out" if result["used_only"] else "")
        + (f", {result['pace']:,} events sent a second" if result["pace"] else ""),
        f"{versions}, {result['cores']} cores",
        "",
        *(f"{title:<34}{ours:>12}{theirs:>18}" for title, ours, theirs in rows),
        "",
        f"ratio {result['ratio']} (rounds: {', '.join(map(str, result['ratios']))})",
        f"stored: {stored}",
        *(f"WRONG: {problem}" for problem in result["problems"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
