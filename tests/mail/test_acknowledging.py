"""One word for who begins a conversation, in the transaction that takes the mail; real Postgres."""

from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes
from email.message import Message as Parsed
from typing import Any

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, arrived, begin_term, message
from mail.test_settling import HELP, KEYS, RULES, SALES

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.mail.acknowledging import Acknowledging, acknowledgement_id
from ccmiddleware.mail.filing import Filing, Taken
from ccmiddleware.mail.letters import Identity, Template
from ccmiddleware.mail.mailboxes import Mailboxes
from ccmiddleware.mail.message import Address, Limits, Machine, Unreadable
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.mail.releasing import release
from ccmiddleware.mail.settling import Settling
from ccmiddleware.mail.tokens import Kind, Sent, read_message_id
from ccmiddleware.store.database import Database, Row, Session

ANN = "ann.lee@customer.example"
IDENTITY = Identity(QUEUE, Address(HELP, "Help Desk"), "mark", NOW.tzinfo, "-- \nThe shop")  # type: ignore[arg-type]


class Desk:
    """A mailbox that acknowledges."""

    def __init__(self, database: Database, term: int) -> None:
        self.database = database
        self.now = NOW
        self.uid = 0
        self.acknowledging = Acknowledging(
            IDENTITY,
            Template("Dear {name}, we have {subject} as {number}."),
            KEYS,
            RULES.ours,
            lambda: self.now,
        )
        self.filing = self.made(term)

    def made(self, term: int) -> Filing:
        return Filing(
            self.database,
            NODE,
            term,
            MAILBOX,
            Settling(RULES, lambda: self.now).decide,
            lambda: self.now,
            ours=RULES.ours,
            acknowledge=self.acknowledging.acknowledge,
        )

    async def comes(self, uid: int = 0, **given: Any) -> Taken:
        self.uid += 1
        uid = uid or self.uid
        raw = b"%d" % uid
        at = given.pop("at", self.now)
        given = {"message_id": f"{uid}@customer.example", "cc": (), **given}
        return await self.filing.take(arrived(uid, raw, at=at), message(raw, **given))

    async def put(self) -> Sequence[Row]:
        return await self.database.rows(
            "SELECT o.*, r.address FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r"
            " ON r.outbox_id = o.id JOIN ccm.conversation AS c ON c.id = o.conversation_id"
            " ORDER BY c.number"
        )

    async def to(self) -> list[str]:
        return [row["address"] for row in await self.put()]


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.filing.open(QUEUE)
    await made.filing.begin_folder(7)
    return made


def body(mail: Parsed) -> str:
    raw = mail.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode()


async def test_who_begins_a_conversation_is_told_that_it_arrived(desk: Desk):
    taken = await desk.comes(references=("older@customer.example",))
    (row,) = await desk.put()
    assert (row["id"], row["conversation_id"]) == (acknowledgement_id(taken.id), taken.conversation)
    assert (row["kind"], row["state"], row["envelope_from"]) == ("acknowledgement", "queued", "")
    assert row["address"] == "Ann.Lee@customer.example"
    mail = message_from_bytes(row["content"])
    assert mail["In-Reply-To"] == "<1@customer.example>"
    assert mail["References"].split() == ["<older@customer.example>", "<1@customer.example>"]
    assert mail["From"] == '"Help Desk" <help@shop.example>'
    assert mail["Subject"] == "Re: Where is my parcel?"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Message-ID"] == f"<{row['message_id']}>"
    assert read_message_id(row["message_id"], KEYS) == Sent(
        Kind.ACKNOWLEDGEMENT,
        taken.conversation,  # type: ignore[arg-type]
    )
    (talk,) = await desk.database.rows("SELECT number FROM ccm.conversation")
    assert body(mail).startswith(f"Dear Ann Lee, we have Where is my parcel? as {talk['number']}.")
    assert "The shop" in body(mail)


async def test_taking_it_again_puts_nothing(desk: Desk):
    first = await desk.comes(1)
    again = await desk.comes(1)
    assert (again.id, again.fresh) == (first.id, False)
    desk.filing = desk.made(await begin_term(desk.database))
    await desk.filing.open(QUEUE)
    assert await desk.filing.begin_folder(8) == 1
    assert not (await desk.comes(1)).fresh
    assert len(await desk.put()) == 1


async def test_a_transaction_that_fails_puts_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    real = Session.execute

    async def fail(self: Session, query: str, *arguments: Any) -> int:
        if query == "note_email_places":
            raise ZeroDivisionError
        return await real(self, query, *arguments)

    monkeypatch.setattr(Session, "execute", fail)
    with pytest.raises(ZeroDivisionError):
        await desk.comes(1)
    monkeypatch.undo()
    assert await desk.put() == []
    await desk.comes(1)
    assert len(await desk.put()) == 1


async def test_a_conversation_has_one(desk: Desk):
    first = await desk.comes()
    desk.now += timedelta(minutes=90)
    again = await desk.comes(references=("1@customer.example",))
    assert again.conversation == first.conversation
    assert len(await desk.put()) == 1


async def test_an_answer_to_it_joins_and_gets_none(desk: Desk):
    first = await desk.comes()
    (row,) = await desk.put()
    again = await desk.comes(in_reply_to=(row["message_id"],), subject="Thanks")
    assert again.conversation == first.conversation
    assert len(await desk.put()) == 1


async def test_one_subject_of_one_correspondent_has_one_in_an_hour(desk: Desk):
    await desk.comes()
    await desk.comes(subject="RE: where is  my PARCEL?")
    await desk.comes(subject="Another thing")
    assert len(await desk.put()) == 2
    desk.now += timedelta(minutes=61)
    await desk.comes()
    assert len(await desk.put()) == 3


@pytest.mark.parametrize(
    "given",
    [
        {"machine": Machine(auto_submitted="auto-generated")},
        {"machine": Machine(precedence="bulk")},
        {"machine": Machine(list_headers=True)},
        {"machine": Machine(auto_response_suppress="All")},
        {"machine": Machine(loop_marks=("mark",))},
        {"machine": Machine(return_path="<>")},
        {"sender": Address("no-reply@customer.example")},
        {"sender": Address("mailer-daemon@customer.example")},
        {"sender": Address(SALES)},
        {"reply_to": (Address(HELP),)},
        {"reply_to": (Address("Sales+abc@shop.example"),)},
        {"sender": Address('"a b"@customer.example')},
        {"at": NOW - timedelta(hours=25)},
        {"spam_flag": True},
    ],
    ids=str,
)
async def test_who_gets_none(desk: Desk, given: dict[str, Any]):
    await desk.comes(**given)
    assert await desk.put() == []


async def test_an_address_gets_only_so_many_whoever_asks_for_them(desk: Desk):
    victim = Address("victim@customer.example")
    for number in range(8):
        await desk.comes(
            sender=Address(f"someone{number}@else.example"),
            reply_to=(victim,),
            subject=f"Buy {'x' * number}",
        )
    assert await desk.to() == [victim.address] * 5
    await desk.comes(sender=Address("ann@else.example"))
    assert await desk.to() == [victim.address] * 5 + ["ann@else.example"]
    desk.now += timedelta(minutes=61)
    await desk.comes(sender=Address("x@else.example"), reply_to=(victim,), subject="Again")
    assert len(await desk.to()) == 7


async def test_two_machines_that_say_nothing_of_themselves_stop(desk: Desk):
    """The other one answers each acknowledgement, as a new mail that refers to nothing."""
    answered = 0
    await desk.comes(subject="Hello")
    while (rows := await desk.put())[answered:]:
        answered += 1
        subject = message_from_bytes(rows[-1]["content"])["Subject"]
        await desk.comes(subject=f"Auto: {subject}")
        assert answered < 10
    assert answered <= 2


async def test_others_are_acknowledged_in_a_mailbox_without_a_template(desk: Desk):
    decide = Settling(RULES, lambda: desk.now).decide
    silent = Filing(desk.database, NODE, 1, "sales", decide, lambda: desk.now)
    await silent.open("sales")
    await silent.begin_folder(7)
    taken = await silent.take(arrived(1, b"x"), message(b"x"))
    assert taken.became == "email"
    assert await desk.put() == []


async def test_a_broken_template_is_told_and_mail_is_taken_in(database: Database):
    async def never(*_: object) -> None: ...

    settings = MailboxSettings.model_validate(
        {
            "queue": QUEUE, "address": HELP, "host": "x", "user": "u", "secret": "s",
            "acknowledge": "/nowhere/template",
        }
    )  # fmt: skip
    mailboxes = Mailboxes(
        NODE,
        1,
        {NODE: {MAILBOX: settings}},
        database,
        Readers(Limits()),
        certain=never,
        clock=lambda: NOW,
    )  # type: ignore[arg-type]
    intake = mailboxes._intakes[MAILBOX] = mailboxes._intake(MAILBOX, settings, KEYS)
    assert mailboxes.troubles == {MAILBOX: "not looked into yet"}
    intake.trouble = ""
    assert mailboxes.troubles[MAILBOX].startswith("nothing is acknowledged: acknowledge /nowhere/")


async def _released(desk: Desk, taken: Taken, **given: Any) -> None:
    """Have what is held released, read as this message."""
    (held,) = await desk.database.fetch("find_quarantined", str(taken.id))
    given = {"message_id": "held@customer.example", "cc": (), **given}
    settling = Settling(RULES, lambda: desk.now)
    assert await release(
        desk.database, held, settling, RULES.ours, "root", desk.now,
        acknowledging=desk.acknowledging, reader=lambda content, limits: message(content, **given),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "to"),
    [
        ({}, ["Ann.Lee@customer.example"]),
        ({"machine": Machine(auto_submitted="auto-generated")}, []),
        ({"machine": Machine(precedence="bulk")}, []),
    ],
)
async def test_what_is_released_is_acknowledged_by_the_same_rules(
    desk: Desk, given: dict[str, Any], to: list[str]
) -> None:
    taken = await desk.comes(spam_flag=True, **given)
    assert taken.became == "quarantine"
    assert await desk.to() == []
    await _released(desk, taken, spam_flag=True, **given)
    assert await desk.to() == to


async def test_what_is_released_long_after_it_came_is_not_acknowledged(desk: Desk) -> None:
    taken = await desk.comes(spam_flag=True)
    desk.now += timedelta(days=2)
    await _released(desk, taken, spam_flag=True)
    assert await desk.to() == []


async def test_what_can_not_be_read_is_released_without_a_word(desk: Desk) -> None:
    taken = await desk.comes(spam_flag=True)
    (held,) = await desk.database.fetch("find_quarantined", str(taken.id))
    broken = Unreadable("too many parts", held["sha256"].hex(), 1, "ann.lee@customer.example")
    assert await release(
        desk.database, held, Settling(RULES, lambda: desk.now), RULES.ours, "root", desk.now,
        acknowledging=desk.acknowledging, reader=lambda content, limits: broken,
    )  # fmt: skip
    assert await desk.to() == []
