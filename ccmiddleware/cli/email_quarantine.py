"""``ccm email quarantine``: messages that opened no work, and the decision about each."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import check_period, limit, period
from ccmiddleware.cli.output import Column, emit, emit_json, emit_raw

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database, Row

KINDS = ("unreadable", "spam", "loop", "report", "reply")
LIST = (
    Column("held_at", "HELD", "time"),
    Column("mailbox", "MAILBOX"),
    Column("kind", "KIND"),
    Column("reason", "REASON"),
    Column("sender", "FROM"),
    Column("subject", "SUBJECT"),
    Column("state", "STATE"),
    Column("short_id", "ID"),
)
SHORT = 18


@click.group("quarantine", epilog="Example:  ccm email quarantine list --kind spam")
def quarantine() -> None:
    """Messages that opened no work: unreadable, spam, loops, and the like."""


@quarantine.command("list", epilog="Example:  ccm email quarantine list --since 30d --all")
@period("7d")
@click.option("--mailbox", help="Only this mailbox.")
@click.option("--kind", type=click.Choice(KINDS), help="Only of this kind.")
@click.option("--all", "all_of_them", is_flag=True, help="Also what was released or dropped.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    mailbox: str | None,
    kind: str | None,
    all_of_them: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what is held, newest first, with the reason."""
    begin, end = check_period(since, until)
    rows = run(_list(app, begin, end, mailbox, kind, all_of_them, limit))
    if not as_json:
        rows = [row | {"short_id": str(row["id"])[:SHORT]} for row in rows]
    emit(rows, LIST, as_json=as_json, empty="nothing is held in this period")


@quarantine.command("show", epilog="Example:  ccm email quarantine show 0193c1a2 --raw > mail.eml")
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="The message byte for byte as it came; as a file only.")
@json_option
@pass_app
def show(app: App, id_: str, raw: bool, as_json: bool) -> None:
    """Show one message that is held, or was. ID may be its first characters."""
    row = run(_one(app, id_))
    content = row.pop("content")
    if raw:
        emit_raw(content)
        return
    row["sha256"] = row["sha256"].hex()
    if as_json:
        emit_json(row)
    else:
        emit([row | {"short_id": str(row["id"])[:SHORT]}], LIST, as_json=False, empty="")


@quarantine.command("release", epilog="Example:  ccm email quarantine release 0193c1a2-55e0-7a")
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def release(app: App, id_: str, as_json: bool) -> None:
    """Let a message go where it belongs, as if no guard had held it.

    Its sender is acknowledged, where the mailbox acknowledges and would have done so.
    """
    row, conversation = run(_release(app, id_))
    if as_json:
        emit_json({"id": row["id"], "state": "released", "conversation_id": conversation})
    else:
        say(f"it is an email of conversation {conversation} now: `ccm email show {row['id']}`")


@quarantine.command("drop", epilog="Example:  ccm email quarantine drop 0193c1a2-55e0-7a")
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@json_option
@pass_app
def drop(app: App, ids: tuple[str, ...], as_json: bool) -> None:
    """Say that nothing is to be done about messages. Their bytes are kept, and they are listed
    with --all."""
    dropped = run(_drop(app, ids))
    if as_json:
        emit_json([{"id": one, "state": "dropped"} for one in dropped])
    else:
        say(f"dropped: {len(dropped)}; `ccm email quarantine list --all` still shows them")


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_quarantine", *arguments)]


async def _one(app: App, id_: str) -> dict[str, Any]:
    async with opened(app) as database:
        return dict(await _found(database, id_))


async def _found(database: "Database", id_: str) -> "Row":
    rows = await database.fetch("find_quarantined", id_.replace("%", "").replace("_", ""))
    if not rows:
        raise NothingFound(
            f"there is no message {id_!r} in quarantine: `ccm email quarantine list` shows those "
            "there are"
        )
    if len(rows) > 1:
        raise NothingFound(f"several messages begin with {id_!r}: write more of the id")
    return rows[0]


async def _release(app: App, id_: str) -> tuple[dict[str, Any], Any]:
    from ccmiddleware.clock import utc_now
    from ccmiddleware.errors import ConfigError
    from ccmiddleware.mail.keys import signing_keys
    from ccmiddleware.mail.mailboxes import acknowledging, rules_for
    from ccmiddleware.mail.releasing import release
    from ccmiddleware.mail.settling import Settling

    settings = app.settings()
    everywhere = {node.name: settings.mailboxes_of(node.name) for node in settings.node}
    async with opened(app) as database:
        held = await _held(database, id_)
        mailbox = settings.mailbox.get(held["mailbox"])
        if mailbox is None:
            raise NothingFound(f"mailbox {held['mailbox']} is not in the configuration any more")
        rules = rules_for(mailbox, everywhere, await signing_keys(database, utc_now))
        settling = Settling(rules, utc_now)
        try:
            word = acknowledging(mailbox, rules, utc_now)
        except ConfigError as error:
            say(f"it is not acknowledged: {'; '.join(error.problems)}")
            word = None
        conversation = await release(
            database, held, settling, rules.ours, user(), utc_now(), acknowledging=word
        )
    if conversation is None:
        raise NothingFound("somebody else has decided about it in this moment")
    return dict(held), conversation


async def _drop(app: App, ids: tuple[str, ...]) -> list[Any]:
    from ccmiddleware.clock import utc_now

    async with opened(app) as database:
        found = [await _held(database, id_) for id_ in ids]
        async with database.transaction() as transaction:
            for row in found:
                await transaction.execute(
                    "decide_quarantined", row["id"], "dropped", utc_now(), user()
                )
    return [row["id"] for row in found]


async def _held(database: "Database", id_: str) -> "Row":
    row = await _found(database, id_)
    if row["state"] != "held":
        raise NothingFound(f"{id_} is {row['state']} already, by {row['decided_by']}")
    return row
