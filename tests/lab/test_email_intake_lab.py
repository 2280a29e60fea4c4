"""Email from a real Dovecot into Postgres, while the daemon and the server are killed."""

import asyncio
import random
import smtplib
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import Asterisk
from lab.daemon import Daemon, part
from lab.database import Database, rows
from lab.mail import Mail
from lab.plan import Agent, Plan, Queue
from lab.root import Servers, mail_servers

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

HELP, SALES, CARL = "help@shop.example", "sales@shop.example", "carl@customer.example"
PLAN = Plan(
    agents=(Agent("1001", "Ada"),),
    queues=(Queue("open", "12025550101", members=("1001",), ring=20),),
)
MAILBOX = """
[mailbox.{name}]
queue = "open"
address = "{address}"
host = "{host}"
port = {port}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
poll_seconds = 2
timeout = 5
{more}
"""


def mail(
    number: int, subject: str = "", more: str = "", text: str = "Hello", name: str = ""
) -> bytes:
    """A message of Carl's. Many in an hour from one would be held, so everybody is another one."""
    return (
        f"From: Carl <carl{number}@customer.example>\r\nTo: {HELP}\r\n"
        f"Subject: {subject or number}\r\nMessage-ID: <{name or number}@customer.example>\r\n"
        f"Date: Sat, 28 Nov 2026 09:00:00 +0000\r\n{more}\r\n{text}\r\n"
    ).encode()


@dataclass
class Desk:
    """The servers, and what is stored."""

    daemon: Daemon
    mail: Mail
    url: str

    async def append(self, *messages: bytes, account: str = HELP) -> None:
        await asyncio.to_thread(self.mail.append, account, *messages)

    async def emails(self) -> dict[str, dict[str, Any]]:
        """Emails by subject; one that is there twice is not let through."""
        found = await rows(self.url, "SELECT * FROM ccm.email")
        twice = [name for name, count in Counter(r["subject"] for r in found).items() if count > 1]
        assert twice == []
        return {row["subject"]: row for row in found}

    async def stored(self, *subjects: str, seconds: float = 40) -> dict[str, dict[str, Any]]:
        """Wait until emails with these subjects are stored."""
        return await witness.eventually(
            self.emails, lambda found: set(subjects) <= set(found), seconds, f"{subjects} stored"
        )

    async def held(self) -> dict[str, str]:
        """Reasons of what is in quarantine, by subject."""
        found = await rows(self.url, "SELECT subject, reason FROM ccm.email_quarantine")
        return {row["subject"]: row["reason"] for row in found}

    async def flags(self, account: str = HELP) -> list[set[str]]:
        return await asyncio.to_thread(self.mail.flags, account)

    async def all_marked(self) -> None:
        await witness.eventually(
            self.flags, lambda found: all("\\Seen" in one for one in found), 30, "all marked"
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    directory = tmp_path_factory.mktemp("email")
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with (
        Mail(servers, [HELP, SALES, CARL]) as system,
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "database") as database,
    ):
        url = await database.create("email")
        secret = directory / "mailbox.secret"
        secret.touch(mode=0o600)
        secret.write_text(system.password)
        given = {
            "host": system.host, "port": system.imaps_port, "ca": system.certificate,
            "secret": secret,
        }  # fmt: skip
        more = MAILBOX.format(name="help", address=HELP, more="", **given)
        moving = 'mark = "move"\nmove_to = "Taken"'
        more += MAILBOX.format(name="sales", address=SALES, more=moving, **given)
        daemon = Daemon(directory / "daemon", pbx, database_url=url, more=more)
        async with daemon:
            yield Desk(daemon, system, url)


async def test_what_arrives_is_stored_and_then_marked(desk: Desk):
    def send() -> None:
        with smtplib.SMTP(desk.mail.host, desk.mail.smtp_port, timeout=20) as client:
            client.sendmail(CARL, [HELP], mail(1, "Where is my parcel?", text="It has not come."))

    await asyncio.to_thread(send)
    found = (await desk.stored("Where is my parcel?"))["Where is my parcel?"]
    assert found["from_address"] == "carl1@customer.example"
    assert found["body"].strip() == "It has not come."
    assert found["direction"] == "inbound"
    await desk.all_marked()


async def test_an_answer_joins_its_conversation_and_what_is_no_work_is_held(desk: Desk):
    await desk.append(
        mail(2, "Question"),
        b"Subject: nobody\r\n\r\nNo sender\r\n",
        mail(3, "Away", "Auto-Submitted: auto-replied\r\n"),
        mail(4, "Cheap pills", "X-Spam-Flag: YES\r\n"),
    )
    first = (await desk.stored("Question"))["Question"]
    await desk.append(
        mail(2, "Re: Question", "References: <2@customer.example>\r\n", name="two"),
        mail(5, "Re: Question 2", "References: <2@customer.example>\r\n"),
    )
    found = await desk.stored("Re: Question", "Re: Question 2")
    assert found["Re: Question"]["conversation_id"] == first["conversation_id"]
    assert found["Re: Question 2"]["conversation_id"] != first["conversation_id"]
    held = await witness.eventually(desk.held, lambda held: len(held) == 3, 30, "three held")
    assert set(held) == {"nobody", "Away", "Cheap pills"}
    assert held["Cheap pills"] == "X-Spam-Flag: YES"
    await desk.all_marked()


async def test_messages_are_moved_where_that_is_asked_for(desk: Desk):
    await desk.append(mail(6, "To sales"), account=SALES)
    await desk.stored("To sales")
    await desk.mail.arrived(SALES, 1, "Taken")
    assert await asyncio.to_thread(desk.mail.messages, SALES) == []


async def test_a_server_that_dies_or_hangs_is_seen_and_mends_itself(desk: Desk):
    def troubled(health: Any) -> bool:
        return part(health, "mailbox help").get("status") == "degraded"

    await desk.mail.dovecot.kill()
    said = await desk.daemon.says(troubled, 40, "the mailbox's trouble")
    assert desk.mail.host in part(said, "mailbox help")["detail"]
    await desk.mail.dovecot.start()
    await desk.append(mail(7, "After the kill"))
    await desk.stored("After the kill", seconds=90)
    await desk.mail.dovecot.freeze()
    try:
        await desk.daemon.says(troubled, 90, "the mailbox's trouble")
    finally:
        desk.mail.dovecot.thaw()
    await desk.append(mail(8, "After the frost"))
    await desk.stored("After the frost", seconds=90)
    await desk.daemon.healthy(90)


async def test_nothing_is_lost_or_doubled_when_the_daemon_is_killed(desk: Desk):
    chance = random.Random(28)
    numbers = range(100, 220)

    async def pour() -> None:
        for begin in range(0, len(numbers), 6):
            await desk.append(*(mail(one, f"poured {one}") for one in numbers[begin : begin + 6]))
            await asyncio.sleep(0.1)

    pouring = asyncio.get_running_loop().create_task(pour())
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        await desk.daemon.kill()
        await desk.daemon.launch()
        await desk.daemon.says(lambda health: bool(health), 40, "the daemon to answer")
    await pouring
    await desk.stored(*(f"poured {one}" for one in numbers), seconds=90)
    await desk.all_marked()
    found = await rows(desk.url, "SELECT count(*) AS n FROM ccm.email_place WHERE NOT marked")
    assert found[0]["n"] == 0


async def test_nothing_is_lost_or_doubled_when_it_is_killed_amid_a_backlog(desk: Desk):
    """Each time it has stored some batches of fifty, and is in the middle of the next."""
    numbers = range(300, 700)

    async def stored() -> int:
        return len([one for one in await desk.emails() if one.startswith("backlog ")])

    await desk.daemon.kill()
    await desk.append(*(mail(one, f"backlog {one}") for one in numbers))
    for least in (1, 120, 240):
        await desk.daemon.launch()
        await witness.eventually(stored, lambda now: now >= least, 60, f"{least} stored")  # noqa: B023
        await desk.daemon.kill()
    await desk.daemon.launch()
    await desk.stored(*(f"backlog {one}" for one in numbers), seconds=90)
    await desk.all_marked()
