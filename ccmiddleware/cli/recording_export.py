"""``ccm recording export``: files of a period into a directory, with a manifest that proves them.

File names are made of our ids alone. Each file is written under another name, compared with the
hash in the database while it is copied, synced and renamed; so what has its name is whole, and a
second run only copies what is not there. The manifest tells of everything that was ever exported
into the directory; nothing in it can be a formula (``reports.render``).
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import Moment, agent_option, check_period, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.recording_files import directories
from ccmiddleware.cli.recording_verify import bucket_of, progress
from ccmiddleware.cli.when import local_zone
from ccmiddleware.errors import CcmError, PermanentError, TemporaryError

if TYPE_CHECKING:
    from ccmiddleware.recordings.bucket import Bucket

PAGE = 500
CSV, JSON_LINES = "manifest.csv", "manifest.jsonl"
FIELDS = (
    "interaction", "segment", "node", "queue", "agent", "caller", "start", "seconds", "bytes",
    "sha256", "path",
)  # fmt: skip
"""Columns of the manifest. ``path`` is relative to its directory."""

WRONG = (
    Column("verdict", "PROBLEM"),
    Column("interaction", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("why", "WHY"),
)
Verdict = Literal["copied", "there", "missing", "changed", "deleted", "unfinished"]
FAULTS = ("missing", "changed")


class Other(CcmError):
    """The directory holds something that is not ours."""


@dataclass(frozen=True)
class Exported:
    """What came of one recording."""

    verdict: Verdict
    row: Mapping[str, Any]
    name: str = ""
    why: str = ""


@click.command(
    "export",
    epilog="Example:  ccm recording export --since 2026-03-01 --until 2026-04-01 --queue support "
    "--to /mnt/march",
)
@click.option("--since", type=Moment(), help="Begin of the period; 2026-03-01, yesterday, 7d …")
@click.option("--until", type=Moment(), help="End of the period, not included; now if not given.")
@click.option("--interaction", "id_", help="Those of this interaction, instead of a period.")
@queue_option
@agent_option
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory for the files; it is made if it is not there.",
)
@json_option
@pass_app
def export(
    app: App,
    since: datetime | None,
    until: datetime | None,
    id_: str | None,
    queue: str | None,
    agent: str | None,
    target: Path,
    as_json: bool,
) -> int:
    """Copy recordings into a directory, also from the bucket, with manifest.csv and manifest.jsonl.

    Hashes are compared while copying. A second run copies only what is not there yet. Exit code 1
    when a recording is missing or not what it was; those that were deleted when their time was
    over, or are not finished yet, are counted and no fault.
    """
    if (since is None) == (id_ is None):
        raise click.UsageError("say which: --since TIME, or --interaction ID")
    begin, end = check_period(since or datetime.fromisoformat("1970-01-01T00:00Z"), until)
    found = run(_export(app, begin, end, queue, agent, id_, target))
    counts = Counter(each.verdict for each in found)
    wrong = [_wrong(each) for each in found if each.verdict in FAULTS]
    if as_json:
        emit_json({"directory": target.absolute(), "verdicts": counts, "wrong": wrong})
    else:
        if wrong:
            emit(wrong, WRONG, as_json=False, empty="")
        parts = [f"{times} {verdict}" for verdict, times in sorted(counts.items())]
        emit_text(f"{len(found)} recordings: {', '.join(parts) or 'none fits'}")
    return 1 if wrong else 0


def _wrong(each: Exported) -> dict[str, Any]:
    return {
        "verdict": each.verdict,
        "interaction": str(each.row["interaction_id"]),
        "segment": each.row["segment"],
        "why": each.why,
    }


async def _export(
    app: App,
    begin: datetime,
    end: datetime,
    queue: str | None,
    agent: str | None,
    id_: str | None,
    target: Path,
) -> list[Exported]:
    import asyncio

    places, bucket = directories(app), bucket_of(app)
    manifest = await asyncio.to_thread(_prepared, target)
    found: list[Exported] = []
    async with opened(app) as database:
        only = await _interaction(database, id_)
        rows = [row async for row in _pages(database, begin, end, queue, agent, only)]
        try:
            with progress(len(rows), "copying recordings") as advance:
                for row in rows:
                    found.append(await _one(row, places.get(row["node"]), bucket, target))
                    advance()
        finally:
            # Also when it is interrupted: what was copied is told of.
            kept = [each for each in found if each.verdict in ("copied", "there")]
            manifest.update({_key(line): line for line in map(_line, kept)})
            _write_manifest(target, manifest)
    return found


async def _interaction(database: Any, text: str | None) -> UUID | None:
    from ccmiddleware.cli.interaction import find

    return (await find(database, text))["id"] if text is not None else None


async def _pages(database: Any, *filters: Any) -> AsyncIterator[dict[str, Any]]:
    after: tuple[UUID, int] = (UUID(int=0), -1)
    while True:
        rows = await database.fetch("export_recordings", *filters, *after, PAGE)
        for row in rows:
            yield dict(row)
        if len(rows) < PAGE:
            return
        after = (rows[-1]["interaction_id"], rows[-1]["segment"])


# -- one recording --------------------------------------------------------------------------


async def _one(
    row: Mapping[str, Any], directory: Path | None, bucket: "Bucket | None", target: Path
) -> Exported:
    from ccmiddleware.recordings.files import holds
    from ccmiddleware.recordings.keeping import ENDINGS

    match row["state"]:
        case "deleted":
            return Exported("deleted", row)
        case "expected" | "recording":
            return Exported("unfinished", row)
        case "missing" | "failed":
            return Exported("missing", row, why=row["error"] or f"it is {row['state']}")
    ending = PurePosixPath(row["path"]).suffix
    if ending not in ENDINGS:
        return Exported("missing", row, why=f"{row['path']!r} is not named like a recording")
    name = f"{row['interaction_id']}-{row['segment']}{ending}"
    import asyncio

    if await asyncio.to_thread(holds, target / name, row["bytes"], row["sha256"]):
        return Exported("there", row, name)
    return await _copied(row, directory, bucket, target, name)


async def _copied(
    row: Mapping[str, Any],
    directory: Path | None,
    bucket: "Bucket | None",
    target: Path,
    name: str,
) -> Exported:
    from ccmiddleware.recordings.bucket import NoObject

    part = target / f".{name}.part"
    hasher, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as out:
            async for piece in _content(row, directory, bucket):
                out.write(piece)
                hasher.update(piece)
                size += len(piece)
            out.flush()
            os.fsync(out.fileno())
        if (size, hasher.hexdigest()) != (row["bytes"], row["sha256"]):
            why = "other content than when it was finished (SHA-256)"
            return Exported("changed", row, why=why)
        part.replace(target / name)
        return Exported("copied", row, name)
    except _Unreadable as error:
        return Exported("missing", row, why=str(error))
    except NoObject as error:
        return Exported("missing", row, why=str(error))
    except OSError as error:
        raise TemporaryError(f"{target}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


class _Unreadable(PermanentError):
    """The file of a recording can't be read."""


async def _content(
    row: Mapping[str, Any], directory: Path | None, bucket: "Bucket | None"
) -> AsyncIterator[bytes]:
    """From the directory, or else the bucket. Raises _Unreadable, NoObject and StoreAway."""
    import asyncio

    from ccmiddleware.recordings.files import CHUNK, Refused, locate, opened

    why = f"node {row['node']} is not in the configuration"
    if row["local"] and directory is not None:
        try:
            file = await asyncio.to_thread(opened, locate(directory, row["path"]))
        except (Refused, OSError) as error:
            why = str(error)
        else:
            with file:
                while piece := await asyncio.to_thread(_read, file, CHUNK):
                    yield piece
            return
    if row["object"] is None:
        raise _Unreadable(why)
    if bucket is None:
        raise _Unreadable("it is in a bucket, and there is no [recording_store]")
    async for piece in bucket.read(row["object"]):
        yield piece


def _read(file: Any, size: int) -> bytes:
    try:
        piece: bytes = file.read(size)
    except OSError as error:
        raise _Unreadable(error.strerror or str(error)) from None
    return piece


# -- the manifest ---------------------------------------------------------------------------


def _prepared(target: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Make the directory; what its manifest tells of already."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = target / JSON_LINES
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        if any(set(line) != set(FIELDS) for line in found):
            raise ValueError
    except OSError as error:
        raise TemporaryError(f"{target}: {error.strerror or error}") from None
    except (ValueError, TypeError):
        raise Other(f"{path} is none of ours: choose another directory, or move it away") from None
    return {_key(line): line for line in found}


def _key(line: Mapping[str, Any]) -> tuple[str, int]:
    return line["interaction"], line["segment"]


def _line(each: Exported) -> dict[str, Any]:
    row = each.row
    values = {
        "interaction": str(row["interaction_id"]),
        "start": row["started_at"].astimezone(local_zone()).isoformat(),
        "path": each.name,
    }
    return {name: values[name] if name in values else row[name] for name in FIELDS}


def _write_manifest(target: Path, manifest: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
    from ccmiddleware.reports.render import csv_text
    from ccmiddleware.reports.views import Column as ViewColumn

    lines = sorted(manifest.values(), key=lambda line: (line["interaction"], line["segment"]))
    if not lines:
        say("nothing to export, so there is no manifest")
        return
    columns = [ViewColumn(name, "text", "") for name in FIELDS]
    texts = {
        JSON_LINES: "".join(json.dumps(line) + "\n" for line in lines),
        CSV: csv_text(columns, [dict(line) for line in lines], ZoneInfo("UTC")),
    }
    try:
        for name, text in texts.items():
            part = target / f".{name}.part"
            with part.open("w", encoding="utf-8", newline="") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            part.replace(target / name)
    except OSError as error:
        raise TemporaryError(f"{target}: {error.strerror or error}") from None
