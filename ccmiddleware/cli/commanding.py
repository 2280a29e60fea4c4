"""Commands from a person to the daemon that leads a node, through Postgres, and what came of them.

Also finds out which agent is meant. What commands there are and what they mean stands in
``agents.commands``; the daemon's side in ``commander``.
"""

import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.context import NothingFound, say
from ccmiddleware.cli.output import emit_json, emit_text
from ccmiddleware.errors import CcmError

if TYPE_CHECKING:
    from ccmiddleware.agents.commands import AgentCommand
    from ccmiddleware.store.database import Database, Session

LIVES_SECONDS = 30.0
"""A command that no daemon has begun by then is not begun any more."""

ANSWER_SECONDS = 60.0
"""How long to wait for the end of a command that a daemon has begun."""

POLL_SECONDS = 0.1
CODES = {"done": 0, "refused": 1, "expired": 3, "unknown": 3}
"""Exit code by state."""

SHOWN_CANDIDATES = 12


class Ambiguous(CcmError):
    """Several agents are meant by what was given; the text lists them."""


@dataclass(frozen=True)
class Target:
    """The agent that is meant. ``queues``: rows of show_agent_queues, none when unknown so far."""

    node: str
    interface: str
    name: str
    queues: Sequence[Mapping[str, Any]]


# -- which agent ----------------------------------------------------------------------------


async def find_agent(database: "Database | Session", text: str, node: str | None) -> Target:
    """The agent with that name or interface. Raises NothingFound and Ambiguous."""
    rows = [dict(row) for row in await database.fetch("list_agents", node, None)]
    found = meant(rows, text)
    if not found:
        raise NothingFound(_unknown(text, rows))
    if len(found) > 1:
        raise Ambiguous(f"{text!r} may be {_named(found)}: say the interface, or --node")
    return await _target(database, found[0])


async def agent_or_interface(
    database: "Database", text: str, node: str | None, nodes: Sequence[str]
) -> Target:
    """The same, or an interface that no queue ever had, on the only node or the one named."""
    from ccmiddleware.commands import INTERFACE

    try:
        return await find_agent(database, text, node)
    except NothingFound:
        if INTERFACE.fullmatch(text) is None:
            raise
    if node is None and len(nodes) > 1:
        raise Ambiguous(f"{text} is new: say on which node, with --node ({', '.join(nodes)})")
    return Target(node or nodes[0], text, text, [])


async def _target(database: "Database | Session", row: Mapping[str, Any]) -> Target:
    queues = await database.fetch("show_agent_queues", row["node"], row["interface"])
    return Target(row["node"], row["interface"], row["agent"], [dict(queue) for queue in queues])


def meant(rows: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """Those of the agents whom ``text`` may mean: its whole name or interface, in any case.

    The part of the interface behind the technology does as well (1001 for PJSIP/1001).
    """
    wanted = text.strip().casefold()
    ways: tuple[Callable[[Mapping[str, Any]], str], ...] = (
        lambda row: row["interface"],
        lambda row: row["agent"],
        lambda row: row["interface"].partition("/")[2],
    )
    for known_as in ways:
        found = [row for row in rows if known_as(row).casefold() == wanted]
        if found:
            return found
    return []


def _unknown(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "there are no agents yet (see ccm agent list)"
    wanted = text.strip().casefold()
    names = {row["agent"].casefold(): row for row in rows}
    near = [row for name, row in names.items() if wanted and wanted in name]
    near += [names[name] for name in get_close_matches(wanted, names, n=3)]
    there_are = _named(list({row["interface"]: row for row in near or rows}.values()))
    return f"there is no agent {text!r}; {'did you mean' if near else 'there are'} {there_are}"


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    shown = [f"{row['agent']} ({row['interface']} on {row['node']})" for row in rows]
    more = len(shown) - SHOWN_CANDIDATES
    listed = ", ".join(shown[:SHOWN_CANDIDATES])
    return f"{listed} and {more} more" if more > 0 else listed


def checked(command: "AgentCommand") -> "AgentCommand":
    """The command, if it can be carried out. Raises click.UsageError with what is wrong."""
    import msgspec

    from ccmiddleware.agents.commands import kind_of, parse
    from ccmiddleware.commands import InvalidCommand

    try:
        return parse(kind_of(command), msgspec.to_builtins(command))
    except InvalidCommand as error:
        raise click.UsageError(str(error)) from None


# -- giving it ------------------------------------------------------------------------------


def show_plan(node: str, command: "AgentCommand", *, as_json: bool) -> None:
    """Print the actions that would be sent, and send nothing."""
    from ccmiddleware.agents.commands import asks

    actions = [{"Action": ask.action, **ask.fields} for ask in asks(command)]
    if as_json:
        emit_json({"node": node, "dry_run": True, "actions": actions})
        return
    say(f"nothing was sent; this would be, to {node}:")
    emit_text("\n\n".join("\n".join(f"{k}: {v}" for k, v in one.items()) for one in actions))


async def carry_out(database: "Database", node: str, command: "AgentCommand") -> dict[str, Any]:
    """Issue the command and wait for its end: id, node, state and result."""
    import msgspec

    from ccmiddleware.agents.commands import kind_of

    return await issue(database, node, kind_of(command), msgspec.to_builtins(command))


async def issue(
    database: "Database", node: str, kind: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The same for a command of any room."""
    id_ = await database.fetchval("issue_command", node, kind, arguments, user(), LIVES_SECONDS)
    if id_ is None:
        raise NothingFound(f"there is no node {node!r}; `ccm status` shows those there are")
    state, result = await _end(database, id_)
    return {"id": id_, "node": node, "state": state, "result": result}


async def _end(database: "Database", id_: Any) -> tuple[str, str]:
    """How the command ended, once it has."""
    import asyncio

    loop = asyncio.get_running_loop()
    give_up = loop.time() + LIVES_SECONDS + ANSWER_SECONDS
    while loop.time() < give_up:
        row = await database.fetchrow("show_command", id_)
        if row is not None and row["state"] in CODES:
            return row["state"], row["result"]
        if row is not None and row["state"] == "waiting" and row["over"]:
            await database.execute("expire_command", id_)
        await asyncio.sleep(POLL_SECONDS)
    return "unknown", f"no end in sight: `ccm command list` will show it ({id_})"


def user() -> str:
    """Who runs this, as the operating system has it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


UNKNOWN = "it may have been carried out or not: look at `ccm agent list` before trying again"


def report(outcome: Mapping[str, Any], *, as_json: bool, unknown: str = UNKNOWN) -> int:
    """Print what came of a command; the exit code. ``unknown``: what to do when nobody knows."""
    state = outcome["state"]
    if as_json:
        emit_json(dict(outcome))
    elif state == "done":
        emit_text(outcome["result"])
    else:
        for line in outcome["result"].split("\n"):
            say(f"ccm: {state}: {line}")
    if state == "expired":
        say("no daemon leads the node, or its link to Asterisk is down: `ccm status` says which")
    if state == "unknown":
        say(unknown)
    return CODES[state]
