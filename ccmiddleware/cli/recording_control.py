"""``ccm recording pause|resume|start|stop``: recordings under way, through the daemon.

What they mean stands in ``recordings.control``; how a command gets there in ``commanding``.
"""

from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import commanding
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import node_option

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

TARGET = click.argument("target", metavar="AGENT|INTERACTION")
UNKNOWN = (
    "it may be so or not: `ccm interaction show` says what is known; ask for it again to settle it"
)


@click.command("pause", epilog="Example:  ccm recording pause 1001")
@TARGET
@node_option
@json_option
@pass_app
def pause(app: App, target: str, node: str | None, as_json: bool) -> int:
    """Pause the recording of a talk that is on: silence in the file, until it is resumed.

    AGENT is a name or an interface, INTERACTION an id as `ccm interaction list` shows it, or
    Asterisk's linked id. Exit code 0 only when Asterisk has confirmed it, or nothing is recorded.
    """
    return _do(app, "recording_pause", target, node, as_json=as_json)


@click.command("resume", epilog="Example:  ccm recording resume 1001")
@TARGET
@node_option
@json_option
@pass_app
def resume(app: App, target: str, node: str | None, as_json: bool) -> int:
    """End the pause of a recording, whoever began it."""
    return _do(app, "recording_resume", target, node, as_json=as_json)


@click.command("start", epilog="Example:  ccm recording start 'Alice Arnold'")
@TARGET
@node_option
@json_option
@pass_app
def start(app: App, target: str, node: str | None, as_json: bool) -> int:
    """Record a talk that is on, where the policy is on_demand; again after a stop."""
    return _do(app, "recording_start", target, node, as_json=as_json)


@click.command("stop", epilog="Example:  ccm recording stop 'Alice Arnold'")
@TARGET
@node_option
@json_option
@pass_app
def stop(app: App, target: str, node: str | None, as_json: bool) -> int:
    """Stop recording a talk that is on, where the policy is on_demand."""
    return _do(app, "recording_stop", target, node, as_json=as_json)


def _do(app: App, kind: str, target: str, node: str | None, *, as_json: bool) -> int:
    outcome = run(_done(app, kind, target, node))
    return commanding.report(outcome, as_json=as_json, unknown=UNKNOWN)


async def _done(app: App, kind: str, target: str, node: str | None) -> dict[str, Any]:
    async with opened(app) as database:
        where, arguments = await _target(database, target, node)
        return await commanding.issue(database, where, kind, {**arguments, "by": commanding.user()})


async def _target(database: "Database", text: str, node: str | None) -> tuple[str, dict[str, str]]:
    """The node, and the arguments that name the talk. Raises NothingFound and Ambiguous."""
    from ccmiddleware.cli.interaction import find

    try:
        agent = await commanding.find_agent(database, text, node)
    except NothingFound as no_agent:
        try:
            row = await find(database, text)
        except NothingFound:
            raise NothingFound(f"{no_agent}; nor is it the id of an interaction") from None
        if row["ended_at"] is not None:
            raise NothingFound(f"interaction {row['id']} is over") from None
        return row["node"], {"interaction": str(row["id"])}
    return agent.node, {"interface": agent.interface}
