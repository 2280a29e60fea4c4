"""Calls of campaigns on a real Asterisk: from the answer to an agent, or to the message, in time.

The engine is not here: each test sends what it would send (Originate, as the shipped manager user),
and reads what the dialplan tells, in events and in queue_log.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
import pytest_asyncio
import witness
from lab.ami import Ami
from lab.asterisk import SHIPPED, Asterisk
from lab.phones import Caller, Phone
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Decline, Dtmf, Hangup, Obey, Ring, Talk
from lab.script import Step as Act

from ccmiddleware.dialer.steps import (
    Kind,
    Outcome,
    Response,
    Step,
    fold,
    from_event,
    from_queue_log,
)
from ccmiddleware.ids import dial_id
from ccmiddleware.pbx.events import UserEvent, typed
from ccmiddleware.queue_log.rows import parse

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
EPOCH = 1764237600
READ_AT = datetime.fromtimestamp(EPOCH, UTC)
SORRY, OFFER = "agent-pass", "agent-loginok"
"""Sounds that every Asterisk has, as the messages."""
MEMBER = {name: f"Local/{name}@agent-request/n" for name in ("1001", "1002")}
LIBRARIES = ("ccm-agents.conf", "ccm-dial.conf")
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(Queue("spring", "12025550101", members=(), keys="", ring=15),),
    manager=LIBRARIES,
    files={
        **{name: (SHIPPED / "dialplan" / name).read_text() for name in LIBRARIES},
        "agents.conf": (SHIPPED / "agents" / "ccm-dial.conf").read_text()
        + "".join(f"[{name}](ccm-agent)\n" for name in MEMBER),
    },
    dialplan="""
#include "ccm-agents.conf"
#include "ccm-dial.conf"
[globals]
CCM_QUEUES = spring
[agents](+)
include => ccm-dial-agents
""",
)


@dataclass(frozen=True)
class Told:
    """What was told of one attempt."""

    steps: list[Step]
    outcome: Outcome
    row_events: list[str]
    """Of app_queue's own rows in queue_log."""

    @property
    def kinds(self) -> list[str]:
        return [str(step.kind) for step in self.steps]


class Desk:
    """The servers of this module, and two agents whose lines are open."""

    def __init__(self, pbx: Asterisk, far: dict[str, Phone], agents: dict[str, Caller]) -> None:
        self.pbx = pbx
        self._far = far
        self.agents = agents
        self._numbers = count(1)

    async def far_end(self, script: list[Act], voice: str = "hello") -> Phone:
        """Whoever is called from now on does this."""
        for phone in self._far.values():
            await phone.stop()
        await self._far[voice].replug(script)
        return self._far[voice]

    async def originate(self, session: Ami, timeout: float = 20, **variables: str) -> str:
        """Ask Asterisk to dial, as the engine will; the attempt's channel id."""
        channel = dial_id(UUID(int=next(self._numbers)), EPOCH)
        given = {
            "CHANNEL(hangup_handler_push)": '"ccm-dial-end,s,1"',
            "CCM_DIAL_ATTEMPT": channel,
            "CCM_DIAL_QUEUE": "spring",
            "CCM_DIAL_LIMIT": "2000",
            "CCM_DIAL_MESSAGE": SORRY,
            "CCM_DIAL_OPT_OUT": "9",
            **variables,
        }
        await session.action(
            "Originate", Channel="PJSIP/12025550199@outside", Context="ccm-dial", Exten="s",
            Priority="1", Timeout=str(round(timeout * 1000)), Async="true", ChannelId=channel,
            CallerID="Shop <12025550100>",
            Variable=",".join(f"{name}={value}" for name, value in given.items()),
        )  # fmt: skip
        return channel

    def rows(self, channel: str) -> list[Step]:
        """The steps in queue_log."""
        lines = self.pbx.queue_log_path.read_bytes().splitlines()
        found = [
            from_queue_log(line) for line in map(parse, lines) if line and line.call == channel
        ]
        return [step for step in found if step is not None]

    async def told(self, channel: str, *kinds: str) -> None:
        """Wait until queue_log tells these steps."""
        await until(
            lambda: set(kinds) <= {step.kind for step in self.rows(channel)}, PATIENCE, str(kinds)
        )

    async def whole(self, session: Ami, channel: str, *, cut_off: bool = False) -> Told:
        """Wait for the end of the call, and compare the two witnesses.

        ``cut_off``: the party may hang up between a row of queue_log and the event behind it, which
        Asterisk then does not send.
        """
        ended = await session.event("Hangup", 90, lambda event: event.get("Uniqueid") == channel)
        answer = await session.event(
            "OriginateResponse", 10, lambda event: event.get("Uniqueid") == channel
        )
        wanted = {"ended"} if answer["Response"] == "Success" else {"ended", "failed"}
        await self.told(channel, *wanted)
        await session.drain()
        rows = self.rows(channel)
        heard = {step for step in map(_step, session.events) if step and step in rows}
        unheard = [step.kind for step in rows if step not in heard]
        assert unheard == [] or (cut_off and unheard == ["answered"])
        response = Response(answer["Response"] == "Success", int(answer["Reason"]))
        outcome = fold(rows)
        assert fold(rows, response, int(ended["Cause"])) == outcome
        if outcome.connected_at and outcome.answered_at:
            print("answer to agent:", outcome.connected_at - outcome.answered_at)
        events = [row.event for row in self.pbx.queue_log() if row.call == channel]
        return Told(rows, outcome, [name for name in events if name != "CCMDIALSTEP"])

    async def dial(self, timeout: float = 20, *, cut_off: bool = False, **variables: str) -> Told:
        """One call, from its begin to its end."""
        async with self.pbx.ami() as session:
            channel = await self.originate(session, timeout, **variables)
            return await self.whole(session, channel, cut_off=cut_off)

    async def pause(self, *agents: str, paused: bool = True) -> None:
        for name in agents:
            how = "pause" if paused else "unpause"
            await self.pbx.cli(f"queue {how} member {MEMBER[name]} queue spring")

    async def free(self, wanted: int) -> None:
        """Wait until so many agents are logged in and free."""

        async def shown() -> str:
            return await self.pbx.cli("queue show spring")

        await witness.eventually(
            shown, lambda text: text.count("(Not in use)") == wanted, PATIENCE, "free agents"
        )


def _step(event: dict[str, str]) -> Step | None:
    found = typed(dict(event), READ_AT) if event.get("Event") == "UserEvent" else None
    return from_event(found) if isinstance(found, UserEvent) else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(lab_servers: Servers) -> AsyncIterator[Desk]:
    async with Asterisk(lab_servers, PLAN) as pbx:
        far = {voice: pbx.outside([Ring()], voice) for voice in ("hello", "caller", "greeting")}
        agents = {name: pbx.agent_call(name, "*16", [Obey()]) for name in MEMBER}
        for agent in agents.values():
            await agent.start()
        desk = Desk(pbx, far, agents)
        begun = time.monotonic()
        await desk.free(2)
        print(f"agents are free {time.monotonic() - begun:.1f} s after they dialled")
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: Desk) -> AsyncIterator[Desk]:
    await site.pause(*MEMBER, paused=False)
    await site.free(2)
    yield site


@pytest_asyncio.fixture(loop_scope="module")
async def nobody(desk: Desk) -> AsyncIterator[Desk]:
    """No agent is free."""
    await desk.pause(*MEMBER)
    yield desk


# -- an agent is there ----------------------------------------------------------------------


async def test_a_person_talks_to_a_free_agent_who_stays_on_the_line(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk(2), Hangup()])
    for _ in range(2):
        told = await desk.dial()
        assert told.kinds == ["answered", "queued", "connected", "ended"]
        assert told.row_events == ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"]
        assert told.outcome.result == "connected"
        assert told.outcome.live
        assert not told.outcome.dropped
        assert told.outcome.interface in MEMBER.values()
        await desk.free(2)


async def test_an_agent_ends_a_call_by_key_and_stays(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Obey()])
    await desk.pause("1002")
    async with desk.pbx.ami() as session:
        channel = await desk.originate(session)
        await desk.told(channel, "connected")
        await asyncio.sleep(1)
        await desk.agents["1001"].press("*")
        told = await desk.whole(session, channel)
    assert (told.outcome.result, told.outcome.interface) == ("connected", MEMBER["1001"])
    await desk.free(2)


async def test_a_person_who_was_listened_to_first(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk(4), Hangup()])
    told = await desk.dial(CCM_DIAL_DETECT="1900", CCM_DIAL_LIMIT="6000")
    assert told.kinds == ["answered", "human", "queued", "connected", "ended"]
    outcome = told.outcome
    print("decided after", outcome.detection_ms, "ms; greeting ended", outcome.greeting_end_at)
    assert outcome.result == "connected"
    assert outcome.answered_at
    assert outcome.greeting_end_at
    assert outcome.detection_ms
    assert outcome.answered_at < outcome.greeting_end_at < told.steps[1].at


async def test_who_comes_free_takes_a_call_that_looks_for_an_agent(desk: Desk) -> None:
    """Within what is left of its time, not with app_queue's next look a second later."""
    await desk.far_end([Answer(0.2), Talk(12), Hangup()])
    await desk.pause("1002")
    async with desk.pbx.ami() as session:
        first = await desk.originate(session)
        await desk.told(first, "connected")
        second = await desk.originate(session, CCM_DIAL_LIMIT="8000")
        await desk.told(second, "answered")
        await asyncio.sleep(0.5)
        assert [step.kind for step in desk.rows(second)] == ["answered"]
        await desk.agents["1001"].press("*")
        assert (await desk.whole(session, first)).outcome.result == "connected"
        told = await desk.whole(session, second)
    assert told.kinds == ["answered", "queued", "connected", "ended"]
    freed = desk.rows(first)[-1].at
    print("agent free to the next one:", told.steps[2].at - freed)


async def test_of_three_answers_two_find_the_two_agents(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk(6), Hangup()])
    async with desk.pbx.ami() as session:
        channels = [await desk.originate(session) for _ in range(3)]
        told = [await desk.whole(session, channel) for channel in channels]
    assert sorted(one.outcome.result for one in told) == ["connected", "connected", "dropped"]
    assert {one.outcome.interface for one in told} == {"", *MEMBER.values()}


# -- nobody is there ------------------------------------------------------------------------


async def test_nobody_in_time_is_a_drop_with_a_message_and_a_way_out(nobody: Desk) -> None:
    far = await nobody.far_end([Answer(0.2), Obey()])
    async with nobody.pbx.ami() as session:
        channel = await nobody.originate(session)
        await nobody.told(channel, "message")
        await asyncio.sleep(0.5)
        await far.press("5")  # any other key: the message begins anew
        await nobody.told(channel, "played")
        await far.press("9")
        told = await nobody.whole(session, channel)
    assert told.kinds == ["answered", "dropped", "message", "played", "opted_out", "ended"]
    assert told.row_events == []
    outcome = told.outcome
    assert (outcome.result, outcome.dropped, outcome.opted_out) == ("dropped", True, True)
    assert outcome.played == SORRY
    clock = told.steps[1].at - told.steps[0].at
    print("answer to drop:", clock)
    assert timedelta(seconds=2) <= clock


async def test_a_drop_is_written_down_also_when_nobody_hears_the_message(nobody: Desk) -> None:
    await nobody.far_end([Answer(0.2), Talk(2.6), Hangup()])
    told = await nobody.dial()
    assert told.kinds == ["answered", "dropped", "message", "ended"]
    assert (told.outcome.result, told.outcome.dropped) == ("dropped", True)


async def test_who_hangs_up_within_the_clock_was_not_dropped(nobody: Desk) -> None:
    await nobody.far_end([Answer(0.2), Talk(0.7), Hangup()])
    told = await nobody.dial(CCM_DIAL_LIMIT="5000")
    assert told.kinds == ["answered", "ended"]
    assert (told.outcome.result, told.outcome.live, told.outcome.dropped) == (
        "hung_up",
        True,
        False,
    )


async def test_who_hangs_up_at_once_answered_all_the_same(desk: Desk) -> None:
    await desk.far_end([Answer(0), Hangup()])
    told = await desk.dial(cut_off=True)
    assert told.kinds[-1] == "ended"
    assert told.outcome.result == "hung_up"


async def test_it_works_while_nobody_listens(nobody: Desk) -> None:
    """Killed behind the order: all of it is in queue_log."""
    await nobody.far_end([Answer(0.2), Talk(4), Dtmf("9"), Talk()])
    async with nobody.pbx.ami() as session:
        channel = await nobody.originate(session)
    await nobody.told(channel, "ended")
    outcome = fold(nobody.rows(channel))
    assert (outcome.result, outcome.dropped, outcome.opted_out) == ("dropped", True, True)


# -- nobody answers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "result", "causes"),
    [
        ([Decline()], "busy", {17}),
        ([Decline(404, "Not Found")], "failed", {1}),
        ([Decline(603, "Declined")], "failed", {21}),
        ([Decline(503, "Service Unavailable")], "failed", {34}),
        ([Ring()], "no_answer", {19, 0}),  # 0: Asterisk 16
    ],
    ids=["busy", "wrong number", "declined", "no line", "rings"],
)
async def test_who_does_not_answer(
    desk: Desk, script: list[Act], result: str, causes: set[int]
) -> None:
    await desk.far_end(script)
    told = await desk.dial(timeout=2)
    assert told.kinds == ["ended", "failed"]
    assert (told.outcome.result, told.outcome.live) == (result, False)
    assert told.outcome.cause in causes


async def test_what_can_not_be_dialled(desk: Desk) -> None:
    async with desk.pbx.ami() as session:
        channel = dial_id(UUID(int=1 << 64), EPOCH)
        await session.action(
            "Originate", Channel="PJSIP/1@nowhere", Context="ccm-dial", Exten="s", Priority="1",
            Async="true", ChannelId=channel, Variable=f"CCM_DIAL_ATTEMPT={channel}",
        )  # fmt: skip
        await session.event("OriginateResponse", 10)
    await desk.told(channel, "failed")
    assert fold(desk.rows(channel)) == Outcome("failed", over=True)


# -- machines -------------------------------------------------------------------------------


async def test_a_machine_is_hung_up_on(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk()], "caller")
    told = await desk.dial(CCM_DIAL_DETECT="4000", CCM_DIAL_LIMIT="6000")
    assert told.kinds == ["answered", "machine", "ended"]
    assert (told.outcome.result, told.outcome.live) == ("machine", False)
    print("decided after", told.outcome.detection_ms, "ms")


async def test_a_machine_is_told_something_when_it_is_silent(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk()], "greeting")
    told = await desk.dial(CCM_DIAL_DETECT="4000", CCM_DIAL_LIMIT="6000", CCM_DIAL_MACHINE=OFFER)
    assert told.kinds == ["answered", "machine", "message", "played", "ended"]
    assert (told.outcome.result, told.outcome.played) == ("machine", OFFER)
    answered, _, message, *_ = told.steps
    assert message.at - answered.at > timedelta(seconds=5)  # of greeting and silence


async def test_a_sample_of_machines_goes_to_an_agent(desk: Desk) -> None:
    await desk.far_end([Answer(0.2), Talk(8), Hangup()], "greeting")
    told = await desk.dial(CCM_DIAL_DETECT="4000", CCM_DIAL_LIMIT="6000", CCM_DIAL_SAMPLE="1")
    assert told.kinds == ["answered", "sampled", "queued", "connected", "ended"]
    outcome = told.outcome
    assert (outcome.result, outcome.detected, outcome.sampled) == ("connected", "machine", True)
    assert outcome.interface in MEMBER.values()


async def test_detection_that_takes_too_long_is_a_drop(desk: Desk) -> None:
    """The clock runs from the answer, whatever detection finds later."""
    await desk.far_end([Answer(0.2), Talk()], "greeting")
    told = await desk.dial(CCM_DIAL_DETECT="9000", CCM_DIAL_LIMIT="300")
    assert told.kinds[:3] == ["answered", "dropped", "message"]
    assert told.outcome.result == "dropped"


# -- no agent at all ------------------------------------------------------------------------

KEYS = {
    "CCM_DIAL_AGENTLESS": OFFER,
    "CCM_DIAL_KEY_1": "agent",
    "CCM_DIAL_KEY_2": "repeat",
    "CCM_DIAL_KEY_HASH": "opt_out",
    "CCM_DIAL_KEY_STAR": "hangup",
}


@pytest.mark.parametrize(
    ("keys", "kinds", "opted_out"),
    [
        ("1", ["chose", "queued", "connected"], False),
        ("2#", ["opted_out"], True),
        ("*", ["chose"], False),
        ("9", ["opted_out"], True),
    ],
)
async def test_keys_of_a_message(desk: Desk, keys: str, kinds: list[str], opted_out: bool) -> None:
    far = await desk.far_end([Answer(0.2), Obey()])
    async with desk.pbx.ami() as session:
        channel = await desk.originate(session, **KEYS)
        await desk.told(channel, "message")
        await asyncio.sleep(0.5)
        await far.press(keys)
        await desk.told(channel, *kinds)
        if "connected" in kinds:
            await far.hang_up()
        told = await desk.whole(session, channel)
    assert [kind for kind in told.kinds if kind != "played"] == [
        "answered", "message", *kinds, "ended"
    ]  # fmt: skip
    assert (told.outcome.result, told.outcome.opted_out) == ("connected", opted_out)


# -- what comes from outside ----------------------------------------------------------------


async def test_nothing_from_outside_becomes_an_argument(nobody: Desk) -> None:
    await nobody.far_end([Answer(0.2), Talk()])
    told = await nobody.dial(
        CCM_DIAL_MESSAGE='"..\\\\etc\\\\x,s,1(${SHELL(id)})|y"',
        CCM_DIAL_NUMBER='"+1202>,s)\\${SHELL(id)}|1"',
        CCM_DIAL_DETECT="0",
        CCM_DIAL_MACHINE="/etc/passwd",
        CCM_DIAL_QUEUE='"spring,x|y\\${EPOCH}"',
        CCM_DIAL_LIMIT='"$[1+1]x"',
    )
    message = next(step for step in told.steps if step.kind is Kind.MESSAGE)
    assert message.parts == ("etcxs1SHELLidy",)
    assert told.outcome.dropped
    assert not told.outcome.played
    queues = {row.queue for row in nobody.pbx.queue_log() if row.event == "CCMDIALSTEP"}
    assert queues <= {"spring", "NONE", "springxyEPOCH"}


async def test_who_hangs_up_is_logged_out(site: Desk) -> None:
    await site.agents["1002"].hang_up()

    async def shown() -> str:
        return await site.pbx.cli("queue show spring")

    await witness.eventually(shown, lambda text: MEMBER["1002"] not in text, 10, "logged out")
    assert MEMBER["1001"] in await shown()
