"""``ccm email``: what waits for agents and who works on it, and the messages that came in."""

from datetime import datetime
from typing import Any

import click

from ccmiddleware.cli import commanding, email_quarantine, email_reply, email_work
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import (
    agent_option,
    check_period,
    limit,
    node_option,
    period,
    queue_option,
)
from ccmiddleware.cli.output import Column, emit, emit_json, emit_raw, emit_text

ITEMS = (
    Column("number", "NUMBER", "number"),
    Column("state", "STATE"),
    Column("queue", "QUEUE"),
    Column("agent", "AGENT"),
    Column("age_seconds", "AGE", "span"),
    Column("priority", "PRIORITY", "number"),
    Column("emails", "EMAILS", "number"),
    Column("answer", "ANSWER"),
    Column("from_address", "FROM"),
    Column("subject", "SUBJECT"),
    Column("asleep_until", "UNTIL", "time"),
)
SHOWN_STATES = {
    "open": ["waiting", "queued", "working"],
    "waiting": ["waiting", "queued"],
    "working": ["working"],
    "done": ["done"],
    "all": list(email_work.STATES),
}
NO_ITEMS = (
    "no email waits or is worked on; `ccm email list --state all` shows those that are done, "
    "`ccm email messages` all that came in"
)
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


@click.group("email", epilog="Example:  ccm email list --queue support")
def command() -> None:
    """Emails: what waits for agents, who works on it, and all messages that came in."""


command.add_command(email_quarantine.quarantine)
for verb in (*email_work.VERBS, email_reply.reply):
    command.add_command(verb)


@command.command("list", epilog="Example:  ccm email list --state working --agent 'Alice Arnold'")
@click.option(
    "--state",
    type=click.Choice(list(SHOWN_STATES)),
    default="open",
    show_default=True,
    help="Only in this state; open: waiting or working.",
)
@node_option
@queue_option
@agent_option
@limit(200)
@json_option
@pass_app
def list_(
    app: App,
    state: str,
    node: str | None,
    queue: str | None,
    agent: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what waits for agents, in its order, and what they work on.

    One row is one matter, with all EMAILS of the customer about it until it is done. STATE: waiting
    (from UNTIL on, if that is given), queued (it stands in the Asterisk queue), working (AGENT has
    it), done. AGE: since the first of the emails arrived.
    """
    rows = run(_items(app, node, queue, agent, SHOWN_STATES[state], limit))
    all_of_them = state == "all" and node is None and queue is None and agent is None
    empty = "no email came to an agent's queue yet; `ccm email messages` shows all that came in"
    narrow = NO_ITEMS if state == "open" else "no email fits; `ccm email list --state all`"
    emit(rows, ITEMS, as_json=as_json, empty=empty if all_of_them else narrow)


@command.command(
    "messages", epilog="Example:  ccm email messages --since 7d --from ann@example.com"
)
@period("24h")
@node_option
@queue_option
@click.option("--from", "sender", help="Only what this address wrote.")
@click.option("--open", "only_open", is_flag=True, help="Only where something is to be done.")
@limit(100)
@json_option
@pass_app
def messages(
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
    """List the messages of a period, newest first. STATE is that of the conversation."""
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
    """Show one email: who, to whom, what was written now, its files, and colleagues' notes.

    All but the notes is the sender's word, without control characters. ID is a number of `ccm email
    list` (then it is the first email of that), or an id or its first characters.
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
        "work": _work(row["work"]),
        "automatic": row["automatic"],
        "files": "; ".join(files),
        "notes": "; ".join(row["notes"]),
    }
    head = [f"{name + ':':14}{text}" for name, text in parts.items() if text]
    body = row["body"] or "(nothing was written besides what is quoted)"
    notes = [
        f"note, {shown(one['written_at'], local_zone())}, {one['author']}: {one['text']}"
        for one in row["colleagues_notes"]
    ]
    return [*head, "", body, *([""] if notes else []), *notes]


def _work(item: dict[str, Any] | None) -> str:
    if item is None:
        return ""
    what = {
        "working": f"{item['agent']} works on it",
        "done": f"done ({item['outcome']}, {item['agent'] or 'nobody took it'})",
    }.get(item["state"], f"waits in {item['queue']}, priority {item['priority']}")
    return f"{item['number']}, {what}"


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


async def _items(
    app: App, node: str | None, queue: str | None, agent: str | None, states: list[str], limit: int
) -> list[dict[str, Any]]:
    from ccmiddleware.clock import utc_now

    async with opened(app) as database:
        interface = None
        if agent is not None:
            target = await commanding.find_agent(database, agent, node)
            node, interface = target.node, target.interface
        rows = await database.fetch(
            "list_work_items", node, queue, interface, states, utc_now(), limit, None
        )
    return [dict(row) for row in rows]


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_emails", *arguments)]


async def _one(app: App, id_: str) -> dict[str, Any]:
    from ccmiddleware.clock import utc_now

    async with opened(app) as database:
        wanted = id_.replace("%", "").replace("_", "")
        if email_work.number_of(id_) is not None:
            wanted = str(await email_work.found(database, id_))
        rows = await database.fetch("find_emails", wanted)
        if not rows:
            raise NothingFound(
                f"there is no email {id_!r}: `ccm email messages` shows those there are"
            )
        if len(rows) > 1:
            raise NothingFound(f"several emails begin with {id_!r}: write more of the id")
        row = dict(rows[0])
        notes = await database.fetch("conversation_notes", row["conversation_id"])
        row["colleagues_notes"] = [dict(one) for one in notes]
        item = row.pop("item_id")
        row["work"] = await email_work.shown(database, item, utc_now()) if item else None
    return row
