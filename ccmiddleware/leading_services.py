"""The services that a leader runs for its node, put together. Which run when is in ``leading``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ccmiddleware.clock import Clock
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.contacts.agents_word import linking
from ccmiddleware.dialer.dialing import Dialing
from ccmiddleware.dialer.seeing import Sees
from ccmiddleware.facts import AnyFact
from ccmiddleware.mail.mailboxes import Mailboxes
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.mail.relaying import Relaying
from ccmiddleware.node import NodeFollower
from ccmiddleware.queue_log.service import QueueLog
from ccmiddleware.queues.callback_turns import CallbackTurns
from ccmiddleware.queues.work_turns import WorkTurns
from ccmiddleware.recordings.file_work import FileWork
from ccmiddleware.store.database import Database
from ccmiddleware.store.leadership import Leadership
from ccmiddleware.store.writer import FactWriter
from ccmiddleware.web.metrics import Metrics


@dataclass(frozen=True)
class Parts:
    """The parts of the daemon that all its nodes share."""

    settings: Settings
    database: Database
    writer: FactWriter
    leadership: Leadership
    metrics: Metrics
    file_work: FileWork
    readers: Readers
    group: asyncio.TaskGroup
    stop: asyncio.Event
    clock: Clock


@dataclass(frozen=True)
class Services:
    """Makes the services of one node in one term. ``certain`` waits while it is doubtful who
    leads."""

    node: NodeSettings
    parts: Parts
    follower: NodeFollower
    term: int
    certain: Callable[[], Awaitable[None]]

    def queue_log(self, write: Callable[[Sequence[AnyFact]], None]) -> QueueLog | None:
        """The second witness; None when the node has no queue_log. ``write`` takes its facts."""
        if self.node.queue_log is None:
            return None
        follower = self.follower

        def tell(facts: Sequence[AnyFact]) -> None:
            write(facts)
            follower.recorder.learn(facts)  # of calls that nobody saw there may be recordings
            follower.learn_dialing(facts)

        return QueueLog(
            self.node.name,
            self.node.queue_log,
            self.parts.database,
            self.parts.writer,
            tell,
            follower.holds,
            wrap_up=self.parts.settings.wrap_up_for,
            clock=self.parts.clock,
        )

    def dialing(self, queue_log: QueueLog | None) -> Dialing:
        """The dialer, which hears what the follower and queue_log tell."""
        follower = self.follower
        dialing = Dialing(
            self.node.name,
            self.term,
            self.parts.database,
            follower.link,
            Sees(
                whole=lambda: follower.synchronised,
                channel_of=follower.channel_of,
                members=follower.presence.members_of,
                queues_of=follower.presence.unpaused_queues,
                read_until=None if queue_log is None else lambda: queue_log.read_until,
            ),
            certain=self.certain,
            clock=self.parts.clock,
        )
        follower.hear_dialing, follower.learn_dialing = dialing.hear, dialing.learn
        follower.machine.queue_dialed = dialing.queue_of
        return dialing

    def mailboxes(self) -> Mailboxes:
        """What is fetched from mailboxes."""
        parts = self.parts
        return Mailboxes(
            self.node.name,
            self.term,
            {node.name: parts.settings.mailboxes_of(node.name) for node in parts.settings.node},
            parts.database,
            parts.readers,
            certain=self.certain,
            clock=parts.clock,
            linking=linking,
        )

    def relaying(self) -> Relaying:
        """What agents are sent."""
        parts = self.parts
        return Relaying(
            self.node.name,
            self.term,
            parts.settings.mailboxes_of(self.node.name),
            parts.database,
            parts.readers,
            certain=self.certain,
            clock=parts.clock,
        )

    def callback_turns(self, queue_log: QueueLog | None) -> CallbackTurns:
        """Callbacks to callers."""
        parts, follower = self.parts, self.follower
        return CallbackTurns(
            self.node.name,
            self.term,
            parts.database,
            parts.writer,
            follower.link,
            parts.settings.callback_for,
            certain=self.certain,
            sees=lambda: follower.synchronised,
            channel_of=follower.channel_of,
            joined_at=follower.joined_at,
            read_until=None if queue_log is None else lambda: queue_log.read_until,
            clock=parts.clock,
        )

    def work_turns(self, queue_log: QueueLog | None) -> WorkTurns:
        """Emails in queues."""
        parts, follower = self.parts, self.follower
        return WorkTurns(
            self.node.name,
            self.term,
            parts.database,
            parts.writer,
            follower.link,
            certain=self.certain,
            sees=lambda: follower.synchronised,
            channel_of=follower.channel_of,
            joined_at=follower.joined_at,
            offered=follower.offered,
            members=follower.presence.reachable_members,
            serves=follower.presence.has_room,
            queues_of=follower.presence.unpaused_queues,
            working=follower.working,
            read_until=None if queue_log is None else lambda: queue_log.read_until,
            clock=parts.clock,
        )
