"""``ccm queue set``, ``show-settings`` and ``changes``: what is set of a queue, and who set it."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.options import check_period, limit, node_option, period, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json
from ccmiddleware.cli.queue_editing import (
    Edit,
    applied,
    checked,
    dry_run_option,
    edit,
    find_queue,
    report,
    say_applied,
    stored_of,
    where_option,
)
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.queues.settings import Value

SETTINGS = (
    Column("key", "SETTING"),
    Column("value", "VALUE"),
    Column("help", "WHAT IT IS"),
)
HISTORY = (
    Column("changed_at", "CHANGED", "time"),
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("changed_by", "BY"),
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)


@click.command(
    "set",
    epilog="Example:  ccm queue set support time_zone=Europe/Berlin "
    "hours='mon-fri 09:00-18:00; sat 10:00-14:00' max_wait=300 overflow_to=queue:sales",
)
@click.argument("queue")
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
@where_option
@dry_run_option
@json_option
@pass_app
def set_(
    app: App,
    queue: str,
    settings: tuple[str, ...],
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set what holds for a queue; KEY= takes a setting back.

    Keys: hours, time_zone, closed_sound, closed_to, recording_sound, max_waiting,
    max_estimated_wait, max_wait (seconds), overflow_to, max_penalty,
    email_after_calls (yes or no), email_first_response, email_next_response,
    email_resolution, email_escalate_before (durations such as 4h, in opening
    hours), email_escalate_to (priority=N,queue:NAME,notify:ADDRESS),
    email_take_back (yes or no). Destinations: queue:NAME,
    extension:NUMBER, hangup, continue. Applied in Asterisk within some two seconds, without
    reload, where its dialplan runs the queue by asterisk/dialplan/ccm-queues.conf.
    """

    async def change(going_on: Edit) -> None:
        await _set(going_on, settings)

    sys.exit(
        report(run(edit(app, queue, node, change, dry_run=dry_run, new=True)), as_json=as_json)
    )


@click.command("show-settings", epilog="Example:  ccm queue show-settings support")
@click.argument("queue")
@where_option
@json_option
@pass_app
def show_settings(app: App, queue: str, node: str | None, as_json: bool) -> None:
    """Show what is set of a queue, and whether Asterisk has it."""
    values, state = run(_shown(app, queue, node))
    if as_json:
        emit_json({"queue": queue, "settings": values, "applied": state})
        return
    from ccmiddleware.queues.settings import KEYS

    rows = [
        {"key": key, "value": "-" if value is None else value, "help": KEYS[key].help}
        for key, value in values.items()
    ]
    emit(rows, SETTINGS, as_json=False, empty="")
    say_applied(state)


@click.command("changes", epilog="Example:  ccm queue changes --queue support --since 30d")
@period("30d")
@queue_option
@node_option
@limit(100)
@json_option
@pass_app
def changes(
    app: App,
    since: datetime,
    until: datetime | None,
    queue: str | None,
    node: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List who changed what of queues, newest first."""
    begin, end = check_period(since, until)
    rows = run(_changes(app, begin, end, node, queue, limit))
    emit(rows, HISTORY, as_json=as_json, empty="nothing was changed in this period that fits")


async def _set(going_on: Edit, settings: tuple[str, ...]) -> None:
    from ccmiddleware.queues.settings import (
        COLUMNS,
        changed,
        check_destinations,
        check_escalation,
        parse_changes,
        shown,
    )

    wanted = parse_changes(settings)
    before = going_on.stored
    after = changed(before, wanted)
    others = await _others(going_on)
    check_destinations(going_on.place.queue, after.values, others)
    if wanted.get("email_escalate_to"):
        check_escalation(going_on.place.queue, str(wanted["email_escalate_to"]), others)
    was, is_now = shown(before), shown(after)
    for key in wanted:
        going_on.note(key, was[key], is_now[key])
    values = [after.values.get(column) for column in COLUMNS]
    week = after.schedule.week
    session, id_ = going_on.session, going_on.id
    await session.execute("set_queue_setting", id_, week is not None, *values)
    if "hours" in wanted:
        from ccmiddleware.queues.hours import show_day

        await session.execute("clear_queue_hours", id_)
        days = {str(day): show_day(hours) for day, hours in enumerate(week or (), 1) if hours}
        await session.execute("set_queue_hours", id_, days)


async def _others(going_on: Edit) -> "dict[str, dict[str, Value]]":
    """The values of every queue of the node."""
    from ccmiddleware.queues.settings import COLUMNS

    node = going_on.place.node
    found: dict[str, dict[str, Value]] = {name: {} for name in going_on.place.names}
    for row in await going_on.session.fetch("queue_settings", node, None, utc_now()):
        found[row["queue"]] = {column: row[column] for column in COLUMNS}
    return found


async def _shown(
    app: App, queue: str, node: str | None
) -> "tuple[dict[str, Value], dict[str, Any]]":
    from ccmiddleware.queues.settings import shown

    async with opened(app) as database, checked():
        place = await find_queue(database, app, queue, node)
        return shown(await stored_of(database, place, utc_now())), await applied(database, place)


async def _changes(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_queue_changes", *arguments)]
