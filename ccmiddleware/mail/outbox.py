"""Sends what is in the outbox: several workers of the node's leader, each message once.

A message is claimed, its recipients are named to the server, and just before its content goes out
that is written down, in a statement that holds only for the present leader. Whatever is killed
before that sends nothing; whatever is killed after it leaves a message that is ``unknown``, which
nobody sends again unless the policy says ``resend``. A leader whose answer comes when another one
leads already writes the truth all the same.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.delivery import Attempt, NotSpoken, settle
from ccmiddleware.store.database import Database, Row, Session

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
RETRY_SECONDS = 1.0
MINUTE = timedelta(minutes=1)
Kind = Literal["answer", "acknowledgement", "relay", "receipt", "notice"]


class Sender(Protocol):
    """Speaks SMTP for one message at a time."""

    async def send(
        self,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        about_to_speak: Callable[[], Awaitable[None]],
    ) -> Attempt:
        """Send. ``about_to_speak`` is awaited after the recipients and before the content; when it
        raises, nothing of the content is sent, and the error goes on to the caller."""
        ...


class NotOursAnyMore(TemporaryError):
    """Another daemon leads the node, and has taken up the message."""


async def put(
    transaction: Session,
    *,
    id: UUID,
    mailbox: UUID,
    conversation: UUID | None,
    kind: Kind,
    message_id: str,
    envelope_from: str,
    recipients: Sequence[str],
    content: bytes,
    now: datetime,
    plain_subject: str = "",
) -> bool:
    """Put a message into the outbox, within the transaction that decided on it.

    The same ``id`` is put once; returns whether this was the first time. ``plain_subject`` is what
    the guards against loops compare. Raises Rejected for a Message-ID that another message has.
    """
    domains = [domain_of(address) for address in recipients]
    touched = await transaction.execute(
        "put_outbox", id, mailbox, conversation, kind, message_id, envelope_from, content, now,
        list(recipients), domains, plain_subject,
    )  # fmt: skip
    return touched > 0


def domain_of(address: str) -> str:
    """The domain of an address, in lower case."""
    return address.rpartition("@")[2].lower()


class Pace:
    """How many recipients of each domain a minute takes. Times are aware."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._sent: dict[str, list[datetime]] = {}

    def note(self, domains: Sequence[str], now: datetime) -> None:
        """These domains had a recipient each, now."""
        for domain in domains:
            self._sent.setdefault(domain, []).append(now)

    def exhausted(self, now: datetime) -> list[str]:
        """The domains that must wait."""
        for domain, times in list(self._sent.items()):
            self._sent[domain] = recent = [at for at in times if at > now - MINUTE]
            if not recent:
                del self._sent[domain]
        return [name for name, times in self._sent.items() if len(times) >= self._per_minute]


class Outbox:
    """The outbox of one node in one term of its leader; ``work`` may run several times at once."""

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        sender: Sender,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
        unknown: Literal["hold", "resend"] = "hold",
        give_up_after: timedelta = timedelta(days=3),
        domain_per_minute: int = 120,
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self._node = node
        self._term = term
        self._database = database
        self._sender = sender
        self._certain = certain
        self._clock = clock
        self._unknown = unknown
        self._give_up_after = give_up_after
        self._pace = Pace(domain_per_minute)
        self._take_up_at = clock()
        self._end_at = math.inf
        """Loop time at which what is under way is left; until then nothing is begun."""
        self._in_hand: set[UUID] = set()
        """Messages that a worker has claimed and not settled."""
        self._speaking: set[UUID] = set()
        """Messages whose content is being sent, or whose end is being written down."""
        self._looking = asyncio.Lock()
        """Held by the one worker that looks for the next message."""
        self.trouble = ""
        """Why nothing can be sent at present; empty while all is well."""
        self._log = log.bind(node=node)

    async def take_up(self) -> None:
        """Decide about what nobody has in hand and was under way. Raises TemporaryError.

        Now and then again: a leader may have claimed one in the moment in which it lost the lead,
        or when Postgres went away before it could say which. Not while this one is claiming.
        """
        state = "unknown" if self._unknown == "hold" else "queued"
        reason = "the daemon ended while it was being sent; the server may have it"
        rows = await self._database.fetch(
            "take_up_outbox", self._node, self._term, state, reason, list(self._in_hand)
        )
        for row in rows:
            self._log.warning("message was under way", id=str(row["id"]), state=row["state"])
        self._take_up_at = self._clock() + MINUTE

    async def end(self, seconds: float) -> None:
        """Begin nothing new, and wait for what would become unknown; in all no longer than so.

        Whoever calls this cancels the workers afterwards. What they have claimed and not begun to
        speak stays claimed, and is sent by the next leader.
        """
        loop = asyncio.get_running_loop()
        self._end_at = min(self._end_at, loop.time() + seconds)
        while self._speaking and loop.time() < self._end_at:  # noqa: ASYNC110 - with a limit
            await asyncio.sleep(0.02)

    @property
    def _ending(self) -> bool:
        return self._end_at < math.inf

    async def work(self) -> None:
        """One worker: send until cancelled. One of them looks, the others send or wait."""
        while True:
            try:
                async with self._looking:
                    row = await self._next()
                await self._send(row)
            except TemporaryError as error:
                self._log.info("outbox waits", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls.
                self._log.error("the database refuses the outbox", reason=str(error))
                await asyncio.sleep(60 * RETRY_SECONDS)

    async def send_next(self) -> bool:
        """Send one message; False when there is none to send now. Raises TemporaryError."""
        row = await self._claim()
        if row is not None:
            await self._send(row)
        return row is not None

    async def _next(self) -> Row:
        """The next message, claimed, as soon as there is one."""
        while True:
            if self._clock() >= self._take_up_at:
                await self.take_up()
            if not self._ending and (row := await self._claim()) is not None:
                return row
            await beat(PACE_SECONDS)

    async def _claim(self) -> Row | None:
        await self._certain()
        now = self._clock()
        row = await self._database.fetchrow(
            "claim_outbox", self._node, self._term, now, self._pace.exhausted(now)
        )
        if row is not None:
            self._in_hand.add(row["id"])
            self._pace.note([domain_of(address) for address in row["recipients"]], now)
        return row

    async def _send(self, row: Row) -> None:
        try:
            attempt = await self._attempt(row)
            self._note(attempt)
            await self._settle(row, attempt)
        finally:
            self._speaking.discard(row["id"])
            self._in_hand.discard(row["id"])

    async def _attempt(self, row: Row) -> Attempt:
        async def about_to_speak() -> None:
            await self._certain()
            if self._ending:
                await asyncio.Event().wait()  # to be cancelled: it stays claimed
            self._speaking.add(row["id"])
            async with self._database.transaction() as transaction:
                await transaction.execute("commit_for_good")
                ours = await transaction.execute(
                    "speak_outbox", self._node, self._term, row["id"], self._clock()
                )
            if not ours:
                raise NotOursAnyMore(f"message {row['id']} is not ours to send any more")

        try:
            return await self._sender.send(
                row["envelope_from"], row["recipients"], row["content"], about_to_speak
            )
        except (TemporaryError, PermanentError) as error:
            # Raised before the content: also when Postgres did not answer whether it may go out.
            return NotSpoken(str(error))

    def _note(self, attempt: Attempt) -> None:
        """Whether the server can be spoken to; what it says of one message is not its trouble."""
        trouble = attempt.reason if isinstance(attempt, NotSpoken) else ""
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                self._log.warning("can't send", reason=trouble)
            else:
                self._log.info("can send again")

    async def _settle(self, row: Row, attempt: Attempt) -> None:
        """Write down what came of it; as long as it takes, for nobody else knows."""
        now = self._clock()
        while True:
            try:
                async with self._database.transaction() as transaction:
                    await self._write(transaction, row, attempt, now)
                return
            except TemporaryError as error:
                self._log.warning("can't write down what was sent", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _write(self, transaction: Session, row: Row, attempt: Attempt, now: datetime) -> None:
        sent_before = await transaction.fetchval("outbox_sent_before", row["id"])
        settlement = settle(
            attempt,
            row["recipients"],
            sent_before=sent_before,
            attempts=row["attempts"],
            put_at=row["put_at"],
            now=now,
            give_up_after=self._give_up_after,
        )
        state = settlement.state
        if state == "unknown" and self._unknown == "resend":
            state = "queued"
        done = now if state in ("sent", "failed") else None
        written = await transaction.execute(
            "settle_outbox", row["id"], self._term, state, settlement.reason,
            settlement.next_attempt_at, done,
        )  # fmt: skip
        if not written:
            self._log.warning("another daemon has taken up a message", id=str(row["id"]))
            return
        await transaction.execute(
            "settle_outbox_recipients", row["id"], [asdict(one) for one in settlement.recipients]
        )
        self._log.info("message settled", id=str(row["id"]), state=state, reason=settlement.reason)
