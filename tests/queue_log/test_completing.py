"""Completing a call from what queue_log tells, where it meets what was seen. See also the recorded
logs of ``test_recorded_queue_logs``."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ccmiddleware.facts import AnyFact, Interaction, Offer, QueueVisit, Segment
from ccmiddleware.ids import interaction_id
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


def newest(facts: list[AnyFact], kind: type) -> list[Any]:
    return [fact for fact in facts if isinstance(fact, kind)]


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
