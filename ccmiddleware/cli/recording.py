"""``ccm recording``: which recordings there are, where their files are, and what is known of them.

What is done with many of them stands beside it: ``recording_verify``, ``recording_export``,
``recording_keeping``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from ccmiddleware.cli import (
    recording_control,
    recording_export,
    recording_keeping,
    recording_verify,
)
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import agent_option, check_period, limit, period, queue_option
from ccmiddleware.cli.output import Column, cell, emit, emit_json, emit_text
from ccmiddleware.cli.recording_files import directories
from ccmiddleware.cli.when import local_zone

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
    Column("store", "STORE"),
    Column("held", "ON HOLD"),
    Column("error", "ERROR"),
)


@click.group("recording", epilog="Example:  ccm recording list --since today")
def command() -> None:
    """Recordings: list, find, verify, export, hold them; pause and start those under way."""


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
    """Where the file of a row is. ``path`` is null when it must not be followed, or is not here."""
    from ccmiddleware.recordings.files import Refused, locate

    found = {
        "segment": row["segment"],
        "state": row["state"],
        "path": None,
        "object": row["object"],
        "exists": False,
    }
    if row["object"] is not None and not row["local"]:
        fetch = f"ccm recording export --interaction {row['interaction_id']} --to DIRECTORY"
        return {**found, "why": f"it is in the bucket, {row['object']}; to fetch it: {fetch}"}
    if row["state"] == "deleted":
        return {**found, "why": f"it was deleted: {row['deleted_why']}"}
    directory = directories(app).get(row["node"])
    if directory is None:
        return {**found, "why": f"node {row['node']} is not in the configuration"}
    try:
        path = locate(directory, row["path"])
        exists = path.is_file()
    except (Refused, OSError) as error:
        return {**found, "why": str(error)}
    why = "" if exists else f"no such file (the recording is {row['state']}) {row['error']}".strip()
    return {**found, "path": path, "exists": exists, "why": why}


DETAILS = (
    Column("interaction_id", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("state", "STATE"),
    Column("error", "ERROR"),
    Column("node", "NODE"),
    Column("path", "PATH"),
    Column("object", "IN THE BUCKET"),
    Column("stored_at", "STORED", "time"),
    Column("started_at", "BEGAN", "time"),
    Column("ended_at", "ENDED", "time"),
    Column("seconds", "LENGTH", "span"),
    Column("bytes", "BYTES", "number"),
    Column("sha256", "SHA-256"),
    Column("compression", "COMPRESSION"),
    Column("original_bytes", "ORIGINAL BYTES", "number"),
    Column("original_sha256", "ORIGINAL SHA-256"),
    Column("deleted_at", "DELETED", "time"),
    Column("deleted_why", "DELETED SINCE"),
)
HOLDS = (
    Column("held_at", "ON HOLD SINCE", "time"),
    Column("held_by", "BY"),
    Column("reason", "REASON"),
    Column("released_at", "RELEASED", "time"),
    Column("released_by", "RELEASED BY"),
)


@command.command("show", epilog="Example:  ccm recording show 1764277200.42")
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def show(app: App, id_: str, as_json: bool) -> None:
    """Show all that is known of the recordings of an interaction, and its holds.

    ID is an id as `ccm interaction list` shows it, or Asterisk's linked id.
    """
    recordings, holds = run(_show(app, id_))
    if not recordings:
        raise NothingFound("this interaction has no recording")
    if as_json:
        emit_json({"recordings": recordings, "holds": holds})
        return
    longest = max(len(column.title) for column in DETAILS)
    for row in recordings:
        for column in DETAILS:
            text = cell(row[column.key], column.kind, local_zone())
            if text:
                emit_text(f"{column.title.ljust(longest)}  {text}")
        emit_text("")
    if holds:
        emit(holds, HOLDS, as_json=False, empty="")
    else:
        say("it was never on hold")


async def _show(app: App, text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from ccmiddleware.cli.interaction import find

    async with opened(app) as database:
        row = await find(database, text)
        recordings = await database.fetch("show_recordings", row["id"])
        holds = await database.fetch("show_recording_holds", row["id"])
    return [dict(each) for each in recordings], [dict(each) for each in holds]


for each in (
    recording_verify.verify,
    recording_export.export,
    recording_keeping.hold,
    recording_keeping.release,
    recording_keeping.expire,
    recording_control.pause,
    recording_control.resume,
    recording_control.start,
    recording_control.stop,
):
    command.add_command(each)
