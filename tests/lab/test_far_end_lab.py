"""The far end and the agents of the lab's campaigns, on a real Asterisk and without the engine.

Forty calls are originated as the engine will; what the dialplan told of each is compared with what
its number does, and with what the far end saw.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from math import inf
from uuid import UUID

import pytest
import pytest_asyncio
from lab import outbound
from lab.ami import Ami
from lab.asterisk import Asterisk
from lab.far_end import FarEnd
from lab.parties import ANSWERS, CAUSES, RESULTS, Party, World, numbers, parties
from lab.processes import until
from lab.root import Servers

from ccmiddleware.dialer.steps import Outcome, fold, from_queue_log
from ccmiddleware.ids import dial_id
from ccmiddleware.queue_log.rows import parse

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

AGENTS = 10
EPOCH = 1764237600
WORLD = World(gone=0.05, busy=0.05, wrong=0.05, no_line=0.05, declined=0.05, long_talk=4)
NUMBERS = numbers(41, datetime(2026, 11, 30, 17, tzinfo=UTC))
PEOPLE = parties(WORLD, NUMBERS[:40], 3)
FOR_EVER = Party(NUMBERS[40], "no answer", inf)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pbx(lab_servers: Servers) -> AsyncIterator[Asterisk]:
    async with Asterisk(lab_servers, outbound.plan(AGENTS, wrapup=1)) as pbx:
        await outbound.sit_down(pbx, pbx.plan.agents)
        yield pbx


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(pbx: Asterisk) -> FarEnd:
    far = pbx.far_end([*PEOPLE, FOR_EVER])
    await far.start()
    return far


async def dial(session: Ami, number: int, party: Party, ring_seconds: int = 10) -> str:
    channel = dial_id(UUID(int=number), EPOCH)
    given = {
        "CHANNEL(hangup_handler_push)": '"ccm-dial-end,s,1"', "CCM_DIAL_ATTEMPT": channel,
        "CCM_DIAL_QUEUE": "spring", "CCM_DIAL_LIMIT": "2000", "CCM_DIAL_MESSAGE": outbound.SORRY,
    }  # fmt: skip
    await session.action(
        "Originate", Channel=f"PJSIP/{party.digits}@outside", Context="ccm-dial", Exten="s",
        Priority="1", Timeout=f"{ring_seconds}000", Async="true", ChannelId=channel,
        CallerID="Shop <12025550100>",
        Variable=",".join(f"{name}={value}" for name, value in given.items()),
    )  # fmt: skip
    return channel


def outcomes(pbx: Asterisk) -> dict[str, Outcome]:
    """What the dialplan told, by attempt."""
    steps: dict[str, list[object]] = {}
    for row in map(parse, pbx.queue_log_path.read_bytes().splitlines()):
        step = from_queue_log(row) if row else None
        if row and step:
            steps.setdefault(row.call, []).append(step)
    return {call: fold(told) for call, told in steps.items()}  # type: ignore[arg-type]


async def test_what_is_told_of_forty_calls_is_what_their_numbers_do(
    pbx: Asterisk, far: FarEnd
) -> None:
    called: dict[str, Party] = {}
    async with pbx.ami() as session:
        for number, party in enumerate(PEOPLE, 1):
            called[await dial(session, number, party)] = party
            await asyncio.sleep(0.1)
        await until(
            lambda: sum(one.over for one in outcomes(pbx).values()) == len(PEOPLE), 60,
            "the end of all calls",
        )  # fmt: skip
    told = outcomes(pbx)
    assert told.keys() == called.keys()
    seen = {call.number: call for call in far.calls()}
    assert Counter(call.number for call in far.calls()) == dict.fromkeys(seen, 1)
    assert seen.keys() == {party.number for party in PEOPLE}
    for channel, party in called.items():
        outcome, call = told[channel], seen[party.number]
        assert outcome.result in RESULTS[party.kind], (party, outcome)
        assert outcome.cause == CAUSES.get(party.kind, outcome.cause)
        assert (call.answered is not None) == outcome.live == (party.kind in ANSWERS)
        assert call.over is not None
        if outcome.result == "connected":
            assert call.ended_by == "us"  # the customer hangs up
    met = Counter(one.result for one in told.values())
    print(dict(met))
    assert met["connected"] > 0
    await outbound.all_free(pbx, AGENTS)


async def test_sixty_calls_at_once_begun_at_twenty_a_second(pbx: Asterisk, far: FarEnd) -> None:
    before = len(far.calls())
    async with pbx.ami() as session:
        begun = asyncio.get_running_loop().time()
        for number in range(60):
            await dial(session, 1000 + number, FOR_EVER, ring_seconds=15)
            await asyncio.sleep(begun + number / 20 - asyncio.get_running_loop().time())
        await until(
            lambda: sum(call.over is not None for call in far.calls()) == before + 60, 60,
            "the end of all calls",
        )  # fmt: skip
    calls = far.calls()[before:]
    print("offered within", calls[-1].offered - calls[0].offered, "s")
    assert all(call.cancelled is not None for call in calls)
    assert max(call.offered for call in calls) < min(call.over or 0 for call in calls)
