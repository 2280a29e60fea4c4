"""Callbacks: when one goes into its queue, at which place, and what comes of it. Pure.

A callback that is due gets a placeholder in its Asterisk queue: an *attempt*, a Local channel whose
unique id we choose. Asterisk offers it to agents like any call; when one takes it, the dialplan
(asterisk/dialplan/ccm-callbacks.conf) dials the customer. What it does is told as *steps*, by event
or by queue_log. ``decide`` says what is to be done about one callback; ``callback_turns`` does it.

What counts as a call to the customer: that he answered, did not answer, was busy or could not be
reached, and that Asterisk died while it dialled. An agent who hangs up before the customer answered
is not the customer's doing and does not count; that can't go on for ever, though (``MOST_DIALS``).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal
from uuid import UUID

from ccmiddleware.queues.placeholders import QUEUE, SHORT_LIFE, Attempt, Presence, patience

Outcome = Literal[
    "answered", "not_answered", "busy", "unreachable", "lost", "agent_gone", "refused",
    "not_placed", "no_agents", "gone", "withdrawn",
]  # fmt: skip
Ending = Literal["waiting", "done", "failed", "expired", "cancelled"]

NUMBER = re.compile(r"\+?[0-9]{3,18}")
DIALLED: Mapping[str, Outcome] = {
    "noanswer": "not_answered",
    "busy": "busy",
    "cancel": "agent_gone",
    "answer": "answered",
    "congestion": "unreachable",
    "chanunavail": "unreachable",
    "invalidargs": "unreachable",
    "dontcall": "unreachable",
    "torture": "unreachable",
}
"""Outcome by DIALSTATUS, in small letters, as the dialplan tells it."""

COUNTED: frozenset[Outcome] = frozenset({"answered", "not_answered", "busy", "unreachable", "lost"})
"""Outcomes that are a call to the customer."""

MOST_DIALS = 3
"""So many times as many calls as are allowed may be begun, if agents hang up in between."""

AGENT_GONE_PAUSE = timedelta(seconds=30)
SHORTEST_STAY = timedelta(seconds=10)
"""A placeholder is not worth it for less."""


@dataclass(frozen=True)
class Rules:
    """How callbacks of a queue are kept. ``zone``: that of ``opens`` and ``closes``."""

    attempts: int = 3
    pause: timedelta = timedelta(minutes=10)
    opens: time = time(8)
    closes: time = time(20)
    zone: tzinfo = UTC
    give_up_after: timedelta = timedelta(hours=24)
    ring_seconds: int = 30


@dataclass(frozen=True)
class Callback:
    """A callback that is not over. ``dialled``: attempts so far in which dialling began."""

    id: UUID
    queue: str
    number: str
    asked_at: datetime
    joined_at: datetime
    next_attempt_at: datetime
    priority: int = 0
    attempts: int = 0
    fruitless: int = 0
    dialled: int = 0
    last_ordinal: int = 0
    cancelled_by: str = ""
    attempt: Attempt | None = None


@dataclass(frozen=True)
class Place:
    """Put it into the queue, for ``stay`` at the longest."""

    stay: timedelta


@dataclass(frozen=True)
class TakeAway:
    """Hang the placeholder up."""


@dataclass(frozen=True)
class EndAttempt:
    """Write down what came of the attempt, and what becomes of the callback."""

    outcome: Outcome
    state: Ending
    reason: str
    next_attempt_at: datetime
    attempts: int
    fruitless: int


@dataclass(frozen=True)
class Close:
    """End a callback that has no attempt."""

    state: Ending
    reason: str


Action = Place | TakeAway | EndAttempt | Close | None
# -- hours ----------------------------------------------------------------------------------


def closing(rules: Rules, now: datetime) -> datetime | None:
    """When the hours that are open ``now`` end; None when they are closed.

    Hours are those of the wall clock: on the day of a change they are longer or shorter. Hours that
    end before they begin go over midnight; equal ones are the whole day.
    """
    local = now.astimezone(rules.zone)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        begin, end = _hours_of(rules, datetime.combine(day, time()))
        if begin <= now < end:
            return end
    return None


def opening(rules: Rules, at: datetime) -> datetime:
    """``at`` when the hours are open then, else when they open next."""
    if closing(rules, at) is not None:
        return at
    local = at.astimezone(rules.zone)
    for ahead in (0, 1, 2):
        day = local.date() + timedelta(days=ahead)
        begin, _ = _hours_of(rules, datetime.combine(day, time()))
        if begin >= at:
            return begin
    return at


def _hours_of(rules: Rules, midnight: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the hours that begin on that day. A time that clocks skip is moved on."""
    ends_on = midnight.date() + timedelta(days=rules.closes <= rules.opens)
    begin = datetime.combine(midnight.date(), rules.opens, rules.zone)
    end = datetime.combine(ends_on, rules.closes, rules.zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


# -- deciding -------------------------------------------------------------------------------


def decide(callback: Callback, rules: Rules, presence: Presence, now: datetime) -> Action:
    """What is to be done about a callback now."""
    gives_up_at = callback.asked_at + rules.give_up_after
    if callback.attempt is None:
        return _waiting(callback, rules, gives_up_at, now)
    if presence == "gone":
        return _ended(callback, callback.attempt, rules, now)
    if presence == "there" and "dial" not in callback.attempt.steps:
        closed = closing(rules, now) is None or gives_up_at <= now
        if callback.cancelled_by or closed:
            return TakeAway()
    return None


def _waiting(callback: Callback, rules: Rules, gives_up_at: datetime, now: datetime) -> Action:
    if callback.cancelled_by:
        return Close("cancelled", f"cancelled by {callback.cancelled_by}")
    if gives_up_at <= now:
        return Close("expired", "not reached in time")
    if QUEUE.fullmatch(callback.queue) is None:
        return Close("failed", "the name of the queue has characters that the dialplan drops")
    closes_at = closing(rules, now)
    if callback.next_attempt_at > now or closes_at is None:
        return None
    stay = min(closes_at, gives_up_at) - now
    return Place(stay) if stay >= SHORTEST_STAY else None


def outcome_of(steps: Iterable[str]) -> Outcome:
    """What came of an attempt that is over, from all that was told of it."""
    told = tuple(steps)
    if "answered" in told:
        return "answered"
    if "refused" in told:
        return "refused"
    if "dial" in told:
        return next((DIALLED[step] for step in told if step in DIALLED), "lost")
    if "left" in told:
        return "no_agents"
    return "gone"


REASONS: Mapping[Outcome, str] = {
    "not_answered": "the customer did not answer",
    "busy": "the customer was busy",
    "unreachable": "the customer could not be called",
    "lost": "Asterisk died while it called the customer",
    "agent_gone": "the agent hung up before the customer answered",
    "refused": "the dialplan allows no call to this number (context ccm-callback-customer)",
    "not_placed": "Asterisk refused to put it into the queue",
    "no_agents": "the queue took nobody in, or sent everybody away",
    "gone": "its placeholder went away",
    "withdrawn": "its placeholder was taken away",
}


def _ended(callback: Callback, attempt: Attempt, rules: Rules, now: datetime) -> EndAttempt:
    outcome = outcome_of(attempt.steps)
    if outcome == "gone" and callback.cancelled_by:
        outcome = "withdrawn"
    return ended(callback, attempt, outcome, rules, now)


def ended(
    callback: Callback, attempt: Attempt, outcome: Outcome, rules: Rules, now: datetime
) -> EndAttempt:
    """What becomes of a callback after an attempt with that outcome."""
    attempts = callback.attempts + (outcome in COUNTED)
    dialled = callback.dialled + (outcome in COUNTED or outcome == "agent_gone")
    stayed = now - attempt.placed_at
    fruitless = 0 if outcome in COUNTED or stayed >= SHORT_LIFE else callback.fruitless + 1
    state: Ending = "waiting"
    reason = REASONS.get(outcome, "")
    if outcome == "answered":
        state = "done"
    elif callback.cancelled_by:
        state, reason = "cancelled", f"cancelled by {callback.cancelled_by}"
    elif outcome == "refused" or attempts >= rules.attempts:
        state = "failed"
    elif dialled >= MOST_DIALS * rules.attempts:
        state, reason = "failed", "agents hung up again and again"
    elif callback.asked_at + rules.give_up_after <= now:
        state = "expired"
    if outcome in COUNTED:
        pause = rules.pause
    elif outcome == "agent_gone":
        pause = AGENT_GONE_PAUSE
    else:
        pause = patience(fruitless)
    return EndAttempt(outcome, state, reason, opening(rules, now + pause), attempts, fruitless)


# -- what Asterisk is asked -----------------------------------------------------------------


def originate(
    callback: Callback, attempt: Attempt, place: int, stay: timedelta, ring_seconds: int
) -> dict[str, str | list[str]]:
    """The fields of the Originate that puts an attempt into its queue.

    Raises ValueError when a value is not what the dialplan would let through: a comma in one would
    set another variable.
    """
    values = {
        "ATTEMPT": attempt.id,
        "QUEUE": callback.queue,
        "NUMBER": callback.number,
        "RING": str(ring_seconds),
        "PLACE": str(place),
        "PRIO": str(callback.priority),
        "UNTIL": str(int(attempt.valid_until.timestamp())),
    }
    if NUMBER.fullmatch(callback.number) is None or QUEUE.fullmatch(callback.queue) is None:
        raise ValueError("queue or number are not what the dialplan lets through")
    return {
        "Channel": f"Local/{callback.id.hex}@ccm-callback-turn/n",
        "ChannelId": attempt.id,
        "OtherChannelId": f"{attempt.id};2",
        "Context": "ccm-callback-call",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": str(int(stay.total_seconds() * 1000)),
        "Variable": [f"CCM_CALLBACK_{name}={value}" for name, value in values.items()],
    }
