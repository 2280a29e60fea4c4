"""Reads a node's queue_log, stores its rows, and completes calls that went by unseen.

Two loops. ``follow`` reads the file and writes its rows as facts, with the place in the file behind
them; so both go through the journal, in this order. ``complete`` looks some seconds after the last
row of a call whether what is stored agrees, and writes what is missing. It leaves calls alone that
the live machine holds, and waits until Postgres has everything that was told before it decided so.
"""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock, utc_now
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import (
    AnyFact,
    Interaction,
    Offer,
    QueueLogPosition,
    QueueLogRow,
    QueueVisit,
    Segment,
    decode,
)
from ccmiddleware.ids import interaction_id, work_of
from ccmiddleware.queue_log.completing import complete
from ccmiddleware.queue_log.stays import TERMINAL, LoggedRow, Told, stays
from ccmiddleware.queue_log.stored import Stored
from ccmiddleware.queue_log.tail import Piece, Position, Tail
from ccmiddleware.store.database import Database, Row
from ccmiddleware.store.terms import unstamped
from ccmiddleware.store.writer import FactWriter

log = structlog.get_logger(__name__)

FIRST_LOOK = timedelta(days=1)
"""When a file is read for the first time, older rows are left out."""

POLL_SECONDS = 1.0
LOOK_SECONDS = 3.0
"""Pause between two looks for calls to complete."""

SETTLE = timedelta(seconds=15)
"""How long after its last row a call is compared; what is told of it live has come by then."""

MOST_BACKLOG = 5000
"""Facts that Postgres does not have yet, above which the file is not read on."""

MOST_CALLS = 200
"""Calls compared in one look."""

CATCH_UP_SECONDS = 30.0
"""How long a look waits for Postgres to have what was told before."""


class QueueLog:
    """The second witness of one node.

    ``tell`` takes facts for good or raises TemporaryError, and puts the leader's term into their
    versions. ``is_open``: whether the live machine holds an interaction. ``settle``: how long after
    its last row a call is compared. ``trouble`` says why the file can't be read; None when it can.
    """

    def __init__(
        self,
        node: str,
        path: Path,
        database: Database,
        writer: FactWriter,
        tell: Callable[[Sequence[AnyFact]], None],
        is_open: Callable[[UUID], bool],
        *,
        wrap_up: Callable[[str], float] = lambda queue: 0.0,
        clock: Clock = utc_now,
        settle: timedelta = SETTLE,
    ) -> None:
        self.node = node
        self.path = path
        self.trouble: str | None = None
        self.read_until: datetime | None = None
        """All rows that were in the file then have been handed over to the writer."""
        self._database = database
        self._writer = writer
        self._tell = tell
        self._is_open = is_open
        self._wrap_up = wrap_up
        self._clock = clock
        self._settle = settle
        self._mark = 0
        """Sequence up to which ended calls were noticed."""
        self._later: dict[str, int] = {}
        """Those of them that are still to be compared, with the sequence of their end."""
        self._more = False
        """Whether there are more ended calls than were taken at once."""
        self._refused = ""
        self._checked = self._stored_checked = 0
        """Sequence up to which all of them were compared, and that which the database has."""

    async def run(self) -> None:
        """Follow and complete until cancelled."""
        position = await self._restore()
        tail = Tail(self.path, position, since=self._clock() - FIRST_LOOK)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(tail), name=f"queue_log follow {self.node}")
            tasks.create_task(self._complete(), name=f"queue_log complete {self.node}")

    async def _restore(self) -> Position | None:
        """Where reading goes on, from the database."""
        while True:
            try:
                row = await self._database.fetchrow("queue_log_position", self.node)
            except TemporaryError as error:
                log.debug("queue_log waits for the database", node=self.node, reason=str(error))
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if row is None:
                return None
            self._mark = self._checked = self._stored_checked = row["checked"]
            return Position(
                row["inode"], row["offset"], row["fingerprint"], row["version"], row["row_at"]
            )

    # -- reading the file -------------------------------------------------------------------

    async def _follow(self, tail: Tail) -> None:
        while True:
            if self._writer.backlog > MOST_BACKLOG or not await self._read(tail):
                await beat(POLL_SECONDS)

    async def _read(self, tail: Tail) -> bool:
        """Read one piece and hand it over; False when there was none."""
        began = self._clock()
        try:
            piece = await asyncio.to_thread(tail.read)
        except OSError as error:
            self._in_trouble(f"{error.strerror or error}")
            return False
        except (EOFError, zlib.error) as error:
            self._in_trouble(f"a packed file is not whole: {error}")
            return False
        if self.trouble is not None:
            log.info("queue_log is read again", node=self.node)
            self.trouble = None
        if piece.lost_place:
            log.warning("queue_log: place not found; reading from the beginning", node=self.node)
        if piece.garbage:
            log.warning("queue_log: lines that are no rows", node=self.node, lines=piece.garbage)
        if piece.position is None:
            if tail.position is not None:
                self.read_until = began
            return False
        await self._write(self._facts(piece, piece.position))
        return True

    def _in_trouble(self, reason: str) -> None:
        if self.trouble != reason:
            log.warning("queue_log can't be read", file=str(self.path), reason=reason)
        self.trouble = reason

    def _facts(self, piece: Piece, position: Position) -> list[AnyFact]:
        facts: list[AnyFact] = [
            QueueLogRow(
                node=self.node,
                at=line.at,
                key=key,
                sequence=sequence,
                call=line.call,
                queue=line.queue,
                agent=line.agent,
                event=line.event,
                data=list(line.data),
            )
            for sequence, key, line in piece.rows
        ]
        facts.append(
            QueueLogPosition(
                node=self.node,
                version=position.total,
                inode=position.inode,
                offset=position.offset,
                fingerprint=position.fingerprint,
                row_at=position.row_at,
            )
        )
        return facts

    async def _write(self, facts: Sequence[AnyFact]) -> None:
        """Hand facts over, waiting while the journal has no room."""
        while True:
            try:
                self._tell(facts)
            except TemporaryError as error:
                log.debug("queue_log waits for room", node=self.node, reason=str(error))
                await asyncio.sleep(POLL_SECONDS)
            else:
                return

    # -- completing calls -------------------------------------------------------------------

    async def _complete(self) -> None:
        while True:
            try:
                await self.look()
            except TemporaryError as error:
                log.debug("completing waits for the database", node=self.node, reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                if str(error) != self._refused:
                    self._refused = str(error)
                    log.error("the database refuses completing", reason=self._refused)
            await beat(LOOK_SECONDS if not self._more else 0)

    async def look(self) -> int:
        """Compare the calls that are due, once; how many were changed. Raises TemporaryError."""
        await self._store_checked()
        ended = await self._database.fetch(
            "queue_log_ended_calls", self.node, self._mark, list(TERMINAL), MOST_CALLS
        )
        latest = self._clock() - self._settle
        due = [row for row in ended if row["at"] <= latest]
        early = [row for row in ended if row["at"] > latest]
        for row in due:
            if work_of(row["call"]) is not None:
                continue  # a placeholder of a work item: its rows tell of that (sql, work items)
            self._later.setdefault(row["call"], row["first_sequence"])
        free = [call for call in self._later if not self._holds(call)]
        if not free or not await self._caught_up():
            changed = 0
        else:
            changed = await self._compare_all(free)
        self._more = len(ended) == MOST_CALLS and not early
        if early:
            self._mark = max(self._mark, early[0]["first_sequence"] - 1)
        elif len(ended) == MOST_CALLS:
            self._mark = max(self._mark, ended[-1]["first_sequence"])
        elif ended:
            self._mark = max(self._mark, max(row["last_sequence"] for row in ended))
        return changed

    async def _store_checked(self) -> None:
        """Remember how far all calls were compared.

        One look late, so that what was written for them is safely in the journal.
        """
        if self._checked > self._stored_checked:
            await self._database.execute("set_queue_log_checked", self.node, self._checked)
            self._stored_checked = self._checked
        self._checked = min([self._mark, *(first - 1 for first in self._later.values())])

    async def _compare_all(self, calls: Sequence[str]) -> int:
        """Compare calls; those that have to be compared again stay in ``_later``."""
        changed: set[UUID] = set()
        logged = await self._logged(calls)
        names = {row["agent"] for rows in logged.values() for row in rows} - {"NONE"}
        known = await self._database.fetch("agents_by_name", self.node, sorted(names))
        interfaces = {row["name"]: row["interface"] for row in known}
        for call in calls:
            told = await self._told(call, logged.get(call, []))
            if not told.over:
                del self._later[call]
                continue
            key, facts = await self._comparison(told, interfaces)
            # Of an interaction that was changed just now, Postgres does not have the newest rows.
            if key in changed or self._is_open(key):
                continue
            if facts:
                changed.add(key)
                await self._write(facts)
                log.info(
                    "completed from queue_log",
                    node=self.node,
                    interaction=str(key),
                    rows=len(facts),
                )
            del self._later[call]
        return len(changed)

    async def _logged(self, calls: Sequence[str]) -> dict[str, list[Row]]:
        """The rows of calls."""
        logged: dict[str, list[Row]] = defaultdict(list)
        for row in await self._database.fetch("queue_log_rows_of_calls", self.node, calls):
            logged[row["call"]].append(row)
        return logged

    async def _told(self, call: str, rows: Sequence[Row]) -> Told:
        told = Told(
            call,
            stays(
                LoggedRow(row["at"], row["queue"], row["agent"], row["event"], row["data"])
                for row in rows
            ),
        )
        if told.over or not rows:
            return told
        death = await self._database.fetchrow(
            "queue_log_death_after", self.node, rows[-1]["sequence"]
        )
        if death is None:
            return told
        return replace(told, died_at=death["lived_until"], reborn_at=death["started_at"])

    async def _comparison(
        self, told: Told, interfaces: Mapping[str, str]
    ) -> tuple[UUID, list[AnyFact]]:
        """The interaction of a call, and what is to be written of it."""
        first, key = told.stays[0], interaction_id(self.node, told.call)
        stored = _stored(
            await self._database.fetch(
                "queue_log_stored_call",
                self.node,
                told.call,
                key,
                "" if first.direct else first.queue,
                first.joined_at,
            )
        )
        facts = complete(self.node, told, stored, interfaces=interfaces, wrap_up=self._wrap_up)
        return (stored.interaction.id if stored else key), facts

    def _holds(self, call: str) -> bool:
        return self._is_open(interaction_id(self.node, call))

    async def _caught_up(self) -> bool:
        """Wait until Postgres has all that was told up to now; False when it takes too long."""
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._writer.caught_up()
        except TimeoutError:
            return False
        return True


def _stored(rows: Sequence[Row]) -> Stored | None:
    """The rows of ``queue_log_stored_call``; None when there are none."""
    stored: Stored | None = None
    for fact in unstamped(decode(row["fact"].encode()) for row in rows):
        if isinstance(fact, Interaction):
            stored = Stored(fact)
        elif stored is not None:
            match fact:
                case QueueVisit():
                    stored.visits.append(fact)
                case Offer():
                    stored.offers.append(fact)
                case Segment():
                    stored.segments.append(fact)
                case _:
                    pass
    return stored
