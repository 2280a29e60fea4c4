"""``ccm email``: the emails that came in, and what is held in quarantine."""

from datetime import datetime
from typing import Any

import click

from ccmiddleware.cli import email_quarantine
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import check_period, limit, node_option, period, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_raw, emit_text

LIST = (
    Column("at", "AT", "time"),
    Column("queue", "QUEUE"),
    Column("from_address", "FROM"),
    Column("subject", "SUBJECT"),
    Column("attachments", "FILES", "number"),
    Column("state", "STATE"),
    Column("short_id", "ID"),
)
NONE_YET = (
    "no email fits; `ccm email quarantine list` shows what is held, /healthz how mailboxes are"
)
SHORT = 18
"""Characters of an id that are shown: enough to tell emails of one second apart."""


@click.group("email", epilog="Example:  ccm email list --since today --queue support")
def command() -> None:
    """Emails that came in through the mailboxes of the configuration."""


command.add_command(email_quarantine.quarantine)


@command.command("list", epilog="Example:  ccm email list --since 7d --from ann@example.com")
@period("24h")
@node_option
@queue_option
@click.option("--from", "sender", help="Only what this address wrote.")
@click.option("--open", "only_open", is_flag=True, help="Only where something is to be done.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    node: str | None,
    queue: str | None,
    sender: str | None,
    only_open: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List the emails of a period, newest first. STATE is that of the conversation."""
    begin, end = check_period(since, until)
    rows = run(_list(app, begin, end, node, queue, sender, only_open, limit))
    if not as_json:
        rows = [row | {"short_id": str(row["id"])[:SHORT]} for row in rows]
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)


@command.command("show", epilog="Example:  ccm email show 0193c1a2-55e0-7a --raw > mail.eml")
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="The message byte for byte as it came; as a file only.")
@json_option
@pass_app
def show(app: App, id_: str, raw: bool, as_json: bool) -> None:
    """Show one email: who, to whom, what was written now, and its files.

    All of it is the sender's word, without control characters. ID may be its first characters.
    """
    row = run(_one(app, id_))
    content = row.pop("content")
    if raw:
        emit_raw(content)
    elif as_json:
        emit_json(row)
    else:
        emit_text("\n".join(_lines(row)))


def _lines(row: dict[str, Any]) -> list[str]:
    from ccmiddleware.cli.when import local_zone
    from ccmiddleware.cli.when import show as shown

    def people(role: str) -> str:
        named = [one for one in row["recipients"] if one["role"] == role]
        return ", ".join(_person(one["name"], one["address"]) for one in named)

    files = [f"{one['name']} ({one['content_type']}, {one['bytes']} bytes)"
             for one in row["attachments"]]  # fmt: skip
    linked = f", linked to {row['linked_to']}" if row["linked_to"] else ""
    parts = {
        "from": _person(row["from_name"], row["from_address"]),
        "to": people("to"),
        "cc": people("cc"),
        "subject": row["subject"],
        "arrived": shown(row["at"], local_zone()),
        "queue": f"{row['queue']} on {row['node']}, mailbox {row['mailbox']}",
        "conversation": f"#{row['number']}, {row['conversation_id']} ({row['state']}; "
        f"{row['joined_by']}{linked})",
        "automatic": row["automatic"],
        "files": "; ".join(files),
        "notes": "; ".join(row["notes"]),
    }
    head = [f"{name + ':':14}{text}" for name, text in parts.items() if text]
    body = row["body"] or "(nothing was written besides what is quoted)"
    return [*head, "", body]


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_emails", *arguments)]


async def _one(app: App, id_: str) -> dict[str, Any]:
    async with opened(app) as database:
        rows = await database.fetch("find_emails", id_.replace("%", "").replace("_", ""))
    if not rows:
        raise NothingFound(f"there is no email {id_!r}: `ccm email list` shows those there are")
    if len(rows) > 1:
        raise NothingFound(f"several emails begin with {id_!r}: write more of the id")
    return dict(rows[0])
