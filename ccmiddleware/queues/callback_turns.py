"""Keeps the callbacks of one node: puts placeholders into its queues and writes down what came.

Runs while the daemon leads the node. What is to be done is decided in ``callbacks``. Before
Asterisk is asked for anything, the attempt is in Postgres, in a statement that holds only for the
leader of the present term. An attempt is over only when its channel is gone and queue_log, which
Asterisk itself writes, was read to its end after that; until then the callback is not touched. So a
crash of the daemon, of Postgres or of Asterisk can make a callback late, and never make it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock, local_zone
from ccmiddleware.config_callbacks import CallbackSettings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.ids import SECOND_HALF, attempt_id
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues import callbacks, placeholders
from ccmiddleware.queues.callbacks import Callback, Close, EndAttempt, Place, Rules, TakeAway
from ccmiddleware.queues.placeholders import VALID, Attempt, Presence
from ccmiddleware.store.database import Database, Row
from ccmiddleware.store.writer import FactWriter

log = structlog.get_logger(__name__)

PACE_SECONDS = 1.0
CATCH_UP_SECONDS = 10.0
NEEDS = "callbacks wait: the node has no queue_log, which alone can tell what came of them"
UNWITNESSED = (
    "callbacks wait: queue_log does not tell of an attempt that the dialplan told of; is the "
    "node's queue_log the file that Asterisk writes?"
)


def rules_of(settings: CallbackSettings) -> Rules:
    """The settings as ``callbacks`` takes them."""
    zone = ZoneInfo(settings.time_zone) if settings.time_zone is not None else local_zone()
    return Rules(
        attempts=settings.attempts,
        pause=timedelta(seconds=settings.pause_seconds),
        opens=time.fromisoformat(settings.opens),
        closes=time.fromisoformat(settings.closes),
        zone=zone,
        give_up_after=timedelta(hours=settings.give_up_hours),
        ring_seconds=settings.ring_seconds,
    )


class CallbackTurns:
    """The callbacks of one node in one term of its leader. ``run`` is one task of the leader.

    ``certain`` waits while it is doubtful whether this daemon still leads the node. ``sees``:
    whether what is known of channels is the whole truth now. ``channel_of``: name of the channel
    with a unique id, None when there is none. ``joined_at``: when a channel joined the queue that
    it waits in, if that was seen. ``read_until``: until when queue_log was read; None without one.
    """

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        writer: FactWriter,
        link: AmiLink,
        settings: Callable[[str], CallbackSettings],
        *,
        certain: Callable[[], Awaitable[None]],
        sees: Callable[[], bool],
        channel_of: Callable[[str], str | None],
        joined_at: Callable[[str], datetime | None],
        read_until: Callable[[], datetime | None] | None,
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._database = database
        self._writer = writer
        self._link = link
        self._settings = settings
        self._certain = certain
        self._sees = sees
        self._channel_of = channel_of
        self._joined_at = joined_at
        self._read_until = read_until
        self._clock = clock
        self._log = log.bind(node=node)
        self._gone: dict[str, datetime] = {}
        """Attempts whose channel is not there, since when we know that."""
        self._said: dict[str, str] = {}

    async def run(self) -> None:
        """Keep callbacks until cancelled."""
        while True:
            try:
                await self.look()
            except TemporaryError as error:
                self._log.debug("callbacks wait", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                self._say("refused", str(error))
            await beat(PACE_SECONDS)

    async def look(self) -> None:
        """Do what is to be done about each callback now. Raises TemporaryError, PermanentError."""
        found = await self._open()
        if not found:
            return
        if self._read_until is None:
            self._say("queue_log", NEEDS)
            return
        self._note_gone(found)
        if any(self._known(one) == "yes" for one in found):
            # What queue_log told until then may be on its way to Postgres.
            await self._caught_up()
            found = await self._open()
        witnessed = not any(self._known(one) == "unwitnessed" for one in found)
        if not witnessed:
            self._say("queue_log", UNWITNESSED)
        served: set[str] = set()
        for callback in found:
            await self._certain()
            # Two at once in a queue would not know of each other's place.
            may_place = witnessed and callback.queue not in served
            if await self._act(callback, found, may_place=may_place):
                served.add(callback.queue)

    async def _caught_up(self) -> None:
        """Wait until Postgres has all that was told until now. Raises TemporaryError."""
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._writer.caught_up()
        except TimeoutError:
            raise TemporaryError("Postgres does not have yet what was told") from None

    async def _open(self) -> list[Callback]:
        rows = await self._database.fetch("open_callbacks", self._node)
        return [_callback(row) for row in rows]

    def _say(self, about: str, what: str) -> None:
        """Said once: it would be the same every half second."""
        if self._said.get(about) != what:
            self._said[about] = what
            self._log.error("callbacks", reason=what)

    # -- is it over -------------------------------------------------------------------------

    def _note_gone(self, found: Sequence[Callback]) -> None:
        before, self._gone = self._gone, {}
        for attempt in (one.attempt for one in found if one.attempt is not None):
            if self._presence_of(attempt) == "gone":
                self._gone[attempt.id] = before.get(attempt.id, self._clock())

    def _presence_of(self, attempt: Attempt) -> Presence:
        if not self._sees():
            return "unknown"
        return "gone" if self._channel_of(attempt.id) is None else "there"

    def _known(self, callback: Callback) -> str:
        attempt = callback.attempt
        if attempt is None or attempt.id not in self._gone or self._read_until is None:
            return "not yet"
        return placeholders.known_whole(attempt, self._gone[attempt.id], self._read_until())

    def _presence(self, callback: Callback) -> Presence:
        """The presence of its attempt; ``gone`` only when nothing more can be told of it."""
        if callback.attempt is None:
            return "unknown"
        presence = self._presence_of(callback.attempt)
        if presence == "gone" and self._known(callback) != "yes":
            return "unknown"
        return presence

    # -- doing ------------------------------------------------------------------------------

    async def _act(self, callback: Callback, found: Sequence[Callback], *, may_place: bool) -> bool:
        """Do what is to be done about one; whether a place in its queue is being taken."""
        rules = rules_of(self._settings(callback.queue))
        now = self._clock()
        match callbacks.decide(callback, rules, self._presence(callback), now):
            case Place(stay):
                if may_place and self._link.state.up and self._sees():
                    await self._place(callback, found, rules, stay)
                    return True
            case TakeAway():
                # That the customer is being called may be on its way to Postgres.
                await self._caught_up()
                again = {one.id: one for one in await self._open()}.get(callback.id)
                if again is not None and isinstance(
                    callbacks.decide(again, rules, self._presence(again), now), TakeAway
                ):
                    await self._take_away(again)
            case EndAttempt() as end:
                await self._end(callback, end, now)
            case Close(state, reason):
                await self._database.execute(
                    "close_callback", self._node, self._term, callback.id, state, reason, now
                )
                self._log.info("callback over", id=str(callback.id), state=state, reason=reason)
            case None:
                pass
        return False

    async def _place(
        self, callback: Callback, found: Sequence[Callback], rules: Rules, stay: timedelta
    ) -> None:
        """Put a placeholder into the queue."""
        # Of all queues: a part could be taken for the whole that a resync asked for.
        listed = await self._link.send_list("QueueStatus")
        entries = [entry for entry in listed if entry.get("Queue") == callback.queue]
        here = {entry.get("Uniqueid", "") for entry in entries}
        if any(one.queue == callback.queue and self._comes(one, here) for one in found):
            return
        joined = {f"{one.attempt.id}{SECOND_HALF}": one.joined_at for one in found if one.attempt}
        now = self._clock()
        queue = placeholders.waiting_in(
            entries, lambda uniqueid: joined.get(uniqueid) or self._joined_at(uniqueid), now
        )
        place = placeholders.place(callback.priority, callback.joined_at, queue)
        ordinal = callback.last_ordinal + 1
        attempt = Attempt(attempt_id(callback.id, int(now.timestamp()), ordinal), now, now + VALID)
        fields = callbacks.originate(callback, attempt, place, stay, rules.ring_seconds)
        written = await self._database.execute(
            "place_callback", self._node, self._term, callback.id, attempt.id, ordinal, now,
            attempt.valid_until, place,
        )  # fmt: skip
        if not written:
            return
        # The daemon may have been frozen after it wrote that.
        await self._certain()
        try:
            await self._link.send("Originate", fields)
        except PermanentError as error:
            self._say("originate", str(error))
            end = callbacks.ended(callback, attempt, "not_placed", rules, self._clock())
            await self._end(callback, end, self._clock(), attempt)
        else:
            self._log.info(
                "callback queued", id=str(callback.id), queue=callback.queue, place=place
            )

    def _comes(self, callback: Callback, here: set[str]) -> bool:
        """Whether its placeholder may be on its way into the queue."""
        attempt = callback.attempt
        if attempt is None or {"dial", "left", "late", "refused"} & set(attempt.steps):
            return False
        return f"{attempt.id}{SECOND_HALF}" not in here

    async def _take_away(self, callback: Callback) -> None:
        name = self._channel_of(callback.attempt.id) if callback.attempt else None
        if name is not None:
            await self._link.send("Hangup", {"Channel": name})

    async def _end(
        self, callback: Callback, end: EndAttempt, now: datetime, attempt: Attempt | None = None
    ) -> None:
        attempt = attempt or callback.attempt
        if attempt is None:
            return
        await self._database.execute(
            "end_callback_attempt", self._node, self._term, attempt.id, end.outcome, now, end.state,
            end.reason, end.next_attempt_at, end.attempts, end.fruitless,
        )  # fmt: skip
        self._log.info(
            "callback attempt over", id=str(callback.id), outcome=end.outcome, state=end.state
        )


def _callback(row: Row) -> Callback:
    attempt = None
    if row["attempt"] is not None:
        attempt = Attempt(
            row["attempt"],
            row["placed_at"],
            row["valid_until"],
            tuple(row["steps"]),
            row["witnessed"],
        )
    return Callback(
        id=row["id"],
        queue=row["queue"],
        number=row["number"],
        asked_at=row["asked_at"],
        joined_at=row["joined_at"],
        next_attempt_at=row["next_attempt_at"],
        priority=row["priority"],
        attempts=row["attempts"],
        fruitless=row["fruitless"],
        dialled=row["dialled"],
        last_ordinal=row["last_ordinal"],
        cancelled_by=row["cancel_asked_by"] or "",
        attempt=attempt,
    )
