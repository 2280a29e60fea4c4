"""Callbacks: a placeholder in the queue, an agent who takes it, and a customer who is called."""

from lab.script import Decline, Obey, Ring
from lab.ways.plan import KEYS
from lab.ways.stage import Stage

CUSTOMER = "12025550177"
FAR = "4102444800"
"""A time until which Asterisk may begin it: the year 2100."""


async def place(stage: Stage, queue: str = "support", ring: int = 20) -> str:
    """Put a placeholder into a queue, as the daemon does; the unique id of its channel."""
    stage.callbacks += 1
    callback = f"{stage.callbacks:032x}"
    attempt = f"ccmcb-{callback}-1764000000.1"
    values = {
        "ATTEMPT": attempt, "QUEUE": queue, "NUMBER": CUSTOMER, "RING": ring, "PLACE": 1,
        "PRIO": 0, "UNTIL": FAR,
    }  # fmt: skip
    await stage.operator.action(
        "Originate",
        Channel=f"Local/{callback}@ccm-callback-turn/n",
        ChannelId=attempt,
        OtherChannelId=f"{attempt};2",
        Context="ccm-callback-call",
        Exten="s",
        Priority="1",
        Async="true",
        Timeout="60000",
        Variable=",".join(f"CCM_CALLBACK_{name}={value}" for name, value in values.items()),
    )
    return attempt


async def callback_asked(stage: Stage) -> None:
    """A waiting caller presses the key for a callback and is let go."""
    caller = await stage.call(KEYS, Obey(), number=CUSTOMER)
    await stage.event("QueueCallerJoin")
    await caller.press("3")


async def callback_customer_hangs_up(stage: Stage) -> None:
    """An agent takes a callback; the customer answers, and hangs up."""
    await stage.members("support", "1001")
    await place(stage)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def callback_agent_hangs_up(stage: Stage) -> None:
    """An agent takes a callback; the customer answers; the agent hangs up."""
    await stage.members("support", "1001")
    await place(stage)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def callback_not_answered(stage: Stage) -> None:
    """An agent takes a callback, and the customer does not answer."""
    await stage.members("support", "1001")
    await stage.phones(aoutside=[Ring()])
    await place(stage, ring=2)
    await stage.event("AgentComplete")


async def callback_busy(stage: Stage) -> None:
    """An agent takes a callback, and the customer is busy."""
    await stage.members("support", "1001")
    await stage.phones(aoutside=[Decline()])
    await place(stage)
    await stage.event("AgentComplete")


async def callback_agent_gives_up(stage: Stage) -> None:
    """An agent takes a callback, and hangs up before the customer answers."""
    await stage.members("support", "1001")
    await stage.phones(aoutside=[Ring()])
    await place(stage)
    await stage.event("DialBegin", DestChannel="PJSIP/outside")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def callback_ring_no_answer(stage: Stage) -> None:
    """The first agent does not take a callback, the second one does; the customer answers."""
    await stage.members("support", "1001", "1002")
    await stage.phones(a1001=[Ring()])
    await place(stage)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def callback_taken_away(stage: Stage) -> None:
    """A placeholder is taken out of the queue while nobody is there to take it."""
    attempt = await place(stage)
    joined = await stage.event("QueueCallerJoin")
    await stage.talk()
    half = joined["Channel"].removesuffix("2") + "1"
    assert attempt in joined["Uniqueid"]  # noqa: S101 - else the id is not ours to choose
    await stage.operator.action("Hangup", Channel=half)


async def callback_transferred(stage: Stage) -> None:
    """An agent takes a callback, talks, and transfers the customer (REFER) to a colleague."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await place(stage)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def callback_by_local_member(stage: Stage) -> None:
    """The member who takes a callback is a Local channel that stays (Local/1001@agents/n)."""
    await stage.members("support", "Local/1001@agents/n", MemberName="Alice Arnold")
    await place(stage)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("outside").hang_up()


WAYS = (
    callback_asked, callback_customer_hangs_up, callback_agent_hangs_up, callback_not_answered,
    callback_busy, callback_agent_gives_up, callback_ring_no_answer, callback_taken_away,
    callback_transferred, callback_by_local_member,
)  # fmt: skip
