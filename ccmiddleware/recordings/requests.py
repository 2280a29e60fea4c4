"""What people ask for about a recording under way: by command, or by a code. Pure.

The codes are those of asterisk/dialplan/ccm-recording.conf, which tells of them by UserEvent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import msgspec

from ccmiddleware.commands import INTERFACE, InvalidCommand
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.recordings.marks import Verb, Why

EVENT = "CcmRecording"
VERBS: tuple[Verb, ...] = get_args(Verb)
KINDS: dict[str, Verb] = {f"recording_{verb}": verb for verb in VERBS}
"""Kinds of commands, as they stand in ``ccm.command``."""

UNIQUE_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
NUMBER = re.compile(r"[0-9]{1,6}")


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a command: an agent by interface, or an interaction; and who gave it."""

    interface: str = ""
    interaction: UUID | None = None
    by: str = ""


@dataclass(frozen=True)
class Request:
    """What is to be done, to which talk: the interaction's, or that of an agent.

    ``channel`` is the agent's own, where it is known. ``reply`` is where the dialplan waits for an
    answer: the key of the AstDB family ccm-recording.
    """

    verb: Verb
    why: Why
    interface: str = ""
    channel: str = ""
    interaction: UUID | None = None
    reply: str = ""


def parse(kind: str, arguments: Mapping[str, Any]) -> Request:
    """The request that a command of that kind makes. Raises InvalidCommand."""
    if kind not in KINDS:
        raise InvalidCommand(f"{kind!r} is no command that this version knows")
    try:
        given = msgspec.convert(dict(arguments), Arguments)
    except msgspec.ValidationError as error:
        raise InvalidCommand(f"{kind}: {error}") from None
    if (given.interaction is None) == (not given.interface):
        raise InvalidCommand(f"{kind}: name an agent's interface or an interaction")
    if given.interface and INTERFACE.fullmatch(given.interface) is None:
        raise InvalidCommand(f"interface {given.interface!r} is not one such as PJSIP/1001")
    if not given.by.isprintable() or len(given.by) > 200:
        raise InvalidCommand("by whom: at most 200 printable characters")
    return Request(
        KINDS[kind], Why("command", given.by), given.interface, interaction=given.interaction
    )


def keyed_in(event: UserEvent) -> Request | None:
    """The request that the event tells; None for events that are not ours or not whole."""
    if event.name != EVENT or event.code not in VERBS:
        return None
    if INTERFACE.fullmatch(event.interface) is None or NUMBER.fullmatch(event.ask) is None:
        return None
    if UNIQUE_ID.fullmatch(event.uniqueid) is None:
        return None
    return Request(
        KINDS[f"recording_{event.code}"],
        Why("code", event.interface),
        event.interface,
        event.channel,
        reply=f"{event.uniqueid}-{event.ask}",
    )
