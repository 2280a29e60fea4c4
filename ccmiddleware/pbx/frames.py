"""AMI on the wire, without a wire: bytes into frames, a frame into headers or a typed event.

A frame is a block of ``Name: value`` lines, separated by CR LF and ended by an empty line; before
the first frame Asterisk sends one line, its banner. Frames are cut as bytes and decoded whole, so
that it does not matter where TCP cut them. What nobody uses is skipped on its bytes, undecoded.

Nothing here knows a socket, a clock or a loop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from ccmiddleware.pbx import events
from ccmiddleware.plaintext import MAX_LENGTH, plain

MAX_FRAME = 1024 * 1024
"""Longest frame taken, in bytes. Asterisk's own are some hundred bytes, long CLI output aside."""

MAX_BANNER = 256
VARSET = b"VarSet"
BANNER = b"Asterisk Call Manager/"

EVENT = b"Event: "
RESPONSE = b"Response: "
ACTION_ID = b"\r\nActionID: "

_EOL = b"\r\n"
_END = b"\r\n\r\n"
_NAMES = {name.encode(): name for name in events.TYPES}
_QUEUESTATUS = b"Variable: QUEUESTATUS\r\n"
_IDLE = {b"DialBegin": b"\r\nDestChannel: Local/", b"DialEnd": b"\r\nDialStatus: ANSWER"}
"""What makes an event mean nothing to anybody here: half of a Local channel is rung, which is
nobody's phone, and an answer shows by the bridge that follows."""
_ORIGINATED = b"OriginateResponse"
_OUR_CHANNEL, _OUR_ACTION = b"\r\nUniqueid: ccm", b"\r\nActionID: ccm"
"""Of channels that others made nobody here asks what became of them. The id of a channel is told
only if there was one."""
_VARSET_EVENT = EVENT + VARSET + _EOL
_UNKNOWN = frozenset(events.UNKNOWN)
_MAX_LAYOUTS = 8
_USED = f"(?:(?:{'|'.join(map(re.escape, events.UNKNOWN))})(?![^\r])|([^\r]*+))"
"""A value; of an unfilled one, nothing."""


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
    """The name of the event in a frame; "" when it does not begin with ``EVENT``."""
    if not frame.startswith(EVENT):
        return b""
    end = frame.find(_EOL, len(EVENT))
    return frame[len(EVENT) : end] if end >= 0 else frame[len(EVENT) :]


def is_wanted(name: bytes, frame: bytes) -> bool:
    """Whether the event ``name`` in ``frame`` is one that ccmiddleware uses."""
    if name == VARSET:
        return _QUEUESTATUS in frame
    if name == _ORIGINATED:
        return _OUR_CHANNEL in frame or _OUR_ACTION in frame
    idle = _IDLE.get(name)
    return name in _NAMES and (idle is None or idle not in frame)


def is_idle_varset(frame: bytes) -> bool:
    """Whether this is a VarSet of a variable that ccmiddleware does not use."""
    return frame.startswith(_VARSET_EVENT) and _QUEUESTATUS not in frame


def pairs(frame: bytes) -> list[tuple[str, str]]:
    """Names and cleaned values of all headers in their order, repeated ones too.

    An unfilled value is "". Lines without a colon are no headers and are left out.
    """
    return _pairs(frame.decode("utf-8", "replace"))


class EventReader:
    """Makes typed events of frames, fast: it remembers the layout of each event.

    Asterisk sends the headers of an event always in the same order. So the first frame of an event
    is read header by header, and gives a pattern that reads the next ones in one step. A frame that
    differs in any way, be it one odd character in a value, is read header by header again: the
    result is the same, only slower.
    """

    def __init__(self) -> None:
        self._layouts: dict[bytes, list[_Layout]] = {}

    def read(self, name: bytes, frame: bytes, read_at: datetime) -> events.Event:
        """The typed event ``name``, which must be a wanted one, of a frame.

        Its time is Asterisk's ``Timestamp`` (manager.conf: timestampevents), else ``read_at``. An
        empty header counts as one that was not sent. Raises ValueError when a number is none; the
        text names the header.
        """
        text = frame.decode("utf-8", "replace")
        found: dict[str, Any] = self._read_by_layout(name, text) or self._read_singly(name, text)
        found["Event"] = _NAMES[name]
        stamp = found.get("Timestamp")
        at = (_timestamp(stamp) if stamp else None) or read_at
        try:
            event = events.typed(found, at)
        except ValueError:
            event = events.typed({key: value for key, value in found.items() if value != ""}, at)
        assert event is not None  # noqa: S101 - its name is in events.TYPES
        return event

    def _read_by_layout(self, name: bytes, text: str) -> dict[str, str] | None:
        """The used headers, or None for a frame of no known layout or with anything to clean."""
        for layout in self._layouts.get(name, ()):
            match = layout.pattern.fullmatch(text)
            if match is None:
                continue
            values: Sequence[str] = match.groups("")
            longest = max(map(len, values), default=0) if len(text) > MAX_LENGTH else 0
            # What str calls printable is less than what plain() leaves as it is.
            if longest > MAX_LENGTH or not "".join(values).isprintable():
                return None
            return dict(zip(layout.used, values))  # noqa: B905 - as long as each other; hot path
        return None

    def _read_singly(self, name: bytes, text: str) -> dict[str, str]:
        listed = _pairs(text)
        known = self._layouts.setdefault(name, [])
        names = [header for header, _ in listed]
        if len(known) < _MAX_LAYOUTS and all(layout.names != names for layout in known):
            known.append(_layout(names, events.TYPES[_NAMES[name]]))
        return dict(listed)


@dataclass(frozen=True)
class _Layout:
    """The headers of an event in their order, those that we use, and a pattern of their values."""

    names: list[str]
    used: tuple[str, ...]
    pattern: re.Pattern[str]


def _layout(names: list[str], kind: type[events.Event]) -> _Layout:
    fields = {"Timestamp", *(header.encode_name for header in msgspec.structs.fields(kind))}
    # Possessive, so that a frame that does not fit is given up at its first difference.
    lines = [f"{re.escape(name)}: " + (_USED if name in fields else "[^\r]*+") for name in names]
    used = tuple(name for name in names if name in fields)
    return _Layout(names, used, re.compile("\r\n".join(lines)))


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name:
            value = value.removeprefix(" ")
            found.append((name, "" if value in _UNKNOWN else plain(value)))
    return found


def _timestamp(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None
