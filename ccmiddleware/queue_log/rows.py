"""Rows of Asterisk's queue_log: what a line says, and a key that each row has. Pure.

A line is ``epoch|call|queue|agent|event|data…`` (Asterisk 16 to 22, main/logger.c ast_queue_log();
the data of each event as in apps/app_queue.c). ``call`` is the unique id of the caller's channel,
``agent`` the *name* of the member, the epoch is in whole seconds, rounded down. Events that nobody
here knows are kept as rows; ``stays`` reads those that tell how a call went.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ccmiddleware.plaintext import plain

MOST_FIELDS = 64
"""Fields of a line that are kept; app_queue writes eleven at most."""

EPOCH_MAX = 32503680000
"""Year 3000: a larger number is no time."""

REMEMBERED_SECONDS = 10
"""How long equal rows are counted; rows are in order of time but for threads that overtake."""

# An Asterisk that died in the middle of a line, and the first row of the next one behind it.
_TORN = re.compile(rb"(\d{9,11}\|NONE\|NONE\|NONE\|QUEUESTART\|.*)$")


@dataclass(frozen=True)
class Line:
    """What one line says. ``data`` are the fields after the event."""

    at: datetime
    call: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


def parse(line: bytes) -> Line | None:
    """The line without its end, or None when it is no row of queue_log."""
    torn = _TORN.search(line)
    if torn is not None:
        line = torn[1]
    fields = line.decode("utf-8", "replace").strip("\0").split("|")
    if len(fields) < 5 or len(fields) > MOST_FIELDS:
        return None
    epoch, call, queue, agent, event, *data = fields
    if not (epoch.isascii() and epoch.isdecimal() and int(epoch) <= EPOCH_MAX and event):
        return None
    at = datetime.fromtimestamp(int(epoch), UTC)
    texts = [plain(text) for text in (call, queue, agent, event, *data)]
    return Line(at, texts[0], texts[1], texts[2], texts[3], tuple(texts[4:]))


class Keys:
    """Keys of rows, which are the same whenever the same file is read.

    Rows may be equal to the letter when they are of one second; they are told apart by counting.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, bytes]] = Counter()
        self._newest = 0
        self._pruned = 0

    def of(self, line: bytes, at: datetime) -> UUID:
        """The key of that line, which is now counted."""
        second = int(at.timestamp())
        digest = hashlib.sha256(line).digest()
        number = self._counts[second, digest]
        self._counts[second, digest] += 1
        self._newest = max(self._newest, second)
        if self._newest - self._pruned > REMEMBERED_SECONDS:
            self._forget(self._newest - REMEMBERED_SECONDS)
        if number:
            digest = hashlib.sha256(digest + number.to_bytes(4, "big")).digest()
        return UUID(bytes=digest[:16])

    def _forget(self, before: int) -> None:
        self._pruned = self._newest
        for key in [key for key in self._counts if key[0] < before]:
            del self._counts[key]
