"""Skills route calls on a real Asterisk: the skilled agent first, the other one after a while."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from lab.asterisk import Asterisk, QueueLogRow
from lab.daemon import Daemon
from lab.database import Database
from lab.phones import Caller
from lab.plan import ALICE, CHEN, JOERG, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Obey, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 60.0
DID = "12025550101"
RELAXED_AFTER = 4
PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        Queue("support", DID, members=("1001", "1002"), ring=10),
        Queue("sales", "12025550102", members=("1002",)),
    ),
    manager=("ccm-agents.conf",),
    dialplan="[globals]\nQUEUE_MAX_PENALTY = 999\n",
)


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    daemon: Daemon

    async def ccm(self, *arguments: str) -> None:
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == 0, ran

    async def penalties(self, queue: str = "support") -> dict[str, int]:
        """The penalty of each member, as Asterisk has it."""
        told = await self.pbx.cli(f"queue show {queue}")
        return {
            found[1]: int(found[2] or 0)
            for found in re.finditer(r"\((PJSIP/\d+)\)(?: with penalty (\d+))?", told)
        }

    async def become(self, wanted: dict[str, int]) -> None:
        """Wait until the penalties in support are these."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while (found := await self.penalties()) != wanted:
            assert loop.time() < deadline, f"{found} and not {wanted}"
            await asyncio.sleep(0.1)

    async def answered(self, number: int) -> QueueLogRow:
        """The row of the answered call of this number, once it is there."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            found = [row for row in self.pbx.queue_log() if row.event == "CONNECT"]
            if len(found) >= number:
                return found[number - 1]
            assert loop.time() < deadline, found
            await asyncio.sleep(0.1)

    async def call(self, number: str) -> Caller:
        caller = self.pbx.caller(DID, [Obey()], number)
        await caller.start()
        return caller


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("skills")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        for extension in ("1001", "1002"):
            await pbx.phone(extension, [Answer(0.2), Talk()]).start()
        url = await postgres.create("skills")
        daemon = Daemon(directory / "daemon", pbx, database_url=url, recording="never")
        async with daemon:
            yield Scene(pbx, daemon)


async def test_the_skilled_agent_first_and_the_other_one_after_a_while(scene: Scene) -> None:
    await scene.become({"PJSIP/1001": 0, "PJSIP/1002": 0})
    await scene.ccm("skill", "add", "english")
    await scene.ccm("agent", "skill", "Alice Arnold", "english=90")
    await scene.ccm("queue", "skill", "support", "english", "--min", "60",
                    "--relax", f"{RELAXED_AFTER}s=0")  # fmt: skip
    await scene.become({"PJSIP/1001": 1, "PJSIP/1002": 1010})
    assert await scene.penalties("sales") == {"PJSIP/1002": 0}
    first = await scene.call("12025550301")
    assert (await scene.answered(1)).agent == "Alice Arnold"
    second = await scene.call("12025550302")
    connected = await scene.answered(2)
    assert connected.agent == "Jörg Müller"
    assert int(connected.data[0]) >= RELAXED_AFTER  # held, before anybody's phone rang for it
    assert "RINGNOANSWER" not in {row.event for row in scene.pbx.queue_log()}
    await scene.become({"PJSIP/1001": 1, "PJSIP/1002": 1010})
    for caller in (first, second):
        await caller.hang_up()
        await caller.done()
    rows = await scene.daemon.rows("queue", "penalties", "support")
    assert [(row["agent"], row["wanted"], row["why"]) for row in rows] == [
        ("Alice Arnold", 1, "english 90"),
        ("Jörg Müller", 1010, "english 0 is below 60"),
    ]


async def test_a_reload_of_the_queues_does_not_last(scene: Scene) -> None:
    with (scene.pbx.directory / "etc" / "queues.conf").open("a") as file:
        file.write("; changed\n")
    await scene.pbx.cli("queue reload all")
    assert await scene.penalties() == {"PJSIP/1001": 0, "PJSIP/1002": 0}
    await scene.become({"PJSIP/1001": 1, "PJSIP/1002": 1010})


async def test_who_logs_in_gets_it_and_a_dead_daemon_changes_nothing(scene: Scene) -> None:
    await scene.ccm("agent", "login", "PJSIP/1003", "--queue", "support", "--name", "Chen Wei")
    wanted = {"PJSIP/1001": 1, "PJSIP/1002": 1010, "PJSIP/1003": 1010}
    await scene.become(wanted)
    await scene.daemon.kill()
    assert await scene.penalties() == wanted
    await scene.pbx.cli("queue set penalty 3 on PJSIP/1003 in support")
    await scene.become({**wanted, "PJSIP/1003": 3})
    await scene.daemon.start()
    await scene.become(wanted)
