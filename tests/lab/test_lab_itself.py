"""The lab tells the truth: real calls, with Asterisk's own log and the recordings as witnesses."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from lab import addresses, audio
from lab.ami import Ami
from lab.asterisk import VOICES, Asterisk
from lab.errors import LabError
from lab.instances import remove_leftovers
from lab.phones import Phone
from lab.plan import ALICE, CHEN, JOERG, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Decline, Dtmf, Hangup, Hold, Ring, Step, Talk

pytestmark = pytest.mark.lab

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SUPPORT, BRIEF, COLD = "12025550101", "12025550102", "12025550103"

PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        Queue("support", SUPPORT, members=("1001", "1002"), strategy="linear", ring=1),
        Queue("brief", BRIEF, members=("1003",), ring=1, patience=2),
        Queue("cold", COLD, members=("1003",), answer_first=False),
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pbx(lab_servers: Servers) -> AsyncIterator[Asterisk]:
    async with Asterisk(lab_servers, PLAN) as asterisk:
        for agent in PLAN.agents:
            await asterisk.phone(agent.extension, [Ring()]).start()
        yield asterisk


def phone(pbx: Asterisk, extension: str) -> Phone:
    return next(phone for phone in pbx.phones if phone.extension == extension)


async def answers(pbx: Asterisk, extension: str, *steps: Step) -> None:
    await phone(pbx, extension).follow([Answer(0.2), *steps])


async def ignores(pbx: Asterisk, extension: str) -> None:
    await phone(pbx, extension).follow([Ring()])


def log_of(pbx: Asterisk, call: str) -> list[str]:
    return [row.event for row in pbx.queue_log() if row.call == call]


async def logged(pbx: Asterisk, call: str, event: str) -> None:
    await until(lambda: event in log_of(pbx, call), 15, f"{event} of {call} in queue_log")


async def joined(session: Ami) -> str:
    return (await session.event("QueueCallerJoin"))["Uniqueid"]


async def test_it_is_the_asterisk_that_was_asked_for(pbx: Asterisk) -> None:
    assert int((await pbx.version()).partition(".")[0]) >= 16
    assert (await pbx.cli("queue show support")).count("Not in use") == 2


async def test_the_shipped_users_can_log_in_and_no_other(pbx: Asterisk) -> None:
    async with aiohttp.ClientSession() as http:
        for secret, status in ((pbx.ari_secret, 200), ("wrong", 401)):
            basic = base64.b64encode(f"{pbx.user}:{secret}".encode()).decode()
            headers = {"Authorization": f"Basic {basic}"}
            async with http.get(f"{pbx.ari_url}/asterisk/info", headers=headers) as answer:
                assert answer.status == status
    async with pbx.ami() as session:
        assert (await session.event("FullyBooted"))["Privilege"] == "system,all"
        for refused in ("Command", "Originate", "UpdateConfig"):
            with pytest.raises(LabError, match="ermission"):
                await session.action(refused, Command="core show version", Channel="Local/1@x")


async def test_an_answered_call_is_recorded_with_both_voices(pbx: Asterisk) -> None:
    await answers(pbx, "1001", Talk(3), Hangup())
    caller = pbx.caller(SUPPORT, [], name='Zoë "Z" Ångström 😀')
    async with pbx.ami() as session:
        await caller.start()
        connect = await session.event("AgentConnect")
        await session.action(
            "MixMonitor",
            Channel=connect["Channel"],
            File=str(pbx.recordings_on_asterisk / "both.wav"),
        )
        result = await caller.result()
        complete = await session.event("AgentComplete")
    assert (result.status, result.answered, result.ended_by) == (200, True, "pbx")
    assert connect["MemberName"] == "Alice Arnold"
    assert "Ångström 😀" in connect["CallerIDName"]
    assert complete["Reason"] == "agent"
    assert log_of(pbx, connect["Uniqueid"]) == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"]
    recorded = audio.read_wav(pbx.recordings / "both.wav")
    assert abs(recorded.seconds - 3) < 1
    assert recorded.silence() < 0.5
    for voice in ("caller", "agent"):
        assert recorded.level_at(VOICES[voice]) > -25
    assert recorded.level_at(VOICES["music"]) < -35


async def test_a_caller_gives_up_while_a_phone_rings(pbx: Asterisk) -> None:
    await ignores(pbx, "1001")
    await ignores(pbx, "1002")
    async with pbx.ami() as session:
        result = await pbx.caller(SUPPORT, [Talk(1.2), Hangup()]).call()
        call = await joined(session)
        await session.event("QueueCallerAbandon")
    assert result.ended_by == "caller"
    await logged(pbx, call, "ABANDON")


async def test_the_second_phone_answers_what_the_first_does_not(pbx: Asterisk) -> None:
    await ignores(pbx, "1001")
    await answers(pbx, "1002")
    async with pbx.ami() as session:
        caller = pbx.caller(SUPPORT, [Talk(4), Hangup()])
        await caller.start()
        call = await joined(session)
        missed = await session.event("AgentRingNoAnswer")
        connect = await session.event("AgentConnect")
        await caller.result()
    assert missed["Interface"] == "PJSIP/1001"
    assert connect["MemberName"] == "Jörg Müller"
    await logged(pbx, call, "COMPLETECALLER")
    assert log_of(pbx, call)[:3] == ["ENTERQUEUE", "RINGNOANSWER", "CONNECT"]


async def test_a_busy_phone_declines(pbx: Asterisk) -> None:
    await phone(pbx, "1001").follow([Decline(486)])
    await answers(pbx, "1002", Talk(0.5), Hangup())
    result = await pbx.caller(SUPPORT, []).call()
    assert result.ended_by == "pbx"
    assert phone(pbx, "1001").count("declined") >= 1
    assert phone(pbx, "1002").count("answered") == 1


async def test_the_queue_lets_a_caller_go_in_time(pbx: Asterisk) -> None:
    await ignores(pbx, "1003")
    async with pbx.ami() as session:
        result = await pbx.caller(BRIEF, []).call()
        call = await joined(session)
    assert result.ended_by == "pbx"
    await logged(pbx, call, "EXITWITHTIMEOUT")


async def test_a_key_takes_the_caller_out_of_the_queue(pbx: Asterisk) -> None:
    await ignores(pbx, "1001")
    await ignores(pbx, "1002")
    async with pbx.ami() as session:
        result = await pbx.caller(SUPPORT, [Talk(0.5), Dtmf("1")]).call()
        call = await joined(session)
    assert result.ended_by == "pbx"
    await logged(pbx, call, "EXITWITHKEY")


async def test_an_agent_holds_the_call(pbx: Asterisk) -> None:
    await answers(pbx, "1001", Talk(0.5), Hold(1), Talk(0.5), Hangup())
    async with pbx.ami() as session:
        result = await pbx.caller(SUPPORT, []).call()
        hold = await session.event("Hold")
        unhold = await session.event("Unhold")
    assert result.answered
    assert hold["Channel"].startswith("PJSIP/1001-")
    assert unhold["Channel"] == hold["Channel"]
    assert float(unhold["Timestamp"]) - float(hold["Timestamp"]) > 0.8


async def test_a_caller_who_was_not_answered_cancels(pbx: Asterisk) -> None:
    await ignores(pbx, "1003")
    caller = pbx.caller(COLD, [], patience=1)
    async with pbx.ami() as session:
        result = await caller.call()
        call = await joined(session)
    assert (result.status, result.answered, result.ended_by) == (487, False, "caller")
    await logged(pbx, call, "ABANDON")


async def test_an_agent_calls_out(pbx: Asterisk) -> None:
    outside = pbx.outside([Answer(0.1), Talk(0.5), Hangup()])
    await outside.start()
    result = await pbx.agent_call("1002", "012025550177", []).call()
    assert (result.answered, result.ended_by) == (True, "pbx")
    assert outside.count("answered") == 1


async def test_a_hostile_caller_name_is_text_for_asterisk(pbx: Asterisk) -> None:
    await ignores(pbx, "1001")
    name = "Eve\r\nAction: Command\r\nCommand: core stop now\r\n\r\n" + "x" * 1000
    # In events of channels Asterisk writes control characters as C escapes (ast_escape_c).
    escaped = "Eve\\r\\nAction: Command\\r\\nCommand: core stop now\\r\\n\\r\\nx"
    async with pbx.ami() as session:
        caller = pbx.caller(SUPPORT, [Talk(2), Hangup()], name=name)
        await caller.start()
        join = await session.event("QueueCallerJoin")
        assert join["CallerIDName"].startswith(escaped)
        await caller.result()
        await session.event("QueueCallerAbandon")
        await session.action("Ping")
    assert pbx.running


async def test_a_frozen_asterisk_says_nothing_and_goes_on_after(pbx: Asterisk) -> None:
    await pbx.freeze()
    try:
        with pytest.raises(LabError, match="not answered"):
            await pbx.cli("core show uptime", seconds=0.5)
    finally:
        pbx.thaw()
    assert "System uptime" in await pbx.cli("core show uptime")


async def test_a_killed_asterisk_comes_back_at_the_same_place(pbx: Asterisk) -> None:
    await answers(pbx, "1001", Talk(0.5), Hangup())
    first = pbx.pid
    await pbx.kill()
    assert not pbx.running
    await pbx.start()
    assert pbx.pid != first
    result = await pbx.caller(SUPPORT, []).call()
    assert (result.answered, result.ended_by) == (True, "pbx")


LONE = """
import asyncio, sys
from lab.asterisk import Asterisk
from lab.root import servers
async def main():
    pbx = Asterisk(servers(print))
    await pbx.start()
    print(pbx.pid, pbx.directory, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_asterisk_ends_with_a_process_that_is_killed(lab_servers: Servers) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LONE,
        env={**os.environ, "PYTHONPATH": str(DEPLOY)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(60):
        pid, directory = (await process.stdout.readline()).decode().split()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(lambda: pid not in os.listdir("/proc"), 20, "Asterisk to end with its parent")
    assert directory in map(str, lab_servers.instances.iterdir())
    remove_leftovers(lab_servers)
    assert directory not in map(str, lab_servers.instances.iterdir())


async def test_an_address_on_which_somebody_listens_is_not_free() -> None:
    """A server may outlive a lab that was killed."""
    first = addresses.claim(addresses.SERVERS)
    with socket.create_server((first.ip, 0)):
        first.release()
        second = addresses.claim(addresses.SERVERS)
        assert second.ip != first.ip
        second.release()
