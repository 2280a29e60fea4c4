"""Agents' states: each moment belongs to exactly one interval."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from msgspec.structs import replace
from pbx_story import at, story

from ccmiddleware.agents.presence import Presence
from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.facts import AgentState, AnyFact, Offer, Queue, QueueMembership


class Floor:
    """Call machine and presence wired as on a node; collects what they tell."""

    def __init__(self, emails: bool = False) -> None:
        self.machine = CallMachine("pbx")
        self.presence = Presence("pbx", dialog_of=lambda segment: "support" if emails else None)
        self.facts: list[AnyFact] = []

    def work(self, now: float, **since: float) -> "Floor":
        """It is told who has an email in hand, since when."""
        held = {f"PJSIP/{agent[1:]}": ("support", at(begun)) for agent, begun in since.items()}
        self.facts += self.presence.working(held, at(now))
        return self

    def after(self, text: str) -> "Floor":
        for event in story(text):
            told = self.machine.step(event, event.at)
            self.facts += told + self.presence.observe(told) + self.presence.step(event)
        return self

    def wait(self, until: float) -> "Floor":
        self.facts += self.presence.tick(at(until))
        return self

    def intervals(self, interface: str = "PJSIP/1001") -> list[AgentState]:
        newest: dict[object, AgentState] = {}
        for fact in self.facts:
            if isinstance(fact, AgentState) and fact.interface == interface:
                newest[fact.started_at] = fact
        rows = sorted(newest.values(), key=lambda row: row.started_at)
        for earlier, later in pairwise(rows):
            assert earlier.ended_at == later.started_at, "a gap or an overlap"
            assert (earlier.state, earlier.reason) != (later.state, later.reason)
        assert rows == [] or rows[-1].ended_at is None
        return rows

    def states(self, interface: str = "PJSIP/1001") -> list[tuple[str, float]]:
        """State and begin, in seconds of the story."""
        return [
            (row.state, (row.started_at - at(0)).total_seconds())
            for row in self.intervals(interface)
        ]


LOGIN = "0 QueueMemberAdded agent=1001 Queue=support Status=1\n"


def test_a_queue_call_from_ringing_to_idle_with_wrap_up() -> None:
    floor = Floor().after("""
        0 QueueMemberAdded agent=1001 Queue=support Status=1 Wrapuptime=15
        9 QueueCallerJoin caller=1 Queue=support
        10 QueueMemberStatus agent=1001 Queue=support Status=6 Wrapuptime=15
        10 AgentCalled caller=1 agent=1001 Queue=support
        13 QueueMemberStatus agent=1001 Queue=support Status=2 Wrapuptime=15
        13 QueueCallerLeave caller=1 Queue=support
        13 AgentConnect caller=1 agent=1001 Queue=support
        60 AgentComplete caller=1 agent=1001 Queue=support Reason=agent
        60 QueueMemberStatus agent=1001 Queue=support Status=1 Wrapuptime=15
    """)
    floor.wait(74.9)
    assert floor.states()[-1] == ("wrap_up", 60)
    floor.wait(80)
    assert floor.states() == [
        ("idle", 0),
        ("ringing", 10),
        ("talking", 13),
        ("wrap_up", 60),
        ("idle", 75),
    ]


def test_ring_no_answer_goes_back_to_idle() -> None:
    floor = (
        Floor()
        .after(LOGIN)
        .after("""
        5 QueueCallerJoin caller=1 Queue=support
        5 AgentCalled caller=1 agent=1001 Queue=support
        5 QueueMemberStatus agent=1001 Queue=support Status=6
        10 AgentRingNoAnswer caller=1 agent=1001 Queue=support
        10.01 QueueMemberStatus agent=1001 Queue=support Status=1
    """)
    )
    assert floor.states() == [("idle", 0), ("ringing", 5), ("idle", 10.01)]


def test_paused_only_when_paused_in_every_queue() -> None:
    floor = Floor().after("""
        0 QueueMemberAdded agent=1001 Queue=support Status=1
        0 QueueMemberAdded agent=1001 Queue=sales Status=1
        5 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1 PausedReason=lunch
        6 QueueMemberPause agent=1001 Queue=sales Status=1 Paused=1 PausedReason=lunch
        9 QueueMemberPause agent=1001 Queue=sales Status=1 Paused=0
    """)
    assert floor.states() == [("idle", 0), ("paused", 6), ("idle", 9)]
    assert [row.reason for row in floor.intervals()] == ["", "lunch", ""]


def test_another_pause_reason_is_another_interval() -> None:
    floor = (
        Floor()
        .after(LOGIN)
        .after("""
        5 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1 PausedReason=lunch
        8 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1 PausedReason=training
    """)
    )
    assert [(row.state, row.reason) for row in floor.intervals()] == [
        ("idle", ""),
        ("paused", "lunch"),
        ("paused", "training"),
    ]


def test_busy_and_ringing_and_unavailable_follow_the_phone() -> None:
    floor = (
        Floor()
        .after(LOGIN)
        .after("""
        1 QueueMemberStatus agent=1001 Queue=support Status=6
        2 QueueMemberStatus agent=1001 Queue=support Status=2
        3 QueueMemberStatus agent=1001 Queue=support Status=8
        4 QueueMemberStatus agent=1001 Queue=support Status=5
        5 QueueMemberStatus agent=1001 Queue=support Status=1
    """)
    )
    assert floor.states() == [
        ("idle", 0),
        ("ringing", 1),
        ("busy", 2),
        ("unavailable", 4),
        ("idle", 5),
    ]


def test_logging_out_of_the_last_queue_and_in_again() -> None:
    floor = Floor().after("""
        0 QueueMemberAdded agent=1001 Queue=support Status=1
        1 QueueMemberAdded agent=1001 Queue=sales Status=1
        2 QueueMemberRemoved agent=1001 Queue=support
        3 QueueMemberRemoved agent=1001 Queue=sales
        9 QueueMemberAdded agent=1001 Queue=sales Status=1
    """)
    assert floor.states() == [("idle", 0), ("logged_out", 3), ("idle", 9)]
    told = [f for f in floor.facts if isinstance(f, QueueMembership)]
    assert [(m.queue, m.member) for m in told] == [
        ("support", True),
        ("sales", True),
        ("support", False),
        ("sales", False),
        ("sales", True),
    ]


def test_an_agent_who_logs_out_during_a_talk_still_talks() -> None:
    floor = (
        Floor()
        .after(LOGIN)
        .after("""
        5 QueueCallerJoin caller=1 Queue=support
        5 AgentConnect caller=1 agent=1001 Queue=support
        7 QueueMemberRemoved agent=1001 Queue=support
        9 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
    """)
    )
    assert floor.states() == [("idle", 0), ("talking", 5), ("logged_out", 9)]


def test_a_new_call_ends_the_wrap_up() -> None:
    floor = Floor().after("""
        0 QueueMemberAdded agent=1001 Queue=support Status=1 Wrapuptime=30
        1 QueueCallerJoin caller=1 Queue=support
        1 AgentConnect caller=1 agent=1001 Queue=support
        5 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
        9 QueueCallerJoin caller=2 Queue=support
        9 AgentConnect caller=2 agent=1001 Queue=support
    """)
    floor.wait(50)
    assert [state for state, _ in floor.states()] == ["idle", "talking", "wrap_up", "talking"]


def test_members_that_asterisk_does_not_list_after_a_gap_are_logged_out() -> None:
    floor = Floor().after("""
        0 QueueMemberAdded agent=1001 Queue=support Status=1
        0 QueueMemberAdded agent=1002 Queue=support Status=1
    """)
    floor.presence.miss()
    floor.after("""
        30 QueueParams Queue=support Strategy=ringall
        30 QueueMember Location=PJSIP/1002 Name="Agent 1002" Queue=support Status=1
        30 QueueStatusComplete
    """)
    assert floor.states("PJSIP/1001") == [("idle", 0), ("logged_out", 30)]
    assert floor.intervals("PJSIP/1001")[-1].inferred
    assert floor.states("PJSIP/1002") == [("idle", 0)]
    assert [f.name for f in floor.facts if isinstance(f, Queue)] == ["support"]


def test_a_list_that_is_not_whole_logs_nobody_out() -> None:
    floor = Floor().after(LOGIN)
    floor.presence.miss()
    floor.after("30 QueueStatusComplete ListItems=3")
    assert floor.states() == [("idle", 0)]
    floor.after("""
        31 QueueParams Queue=support Strategy=ringall
        31 QueueEntry caller=1 Queue=support Position=1
        31 QueueStatusComplete ListItems=2
    """)
    assert floor.states() == [("idle", 0), ("logged_out", 31)]


def test_queues_are_those_of_the_last_whole_list() -> None:
    floor = Floor().after("""
        1 QueueParams Queue=support Strategy=ringall
        1 QueueParams Queue=sales Strategy=ringall
        1 QueueStatusComplete ListItems=2
    """)
    assert floor.presence.queues == {"support", "sales"}
    floor.after("""
        2 QueueParams Queue=support Strategy=ringall
        2 QueueStatusComplete ListItems=2
    """)
    assert floor.presence.queues == {"support", "sales"}
    floor.after("""
        3 QueueParams Queue=support Strategy=ringall
        3 QueueStatusComplete ListItems=1
    """)
    assert floor.presence.queues == {"support"}


def test_a_restarted_daemon_goes_on_with_the_open_interval() -> None:
    first = Floor().after(LOGIN)
    floor = Floor()
    floor.presence.restore(first.facts)
    floor.presence.miss()
    floor.after("""
        30 QueueMember Location=PJSIP/1001 Name="Agent 1001" Queue=support Status=1
        30 QueueStatusComplete
    """)
    assert not [fact for fact in floor.facts if isinstance(fact, AgentState)]
    floor.after("40 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1")
    closed, opened = (fact for fact in floor.facts if isinstance(fact, AgentState))
    assert (closed.started_at, closed.ended_at) == (at(0), at(40))
    assert closed.version > first.intervals()[0].version
    assert (opened.state, opened.started_at) == ("paused", at(0) + timedelta(seconds=40))


def test_an_interval_whose_next_one_was_not_told_is_followed_without_a_gap() -> None:
    """The earlier daemon was killed between the two."""
    first = Floor().after(LOGIN + "20 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1")
    closed = next(fact for fact in first.intervals() if fact.ended_at is not None)
    floor = Floor()
    floor.presence.restore([closed])
    floor.presence.miss()
    floor.after("""
        30 QueueMember Location=PJSIP/1001 Name="Agent 1001" Queue=support Status=1
        30 QueueStatusComplete
    """)
    (opened,) = (fact for fact in floor.facts if isinstance(fact, AgentState))
    assert opened.started_at == closed.ended_at == at(20)
    assert (opened.state, opened.inferred) == ("idle", True)
    floor.after("40 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1")
    assert floor.states()[-2:] == [("idle", 20), ("paused", 40)]
    assert not floor.intervals()[-1].inferred


def test_who_is_logged_out_by_then_was_so_from_the_end_of_the_last_interval_on() -> None:
    first = Floor().after(LOGIN + "20 QueueMemberPause agent=1001 Queue=support Status=1 Paused=1")
    floor = Floor()
    closed = next(fact for fact in first.intervals() if fact.ended_at is not None)
    floor.presence.restore([closed])
    floor.presence.miss()
    floor.after("30 QueueStatusComplete")
    assert floor.states() == [("logged_out", 20)]


def test_an_offer_that_is_answered_without_a_talk_ends_the_ringing() -> None:
    """As when the customer of a callback is not reached: the agent is free again at that moment."""
    floor = Floor().after("0 QueueMemberAdded agent=1001 Queue=support Status=1\n")
    offer = Offer(
        interaction_id=UUID(int=1), ordinal=1, version=1, visit=1, node="pbx",
        interface="PJSIP/1001", member_name="Alice", offered_at=at(5),
    )  # fmt: skip
    floor.facts += floor.presence.observe([offer])
    floor.facts += floor.presence.observe([replace(offer, ended_at=at(25), outcome="answered")])
    assert floor.states() == [("idle", 0), ("ringing", 5), ("idle", 25)]


DIALOG = (
    LOGIN
    + """
    10 QueueCallerJoin caller=1 Queue=support
    10 QueueMemberStatus agent=1001 Queue=support Status=6
    10 AgentCalled caller=1 agent=1001 Queue=support
    12 QueueMemberStatus agent=1001 Queue=support Status=2 Wrapuptime=5
    12 QueueCallerLeave caller=1 Queue=support
    12 AgentConnect caller=1 agent=1001 Queue=support
"""
)


def test_an_email_that_is_taken_is_one_interval_from_the_dialog_to_its_end() -> None:
    floor = Floor(emails=True).after(DIALOG).work(14).after("""
        20 QueueMemberStatus agent=1001 Queue=support Status=2 Wrapuptime=5
        20 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
    """)  # fmt: skip
    assert floor.states() == [("idle", 0), ("ringing", 10), ("working", 12)]
    # queue_log tells a moment later; app_queue's wrap-up after the placeholder is work on it.
    floor.work(20.3, a1001=19.9).wait(30)
    assert floor.states() == [("idle", 0), ("ringing", 10), ("working", 12)]
    assert floor.intervals()[-1].reason == "support"
    floor.after("300 QueueMemberStatus agent=1001 Queue=support Status=1").work(300.5)
    assert floor.states()[2:] == [("working", 12), ("idle", 300.5)]


def test_an_email_that_is_given_back_is_work_while_the_phone_speaks() -> None:
    floor = Floor(emails=True).after(DIALOG).after("""
        15 QueueMemberStatus agent=1001 Queue=support Status=1 Wrapuptime=5
        15 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
    """)  # fmt: skip
    floor.work(16).wait(30)
    expected = [("idle", 0), ("ringing", 10), ("working", 12), ("wrap_up", 15), ("idle", 20)]
    assert floor.states() == expected


def test_a_phone_that_is_used_after_an_email_was_given_back_is_busy() -> None:
    floor = Floor(emails=True).after(DIALOG).after("""
        15 AgentComplete caller=1 agent=1001 Queue=support Reason=caller
        15.1 QueueMemberStatus agent=1001 Queue=support Status=1
    """)  # fmt: skip
    floor.wait(21).after("22 QueueMemberStatus agent=1001 Queue=support Status=2")
    assert [state for state, _ in floor.states()][-2:] == ["idle", "busy"]


@pytest.mark.parametrize(
    ("meanwhile", "states"),
    [
        ("30 QueueMemberStatus agent=1001 Queue=support Status=2", ["working"]),
        ("30 QueueMemberStatus agent=1001 Queue=support Status=5", ["working"]),
        (
            "30 QueueMemberPause agent=1001 Queue=support Status=2 Paused=1 PausedReason=lunch",
            ["working", "paused"],
        ),
        (
            "30 QueueMemberPause agent=1001 Queue=support Status=2 Paused=1 PausedReason=wrap-up",
            ["working", "wrap_up"],
        ),
        ("30 QueueMemberRemoved agent=1001 Queue=support", ["working", "logged_out"]),
        (
            """
            30 QueueCallerJoin caller=1 Queue=support
            30 AgentCalled caller=1 agent=1001 Queue=support
            31 AgentConnect caller=1 agent=1001 Queue=support Wrapuptime=5
            40 AgentComplete caller=1 agent=1001 Queue=support Reason=agent
            """,
            ["working", "ringing", "talking", "working"],
        ),
    ],
)
def test_what_goes_before_an_email_in_hand(meanwhile: str, states: list[str]) -> None:
    floor = Floor().after(LOGIN).work(20, a1001=19.5).after(meanwhile)
    assert [state for state, _ in floor.states()] == ["idle", *states]


def test_since_when_an_email_is_in_hand_is_as_it_was_stored() -> None:
    floor = Floor().after(LOGIN).work(60, a1001=20)
    assert floor.states() == [("idle", 0), ("working", 20)]
    floor.work(61, a1001=20).work(80)
    assert floor.states() == [("idle", 0), ("working", 20), ("idle", 80)]


def test_a_restarted_daemon_goes_on_with_who_has_an_email() -> None:
    first = Floor().after(LOGIN).work(20, a1001=20)
    second = Floor()
    second.presence.restore(first.facts)
    second.facts = first.facts
    second.presence.miss()
    # The phone is in use, as Custom: states say, and nothing tells yet that it is for an email.
    second.after("""
        30 QueueMember Location=PJSIP/1001 Name="Agent 1001" Queue=support Status=2
        30 QueueStatusComplete
    """)
    assert second.states() == [("idle", 0), ("working", 20)]
    assert second.work(31, a1001=20).states() == [("idle", 0), ("working", 20)]
    assert second.work(40).states()[-1] == ("busy", 40)
