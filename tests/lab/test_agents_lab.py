"""Agents act by `ccm agent …` and by the feature codes of asterisk/dialplan, on a real Asterisk."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.plan import ALICE, CHEN, JOERG, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Hangup, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
SUPPORT, SALES = "12025550101", "12025550102"
PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        Queue("support", SUPPORT, members=(), ring=10),
        Queue("sales", SALES, members=(), ring=10),
    ),
    manager=("ccm-agents.conf",),
    files={"ccm-agents.conf": (SHIPPED / "dialplan" / "ccm-agents.conf").read_text()},
    dialplan="""
#include "ccm-agents.conf"
[agents]
include => ccm-agents
[globals]
CCM_QUEUES = support&sales
CCM_PAUSE_1 = break
CCM_PAUSE_22 = Mittag äö, jetzt
""",
)
OWN = (
    'database put ccm-agents/1001 name "Alice Arnold"',
    "database put ccm-agents/1002 queues support",
    'database put ccm-agents/1002 name "Jörg, Müller"',
    "database put ccm-agents/1002 penalty 5",
)
FORCED = """
[queue.sales]
wrap_up_seconds = 4
wrap_up_pause = true
"""
PRESENT = "SELECT state, reason FROM report.agent_state WHERE interface = $1 AND ended_at IS NULL"


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    daemon: Daemon
    url: str

    async def dial(self, extension: str, number: str) -> None:
        """An agent dials a code and listens to the tone."""
        result = await self.pbx.agent_call(extension, number, []).call()
        assert result.answered, result

    async def members(self, queue: str) -> dict[str, str]:
        """Members of the queue by interface, with what `queue show` says of them."""
        told = await self.pbx.cli(f"queue show {queue}")
        lines = [line.strip() for line in told.splitlines() if "PJSIP/" in line]
        return {f"PJSIP/{line.partition('PJSIP/')[2][:4]}": line for line in lines}

    async def eventually(self, wanted: object, sql: str, *arguments: object) -> None:
        """Wait until the database answers this."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while (found := await rows(self.url, sql, *arguments)) != wanted:
            assert loop.time() < deadline, f"{arguments}: {found} and not {wanted}"
            await asyncio.sleep(0.1)

    async def state(self, interface: str, state: str, reason: str = "") -> None:
        """Wait until the present state of the agent is stored as this."""
        await self.eventually([{"state": state, "reason": reason}], PRESENT, interface)

    async def answered_call(self, number: str, did: str = SUPPORT) -> None:
        """A caller talks to an agent for a moment."""
        result = await self.pbx.caller(did, [], number).call()
        assert result.answered

    async def disposition(self, number: str, wanted: str | None) -> None:
        """Wait until the call of that number has this disposition."""
        sql = "SELECT disposition FROM report.interaction WHERE caller = $1 AND state = 'ended'"
        await self.eventually([{"disposition": wanted}], sql, number)

    async def ccm(self, *arguments: str, code: int = 0) -> str:
        """Run ccm; what it printed on both outputs."""
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == code, ran
        return ran.out + ran.err


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("agents")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        for command in OWN:
            await pbx.cli(command)
        await pbx.phone("1001", [Answer(0.2), Talk(1), Hangup()]).start()
        url = await postgres.create("agents")
        daemon = Daemon(directory / "daemon", pbx, database_url=url, recording="never", more=FORCED)
        node = 'name = "lab"\n'
        text = daemon.config.read_text()
        assert node in text
        queue_log = json.dumps(str(pbx.queue_log_path))
        daemon.config.write_text(text.replace(node, f"{node}queue_log = {queue_log}\n", 1))
        async with daemon:
            yield Scene(pbx, daemon, url)


async def test_codes_log_in_pause_and_log_out(scene: Scene) -> None:
    await scene.dial("1001", "*11")
    await scene.dial("1002", "*11")
    support = await scene.members("support")
    assert support["PJSIP/1001"].startswith("Alice Arnold (PJSIP/1001) (")
    assert support["PJSIP/1002"].startswith("Jörg Müller (PJSIP/1002) with penalty 5")
    assert set(await scene.members("sales")) == {"PJSIP/1001"}
    await scene.state("PJSIP/1001", "idle")
    await scene.dial("1001", "*131")
    await scene.dial("1002", "*1322")
    support = await scene.members("support")
    assert "(paused:break was" in support["PJSIP/1001"]
    assert "(paused:Mittag äö jetzt was" in support["PJSIP/1002"]
    await scene.state("PJSIP/1001", "paused", "break")
    await scene.state("PJSIP/1002", "paused", "Mittag äö jetzt")
    await scene.dial("1001", "*14")
    await scene.dial("1002", "*12")
    await scene.state("PJSIP/1001", "idle")
    await scene.state("PJSIP/1002", "logged_out")
    await scene.dial("1001", "*13")
    await scene.state("PJSIP/1001", "paused", "")
    await scene.dial("1001", "*14")
    await scene.dial("1001", "*12")
    await scene.state("PJSIP/1001", "logged_out")
    assert await scene.members("support") == {}


async def test_what_is_no_code_does_nothing(scene: Scene) -> None:
    await scene.dial("1001", "*11")
    before = len(scene.pbx.queue_log())
    for number in ("*139", "*157x", "*15123456789", "*157%2CSystem(touch)"):
        await scene.dial("1001", number)
    assert "paused" not in (await scene.members("support"))["PJSIP/1001"]
    assert scene.pbx.queue_log()[before:] == []
    await scene.dial("1001", "*12")


async def test_ccm_logs_in_pauses_and_logs_out(scene: Scene) -> None:
    chen = "PJSIP/1003"
    await scene.ccm("agent", "login", chen, "--queue", "sales", "--queue", "support",
                    "--name", "Chen Wei", "--penalty", "2")  # fmt: skip
    assert (await scene.members("sales"))[chen].startswith("Chen Wei (PJSIP/1003) with penalty 2")
    await scene.state(chen, "idle")
    again = await scene.ccm("agent", "login", "Chen Wei", "--queue", "sales")
    assert "it was so already" in again
    await scene.ccm("agent", "pause", "chen wei", "--reason", "Kaffee ☕")
    for queue in ("sales", "support"):
        assert "(paused:Kaffee ☕ was" in (await scene.members(queue))[chen]
    await scene.state(chen, "paused", "Kaffee ☕")
    await scene.ccm("agent", "unpause", "1003", "--queue", "sales")
    assert "paused" not in (await scene.members("sales"))[chen]
    assert "paused" in (await scene.members("support"))[chen]
    await scene.state(chen, "idle")
    refused = await scene.ccm("agent", "login", "1003", "--queue", "nowhere", code=1)
    assert "No such queue" in refused
    await scene.ccm("agent", "logout", "1003", "--all")
    await scene.state(chen, "logged_out")
    assert chen not in await scene.members("support")
    listed = await scene.daemon.rows("command", "list")
    assert [row["state"] for row in listed] == ["done", "refused", *["done"] * 4]


async def test_a_disposition_is_keyed_in_after_the_call(scene: Scene) -> None:
    await scene.ccm("disposition", "add", "sold", "--keypad", "42")
    await scene.dial("1001", "*11")
    await scene.answered_call("12025550301")
    await scene.disposition("12025550301", None)
    await scene.dial("1001", "*1542")
    await scene.disposition("12025550301", "sold")
    await scene.answered_call("12025550302")
    await scene.dial("1001", "*157")
    await scene.disposition("12025550302", "7")
    await scene.disposition("12025550301", "sold")


async def test_a_forced_wrap_up_ends_by_disposition_and_by_time(scene: Scene) -> None:
    alice = "PJSIP/1001"
    await scene.dial("1001", "*11")
    await scene.state(alice, "idle")
    await scene.answered_call("12025550311", SALES)
    await scene.state(alice, "wrap_up")
    await scene.dial("1001", "*1542")
    await scene.state(alice, "idle")
    for queue in ("sales", "support"):
        assert "paused" not in (await scene.members(queue))[alice]
    await scene.disposition("12025550311", "sold")
    await scene.answered_call("12025550312", SALES)
    await scene.state(alice, "wrap_up")
    await scene.state(alice, "idle")
    paused = [row for row in scene.pbx.queue_log() if row.event == "PAUSE"]
    forced = [row for row in paused if row.data == ("wrap-up",)]
    assert len(forced) == 4, (paused, scene.daemon.process.last_words())
    sql = """
        SELECT state, round(seconds) AS seconds FROM report.agent_state
        WHERE interface = $1 AND state IN ('wrap_up', 'paused')
            AND started_at > (SELECT max(ended_at) FROM report.interaction WHERE caller = $2)
            AND ended_at IS NOT NULL
    """
    (over,) = await rows(scene.url, sql, alice, "12025550311")
    assert over["state"] == "wrap_up"
    assert 3 <= int(str(over["seconds"])) <= 20


async def test_codes_work_without_the_daemon_and_are_seen_afterwards(scene: Scene) -> None:
    await scene.dial("1001", "*11")
    await scene.state("PJSIP/1001", "idle")
    await scene.daemon.kill()
    await scene.answered_call("12025550303")
    await scene.dial("1001", "*1542")
    await scene.dial("1001", "*131")
    await scene.dial("1002", "*11")
    assert "(paused:break was" in (await scene.members("support"))["PJSIP/1001"]
    await scene.daemon.start()
    await scene.state("PJSIP/1001", "paused", "break")
    await scene.state("PJSIP/1002", "idle")
    await scene.disposition("12025550303", "sold")
    await scene.disposition("12025550302", "7")
    given = await rows(scene.url, "SELECT code FROM ccm.disposition ORDER BY given_at")
    assert [row["code"] for row in given] == ["sold", "7", "sold", "sold"]


async def test_intervals_follow_each_other(scene: Scene) -> None:
    sql = """
        SELECT interface, started_at, ended_at, before
        FROM (
            SELECT interface, started_at, ended_at,
                lag(ended_at) OVER (PARTITION BY interface ORDER BY started_at) AS before,
                row_number() OVER (PARTITION BY interface ORDER BY started_at) AS number
            FROM report.agent_state
        ) AS s
        WHERE number > 1 AND before IS DISTINCT FROM started_at
    """
    assert await rows(scene.url, sql) == []
    refused = await rows(scene.url, "SELECT * FROM ccm.rejected_fact")
    assert refused == []
