"""Commands about agents: what is asked of Asterisk for each of them, and what it answers. Pure.

Everything in a command is checked here, by whoever issues it and again by whoever carries it out,
since rows may come from elsewhere. Who talks to Asterisk stands in ``carrying_out``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ccmiddleware.commands import INTERFACE, Ask, InvalidCommand

LONGEST = 80
"""Bytes that a queue's name, a member's name or a reason must stay below (AST_MAX_EXTENSION)."""

MOST_QUEUES = 200
HIGHEST_PENALTY = 1_000_000


class _Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    interface: str


class Login(_Command, frozen=True, kw_only=True):
    """Add the interface to queues. ``queues``: the penalty in each of them."""

    queues: dict[str, int]
    name: str = ""
    state_interface: str = ""


class Logout(_Command, frozen=True, kw_only=True):
    """Take the interface out of queues."""

    queues: list[str]


class Pause(_Command, frozen=True, kw_only=True):
    """Pause the interface in queues; in all of its queues when none is named."""

    queues: list[str] = []
    reason: str = ""


class Unpause(_Command, frozen=True, kw_only=True):
    """End the pause in queues; in all of its queues when none is named."""

    queues: list[str] = []


AgentCommand = Login | Logout | Pause | Unpause

KINDS: dict[str, type[AgentCommand]] = {
    "agent_login": Login,
    "agent_logout": Logout,
    "agent_pause": Pause,
    "agent_unpause": Unpause,
}


def parse(kind: str, arguments: Mapping[str, Any]) -> AgentCommand:
    """The command of that kind. Raises InvalidCommand."""
    wanted = KINDS.get(kind)
    if wanted is None:
        raise InvalidCommand(f"{kind!r} is no command that this version knows")
    try:
        command = msgspec.convert(dict(arguments), wanted)
    except msgspec.ValidationError as error:
        raise InvalidCommand(f"{kind}: {error}") from None
    _check(command)
    return command


def kind_of(command: AgentCommand) -> str:
    """The kind under which it is stored."""
    return next(kind for kind, struct in KINDS.items() if type(command) is struct)


def asks(command: AgentCommand) -> list[Ask]:
    """The actions that carry the command out, in order."""
    match command:
        case Login():
            return [_add(command, queue, penalty) for queue, penalty in command.queues.items()]
        case Logout():
            return [
                Ask(
                    "QueueRemove",
                    {"Queue": queue, "Interface": command.interface},
                    f"queue {queue}",
                    already="Unable to remove interface: Not there",
                )
                for queue in command.queues
            ]
        case Pause():
            return _pauses(command, "true", {"Reason": command.reason} if command.reason else {})
        case Unpause():
            return _pauses(command, "false", {})


def _add(command: Login, queue: str, penalty: int) -> Ask:
    fields = {"Queue": queue, "Interface": command.interface, "Penalty": str(penalty)}
    if command.name:
        fields["MemberName"] = command.name
    if command.state_interface:
        fields["StateInterface"] = command.state_interface
    return Ask(
        "QueueAdd", fields, f"queue {queue}", already="Unable to add interface: Already there"
    )


def _pauses(command: Pause | Unpause, paused: str, more: dict[str, str]) -> list[Ask]:
    fields = {"Interface": command.interface, "Paused": paused, **more}
    if not command.queues:
        return [Ask("QueuePause", fields, "all its queues")]
    return [
        Ask("QueuePause", {**fields, "Queue": queue}, f"queue {queue}") for queue in command.queues
    ]


# -- checking -------------------------------------------------------------------------------


def _check(command: AgentCommand) -> None:
    if INTERFACE.fullmatch(command.interface) is None or len(command.interface) >= LONGEST:
        raise InvalidCommand(f"interface {command.interface!r} is not one such as PJSIP/1001")
    _check_queues(list(command.queues), needed=isinstance(command, Login | Logout))
    match command:
        case Login():
            _check_text("name", command.name)
            _check_text("state interface", command.state_interface)
            for queue, penalty in command.queues.items():
                if not 0 <= penalty <= HIGHEST_PENALTY:
                    raise InvalidCommand(f"penalty {penalty} in {queue} is not 0 or more")
        case Pause():
            _check_text("reason", command.reason)
        case Logout() | Unpause():
            pass


def _check_queues(queues: list[str], *, needed: bool) -> None:
    if needed and not queues:
        raise InvalidCommand("no queue is named")
    if len(queues) > MOST_QUEUES:
        raise InvalidCommand(f"more than {MOST_QUEUES} queues are named")
    for queue in queues:
        _check_text("queue", queue)
        if not queue.strip():
            raise InvalidCommand("the name of a queue is empty")


def _check_text(what: str, text: str) -> None:
    if not text.isprintable():
        raise InvalidCommand(f"{what} {text!r} holds a control character")
    if len(text.encode(errors="replace")) >= LONGEST:
        raise InvalidCommand(f"{what} is longer than {LONGEST - 1} bytes")
