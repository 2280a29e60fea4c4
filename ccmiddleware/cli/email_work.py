"""``ccm email take|requeue|transfer|close|note``: who works on an email, and what colleagues know.

Each is one transaction on the item, with who did it in its history. The daemon sees what changed:
it takes placeholders away, sends an agent what was given to him, and tells Asterisk who is busy.
"""

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli import commanding
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import emit_json

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database, Row, Session

STATES = ("waiting", "queued", "working", "done")
LONGEST_NUMBER = 9
LONGEST_NOTE = 20_000

NUMBER = click.argument("number", metavar="NUMBER")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")

Change = Callable[["Session", "Row", datetime], Awaitable[str]]
"""Changes a locked item and says what was done; raises NothingFound when it can't be."""


class _Undone(Exception):
    """A dry run: what was done is rolled back. The text says what that was."""


@click.command("take", epilog="Example:  ccm email take 17 --agent 'Alice Arnold'")
@NUMBER
@click.option("--agent", required=True, help="Who is to have it: name or interface.")
@click.option("--force", is_flag=True, help="Also when the agent has as many as he may.")
@json_option
@pass_app
def take(app: App, number: str, agent: str, force: bool, as_json: bool) -> None:
    """Give an email that waits to an agent, as if the agent had taken it on the phone.

    It is sent to the agent's address. NUMBER is that of `ccm email list`, or an ID.
    """

    async def change(session: "Session", item: "Row", now: datetime) -> str:
        if item["state"] == "working":
            raise NothingFound(
                f"email {item['number']} is {_since(item)} already: "
                f"`ccm email requeue {item['number']}` gives it back to the queue"
            )
        target = await commanding.find_agent(session, agent, item["node"])
        who = await session.fetchrow("lock_agent_mail", item["node"], target.interface)
        if who is None or who["email"] is None:
            raise NothingFound(
                f"{target.name} has no address to send it to: ccm agent email '{target.name}' "
                "ADDRESS"
            )
        if who["working"] >= who["capacity"] and not force:
            raise NothingFound(
                f"{target.name} has {who['working']} of {who['capacity']} emails already; "
                "--force gives it all the same"
            )
        await session.fetchval("take_work", item["id"], who["id"], now, commanding.user())
        return f"{target.name} has it now"

    run(_change(app, number, change, dry_run=False, as_json=as_json))


@click.command("requeue", epilog="Example:  ccm email requeue 17 --after 2d")
@NUMBER
@click.option("--after", help="Only after that time: 30m, 2h, 3d, 1w or 1d 4h.")
@DRY_RUN
@json_option
@pass_app
def requeue(app: App, number: str, after: str | None, dry_run: bool, as_json: bool) -> None:
    """Have an email wait in its queue again, at once or after a time.

    Whoever works on it does not have it any more; what he answers to it is refused.
    """
    later = _duration(after)

    async def change(session: "Session", item: "Row", now: datetime) -> str:
        if item["state"] in ("waiting", "queued") and not item["asleep"] and not later:
            raise NothingFound(f"email {item['number']} waits in {item['queue']} already")
        return await _requeued(session, item, item["queue_id"], item["queue"], now, now + later)

    run(_change(app, number, change, dry_run=dry_run, as_json=as_json))


@click.command("transfer", epilog="Example:  ccm email transfer 17 sales --dry-run")
@NUMBER
@click.argument("queue")
@DRY_RUN
@json_option
@pass_app
def transfer(app: App, number: str, queue: str, dry_run: bool, as_json: bool) -> None:
    """Have an email wait in another queue of the same node.

    Whoever works on it does not have it any more.
    """

    async def change(session: "Session", item: "Row", now: datetime) -> str:
        there = {
            row["name"]: row["id"] for row in await session.fetch("queues_of_node", item["node"])
        }
        if queue not in there:
            raise NothingFound(_no_queue(queue, item["node"], list(there)))
        if queue == item["queue"]:
            raise NothingFound(
                f"email {item['number']} is in {queue} already: `ccm email requeue` gives it back "
                "to that queue"
            )
        return await _requeued(session, item, there[queue], queue, now, now)

    run(_change(app, number, change, dry_run=dry_run, as_json=as_json))


@click.command("close", epilog="Example:  ccm email close 17")
@NUMBER
@DRY_RUN
@json_option
@pass_app
def close(app: App, number: str, dry_run: bool, as_json: bool) -> None:
    """Say that nothing more is to be done; nothing is sent to the customer.

    When the customer writes again, the matter is open again.
    """

    async def change(session: "Session", item: "Row", now: datetime) -> str:
        had = f"; {item['agent']} had it" if item["state"] == "working" else ""
        await session.fetchval(
            "finish_work", item["id"], "closed", "closed", now, commanding.user()
        )
        return f"it is closed{had}"

    run(_change(app, number, change, dry_run=dry_run, as_json=as_json))


@click.command("note", epilog="Example:  ccm email note 17 'Called her; the parcel is on its way.'")
@NUMBER
@click.argument("text")
@json_option
@pass_app
def note(app: App, number: str, text: str, as_json: bool) -> None:
    """Write a note for colleagues into the matter of an email; never sent to the customer.

    TEXT may be - to read it from standard input.
    """
    if text == "-":
        text = sys.stdin.buffer.read(4 * LONGEST_NOTE + 1).decode("utf-8", "replace")
    run(_note(app, number, _sound(text), as_json=as_json))


VERBS = (take, requeue, transfer, close, note)


# -- which item -----------------------------------------------------------------------------


def number_of(text: str) -> int | None:
    """The number that is meant; None for an id. Ids begin with a time, that is with 0."""
    wanted = text.strip().removeprefix("#")
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) <= LONGEST_NUMBER):
        return None
    return None if wanted.startswith("0") else int(wanted)


async def found(database: "Database", text: str) -> UUID:
    """The item with that number or id, or with an email of that id. Raises NothingFound."""
    by_number = number_of(text)
    by_id = "" if by_number is not None else text.strip().replace("%", "").replace("_", "")
    rows = await database.fetch("find_work_items", by_number, by_id)
    if not rows:
        raise NothingFound(
            f"there is no email {text!r} that waits, or did: `ccm email list --state all`"
        )
    if len(rows) > 1:
        raise NothingFound(f"several emails begin with {text!r}: write more of the id")
    id_: UUID = rows[0]["id"]
    return id_


async def shown(database: "Database", id_: UUID, now: datetime) -> dict[str, Any]:
    """An item as it is listed."""
    row = await database.fetchrow("list_work_items", None, None, None, list(STATES), now, 1, id_)
    return dict(row) if row is not None else {}


# -- doing ----------------------------------------------------------------------------------


async def _change(app: App, number: str, change: Change, *, dry_run: bool, as_json: bool) -> None:
    async with opened(app) as database:
        id_ = await found(database, number)
        await _changed(database, id_, change, dry_run=dry_run, as_json=as_json)


async def _changed(
    database: "Database", id_: UUID, change: Change, *, dry_run: bool, as_json: bool
) -> None:
    from ccmiddleware.clock import utc_now

    said = ""
    try:
        async with database.transaction() as session:
            item = await session.fetchrow("lock_work_item", id_)
            if item is None or item["state"] == "done":
                raise NothingFound(_done(item))
            said = await change(session, item, utc_now())
            if dry_run:
                raise _Undone(said)
    except _Undone:
        pass
    row = await shown(database, id_, utc_now())
    if as_json:
        emit_json(row | {"dry_run": dry_run, "done": said})
    elif dry_run:
        say(f"nothing was changed; this would be: email {row['number']}: {said}")
    else:
        say(f"email {row['number']}: {said}")


async def _requeued(
    session: "Session", item: "Row", queue: UUID, name: str, now: datetime, since: datetime
) -> str:
    from ccmiddleware.mail.agent_commands import show_duration

    had = f"; {item['agent']} had it" if item["state"] == "working" else ""
    why = f"given back by {commanding.user()}"
    await session.fetchval("requeue_work", item["id"], queue, since, now, why, commanding.user())
    later = f" in {show_duration(since - now)}" if since > now else ""
    return f"it waits in {name}{later}{had}"


async def _note(app: App, number: str, text: str, *, as_json: bool) -> None:
    import uuid

    from ccmiddleware.clock import utc_now
    from ccmiddleware.ids import uuid7_shaped

    now = utc_now()
    id_ = uuid7_shaped(int(now.timestamp() * 1000), uuid.uuid4().hex)
    async with opened(app) as database:
        row = await shown(database, await found(database, number), now)
        await database.execute(
            "add_conversation_note", id_, row["conversation_id"], row["id"], None,
            commanding.user(), now, text,
        )  # fmt: skip
    if as_json:
        emit_json({"id": id_, "number": row["number"], "author": commanding.user(), "text": text})
    else:
        say(f"email {row['number']}: the note is kept; `ccm email show {row['number']}` shows it")


# -- words ----------------------------------------------------------------------------------


def _sound(text: str) -> str:
    from ccmiddleware.mail.composing import sound_text

    if not text.strip():
        raise click.UsageError("the note is empty")
    if len(text) > LONGEST_NOTE:
        raise click.UsageError(f"the note is longer than {LONGEST_NOTE} characters")
    return sound_text(text).strip()


def _duration(text: str | None) -> timedelta:
    from ccmiddleware.mail.agent_commands import parse_duration

    if text is None:
        return timedelta()
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.UsageError(f"--after: {error}") from None


def _since(item: "Row") -> str:
    from ccmiddleware.cli.when import local_zone
    from ccmiddleware.cli.when import show as show_time

    return f"{item['agent']}'s since {show_time(item['taken_at'], local_zone())}"


def _done(item: "Row | None") -> str:
    if item is None:
        return "there is no such email any more"
    return (
        f"nothing was changed: email {item['number']} is done ({item['outcome']}); when the "
        "customer writes again, it comes back under another number"
    )


def _no_queue(name: str, node: str, there: list[str]) -> str:
    near = get_close_matches(name, there, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(there[:20])}"
    return f"there is no queue {name!r} on {node}; {meant}"
