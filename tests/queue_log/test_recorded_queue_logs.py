"""Every recorded way once more: queue_log beside what the machine made of the same calls."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from test_recorded_calls import events_of
from test_ways import MEMBERS, WAYS_DIR, told_of
from ways_expected import WAYS

from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.facts import AnyFact, Interaction, InteractionEvent, Offer, QueueVisit, Segment
from ccmiddleware.ids import interaction_id
from ccmiddleware.pbx.events import CoreShowChannelsComplete, QueueStatusComplete
from ccmiddleware.queue_log.completing import MADE, complete
from ccmiddleware.queue_log.rows import Line, parse
from ccmiddleware.queue_log.stays import Told, stays
from ccmiddleware.queue_log.stored import Stored

NODE = "pbx1"
INTERFACES = {name: f"PJSIP/{number}" for number, name in MEMBERS.items()}


def logged(way: str) -> dict[str, list[Line]]:
    """The rows of each call of a way."""
    calls: dict[str, list[Line]] = defaultdict(list)
    for raw in (WAYS_DIR / f"{way}.queue_log").read_bytes().splitlines():
        line = parse(raw)
        assert line is not None
        calls[line.call].append(line)
    return {call: rows for call, rows in calls.items() if call not in ("NONE", "MANAGER")}


def rows_of(facts: Iterable[AnyFact]) -> dict[object, Stored]:
    """The newest rows of each interaction."""
    found: dict[object, Stored] = {}
    newest: dict[object, AnyFact] = {}
    for fact in facts:
        match fact:
            case Interaction():
                newest[fact.id] = fact
            case QueueVisit() | Offer() | Segment():
                newest[type(fact), fact.interaction_id, fact.ordinal] = fact
            case _:
                pass
    for fact in newest.values():
        if isinstance(fact, Interaction):
            found[fact.id] = Stored(fact)
    for fact in newest.values():
        match fact:
            case QueueVisit():
                found[fact.interaction_id].visits.append(fact)
            case Offer():
                found[fact.interaction_id].offers.append(fact)
            case Segment():
                found[fact.interaction_id].segments.append(fact)
            case _:
                pass
    return found


@pytest.mark.parametrize("way", sorted(WAYS))
def test_what_was_observed_is_left_as_it_is(way: str) -> None:
    seen = rows_of(told_of(way).facts)
    for call, rows in logged(way).items():
        stored = next((one for one in seen.values() if one.interaction.uniqueid == call), None)
        if stored is not None and not stored.uncertain:
            told = Told(call, stays(rows))
            facts = complete(stored.interaction.node, told, stored, interfaces=INTERFACES)
            assert facts == []


@pytest.mark.parametrize("way", sorted(WAYS))
def test_an_unseen_call_is_made_as_the_rows_tell_it(way: str) -> None:
    for call, rows in logged(way).items():
        told = Told(call, stays(rows))
        facts = complete(NODE, told, None, interfaces=INTERFACES)
        if not told.over:
            assert facts == []
            continue
        (made,) = rows_of(facts).values()
        assert next(fact.kind for fact in facts if isinstance(fact, InteractionEvent)) == MADE
        assert made.interaction.state == "ended"
        assert made.interaction.inferred
        assert [visit.queue for visit in made.visits] == [stay.queue for stay in told.stays]
        assert [visit.outcome for visit in made.visits] == [
            stay.outcome or "lost" for stay in told.stays
        ]
        assert [segment.ended_by for segment in made.segments] == [
            stay.talk.ended_by
            for stay in told.stays
            if stay.talk and (stay.talk.customer_at or made.interaction.channel != "callback")
        ]
        refused = sum(ring.refused for stay in told.stays for ring in stay.rings)
        assert sum(offer.outcome == "ring_no_answer" for offer in made.offers) == refused
        in_order(made)
        assert complete(NODE, told, made, interfaces=INTERFACES) == []


CUTS = 8
"""Moments of each way at which the daemon is killed, one after each eighth of its events."""


def seen_in_part(way: str, part: int) -> list[AnyFact]:
    """What is stored when the daemon was killed after a part of the way, and came back after it."""
    facts: list[AnyFact] = []
    events = list(events_of(WAYS_DIR / f"{way}.ami"))
    cut = len(events) * part // CUTS
    for machine, seen in ((CallMachine(NODE), events[:cut]), (CallMachine(NODE), [])):
        machine.status_seen = True
        for number, name in MEMBERS.items():
            machine.members_by_phone[f"PJSIP/{number}"] = f"PJSIP/{number}"
            machine.member_names[f"PJSIP/{number}"] = name
        machine.restore(newest(facts))
        for event in seen:
            facts += machine.step(event, event.at)
            facts += machine.tick(event.at)
    back = max(event.at for event in events) + timedelta(seconds=2)
    machine.miss(events[max(0, cut - 1)].at)
    for end in (QueueStatusComplete(at=back), CoreShowChannelsComplete(at=back)):
        facts += machine.step(end, back)
    for seconds in range(1, 80):
        facts += machine.tick(back + timedelta(seconds=seconds))
    assert machine.by_id == {}
    return facts


def newest(facts: Iterable[AnyFact]) -> list[AnyFact]:
    """Everything about interactions that have not ended."""
    return [
        row
        for one in rows_of(facts).values()
        if one.interaction.ended_at is None
        for row in (one.interaction, *one.visits, *one.offers, *one.segments)
    ]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_call_seen_in_part_is_completed(way: str) -> None:
    calls = {call: Told(call, stays(rows)) for call, rows in logged(way).items()}
    for part in range(CUTS):
        facts = seen_in_part(way, part)
        for call, told in calls.items():
            stored = stored_of(facts, call)
            more = complete(NODE, told, stored, interfaces=INTERFACES)
            if not told.over:
                assert more == []
                continue
            facts += more
            after = stored_of(facts, call)
            assert after is not None
            in_order(after)
            agrees(after, told)
            assert complete(NODE, told, after, interfaces=INTERFACES) == []


def stored_of(facts: Iterable[AnyFact], call: str) -> Stored | None:
    """The interaction of a call, found as queries/queue_log_stored_call.sql finds it."""
    rows = rows_of(facts)
    by_uniqueid = (one for one in rows.values() if one.interaction.uniqueid == call)
    return next(by_uniqueid, None) or rows.get(interaction_id(NODE, call))


def agrees(stored: Stored, told: Told) -> None:
    """Nothing is left that queue_log tells otherwise."""
    visits = list(stored.visits)
    for stay in told.stays:
        of_queue = [one for one in visits if one.queue == stay.queue]
        visit = min(of_queue, key=lambda one: abs(one.joined_at - stay.joined_at))
        visits.remove(visit)
        assert abs(visit.joined_at - stay.joined_at) <= timedelta(seconds=2)
        assert visit.outcome == (stay.outcome or "lost")
        first = next((one for one in stored.segments if one.visit == visit.ordinal), None)
        talk = stay.talk
        if talk is not None and stored.interaction.channel == "callback":
            # The talk is that with the customer, if there was one.
            talk = replace(talk, answered_at=talk.customer_at) if talk.customer_at else None
        assert (first is None) == (talk is None)
        if first is not None and talk is not None and stay.talk is not None:
            if not first.agent_channel:
                assert first.member_name == talk.agent
            assert abs(first.answered_at - talk.answered_at) <= timedelta(seconds=3)
            if first.ended_by != stay.talk.ended_by:
                assert (first.ended_by, stay.talk.ended_by) == ("transfer", "agent")
        refused = [
            one.member_name
            for one in stored.offers
            if one.visit == visit.ordinal and one.outcome == "ring_no_answer"
        ]
        assert sorted(refused) == sorted(ring.agent for ring in stay.rings if ring.refused)
    assert stored.interaction.outcome not in (None, "lost") or told.stays[-1].outcome is None


def in_order(made: Stored) -> None:
    """What the constraints of the tables ask for."""
    whole = made.interaction
    assert whole.ended_at is not None
    for visit in made.visits:
        assert visit.left_at is not None
        assert whole.started_at <= visit.joined_at <= visit.left_at <= whole.ended_at
        assert (visit.outcome == "answered") == (visit.answered_at is not None)
    for offer in made.offers:
        assert offer.ended_at is not None
        assert offer.offered_at <= offer.ended_at
    for segment in made.segments:
        assert segment.ended_at is not None
        assert segment.offered_at <= segment.answered_at <= segment.ended_at <= whole.ended_at
