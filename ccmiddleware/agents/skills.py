"""Skills as penalties: which penalty each member of a queue should have. Pure.

Asterisk knows no skills, but it offers a call to the members with the lowest penalty first, and not
at all to those above QUEUE_MAX_PENALTY. So a queue that requires skills gives each of its members a
penalty: 0 to 10 by proficiency, and from ``EXCLUDED`` on for those who are below a minimum.

A minimum may be lowered when somebody waits too long. Penalties belong to members and not to
callers, so what counts is the longest wait in the queue; and once lowered it stays so until nobody
waits there any more (``Patience``), else it would go to and fro with every answered call.

A queue without requirements has no place in here: its penalties are nobody's but the operator's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccmiddleware.commands import Ask

HIGHEST = 100
"""The highest level of a skill; an agent of whom nothing is known has 0."""

STEP = 10
"""Points of proficiency that make one point of penalty: within them the queue's strategy decides,
not a difference that nobody means."""

EXCLUDED = 1000
"""The penalty of a member below a minimum, and what proficiency adds to it. QUEUE_MAX_PENALTY=999
excludes these members; without it they are called when nobody else can take the call."""

ASK_AGAIN_SECONDS = 10.0
"""How long after a penalty was asked for it is not asked for again while it does not show."""


@dataclass(frozen=True)
class Requirement:
    """A skill that a queue requires. ``relaxations``: from so many seconds of wait on, so much."""

    skill: str
    minimum: int
    weight: int = 1
    relaxations: tuple[tuple[float, int], ...] = ()

    def needed(self, wait: float) -> int:
        """The minimum while the longest wait is that, in seconds."""
        lowered = [least for after, least in self.relaxations if after <= wait]
        return min([self.minimum, *lowered])


@dataclass(frozen=True)
class Wanted:
    """The penalty that a member should have, and why, for people."""

    penalty: int
    why: str


def wanted(levels: Mapping[str, int], required: Sequence[Requirement], wait: float) -> Wanted:
    """The penalty of a member with these levels in a queue that requires at least one skill."""
    weights = sum(requirement.weight for requirement in required)
    points = sum(
        requirement.weight * (HIGHEST - levels.get(requirement.skill, 0))
        for requirement in required
    )
    penalty = points // (STEP * weights)
    words, below = [], False
    for requirement in required:
        level, needed = levels.get(requirement.skill, 0), requirement.needed(wait)
        words.append(_words(requirement, level, needed))
        below = below or level < needed
    return Wanted(penalty + EXCLUDED if below else penalty, ", ".join(words))


def _words(requirement: Requirement, level: int, needed: int) -> str:
    relaxed = f" in place of {requirement.minimum}" if needed < requirement.minimum else ""
    if level < needed:
        return f"{requirement.skill} {level} is below {needed}{relaxed}"
    return f"{requirement.skill} {level}" + (f", needs {needed}{relaxed}" if relaxed else "")


class Patience:
    """The longest wait of each queue since somebody waits there."""

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}

    def observe(self, waits: Mapping[str, float]) -> None:
        """The longest present wait of each queue in which somebody waits, in seconds."""
        self._longest = {
            queue: max(wait, self._longest.get(queue, 0.0)) for queue, wait in waits.items()
        }

    def of(self, queue: str) -> float:
        """What counts as the wait in that queue now."""
        return self._longest.get(queue, 0.0)


@dataclass(frozen=True)
class Rules:
    """What the database says: the requirements of each queue, the levels of each interface."""

    required: Mapping[str, Sequence[Requirement]]
    levels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Member:
    """A member of a queue with its present penalty."""

    queue: str
    interface: str
    penalty: int


class Penalties:
    """What is to be changed in Asterisk so that penalties are as wanted."""

    def __init__(self) -> None:
        self.patience = Patience()
        self._asked: dict[tuple[str, str], tuple[int, float]] = {}
        """What was asked for, and when, until it shows."""

    def changes(self, rules: Rules, members: Iterable[Member], now: float) -> list[Member]:
        """The members that differ, with the penalties that they should have.

        ``now``: seconds of any clock that goes steadily.
        """
        found, asked = [], {}
        for member in members:
            required = rules.required.get(member.queue)
            if not required:
                continue
            levels = rules.levels.get(member.interface, {})
            penalty = wanted(levels, required, self.patience.of(member.queue)).penalty
            if penalty == member.penalty:
                continue
            key = (member.queue, member.interface)
            before = self._asked.get(key)
            if before is not None and before[0] == penalty and now < before[1] + ASK_AGAIN_SECONDS:
                asked[key] = before
            else:
                found.append(Member(member.queue, member.interface, penalty))
        self._asked = asked
        return found

    def asked(self, member: Member, now: float) -> None:
        """That penalty was asked for; it is not asked for again until it should have shown."""
        self._asked[member.queue, member.interface] = (member.penalty, now)


def ask(member: Member) -> Ask:
    """The action that gives the member its penalty."""
    return Ask(
        "QueuePenalty",
        {"Interface": member.interface, "Queue": member.queue, "Penalty": str(member.penalty)},
        f"{member.interface} in {member.queue}",
    )


def rules_of(required: Iterable[Mapping[str, Any]], levels: Iterable[Mapping[str, Any]]) -> Rules:
    """The rules from rows of the queries skill_rules and skill_levels."""
    by_queue: dict[str, list[Requirement]] = {}
    for row in required:
        relaxations = tuple((float(after), int(least)) for after, least in row["relaxations"])
        requirement = Requirement(row["skill"], row["minimum"], row["weight"], relaxations)
        by_queue.setdefault(row["queue"], []).append(requirement)
    by_interface: dict[str, dict[str, int]] = {}
    for row in levels:
        by_interface.setdefault(row["interface"], {})[row["skill"]] = row["level"]
    return Rules(by_queue, by_interface)
