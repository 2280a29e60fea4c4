"""What an AMI link delivers: one ordered stream of events and of marks about the link itself.

The stream is bounded. Events that find it full are dropped, and a ``Gap`` stands where they are
missing; marks about the link are never dropped.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from ccmiddleware.pbx.events import Event


@dataclass(frozen=True)
class LinkUp:
    """Logged in and Asterisk is fully booted; what was known before must be asked for again.

    ``epoch`` counts the links of this process from 1. All events of a link stand between its
    LinkUp and its LinkDown.
    """

    node: str
    at: datetime
    epoch: int
    banner: str


@dataclass(frozen=True)
class LinkDown:
    """The link of this epoch is gone. ``at`` is until when Asterisk was heard: the end of the
    connection, or the last byte before a ping that was not answered until then."""

    node: str
    at: datetime
    epoch: int
    reason: str


@dataclass(frozen=True)
class Gap:
    """Here ``dropped`` events are missing, the first of them of ``at``; resynchronise."""

    node: str
    at: datetime
    dropped: int


Item = LinkUp | LinkDown | Gap | Event


class Stream:
    """A bounded queue for one reader. Putting never waits; reading takes all there is."""

    def __init__(self, node: str, size: int) -> None:
        self.events = 0
        self.dropped = 0
        self._node = node
        self._size = size
        self._items: deque[Item] = deque()
        self._missing = 0
        self._missing_since: datetime | None = None
        self._filled = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the next event would be dropped."""
        return len(self._items) >= self._size

    def put(self, event: Event) -> None:
        """Append an event, or drop and count it when the stream is full."""
        if len(self._items) >= self._size:
            self.drop(event.at)
            return
        self.events += 1
        self._items.append(event)
        self._filled.set()

    def drop(self, at: datetime) -> None:
        """Count an event of time ``at`` as dropped: its place is after all that is queued now."""
        self.dropped += 1
        self._missing += 1
        if self._missing_since is None:
            self._missing_since = at

    def mark(self, mark: LinkUp | LinkDown) -> None:
        """Append a mark about the link, however full the stream is."""
        self._close_gap()
        self._items.append(mark)
        self._filled.set()

    async def read(self) -> list[Item]:
        """All items in order; waits until there is one. For one reader only."""
        await self._filled.wait()
        # Room arises here and nowhere else, so this is where what was dropped is missing.
        self._close_gap()
        items = list(self._items)
        self._items.clear()
        self._filled.clear()
        return items

    def _close_gap(self) -> None:
        if self._missing_since is None:
            return
        self._items.append(Gap(self._node, self._missing_since, self._missing))
        self._missing = 0
        self._missing_since = None
