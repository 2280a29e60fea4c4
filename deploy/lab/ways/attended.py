"""Attended transfers by the agent's phone (a second call, then SIP REFER with Replaces)."""

from lab.script import Answer, Obey, Ring
from lab.ways.plan import OUTSIDE, SALES, SUPPORT
from lab.ways.stage import Stage


async def attended_to_agent(stage: Stage) -> None:
    """The agent holds the caller, asks a colleague, and joins them (REFER with Replaces)."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("answered")
    await stage.talk()
    await stage.phone("1001").refer(stage.address("1002", await consult.dialog()))
    await stage.event("AttendedTransfer")
    await stage.talk()
    await caller.hang_up()


async def attended_to_agent_ringing(stage: Stage) -> None:
    """The agent joins them while the colleague's phone still rings; the colleague answers."""
    await stage.members("support", "1001")
    await stage.phones(a1002=[Answer(2.5), Obey()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("ringing")
    await stage.talk(0.6)
    await stage.phone("1001").refer(stage.address("1002", await consult.dialog()))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def attended_to_agent_ringing_abandoned(stage: Stage) -> None:
    """The agent joins them while the colleague's phone rings; the caller hangs up meanwhile."""
    await stage.members("support", "1001")
    await stage.phones(a1002=[Ring()])
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("ringing")
    await stage.talk(0.6)
    await stage.phone("1001").refer(stage.address("1002", await consult.dialog()))
    await stage.event("AttendedTransfer")
    await stage.talk()
    await caller.hang_up()


async def attended_outside(stage: Stage) -> None:
    """The agent asks somebody outside, and joins them."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", OUTSIDE)
    await consult.seen("answered")
    await stage.talk()
    await stage.phone("1001").refer(stage.address(OUTSIDE, await consult.dialog()))
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def attended_to_queue(stage: Stage) -> None:
    """The agent calls another queue, talks to the agent there, and joins the two."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", SALES)
    await stage.connected(2)
    await stage.phone("1001").refer(stage.address(SALES, await consult.dialog()))
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def attended_to_queue_waiting(stage: Stage) -> None:
    """The agent joins the caller to his own place in another queue, before anybody answers."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1002=[Answer(1.8), Obey()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", SALES)
    await stage.event("QueueCallerJoin", 2)
    await stage.talk(0.6)
    await stage.phone("1001").refer(stage.address(SALES, await consult.dialog()))
    await stage.connected(2)
    await stage.phone("1002").hang_up()


async def attended_to_queue_given_up(stage: Stage) -> None:
    """The agent waits in another queue in vain, and goes back to the caller."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1002=[Ring()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", SALES)
    await stage.event("AgentCalled", 2)
    await stage.talk()
    await consult.hang_up()
    await stage.phone("1001").resume()
    await stage.talk(0.6)
    await stage.phone("1001").hang_up()


async def attended_given_up(stage: Stage) -> None:
    """The agent asks a colleague, ends that, and goes back to the caller."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("answered")
    await stage.talk()
    await consult.hang_up()
    await stage.phone("1001").resume()
    await stage.talk()
    await stage.phone("1001").hang_up()


async def attended_caller_gone(stage: Stage) -> None:
    """The caller hangs up, on hold, while the agent asks a colleague."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("answered")
    await stage.talk()
    await caller.hang_up()
    await stage.talk(0.5)
    await consult.hang_up()


WAYS = (
    attended_to_agent, attended_to_agent_ringing, attended_to_agent_ringing_abandoned,
    attended_outside, attended_to_queue, attended_to_queue_waiting, attended_to_queue_given_up,
    attended_given_up, attended_caller_gone,
)  # fmt: skip
