"""``ccm queue hours``, ``open``, ``close``, ``resume`` and ``holiday``: when a queue is open."""

import sys
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import when
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import Moment, node_option, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.queue_editing import (
    Edit,
    applied,
    checked,
    edit,
    find_queue,
    report,
    say_applied,
    stored_of,
    where_option,
)
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.queues.hours import Schedule

HOLIDAYS = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("day", "DAY"),
    Column("yearly", "YEARLY"),
    Column("name", "NAME"),
    Column("hours", "HOURS"),
)
LONGEST_NAME = 100


class Day(click.ParamType[date]):
    """A date."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no date; write it as 2026-12-24", param, ctx)


@click.command("hours", epilog="Example:  ccm queue hours support --at 2026-12-24T15:00")
@click.argument("queue")
@click.option("--at", type=Moment(), help="At that time; now if not given.")
@where_option
@json_option
@pass_app
def hours(app: App, queue: str, at: datetime | None, node: str | None, as_json: bool) -> None:
    """Say whether a queue is open, why, and when that changes next."""
    schedule, state = run(_hours(app, queue, node, at or utc_now()))
    found = _told(schedule, at or utc_now())
    if as_json:
        emit_json({"queue": queue, **found, "applied": state})
        return
    emit_text(f"{queue} is {'open' if found['open'] else 'closed'} ({found['why']})")
    following = found["changes_at"]
    if following is None:
        emit_text("that does not change within a year")
    else:
        word = "closes" if found["open"] else "opens"
        shown = dict.fromkeys(when.show(following, zone) for zone in (schedule.zone, _here()))
        emit_text(f"{word} at {' = '.join(shown)}")
    if state["state"] not in ("applied", "nothing"):
        say_applied(state)


def _told(schedule: "Schedule", at: datetime) -> dict[str, Any]:
    from ccmiddleware.queues.hours import change_after, is_open, reason

    moment = int(at.timestamp())
    following = change_after(schedule, moment)
    return {
        "at": at,
        "open": is_open(schedule, moment),
        "why": reason(schedule, moment),
        "changes_at": None if following is None else datetime.fromtimestamp(following, UTC),
    }


async def _hours(
    app: App, queue: str, node: str | None, at: datetime
) -> "tuple[Schedule, dict[str, Any]]":
    async with opened(app) as database, checked():
        place = await find_queue(database, app, queue, node)
        stored = await stored_of(database, place, at)
        return stored.schedule, await applied(database, place)


def _here() -> tzinfo:
    return when.local_zone()


# -- by hand --------------------------------------------------------------------------------

since_option = click.option(
    "--from", "since", type=Moment(), help="From then on; now if not given."
)
until_option = click.option(
    "--until", type=Moment(), help="Until then; until `ccm queue resume` if not given."
)


@click.command("close", epilog="Example:  ccm queue close support --until 14:00")
@click.argument("queue")
@since_option
@until_option
@where_option
@json_option
@pass_app
def close(
    app: App,
    queue: str,
    since: datetime | None,
    until: datetime | None,
    node: str | None,
    as_json: bool,
) -> None:
    """Close a queue by hand, whatever its hours say."""
    sys.exit(_by_hand(app, queue, node, False, since, until, as_json=as_json))


@click.command("open", epilog="Example:  ccm queue open support --until 20:00")
@click.argument("queue")
@since_option
@until_option
@where_option
@json_option
@pass_app
def open_(
    app: App,
    queue: str,
    since: datetime | None,
    until: datetime | None,
    node: str | None,
    as_json: bool,
) -> None:
    """Open a queue by hand, whatever its hours say."""
    sys.exit(_by_hand(app, queue, node, True, since, until, as_json=as_json))


@click.command("resume", epilog="Example:  ccm queue resume support")
@click.argument("queue")
@where_option
@json_option
@pass_app
def resume(app: App, queue: str, node: str | None, as_json: bool) -> None:
    """Take back what was opened or closed by hand: hours and holidays hold again."""

    async def change(going_on: Edit) -> None:
        rows = await going_on.session.fetch("take_back_by_hand", going_on.id, utc_now())
        for row in rows:
            going_on.note("by hand", _act(row["opened"], row["since"], row["until"]), None)

    sys.exit(report(run(edit(app, queue, node, change)), as_json=as_json))


def _by_hand(
    app: App,
    queue: str,
    node: str | None,
    opened_: bool,
    since: datetime | None,
    until: datetime | None,
    *,
    as_json: bool,
) -> int:
    now = utc_now().replace(microsecond=0)
    begin = since or now
    if until is not None and until <= max(begin, now):
        raise click.BadParameter(
            "that is over already: write a time to come, such as 23:30 or 2026-12-24T14:00",
            param_hint="--until",
        )

    async def change(going_on: Edit) -> None:
        from ccmiddleware.cli.commanding import user

        await going_on.session.execute(
            "add_queue_by_hand", going_on.id, opened_, begin, until, user()
        )
        going_on.note("by hand", None, _act(opened_, begin, until))

    return report(run(edit(app, queue, node, change)), as_json=as_json)


def _act(opened_: bool, since: datetime, until: datetime | None) -> str:
    word = "open" if opened_ else "closed"
    end = f"{until:%Y-%m-%d %H:%M:%S} UTC" if until is not None else "it is taken back"
    return f"{word} from {since:%Y-%m-%d %H:%M:%S} UTC until {end}"


# -- holidays -------------------------------------------------------------------------------


@click.group(
    "holiday", epilog="Example:  ccm queue holiday add support 2026-12-24 --hours 09:00-12:00"
)
def holiday() -> None:
    """Days on which a queue is closed, or has other hours."""


@holiday.command(
    "add", epilog="Example:  ccm queue holiday add support 2026-12-25 --yearly --name Christmas"
)
@click.argument("queue")
@click.argument("day", type=Day())
@click.option("--hours", "text", default="closed", help="Hours of that day; closed if not given.")
@click.option("--name", default="", help="What day it is.")
@click.option("--yearly", is_flag=True, help="That day of every year.")
@where_option
@json_option
@pass_app
def add(
    app: App,
    queue: str,
    day: date,
    text: str,
    name: str,
    yearly: bool,
    node: str | None,
    as_json: bool,
) -> None:
    """Add a holiday, or change it. The hours of the week don't hold on that day."""
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise click.UsageError(f"--name takes one line of at most {LONGEST_NAME} characters")

    async def change(going_on: Edit) -> None:
        from ccmiddleware.queues.hours import parse_day, show_day

        spans = parse_day(text)
        before = next(
            (one for one in going_on.stored.schedule.holidays
             if one.day == day and one.yearly == yearly), None,
        )  # fmt: skip
        await going_on.session.execute(
            "put_queue_holiday", going_on.id, day, yearly, name, show_day(spans) if spans else ""
        )
        going_on.note(
            f"holiday {day}{' yearly' if yearly else ''}",
            before and f"{show_day(before.hours)} {before.name}".strip(),
            f"{show_day(spans)} {name}".strip(),
        )

    sys.exit(report(run(edit(app, queue, node, change)), as_json=as_json))


@holiday.command("remove", epilog="Example:  ccm queue holiday remove support 2026-12-24")
@click.argument("queue")
@click.argument("day", type=Day())
@where_option
@json_option
@pass_app
def remove(app: App, queue: str, day: date, node: str | None, as_json: bool) -> None:
    """Remove a holiday: the hours of the week hold on that day again."""

    async def change(going_on: Edit) -> None:
        rows = await going_on.session.fetch("remove_queue_holiday", going_on.id, day)
        if not rows:
            raise NothingFound(f"{queue} has no holiday on {day}; `ccm queue holiday list` has all")
        for row in rows:
            going_on.note(
                f"holiday {row['day']}{' yearly' if row['yearly'] else ''}",
                f"{row['hours'] or 'closed'} {row['name']}".strip(),
                None,
            )

    sys.exit(report(run(edit(app, queue, node, change)), as_json=as_json))


@holiday.command("list", epilog="Example:  ccm queue holiday list --queue support")
@queue_option
@node_option
@json_option
@pass_app
def list_(app: App, queue: str | None, node: str | None, as_json: bool) -> None:
    """List the holidays of queues."""
    rows = run(_holidays(app, node, queue))
    if not as_json:
        rows = [row | {"hours": row["hours"] or "closed"} for row in rows]
    emit(rows, HOLIDAYS, as_json=as_json, empty="no holidays: ccm queue holiday add QUEUE DATE")


async def _holidays(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_queue_holidays", *arguments)]
