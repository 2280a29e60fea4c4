"""Hold and resume."""

from lab.script import Answer, Obey
from lab.ways.plan import SUPPORT
from lab.ways.stage import Stage


async def held_by_agent(stage: Stage) -> None:
    """The agent puts the caller on hold and takes him back, twice."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    for _ in range(2):
        await stage.phone("1001").hold()
        await stage.talk()
        await stage.phone("1001").resume()
        await stage.talk(0.6)
    await stage.phone("1001").hang_up()


async def held_by_caller(stage: Stage) -> None:
    """The caller puts the agent on hold and takes him back."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await caller.hold()
    await stage.talk()
    await caller.resume()
    await stage.talk()
    await caller.hang_up()


async def held_caller_hangs_up(stage: Stage) -> None:
    """The caller hangs up while on hold."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    await stage.talk()
    await caller.hang_up()


async def held_agent_hangs_up(stage: Stage) -> None:
    """The agent hangs up while the caller is on hold."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    await stage.talk()
    await stage.phone("1001").hang_up()


async def held_then_blind(stage: Stage) -> None:
    """The agent transfers blindly from hold, without taking the caller back."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    await stage.talk()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def held_while_waiting(stage: Stage) -> None:
    """The caller puts the waiting music on hold, and takes it back before the agent answers."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Answer(1.8), Obey()])
    caller = await stage.call(SUPPORT)
    await stage.event("AgentCalled")
    await caller.hold()
    await stage.talk(0.5)
    await caller.resume()
    await stage.connected()
    await stage.phone("1001").hang_up()


WAYS = (
    held_by_agent, held_by_caller, held_caller_hangs_up, held_agent_hangs_up, held_then_blind,
    held_while_waiting,
)  # fmt: skip
