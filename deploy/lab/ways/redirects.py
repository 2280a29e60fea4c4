"""What the PBX's own tools do to calls behind everybody's back: AMI and ARI."""

from lab.script import Ring
from lab.ways.ari import application
from lab.ways.plan import FEATURES, SALES, SUPPORT
from lab.ways.stage import Stage

ROOM = "7000"
"""An extension that leads into a ConfBridge."""
WAIT = "7001"
"""An extension that answers and waits."""
STASIS = "7002"
"""An extension that leads to the ARI application of the lab."""


async def redirected_to_queue(stage: Stage) -> None:
    """AMI Redirect of the caller, in a talk, to another queue, where a colleague answers."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.redirect(connect["Channel"], SALES)
    await stage.connected(2)
    await stage.phone("1002").hang_up()


async def redirected_to_agent(stage: Stage) -> None:
    """AMI Redirect of the caller, in a talk, to a colleague's extension."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.redirect(connect["Channel"], "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def redirected_while_waiting(stage: Stage) -> None:
    """AMI Redirect of a caller who waits while a phone rings, to another queue."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await stage.phones(a1001=[Ring()])
    await stage.call(SUPPORT)
    called = await stage.event("AgentCalled")
    await stage.talk()
    await stage.redirect(called["Channel"], SALES)
    await stage.connected()
    await stage.phone("1002").hang_up()


async def redirected_agent_leg(stage: Stage) -> None:
    """AMI Redirect of the agent's channel away from the caller, who goes on in the dialplan."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.redirect(connect["DestChannel"], WAIT)
    await stage.talk()
    await stage.phone("1001").hang_up()


async def redirected_both_to_conference(stage: Stage) -> None:
    """AMI Redirect of both into a ConfBridge, and a colleague is called into it: three-way."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.redirect(connect["Channel"], ROOM, extra=connect["DestChannel"])
    await stage.event("ConfbridgeJoin", 2)
    await stage.originate("PJSIP/1002", ROOM)
    await stage.event("ConfbridgeJoin", 3)
    await stage.talk()
    await stage.phone("1001").hang_up()
    await stage.talk()
    await stage.phone("1002").hang_up()
    await stage.talk(0.5)
    await stage.operator.action("Hangup", Channel=connect["Channel"])


async def bridged_with_another(stage: Stage) -> None:
    """AMI Bridge: the caller is taken from the agent and put together with a colleague."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    other = await stage.originate("PJSIP/1002", WAIT)
    await stage.operator.action("Bridge", Channel1=connect["Channel"], Channel2=other)
    await stage.event("BridgeEnter", Channel=other)
    await stage.talk()
    await stage.phone("1002").hang_up()


async def transferred_by_ami(stage: Stage) -> None:
    """AMI BlindTransfer of the agent's channel: the caller goes to a colleague."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.operator.action(
        "BlindTransfer", Channel=connect["DestChannel"], Context="agents", Exten="1002"
    )
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def attended_by_ami(stage: Stage) -> None:
    """AMI Atxfer (the keys, pressed by AMI): the agent talks to a colleague, and hangs up."""
    await stage.members("support", "1001")
    await stage.call(FEATURES)
    connect = await stage.connected()
    await stage.operator.action(
        "Atxfer", Channel=connect["DestChannel"], Context="agents", Exten="1002"
    )
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1001").hang_up()
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def moved_by_ari(stage: Stage) -> None:
    """The caller is redirected to an ARI application, which joins him to a colleague."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    async with application(stage.pbx) as ari:
        await stage.redirect(connect["Channel"], STASIS)
        await ari.entered(connect["Uniqueid"])
        other = await ari.originate("PJSIP/1002")
        await ari.bridge(connect["Uniqueid"], other)
        await stage.talk()
        await stage.phone("1002").hang_up()
        await stage.event("BridgeLeave", Channel="PJSIP/1002")
        await ari.hang_up(connect["Uniqueid"])


async def agent_channel_hung_up(stage: Stage) -> None:
    """AMI Hangup of the agent's channel, as when a phone is reset by the PBX."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.operator.action("Hangup", Channel=connect["DestChannel"])


async def caller_channel_hung_up(stage: Stage) -> None:
    """AMI Hangup of the caller's channel in a talk."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    connect = await stage.connected()
    await stage.operator.action("Hangup", Channel=connect["Channel"])


async def waiting_channel_hung_up(stage: Stage) -> None:
    """AMI Hangup of the channel of a caller who waits."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await stage.call(SUPPORT)
    called = await stage.event("AgentCalled")
    await stage.talk()
    await stage.operator.action("Hangup", Channel=called["Channel"])


async def agents_phone_dies(stage: Stage) -> None:
    """The agent's phone goes dead without a word: Asterisk hears no RTP and hangs up."""
    await stage.members("support", "1004")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1004").stop()


async def three_way_on_the_phone(stage: Stage) -> None:
    """The agent's phone joins caller and colleague itself: two calls at once, for Asterisk."""
    await stage.members("support", "1001")
    await stage.call(SUPPORT)
    await stage.connected()
    await stage.phone("1001").hold()
    consult = await stage.dial("1001", "1002")
    await consult.seen("answered")
    await stage.phone("1001").resume()
    await stage.talk()
    await consult.hang_up()
    await stage.talk(0.5)
    await stage.phone("1001").hang_up()


WAYS = (
    redirected_to_queue, redirected_to_agent, redirected_while_waiting, redirected_agent_leg,
    redirected_both_to_conference, bridged_with_another, transferred_by_ami, attended_by_ami,
    moved_by_ari, agent_channel_hung_up, caller_channel_hung_up, waiting_channel_hung_up,
    agents_phone_dies, three_way_on_the_phone,
)  # fmt: skip
