"""Dials the campaigns of one node: decides, claims, has Asterisk dial, hears, writes down the ends.

Runs while the daemon leads the node. The order is what keeps a lead from being called twice: its
claim with attempt and permit is committed before Asterisk is asked, and only the leader of the
present term asks. What Asterisk was asked goes its way without us (the dialplan decides, and
queue_log tells); whoever leads next takes up the attempts that are open.

How many is decided in ``pace``, who may be called in ``claiming``; calls are followed in
``following``.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.dialer import dispositions
from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.claiming import AtHand, Claims
from ccmiddleware.dialer.decision_log import DecisionLog
from ccmiddleware.dialer.ending import dialed, end, wake
from ccmiddleware.dialer.following import Following
from ccmiddleware.dialer.originating import originate
from ccmiddleware.dialer.pace import Reason, Wanted
from ccmiddleware.dialer.previewing import Previewing
from ccmiddleware.dialer.promises import Due
from ccmiddleware.dialer.roster import Roster, Running
from ccmiddleware.dialer.seeing import Sees, State
from ccmiddleware.dialer.sharing import Sharing
from ccmiddleware.dialer.trunk_limits import Trunk, TrunkLimits
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import AnyFact, QueueLogRow
from ccmiddleware.pbx import events as ami
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queue_log.rows import Line
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
"""Pause between two decisions."""
END_SECONDS = 0.2
"""Pause between two looks for attempts that are over."""
CAMPAIGNS_SECONDS = 0.5
"""Pause between two looks for campaigns to be checked."""
SAID_SECONDS = 5.0
"""Pause between two looks for what agents said after calls."""
RETRY_SECONDS = 1.0

LEARNED_EVERY = timedelta(seconds=10)
IDLE_EVERY = timedelta(seconds=2)
"""Between two looks for campaigns while there are none."""
TAKE_UP_EVERY = timedelta(seconds=10)
WAKE_EVERY = timedelta(seconds=2)

TOO_LATE = timedelta(seconds=10)
"""A lead that was claimed so long ago is not dialled any more: hours and agents may be others by
now. Windows are left open for as long as it may ring, which is longer."""
REFUSED_FOR = timedelta(seconds=30)
"""An end that Postgres refuses is written again so often; meanwhile all others are."""


class Dialing:
    """The campaigns of one node in one term. ``certain`` waits while it is doubtful who leads."""

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        sees: Sees,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._sees = sees
        self._certain = certain
        self._clock = clock
        self._log = log.bind(node=node)
        self.roster = Roster(database, node, term)
        self.trunks = TrunkLimits()
        self._calls = Following(node, database, self.roster, self.trunks, sees, clock)
        self.previews = Previewing(
            node, database, link, self.roster, self.trunks, sees.channel_of, self._calls.of,
            begin=self._begin_all, clock=clock,
        )  # fmt: skip
        self._sharing = Sharing(database, node, sees.members, sees.queues_of)
        self._decisions = DecisionLog()
        self._dialed: list[tuple[UUID, datetime]] = []
        self._due: dict[str, datetime] = {}
        self._said: dict[str, str] = {}
        self._refused: dict[UUID, datetime] = {}
        """Attempts whose end Postgres refuses, and until when it is not asked again."""
        self._turn = 0
        self._ended: Counter[tuple[str, str]] = Counter()
        self._drops: Counter[str] = Counter()

    @property
    def state(self) -> State:
        """How it goes now."""
        known = list(self.roster.known.values())
        return State(
            {one.campaign.name: len(one.pace.under_way.attempts) for one in known},
            {**self.roster.unusable, **{one.campaign.name: one.in_the_way for one in known
                                        if one.state == "running" and one.in_the_way}},
            self._ended,
            self._drops,
        )  # fmt: skip

    async def run(self) -> None:
        """Dial until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for what, work, pause in (
                ("dialing", self.look, PACE_SECONDS),
                ("campaigns", self.look_at_campaigns, CAMPAIGNS_SECONDS),
                ("ends of calls", self.write_ends, END_SECONDS),
                ("dispositions", self.apply_dispositions, SAID_SECONDS),
                ("previews", self.previews.carry_out, 0),
            ):
                tasks.create_task(self._again(what, work, pause), name=f"{what} {self._node}")

    async def _again(self, what: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            wait = pause
            try:
                await work()
            except TemporaryError as error:
                self._log.debug(f"{what} wait", reason=str(error))
                wait = RETRY_SECONDS
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                self._say(what, str(error))
                wait = RETRY_SECONDS
            await beat(wait)

    @contextmanager
    def _alone(self, one: Running) -> Iterator[None]:
        """Of one campaign: what is refused there does not hold up the others."""
        try:
            yield
        except PermanentError as error:
            self._say(f"campaign {one.campaign.name} can't be dialled", str(error))

    def _say(self, about: str, what: str) -> None:
        """Said once: it would be the same every second."""
        if self._said.get(about) != what:
            self._said[about] = what
            self._log.error(about, reason=what)

    # -- hearing ----------------------------------------------------------------------------

    def queue_of(self, channel: str) -> str:
        """The queue of the campaign whose call that channel is; "" when it is none of ours."""
        return self._calls.queue_of(channel)

    def hear(self, event: ami.Event) -> None:
        """What Asterisk tells of calls, and of offers to agents."""
        self.previews.hear(event)
        self._calls.hear(event)

    def learn(self, facts: Iterable[AnyFact]) -> None:
        """What queue_log tells, which also has what nobody was there to hear."""
        lines = [
            Line(row.at, row.call, row.queue, row.agent, row.event, tuple(row.data))
            for row in facts
            if isinstance(row, QueueLogRow)
        ]
        self.previews.learn(lines)
        self._calls.learn(lines)

    # -- dialing ----------------------------------------------------------------------------

    async def look(self) -> None:
        """Decide for each campaign once, and begin its calls. Raises TemporaryError."""
        # A daemon that was frozen may have been replaced.
        await self._certain()
        now = self._clock()
        if not self.roster.known and not self._is_due("idle", IDLE_EVERY, now):
            return
        if self._is_due("take up", TAKE_UP_EVERY, now):
            del self._due["take up"]  # nothing is dialled before that has succeeded
            await self._calls.take_up(now)
            self._due["take up"] = now + TAKE_UP_EVERY
        await self.roster.refresh(now)
        self._calls.let_go_of_the_gone(now)
        if not (self.roster.known and self._link.state.up and self._sees.whole()):
            return
        rows = await self._database.fetch("dialing_trunks")
        self.trunks.set(
            Trunk(row["name"], row["dial"], row["channels"], float(row["calls_per_second"]))
            for row in rows
        )
        try:
            await self._dial_all(now)
        finally:
            await self._write_down(now)

    async def _dial_all(self, now: datetime) -> None:
        self.previews.let_go(now)
        known = list(self.roster.known.values())
        dialing = [one for one in known if one.dials]
        if self._is_due("wake", WAKE_EVERY, now):
            for one in dialing:
                with self._alone(one):
                    await wake(self._database, one.campaign.id, now)
        promising: list[Running] = []
        promised: dict[str, str] = {}
        for one in known:
            with self._alone(one):
                due = await self._may_keep(one, now) if one.keeps_promises else []
                if due:
                    promising.append(one)
                    promised.update({agent: str(one.campaign.id) for _, agent in due if agent})
        able: list[tuple[Running, AtHand]] = []
        for one in dialing:
            with self._alone(one):
                leads = await one.claiming.at_hand(one.campaign, now)
                if leads.leads:
                    able.append((one, leads))
                    continue
                reason: Reason = "closed" if leads.places and not leads.open_places else "leads"
                self._decisions.add(one, Wanted(0, reason, {}), leads, Claims(), now)
        # Agents count for a campaign that can call somebody.
        could = {id(one): one for one in [*promising, *(one for one, _ in able)]}
        held = self.previews.held
        await self._sharing.share(list(could.values()), now, held=held, promised=promised)
        for one in promising:
            with self._alone(one):
                await self._keep_promises(one, self._clock())
        self._turn += 1
        turn = self._turn % max(len(able), 1)
        for one, leads in able[turn:] + able[:turn]:
            if not (self._link.state.up and self._sees.whole()):
                return
            with self._alone(one):
                # The time as it is: those before may have waited long for their answers.
                await self._dial(one, leads, self._clock())

    async def _may_keep(self, one: Running, now: datetime) -> list[tuple[Due, str]]:
        """Its promises that may be kept now: only with some it takes part in the sharing."""
        members = self._sees.members(one.campaign.holds["queue"] or "")
        idle = [agent for agent, (state, _) in members.items() if state == "idle"]
        free, told = self.previews.at_rest(idle), self.previews.promised
        return await one.claiming.callbacks(one.campaign, free, now, told)

    async def _keep_promises(self, one: Running, now: datetime) -> None:
        """Callbacks that are due, each with an agent who is free, before all else.

        Whoever promised one himself has his line opened first, and is joined with the party by the
        dialplan; the others come to whom the queue chooses.
        """
        free = self.previews.at_rest(one.pace.free)
        wished = await one.claiming.callbacks(one.campaign, free, now, self.previews.promised)
        names = one.campaign.holds["trunks"] or ()
        room = min(one.pace.room(now), self.trunks.room(names, now)) - self.previews.awaited
        wished = wished[: max(0, min(one.pace.spare(len(free)), room))]
        told = 0
        for due, agent in wished:
            if agent:
                told += await self.previews.promise(one, due, agent, now)
        others = [each for each in wished if not each[1]]
        planned = self.trunks.plan(names, len(others), now)
        claims = await one.claiming.claim_callbacks(one.campaign, planned, others, now)
        if told or claims.claimed or claims.refused:
            await self._begin_all(one, claims, now)
            number = told + len(claims.claimed)
            wanted = Wanted(number, "promises", {"agents": len(free), "told": told})
            # The decision on other calls is of the same moment, and kept as well.
            before = now - timedelta(microseconds=1)
            self._decisions.add(one, wanted, AtHand(0, 0), claims, before)

    async def _dial(self, one: Running, leads: AtHand, now: datetime) -> None:
        campaign = one.campaign
        if one.pace.mode == "preview":
            wanted = await self.previews.offer(one, leads, now)
            self._decisions.add(one, wanted, leads, Claims(), now)
            return
        ledger = one.ledger.decision(campaign.profile, now, one.leads_left)
        names = campaign.holds["trunks"] or ()
        room = max(0, self.trunks.room(names, now) - self.previews.awaited)
        wanted = one.pace.decide(now, ledger.go_on, room, chances=leads.chances)
        claims = Claims()
        if wanted.number:
            planned = self.trunks.plan(names, wanted.number, now)
            claims = await one.claiming.claim(campaign, planned, now)
            await self._begin_all(one, claims, now)
        self._decisions.add(one, wanted, leads, claims, now)

    async def _begin_all(self, one: Running, claims: Claims, at: datetime) -> None:
        for each in claims.claimed:
            self._calls.begin(one, each, at)
        # Whoever leads now, if we do not any more, takes these attempts up; nobody was dialled.
        await self._certain()
        async with asyncio.TaskGroup() as tasks:
            for each in claims.claimed:
                tasks.create_task(self._originate(one, each, at), name=f"originate {each.attempt}")

    async def _originate(self, one: Running, claimed: Claimed, at: datetime) -> None:
        """Have Asterisk dial. Whether it took an order that it does not answer shows later."""
        attempt, way = claimed.attempt, one.pace.under_way
        now = self._clock()
        if now - at > TOO_LATE:
            why = f"not dialled: it was claimed {(now - at).total_seconds():.0f} s before"
            self._log.warning(why, attempt=str(attempt))
            one.pace.hear(way.refused(attempt, now, why), now)
            return
        try:
            dial = self.trunks.trunks[claimed.trunk].dial
            fields = originate(one.campaign, claimed, dial, at)
            await self._link.send("Originate", fields)
        except TemporaryError as error:
            self._log.warning("no answer to Originate", attempt=str(attempt), reason=str(error))
        except (PermanentError, ValueError) as error:
            self._say("Asterisk refuses to dial", str(error))
            now = self._clock()
            one.pace.hear(way.refused(attempt, now, str(error)[:200]), now)
        else:
            now = self._clock()
            way.dialed(attempt, now)
            self._dialed.append((attempt, now))

    async def _write_down(self, now: datetime) -> None:
        """What explains things afterwards: when it was dialled, decisions, what was learned."""
        if self._dialed:
            done = self._dialed[:]
            await dialed(self._database, done)
            del self._dialed[: len(done)]
        await self._decisions.store(self._database, self._term)
        for one in self.roster.known.values():
            at = one.learned_at
            if at is None:
                one.learned_at = now
            elif now - at >= LEARNED_EVERY and one.dials:
                await self.roster.store_learned(one, now)

    def _is_due(self, what: str, every: timedelta, now: datetime) -> bool:
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every
        return True

    # -- what is over -----------------------------------------------------------------------

    async def write_ends(self) -> None:
        """Write down the ends of attempts that are over. Raises TemporaryError."""
        now = self._clock()
        for one in list(self.roster.known.values()):
            for ended in one.pace.under_way.over(now):
                if now < self._refused.get(ended.attempt, now):
                    continue
                try:
                    await self._write_end(one, ended)
                except PermanentError as error:
                    self._refused[ended.attempt] = now + REFUSED_FOR
                    self._say("the end of a call can't be written", str(error))

    async def look_at_campaigns(self) -> None:
        """Check campaigns that were set anew, and the others now and then. Raises
        TemporaryError."""
        await self.roster.look_at_due(self._clock())

    async def apply_dispositions(self) -> None:
        """Settle what agents said after calls. Raises TemporaryError."""
        await self._certain()
        await dispositions.apply(self._database, self._node, self._clock())

    async def _write_end(self, one: Running, ended: Ended) -> None:
        told = await end(self._database, one.campaign, ended)
        known = one.pace.under_way.attempts[ended.attempt]
        if told:
            one.ledger.add(ended, known.claimed_at)
            one.chances.learn(known.claimed, ended)
            self._ended[one.campaign.name, ended.result] += 1
            self._drops[one.campaign.name] += int(ended.dropped)
        self._calls.forget(one, known.claimed)
        self._refused.pop(ended.attempt, None)
