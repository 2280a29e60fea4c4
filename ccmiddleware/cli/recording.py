"""``ccm recording``: which recordings there are, where their files are, whether they are whole."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import (
    Moment,
    agent_option,
    check_period,
    limit,
    period,
    queue_option,
)
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.cli.recording_files import Checked

PAGE = 500
STATES = ("expected", "recording", "finished", "missing", "failed", "deleted")
"""facts.RecordingState; a test holds that they are the same."""

LIST = (
    Column("started_at", "BEGAN", "time"),
    Column("interaction", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("queue", "QUEUE"),
    Column("agent", "AGENT"),
    Column("state", "STATE"),
    Column("seconds", "LENGTH", "span"),
    Column("bytes", "BYTES", "number"),
    Column("error", "ERROR"),
)
WRONG = (
    Column("verdict", "PROBLEM"),
    Column("node", "NODE"),
    Column("interaction", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("path", "PATH"),
    Column("why", "WHY"),
)


@click.group("recording", epilog="Example:  ccm recording list --since today")
def command() -> None:
    """Recordings: which there are, where the files are, whether they are whole."""


@command.command("list", epilog="Example:  ccm recording list --since 7d --state missing")
@period("24h")
@queue_option
@agent_option
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    queue: str | None,
    agent: str | None,
    state: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the recordings that began in a period, newest first."""
    begin, end = check_period(since, until)
    rows = run(_list(app, begin, end, queue, agent, state, limit + 1))
    shown = rows[:limit]
    emit(shown, LIST, as_json=as_json, empty="no recording fits that began in this period")
    if len(rows) > limit:
        say(f"only the newest {limit}; --limit shows more")


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_recordings", *arguments)]


@command.command("path", epilog='Example:  aplay "$(ccm recording path 1764277200.42)"')
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def path(app: App, id_: str, as_json: bool) -> int:
    """Print where the recordings of an interaction are, one absolute path a line.

    ID is an id as `ccm interaction list` shows it, or Asterisk's linked id. Exit code 1 if there is
    none, or a file is not there.
    """
    rows = run(_recordings(app, id_))
    found = [_located(app, row) for row in rows]
    if as_json:
        emit_json(found)
    for each in found:
        if not as_json and each["path"] is not None:
            emit_text(str(each["path"]))
        if each["why"]:
            say(f"segment {each['segment']}: {each['why']}")
    if not found:
        raise NothingFound("this interaction has no recording")
    return 0 if all(each["exists"] for each in found) else 1


async def _recordings(app: App, text: str) -> list[dict[str, Any]]:
    from ccmiddleware.cli.interaction import find

    async with opened(app) as database:
        row = await find(database, text)
        return [dict(each) for each in await database.fetch("show_recordings", row["id"])]


def _located(app: App, row: Mapping[str, Any]) -> dict[str, Any]:
    """Where the file of a row is. ``path`` is null when it must not be followed."""
    from ccmiddleware.cli.recording_files import Refused, locate

    found = {"segment": row["segment"], "state": row["state"], "path": None, "exists": False}
    directory = _directories(app).get(row["node"])
    if directory is None:
        return {**found, "why": f"node {row['node']} is not in the configuration"}
    try:
        path = locate(directory, row["path"])
        exists = path.is_file()
    except (Refused, OSError) as error:
        return {**found, "why": str(error)}
    why = "" if exists else f"no such file (the recording is {row['state']}) {row['error']}".strip()
    return {**found, "path": path, "exists": exists, "why": why}


def _directories(app: App) -> dict[str, Path]:
    return {node.name: node.recordings for node in app.settings().node}


@command.command("verify", epilog="Example:  ccm recording verify --since 7d --json")
@click.option("--since", type=Moment(), help="Only what began since then; all if not given.")
@json_option
@pass_app
def verify(app: App, since: datetime | None, as_json: bool) -> int:
    """Read every recording again and compare it with the database. Exit code 1 if any is wrong.

    Found are: files that are missing or were changed; recordings that never ended, that the daemon
    found missing or that Asterisk refused; paths that lead out of the recording directory; and
    files named like ours to which no row belongs. Nothing is changed.
    """
    counts, wrong = run(_verify(app, since))
    rows = [_row(each) for each in wrong]
    number = sum(counts.values())
    if as_json:
        emit_json({"checked": number, "verdicts": counts, "wrong": rows})
    else:
        if rows:
            emit(rows, WRONG, as_json=False, empty="")
        parts = [f"{times} {verdict}" for verdict, times in sorted(counts.items())]
        emit_text(f"checked {number}: {', '.join(parts) or 'nothing to check'}")
    return 1 if wrong else 0


def _row(checked: "Checked") -> dict[str, Any]:
    return {
        "verdict": checked.verdict,
        "node": checked.node,
        "interaction": checked.interaction,
        "segment": checked.segment,
        "path": checked.path,
        "why": checked.why,
    }


async def _verify(app: App, since: datetime | None) -> tuple[Counter[str], list["Checked"]]:
    """How many of each verdict, and what is wrong."""
    import asyncio

    from ccmiddleware.cli import recording_files as files

    now = utc_now()
    directories = _directories(app)
    counts: Counter[str] = Counter()
    wrong: list[Checked] = []
    async with opened(app) as database:
        total = (await database.fetch("show_recording_count", since))[0]["total"]
        with _progress(total) as advance:
            async for row in _pages(database, since):
                directory = directories.get(row["node"])
                checked = await asyncio.to_thread(files.verify, row, directory, now)
                counts[checked.verdict] += 1
                wrong += [checked] if checked.wrong else []
                advance()
        for directory in sorted(set(directories.values())):
            nodes = sorted(name for name, place in directories.items() if place == directory)
            orphans = await _orphans(database, nodes, directory, since, now)
            counts["orphan"] += len(orphans)
            wrong += orphans
    return +counts, wrong


async def _pages(database: Any, since: datetime | None) -> AsyncIterator[dict[str, Any]]:
    after: tuple[UUID, int] = (UUID(int=0), -1)
    while True:
        rows = await database.fetch("list_recordings_after", *after, since, PAGE)
        for row in rows:
            yield dict(row)
        if len(rows) < PAGE:
            return
        after = (rows[-1]["interaction_id"], rows[-1]["segment"])


async def _orphans(
    database: Any, nodes: list[str], directory: Path, since: datetime | None, now: datetime
) -> list["Checked"]:
    """Files named like ours to which no row of these nodes belongs."""
    from ccmiddleware.cli.recording_files import Checked, our_files

    found = []
    for page in _in_pages(our_files(directory, since, now)):
        ids = sorted({id_ for id_, _ in page})
        paths = [path for _, path in page]
        known = {
            row["path"] for row in await database.fetch("list_recordings_at", nodes, ids, paths)
        }
        found += [
            Checked(
                "orphan",
                str(id_),
                None,
                ", ".join(nodes),
                path,
                "no recording in the database has it",
            )
            for id_, path in page
            if path not in known
        ]
    return found


def _in_pages(found: Iterable[tuple[UUID, str]]) -> Iterator[list[tuple[UUID, str]]]:
    page: list[tuple[UUID, str]] = []
    for each in found:
        page.append(each)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on standard error while files are read; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading recordings", total=total)
        yield lambda: progress.advance(task)
