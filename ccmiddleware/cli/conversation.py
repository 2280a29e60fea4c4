"""``ccm conversation``: one matter with all that belongs to it, emails and calls, in order."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.id_prefix import NOBODY, SHOWN, bounds
from ccmiddleware.cli.options import node_option, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database, Row

LIST = (
    Column("number", "NUMBER", "number"),
    Column("changed_at", "CHANGED", "time"),
    Column("queue", "QUEUE"),
    Column("state", "STATE"),
    Column("subject", "SUBJECT"),
    Column("contacts", "CONTACT"),
    Column("participants", "PARTICIPANTS"),
    Column("emails", "EMAILS", "number"),
    Column("calls", "CALLS", "number"),
    Column("short_id", "ID"),
)
NONE_YET = "no conversation fits that is not closed; --all shows closed ones, too"
BODY_LINES = 12
"""Lines of a text that are shown; `ccm email show` and --json have all of it."""

NUMBER = re.compile(r"#?([0-9]{1,7})")

PARTS = {
    "email": "show_conversation_emails",
    "call": "show_conversation_calls",
    "note": "show_conversation_notes",
}
"""What stands in a conversation, and the query of each kind; every row has an ``at``."""

conversation_argument = click.argument("conversation", metavar="CONVERSATION")
interaction_argument = click.argument("interaction", metavar="INTERACTION")


@click.group("conversation", epilog="Example:  ccm conversation list --queue support")
def command() -> None:
    """Conversations: the emails and calls that belong to one matter.

    CONVERSATION is its number, its id, or the beginning of that.
    """


@command.command("list", epilog="Example:  ccm conversation list --contact ann@example.com --all")
@node_option
@queue_option
@click.option("--address", help="Only those in which this address takes part.")
@click.option("--contact", help="Only those of this contact: address, number, id or whole name.")
@click.option("--all", "all_of_them", is_flag=True, help="Also closed ones.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True,
    help="At most so many, those that changed last.",
)  # fmt: skip
@json_option
@pass_app
def list_(
    app: App,
    node: str | None,
    queue: str | None,
    address: str | None,
    contact: str | None,
    all_of_them: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List conversations that are not closed, the one that changed last first."""

    async def fetch() -> list[dict[str, Any]]:
        from ccmiddleware.cli.contact_finding import find as find_contact

        async with opened(app) as database:
            of = await find_contact(database, contact) if contact is not None else None
            found = await database.fetch(
                "list_conversations", node, queue, address, of, all_of_them, limit
            )
            return [dict(row) for row in found]

    rows = run(fetch())
    if not as_json:
        rows = [row | {"short_id": str(row["id"])[:SHOWN]} for row in rows]
    emit(rows, LIST, as_json=as_json, empty="no conversation fits" if all_of_them else NONE_YET)


@command.command("show", epilog="Example:  ccm conversation show 0193c1a2-55e0-7a")
@conversation_argument
@json_option
@pass_app
def show(app: App, conversation: str, as_json: bool) -> None:
    """Show one conversation: who takes part, and its emails, calls and notes in order.

    What customers wrote is their word, and shown without control characters.
    """
    whole = run(_show(app, conversation))
    if as_json:
        emit_json(whole)
    else:
        emit_text("\n".join(_lines(whole)))


async def _show(app: App, text: str) -> dict[str, Any]:
    async with opened(app) as database:
        row = dict(await find(database, text))
        participants = await database.fetch("show_conversation_participants", row["id"])
        entries = [
            {"kind": kind, **dict(one)}
            for kind, query in PARTS.items()
            for one in await database.fetch(query, row["id"])
        ]
    entries.sort(key=lambda one: (one["at"], str(one["id"])))
    return {
        "conversation": row,
        "participants": [dict(one) for one in participants],
        "entries": entries,
    }


async def find(database: "Database", text: str) -> "Row":
    """The conversation with that number, or whose id begins so. Raises NothingFound."""
    named = NUMBER.fullmatch(text.strip())
    low, high = NOBODY if named else bounds(text)
    rows = await database.fetch("find_conversations", low, high, int(named[1]) if named else None)
    if not rows:
        raise NothingFound(
            f"there is no conversation {text!r}: `ccm conversation list` shows those there are"
        )
    if len(rows) > 1:
        raise NothingFound(f"several conversations begin with {text!r}: write more of the id")
    return rows[0]


@command.command("link", epilog="Example:  ccm conversation link 0193c1a2-55e0 1764277200.42")
@conversation_argument
@interaction_argument
@json_option
@pass_app
def link(app: App, conversation: str, interaction: str, as_json: bool) -> None:
    """Say that a call belongs to a conversation.

    INTERACTION is an id as `ccm interaction list` shows it, or Asterisk's linked id of the call.
    """
    matter, call, changed = run(_link(app, conversation, interaction, on=True))
    _report(matter, call, changed, "linked", as_json=as_json)


@command.command("unlink", epilog="Example:  ccm conversation unlink 0193c1a2-55e0 1764277200.42")
@conversation_argument
@interaction_argument
@json_option
@pass_app
def unlink(app: App, conversation: str, interaction: str, as_json: bool) -> None:
    """Say that a call does not belong to a conversation after all."""
    matter, call, changed = run(_link(app, conversation, interaction, on=False))
    if not changed:
        raise NothingFound(f"{call} is not linked to conversation {matter}")
    _report(matter, call, changed, "unlinked", as_json=as_json)


async def _link(app: App, text: str, call: str, *, on: bool) -> tuple[UUID, UUID, int]:
    from ccmiddleware.cli.commanding import user
    from ccmiddleware.cli.interaction import find as find_interaction

    query = "link_conversation_interaction" if on else "unlink_conversation_interaction"
    async with opened(app) as database:
        matter = await find(database, text)
        interaction = await find_interaction(database, call)
        if interaction["channel"] == "email":
            raise click.UsageError(f"{call} is no call: emails join conversations by themselves")
        changed = await database.execute(query, matter["id"], interaction["id"], user())
    return matter["id"], interaction["id"], changed


def _report(matter: UUID, call: UUID, changed: int, state: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "conversation_id": matter,
                "interaction_id": call,
                "state": state,
                "changed": bool(changed),
            }
        )
    else:
        say(f"{state}{'' if changed else ' already'}: `ccm conversation show {matter}`")


# -- as text --------------------------------------------------------------------------------


def _lines(whole: Mapping[str, Any]) -> list[str]:
    row = whole["conversation"]
    parts = {
        "subject": row["subject"],
        "state": f"{row['state']}, since {_time(row['closed_at'] or row['changed_at'])}",
        "queue": f"{row['queue']} on {row['node']}",
        "opened": _time(row["opened_at"]),
        "linked to": str(row["linked_to"] or ""),
        "contact": "; ".join(_contacts(whole["participants"])),
        "participants": ", ".join(one["address"] for one in whole["participants"]),
    }
    head = [f"Conversation {row['number']}  ({row['id']})"]
    head += [f"  {name + ':':14}{_one_line(text)}" for name, text in parts.items() if text]
    for one in whole["entries"]:
        head += ["", *SHOWN_AS[one["kind"]](one)]
    return head


def _contacts(participants: Sequence[Mapping[str, Any]]) -> list[str]:
    named = {one["contact_id"]: one["contact"] for one in participants if one["contact_id"]}
    return [f"{name} ({id_})" for id_, name in named.items()]


def _email(one: Mapping[str, Any]) -> list[str]:
    inbound = one["direction"] == "inbound"
    sender = f"{one['from_name']} <{one['from_address']}>" if one["from_name"] else ""
    to = ", ".join(each["address"] for each in one["recipients"])
    who = f"from {sender or one['from_address']}" if inbound else f"to {to}"
    marks = [
        one["outbox"] or "",
        "automatic" if one["automatic"] else "",
        f"{len(one['attachments'])} files" if one["attachments"] else "",
    ]
    more = "".join(f", {mark}" for mark in marks if mark)
    head = f"{_time(one['at'])}  email {'in' if inbound else 'out'}, {who}{more}  ({one['id']})"
    lines = one["body"].strip().split("\n")
    body = lines[:BODY_LINES]
    if len(lines) > BODY_LINES:
        body.append(f"… {len(lines) - BODY_LINES} more lines: `ccm email show {one['id']}`")
    return [
        _one_line(head),
        f"    {_one_line(one['subject'])}",
        *(f"    | {line}" for line in body),
    ]


def _call(one: Mapping[str, Any]) -> list[str]:
    from ccmiddleware.cli.when import show_span

    lasted = ""
    if one["ended_at"] is not None:
        lasted = f", {show_span((one['ended_at'] - one['at']).total_seconds())}"
    what = "callback" if one["channel"] == "callback" else f"call {one['direction']}"
    caller = f"{one['caller_name']} <{one['caller_num']}>" if one["caller_name"] else ""
    parts = [
        f"{_time(one['at'])}  {what}, {caller or one['caller_num'] or 'withheld'}",
        f", {one['outcome'] or one['state']}{lasted}",
        "".join(f", queue {name}" for name in one["queues"]),
        "".join(f", with {name}" for name in one["agents"]),
        f"  ({one['id']})",
    ]
    return [
        _one_line("".join(parts)),
        f"    linked by {one['linked_by']}, {_time(one['linked_at'])}",
    ]


def _note(one: Mapping[str, Any]) -> list[str]:
    lines = one["text"].strip().split("\n")
    return [
        _one_line(f"{_time(one['at'])}  note by {one['author']}"),
        *(f"    | {line}" for line in lines),
    ]


SHOWN_AS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "email": _email,
    "call": _call,
    "note": _note,
}


def _time(at: Any) -> str:
    from ccmiddleware.cli.when import local_zone
    from ccmiddleware.cli.when import show as shown

    return shown(at, local_zone())


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
