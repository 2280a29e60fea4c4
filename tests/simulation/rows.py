"""The rows as the database would hold them, and what must hold after every fact.

``Rows.take`` applies facts as Postgres does (the newest version of a row wins, an event of an
interaction is inserted once) and raises ``Broken`` for whatever the schema of sql/migrations would
refuse, for a version that does not grow, an event told twice, and intervals of an agent that
overlap or leave a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ccmiddleware.facts import (
    Agent,
    AgentState,
    AnyFact,
    Interaction,
    InteractionEvent,
    Offer,
    QueueMembership,
    QueueVisit,
    Segment,
)


class Broken(AssertionError):
    """Something that must always hold does not. ``interaction`` is the one it is about."""

    def __init__(self, what: str, interaction: UUID | None = None) -> None:
        super().__init__(what)
        self.interaction = interaction


@dataclass(slots=True)
class Kept:
    """All rows of one interaction."""

    row: Interaction | None = None
    visits: dict[int, QueueVisit] = field(default_factory=dict)
    offers: dict[int, Offer] = field(default_factory=dict)
    segments: dict[int, Segment] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    inferred_events: int = 0

    def open_rows(self) -> list[QueueVisit | Offer | Segment]:
        return [
            *(visit for visit in self.visits.values() if visit.outcome is None),
            *(offer for offer in self.offers.values() if offer.outcome is None),
            *(segment for segment in self.segments.values() if segment.ended_at is None),
        ]


class Rows:
    """The tables."""

    def __init__(self) -> None:
        self.interactions: dict[UUID, Kept] = {}
        self.ended: list[UUID] = []
        """Interactions that ended since somebody last looked."""
        self.agents: dict[str, Agent] = {}
        self.members: dict[tuple[str, str], QueueMembership] = {}
        self.states: dict[str, AgentState] = {}
        """The newest interval of each agent."""
        self.intervals: dict[str, list[AgentState]] = {}
        """Intervals that are over."""
        self.facts = 0

    def take(self, facts: Iterable[AnyFact]) -> None:
        for fact in facts:
            self.facts += 1
            kind = type(fact)
            if kind is InteractionEvent:
                self._event(fact)  # type: ignore[arg-type]
            elif kind is Offer:
                kept = self._kept(fact.interaction_id)  # type: ignore[union-attr]
                self._newer(kept.offers, fact)
                _check_offer(fact, kept)  # type: ignore[arg-type]
            elif kind is QueueVisit:
                kept = self._kept(fact.interaction_id)  # type: ignore[union-attr]
                self._newer(kept.visits, fact)
                _check_visit(fact)  # type: ignore[arg-type]
            elif kind is Segment:
                kept = self._kept(fact.interaction_id)  # type: ignore[union-attr]
                self._newer(kept.segments, fact)
                _check_segment(fact, kept)  # type: ignore[arg-type]
            elif kind is Interaction:
                self._interaction(fact)  # type: ignore[arg-type]
            elif kind is AgentState:
                self._state(fact)  # type: ignore[arg-type]
            elif kind is QueueMembership:
                self.members[fact.queue, fact.interface] = fact  # type: ignore[union-attr, index, assignment]
            elif kind is Agent:
                self.agents[fact.interface] = fact  # type: ignore[union-attr, assignment]

    def _kept(self, interaction: UUID) -> Kept:
        kept = self.interactions.get(interaction)
        if kept is None:
            kept = self.interactions[interaction] = Kept()
        return kept

    def _event(self, fact: InteractionEvent) -> None:
        kept = self._kept(fact.interaction_id)
        if fact.key in kept.keys:
            raise Broken(f"event {fact.key} was told twice", fact.interaction_id)
        kept.keys.add(fact.key)
        kept.inferred_events += fact.inferred

    def _newer(self, rows: dict, fact) -> None:  # type: ignore[type-arg, no-untyped-def]
        ordinal = fact.ordinal
        before = rows.get(ordinal)
        if before is None:
            if ordinal != len(rows) + 1:
                raise Broken(f"a gap before {fact}", fact.interaction_id)
        elif before.version >= fact.version:
            raise Broken(f"the version does not grow: {before} {fact}", fact.interaction_id)
        rows[ordinal] = fact

    def _interaction(self, fact: Interaction) -> None:
        kept = self._kept(fact.id)
        before = kept.row
        if before is not None:
            if before.version >= fact.version:
                raise Broken(f"the version does not grow: {before} {fact}", fact.id)
            if before.ended_at is not None and fact.ended_at is None:
                raise Broken(f"it lives again: {before} {fact}", fact.id)
        if (
            (fact.state == "ended") != (fact.ended_at is not None)
            or (fact.state == "ended" and fact.outcome is None)
            or (fact.ended_at is not None and fact.ended_at < fact.started_at)
        ):
            raise Broken(f"refused: {fact}", fact.id)
        if fact.ended_at is not None and (before is None or before.ended_at is None):
            self.ended.append(fact.id)
        kept.row = fact

    def _state(self, fact: AgentState) -> None:
        before = self.states.get(fact.interface)
        if before is not None and before.started_at == fact.started_at:
            if before.version >= fact.version:
                raise Broken(f"the version does not grow: {before} {fact}")
            if before.ended_at is not None:
                raise Broken(f"an interval that was over changes: {before} {fact}")
        elif before is None:
            pass
        elif before.ended_at is None:
            raise Broken(f"two open intervals: {before} {fact}")
        elif before.ended_at != fact.started_at:
            raise Broken(f"intervals do not adjoin: {before} {fact}")
        elif (before.state, before.reason) == (fact.state, fact.reason):
            raise Broken(f"two intervals that are one: {before} {fact}")
        if fact.ended_at is not None:
            if fact.ended_at <= fact.started_at:
                raise Broken(f"no time at all: {fact}")
            self.intervals.setdefault(fact.interface, []).append(fact)
        self.states[fact.interface] = fact

    def open_facts(self) -> list[AnyFact]:
        """What store.snapshot.open_facts reads for a daemon that starts."""
        facts: list[AnyFact] = [*self.agents.values()]
        facts += [member for member in self.members.values() if member.member]
        for kept in self.interactions.values():
            if kept.row is not None and kept.row.ended_at is None:
                facts += [kept.row, *kept.visits.values(), *kept.offers.values()]
                facts += kept.segments.values()
        facts += [state for state in self.states.values() if state.ended_at is None]
        return facts


def _check_visit(fact: QueueVisit) -> None:
    if (
        (fact.left_at is None) != (fact.outcome is None)
        or (fact.outcome == "answered") != (fact.answered_at is not None)
        or (fact.left_at is not None and fact.left_at < fact.joined_at)
        or (fact.answered_at is not None and fact.answered_at < fact.joined_at)
    ):
        raise Broken(f"refused: {fact}", fact.interaction_id)


def _check_offer(fact: Offer, kept: Kept) -> None:
    if (
        (fact.ended_at is None) != (fact.outcome is None)
        or (fact.ended_at is not None and fact.ended_at < fact.offered_at)
        or fact.visit > len(kept.visits)
    ):
        raise Broken(f"refused: {fact}", fact.interaction_id)


def _check_segment(fact: Segment, kept: Kept) -> None:
    length = _seconds(fact.answered_at, fact.ended_at)
    if (
        (fact.ended_at is None) != (fact.ended_by is None)
        or fact.answered_at < fact.offered_at
        or length < 0
        or not fact.hold_seconds >= 0
        or (fact.ended_at is not None and fact.hold_seconds > length + 1e-6)
        or fact.wrap_up_seconds < 0
        or fact.visit > len(kept.visits)
    ):
        raise Broken(f"refused: {fact}", fact.interaction_id)


def _seconds(since: datetime, until: datetime | None) -> float:
    return (until - since).total_seconds() if until is not None else 0.0
