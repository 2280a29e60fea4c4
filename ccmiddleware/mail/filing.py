"""Takes messages into Postgres, once: their bytes, their places, and what becomes of each.

All of it is one transaction, which holds only for the leader of the node in the present term; its
messages are decided on in their order, each with what became of those before it. The mailbox is
touched by others, and only after ``take_all`` has returned. A message whose content the mailbox had
before gets no second email, however often it is taken; so taking again is always safe.

What Postgres refuses because of what is in it (a bug of the reader) goes to quarantine with the
reason instead, so that no message stands in the way of those behind it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Literal, Protocol
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.errors import TemporaryError
from ccmiddleware.ids import email_id
from ccmiddleware.mail.bounces import Delivery
from ccmiddleware.mail.message import Message, Unreadable
from ccmiddleware.mail.placing import Placed, Placing, place
from ccmiddleware.mail.replies import Kept, Replied
from ccmiddleware.mail.threading import Joins, Opens
from ccmiddleware.mail.together import together
from ccmiddleware.plaintext import plain
from ccmiddleware.store.border import Rejected
from ccmiddleware.store.database import Database, Session

log = structlog.get_logger(__name__)

HoldKind = Literal["unreadable", "spam", "loop", "report", "reply"]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as the mail server gave it. ``at``: its INTERNALDATE, aware.

    ``whole`` is False when it was larger than the limit and ``raw`` is its header alone.
    """

    uid_validity: int
    uid: int
    raw: bytes
    at: datetime
    whole: bool = True

    @property
    def sha256(self) -> bytes:
        """Of the bytes that we have."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True)
class Holds:
    """The message goes to quarantine."""

    kind: HoldKind
    reason: str


@dataclass(frozen=True, slots=True)
class Reports:
    """The message says what became of messages that we sent; it opens nothing."""

    deliveries: tuple[Delivery, ...]


Decision = Joins | Opens | Holds | Reports
Decide = Callable[[Session, Sequence[Message]], Awaitable[list[Decision]]]
"""What is to become of messages that may be decided on together (``together``), looked up and
decided within the transaction that does it."""
Acknowledge = Callable[[Session, Placed, UUID, Message], Awaitable[None]]
"""What is put into the outbox, in the same transaction, for what opened the conversation."""


class ForAgents(Protocol):
    """Takes the mail that is none of a customer's: what came to agents' addresses for answers."""

    def concerns(self, message: Message) -> bool:
        """Whether the message is one of those."""
        ...

    async def take(self, session: Session, which: Placed, message: Message) -> Replied | Kept:
        """Do what it asks for, in the transaction, or say why it goes to quarantine."""
        ...


_Fresh = tuple[Placed, Message | Unreadable]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message. ``fresh`` is False when the mailbox had it before."""

    id: UUID
    fresh: bool
    became: Literal["email", "quarantine", "report", "reply", "known"]
    conversation: UUID | None = None


class NoLongerLeader(TemporaryError):
    """Another daemon leads the node now; nothing was changed."""


class Filing:
    """What one mailbox takes in, for the leader of its node in one term."""

    def __init__(
        self,
        database: Database,
        node: str,
        term: int,
        mailbox: str,
        decide: Decide,
        clock: Clock,
        *,
        ours: Collection[str] = (),
        source: str = "",
        acknowledge: Acknowledge | None = None,
        for_agents: ForAgents | None = None,
    ) -> None:
        """``ours``: all addresses of our mailboxes, which take part in nothing. ``source``: which
        folder of whose account it is; UIDs of another one say nothing about it. ``acknowledge``
        is done for a message that opened a conversation and may be acknowledged. ``for_agents``
        takes what agents write back, before anything else is thought about it."""
        self._database = database
        self._node = node
        self._term = term
        self._mailbox = mailbox
        self._decide = decide
        self._clock = clock
        self._ours = frozenset(ours)
        self._source = source
        self._acknowledge = acknowledge
        self._for_agents = for_agents
        self.id = UUID(int=0)
        """Of the mailbox; known once it is open."""

    async def open(self, queue: str) -> None:
        """Know the mailbox, whose messages go to ``queue``. Raises TemporaryError."""
        async with self._database.transaction() as transaction:
            await self._only_leader(transaction)
            await transaction.execute("add_queue", self._node, queue)
            row = await transaction.fetchrow("put_mailbox", self._mailbox, self._node, queue)
        if row is None:
            raise NoLongerLeader(f"node {self._node} is not in the database yet")
        self.id = row["id"]

    async def begin_folder(self, uid_validity: int) -> int:
        """The first UID that is not taken yet, under this UIDVALIDITY. Raises TemporaryError."""
        async with self._database.transaction() as transaction:
            await self._only_leader(transaction)
            next_uid: int = await transaction.fetchval(
                "begin_mailbox_folder", self.id, uid_validity, self._source
            )
        return next_uid

    async def take(self, arrived: Arrived, read: Message | Unreadable) -> Taken:
        """Store a message and what becomes of it. Raises TemporaryError; then nothing was."""
        (taken,) = await self.take_all([(arrived, read)])
        return taken

    async def take_all(self, batch: Sequence[tuple[Arrived, Message | Unreadable]]) -> list[Taken]:
        """Store messages of one UIDVALIDITY, in the order of their UIDs, and what becomes of each.

        Raises TemporaryError; then the first of them may be stored, and none in part.
        """
        try:
            return await self._take(batch)
        except Rejected as error:
            if not error.about_data:
                raise
            if len(batch) > 1:  # one of them is at fault: it is found by halving
                half = len(batch) // 2
                return [*await self.take_all(batch[:half]), *await self.take_all(batch[half:])]
            ((arrived, _),) = batch
            log.error(
                "message could not be stored as it was read",
                mailbox=self._mailbox,
                uid=arrived.uid,
                reason=str(error),
            )
            held = Unreadable(
                reason=f"could not be stored as it was read: {error}",
                sha256=arrived.sha256.hex(),
                bytes=len(arrived.raw),
            )
            return await self._take([(arrived, held)])

    async def passed(self, uid_validity: int, uid: int) -> None:
        """There is nothing to take up to this UID (it was deleted before we saw it)."""
        await self._database.execute(
            "advance_mailbox", self.id, uid_validity, uid + 1, self._clock(), self._source
        )

    async def unmarked(self, uid_validity: int, most: int) -> list[int]:
        """UIDs that were taken and are not known to be marked in the mailbox, oldest first."""
        rows = await self._database.fetch(
            "unmarked_email_places", self.id, uid_validity, most, self._source
        )
        return [row["uid"] for row in rows]

    async def marked(self, uid_validity: int, uids: list[int]) -> None:
        """The server has marked or moved the messages at these UIDs, or has them no more."""
        await self._database.execute("mark_email_places", self.id, uid_validity, uids, self._source)

    async def _only_leader(self, transaction: Session) -> None:
        rows = await transaction.fetch("fence", [self._node])
        if [row["term"] for row in rows] != [self._term]:
            raise NoLongerLeader(f"this daemon no longer leads {self._node}")

    async def _take(self, batch: Sequence[tuple[Arrived, Message | Unreadable]]) -> list[Taken]:
        now, every = self._clock(), [arrived for arrived, _ in batch]
        hashes = [one.sha256 for one in every]
        async with self._database.transaction() as transaction:
            await self._only_leader(transaction)
            await transaction.execute("plan_once")
            await transaction.execute(
                "keep_raw_emails", hashes, [one.raw for one in every],
                [one.whole for one in every], now,
            )  # fmt: skip
            rows = await transaction.fetch(
                "note_email_arrivals", self.id, hashes,
                [email_id(self._mailbox, one.sha256, one.at) for one in every],
                [one.at for one in every],
            )  # fmt: skip
            known = {row["sha256"]: row["id"] for row in rows}
            fresh = {row["id"] for row in rows if row["fresh"]}
            todo: dict[UUID, _Fresh] = {}
            for sha256, (arrived, read) in zip(hashes, batch, strict=True):
                if known[sha256] in fresh:  # the same content again is no other message
                    which = Placed(known[sha256], self.id, sha256, arrived.at)
                    todo.setdefault(which.id, (which, read))
            became: dict[UUID, Taken] = {}
            while len(became) < len(todo):
                became |= await self._settle(transaction, list(todo.values())[len(became) :], now)
            taken = [
                became.pop(id_) if id_ in became else Taken(id_, fresh=False, became="known")
                for id_ in map(known.__getitem__, hashes)
            ]
            await transaction.execute(
                "note_email_places", self.id, every[0].uid_validity,
                [one.uid for one in every], [one.id for one in taken], now, self._source,
            )  # fmt: skip
        return taken

    async def _settle(
        self, transaction: Session, todo: Sequence[_Fresh], now: datetime
    ) -> dict[UUID, Taken]:
        """What becomes of the first of them, as many as may be decided on together."""
        which, first = todo[0]
        if isinstance(first, Message) and self._is_for_agents(first):
            return {which.id: await self._take_for_agents(transaction, which, first, now)}
        todo = list(takewhile(lambda one: not self._is_for_agents(one[1]), todo))
        run = todo[: together([read for _, read in todo])]
        messages = [read for _, read in run if isinstance(read, Message)]
        decisions = iter(await self._decide(transaction, messages) if messages else [])
        taken: dict[UUID, Taken] = {}
        placing: list[Placing] = []
        joined: set[UUID] = set()
        for which, read in run:
            if isinstance(read, Unreadable):
                held = Holds("unreadable", read.reason)
                taken[which.id] = await self._hold(transaction, which.id, held, read, now)
                continue
            match next(decisions):
                case Holds() as held:
                    taken[which.id] = await self._hold(transaction, which.id, held, read, now)
                case Reports() as reports:
                    taken[which.id] = await self._report(transaction, which, reports, now)
                case Joins(conversation=conversation) if conversation in joined:
                    break  # it is decided on again with what the one before did there
                case Joins() | Opens() as what:
                    joined.update([what.conversation] if isinstance(what, Joins) else [])
                    placing.append((which, read, what))
                    taken[which.id] = Taken(which.id, fresh=True, became="email")
        conversations = await place(transaction, placing, self._ours) if placing else []
        for (which, read, what), conversation in zip(placing, conversations, strict=True):
            taken[which.id] = replace(taken[which.id], conversation=conversation)
            if isinstance(what, Opens) and what.acknowledge and self._acknowledge is not None:
                await self._acknowledge(transaction, which, conversation, read)
        return taken

    def _is_for_agents(self, read: Message | Unreadable) -> bool:
        return (
            self._for_agents is not None
            and isinstance(read, Message)
            and self._for_agents.concerns(read)
        )

    async def _take_for_agents(
        self, transaction: Session, which: Placed, read: Message, now: datetime
    ) -> Taken:
        assert self._for_agents is not None  # noqa: S101 - the caller asked
        what = await self._for_agents.take(transaction, which, read)
        if isinstance(what, Kept):
            return await self._hold(transaction, which.id, Holds("reply", what.reason), read, now)
        return Taken(which.id, fresh=True, became="reply")

    async def _report(
        self, transaction: Session, which: Placed, what: Reports, now: datetime
    ) -> Taken:
        told = [asdict(one) for one in what.deliveries]
        await transaction.execute("note_email_reports", which.id, which.at, told)
        about = [one.outbox for one in what.deliveries]
        await transaction.execute("resolve_unknown_outbox", about, now)
        return Taken(which.id, fresh=True, became="report")

    async def _hold(
        self,
        transaction: Session,
        new: UUID,
        what: Holds,
        read: Message | Unreadable,
        now: datetime,
    ) -> Taken:
        await transaction.execute(
            "hold_email", new, what.kind, plain(what.reason), *_shown(read), now
        )
        return Taken(new, fresh=True, became="quarantine")


def _shown(read: Message | Unreadable) -> tuple[str, str]:
    """Sender and subject, as far as they could be read; sound for Postgres and a terminal."""
    if isinstance(read, Unreadable):
        return plain(read.sender), plain(read.subject)
    return read.sender.address if read.sender is not None else "", read.subject
