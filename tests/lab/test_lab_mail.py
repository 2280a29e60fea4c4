"""The lab's mail system tells the truth: real Dovecot, real Postfix, and nothing gets out."""

import asyncio
import smtplib
import socket
import sys
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path

import pytest
import pytest_asyncio
from lab.mail import Mail
from lab.mail_files import BOUNCES, VOID
from lab.root import mail_servers

pytestmark = pytest.mark.lab

QUEUE, ALICE, CARL = "support@shop.example", "alice@shop.example", "carl@customer.example"
RAW = b"From: carl@customer.example\r\nSubject: %b\r\n\r\nHello\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mail() -> AsyncIterator[Mail]:
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with Mail(servers, [QUEUE, ALICE, CARL]) as system:
        yield system


async def send(
    mail: Mail, subject: str, *recipients: str, sender: str = CARL, seconds: float = 20
) -> dict[str, tuple[int, bytes]]:
    def say() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP(mail.host, mail.smtp_port, timeout=seconds) as client:
            return client.sendmail(sender, recipients, RAW % subject.encode())

    return await asyncio.to_thread(say)


def subjects(messages: list[bytes]) -> list[str]:
    return [message_from_bytes(raw)["Subject"] for raw in messages]


async def test_what_is_sent_arrives_also_for_an_address_with_a_token(mail: Mail) -> None:
    token = QUEUE.replace("@", "+t0ken@")
    assert await send(mail, "one", token) == {}
    raw = (await mail.arrived(QUEUE, 1))[-1]
    assert message_from_bytes(raw)["Subject"] == "one"
    assert message_from_bytes(raw)["Delivered-To"] == token
    assert "\\Seen" not in mail.flags(QUEUE)[-1]


async def test_submission_wants_tls_and_the_password(mail: Mail) -> None:
    def submit(password: str, tls: bool) -> None:
        with smtplib.SMTP(mail.host, mail.submission_port, timeout=20) as client:
            if tls:
                client.starttls(context=mail.tls())
            client.login(ALICE, password)
            client.sendmail(ALICE, [CARL], RAW % b"answer")

    await asyncio.to_thread(submit, mail.password, True)
    assert "answer" in subjects(await mail.arrived(CARL, 1))
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await asyncio.to_thread(submit, "wrong", True)
    with pytest.raises(smtplib.SMTPNotSupportedError):
        await asyncio.to_thread(submit, mail.password, False)


async def test_a_recipient_is_refused_or_deferred_until_it_is_not(mail: Mail) -> None:
    before = len(mail.messages(QUEUE))
    for code in (450, 550):
        mail.refuse(QUEUE, code, "told so")
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await send(mail, "no", QUEUE)
        assert refused.value.recipients[QUEUE][0] == code
    mail.refuse(QUEUE, 0)
    assert await send(mail, "yes", QUEUE) == {}
    assert subjects(await mail.arrived(QUEUE, before + 1))[-1] == "yes"


async def test_nothing_leaves_the_lab(mail: Mail) -> None:
    refused = await send(mail, "out", "x@elsewhere.example", "y@gmail.com", f"z@{VOID}")
    assert {name: code for name, (code, _) in refused.items()} == {
        "x@elsewhere.example": 550, "y@gmail.com": 550
    }  # fmt: skip
    listening = addresses_listening_on(mail.imap_port, mail.imaps_port, mail.smtp_port,
                                       mail.submission_port, mail.submissions_port)  # fmt: skip
    assert mail.host in listening
    assert all(ip.startswith("127.") for ip in listening)


def addresses_listening_on(*ports: int) -> set[str]:
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        ip, _, port = local.partition(":")
        if state == "0A" and int(port, 16) in ports:
            found.add(socket.inet_ntoa(bytes.fromhex(ip)[::-1]))
    return found


async def test_undeliverable_mail_comes_back_as_a_delivery_status(mail: Mail) -> None:
    before = len(mail.messages(CARL))
    await send(mail, "to nobody", f"nobody@{BOUNCES}")
    report = message_from_bytes((await mail.arrived(CARL, before + 1))[-1])
    assert report.get_content_type() == "multipart/report"
    assert report["Return-Path"] == "<>"


async def test_mailboxes_are_filled_and_read_directly(mail: Mail) -> None:
    await asyncio.to_thread(mail.append, ALICE, b"Subject: a\r\n\r\n\x00x\r\n", RAW % b"b")
    assert subjects(await mail.arrived(ALICE, 2))[:2] == ["a", "b"]


async def test_servers_freeze_die_and_come_back_with_the_mail(mail: Mail) -> None:
    before = len(mail.messages(QUEUE))
    await mail.postfix.freeze()
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        await send(mail, "frozen", QUEUE, seconds=1)
    mail.postfix.thaw()
    await mail.dovecot.kill()
    assert not mail.dovecot.running
    await send(mail, "while dovecot is dead", QUEUE)  # waits in Postfix's queue
    await mail.postfix.kill()
    with pytest.raises(ConnectionRefusedError):
        await send(mail, "dead", QUEUE)
    await mail.dovecot.start()
    await mail.postfix.start()
    assert subjects(await mail.arrived(QUEUE, before + 1))[-1] == "while dovecot is dead"
    await mail.postfix.stop()
    await mail.postfix.start()
    assert await send(mail, "again", QUEUE) == {}
    await mail.arrived(QUEUE, before + 2)
