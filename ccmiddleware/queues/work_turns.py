"""Keeps the work items of one node in its queues, and its agents busy while they work on one.

Runs while the daemon leads the node. What is to be done is decided in ``work``. Before Asterisk is
asked for a placeholder, the placement is in Postgres, in a statement that holds only for the leader
of the present term. What came of it is told by queue_log, which Asterisk itself writes; a placement
that tells nothing is over only when its channel is gone and queue_log was read to its end after
that. Until then its item is not placed again. So a crash of the daemon, of Postgres or of Asterisk
can make an item late, and never gives it to two agents.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.ids import SECOND_HALF, placement_id
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues import placeholders, settings, work
from ccmiddleware.queues.further_work import FurtherWork
from ccmiddleware.queues.hours import is_open
from ccmiddleware.queues.moving_work import MovingWork
from ccmiddleware.queues.placeholders import VALID, Attempt, Presence
from ccmiddleware.queues.settings import InvalidSettings, Stored
from ccmiddleware.queues.work import Item, Load, Room, Standing
from ccmiddleware.store.database import Database, Row
from ccmiddleware.store.writer import FactWriter

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
CATCH_UP_SECONDS = 10.0
SETTINGS_EVERY = timedelta(seconds=5)
BUSY_EVERY = timedelta(minutes=1)
"""How often Asterisk is told again who is busy, whether or not that changed."""

FINAL = frozenset({"taken", "back", "left", "late"})
"""Steps after which a placement is over, whatever its channel does."""

NEEDS = "emails wait: the node has no queue_log, which alone can tell who took one"


class WorkTurns:
    """The work items of one node in one term of its leader. ``run`` is one task of the leader.

    ``certain`` waits while it is doubtful whether this daemon still leads the node. ``sees``:
    whether what is known of channels is the whole truth now. ``channel_of``: name of the channel
    with a unique id, None when there is none. ``joined_at``: when a channel joined the queue that
    it waits in, if that was seen. ``offered``: whether a phone may ring for a channel. ``members``:
    how many members of a queue can be reached, free or not. ``read_until``: until when queue_log
    was read; None without one. ``serves``: see ``further_work``; ``queues_of``: those in which an
    agent is offered what comes, whatever he does now.
    ``working`` is told who has an item in hand.
    """

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        writer: FactWriter,
        link: AmiLink,
        *,
        certain: Callable[[], Awaitable[None]],
        sees: Callable[[], bool],
        channel_of: Callable[[str], str | None],
        joined_at: Callable[[str], datetime | None],
        offered: Callable[[str], bool],
        members: Callable[[str], int],
        working: Callable[[Mapping[str, tuple[str, datetime]]], None],
        serves: Callable[[str], Collection[str]],
        queues_of: Callable[[str], Collection[str]],
        read_until: Callable[[], datetime | None] | None,
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._database = database
        self._writer = writer
        self._link = link
        self._certain = certain
        self._sees = sees
        self._channel_of = channel_of
        self._offered = offered
        self._members = members
        self._working = working
        self._queues_of = queues_of
        self._read_until = read_until
        self._clock = clock
        self._log = log.bind(node=node)
        self._gone: dict[str, datetime] = {}
        """Placements whose channel is not there, since when we know that."""
        self._withdrawn: set[str] = set()
        """Placements that we had hung up."""
        self._said: dict[str, str] = {}
        self._settings: dict[str, Stored] = {}
        self._settings_at: datetime | None = None
        self._busy: dict[str, bool] = {}
        """What Asterisk was last told of each agent."""
        self._renew: set[str] = set()
        """Agents of whom it is to be told again, whether or not that changed."""
        self._unsettled = True
        """Whether somebody may have taken an item of which we do not know yet."""
        self._straight: frozenset[str] = frozenset()
        """Queues in which emails are offered by us alone (``work.served_straight``)."""
        self._placed_in: set[str] = set()
        """Queues in which placeholders may stand."""
        self._busy_since: tuple[datetime | None, datetime] | None = None
        self._further = FurtherWork(
            node,
            term,
            database,
            link,
            certain=certain,
            serves=serves,
            withdraw=self._withdraw,
            clock=clock,
        )
        self._moving = MovingWork(
            node,
            term,
            database,
            link,
            certain=certain,
            joined_at=joined_at,
            withdraw=self._withdraw,
            clock=clock,
        )

    async def run(self) -> None:
        """Keep work items until cancelled."""
        while True:
            try:
                await self.look()
                loads = await self._loads()
                await self._certain()
                self._working(work.in_hand(loads))
                await self.keep_busy(loads)
            except TemporaryError as error:
                self._log.debug("work items wait", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                self._say("refused", str(error))
            await beat(PACE_SECONDS)

    async def look(self) -> None:
        """Do what is to be done about the items now. Raises TemporaryError, PermanentError."""
        now = self._clock()
        await self._database.fetchval("wake_work", self._node, now)
        standing = await self._standing()
        waiting = await self._waiting(now)
        if not standing and not waiting:
            self._unsettled, self._placed_in = False, set()
            return
        self._unsettled = True
        if self._read_until is None:
            self._say("queue_log", NEEDS)
            return
        self._note_gone(standing)
        if any(self._gone_for_good(one.attempt) for one in standing):
            # What queue_log told until then may be on its way to Postgres.
            await self._caught_up()
            standing = await self._standing()
        over = [one for one in standing if self._is_over(one)]
        for one in over:
            await self._certain()
            await self._end(one, now)
        if over:
            waiting = await self._waiting(now)
        left = [one for one in standing if one not in over]
        self._unsettled = any(one.answered or one.presence != "there" for one in left)
        self._placed_in = {
            one.item.queue
            for one in left
            if not one.straight and not one.answered and one.presence != "gone"
        }
        await self._load_settings(now)
        loads = await self._loads()
        self._straight = work.served_straight(loads, self._queues_of)
        given = await self._give_further(waiting, left, loads, now)
        waiting = [one for one in waiting if one not in given]
        for queue in sorted({one.item.queue for one in left} | {one.queue for one in waiting}):
            await self._certain()
            await self._serve(
                queue,
                [one for one in waiting if one.queue == queue],
                [one for one in left if one.item.queue == queue],
                now,
            )

    # -- what there is ----------------------------------------------------------------------

    async def _standing(self) -> list[Standing]:
        rows = await self._database.fetch("work_standing", self._node)
        return [
            Standing(
                _item(row),
                attempt := Attempt(
                    row["attempt"],
                    row["placed_at"],
                    row["valid_until"],
                    tuple(row["steps"]),
                    witnessed=bool(row["steps"]),  # none comes but from queue_log
                ),
                self._presence_of(attempt),
                offered=self._offered(f"{attempt.id}{SECOND_HALF}"),
                agent=row["agent_id"],
                reachable=row["reachable"],
                told_at=row["told_at"],
                straight=row["straight"],
                stands_with=row["stands_with"],
            )
            for row in rows
        ]

    async def _waiting(self, now: datetime) -> list[Item]:
        rows = await self._database.fetch("work_waiting", self._node, now, work.MOST_PLACED)
        return [_item(row) for row in rows]

    async def _load_settings(self, now: datetime) -> None:
        if self._settings_at is not None and now - self._settings_at < SETTINGS_EVERY:
            return
        found = {}
        for row in await self._database.fetch("queue_settings", self._node, None, now):
            try:
                found[row["queue"]] = settings.from_row(dict(row))
            except InvalidSettings as error:
                self._say(f"settings of {row['queue']}", str(error))
        self._settings, self._settings_at = found, now

    def _room(self, queue: str, now: datetime) -> Room:
        stored = self._settings.get(queue)
        opened = stored is None or is_open(stored.schedule, int(now.timestamp()))
        if not self._sees() or not self._link.state.up or queue in self._straight:
            return Room(opened, 0)
        return Room(opened, self._members(queue))

    def _after_calls(self, queue: str) -> bool:
        stored = self._settings.get(queue)
        return stored is not None and bool(stored.values.get("email_after_calls"))

    # -- is it over -------------------------------------------------------------------------

    def _presence_of(self, attempt: Attempt) -> Presence:
        if not self._sees():
            return "unknown"
        return "gone" if self._channel_of(attempt.id) is None else "there"

    def _note_gone(self, standing: Sequence[Standing]) -> None:
        before, self._gone = self._gone, {}
        for one in standing:
            if one.presence == "gone":
                self._gone[one.attempt.id] = before.get(one.attempt.id, self._clock())
        self._withdrawn &= {one.attempt.id for one in standing}

    def _gone_for_good(self, attempt: Attempt) -> bool:
        since = self._gone.get(attempt.id)
        if since is None or self._read_until is None:
            return False
        return placeholders.known_whole(attempt, since, self._read_until()) == "yes"

    def _is_over(self, one: Standing) -> bool:
        return bool(FINAL & set(one.attempt.steps)) or self._gone_for_good(one.attempt)

    async def _caught_up(self) -> None:
        """Wait until Postgres has all that was told until now. Raises TemporaryError."""
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._writer.caught_up()
        except TimeoutError:
            raise TemporaryError("Postgres does not have yet what was told") from None

    async def _end(self, one: Standing, now: datetime) -> None:
        withdrawn = one.attempt.id in self._withdrawn or one.item.state != "queued"
        what = work.ended(one, now, withdrawn=withdrawn)
        outcome = await self._database.fetchval(
            "end_work_placement", self._node, self._term, one.attempt.id, what.outcome,
            one.told_at or now, what.agent, now + what.pause, what.reason, what.fruitless,
        )  # fmt: skip
        if "taken" in one.attempt.steps:
            self._renew |= set(self._busy)  # the dialplan has set that agent's state by itself
        self._log.info(
            "placement over", number=one.item.number, outcome=outcome, reason=what.reason
        )

    # -- doing ------------------------------------------------------------------------------

    async def _serve(
        self, queue: str, waiting: Sequence[Item], standing: Sequence[Standing], now: datetime
    ) -> None:
        todo = work.release(waiting, standing, self._room(queue, now))
        for attempt in todo.take_away:
            await self._withdraw(attempt)
        after_calls = self._after_calls(queue)
        stay = [one for one in standing if one.attempt not in todo.take_away]
        for one in work.out_of_place(stay, after_calls=after_calls):
            await self._moving.move(one, standing, after_calls=after_calls)
        if todo.place is not None:
            await self._place(todo.place, standing, after_calls=after_calls)

    async def _withdraw(self, attempt: Attempt) -> None:
        name = self._channel_of(attempt.id)
        if name is not None:
            self._withdrawn.add(attempt.id)
            await self._link.send("Hangup", {"Channel": name})

    async def _give_further(
        self,
        waiting: Sequence[Item],
        standing: Sequence[Standing],
        loads: Sequence[Load],
        now: datetime,
    ) -> set[Item]:
        """Ring agents whom app_queue can't offer emails; the emails that are offered so."""
        if not self._link.state.up or not self._sees():
            return set()
        opened = [one for one in waiting if self._room(one.queue, now).open]
        return await self._further.look(opened, standing, loads, self._straight)

    async def _place(self, item: Item, standing: Sequence[Standing], *, after_calls: bool) -> None:
        """Put a placeholder into the queue."""
        entries = await self._moving.entries(item.queue)
        here = {entry.get("Uniqueid", "") for entry in entries}
        if any(self._comes(one, here) for one in standing):
            return
        now = self._clock()
        queue = self._moving.waiting(entries, standing)
        priority = work.priority_in_queue(item.priority, after_calls=after_calls)
        place = placeholders.place(priority, item.arrived_at, queue)
        ordinal = item.last_ordinal + 1
        attempt = Attempt(placement_id(item.id, int(now.timestamp()), ordinal), now, now + VALID)
        try:
            fields = work.originate(item, attempt, place, after_calls=after_calls)
        except ValueError as error:
            self._say(f"queue {item.queue}", f"its emails can't be offered: {error}")
            return
        written = await self._database.execute(
            "place_work", self._node, self._term, item.id, attempt.id, ordinal, now,
            attempt.valid_until, place, priority,
        )  # fmt: skip
        if not written:
            return
        # The daemon may have been frozen after it wrote that.
        await self._certain()
        try:
            await self._link.send("Originate", fields)
        except PermanentError as error:
            self._say("originate", f"{error} (asterisk/manager/ccm-work.conf)")
            fruitless = item.fruitless + 1
            await self._database.fetchval(
                "end_work_placement", self._node, self._term, attempt.id, "not_placed",
                self._clock(), None, now + placeholders.patience(fruitless), str(error), fruitless,
            )  # fmt: skip
        else:
            self._log.info("email queued", number=item.number, queue=item.queue, place=place)

    @staticmethod
    def _comes(one: Standing, here: set[str]) -> bool:
        """Whether it may be on its way into the queue."""
        if one.answered or FINAL & set(one.attempt.steps) or one.presence == "gone":
            return one.presence == "gone" and not one.attempt.steps
        return f"{one.attempt.id}{SECOND_HALF}" not in here

    # -- busy -------------------------------------------------------------------------------

    async def keep_busy(self, loads: Sequence[Load]) -> None:
        """Have Asterisk know which agents work on email. Raises TemporaryError, PermanentError."""
        if not self._link.state.up or not self._sees():
            return
        now, since = self._clock(), self._link.state.since
        if (
            self._busy_since is None
            or self._busy_since[0] != since
            or (now - self._busy_since[1] >= BUSY_EVERY)
        ):
            self._renew |= set(self._busy)
            self._busy_since = (since, now)
        for load in loads:
            offered = bool(self._placed_in & set(self._queues_of(load.interface)))
            busy, key = work.is_busy(load, offered=offered), work.busy_key(load.interface)
            told = self._busy.get(load.interface)
            if key is None or (told == busy and load.interface not in self._renew):
                continue
            if not busy and told is not True and self._unsettled:
                continue  # he may have taken one just now: then the dialplan has said so
            await self._certain()
            await self._link.send(
                "Originate",
                {
                    "Channel": "Local/s@ccm-work-state/n",
                    "Application": "NoOp",
                    "Async": "true",
                    "Variable": [
                        f"CCM_WORK_AGENT={key}",
                        f"CCM_WORK_STATE={'INUSE' if busy else 'NOT_INUSE'}",
                    ],
                },
            )
            self._busy[load.interface] = busy
            self._renew.discard(load.interface)

    async def _loads(self) -> list[Load]:
        return [
            Load(
                row["interface"],
                row["working"],
                row["capacity"],
                row["calls_interrupt"],
                row["queue"],
                row["since"],
            )
            for row in await self._database.fetch("work_loads", self._node)
        ]

    def _say(self, about: str, what: str) -> None:
        """Said once: it would be the same every half second."""
        if self._said.get(about) != what:
            self._said[about] = what
            self._log.error("work items", about=about, reason=what)


def _item(row: Row) -> Item:
    return Item(
        id=row["id"],
        number=row["number"],
        queue=row["queue"],
        priority=row["priority"],
        arrived_at=row["arrived_at"],
        state=row["state"],
        fruitless=row["fruitless"],
        last_ordinal=row["last_ordinal"],
        sender=row["sender"],
        subject=row["subject"],
    )
