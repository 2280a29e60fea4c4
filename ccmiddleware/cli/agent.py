"""``ccm agent``: agents, what they do and in which queues; login, logout, pause and unpause.

What is shown is what the database has. What is done goes through the daemon (``commanding``).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import agent_email, agent_skill, commanding, live, supervise
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import count_option, interval_option, node_option, queue_option
from ccmiddleware.cli.output import Column, emit

if TYPE_CHECKING:
    from ccmiddleware.agents.commands import AgentCommand

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
    Column("email", "EMAIL"),
    Column("emails", "HAS", "number"),
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
    """Agents: who there is and what they do; log them in and out, pause and unpause them."""


command.add_command(agent_email.command)
command.add_command(agent_skill.command)


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


# -- doing ----------------------------------------------------------------------------------

AGENT = click.argument("agent")
QUEUES = click.option("--queue", "queues", multiple=True, help="This queue; may be repeated.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")

Make = Callable[[commanding.Target], "AgentCommand"]


@command.command("login", epilog="Example:  ccm agent login 'Alice Arnold' --queue support")
@AGENT
@QUEUES
@click.option("--all", "all_queues", is_flag=True, help="Every queue that the agent ever was in.")
@click.option(
    "--penalty", type=click.IntRange(0, 1_000_000), help="Penalty; that of last time if not given."
)
@click.option("--name", help="Name of the agent; the one that is known if not given.")
@click.option("--state-interface", help="Device whose state tells whether the agent is free.")
@node_option
@DRY_RUN
@json_option
@pass_app
def login(
    app: App,
    agent: str,
    queues: tuple[str, ...],
    all_queues: bool,
    penalty: int | None,
    name: str | None,
    state_interface: str | None,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Add an agent to queues (dynamic members, as with AddQueueMember).

    AGENT is a name or an interface; an agent who was never seen is given as interface, with --name
    and --queue. Says what came of it; exit code 1 when Asterisk refused, 3 when nobody did it.
    """
    from ccmiddleware.agents.commands import Login

    if bool(queues) == all_queues:
        raise click.UsageError("say which queues: --queue NAME (may be repeated), or --all")

    def make(target: commanding.Target) -> "AgentCommand":
        last = {row["queue"]: int(row["penalty"]) for row in target.queues}
        wanted = list(last) if all_queues else list(queues)
        if not wanted:
            raise NothingFound(f"{target.name} was in no queue yet: say which, with --queue")
        return Login(
            interface=target.interface,
            queues={q: last.get(q, 0) if penalty is None else penalty for q in wanted},
            name=name or (target.name if target.name != target.interface else ""),
            state_interface=state_interface or "",
        )

    return _do(app, agent, node, make, dry_run=dry_run, as_json=as_json, may_be_new=True)


@command.command("logout", epilog="Example:  ccm agent logout 'Alice Arnold' --all")
@AGENT
@QUEUES
@click.option("--all", "all_queues", is_flag=True, help="Every queue that the agent is in.")
@node_option
@DRY_RUN
@json_option
@pass_app
def logout(
    app: App,
    agent: str,
    queues: tuple[str, ...],
    all_queues: bool,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Take an agent out of queues. A talk that is on goes on.

    Members that stand in queues.conf can't be taken out; Asterisk says so.
    """
    from ccmiddleware.agents.commands import Logout

    if bool(queues) == all_queues:
        raise click.UsageError("say which queues: --queue NAME (may be repeated), or --all")

    def make(target: commanding.Target) -> "AgentCommand":
        wanted = [row["queue"] for row in target.queues if row["member"]]
        if all_queues and not wanted:
            raise NothingFound(f"{target.name} is in no queue")
        return Logout(interface=target.interface, queues=wanted if all_queues else list(queues))

    return _do(app, agent, node, make, dry_run=dry_run, as_json=as_json)


@command.command("pause", epilog="Example:  ccm agent pause 1001 --reason lunch")
@AGENT
@QUEUES
@click.option("--all", "all_queues", is_flag=True, help="All queues; so it is without --queue.")
@click.option("--reason", default="", help="Why, as reports will show it.")
@node_option
@DRY_RUN
@json_option
@pass_app
def pause(
    app: App,
    agent: str,
    queues: tuple[str, ...],
    all_queues: bool,
    reason: str,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Pause an agent: no more calls of these queues until the pause ends."""
    from ccmiddleware.agents.commands import Pause

    _one_or_the_other(queues, all_queues)

    def make(target: commanding.Target) -> "AgentCommand":
        return Pause(interface=target.interface, queues=list(queues), reason=reason)

    return _do(app, agent, node, make, dry_run=dry_run, as_json=as_json)


@command.command("unpause", epilog="Example:  ccm agent unpause 1001")
@AGENT
@QUEUES
@click.option("--all", "all_queues", is_flag=True, help="All queues; so it is without --queue.")
@node_option
@DRY_RUN
@json_option
@pass_app
def unpause(
    app: App,
    agent: str,
    queues: tuple[str, ...],
    all_queues: bool,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """End the pause of an agent, whoever began it."""
    from ccmiddleware.agents.commands import Unpause

    _one_or_the_other(queues, all_queues)

    def make(target: commanding.Target) -> "AgentCommand":
        return Unpause(interface=target.interface, queues=list(queues))

    return _do(app, agent, node, make, dry_run=dry_run, as_json=as_json)


def _one_or_the_other(queues: tuple[str, ...], all_queues: bool) -> None:
    if queues and all_queues:
        raise click.UsageError("--queue and --all exclude each other")


def _do(
    app: App,
    agent: str,
    node: str | None,
    make: Make,
    *,
    dry_run: bool,
    as_json: bool,
    may_be_new: bool = False,
) -> int:
    """Find the agent, make the command, and have it carried out or shown."""
    outcome = run(_done(app, agent, node, make, dry_run, as_json, may_be_new))
    return commanding.report(outcome, as_json=as_json) if outcome is not None else 0


async def _done(
    app: App,
    agent: str,
    node: str | None,
    make: Make,
    dry_run: bool,
    as_json: bool,
    may_be_new: bool,
) -> dict[str, Any] | None:
    async with opened(app) as database:
        if may_be_new:
            target = await commanding.agent_or_interface(
                database, agent, node, [one.name for one in app.settings().node]
            )
        else:
            target = await commanding.find_agent(database, agent, node)
        made = commanding.checked(make(target))
        if dry_run:
            commanding.show_plan(target.node, made, as_json=as_json)
            return None
        return await commanding.carry_out(database, target.node, made)


for one in supervise.commands():
    command.add_command(one)
