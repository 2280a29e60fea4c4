"""Emails in the Asterisk queue of the calls, on real servers: one order, and each given once."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.mail import Mail
from lab.phones import Phone
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.processes import until
from lab.root import Servers, mail_servers
from lab.script import Answer, Obey
from stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

PATIENCE = 60.0
SUPPORT = "12025550101"
HELP = "help@shop.example"
NAMES = {"1001": "Alice Arnold", "1002": "Jörg Müller"}
MAIL_OF = {"1001": "alice@shop.example", "1002": "joerg@shop.example"}
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(Queue("support", SUPPORT, members=(), keys="", ring=20, more=("ringinuse = no",)),),
    manager=("ccm-agents.conf", "ccm-work.conf"),
    files={"ccm-work.conf": (SHIPPED / "dialplan" / "ccm-work.conf").read_text()},
    dialplan='\n#include "ccm-work.conf"\n',
)
MAILBOX = """
[mailbox.help]
queue = "support"
address = "{address}"
host = "{host}"
port = {port}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
poll_seconds = 2
timeout = 5
"""
ITEMS = """
SELECT w.number, w.state, w.priority, w.outcome, w.reason, w.id, e.subject, a.interface,
    (SELECT count(*) FROM ccm.work_placement p WHERE p.item_id = w.id) AS placements
FROM ccm.work_item w JOIN ccm.email e ON e.id = w.id LEFT JOIN ccm.agent a ON a.id = w.agent_id
ORDER BY w.number
"""


def mail(who: str, subject: str) -> bytes:
    return (
        f"From: {who.title()} <{who}@customer.example>\r\nTo: {HELP}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{who}.{subject}@customer.example>\r\n\r\nHello, {subject}?\r\n"
    ).encode()


@dataclass
class Desk:
    """The servers of this module."""

    pbx: Asterisk
    stage: Stage
    daemon: Daemon
    mail: Mail
    url: str
    phones: dict[str, Phone]

    async def joins(self, *extensions: str) -> None:
        """Agents become members of the queue, with a state that knows of their work."""
        for extension in extensions:
            told = await self.pbx.cli(
                f'queue add member PJSIP/{extension} to support penalty 0 as "{NAMES[extension]}" '
                f"state_interface hint:{extension}@ccm-agents-state"
            )
            assert "Added interface" in told, told
        await witness.eventually(
            lambda: rows(self.url, "SELECT interface FROM ccm.agent"),
            lambda found: (
                {f"PJSIP/{one}" for one in extensions} <= {str(row["interface"]) for row in found}
            ),
            30,
            "agents known",
        )
        for extension in extensions:
            await rows(
                self.url, "UPDATE ccm.agent SET email = $1 WHERE interface = $2",
                MAIL_OF[extension], f"PJSIP/{extension}",
            )  # fmt: skip

    async def leave(self) -> None:
        """Nobody is a member any more, and nothing is left to do."""
        shown = await self.pbx.cli("queue show support")
        for extension in NAMES:
            if f"PJSIP/{extension}" in shown:
                await self.pbx.cli(f"queue remove member PJSIP/{extension} from support")
        for one in await self.items(lambda found: True, "them"):
            await rows(self.url, "SELECT ccm.end_work($1, 'closed', now())", one["id"])
        standing = "SELECT FROM ccm.work_placement WHERE ended_at IS NULL"
        await witness.eventually(
            lambda: rows(self.url, standing), lambda found: not found, 30, "placeholders gone"
        )

    async def arrives(self, *messages: bytes) -> None:
        for message in messages:
            await asyncio.to_thread(self.mail.append, HELP, message)

    async def items(
        self, fits: Callable[[list[dict[str, Any]]], bool], what: str, seconds: float = PATIENCE
    ) -> list[dict[str, Any]]:
        async def found() -> list[dict[str, Any]]:
            return [dict(row) for row in await rows(self.url, ITEMS)]

        return await witness.eventually(found, fits, seconds, what)

    async def item(self, subject: str, **wanted: object) -> dict[str, Any]:
        """Wait until the item of that subject is stored like this."""

        def fits(found: list[dict[str, Any]]) -> bool:
            return any(
                one["subject"] == subject and all(one[key] == wanted[key] for key in wanted)
                for one in found
            )

        found = await self.items(fits, f"{subject}: {wanted}")
        return next(one for one in found if one["subject"] == subject)

    def steps(self, item: dict[str, Any], event: str, *data: str) -> int:
        """How often queue_log tells that of an item's placeholders."""
        return sum(
            row.event == event and item["id"].hex in row.call and row.data[: len(data)] == data
            for row in self.pbx.queue_log()
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    directory = tmp_path_factory.mktemp("work")
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with (
        Mail(servers, [HELP, *MAIL_OF.values()]) as system,
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "postgres") as postgres,
    ):
        phones = {one: pbx.phone(one, [Answer(0.2), Obey()]) for one in NAMES}
        for phone in phones.values():
            await phone.start()
        url = await postgres.create("work")
        secret = directory / "mailbox.secret"
        secret.touch(mode=0o600)
        secret.write_text(system.password)
        more = MAILBOX.format(
            address=HELP, host=system.host, port=system.imaps_port, ca=system.certificate,
            secret=secret,
        )  # fmt: skip
        daemon = Daemon(
            directory / "daemon", pbx, database_url=url, recording="never", more=more,
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
        )  # fmt: skip
        async with daemon:
            yield Desk(pbx, Stage(pbx), daemon, system, url, phones)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: Desk) -> AsyncIterator[Desk]:
    for phone in site.phones.values():
        await phone.replug([Answer(0.2), Obey()])
    yield site
    await site.leave()


async def test_an_agent_takes_an_email_on_the_phone_and_is_busy_until_it_is_done(
    desk: Desk,
) -> None:
    await desk.arrives(mail("carl", "Parcel"))
    await desk.item("Parcel", state="waiting")
    await desk.joins("1001")
    item = await desk.item("Parcel", state="queued")
    await desk.phones["1001"].seen("answered")
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    taken = await desk.item("Parcel", state="working", interface="PJSIP/1001")
    assert taken["placements"] == 1
    shown = await desk.pbx.cli("queue show support")
    assert "In use" in shown
    assert await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", taken["id"])

    async def members() -> str:
        return await desk.pbx.cli("queue show support")

    await witness.eventually(members, lambda text: "Not in use" in text, 20, "Alice is free")
    sql = "SELECT channel, outcome, agents, offers, segments FROM report.interaction"
    (row,) = await rows(desk.url, sql)
    assert row == {
        "channel": "email", "outcome": "answered", "agents": ["Alice Arnold"], "offers": 1,
        "segments": 1,
    }  # fmt: skip


async def test_an_email_given_back_comes_again(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.arrives(mail("dora", "Refund"))
    item = await desk.item("Refund", state="queued")
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("2")
    await until(lambda: desk.steps(item, "CONNECT") == 2, PATIENCE, "the next offer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    await desk.item("Refund", state="working", placements=2)
    sql = "SELECT outcome FROM ccm.offer WHERE interaction_id = $1 ORDER BY ordinal"
    assert [row["outcome"] for row in await rows(desk.url, sql, item["id"])] == [
        "ring_no_answer",
        "answered",
    ]
