"""An agent answers in a mail program, through a real Dovecot and Postfix; and a robot that answers
everything ends at the limits."""

import asyncio
import smtplib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.mail import Mail
from lab.plan import Agent, Plan, Queue
from lab.root import Servers, mail_servers

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

HELP, ALICE, EVE = "help@shop.example", "alice@agents.example", "eve@evil.example"
CARL, DORA, ROBOT = "carl@customer.example", "dora@customer.example", "robot@machine.example"
PLAN = Plan(
    agents=(Agent("1001", "Alice"),),
    queues=(Queue("open", "12025550101", members=("1001",), ring=20),),
)
SETTINGS = """
[mailbox.help]
queue = "open"
address = "{address}"
name = "Help Desk"
acknowledge = "{template}"
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
ITEMS = """
SELECT w.id, w.number, w.state, w.outcome, w.taken_at, c.state AS talk, e.subject, e.from_address
FROM ccm.work_item AS w JOIN ccm.email AS e ON e.id = w.id
JOIN ccm.conversation AS c ON c.id = w.conversation_id ORDER BY w.number
"""


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def letter(sender: str, to: str, subject: str, words: str, name: str, more: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{name}>\r\n"
        f"Date: Sat, 28 Nov 2026 09:00:00 +0000\r\n{more}\r\n{words}\r\n"
    ).encode()


def answer(relayed: EmailMessage, words: str, name: str, sender: str = ALICE) -> bytes:
    """What a mail program makes of it when its user presses Reply."""
    quoted = "".join(f"> {line}\r\n" for line in text(relayed).splitlines())
    return letter(
        f"Alice <{sender}>",
        str(relayed["Reply-To"]),
        f"Re: {relayed['Subject']}",
        f"{words}\r\n\r\nOn Sat, 28 Nov 2026 at 10:00, Help Desk wrote:\r\n{quoted}",
        name,
        f"In-Reply-To: {relayed['Message-ID']}\r\nReferences: {relayed['Message-ID']}\r\n",
    )


@dataclass
class Desk:
    """The servers, and what is stored."""

    daemon: Daemon
    mail: Mail
    url: str

    async def send(self, sender: str, *messages: bytes) -> None:
        """Through Postfix, as a mail program does."""

        def speak() -> None:
            with smtplib.SMTP(self.mail.host, self.mail.smtp_port, timeout=20) as client:
                for raw in messages:
                    to = [address.addr_spec for address in parsed(raw)["To"].addresses]
                    client.sendmail(sender, to, raw)

        await asyncio.to_thread(speak)

    async def box(self, account: str) -> list[EmailMessage]:
        """What is in a mailbox, over IMAP."""
        found = await asyncio.to_thread(self.mail.messages, account)
        return [parsed(raw) for raw in found]

    async def has(self, account: str, count: int) -> list[EmailMessage]:
        return [parsed(raw) for raw in await self.mail.arrived(account, count, seconds=60)]

    async def item(self, subject: str, **wanted: object) -> dict[str, Any]:
        """Wait until the work item of the mail with that subject is stored like this."""

        async def found() -> list[dict[str, Any]]:
            every = [dict(row) for row in await rows(self.url, ITEMS)]
            return [one for one in every if one["subject"] == subject]

        (one,) = await witness.eventually(
            found,
            lambda items: bool(items) and all(items[0][key] == wanted[key] for key in wanted),
            60,
            f"{subject}: {wanted}",
        )
        return one

    async def taken(self, subject: str) -> EmailMessage:
        """Alice takes it; what she gets."""
        item = await self.item(subject)
        before = len(await self.box(ALICE))
        sql = "SELECT ccm.take_work($1, a.id, now()) AS taken FROM ccm.agent AS a WHERE email = $2"
        (row,) = await rows(self.url, sql, item["id"], ALICE)
        assert row["taken"]
        return (await self.has(ALICE, before + 1))[-1]

    async def replies(self, count: int) -> list[str]:
        """What came of agents' mails, when that many were taken."""
        found = await witness.eventually(
            lambda: rows(self.url, "SELECT what FROM ccm.agent_reply ORDER BY at"),
            lambda every: len(every) >= count,
            60,
            f"{count} replies of agents",
        )
        return [str(row["what"]) for row in found]

    async def held(self) -> list[str]:
        found = await rows(self.url, "SELECT reason FROM ccm.email_quarantine WHERE kind = 'reply'")
        return [str(row["reason"]) for row in found]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    directory = tmp_path_factory.mktemp("replies")
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with (
        Mail(servers, [HELP, ALICE, EVE, CARL, DORA, ROBOT]) as system,
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "database") as database,
    ):
        url = await database.create("replies")
        secret = directory / "mailbox.secret"
        secret.touch(mode=0o600)
        secret.write_text(system.password)
        template = directory / "acknowledgement"
        template.write_text("Dear {name},\nyour mail has come.\n")
        more = SETTINGS.format(
            address=HELP, template=template, host=system.host, imaps=system.imaps_port,
            submission=system.submission_port, ca=system.certificate, secret=secret,
        )  # fmt: skip
        async with Daemon(directory / "daemon", pbx, database_url=url, more=more) as daemon:
            await witness.eventually(
                lambda: rows(url, "SELECT FROM ccm.agent"), bool, 60, "the agent is known"
            )
            await rows(url, "UPDATE ccm.agent SET email = $1, email_capacity = 20", ALICE)
            yield Desk(daemon, system, url)


async def test_an_agent_answers_and_the_customer_hears_from_the_queue(desk: Desk):
    question = letter(
        f"Carl <{CARL}>", HELP, "Where is my parcel?", "It has not come.", "one@customer.example"
    )
    await desk.send(CARL, question)
    await desk.has(CARL, 1)  # the acknowledgement
    relayed = await desk.taken("Where is my parcel?")
    assert relayed["Reply-To"].addresses[0].addr_spec.startswith("help+")
    mail = answer(relayed, "It comes tomorrow.", "reply@agents.example")
    # What is not Alice's does nothing, and nobody hears of it.
    await desk.send(EVE, answer(relayed, "#close", "evil@evil.example", sender=EVE))
    await witness.eventually(desk.held, lambda held: len(held) == 1, 60, "the spoofed one held")
    await desk.item("Where is my parcel?", state="working", talk="open")
    await desk.send(ALICE, mail)
    await desk.item("Where is my parcel?", state="done", outcome="answered", talk="waiting")
    raws = await desk.mail.arrived(CARL, 2, seconds=60)
    received = parsed(raws[1])
    assert received["From"] == "Help Desk <help@shop.example>"
    assert received["In-Reply-To"] == "<one@customer.example>"
    assert received["References"] == "<one@customer.example>"
    assert received["Subject"] == "Re: Where is my parcel?"
    assert text(received).startswith("It comes tomorrow.\n")
    assert "> It has not come." in text(received)
    token = relayed["Reply-To"].addresses[0].username.partition("+")[2]
    for trace in ("alice", "agents.example", token, "Answer this mail"):
        assert trace.lower().encode() not in raws[1].lower()
    assert await desk.box(EVE) == []
    # The same mail once more, and its customer's answer.
    await desk.send(ALICE, mail)
    assert await desk.replies(2) == ["answer", "repeated"]
    thanks = letter(
        f"Carl <{CARL}>", HELP, "Re: Where is my parcel?", "Thanks.", "two@customer.example",
        f"In-Reply-To: {received['Message-ID']}\r\n",
    )  # fmt: skip
    await desk.send(CARL, thanks)
    talks = await witness.eventually(
        lambda: rows(
            desk.url, "SELECT conversation_id FROM ccm.email WHERE from_address = $1", CARL
        ),
        lambda found: len(found) == 2,
        60,
        "the customer's answer",
    )
    assert len({row["conversation_id"] for row in talks}) == 1
    assert len(await desk.box(CARL)) == 2


async def test_an_agent_closes_and_gets_a_receipt(desk: Desk):
    await desk.send(
        DORA, letter(f"Dora <{DORA}>", HELP, "Unsubscribe me", "Please.", "d1@customer.example")
    )
    await desk.has(DORA, 1)
    relayed = await desk.taken("Unsubscribe me")
    before = len(await desk.box(ALICE))
    await desk.send(ALICE, answer(relayed, "#close\r\nIt is done.", "close@agents.example"))
    await desk.item("Unsubscribe me", state="done", outcome="answered", talk="closed")
    received = (await desk.has(DORA, 2))[1]
    assert text(received).startswith("It is done.\n")
    receipt = (await desk.has(ALICE, before + 1))[-1]
    assert receipt["Auto-Submitted"] == "auto-replied"
    assert "the conversation is closed" in text(receipt)
    # Once more is too late, and said so to Alice alone.
    await desk.send(ALICE, answer(relayed, "And that.", "late@agents.example"))
    late = (await desk.has(ALICE, before + 2))[-1]
    assert "is answered already" in text(late)
    assert len(await desk.box(DORA)) == 2


async def test_an_answer_that_is_refused_comes_back_and_the_agent_is_told(desk: Desk):
    nobody = "nobody@customer.example"  # whom the customer's server does not know
    await desk.send(
        nobody, letter(f"Nemo <{nobody}>", HELP, "Anybody there?", "Hello?", "n1@customer.example")
    )
    relayed = await desk.taken("Anybody there?")
    before = len(await desk.box(ALICE))
    await desk.send(ALICE, answer(relayed, "Yes, we are.", "yes@agents.example"))
    receipt = (await desk.has(ALICE, before + 1))[-1]
    item = await desk.item("Anybody there?", state="waiting", outcome=None, talk="open")
    assert receipt["Subject"] == f"Not delivered: [#{item['number']}] Re: Anybody there?"
    assert f"{nobody}: 550" in text(receipt)
    assert "> Yes, we are." in text(receipt)
    ran = await desk.daemon.ccm("email", "list", "--json")
    (listed,) = [one for one in ran.json if one["number"] == item["number"]]
    assert listed["answer"] == "not delivered"
    # Whoever takes it reads of that; the agent of the first answer is told once.
    again = await desk.taken("Anybody there?")
    assert f"An answer was not delivered to {nobody}" in text(again)
    ran = await desk.daemon.ccm("email", "close", str(item["number"]))
    assert ran.code == 0, ran
    assert len(await desk.box(ALICE)) == before + 2


async def test_a_robot_that_answers_everything_ends_at_the_limits_and_other_mail_goes_on(
    desk: Desk,
):
    """It says nothing of itself, has a new subject each time, and forgets what it answers."""

    async def robot() -> None:
        answered = 0
        await desk.send(
            ROBOT, letter(ROBOT, HELP, "Ticket 0 opened", "We have it.", "robot0@machine.example")
        )
        while True:
            for message in (await desk.box(ROBOT))[answered:]:
                answered += 1
                name = f"robot{answered}@machine.example"
                assert text(message)
                # As an autoresponder without headers, and twice, so that it does grow.
                for copy in ("a", "b"):
                    words = f"We have it, too: {answered}{copy}."
                    subject = f"About {chr(96 + answered)} and {copy}"  # numbers would be known
                    await desk.send(ROBOT, letter(ROBOT, HELP, subject, words, copy + name))
            await asyncio.sleep(0.2)

    async def from_robot() -> tuple[int, int]:
        taken = await rows(
            desk.url, "SELECT count(*) AS n FROM ccm.email WHERE from_address = $1", ROBOT
        )
        held = await rows(
            desk.url, "SELECT count(*) AS n FROM ccm.email_quarantine WHERE sender = $1", ROBOT
        )
        return int(taken[0]["n"]), int(held[0]["n"])

    machine = asyncio.get_running_loop().create_task(robot())
    try:
        said = 0
        while True:  # until nothing comes any more
            await asyncio.sleep(8)
            now = sum(await from_robot())
            if now == said and now > 1:
                break
            said = now
            assert now < 60, "it goes on"
        taken, held = await from_robot()
        assert (taken, held) == (10, 1)  # the eleventh within ten minutes
        assert len(await desk.box(ROBOT)) == 5  # acknowledgements in an hour
        # A person is served meanwhile.
        await desk.send(
            CARL, letter(f"Carl <{CARL}>", HELP, "And now?", "Hello?", "three@customer.example")
        )
        relayed = await desk.taken("And now?")
        had = len(await desk.box(CARL))
        await desk.send(ALICE, answer(relayed, "Here I am.", "here@agents.example"))
        assert text((await desk.has(CARL, had + 1))[-1]).startswith("Here I am.\n")
        assert not machine.done()
    finally:
        machine.cancel()
        await asyncio.wait([machine])
    assert sum(await from_robot()) == taken + held
