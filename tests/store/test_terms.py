"""Versions over several terms, and which late facts are applied."""

from collections.abc import Sequence
from typing import get_args
from uuid import UUID

import pytest
from store_facts import NODE, at, call, people

from ccmiddleware import facts
from ccmiddleware.facts import AnyFact
from ccmiddleware.store import batch
from ccmiddleware.store.terms import (
    VERSIONS_PER_TERM,
    Versioned,
    first_version,
    late_interactions,
    newest,
    set_aside,
    stamped,
    unstamped,
    versioned,
)

TOLD = [*people(), *call(1), *call(2)[:8]]


def plan(told: Sequence[AnyFact]) -> batch.Plan:
    return batch.plan([facts.encode(fact) for fact in told])


def ids(told: Sequence[AnyFact]) -> list[UUID]:
    return [fact.id for fact in told if isinstance(fact, facts.Interaction)]


def left(sorted_: batch.Plan) -> list[AnyFact]:
    return [facts.decode(line) for lines in sorted_.lines.values() for line in lines]


def test_every_kind_with_a_version_is_stamped_and_sorted_out() -> None:
    kinds = {kind for kind in get_args(AnyFact) if "version" in kind.__struct_fields__}
    # Its version counts bytes of a file, which is the same for every leader.
    assert kinds - {facts.QueueLogPosition} == set(get_args(Versioned))
    tags = {kind.__struct_config__.tag.encode() for kind in get_args(Versioned)}
    assert {tag for tag, kind in batch.KINDS.items() if kind.interaction is not None} == tags


@pytest.mark.parametrize("term", [0, 1, 4_000_000])
def test_stamping_changes_versions_alone_and_is_undone(term: int) -> None:
    told = stamped(TOLD, term)
    assert unstamped(told) == TOLD
    assert [fact.version - first_version(term) for fact in versioned(told)] == [
        fact.version for fact in versioned(TOLD)
    ]
    assert all(fact.version < 2**53 for fact in versioned(told))


def test_of_each_row_the_newest_stands_where_the_first_did() -> None:
    told = [*call(1), *people(), *call(2)]
    kept = newest(told)
    assert len(kept) < len(told)
    wanted = left(plan(told))
    for kind in (facts.Interaction, facts.QueueVisit, facts.Offer, facts.Segment, facts.AgentState):
        of_kind = [fact for fact in kept if isinstance(fact, kind)]
        assert of_kind == [fact for fact in wanted if isinstance(fact, kind)], kind
    for kind in (facts.InteractionEvent, facts.Recording, facts.Agent):
        of_kind = [fact for fact in kept if isinstance(fact, kind)]
        assert of_kind == [fact for fact in told if isinstance(fact, kind)], kind
    # Whatever is about an interaction stands behind it, wherever a batch for Postgres ends.
    known: set[UUID] = set()
    for fact in kept:
        known.update(ids([fact]))
        about = getattr(fact, "interaction_id", None)
        assert about is None or about in known, fact


def test_an_older_version_that_is_told_late_changes_nothing() -> None:
    new = facts.AgentState(
        node=NODE, interface="PJSIP/1", started_at=at(0), version=2, state="idle", ended_at=at(9)
    )
    old = facts.AgentState(
        node=NODE, interface="PJSIP/1", started_at=at(0), version=1, state="idle"
    )
    assert newest([new, old]) == [new]
    assert newest([old, new]) == [new]


def test_whatever_a_later_term_tells_is_newer() -> None:
    last = facts.AgentState(
        node=NODE,
        interface="PJSIP/1",
        started_at=at(0),
        version=VERSIONS_PER_TERM - 1,
        state="idle",
    )
    (older,), (newer,) = versioned(stamped([last], 6)), versioned(stamped(TOLD[-1:], 7))
    assert newer.version > older.version


def test_what_is_told_in_time_is_all_applied() -> None:
    sorted_ = plan(stamped(TOLD, 3))
    before = left(sorted_)
    for present in ({NODE: 3}, {NODE: 0}, {}, {"another": 9}):
        assert late_interactions(sorted_, present) == set()
        assert set_aside(sorted_, present, {}) == []
    assert left(sorted_) == before


def test_late_facts_of_what_nobody_took_over_are_applied() -> None:
    told = stamped(call(1), 3)
    sorted_ = plan(told)
    before = left(sorted_)
    assert late_interactions(sorted_, {NODE: 4}) == set(ids(told[:1]))
    # Unknown; or stored by the same earlier leader, or by one before it.
    for stored in ({}, {ids(told)[0]: first_version(3) + 1}, {ids(told)[0]: first_version(2)}):
        assert set_aside(sorted_, {NODE: 4}, stored) == []
    assert left(sorted_) == before


def test_late_facts_of_what_was_taken_over_are_set_aside_but_for_its_history() -> None:
    taken, other = stamped(call(1), 3), stamped(call(2), 3)
    sorted_ = plan([*taken, *other])
    aside = set_aside(sorted_, {NODE: 4}, {ids(taken)[0]: first_version(4)})
    assert {type(facts.decode(line)) for line in aside} == {
        facts.Interaction, facts.QueueVisit, facts.Offer, facts.Segment, facts.Recording,
    }  # fmt: skip
    rest = left(sorted_)
    assert ids(rest) == ids(other)[:1]
    assert [fact for fact in rest if isinstance(fact, facts.InteractionEvent)] == [
        fact for fact in [*taken, *other] if isinstance(fact, facts.InteractionEvent)
    ]


def test_late_intervals_of_agents_are_set_aside_and_who_they_are_is_not() -> None:
    sorted_ = plan(stamped(people(), 3))
    aside = set_aside(sorted_, {NODE: 4}, {})
    assert {type(facts.decode(line)) for line in aside} == {facts.AgentState}
    kinds = {type(fact) for fact in left(sorted_)}
    assert kinds == {facts.Queue, facts.Agent, facts.QueueMembership}
    assert b"agent_state" not in sorted_.lines


def test_of_one_row_in_two_terms_the_newer_is_applied_and_nothing_is_late() -> None:
    early, late = stamped(call(1), 3), stamped(call(1)[:1], 5)
    sorted_ = plan([*early, *late])
    aside = set_aside(sorted_, {NODE: 5}, {ids(late)[0]: first_version(3)})
    assert aside == []
    (row,) = [fact for fact in left(sorted_) if isinstance(fact, facts.Interaction)]
    assert row.version == first_version(5) + 1
