"""Blind transfers by the agent's phone (SIP REFER)."""

from lab.script import Decline, Ring
from lab.ways.plan import NOWHERE, OUTSIDE, SALES, SUPPORT
from lab.ways.stage import Stage


async def blind_to_agent(stage: Stage) -> None:
    """The agent's phone transfers blindly (REFER) to another agent, who answers."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def blind_to_agent_caller_hangs_up(stage: Stage) -> None:
    """The same; the caller hangs up at the end."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await caller.hang_up()


async def blind_to_agent_abandoned(stage: Stage) -> None:
    """The caller hangs up while the phone that he was transferred to rings."""
    await stage.members("support", "1001")
    await stage.phones(a1002=[Ring()])
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("offered")
    await stage.talk()
    await caller.hang_up()


async def blind_to_agent_no_answer(stage: Stage) -> None:
    """The colleague does not answer the transferred call: the dialplan ends it."""
    await stage.members("support", "1001")
    await stage.phones(a1002=[Ring()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("71002"))


async def blind_to_agent_busy(stage: Stage) -> None:
    """The colleague's phone declines the transferred call (486): the dialplan ends it."""
    await stage.members("support", "1001")
    await stage.phones(a1002=[Decline(486)])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("71002"))


async def blind_to_queue(stage: Stage) -> None:
    """The agent transfers blindly to another queue, where another agent answers."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(SALES))
    await stage.connected(2)
    await stage.phone("1002").hang_up()


async def blind_to_queue_abandoned(stage: Stage) -> None:
    """The caller gives up waiting in the queue that he was transferred to."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1002=[Ring()])
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(SALES))
    await stage.event("QueueCallerJoin", 2)
    await stage.talk()
    await caller.hang_up()


async def blind_to_same_queue(stage: Stage) -> None:
    """The agent gives the caller back to the same queue, and gets him again."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(SUPPORT))
    await stage.connected(2)
    await stage.phone("1001").hang_up()


async def blind_outside(stage: Stage) -> None:
    """The agent transfers blindly to a number outside, where somebody answers."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(OUTSIDE))
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def blind_nowhere(stage: Stage) -> None:
    """The agent transfers to a wrong number: refused (no event tells it), and the talk goes on."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(NOWHERE))
    await stage.talk()
    await stage.phone("1001").hang_up()


WAYS = (
    blind_to_agent, blind_to_agent_caller_hangs_up, blind_to_agent_abandoned,
    blind_to_agent_no_answer, blind_to_agent_busy, blind_to_queue, blind_to_queue_abandoned,
    blind_to_same_queue, blind_outside, blind_nowhere,
)  # fmt: skip
