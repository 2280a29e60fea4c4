"""What the dialplan tells of a campaign's calls, and what became of an attempt. Pure.

The library is asterisk/dialplan/ccm-dial.conf; docs/dialing-calls.md lists its steps. It tells each
twice: as a UserEvent, and as a row of queue_log for a daemon that did not listen. Both are read
into equal steps, so that a set holds each once. ``fold`` makes one outcome of all that is known of
an attempt: the steps in any order, OriginateResponse, and the cause of the hangup.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from ccmiddleware.ids import attempt_of
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.queue_log.rows import Line

EVENT = "CcmDialStep"
ROW = "CCMDIALSTEP"
LIMIT = timedelta(seconds=2)
"""Within which somebody who answered must talk to an agent."""

NO_ONE = "NONE"
LONGEST = 200
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_NUMBER = re.compile(r"[0-9]{1,6}")
_HUMAN = re.compile(r"HUMAN-([0-9]{1,6})-[0-9]{1,6}")

BUSY, NO_USER, NO_ANSWER = 17, 18, 19
SAYS_NOTHING = (0, 16, 127)
"""Q.850 causes that don't say why a call was not answered: unknown, normal, interworking."""
RANG, WAS_BUSY = 3, 5
"""Asterisk's dial reasons (the control frame with which dialling ended): ringing, busy."""


class Kind(StrEnum):
    """What a step says. Its parts are named here."""

    ANSWERED = "answered"
    HUMAN = "human"  # milliseconds from the answer, AMD's cause
    MACHINE = "machine"  # the same
    SAMPLED = "sampled"  # the same: taken for a machine, and put through to an agent to hear
    QUEUED = "queued"
    CONNECTED = "connected"  # of the interface
    DROPPED = "dropped"
    MESSAGE = "message"  # begins: the sound
    PLAYED = "played"  # was played to its end: the sound
    CHOSE = "chose"  # agentless: what, the key
    OPTED_OUT = "opted_out"  # the key
    FAILED = "failed"  # not answered: Asterisk's dial reason
    ENDED = "ended"  # Q.850 cause, state of the channel


KINDS = {str(kind): kind for kind in Kind}


@dataclass(frozen=True)
class Step:
    """One step of an attempt's call. ``at`` is Asterisk's clock, to the millisecond."""

    attempt: UUID
    kind: Kind
    at: datetime
    parts: tuple[str, ...] = ()
    interface: str = ""
    """The agent's, of CONNECTED."""

    def part(self, index: int) -> str:
        """One of its parts; "" when it has none there."""
        return self.parts[index] if index < len(self.parts) else ""

    def number(self, index: int) -> int | None:
        """A part as a number; None when it is none."""
        text = self.part(index)
        return int(text) if _NUMBER.fullmatch(text) else None


def from_event(event: UserEvent) -> Step | None:
    """The step that the event tells; None for events that are not ours or not whole."""
    if event.name != EVENT:
        return None
    parts = event.detail.split("|")
    return _step(event.attempt, event.step, event.milliseconds, parts, event.interface)


def from_queue_log(line: Line) -> Step | None:
    """The step that the row tells; None for rows that are not ours or not whole."""
    if line.event != ROW or len(line.data) < 2:
        return None
    name, milliseconds, *parts = line.data
    interface = "" if line.agent == NO_ONE else line.agent
    return _step(line.call, name, milliseconds, parts, interface)


def _step(
    channel: str, name: str, milliseconds: str, parts: Sequence[str], interface: str
) -> Step | None:
    attempt, kind = attempt_of(channel), KINDS.get(name)
    if attempt is None or kind is None or not _MILLISECONDS.fullmatch(milliseconds):
        return None
    if len(interface) > LONGEST or sum(map(len, parts)) > LONGEST:
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(milliseconds))
    while parts and not parts[-1]:
        parts = parts[:-1]
    return Step(attempt, kind, at, tuple(parts), interface)


# -- what became of it ----------------------------------------------------------------------


@dataclass(frozen=True)
class Response:
    """What OriginateResponse said of the attempt. ``reason`` is Asterisk's dial reason."""

    success: bool
    reason: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt, as far as it is known.

    ``result``: one of ``retry.RESULTS``; unknown while nothing tells. ``cause`` is Q.850. ``over``:
    the call has ended. ``live``: a person answered, who is not known to be a machine. ``dropped``:
    no agent was there in time, also when one came later.
    """

    result: str
    over: bool
    cause: int | None = None
    answered_at: datetime | None = None
    greeting_end_at: datetime | None = None
    """When the person stopped to speak, where detection measured it."""
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    live: bool = False
    dropped: bool = False
    opted_out: bool = False
    played: str = ""
    """The message that was heard to its end."""
    interface: str = ""
    """The agent's."""
    detected: str = ""
    """What detection took the party for: human, machine; empty where nothing was detected."""
    detection_ms: int | None = None
    """How long after the answer detection decided."""
    sampled: bool = False
    """Whether it went to an agent though it was taken for a machine."""


def fold(
    steps: Iterable[Step],
    response: Response | None = None,
    cause: int | None = None,
    limit: timedelta = LIMIT,
) -> Outcome:
    """What became of one attempt. ``steps`` are all of that one; any order, doubled or not.

    ``cause``: of the Hangup event of its channel; None when there was none.
    """
    first: dict[Kind, Step] = {}
    for step in sorted(set(steps), key=lambda step: (step.at, step.kind, step.parts)):
        first.setdefault(step.kind, step)
    ended, human = first.get(Kind.ENDED), first.get(Kind.HUMAN)
    sampled = first.get(Kind.SAMPLED)
    decided = human or first.get(Kind.MACHINE) or sampled
    if ended is not None and ended.number(0) is not None:
        cause = ended.number(0)
    result, live = _result(first, response, cause)
    over = ended is not None or Kind.FAILED in first or cause is not None
    if response is not None and not response.success:
        over = True
    answered_at, connected_at = _at(first, Kind.ANSWERED), _at(first, Kind.CONNECTED)
    late = (
        answered_at is not None
        and connected_at is not None
        and Kind.MESSAGE not in first
        and connected_at - answered_at > limit
    )
    played = first.get(Kind.PLAYED)
    return Outcome(
        result=result,
        over=over,
        cause=cause,
        answered_at=answered_at,
        greeting_end_at=_greeting_end(first.get(Kind.HUMAN)),
        connected_at=connected_at,
        ended_at=_at(first, Kind.ENDED),
        live=live,
        dropped=live and (Kind.DROPPED in first or late),
        opted_out=Kind.OPTED_OUT in first,
        played=played.part(0) if played else "",
        interface=first[Kind.CONNECTED].interface if connected_at else "",
        detected="" if decided is None else "human" if decided is human else "machine",
        detection_ms=decided.number(0) if decided else None,
        sampled=sampled is not None,
    )


def _result(
    first: dict[Kind, Step], response: Response | None, cause: int | None
) -> tuple[str, bool]:
    """The result, and whether a person answered."""
    if Kind.DROPPED in first:
        return "dropped", True
    if Kind.MACHINE in first:
        return "machine", False
    if Kind.CONNECTED in first:
        return "connected", True
    if not first.keys().isdisjoint((Kind.CHOSE, Kind.OPTED_OUT, Kind.PLAYED)):
        return "connected", True  # agentless: the message has reached whom it was for
    ended = first.get(Kind.ENDED)
    over = ended is not None or cause is not None
    if not first.keys() <= {Kind.ENDED, Kind.FAILED} or _was_up(first, response):
        return ("hung_up" if over else "unknown"), True
    if ended is not None and ended.part(1) == "Ringing" and cause in SAYS_NOTHING:
        return "no_answer", False  # it rang until somebody here had it stopped
    return _unanswered(first.get(Kind.FAILED), response, cause), False


def _was_up(first: dict[Kind, Step], response: Response | None) -> bool:
    """Whether somebody answered who was gone before the dialplan began."""
    ended = first.get(Kind.ENDED)
    if ended is not None and ended.part(1) == "Up":
        return True
    return response is not None and response.success


def _unanswered(failed: Step | None, response: Response | None, cause: int | None) -> str:
    reason = failed.number(0) if failed is not None else None
    if response is not None:
        reason = response.reason
    if cause == BUSY or reason == WAS_BUSY:
        return "busy"
    if cause in (NO_USER, NO_ANSWER) or reason == RANG:
        return "no_answer"
    if reason is not None or (cause is not None and cause not in SAYS_NOTHING):
        return "failed"
    return "unknown"


def _at(first: dict[Kind, Step], kind: Kind) -> datetime | None:
    step = first.get(kind)
    return step.at if step else None


def _greeting_end(human: Step | None) -> datetime | None:
    """AMD says HUMAN after so many milliseconds of silence behind a greeting."""
    found = _HUMAN.fullmatch(human.part(1)) if human else None
    if human is None or found is None:
        return None
    return human.at - timedelta(milliseconds=int(found[1]))
