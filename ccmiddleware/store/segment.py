"""One file of the journal: records, each with its length and CRC, one after the other.

    record = length (4 bytes, little endian), CRC-32 of the payload (4 bytes), payload

A file is named after the running number of its first record, so the number of any record, and of
those that are missing, is known without counting from the beginning. This module knows files and
records; what they mean, and when a file goes, is the business of ``journal``.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

HEADER = struct.Struct("<II")
SUFFIX = ".facts"
LONGEST_RECORD = 16 * 1024**2
"""Bytes; a header that says more is damaged."""

READ_SIZE = 512 * 1024
"""Bytes read at once: a full batch of the usual facts."""


@dataclass(frozen=True)
class Records:
    """Payloads found from an offset on, and the offset at which each record ends.

    ``damaged``: what follows the last of them, if anything, is not a whole record.
    """

    lines: list[bytes]
    ends: list[int]
    damaged: bool


@dataclass(frozen=True)
class Extent:
    """How far a file holds whole records: the number of records, and the bytes that they fill."""

    records: int
    bytes: int


def frame(lines: Sequence[bytes]) -> bytes:
    """The records of ``lines``, to be written at once. Raises ValueError for what can't be one."""
    parts: list[bytes] = []
    for line in lines:
        if not 0 < len(line) <= LONGEST_RECORD:
            raise ValueError(f"a record has 1 to {LONGEST_RECORD} bytes, not {len(line)}")
        parts.append(HEADER.pack(len(line), crc32(line)))
        parts.append(line)
    return b"".join(parts)


def path_of(directory: Path, base: int) -> Path:
    """The file whose first record has the number ``base``."""
    return directory / f"{base:020}{SUFFIX}"


def find(directory: Path) -> dict[int, int]:
    """Size in bytes of each file, by the number of its first record, in order."""
    sizes = {
        int(path.stem): path.stat().st_size
        for path in directory.glob(f"*{SUFFIX}")
        if path.stem.isdecimal()
    }
    return dict(sorted(sizes.items()))


def read(file: int, offset: int, end: int, limit: int) -> Records:
    """Up to ``limit`` records between two offsets of an open file, about READ_SIZE bytes at most.

    Raises OSError.
    """
    size = READ_SIZE
    while True:
        data = os.pread(file, min(size, end - offset), offset)
        found = _parse(data, offset, limit)
        if found.lines or found.damaged or not data:
            return found
        if len(data) < min(size, end - offset):
            return Records([], [], damaged=True)
        wanted = HEADER.size + HEADER.unpack_from(data)[0] if len(data) >= HEADER.size else 0
        if wanted > end - offset or not wanted:
            return Records([], [], damaged=True)
        size = wanted


def _parse(data: bytes, offset: int, limit: int) -> Records:
    lines: list[bytes] = []
    ends: list[int] = []
    at, size = 0, len(data)
    while len(lines) < limit and at + HEADER.size <= size:
        length, checksum = HEADER.unpack_from(data, at)
        stop = at + HEADER.size + length
        # Length 0 is what a file system leaves of blocks that were never written.
        if length == 0 or length > LONGEST_RECORD:
            return Records(lines, ends, damaged=True)
        if stop > size:
            break
        line = data[at + HEADER.size : stop]
        if crc32(line) != checksum:
            return Records(lines, ends, damaged=True)
        lines.append(line)
        ends.append(offset + stop)
        at = stop
    return Records(lines, ends, damaged=False)


def measure(path: Path, until: int | None = None) -> Extent:
    """How far the file holds whole records, or its part before the offset ``until`` does."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        end = size if until is None else min(until, size)
        records = offset = 0
        while offset < end:
            found = read(file, offset, end, 1 << 30)
            if found.ends:
                records += len(found.ends)
                offset = found.ends[-1]
            if found.damaged or not found.ends:
                break
        return Extent(records, offset)
    finally:
        os.close(file)


def cut(path: Path, offset: int, rest: Path) -> int:
    """Cut everything from ``offset`` on, keeping it as the file ``rest`` when it is not all zeros.

    Returns the number of bytes cut. Raises OSError.
    """
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        if size > offset:
            torn = os.pread(file, size - offset, offset)
            if torn.strip(b"\0"):
                rest.write_bytes(torn)
                rest.chmod(0o600)
            os.ftruncate(file, offset)
            os.fsync(file)
        return size - offset
    finally:
        os.close(file)
