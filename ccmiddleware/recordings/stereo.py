"""Joins the two sides of a stereo recording into one file: the customer left, the agent right.

Asterisk writes each side into a file of its own (``mixmonitor``). They are joined once, when both
are complete, into a file of another name that is fsynced before it takes its name; only then are
the sides removed. So whenever the daemon dies, either both sides are there or the whole file is,
and joining again gives the same.

Blocks on the disk: call it in a thread.
"""

import os
import struct
from array import array
from pathlib import Path
from typing import BinaryIO

from ccmiddleware.recordings.files import sync_directory
from ccmiddleware.recordings.mixmonitor import sides
from ccmiddleware.recordings.wav import Layout, read_layout

JOINING = ".joining"
"""Ending of the file while it is being made."""

CHUNK = 64 * 1024
"""Frames that are joined at a time."""


class JoinError(Exception):
    """The sides can't be joined now, and are still there; the text says why."""


def join(whole: Path, *, cut_off: bool) -> bool:
    """Make ``whole`` of its two sides; False while they are not complete.

    ``cut_off``: take sides that were never closed, or one alone, with what is in them. Raises
    JoinError when the disk is in the way.
    """
    left, right = (Path(side) for side in sides(str(whole)))
    try:
        if not whole.exists():
            layouts = [_layout(side, cut_off=cut_off) for side in (left, right)]
            if not any(layouts) or not (all(layouts) or cut_off):
                return False
            _join(left, right, layouts, whole)
        for side in (left, right):
            side.unlink(missing_ok=True)
    except OSError as error:
        raise JoinError(f"the two sides can't be joined: {error.strerror}") from None
    return True


def sizes(whole: Path) -> int:
    """Bytes of the file and of its sides, as far as they are there."""
    total = 0
    for path in (whole, *(Path(side) for side in sides(str(whole)))):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def is_there(whole: Path) -> bool:
    """Whether the file or one of its sides is there."""
    return whole.exists() or any(Path(side).exists() for side in sides(str(whole)))


def _layout(side: Path, *, cut_off: bool) -> Layout | None:
    """Where the audio of a side is; None when it is not complete, or there is none."""
    try:
        with side.open("rb") as file:
            layout = read_layout(file)
        size = side.stat().st_size
    except FileNotFoundError:
        return None
    if layout is None or layout.channels != 1 or layout.width != 2:
        return None
    return layout if layout.is_closed(size) or (cut_off and layout.audio_bytes(size)) else None


def _join(left: Path, right: Path, layouts: list[Layout | None], whole: Path) -> None:
    lengths = [
        layout.audio_bytes(side.stat().st_size) // 2 if layout is not None else 0
        for side, layout in zip((left, right), layouts, strict=True)
    ]
    rate = next(layout.rate for layout in layouts if layout is not None)
    making = whole.with_name(whole.name + JOINING)
    with making.open("wb") as out:
        out.write(_header(rate, max(lengths)))
        readers = [
            _Side(side, layout, length)
            for side, layout, length in zip((left, right), layouts, lengths, strict=True)
        ]
        try:
            for at in range(0, max(lengths), CHUNK):
                frames = min(CHUNK, max(lengths) - at)
                both = array("h", bytes(4 * frames))
                for number, reader in enumerate(readers):
                    both[number::2] = reader.take(frames)
                out.write(both.tobytes())
        finally:
            for reader in readers:
                reader.close()
        out.flush()
        os.fsync(out.fileno())
    making.rename(whole)
    sync_directory(whole.parent)


class _Side:
    """The samples of one side, and silence behind its end."""

    def __init__(self, path: Path, layout: Layout | None, length: int) -> None:
        self._left = length
        self._file: BinaryIO | None = None
        if layout is not None:
            self._file = path.open("rb")
            self._file.seek(layout.data_at)

    def take(self, frames: int) -> "array[int]":
        wanted = min(frames, self._left)
        self._left -= wanted
        data = self._file.read(2 * wanted) if self._file is not None else b""
        return array("h", data + bytes(2 * frames - len(data)))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _header(rate: int, frames: int) -> bytes:
    """Of a file with two channels of 16 bits; samples are copied as they are (little-endian)."""
    # Of more than 4 GiB, the header tells as much as it can.
    size = min(4 * frames, 0xFFFFFFFF - 36)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, rate, 4 * rate, 4, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", size)
    )
