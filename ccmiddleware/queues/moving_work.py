"""Moves placeholders of emails whose priority has changed while they stand in the Asterisk queue.

app_queue puts a caller of a new priority behind all who rank as high (QueueChangePriorityCaller, at
once since Asterisk 18.20 and 20.5; it needs no manager class). Where that is not the place where an
email belongs by when it came, and where Asterisk can't do it or was not seen to have done it, the
placeholder is taken away, and the email put into the queue anew at its place.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError
from ccmiddleware.ids import SECOND_HALF
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues import placeholders, work
from ccmiddleware.queues.placeholders import Attempt, Waiting
from ccmiddleware.queues.work import Standing
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)


class MovingWork:
    """Placeholders of one node in one term of its leader.

    ``joined_at``: when a channel joined its queue, if that was seen. ``withdraw`` takes a
    placement out of its queue.
    """

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        *,
        certain: Callable[[], Awaitable[None]],
        joined_at: Callable[[str], datetime | None],
        withdraw: Callable[[Attempt], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._certain = certain
        self._joined_at = joined_at
        self._withdraw = withdraw
        self._clock = clock
        self._log = log.bind(node=node)

    async def entries(self, queue: str) -> list[Mapping[str, str]]:
        """Who waits in a queue, as Asterisk lists them."""
        # Of all queues: a part could be taken for the whole that a resync asked for.
        listed = await self._link.send_list("QueueStatus")
        return [
            entry
            for entry in listed
            if entry.get("Event") == "QueueEntry" and entry.get("Queue") == queue
        ]

    def waiting(
        self, entries: Iterable[Mapping[str, str]], standing: Sequence[Standing]
    ) -> list[Waiting]:
        """Those of ``entries`` with what is known of when they came."""
        joined = {f"{one.attempt.id}{SECOND_HALF}": one.item.arrived_at for one in standing}
        return placeholders.waiting_in(
            entries,
            lambda uniqueid: joined.get(uniqueid) or self._joined_at(uniqueid),
            self._clock(),
        )

    async def move(self, one: Standing, standing: Sequence[Standing], *, after_calls: bool) -> None:
        """Have a placeholder stand where it belongs. Raises TemporaryError, PermanentError."""
        wanted = work.priority_in_queue(one.item.priority, after_calls=after_calls)
        for asked in (False, True):
            entries = await self.entries(one.item.queue)
            uniqueid = f"{one.attempt.id}{SECOND_HALF}"
            own = next((entry for entry in entries if entry.get("Uniqueid") == uniqueid), None)
            if own is None:
                return  # on its way in or out
            (here,) = self.waiting([own], standing)
            others = placeholders.without(here.position, self.waiting(entries, standing))
            place = placeholders.place(wanted, one.item.arrived_at, others)
            await self._certain()
            if (here.priority, here.position) == (wanted, place):
                await self._database.execute(
                    "note_work_moved", self._node, self._term, one.attempt.id, place, wanted
                )
                self._log.info("email moved", number=one.item.number, place=place)
                return
            if asked or place != placeholders.behind(wanted, others):
                break
            try:
                await self._link.send(
                    "QueueChangePriorityCaller",
                    {
                        "Queue": one.item.queue,
                        "Caller": own.get("Channel", ""),
                        "Priority": str(wanted),
                        "Immediate": "yes",
                    },
                )
            except PermanentError as error:  # one that does not know it
                self._log.debug("email not moved", number=one.item.number, reason=str(error))
                break
        await self._withdraw(one.attempt)
        self._log.info("email put anew", number=one.item.number, queue=one.item.queue)
