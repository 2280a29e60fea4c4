"""The outbox through a real Postfix: logins and TLS, refusals and delays, each message once."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from uuid import UUID

import pytest
import pytest_asyncio
import witness
from lab.mail import Mail
from lab.root import mail_servers
from mail.test_filing import MAILBOX, NODE, QUEUE, begin_term

from ccmiddleware.mail.delivery import Attempt, NotSpoken, Reply, Took
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.outbox import Outbox, put
from ccmiddleware.mail.smtp import SmtpSender, Submission
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.database import Database

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

HELP, CARL, DORA = "help@shop.example", "carl@customer.example", "dora@customer.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mail() -> AsyncIterator[Mail]:
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with Mail(servers, [HELP, CARL, DORA]) as system:
        yield system


def submission(mail: Mail) -> Submission:
    return Submission(
        mail.host,
        mail.submission_port,
        "starttls",
        ca_file=str(mail.certificate),
        user=HELP,
        secret=mail.password,
        name="desk.shop.example",
        seconds=20,
    )


def letter(number: int) -> bytes:
    return (
        f"From: {HELP}\r\nTo: {CARL}\r\nSubject: {number}\r\n"
        f"Message-ID: <{number}@shop.example>\r\n"
        "\r\n.\r\nA dot stood alone.\r\n"
    ).encode()


async def send(to: Submission, *recipients: str) -> Attempt:
    async def spoken() -> None: ...

    return await SmtpSender(lambda: to).send(HELP, recipients, letter(0), spoken)


async def test_the_ways_in(mail: Mail):
    to = submission(mail)
    assert await send(to, CARL) == Took({})
    assert await send(replace(to, security="tls", port=mail.submissions_port), CARL) == Took({})
    assert await send(replace(to, method="xoauth2", secret=mail.token(HELP)), CARL) == Took({})
    received = await mail.arrived(CARL, 3)
    assert b"\r\n.\r\nA dot stood alone.\r\n" in received[-1].replace(b"\n", b"\r\n").replace(
        b"\r\r\n", b"\r\n"
    )


async def test_what_is_wrong_with_the_way_in(mail: Mail):
    to = submission(mail)
    for wrong, words in (
        (replace(to, secret="wrong"), "535"),
        (replace(to, ca_file=None), "certificate"),
        (replace(to, method="xoauth2", secret="no-token"), "535"),
    ):
        attempt = await send(wrong, CARL)
        assert isinstance(attempt, NotSpoken), attempt
        assert words in attempt.reason


async def test_partial_refusals_are_those_of_the_server(mail: Mail):
    mail.refuse(DORA, 450, "4.2.0 not now")
    attempt = await send(submission(mail), CARL, DORA, "nobody@customer.example")
    assert isinstance(attempt, Took), attempt
    assert attempt.refused[DORA] == Reply(450, attempt.refused[DORA].text)
    assert "not now" in attempt.refused[DORA].text
    assert attempt.refused["nobody@customer.example"].code == 550
    mail.refuse(DORA, 0)


async def test_each_message_arrives_once_while_postfix_dies_and_workers_race(
    mail: Mail, database_url: str
):
    async with Database(database_url) as database:
        term = await begin_term(database)

        async def decide(*_: object) -> Opens:
            return Opens("")

        def now() -> datetime:
            return datetime.now(UTC) + ahead  # noqa: TID251 - delays are made to pass

        ahead = timedelta()
        await Filing(database, NODE, term, MAILBOX, decide, now).open(QUEUE)
        (box,) = await database.rows("SELECT id FROM ccm.mailbox")
        async with database.transaction() as transaction:
            for number in range(1, 41):
                await put(
                    transaction, id=UUID(int=number), mailbox=box["id"], conversation=None,
                    kind="answer", message_id=f"{number}@shop.example", envelope_from=HELP,
                    recipients=[DORA], content=letter(number), now=now(),
                )  # fmt: skip

        async def certain() -> None: ...

        outbox = Outbox(
            NODE, term, database, SmtpSender(lambda: submission(mail)), certain=certain, clock=now
        )
        workers = [asyncio.get_running_loop().create_task(outbox.work()) for _ in range(3)]
        try:
            await mail.arrived(DORA, 8)
            await mail.postfix.kill()
            await asyncio.sleep(0.5)
            await mail.postfix.start()
            async with asyncio.timeout(60):
                while True:
                    ahead += timedelta(minutes=1)
                    rows = await database.rows("SELECT id, state FROM ccm.outbox")
                    states = {row["id"].int: row["state"] for row in rows}
                    if set(states.values()) <= {"sent", "unknown"}:
                        break
                    await asyncio.sleep(0.2)
        finally:
            await outbox.end(10)
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
    sent = sorted(number for number, state in states.items() if state == "sent")
    unknown = [number for number, state in states.items() if state == "unknown"]
    assert len(unknown) <= 3  # one for each worker, at most where the kill fell after DATA

    async def handed_in() -> set[tuple[int, str]]:
        return set(map(numbered, await asyncio.to_thread(mail.messages, DORA)))

    received = await witness.eventually(
        handed_in, lambda found: set(sent) <= {number for number, _ in found}, 60, "all sent"
    )
    copies = Counter(number for number, _ in received)
    assert [number for number, count in copies.items() if count > 1] == []


def numbered(raw: bytes) -> tuple[int, str]:
    """Which message it is, and the id that Postfix gave it on taking it.

    One that Postfix delivers again, since it was killed before it could note the first time, has
    the same id: it was handed in once.
    """
    message = message_from_bytes(raw)
    (by,) = [one for one in message.get_all("Received", []) if "(Postfix)" in one]
    found = re.search(r"\bid (\w+)", by)
    assert found is not None, by
    return int(message["Subject"]), found[1]
