"""Keeps what is set of a node's queues in Asterisk's AstDB, where the dialplan library reads it.

Runs while the daemon leads the node. It looks twice a second whether anybody edited a queue, works
out what the AstDB is to hold (``astdb``), and writes what differs from what it knows to be there.
After every loss of the link, and when the generation key shows that the AstDB was lost, it reads
what is there first. Whatever happens in between, Asterisk goes on with what it has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import ActionRefused, AmiLink
from ccmiddleware.plaintext import plain
from ccmiddleware.queues.astdb import (
    FAMILY,
    GENERATION,
    Write,
    entries,
    fingerprint,
    from_tree,
    of_queue,
    writes,
)
from ccmiddleware.queues.settings import from_row
from ccmiddleware.store.database import Database, Row

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
"""Pause between two looks for edits."""

CHECK_SECONDS = 10.0
"""Between two looks whether the AstDB still has the generation."""

PACES_EVERY = timedelta(seconds=15)
"""Between two looks at how fast queues are answered."""

AT_ONCE = 50
"""Actions that are on their way to Asterisk at the same time."""

NOT_THERE = "Database entry not found"
UNKNOWN_ACTION = "Invalid/unknown command"
DENIED = "Permission denied"
NEEDS = "the manager user needs write class system (asterisk/manager/ccm.conf)"


class QueueKeeper:
    """The queues of one node in one term of its leader. ``run`` is one task of the leader."""

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._certain = certain
        self._clock = clock
        self._log = log.bind(node=node)
        self._rows: list[Row] | None = None
        self._revision: int | None = None
        self._paces: dict[str, float] = {}
        self._paces_due = clock()
        self._day = -1
        self._wanted: dict[str, str] = {}
        self._invalid: dict[str, str] = {}
        self._present: dict[str, str] | None = None
        """What the AstDB has; None while that is not known."""
        self._written: dict[str, str] | None = None
        """What was wanted when it was last made so."""
        self._whole = False
        """Whether the generation was written after the last change."""
        self._reconnects: tuple[int, object] | None = None
        self._checked_at = float("-inf")
        self._told: dict[str, tuple[int, str]] = {}
        self._said = ""

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            await self._certain()
            trouble = await self._load()
            if self._rows and self._link.state.up:
                trouble = await self._apply() or trouble
            if trouble and trouble != self._said:
                self._log.warning("settings of queues not applied", reason=trouble)
            self._said = trouble
            await asyncio.sleep(PACE_SECONDS)

    # -- what is wanted ---------------------------------------------------------------------

    async def _load(self) -> str:
        """Read what was edited, and work out what is wanted now; what was in the way."""
        now = self._clock()
        try:
            revision = await self._database.fetchval(
                "queue_settings_revision", self._node, self._term
            )
            if revision is None:
                return ""  # somebody else leads the node; our task is about to end
            rows, paces = self._rows, self._paces
            if rows is None or revision != self._revision:
                rows = await self._database.fetch("queue_settings", self._node, None, now)
            if now >= self._paces_due:
                found = await self._database.fetch("queue_paces", self._node, now)
                paces = {row["queue"]: row["pace"] for row in found}
                self._paces_due = now + PACES_EVERY
        except (TemporaryError, PermanentError) as error:
            # Not worth the life of a daemon that sees calls; Asterisk keeps what it has.
            return str(error)
        # Taken over all at once: what was read in part must neither be applied nor count as read.
        fresh = rows is not self._rows or paces != self._paces
        # Edited between the questions: the next look reads again.
        self._rows, self._paces, self._revision = rows, paces, revision
        day = int(now.timestamp()) // 86400
        if fresh or day != self._day:
            self._day = day
            self._work_out()
        return ""

    def _work_out(self) -> None:
        wanted: dict[str, str] = {}
        self._invalid = {}
        for row in self._rows or ():
            queue = row["queue"]
            try:
                wanted.update(entries(from_row(dict(row)), self._paces.get(queue), self._day))
            except PermanentError as error:
                self._invalid[queue] = str(error)
        self._wanted = wanted

    # -- what Asterisk has ------------------------------------------------------------------

    async def _apply(self) -> str:
        """Make the AstDB what is wanted; what was in the way, or nothing."""
        state = self._link.state
        if self._reconnects != (state.reconnects, state.since):
            self._reconnects = (state.reconnects, state.since)
            self._present = None
        loop = asyncio.get_running_loop()
        try:
            due = loop.time() - self._checked_at >= CHECK_SECONDS
            if self._present is not None and self._whole and due:
                self._checked_at = loop.time()
                if await self._generation() != fingerprint(self._present):
                    self._log.warning("Asterisk lost settings of queues; writing them anew")
                    self._present = None
            if self._present is None:
                self._written = None
                self._present = await self._read()
                self._whole = await self._generation() == fingerprint(self._present)
                self._checked_at = loop.time()
            if self._written is not self._wanted or not self._whole:
                await self._write(self._present)
        except TemporaryError as error:
            self._present = None  # what was sent last may have arrived or not
            return str(error)
        except PermanentError as error:
            self._present = None
            reason = plain(str(error))
            if isinstance(error, ActionRefused) and error.message == DENIED:
                reason = f"{reason}: {NEEDS}"
            await self._tell(reason)
            return reason
        await self._tell("")
        return ""

    async def _write(self, present: dict[str, str]) -> None:
        kept = {key: text for key, text in present.items() if of_queue(key) in self._invalid}
        todo = writes(present, self._wanted | kept)
        for begin in range(0, len(todo), AT_ONCE):
            # A daemon that was frozen meanwhile must look who leads before it goes on.
            await self._certain()
            self._whole = False
            await self._send_all(todo[begin : begin + AT_ONCE])
            for write in todo[begin : begin + AT_ONCE]:
                if write.value is None:
                    present.pop(write.key, None)
                else:
                    present[write.key] = write.value
        if not self._whole:
            await self._certain()
            generation = fingerprint(present)
            await self._link.send("DBPut", _where(GENERATION) | {"Val": generation})
            self._whole = True
        self._written = self._wanted
        if todo:
            self._log.info("settings of queues applied", keys=len(todo))

    async def _send_all(self, todo: Sequence[Write]) -> None:
        """Send them without waiting in between; Asterisk does them one after another, in order."""
        answers = await asyncio.gather(*map(self._send, todo), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _send(self, write: Write) -> None:
        where = _where(write.key)
        if write.value is not None:
            await self._link.send("DBPut", where | {"Val": write.value})
            return
        try:
            await self._link.send("DBDel", where)
        except ActionRefused as error:
            if error.message == DENIED:
                raise  # anything else: it is not there

    async def _generation(self) -> str:
        try:
            items = await self._link.send_list("DBGet", _where(GENERATION))
        except ActionRefused as error:
            if error.message != NOT_THERE:
                raise
            return ""
        return next((item["Val"] for item in items if "Val" in item), "")

    async def _read(self) -> dict[str, str]:
        """What the AstDB has of queues. An Asterisk that can't tell it is emptied of it."""
        try:
            return from_tree(await self._link.send_list("DBGetTree", {"Family": FAMILY}))
        except ActionRefused as error:
            if not error.message.startswith(UNKNOWN_ACTION):
                raise
        if await self._generation() == fingerprint(self._wanted):
            return dict(self._wanted)
        await self._certain()
        try:
            await self._link.send("DBDelTree", {"Family": FAMILY})
        except ActionRefused as error:
            if error.message != NOT_THERE:
                raise
        return {}

    # -- telling ----------------------------------------------------------------------------

    async def _tell(self, trouble: str) -> None:
        """Write down which revisions Asterisk has, where that changed."""
        now = {
            row["queue"]: (row["revision"], self._invalid.get(row["queue"], trouble))
            for row in self._rows or ()
        }
        news = [
            {"queue": queue, "revision": revision, "error": error}
            for queue, (revision, error) in now.items()
            if self._told.get(queue) != (revision, error)
        ]
        if not news:
            return
        try:
            await self._database.execute("tell_queues_applied", self._node, self._term, news)
        except (TemporaryError, PermanentError) as error:
            self._log.debug("not told yet", reason=str(error))
        else:
            self._told = now


def _where(key: str) -> dict[str, str]:
    """Family and key as the manager actions take them."""
    queue, slash, rest = key.partition("/")
    if not slash:
        return {"Family": FAMILY, "Key": key}
    return {"Family": f"{FAMILY}/{queue}", "Key": rest}
