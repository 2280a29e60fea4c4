"""Versions that grow from one leader of a node to the next, and which facts come too late. Pure.

Each time that the lead of a node passes to a daemon, the node's term is raised by one. Within a
term, rows have the small versions that the machines count; on their way to the journal they become
``term * VERSIONS_PER_TERM + small``, so that whatever a later leader tells is newer than whatever
an earlier one told, whenever it arrives.

A fact is *late* when its term is over while it is being applied: its daemon was killed or frozen
before its journal was empty. Of late facts

- the history (events) is kept: telling it twice changes nothing;
- all that belongs to an interaction of which a later leader has told is set aside. That leader
  found the interaction open, went on with it, and its story is whole; rows of two stories would
  not fit together;
- all that belongs to other interactions is applied: nobody else saw them;
- intervals of agents are set aside, since the later leader's follow each other without a gap from
  the one on that was open when it took over.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from ccmiddleware.facts import (
    AgentState,
    AnyFact,
    Interaction,
    Offer,
    QueueVisit,
    Recording,
    Segment,
    Supervision,
    times_in,
)
from ccmiddleware.store.batch import Plan

VERSIONS_PER_TERM = 1_000_000_000
"""More changes than any row sees, and small enough that a version fits a JSON number for ever."""

Versioned = AgentState | Interaction | Offer | QueueVisit | Recording | Segment | Supervision


def first_version(term: int) -> int:
    """Every version of that term is at least this."""
    return term * VERSIONS_PER_TERM


_ROWS: dict[type, Callable[[Any], Any]] = {
    AgentState: lambda fact: (fact.interface, fact.started_at, fact.node),
    Interaction: lambda fact: fact.id,
    Offer: lambda fact: (Offer, fact.ordinal, fact.interaction_id),
    QueueVisit: lambda fact: (QueueVisit, fact.ordinal, fact.interaction_id),
    Segment: lambda fact: (Segment, fact.ordinal, fact.interaction_id),
}
"""Which row a fact tells of, for the kinds of which a batch of events has several."""


def newest(facts: Iterable[AnyFact]) -> list[AnyFact]:
    """The facts without those that are superseded by a later one among them.

    The newest fact of a row takes the place of the first: what is told after that still finds it.
    """
    told: list[Any] = []
    places: dict[Any, int] = {}
    for fact in facts:
        row_of = _ROWS.get(type(fact))
        place = places.setdefault(row_of(fact), len(told)) if row_of else len(told)
        if place == len(told):
            told.append(fact)
        elif fact.version >= told[place].version:  # type: ignore[union-attr]
            told[place] = fact
    return told


def stamped(facts: Iterable[AnyFact], term: int) -> list[AnyFact]:
    """The facts as a leader tells them in ``term``: with versions that say so."""
    base = first_version(term)
    return [
        replace(fact, version=base + fact.version) if isinstance(fact, Versioned) else fact
        for fact in facts
    ]


def unstamped(facts: Iterable[AnyFact]) -> list[AnyFact]:
    """The facts with the versions that the machines count, whatever term they were told in."""
    return [
        replace(fact, version=fact.version % VERSIONS_PER_TERM)
        if isinstance(fact, Versioned)
        else fact
        for fact in facts
    ]


def versioned(facts: Iterable[AnyFact]) -> list[AnyFact]:
    """Those of the facts that have a version."""
    return [fact for fact in facts if isinstance(fact, Versioned)]


def last_seen(facts: Iterable[AnyFact], term: int) -> dict[UUID, datetime]:
    """When those who led before the last leader saw the last of what they left open.

    ``facts``: all that the leader of ``term`` finds open, with the versions that are stored. Who
    led just before it has told anew all that it followed; an interaction that is open in a version
    of an earlier term reached the database after that, and was not followed from the last on that
    its own leader told of anything.
    """
    seen: dict[int, datetime] = {}
    left: dict[int, list[UUID]] = defaultdict(list)
    for fact in facts:
        if not isinstance(fact, Versioned):
            continue
        told_in = fact.version // VERSIONS_PER_TERM
        if told_in >= term - 1:
            continue
        seen[told_in] = max([*times_in(fact), *([seen[told_in]] if told_in in seen else [])])
        if isinstance(fact, Interaction):
            left[told_in].append(fact.id)
    return {key: seen[told_in] for told_in, keys in left.items() for key in keys}


def late_interactions(plan: Plan, terms: Mapping[str, int]) -> set[UUID]:
    """Interactions of which ``plan`` has late facts. ``terms``: the present one of each node."""
    return {
        UUID(row.interaction)
        for row in plan.rows
        if row.interaction and _is_late(row.version, terms.get(row.node, 0))
    }


def set_aside(plan: Plan, terms: Mapping[str, int], stored: Mapping[UUID, int]) -> Sequence[bytes]:
    """Take out of ``plan`` the late facts that must not be applied, and return them.

    ``stored``: versions of the interactions that the database has, those of
    ``late_interactions`` at least.
    """
    aside: list[bytes] = []
    for row in plan.rows:
        if not _is_late(row.version, terms.get(row.node, 0)):
            continue
        if row.interaction:
            known = stored.get(UUID(row.interaction), 0)
            if not _is_late(row.version, known // VERSIONS_PER_TERM):
                continue
        lines = plan.lines[row.tag]
        lines.remove(row.line)
        if not lines:
            del plan.lines[row.tag]
        aside.append(row.line)
    return aside


def _is_late(version: int, term: int) -> bool:
    return version // VERSIONS_PER_TERM < term
