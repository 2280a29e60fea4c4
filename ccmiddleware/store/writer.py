"""Brings facts into Postgres: through the journal, in batches, each fact once in effect.

``write`` is called wherever facts arise; it encodes them and appends them to the journal, without
waiting for anything. ``run`` reads them back and applies each batch in one transaction, then moves
the journal's cursor. While Postgres is away it tries again, for as long as it takes. A fact that
Postgres will never take is singled out and put into ccm.rejected_fact, so that it neither blocks
what is behind it nor disappears. What an earlier leader tells too late is set aside (``terms``).
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from ccmiddleware.errors import TemporaryError
from ccmiddleware.facts import AnyFact, encode
from ccmiddleware.store import batch, terms
from ccmiddleware.store.batch import KINDS, Names, Plan, UnknownFact
from ccmiddleware.store.border import Rejected
from ccmiddleware.store.database import Database, Session
from ccmiddleware.store.journal import Batch, Journal, JournalFull

log = structlog.get_logger(__name__)

BATCH_SIZE = 1000
"""Facts in one transaction. Half as many cost a quarter more CPU, in Postgres a third."""

GATHER_QUIET, GATHER_BUSY = 0.25, 1.0
"""How long a batch that is not full waits for more, in seconds.

Each transaction costs as much as some hundred facts, and of a row that changes meanwhile only the
newest version is stored.
"""

BUSY_FACTS = 100
"""A batch of so many facts shows that many come: the next one waits for longer."""

RETRY_FIRST, RETRY_LONGEST = 0.1, 5.0
"""Seconds between attempts while Postgres is away."""

CATCH_UP_SECONDS = 0.1
"""How often ``caught_up`` looks."""

MOST_NAMES = 100_000
"""Names remembered as known to the database; all are forgotten when there are more."""

UNKNOWN_FACT = "CCM01"
"""In place of an SQLSTATE where it was not Postgres that refused."""


@dataclass
class Counts:
    """Counters for metrics, since the daemon's start."""

    written: int = 0
    applied: int = 0
    """Facts done with: stored, or superseded by a newer version before they were."""
    rejected: int = 0
    refused: int = 0
    """Facts that were not even taken, because the journal was full."""
    late: int = 0
    """Facts set aside, since a later leader had taken over what they are about."""
    batches: int = 0
    failures: int = 0
    """Attempts that found Postgres away."""


class FactWriter:
    """The one writer of facts of a daemon. Owns neither the database nor the journal."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self.counts = Counts()
        self.trouble: str | None = None
        """Why nothing is being applied at present; None when all is well."""
        self._database = database
        self._journal = journal
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._written = asyncio.Event()
        """Set while something may not have been flushed."""
        self._stopping = asyncio.Event()
        self._known: set[Names] = set()
        self._gather = GATHER_QUIET

    @property
    def backlog(self) -> int:
        """Facts written and not applied yet."""
        return self._journal.backlog_facts

    def write(self, facts: Sequence[AnyFact]) -> None:
        """Take facts over. When this returns they survive the end of the daemon.

        Raises JournalFull (and has taken none of them) when the journal can take no more.
        """
        if not facts:
            return
        try:
            self._journal.append([_encode(fact) for fact in facts])
        except JournalFull:
            self.counts.refused += len(facts)
            raise
        self.counts.written += len(facts)
        self._empty.clear()
        self._wake.set()
        self._written.set()

    async def run(self) -> None:
        """Apply and flush until ``stop``. Runs as one task of the daemon."""
        self._wake.set()
        self._written.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._flush_forever(), name="journal flush")
            tasks.create_task(self._apply_forever(), name="fact writer")

    async def stop(self) -> None:
        """Let ``run`` end after the batch in hand. What is left stays in the journal, flushed."""
        self._stopping.set()
        self._wake.set()
        self._written.set()
        await self._journal.flush()

    async def drained(self, timeout: float) -> bool:
        """Wait until everything written has been applied; False after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self.backlog:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def caught_up(self) -> None:
        """Wait until what has been written up to now is applied, while more may be written."""
        goal = self._done + self.backlog
        while self.backlog and self._done < goal:  # noqa: ASYNC110 - asked for once in a blue moon
            await asyncio.sleep(CATCH_UP_SECONDS)

    @property
    def _done(self) -> int:
        return self.counts.applied + self.counts.rejected

    async def _flush_forever(self) -> None:
        interval = self._journal.settings.flush_interval
        while not self._stopping.is_set():
            await self._written.wait()
            self._written.clear()
            if not await self._stopped_within(interval):
                await self._journal.flush()
        await self._journal.flush()

    async def _apply_forever(self) -> None:
        pause = RETRY_FIRST
        while not self._stopping.is_set():
            await self._wake.wait()
            self._wake.clear()
            while self.backlog and not self._stopping.is_set():
                if self.backlog < BATCH_SIZE and await self._stopped_within(self._gather):
                    return
                if await self._apply_next():
                    pause = RETRY_FIRST
                elif await self._stopped_within(pause):
                    return
                else:
                    pause = min(pause * 2, RETRY_LONGEST)
            if not self.backlog:
                self._empty.set()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    async def _apply_next(self) -> bool:
        """Apply the next batch. False when it has to be tried again later."""
        try:
            taken = self._journal.read(BATCH_SIZE)
            await self._settle(taken, 0, len(taken))
        except TemporaryError as error:
            self._in_trouble(str(error))
            return False
        except Rejected as error:
            # Not for what the facts are: wrong schema, rights or password. Nothing is thrown away.
            self._in_trouble(f"{error}; check `ccm db status` and the database's user")
            return False
        self.counts.batches += 1
        self._gather = GATHER_BUSY if len(taken) >= BUSY_FACTS else GATHER_QUIET
        if self.trouble is not None:
            log.info("facts are being applied again", backlog=self.backlog)
            self.trouble = None
        return True

    def _in_trouble(self, reason: str) -> None:
        self.counts.failures += 1
        self._known.clear()  # whatever comes back may be another database
        if self.trouble != reason:
            log.warning("facts wait in the journal", reason=reason, backlog=self.backlog)
        self.trouble = reason

    async def _settle(self, taken: Batch, first: int, last: int) -> None:
        """Apply the facts ``first`` to ``last`` of a batch and move the cursor behind them.

        When they are refused for what they are, each half is settled by itself, down to the one
        fact that is at fault.
        """
        lines = taken.lines[first:last]
        try:
            await self._apply(lines)
        except (Rejected, UnknownFact) as error:
            if isinstance(error, Rejected) and not error.about_data:
                raise
            self._known.clear()  # a name that is missing after all would be refused as well
            if len(lines) > 1:
                middle = (first + last) // 2
                await self._settle(taken, first, middle)
                await self._settle(taken, middle, last)
                return
            await self._reject(lines[0], error)
        else:
            self.counts.applied += len(lines)
        self._journal.advance(taken.after(last))

    async def _apply(self, lines: Sequence[bytes]) -> None:
        """Apply facts in one transaction, one statement for each kind."""
        if not lines:
            return
        plan = batch.plan(lines)
        new = plan.names - self._known
        async with self._database.transaction() as transaction:
            if new:
                await _apply_names(transaction, new)
            late = await _set_late_aside(transaction, plan)
            for tag, of_kind in plan.lines.items():
                await transaction.execute(KINDS[tag].query, batch.array(of_kind))
        if late:
            self.counts.late += late
            log.warning("late facts are set aside; see ccm.late_fact", facts=late)
        if len(self._known) > MOST_NAMES:
            self._known.clear()
        self._known |= new

    async def _reject(self, line: bytes, error: Rejected | UnknownFact) -> None:
        state = error.sqlstate if isinstance(error, Rejected) else UNKNOWN_FACT
        reason = str(error)
        log.error("a fact is refused for good; see ccm.rejected_fact", reason=reason)
        try:
            await self._database.execute("reject_fact", line, state, reason)
        except Rejected as again:
            if not again.about_data:
                raise
            # Not even jsonb takes it (\u0000, half a surrogate pair): keep it as a string.
            text = json.dumps(line.decode("utf-8", "backslashreplace")).encode()
            await self._database.execute("reject_fact", text, state, reason)
        self.counts.rejected += 1


async def _set_late_aside(transaction: Session, plan: Plan) -> int:
    """Take late facts out of the plan and keep them; how many.

    The fence that is held from here to the end of the transaction makes the terms stay as they are.
    """
    if not plan.rows:
        return 0
    nodes = sorted({row.node for row in plan.rows})
    present = {row["node"]: row["term"] for row in await transaction.fetch("fence", nodes)}
    interactions = terms.late_interactions(plan, present)
    rows = await transaction.fetch("interaction_versions", interactions) if interactions else []
    aside = terms.set_aside(plan, present, {row["id"]: row["version"] for row in rows})
    if aside:
        await transaction.execute("set_aside", batch.array(aside))
    return len(aside)


async def _apply_names(transaction: Session, names: set[Names]) -> None:
    """Make known the nodes, queues and agents that facts are about."""
    # Sorted, so that two daemons that do the same at the same time don't deadlock.
    ordered = sorted(names)
    await transaction.execute("apply_nodes", [{"node": name.node} for name in ordered])
    queues = [{"node": name.node, "queue": name.queue} for name in ordered if name.queue]
    if queues:
        await transaction.execute("apply_queue_names", queues)
    agents = [
        {"node": name.node, "interface": name.interface, "member_name": name.member_name}
        for name in ordered
        if name.interface
    ]
    if agents:
        await transaction.execute("apply_agent_names", agents)


def _encode(fact: AnyFact) -> bytes:
    try:
        return encode(fact)
    except UnicodeEncodeError:
        # Half a surrogate pair, which no UTF-8 holds: escaped, it gets as far as rejected_fact.
        return json.dumps(
            msgspec.to_builtins(fact), ensure_ascii=True, separators=(",", ":")
        ).encode()
