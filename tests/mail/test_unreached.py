"""Answers that did not reach the customer: the matter is open, and the agent is told, once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from mail_story import MAIL, MailStory, at

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.mail.outbox import put
from ccmiddleware.mail.unreached import UnreachedAnswers
from ccmiddleware.store.database import Database

BOX = MailboxSettings(
    queue="help", address="help@shop.example", name="Help", host="h", user="u", secret="s"
)
CARA, DORA = "cara@customer.example", "dora@customer.example"
ANN = "ann@shop.example"


@dataclass
class Desk:
    """A story, and the leader who looks after unreached answers in it."""

    story: MailStory
    term: int
    now: str = "2026-11-27 11:00"

    async def look(self, term: int | None = None) -> int:
        async def certain() -> None:
            pass

        service = UnreachedAnswers(
            "pbx", term or self.term, {"help": BOX}, self.story.database,
            certain=certain, clock=lambda: at(self.now),
        )  # fmt: skip
        return await service.look()

    async def answered(self, who: str, when: str, *to: str, closes: bool = False) -> UUID:
        """The agent's answer to these, and the item is done; the answer's id."""
        story, id_ = self.story, uuid4()
        conversation = story.conversations[who]
        await story.run(MAIL, id_, conversation, "outbound", None, at(when), "help")
        (box,) = await story.run("SELECT id FROM ccm.mailbox WHERE name = 'help'")
        async with story.database.transaction() as session:
            await put(
                session, id=id_, mailbox=box["id"], conversation=conversation, kind="answer",
                message_id=f"{id_}@shop.example", envelope_from="help@shop.example",
                recipients=to, content=b"", now=at(when),
            )  # fmt: skip
        await story.run(
            "INSERT INTO ccm.agent_reply (id, item_id, agent_id, by, at, what, said, email_id)"
            " SELECT $1, $2, a.id, 'Ann', $3, 'answer', '', $4 FROM ccm.agent AS a",
            uuid4(), story.items[who], at(when), id_,
        )  # fmt: skip
        await story.done(who, when, "answered", "closed" if closes else "waiting")
        return id_

    async def refused(self, answer: UUID, *to: str, failed: bool = True) -> None:
        await self.story.run(
            "UPDATE ccm.outbox_recipient SET state = 'refused', code = 550, reason = 'no such user'"
            " WHERE outbox_id = $1 AND address = ANY ($2)",
            answer, list(to),
        )  # fmt: skip
        state = "failed" if failed else "sent"
        await self.story.run(
            "UPDATE ccm.outbox SET state = $2, done_at = put_at WHERE id = $1", answer, state
        )

    async def item(self, who: str = "a") -> tuple[Any, ...]:
        (row,) = await self.story.run(
            "SELECT w.state, w.outcome, w.reason, c.state AS matter, i.state AS interaction"
            " FROM ccm.work_item AS w JOIN ccm.conversation AS c ON c.id = w.conversation_id"
            " JOIN ccm.interaction AS i ON i.id = w.id WHERE w.id = $1",
            self.story.items[who],
        )
        return tuple(row.values())

    async def receipts(self) -> list[tuple[str, str, str]]:
        rows = await self.story.run(
            "SELECT content FROM ccm.outbox WHERE kind = 'receipt' ORDER BY put_at, id"
        )
        mails = [message_from_bytes(row["content"]) for row in rows]
        return [
            (mail["To"], mail["Subject"], mail.get_payload(decode=True).decode())  # type: ignore[union-attr]
            for mail in mails
        ]

    async def events(self) -> list[str]:
        rows = await self.story.run(
            "SELECT key FROM ccm.interaction_event WHERE kind IN ('ended', 'reopened')"
            " ORDER BY at, key"
        )
        return [row["key"] for row in rows]


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    story = await MailStory(database).begin()
    await database.execute("prepare_leadership", ["pbx"])
    (row,) = await database.rows("UPDATE ccm.leadership SET term = term + 1 RETURNING term")
    await database.rows("UPDATE ccm.agent SET email = $1", ANN)
    await story.asks("a", "2026-11-27 10:00")
    await story.takes("a", "2026-11-27 10:10")
    yield Desk(story, row["term"])


@pytest.mark.parametrize("closes", [False, True])
async def test_refused_for_good(desk: Desk, closes: bool) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA, closes=closes)
    assert await desk.look() == 0
    await desk.refused(answer, CARA)
    assert await desk.look(desk.term + 1) == 0  # not the leader
    assert await desk.look() == 1
    why = f"not delivered to {CARA}: 550 no such user"
    assert await desk.item() == ("waiting", None, why, "open", "waiting")
    ((to, subject, text),) = await desk.receipts()
    assert (to, subject) == (f'"Ann" <{ANN}>', "Not delivered: [#1] Help")
    assert f"- {CARA}: 550 no such user" in text
    assert "Email 1 waits in help again." in text
    assert "> text" in text
    (note,) = await desk.story.run("SELECT author, text FROM ccm.conversation_note")
    assert tuple(note.values()) == ("ccmiddleware", f"An answer was {why}.")
    # Once.
    assert await desk.look() == 0
    # It is taken, answered and done again; that stands in its history, too.
    await desk.story.takes("a", "2026-11-27 12:00")
    await desk.answered("a", "2026-11-27 12:10", CARA)
    assert (await desk.item())[:2] == ("done", "answered")
    assert await desk.events() == ["ended", "reopened:1", "ended:1"]
    (seen,) = await desk.story.run("SELECT outcome FROM report.interaction")
    assert seen["outcome"] == "answered"


async def test_a_delivery_report_comes_later(desk: Desk) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    await desk.story.run("UPDATE ccm.outbox_recipient SET state = 'sent'")
    await desk.story.run("UPDATE ccm.outbox SET state = 'sent', done_at = put_at")
    told = [{"outbox": str(answer), "recipient": CARA, "status": "5.1.1", "address_gone": True}]
    arrival = await desk.story.run(
        "INSERT INTO ccm.email_arrival (id, mailbox_id, sha256, arrived_at)"
        " SELECT $1, id, $2, now() FROM ccm.mailbox LIMIT 1 RETURNING id",
        uuid4(), bytes(32),
    )  # fmt: skip
    for state in ("delayed", "failed", "failed"):
        reports = [one | {"state": state, "why": "user unknown"} for one in told]
        await desk.story.database.execute(
            "note_email_reports", arrival[0]["id"], at("2026-11-27 10:30"), reports
        )
        await desk.look()
    assert (await desk.item())[:2] == ("waiting", None)
    assert len(await desk.receipts()) == 1


async def test_what_nobody_has_does_not_stop_the_clock(desk: Desk) -> None:
    await desk.story.settings("help", email_first_response_seconds=3600)
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    await desk.story.measured()
    sql = "SELECT ended_at, reached FROM ccm.service_clock WHERE goal = 'first_response'"
    assert [tuple(row.values()) for row in await desk.story.run(sql)] == [
        (at("2026-11-27 10:20"), True)
    ]
    await desk.refused(answer, CARA)
    await desk.look()
    await desk.story.measured()
    assert [tuple(row.values()) for row in await desk.story.run(sql)] == [(None, False)]


async def test_one_of_several_has_it_not(desk: Desk) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA, DORA)
    await desk.refused(answer, DORA, failed=False)
    assert await desk.look() == 1
    assert (await desk.item())[:3] == (
        "waiting",
        None,
        f"not delivered to {DORA}: 550 no such user",
    )


async def test_the_customer_has_written_again_meanwhile(desk: Desk) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    first = desk.story.items["a"]
    second = await desk.story.asks("a", "2026-11-27 10:30")
    assert second != first
    await desk.refused(answer, CARA)
    assert await desk.look() == 1
    rows = await desk.story.run("SELECT state FROM ccm.work_item ORDER BY number")
    assert [row["state"] for row in rows] == ["done", "waiting"]
    ((_, _, text),) = await desk.receipts()
    assert "Another email of the same matter is open." in text


async def test_what_a_person_dropped_is_no_news(desk: Desk) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    await desk.story.database.fetch("drop_outbox", answer, "root", at("2026-11-27 10:30"))
    assert await desk.look() == 0
    assert (await desk.item())[:2] == ("done", "answered")


async def test_sent_again_by_hand_and_refused_again(desk: Desk) -> None:
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    await desk.refused(answer, CARA)
    await desk.look()
    await desk.story.database.fetch("retry_outbox", answer, "root", at("2026-11-27 11:30"))
    assert await desk.look() == 0
    desk.now = "2026-11-27 12:00"
    await desk.refused(answer, CARA)
    assert await desk.look() == 1
    assert len(await desk.receipts()) == 2
    assert (await desk.item())[0] == "waiting"
    assert await desk.events() == ["ended", "reopened:1"]


async def test_an_agent_without_an_address_or_a_mailbox_that_is_gone_loses_nothing(
    desk: Desk,
) -> None:
    await desk.story.run("UPDATE ccm.agent SET email = NULL")
    answer = await desk.answered("a", "2026-11-27 10:20", CARA)
    await desk.refused(answer, CARA)
    assert await desk.look() == 1
    assert (await desk.item())[0] == "waiting"
    assert await desk.receipts() == []
