"""How long customers waited, and what is due when. Pure.

Times are counted on the wall clock and in the queue's opening hours (``queues/hours.py``):

- *first response*: from the customer's first message to the first answer by a person;
- *next response*: from the customer's first message after an answer to the next answer. Several
  messages in a row wait once, from the first of them;
- *resolution*: while the conversation was not closed, from its beginning to its last closing.

An acknowledgement is no answer. A message after which the conversation is closed without an answer
waits no longer, and gives no response time. Targets may let the clock of the resolution stand while
the conversation waits for the customer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from ccmiddleware.queues.hours import Schedule, after_open_seconds, open_seconds

What = Literal["asked", "answered", "waits", "resumed", "closed", "reopened"]
"""The customer wrote; a person answered; it waits for the customer or for a time; it goes on;
closed; opened again. A customer's message opens what is closed, and ends waiting, by itself."""

Goal = Literal["first_response", "next_response", "resolution"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a conversation. ``at`` is aware."""

    at: datetime
    what: What


@dataclass(frozen=True, slots=True)
class Took:
    """A time between two moments, both ways of counting, in whole seconds."""

    since: datetime
    until: datetime
    wall: int
    business: int


@dataclass(frozen=True, slots=True)
class Times:
    """What a conversation took so far; None for what has not come."""

    first_response: Took | None
    next_responses: tuple[Took, ...]
    resolution: Took | None


@dataclass(frozen=True, slots=True)
class Targets:
    """What was promised; None: nothing. ``business``: counted in opening hours.

    ``warn_before``: so long before a target is over somebody wants to know, counted as it is.
    """

    first_response: timedelta | None = None
    next_response: timedelta | None = None
    resolution: timedelta | None = None
    business: bool = True
    warn_before: timedelta = timedelta()
    stands_while_waiting: bool = True
    """The clock of the resolution stands while the conversation waits."""


@dataclass(frozen=True, slots=True)
class Due:
    """A goal that is not reached yet. ``at`` None: not within the next 400 days of the queue.

    ``began`` and ``left``: the clock runs since then, and has so many seconds to go from there.
    """

    goal: Goal
    at: datetime | None
    began: datetime
    left: int


@dataclass(frozen=True, slots=True)
class Clock:
    """One time that is measured, as it is stored. ``ordinal`` counts the waits of a conversation.

    ``reached``: it ended as it should. ``seconds`` on the wall clock, ``business_seconds`` in
    opening hours, ``counted_seconds`` those that count against the target; None while it goes on.
    """

    goal: Goal
    ordinal: int
    began_at: datetime
    ended_at: datetime | None
    reached: bool
    seconds: int | None
    business_seconds: int | None
    counted_seconds: int | None
    target_seconds: int | None
    due_at: datetime | None
    warn_at: datetime | None = None


def measure(events: Iterable[Event], schedule: Schedule) -> Times:
    """What a conversation took, from its events in the order in which they happened."""
    events = _in_order(events)
    first: Took | None = None
    following: list[Took] = []
    for asked, ended, answered, number in _waits(events):
        if not answered or ended is None:
            continue
        took = _took(asked, ended, schedule)
        if number == 0:
            first = took
        else:
            following.append(took)
    return Times(first, tuple(following), _resolution(events, schedule))


def due(events: Iterable[Event], targets: Targets, schedule: Schedule) -> tuple[Due, ...]:
    """The goals that wait to be reached, the next first; those that never come due last.

    A goal that is overdue stays until it is reached.
    """
    events = _in_order(events)
    found: list[Due] = []
    for asked, ended, _, number in _waits(events):
        goal: Goal = "first_response" if number == 0 else "next_response"
        target = targets.first_response if number == 0 else targets.next_response
        if ended is None and target is not None:
            found.append(_due(goal, asked, _seconds(target), targets, schedule))
    if targets.resolution is not None and events:
        spans = _running(events, pausing=targets.stands_while_waiting)
        began, ended = spans[-1]
        if ended is None:
            used = sum(
                _counted(begin, end, targets, schedule)
                for begin, end in spans[:-1]
                if end is not None
            )
            left = _seconds(targets.resolution) - used
            found.append(_due("resolution", began, left, targets, schedule))
    far = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda each: each.at or far))


def clocks(events: Iterable[Event], targets: Targets, schedule: Schedule) -> tuple[Clock, ...]:
    """All times of a conversation, those that go on too."""
    events = _in_order(events)
    if not any(event.what == "asked" for event in events):
        return ()
    goals = {each.goal: each for each in due(events, targets, schedule)}
    found: list[Clock] = []
    for ordinal, (asked, ended, answered, number) in enumerate(_waits(events), 1):
        goal: Goal = "first_response" if number == 0 else "next_response"
        target = targets.first_response if number == 0 else targets.next_response
        took = None if ended is None else _took(asked, ended, schedule)
        counted = None if ended is None else _counted(asked, ended, targets, schedule)
        deadline = goals.get(goal) if ended is None else None
        found.append(_clock(goal, ordinal, asked, took, counted, target, deadline, answered))
    whole = _resolution(events, schedule)
    spans = _running(events, pausing=targets.stands_while_waiting)
    counted = sum(
        _counted(begin, end, targets, schedule) for begin, end in spans if end is not None
    )
    found.append(
        _clock(
            "resolution",
            1,
            events[0].at,
            whole,
            None if whole is None else counted,
            targets.resolution,
            goals.get("resolution"),
            whole is not None,
        )
    )
    return tuple(
        one
        if one.due_at is None
        else replace(one, warn_at=_warn_at(goals[one.goal], targets, schedule))
        for one in found
    )


def _warn_at(deadline: Due, targets: Targets, schedule: Schedule) -> datetime | None:
    left = deadline.left - _seconds(targets.warn_before)
    return _later(deadline.began, left, targets, schedule)


def _clock(
    goal: Goal,
    ordinal: int,
    began: datetime,
    took: Took | None,
    counted: int | None,
    target: timedelta | None,
    deadline: Due | None,
    reached: bool,
) -> Clock:
    return Clock(
        goal=goal,
        ordinal=ordinal,
        began_at=began,
        ended_at=took.until if took is not None else None,
        reached=reached,
        seconds=took.wall if took is not None else None,
        business_seconds=took.business if took is not None else None,
        counted_seconds=counted,
        target_seconds=_seconds(target) if target is not None else None,
        due_at=deadline.at if deadline is not None else None,
    )


# -- spans of events ------------------------------------------------------------------------

_Wait = tuple[datetime, datetime | None, bool, int]


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda event: event.at))


def _waits(events: Sequence[Event]) -> list[_Wait]:
    """Spans in which the customer waited: since, until, whether answered, and the how manieth.

    Number 0 is the wait for the first answer; it goes on after a closing without one.
    """
    found: list[_Wait] = []
    asked: datetime | None = None
    answers = 0
    for event in events:
        if event.what == "asked" and asked is None:
            asked = event.at
        elif event.what in ("answered", "closed"):
            if asked is not None:
                found.append((asked, event.at, event.what == "answered", answers))
                asked = None
            answers += event.what == "answered"
    if asked is not None:
        found.append((asked, None, False, answers))
    return found


def _running(events: Sequence[Event], *, pausing: bool) -> list[tuple[datetime, datetime | None]]:
    """Spans in which the resolution was due; the last may have no end."""
    spans: list[tuple[datetime, datetime | None]] = []
    begun: datetime | None = events[0].at
    for event in events:
        stops = event.what == "closed" or (event.what == "waits" and pausing)
        goes_on = event.what in ("asked", "resumed", "reopened")
        if stops and begun is not None:
            spans.append((begun, event.at))
            begun = None
        elif goes_on and begun is None:
            begun = event.at
    if begun is not None:
        spans.append((begun, None))
    return spans


def _resolution(events: Sequence[Event], schedule: Schedule) -> Took | None:
    if not events:
        return None
    spans = _running(events, pausing=False)
    last = spans[-1][1]
    if last is None:
        return None
    took = [_took(begin, end, schedule) for begin, end in spans if end is not None]
    wall, business = sum(each.wall for each in took), sum(each.business for each in took)
    return Took(events[0].at, last, wall, business)


# -- clocks ---------------------------------------------------------------------------------


def _took(since: datetime, until: datetime, schedule: Schedule) -> Took:
    begin, end = _epoch(since), _epoch(until)
    return Took(since, until, end - begin, open_seconds(schedule, begin, end))


def _counted(since: datetime, until: datetime, targets: Targets, schedule: Schedule) -> int:
    took = _took(since, until, schedule)
    return took.business if targets.business else took.wall


def _due(goal: Goal, began: datetime, left: int, targets: Targets, schedule: Schedule) -> Due:
    return Due(goal, _later(began, left, targets, schedule), began, left)


def _later(began: datetime, left: int, targets: Targets, schedule: Schedule) -> datetime | None:
    """The moment at which so many seconds have run; what is used up already, at once."""
    begin, left = _epoch(began), max(left, 0)
    at = after_open_seconds(schedule, begin, left) if targets.business else begin + left
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def _seconds(time: timedelta) -> int:
    return int(time.total_seconds())
