"""Several messages in one transaction: as if they had come one after the other, or not at all."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, Desk, arrived, begin_term, message
from mail.test_settling import RULES

from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail.filing import Arrived, Decision, Filing, NoLongerLeader
from ccmiddleware.mail.message import Address, Message
from ccmiddleware.mail.placing import Placed
from ccmiddleware.mail.settling import Settling
from ccmiddleware.mail.threading import Joins, Opens
from ccmiddleware.store.database import Database, Session

Batch = list[tuple[Arrived, Message]]


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.filing.open(QUEUE)
    await made.filing.begin_folder(7)
    return made


@pytest.fixture
async def settled(database: Database) -> Filing:
    """A mailbox with the rules as they are."""
    term = await begin_term(database)
    decide = Settling(RULES, lambda: NOW).decide
    made = Filing(database, NODE, term, MAILBOX, decide, lambda: NOW, ours=RULES.ours)
    await made.open(QUEUE)
    await made.begin_folder(7)
    return made


def letters(*given: dict[str, Any]) -> Batch:
    """A message for each, at UIDs from 1 on, of ids 1@customer.example and so on."""
    made = []
    for uid, fields in enumerate(given, 1):
        raw = b"raw %d" % uid
        columns = {"message_id": f"{uid}@customer.example", "cc": (), **fields}
        made.append((arrived(uid, raw), message(raw, **columns)))
    return made


async def test_each_is_stored_with_its_own_place(desk: Desk):
    taken = await desk.filing.take_all(letters(*({"text": f"text {n}"} for n in range(1, 6))))
    assert [one.became for one in taken] == ["email"] * 5
    assert len({one.conversation for one in taken}) == 5
    rows = await desk.database.rows(
        "SELECT e.id, e.body, r.content, p.uid FROM ccm.email AS e"
        " JOIN ccm.email_raw AS r USING (sha256) JOIN ccm.email_place AS p ON p.arrival_id = e.id"
        " ORDER BY p.uid"
    )
    assert [row["id"] for row in rows] == [one.id for one in taken]
    assert [row["body"] for row in rows] == [f"text {n}" for n in range(1, 6)]
    assert [row["content"] for row in rows] == [b"raw %d" % n for n in range(1, 6)]
    assert [row["uid"] for row in rows] == [1, 2, 3, 4, 5]
    assert await desk.filing.begin_folder(7) == 6


@pytest.mark.parametrize("bad", [{1}, {4}, {7}, {3, 4}, {1, 2, 3, 4, 5, 6, 7}])
async def test_what_can_not_be_stored_is_held_alone(desk: Desk, bad: set[int]):
    fields = ({"subject": "a\0b" if uid in bad else "fine"} for uid in range(1, 8))
    taken = await desk.filing.take_all(letters(*fields))
    became = {uid: one.became for uid, one in enumerate(taken, 1)}
    assert became == {uid: "quarantine" if uid in bad else "email" for uid in range(1, 8)}
    assert await desk.counts("email", "email_quarantine", "email_place", "email_raw") == [
        7 - len(bad), len(bad), 7, 7,
    ]  # fmt: skip
    held = await desk.rows("email_quarantine")
    assert {one["id"] for one in held} == {taken[uid - 1].id for uid in bad}
    assert await desk.filing.begin_folder(7) == 8
    assert await desk.filing.unmarked(7, 10) == list(range(1, 8))


async def test_an_answer_finds_what_it_answers_in_the_same_batch(settled: Filing):
    first, other, again, more = await settled.take_all(
        letters(
            {},
            {"sender": Address("bob@else.example")},
            {"in_reply_to": ("1@customer.example",)},
            {"references": ("1@customer.example", "3@customer.example")},
        )
    )
    assert again.conversation == more.conversation == first.conversation
    assert other.conversation != first.conversation


async def test_the_guards_count_what_came_in_the_same_batch(settled: Filing):
    """As many are held as would be, had they come one by one."""
    batch = letters(*({"subject": f"number {n}"} for n in range(30)))
    together = [one.became for one in await settled.take_all(batch)]
    limit = together.index("quarantine")
    assert 0 < limit < 30
    assert together == ["email"] * limit + ["quarantine"] * (30 - limit)
    one_by_one = []
    for uid, (_, read) in enumerate(batch, 100):
        raw = b"raw %d" % uid
        fields = {
            "sender": Address("bob@else.example"), "subject": read.subject, "cc": (),
            "message_id": f"{uid}@else.example",
        }  # fmt: skip
        one_by_one.append((await settled.take(arrived(uid, raw), message(raw, **fields))).became)
    assert one_by_one == together


async def test_two_that_join_one_conversation_are_decided_on_one_after_the_other(desk: Desk):
    """No id and no sender tells beforehand that they belong together."""
    (first,) = await desk.filing.take_all([(arrived(90, b"first"), message(b"first"))])
    assert first.conversation is not None
    together: list[list[str]] = []

    async def decide(session: Session, messages: Sequence[Message]) -> list[Decision]:
        together.append([one.subject for one in messages])
        return [Joins(first.conversation, "reference")] * len(messages)

    desk.filing._decide = decide
    people = ({"sender": Address(f"{name}@b.c"), "subject": name} for name in ("x", "y", "z"))
    taken = await desk.filing.take_all(letters(*people))
    assert [one.conversation for one in taken] == [first.conversation] * 3
    assert together == [["x", "y", "z"], ["y", "z"], ["z"]]
    assert await desk.counts("email", "conversation", "work_item", "interaction") == [4, 1, 1, 4]


async def test_acknowledgements_of_one_batch_are_counted(settled: Filing, database: Database):
    """Some limit of the guards is for all of them together; a batch can't pass it unseen."""
    limit = RULES.limits.acknowledgements[0]
    await database.rows(
        "INSERT INTO ccm.outbox (id, node_id, mailbox_id, kind, message_id, envelope_from, content,"
        " put_at, next_attempt_at, plain_subject) SELECT gen_random_uuid(), m.node_id, m.id,"
        " 'acknowledgement', n || '@x', 'a@b.c', '', $1, $1, '' FROM ccm.mailbox AS m,"
        " generate_series(1, $2::integer) AS n",
        NOW,
        limit - 3,
    )
    put: list[str] = []

    async def acknowledge(session: Session, which: Placed, of: UUID, read: Message) -> None:
        put.append(read.subject)

    settled._acknowledge = acknowledge
    await settled.take_all(
        letters(*({"sender": Address(f"{n}@b.c"), "subject": f"{n}"} for n in range(6)))
    )
    assert put == ["0", "1", "2"]


async def test_the_same_content_twice_is_one_message_at_two_places(desk: Desk):
    known = await desk.filing.take(arrived(1, b"old"), message(b"old"))
    old, first, second = await desk.filing.take_all(
        [(arrived(uid, raw), message(raw)) for uid, raw in ((2, b"old"), (3, b"new"), (4, b"new"))]
    )
    assert (old.id, old.fresh) == (known.id, False)
    assert (first.fresh, second.fresh, second.id) == (True, False, first.id)
    assert await desk.counts("email", "email_arrival", "email_raw", "email_place") == [2, 2, 2, 4]


@pytest.mark.parametrize("last", [1, 3, 5])
async def test_a_connection_that_dies_amid_a_batch_leaves_nothing_and_all_come_once(
    database_url: str, desk: Desk, last: int
):
    async with Database(database_url) as doomed:
        seen = 0

        async def decide(session: Session, messages: Sequence[Message]) -> list[Decision]:
            nonlocal seen
            seen += 1
            if seen == last:
                doomed.cut_off()
            return [Opens("opened")] * len(messages)

        filing = Filing(doomed, NODE, 1, MAILBOX, decide, lambda: NOW)
        await filing.open(QUEUE)
        with pytest.raises(TemporaryError):
            await filing.take_all(letters({}, {}, {}, {}, {}))
    assert await desk.counts("email_raw", "email_arrival", "email_place", "email") == [0, 0, 0, 0]
    assert await desk.filing.begin_folder(7) == 1
    for _ in range(2):
        await desk.filing.take_all(letters({}, {}, {}, {}, {}))
        assert await desk.counts("email", "email_place", "conversation") == [5, 5, 5]


async def test_who_no_longer_leads_stores_none_of_them(desk: Desk):
    await begin_term(desk.database)
    with pytest.raises(NoLongerLeader):
        await desk.filing.take_all(letters({}, {}, {}))
    assert await desk.counts("email_raw", "email_arrival", "email") == [0, 0, 0]


async def test_two_mailboxes_with_the_same_messages_do_not_wait_for_each_other(database: Database):
    """Stored in their own order, each would hold what the other waits for."""
    term = await begin_term(database)
    desks = [Desk(database, term), Desk(database, term)]
    desks[1].filing = Filing(database, NODE, term, "sales", desks[1].decide, lambda: NOW)
    for desk in desks:
        await desk.filing.open(QUEUE)
        await desk.filing.begin_folder(7)
    least, one, two = sorted((b"a", b"b", b"c"), key=lambda raw: hashlib.sha256(raw).digest())
    async with asyncio.TaskGroup() as group, database.transaction() as holder:
        await holder.execute(
            "keep_raw_emails", [hashlib.sha256(least).digest()], [least], [True], NOW
        )
        for desk, raws in zip(desks, ((one, least, two), (two, least, one)), strict=True):
            batch = [(arrived(uid, raw), message(raw)) for uid, raw in enumerate(raws, 1)]
            group.create_task(desk.filing.take_all(batch), name="taking")
        await both_wait(database)
    assert await desks[0].counts("email", "email_raw") == [6, 3]


async def both_wait(database: Database) -> None:
    """Until two transactions wait for a third."""
    async with asyncio.timeout(30):
        while len(await database.rows("SELECT FROM pg_locks WHERE NOT granted")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
