"""A message counts once, is decided on in the transaction that stores it, and is never skipped."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ccmiddleware.errors import TemporaryError
from ccmiddleware.ids import email_id
from ccmiddleware.mail.filing import (
    Arrived,
    Decision,
    Filing,
    Holds,
    NoLongerLeader,
)
from ccmiddleware.mail.message import Address, Attachment, Message, Unreadable
from ccmiddleware.mail.threading import Joins, Opens
from ccmiddleware.store.database import Database, Session

NODE, QUEUE, MAILBOX = "pbx1", "support", "help"
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
OURS = ["help@shop.example"]
ARRIVED_AT = NOW - timedelta(minutes=3)


async def begin_term(database: Database) -> int:
    """Another daemon leads from here on; its term."""
    await database.execute("apply_nodes", [{"node": NODE}])
    await database.execute("prepare_leadership", [NODE])
    (row,) = await database.rows("UPDATE ccm.leadership SET term = term + 1 RETURNING term")
    return int(row["term"])


def message(raw: bytes, **given: Any) -> Message:
    """A plain question, as it would have been read from ``raw``."""
    columns: dict[str, Any] = {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "bytes": len(raw),
        "message_id": "one@customer.example",
        "in_reply_to": (),
        "references": (),
        "date": NOW - timedelta(minutes=5),
        "sender": Address("Ann.Lee@customer.example", "Ann Lee"),
        "reply_to": (),
        "to": (Address("help@shop.example", "Help"),),
        "cc": (Address("boss@customer.example"),),
        "delivered_to": (),
        "subject": "Where is my parcel?",
        "text": "It has not come.",
        "quoted": "",
        "html": "<p>It has not come.</p>",
        "attachments": (Attachment(2, "bill.pdf", "application/pdf", 10, "ab" * 32),),
        "notes": ("charset guessed",),
    }
    return Message(**{**columns, **given})


def arrived(uid: int, raw: bytes = b"raw", uid_validity: int = 7, **given: Any) -> Arrived:
    return Arrived(uid_validity, uid, raw, given.pop("at", ARRIVED_AT), **given)


class Desk:
    """A mailbox whose decisions the test makes."""

    def __init__(self, database: Database, term: int) -> None:
        self.database = database
        self.decision: Decision = Opens("opened")
        self.asked = 0
        self.filing = Filing(
            database, NODE, term, MAILBOX, self.decide, lambda: NOW, ours=["help@shop.example"]
        )

    async def decide(self, session: Session, messages: Sequence[Message]) -> list[Decision]:
        self.asked += len(messages)
        return [self.decision] * len(messages)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        found = await self.database.rows(f"SELECT * FROM ccm.{table}")  # noqa: S608 - of the test
        return [dict(row) for row in found]

    async def counts(self, *tables: str) -> list[int]:
        return [len(await self.rows(table)) for table in tables]


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.filing.open(QUEUE)
    assert await made.filing.begin_folder(7) == 1
    return made


async def test_a_message_is_stored_with_all_that_was_read(desk: Desk):
    taken = await desk.filing.take(arrived(4, b"raw \0 bytes"), message(b"raw \0 bytes"))

    assert taken.fresh
    assert taken.became == "email"
    assert taken.id == email_id(MAILBOX, hashlib.sha256(b"raw \0 bytes").digest(), ARRIVED_AT)
    (raw,) = await desk.rows("email_raw")
    assert (raw["content"], raw["whole"]) == (b"raw \0 bytes", True)
    (email,) = await desk.rows("email")
    assert email["id"] == taken.id
    assert email["conversation_id"] == taken.conversation
    assert email["sha256"] == raw["sha256"]
    assert email["from_address"] == "ann.lee@customer.example"
    assert email["from_name"] == "Ann Lee"
    assert email["recipients"] == [
        {"role": "to", "address": "help@shop.example", "name": "Help"},
        {"role": "cc", "address": "boss@customer.example", "name": ""},
    ]
    assert email["body"] == "It has not come."
    assert email["attachments"][0]["name"] == "bill.pdf"
    assert (email["at"], email["sent_at"]) == (ARRIVED_AT, NOW - timedelta(minutes=5))
    assert email["joined_by"] == "opened"
    (conversation,) = await desk.rows("conversation")
    assert conversation["state"] == "open"
    assert conversation["subject"] == "Where is my parcel?"
    assert {row["address"] for row in await desk.rows("conversation_participant")} == {
        "ann.lee@customer.example",
        "boss@customer.example",
    }
    assert await desk.filing.begin_folder(7) == 5


async def test_taking_it_again_changes_nothing(desk: Desk):
    first = await desk.filing.take(arrived(4), message(b"raw"))
    again = await desk.filing.take(arrived(4), message(b"raw"))

    assert (again.id, again.fresh, again.became) == (first.id, False, "known")
    assert desk.asked == 1
    assert await desk.counts("email", "email_arrival", "email_place", "conversation") == [
        1,
        1,
        1,
        1,
    ]


async def test_new_uids_make_no_new_messages(desk: Desk):
    """A server that lost its index numbers every message anew, and may date it anew as well."""
    first = await desk.filing.take(arrived(4), message(b"raw"))
    assert await desk.filing.begin_folder(8) == 1
    again = await desk.filing.take(arrived(1, uid_validity=8, at=NOW), message(b"raw"))
    assert again.id == first.id
    assert await desk.counts("email", "email_arrival", "email_place") == [1, 1, 2]
    assert await desk.filing.begin_folder(8) == 2


async def test_one_message_id_with_other_content_is_another_message(desk: Desk):
    first = await desk.filing.take(arrived(4, b"a"), message(b"a"))
    second = await desk.filing.take(arrived(5, b"b"), message(b"b"))
    assert first.id != second.id
    assert await desk.counts("email", "conversation") == [2, 2]


async def test_two_mailboxes_have_one_content_once_and_a_message_each(desk: Desk):
    first = await desk.filing.take(arrived(4), message(b"raw"))
    other = Filing(desk.database, NODE, 1, "sales", desk.decide, lambda: NOW)
    await other.open("sales")
    await other.begin_folder(7)
    second = await other.take(arrived(4), message(b"raw"))
    assert first.id != second.id
    assert await desk.counts("email", "email_raw") == [2, 1]


@pytest.mark.parametrize(
    ("automatic", "state"), [("", "open"), ("Auto-Submitted: auto-replied", "closed")]
)
async def test_a_person_opens_a_closed_conversation_again_and_a_machine_does_not(
    desk: Desk, automatic: str, state: str
):
    first = await desk.filing.take(arrived(4, b"a"), message(b"a"))
    assert first.conversation is not None
    await desk.database.rows("UPDATE ccm.conversation SET state = 'closed', closed_at = now()")
    desk.decision = Joins(first.conversation, "reference", automatic)
    second = await desk.filing.take(arrived(5, b"b"), message(b"b"))
    assert second.conversation == first.conversation
    (conversation,) = await desk.rows("conversation")
    assert conversation["state"] == state
    assert sorted(row["automatic"] for row in await desk.rows("email")) == ["", automatic][-2:]


async def test_what_may_not_join_is_linked(desk: Desk):
    first = await desk.filing.take(arrived(4, b"a"), message(b"a"))
    desk.decision = Opens("sender takes no part", linked_to=first.conversation)
    second = await desk.filing.take(arrived(5, b"b"), message(b"b"))
    links = {row["id"]: row["linked_to"] for row in await desk.rows("conversation")}
    assert links == {first.conversation: None, second.conversation: first.conversation}


async def test_what_is_held_opens_nothing_and_keeps_its_bytes(desk: Desk):
    desk.decision = Holds("spam", "X-Spam-Flag: YES")
    taken = await desk.filing.take(arrived(4), message(b"raw"))
    assert taken.became == "quarantine"
    assert await desk.counts("email", "conversation", "email_raw") == [0, 0, 1]
    (held,) = await desk.rows("email_quarantine")
    assert (held["id"], held["kind"], held["reason"]) == (taken.id, "spam", "X-Spam-Flag: YES")
    assert (held["sender"], held["subject"]) == ("Ann.Lee@customer.example", "Where is my parcel?")


async def test_what_can_not_be_read_is_held_and_nobody_is_asked(desk: Desk):
    unreadable = Unreadable("1,200 parts, and 500 are the limit", "", 3, "a\0b@c", "x\r\ny")
    await desk.filing.take(arrived(4, whole=False), unreadable)
    assert desk.asked == 0
    (held,) = await desk.rows("email_quarantine")
    assert (held["kind"], held["reason"]) == ("unreadable", unreadable.reason)
    assert (held["sender"], held["subject"]) == ("a\ufffdb@c", "x\ufffd\ufffdy")
    (raw,) = await desk.rows("email_raw")
    assert not raw["whole"]


async def test_what_postgres_refuses_is_held_with_the_reason(desk: Desk):
    taken = await desk.filing.take(arrived(4), message(b"raw", subject="a\0b"))
    assert taken.became == "quarantine"
    (held,) = await desk.rows("email_quarantine")
    assert held["reason"].startswith("could not be stored as it was read: ")
    assert await desk.counts("email", "conversation", "email_place") == [0, 0, 1]
    assert await desk.filing.begin_folder(7) == 5


async def test_a_decision_that_fails_changes_nothing(desk: Desk):
    async def broken(session: Session, messages: Sequence[Message]) -> list[Decision]:
        await session.fetchval("server_version")
        raise TemporaryError("Postgres went away")

    filing = Filing(desk.database, NODE, 1, MAILBOX, broken, lambda: NOW)
    await filing.open(QUEUE)
    with pytest.raises(TemporaryError):
        await filing.take(arrived(4), message(b"raw"))
    assert await desk.counts("email_raw", "email_arrival", "email_place", "email") == [0, 0, 0, 0]
    assert await desk.filing.begin_folder(7) == 1


async def test_who_no_longer_leads_changes_nothing(desk: Desk):
    await begin_term(desk.database)
    with pytest.raises(NoLongerLeader):
        await desk.filing.take(arrived(4), message(b"raw"))
    with pytest.raises(NoLongerLeader):
        await desk.filing.begin_folder(9)
    assert await desk.counts("email_raw", "email_arrival", "email") == [0, 0, 0]


async def test_what_is_taken_and_not_marked_is_remembered(desk: Desk):
    for uid, raw in ((4, b"a"), (5, b"b"), (9, b"c")):
        await desk.filing.take(arrived(uid, raw), message(raw))
    assert await desk.filing.unmarked(7, 2) == [4, 5]
    await desk.filing.marked(7, [4, 9])
    assert await desk.filing.unmarked(7, 10) == [5]
    assert await desk.filing.unmarked(8, 10) == []


async def test_a_place_is_that_of_one_folder_of_one_account(desk: Desk):
    """Another folder may have the same UIDVALIDITY: its older messages are not passed over, what
    is to be marked is not mixed up, and what both folders have still counts once."""
    first = await desk.filing.take(arrived(4, b"a"), message(b"a"))
    other = Filing(desk.database, NODE, 1, MAILBOX, desk.decide, lambda: NOW, source="imap://b/x")
    await other.open(QUEUE)
    assert await other.begin_folder(7) == 1
    assert await other.unmarked(7, 10) == []
    await desk.filing.passed(7, 40)  # of whoever still has the other folder open
    assert await other.begin_folder(7) == 1
    again = await other.take(arrived(3, b"a"), message(b"a"))
    assert (again.id, again.fresh) == (first.id, False)
    await other.take(arrived(4, b"b"), message(b"b"))
    assert await other.unmarked(7, 10) == [3, 4]
    await other.marked(7, [4])
    assert await other.unmarked(7, 10) == [3]
    assert await other.begin_folder(7) == 5
    assert await desk.counts("email", "email_place") == [2, 3]
    assert await desk.filing.begin_folder(7) == 1
    assert await desk.filing.unmarked(7, 10) == [4]


async def test_what_was_deleted_before_we_saw_it_is_passed(desk: Desk):
    await desk.filing.passed(7, 12)
    assert await desk.filing.begin_folder(7) == 13
    await desk.filing.passed(6, 40)
    assert await desk.filing.begin_folder(7) == 13


def test_ids_tell_the_time_and_differ_by_mailbox_and_content():
    one = email_id("a", b"x", ARRIVED_AT)
    assert one == email_id("a", b"x", ARRIVED_AT)
    assert one.int >> 80 == int(ARRIVED_AT.timestamp() * 1000)
    assert len({one, email_id("b", b"x", ARRIVED_AT), email_id("a", b"y", ARRIVED_AT)}) == 3
    assert isinstance(email_id("a", b"x", datetime(1960, 1, 1, tzinfo=UTC)), UUID)
