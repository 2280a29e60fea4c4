"""The forced wrap-up: who is paused when, and that only our own pauses are ended."""

from uuid import UUID

from msgspec.structs import replace
from pbx_story import at, story

from ccmiddleware.agents.commands import AgentCommand, Pause, Unpause
from ccmiddleware.agents.presence import Presence
from ccmiddleware.agents.wrap_up import WrapUp
from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.facts import AgentState, AnyFact, Segment

ALICE = "PJSIP/1001"
TALK = """
0 QueueMemberAdded agent=1001 Queue=support Status=1
0 QueueMemberAdded agent=1001 Queue=sales Status=1
9 QueueCallerJoin caller=1 Queue=support
10 AgentCalled caller=1 agent=1001 Queue=support
13 QueueCallerLeave caller=1 Queue=support
13 AgentConnect caller=1 agent=1001 Queue=support
60 AgentComplete caller=1 agent=1001 Queue=support Reason=agent
"""
PAUSED = "Paused=1 PausedReason=wrap-up Status=1"
OURS = f"""
60 QueueMemberPause agent=1001 Queue=support {PAUSED}
60 QueueMemberPause agent=1001 Queue=sales {PAUSED}
"""


class Floor:
    """Call machine, presence and forced wrap-up of 20 s after talks of support."""

    def __init__(self, seconds: float = 20.0) -> None:
        self.machine = CallMachine("pbx", wrap_up_default=lambda queue: seconds)
        self.presence = Presence("pbx")
        self.wrap_up = WrapUp(
            self.presence, lambda queue: seconds if queue == "support" else 0.0, seconds
        )
        self.states: dict[object, AgentState] = {}

    def after(self, text: str) -> "Floor":
        for event in story(text):
            told = self.machine.step(event, event.at)
            self.wrap_up.observe(told, self._queue_of)
            self._note([*told, *self.presence.observe(told), *self.presence.step(event)])
        return self

    def commands(self, seconds: float) -> list[AgentCommand]:
        self._note(self.presence.tick(at(seconds)))
        return self.wrap_up.commands(at(seconds))

    def last(self) -> tuple[str, str, float]:
        state = max(self.states.values(), key=lambda state: state.started_at)
        return state.state, state.reason, (state.started_at - at(0)).total_seconds()

    def _note(self, facts: list[AnyFact]) -> None:
        for fact in facts:
            if isinstance(fact, AgentState):
                self.states[fact.started_at] = fact

    def _queue_of(self, segment: Segment) -> str:
        return self.machine.by_id[segment.interaction_id].queue_of(segment)


def pause(*queues: str) -> Pause:
    return Pause(interface=ALICE, queues=list(queues), reason="wrap-up")


def unpause(*queues: str) -> Unpause:
    return Unpause(interface=ALICE, queues=list(queues))


def test_after_a_talk_the_agent_is_paused_until_the_time_is_over() -> None:
    floor = Floor().after(TALK)
    assert floor.commands(60.1) == [pause("support", "sales")]
    floor.after(OURS)
    assert floor.last() == ("wrap_up", "", 60)
    assert floor.commands(79) == []
    assert floor.commands(80) == [unpause("support", "sales")]
    floor.after("80 QueueMemberPause agent=1001 Queue=support Status=1")
    floor.after("80 QueueMemberPause agent=1001 Queue=sales Status=1")
    assert floor.last() == ("idle", "", 80)
    assert floor.commands(81) == []


def test_a_talk_of_another_queue_is_not_followed_by_a_pause() -> None:
    floor = Floor().after(TALK.replace("Queue=support", "Queue=billing"))
    assert floor.commands(60.1) == []


def test_an_agent_who_comes_back_early_is_idle_at_once() -> None:
    floor = Floor().after(TALK)
    floor.commands(60.1)
    floor.after(OURS)
    floor.after("65 QueueMemberPause agent=1001 Queue=support Status=1")
    floor.after("65 QueueMemberPause agent=1001 Queue=sales Status=1")
    assert floor.last() == ("idle", "", 65)
    assert floor.commands(80) == []


def test_a_pause_for_another_reason_stays() -> None:
    floor = Floor().after(TALK)
    floor.commands(60.1)
    floor.after(OURS)
    lunch = "Paused=1 PausedReason=lunch Status=1"
    floor.after(f"65 QueueMemberPause agent=1001 Queue=support {lunch}")
    floor.after(f"65 QueueMemberPause agent=1001 Queue=sales {lunch}")
    assert floor.last() == ("paused", "lunch", 65)
    assert floor.commands(80) == []


def test_a_queue_in_which_the_agent_is_paused_already_is_left_alone() -> None:
    lunch = "30 QueueMemberPause agent=1001 Queue=sales Paused=1 PausedReason=lunch Status=1\n"
    floor = Floor().after(TALK.replace("60 Agent", f"{lunch}60 Agent"))
    assert floor.commands(60.1) == [pause("support")]
    floor.after(f"60 QueueMemberPause agent=1001 Queue=support {PAUSED}")
    assert floor.last() == ("wrap_up", "", 60)
    assert floor.commands(80) == [unpause("support")]


def test_a_disposition_ends_it() -> None:
    floor = Floor().after(TALK)
    floor.commands(60.1)
    floor.after(OURS)
    floor.wrap_up.disposed(ALICE, at(63))
    assert floor.commands(63.1) == [unpause("support", "sales")]


def test_a_disposition_before_the_pause_leaves_none() -> None:
    floor = Floor().after(TALK)
    floor.wrap_up.disposed(ALICE, at(60.05))
    assert floor.commands(60.1) == []


def test_a_daemon_ends_what_an_earlier_one_began() -> None:
    floor = Floor().after(f"{TALK.splitlines()[1]}\n{TALK.splitlines()[2]}\n{OURS}")
    assert floor.commands(79.9) == []
    assert floor.commands(80) == [unpause("support", "sales")]


def test_a_talk_that_an_earlier_daemon_saw_begin_is_followed_by_a_pause() -> None:
    before = Floor().after(TALK[: TALK.index("60 Agent")])
    (call,) = before.machine.by_id.values()
    (talk,) = call.segments
    floor = Floor().after("\n".join(TALK.splitlines()[:3]))
    floor.wrap_up.restore([talk])
    over = replace(talk, ended_at=at(60), ended_by="agent")
    floor.wrap_up.observe([over, over], lambda segment: "support")
    assert floor.commands(60.1) == [pause("support", "sales")]


def test_where_it_is_not_forced_nobody_is_touched() -> None:
    floor = Floor(0.0).after(f"{TALK}{OURS}")
    assert floor.commands(60.1) == []
    assert floor.commands(9000) == []


def test_a_talk_without_a_queue_is_wrapped_up_when_it_has_a_wrap_up() -> None:
    """A party whom a campaign called for this agent: no setting of a queue makes it so."""
    floor = Floor()
    floor.after(TALK.split("9 QueueCallerJoin")[0])
    talk = Segment(
        interaction_id=UUID(int=1), ordinal=1, version=1, visit=0, node="pbx", interface=ALICE,
        member_name="Alice", channel="", agent_channel="", offered_at=at(5), answered_at=at(5),
    )  # fmt: skip
    for seconds, ordinal in ((15.0, 1), (0.0, 2)):
        begun = replace(talk, ordinal=ordinal)
        over = replace(
            begun, ended_at=at(30 * ordinal), ended_by="agent", wrap_up_seconds=seconds, version=2
        )
        floor.wrap_up.observe([begun], lambda segment: "")
        floor.wrap_up.observe([over], lambda segment: "")
        found = floor.commands(30 * ordinal + 0.1)
        assert found == ([pause("support", "sales")] if seconds else [])
