"""The wait in a queue: who rings, who does not answer, how it ends without an agent."""

from lab.script import Answer, Decline, Dtmf, Obey, Ring, Talk
from lab.ways.plan import (
    AGAIN,
    ALL,
    BRIEF,
    KEYS,
    LEAVING,
    OVERFLOW,
    PAUSING,
    STRICT,
    SUPPORT,
    TINY,
    URGENT,
    VOICEMAIL,
    WRAPPING,
)
from lab.ways.stage import Stage


async def rings_three_before_an_answer(stage: Stage) -> None:
    """Two members don't answer, one after another; the third does."""
    await stage.members("support", "1001", "1002", "1003")
    await stage.phones(a1001=[Ring()], a1002=[Ring()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1003").hang_up()


async def rings_same_member_again(stage: Stage) -> None:
    """The only member does not answer, is rung again, and the caller gives up."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    caller = await stage.call(SUPPORT)
    await stage.event("AgentCalled", 2)
    await stage.talk()
    await caller.hang_up()


async def ring_all_one_answers(stage: Stage) -> None:
    """All phones ring; one answers, the others stop."""
    await stage.members("all", "1001", "1002", "1003")
    await stage.phones(a1001=[Ring()], a1003=[Ring()], a1002=[Answer(0.8), Obey()])
    await stage.call(ALL)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def ring_all_nobody_answers(stage: Stage) -> None:
    """All phones ring in vain, then again; the caller gives up while they ring."""
    await stage.members("all", "1001", "1002", "1003")
    await stage.phones(a1001=[Ring()], a1002=[Ring()], a1003=[Ring()])
    caller = await stage.call(ALL)
    await stage.event("AgentCalled", 4)
    await stage.talk(0.6)
    await caller.hang_up()


async def ring_all_one_declines(stage: Stage) -> None:
    """All phones ring; one declines (busy), another answers."""
    await stage.members("all", "1001", "1002")
    await stage.phones(a1001=[Decline(486)], a1002=[Answer(0.8), Obey()])
    await stage.call(ALL)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def members_decline(stage: Stage) -> None:
    """One member is busy (486), one declines (603), one is unavailable (480); a fourth answers."""
    await stage.members("support", "1001", "1002", "1003", "1004")
    await stage.phones(
        a1001=[Decline(486)],
        a1002=[Decline(603, "Decline")],
        a1003=[Decline(480, "Temporarily Unavailable")],
    )
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1004").hang_up()


async def member_unreachable(stage: Stage) -> None:
    """A member's phone is unplugged; the next one answers."""
    await stage.members("support", "1001", "1002")
    await stage.phone("1001").stop()
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def member_paused_for_no_answer(stage: Stage) -> None:
    """A member who does not answer is paused by the queue (autopause); the next one answers."""
    await stage.members("pausing", "1001", "1002")
    await stage.phones(a1001=[Ring()])
    await stage.call(PAUSING)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def waits_for_a_paused_member(stage: Stage) -> None:
    """The only member is paused; the caller waits until he is back."""
    await stage.members("support", "1001", Paused="true", Reason="lunch")
    await stage.call(SUPPORT)
    await stage.event("QueueCallerJoin")
    await stage.talk()
    await stage.operator.action("QueuePause", Interface="PJSIP/1001", Paused="false")
    await stage.connected()
    await stage.phone("1001").hang_up()


async def waits_for_a_login(stage: Stage) -> None:
    """No member is logged in; the caller waits until one comes."""
    await stage.call(SUPPORT)
    await stage.event("QueueCallerJoin")
    await stage.talk()
    await stage.members("support", "1001")
    await stage.connected()
    await stage.phone("1001").hang_up()


async def timed_out_to_voicemail(stage: Stage) -> None:
    """The queue gives the caller up in time; he leaves a message."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(VOICEMAIL, Talk())


async def timed_out_without_members(stage: Stage) -> None:
    """The queue gives the caller up in time; no phone ever rang."""
    await stage.call(BRIEF, Talk())


async def overflow_answered(stage: Stage) -> None:
    """After some time the caller goes on to a second queue, and is answered there."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1001=[Ring()])
    await stage.call(OVERFLOW)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def overflow_abandoned(stage: Stage) -> None:
    """After some time the caller goes on to a second queue, and gives up there."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1001=[Ring()], a1002=[Ring()])
    caller = await stage.call(OVERFLOW)
    await stage.event("QueueCallerJoin", 2)
    await stage.talk()
    await caller.hang_up()


async def refused_when_empty(stage: Stage) -> None:
    """The queue takes nobody while all members are paused (joinempty)."""
    await stage.members("strict", "1001", Paused="true")
    await stage.call(STRICT, Talk())


async def left_when_member_removed(stage: Stage) -> None:
    """The last member logs out while the caller waits: the queue lets him go (leavewhenempty)."""
    await stage.members("leaving", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(LEAVING, Talk())
    await stage.event("AgentCalled")
    await stage.talk()
    await stage.operator.action("QueueRemove", Queue="leaving", Interface="PJSIP/1001")


async def left_when_member_paused(stage: Stage) -> None:
    """The last member pauses while the caller waits: the queue lets him go (leavewhenempty)."""
    await stage.members("leaving", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(LEAVING, Talk())
    await stage.event("AgentCalled")
    await stage.talk()
    await stage.operator.action("QueuePause", Interface="PJSIP/1001", Paused="true")


async def refused_when_full(stage: Stage) -> None:
    """One caller waits, and there is no room for a second (maxlen)."""
    await stage.members("tiny", "1001")
    await stage.phones(a1001=[Ring()])
    first = await stage.call(TINY)
    await stage.event("QueueCallerJoin")
    second = await stage.call(TINY, Talk(), number="12025550198")
    await second.seen("ended")
    await first.hang_up()


async def key_into_another_queue(stage: Stage) -> None:
    """The caller leaves by key, which leads into another queue, where he is answered."""
    await stage.members("keys", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1001=[Ring()])
    await stage.call(KEYS, Talk(1.5), Dtmf("2"), Obey())
    await stage.connected()
    await stage.phone("1002").hang_up()


async def same_queue_after_the_talk(stage: Stage) -> None:
    """The agent hangs up, and the caller goes on (option c) into the same queue once more."""
    await stage.members("support", "1001")
    caller = await stage.call(AGAIN)
    await stage.connected()
    await stage.phone("1001").hang_up()
    await stage.connected(2)
    await caller.hang_up()


async def withdrawn(stage: Stage) -> None:
    """A tool takes the caller out of the queue (AMI QueueWithdrawCaller)."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(SUPPORT, Talk())
    called = await stage.event("AgentCalled")
    await stage.talk()
    await stage.operator.action(
        "QueueWithdrawCaller", Queue="support", Caller=called["Channel"], WithdrawInfo="moved"
    )


async def urgent_caller_first(stage: Stage) -> None:
    """Two wait for one member; the second has a higher QUEUE_PRIO and is answered first."""
    await stage.members("support", "1001", Paused="true")
    first = await stage.call(SUPPORT)
    await stage.event("QueueCallerJoin")
    await stage.talk()
    urgent = await stage.call(URGENT, number="12025550198")
    await stage.event("QueueCallerJoin", 2)
    await stage.operator.action("QueuePause", Interface="PJSIP/1001", Paused="false")
    await stage.connected()
    await urgent.hang_up()
    await stage.connected(2)
    await first.hang_up()


async def priority_raised(stage: Stage) -> None:
    """The same by AMI QueueChangePriorityCaller, while both wait."""
    await stage.members("support", "1001", Paused="true")
    first = await stage.call(SUPPORT)
    await stage.event("QueueCallerJoin")
    await stage.talk()
    second = await stage.call(SUPPORT, number="12025550198")
    joined = await stage.event("QueueCallerJoin", 2)
    await stage.operator.action(
        "QueueChangePriorityCaller", Queue="support", Caller=joined["Channel"], Priority="5",
        Immediate="true",
    )  # fmt: skip
    await stage.operator.action("QueuePause", Interface="PJSIP/1001", Paused="false")
    await stage.connected()
    await second.hang_up()
    await stage.connected(2)
    await first.hang_up()


async def waits_while_member_talks(stage: Stage) -> None:
    """A second caller waits while the only member talks (ringinuse=no), then is answered."""
    await stage.members("support", "1001")
    first = await stage.call(SUPPORT)
    await stage.connected()
    second = await stage.call(SUPPORT, number="12025550198")
    await stage.event("QueueCallerJoin", 2)
    await stage.talk()
    await first.hang_up()
    await stage.connected(2)
    await second.hang_up()


async def waits_for_wrap_up(stage: Stage) -> None:
    """A second caller waits while the member talks and wraps up (wrapuptime)."""
    await stage.members("wrapping", "1001")
    first = await stage.call(WRAPPING)
    await stage.connected()
    second = await stage.call(WRAPPING, number="12025550198")
    await stage.event("QueueCallerJoin", 2)
    await first.hang_up()
    await stage.connected(2)
    await second.hang_up()


WAYS = (
    rings_three_before_an_answer, rings_same_member_again, ring_all_one_answers,
    ring_all_nobody_answers, ring_all_one_declines, members_decline, member_unreachable,
    member_paused_for_no_answer, waits_for_a_paused_member, waits_for_a_login,
    timed_out_to_voicemail, timed_out_without_members, overflow_answered, overflow_abandoned,
    refused_when_empty, left_when_member_removed, left_when_member_paused, refused_when_full,
    key_into_another_queue, same_queue_after_the_talk, withdrawn, urgent_caller_first,
    priority_raised, waits_while_member_talks, waits_for_wrap_up,
)  # fmt: skip
