"""One Asterisk node, followed: AMI items in, through the pure machines, facts out to the writer.

``NodeFollower.run`` is the sequential worker that sees every item in Asterisk's order. A second
task, ``resync``, only asks Asterisk for its lists after a gap; the answers come back through the
same stream, so they have their exact place in it. Neither knows Postgres: facts go to ``write``.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog

from ccmiddleware.agents.dispositions import keyed_in
from ccmiddleware.agents.presence import Presence
from ccmiddleware.agents.wrap_up import WrapUp
from ccmiddleware.agents.wrap_up_pauses import WrapUpPauses
from ccmiddleware.calls.call import Phase
from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.calls.present import PresentTalks
from ccmiddleware.clock import Clock, utc_now
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import AnyFact, Interaction, Outcome, Recording, Segment, times_in
from ccmiddleware.ids import OURS, work_of
from ccmiddleware.pbx import events as ami
from ccmiddleware.pbx.link import AmiLink, Gap, Item, LinkDown, LinkUp
from ccmiddleware.queues.callbacks_told import told as told_of_callback
from ccmiddleware.queues.turned_away import turned_away
from ccmiddleware.recordings.control import Control
from ccmiddleware.recordings.recorder import Recorder
from ccmiddleware.supervision.carrying_out import Supervising
from ccmiddleware.supervision.commands import Talk
from ccmiddleware.supervision.watch import Watch
from ccmiddleware.web.metrics import Metrics

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.5
"""How often awaited events are checked while nothing arrives."""

WRITE_RETRY_SECONDS = 1.0
"""Pause before facts are written again that the journal had no room for."""

FIRST_VERSION = 3
"""Versions up to this belong to the first telling of an interaction: it has just joined a queue."""

RESYNC_EVERY_SECONDS = 2.0
"""Asterisk is not asked for its lists again any sooner."""

LAST_ITEMS_SECONDS = 0.2
"""How long to wait for what a closed link still has to say."""

NOWHERE_LEFT: Mapping[UUID, datetime] = MappingProxyType({})

PLACEHOLDERS_KNOWN = 10_000

Hearer = Callable[[Any], Iterable[AnyFact]]
"""Makes facts of an event of the kinds that it hears."""


def _about(fact: AnyFact) -> UUID | None:
    """The interaction that a fact is about."""
    if isinstance(fact, Interaction):
        return fact.id
    return getattr(fact, "interaction_id", None)


async def _no_doubt() -> None:
    """Nothing to wait for."""


def _ignored(told: object) -> None:
    """Nobody listens."""


class NodeFollower:
    """Everything that happens on one node.

    ``write`` takes facts for good or raises TemporaryError; they are then offered again, and the
    stream is not read meanwhile, so that nothing overtakes and what is lost is marked as a gap.
    ``certain`` waits while it is doubtful whether this daemon still leads the node.
    """

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        link: AmiLink,
        write: Callable[[Sequence[AnyFact]], None],
        metrics: Metrics,
        *,
        clock: Clock = utc_now,
        certain: Callable[[], Awaitable[None]] = _no_doubt,
    ) -> None:
        self.node = node
        self.link = link
        self.write = write
        self.metrics = metrics
        self.clock = clock
        self.certain = certain
        self._lag = metrics.link(node.name, "ami").lag
        self.machine = CallMachine(node.name, wrap_up_default=settings.wrap_up_for)
        self.presence = Presence(
            node.name, service_level=settings.service_level_for, dialog_of=self._dialog_of
        )
        self.wrap_up = WrapUp(self.presence, settings.forced_wrap_up_for, settings.longest_wrap_up)
        self.wrap_up_pauses = WrapUpPauses(node.name, self.wrap_up, link, certain, clock)
        self.recorder = Recorder(
            node,
            settings,
            link,
            self.tell,
            self._queue_of,
            clock=clock,
            version=lambda: self.version,
            certain=certain,
        )
        self.recording_control = Control(self.recorder, certain)
        self.present = PresentTalks(self.machine)
        self.watch = Watch(node.name, self.present, self.present.owner)
        self.supervising = Supervising(
            link,
            self.watch,
            self._talks_now,
            self.machine.name_of,
            enabled=settings.supervision.enabled,
        )
        self.version = ""
        """Version of Asterisk, once it said so."""
        self.synchronised = False
        """False from the loss of the link, or a gap, until Asterisk's lists were taken in."""
        self._down_at: datetime | None = None
        self._wanted = asyncio.Event()
        self._read: list[Item] = []
        self._unwritten: list[AnyFact] = []
        self._no_room = False
        self.hear_dialing: Callable[[ami.Event], None] = _ignored
        """Whoever dials campaigns on this node hears these events, and what queue_log tells."""
        self.learn_dialing: Callable[[Sequence[AnyFact]], None] = _ignored
        self._hearers: dict[type[ami.Event], Sequence[Hearer]] = {}
        self._placeholders: dict[UUID, None] = {}
        """What the machine takes for calls and are placeholders of work items, the newest ones."""

    def restore(
        self, facts: Sequence[AnyFact], last_seen: Mapping[UUID, datetime] = NOWHERE_LEFT
    ) -> None:
        """Take up what was open when an earlier daemon stopped.

        ``last_seen``: of interactions that nobody followed since, when that was.
        """
        self.machine.restore(facts, last_seen)
        self.presence.restore(facts)
        self.wrap_up.restore(facts)
        self.recorder.restore(facts)
        self.watch.restore(facts)
        # The earlier daemon saw at least until the last time that it told.
        self._down_at = max((at for fact in facts for at in times_in(fact)), default=None)

    def tell(self, facts: Sequence[AnyFact]) -> None:
        """Facts for the writer from outside the stream (the recorder's)."""
        self._count(facts)
        self._unwritten.extend(facts)
        self._flush()

    def working(self, work: Mapping[str, tuple[str, datetime]]) -> None:
        """Told who has an email in hand: by interface, its queue and since when."""
        facts = self.presence.working(work, self.clock())
        if facts:
            self.tell(facts)

    def holds(self, interaction: UUID) -> bool:
        """Whether that interaction goes on, or waits for an event that may still come."""
        return interaction in self.machine.by_id

    def longest_waits(self) -> dict[str, datetime]:
        """Since when whoever waits longest does, of each queue in which somebody waits."""
        found: dict[str, datetime] = {}
        for call in self.machine.by_id.values():
            visit = call.visit
            if visit is not None and visit.outcome is None and call.phase is Phase.WAITING:
                found[visit.queue] = min(visit.joined_at, found.get(visit.queue, visit.joined_at))
        return found

    def channel_of(self, uniqueid: str) -> str | None:
        """Name of the channel with that unique id; None when there is none, as far as is known."""
        channel = self.machine.topology.channels.get(uniqueid)
        return channel.name if channel is not None else None

    def offered(self, uniqueid: str) -> bool:
        """Whether a queue rings an agent for the caller on that channel."""
        call = self.machine.by_uniqueid.get(uniqueid)
        return call is not None and bool(list(call.open_offers()))

    def joined_at(self, uniqueid: str) -> datetime | None:
        """When the caller on that channel joined the queue he waits in, if that is known."""
        call = self.machine.by_uniqueid.get(uniqueid)
        visit = call.visit if call is not None else None
        return visit.joined_at if visit is not None and visit.outcome is None else None

    # -- the stream -------------------------------------------------------------------------

    async def run(self) -> None:
        """Take items until cancelled."""
        while True:
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    self._read = await self.link.read()
            except TimeoutError:
                pass
            # Before anything is concluded, and Asterisk told to do something.
            await self.certain()
            items, self._read = self._read, []
            await self.take(items)

    async def finish(self) -> None:
        """After ``run`` was cancelled and the link closed: take what it still had to say."""
        items, self._read = self._read, []
        try:
            async with asyncio.timeout(LAST_ITEMS_SECONDS):
                items += await self.link.read()
        except TimeoutError:
            pass
        now = self.clock()
        facts = [fact for item in items for fact in self._facts_of(item, now)]
        self._count(facts)
        self._unwritten.extend(facts)
        self._flush()

    async def take(self, items: Sequence[Item]) -> None:
        """Turn items into facts and hand them over, waiting while there is no room."""
        now = self.clock()
        facts: list[AnyFact] = []
        for item in items:
            facts.extend(self._facts_of(item, now))
        facts.extend(self._observed(self.machine.tick(now)))
        facts.extend(self.presence.tick(now))
        facts.extend(self.watch.tick(now))
        self._count(facts)
        self._unwritten.extend(facts)
        while not self._flush():  # noqa: ASYNC110 - the disk sends no event when it has room
            await asyncio.sleep(WRITE_RETRY_SECONDS)
        self._note_lag(items, now)

    def _flush(self) -> bool:
        """Hand the facts over; False when there was no room for them."""
        if not self._unwritten:
            return True
        try:
            self.write(self._unwritten)
        except TemporaryError as error:
            if not self._no_room:
                log.error("facts wait for room", node=self.node.name, reason=str(error))
            self._no_room = True
            return False
        if self._no_room:
            log.info("there is room for facts again", node=self.node.name)
        self._no_room = False
        self._unwritten = []
        return True

    def _facts_of(self, item: Item, now: datetime) -> list[AnyFact]:
        match item:
            case ami.Event():
                facts = self._observed(self.machine.step(item, now))
                for hear in self._hearers_of(type(item)):
                    facts.extend(hear(item))
                return facts
            case LinkUp():
                self._missed(self._down_at)
            case LinkDown():
                if self.synchronised or self._down_at is None:
                    # Else what went unseen since the earlier loss is still unknown.
                    self._down_at = item.at
                self.synchronised = False
                # From now on nothing that does not come means anything.
                self.machine.miss(self._down_at)
            case Gap():
                log.error("events lost", node=self.node.name, dropped=item.dropped)
                self._missed(item.at)
        return []

    def _hearers_of(self, kind: type[ami.Event]) -> Sequence[Hearer]:
        """Who looks at events of that kind after the call machine: at most of them, nobody."""
        known = self._hearers.get(kind)
        if known is None:
            rooms: tuple[tuple[tuple[type[ami.Event], ...], Hearer], ...] = (
                (self.presence.HEARD, self.presence.step),
                (self.watch.HEARD, self.watch.step),
                (self.supervising.HEARD, self._supervised),
                ((ami.UserEvent, ami.OriginateResponse, ami.Hangup), self._dialed),
                ((ami.UserEvent,), self._told_by_users),
                ((ami.CoreShowChannelsComplete,), self._lists_ended),
            )
            known = [hear for heard, hear in rooms if issubclass(kind, heard)]
            self._hearers[kind] = known
        return known

    def _supervised(self, event: ami.Event) -> list[AnyFact]:
        self.supervising.heard(event)
        return []

    def _dialed(self, event: ami.Event) -> list[AnyFact]:
        if not isinstance(event, ami.Hangup) or event.uniqueid.startswith(OURS):
            self.hear_dialing(event)  # of all the other channels that end, nobody there knows
        return []

    def _told_by_users(self, event: ami.UserEvent) -> list[AnyFact]:
        facts = self._keyed_in(event)
        facts.extend(turned_away(self.node.name, event))
        self.recording_control.hear(event)
        facts.extend(told_of_callback(self.node.name, event))
        return facts

    def _missed(self, at: datetime | None) -> None:
        self.synchronised = False
        self.machine.miss(at)
        self.presence.miss()
        self.watch.miss()
        self._wanted.set()

    def _lists_ended(self, event: ami.CoreShowChannelsComplete) -> list[AnyFact]:
        """Asterisk's lists are in: either our calls agree with them now, or they were not whole."""
        self.synchronised = self.machine.resync is None
        if not self.synchronised:
            log.warning("Asterisk's lists were not whole", node=self.node.name)
            self.watch.miss()
            self._wanted.set()
            return []
        return self.watch.agree(event.at, self.machine.seen_until)

    def _observed(self, facts: list[AnyFact]) -> list[AnyFact]:
        """The call machine's facts, and what agents and recorder make of them."""
        if not facts:
            return facts
        seen, facts = facts, self._of_calls(facts)
        self.recorder.observe(facts)
        self.wrap_up.observe(facts, self._queue_of)
        return facts + self.presence.observe(seen) + self.watch.observe(facts)

    def _of_calls(self, facts: list[AnyFact]) -> list[AnyFact]:
        """Without what is about placeholders of work items: those are no interactions."""
        for fact in facts:
            if isinstance(fact, Interaction) and work_of(fact.linkedid) is not None:
                self._placeholders[fact.id] = None
        if not self._placeholders:
            return facts
        while len(self._placeholders) > PLACEHOLDERS_KNOWN:
            del self._placeholders[next(iter(self._placeholders))]
        return [fact for fact in facts if _about(fact) not in self._placeholders]

    def _keyed_in(self, event: ami.UserEvent) -> list[AnyFact]:
        facts: list[AnyFact] = []
        for disposition in keyed_in(self.node.name, event):
            self.wrap_up.disposed(disposition.interface, disposition.at)
            facts.append(disposition)
        return facts

    def _queue_of(self, segment: Segment) -> str:
        call = self.machine.by_id.get(segment.interaction_id)
        return call.queue_of(segment) if call is not None else ""

    def _dialog_of(self, segment: Segment) -> str | None:
        """Queue of the email that a talk is about; None when it is one with a customer."""
        known = segment.interaction_id in self._placeholders
        return self._queue_of(segment) if known else None

    def _talks_now(self, interface: str) -> list[Talk] | None:
        """The talks of an agent; None while that is not known for certain."""
        if not self.synchronised:
            return None
        return [
            Talk(
                interaction=call.row.id,
                agent=segment.member_name or interface,
                uniqueid=uniqueid,
                customer=call.row.caller_num,
                queue=call.queue_of(segment),
                since=segment.answered_at,
            )
            for call, segment, uniqueid in self.present.of(interface)
        ]

    # -- asking for Asterisk's lists --------------------------------------------------------

    async def resync(self) -> None:
        """Ask for the lists whenever something was missed, until cancelled."""
        loop = asyncio.get_running_loop()
        earliest = loop.time()
        while True:
            await self._wanted.wait()
            await asyncio.sleep(earliest - loop.time())
            self._wanted.clear()
            earliest = loop.time() + RESYNC_EVERY_SECONDS
            try:
                await self.link.send_list("QueueStatus")
                await self.link.send_list("CoreShowChannels")
                await self._ask_version()
            except TemporaryError as error:
                log.warning("resync failed", node=self.node.name, reason=str(error))
                if self.link.state.up:
                    # The lists are only whole when both came: begin anew.
                    self._wanted.set()
            except PermanentError as error:
                log.error(
                    "resync refused; asterisk/manager/ccm.conf has the classes that are needed",
                    node=self.node.name,
                    reason=str(error),
                )

    async def _ask_version(self) -> None:
        try:
            answer = await self.link.send("CoreSettings")
        except PermanentError as error:
            log.info("version unknown", node=self.node.name, reason=str(error))
        else:
            self.version = answer.headers.get("AsteriskVersion", "")

    # -- counting ---------------------------------------------------------------------------

    def _count(self, facts: Sequence[AnyFact]) -> None:
        """What came of a batch of events, by the calls' facts."""
        started, ended = 0, Counter[Outcome]()
        for fact in facts:
            if isinstance(fact, Interaction):
                if fact.ended_at is None and fact.version <= FIRST_VERSION:
                    started += 1
                elif fact.state == "ended":
                    ended[fact.outcome or "lost"] += 1
            elif isinstance(fact, Recording):
                self.metrics.recording(self.node.name, fact.state)
        self.metrics.interactions(self.node.name, started, ended)

    def _note_lag(self, items: Sequence[Item], now: datetime) -> None:
        """Lag from Asterisk's clock to here, once for each batch: that of its oldest event."""
        first = next((item for item in items if isinstance(item, ami.Event)), None)
        if first is not None:
            self._lag.observe(max(0.0, (now - first.at).total_seconds()))
