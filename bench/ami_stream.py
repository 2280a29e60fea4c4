"""The recorded stream of real calls, told as often as wanted, and what it must leave behind.

Each repetition has its own time: every timestamp, unique id and linked id is moved by whole
seconds, so that no id comes twice and the last repetition ends about now. What must be found in
Postgres afterwards is counted here, on the bytes themselves.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ccmiddleware.pbx.frames import is_wanted

RECORDED = Path(__file__).parent / "data" / "calls.ami.gz"
END = b"\r\n\r\n"

_EPOCH = re.compile(
    rb"(?<=\n)((?:Timestamp|(?:Dest)?(?:Unique|Linked)id|LoginTime|LastCall): )(\d{10})\b"
)
_BY_STATUS = {b"TIMEOUT": "timed_out"}
"""Outcome by the QUEUESTATUS values that the recording has."""


@dataclass(frozen=True)
class Expected:
    """What the stream must leave in Postgres."""

    interactions: int
    visits: int
    offers: int
    segments: int
    outcomes: dict[str, int]


@dataclass(frozen=True)
class Prepared:
    """The whole stream as it is sent: its bytes, the events in them, and what must come of it."""

    data: bytes
    events: int
    repetitions: int
    expected: Expected


def prepare(events: int, now: int, *, used_only: bool = False) -> Prepared:
    """About ``events`` events (whole calls, and above one recording whole repetitions of it).

    ``now`` in Unix seconds is when the last repetition ends. ``used_only`` leaves out what
    ccmiddleware skips, but for the first VarSet, which tells it that it would hear of more.
    """
    frames = [
        frame
        for frame in gzip.decompress(RECORDED.read_bytes()).split(END)
        if frame and _name(frame) != b"FullyBooted"  # the sender greets with one of its own
    ]
    if used_only:
        first = next(frame for frame in frames if _name(frame) == b"VarSet")
        frames = [one for one in frames if one is first or is_wanted(_name(one), one)]
    if events < len(frames):
        frames = _first_calls(frames, events)
    repetitions = max(1, events // len(frames))
    return Prepared(
        data=_repeated(frames, repetitions, now),
        events=len(frames) * repetitions,
        repetitions=repetitions,
        expected=_expected(frames, repetitions),
    )


def _name(frame: bytes) -> bytes:
    return frame[: frame.find(b"\r\n")].removeprefix(b"Event: ")


def _header(frame: bytes, name: bytes) -> bytes:
    _, _, rest = frame.partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0]


def _first_calls(frames: list[bytes], wanted: int) -> list[bytes]:
    """The fewest calls, in the order of their joining a queue, that make up ``wanted`` events.

    Events that belong to no call stay, up to the last event of the chosen calls.
    """
    sizes = Counter(_header(frame, b"Linkedid") for frame in frames)
    chosen: set[bytes] = set()
    for frame in frames:
        if sum(sizes[linkedid] for linkedid in chosen) >= wanted:
            break
        if _name(frame) == b"QueueCallerJoin":
            chosen.add(_header(frame, b"Linkedid"))
    last = max(at for at, frame in enumerate(frames) if _header(frame, b"Linkedid") in chosen)
    chosen.add(b"")
    return [frame for frame in frames[: last + 1] if _header(frame, b"Linkedid") in chosen]


def _repeated(frames: list[bytes], repetitions: int, now: int) -> bytes:
    pieces = _EPOCH.split(END.join(frames) + END)  # text, header, epoch, text, header, epoch, …
    epochs = [int(epoch) for epoch in pieces[2::3]]
    stamps = [int(_header(frame, b"Timestamp")[:10]) for frame in frames if b"Timestamp" in frame]
    span = stamps[-1] - stamps[0] + 2
    parts: list[bytes] = []
    for number in range(repetitions):
        shift = now - stamps[-1] - (repetitions - 1 - number) * span
        pieces[2::3] = [b"%d" % (epoch + shift) for epoch in epochs]
        parts.extend(pieces)
    return b"".join(parts)


def _expected(frames: Iterable[bytes], repetitions: int) -> Expected:
    names: Counter[bytes] = Counter()
    outcomes: dict[bytes, str] = {}
    for frame in frames:
        name, linkedid = _name(frame), _header(frame, b"Linkedid")
        names[name] += 1
        if name == b"QueueCallerJoin":
            outcomes[linkedid] = "left_by_key"  # unless something is told of its end
        elif name == b"QueueCallerAbandon":
            outcomes[linkedid] = "abandoned"
        elif name == b"AgentConnect":
            outcomes[linkedid] = "answered"
        elif name == b"VarSet" and _header(frame, b"Variable") == b"QUEUESTATUS":
            outcomes[linkedid] = _BY_STATUS[_header(frame, b"Value")]
    counts = Counter(outcomes.values())
    return Expected(
        interactions=len(outcomes) * repetitions,
        visits=names[b"QueueCallerJoin"] * repetitions,
        offers=names[b"AgentCalled"] * repetitions,
        segments=names[b"AgentConnect"] * repetitions,
        outcomes={outcome: count * repetitions for outcome, count in sorted(counts.items())},
    )
