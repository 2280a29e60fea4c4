"""``ccm outbox``: what is to be sent, what was not, and what people decide about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import check_period, limit, node_option, period
from ccmiddleware.cli.output import Column, emit, emit_json, emit_raw

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

KINDS = ("answer", "acknowledgement", "relay", "receipt", "notice")
STATES = ("queued", "claimed", "speaking", "sent", "failed", "unknown")
LIST = (
    Column("put_at", "PUT", "time"),
    Column("mailbox", "MAILBOX"),
    Column("kind", "KIND"),
    Column("recipients", "TO"),
    Column("state", "STATE"),
    Column("attempts", "TRIED", "number"),
    Column("next", "NEXT", "time"),
    Column("reason", "REASON"),
    Column("short_id", "ID"),
)
RECIPIENTS = (
    Column("address", "TO"),
    Column("state", "STATE"),
    Column("code", "CODE"),
    Column("reason", "REASON"),
    Column("delivery", "REPORTED"),
)
SHORT = 18
AGAIN = ("unknown", "failed")
ENDED = ("queued", "unknown")
ARRIVED = ("unknown",)


@click.group("outbox", epilog="Example:  ccm outbox list --state unknown")
def command() -> None:
    """Mail that is to be sent, and what came of it."""


@command.command("list", epilog="Example:  ccm outbox list --state failed --since 7d")
@period("30d")
@node_option
@click.option("--mailbox", help="Only what this mailbox sends.")
@click.option("--kind", type=click.Choice(KINDS), help="Only of this kind.")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--all", "all_of_them", is_flag=True, help="Also what was sent.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    node: str | None,
    mailbox: str | None,
    kind: str | None,
    state: str | None,
    all_of_them: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what is not sent (yet), newest first, with what is in the way.

    unknown: the daemon or the connection was gone before the server's answer; it may have arrived.
    `ccm outbox retry` sends it again, `ccm outbox drop` settles it.
    """
    begin, end = check_period(since, until)
    rows = run(_list(app, begin, end, node, mailbox, kind, state, all_of_them, limit))
    empty = "nothing of that kind is in the outbox; --all shows what was sent"
    _emit(rows, as_json=as_json, empty=empty)


@command.command("show", epilog="Example:  ccm outbox show 0193c1a2-55e0-7a --raw > mail.eml")
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="The message byte for byte as it is sent; as a file.")
@json_option
@pass_app
def show(app: App, id_: str, raw: bool, as_json: bool) -> None:
    """Show one message, and what came of it for each recipient.

    ID may be its first characters, or the Message-ID.
    """
    row, recipients = run(_one(app, id_))
    content = row.pop("content")
    if raw:
        emit_raw(content)
    elif as_json:
        emit_json(row | {"recipients": recipients})
    else:
        _emit([row | {"recipients": [one["address"] for one in recipients]}], as_json=False)
        click.echo()
        emit(recipients, RECIPIENTS, as_json=False, empty="")
        if row["decided_by"]:
            say(f"{row['decision']}, as {row['decided_by']} decided")


@command.command("retry", epilog="Example:  ccm outbox retry 0193c1a2-55e0-7a --dry-run")
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would be sent to whom; send nothing.")
@json_option
@pass_app
def retry(app: App, ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Send messages again that are unknown or failed, to all who do not have them.

    One that is unknown may arrive twice. Who did this is written down.
    """
    rows = run(_decide(app, ids, AGAIN, None if dry_run else "retry_outbox"))
    _tell(rows, "queued", "to be sent again: {}; `ccm outbox show` will say what came of it",
          dry_run=dry_run, as_json=as_json)  # fmt: skip


@command.command("drop", epilog="Example:  ccm outbox drop 0193c1a2-55e0-7a --sent")
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--sent", is_flag=True, help="It did arrive: settle what is unknown as sent.")
@click.option("--dry-run", is_flag=True, help="Say what would be settled; settle nothing.")
@json_option
@pass_app
def drop(app: App, ids: tuple[str, ...], sent: bool, dry_run: bool, as_json: bool) -> None:
    """Settle messages by hand: they are not sent (again), and count as failed, or as sent.

    For what waits or is unknown. Who did this is written down; the messages are kept.
    """
    query = "outbox_did_arrive" if sent else "drop_outbox"
    rows = run(_decide(app, ids, ARRIVED if sent else ENDED, None if dry_run else query))
    words = "settled as sent: {}" if sent else "dropped: {}"
    _tell(rows, "sent" if sent else "failed", words, dry_run=dry_run, as_json=as_json)


def _emit(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str = "") -> None:
    if not as_json:
        rows = [
            row
            | {
                "short_id": str(row["id"])[:SHORT],
                "next": row["next_attempt_at"] if row["state"] == "queued" else None,
            }
            for row in rows
        ]
    emit(rows, LIST, as_json=as_json, empty=empty)


def _tell(
    rows: Sequence[dict[str, Any]], state: str, words: str, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        emit_json([{"id": row["id"], "state": state, "dry_run": dry_run} for row in rows])
        return
    if dry_run:
        say("nothing was changed; this would be " + words.format(len(rows)))
        _emit(rows, as_json=False)
    else:
        say(words.format(len(rows)))


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_outbox", *arguments)]


async def _one(app: App, id_: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with opened(app) as database:
        row = await _found(database, id_)
        rows = await database.fetch("show_outbox_recipients", row["id"])
        return row, [dict(one) for one in rows]


async def _found(database: "Database", id_: str) -> dict[str, Any]:
    named = id_.strip().strip("<>")
    rows = await database.fetch("find_outbox", named.replace("%", "").replace("_", ""), named)
    if not rows:
        raise NothingFound(
            f"there is no message {id_!r} in the outbox: `ccm outbox list --all` shows those "
            "there are"
        )
    if len(rows) > 1:
        raise NothingFound(f"several messages begin with {id_!r}: write more of the id")
    return dict(rows[0])


async def _decide(
    app: App, ids: Sequence[str], states: Sequence[str], query: str | None
) -> list[dict[str, Any]]:
    """Decide about all of them, or about none; ``query`` None only looks."""
    from ccmiddleware.clock import utc_now

    async with opened(app) as database:
        found = {row["id"]: row for row in [await _found(database, one) for one in ids]}
        async with database.transaction() as transaction:
            for id_, row in found.items():
                possible = row["state"] in states
                if possible and query is not None:
                    possible = await transaction.fetchval(query, id_, user(), utc_now()) is not None
                if not possible:
                    raise NothingFound(_why_not(row, states))
        for id_, row in found.items():
            rows = await database.fetch("show_outbox_recipients", id_)
            row["recipients"] = [one["address"] for one in rows]
    return list(found.values())


def _why_not(row: dict[str, Any], states: Sequence[str]) -> str:
    state = "being sent at this moment" if row["state"] in ("claimed", "speaking") else row["state"]
    if row["state"] in states:
        state = "not in that state any more"
    wanted = " or ".join(states)
    return f"nothing was changed: {row['id']} is {state}; this is for what is {wanted}"
