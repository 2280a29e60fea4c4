"""More than one thing after another in one call, and a third person who listens."""

from lab.ways.plan import BLIND, FEATURES, SALES, SUPPORT
from lab.ways.stage import Stage


async def blind_twice(stage: Stage) -> None:
    """The first agent transfers blindly to a second, who transfers blindly to a third."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").refer(stage.address("1003"))
    await stage.phone("1003").seen("answered")
    await stage.talk()
    await stage.phone("1003").hang_up()


async def blind_to_queue_and_back(stage: Stage) -> None:
    """The agent gives the caller to another queue, whose agent gives him back to the first."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address(SALES))
    await stage.connected(2)
    await stage.phone("1002").refer(stage.address(SUPPORT))
    await stage.connected(3)
    await stage.phone("1001").hang_up()


async def attended_then_blind(stage: Stage) -> None:
    """An attended transfer to a colleague, who then transfers blindly to a queue."""
    await stage.members("support", "1001")
    await stage.members("sales", "1003")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("answered")
    await stage.talk()
    await stage.phone("1001").refer(stage.address("1002", await consult.dialog()))
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("1002").refer(stage.address(SALES))
    await stage.connected(2)
    await stage.phone("1003").hang_up()


async def attended_twice(stage: Stage) -> None:
    """An attended transfer to a colleague, who makes another one to a third."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    for turn, (giver, taker) in enumerate((("1001", "1002"), ("1002", "1003")), 1):
        await stage.phone(giver).hold()
        consult = await stage.dial(giver, taker)
        await consult.seen("answered")
        await stage.talk()
        await stage.phone(giver).refer(stage.address(taker, await consult.dialog()))
        await stage.event("AttendedTransfer", turn)
        await stage.talk()
    await stage.phone("1003").hang_up()


async def caller_transfers(stage: Stage) -> None:
    """The caller transfers the agent away by key (#1), to another queue."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    caller = await stage.call(FEATURES)
    await stage.connected()
    await caller.press(BLIND)
    await stage.talk(1.6)
    await caller.press(SALES)
    await stage.connected(2)
    await stage.phone("1001").hang_up()


async def listened_to(stage: Stage) -> None:
    """A supervisor listens to the talk for a while (ChanSpy)."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    supervisor = await stage.dial("1003", "81001")
    await stage.event("ChanSpyStart")
    await stage.talk()
    await supervisor.hang_up()
    await stage.talk(0.6)
    await caller.hang_up()


async def barged_in(stage: Stage) -> None:
    """A supervisor takes part in the talk (ChanSpy, barge) until the agent hangs up."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.dial("1003", "91001")
    await stage.event("ChanSpyStart")
    await stage.talk()
    await stage.phone("1001").hang_up()


WAYS = (
    blind_twice, blind_to_queue_and_back, attended_then_blind, attended_twice, caller_transfers,
    listened_to, barged_in,
)  # fmt: skip
