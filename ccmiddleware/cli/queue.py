"""``ccm queue``: queues, who waits in them, who works in them; as the database has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ccmiddleware.cli import live, queue_hours, queue_priorities, queue_settings, queue_skill
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import count_option, interval_option, node_option, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

NO_QUEUES = (
    "no queues yet: the daemon writes them down when it has connected to Asterisk (see ccm doctor)"
)

LIST = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("strategy", "STRATEGY"),
    Column("members", "MEMBERS", "number"),
    Column("paused", "PAUSED", "number"),
    Column("waiting", "WAITING", "number"),
    Column("longest_wait_seconds", "LONGEST WAIT", "span"),
    Column("service_level_seconds", "SERVICE LEVEL", "span"),
)
NOW = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("link", "LINK"),
    Column("waiting", "WAITING", "number"),
    Column("longest_wait_seconds", "LONGEST WAIT", "span"),
    Column("talking", "TALKING", "number"),
    Column("members", "MEMBERS", "number"),
    Column("members_idle", "IDLE", "number"),
    Column("members_ringing", "RINGING", "number"),
    Column("members_wrap_up", "WRAP-UP", "number"),
    Column("members_working", "WORKING", "number"),
    Column("members_busy", "BUSY", "number"),
    Column("members_paused", "PAUSED", "number"),
    Column("members_unavailable", "UNAVAILABLE", "number"),
)
MEMBERS = (
    Column("node", "NODE"),
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("penalty", "PENALTY", "number"),
    Column("state", "STATE"),
    Column("reason", "REASON"),
    Column("state_since", "SINCE", "time"),
    Column("paused", "PAUSED"),
    Column("pause_reason", "PAUSE REASON"),
)
WAITING = (
    Column("node", "NODE"),
    Column("position", "POSITION", "number"),
    Column("caller_num", "CALLER"),
    Column("caller_name", "NAME"),
    Column("joined_at", "JOINED", "time"),
    Column("wait_seconds", "WAIT", "span"),
    Column("interaction", "INTERACTION"),
)


@click.group("queue", epilog="Example:  ccm queue watch")
def command() -> None:
    """Queues: what they are, who waits, who works in them."""


for _edit in (
    queue_settings.set_,
    queue_settings.show_settings,
    queue_settings.changes,
    queue_hours.hours,
    queue_hours.close,
    queue_hours.open_,
    queue_hours.resume,
    queue_hours.holiday,
    queue_priorities.priority,
    queue_skill.skill,
    queue_skill.penalties,
):
    command.add_command(_edit)


@command.command("list", epilog="Example:  ccm queue list --json")
@node_option
@json_option
@pass_app
def list_(app: App, node: str | None, as_json: bool) -> None:
    """List all queues with their members and who waits now."""
    rows = run(_fetch(app, "list_queues", node, None, utc_now()))
    emit(rows, LIST, as_json=as_json, empty=_none(node))


@command.command("show", epilog="Example:  ccm queue show support")
@click.argument("name")
@node_option
@json_option
@pass_app
def show(app: App, name: str, node: str | None, as_json: bool) -> None:
    """Show one queue: its members and what they do, and who waits, longest first."""
    summary, members, waiting = run(_one(app, name, node))
    if as_json:
        emit_json({"queue": summary, "members": members, "waiting": waiting})
        return
    emit(summary, LIST, as_json=False, empty="")
    emit_text("\nMembers")
    emit(members, MEMBERS, as_json=False, empty="no members: nobody takes calls of this queue")
    emit_text("\nWaiting")
    emit(waiting, WAITING, as_json=False, empty="nobody waits")


@command.command("watch", epilog="Example:  ccm queue watch --queue support --interval 2")
@queue_option
@node_option
@interval_option
@count_option
@json_option
@pass_app
def watch(
    app: App,
    queue: str | None,
    node: str | None,
    interval: float,
    count: int | None,
    as_json: bool,
) -> None:
    """Show all queues as they are now, refreshed until Ctrl-C (report.queue_now).

    When LINK is not up, the figures are those of the moment at which Asterisk was lost.
    """
    what = live.Live("list_queue_now", (node, queue), NOW, "Queues", _none(node, queue))
    live.watch(app, what, interval=interval, count=count, as_json=as_json)


async def _fetch(app: App, query: str, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch(query, *arguments)]


async def _one(app: App, name: str, node: str | None) -> tuple[list[Mapping[str, Any]], ...]:
    now = utc_now()
    async with opened(app) as database:
        summary = await database.fetch("list_queues", node, name, now)
        if not summary:
            known = await database.fetch("list_queues", None, None, now)
            raise NothingFound(unknown(name, node, [dict(row) for row in known]))
        members = await database.fetch("show_queue_members", name, node)
        waiting = await database.fetch("show_queue_waiting", name, node, now)
    return (
        [dict(row) for row in summary],
        [dict(row) for row in members],
        [dict(row) for row in waiting],
    )


def unknown(name: str, node: str | None, known: Sequence[Mapping[str, Any]]) -> str:
    """That there is no such queue, and which there are."""
    if not known:
        return NO_QUEUES
    names = ", ".join(sorted({str(row["queue"]) for row in known}))
    where = f" on node {node!r}" if node else ""
    return f"there is no queue {name!r}{where}; there are {names}"


def _none(node: str | None, queue: str | None = None) -> str:
    if node is None and queue is None:
        return NO_QUEUES
    return "no queue fits; `ccm queue list` shows all of them"
