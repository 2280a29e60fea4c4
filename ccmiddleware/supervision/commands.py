"""Commands of supervision: what is asked of Asterisk for each, and when that is refused. Pure.

As with those about agents, everything is checked by whoever issues a command and again by whoever
carries it out (``carrying_out``), who knows the talks of the moment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ccmiddleware.commands import Ask, InvalidCommand
from ccmiddleware.facts import Supervision, SupervisionMode
from ccmiddleware.supervision.channel import Asked, channel_id

PHONE = re.compile(r"[A-Za-z][A-Za-z0-9_]*/[!-%'-+./0-{}~-]{1,78}")
"""Technology and resource of one phone; no second one (&), no further argument (,)."""

RING_SECONDS = 20
"""How long the supervisor's phone rings."""

OPTIONS: dict[SupervisionMode, str] = {"monitor": "uqE", "whisper": "uqEw", "barge": "uqEB"}
"""Options of ChanSpy(): u, exactly that channel, by its unique id; q, without a beep or the name of
the channel; E, end with the channel; w, whisper; B, barge."""

BY_KEYPAD = "d"
"""Option of ChanSpy() with which the keys 4, 5 and 6 change the mode."""

WORDS: dict[SupervisionMode, str] = {
    "monitor": "listens to",
    "whisper": "whispers to",
    "barge": "joins",
}

FAILURES = {1: "was hung up", 3: "did not answer", 5: "is busy", 8: "can't be reached now"}
"""What a phone did that did not answer, by Asterisk's dial reason number (OriginateResponse)."""

LONGEST_NAME = 40


class Supervise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ring the phone ``to`` and let it hear the present talk of the agent at ``interface``."""

    interface: str
    to: str
    mode: SupervisionMode
    interaction: UUID | None = None
    keys: bool = False
    by: str = ""


class EndSupervision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End supervisions of the agent at ``interface``: that by the phone ``to``, or all."""

    interface: str
    to: str = ""


SupervisionCommand = Supervise | EndSupervision

KINDS: dict[str, type[SupervisionCommand]] = {
    "agent_supervise": Supervise,
    "agent_unsupervise": EndSupervision,
}


@dataclass(frozen=True)
class Talk:
    """A talk that goes on. ``uniqueid``: the agent's channel in it."""

    interaction: UUID
    agent: str
    uniqueid: str
    customer: str
    queue: str
    since: datetime


def parse(kind: str, arguments: Mapping[str, Any]) -> SupervisionCommand:
    """The command of that kind. Raises InvalidCommand."""
    wanted = KINDS.get(kind)
    if wanted is None:
        raise InvalidCommand(f"{kind!r} is no command that this version knows")
    try:
        command = msgspec.convert(dict(arguments), wanted)
    except msgspec.ValidationError as error:
        raise InvalidCommand(f"{kind}: {error}") from None
    for interface in (command.interface, command.to):
        unset = interface == "" and isinstance(command, EndSupervision)
        if not unset and PHONE.fullmatch(interface) is None:
            raise InvalidCommand(f"interface {interface!r} is not one such as PJSIP/1001")
    if command.interface == command.to:
        raise InvalidCommand(f"{command.to} can't listen to itself: give another phone")
    return command


def kind_of(command: SupervisionCommand) -> str:
    """The kind under which it is stored."""
    return next(kind for kind, struct in KINDS.items() if type(command) is struct)


def chosen(command: Supervise, talks: Sequence[Talk], name: str) -> Talk:
    """The one talk that is meant, of those of the agent. Raises InvalidCommand."""
    if command.interaction is not None:
        for talk in talks:
            if talk.interaction == command.interaction:
                return talk
    if not talks:
        raise InvalidCommand(f"{name} is not talking to a customer now")
    if command.interaction is None and len(talks) == 1:
        return talks[0]
    listed = "; ".join(
        f"{talk.interaction} with {talk.customer or 'a withheld number'}"
        f"{f' from {talk.queue}' if talk.queue else ''} since {talk.since:%H:%M:%S} UTC"
        for talk in sorted(talks, key=lambda talk: talk.since)
    )
    if command.interaction is not None:
        raise InvalidCommand(f"{name} is not in {command.interaction} now, but in {listed}")
    raise InvalidCommand(
        f"{name} is in {len(talks)} talks: say which, with --interaction: {listed}"
    )


def ring(command: Supervise, talk: Talk, number: UUID) -> Ask:
    """The action that rings the supervisor's phone. Its ChannelId names the channel."""
    options = OPTIONS[command.mode] + (BY_KEYPAD if command.keys else "")
    how = Asked(command.mode, command.keys, command.by)
    return Ask(
        "Originate",
        {
            "Channel": command.to,
            "Application": "ChanSpy",
            "Data": f"{talk.uniqueid},{options}",
            "CallerID": _shown(command, talk),
            "ChannelId": channel_id(how, number),
            "Timeout": str(RING_SECONDS * 1000),
            "Async": "true",
        },
        command.to,
    )


def hang_up(row: Supervision) -> Ask:
    """The action that ends a supervision."""
    return Ask("Hangup", {"Channel": row.uniqueid, "Cause": "16"}, row.supervisor)


def why_not(reason: int) -> str:
    """What became of a phone that did not answer, in words."""
    return f"the phone {FAILURES.get(reason, 'refused the call or is not known to Asterisk')}"


def _shown(command: Supervise, talk: Talk) -> str:
    """What the supervisor's phone shows: how and whom, and the agent's number."""
    name = "".join(
        letter for letter in talk.agent if letter.isprintable() and letter not in '"\\<>'
    )
    number = re.sub(r"[^0-9*#+]", "", command.interface.partition("/")[2].partition("@")[0])
    return f'"{command.mode}: {name[:LONGEST_NAME]}" <{number}>'
