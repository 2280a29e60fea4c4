"""How fast leads come into a campaign, beside a plain COPY of the same rows.

    python bench/leads.py [--rows N] [--rounds N] [--processes N] [--attempts N] [--json]

A file of leads is made (`lead_rows`: numbers of the US as people write them, a third of the rows
with a second one, addresses with some, custom fields, and one row in fifty that must be refused).
In turns, each time into a new database of a real Postgres (the embedded one, default settings):

* `ccm lead import` brings it in, as a user does it: a program of its own, whose start counts, that
  finds out encoding and delimiter, validates every number, works out where each party may be,
  compares with the file, the campaign and the do-not-call list, and copies the leads in;
* what that stored is copied into the same tables, indexes and constraints by COPY, with nothing
  looked at.

Figures are medians of the rounds; ``ratio`` is our rate through that of COPY. Then leads are
claimed among as many, with so many attempts before (``lead_claims``); ``--attempts 0`` leaves that
out. A run in which what is stored is not what the file says, or a claim is not whole, exits with
code 1.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from lead_claims import claim_rates
from lead_rows import Written, write

from ccmiddleware import logs
from ccmiddleware.config import LogSettings
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.migrations import migrate

Say = Callable[[str], None]

DEADLINE = 900.0
"""Seconds after which a turn counts as stuck."""

LISTED = 20_000
"""Entries on the do-not-call list, of numbers that the file does not have."""

AIM = 10_000
"""Rows a second, with a million rows, on two cores."""

TABLES = ("place", "lead_import", "lead", "lead_number")
STORED = """
SELECT (SELECT count(*) FROM ccm.lead) AS leads, (SELECT count(*) FROM ccm.lead_number) AS numbers,
       (SELECT count(DISTINCT place_id) FROM ccm.lead_number) AS places,
       (SELECT count(*) FROM ccm.lead_number AS n JOIN ccm.lead AS l ON l.id = n.lead_id
        WHERE n.ordinal = 1 AND n.place_id <> l.place_id) AS elsewhere
"""


def main() -> int:
    """Run it; the exit code says whether every lead is there as it was written."""
    arguments = _arguments()
    with tempfile.TemporaryFile("w+") as told:
        logs.configure(LogSettings(), told)  # what the start of Postgres says is of no matter here
        result = asyncio.run(
            measure(arguments, lambda text: print(f"leads: {text}", file=sys.stderr))
        )
    print(json.dumps(result) if arguments.json else table(result))
    return 1 if result["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each kind")
    parser.add_argument(
        "--processes", type=int, help="that check rows; as ccm chooses if not given"
    )
    parser.add_argument(
        "--attempts", type=int, help="made before leads are claimed; five a row if not given"
    )
    parser.add_argument("--seconds", type=float, default=15, help="for which leads are claimed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.attempts is None:
        arguments.attempts = 5 * arguments.rows
    if not 0 <= arguments.attempts <= 12 * arguments.rows:
        parser.error("--attempts: from 0 to twelve for each row")
    return arguments


# -- measuring ----------------------------------------------------------------------------------


async def measure(arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Everything that --json prints."""
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as directory:
        place = Path(directory)
        say(f"writing {arguments.rows:,} rows")
        written = write(place / "leads.csv", arguments.rows)
        postgres = EmbeddedPostgres(place / "state")
        try:
            await postgres.start()
            imported = await import_rates(arguments, place, postgres, written, say)
            problems = imported.pop("problems")
            claims = None
            if arguments.attempts:
                url = await new_database(postgres)
                claims = await claim_rates(
                    url, arguments.rows, arguments.attempts, arguments.seconds, say
                )
                problems += claims.pop("problems")
            return {
                "ratio": imported["ratio"],
                "rows": written.rows,
                "rounds": arguments.rounds,
                "import": imported,
                "claims": claims,
                "problems": problems,
                "versions": await versions(postgres),
                "cores": len(os.sched_getaffinity(0)),
                "load": round(os.getloadavg()[0], 1),
            }
        finally:
            await postgres.stop()


async def import_rates(
    arguments: argparse.Namespace,
    place: Path,
    postgres: EmbeddedPostgres,
    written: Written,
    say: Say,
) -> dict[str, Any]:
    """The two in turns."""
    ours, plain, cpu = [], [], []
    peak = 0
    problems: list[str] = []
    for number in range(arguments.rounds):
        first, second = await new_database(postgres), await new_database(postgres)
        say(f"round {number + 1}: ccm lead import")
        seconds, used, told = await imported(first, place, arguments.processes)
        ours.append(written.rows / seconds)
        cpu.append(used / written.rows * 1e6)
        problems += await wrong(first, written, told)
        peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
        say(f"round {number + 1}: COPY")
        plain.append(written.rows / await copied(first, second, place))
    mine, best = statistics.median(ours), statistics.median(plain)
    return {
        "ratio": round(mine / best, 3),
        "rows_per_second": round(mine),
        "copy_rows_per_second": round(best),
        "aim_rows_per_second": AIM,
        "cpu_us_per_row": round(statistics.median(cpu), 1),
        "peak_mib": peak,
        "leads": written.leads,
        "numbers": written.numbers,
        "rounds": [round(one) for one in ours],
        "copy_rounds": [round(one) for one in plain],
        "problems": problems,
    }


async def imported(
    url: str, place: Path, processes: int | None
) -> tuple[float, float, dict[str, Any]]:
    """Seconds, CPU seconds of the program with its processes, and what it told."""
    config = place / "ccm.toml"
    config.write_text(
        f'state_dir = "{place}"\n[database]\nurl = "{url}"\n'
        '[[node]]\nname = "pbx1"\n[node.ami]\nsecret = "none"\n'
    )
    config.chmod(0o600)
    command = [sys.executable, "-m", "ccmiddleware", "--config", str(config), "lead", "import",
               str(place / "leads.csv"), "--campaign", "bench",
               "--region", "US", "--json"]  # fmt: skip
    if processes is not None:
        command += ["--processes", str(processes)]
    before = _cpu_of_children()
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
    seconds = time.perf_counter() - begun
    if process.returncode != 0:
        raise SystemExit(f"ccm lead import ended with {process.returncode}")
    return seconds, _cpu_of_children() - before, json.loads(told)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def wrong(url: str, written: Written, told: dict[str, Any]) -> list[str]:
    """What is stored, or was told, and is not what the file says."""
    connection = await asyncpg.connect(url, timeout=DEADLINE)
    try:
        stored = dict(await connection.fetchrow(STORED, timeout=DEADLINE) or {})
    finally:
        await connection.close(timeout=DEADLINE)
    found = []
    for key, wanted in (("leads", written.leads), ("numbers", written.numbers)):
        if stored[key] != wanted or told[key] != wanted:
            found.append(f"{stored[key]} {key} stored, {told[key]} told, {wanted} written")
    if told["rows"] != written.rows or told["rejected"] != written.rejected:
        found.append(f"{told['rows']} rows, refused {told['rejected']}, not {written.rejected}")
    if stored["elsewhere"]:
        found.append(f"{stored['elsewhere']} leads with the place of another number")
    return found


async def copied(first: str, second: str, place: Path) -> float:
    """Seconds that a plain COPY of what the first database has takes in the second."""
    source = await asyncpg.connect(first, timeout=DEADLINE)
    target = await asyncpg.connect(second, timeout=DEADLINE)
    try:
        for name in TABLES:
            await source.copy_from_table(
                name, schema_name="ccm", output=place / name, timeout=DEADLINE
            )
        columns = await source.fetch(
            "SELECT id, created_by FROM ccm.campaign WHERE name = 'bench'", timeout=DEADLINE
        )
        await target.execute("UPDATE ccm.campaign SET id = $1", columns[0]["id"], timeout=DEADLINE)
        begun = time.perf_counter()
        async with target.transaction():
            for name in TABLES:
                await target.copy_to_table(
                    name, schema_name="ccm", source=place / name, timeout=DEADLINE
                )
        return time.perf_counter() - begun
    finally:
        await source.close(timeout=DEADLINE)
        await target.close(timeout=DEADLINE)


async def new_database(postgres: EmbeddedPostgres) -> str:
    """The address of a new database of ours with a campaign and a do-not-call list."""
    connection = await asyncpg.connect(postgres.url, timeout=DEADLINE)
    try:
        count = await connection.fetchval("SELECT count(*) FROM pg_database", timeout=DEADLINE)
        await connection.execute(f"CREATE DATABASE bench{count}", timeout=DEADLINE)
    finally:
        await connection.close(timeout=DEADLINE)
    url = urlunsplit(urlsplit(postgres.url)._replace(path=f"/bench{count}"))
    await migrate(url)
    connection = await asyncpg.connect(url, timeout=DEADLINE)
    try:
        await connection.execute(
            "INSERT INTO ccm.campaign (name, created_by, state_by) VALUES ('bench', 'b', 'b')",
            timeout=DEADLINE,
        )
        await connection.execute(
            "INSERT INTO ccm.dnc_entry (number, source, added_by, added_version) "
            "SELECT '+4420' || n, 'national', 'b', 1 FROM generate_series(70000000, $1) AS n",
            70_000_000 + LISTED,
            timeout=DEADLINE,
        )
    finally:
        await connection.close(timeout=DEADLINE)
    return url


async def versions(postgres: EmbeddedPostgres) -> dict[str, str]:
    """What it ran against."""
    connection = await asyncpg.connect(postgres.url, timeout=DEADLINE)
    try:
        server = str(await connection.fetchval("SHOW server_version", timeout=DEADLINE))
    finally:
        await connection.close(timeout=DEADLINE)
    return {
        "postgres": server,
        "python": platform.python_version(),
        "asyncpg": version("asyncpg"),
        "phonenumbers": version("phonenumbers"),
    }


# -- telling ------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    """The same for people."""
    one = result["import"]
    told = ", ".join(f"{name} {which}" for name, which in result["versions"].items())
    lines = [
        f"{result['rows']:,} rows ({one['leads']:,} leads, {one['numbers']:,} numbers), "
        f"{result['rounds']} rounds, medians",
        f"{told}, {result['cores']} cores, load {result['load']}",
        "",
        f"{'rows a second':<20}{'ccm lead import':>16}{'COPY':>12}{'aim':>10}{'ratio':>8}",
        f"{'':<20}{one['rows_per_second']:>16,}{one['copy_rows_per_second']:>12,}"
        f"{one['aim_rows_per_second']:>10,}{one['ratio']:>8}",
        "",
        f"CPU of ccm for a row: {one['cpu_us_per_row']} us; at most {one['peak_mib']} MiB",
        f"ratio {result['ratio']}",
    ]
    if (claims := result["claims"]) is not None:
        lines += [
            "",
            f"claims a second, {claims['leads']:,} leads, {claims['attempts']:,} attempts before",
            f"  with permit, {claims['claimers']} claimers: {claims['claims_per_second']:,}; "
            f"one claimer: {claims['claims_per_second_one_claimer']:,}",
            f"  plain, {claims['claimers']} claimers: {claims['plain_claims_per_second']:,}; "
            f"ratio {claims['ratio']}",
        ]
    return "\n".join([*lines, *(f"WRONG: {problem}" for problem in result["problems"])])


if __name__ == "__main__":
    sys.exit(main())
