"""What the rows of one call in queue_log tell: its stays in queues, rings and talks. Pure.

Meanings and order of the data of each event: apps/app_queue.c, the calls of ast_queue_log().
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ccmiddleware.facts import EndedBy, Outcome

LEFT: dict[str, Outcome] = {
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timed_out",
    "EXITWITHKEY": "left_by_key",
    "EXITEMPTY": "no_agents",
    "WITHDRAW": "withdrawn",
}
"""How a stay without an agent ended, by event."""

ENDED: dict[str, EndedBy] = {
    "COMPLETECALLER": "caller",
    "COMPLETEAGENT": "agent",
    "BLINDTRANSFER": "transfer",
    "ATTENDEDTRANSFER": "transfer",
    "TRANSFER": "transfer",
}
"""Who ended a talk, by event. Asterisk writes COMPLETEAGENT for some attended transfers."""

_WAITED_AT = {
    "CONNECT": 0, "ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITWITHKEY": 3, "EXITEMPTY": 2,
    "WITHDRAW": 2,
}  # fmt: skip
"""Which field of the data is the time that was waited."""

TERMINAL = (*LEFT, *ENDED)
"""Events after which a call has left its queue and its agent."""

_TALK_AT = {"COMPLETECALLER": 1, "COMPLETEAGENT": 1, "TRANSFER": -2}
"""Which field of the data is the talk time; in transfers it is the last but one."""


STEP = "CCMDIALSTEP"
"""A step of a call that a campaign dialled (asterisk/dialplan/ccm-dial.conf)."""


@dataclass(frozen=True)
class LoggedRow:
    """A row of one call."""

    at: datetime
    queue: str
    agent: str
    event: str
    data: Sequence[str] = ()


@dataclass
class Ring:
    """A member's phone that rang in vain. ``refused`` is False when the caller gave up first."""

    agent: str
    began_at: datetime
    ended_at: datetime
    refused: bool


@dataclass
class Talk:
    """A talk with a member. ``ended_at`` and ``ended_by`` are None when its end is not told.

    In a callback ``answered_at`` is when the member took it, and ``customer_at`` when the customer
    answered; None when he never did.
    """

    agent: str
    offered_at: datetime
    answered_at: datetime
    agent_uniqueid: str
    ended_at: datetime | None = None
    ended_by: EndedBy | None = None
    seconds: float | None = None
    customer_at: datetime | None = None


@dataclass
class Stay:
    """One stay of a call in one queue. ``outcome`` is None when its end is not told.

    ``direct``: it was in no queue, but joined with the one agent for whom it was; the queue is that
    of the campaign, the agent's name is his interface.
    """

    queue: str
    joined_at: datetime
    position: int
    caller: str
    outcome: Outcome | None = None
    left_at: datetime | None = None
    rings: list[Ring] = field(default_factory=list)
    talk: Talk | None = None
    direct: bool = False

    def last_at(self) -> datetime:
        """Time of the last that is told of it."""
        ends = [self.left_at, self.talk.ended_at if self.talk else None]
        ends += [ring.ended_at for ring in self.rings]
        return max([self.joined_at, *(at for at in ends if at is not None)])


@dataclass(frozen=True)
class Told:
    """What queue_log tells of one call. ``reborn_at``: in which second Asterisk was started anew
    after it; ``died_at``: until when it had been known to live before that."""

    call: str
    stays: list[Stay]
    died_at: datetime | None = None
    reborn_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether the rows tell that the call is in no queue and with no agent any more."""
        if not self.stays:
            return False
        last = self.stays[-1]
        open_talk = last.talk is not None and last.talk.ended_at is None
        return self.died_at is not None or (last.outcome is not None and not open_talk)

    @property
    def last_at(self) -> datetime:
        """The last time that is told of."""
        return max(stay.last_at() for stay in self.stays)


def stays(rows: Iterable[LoggedRow]) -> list[Stay]:
    """What the rows of one call tell, in order. Rows before the first ENTERQUEUE tell nothing, but
    for those of a call that a campaign dialled for one agent."""
    found: list[Stay] = []
    rows = list(rows)
    for row in rows:
        if row.event == "ENTERQUEUE":
            position = _number(row.data, 2)
            caller = row.data[1] if len(row.data) > 1 else ""
            found.append(Stay(row.queue, row.at, max(1, int(position or 1)), caller))
            continue
        # A row of a queue that was left may come late, after the next one was joined.
        stay = next((one for one in reversed(found) if one.queue == row.queue), None)
        if stay is None or stay.outcome is not None:
            moved = _moved_to(row, stay)
            if moved is not None:
                found.append(moved)
                stay = moved
        if stay is not None:
            _further(stay, row)
    return found or _joined(rows)


def _joined(rows: Sequence[LoggedRow]) -> list[Stay]:
    """The talk of a call that was joined with one agent, if that is what the rows tell of."""
    steps = {row.data[0]: row for row in rows if row.event == STEP and row.data}
    met, ended = steps.get("connected"), steps.get("ended")
    if met is None or not steps.keys().isdisjoint(("queued", "dropped")):
        return []
    at = _step_at(met)
    talk = Talk(met.agent, at, at, "")
    if ended is not None:
        talk.ended_at = max(_step_at(ended), at)
        talk.ended_by = "agent" if "agent" in ended.data[2:] else "caller"
    caller = met.data[2] if len(met.data) > 2 else ""
    return [Stay(met.queue, at, 1, caller, "answered", at, talk=talk, direct=True)]


def _step_at(row: LoggedRow) -> datetime:
    """When a step was, to the millisecond."""
    text = row.data[1] if len(row.data) > 1 else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 15):
        return row.at
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))


def _moved_to(row: LoggedRow, earlier: Stay | None) -> Stay | None:
    """The stay of a call that a transfer brought to the place where another channel waited.

    Its ENTERQUEUE stands under that channel; when it was, the row tells by how long it waited.
    """
    waited = _number(row.data, _WAITED_AT[row.event]) if row.event in _WAITED_AT else None
    if waited is None:
        return None
    joined_at = row.at - timedelta(seconds=waited)
    if earlier is not None and joined_at < earlier.last_at():
        return None
    return Stay(row.queue, joined_at, 1, "")


def _further(stay: Stay, row: LoggedRow) -> None:
    """Take in one row about a stay."""
    event = row.event
    if event in ("RINGNOANSWER", "RINGCANCELED"):
        rang = timedelta(milliseconds=_number(row.data, 0) or 0)
        began_at = max(row.at - rang, stay.joined_at)
        stay.rings.append(Ring(row.agent, began_at, row.at, event == "RINGNOANSWER"))
    elif event == "CONNECT" and stay.talk is None:
        rang = timedelta(seconds=_number(row.data, 2) or 0)
        offered_at = max(row.at - rang, stay.joined_at)
        uniqueid = row.data[1] if len(row.data) > 1 else ""
        stay.talk = Talk(row.agent, offered_at, row.at, uniqueid)
        stay.outcome, stay.left_at = "answered", row.at
    elif event in ENDED and stay.talk is not None and stay.talk.ended_at is None:
        stay.talk.ended_at = max(row.at, stay.talk.answered_at)
        stay.talk.ended_by = ENDED[event]
        stay.talk.seconds = _number(row.data, _TALK_AT.get(event, -2))
    elif event == "CCMCALLBACKSTEP" and stay.talk is not None and list(row.data) == ["answered"]:
        stay.talk.customer_at = row.at
    elif event in LEFT and stay.outcome is None:
        stay.outcome, stay.left_at = LEFT[event], row.at


def _number(data: Sequence[str], index: int) -> float | None:
    """A count or a time among the data; None when there is none."""
    try:
        text = data[index]
    except IndexError:
        return None
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
