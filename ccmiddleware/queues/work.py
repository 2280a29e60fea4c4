"""Work items: which of them stand in their Asterisk queue, where, and what comes of it. Pure.

All that waits is in Postgres; in the queue there are only as many placeholders as agents could take
soon, those that come next. A placeholder is a Local channel whose unique id we choose; app_queue
offers it to agents like a call. When one answers, the dialplan (asterisk/dialplan/ccm-work.conf)
tells what it is, and the agent takes it (1) or gives it back (2). ``release`` says which items are
to be put there and which taken away, ``ended`` what came of one; ``work_turns`` does it.

**The one order.** Calls and items are answered by priority, the highest first, and at the same
priority by when they came. app_queue keeps its callers so; an item is put where it belongs among
them. Where a queue has calls go first, its items have priorities below those of all calls.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ccmiddleware.queues.placeholders import QUEUE, SHORT_LIFE, Attempt, Presence, patience

Outcome = Literal["taken", "given_back", "no_agents", "gone", "withdrawn", "not_placed", "too_late"]

HIGHEST_PRIORITY = 1000
MOST_PLACED = 25
"""Placeholders of one queue at most."""

AHEAD = 1
"""Placeholders beyond one for each member: what each could take next stands in the queue before he
is free, so that the order holds whoever is free first, and one more to come up."""

RING = timedelta(seconds=20)
"""How long the phone of an agent is rung who works on an email and may have another."""

INTERFACE = re.compile(r"[A-Za-z0-9]+/[\w.@/\-]{1,80}", re.ASCII)
GIVEN_BACK_PAUSE = timedelta(seconds=5)
UNFIT = re.compile(r"[^\w .@+\-]+")
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Item:
    """A work item that is not done. ``shown``: who writes about what, for the phone."""

    id: UUID
    number: int
    queue: str
    priority: int
    arrived_at: datetime
    state: Literal["waiting", "queued", "working", "done"] = "waiting"
    fruitless: int = 0
    last_ordinal: int = 0
    sender: str = ""
    subject: str = ""

    @property
    def rank(self) -> tuple[int, datetime, UUID]:
        """What comes first is smallest."""
        return -self.priority, self.arrived_at, self.id


@dataclass(frozen=True)
class Standing:
    """A placement that is not over. ``offered``: an agent's phone rings for it, or may.

    ``agent``: who answered it last; ``reachable``: whether mail can be sent to that agent;
    ``told_at``: when the last of its steps happened; ``straight``: it stands in no queue, that
    agent's phone is rung. ``stands_with``: its priority in the queue, if that is known.
    """

    item: Item
    attempt: Attempt
    presence: Presence
    offered: bool = False
    agent: UUID | None = None
    reachable: bool = True
    told_at: datetime | None = None
    straight: bool = False
    stands_with: int | None = None

    @property
    def answered(self) -> bool:
        """Whether an agent hears about it, or did."""
        return bool({"answered", "taken", "back"} & set(self.attempt.steps))


@dataclass(frozen=True)
class Room:
    """What a queue has room for. ``members``: those whose phones can be reached, free or not."""

    open: bool
    members: int

    @property
    def wanted(self) -> int:
        """How many placeholders it should have."""
        if not self.open or not self.members:
            return 0
        return min(self.members + AHEAD, MOST_PLACED)


@dataclass(frozen=True)
class Release:
    """What is to be done in a queue: put an item there, or None; take placeholders away."""

    place: Item | None
    take_away: tuple[Attempt, ...]


@dataclass(frozen=True)
class Ended:
    """What came of a placement, and what becomes of its item unless it was taken."""

    outcome: Outcome
    agent: UUID | None
    reason: str
    pause: timedelta
    fruitless: int


def priority_in_queue(priority: int, *, after_calls: bool) -> int:
    """QUEUE_PRIO of an item: where calls go first, below that of every call, in the same order."""
    return priority - HIGHEST_PRIORITY - 1 if after_calls else priority


def release(waiting: Sequence[Item], standing: Sequence[Standing], room: Room) -> Release:
    """What is to be done in one queue now.

    ``waiting``: items of the queue that have no placement and may be offered, in their order;
    ``standing``: placements in that queue. One is put there at a time, for two at once would not
    know of each other's place.
    """
    # Of an item that somebody has by now, or that waits in another queue, nothing is to stand.
    stale = [one for one in standing if one.item.state != "queued" and one.presence != "gone"]
    ours = [one for one in standing if one.item.state == "queued" and not one.straight]
    idle = [one for one in ours if not one.offered and not one.answered]
    take_away = [one for one in stale if one.presence == "there" and not one.answered]
    if room.wanted == 0:
        return Release(None, _attempts([*take_away, *(o for o in idle if o.presence == "there")]))
    pending = [one for one in ours if not one.answered]
    if not waiting:
        return Release(None, _attempts(take_away))
    first = waiting[0]
    if len(pending) < room.wanted:
        return Release(first, _attempts(take_away))
    last = max(idle, key=lambda one: one.item.rank, default=None)
    if last is not None and last.presence == "there" and first.rank < last.item.rank:
        take_away.append(last)
    return Release(None, _attempts(take_away))


def out_of_place(standing: Iterable[Standing], *, after_calls: bool) -> list[Standing]:
    """Placements that stand with another priority than their items have by now, best first.

    What an agent's phone rings for stays where it is.
    """
    found = [
        one
        for one in standing
        if one.item.state == "queued" and one.presence == "there" and not one.straight
        and not one.offered and not one.answered
        and one.stands_with != priority_in_queue(one.item.priority, after_calls=after_calls)
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.item.rank)


def further(
    waiting: Sequence[Item], standing: Sequence[Standing], queues: Collection[str]
) -> Item | Attempt | None:
    """What an agent gets who works on an email, has room for another, and serves these queues.

    It is what comes first of all that nobody is offered: the item, where it only waits; where it
    stands in its queue, the placement, which must go away before the item can be given.
    """
    free = [
        one
        for one in standing
        if one.item.state == "queued" and one.presence == "there" and not one.straight
        and not one.offered and not one.answered and one.item.queue in queues
    ]  # fmt: skip
    first = min(free, key=lambda one: one.item.rank, default=None)
    item = min(
        (one for one in waiting if one.queue in queues), key=lambda one: one.rank, default=None
    )
    if first is not None and (item is None or first.item.rank < item.rank):
        return first.attempt
    return item


def _attempts(standing: Sequence[Standing]) -> tuple[Attempt, ...]:
    return tuple(one.attempt for one in standing)


def ended(one: Standing, now: datetime, *, withdrawn: bool) -> Ended:
    """What came of a placement of which nothing more can be told."""
    steps = set(one.attempt.steps)
    fruitless = one.item.fruitless
    if "taken" in steps and one.agent is not None and one.reachable:
        return Ended("taken", one.agent, "", timedelta(), 0)
    if "taken" in steps:
        reason = "the agent who took it has no mail address (ccm agent email)"
        return Ended("given_back", one.agent, reason, patience(fruitless + 1), fruitless + 1)
    if "back" in steps or "answered" in steps:
        return Ended("given_back", one.agent, "given back", GIVEN_BACK_PAUSE, fruitless)
    if withdrawn:
        return Ended("withdrawn", None, "", timedelta(), fruitless)
    short = now - one.attempt.placed_at < SHORT_LIFE
    fruitless = fruitless + 1 if short else 0
    if "left" in steps:
        reason = "the queue took nobody in, or sent everybody away"
        return Ended("no_agents", None, reason, patience(fruitless), fruitless)
    return Ended("gone", None, "its placeholder went away", patience(fruitless), fruitless)


# -- what Asterisk is asked -----------------------------------------------------------------


def shown(item: Item) -> str:
    """Who writes about what, in characters that the dialplan lets through."""
    parts = [" ".join(UNFIT.sub(" ", text).split()) for text in (item.sender, item.subject)]
    return " - ".join(part for part in parts if part)[:LONGEST_SHOWN].strip()


def originate(
    item: Item, attempt: Attempt, place: int, *, after_calls: bool
) -> dict[str, str | list[str]]:
    """The fields of the Originate that puts a placement into its queue.

    Raises ValueError when the queue's name is not what the dialplan would let through: a comma in a
    value would set another variable.
    """
    if QUEUE.fullmatch(item.queue) is None:
        raise ValueError(f"the dialplan library does not let the name {item.queue!r} through")
    values = {
        "ATTEMPT": attempt.id,
        "QUEUE": item.queue,
        "NUMBER": str(item.number),
        "NAME": shown(item) or "Email",
        "PLACE": str(place),
        "PRIO": str(priority_in_queue(item.priority, after_calls=after_calls)),
        "UNTIL": str(int(attempt.valid_until.timestamp())),
    }
    return {
        "Channel": f"Local/{item.id.hex}@ccm-work-turn/n",
        "ChannelId": attempt.id,
        "OtherChannelId": f"{attempt.id};2",
        "Context": "ccm-work-agent",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": str(int(timedelta(days=1).total_seconds() * 1000)),
        "Variable": [f"CCM_WORK_{name}={value}" for name, value in values.items()],
    }


def originate_straight(item: Item, attempt: Attempt, interface: str) -> dict[str, str | list[str]]:
    """The fields of the Originate that rings an agent's phone for an item, with no queue between.

    Raises ValueError as ``originate`` does, or when the interface has what would end a value.
    """
    if QUEUE.fullmatch(item.queue) is None or INTERFACE.fullmatch(interface) is None:
        raise ValueError(f"the dialplan library does not let {item.queue!r}, {interface!r} through")
    values = {
        "ATTEMPT": attempt.id,
        "QUEUE": item.queue,
        "NUMBER": str(item.number),
        "PHONE": interface,
        "UNTIL": str(int(attempt.valid_until.timestamp())),
    }
    return {
        "Channel": interface,
        "ChannelId": attempt.id,
        "CallerID": f'"{shown(item) or "Email"}" <{item.number}>',
        "Context": "ccm-work-agent",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": str(int(RING.total_seconds() * 1000)),
        "Variable": [f"CCM_WORK_{name}={value}" for name, value in values.items()],
    }


# -- busy with email ------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What an agent has in hand. ``interface``: that of the member, such as PJSIP/1001.

    ``queue`` and ``since``: of the item that was taken last, None without any.
    """

    interface: str
    working: int
    capacity: int
    calls_interrupt: bool
    queue: str | None = None
    since: datetime | None = None

    @property
    def is_full(self) -> bool:
        """Whether the agent may have no more emails."""
        return self.working >= self.capacity


def busy_key(interface: str) -> str | None:
    """What names an agent in the device state ``Custom:ccm-KEY``; None for one that has none."""
    _, slash, rest = interface.partition("/")
    key = re.split(r"[@/]", rest)[0]
    return key if slash and re.fullmatch(r"[0-9A-Za-z_.\-]{1,40}", key) else None


def in_hand(loads: Iterable[Load]) -> dict[str, tuple[str, datetime]]:
    """Who has an item in hand: by interface, the queue of the last one and since when."""
    return {
        load.interface: (load.queue, load.since)
        for load in loads
        if load.queue is not None and load.since is not None
    }


def is_busy(load: Load, *, offered: bool = False) -> bool:
    """Whether the agent is to be in use for Asterisk: calls and emails never at the same time,
    unless calls may interrupt. Further emails of a busy agent: ``further_work``.

    ``offered``: whether app_queue has emails that it could offer him. Who may have no more of them
    is not free before they are gone.
    """
    if load.calls_interrupt:
        return offered and load.is_full
    return load.working > 0


def served_straight(
    loads: Iterable[Load], queues_of: Callable[[str], Collection[str]]
) -> frozenset[str]:
    """Queues in which app_queue can't offer emails: it takes somebody there for free who may have
    no more of them. ``queues_of``: those in which an agent is offered what comes.

    Agents who may have more are rung by us there.
    """
    found: set[str] = set()
    for load in loads:
        if load.is_full and not is_busy(load):
            found |= set(queues_of(load.interface))
    return frozenset(found)
