"""Preview with an ordinary phone that rings, on a real Asterisk, and the wrap-up behind a talk."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from floor import PATIENCE, Floor
from lab import outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.parties import Party, numbers
from lab.phones import Phone
from lab.plan import Agent, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Decline, Obey

from ccmiddleware.clock import utc_now

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

CARA = "PJSIP/2001"
WRAP_UP = 8
"""More than the pause before any next offer."""
PLAN = Plan(
    agents=(Agent("2001", "Cara Clark"),),
    queues=(Queue("spring", "12025550190", members=("2001",), keys="", ring=15, wrapup=WRAP_UP),),
    manager=outbound.LIBRARIES,
    files=outbound.files(()),
    dialplan=outbound.dialplan("spring"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    directory: Path = tmp_path_factory.mktemp("phone")
    found = numbers(4, utc_now())
    people = [Party(number, "person", 2.0, float("inf")) for number in found]
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Daemon(directory, pbx, recording="never", more=outbound.more(wrapup=WRAP_UP),
               node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):  # fmt: skip
        far = pbx.far_end(people)
        await far.start()
        phone = pbx.phone("2001", [Answer(1), Obey()])
        await phone.start()
        url = (await daemon.ccm("db", "url")).out.strip()
        yield Floor(pbx, daemon, url, far, {"2001": phone}, found)


async def test_the_phone_rings_and_talks_to_whoever_answers(floor: Floor) -> None:
    number, second = floor.numbers[:2]
    lead = await floor.begin("first", number, second)
    await until(lambda: floor.steps() != [], PATIENCE, "an offer")
    ((step, of, agent),) = floor.steps()
    assert (step, agent) == ("offered", CARA)
    if of != lead:
        number, second = second, number
    assert floor.called(number) == []
    await floor.line(CARA).press("1")
    await floor.agent_is(CARA, "talking")
    assert len(floor.called(number)) == 1
    await floor.line(CARA).hang_up()
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["interface"]) == ("connected", CARA)
    assert attempt["connected_at"] - attempt["answered_at"] < timedelta(seconds=2)
    call = await floor.stored(attempt)
    assert (call["interface"], call["visit"], call["ended_by"]) == (CARA, 0, "agent")
    assert (call["wrap_up_seconds"], call["inferred"]) == (WRAP_UP, False)
    # The phone rings for the next lead when the wrap-up is over, and no sooner; until then the
    # agent is paused, so that no queue rings it either.
    following = str((await floor.lead(second))["id"])
    await floor.told("offered", following)
    offered = next(
        int(row.data[1]) / 1000 for row in floor.pbx.queue_log()
        if row.event == "CCMPREVIEWSTEP" and (row.data[0], row.data[2]) == ("offered", following)
    )  # fmt: skip
    assert offered - call["ended_at"].timestamp() >= WRAP_UP
    pauses = [
        row.event
        for row in floor.pbx.queue_log()
        if row.event in ("PAUSE", "UNPAUSE") and row.agent == "Cara Clark"
    ]
    assert pauses == ["PAUSE", "UNPAUSE"]
    states = await floor.rows(
        "SELECT s.state, s.ended_at - s.started_at AS lasted FROM ccm.agent_state AS s"
        " JOIN ccm.agent AS a ON a.id = s.agent_id WHERE a.interface = $1 AND s.state = 'wrap_up'",
        CARA,
    )
    assert [row["lasted"] >= timedelta(seconds=WRAP_UP - 1) for row in states] == [True]
    await floor.line(CARA).press("3")
    await floor.becomes(second, "done")
    await floor.end()


async def test_a_phone_that_does_not_answer_costs_the_lead_nothing(floor: Floor) -> None:
    number = floor.numbers[2]
    phone = floor.line(CARA)
    assert isinstance(phone, Phone)
    await phone.replug([Decline()])
    lead = await floor.begin("second", number)
    await until(lambda: phone.count("declined") > 0, PATIENCE, "a phone that declines")
    row = await floor.lead(number)
    assert (row["state"], floor.called(number)) == ("new", [])
    await phone.replug([Answer(1), Obey()])
    # Half a minute later it is offered again.
    assert await floor.told("offered", lead) == CARA
    await phone.press("1")
    await floor.agent_is(CARA, "talking")
    await phone.hang_up()
    assert (await floor.attempt(number))["result"] == "connected"
    await floor.end()
    assert floor.daemon.complaints() == []
