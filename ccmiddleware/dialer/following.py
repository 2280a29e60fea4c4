"""Follows the calls of all campaigns of one node, from their claim until their end is written down.

Hears what Asterisk tells of them (events, and queue_log, which also has what nobody was there to
hear), takes up what is open and nobody follows, and lets go of calls that have no channel any more.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.ending import reopen, reopen_told
from ccmiddleware.dialer.open_attempts import Unclaimed, open_attempts
from ccmiddleware.dialer.roster import Roster, Running
from ccmiddleware.dialer.seeing import Sees
from ccmiddleware.dialer.steps import Response, Step, from_event, from_queue_log
from ccmiddleware.dialer.trunk_limits import TrunkLimits
from ccmiddleware.dialer.under_way import News
from ccmiddleware.ids import SECOND_HALF, attempt_of, dial_id
from ccmiddleware.pbx import events as ami
from ccmiddleware.queue_log.rows import Line
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

TOLD_SINCE = timedelta(days=1)
"""How far back a new leader looks for attempts whose end was concluded too early."""
GONE_AFTER = timedelta(seconds=10)
"""A call without a channel for so long is over, whatever was told."""
LEFT_GONE_AFTER = timedelta(seconds=3)
"""The same, of a call that an earlier leader began."""
UNREAD_AFTER = timedelta(seconds=30)
"""So long what queue_log may tell of such a call is waited for."""


class Following:
    """The attempts under way, of whatever campaign. ``of``: the campaign of each."""

    def __init__(
        self,
        node: str,
        database: Database,
        roster: Roster,
        trunks: TrunkLimits,
        sees: Sees,
        clock: Clock,
    ) -> None:
        self.of: dict[UUID, Running] = {}
        self._node = node
        self._database = database
        self._roster = roster
        self._trunks = trunks
        self._sees = sees
        self._clock = clock
        self._log = log.bind(node=node)
        self._left: set[UUID] = set()
        """Those that an earlier leader began."""
        self._unclaimed = Unclaimed()
        self._missing: dict[UUID, datetime] = {}
        """Those whose channel is not there, since when we know that."""
        self._took_up = False
        self._said: set[UUID] = set()

    def begin(self, one: Running, claimed: Claimed, at: datetime) -> None:
        """A lead is claimed, and its call about to begin."""
        self._trunks.take(claimed.trunk, at)
        one.pace.begin(claimed, at)
        self.of[claimed.attempt] = one

    def forget(self, one: Running, claimed: Claimed) -> None:
        """Its end is written down."""
        one.pace.forget(claimed.attempt)
        self._trunks.give_back(claimed.trunk)
        self.of.pop(claimed.attempt, None)
        self._missing.pop(claimed.attempt, None)
        self._left.discard(claimed.attempt)

    def queue_of(self, channel: str) -> str:
        """The queue of the campaign whose call that channel is; "" when it is none of ours."""
        one = self.of.get(attempt_of(channel) or UUID(int=0))
        return str(one.campaign.holds["queue"] or "") if one is not None else ""

    def hear(self, event: ami.Event) -> None:
        """What Asterisk tells of calls."""
        match event:
            case ami.UserEvent():
                step = from_event(event)
                if step is not None:
                    self._hear_step(step)
            case ami.OriginateResponse():
                response = Response(event.response == "Success", event.reason)
                attempt = attempt_of(event.uniqueid) or attempt_of(event.action_id)
                if attempt in self.of:
                    now = self._clock()
                    way = self.of[attempt].pace.under_way
                    self._tell(attempt, way.responded(attempt, response, now), now)
            case ami.Hangup():
                attempt = attempt_of(event.uniqueid)
                if attempt in self.of and not event.uniqueid.endswith(SECOND_HALF):
                    now = self._clock()
                    way = self.of[attempt].pace.under_way
                    self._tell(attempt, way.hung_up(attempt, event.cause, now), now)

    def learn(self, lines: Iterable[Line]) -> None:
        """What queue_log tells."""
        for step in filter(None, map(from_queue_log, lines)):
            self._hear_step(step)

    def _hear_step(self, step: Step) -> None:
        running = self.of.get(step.attempt)
        if running is None:
            self._unclaimed.keep(step)
            return
        now = self._clock()
        self._tell(step.attempt, running.pace.under_way.step(step, now), now)

    def _tell(self, attempt: UUID, news: Sequence[News], now: datetime) -> None:
        self.of[attempt].pace.hear(news, now)

    async def take_up(self, now: datetime) -> None:
        """Attempts that are open and not followed are ours from now on. Raises TemporaryError."""
        if not self._took_up:
            # What was told while nobody led, of attempts whose end was concluded before.
            await reopen_told(self._database, self._node, now - TOLD_SINCE)
            self._took_up = True
        known, late = frozenset(self.of), self._unclaimed.attempts()
        if late:
            await reopen(self._database, late)
            self._unclaimed.asked(late)
        rows = await open_attempts(self._database, self._node, known)
        if not rows:
            return
        await self._roster.refresh(now, {row.campaign for row in rows})
        for row in rows:
            one = self._roster.known.get(row.campaign)
            if one is None:
                if row.campaign not in self._said:
                    self._said.add(row.campaign)
                    self._log.error(
                        "open attempts wait",
                        campaign=str(row.campaign),
                        reason="it can't be used as it is set",
                    )
                continue
            attempt, way = row.claimed.attempt, one.pace.under_way
            self._trunks.carry(row.claimed.trunk)
            one.pace.begin(row.claimed, row.claimed_at)
            self.of[attempt] = one
            self._left.add(attempt)
            if row.dialed_at is not None:
                way.dialed(attempt, row.dialed_at)
            for step in {*row.steps, *self._unclaimed.taken(attempt)}:
                self._tell(attempt, way.step(step, now), now)
        self._log.info("open attempts are taken up", attempts=len(rows))

    def let_go_of_the_gone(self, now: datetime) -> None:
        """Of calls that have no channel any more, nothing more is told but by queue_log."""
        if not self._sees.whole():
            self._missing.clear()
            return
        for attempt, one in self.of.items():
            known = one.pace.under_way.attempts[attempt]
            if known.over_since is not None:
                continue
            channel = dial_id(attempt, int(known.claimed_at.timestamp()))
            if self._sees.channel_of(channel) is not None:
                self._missing.pop(attempt, None)
                continue
            since = self._missing.setdefault(attempt, now)
            after = LEFT_GONE_AFTER if attempt in self._left else GONE_AFTER
            if now - since >= after and self._was_read(since, now):
                why = "it has no channel, and its end was not told"
                self._tell(attempt, one.pace.under_way.lost(attempt, now, why), now)

    def _was_read(self, since: datetime, now: datetime) -> bool:
        """Whether queue_log was read behind that time, as far as it can be."""
        if self._sees.read_until is None or now - since >= UNREAD_AFTER:
            return True
        read = self._sees.read_until()
        return read is not None and read > since
