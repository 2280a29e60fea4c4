"""How a member is reached: Local channels, forwards, pickup, announcements, logged-in agents."""

from lab.script import Answer, Forward, Obey, Ring
from lab.ways.plan import ALL, BOTH, GREETED, POOL, SUPPORT
from lab.ways.stage import Stage


async def local_member(stage: Stage) -> None:
    """The member is a Local channel that stays (Local/1001@agents/n)."""
    await stage.members(
        "support", "Local/1001@agents/n", MemberName="Alice Arnold", StateInterface="PJSIP/1001"
    )
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hang_up()


async def local_member_no_answer(stage: Stage) -> None:
    """The phone behind a Local channel does not answer; the next member's does."""
    for extension in ("1001", "1002"):
        name = stage.pbx.plan.agent(extension).name
        await stage.members("support", f"Local/{extension}@agents/n", MemberName=name)
    await stage.phones(a1001=[Ring()])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def local_member_optimised(stage: Stage) -> None:
    """The member is a Local channel without /n, which is optimised away after the answer."""
    await stage.members(
        "support", "Local/1001@agents", MemberName="Alice Arnold", StateInterface="PJSIP/1001"
    )
    await stage.call(SUPPORT)
    await stage.event("AgentConnect")
    await stage.event("LocalOptimizationEnd")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def local_member_optimised_then_blind(stage: Stage) -> None:
    """The same; then the agent transfers blindly (REFER) to a colleague."""
    await stage.members(
        "support", "Local/1001@agents", MemberName="Alice Arnold", StateInterface="PJSIP/1001"
    )
    await stage.call(SUPPORT)
    await stage.event("LocalOptimizationEnd")
    await stage.talk()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def forwarded_by_the_phone(stage: Stage) -> None:
    """The member's phone forwards to a colleague's (SIP 302), who answers."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Forward("1002")])
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def picked_up_by_group(stage: Stage) -> None:
    """A colleague picks up (*8) the call that rings at a member's phone."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(SUPPORT)
    await stage.event("AgentCalled")
    await stage.phone("1001").seen("offered")
    await stage.talk(0.6)
    picker = await stage.dial("1002", "*8")
    await stage.connected()
    await picker.hang_up()


async def picked_up_directed(stage: Stage) -> None:
    """A colleague picks up a member's call by its extension (PickupChan), among two that ring."""
    await stage.members("all", "1001", "1003")
    await stage.phones(a1001=[Ring()], a1003=[Ring()])
    await stage.call(ALL)
    await stage.event("AgentCalled", 2)
    await stage.phone("1001").seen("offered")
    await stage.talk(0.6)
    picker = await stage.dial("1002", "*81001")
    await stage.connected()
    await picker.hang_up()


async def greeted(stage: Stage) -> None:
    """An announcement plays to the agent before the caller is put through."""
    await stage.members("support", "1001")
    await stage.call(GREETED)
    await stage.connected()
    await stage.phone("1001").hang_up()


async def greeted_caller_hangs_up(stage: Stage) -> None:
    """The caller hangs up while the announcement plays to the agent."""
    await stage.members("support", "1001")
    caller = await stage.call(GREETED)
    await stage.phone("1001").seen("answered")
    await stage.talk(0.6)
    await caller.hang_up()


async def greeted_agent_hangs_up(stage: Stage) -> None:
    """The agent hangs up while the announcement plays; the caller waits on, and gives up."""
    await stage.members("support", "1001")
    caller = await stage.call(GREETED)
    await stage.phone("1001").seen("answered")
    await stage.talk(0.6)
    await stage.phone("1001").hang_up()
    await stage.talk()
    await caller.hang_up()


async def caller_gone_at_answer(stage: Stage) -> None:
    """The caller hangs up at the moment the agent answers."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Answer(1), Obey()])
    caller = await stage.call(SUPPORT)
    await stage.phone("1001").seen("answered")
    await caller.hang_up()


async def second_call_rings_in_use(stage: Stage) -> None:
    """A member who talks gets a second call (ringinuse=yes), and takes both."""
    await stage.members("both", "1001")
    first = await stage.call(BOTH)
    await stage.connected()
    second = await stage.call(BOTH, number="12025550198")
    await stage.connected(2)
    await first.hang_up()
    await stage.talk(0.6)
    await second.hang_up()


async def second_call_abandoned_in_use(stage: Stage) -> None:
    """A member who talks gets a second call (ringinuse=yes); its caller gives up at once."""
    await stage.members("both", "1001")
    first = await stage.call(BOTH)
    await stage.connected()
    second = await stage.call(BOTH, number="12025550198")
    await stage.event("AgentCalled", 2)
    await second.hang_up()
    await stage.talk(0.6)
    await first.hang_up()


async def agent_of_a_pool(stage: Stage) -> None:
    """The agent is logged in with an open line (AgentLogin); two calls come over it."""
    await stage.members(
        "pool", "Local/100@pool/n", MemberName="Alice Arnold", StateInterface="Agent:100"
    )
    line = await stage.dial("1001", "7003")
    await line.seen("answered")
    await stage.event("QueueMemberStatus", Status="1")
    for turn in (1, 2):
        caller = await stage.call(POOL)
        await stage.connected(turn)
        await caller.hang_up()
        await stage.event("AgentComplete", turn)
    await line.hang_up()


WAYS = (
    local_member, local_member_no_answer, local_member_optimised,
    local_member_optimised_then_blind, forwarded_by_the_phone, picked_up_by_group,
    picked_up_directed, greeted, greeted_caller_hangs_up, greeted_agent_hangs_up,
    caller_gone_at_answer, second_call_rings_in_use, second_call_abandoned_in_use, agent_of_a_pool,
)  # fmt: skip
