"""Keeps what is set of a node's queues in Asterisk's AstDB, where the dialplan library reads it.

Runs while the daemon leads the node. It looks twice a second whether anybody edited a queue, works
out what the AstDB is to hold (``astdb``), and has it made so (``kept``). Whatever happens in
between, Asterisk goes on with what it has.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues.astdb import FAMILY, entries, of_queue
from ccmiddleware.queues.kept import KeptFamily, NotKept
from ccmiddleware.queues.settings import from_row
from ccmiddleware.store.database import Database, Row

log = structlog.get_logger(__name__)

PACE_SECONDS = 1.0
"""Pause between two looks for edits."""

PACES_EVERY = timedelta(seconds=15)
"""Between two looks at how fast queues are answered."""


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
        self._family = KeptFamily(node, FAMILY, link, certain)
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
            await beat(PACE_SECONDS)

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
        try:
            await self._family.apply(self._wanted, lambda key: of_queue(key) in self._invalid)
        except TemporaryError as error:
            return str(error)
        except NotKept as error:
            await self._tell(str(error))
            return str(error)
        await self._tell("")
        return ""

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
