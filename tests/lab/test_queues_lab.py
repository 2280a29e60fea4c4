"""Queues by asterisk/dialplan/ccm-queues.conf on a real Asterisk: hours, overflow, priorities."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.phones import Caller
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Hangup, Talk

from ccmiddleware.queues.hours import DAYS

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
SUPPORT, SALES, SOUTH, LOOP = "12025550111", "12025550112", "12025550113", "12025550114"
DIDS = {SUPPORT: "support", SALES: "sales", SOUTH: "Süd West", LOOP: "loop1"}
NUMBERS = "\n".join(
    f"""
exten => {did},1,Answer()
 same => n,Gosub(ccm-queue,s,1({queue}))
 same => n,Set(DB(lab/${{CALLERID(num)}})=back:${{CCM_QUEUE_WHY}})
 same => n,Hangup()"""
    for did, queue in DIDS.items()
)
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(
        Queue("support", "12025550101", members=("1001",), ring=20),
        Queue("sales", "12025550102", members=("1002",), ring=20),
        Queue("Süd West", "12025550103", members=("1002",), ring=20, keys=""),
    ),
    manager=("ccm-agents.conf",),
    files={"ccm-queues.conf": (SHIPPED / "dialplan" / "ccm-queues.conf").read_text()},
    dialplan=f"""
#include "ccm-queues.conf"
[trunk]
{NUMBERS}

[overflow]
exten => 4711,1,Set(DB(lab/${{CALLERID(num)}})=extension)
 same => n,Hangup()

[globals]
CCM_QUEUE_CONTEXT = overflow
""",
)


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    daemon: Daemon
    url: str

    async def ccm(self, *arguments: str, code: int = 0) -> str:
        """Run `ccm queue …`; what it printed on both outputs."""
        ran = await self.daemon.ccm("queue", *arguments)
        assert ran.code == code, ran
        return ran.out + ran.err

    async def set(self, queue: str, *settings: str) -> None:
        """Set, and be told that Asterisk has it."""
        assert "applied in Asterisk at" in await self.ccm("set", queue, *settings)

    async def database(self) -> dict[str, str]:
        """What the AstDB has of queues."""
        found = {}
        for line in (await self.pbx.cli("database show ccm-queues")).splitlines():
            key, colon, value = line.partition(": ")
            if colon and key.startswith("/ccm-queues/"):
                found[key.strip().removeprefix("/ccm-queues/")] = value.strip()
        return found

    async def fate(self, number: str, did: str = SUPPORT) -> str:
        """Where a caller who is not served ended up."""
        await self.pbx.caller(did, [], number).call()
        return await self.noted(number)

    async def noted(self, number: str) -> str:
        told = await self.pbx.cli(f"database get lab {number}")
        return told.strip().removeprefix("Value: ")

    async def caller(self, number: str, did: str = SUPPORT) -> Caller:
        """A caller who has joined a queue when this returns."""
        caller = self.pbx.caller(did, [], number)
        await caller.start()
        await until(
            lambda: witness.unique_id(self.pbx, number) != "", PATIENCE, f"{number} to join"
        )
        return caller

    async def pause(self, extension: str, paused: bool = True) -> None:
        how = "pause" if paused else "unpause"
        await self.pbx.cli(f"queue {how} member PJSIP/{extension}")

    async def visits(self, number: str) -> list[tuple[str, str]]:
        """Queue and outcome of each visit of the one interaction of that number, once it ended."""
        sql = """
            SELECT q.name AS queue, v.outcome, i.state, i.id
            FROM ccm.interaction AS i JOIN ccm.queue_visit AS v ON v.interaction_id = i.id
            JOIN ccm.queue AS q ON q.id = v.queue_id
            WHERE i.caller_num = $1 ORDER BY v.ordinal
        """
        found = await witness.eventually(
            lambda: rows(self.url, sql, number),
            lambda seen: bool(seen) and all(row["state"] == "ended" for row in seen),
            PATIENCE,
            f"the call of {number} to end",
        )
        assert len({row["id"] for row in found}) == 1
        return [(row["queue"], row["outcome"]) for row in found]

    async def turned_away(self, number: str, wanted: list[tuple[str, str, str]]) -> None:
        """Wait until it is told of that caller: queue, why, destination."""
        sql = """
            SELECT queue, why, destination, did FROM report.queue_turned_away
            WHERE caller = $1 ORDER BY at, queue
        """
        found = await witness.eventually(
            lambda: rows(self.url, sql, number),
            lambda seen: len(seen) >= len(wanted),
            PATIENCE,
            f"{number} to be counted",
        )
        assert [(row["queue"], row["why"], row["destination"]) for row in found] == wanted
        assert {row["did"] for row in found} <= set(DIDS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("queues")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        await pbx.phone("1001", [Answer(2.0), Talk(0.5), Hangup()]).start()
        await pbx.phone("1002", [Answer(0.2), Talk(0.5), Hangup()]).start()
        url = await postgres.create("queues")
        daemon = Daemon(
            directory / "daemon",
            pbx,
            database_url=url,
            recording="never",
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
        )
        async with daemon:
            yield Scene(pbx, daemon, url)


def other_days() -> str:
    """Hours that hold neither today nor the days beside it."""
    today = datetime.now(UTC).weekday()  # noqa: TID251 - the lab's Asterisk has the real time
    return f"{DAYS[(today + 3) % 7]} 09:00-10:00"


async def test_a_queue_of_which_nothing_is_set_is_as_before(scene: Scene) -> None:
    assert await scene.database() == {}
    result = await scene.pbx.caller(SUPPORT, [], "12025550301").call()
    assert result.ended_by == "pbx"
    assert await scene.visits("12025550301") == [("support", "answered")]


async def test_hours_close_and_open_without_reload(scene: Scene) -> None:
    await scene.set("support", f"hours={other_days()}", "closed_sound=custom/we-are-closed")
    assert await scene.fate("12025550302") == "back:closed"
    assert "closed (weekly hours)" in await scene.ccm("hours", "support")
    await scene.set("support", "hours=mon-sun 00:00-24:00")
    await scene.caller("12025550303")
    assert await scene.visits("12025550303") == [("support", "answered")]
    await scene.turned_away("12025550302", [("support", "closed", "continue")])
    log = (scene.pbx.directory / "log" / "messages").read_text(errors="replace")
    assert "custom/we-are-closed" in log
    assert (await scene.database())["support/closed-sound"] == "custom/we-are-closed"


async def test_who_is_closed_by_hand_is_closed_until_then(scene: Scene) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251
    await scene.set("support", "closed_to=extension:4711")
    assert "applied" in await scene.ccm("close", "support", "--until", soon)
    assert await scene.fate("12025550304") == "extension"
    told = json.loads(await scene.ccm("hours", "support", "--json"))
    assert (told["open"], told["why"]) == (False, "by hand")
    assert told["changes_at"] == soon.replace("Z", "+00:00")
    assert "applied" in await scene.ccm("resume", "support")
    await scene.caller("12025550305")
    assert await scene.visits("12025550305") == [("support", "answered")]
    await scene.turned_away("12025550304", [("support", "closed", "extension:4711")])


async def test_an_extension_that_is_not_in_the_context_is_not_entered(scene: Scene) -> None:
    await scene.set("support", "closed_to=extension:1001", f"hours={other_days()}")
    assert await scene.fate("12025550306") == "back:closed"
    await scene.set("support", "closed_to=hangup")
    await scene.pbx.caller(SUPPORT, [], "12025550307").call()
    assert "not found" in await scene.noted("12025550307")
    await scene.turned_away("12025550307", [("support", "closed", "hangup")])
    await scene.set("support", "closed_to=", "hours=", "closed_sound=")
    assert await scene.database() == {"generation": (await scene.database())["generation"]}


async def test_who_waited_long_enough_goes_to_the_other_queue(scene: Scene) -> None:
    await scene.pause("1001")
    await scene.set("support", "max_wait=1", "overflow_to=queue:sales")
    await scene.caller("12025550308")
    assert await scene.visits("12025550308") == [("support", "timed_out"), ("sales", "answered")]
    await scene.set("support", "overflow_to=")
    assert await scene.fate("12025550309") == "back:TIMEOUT"
    assert await scene.visits("12025550309") == [("support", "timed_out")]
    await scene.set("support", "max_wait=")


async def test_overflow_by_number_and_by_estimated_wait(scene: Scene) -> None:
    await scene.set("support", "max_waiting=1", "overflow_to=extension:4711")
    waiting = await scene.caller("12025550310")
    assert await scene.fate("12025550311") == "extension"
    await scene.turned_away("12025550311", [("support", "waiting", "extension:4711")])
    # Three talks were answered some two seconds after they came: so long it takes the next one.
    await scene.set("support", "max_waiting=", "max_estimated_wait=1")
    await witness.eventually(
        scene.database, lambda seen: "support/pace" in seen, PATIENCE, "a pace"
    )
    assert 1.5 < float((await scene.database())["support/pace"]) < 20
    assert await scene.fate("12025550312") == "extension"
    await scene.turned_away("12025550312", [("support", "estimated_wait", "extension:4711")])
    await scene.set("support", "max_estimated_wait=1000")
    second = await scene.caller("12025550313")
    await scene.pause("1001", False)
    for caller in (waiting, second):
        await caller.result(PATIENCE)
    assert await scene.visits("12025550313") == [("support", "answered")]
    await scene.set("support", "max_estimated_wait=", "overflow_to=")


async def test_who_has_priority_is_answered_before_those_who_came_first(scene: Scene) -> None:
    await scene.ccm("priority", "add", "sales", "caller", "1 (202) 555-0315", "10")
    await scene.ccm("priority", "add", "sales", "did", SALES, "5")
    await scene.ccm("priority", "add", "sales", "did", SOUTH, "20")
    await scene.pause("1002")
    callers = [await scene.caller("12025550314", SALES), await scene.caller("12025550315", SALES)]
    shown = await scene.pbx.cli("queue show sales")
    assert "prio: 5)" in shown
    assert "prio: 10)" in shown
    await scene.pause("1002", False)
    for caller in callers:
        await caller.result(PATIENCE)
    connected = [row.call for row in scene.pbx.queue_log() if row.event == "CONNECT"]
    first, second = (witness.unique_id(scene.pbx, f"1202555031{n}") for n in (4, 5))
    assert connected.index(second) < connected.index(first)


async def test_recording_is_announced_and_penalties_are_limited(scene: Scene) -> None:
    await scene.set("Süd West", "recording_sound=custom/we-record", "max_penalty=3", "max_wait=2")
    await scene.pbx.cli('queue set penalty 5 on PJSIP/1002 in "Süd West"')
    assert await scene.fate("12025550320", SOUTH) == "back:TIMEOUT"
    await scene.set("Süd West", "max_penalty=5", "max_wait=")
    await scene.caller("12025550321", SOUTH)
    assert await scene.visits("12025550321") == [("Süd West", "answered")]
    log = (scene.pbx.directory / "log" / "messages").read_text(errors="replace")
    assert "custom/we-record" in log
    await scene.set("Süd West", "recording_sound=", "max_penalty=")


async def test_past_the_horizon_a_queue_counts_as_open(scene: Scene) -> None:
    await scene.pbx.cli('database put "ccm-queues/Süd West" until 1000000000')
    await scene.caller("12025550322", SOUTH)
    assert await scene.visits("12025550322") == [("Süd West", "answered")]
    await scene.pbx.cli('database put "ccm-queues/Süd West" until 9999999999')
    assert await scene.fate("12025550323", SOUTH) == "back:closed"
    await scene.turned_away("12025550323", [("Süd West", "closed", "continue")])


async def test_circles_end(scene: Scene) -> None:
    """The data that make one can't be set with ccm; so they are put by hand."""
    refused = await scene.ccm("set", "sales", "overflow_to=queue:nowhere", code=2)
    assert "there is no queue 'nowhere'" in refused
    await scene.set("support", "overflow_to=queue:sales")
    refused = await scene.ccm("set", "sales", "closed_to=queue:support", code=2)
    assert "sales → support → sales" in refused
    await scene.set("support", "overflow_to=")
    for queue, other in (("loop1", "loop2"), ("loop2", "loop1")):
        await scene.pbx.cli(f"database put ccm-queues/{queue} until 9999999999")
        await scene.pbx.cli(f"database put ccm-queues/{queue} closed-to queue:{other}")
    assert await scene.fate("12025550316", LOOP) == "back:closed"
    await scene.turned_away(
        "12025550316", [("loop1", "closed", "queue:loop2"), ("loop2", "closed", "queue:loop1")]
    )


async def test_all_of_it_works_without_the_daemon_and_is_counted_afterwards(scene: Scene) -> None:
    await scene.set("support", f"hours={other_days()}", "closed_to=queue:sales")
    await scene.daemon.kill()
    await scene.caller("12025550317")
    assert "not applied" not in await scene.ccm("show-settings", "support")
    assert "no daemon leads lab" in await scene.ccm("set", "support", "closed_to=hangup")
    await scene.daemon.start()
    await scene.turned_away("12025550317", [("support", "closed", "queue:sales")])
    await witness.eventually(
        scene.database,
        lambda seen: seen.get("support/closed-to") == "hangup",
        PATIENCE,
        "what was set meanwhile",
    )
    assert await scene.visits("12025550317") == [("sales", "answered")]
    await scene.turned_away("12025550317", [("support", "closed", "queue:sales")])


async def test_what_asterisk_lost_is_written_anew(scene: Scene) -> None:
    before = await scene.database()
    assert before["support/closed-to"] == "hangup"
    assert before["sales/caller/12025550315"] == "10"
    await scene.pbx.cli("database deltree ccm-queues")
    await until_again(scene, before)
    await scene.pbx.kill()
    for file in (scene.pbx.directory / "lib").glob("astdb.sqlite3*"):
        file.unlink()
    await scene.pbx.start()
    await until_again(scene, before)
    told = await rows(scene.url, "SELECT DISTINCT error FROM ccm.queue_applied")
    assert told == [{"error": ""}]


async def until_again(scene: Scene, wanted: dict[str, Any]) -> None:
    await witness.eventually(
        scene.database, lambda seen: seen == wanted, PATIENCE, "the settings to be there again"
    )


async def test_nothing_was_refused_and_each_was_counted_once(scene: Scene) -> None:
    assert await rows(scene.url, "SELECT * FROM ccm.rejected_fact") == []
    both = """
        SELECT count(*) AS rows, (SELECT count(*) FROM ccm.queue_turned_away) AS counted
        FROM ccm.queue_log_row WHERE event IN ('CCMCLOSED', 'CCMOVERFLOW')
    """
    found = await witness.eventually(
        lambda: rows(scene.url, both), lambda seen: seen[0]["rows"] >= 9, PATIENCE, "queue_log"
    )
    assert found[0]["rows"] == found[0]["counted"]
    log = (scene.pbx.directory / "log" / "messages").read_text(errors="replace")
    complaints = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    ours = ("ccm-queue", "syntax error", "pbx_functions", "func_")
    assert [line for line in complaints if any(word in line for word in ours)] == []
