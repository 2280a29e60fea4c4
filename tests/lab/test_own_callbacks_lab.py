"""Callbacks that an agent promised himself, on a real Asterisk: his line is open before it rings.

Two agents keep their lines open; the promise is Ann's (2001) each time. Whatever happens to her
line or to the daemon, nobody is called twice, and nobody else gets her call before its time.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

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
from witness import eventually

from ccmiddleware.clock import utc_now

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

ANN, BOB = (f"Local/{one}@agent-request/n" for one in ("2001", "2002"))
PLAN = outbound.plan(2)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    directory: Path = tmp_path_factory.mktemp("own")
    found = numbers(8, utc_now())
    people = [Party(number, "person", 4.0, float("inf")) for number in found]
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Daemon(directory, pbx, recording="never", more=outbound.more(),
               node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):  # fmt: skip
        far = pbx.far_end(people)
        await far.start()
        lines = {
            one.extension: pbx.agent_call(one.extension, "*16", [Obey()]) for one in PLAN.agents
        }
        for line in lines.values():
            await line.start()
        await outbound.all_free(pbx, 2)
        url = (await daemon.ccm("db", "url")).out.strip()
        yield Floor(pbx, daemon, url, far, lines, found)


async def away(floor: Floor, *agents: str, paused: bool = True) -> None:
    for agent in agents:
        how = "pause" if paused else "unpause"
        await floor.pbx.cli(f"queue {how} member {agent} queue spring")


async def begin(
    floor: Floor, name: str, number: str, ago: timedelta = timedelta(0), **more: str
) -> str:
    """A campaign with one lead, whom Ann has promised a call by now; nobody is there to make it."""
    await away(floor, ANN, BOB)
    for agent in (ANN, BOB):
        await floor.agent_is(agent, "paused")
    lead = await floor.begin(name, number, mode="progressive")
    options = [part for key, value in more.items() for part in (f"--{key}", value)]
    await outbound.ccm(
        floor.daemon, "callback", "add", name, number,
        "--at", (utc_now() - ago).isoformat(timespec="seconds"), "--agent", ANN, *options,
    )  # fmt: skip
    return lead


async def promise(floor: Floor, lead: str, *states: str) -> dict[str, Any]:
    """The promise to that lead, once it is in one of these states."""

    async def rows() -> list[dict[str, Any]]:
        return await floor.rows("SELECT * FROM ccm.lead_callback WHERE lead_id = $1", int(lead))

    found = await eventually(rows, lambda rows: rows[0]["state"] in states, PATIENCE, f"{states}")
    return found[0]


async def rings(floor: Floor, number: str) -> None:
    await until(lambda: floor.called(number) != [], PATIENCE, "a call")


async def test_it_comes_to_the_agent_who_promised_it(floor: Floor) -> None:
    number = floor.numbers[0]
    lead = await begin(floor, "first", number)
    # Bob alone is there, and has been free for longer.
    await away(floor, BOB, paused=False)
    await floor.agent_is(BOB, "idle")
    await asyncio.sleep(2)
    assert floor.called(number) == []
    await away(floor, ANN, paused=False)
    assert await floor.told("offered", lead) == ANN
    await rings(floor, number)
    # While it rings a caller comes: Ann is taken.
    caller = floor.pbx.caller("12025550190", [Obey()], number="12025550177")
    await caller.start()
    await floor.agent_is(BOB, "talking")
    await floor.agent_is(ANN, "talking")
    await caller.hang_up()
    await floor.line(ANN).press("*")
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["interface"], attempt["dropped"]) == (
        "connected",
        ANN,
        False,
    )
    assert attempt["agent_guaranteed"]
    met = attempt["connected_at"] - attempt["answered_at"]
    print(f"answer to agent: {met}")
    assert met < timedelta(seconds=2)
    call = await floor.stored(attempt)
    assert {key: call[key] for key in call if not key.endswith("_at")} == {
        "direction": "outbound", "outcome": "answered", "campaign": "first", "caller": number,
        "interface": ANN, "ended_by": "agent", "visit": 0, "inferred": False,
        "wrap_up_seconds": 2.0,
    }  # fmt: skip
    assert (await promise(floor, lead, "reached"))["closed_at"] is not None
    assert [step for step, of, _ in floor.steps() if of == lead] == ["offered", "dial"]
    (seen,) = floor.called(number)
    assert seen.ended_by == "them"
    await outbound.all_free(floor.pbx, 2)
    await floor.end()


async def test_without_a_daemon_it_is_joined_all_the_same(floor: Floor) -> None:
    number = floor.numbers[1]
    lead = await begin(floor, "second", number)
    await away(floor, ANN, BOB, paused=False)
    await rings(floor, number)
    await floor.daemon.kill()
    await until(lambda: floor.called(number)[0].answered is not None, PATIENCE, "an answer")
    await dialled(floor, "connected", ANN)
    await floor.daemon.start()
    await asyncio.sleep(1)
    await floor.line(ANN).press("*")
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["interface"]) == ("connected", ANN)
    # The talk was on when the daemon came.
    call = await floor.stored(attempt)
    assert (call["interface"], call["visit"], call["inferred"]) == (ANN, 0, True)
    assert (call["ended_by"], call["wrap_up_seconds"]) == ("agent", 2.0)
    await promise(floor, lead, "reached")
    assert len(floor.called(number)) == 1
    await outbound.all_free(floor.pbx, 2)
    await floor.end()


async def test_who_leaves_while_it_rings_is_told_again_later(floor: Floor) -> None:
    number = floor.numbers[2]
    lead = await begin(floor, "third", number)
    await away(floor, ANN, BOB, paused=False)
    await rings(floor, number)
    await floor.line(ANN).press("*")
    attempt = await floor.attempt(number)
    assert attempt["result"] == "no_answer"
    (call,) = floor.called(number)
    assert call.cancelled is not None
    again = await promise(floor, lead, "tried")
    assert timedelta(minutes=14) < again["due_at"] - attempt["ended_at"] <= timedelta(minutes=15)
    await outbound.all_free(floor.pbx, 2)
    await floor.end()


async def test_who_answers_when_nobody_is_there_any_more_hears_the_message(floor: Floor) -> None:
    number = floor.numbers[3]
    lead = await begin(floor, "fourth", number)
    await away(floor, ANN, BOB, paused=False)
    await rings(floor, number)
    await floor.daemon.kill()
    await floor.line(ANN).press("*")
    await floor.told("gave_up", lead)
    await dialled(floor, "dropped")
    await floor.daemon.start()
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["dropped"]) == ("dropped", True)
    await promise(floor, lead, "tried")
    assert len(floor.called(number)) == 1
    await outbound.all_free(floor.pbx, 2)
    await floor.end()


async def test_killed_while_her_line_is_opened_it_is_called_once(floor: Floor) -> None:
    """Before the claim nothing is lost; behind it the attempt is there, dialled or not."""
    number = floor.numbers[4]
    lead = await begin(floor, "fifth", number)
    await away(floor, ANN, BOB, paused=False)
    await floor.told("offered", lead)
    await floor.daemon.kill()
    await floor.daemon.start()

    async def attempts() -> list[dict[str, Any]]:
        return await floor.rows("SELECT * FROM report.attempt WHERE number = $1", number)

    (first, *_) = await eventually(attempts, bool, PATIENCE, "an attempt")
    if first["dialed_at"] is not None or floor.called(number):
        await dialled(floor, "connected", ANN)
        await floor.line(ANN).press("*")
        await promise(floor, lead, "reached")
    else:
        await promise(floor, lead, "tried", "reached")
    assert len(await attempts()) == 1
    assert len(floor.called(number)) <= 1
    await outbound.all_free(floor.pbx, 2)
    await floor.end()


async def test_when_she_stays_away_anybody_keeps_it(floor: Floor) -> None:
    number = floor.numbers[5]
    lead = await begin(floor, "sixth", number, timedelta(seconds=30), tolerance="1m")
    await away(floor, BOB, paused=False)
    await until(lambda: floor.called(number) != [], 2 * PATIENCE, "a call")
    await floor.agent_is(BOB, "talking")
    await floor.line(BOB).press("*")
    attempt = await floor.attempt(number)
    assert (attempt["result"], attempt["interface"]) == ("connected", BOB)
    assert (await floor.stored(attempt))["visit"] == 1
    kept = await promise(floor, lead, "reached")
    assert attempt["claimed_at"] >= kept["late_from"]
    await away(floor, ANN, paused=False)
    await outbound.all_free(floor.pbx, 2)
    await floor.end()
    assert floor.daemon.complaints() == []


async def dialled(floor: Floor, step: str, agent: str = "NONE") -> None:
    """Wait until the dialplan told that of the newest call."""

    def found() -> bool:
        rows = [row for row in floor.pbx.queue_log() if row.event == "CCMDIALSTEP"]
        calls = [row for row in rows if row.call == rows[-1].call]
        return any((row.data[0], row.agent) == (step, agent) for row in calls)

    await until(found, PATIENCE, step)
