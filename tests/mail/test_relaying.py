"""What agents are sent of the items that they took: each email once in a taking; real Postgres."""

from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes
from email.message import Message as Parsed
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, arrived, begin_term
from mail.test_settling import HELP, RULES

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.keys import signing_keys
from ccmiddleware.mail.message import Attachment, Limits
from ccmiddleware.mail.reading import parts_bytes, read
from ccmiddleware.mail.relaying import Relaying, fitting
from ccmiddleware.mail.settling import Settling
from ccmiddleware.mail.tokens import Kind, Refusal, Sent, Use, read_address, read_message_id
from ccmiddleware.store.database import Database, Row

ALICE = "alice@shop.example"
SETTINGS = MailboxSettings(
    queue=QUEUE, address=HELP, name="Help Desk", host="h", user="u", secret="s", reply_days=2,
    relay_bytes=1000,
)  # fmt: skip
BOUNDARY = "Content-Type: multipart/mixed; boundary=b\r\n"


def mail(number: int, text: str = "It has not come.", more: str = "", body: str = "") -> bytes:
    return (
        f"From: Ann Lee <ann@customer.example>\r\nTo: {HELP}\r\nSubject: Where is it?\r\n"
        f"Message-ID: <{number}@customer.example>\r\n{more}\r\n{body or text}\r\n"
    ).encode()


def with_files(*sizes: int) -> str:
    parts = ["--b\r\nContent-Type: text/plain\r\n\r\nSee these.\r\n"]
    parts += [
        f'--b\r\nContent-Type: application/pdf; name="{size}.pdf"\r\n'
        f"Content-Disposition: attachment\r\n\r\n{'x' * size}\r\n"
        for size in sizes
    ]
    return "".join(parts) + "--b--"


class Parts:
    """Reads without another process."""

    def __init__(self) -> None:
        self.broken: str | TemporaryError = ""

    async def parts(self, raw: bytes, numbers: Sequence[int]) -> list[bytes | None] | str:
        if isinstance(self.broken, TemporaryError):
            raise self.broken
        return self.broken or parts_bytes(raw, numbers, Limits())


class Desk:
    """A mailbox whose mail agents take."""

    def __init__(self, database: Database, term: int) -> None:
        self.database = database
        self.now = NOW
        self.uid = 0
        self.parts = Parts()
        self.filing = Filing(
            database, NODE, term, MAILBOX, Settling(RULES, lambda: self.now).decide,
            lambda: self.now, ours=RULES.ours,
        )  # fmt: skip
        self.relaying = self.made(term)

    def made(self, term: int, mailboxes: dict[str, MailboxSettings] | None = None) -> Relaying:
        async def certain() -> None:
            pass

        return Relaying(
            NODE, term, {MAILBOX: SETTINGS} if mailboxes is None else mailboxes, self.database,
            self.parts, certain=certain, clock=lambda: self.now,
        )  # fmt: skip

    async def comes(self, raw: bytes) -> UUID:
        self.uid += 1
        taken = await self.filing.take(arrived(self.uid, raw, at=self.now), read(raw, Limits()))
        assert taken.conversation is not None
        return taken.id

    async def agent(self, name: str, address: str | None) -> UUID:
        (row,) = await self.database.rows(
            "INSERT INTO ccm.agent (node_id, interface, name, email)"
            " SELECT id, 'PJSIP/' || $1, $1, $2 FROM ccm.node RETURNING id",
            name, address,
        )  # fmt: skip
        id_: UUID = row["id"]
        return id_

    async def take(self, item: UUID, agent: UUID) -> None:
        assert await self.database.fetchval("take_work", item, agent, self.now, "")

    async def put(self) -> Sequence[Row]:
        return await self.database.rows(
            "SELECT o.*, r.address, p.email_id FROM ccm.outbox AS o"
            " JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id"
            " JOIN ccm.email_relay AS p ON p.outbox_id = o.id"
            " JOIN ccm.email AS e ON e.id = p.email_id ORDER BY p.relayed_at, e.at"
        )

    async def mails(self) -> list[Parsed]:
        return [message_from_bytes(row["content"]) for row in await self.put()]

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.filing.open(QUEUE)
    await made.filing.begin_folder(7)
    return made


def text_of(mail: Parsed) -> str:
    part = next(each for each in mail.walk() if each.get_content_type() == "text/plain")
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode()


def files_of(mail: Parsed) -> dict[str, Any]:
    return {
        each.get_filename(): each.get_payload(decode=True)
        for each in mail.walk()
        if each.get_filename()
    }


async def test_the_agent_gets_what_he_took_with_an_address_to_answer_to(desk: Desk):
    item = await desk.comes(mail(1))
    alice = await desk.agent("Alice", ALICE)
    assert await desk.relaying.look() == 0
    await desk.take(item, alice)
    assert await desk.relaying.look() == 1
    (row,) = await desk.put()
    assert (row["kind"], row["state"], row["address"], row["envelope_from"]) == (
        "relay", "queued", ALICE, HELP,
    )  # fmt: skip
    keys = await signing_keys(desk.database, lambda: NOW)
    assert read_message_id(row["message_id"], keys) == Sent(Kind.RELAY, row["conversation_id"])
    relayed = message_from_bytes(row["content"])
    assert relayed["To"] == f'"Alice" <{ALICE}>'
    assert "Ann Lee" in relayed["From"]
    assert "It has not come." in text_of(relayed)
    _, address = parseaddr(relayed["Reply-To"])
    told = read_address(address, keys, NOW, Use.AGENT, [str(alice)])
    assert not isinstance(told, Refusal)
    assert (told.item, told.agent) == (item, str(alice))
    assert timedelta(days=2) <= told.expires - NOW < timedelta(days=2, hours=1)
    assert read_address(address, keys, NOW, Use.AGENT, ["somebody"]) is Refusal.FORGED


async def test_each_email_goes_once_in_a_taking(desk: Desk):
    item = await desk.comes(mail(1))
    alice = await desk.agent("Alice", ALICE)
    await desk.take(item, alice)
    assert await desk.relaying.look() == 1
    assert await desk.relaying.look() == 0
    desk.later(minutes=5)
    await desk.comes(mail(2, "And now?", "References: <1@customer.example>\r\n"))
    again = desk.made(await begin_term(desk.database))
    assert await again.look() == 1
    assert await again.look() == 0
    first, second = await desk.mails()
    assert "And now?" in text_of(second)
    assert second["In-Reply-To"] == first["Message-ID"]
    assert (
        "earlier, 2026-11-28 09:00 UTC, ann@customer.example wrote: Where is it?: It has not"
        in (text_of(second))
    )


async def test_in_another_taking_all_of_the_item_go_again_the_latest_last(desk: Desk):
    item = await desk.comes(mail(1))
    desk.later(minutes=1)
    await desk.comes(mail(2, "Second", "References: <1@customer.example>\r\n"))
    alice, bob = await desk.agent("Alice", ALICE), await desk.agent("Bob", "bob@shop.example")
    await desk.take(item, alice)
    assert await desk.relaying.look() == 2
    queue = (await desk.database.rows("SELECT queue_id FROM ccm.work_item"))[0]["queue_id"]
    await desk.database.fetchval("requeue_work", item, queue, desk.now, desk.now, "back", "")
    desk.later(minutes=1)
    await desk.take(item, bob)
    assert await desk.relaying.look() == 2
    rows = await desk.put()
    assert [row["address"] for row in rows] == [
        ALICE,
        ALICE,
        "bob@shop.example",
        "bob@shop.example",
    ]
    assert "Second" in text_of(message_from_bytes(rows[-1]["content"]))
    assert len({row["message_id"] for row in rows}) == 4


async def test_only_the_emails_of_the_item_go_and_older_ones_are_mentioned(desk: Desk):
    first = await desk.comes(mail(1))
    alice = await desk.agent("Alice", ALICE)
    await desk.take(first, alice)
    await desk.database.fetchval("finish_work", first, "answered", "waiting", desk.now, "alice")
    desk.later(days=1)
    second = await desk.comes(mail(2, "Still not.", "References: <1@customer.example>\r\n"))
    await desk.take(second, alice)
    assert await desk.relaying.look() == 1
    (only,) = await desk.mails()
    assert "Still not." in text_of(only)
    assert "wrote: Where is it?: It has not come." in text_of(only)


async def test_notes_of_colleagues_are_in_it(desk: Desk):
    item = await desk.comes(mail(1))
    (row,) = await desk.database.rows("SELECT conversation_id FROM ccm.work_item")
    await desk.database.execute(
        "add_conversation_note", item, row["conversation_id"], item, None, "bob", NOW, "She called."
    )
    await desk.take(item, await desk.agent("Alice", ALICE))
    await desk.relaying.look()
    (only,) = await desk.mails()
    assert "Note: 2026-11-28 09:00 UTC bob: She called." in text_of(only)


async def test_nothing_goes_to_who_has_no_address_or_has_it_no_more(desk: Desk):
    item = await desk.comes(mail(1))
    await desk.take(item, await desk.agent("Zoe", None))
    assert await desk.relaying.look() == 0
    await desk.database.fetchval("finish_work", item, "closed", "closed", desk.now, "zoe")
    await desk.database.rows("UPDATE ccm.agent SET email = $1", ALICE)
    assert await desk.relaying.look() == 0


async def test_a_daemon_that_leads_no_more_sends_nothing(desk: Desk):
    item = await desk.comes(mail(1))
    await desk.take(item, await desk.agent("Alice", ALICE))
    later = desk.made(await begin_term(desk.database))
    assert await desk.relaying.look() == 0
    assert await desk.put() == []
    assert await later.look() == 1


async def test_attachments_are_carried_up_to_the_limit(desk: Desk):
    item = await desk.comes(mail(1, more=BOUNDARY, body=with_files(600, 900, 300)))
    await desk.take(item, await desk.agent("Alice", ALICE))
    await desk.relaying.look()
    (only,) = await desk.mails()
    assert files_of(only) == {"600.pdf": b"x" * 600, "300.pdf": b"x" * 300}
    assert "Attachment: 900.pdf (application/pdf, 900 bytes, not in this mail)" in text_of(only)
    assert "Attachment: 600.pdf (application/pdf, 600 bytes)" in text_of(only)


async def test_an_email_without_text_comes_whole(desk: Desk):
    raw = mail(1, more="Content-Type: application/pkcs7-mime; name=smime.p7m\r\n", body="MIIx")
    item = await desk.comes(raw)
    await desk.take(item, await desk.agent("Alice", ALICE))
    await desk.relaying.look()
    (only,) = await desk.mails()
    assert files_of(only) == {"original.eml": raw}


async def test_attachments_that_can_not_be_taken_out_keep_nothing_from_the_agent(desk: Desk):
    item = await desk.comes(mail(1, more=BOUNDARY, body=with_files(600)))
    await desk.take(item, await desk.agent("Alice", ALICE))
    desk.parts.broken = TemporaryError("no reader")
    with pytest.raises(TemporaryError):
        await desk.relaying.look()
    assert await desk.put() == []
    desk.parts.broken = "the reader died at it"
    assert await desk.relaying.look() == 1
    (only,) = await desk.mails()
    assert "the attachments can't be taken out: the reader died at it" in text_of(only)


async def test_what_can_not_be_sent_on_is_told_and_holds_up_nothing(desk: Desk):
    item = await desk.comes(mail(1))
    await desk.take(item, await desk.agent("Alice", ALICE))
    without = desk.made(
        (await desk.database.rows("SELECT term FROM ccm.leadership"))[0]["term"], {}
    )
    assert await without.look() == 0
    assert "mailbox help is not in the configuration any more" in without.trouble
    assert await without.look() == 0
    assert await desk.relaying.look() == 1
    assert desk.relaying.trouble == ""


async def test_what_did_not_reach_the_agent_is_told_while_he_has_it(desk: Desk):
    item = await desk.comes(mail(1))
    await desk.take(item, await desk.agent("Alice", ALICE))
    await desk.relaying.look()
    assert desk.relaying.trouble == ""
    await desk.database.rows(
        "UPDATE ccm.outbox SET state = 'failed', reason = '552 too large', done_at = $1", NOW
    )
    await desk.relaying.look()
    assert desk.relaying.trouble == f"email 1 has not reached {ALICE}: 552 too large"
    await desk.database.rows("UPDATE ccm.outbox SET state = 'unknown', done_at = NULL")
    await desk.relaying.look()
    assert desk.relaying.trouble == f"email 1 may not have reached {ALICE}: 552 too large"
    await desk.database.fetchval("finish_work", item, "closed", "closed", desk.now, "zoe")
    await desk.relaying.look()
    assert desk.relaying.trouble == ""


@pytest.mark.parametrize(
    ("sizes", "carried"), [((), []), ((5, 6), [5]), ((11, 4), [4]), ((5, 5), [5, 5]), ((0,), [0])]
)
def test_what_fits(sizes: Sequence[int], carried: list[int]):
    files = [Attachment(0, "a", "text/plain", size, "") for size in sizes]
    assert [one.bytes for one in fitting(files, 10)] == carried
