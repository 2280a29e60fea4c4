"""``ccm callback`` for leads: what was promised for a time, to whom, and whether it was kept."""

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import Moment, TimeZone
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.when import local_zone
from ccmiddleware.cli.when import show as show_time
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.lead_callbacks import Wish
    from ccmiddleware.store.database import Database

STATES = ("promised", "tried", "reached", "cancelled", "lapsed")
LONGEST_NOTE = 500

ONE = (
    Column("campaign", "CAMPAIGN"),
    Column("lead_id", "LEAD"),
    Column("lead", "NAME"),
    Column("number", "NUMBER"),
    Column("agent", "AGENT"),
    Column("promised_at", "PROMISED", "time"),
    Column("late_from", "LATE FROM", "time"),
    Column("state", "STATE"),
    Column("missed", "MISSED"),
    Column("next_at", "NEXT", "time"),
    Column("reason", "REASON"),
    Column("note", "NOTE"),
    Column("made_by", "BY"),
    Column("short_id", "ID"),
)
CALLS = (
    Column("ordinal", "ATTEMPT", "number"),
    Column("claimed_at", "CALLED", "time"),
    Column("number", "NUMBER"),
    Column("result", "RESULT"),
    Column("ended_at", "ENDED", "time"),
    Column("interface", "AGENT"),
    Column("note", "NOTE"),
)

zone_option = click.option(
    "--time-zone", type=TimeZone(), is_eager=True, metavar="ZONE",
    help="Zone of TIME, such as America/New_York; this machine's if not given.",
)  # fmt: skip


def tolerance(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    """A duration that was typed."""
    from ccmiddleware.dialer.values import InvalidCampaign, duration

    try:
        return None if text is None else timedelta(seconds=duration(text))
    except InvalidCampaign as error:
        raise click.BadParameter(str(error)) from None


tolerance_option = click.option(
    "--tolerance", callback=tolerance, metavar="DURATION",
    help="How much later is still in time, such as 30m; the campaign's callback_tolerance if not "
    "given.",
)  # fmt: skip


def note_of(text: str | None) -> str | None:
    """A note that was typed, in one line."""
    from ccmiddleware.dialer.values import line

    return None if text is None else (line(LONGEST_NOTE)(text) if text.strip() else "")


def wish(
    at: datetime | None,
    agent: str | None,
    number: str | None,
    tolerance: timedelta | None,
    note: str | None,
) -> "Wish":
    """What was typed. Raises InvalidCampaign."""
    from ccmiddleware.dialer.lead_callbacks import Wish
    from ccmiddleware.dialer.values import number as checked_number

    whole = str(checked_number(number)) if number is not None else None
    return Wish(at, agent, whole, tolerance, note_of(note))


async def promise(
    app: App, campaign: str, lead: str, number: str | None, wanted: "dict[str, Any]",
    *, dry_run: bool,
) -> dict[str, Any]:  # fmt: skip
    """Promise a lead of a campaign a call."""
    from ccmiddleware.cli.lead import find_lead
    from ccmiddleware.dialer import lead_callbacks

    if number is None and lead.startswith("+"):
        number = lead
    async with checked(), opened(app) as database:
        id_ = await find_lead(database, lead, campaign)
        return await lead_callbacks.promise(
            database, id_, wish(number=number, **wanted), by=user(), now=utc_now(), dry_run=dry_run
        )


async def promise_after(
    database: "Database", interaction: dict[str, Any], at: datetime, agent: str | None
) -> dict[str, Any]:
    """Promise the lead of a campaign's call another one, on the number that was called."""
    from ccmiddleware.dialer import lead_callbacks
    from ccmiddleware.ids import attempt_of

    attempt = attempt_of(interaction["linkedid"])
    row = await database.fetchrow("lead_of_attempt", attempt) if attempt is not None else None
    if row is None:
        raise click.UsageError("--callback is for calls of campaigns, and that is none")
    async with checked():
        return await lead_callbacks.promise(
            database, row["lead_id"], wish(at, agent, row["number"], None, None), by=user(),
            now=utc_now(),
        )  # fmt: skip


def report(made: dict[str, Any], *, as_json: bool, dry_run: bool = False) -> None:
    """Print what was promised."""
    if as_json:
        emit_json(made | {"dry_run": dry_run})
        return
    if dry_run:
        say("nothing was written, nobody is called; this would be:")
    zone: tzinfo = local_zone()
    whom = made["lead"] or f"lead {made['lead_id']}"
    here, until = show_time(made["promised_at"], zone), show_time(made["late_from"], zone)
    emit_text(
        f"{whom} is called back on {made['number']} at {here} ({made['there']} there) by "
        f"{made['agent'] or 'anybody of ' + made['campaign']}; late from {until}"
    )
    if not dry_run:
        emit_text(str(made["id"]))


@click.command(
    "move", epilog="Example:  ccm callback move 0193c1a2-55e0 --at '2026-11-30 15:00' --agent Ann"
)
@click.argument("id_", metavar="ID")
@zone_option
@click.option("--at", type=Moment(), metavar="TIME", help="To this time.")
@click.option("--agent", help="This agent calls: name or interface.")
@click.option("--anybody", is_flag=True, help="Anybody of the campaign calls.")
@tolerance_option
@click.option("--note", help="What there is to know.")
@json_option
@pass_app
def move(
    app: App,
    id_: str,
    time_zone: tzinfo | None,
    at: datetime | None,
    agent: str | None,
    anybody: bool,
    tolerance: timedelta | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Move a callback that was promised to a lead to another time, or to another agent.

    A time at which the lead may not be called is refused, with the next one that is lawful.
    """
    if anybody and agent is not None:
        raise click.UsageError("either --agent or --anybody")
    if not anybody and (at, agent, tolerance, note) == (None, None, None, None):
        raise click.UsageError(
            "say what is to change: --at, --agent, --anybody, --tolerance, --note"
        )

    async def do() -> dict[str, Any]:
        from ccmiddleware.cli.callback import found
        from ccmiddleware.dialer import lead_callbacks

        async with checked(), opened(app) as database:
            kind, row = await found(database, id_)
            if kind != "lead":
                raise click.UsageError(
                    "that one keeps its place in a queue and has no time; `ccm callback cancel` "
                    "takes it away"
                )
            changed = wish(at, "" if anybody else agent, None, tolerance, note)
            return await lead_callbacks.move(database, row["id"], changed, by=user(), now=utc_now())

    report(run(do()), as_json=as_json)


async def cancel(database: "Database", row: dict[str, Any]) -> bool:
    """Take a promise back; whether its call is on at this moment."""
    from ccmiddleware.dialer import lead_callbacks

    async with checked():
        return await lead_callbacks.cancel(database, row["id"], by=user(), now=utc_now())


def show(row: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    """Print one promise with its calls."""
    emit([row], ONE, as_json=False, empty="")
    click.echo()
    emit(calls, CALLS, as_json=False, empty="nobody was called for it yet")
