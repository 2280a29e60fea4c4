"""Completing a call from what queue_log tells, where it meets what was seen. See also the recorded
logs of ``test_recorded_queue_logs``."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from ccmiddleware.facts import AnyFact, Interaction, Offer, QueueVisit, Segment
from ccmiddleware.ids import dial_id, interaction_id
from ccmiddleware.queue_log.completing import complete
from ccmiddleware.queue_log.stays import LoggedRow, Told, stays
from ccmiddleware.queue_log.stored import Stored

NODE, CALL = "pbx1", "1795826522.129"
KEY = interaction_id(NODE, CALL)
INTERFACES = {"Ada": "PJSIP/1001", "Bo": "PJSIP/1002"}


def at(seconds: float) -> datetime:
    return datetime(2026, 11, 28, tzinfo=UTC) + timedelta(seconds=seconds)


def told(*rows: tuple[int, str, str, str, tuple[str, ...]]) -> Told:
    return Told(CALL, stays(LoggedRow(at(second), *rest) for second, *rest in rows))


def visit(ordinal: int, queue: str, joined_at: float, left_at: float, **more: Any) -> QueueVisit:
    return QueueVisit(
        interaction_id=KEY, ordinal=ordinal, version=1, node=NODE, queue=queue, position=1,
        joined_at=at(joined_at), left_at=at(left_at), **more,
    )  # fmt: skip


def offer(ordinal: int, interface: str, begin: float, end: float, **more: Any) -> Offer:
    return Offer(
        interaction_id=KEY, ordinal=ordinal, version=1, visit=1, node=NODE, interface=interface,
        member_name="Ada", offered_at=at(begin), ended_at=at(end), **more,
    )  # fmt: skip


def talk(visit_: int, interface: str, begin: float, end: float, **more: Any) -> Segment:
    return Segment(
        interaction_id=KEY, ordinal=1, version=1, visit=visit_, node=NODE, interface=interface,
        member_name="", channel="", agent_channel="", offered_at=at(begin), answered_at=at(begin),
        ended_at=at(end), **more,
    )  # fmt: skip


def interaction() -> Interaction:
    return Interaction(
        id=KEY, version=1, node=NODE, state="ended", linkedid=CALL, uniqueid=CALL,
        started_at=at(2.1), ended_at=at(8.4), outcome="answered", inferred=True,
    )  # fmt: skip


CONNECTED = (
    (2, "desk", "NONE", "ENTERQUEUE", ("", "1", "1")),
    (5, "desk", "Ada", "CONNECT", ("3", "x", "0")),
)


def newest(facts: list[AnyFact], kind: type) -> list[Any]:
    return [fact for fact in facts if isinstance(fact, kind)]


@pytest.mark.parametrize(
    ("concluded", "kept"),
    [(20.5, 20.5), (23.4, 23.4), (26.9, 26.9), (27, 22), (90, 22)],
    ids=["earlier", "while it may have lived", "in the second of its start", "after", "later life"],
)
def test_what_asterisk_cut_off_did_not_outlive_it(concluded: float, kept: float) -> None:
    """It was known to live until second 22, and was started anew in second 26."""
    cut = Told(CALL, told(*CONNECTED).stays, died_at=at(22), reborn_at=at(26))
    stored = Stored(
        replace(interaction(), ended_at=at(concluded)),
        [visit(1, "desk", 2.1, 5.2, answered_at=at(5.2), outcome="answered")],
        [],
        [talk(1, "PJSIP/1001", 5.2, concluded, ended_by="lost", inferred=True)],
    )
    facts = complete(NODE, cut, stored, interfaces=INTERFACES)
    if kept == concluded:
        assert newest(facts, Segment) == newest(facts, Interaction) == []
        return
    (segment,), (whole,) = newest(facts, Segment), newest(facts, Interaction)
    assert (segment.ended_at, segment.ended_by, segment.inferred) == (at(kept), "lost", True)
    assert (whole.ended_at, whole.outcome) == (at(kept), "answered")


@pytest.mark.parametrize(("concluded", "kept"), [(23.4, 23.4), (2.1, 2.1), (90, 22)])
def test_who_waited_when_asterisk_died_did_not_wait_longer(concluded: float, kept: float) -> None:
    cut = Told(CALL, told(*CONNECTED[:1]).stays, died_at=at(22), reborn_at=at(26))
    stored = Stored(
        replace(interaction(), ended_at=at(concluded), outcome="lost"),
        [visit(1, "desk", 2.1, concluded, outcome="lost", inferred=True)],
    )
    facts = complete(NODE, cut, stored, interfaces=INTERFACES)
    visits = newest(facts, QueueVisit) or stored.visits
    wholes = newest(facts, Interaction) or [stored.interaction]
    assert [(one.left_at, one.outcome) for one in visits] == [(at(kept), "lost")]
    assert [(one.ended_at, one.outcome) for one in wholes] == [(at(kept), "lost")]


def test_an_end_that_was_seen_stands_though_asterisk_did_not_write_it() -> None:
    cut = Told(CALL, told(*CONNECTED).stays, died_at=at(22), reborn_at=at(26))
    stored = Stored(
        replace(interaction(), ended_at=at(21.5), inferred=False),
        [visit(1, "desk", 2.1, 5.2, answered_at=at(5.2), outcome="answered", inferred=True)],
        [offer(1, "PJSIP/1001", 5.0, 5.2, outcome="answered")],
        [talk(1, "PJSIP/1001", 5.2, 21.5, ended_by="caller")],
    )
    facts = complete(NODE, cut, stored, interfaces=INTERFACES)
    assert newest(facts, Segment) == newest(facts, Interaction) == []


def test_an_offer_that_a_later_leader_gave_up_was_answered_when_the_talk_was_seen() -> None:
    """What the earlier leader saw lay in its journal still."""
    ended = (8, "desk", "Ada", "COMPLETEAGENT", ("3", "3", "1"))
    stored = Stored(
        interaction(),
        [visit(1, "desk", 2.1, 2.3, outcome="lost", inferred=True)],
        [offer(1, "PJSIP/1001", 2.2, 2.3, outcome="lost")],
        [talk(1, "PJSIP/1001", 5.2, 8.4, ended_by="agent", inferred=False)],
    )
    facts = complete(NODE, told(*CONNECTED, ended), stored, interfaces=INTERFACES)
    (answered,) = newest(facts, Offer)
    assert (answered.outcome, answered.ended_at) == ("answered", at(5.2))
    assert newest(facts, Segment) == []


def test_an_agent_who_let_it_ring_and_answered_the_next_time_was_offered_it_twice() -> None:
    stored = Stored(
        interaction(),
        [visit(1, "shy", 0.2, 4.9, answered_at=at(4.9), outcome="answered")],
        [offer(1, "PJSIP/1001", 4.1, 4.9, outcome="answered")],
        [talk(1, "PJSIP/1001", 4.9, 8.4, ended_by="agent")],
    )
    rows = told(
        (0, "shy", "NONE", "ENTERQUEUE", ("", "1", "1")),
        (3, "shy", "Ada", "RINGNOANSWER", ("1000",)),
        (4, "shy", "Ada", "CONNECT", ("4", "x", "0")),
        (8, "shy", "Ada", "COMPLETEAGENT", ("4", "4", "1")),
    )
    facts = complete(NODE, rows, stored, interfaces=INTERFACES)
    (missed,) = newest(facts, Offer)[-1:]
    assert (missed.ordinal, missed.outcome, missed.ended_at) == (2, "ring_no_answer", at(3))


def test_a_visit_does_not_begin_before_the_one_before_it_has_ended() -> None:
    """Asterisk told of both in one second; the first was seen to the fraction."""
    stored = Stored(
        interaction(),
        [
            visit(1, "desk", 2.136, 2.182, outcome="lost", inferred=True),
            visit(2, "next", 5.77, 5.77, answered_at=at(5.77), outcome="answered", inferred=True),
        ],
        [],
        [talk(2, "PJSIP/1002", 5.77, 8.38, ended_by="agent", inferred=True)],
    )
    rows = told(
        (2, "desk", "NONE", "ENTERQUEUE", ("", "1", "1")),
        (2, "desk", "Ada", "CONNECT", ("0", "x", "0")),
        (2, "desk", "Ada", "BLINDTRANSFER", ("100", "trunk", "0", "0", "1")),
        (2, "next", "NONE", "ENTERQUEUE", ("", "1", "2")),
        (5, "next", "Bo", "CONNECT", ("3", "y", "0")),
        (8, "next", "Bo", "COMPLETEAGENT", ("3", "3", "2")),
    )
    facts = complete(NODE, rows, stored, interfaces=INTERFACES)
    first, second = sorted(newest(facts, QueueVisit), key=lambda one: one.ordinal)
    (transferred,) = [one for one in newest(facts, Segment) if one.visit == 1]
    assert first.outcome == "answered"
    assert second.joined_at == max(first.left_at, transferred.ended_at)
    assert (second.left_at, second.outcome) == (at(5.77), "answered")


def test_a_call_of_a_campaign_that_nobody_saw_is_outbound() -> None:
    call = dial_id(UUID(int=7), 1764000000)
    rows = [
        LoggedRow(at(1), "desk", "NONE", "CCMDIALSTEP", ("answered", "1764000001000")),
        LoggedRow(at(2), "desk", "NONE", "ENTERQUEUE", ("", "+12025550177", "1")),
        LoggedRow(at(2), "desk", "PJSIP/1001", "CCMDIALSTEP", ("connected", "1764000002000")),
        LoggedRow(at(3), "desk", "Ada", "CONNECT", ("1", "x", "0")),
        LoggedRow(at(8), "desk", "Ada", "COMPLETECALLER", ("1", "5", "1")),
        LoggedRow(at(8), "desk", "NONE", "CCMDIALSTEP", ("ended", "1764000008000", "16", "Up")),
    ]
    facts = complete(NODE, Told(call, stays(rows)), None, interfaces=INTERFACES)
    row = [fact for fact in facts if isinstance(fact, Interaction)][-1]
    assert (row.id, row.linkedid) == (interaction_id(NODE, call), call)
    assert (row.direction, row.channel, row.caller_num) == ("outbound", "voice", "+12025550177")
    assert (row.outcome, row.inferred) == ("answered", True)
    assert [fact.interface for fact in facts if isinstance(fact, Segment)] == ["PJSIP/1001"]


def test_a_call_of_a_campaign_that_came_to_no_queue_is_no_interaction() -> None:
    steps = ("answered", "dropped", "message", "ended")
    rows = [LoggedRow(at(1), "desk", "NONE", "CCMDIALSTEP", (step, "1")) for step in steps]
    told_ = Told(dial_id(UUID(int=7), 1764000000), stays(rows))
    assert complete(NODE, told_, None, interfaces=INTERFACES) == []
