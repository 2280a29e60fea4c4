"""Reading messages in processes of their own, so that no message can hold up or end the daemon.

A reader that takes too long is killed, one that dies is replaced, and the message at which it
happened is put aside with that reason. Each reader is a ProcessPoolExecutor of one process: so it
is certain which message it died at. Memory is limited by the kernel.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail.message import Limits, Message, Unreadable
from ccmiddleware.mail.reading import parts_bytes, read, unreadable

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space of one reader; a message of 35 MB takes some 250 MB."""
MAX_MESSAGES = 5000
"""Messages after which a reader is replaced by a new one, should anything leak."""
START_SECONDS = 60.0
"""How long a new process may take until it answers: some 0.2 s on an idle machine."""

_PR_SET_PDEATHSIG = 1
_Answer = TypeVar("_Answer")
_How = Callable[[bytes, Limits], Message | Unreadable]


class Readers:
    """A few reader processes, started when they are needed; more messages than that wait."""

    def __init__(self, limits: Limits, *, processes: int = 1, memory: int = MEMORY) -> None:
        self._limits = limits
        self._memory = memory
        self._free: asyncio.Queue[_Reader | None] = asyncio.Queue()
        for _ in range(processes):
            self._free.put_nowait(None)
        self._alive: set[_Reader] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes; a message that is being read gets a TemporaryError."""
        self._closed = True
        for reader in tuple(self._alive):
            reader.kill()
            await asyncio.to_thread(reader.wait)
        self._alive.clear()

    async def parse(self, raw: bytes) -> Message | Unreadable:
        """Read a message. Raises TemporaryError when no reader could be had: then try again."""
        if len(raw) > self._limits.bytes:
            return await asyncio.to_thread(read, raw, self._limits)
        got = await self._borrow(_each, read, [raw], self._limits)
        if isinstance(got, str):
            return await asyncio.to_thread(unreadable, raw, got)
        return got[0]

    async def parse_all(self, raws: Sequence[bytes]) -> list[Message | Unreadable]:
        """Read messages that together are no larger than one may be. Raises as ``parse`` does."""
        if sum(map(len, raws)) <= self._limits.bytes:
            got = await self._borrow(_each, read, raws, self._limits)
            if not isinstance(got, str):
                return got
        # At one of them a reader died, or was too slow: alone, each has its own time.
        return [await self.parse(raw) for raw in raws]

    async def parts(self, raw: bytes, numbers: Sequence[int]) -> list[bytes | None] | str:
        """The bytes of parts of a message (``Attachment.part``), or why they can't be had.

        Raises as ``parse`` does.
        """
        return await self._borrow(parts_bytes, raw, list(numbers), self._limits)

    async def _borrow(
        self, what: Callable[..., list[_Answer]], *arguments: object
    ) -> list[_Answer] | str:
        """What a free reader answers, or why it did not."""
        reader = await self._free.get()
        try:
            self._check_open()
            if reader is None:
                reader = await self._start()
            got = await reader.do(self._limits.seconds, what, *arguments)
            self._check_open()
        finally:
            if reader is not None and not reader.usable:
                reader.kill()
                self._alive.discard(reader)
                reader = None
            self._free.put_nowait(reader)
        return got

    def _check_open(self) -> None:
        if self._closed:
            raise TemporaryError("the readers of email are closed")

    async def _start(self) -> "_Reader":
        reader = _Reader(self._memory)
        self._alive.add(reader)
        try:
            await reader.start()
        except BaseException:
            reader.kill()
            self._alive.discard(reader)
            raise
        return reader


class _Reader:
    """One process, which reads one message after the other."""

    def __init__(self, memory: int) -> None:
        self._executor = ProcessPoolExecutor(
            max_workers=1,
            # A fork would inherit the daemon's threads, sockets and locks.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_settle,
            initargs=(memory, os.getpid()),
        )
        self._pid: int | None = None
        self._messages_left = MAX_MESSAGES
        self.usable = False

    async def start(self) -> None:
        """Start the process and wait until it answers."""
        try:
            async with asyncio.timeout(START_SECONDS):
                self._pid = await asyncio.wrap_future(self._executor.submit(os.getpid))
        except (BrokenProcessPool, TimeoutError, OSError) as error:
            raise TemporaryError(f"no process to read email could be started: {error}") from error
        self.usable = True

    async def do(
        self, seconds: float, what: Callable[..., list[_Answer]], *arguments: object
    ) -> list[_Answer] | str:
        """What came of it, or the reason for which the process did not answer."""
        self.usable = False  # until it has answered
        try:
            async with asyncio.timeout(seconds):
                got = await asyncio.wrap_future(self._executor.submit(what, *arguments))
        except BrokenProcessPool:
            self._pid = None
            return "the reader died at it"
        except TimeoutError:
            return f"reading it took longer than {seconds:g} s"
        self._messages_left -= len(got)
        self.usable = self._messages_left > 0
        return got

    def kill(self) -> None:
        """End the process at once; it has nothing that could be lost."""
        self.usable = False
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._pid = None
        self._executor.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait until the process and the threads about it have ended."""
        self._executor.shutdown(wait=True)


def _each(how: _How, raws: Sequence[bytes], limits: Limits) -> list[Message | Unreadable]:
    return [how(raw, limits) for raw in raws]


def _settle(memory: int, parent: int) -> None:
    """In a new reader: bound its memory, let the daemon go first, and end with the daemon."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
