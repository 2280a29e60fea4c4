"""``ccm recording hold``, ``release`` and ``expire``: what is kept longer, and what is not."""

from typing import Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.when import local_zone
from ccmiddleware.cli.when import show as show_time
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import CcmError

LONGEST_REASON = 2000
EXPIRED = (
    Column("ended_at", "ENDED", "time"),
    Column("interaction", "INTERACTION"),
    Column("segment", "SEGMENT", "number"),
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("keep_days", "DAYS", "number"),
    Column("bytes", "BYTES", "number"),
    Column("held", "ON HOLD"),
)


class Held(CcmError):
    """It is on hold already."""


@click.command(
    "hold", epilog="Example:  ccm recording hold 1764277200.42 --reason 'lawsuit 7 C 12/26'"
)
@click.argument("id_", metavar="INTERACTION")
@click.option("--reason", required=True, help="Why; it is kept with the hold.")
@json_option
@pass_app
def hold(app: App, id_: str, reason: str, as_json: bool) -> None:
    """Keep the recordings of an interaction until they are released, whatever keep_days says.

    INTERACTION is an id as `ccm interaction list` shows it, or Asterisk's linked id. Recordings
    that it gets later are held as well.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or "\0" in reason:
        raise click.UsageError(f"--reason takes 1 to {LONGEST_REASON} characters, and no NUL")
    row, deleted = run(_hold(app, id_, reason))
    if as_json:
        emit_json(row)
    else:
        emit_text(f"{row['interaction_id']}: on hold")
    if deleted:
        say(f"{deleted} of its recordings were deleted before")


async def _hold(app: App, text: str, reason: str) -> tuple[dict[str, Any], int]:
    from ccmiddleware.cli.commanding import user
    from ccmiddleware.cli.interaction import find

    async with opened(app) as database:
        id_ = (await find(database, text))["id"]
        row = await database.fetchrow("hold_recordings", id_, user(), reason)
        if row is None:
            *_, last = await database.fetch("show_recording_holds", id_)
            when = show_time(last["held_at"], local_zone())
            raise Held(
                f"{id_} is on hold already, since {when} by {last['held_by']}: {last['reason']}"
            )
        recordings = await database.fetch("show_recordings", id_)
    return dict(row), sum(each["state"] == "deleted" for each in recordings)


@click.command("release", epilog="Example:  ccm recording release 1764277200.42")
@click.argument("id_", metavar="INTERACTION")
@json_option
@pass_app
def release(app: App, id_: str, as_json: bool) -> None:
    """End a hold: the recordings are deleted when their time is over, perhaps within a day.

    `ccm recording show INTERACTION` shows all holds there were.
    """
    row = run(_release(app, id_))
    if as_json:
        emit_json(row)
    else:
        emit_text(f"{row['interaction_id']}: released")


async def _release(app: App, text: str) -> dict[str, Any]:
    from ccmiddleware.cli.commanding import user
    from ccmiddleware.cli.interaction import find

    async with opened(app) as database:
        id_ = (await find(database, text))["id"]
        row = await database.fetchrow("release_recordings", id_, user())
    if row is None:
        raise NothingFound(f"{id_} is not on hold")
    return dict(row)


@click.command("expire", epilog="Example:  ccm recording expire --dry-run")
@click.option("--dry-run", is_flag=True, help="Show it; the only thing that this command does.")
@json_option
@pass_app
def expire(app: App, dry_run: bool, as_json: bool) -> None:
    """Show which recordings would be deleted now, by keep_days of this configuration.

    The daemon that leads a node deletes them by itself, when it starts and once a day; those on
    hold stay.
    """
    if not dry_run:
        raise click.UsageError(
            "the daemon deletes by itself, once a day; `ccm recording expire --dry-run` shows what"
        )
    rows = run(_expired(app))
    emit(rows, EXPIRED, as_json=as_json, empty="nothing would be deleted now")
    if rows:
        going = [row for row in rows if not row["held"]]
        size = sum(row["bytes"] or 0 for row in going)
        say(f"{len(going)} would be deleted ({size} bytes); {len(rows) - len(going)} are on hold")


async def _expired(app: App) -> list[dict[str, Any]]:
    from ccmiddleware.recordings.keeping import Retention

    settings = app.settings()
    keep = Retention.of(settings)
    nodes = [node.name for node in settings.node]
    async with opened(app) as database:
        rows = await database.fetch(
            "list_expired_recordings", nodes, keep.queues, keep.days, keep.general, utc_now()
        )
    return [dict(row) for row in rows]
