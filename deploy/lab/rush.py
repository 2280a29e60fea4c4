"""A short rush hour: fifteen callers, two queues, three agents, and every way a call can go.

The demo plays it, and so can tests. About 25 seconds. What came of it is counted from Asterisk's
own queue_log, for comparison with what ccmiddleware stored.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lab.asterisk import SHIPPED, Asterisk
from lab.phones import CallResult
from lab.plan import ALICE, CHEN, JOERG, Agent, Plan, Queue
from lab.processes import until
from lab.script import Answer, Dtmf, Hangup, Hold, Ring, Step, Talk

SUPPORT, SALES = "12025550101", "12025550102"
NO_CALLERS = ("ccmwk-", "ccmat-")
"""Emails, and calls of campaigns."""


def _members(*agents: Agent) -> tuple[str, ...]:
    """Lines of queues.conf: members whose state knows of the emails they work on."""
    return tuple(
        f"member => {one.interface},0,{one.name},hint:{one.extension}@ccm-agents-state"
        for one in agents
    )


PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        Queue("support", SUPPORT, members=(), ring=2, more=_members(ALICE, JOERG)),
        Queue("sales", SALES, members=(), ring=2, patience=20, more=_members(JOERG, CHEN)),
    ),
    manager=("ccm-agents.conf", "ccm-work.conf"),
    files={"ccm-work.conf": (SHIPPED / "dialplan" / "ccm-work.conf").read_text()},
    dialplan='\n#include "ccm-work.conf"\n',
)

PHONES: dict[str, list[Step]] = {
    "1001": [Answer(0.6), Talk(2.5), Dtmf("1"), Talk(1.5), Hangup()],
    "1002": [Ring()],
    "1003": [Answer(0.4), Talk(1.5), Hold(1), Talk(1), Hangup()],
}
JOERG_IS_BACK_AT = 9.0
"""Second at which 1002, which nobody answered until then, is answered."""
JOERG_BACK: list[Step] = [Answer(0.8), Talk(2.5), Dtmf("1"), Talk(0.5), Hangup()]
"""1 takes an email; in a call it does nothing."""


@dataclass(frozen=True)
class PlannedCall:
    """One caller: when (seconds from the start), where to, who, and what he does."""

    at: float
    did: str
    number: str
    name: str
    script: tuple[Step, ...] = ()


CALLS = (
    PlannedCall(0.0, SUPPORT, "12025550131", "Olga Orlova"),
    PlannedCall(0.4, SALES, "12025550132", "Pedro Peña"),
    PlannedCall(0.8, SUPPORT, "12025550133", "Quinn O'Hara", (Talk(2), Hangup())),
    PlannedCall(1.2, SALES, "12025550134", "Rosa Reyes", (Talk(2.5), Hangup())),
    PlannedCall(2.0, SUPPORT, "12025550135", "Şebnem Şahin"),
    PlannedCall(2.4, SALES, "12025550136", "Tomáš Dvořák"),
    PlannedCall(3.0, SUPPORT, "12025550137", 'Uma "Uhura" 🖖', (Talk(0.4), Dtmf("1"))),
    PlannedCall(5.0, SALES, "12025550138", "王芳", (Talk(1.5), Hangup())),
    PlannedCall(6.0, SUPPORT, "12025550139", "Vera Voss", (Talk(1), Hangup())),
    PlannedCall(7.0, SALES, "12025550140", "Walid Wahbi"),
    PlannedCall(8.0, SUPPORT, "12025550141", "Xenia Xu"),
    PlannedCall(9.5, SALES, "12025550142", "", ()),
    PlannedCall(11.0, SUPPORT, "12025550143", "Yusuf Kaya", (Talk(9), Hangup())),
    PlannedCall(12.0, SALES, "12025550144", "Zoë Ångström"),
    PlannedCall(13.0, SUPPORT, "12025550145", "Åsa Øst", (Talk(8), Hangup())),
)  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """What queue_log says of calls: how many joined, and how many ended each way.

    ``emails_completed`` and ``emails_abandoned``: what ``queue show`` counts as calls, and is not.
    """

    joined: int
    answered: int
    abandoned: int
    timed_out: int
    left_by_key: int
    rings_not_answered: int
    talk_seconds: int
    emails_completed: int
    emails_abandoned: int


async def play(pbx: Asterisk, say: Callable[[str], None]) -> list[CallResult]:
    """Plug in the phones, play all calls to their end, telling ``say``; as CALLS is ordered."""
    for extension, script in PHONES.items():
        await pbx.phone(extension, script).start()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_one(pbx, call, say), name=call.number) for call in CALLS]
        group.create_task(_joerg_comes_back(pbx, say), name="1002 comes back")
    return [task.result() for task in tasks]


async def tally(pbx: Asterisk) -> Tally:
    """Count queue_log, when Asterisk has written the end of every call."""

    def complete() -> bool:
        counted = count(pbx)
        ended = counted.abandoned + counted.timed_out + counted.left_by_key + _completed(pbx)
        return counted.joined == ended

    await until(complete, 15, "the end of every call in queue_log")
    return count(pbx)


def count(pbx: Asterisk) -> Tally:
    """Count queue_log as it is."""
    every = pbx.queue_log()
    rows = [row for row in every if not row.call.startswith(NO_CALLERS)]
    emails = [row.event for row in every if row.call.startswith("ccmwk-")]
    events = [row.event for row in rows]
    return Tally(
        joined=events.count("ENTERQUEUE"),
        answered=events.count("CONNECT"),
        abandoned=events.count("ABANDON"),
        timed_out=events.count("EXITWITHTIMEOUT"),
        left_by_key=events.count("EXITWITHKEY"),
        rings_not_answered=events.count("RINGNOANSWER"),
        # COMPLETECALLER and COMPLETEAGENT: hold time, talk time, original position.
        talk_seconds=sum(int(row.data[1]) for row in rows if row.event.startswith("COMPLETE")),
        emails_completed=sum(event.startswith("COMPLETE") for event in emails),
        emails_abandoned=emails.count("ABANDON"),
    )


def _completed(pbx: Asterisk) -> int:
    return sum(
        row.event.startswith("COMPLETE") and not row.call.startswith(NO_CALLERS)
        for row in pbx.queue_log()
    )


async def _one(pbx: Asterisk, call: PlannedCall, say: Callable[[str], None]) -> CallResult:
    await asyncio.sleep(call.at)
    queue = next(queue.name for queue in pbx.plan.queues if queue.did == call.did)
    who = call.name or call.number
    say(f"{who} calls {queue}")
    result = await pbx.caller(call.did, list(call.script), call.number, call.name).call()
    ended = "hung up" if result.ended_by == "caller" else "was let go"
    say(f"{who} {ended} after {result.seconds:.0f} s")
    return result


async def _joerg_comes_back(pbx: Asterisk, say: Callable[[str], None]) -> None:
    await asyncio.sleep(JOERG_IS_BACK_AT)
    phone = next(phone for phone in pbx.phones if phone.extension == "1002")
    await phone.follow(JOERG_BACK)
    say(f"{JOERG.name} is back and answers")
