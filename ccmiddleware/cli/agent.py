"""``ccm agent``: agents, what they do and in which queues; as the database has them."""

from typing import Any

import click

from ccmiddleware.cli import live
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.options import count_option, interval_option, node_option, queue_option
from ccmiddleware.cli.output import Column, emit

NO_AGENTS = (
    "no agents yet: the daemon writes down every member of a queue when it has connected to "
    "Asterisk (see ccm doctor)"
)

LIST = (
    Column("node", "NODE"),
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("state", "STATE"),
    Column("reason", "REASON"),
    Column("state_since", "SINCE", "time"),
    Column("queues", "QUEUES"),
)
NOW = (
    Column("node", "NODE"),
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("link", "LINK"),
    Column("state", "STATE"),
    Column("reason", "REASON"),
    Column("seconds", "FOR", "span"),
    Column("queues", "QUEUES"),
    Column("paused_queues", "PAUSED IN"),
)


@click.group("agent", epilog="Example:  ccm agent watch --queue support")
def command() -> None:
    """Agents: who there is, what they do, which queues they work in."""


@command.command("list", epilog="Example:  ccm agent list --queue support")
@queue_option
@node_option
@json_option
@pass_app
def list_(app: App, queue: str | None, node: str | None, as_json: bool) -> None:
    """List all agents with their present state."""
    rows = run(_fetch(app, "list_agents", node, queue))
    emit(rows, LIST, as_json=as_json, empty=_none(node, queue))


@command.command("watch", epilog="Example:  ccm agent watch --interval 2")
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
    """Show all agents as they are now, refreshed until Ctrl-C (report.agent_now).

    When LINK is not up, the states are those of the moment at which Asterisk was lost.
    """
    what = live.Live("list_agent_now", (node, queue), NOW, "Agents", _none(node, queue))
    live.watch(app, what, interval=interval, count=count, as_json=as_json)


async def _fetch(app: App, query: str, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch(query, *arguments)]


def _none(node: str | None, queue: str | None) -> str:
    if node is None and queue is None:
        return NO_AGENTS
    return "no agent fits; `ccm agent list` shows all of them, with their queues"
