"""AMI on the wire, without a wire: bytes into frames, a frame into headers or a typed event.

A frame is a block of ``Name: value`` lines, separated by CR LF and ended by an empty line; before
the first frame Asterisk sends one line, its banner. Frames are cut as bytes and decoded whole, so
that it does not matter where TCP cut them. What nobody uses is skipped on its bytes, undecoded.

Nothing here knows a socket, a clock or a loop.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from ccmiddleware.pbx import events
from ccmiddleware.plaintext import MAX_LENGTH, plain

MAX_FRAME = 1024 * 1024
"""Longest frame taken, in bytes. Asterisk's own are some hundred bytes, long CLI output aside."""

MAX_BANNER = 256
BANNER = b"Asterisk Call Manager/"

EVENT = b"Event: "
RESPONSE = b"Response: "
ACTION_ID = b"\r\nActionID: "

_EOL = b"\r\n"
_END = b"\r\n\r\n"
_WANTED = frozenset(name.encode() for name in events.TYPES)
_VARSET = b"VarSet"
_QUEUESTATUS = b"Variable: QUEUESTATUS\r\n"
_UNKNOWN = frozenset(events.UNKNOWN)
_PRINTABLE = bytes(range(0x20, 0x7F))


class NotAmi(ValueError):
    """What answered is not an Asterisk manager interface; the text says how it answered instead."""


class Splitter:
    """Cuts a stream of bytes into frames. ``banner`` is "" until its line is there.

    ``too_long`` counts the frames above ``limit`` bytes; they are dropped, and the next frame is
    found again. The result does not depend on how the stream was cut into chunks.
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self.banner = ""
        self.too_long = 0
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that are complete now, without their ends. Raises NotAmi."""
        rest = self._rest
        searched = max(len(rest) - len(_END) + 1, 0)
        rest += chunk
        if not self.banner:
            if not self._take_banner():
                return []
            searched = 0
        end = rest.rfind(_END, searched)
        if end < 0:
            self._bound_rest()
            return []
        frames = bytes(rest[:end]).split(_END)
        del rest[: end + len(_END)]
        if self._skipping:
            self._skipping = False
            del frames[0]
        if end > self._limit:
            frames = self._drop_long(frames)
        self._bound_rest()
        return frames

    def _take_banner(self) -> bool:
        line, eol, _ = self._rest.partition(_EOL)
        if not BANNER.startswith(line[: len(BANNER)]) or len(line) > MAX_BANNER:
            shown = plain(line.decode("utf-8", "replace"), 40)
            raise NotAmi(f"this is no Asterisk manager interface, it says {shown!r}")
        if not eol:
            return False
        del self._rest[: len(line) + len(eol)]
        self.banner = plain(line.decode("utf-8", "replace"))
        return True

    def _bound_rest(self) -> None:
        rest = self._rest
        if not self._skipping and len(rest) >= self._limit + len(_END):
            self._skipping = True
            self.too_long += 1
        if self._skipping:
            del rest[: 1 - len(_END)]

    def _drop_long(self, frames: list[bytes]) -> list[bytes]:
        short = [frame for frame in frames if len(frame) <= self._limit]
        self.too_long += len(frames) - len(short)
        return short


def event_name(frame: bytes) -> bytes:
    """The name of the event in a frame that begins with ``EVENT``."""
    end = frame.find(_EOL, len(EVENT))
    return frame[len(EVENT) : end] if end >= 0 else frame[len(EVENT) :]


def is_wanted(name: bytes, frame: bytes) -> bool:
    """Whether the event ``name`` in ``frame`` is one that ccmiddleware uses."""
    return name in _WANTED and (name != _VARSET or _QUEUESTATUS in frame)


def pairs(frame: bytes) -> list[tuple[str, str]]:
    """Names and cleaned values of all headers in their order, repeated ones too.

    An unfilled value is "". Lines without a colon are no headers and are left out.
    """
    lines = frame.decode("utf-8", "replace").split("\r\n")
    return [(name, _clean(value)) for name, value in _loosely(lines)]


def headers(frame: bytes) -> dict[str, str]:
    """Headers of a frame with cleaned values; of a repeated header (ChanVariable) the last."""
    lines = frame.decode("utf-8", "replace").split("\r\n")
    # What is left of a clean frame without its printable ASCII are the line ends between headers.
    odd = len(frame.translate(None, _PRINTABLE)) != 2 * (len(lines) - 1)
    if odd or len(frame) > MAX_LENGTH:
        return {name: _clean(value) for name, value in _loosely(lines)}
    try:
        found = dict(cast(Iterable[tuple[str, str]], [line.split(": ", 1) for line in lines]))
    except ValueError:  # a line without ": "
        found = dict(_loosely(lines))
    if not _UNKNOWN.isdisjoint(found.values()):
        return {name: "" if value in _UNKNOWN else value for name, value in found.items()}
    return found


def event(frame: bytes, read_at: datetime) -> events.Event | None:
    """The typed event of a frame, or None when its name is not one that ccmiddleware uses.

    Its time is Asterisk's ``Timestamp`` (manager.conf: timestampevents), else ``read_at``. An empty
    header counts as one that was not sent. Raises ValueError when a number is none; the text names
    the header.
    """
    found: dict[str, Any] = dict(headers(frame))
    at = _timestamp(found.get("Timestamp", "")) or read_at
    try:
        return events.typed(found, at)
    except ValueError:
        return events.typed({name: value for name, value in found.items() if value != ""}, at)


def _loosely(lines: list[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name:
            found.append((name, value.removeprefix(" ")))
    return found


def _clean(value: str) -> str:
    return "" if value in _UNKNOWN else plain(value)


def _timestamp(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None
