"""``ccm recording verify``: every recording against its row, and files that no row explains."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.options import Moment
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.recording_files import (
    SETTLING,
    Checked,
    directories,
    known_object,
    known_paths,
    our_files,
    verify_object,
)
from ccmiddleware.cli.recording_files import verify as verify_file
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.recordings.bucket import Bucket

PAGE = 500
WRONG = (
    Column("verdict", "PROBLEM"),
    Column("node", "NODE"),
    Column("interaction", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("path", "PATH"),
    Column("why", "WHY"),
)


@click.command("verify", epilog="Example:  ccm recording verify --since 7d --json")
@click.option("--since", type=Moment(), help="Only what began since then; all if not given.")
@click.option("--quick", is_flag=True, help="Compare sizes only; read no file and no object.")
@json_option
@pass_app
def verify(app: App, since: datetime | None, quick: bool, as_json: bool) -> int:
    """Read every recording again and compare it with the database. Exit code 1 if any is wrong.

    Found are: files and objects that are missing or were changed; recordings that never ended, that
    the daemon found missing or that Asterisk refused; paths that lead out of the recording
    directory; and files and objects named like ours to which no row belongs. Nothing is changed.
    """
    counts, wrong = run(_verify(app, since, quick))
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


def _row(checked: Checked) -> dict[str, Any]:
    return {
        "verdict": checked.verdict,
        "node": checked.node,
        "interaction": checked.interaction,
        "segment": checked.segment,
        "path": checked.path,
        "why": checked.why,
    }


async def _verify(
    app: App, since: datetime | None, quick: bool
) -> tuple[Counter[str], list[Checked]]:
    """How many of each verdict, and what is wrong."""
    import asyncio

    now = utc_now()
    places = directories(app)
    bucket = bucket_of(app)
    counts: Counter[str] = Counter()
    wrong: list[Checked] = []

    def note(checked: Checked) -> None:
        counts[checked.verdict] += 1
        wrong.extend([checked] if checked.wrong else [])

    async with opened(app) as database:
        total = (await database.fetch("show_recording_count", since))[0]["total"]
        with progress(total, "reading recordings") as advance:
            async for row in _pages(database, since):
                directory = places.get(row["node"])
                checked = await asyncio.to_thread(verify_file, row, directory, now, quick=quick)
                if row["object"] is not None and not checked.wrong:
                    checked = await verify_object(row, bucket, quick=quick)
                note(checked)
                advance()
        for directory in sorted(set(places.values())):
            nodes = sorted(name for name, place in places.items() if place == directory)
            async for orphan in _orphans(database, nodes, directory, since, now):
                note(orphan)
        if bucket is not None:
            async for orphan in _orphaned_objects(database, bucket, since, now):
                note(orphan)
    return +counts, wrong


def bucket_of(app: App) -> "Bucket | None":
    """The bucket of the configuration, if there is one."""
    store = app.settings().recording_store
    if store is None:
        return None
    from ccmiddleware.recordings.bucket import Bucket

    return Bucket(store)


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
) -> AsyncIterator[Checked]:
    """Files named like ours that no row of these nodes explains."""
    for page in _in_pages(our_files(directory, since, now)):
        ids = sorted({id_ for id_, _ in page})
        known: set[str] = set()
        for row in await database.fetch("list_recordings_of", nodes, ids):
            known |= known_paths(row)
        for id_, path in page:
            if path not in known:
                why = "no recording in the database has it"
                yield Checked("orphan", str(id_), None, ", ".join(nodes), path, why)


async def _orphaned_objects(
    database: Any, bucket: "Bucket", since: datetime | None, now: datetime
) -> AsyncIterator[Checked]:
    """Objects under our prefix, named like ours, that no row explains."""
    from ccmiddleware.recordings.files import OUR_NAME

    found: list[tuple[UUID, str]] = []
    async for each in bucket.list():
        name = OUR_NAME.fullmatch(PurePosixPath(each.key).name)
        settling = each.modified > now - SETTLING
        if name is not None and not settling and (since is None or each.modified >= since):
            found.append((UUID(name["id"]), each.key))
        if len(found) == PAGE:
            async for orphan in _unexplained(database, bucket, found):
                yield orphan
            found = []
    async for orphan in _unexplained(database, bucket, found):
        yield orphan


async def _unexplained(
    database: Any, bucket: "Bucket", page: list[tuple[UUID, str]]
) -> AsyncIterator[Checked]:
    ids = sorted({id_ for id_, _ in page})
    rows = await database.fetch("list_recordings_of", None, ids) if ids else []
    for id_, key in page:
        address = bucket.address(key)
        if not any(known_object(row, key, address) for row in rows):
            why = "no recording in the database has it"
            yield Checked("orphan", str(id_), None, "", address, why)


def _in_pages(found: Iterator[tuple[UUID, str]]) -> Iterator[list[tuple[UUID, str]]]:
    page: list[tuple[UUID, str]] = []
    for each in found:
        page.append(each)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


@contextmanager
def progress(total: int, what: str) -> Iterator[Any]:
    """A bar on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
