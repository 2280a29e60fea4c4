"""Decisions with what the database knows: a real Postgres, the rules as they are."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, arrived, begin_term, message

from ccmiddleware.mail.filing import Filing, Taken
from ccmiddleware.mail.message import Address, DeliveryStatus, Machine
from ccmiddleware.mail.outbox import put
from ccmiddleware.mail.settling import Rules, Settling
from ccmiddleware.mail.tokens import Key, Keys
from ccmiddleware.store.database import Database

HELP, SALES = "help@shop.example", "sales@shop.example"
KEYS = Keys(Key(1, b"k" * 32))
RULES = Rules(
    own=frozenset({HELP}),
    mailboxes={(NODE, QUEUE): frozenset({HELP}), (NODE, "sales"): frozenset({SALES})},
    keys=KEYS,
    loop_mark="mark",
    spam_threshold=7.0,
)


class Desk:
    """A mailbox, and the messages that come to it one after the other."""

    def __init__(self, database: Database, term: int) -> None:
        self.database = database
        self.now = NOW
        self.uid = 0
        decide = Settling(RULES, lambda: self.now).decide
        self.filing = Filing(
            database, NODE, term, MAILBOX, decide, lambda: self.now, ours=RULES.ours
        )

    async def comes(self, **given: Any) -> Taken:
        self.uid += 1
        raw = b"%d" % self.uid
        given = {"message_id": f"{self.uid}@customer.example", "cc": (), **given}
        return await self.filing.take(arrived(self.uid, raw, at=self.now), message(raw, **given))

    async def sent(self, number: int, *to: str, conversation: UUID | None = None) -> None:
        async with self.database.transaction() as transaction:
            (box,) = await transaction.rows("SELECT id FROM ccm.mailbox")
            await put(
                transaction,
                id=UUID(int=number),
                mailbox=box["id"],
                conversation=conversation,
                kind="acknowledgement" if conversation else "answer",
                message_id=f"sent-{number}@shop.example",
                envelope_from=HELP,
                recipients=to,
                content=b"",
                now=self.now,
            )

    async def held(self) -> Sequence[tuple[str, str]]:
        rows = await self.database.rows("SELECT kind, reason FROM ccm.email_quarantine")
        return sorted((row["kind"], row["reason"]) for row in rows)


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.filing.open(QUEUE)
    await made.filing.begin_folder(7)
    return made


async def test_an_answer_joins_by_reference_and_a_stranger_does_not(desk: Desk):
    first = await desk.comes()
    again = await desk.comes(references=("1@customer.example",))
    stranger = await desk.comes(
        references=("1@customer.example",), sender=Address("eve@else.example")
    )
    assert again.conversation == first.conversation
    assert stranger.conversation not in (None, first.conversation)
    rows = await desk.database.rows(
        "SELECT linked_to FROM ccm.conversation WHERE id = $1", stranger.conversation
    )
    assert rows[0]["linked_to"] == first.conversation


async def test_an_answer_to_what_we_sent_joins(desk: Desk):
    first = await desk.comes()
    await desk.sent(1, "ann.lee@customer.example", conversation=first.conversation)
    again = await desk.comes(in_reply_to=("sent-1@shop.example",))
    assert again.conversation == first.conversation


async def test_spam_is_held(desk: Desk):
    await desk.comes(spam_flag=True)
    await desk.comes(spam_score=7.5)
    assert (await desk.comes(spam_score=6.9)).became == "email"
    assert await desk.held() == [
        ("spam", "X-Spam-Flag: YES"),
        ("spam", "spam score 7.5, and 7 is the threshold"),
    ]


async def test_our_own_mail_is_held(desk: Desk):
    await desk.comes(machine=Machine(loop_marks=("mark",)))
    await desk.comes(sender=Address(SALES))
    assert [kind for kind, _ in await desk.held()] == ["loop", "loop"]


async def test_out_of_office_joins_what_it_answers_and_opens_nothing(desk: Desk):
    first = await desk.comes()
    machine = Machine(auto_submitted="auto-replied")
    joined = await desk.comes(references=("1@customer.example",), machine=machine)
    assert joined.conversation == first.conversation
    assert (await desk.comes(machine=machine)).became == "quarantine"
    ((kind, reason),) = await desk.held()
    assert (kind, reason) == (
        "loop",
        "it answers nothing that is here (Auto-Submitted: auto-replied)",
    )


@pytest.mark.parametrize("joins", [False, True])
async def test_what_a_program_sends_by_itself_is_work_for_an_agent(desk: Desk, joins: bool):
    """A newsletter, or an order system: nobody acknowledges it, and somebody must see it."""
    await desk.comes()
    await desk.database.rows("SELECT ccm.end_work(id, 'answered', now()) FROM ccm.work_item")
    await desk.database.rows("UPDATE ccm.conversation SET state = 'closed', closed_at = now()")
    references = ("1@customer.example",) if joins else ()
    taken = await desk.comes(references=references, machine=Machine(precedence="bulk"))
    (row,) = await desk.database.rows(
        "SELECT e.automatic, c.state, w.state AS item FROM ccm.email e "
        "JOIN ccm.conversation c ON c.id = e.conversation_id "
        "LEFT JOIN ccm.work_item w ON w.id = e.id WHERE e.id = $1",
        taken.id,
    )
    assert (row["state"], row["item"]) == ("open", "waiting")
    assert "bulk" in row["automatic"]


async def test_ten_in_ten_minutes_are_enough_and_others_go_on(desk: Desk):
    for _ in range(10):
        assert (await desk.comes()).became == "email"
    for _ in range(3):
        assert (await desk.comes()).became == "quarantine"
    assert (await desk.comes(sender=Address("bob@else.example"))).became == "email"
    assert {reason.partition(" (")[0] for _, reason in await desk.held()} == {
        "10 messages in 10 minutes",
        "11 messages in 10 minutes",
        "12 messages in 10 minutes",
    }
    desk.now += timedelta(minutes=61)
    assert (await desk.comes()).became == "email"


def report(number: int, action: str, status: str, address: str) -> dict[str, Any]:
    about = f"sent-{number}@shop.example"
    return {
        "sender": Address("mailer-daemon@else.example"),
        "machine": Machine(return_path=""),
        "delivery_statuses": (DeliveryStatus(address, action, status, "no such user", about),),
    }


async def test_a_bounce_is_tied_to_what_it_is_about_and_opens_nothing(desk: Desk):
    await desk.sent(1, "ann@x.example", "bob@y.example")
    await desk.database.rows("UPDATE ccm.outbox SET state = 'unknown'")
    taken = await desk.comes(**report(1, "failed", "5.1.1", "bob@y.example"))
    assert taken.became == "report"
    rows = await desk.database.rows("SELECT address, delivery FROM ccm.outbox_recipient")
    assert {row["address"]: row["delivery"] for row in rows} == {
        "ann@x.example": None,
        "bob@y.example": "failed",
    }
    (gone,) = await desk.database.rows("SELECT address, reason FROM ccm.email_address")
    assert tuple(gone) == ("bob@y.example", "5.1.1 no such user")
    (sent,) = await desk.database.rows("SELECT state FROM ccm.outbox")
    assert sent["state"] == "sent"
    assert await desk.held() == []


async def test_a_delay_changes_nothing_once_the_end_was_told(desk: Desk):
    await desk.sent(1, "ann@x.example")
    for action, status in (("delayed", "4.4.1"), ("delivered", "2.0.0"), ("delayed", "4.4.1")):
        await desk.comes(**report(1, action, status, "ann@x.example"))
    rows = await desk.database.rows("SELECT delivery FROM ccm.outbox_recipient")
    assert [row["delivery"] for row in rows] == ["delivered"]
    assert len(await desk.database.rows("SELECT FROM ccm.email_report")) == 3


async def test_a_report_about_nothing_of_ours_is_held(desk: Desk):
    await desk.comes(**report(9, "failed", "5.1.1", "bob@y.example"))
    ((kind, reason),) = await desk.held()
    assert kind == "report"
    assert "is about nothing that we sent (it names sent-9@shop.example)" in reason
