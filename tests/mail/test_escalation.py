"""Escalations in Postgres, with faked times: each once for each deadline, and whole or not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

import pytest_asyncio
from mail_story import MailStory, at

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.mail.escalation import Escalation
from ccmiddleware.store.database import Database

BOX = MailboxSettings(
    queue="help", address="help@shop.example", name="Help", host="h", user="u", secret="s"
)
HOUR = 3600


@dataclass
class Desk:
    """A story, and the leader who escalates in it."""

    story: MailStory
    term: int
    listed: tuple[str, ...] = ()
    """Queues that Asterisk listed."""

    async def look(self, when: str, term: int | None = None) -> int:
        """Measure and escalate at a time; how many deadlines."""
        await self.story.measured()
        escalation = Escalation(
            "pbx",
            term or self.term,
            {"help": BOX, "sales": BOX},
            self.story.database,
            certain=self._certain,
            listed=lambda: self.listed,
            clock=lambda: at(when),
        )
        return await escalation.look()

    async def _certain(self) -> None:
        pass

    async def item(self, who: str) -> tuple[Any, ...]:
        (row,) = await self.story.run(
            "SELECT w.state, w.priority, q.name, w.reason FROM ccm.work_item w"
            " JOIN ccm.queue q ON q.id = w.queue_id WHERE w.id = $1",
            self.story.items[who],
        )
        return tuple(row.values())

    async def notices(self) -> list[tuple[str, str, str]]:
        """Recipients, subject and text of each."""
        rows = await self.story.run(
            "SELECT content FROM ccm.outbox WHERE kind = 'notice' ORDER BY put_at, id"
        )
        mails = [message_from_bytes(row["content"]) for row in rows]
        return [
            (mail["To"], mail["Subject"], mail.get_payload(decode=True).decode())  # type: ignore[union-attr]
            for mail in mails
        ]


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    story = await MailStory(database).begin()
    await database.execute("prepare_leadership", ["pbx"])
    (row,) = await database.rows("UPDATE ccm.leadership SET term = term + 1 RETURNING term")
    await story.settings(
        "help",
        hours="09:00-17:00",
        email_first_response_seconds=2 * HOUR,
        email_escalate_before_seconds=HOUR,
        email_escalate_to="priority=7,queue:sales,notify:boss@shop.example",
    )
    yield Desk(story, row["term"])


async def test_before_the_time_is_over_once(desk: Desk) -> None:
    await desk.story.asks("a", "2026-11-27 16:30")
    assert await desk.look("2026-11-28 09:29") == 0  # half an hour of its time was yesterday's
    assert await desk.look("2026-11-28 09:30") == 1
    assert await desk.item("a") == ("waiting", 7, "sales", "its time was nearly over")
    assert await desk.look("2026-11-28 09:31") == 0
    ((to, subject, text),) = await desk.notices()
    assert (to, subject) == ("<boss@shop.example>", "Email 1 in help is nearly due")
    assert "Nobody has it in hand." in text
    assert "It waits in sales now." in text
    assert "due 2026-11-28 10:30 UTC" in text
    (event,) = await desk.story.run(
        "SELECT data FROM ccm.interaction_event WHERE kind = 'escalated'"
    )
    assert event["data"] == {
        "goal": "first_response", "due_at": "2026-11-28T10:30:00+00:00", "steps": ["warned"],
        "priority": 7, "queue": "sales", "notified": ["boss@shop.example"],
    }  # fmt: skip


async def test_a_queue_that_is_not_there_any_more_is_told_of_and_nothing_is_lost(
    desk: Desk,
) -> None:
    desk.listed = ("help",)
    await desk.story.asks("a", "2026-11-27 10:00")
    assert await desk.look("2026-11-27 11:00") == 1
    assert await desk.item("a") == ("waiting", 7, "help", "")
    ((_, _, text),) = await desk.notices()
    assert "It was to wait in sales, a queue that is not there any more" in text
    (event,) = await desk.story.run(
        "SELECT data FROM ccm.interaction_event WHERE kind = 'escalated'"
    )
    assert (event["data"]["missing_queue"], event["data"].get("queue")) == ("sales", None)
    # Once for this deadline, also when the queue comes back.
    desk.listed = ("help", "sales")
    assert await desk.look("2026-11-27 11:01") == 0


async def test_the_next_question_is_another_deadline(desk: Desk) -> None:
    await desk.story.settings(
        "help", email_next_response_seconds=HOUR, email_escalate_to="priority=3"
    )
    await desk.story.asks("a", "2026-11-27 09:00")
    await desk.story.answers("a", "2026-11-27 09:10")
    assert await desk.look("2026-11-27 16:00") == 0
    await desk.story.asks("a", "2026-11-27 10:00")
    assert await desk.look("2026-11-27 10:30") == 1
    assert (await desk.item("a"))[1] == 3


async def test_who_sits_on_an_email_is_told_of_and_loses_it(desk: Desk) -> None:
    await desk.story.settings("help", email_take_back=True, hours=None)
    await desk.story.asks("a", "2026-11-27 10:00")
    await desk.story.takes("a", "2026-11-27 10:10")
    assert await desk.look("2026-11-27 11:00") == 1
    assert await desk.item("a") == ("working", 7, "help", "")
    assert await desk.look("2026-11-27 11:59") == 0
    assert await desk.look("2026-11-27 12:00") == 1
    assert await desk.item("a") == ("waiting", 7, "sales", "its time was over")
    assert await desk.look("2026-11-27 12:30") == 0
    first, second = await desk.notices()
    assert "Ann has it in hand." in first[2]
    assert second[1] == "Email 1 in help is overdue"
    segments = await desk.story.run("SELECT ended_at, ended_by FROM ccm.segment")
    assert [tuple(row.values()) for row in segments] == [(at("2026-11-27 12:00"), "transfer")]


async def test_only_the_leader_of_the_present_term_escalates(desk: Desk) -> None:
    await desk.story.asks("a", "2026-11-27 10:00")
    assert await desk.look("2026-11-27 16:00", term=desk.term + 1) == 0
    assert (await desk.item("a"))[1] == 0
    assert await desk.look("2026-11-27 16:00") == 1


async def test_nothing_is_escalated_that_was_answered_or_has_no_target(desk: Desk) -> None:
    await desk.story.asks("a", "2026-11-27 10:00")
    await desk.story.asks("b", "2026-11-27 10:00", "sales")
    await desk.story.answers("a", "2026-11-27 10:30")
    assert await desk.look("2026-11-28 16:00") == 0
    assert await desk.notices() == []
