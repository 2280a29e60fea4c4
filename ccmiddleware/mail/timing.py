"""Keeps the clocks of conversations: how long customers wait, and when their answers are due.

Runs while the daemon leads the node. A conversation that changed is measured anew, from its emails
and the history of its state, in the hours and with the targets of its queue. What is measured how
is decided in ``service_times``. Measuring twice gives the same, so a crash at any place costs
nothing but the time until the next look.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.service_times import Event, Targets, clocks
from ccmiddleware.queues import settings
from ccmiddleware.queues.settings import InvalidSettings, Stored
from ccmiddleware.store.database import Database, Row, Session

log = structlog.get_logger(__name__)

PACE_SECONDS = 1.0
AT_ONCE = 100
"""Conversations that are measured in one transaction."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What was opened or closed by hand is asked for from here on: conversations may be old."""


class Timing:
    """The clocks of one node's conversations. ``run`` is one task of its leader."""

    def __init__(self, node: str, database: Database) -> None:
        self._node = node
        self._database = database
        self._log = log.bind(node=node)
        self._said = ""

    async def run(self) -> None:
        """Keep clocks until cancelled."""
        while True:
            try:
                while await self.look() == AT_ONCE:
                    pass
            except TemporaryError as error:
                self._log.debug("clocks of emails wait", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                self._say(str(error))
            await beat(PACE_SECONDS)

    async def look(self) -> int:
        """Measure what has changed, some of it; how many. Raises TemporaryError, PermanentError."""
        async with self._database.transaction() as transaction:
            held = await transaction.fetch("stale_conversations", self._node, AT_ONCE)
            if not held:
                return 0
            # In a statement of its own: it sees all that those did who held them before us.
            ids = [row["id"] for row in held]
            rows = await transaction.fetch("conversation_events", ids)
            stored = await self._settings(transaction)
            measured = [clock for row in rows for clock in self._measured(row, stored)]
            await transaction.execute("put_service_clocks", measured)
            await transaction.execute("clocks_written", ids)
        return len(ids)

    async def _settings(self, transaction: Session) -> dict[str, Stored]:
        found = {}
        for row in await transaction.fetch("queue_settings", self._node, None, LONG_AGO):
            try:
                found[row["queue"]] = settings.from_row(dict(row))
            except InvalidSettings as error:
                self._say(f"settings of {row['queue']}: {error}")
        return found

    @staticmethod
    def _measured(row: Row, settings_of: Mapping[str, Stored]) -> list[dict[str, object]]:
        stored = settings_of.get(row["queue"], Stored(row["queue"]))
        events = [Event(datetime.fromisoformat(each["at"]), each["what"]) for each in row["events"]]
        return [
            {"conversation_id": row["id"], "queue_id": row["queue_id"], **asdict(one)}
            for one in clocks(events, targets_of(stored), stored.schedule)
        ]

    def _say(self, what: str) -> None:
        """Said once: it would be the same every second."""
        if self._said != what:
            self._said = what
            self._log.error("clocks of emails", reason=what)


def targets_of(stored: Stored) -> Targets:
    """What was promised in a queue."""

    def time(column: str) -> timedelta | None:
        value = stored.values.get(column)
        return timedelta(seconds=int(value)) if value else None

    return Targets(
        first_response=time("email_first_response_seconds"),
        next_response=time("email_next_response_seconds"),
        resolution=time("email_resolution_seconds"),
        warn_before=time("email_escalate_before_seconds") or timedelta(),
    )
