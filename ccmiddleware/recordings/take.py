"""One recording while it is followed: its row as it was last told, and what is known beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ccmiddleware.config import RecordingSettings
from ccmiddleware.errors import TemporaryError
from ccmiddleware.facts import AnyFact, Recording
from ccmiddleware.recordings.talks import Key

LOCK_SECONDS = 5.0
"""How long to wait while Asterisk is asked for something else about the same recording."""


class Busy(TemporaryError):
    """Asterisk is being asked for something else about this recording, and does not answer."""


class Take:
    """One recording of one talk. Must be made in a running loop.

    ``channel`` is where it is recorded, "" when the talk is over; ``customers`` is whether that is
    the customer's. ``fresh`` is whether it is ours from the beginning. ``beside`` is the segment
    with whose pause this one was paused, 0 for none.
    """

    def __init__(
        self,
        recording: Recording,
        settings: RecordingSettings,
        tell: Callable[[Sequence[AnyFact]], None],
        *,
        channel: str,
        customers: bool,
        fresh: bool,
    ) -> None:
        self.recording = recording
        self.settings = settings
        self.channel = channel
        self.customers = customers
        self.fresh = fresh
        self.rumoured = False
        """Whether it is there only if there is a file: of the talk itself nobody could tell."""
        self.beside = 0
        self.begun = asyncio.Event()
        """Set when it is known whether Asterisk records."""
        self.ended: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        """The end of the talk."""
        self.news = asyncio.Event()
        """Set with each change, and with the end of the talk."""
        self.lock = asyncio.Lock()
        """Held by whoever asks Asterisk for something about it."""
        self._tell = tell

    @property
    def key(self) -> Key:
        """Interaction and segment."""
        return self.recording.interaction_id, self.recording.segment

    @property
    def runs(self) -> bool:
        """Whether Asterisk records now, as far as is known."""
        return (
            self.recording.state == "recording"
            and self.recording.stopped_at is None
            and not self.ended.done()
        )

    @property
    def may_run(self) -> bool:
        """Whether Asterisk records now, or has been asked to."""
        return self.runs or (self.recording.state == "expected" and not self.ended.done())

    def put(self, *events: AnyFact, **changes: Any) -> None:
        """Change the row and tell it, with events of the history."""
        self.recording = replace(self.recording, version=self.recording.version + 1, **changes)
        self._tell([self.recording, *events])
        self.news.set()

    def end(self, at: datetime) -> None:
        """The talk is over."""
        if not self.ended.done():
            self.ended.set_result(at)
            self.news.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While nobody else asks Asterisk for anything about it. Raises Busy."""
        try:
            async with asyncio.timeout(LOCK_SECONDS):
                await self.begun.wait()
                await self.lock.acquire()
        except TimeoutError:
            raise Busy("Asterisk has not answered yet to what it was asked before") from None
        try:
            yield
        finally:
            self.lock.release()
