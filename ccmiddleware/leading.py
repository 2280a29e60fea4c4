"""One node of the configuration: a standby until this daemon leads it, then followed.

``LedNode.run`` waits for the lead, takes up from Postgres what was open, follows the node, and
stands back when the lead is lost or the daemon stops. Who leads is decided in ``store.leadership``;
what following means stands in ``node``.

Taking up tells every open row anew in the new term. So an open row of an older term is one that no
leader follows, left by the journal of an earlier one; the leader closes such rows (``_tidy``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from ccmiddleware.agents.carrying_out import agent_handlers
from ccmiddleware.agents.skill_penalties import SkillPenalties
from ccmiddleware.beat import beat
from ccmiddleware.commander import Commander
from ccmiddleware.config import NodeSettings
from ccmiddleware.contacts.phones import ContactPhones
from ccmiddleware.dialer.dialing import Dialing
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import AnyFact
from ccmiddleware.leading_services import Parts, Services
from ccmiddleware.mail.escalation import Escalation
from ccmiddleware.mail.mailboxes import Mailboxes
from ccmiddleware.mail.relaying import Relaying
from ccmiddleware.mail.sending import Sending
from ccmiddleware.mail.timing import Timing
from ccmiddleware.mail.unreached import UnreachedAnswers
from ccmiddleware.node import NodeFollower
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queue_log.service import QueueLog
from ccmiddleware.queues.keeper import QueueKeeper
from ccmiddleware.recordings.keeper import Keeper
from ccmiddleware.store.snapshot import (
    close_left_open,
    extend_link,
    late_recordings,
    open_facts,
    recordings_left_open,
    set_link,
)
from ccmiddleware.store.terms import first_version, last_seen, newest, stamped, unstamped, versioned
from ccmiddleware.supervision.carrying_out import LASTING
from ccmiddleware.tasks import Tasks

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 1.0
SEEN_EVERY = 2
"""Rounds of housekeeping between two notes that the link is up."""
TIDY_EVERY = 5
"""Rounds of housekeeping between two looks for rows that nobody follows."""

LAST_WORDS_SECONDS = 1.0
LAST_MAIL_SECONDS = 10.0
"""How long a message that is being sent may take when the daemon stops or lost the lead."""


class LedNode:
    """One node. ``follower`` is None while the daemon does not lead it."""

    def __init__(self, node: NodeSettings, parts: Parts) -> None:
        self.node = node
        self.parts = parts
        self.term = 0
        self.follower: NodeFollower | None = None
        self.keeper: Keeper | None = None
        self.mailboxes: Mailboxes | None = None
        self.sending: Sending | None = None
        self.relaying: Relaying | None = None
        self.dialing: Dialing | None = None
        parts.metrics.node(node.name)
        self._leading = parts.metrics.leading(node.name)
        self._stored_link: tuple[object, ...] = ()
        self._refused = ""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.node.name

    async def run(self) -> None:
        """Follow the node whenever this daemon leads it; until the leadership is resigned."""
        leadership = self.parts.leadership
        while (term := await leadership.won(self.name)) is not None:
            follower = await self._taken_up(term)
            if follower is None:
                continue
            tasks = self._follow(follower, term)
            try:
                await leadership.lost(self.name, term)
            finally:
                await self._stand_back(follower, tasks)
            if self.parts.stop.is_set():
                return
            # What was told until now must not come late if this daemon leads again.
            await self.parts.writer.caught_up()

    # -- taking up --------------------------------------------------------------------------

    async def _taken_up(self, term: int) -> NodeFollower | None:
        """A follower that knows all that was open; None when the lead was lost meanwhile."""
        parts, said = self.parts, ""
        while parts.leadership.leads(self.name, term):
            try:
                found = await open_facts(parts.database, self.name)
                facts = unstamped(found)
                self._tell(versioned(facts), term)
            except TemporaryError as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("can't take up the node yet", node=self.name, reason=said)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                follower = self._follower(term)
                follower.restore(facts, last_seen(found, term))
                return follower
        return None

    def _follower(self, term: int) -> NodeFollower:
        parts = self.parts
        return NodeFollower(
            self.node,
            parts.settings,
            AmiLink(self.name, self.node.ami, clock=parts.clock),
            lambda told: self._tell(told, term),
            parts.metrics,
            clock=parts.clock,
            certain=self._certain(term),
        )

    def _certain(self, term: int) -> Callable[[], Awaitable[None]]:
        return partial(self.parts.leadership.certain_in, self.name, term)

    def _tell(self, facts: Sequence[AnyFact], term: int) -> None:
        self.parts.writer.write(stamped(newest(facts), term))

    # -- while leading ----------------------------------------------------------------------

    def _follow(self, follower: NodeFollower, term: int) -> Tasks:
        parts = self.parts
        tasks = Tasks(parts.group, parts.stop)
        tasks.start(f"recorder {self.name}", follower.recorder.run())
        tasks.start(f"node {self.name}", follower.run(), until="links")
        tasks.start(f"resync {self.name}", follower.resync(), until="links")
        tasks.start(f"ami {self.name}", follower.link.run(), until="first")
        services = Services(self.node, parts, follower, term, self._certain(term))
        queue_log = services.queue_log(lambda facts: self._tell(facts, term))
        self.dialing = services.dialing(queue_log)
        if queue_log is not None:
            tasks.start(f"queue_log {self.name}", queue_log.run(), until="first")
        tasks.start(f"dialing {self.name}", self.dialing.run(), until="first")
        commander = Commander(
            self.name,
            term,
            self.parts.database,
            follower.link,
            self._certain(term),
            {
                **agent_handlers(follower.link),
                **follower.recording_control.handlers(),
                **follower.supervising.handlers(),
            },
            lasting=LASTING,
        )
        codes = follower.recording_control.run()
        tasks.start(f"recording codes {self.name}", codes, until="first")
        tasks.start(f"commands {self.name}", commander.run(), until="first")
        self.keeper = Keeper(
            self.node,
            self.parts.settings,
            term,
            self.parts.database,
            self.parts.file_work,
            self._certain(term),
            self.parts.clock,
        )
        tasks.start(f"keeper {self.name}", self.keeper.run(), until="first")
        keeper = QueueKeeper(
            self.name,
            term,
            self.parts.database,
            follower.link,
            self._certain(term),
            self.parts.clock,
        )
        tasks.start(f"queues {self.name}", keeper.run(), until="first")
        phones = ContactPhones(
            self.name, term, self.parts.database, follower.link, self._certain(term)
        )
        tasks.start(f"contacts {self.name}", phones.run(), until="first")
        turns = services.callback_turns(queue_log)
        tasks.start(f"callbacks {self.name}", turns.run(), until="first")
        tasks.start(f"wrap-up {self.name}", follower.wrap_up_pauses.run(), until="first")
        skills = SkillPenalties(
            self.name,
            self.parts.database,
            follower.link,
            follower.presence,
            waits=follower.longest_waits,
            whole=lambda: follower.synchronised,
            certain=self._certain(term),
            clock=self.parts.clock,
        )
        tasks.start(f"skills {self.name}", skills.run(), until="first")
        if parts.settings.mailboxes_of(self.name):
            self._follow_email(services, queue_log, tasks)
        else:
            follower.working({})  # nobody would tell that whoever had one has none any more
        tasks.start(f"housekeeping {self.name}", self._keep_house(follower, term), until="first")
        self.term, self.follower = term, follower
        self._leading.set(1)
        log.info("following", node=self.name, term=term)
        return tasks

    def _follow_email(self, services: Services, queue_log: QueueLog | None, tasks: Tasks) -> None:
        """Mailboxes, items in queues, what agents are sent, and the outbox."""
        parts, term, follower = self.parts, services.term, services.follower
        work = services.work_turns(queue_log)
        tasks.start(f"work {self.name}", work.run(), until="first")
        timing = Timing(self.name, parts.database)
        tasks.start(f"email times {self.name}", timing.run(), until="first")
        escalation = Escalation(
            self.name,
            term,
            parts.settings.mailboxes_of(self.name),
            parts.database,
            certain=self._certain(term),
            listed=lambda: follower.presence.queues if follower.synchronised else (),
            clock=parts.clock,
        )
        tasks.start(f"escalation {self.name}", escalation.run(), until="first")
        unreached = UnreachedAnswers(
            self.name,
            term,
            parts.settings.mailboxes_of(self.name),
            parts.database,
            certain=self._certain(term),
            clock=parts.clock,
        )
        tasks.start(f"unreached answers {self.name}", unreached.run(), until="first")
        self.mailboxes = services.mailboxes()
        tasks.start(f"mailboxes {self.name}", self.mailboxes.run(), until="first")
        self.sending = Sending(
            self.name,
            term,
            parts.settings.smtp,
            parts.database,
            certain=self._certain(term),
            clock=parts.clock,
        )
        tasks.start(f"outbox {self.name}", self.sending.run())
        if self.sending.can_send:
            self.relaying = services.relaying()
            tasks.start(f"agents' mail {self.name}", self.relaying.run(), until="first")
        else:
            log.warning("agents get no emails: the configuration has no [smtp]", node=self.name)

    async def _keep_house(self, follower: NodeFollower, term: int) -> None:
        """Once a second: the link's state for those who ask the database; now and then, tidy."""
        rounds, certain = 0, self._certain(term)
        self._stored_link = ()
        await self.parts.writer.caught_up()  # else what was just taken up looks like left open
        while True:
            # Another daemon may have said by now how its link is.
            await certain()
            if self.parts.writer.trouble is None:
                try:
                    await self._store_link(follower, rounds)
                    if rounds % TIDY_EVERY == TIDY_EVERY - 1:
                        await self._tidy(follower, term)
                except TemporaryError as error:
                    log.debug("housekeeping waits for the database", reason=str(error))
                except PermanentError as error:
                    # Not worth the life of a daemon that sees calls and keeps the journal.
                    if str(error) != self._refused:
                        self._refused = str(error)
                        log.error("the database refuses housekeeping", reason=self._refused)
            rounds += 1
            await beat(HOUSEKEEPING_SECONDS)

    async def _store_link(self, follower: NodeFollower, rounds: int = 0) -> None:
        state = follower.link.state
        now = (state.up, state.since, state.reason, follower.version)
        if self._stored_link != now:
            await set_link(self.parts.database, self.name, *now)
            self._stored_link = now
        if state.up and rounds % SEEN_EVERY == 0:
            await extend_link(self.parts.database, self.name, state.since)

    async def _tidy(self, follower: NodeFollower, term: int) -> None:
        """End what an earlier leader's journal left open: nobody else will."""
        below = first_version(term)
        closed = await close_left_open(self.parts.database, self.name, below)
        if closed:
            log.warning("closed what no leader followed", node=self.name, rows=closed)
        left = await recordings_left_open(self.parts.database, self.name, below)
        left += await late_recordings(self.parts.database, self.name)
        for recording in left:
            if (recording.interaction_id, recording.segment) in follower.recorder.takes:
                continue
            facts = unstamped([recording])
            self._tell(facts, term)
            follower.recorder.restore(facts)

    # -- standing back ----------------------------------------------------------------------

    async def _stand_back(self, follower: NodeFollower, tasks: Tasks) -> None:
        """Close the link, write what it brought, end the rest."""
        try:
            if self.parts.stop.is_set():
                await self._end_sending()  # calls are followed meanwhile, and no longer after it
            await tasks.end("first")
        finally:
            # Also when a Postgres that hangs has used up the time: a task that is left keeps the
            # daemon from ending, and what the link brought may not be lost.
            await tasks.end("links")
            await follower.finish()
            await self._end_sending()
            await tasks.end("last")
        if self.parts.stop.is_set():
            await self._say_link_closed(follower)
        else:
            log.warning("not following any more", node=self.name, term=self.term)
        self.follower = self.keeper = self.dialing = None
        self.mailboxes = self.sending = self.relaying = None
        self._leading.set(0)
        self.parts.metrics.unled(self.name)

    async def _end_sending(self) -> None:
        if self.sending is not None:
            await self.sending.end(min(LAST_MAIL_SECONDS, self.parts.settings.stop_timeout / 2))

    async def _say_link_closed(self, follower: NodeFollower) -> None:
        if self.parts.writer.trouble is not None:
            return
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._store_link(follower)
        except (TimeoutError, TemporaryError, PermanentError) as error:
            log.info("link state not stored", node=self.name, reason=str(error))
