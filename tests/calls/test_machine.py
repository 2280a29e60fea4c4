"""The voice state machine: what each way through a queue leaves behind."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from pbx_story import BEGIN, EPOCH, at, story

from ccmiddleware.calls.machine import END_WITHIN, REASON_WITHIN, CallMachine
from ccmiddleware.facts import (
    AnyFact,
    Interaction,
    InteractionEvent,
    Offer,
    QueueVisit,
    Segment,
)
from ccmiddleware.ids import interaction_id
from ccmiddleware.pbx.events import Event

Row = TypeVar("Row", Interaction, QueueVisit, Offer, Segment)


class Told:
    """All facts a machine told, and the rows as a database would hold them in the end."""

    def __init__(self, machine: CallMachine | None = None) -> None:
        self.machine = machine or CallMachine("pbx")
        self.facts: list[AnyFact] = []

    def after(self, events: str | Iterable[Event]) -> "Told":
        for event in story(events) if isinstance(events, str) else events:
            self.facts += self.machine.step(event, event.at)
        return self

    def wait(self, until: float) -> "Told":
        self.facts += self.machine.tick(at(until))
        return self

    def rows(self, kind: type[Row]) -> list[Row]:
        newest: dict[Any, Row] = {}
        for fact in self.facts:
            if isinstance(fact, kind):
                key: Any = (
                    fact.id
                    if isinstance(fact, Interaction)
                    else (fact.interaction_id, fact.ordinal)
                )
                assert key not in newest or newest[key].version < fact.version
                newest[key] = fact
        return list(newest.values())

    def row(self, kind: type[Row]) -> Row:
        (row,) = self.rows(kind)
        return row

    def history(self) -> list[str]:
        events = [fact for fact in self.facts if isinstance(fact, InteractionEvent)]
        keys = [(event.interaction_id, event.key) for event in events]
        assert len(keys) == len(set(keys)), "an event was told twice"
        return [event.kind for event in events]


ANSWERED = """
0.0 Newchannel caller=1
0.5 QueueCallerJoin caller=1 Queue=support Position=2 Count=2
1.0 AgentCalled caller=1 agent=1001 Queue=support
4.0 QueueCallerLeave caller=1 Queue=support Position=1 Count=0
4.0 AgentConnect caller=1 agent=1001 Queue=support HoldTime=4 RingTime=3
"""


def test_answered_call_has_one_visit_one_offer_and_one_segment() -> None:
    told = Told().after(ANSWERED)
    told.after("""
        64.0 AgentComplete caller=1 agent=1001 Queue=support TalkTime=60 Reason=agent
        64.1 Hangup caller=1 Cause=16
    """)
    interaction = told.row(Interaction)
    assert interaction.id == interaction_id("pbx", f"{EPOCH}.1")
    assert (interaction.started_at, interaction.ended_at) == (at(0), at(64.1))
    assert (interaction.state, interaction.outcome) == ("ended", "answered")
    assert (interaction.caller_num, interaction.caller_name) == ("+49301", "Caller 1")
    assert interaction.did == "8001"
    visit = told.row(QueueVisit)
    assert (visit.queue, visit.position) == ("support", 2)
    assert (visit.joined_at, visit.answered_at, visit.left_at) == (at(0.5), at(4), at(4))
    offer = told.row(Offer)
    assert (offer.offered_at, offer.ended_at, offer.outcome) == (at(1), at(4), "answered")
    segment = told.row(Segment)
    assert (segment.interface, segment.member_name) == ("PJSIP/1001", "Agent 1001")
    assert (segment.offered_at, segment.answered_at, segment.ended_at) == (at(1), at(4), at(64))
    assert segment.ended_by == "agent"
    assert not any(row.inferred for row in (interaction, visit, segment))
    assert told.history() == ["joined", "offered", "answered", "completed", "ended"]
    assert not told.machine.by_id
    assert not told.machine.by_uniqueid
    assert not told.machine.talks


def test_abandoned_while_the_phone_rings() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        1 AgentCalled caller=1 agent=1001 Queue=support
        9 QueueCallerAbandon caller=1 Queue=support Position=1 OriginalPosition=1 HoldTime=9
        9 QueueCallerLeave caller=1 Queue=support
        9 Hangup caller=1
    """)
    assert told.row(Interaction).outcome == "abandoned"
    assert told.row(QueueVisit).outcome == "abandoned"
    assert told.row(QueueVisit).left_at == at(9)
    assert told.row(Offer).outcome == "caller_gone"
    assert told.rows(Segment) == []
    assert not told.machine.by_id


def test_timeout_is_told_by_the_queue_status_after_leaving() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        1 AgentCalled caller=1 agent=1001 Queue=support
        6 AgentRingNoAnswer caller=1 agent=1001 Queue=support RingTime=5000
        8 QueueCallerLeave caller=1 Queue=support
        8 VarSet caller=1 Variable=QUEUESTATUS Value=TIMEOUT
        9 Hangup caller=1
    """)
    assert told.row(QueueVisit).outcome == "timed_out"
    assert told.row(Interaction).outcome == "timed_out"
    assert told.row(Offer).outcome == "ring_no_answer"
    assert told.history() == ["joined", "offered", "ring_no_answer", "timed_out", "ended"]


def test_asterisk_says_abandoned_of_a_timeout_until_the_queue_status_corrects_it() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        8 QueueCallerAbandon caller=1 Queue=support HoldTime=8
        8 QueueCallerLeave caller=1 Queue=support
        8 VarSet caller=1 Variable=QUEUESTATUS Value=TIMEOUT
        9 Hangup caller=1
    """)
    assert told.row(QueueVisit).outcome == "timed_out"
    assert told.history() == ["joined", "timed_out", "ended"]


def test_a_caller_who_gave_up_and_is_still_there_was_timed_out() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        8 QueueCallerAbandon caller=1 Queue=support HoldTime=8
        8 QueueCallerLeave caller=1 Queue=support
    """)
    told.wait(8 + REASON_WITHIN.total_seconds())
    assert (told.row(QueueVisit).outcome, told.row(QueueVisit).inferred) == ("timed_out", True)


def test_the_class_dialplan_is_noticed_by_any_variable() -> None:
    told = Told().after("0 VarSet caller=9 Variable=SIPCALLID Value=x")
    told.after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        5 QueueCallerLeave caller=1 Queue=support
        5 VarSet caller=1 Variable=OTHER Value=TIMEOUT
        6 Hangup caller=1
    """)
    assert (told.row(QueueVisit).outcome, told.row(QueueVisit).inferred) == ("left_by_key", False)


def test_every_queue_status_has_an_outcome() -> None:
    for value, outcome in [
        ("FULL", "queue_full"),
        ("JOINEMPTY", "no_agents"),
        ("LEAVEEMPTY", "no_agents"),
        ("JOINUNAVAIL", "no_agents"),
        ("LEAVEUNAVAIL", "no_agents"),
        ("WITHDRAW", "withdrawn"),
    ]:
        told = Told().after(f"""
            0 QueueCallerJoin caller=1 Queue=support Position=1
            8 QueueCallerLeave caller=1 Queue=support
            8 VarSet caller=1 Variable=QUEUESTATUS Value={value}
        """)
        assert told.row(QueueVisit).outcome == outcome


def test_left_by_key_when_no_reason_comes() -> None:
    told = Told()
    told.machine.status_seen = True
    told.after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        5 QueueCallerLeave caller=1 Queue=support
    """)
    told.wait(5 + REASON_WITHIN.total_seconds() - 0.1)
    assert told.row(QueueVisit).outcome is None
    told.wait(5 + REASON_WITHIN.total_seconds())
    visit = told.row(QueueVisit)
    assert (visit.outcome, visit.left_at, visit.inferred) == ("left_by_key", at(5), False)
    assert told.row(Interaction).state == "left"


def test_left_by_key_is_a_guess_while_no_queue_status_was_ever_told() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        5 QueueCallerLeave caller=1 Queue=support
        6 Hangup caller=1
    """)
    assert told.row(QueueVisit).outcome == "left_by_key"
    assert told.row(QueueVisit).inferred
    assert told.row(Interaction).outcome == "left_by_key"


def test_second_queue_after_a_timeout_is_the_same_interaction() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=sales Position=1
        8 QueueCallerLeave caller=1 Queue=sales
        8 VarSet caller=1 Variable=QUEUESTATUS Value=TIMEOUT
        9 QueueCallerJoin caller=1 Queue=support Position=1
        9.5 AgentCalled caller=1 agent=1001 Queue=support
        11 QueueCallerLeave caller=1 Queue=support
        11 AgentConnect caller=1 agent=1001 Queue=support HoldTime=2 RingTime=1
        20 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
        20 Hangup caller=1
    """)
    assert [(v.ordinal, v.queue, v.outcome) for v in told.rows(QueueVisit)] == [
        (1, "sales", "timed_out"),
        (2, "support", "answered"),
    ]
    assert told.row(Segment).visit == 2
    assert told.row(Interaction).outcome == "answered"


def test_ring_all_ends_the_other_offers() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        1 AgentCalled caller=1 agent=1001 Queue=support
        1 AgentCalled caller=1 agent=1002 Queue=support
        1 AgentCalled caller=1 agent=1003 Queue=support
        3 QueueCallerLeave caller=1 Queue=support
        3 AgentConnect caller=1 agent=1002 Queue=support
    """)
    assert {o.interface: o.outcome for o in told.rows(Offer)} == {
        "PJSIP/1001": "other_answered",
        "PJSIP/1002": "answered",
        "PJSIP/1003": "other_answered",
    }
    assert told.row(Segment).interface == "PJSIP/1002"


def test_the_same_agent_rings_twice_and_has_two_offers() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=support Position=1
        1 AgentCalled caller=1 agent=1001/1 Queue=support
        6 AgentRingNoAnswer caller=1 agent=1001/1 Queue=support
        8 AgentCalled caller=1 agent=1001/2 Queue=support
        9 QueueCallerLeave caller=1 Queue=support
        9 AgentConnect caller=1 agent=1001/2 Queue=support
    """)
    assert [(o.ordinal, o.outcome) for o in told.rows(Offer)] == [
        (1, "ring_no_answer"),
        (2, "answered"),
    ]
    assert told.row(Segment).offered_at == at(8)


def test_hold_is_counted_within_the_talk() -> None:
    agent_leg = f"{EPOCH}.910010"
    told = Told().after(ANSWERED)
    told.after(f"""
        10 Hold Uniqueid={agent_leg}
        13 Unhold Uniqueid={agent_leg}
        20 Hold Uniqueid={agent_leg}
        25 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
    """)
    assert told.row(Segment).hold_seconds == 8.0
    assert told.history().count("hold") == told.history().count("unhold") == 2


def test_end_of_talk_told_after_the_hangup_and_without_the_callers_channel() -> None:
    told = Told().after(ANSWERED).after("60 Hangup caller=1")
    assert told.row(Interaction).state == "ended"
    assert told.row(Segment).ended_at is None
    told.after(
        "62 AgentComplete agent=1001 Queue=support Reason=agent DestUniqueid='' DestChannel=''"
    )
    segment = told.row(Segment)
    assert (segment.ended_at, segment.ended_by, segment.inferred) == (at(60), "agent", False)
    assert not told.machine.by_id


def test_end_of_talk_never_told_is_inferred() -> None:
    told = Told().after(ANSWERED).after("60 Hangup caller=1")
    told.wait(60 + END_WITHIN.total_seconds() - 0.1)
    assert told.row(Segment).ended_at is None
    told.wait(60 + END_WITHIN.total_seconds())
    assert told.row(Segment).ended_at == at(60)
    assert told.row(Segment).inferred
    assert not told.machine.by_id


def test_connect_that_overtakes_nothing_we_saw_is_still_recorded() -> None:
    told = Told().after("100 AgentConnect caller=1 agent=1001 Queue=support HoldTime=30 RingTime=4")
    visit = told.row(QueueVisit)
    assert (visit.joined_at, visit.answered_at, visit.inferred) == (at(70), at(100), True)
    assert told.row(Offer).offered_at == at(96)
    assert told.row(Segment).answered_at == at(100)


def test_connect_from_a_queue_that_was_joined_unseen_ends_the_stay_in_the_other() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=sales Position=1
        100 AgentConnect caller=1 agent=1001 Queue=support HoldTime=30 RingTime=4
    """)
    assert [(v.queue, v.outcome, v.left_at, v.inferred) for v in told.rows(QueueVisit)] == [
        ("sales", "lost", at(70), True),
        ("support", "answered", at(100), True),
    ]


def test_wrap_up_is_the_members_own_or_the_queues() -> None:
    for own, expected in [(15, 15.0), (0, 30.0)]:
        machine = CallMachine("pbx", wrap_up_default=lambda queue: {"support": 30}.get(queue, 0))
        told = Told(machine).after(
            f"0 QueueMemberStatus agent=1001 Queue=support Status=1 Wrapuptime={own}"
        )
        told.after(ANSWERED).after("9 AgentComplete caller=1 agent=1001 Queue=support Reason=agent")
        assert told.row(Segment).wrap_up_seconds == expected


def test_calls_of_other_channels_are_ignored() -> None:
    told = Told().after("""
        0 Newchannel caller=7
        1 Hold caller=7
        1 Unhold caller=7
        1 VarSet caller=7 Variable=QUEUESTATUS Value=TIMEOUT
        1 QueueCallerLeave caller=7 Queue=support
        1 QueueCallerAbandon caller=7 Queue=support
        1 AgentCalled caller=7 agent=1001 Queue=support
        1 AgentRingNoAnswer caller=7 agent=1001 Queue=support
        1 AgentComplete caller=7 agent=1001 Queue=support
        2 Hangup caller=7
    """)
    assert told.facts == []
    assert told.machine.topology.channels == {}


def test_a_restarted_daemon_goes_on_with_what_was_stored() -> None:
    first = Told().after(ANSWERED)
    stored: list[AnyFact] = [
        *first.rows(Interaction),
        *first.rows(QueueVisit),
        *first.rows(Offer),
        *first.rows(Segment),
    ]
    machine = CallMachine("pbx")
    machine.restore(stored)
    second = Told(machine).after("""
        64.0 AgentComplete caller=1 agent=1001 Queue=support TalkTime=60 Reason=agent
        64.1 Hangup caller=1
    """)
    newest = max(row.version for row in [*first.rows(Interaction), *first.rows(Segment)])
    assert second.row(Segment).version > newest
    assert second.row(Interaction).version > newest
    assert second.row(Interaction).outcome == "answered"
    assert second.history() == ["completed", "ended"]


def test_time_never_runs_backwards_in_a_row() -> None:
    told = Told().after("""
        5 QueueCallerJoin caller=1 Queue=support Position=1
        4 AgentCalled caller=1 agent=1001 Queue=support
        3 AgentConnect caller=1 agent=1001 Queue=support
        2 AgentComplete caller=1 agent=1001 Queue=support Reason=agent
        1 Hangup caller=1
    """)
    segment, visit, row = told.row(Segment), told.row(QueueVisit), told.row(Interaction)
    assert segment.ended_at is not None
    assert segment.offered_at <= segment.answered_at <= segment.ended_at
    assert visit.left_at is not None
    assert visit.joined_at <= visit.left_at
    assert row.ended_at is not None
    assert row.started_at <= row.ended_at
    assert BEGIN + timedelta(seconds=0) < row.started_at


def test_an_exit_key_that_leads_straight_to_an_agent_is_a_talk_without_a_queue() -> None:
    told = Told()
    told.machine.members_by_phone["PJSIP/1001"] = "PJSIP/1001"
    told.after("""
        0 Newchannel caller=1
        0 VarSet caller=1 Variable=X Value=y
        0 QueueCallerJoin caller=1 Queue=support Position=1
        8 QueueCallerLeave caller=1 Queue=support
        8.1 Newchannel Channel=PJSIP/1001-00000000 Uniqueid=1795770000.910010
        8.1 DialBegin caller=1 agent=1001
        9.0 BridgeEnter Channel=PJSIP/1001-00000000 Uniqueid=1795770000.910010 BridgeUniqueid=b1
        9.0 BridgeEnter caller=1 BridgeUniqueid=b1
    """)
    visit, offer, segment = told.row(QueueVisit), told.row(Offer), told.row(Segment)
    assert (visit.outcome, visit.left_at, visit.inferred) == ("left_by_key", at(8), False)
    assert (offer.visit, offer.offered_at, offer.outcome) == (0, at(8.1), "answered")
    assert (segment.visit, segment.answered_at) == (0, at(9))
    assert told.row(Interaction).state == "talking"


def test_what_awaited_the_reason_of_an_earlier_queue_does_not_conclude_that_of_the_next() -> None:
    told = Told().after("""
        0 QueueCallerJoin caller=1 Queue=sales Position=1
        8 QueueCallerAbandon caller=1 Queue=sales
        8 QueueCallerLeave caller=1 Queue=sales
        8 VarSet caller=1 Variable=QUEUESTATUS Value=TIMEOUT
        8.1 QueueCallerJoin caller=1 Queue=support Position=1
        10 QueueCallerAbandon caller=1 Queue=support
    """)
    told.wait(10.1)
    told.after("10.2 QueueCallerLeave caller=1 Queue=support\n10.2 Hangup caller=1")
    assert [row.outcome for row in told.rows(QueueVisit)] == ["timed_out", "abandoned"]
    assert (told.row(Interaction).outcome, told.row(Interaction).inferred) == ("abandoned", False)


def test_end_of_a_talk_told_again_ends_no_other_talk_of_the_agent() -> None:
    end = "AgentComplete caller=1 agent=1001 Queue=support Reason=caller TalkTime=5"
    told = Told().after(ANSWERED).after(f"9 {end}\n9 Hangup caller=1")
    told.after(ANSWERED.replace("caller=1", "caller=2").replace("agent=1001", "agent=1001/1"))
    told.after(f"10 {end}")
    told.after(f"10 {end} DestUniqueid='' DestChannel=''")
    # Of another talk that we do not know: it names nobody, and began at another time.
    nameless = "AgentComplete Queue=support Interface=PJSIP/1001 TalkTime=90"
    told.after(f"11 {nameless}")
    first, second = told.rows(Segment)
    assert (first.ended_at, second.ended_at) == (at(9), None)


def test_what_our_dialplan_adds_to_the_name_is_not_the_callers_name() -> None:
    """For (name as it came, name in the queue): the one that is kept."""
    for came, joined, kept in (
        ("Ann", "Ann (2 open emails)", "Ann"),
        ("Ann", "Arnold & Co (1 open email)", "Arnold & Co"),  # looked up by the dialplan
        ("", "(11 open emails)", ""),
        ("Eve (2 open emails)", "Eve (2 open emails)", "Eve (2 open emails)"),
        ("Ann (sales)", "Ann (sales)", "Ann (sales)"),
    ):
        told = Told().after(f"""
            0 Newchannel caller=1 CallerIDName='{came}'
            1 QueueCallerJoin caller=1 CallerIDName='{joined}' Queue=support Position=1
        """)
        assert told.row(Interaction).caller_name == kept
