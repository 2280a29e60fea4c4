"""Calls that a campaign dials: what becomes of them, in a queue and before one."""

from lab.script import Answer, Decline, Obey, Ring
from lab.ways.plan import DISCONNECT
from lab.ways.stage import Stage

NUMBER, SHOWN = "+12025550177", "+12025550100"
"""Who is called, and the number that is shown there."""
SORRY = "agent-loginok"
"""A sound that every Asterisk has, as the message."""


async def dial(stage: Stage, queue: str = "pool", ring: int = 20, **variables: str) -> str:
    """Have a number dialled, as the daemon does; the unique id of the channel."""
    stage.attempts += 1
    channel = f"ccmat-{stage.attempts:032x}-1764000000.1"
    values = {
        "CHANNEL(hangup_handler_push)": '"ccm-dial-end,s,1"',
        "CCM_DIAL_ATTEMPT": channel,
        "CCM_DIAL_NUMBER": NUMBER,
        "CCM_DIAL_QUEUE": queue,
        "CCM_DIAL_LIMIT": "2000",
        "CCM_DIAL_MESSAGE": SORRY,
        "CCM_DIAL_OPT_OUT": "9",
        **variables,
    }
    await stage.operator.action(
        "Originate",
        Channel=f"PJSIP/{NUMBER}@outside",
        ChannelId=channel,
        CallerID=f"<{SHOWN}>",
        Context="ccm-dial",
        Exten="s",
        Priority="1",
        Async="true",
        Timeout=f"{ring * 1000}",
        Variable=",".join(f"{name}={value}" for name, value in values.items()),
    )
    return channel


async def step(stage: Stage, name: str) -> None:
    """Wait until the dialplan tells that step."""
    await stage.event("UserEvent", Step=name)


async def line(stage: Stage) -> None:
    """An agent's line is open (AgentLogin), and the agent is free."""
    await stage.members(
        "pool", "Local/100@agent-request/n", MemberName="Alice Arnold", StateInterface="Agent:100"
    )
    agent = await stage.dial("1001", "7003")
    await agent.seen("answered")
    await stage.event("QueueMemberStatus", Status="1")


async def campaign_party_hangs_up(stage: Stage) -> None:
    """Two parties answer one after the other, talk to an agent with an open line, and hang up."""
    await line(stage)
    for turn in (1, 2):
        await dial(stage)
        await stage.connected(turn)
        await stage.phone("outside").hang_up()
        await stage.event("AgentComplete", turn)
    await stage.callers[0].hang_up()


async def campaign_agent_ends(stage: Stage) -> None:
    """A party talks to an agent with an open line, who ends the call by key."""
    await line(stage)
    await dial(stage)
    await stage.connected()
    await stage.callers[0].press(DISCONNECT)
    await stage.event("AgentComplete")
    await stage.callers[0].hang_up()


async def campaign_transferred(stage: Stage) -> None:
    """A party talks to an agent whose phone rang, and is transferred (REFER) to a colleague."""
    await stage.members("support", "1001")
    await stage.members("sales", "1002")
    await dial(stage, "support")
    await stage.connected()
    await stage.phone("1001").refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def campaign_line_transferred(stage: Stage) -> None:
    """An agent with an open line transfers the party (REFER) to a colleague, and stays on it."""
    await line(stage)
    await stage.members("sales", "1002")
    await dial(stage)
    await stage.connected()
    await stage.callers[0].refer(stage.address("1002"))
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()
    await stage.event("AgentComplete")
    await stage.callers[0].hang_up()


async def campaign_line_hung_up(stage: Stage) -> None:
    """An agent with an open line hangs up in a talk: the party is let go, the agent logged out."""
    await line(stage)
    await dial(stage)
    await stage.connected()
    await stage.callers[0].hang_up()


async def campaign_line_holds(stage: Stage) -> None:
    """An agent with an open line puts the party on hold, and takes it back."""
    await line(stage)
    await dial(stage)
    await stage.connected()
    await stage.callers[0].hold()
    await stage.talk()
    await stage.callers[0].resume()
    await stage.talk()
    await stage.phone("outside").hang_up()
    await stage.event("AgentComplete")
    await stage.callers[0].hang_up()


async def campaign_met_nobody(stage: Stage) -> None:
    """A party waits for an agent whose phone rings too long, and hears the message."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await dial(stage, "support")
    await step(stage, "played")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def campaign_met_nobody_in_silence(stage: Stage) -> None:
    """The same; there is no message, and the party is hung up on at once."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await dial(stage, "support", CCM_DIAL_MESSAGE="")


async def campaign_gone_while_ringing(stage: Stage) -> None:
    """A party hangs up while the phone of an agent rings for it."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Ring()])
    await dial(stage, "support")
    await stage.event("AgentCalled")
    await stage.phone("outside").hang_up()


async def campaign_dropped(stage: Stage) -> None:
    """Nobody is free: the party never comes to the queue, and hears the message."""
    await dial(stage, "support")
    await step(stage, "played")
    await stage.phone("outside").hang_up()


async def campaign_not_answered(stage: Stage) -> None:
    """Nobody answers."""
    await stage.members("support", "1001")
    await stage.phones(aoutside=[Ring()])
    await dial(stage, "support", ring=1)


async def campaign_busy(stage: Stage) -> None:
    """The party is busy."""
    await stage.members("support", "1001")
    await stage.phones(aoutside=[Decline()])
    await dial(stage, "support")


async def campaign_agentless(stage: Stage) -> None:
    """A message plays; the party asks for an agent by key, waits, and talks to one."""
    await stage.members("support", "1001")
    await stage.phones(a1001=[Answer(1), Obey()])
    await dial(stage, "support", CCM_DIAL_AGENTLESS=SORRY, CCM_DIAL_KEY_1="agent")
    await step(stage, "message")
    await stage.talk(0.5)
    await stage.phone("outside").press("1")
    await stage.connected()
    await stage.phone("outside").hang_up()


async def campaign_agentless_abandoned(stage: Stage) -> None:
    """The same; nobody is free, and the party gives up waiting."""
    await dial(stage, "support", CCM_DIAL_AGENTLESS=SORRY, CCM_DIAL_KEY_1="agent")
    await step(stage, "message")
    await stage.talk(0.5)
    await stage.phone("outside").press("1")
    await stage.event("QueueCallerJoin")
    await stage.talk(3)
    await stage.phone("outside").hang_up()


async def campaign_heard(stage: Stage) -> None:
    """A message plays to its end, and the party hangs up."""
    await stage.phones(aoutside=[Answer(0.2), Obey()])
    await dial(stage, "support", CCM_DIAL_AGENTLESS=SORRY, CCM_DIAL_KEY_1="agent")
    await step(stage, "played")
    await stage.phone("outside").hang_up()


WAYS = (
    campaign_party_hangs_up, campaign_agent_ends, campaign_transferred, campaign_line_transferred,
    campaign_line_hung_up, campaign_line_holds, campaign_met_nobody,
    campaign_met_nobody_in_silence, campaign_gone_while_ringing, campaign_dropped,
    campaign_not_answered, campaign_busy, campaign_agentless, campaign_agentless_abandoned,
    campaign_heard,
)  # fmt: skip
