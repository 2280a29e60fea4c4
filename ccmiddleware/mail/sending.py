"""What one node sends while this daemon leads it: the workers of its outbox, and how much waits.

Without [smtp] there are no workers: what is put into the outbox waits there, and ``state`` says so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import SmtpSettings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.outbox import Outbox
from ccmiddleware.mail.smtp import SmtpSender, submission
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

COUNT_SECONDS = 5.0
FAILED_WITHIN = timedelta(days=1)
NO_SERVER = "nothing can be sent: the configuration has no [smtp]"


@dataclass(frozen=True, slots=True)
class State:
    """How the outbox is. ``queued`` holds what is being sent as well; ``failed``: in a day."""

    trouble: str = ""
    queued: int = 0
    queued_since: datetime | None = None
    unknown: int = 0
    failed: int = 0


class Sending:
    """The outbox of one node in one term of its leader; ``certain`` as in ``Outbox``."""

    def __init__(
        self,
        node: str,
        term: int,
        settings: SmtpSettings | None,
        database: Database,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._database = database
        self._clock = clock
        self._counted = State()
        self._workers = settings.workers if settings is not None else 0
        self._outbox: Outbox | None = None
        if settings is not None:
            self._outbox = Outbox(
                node,
                term,
                database,
                SmtpSender(lambda: submission(settings)),
                certain=certain,
                clock=clock,
                unknown=settings.unknown,
                give_up_after=timedelta(hours=settings.give_up_hours),
                domain_per_minute=settings.domain_per_minute,
            )

    @property
    def can_send(self) -> bool:
        """Whether there is a server that takes mail."""
        return self._outbox is not None

    @property
    def state(self) -> State:
        """As it was counted last, some seconds ago at most."""
        trouble = self._outbox.trouble if self._outbox is not None else NO_SERVER
        return replace(self._counted, trouble=trouble)

    async def run(self) -> None:
        """Send until cancelled. Call ``end`` before that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count(), name=f"outbox count {self._node}")
            if self._outbox is not None:
                for number in range(self._workers):
                    group.create_task(self._outbox.work(), name=f"outbox {self._node} {number}")

    async def end(self, seconds: float) -> None:
        """Begin nothing new, and wait for what would become unknown; see ``Outbox.end``."""
        if self._outbox is not None:
            await self._outbox.end(seconds)

    async def _count(self) -> None:
        said = ""
        while True:
            try:
                row = await self._database.fetchrow(
                    "outbox_counts", self._node, self._clock() - FAILED_WITHIN
                )
            except (TemporaryError, PermanentError) as error:
                if str(error) != said:
                    said = str(error)
                    log.info("outbox is not counted", node=self._node, reason=said)
            else:
                said = ""
                if row is not None:
                    self._counted = State(
                        "", row["queued"], row["queued_since"], row["unknown"], row["failed"]
                    )
            await asyncio.sleep(COUNT_SECONDS)
