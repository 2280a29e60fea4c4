"""Calls without a queue, and calls that reach one by other doors: agents dial, tools originate."""

from lab.script import Decline, Forward, Ring
from lab.ways.plan import DIRECT, FEATURES, OUTSIDE, PARK, SALES, SUPPORT
from lab.ways.stage import Stage


async def direct_answered(stage: Stage) -> None:
    """A caller dials an agent's own number; the agent answers."""
    await stage.call(DIRECT)
    await stage.phone("1001").seen("answered")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def direct_not_answered(stage: Stage) -> None:
    """A caller dials an agent's own number; nobody answers in time."""
    await stage.phones(a1001=[Ring()])
    await stage.call(DIRECT)


async def direct_busy(stage: Stage) -> None:
    """A caller dials an agent's own number; the agent is busy."""
    await stage.phones(a1001=[Decline(486)])
    await stage.call(DIRECT)


async def direct_abandoned(stage: Stage) -> None:
    """A caller dials an agent's own number and hangs up while it rings."""
    await stage.phones(a1001=[Ring()])
    await stage.cold_call(DIRECT, patience=1.2)


async def direct_forwarded(stage: Stage) -> None:
    """A caller dials an agent's own number; the phone forwards to a colleague (SIP 302)."""
    await stage.phones(a1001=[Forward("1002")])
    await stage.call(DIRECT)
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def direct_then_queue(stage: Stage) -> None:
    """Reception takes a call and transfers it blindly (REFER) to a queue, where it is answered."""
    await stage.members("support", "1002")
    await stage.call(DIRECT)
    await stage.phone("1001").seen("answered")
    await stage.talk()
    await stage.phone("1001").refer(stage.address(SUPPORT))
    await stage.connected()
    await stage.phone("1002").hang_up()


async def direct_while_in_a_queue_call(stage: Stage) -> None:
    """A caller dials an agent who talks to a caller of a queue; the agent takes both."""
    await stage.members("support", "1001")
    first = await stage.call(SUPPORT)
    await stage.connected()
    second = await stage.call(DIRECT, number="12025550198")
    await stage.phone("1001").seen("answered", 2)
    await stage.talk()
    await second.hang_up()
    await stage.talk(0.6)
    await first.hang_up()


async def agent_dials_outside(stage: Stage) -> None:
    """An agent dials a number outside; somebody answers."""
    call = await stage.dial("1001", OUTSIDE)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await call.hang_up()


async def agent_dials_outside_busy(stage: Stage) -> None:
    """An agent dials a number outside, which is busy."""
    await stage.phones(outside=[Decline(486)])
    await stage.dial("1001", OUTSIDE)


async def agent_dials_outside_no_answer(stage: Stage) -> None:
    """An agent dials a number outside and gives up."""
    await stage.phones(outside=[Ring()])
    await stage.cold_dial("1001", OUTSIDE, patience=1.2)


async def agent_dials_outside_on_hold(stage: Stage) -> None:
    """An agent dials a number outside, and puts it on hold for a while."""
    call = await stage.dial("1001", OUTSIDE)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await call.hold()
    await stage.talk()
    await call.resume()
    await stage.talk(0.6)
    await stage.phone("outside").hang_up()


async def agent_dials_outside_then_queue(stage: Stage) -> None:
    """An agent dials a customer and transfers him blindly (REFER) to a queue."""
    await stage.members("sales", "1002")
    call = await stage.dial("1001", OUTSIDE)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await call.refer(stage.address(SALES))
    await stage.connected()
    await stage.phone("1002").hang_up()


async def agent_calls_agent(stage: Stage) -> None:
    """An agent calls a colleague."""
    call = await stage.dial("1001", "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await call.hang_up()


async def agent_calls_queue(stage: Stage) -> None:
    """An agent calls a queue, as an inside caller."""
    await stage.members("sales", "1002")
    call = await stage.dial("1001", SALES)
    await stage.connected()
    await call.hang_up()


async def click_to_call(stage: Stage) -> None:
    """A tool rings the agent and then the number outside (AMI Originate)."""
    await stage.originate("PJSIP/1001", OUTSIDE)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def called_back_into_queue(stage: Stage) -> None:
    """A tool calls a customer, who answers and waits in a queue (AMI Originate)."""
    await stage.members("support", "1001")
    await stage.originate("PJSIP/12025550177@outside", SUPPORT)
    await stage.connected()
    await stage.phone("outside").hang_up()


async def called_back_through_local(stage: Stage) -> None:
    """The same through a Local channel that dials the customer (Local/…@agents), not optimised."""
    await stage.members("support", "1001")
    await stage.originate(f"Local/{OUTSIDE}@agents/n", SUPPORT)
    await stage.connected()
    await stage.phone("1001").hang_up()


async def parked_and_retrieved(stage: Stage) -> None:
    """The agent parks the caller (REFER to 700); a colleague retrieves him (701)."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("700"))
    parked = await stage.event("ParkedCall")
    await stage.talk()
    call = await stage.dial("1002", parked["ParkingSpace"])
    await stage.event("UnParkedCall")
    await stage.talk()
    await call.hang_up()


async def parked_by_key(stage: Stage) -> None:
    """The agent parks the caller by key (#72) and retrieves him from the same phone."""
    await stage.members("support", "1001")
    await stage.call(FEATURES)
    await stage.connected()
    await stage.phone("1001").press(PARK)
    parked = await stage.event("ParkedCall")
    await stage.talk(3)
    call = await stage.dial("1001", parked["ParkingSpace"])
    await stage.event("UnParkedCall")
    await stage.talk()
    await call.hang_up()


async def parked_and_timed_out(stage: Stage) -> None:
    """Nobody retrieves the parked caller: Asterisk rings the agent who parked him."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("700"))
    await stage.event("ParkedCallTimeOut")
    await stage.phone("1001").seen("answered", 2)
    await stage.talk()
    await stage.phone("1001").hang_up()


async def parked_and_abandoned(stage: Stage) -> None:
    """The caller hangs up while he is parked."""
    await stage.members("support", "1001")
    caller = await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").refer(stage.address("700"))
    await stage.event("ParkedCall")
    await stage.talk()
    await caller.hang_up()


WAYS = (
    direct_answered, direct_not_answered, direct_busy, direct_abandoned, direct_forwarded,
    direct_then_queue, direct_while_in_a_queue_call, agent_dials_outside,
    agent_dials_outside_busy, agent_dials_outside_no_answer, agent_dials_outside_on_hold,
    agent_dials_outside_then_queue, agent_calls_agent, agent_calls_queue, click_to_call,
    called_back_into_queue, called_back_through_local, parked_and_retrieved, parked_by_key,
    parked_and_timed_out, parked_and_abandoned,
)  # fmt: skip
