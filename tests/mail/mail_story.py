"""A story of emails in Postgres, told with times: what customers and agents did, and when."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from ccmiddleware.ids import email_id
from ccmiddleware.mail.timing import Timing
from ccmiddleware.store.database import Database

MAIL = """
INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,
    from_address, from_name, subject, body, quoted, html, joined_by)
SELECT $1, $2, m.id, $3, $4, '', $5, 'cara@customer.example', 'Cara', 'Help', 'text', '', '', ''
FROM ccm.mailbox m
WHERE m.name = $6
"""


def at(text: str) -> datetime:
    """A moment: ``2026-11-27 09:00``, in UTC unless it says otherwise."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@dataclass
class MailStory:
    """Node ``pbx`` with the queues ``help`` and ``sales``, each with a mailbox of its name."""

    database: Database
    conversations: dict[str, UUID] = field(default_factory=dict)
    items: dict[str, UUID] = field(default_factory=dict)

    async def run(self, sql: str, *values: Any) -> list[Any]:
        return list(await self.database.rows(sql, *values))

    async def begin(self) -> "MailStory":
        await self.run("INSERT INTO ccm.node (name, link) VALUES ('pbx', 'up')")
        for queue in ("help", "sales"):
            await self.run(
                "INSERT INTO ccm.queue (node_id, name) SELECT id, $1 FROM ccm.node", queue
            )
            await self.run(
                "INSERT INTO ccm.mailbox (name, node_id, queue_id)"
                " SELECT name, node_id, id FROM ccm.queue WHERE name = $1",
                queue,
            )
        await self.run(
            "INSERT INTO ccm.agent (node_id, interface, name)"
            " SELECT id, 'PJSIP/ann', 'Ann' FROM ccm.node"
        )
        await self.run(
            "INSERT INTO ccm.email_raw (sha256, content, stored_at) VALUES ($1, '', now())",
            bytes(32),
        )
        return self

    async def asks(self, who: str, when: str, queue: str = "help") -> UUID:
        """An email comes in: it opens the conversation of that name, or joins it."""
        moment, new = at(when), who not in self.conversations
        conversation = self.conversations.setdefault(who, uuid4())
        if new:
            await self.run(
                "INSERT INTO ccm.conversation"
                " (id, node_id, queue_id, subject, opened_at, changed_at)"
                " SELECT $1, node_id, id, 'Help', $2, $2 FROM ccm.queue WHERE name = $3",
                conversation,
                moment,
                queue,
            )
        else:
            await self.database.execute("reopen_conversation", conversation, moment)
        email = email_id(who + when, bytes(32), moment)
        await self.run(MAIL, email, conversation, "inbound", bytes(32), moment, queue)
        (row,) = await self.database.fetch("open_work", [email])
        self.items[who] = row["open_work"]
        return self.items[who]

    async def takes(self, who: str, when: str) -> None:
        await self.run(
            "SELECT ccm.take_work($1, a.id, $2) FROM ccm.agent a", self.items[who], at(when)
        )

    async def answers(self, who: str, when: str, *, closes: bool = False) -> None:
        conversation = self.conversations[who]
        await self.run(MAIL, uuid4(), conversation, "outbound", None, at(when), "help")
        await self.done(who, when, "answered", "closed" if closes else "waiting")

    async def done(self, who: str, when: str, outcome: str, then: str) -> None:
        await self.run(
            "SELECT ccm.finish_work($1, $2, $3, $4, 'Ann')",
            self.items[who],
            outcome,
            then,
            at(when),
        )

    async def requeued(self, who: str, when: str, queue: str, until: str | None = None) -> None:
        await self.run(
            "SELECT ccm.requeue_work($1, q.id, $2, $3, 'told') FROM ccm.queue q WHERE q.name = $4",
            self.items[who],
            at(until or when),
            at(when),
            queue,
        )

    async def wakes(self, when: str) -> None:
        await self.database.fetchval("wake_work", "pbx", at(when))

    async def settings(self, queue: str, zone: str = "UTC", **values: object) -> None:
        """Settings of a queue by column; ``hours`` for every day of the week."""
        hours = values.pop("hours", None)
        names = ["time_zone", "weekly", *values]
        given = [zone, hours is not None, *values.values()]
        columns = ", ".join(names)
        places = ", ".join(f"${number}" for number in range(2, len(names) + 2))
        sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
        await self.run(
            f"INSERT INTO ccm.queue_setting AS s (queue_id, revision, {columns})"  # noqa: S608
            f" SELECT id, 1, {places} FROM ccm.queue WHERE name = $1"
            f" ON CONFLICT (queue_id) DO UPDATE SET revision = s.revision + 1, {sets}",
            queue,
            *given,
        )
        for day in range(1, 8 if hours is not None else 1):
            await self.run(
                "INSERT INTO ccm.queue_hours SELECT id, $2, $3 FROM ccm.queue WHERE name = $1",
                queue,
                day,
                hours,
            )

    async def measured(self) -> int:
        """The leader measures all that has changed."""
        return await Timing("pbx", self.database).look()

    async def view(
        self, view: str, columns: str, now: str, more: str = ""
    ) -> list[tuple[Any, ...]]:
        """Rows of a report view, at a time."""
        async with self.database.transaction() as transaction:
            await transaction.rows("SELECT set_config('ccm.now', $1, true)", at(now).isoformat())
            await transaction.rows("SELECT set_config('TimeZone', 'UTC', true)")
            rows = await transaction.rows(f"SELECT {columns} FROM report.{view} {more}")  # noqa: S608
        return [tuple(row.values()) for row in rows]
