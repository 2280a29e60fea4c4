"""Preview on a real Asterisk: agents are offered leads, and decide by key whom to call."""

import asyncio
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
from lab.processes import until
from lab.root import Servers
from lab.script import Obey

from ccmiddleware.clock import utc_now

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

AGENTS = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    directory: Path = tmp_path_factory.mktemp("preview")
    found = numbers(8, utc_now())
    people = [Party(number, "person", 3.0, float("inf")) for number in found]
    async with (
        Asterisk(lab_servers, outbound.plan(AGENTS)) as pbx,
        Daemon(directory, pbx, recording="never", more=outbound.more(),
               node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):  # fmt: skip
        far = pbx.far_end(people)
        await far.start()
        lines = {
            one.extension: pbx.agent_call(one.extension, "*16", [Obey()]) for one in pbx.plan.agents
        }
        for line in lines.values():
            await line.start()
        await outbound.all_free(pbx, AGENTS)
        url = (await daemon.ccm("db", "url")).out.strip()
        yield Floor(pbx, daemon, url, far, lines, found)


async def test_an_agent_dials_and_talks_to_whoever_answers(floor: Floor) -> None:
    number = floor.numbers[0]
    lead = await floor.begin("first", number)
    agent = await floor.told("offered", lead)
    # Nothing is claimed while an agent thinks, and the other agent gets nothing.
    assert (await floor.lead(number))["state"] == "new"
    assert floor.called(number) == []
    await floor.agent_is(agent, "busy")
    await floor.line(agent).press("1")
    await floor.agent_is(agent, "talking")
    await floor.line(agent).press("*")
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["interface"], attempt["dropped"], attempt["mode"]) == (
        "connected", agent, False, "preview",
    )  # fmt: skip
    assert attempt["agent_guaranteed"]
    met = attempt["connected_at"] - attempt["answered_at"]
    keyed = next(
        int(row.data[1]) for row in floor.pbx.queue_log()
        if row.event == "CCMPREVIEWSTEP" and row.data[0] == "dial"
    )  # fmt: skip
    dialed = attempt["dialed_at"].timestamp() * 1000 - keyed
    print(f"answer to agent: {met}, key to call: {dialed:.0f} ms")
    assert met < timedelta(seconds=2)
    call = await floor.stored(attempt)
    # Whoever ended it, and the wrap-up that is the queue's, which it did not come through.
    assert {key: call[key] for key in call if not key.endswith("_at")} == {
        "direction": "outbound", "outcome": "answered", "campaign": "first", "caller": number,
        "interface": agent, "ended_by": "agent", "visit": 0, "inferred": False,
        "wrap_up_seconds": 2.0,
    }  # fmt: skip
    (seen,) = floor.called(number)
    assert seen.ended_by == "them"
    await outbound.all_free(floor.pbx, AGENTS)
    assert [step for step, of, _ in floor.steps() if of == lead] == ["offered", "dial"]
    await floor.end()


async def test_a_lead_that_is_skipped_waits_and_one_that_is_closed_is_done(floor: Floor) -> None:
    number = floor.numbers[1]
    lead = await floor.begin("second", number)
    agent = await floor.told("offered", lead)
    await floor.line(agent).press("2")
    await floor.becomes(number, "waiting")
    waits = (await floor.lead(number))["next_at"] - utc_now()
    assert timedelta(minutes=13) < waits <= timedelta(minutes=15)
    await floor.end()

    number = floor.numbers[2]
    lead = await floor.begin("third", number)
    agent = await floor.told("offered", lead)
    await floor.line(agent).press("3")
    await floor.becomes(number, "done")
    assert floor.called(number) == []
    assert await floor.rows("SELECT FROM report.attempt WHERE number = $1", number) == []
    await floor.end()


async def test_a_lead_that_may_not_be_called_any_more_at_the_key_is_not_called(
    floor: Floor,
) -> None:
    number = floor.numbers[3]
    lead = await floor.begin("fourth", number)
    agent = await floor.told("offered", lead)
    await outbound.ccm(floor.daemon, "dnc", "add", number)
    await floor.line(agent).press("1")
    assert await floor.told("nobody", lead) == agent
    assert floor.called(number) == []
    await floor.becomes(number, "done")
    assert await floor.rows("SELECT FROM report.attempt WHERE number = $1", number) == []
    await outbound.all_free(floor.pbx, AGENTS)
    await floor.end()


async def test_an_agent_gives_up_on_a_call_that_rings(floor: Floor) -> None:
    number = floor.numbers[4]
    lead = await floor.begin("fifth", number)
    agent = await floor.told("offered", lead)
    await floor.line(agent).press("1")
    await until(lambda: floor.called(number) != [], PATIENCE, "a call")
    await asyncio.sleep(1)
    await floor.line(agent).press("*")
    assert (await floor.attempt(number))["result"] == "no_answer"
    (call,) = floor.called(number)
    assert call.cancelled is not None
    assert [step for step, of, _ in floor.steps() if of == lead] == ["offered", "dial", "gave_up"]
    await floor.end()


async def test_without_a_daemon_a_key_dials_nobody_and_a_call_that_rings_is_joined(
    floor: Floor,
) -> None:
    number = floor.numbers[5]
    lead = await floor.begin("sixth", number)
    agent = await floor.told("offered", lead)
    await floor.line(agent).press("1")
    await until(lambda: floor.called(number) != [], PATIENCE, "a call")
    await floor.daemon.kill()
    await until(lambda: floor.called(number)[0].answered is not None, PATIENCE, "an answer")
    await until(
        lambda: any(
            row.data[0] == "connected" and row.agent == agent
            for row in floor.pbx.queue_log()
            if row.event == "CCMDIALSTEP"
        ),
        PATIENCE,
        "a talk",
    )
    await asyncio.sleep(1)
    await floor.line(agent).press("*")
    await floor.daemon.start()
    attempt = await floor.attempt(number)
    assert attempt["result"] == "connected"
    # The talk that nobody saw is known from queue_log.
    call = await floor.stored(attempt)
    assert (call["interface"], call["visit"], call["caller"]) == (agent, 0, number)
    assert (call["ended_by"], call["inferred"]) == ("agent", True)
    assert call["answered_at"] == attempt["connected_at"]
    await floor.end()

    number = floor.numbers[6]
    lead = await floor.begin("seventh", number)
    agent = await floor.told("offered", lead)
    await floor.daemon.kill()
    await floor.line(agent).press("1")
    assert await floor.told("nobody", lead) == agent
    await outbound.all_free(floor.pbx, AGENTS)
    assert floor.called(number) == []
    await floor.daemon.start()
    assert (await floor.lead(number))["state"] == "new"
    # It is offered again; what is said while nobody hears is known afterwards.
    agent = await floor.told("offered", lead, 2)
    await floor.daemon.kill()
    await floor.line(agent).press("3")
    await floor.told("close", lead)
    await floor.daemon.start()
    await floor.becomes(number, "done")
    assert floor.called(number) == []
    decisions = await floor.rows(
        "SELECT d.reason, sum(d.number) AS offers FROM ccm.campaign_decision AS d"
        " JOIN ccm.campaign AS c ON c.id = d.campaign_id WHERE c.name = 'seventh' GROUP BY 1"
    )
    assert {one["reason"]: one["offers"] for one in decisions}["offers"] == 2
    await floor.end()
    complaints = floor.daemon.complaints()
    assert complaints == []
