"""Reads tables pasted as text: rows of facts that a test is given, rows of a view that it expects.

A table has its column names in the first line and cells between ``|``. The name of the first column
says which fact it is; blank lines separate tables::

    visit | queue | joined   | answered | left     | outcome
    a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
    b *3  | sales | 09:01:00 |          | 09:01:08 | abandoned

Times without a date are on 2026-11-27, times without an offset in UTC. ``b *3`` stands for three
interactions; ``yes`` in a column ``email`` makes it one of an email.
Interactions, queues and agents that are only mentioned are made up with defaults.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from ccmiddleware.ids import uuid7_shaped

DAY = "2026-11-27"
FIRST_COLUMNS = (
    "queue",
    "agent",
    "member",
    "call",
    "visit",
    "offer",
    "segment",
    "hold",
    "recording",
    "state",
    "logged",
    "link",
    "made",
)
Row = dict[str, str]
EMAIL_VERSION = 4611686018427387904
"""ccm.work_version(): the rows of emails are known by it."""


def tables(text: str) -> list[list[Row]]:
    """The pasted tables, as rows of cells by column name."""
    found = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = [
            [cell.strip() for cell in line.split("|")]
            for line in block.splitlines()
            if line.strip()
        ]
        head, *rows = lines
        for row in rows:
            assert len(row) == len(head), f"{len(row)} cells under {len(head)} names: {row}"
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def moment(cell: str) -> datetime | None:
    """``09:00``, ``11-28 09:00`` or a whole ISO time as an aware datetime; empty is None."""
    if not cell:
        return None
    if re.match(r"\d\d:", cell):
        cell = f"{DAY} {cell}"
    elif re.match(r"\d\d-\d\d ", cell):
        cell = f"{DAY[:5]}{cell}"
    if not re.search(r"[+-]\d\d(:?\d\d)?$|Z$", cell[10:]):
        cell += "+00:00"
    return datetime.fromisoformat(cell)


def certain(cell: str) -> datetime:
    """A time that must be there."""
    at = moment(cell)
    assert at is not None, "a time is missing"
    return at


def version(row: Row) -> int:
    """Version of a row: emails are known by theirs."""
    return EMAIL_VERSION if row.get("email") == "yes" else 1


def call_id(label: str) -> UUID:
    """The id that stands for a label; it holds the time at which DAY begins."""
    return uuid7_shaped(int(certain("00:00").timestamp() * 1000), label)


class Writer:
    """Puts pasted facts into the tables of one database, on one node called pbx."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db
        self.calls: dict[str, list[datetime | None]] = {}
        self.outcomes: dict[str, str] = {}
        self.given_calls: set[str] = set()
        self.counters: dict[tuple[str, str], int] = {}

    async def write(self, text: str) -> None:
        await self.node()
        for rows in tables(text):
            kind = next(iter(rows[0]))
            assert kind in FIRST_COLUMNS, f"no fact is called {kind}"
            for row in rows:
                label, _, times = row[kind].partition(" *")
                for number in range(int(times or 1)):
                    row[kind] = f"{label}#{number}" if times else label
                    await getattr(self, kind)(row)
        await self.mentioned_calls()

    async def node(self) -> UUID:
        return await self.db.fetchval(
            "INSERT INTO ccm.node (name, link) VALUES ('pbx', 'up')"
            " ON CONFLICT (name) DO UPDATE SET link = 'up' RETURNING id"
        )

    async def queue(self, row: Row) -> UUID:
        seconds = row.get("service_level_seconds")
        return await self.db.fetchval(
            "INSERT INTO ccm.queue (node_id, name, strategy, service_level_seconds)"
            " VALUES ($1, $2, 'ringall', coalesce($3, 20)) ON CONFLICT (node_id, name) DO UPDATE"
            " SET service_level_seconds = coalesce($3, queue.service_level_seconds) RETURNING id",
            await self.node(),
            row["queue"],
            int(seconds) if seconds else None,
        )

    async def agent(self, row: Row) -> UUID:
        interface = row.get("interface") or f"PJSIP/{row['agent']}"
        return await self.db.fetchval(
            "INSERT INTO ccm.agent (node_id, interface, name) VALUES ($1, $2, $3)"
            " ON CONFLICT (node_id, interface) DO UPDATE SET seen_at = now() RETURNING id",
            await self.node(),
            interface,
            row.get("name", row["agent"]),
        )

    async def member(self, row: Row) -> None:
        await self.db.execute(
            "INSERT INTO ccm.queue_member (queue_id, agent_id, at, member, paused)"
            " VALUES ($1, $2, now(), $3, $4)",
            await self.queue({"queue": row["queue"]}),
            await self.agent({"agent": row["member"]}),
            row.get("removed") != "yes",
            row.get("paused") == "yes",
        )

    async def call(self, row: Row) -> None:
        self.given_calls.add(row["call"])
        await self.db.execute(
            "INSERT INTO ccm.interaction VALUES"
            " ($1, 1, $2, 'voice', $12, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11)",
            call_id(row["call"]),
            await self.node(),
            row.get("state") or ("ended" if row.get("ended") else "talking"),
            row["call"],
            row.get("caller", ""),
            row.get("caller_name", ""),
            row.get("did", ""),
            certain(row["started"]),
            moment(row.get("ended", "")),
            row.get("outcome") or None,
            row.get("inferred") == "yes",
            row.get("direction") or "inbound",
        )

    async def visit(self, row: Row) -> None:
        joined, left = certain(row["joined"]), moment(row.get("left", ""))
        await self.db.execute(
            "INSERT INTO ccm.queue_visit VALUES ($1, $2, $9, $3, 1, $4, $5, $6, $7, $8)",
            call_id(row["visit"]),
            self._next("visit", row["visit"]),
            await self.queue({"queue": row["queue"]}),
            joined,
            moment(row.get("answered", "")),
            left,
            row.get("outcome") or None,
            row.get("inferred") == "yes",
            version(row),
        )
        self._mention(row["visit"], joined, left)
        if row.get("outcome"):
            self.outcomes[row["visit"]] = row["outcome"]

    async def offer(self, row: Row) -> None:
        offered, ended = certain(row["offered"]), moment(row.get("ended", ""))
        await self.db.execute(
            "INSERT INTO ccm.offer VALUES ($1, $2, $8, $3, $4, $5, $6, $7)",
            call_id(row["offer"]),
            self._next("offer", row["offer"]),
            int(row.get("visit") or 1),
            await self.agent({"agent": row["agent"]}),
            offered,
            ended,
            row.get("outcome") or None,
            version(row),
        )
        self._mention(row["offer"], offered, ended)

    async def segment(self, row: Row) -> None:
        answered, ended = certain(row["answered"]), moment(row.get("ended", ""))
        await self.db.execute(
            "INSERT INTO ccm.segment VALUES"
            " ($1, $2, $12, $3, $4, 'caller', 'agent', $5, $6, $7, $8, $9, $10, $11)",
            call_id(row["segment"]),
            self._next("segment", row["segment"]),
            int(row.get("visit") or 1),
            await self.agent({"agent": row["agent"]}),
            moment(row.get("offered", "")) or answered,
            answered,
            ended,
            (row.get("by") or "caller") if ended else None,
            float(row.get("hold") or 0),
            float(row.get("wrap_up") or 0),
            row.get("inferred") == "yes",
            version(row),
        )
        self._mention(row["segment"], answered, ended)
        self.outcomes[row["segment"]] = "answered"

    async def hold(self, row: Row) -> None:
        """The events of a hold in segment ``number``; open without ``until``."""
        since, until = certain(row["since"]), moment(row.get("until", ""))
        events = [("hold", since, "{}")] if row.get("unseen") != "begin" else []
        if until is not None:
            held = (until - since).total_seconds()
            events.append(("unhold", until, f'{{"seconds": {held}}}'))
        for kind, at, data in events:
            await self.db.execute(
                "INSERT INTO ccm.interaction_event VALUES ($1, $2, $3, $4, false, $5::text::jsonb)",
                call_id(row["hold"]),
                f"{kind}:{row.get('number') or 1}:{at.isoformat()}",
                kind,
                at,
                data,
            )

    async def recording(self, row: Row) -> None:
        finished = row["state"] == "finished"
        await self.db.execute(
            "INSERT INTO ccm.recording VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            call_id(row["recording"]),
            int(row.get("number") or 1),
            await self.node(),
            row["state"],
            row.get("path", ""),
            certain(row["started"]),
            moment(row.get("ended", "")),
            float(row["seconds"]) if row.get("seconds") else None,
            1000 if finished else None,
            "0" * 64 if finished else None,
            row.get("error", ""),
        )

    async def state(self, row: Row) -> None:
        await self.db.execute(
            "INSERT INTO ccm.agent_state VALUES ($1, $2, 1, $3, $4, $5, $6)",
            await self.agent({"agent": row["agent"]}),
            certain(row["since"]),
            row["state"],
            row.get("reason", ""),
            moment(row.get("until", "")),
            row.get("inferred") == "yes",
        )

    async def logged(self, row: Row) -> None:
        """A row of queue_log; ``data`` as in the file."""
        number = self._next("logged", "")
        await self.db.execute(
            "INSERT INTO ccm.queue_log_row VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            await self.node(),
            certain(row["at"]),
            UUID(int=number),
            number,
            row["logged"],
            row.get("queue") or "NONE",
            row.get("agent") or "NONE",
            row["event"],
            row["data"].split("/") if row.get("data") else [],
        )

    async def link(self, row: Row) -> None:
        """An interval in which the link to the node was up; ``link`` may be anything."""
        await self.db.execute(
            "INSERT INTO ccm.link_interval VALUES ($1, $2, $3)",
            await self.node(),
            certain(row["since"]),
            certain(row["until"]),
        )

    async def made(self, row: Row) -> None:
        """An interaction that is known from queue_log alone."""
        await self.db.execute(
            "INSERT INTO ccm.interaction_event VALUES"
            " ($1, 'made_from_queue_log', 'made_from_queue_log', $2, true, '{}')",
            call_id(row["made"]),
            certain(row["at"]),
        )

    async def mentioned_calls(self) -> None:
        """The interactions of which only parts were given: as long as their parts."""
        for label, times in self.calls.items():
            if label in self.given_calls:
                continue
            known = [at for at in times if at is not None]
            open_end = any(at is None for at in times)
            await self.db.execute(
                "INSERT INTO ccm.interaction VALUES ($1, 1, $2, 'voice', 'inbound', $3, $4, $4,"
                " '', '', '', $5, $6, $7, false)",
                call_id(label),
                await self.node(),
                "waiting" if open_end else "ended",
                label,
                min(known),
                None if open_end else max(known),
                self.outcomes.get(label, None if open_end else "lost"),
            )
            self.given_calls.add(label)

    def _next(self, kind: str, label: str) -> int:
        self.counters[kind, label] = self.counters.get((kind, label), 0) + 1
        return self.counters[kind, label]

    def _mention(self, label: str, *times: datetime | None) -> None:
        self.calls.setdefault(label, []).extend(times)


async def given(db: asyncpg.Connection, text: str, *, now: str = "23:59") -> None:
    """Puts pasted facts into the database; ``now`` is the present for the views."""
    await Writer(db).write(text)
    await set_now(db, now)


async def set_now(db: asyncpg.Connection, now: str) -> None:
    """Makes ``now`` the present for the views."""
    await db.execute("SELECT set_config('ccm.now', $1, false)", certain(now).isoformat())


async def shows(db: asyncpg.Connection, source: str, text: str) -> None:
    """Asserts that ``source`` (a view, with conditions) has exactly the pasted rows, in any order.

    Only the columns of the pasted table are looked at. A table whose first column is called
    ``column`` lies on its side: the names stand in the first column, each other column is a row.
    """
    (wanted,) = tables(text)
    if next(iter(wanted[0])) == "column":
        heads = [head for head in wanted[0] if head != "column"]
        wanted = [{row["column"]: row[head] for row in wanted} for head in heads]
    columns = list(wanted[0])
    rows = await db.fetch(f"SELECT {', '.join(columns)} FROM {source}")  # noqa: S608 - of the test
    actual = [[cell(value) for value in row] for row in rows]
    seen = "\n".join(" | ".join(line) for line in [columns, *actual])
    assert sorted(actual) == sorted(list(row.values()) for row in wanted), f"it shows:\n{seen}"


async def shows_nothing(db: asyncpg.Connection, source: str) -> None:
    """Asserts that ``source`` has no rows."""
    assert await db.fetchval(f"SELECT count(*) FROM {source}") == 0  # noqa: S608 - of the test


def cell(value: object) -> str:
    """A value as the pasted tables write it; times in UTC, without the date on DAY."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}".removeprefix(f"{DAY} ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(cell(part) for part in value)
    return str(value)
