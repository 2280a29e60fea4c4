"""Which nodes this daemon leads: advisory locks, terms, and when to doubt them.

A daemon holds the lock of each node that it leads on one connection that serves nothing else, and
gives a sign of life there about once a second. Postgres ends that connection, and with it the
locks, when the daemon is gone or silent for FROZEN_SECONDS. Who gets the lock begins a new *term*
of the node; the term in the database alone says who leads. So a daemon whose connection breaks goes
on as long as its term is the present one: it tries to get the lock back, and when Postgres is away
for everybody nothing is lost meanwhile. As soon as it sees a later term it stands back.

A daemon that did not lead a node waits GRACE_SECONDS after Postgres came back before it reaches for
the lock, so that the one that did gets it first.

Nothing here follows a node or writes facts; ``won`` and ``lost`` tell whoever does. That the facts
of two leaders don't mix is held by the writer and ``terms``, not by the timing here.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import structlog

from ccmiddleware import __version__
from ccmiddleware.beat import beat, next_beat
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store.border import DatabaseAway, translated
from ccmiddleware.store.database import FROZEN_SECONDS, ROLE, Row, milliseconds, prepare, queries

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
"""Pause between two looks; a sign of life is given with each."""

CONNECT_SECONDS = 2.0
STATEMENT_SECONDS = 2.0
FENCE_SECONDS = 15.0
"""A term begins when the batches in hand are written; Postgres ends those of a frozen daemon."""

DOUBT_SECONDS = 3.0
"""Who did nothing at all for so long was frozen, and must look again before anything is done. Less
than FROZEN_SECONDS, by the time that an action takes to reach Asterisk."""

GRACE_SECONDS = 3.0
IDENTITY_FILE = "daemon.id"


@dataclass(frozen=True)
class Standing:
    """How a node stood at the last look. ``leader`` is host:pid, or empty when nobody leads it."""

    node: str
    term: int
    leader: str
    since: datetime | None


def identity(state_dir: Path) -> UUID:
    """The id of the daemon with that state directory, made at its first start. Raises OSError.

    A file that holds none, as a crash may leave it, counts as missing: the id is no secret and
    nothing depends on its staying the same but the patience after an outage.
    """
    file = state_dir / IDENTITY_FILE
    try:
        return UUID(file.read_text(encoding="ascii").strip())
    except (FileNotFoundError, ValueError):
        made = uuid4()
        state_dir.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{made}\n", encoding="ascii")
        return made


class Leadership:
    """The leadership of one daemon over nodes. ``run`` is one of its tasks."""

    def __init__(
        self,
        url: str,
        nodes: Sequence[str],
        daemon: UUID,
        backlog: Callable[[], tuple[int, int]],
        *,
        password: str | None = None,
    ) -> None:
        """``backlog``: facts and bytes that wait in the journal, to be told to other daemons."""
        self.daemon = daemon
        self.terms: dict[str, int] = {}
        """Terms of the nodes that this daemon leads."""
        self.standings: dict[str, Standing] = {}
        self.trouble: str | None = None
        """Why the last look failed; None when Postgres answered."""
        self._url = url
        self._password = password
        self._nodes = list(nodes)
        self._backlog = backlog
        self._connection: asyncpg.Connection | None = None
        self._locked: set[str] = set()
        self._wanted: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._soon = asyncio.Event()
        self._resigned = False
        self._looked_at = float("-inf")
        """Begin of the last look, also of one that Postgres did not answer."""
        self._ran_at = float("-inf")
        self._thawed_at = float("-inf")
        """When this process was found to have been frozen before."""
        self._cut_off = False
        self._patient_until = float("-inf")

    # -- for those who follow nodes ---------------------------------------------------------

    async def won(self, node: str) -> int | None:
        """Reach for the lead of a node; its term once it is ours, or None after ``resign``."""
        self._wanted.add(node)
        self._soon.set()
        async with self._changed:
            await self._changed.wait_for(lambda: node in self.terms or self._resigned)
        self._wanted.discard(node)
        return None if self._resigned else self.terms[node]

    async def lost(self, node: str, term: int) -> None:
        """Wait until that term of ours is over, or ``resign``."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.leads(node, term))

    def leads(self, node: str, term: int) -> bool:
        """Whether that term of ours goes on, as far as we know."""
        return not self._resigned and self.terms.get(node) == term

    async def certain(self) -> None:
        """Wait while it is doubtful whether we still lead, since this process did not run.

        That Postgres does not answer is no doubt: somebody else would not hear from it either.
        """
        if self._doubtful():
            log.warning("this daemon did not run for a while; looking who leads")
            self._soon.set()
            async with self._changed:
                await self._changed.wait_for(lambda: not self._doubtful())

    async def certain_in(self, node: str, term: int) -> None:
        """Like ``certain``, and never returns once that term of ours is known to be over.

        For tasks that act as the leader of that term, and are ended with it: one that was frozen
        must not go on, not even for the moment until it is ended.
        """
        await self.certain()
        while self.terms.get(node) != term:
            async with self._changed:
                await self._changed.wait()

    def _doubtful(self) -> bool:
        """Whether this process was frozen, by its own clock, and has not looked since."""
        now = asyncio.get_running_loop().time()
        if now - self._ran_at > DOUBT_SECONDS:
            self._thawed_at = now
        self._ran_at = now
        return self._looked_at < self._thawed_at

    async def decided(self) -> None:
        """Wait until each node is led, by us or by another daemon, or ``resign``."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._resigned or all(self._is_led(node) for node in self._nodes)
            )

    def _is_led(self, node: str) -> bool:
        standing = self.standings.get(node)
        return node in self.terms or (standing is not None and bool(standing.leader))

    async def resign(self) -> None:
        """Reach for nothing any more and let ``won`` and ``lost`` return; locks are kept."""
        async with self._changed:
            self._resigned = True
            self._changed.notify_all()

    async def close(self) -> None:
        """Let the next one lead. Call when all that was followed is written, ``run`` has ended."""
        if self._connection is None:
            return
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._fetch("resign", self.daemon, *self._backlog())
        except (TimeoutError, TemporaryError, PermanentError) as error:
            log.info("not said that this daemon leads no more", reason=str(error))
        await self.disconnect()

    async def disconnect(self) -> None:
        """Close the connection, whatever happened before. Call when ``run`` has ended."""
        await self._drop()

    # -- looking ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Look, reach and give signs of life until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice_freezing(), name="leadership awake")
            await self._look_forever()

    async def _notice_freezing(self) -> None:
        while True:
            self._doubtful()
            await beat(PACE_SECONDS)

    async def _look_forever(self) -> None:
        while True:
            await self._look()
            async with self._changed:
                self._changed.notify_all()
            try:
                async with asyncio.timeout_at(next_beat(PACE_SECONDS)):
                    await self._soon.wait()
            except TimeoutError:
                continue
            self._soon.clear()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._doubtful()  # if this process has just thawed, this look counts
        began = loop.time()
        try:
            try:
                await self._round()
            except DatabaseAway:
                if self._connection is None:
                    raise
                # Only when a new connection can't be had either is Postgres away for everybody,
                # and not just our connection, and the lead with it, gone.
                await self._drop()
                began = loop.time()
                await self._round()
        except (TemporaryError, PermanentError) as error:
            await self._drop()
            self._cut_off = True
            if str(error) != self.trouble:
                self.trouble = str(error)
                log.warning("leadership waits for the database", reason=self.trouble)
        else:
            self.trouble = None
        self._looked_at = began

    async def _round(self) -> None:
        if self._connection is None:
            self._connection = await self._connect()
            await self._arrive()
        grace = timedelta(seconds=GRACE_SECONDS)
        told = (self.daemon, *self._backlog())
        for row in await self._fetch("list_leadership", self._nodes, grace, *told):
            await self._judge(row)

    async def _arrive(self) -> None:
        """On a new connection: say who we are, and that the nodes are there to be led."""
        if self._cut_off:
            self._cut_off = False
            self._patient_until = asyncio.get_running_loop().time() + GRACE_SECONDS
        await self._fetch(
            "announce_daemon", self.daemon, socket.gethostname(), os.getpid(), __version__
        )
        await self._fetch("apply_nodes", [{"node": node} for node in self._nodes])
        await self._fetch("prepare_leadership", self._nodes)

    async def _judge(self, row: Row) -> None:
        """One node at this look: is it ours still, can it become ours?"""
        node, term = row["node"], row["term"]
        if node in self.terms and term != self.terms[node]:
            log.warning("another daemon leads", node=node, leader=_name(row), term=term)
            del self.terms[node]
            await self._unlock(node, row["number"])
        ours = node in self.terms
        reach = ours or (node in self._wanted and not self._resigned and not self._patient(row))
        if reach and node not in self._locked and await self._value("try_lead", row["number"]):
            self._locked.add(node)
            if ours:
                log.info("lead regained", node=node, term=term)
            else:
                term = await self._begin_term(node, row["number"])
        leader = _name(row) if row["led"] or ours else ""
        if node in self.terms:
            leader = f"{socket.gethostname()}:{os.getpid()}"
        self.standings[node] = Standing(node, term, leader, row["since"])

    def _patient(self, row: Row) -> bool:
        """Whether whoever led last has the first claim yet: it may still follow the node."""
        if row["daemon_id"] in (None, self.daemon):
            return False
        return bool(row["young"]) or asyncio.get_running_loop().time() < self._patient_until

    async def _begin_term(self, node: str, number: int) -> int:
        try:
            term = await self._raise_term(number)
        except BaseException:
            # The lock without a term leads nowhere; on the next connection it is tried again.
            self._locked.discard(node)
            await self._drop()
            raise
        self.terms[node] = term
        log.info("this daemon leads", node=node, term=term)
        return term

    async def _raise_term(self, number: int) -> int:
        connection = self._open()
        with translated():
            async with connection.transaction():
                await connection.execute(
                    queries()["close_fence"].sql, number, timeout=FENCE_SECONDS
                )
                term: int = await connection.fetchval(
                    queries()["begin_term"].sql, number, self.daemon
                )
        return term

    async def _unlock(self, node: str, number: int) -> None:
        if node in self._locked:
            self._locked.discard(node)
            await self._fetch("stop_leading", number)

    # -- the connection ---------------------------------------------------------------------

    async def _connect(self) -> asyncpg.Connection:
        with translated():
            connection = await asyncpg.connect(
                self._url,
                password=self._password,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings={
                    "application_name": "ccmiddleware leadership",
                    "timezone": "UTC",
                    "idle_session_timeout": milliseconds(FROZEN_SECONDS),
                    "idle_in_transaction_session_timeout": milliseconds(FROZEN_SECONDS),
                },
            )
            connection.add_termination_listener(self._gone)
            await prepare(connection, ROLE)
        return connection

    def _gone(self, connection: object) -> None:
        if connection is self._connection:
            self._soon.set()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._locked.clear()
        if connection is not None:
            connection.remove_termination_listener(self._gone)
            try:
                with translated():
                    await connection.close(timeout=1.0)
            except TemporaryError as error:
                log.debug("connection of the leadership was gone", reason=str(error))

    def _open(self) -> asyncpg.Connection:
        if self._connection is None:
            raise DatabaseAway("no connection for the leadership")
        return self._connection

    async def _fetch(self, name: str, *arguments: object) -> list[Row]:
        with translated():
            return await self._open().fetch(queries()[name].sql, *arguments)

    async def _value(self, name: str, *arguments: object) -> object:
        return (await self._fetch(name, *arguments))[0][0]


def _name(row: Row) -> str:
    """host:pid of whoever won the present term."""
    return f"{row['host']}:{row['pid']}" if row["host"] is not None else ""
