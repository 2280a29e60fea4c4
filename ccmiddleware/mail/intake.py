"""Takes in one mailbox: fetch, read, store, and only then mark. One task of the node's leader.

``next_uid`` in Postgres says what is taken, not the flags in the mailbox, which people and other
programs change. A message is marked (flagged or moved) after the transaction that stored it, and
what was stored and not marked, because we or the server died between the two, is marked at the next
visit. A server that begins its UIDs anew (UIDVALIDITY) has all its messages looked at again; their
content tells that we have them.

A lost connection, a refused login and a Postgres that is away only make the visit end; the next one
begins where this one was. ``trouble`` says why there is none at present.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.filing import Arrived, Filing
from ccmiddleware.mail.message import Address, Message, Unreadable

log = structlog.get_logger(__name__)

KEYWORD = "$ccm"
RETRY_MIN, RETRY_MAX = 1.0, 60.0
REFUSED_SECONDS = 300.0
"""Pause after a refusal that time does not mend: more tries would only get the address banned."""
BATCH = 50
"""Messages that go into one transaction at most."""
BATCH_BYTES = 4 * 1024 * 1024
"""From how many bytes on it takes no further message."""
MARK_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as it was when it was opened."""

    uid_validity: int
    uid_next: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message as the server gave it; ``at`` is its INTERNALDATE.

    ``problem`` says why ``raw`` is not the whole of it, but at best its header.
    """

    uid: int
    raw: bytes
    at: datetime
    problem: str = ""


class Folder(Protocol):
    """An open connection to a mailbox. All of it raises TemporaryError and PermanentError."""

    async def select(self, folder: str) -> Selected:
        """Open the folder; the rest is about this one."""
        ...

    async def uids_from(self, first: int) -> list[int]:
        """UIDs not below ``first``, ascending."""
        ...

    def fetch(self, uids: Sequence[int]) -> AsyncIterator[Fetched]:
        """The messages at ``uids`` that are still there, ascending."""
        ...

    async def idle(self, seconds: float) -> bool:
        """Wait until the folder changes, for ``seconds`` at most; whether it may have changed."""
        ...

    async def add_flag(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag or keyword; those that are gone are passed over."""
        ...

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Move to another folder, which is made if need be; those that are gone are passed over."""
        ...


Connect = Callable[[], AbstractAsyncContextManager[Folder]]
ReadAll = Callable[[Sequence[bytes]], Awaitable[list[Message | Unreadable]]]
_Read = tuple[Fetched, Message | Unreadable]


class Intake:
    """One mailbox in one term of the node's leader."""

    def __init__(
        self,
        name: str,
        settings: MailboxSettings,
        filing: Filing,
        connect: Connect,
        read: ReadAll,
        *,
        certain: Callable[[], Awaitable[None]],
        chance: random.Random,
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self._settings = settings
        self._filing = filing
        self._connect = connect
        self._read = read
        self._certain = certain
        self._chance = chance
        self._log = log.bind(mailbox=name)
        self.trouble = "not looked into yet"
        """Why nothing is taken in at present; empty while all is well."""
        self.taken = 0

    async def run(self) -> None:
        """Take in until cancelled."""
        pause = RETRY_MIN
        while True:
            try:
                await self.visit()
            except TemporaryError as error:
                self._say(str(error), self._log.warning)
                pause = RETRY_MIN if self.taken else min(2 * pause, RETRY_MAX)
                self.taken = 0
                await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            except PermanentError as error:
                self._say(str(error), self._log.error)
                await asyncio.sleep(REFUSED_SECONDS)

    async def visit(self) -> None:
        """Connect, and take in whatever comes until something fails; never returns otherwise."""
        await self._certain()
        await self._filing.open(self._settings.queue)
        async with self._connect() as folder:
            selected = await folder.select(self._settings.folder)
            validity = selected.uid_validity
            first = await self._filing.begin_folder(validity)
            await self._mark_what_is_left(folder, validity)
            if self.trouble:
                self.trouble = ""
                self._log.info("taking in", next_uid=first)
            while True:
                first = await self._take_from(folder, validity, first)
                await folder.idle(self._settings.poll_seconds)

    async def _take_from(self, folder: Folder, validity: int, first: int) -> int:
        """Take what is there from the UID ``first`` on; the UID to go on from."""
        uids = await folder.uids_from(first)
        if not uids:
            return first
        async with aclosing(_batches(folder, uids)) as batches:
            batch = await self._next(batches)
            while batch:
                # The one is fetched and read while the one before is stored, and whatever becomes
                # of fetching, what was fetched is stored.
                kept, following = await asyncio.gather(
                    self._keep(folder, validity, batch),
                    self._next(batches),
                    return_exceptions=True,
                )
                if isinstance(kept, BaseException):
                    raise kept
                if isinstance(following, BaseException):
                    raise following
                batch = following
        # What was deleted between the list and the fetch.
        await self._filing.passed(validity, uids[-1])
        return uids[-1] + 1

    async def _next(self, batches: AsyncIterator[list[Fetched]]) -> list[_Read]:
        """Fetch and read; empty after the last batch."""
        fetched: list[Fetched] = await anext(batches, [])
        read = await self._read([one.raw for one in fetched]) if fetched else []
        return list(zip(fetched, read, strict=True))

    async def _keep(self, folder: Folder, validity: int, batch: list[_Read]) -> None:
        """Store in one transaction, then mark."""
        await self._certain()
        taken = await self._filing.take_all(
            [
                (
                    Arrived(validity, one.uid, one.raw, one.at, not one.problem),
                    _in_part(read, one) if one.problem else read,
                )
                for one, read in batch
            ]
        )
        uids = [one.uid for one, _ in batch]
        self.taken += len(uids)
        for uid, one in zip(uids, taken, strict=True):
            if one.fresh:
                self._log.info("message taken", uid=uid, id=str(one.id), became=one.became)
        await self._mark(folder, validity, uids)

    async def _mark_what_is_left(self, folder: Folder, validity: int) -> None:
        """Mark what an earlier visit stored and did not come to mark."""
        while uids := await self._filing.unmarked(validity, MARK_AT_ONCE):
            await self._mark(folder, validity, uids)

    async def _mark(self, folder: Folder, validity: int, uids: list[int]) -> None:
        settings = self._settings
        if settings.mark == "move" and settings.move_to is not None:
            await folder.move(uids, settings.move_to)
        else:
            await folder.add_flag(uids, KEYWORD if settings.mark == "keyword" else "\\Seen")
        await self._filing.marked(validity, uids)

    def _say(self, reason: str, say: Callable[..., object]) -> None:
        if reason != self.trouble:
            self.trouble = reason
            say("mailbox is not taken in", reason=reason)


async def _batches(folder: Folder, uids: Sequence[int]) -> AsyncGenerator[list[Fetched]]:
    """What is at ``uids``, as it goes into transactions."""
    batch: list[Fetched] = []
    size = 0
    async for one in folder.fetch(uids):
        batch.append(one)
        size += len(one.raw)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _in_part(read: Message | Unreadable, fetched: Fetched) -> Unreadable:
    """What is held of a message of which we have the header at best."""
    sender = read.sender
    return Unreadable(
        reason=f"{fetched.problem}; the rest of it is in the mailbox",
        sha256=read.sha256,
        bytes=len(fetched.raw),
        sender=sender.address if isinstance(sender, Address) else sender or "",
        subject=read.subject,
    )
