"""``ccm callback``: callers who asked to be called back, and what was done about it.

What is added or cancelled here goes through Postgres; the daemon that leads the node acts on it.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import check_period, limit, node_option, period, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

STATES = (
    "waiting", "queued", "calling", "talking", "done", "failed", "expired", "cancelled", "merged",
)  # fmt: skip

LIST = (
    Column("asked_at", "ASKED", "time"),
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("number", "NUMBER"),
    Column("state", "STATE"),
    Column("attempts", "CALLS", "number"),
    Column("next_attempt_at", "NEXT", "time"),
    Column("wait_seconds", "WAITED", "span"),
    Column("kept_on_time", "ON TIME"),
    Column("reason", "REASON"),
    Column("short_id", "ID"),
)
ATTEMPTS = (
    Column("ordinal", "NO", "number"),
    Column("placed_at", "PLACED", "time"),
    Column("place", "PLACE", "number"),
    Column("steps", "TOLD"),
    Column("outcome", "OUTCOME"),
    Column("ended_at", "ENDED", "time"),
    Column("interaction_id", "INTERACTION"),
)
NONE_YET = "no callback fits; callers ask for them by key: asterisk/dialplan/ccm-callbacks.conf"
SHORT = 13
"""Characters of an id that are shown; the first ones do as an id."""


@click.group("callback", epilog="Example:  ccm callback list --open")
def command() -> None:
    """Callbacks: customers who are called when their turn comes, instead of waiting."""


@command.command("list", epilog="Example:  ccm callback list --since today --state failed")
@period("24h")
@node_option
@queue_option
@click.option("--number", help="Only this number.")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    node: str | None,
    queue: str | None,
    number: str | None,
    state: str | None,
    only_open: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List callbacks that were asked for in a period, and all that are open, newest first.

    STATE: waiting (for the time NEXT); queued (its placeholder waits for an agent); calling (an
    agent is there, the customer's phone rings); talking; done; failed, expired, cancelled (REASON
    says why); merged (the number had an open one in this queue already).
    """
    begin, end = check_period(since, until)
    rows = run(
        _fetch(app, "list_callbacks", begin, end, node, queue, number, state, only_open, limit)
    )
    if not as_json:
        rows = [row | {"short_id": str(row["id"])[:SHORT]} for row in rows]
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)


@command.command("show", epilog="Example:  ccm callback show 0193c1a2-55e0")
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def show(app: App, id_: str, as_json: bool) -> None:
    """Show one callback with each of its attempts.

    ID is what `ccm callback list` shows, or Asterisk's unique id of the call in which it was asked
    for.
    """
    row, attempts = run(_one(app, id_))
    if as_json:
        emit_json({"callback": row, "attempts": attempts})
        return
    emit([row | {"short_id": str(row["id"])[:SHORT]}], LIST, as_json=False, empty="")
    click.echo()
    emit(attempts, ATTEMPTS, as_json=False, empty="it has not been put into its queue yet")


@command.command("add", epilog="Example:  ccm callback add support 12025550123 --dry-run")
@click.argument("queue")
@click.argument("number")
@node_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@pass_app
def add(app: App, queue: str, number: str, node: str | None, dry_run: bool, as_json: bool) -> None:
    """Have somebody called by the agents of QUEUE, when the turn comes; the place is the last one.

    Asterisk's dialplan (context ccm-callback-customer) decides whether NUMBER may be called, before
    any agent's phone rings; hours and number of attempts are those of the queue.
    """
    from ccmiddleware.queues.callbacks import NUMBER
    from ccmiddleware.queues.placeholders import QUEUE

    if NUMBER.fullmatch(number) is None:
        raise click.UsageError("NUMBER is 3 to 18 digits, perhaps after a +")
    if QUEUE.fullmatch(queue) is None:
        raise click.UsageError("QUEUE has characters that the dialplan library does not take")
    row = run(_add(app, queue, number, node, dry_run=dry_run))
    if as_json:
        emit_json(row)
    elif dry_run:
        say("nothing was written, nobody is called; this would be:")
        emit_text(f"{number} is called by agents of {queue} on {row['node']}, {row['hours']}")
    elif row["state"] == "merged":
        say(f"{number} had an open callback in {queue} already, which keeps its place")
    else:
        emit_text(str(row["id"]))


@command.command("cancel", epilog="Example:  ccm callback cancel 0193c1a2-55e0")
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def cancel(app: App, id_: str, as_json: bool) -> None:
    """Have a customer not called back; not once an agent is there and the phone rings."""
    row, state = run(_cancel(app, id_))
    if as_json:
        emit_json({"id": row["id"], "state": state})
    elif state == "queued":
        say("the daemon takes its placeholder out of the queue: `ccm callback list` shows when")
    else:
        say(f"the callback to {row['number']} is cancelled")


async def _fetch(app: App, query: str, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch(query, *arguments)]


async def _one(app: App, id_: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with opened(app) as database:
        row = await _found(database, id_)
        attempts = await database.fetch("show_callback_attempts", row["id"])
        return row, [dict(attempt) for attempt in attempts]


async def _found(database: "Database", id_: str) -> dict[str, Any]:
    rows = await database.fetch("show_callback", id_.replace("%", ""))
    if not rows:
        raise NothingFound(
            f"there is no callback {id_!r}: `ccm callback list` shows those there are"
        )
    if len(rows) > 1:
        raise NothingFound(f"several callbacks begin with {id_!r}: write more of the id")
    return dict(rows[0])


async def _add(
    app: App, queue: str, number: str, node: str | None, *, dry_run: bool
) -> dict[str, Any]:
    async with opened(app) as database:
        known = [dict(row) for row in await database.fetch("list_queues", node, queue, _now())]
        if not known:
            raise NothingFound(
                f"there is no queue {queue!r}: `ccm queue list` shows those there are"
            )
        if len(known) > 1:
            names = ", ".join(row["node"] for row in known)
            raise NothingFound(f"several nodes have a queue {queue!r}: say --node ({names})")
        where = known[0]["node"]
        if dry_run:
            return {"dry_run": True, "node": where, "queue": queue, "number": number,
                    "hours": _hours(app, queue)}  # fmt: skip
        row = await database.fetchrow("add_callback", where, queue, number, user())
    if row is None:
        raise NothingFound(f"there is no queue {queue!r} on {where}")
    return {"id": row["id"], "state": row["state"], "node": where, "queue": queue, "number": number}


async def _cancel(app: App, id_: str) -> tuple[dict[str, Any], str]:
    async with opened(app) as database:
        row = await _found(database, id_)
        state = await database.fetchval("cancel_callback", row["id"], user())
    if state is None:
        over = row["done_at"] is not None
        why = f"it is {row['state']}" if over else "the customer is being called at this moment"
        raise NothingFound(f"the callback to {row['number']} can't be cancelled: {why}")
    return row, state


def _now() -> datetime:
    from ccmiddleware.clock import utc_now

    return utc_now()


def _hours(app: App, queue: str) -> str:
    rules = app.settings().callback_for(queue)
    zone = rules.time_zone or "this machine's time"
    return (
        f"between {rules.opens} and {rules.closes} ({zone}), {rules.attempts} times at most, "
        f"given up after {rules.give_up_hours:g} hours"
    )
