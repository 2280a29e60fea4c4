"""For how long bytes gather in the socket before the link reads on.

Asterisk writes event by event, and waking up for each costs several times as much as the event.
The more comes, the longer is waited, up to a limit that keeps the daemon close behind: a PBX with
much to tell is woken up for some times a second only, a quiet one is heard almost at once.

How much comes is measured over some time, since it comes in bursts: of what was left in the socket
a moment ago, the next chunk alone tells nothing.

Nothing here knows a socket, a clock or a loop.
"""

from math import exp

QUIET, BUSY = 0.02, 0.15
"""Shortest and longest pause, in seconds."""

BUSY_RATE = 250_000
"""Bytes a second from which pauses grow; some ten calls a second. Below half of it they end."""

MEASURED_SECONDS = 0.5
"""What came earlier counts for less and less: that long ago, for a third."""

CHUNK = 200_000
"""Bytes that one pause may gather: an event loop reads 250,000 or more at once."""


class Gathering:
    """The pauses of one connection. ``now`` is in monotonic seconds, of its last chunk."""

    def __init__(self, now: float) -> None:
        self._read_at = now
        self._rate = 0.0
        self._pause = QUIET

    def pause(self, read: int, now: float, buffer: int) -> float:
        """Seconds to wait after a chunk of ``read`` bytes; 0 when more is there already.

        ``buffer`` is the size of the socket's receive buffer, of which the kernel fills about half
        before Asterisk has to wait: then it is emptied without pauses.
        """
        passed = max(now - self._read_at, 0.001)
        self._read_at = now
        counts = exp(-passed / MEASURED_SECONDS)
        self._rate = rate = self._rate * counts + read / passed * (1 - counts)
        if rate >= BUSY_RATE:
            self._pause = max(QUIET, min(2 * self._pause, BUSY, CHUNK / rate))
        elif rate < BUSY_RATE / 2:
            self._pause = QUIET
        return 0.0 if read > CHUNK * 1.25 or 3 * read >= buffer else self._pause
