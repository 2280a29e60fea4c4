"""Rings agents for an email whom app_queue can't offer one.

To app_queue an agent who works on an email is busy, so that no call comes; it can offer him no
email either, also when he may have another. So his phone is rung by us, for what comes first in his
queues. In a queue where somebody whom calls may interrupt has as many emails as he may, app_queue
would offer him more: there everybody is rung by us (``work.served_straight``). The rest is as with
a placeholder in a queue: the placement is in Postgres before Asterisk is asked, the dialplan tells
what it is and writes what the agent pressed into queue_log.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError
from ccmiddleware.ids import placement_id
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues import placeholders, work
from ccmiddleware.queues.placeholders import VALID, Attempt
from ccmiddleware.queues.work import Item, Load, Standing
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

LONG_AGO = datetime.min.replace(tzinfo=UTC)

PAUSE = timedelta(seconds=30)
"""An agent is not rung again any sooner."""


class FurtherWork:
    """Further emails of the agents of one node in one term of its leader.

    ``serves``: the queues in which an agent could take an email now who is idle or does nothing but
    work on one; empty for everybody else. ``withdraw`` takes a placement out of its queue.
    """

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        *,
        certain: Callable[[], Awaitable[None]],
        serves: Callable[[str], Collection[str]],
        withdraw: Callable[[Attempt], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._certain = certain
        self._serves = serves
        self._withdraw = withdraw
        self._clock = clock
        self._not_before: dict[str, datetime] = {}
        self._log = log.bind(node=node)

    async def look(
        self,
        waiting: Sequence[Item],
        standing: Sequence[Standing],
        loads: Sequence[Load],
        straight: Collection[str],
    ) -> set[Item]:
        """Ring whoever has room; what is given. Raises TemporaryError, PermanentError.

        ``straight``: queues in which app_queue offers none.
        """
        given: set[Item] = set()
        now = self._clock()
        # Who was rung last comes last.
        for load in sorted(loads, key=lambda one: self._not_before.get(one.interface, LONG_AGO)):
            if load.is_full:
                continue
            if self._not_before.get(load.interface, now) > now:
                continue
            queues = set(self._serves(load.interface))
            if not work.is_busy(load):
                queues &= set(straight)
            left = [item for item in waiting if item not in given]
            match work.further(left, standing, queues) if queues else None:
                case Attempt() as attempt:
                    await self._certain()
                    await self._withdraw(attempt)
                    return given  # what is withdrawn waits again at the next look
                case Item() as item:
                    await self._certain()
                    await self._ring(item, load.interface)
                    given.add(item)
                case None:
                    pass
        return given

    async def _ring(self, item: Item, interface: str) -> None:
        now = self._clock()
        self._not_before[interface] = now + PAUSE
        ordinal = item.last_ordinal + 1
        attempt = Attempt(placement_id(item.id, int(now.timestamp()), ordinal), now, now + VALID)
        try:
            fields = work.originate_straight(item, attempt, interface)
        except ValueError as error:
            self._log.error("no further email", reason=str(error))
            return
        written = await self._database.execute(
            "place_work_straight", self._node, self._term, item.id, attempt.id, ordinal, now,
            attempt.valid_until, interface,
        )  # fmt: skip
        if not written:
            return
        await self._certain()
        try:
            await self._link.send("Originate", fields)
        except PermanentError as error:
            self._log.error("no further email", reason=f"{error} (asterisk/manager/ccm-work.conf)")
            fruitless = item.fruitless + 1
            await self._database.fetchval(
                "end_work_placement", self._node, self._term, attempt.id, "not_placed",
                self._clock(), None, now + placeholders.patience(fruitless), str(error), fruitless,
            )  # fmt: skip
        else:
            self._log.info("further email offered", number=item.number, agent=interface)
