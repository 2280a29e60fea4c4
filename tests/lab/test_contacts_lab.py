"""A customer with an open email calls, and the phone of the agent says so: the real Asterisk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.phones import Phone
from lab.plan import ALICE, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Hangup, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
DID = "12025550111"
ANN = "+4930555001"
PLAN = Plan(
    agents=(ALICE,),
    queues=(Queue("support", "12025550101", members=("1001",), ring=20),),
    files={"ccm-queues.conf": (SHIPPED / "dialplan" / "ccm-queues.conf").read_text()},
    dialplan=f"""
#include "ccm-queues.conf"
[trunk]
exten => {DID},1,Answer()
 same => n,Gosub(ccm-queue,s,1(support,,3))
 same => n,Set(DB(lab/${{CALLERID(num)}})=${{CALLERID(name)}})
 same => n,Hangup()
""",
)
CONVERSATION = """
INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)
SELECT n.id, q.id, $1, now(), now()
FROM ccm.node AS n JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = 'support'
RETURNING id
"""
TAKES_PART = "INSERT INTO ccm.conversation_participant VALUES ($1, $2, now())"


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    phone: Phone
    daemon: Daemon
    url: str

    async def ccm(self, *arguments: str, code: int = 0) -> Any:
        """Run `ccm … --json`; what it printed."""
        ran = await self.daemon.ccm(*arguments, "--json")
        assert ran.code == code, ran
        return ran.json

    async def kept(self, wanted: dict[str, str]) -> None:
        """Wait until the AstDB has that of callers."""
        await witness.eventually(
            self.database, lambda seen: seen == wanted, PATIENCE, f"the AstDB to have {wanted}"
        )

    async def database(self) -> dict[str, str]:
        found = {}
        for line in (await self.pbx.cli("database show ccm-contact")).splitlines():
            key, colon, value = line.partition(": ")
            if colon and key.startswith("/ccm-contact/"):
                found[key.strip().removeprefix("/ccm-contact/")] = value.strip()
        found.pop("generation", None)
        return found

    async def rung(self, number: str, name: str = "") -> str:
        """How a call from there shows on the agent's phone: the From that it got."""
        before = self.phone.count("offered")
        await self.pbx.caller(DID, [], number, name).call()
        offered = [line.rest for line in self.phone.log() if line.word == "offered"]
        assert len(offered) == before + 1
        return offered[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("contacts")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        phone = pbx.phone("1001", [Answer(0.2), Talk(0.3), Hangup()])
        await phone.start()
        url = await postgres.create("contacts")
        async with Daemon(directory / "daemon", pbx, database_url=url, recording="never") as daemon:
            yield Scene(pbx, phone, daemon, url)


async def test_the_phone_shows_open_emails_of_the_caller(scene: Scene) -> None:
    assert await scene.database() == {}
    made = await scene.ccm("contact", "add", "Ann", "ann@x.example", ANN)
    for subject in ("Broken", "Late"):
        (row,) = await rows(scene.url, CONVERSATION, subject)
        await rows(scene.url, TAKES_PART, row["id"], "ann@x.example")
    await scene.kept({ANN: "2 open emails"})
    shown = await scene.rung(ANN, "Ann O'Neil, ${X}")
    assert '"Ann O\'Neil, ${X} (2 open emails)" <sip:+4930555001@' in shown
    assert '"(2 open emails)" <sip:+4930555001@' in await scene.rung(ANN)
    # Others are as they were.
    shown = await scene.rung("+4930555002", "Bob, the other")
    assert '"Bob, the other" <sip:+4930555002@' in shown
    sql = "SELECT caller_name, id FROM ccm.interaction WHERE caller_num = $1 ORDER BY started_at"
    stored = await witness.eventually(
        lambda: rows(scene.url, sql, ANN), lambda seen: len(seen) == 2, PATIENCE, "both calls"
    )
    assert [row["caller_name"] for row in stored] == ["Ann O'Neil, ${X}", ""]
    whole = await scene.ccm("interaction", "show", str(stored[0]["id"]))
    assert whole["contact"]["id"] == made["contact_id"]
    assert {one["subject"] for one in whole["contact"]["open_conversations"]} == {"Broken", "Late"}


async def test_numbers_are_known_in_the_forms_of_the_rule(scene: Scene) -> None:
    await scene.ccm("contact", "settings", "country_code=49")
    text = "2 open emails"
    await scene.kept({ANN: text, "004930555001": text, "030555001": text})
    assert "(2 open emails)" in await scene.rung("030555001", "Ann")
    journey = await scene.ccm("contact", "show", ANN)
    assert [row["address"] for row in journey["journey"]][-1] == "030555001"


async def test_it_goes_on_without_the_daemon_and_ends_with_the_emails(scene: Scene) -> None:
    await scene.daemon.kill()
    assert '"Ann (2 open emails)"' in await scene.rung(ANN, "Ann")
    closed = "UPDATE ccm.conversation SET state = 'closed', closed_at = now() WHERE subject = $1"
    await rows(scene.url, closed, "Broken")
    await scene.daemon.start()
    await witness.eventually(
        scene.database, lambda seen: seen.get(ANN) == "1 open email", PATIENCE, "one to be left"
    )
    assert '"Ann (1 open email)"' in await scene.rung(ANN, "Ann")
    await rows(scene.url, closed, "Late")
    await scene.kept({})
    assert '"Ann" <sip:' in await scene.rung(ANN, "Ann")


async def test_behind_the_queue_the_name_is_as_it_came(scene: Scene) -> None:
    (row,) = await rows(scene.url, CONVERSATION, "Again")
    await rows(scene.url, TAKES_PART, row["id"], "ann@x.example")
    await witness.eventually(scene.database, bool, PATIENCE, "it to be there")
    await scene.pbx.cli("queue pause member PJSIP/1001")
    await scene.pbx.caller(DID, [], ANN, "Ann, the first").call()
    told = await scene.pbx.cli(f"database get lab {ANN}")
    assert told.strip() == "Value: Ann, the first"
    await scene.pbx.cli("queue unpause member PJSIP/1001")
    await scene.ccm("contact", "settings", "show_on_phone=no")
    await scene.kept({})
