"""Acknowledgements through a real Dovecot and Postfix, while the daemon is stopped and killed."""

import asyncio
import random
import smtplib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
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

HELP, CARL, DORA = "help@shop.example", "carl@customer.example", "dora@customer.example"
ROBOT, EVE = "robot@customer.example", "eve@customer.example"
PLAN = Plan(
    agents=(Agent("1001", "Ada"),),
    queues=(Queue("open", "12025550101", members=("1001",), ring=20),),
)
TEMPLATE = "Subject: Re: {subject} [#{number}]\n\nDear {name},\nyour mail has come to {queue}.\n"
SETTINGS = """
[mailbox.help]
queue = "open"
address = "{address}"
name = "Help Desk"
acknowledge = "{template}"
signature_file = "{signature}"
host = "{host}"
port = {imaps}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
poll_seconds = 2
timeout = 5

[smtp]
host = "{host}"
tls = "starttls"
port = {submission}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
timeout = 10
"""


def mail(sender: str, subject: str, name: str, more: str = "", text: str = "Hello") -> bytes:
    return (
        f"From: {sender}\r\nTo: {HELP}\r\nSubject: {subject}\r\nMessage-ID: <{name}>\r\n"
        f"{more}\r\n{text}\r\n"
    ).encode()


def numbered(number: int) -> bytes:
    """One of many: an address is acknowledged five times an hour, so everybody is another one."""
    sender = f"Eve <eve+{number}@customer.example>"
    return mail(sender, f"poured {number}", f"{number}@customer.example")


@dataclass
class Desk:
    """The servers, and what is stored."""

    daemon: Daemon
    mail: Mail
    database: Database
    url: str

    async def append(self, *messages: bytes) -> None:
        await asyncio.to_thread(self.mail.append, HELP, *messages)

    async def received(self, account: str, count: int, seconds: float = 60) -> list[Message]:
        found = await self.mail.arrived(account, count, seconds=seconds)
        return [message_from_bytes(raw) for raw in found]

    async def states(self, pattern: str) -> dict[str, str]:
        """State of what is to be sent, by recipient."""
        found = await rows(
            self.url,
            "SELECT r.address, o.state FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r"
            " ON r.outbox_id = o.id WHERE r.address LIKE $1",
            pattern,
        )
        return {str(row["address"]): str(row["state"]) for row in found}

    async def settled(self, numbers: range, seconds: float = 120) -> dict[int, str]:
        """Wait until each of those is sent or unknown."""

        async def look() -> dict[int, str]:
            by_address = await self.states("eve+%")
            by_number = {
                int(address.partition("+")[2].partition("@")[0]): state
                for address, state in by_address.items()
            }
            return {number: by_number.get(number, "not put") for number in numbers}

        return await witness.eventually(
            look, lambda found: set(found.values()) <= {"sent", "unknown"}, seconds, "all settled"
        )

    async def copies(self, numbers: range) -> Counter[int]:
        """How often each of those has its acknowledgement."""
        found = await asyncio.to_thread(self.mail.messages, EVE)
        subjects = (str(message_from_bytes(raw)["Subject"]) for raw in found)
        all_of_them = Counter(int(one.split()[2]) for one in subjects if "poured" in one)
        return Counter({number: all_of_them[number] for number in numbers})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    directory = tmp_path_factory.mktemp("sending")
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with (
        Mail(servers, [HELP, CARL, DORA, ROBOT, EVE]) as system,
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "database") as database,
    ):
        url = await database.create("email")
        files = {"template": TEMPLATE, "signature": "-- \nThe shop\n", "secret": system.password}
        for name, text in files.items():
            (directory / name).touch(mode=0o600)
            (directory / name).write_text(text)
        more = SETTINGS.format(
            address=HELP, host=system.host, imaps=system.imaps_port, ca=system.certificate,
            submission=system.submission_port, **{name: directory / name for name in files},
        )  # fmt: skip
        async with Daemon(directory / "daemon", pbx, database_url=url, more=more) as daemon:
            yield Desk(daemon, system, database, url)


async def test_who_writes_has_the_acknowledgement_in_the_thread(desk: Desk):
    asked = mail(f"Carl <{CARL}>", "Where is it?", "1@customer.example",
                 "References: <0@customer.example>\r\n")  # fmt: skip

    def send() -> None:
        with smtplib.SMTP(desk.mail.host, desk.mail.smtp_port, timeout=20) as client:
            client.sendmail(CARL, [HELP], asked)

    await asyncio.to_thread(send)
    (word,) = await desk.received(CARL, 1)
    assert word["In-Reply-To"] == "<1@customer.example>"
    assert word["References"].split() == ["<0@customer.example>", "<1@customer.example>"]
    (talk,) = await rows(desk.url, "SELECT id, number FROM ccm.conversation")
    assert word["Subject"] == f"Re: Where is it? [#{talk['number']}]"
    assert word["From"] == f'"Help Desk" <{HELP}>'
    assert word["Auto-Submitted"] == "auto-replied"
    assert word["Return-Path"] in (None, "<>")
    payload = word.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode().replace("\r\n", "\n")
    assert text == "Dear Carl,\nyour mail has come to open.\n\n-- \nThe shop\n"

    # An answer to it is the same conversation, and has no second one.
    await desk.append(
        mail(CARL, f"Re: {word['Subject']}", "2@customer.example",
             f"In-Reply-To: {word['Message-ID']}\r\n")
    )  # fmt: skip
    found = await witness.eventually(
        lambda: rows(desk.url, "SELECT conversation_id FROM ccm.email"),
        lambda found: len(found) == 2,
        30,
        "the answer stored",
    )
    assert {row["conversation_id"] for row in found} == {talk["id"]}
    assert len(await desk.states("carl%")) == 1


async def test_a_mailing_robot_gets_none(desk: Desk):
    await desk.append(
        mail(ROBOT, "Report", "r1@customer.example", "Auto-Submitted: auto-generated\r\n"),
        mail(ROBOT, "News", "r2@customer.example", "Precedence: bulk\r\n"),
        mail(DORA, "Question", "3@customer.example"),
    )
    await desk.received(DORA, 1)
    found = await rows(desk.url, "SELECT subject FROM ccm.email WHERE from_address = $1", ROBOT)
    assert {row["subject"] for row in found} == {"Report", "News"}  # work, and not acknowledged
    assert await desk.states("robot%") == {}
    assert await asyncio.to_thread(desk.mail.messages, ROBOT) == []


async def test_stopping_in_the_middle_leaves_nothing_unknown(desk: Desk):
    numbers = range(100, 140)
    await desk.append(*(numbered(number) for number in numbers))
    await desk.received(EVE, 3)
    assert await desk.daemon.stop() == 0
    assert set((await desk.states("eve+%")).values()) <= {"queued", "claimed", "sent"}
    await desk.daemon.start()
    assert set((await desk.settled(numbers)).values()) == {"sent"}
    await desk.received(EVE, len(numbers))
    assert set((await desk.copies(numbers)).values()) == {1}


async def test_killed_at_any_moment_each_is_delivered_once_or_unknown(desk: Desk):
    chance = random.Random(28)
    numbers = range(200, 290)

    async def pour() -> None:
        for begin in range(0, len(numbers), 6):
            await desk.append(*(numbered(one) for one in numbers[begin : begin + 6]))
            await asyncio.sleep(0.1)

    def sends(health: Mapping[str, Any]) -> bool:
        return bool(part(health, "outbox lab"))

    pouring = asyncio.get_running_loop().create_task(pour())
    for _ in range(8):
        await desk.daemon.says(sends, 40, "the outbox to be worked on")
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        await desk.daemon.kill()
        await desk.daemon.launch()
    await pouring
    settled = await desk.settled(numbers)
    unknown = [number for number, state in settled.items() if state == "unknown"]
    print(f"unknown: {len(unknown)} of {len(settled)}")
    assert len(unknown) <= 3 * 8  # the workers, for each time that it was killed
    sent = [number for number, state in settled.items() if state == "sent"]

    async def arrived() -> Counter[int]:
        return await desk.copies(numbers)

    copies = await witness.eventually(
        arrived, lambda found: all(found[one] for one in sent), 60, "what was sent"
    )
    assert [number for number, count in copies.items() if count > 1] == []


class Withholding:
    """Stands before the SMTP server, and keeps its answer to a whole message back until told."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.keeps = asyncio.Event()
        """There is an answer that is kept back."""
        self.may_go = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> "Withholding":
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.may_go.set()
        self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(*self.target)
        heard = bytearray()

        async def back() -> None:
            while data := await theirs.read(4096):
                if heard.endswith(b"\r\n.\r\n"):
                    self.keeps.set()
                    await self.may_go.wait()
                writer.write(data)

        async with asyncio.TaskGroup() as group:
            answers = group.create_task(back(), name="answers")
            while data := await reader.read(65536):
                heard += data
                ours.write(data)
            answers.cancel()
        ours.close()
        writer.close()


async def test_an_answer_that_is_awaited_when_the_daemon_is_stopped_or_killed(desk: Desk):
    """The one moment in which nobody can tell; stopping waits it out, and a kill leaves unknown."""
    before = desk.daemon.config.read_text()
    await desk.daemon.stop()
    async with Withholding((desk.mail.host, desk.mail.smtp_port)) as server:
        smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        desk.daemon.config.write_text(before.partition("[smtp]")[0] + smtp)
        await desk.daemon.start()
        await desk.append(numbered(300))
        async with asyncio.timeout(30):
            await server.keeps.wait()
        assert await desk.states("eve+300@%") == {"eve+300@customer.example": "speaking"}
        stopping = asyncio.get_running_loop().create_task(desk.daemon.stop())
        await desk.daemon.says(lambda _: not stopping.done(), 5, "it to be there still")
        await asyncio.sleep(1)
        assert not stopping.done()
        server.may_go.set()
        assert await stopping == 0
        assert set((await desk.states("eve+300@%")).values()) == {"sent"}

        server.may_go.clear()
        server.keeps.clear()
        await desk.daemon.start()
        await desk.append(numbered(301))
        async with asyncio.timeout(30):
            await server.keeps.wait()
        await desk.daemon.kill()
        server.may_go.set()
        await desk.daemon.start()
        assert (await desk.settled(range(300, 302))) == {300: "sent", 301: "unknown"}
        await desk.daemon.stop()
    desk.daemon.config.write_text(before)
    await desk.daemon.start()
    copies = await witness.eventually(
        lambda: desk.copies(range(300, 302)), lambda found: bool(found[301]), 30, "the one unknown"
    )
    assert copies == {300: 1, 301: 1}
    unknown = await desk.daemon.rows("outbox", "list", "--state", "unknown")
    (row,) = [one for one in unknown if one["recipients"] == ["eve+301@customer.example"]]
    ran = await desk.daemon.ccm("outbox", "drop", row["id"], "--sent")
    assert ran.code == 0, ran.err
    assert await desk.states("eve+301@%") == {"eve+301@customer.example": "sent"}


async def test_postgres_killed_while_mail_is_sent(desk: Desk):
    numbers = range(400, 440)
    await desk.append(*(numbered(number) for number in numbers))
    for count in (5, 15):

        def enough(found: Counter[int], count: int = count) -> bool:
            return sum(found.values()) >= count

        await witness.eventually(lambda: desk.copies(numbers), enough, 60, "some of them")
        await desk.database.kill()
        await asyncio.sleep(1)
        await desk.database.start()
    settled = await desk.settled(numbers, 200)
    sent = {number for number, state in settled.items() if state == "sent"}
    copies = await witness.eventually(
        lambda: desk.copies(numbers), lambda found: all(found[one] for one in sent), 60, "all sent"
    )
    assert [number for number, count in copies.items() if count > 1] == []
    assert sent == set(numbers)  # the daemon knew all the time what it had sent


async def test_what_waits_and_what_is_unknown_is_shown(desk: Desk):
    await rows(
        desk.url, "UPDATE ccm.outbox SET state = 'unknown', done_at = NULL WHERE id IN"
        " (SELECT outbox_id FROM ccm.outbox_recipient WHERE address = $1)", DORA,
    )  # fmt: skip
    told = await desk.daemon.ccm("status", "--json")
    assert told.json["outbox"][0]["unknown"] >= 1
    assert "nobody can tell whether they were sent; `ccm outbox list`" in told.err
    said = await desk.daemon.says(
        lambda health: part(health, "outbox lab").get("unknown", 0) >= 1, 30, "the unknown one"
    )
    assert part(said, "outbox lab")["status"] == "ok"
