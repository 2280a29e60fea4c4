"""``ccm callback``: callers and leads who are to be called back, and what was done about it.

There are two kinds: a caller of a queue is called when his turn comes, a lead of a campaign at the
time that was promised (``callback_leads``). What is added or cancelled here goes through Postgres;
the daemon that leads the node acts on it.
"""

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import callback_leads
from ccmiddleware.cli.callback_leads import tolerance_option, zone_option
from ccmiddleware.cli.campaign_editing import campaign_option
from ccmiddleware.cli.commanding import Ambiguous, user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import (
    Moment,
    agent_option,
    check_period,
    limit,
    node_option,
    period,
    queue_option,
)
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

STATES = (
    "waiting", "queued", "calling", "talking", "done", "failed", "expired", "cancelled", "merged",
)  # fmt: skip

LIST = (
    Column("kind", "KIND"),
    Column("asked", "ASKED", "time"),
    Column("where", "QUEUE OR CAMPAIGN"),
    Column("number", "NUMBER"),
    Column("state", "STATE"),
    Column("calls", "CALLS", "number"),
    Column("promised_at", "PROMISED", "time"),
    Column("next", "NEXT", "time"),
    Column("agent", "AGENT"),
    Column("on_time", "ON TIME"),
    Column("reason", "REASON"),
    Column("short_id", "ID"),
)
ONE = (
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
NONE_YET = (
    "no callback fits; callers ask for them by key (asterisk/dialplan/ccm-callbacks.conf), and "
    "`ccm callback add` promises them"
)
SHORT = 13
"""Characters of an id that are shown; the first ones do as an id."""


@click.group("callback", epilog="Example:  ccm callback list --open")
def command() -> None:
    """Callbacks: customers who are called back.

    A caller of a queue is called when the turn comes, instead of waiting; a lead of a campaign at
    the time that was promised.
    """


command.add_command(callback_leads.move)


@command.command("list", epilog="Example:  ccm callback list --since 7d --missed")
@period("24h")
@click.option("--kind", type=click.Choice(("queue", "lead")), help="Only callers, or only leads.")
@node_option
@queue_option
@campaign_option
@agent_option
@click.option("--number", help="Only this number.")
@click.option(
    "--state", type=click.Choice((*STATES, *callback_leads.STATES)), help="Only in this state.",
    metavar="STATE",
)  # fmt: skip
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over.")
@click.option("--missed", is_flag=True, help="Only those that were not kept in time.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    kind: str | None,
    node: str | None,
    queue: str | None,
    campaign: str | None,
    agent: str | None,
    number: str | None,
    state: str | None,
    only_open: bool,
    missed: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List callbacks that were asked for, or promised for a time, in a period, and all open ones.

    STATE of callers (KIND queue): waiting (for the time NEXT); queued (its placeholder waits for an
    agent); calling (an agent is there, the customer's phone rings); talking; done; failed, expired,
    cancelled (REASON says why); merged (the number had an open one in this queue already).
    STATE of leads: promised; tried (called, nobody was reached; again at NEXT); reached; cancelled;
    lapsed (may not be called any more). A promise is missed when no call begins within its
    tolerance.
    """
    begin, end = check_period(since, until)
    kinds = {kind} if kind else {"queue", "lead"}
    if node or queue:
        kinds -= {"lead"}
    if campaign or agent:
        kinds -= {"queue"}

    async def do() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        async with opened(app) as database:
            if "queue" in kinds:
                rows += await _rows(
                    database, "queue", "list_callbacks", begin, end, node, queue, number, state,
                    only_open, limit, missed,
                )  # fmt: skip
            if "lead" in kinds:
                rows += await _rows(
                    database, "lead", "list_lead_callbacks", begin, end, campaign, number, state,
                    agent, only_open, missed, limit,
                )  # fmt: skip
        rows.sort(key=lambda row: row["promised_at" if row["kind"] == "lead" else "asked_at"])
        return rows[::-1][:limit]

    rows = run(do())
    emit(rows if as_json else _alike(rows), LIST, as_json=as_json, empty=NONE_YET)


async def _rows(
    database: "Database", kind: str, query: str, *arguments: Any
) -> list[dict[str, Any]]:
    return [{"kind": kind, **row} for row in await database.fetch(query, *arguments)]


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both kinds with the columns of LIST."""
    return [
        {
            **dict.fromkeys(column.key for column in LIST),
            **row,
            "asked": row["asked_at"],
            "where": row["queue"],
            "calls": row["attempts"],
            "next": row["next_attempt_at"],
            "on_time": row["kept_on_time"],
            "short_id": str(row["id"])[:SHORT],
        }
        if row["kind"] == "queue"
        else {
            **row,
            "asked": row["made_at"],
            "where": row["campaign"],
            "next": row["next_at"],
            "on_time": False if row["missed"] else True if row["first_called_at"] else None,
            "short_id": str(row["id"])[:SHORT],
        }
        for row in rows
    ]


@command.command("show", epilog="Example:  ccm callback show 0193c1a2-55e0")
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def show(app: App, id_: str, as_json: bool) -> None:
    """Show one callback with each of its attempts.

    ID is what `ccm callback list` shows, or Asterisk's unique id of the call in which it was asked
    for.
    """
    kind, row, attempts = run(_one(app, id_))
    if as_json:
        emit_json({"kind": kind, "callback": row, "attempts": attempts})
        return
    row |= {"short_id": str(row["id"])[:SHORT]}
    if kind == "lead":
        callback_leads.show(row, attempts)
        return
    emit([row], ONE, as_json=False, empty="")
    click.echo()
    emit(attempts, ATTEMPTS, as_json=False, empty="it has not been put into its queue yet")


@command.command(
    "add", epilog="Example:  ccm callback add spring +12025550123 --at '2026-11-30 15:00'"
)
@click.argument("where", metavar="CAMPAIGN|QUEUE")
@click.argument("whom", metavar="LEAD|NUMBER")
@zone_option
@click.option(
    "--at", type=Moment(), metavar="TIME", help="Promise a lead this time: 2026-11-30T15:00."
)
@click.option("--agent", help="Leads: this agent calls; name or interface. Anybody if not given.")
@click.option(
    "--number", help="Leads: on this of its numbers; the one that was called last if not given."
)
@tolerance_option
@click.option("--note", help="Leads: what there is to know.")
@node_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@pass_app
def add(
    app: App,
    where: str,
    whom: str,
    time_zone: tzinfo | None,
    at: datetime | None,
    agent: str | None,
    number: str | None,
    tolerance: timedelta | None,
    note: str | None,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Promise a lead of CAMPAIGN a call for a time; or have the agents of QUEUE call NUMBER.

    With --at: LEAD is an id, an id of the file, or a number with + and country code. It is called
    at that time by a free agent, before all other leads, also while the campaign is paused. A time
    at which it may not be called is refused, with the next one that is lawful.

    Without: the call is made when the turn comes; the place is the last one. Asterisk's dialplan
    (context ccm-callback-customer) decides whether NUMBER may be called, before any agent's phone
    rings; hours and number of attempts are those of the queue.
    """
    if at is not None:
        if node is not None:
            raise click.UsageError("--node is of callbacks in a queue; a campaign has its own")
        wanted = {"at": at, "agent": agent, "tolerance": tolerance, "note": note}
        promised = callback_leads.promise(app, where, whom, number, wanted, dry_run=dry_run)
        callback_leads.report(run(promised), as_json=as_json, dry_run=dry_run)
        return
    if (agent, number, tolerance, note) != (None, None, None, None):
        raise click.UsageError(
            "say --at TIME: --agent, --number, --tolerance and --note are of leads"
        )
    _add_to_queue(app, where, whom, node, dry_run=dry_run, as_json=as_json)


def _add_to_queue(
    app: App, queue: str, number: str, node: str | None, *, dry_run: bool, as_json: bool
) -> None:
    from ccmiddleware.queues.callbacks import NUMBER
    from ccmiddleware.queues.placeholders import QUEUE

    if NUMBER.fullmatch(number) is None:
        raise click.UsageError(
            "NUMBER is 3 to 18 digits, perhaps after a +; to promise a lead a call say --at TIME"
        )
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
    """Have a customer not called back. A call that is on goes on."""
    row, state = run(_cancel(app, id_))
    if as_json:
        emit_json({"id": row["id"], "state": state})
    elif state == "queued":
        say("the daemon takes its placeholder out of the queue: `ccm callback list` shows when")
    elif state == "calling":
        say(f"{row['number']} is being called at this moment, and not again for this promise")
    else:
        say(f"the callback to {row['number']} is cancelled")


async def _one(app: App, id_: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    async with opened(app) as database:
        kind, row = await found(database, id_)
        if kind == "lead":
            calls = await database.fetch("show_lead_callback_attempts", row["id"], row["lead_id"])
        else:
            calls = await database.fetch("show_callback_attempts", row["id"])
        return kind, row, [dict(call) for call in calls]


async def found(database: "Database", id_: str) -> tuple[str, dict[str, Any]]:
    """The callback with that id, and its kind. Raises NothingFound, Ambiguous."""
    wanted = id_.replace("%", "")
    rows = [("queue", dict(row)) for row in await database.fetch("show_callback", wanted)]
    rows += [("lead", dict(row)) for row in await database.fetch("show_lead_callback", wanted)]
    if not rows:
        raise NothingFound(
            f"there is no callback {id_!r}: `ccm callback list` shows those there are"
        )
    if len(rows) > 1:
        raise Ambiguous(f"several callbacks begin with {id_!r}: write more of the id")
    return rows[0]


async def _add(
    app: App, queue: str, number: str, node: str | None, *, dry_run: bool
) -> dict[str, Any]:
    async with opened(app) as database:
        known = [dict(row) for row in await database.fetch("list_queues", node, queue, _now())]
        if not known:
            raise NothingFound(
                f"there is no queue {queue!r}: `ccm queue list` shows those there are; to promise "
                "a lead of a campaign a call say --at TIME"
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
        kind, row = await found(database, id_)
        if kind == "lead":
            calling = await callback_leads.cancel(database, row)
            return row, "calling" if calling else "cancelled"
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
