"""Follows the queue_log file: every whole line once, through rotation, truncation and absence.

``Tail.read`` blocks (on the disk) and takes a bounded piece; run it off the event loop. Where it is
stands in a ``Position``, which the caller keeps with the lines: kill -9 in between means that the
same lines are read again, and their keys (``rows.Keys``) show that they are the same.

A file is found again by what it says, not by its name: the bytes before the position must be those
that were read last. So a file that was renamed, copied before it was truncated, or compressed is
read to its end under whatever name it has beside the live one; then those that were written after
it, by their time of change; then the live file. When no file fits, all that changed since the last
row are read from their beginnings, and keys sort out what is there already.
"""

import gzip
import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast
from uuid import UUID

from ccmiddleware.queue_log.rows import REMEMBERED_SECONDS as COUNTED_SECONDS
from ccmiddleware.queue_log.rows import Keys, Line, parse

PIECE = 256 * 1024
"""Bytes read at once; also the longest line, by far."""

FINGERPRINT = 512
"""Bytes before the position that must be the same."""

INODE_BITS = (1 << 63) - 1
"""Postgres has no unsigned 64 bits."""

NOTHING = ""
"""Fingerprint of a position at the beginning of a file."""


@dataclass(frozen=True)
class Position:
    """Where reading goes on. ``total`` counts the bytes of all files; ``row_at`` is the last row's
    time."""

    inode: int
    offset: int
    fingerprint: str
    total: int
    row_at: datetime


@dataclass
class Piece:
    """What one ``read`` brought. ``position`` is None when there was nothing to read."""

    rows: list[tuple[int, UUID, Line]] = field(default_factory=list)
    """Sequence and key of each line, and what it says."""
    position: Position | None = None
    garbage: int = 0
    """Lines that are no rows."""
    lost_place: bool = False
    """True when no file held the place where reading had stopped."""


@dataclass(frozen=True)
class _Source:
    path: Path
    inode: int
    changed_ns: int
    size: int


class Tail:
    """One queue_log file and those that it was rotated to. Not for two threads at once."""

    def __init__(self, path: Path, position: Position | None, *, since: datetime) -> None:
        """``since``: rows before it are left out, but only where nothing was read before."""
        self.path = path
        self.position = position
        self.keys = Keys()
        self._since = since if position is None else datetime.min.replace(tzinfo=UTC)
        self._counted = False

    def read(self) -> Piece:
        """The next piece; empty at the end of the live file. Raises OSError (no file, no right)."""
        piece = Piece()
        source, offset = self._place(piece)
        if source is None:
            return piece
        if not self._counted:
            self._count_again(source, offset)
        while True:
            if self._take(piece, source, offset):
                return piece
            following = self._following(source)
            # Once more, for what was written just before the following file was begun.
            if following is None or self._take(piece, source, offset):
                return piece
            source, offset = following, 0
            self.keys = Keys()

    # -- where ------------------------------------------------------------------------------

    def _place(self, piece: Piece) -> tuple[_Source | None, int]:
        """The file to read on in, and from where."""
        position = self.position
        live = self._live()
        if position is None:
            return live, 0
        sources = self._sources()
        # The same file first: then whatever its name is, it was only renamed.
        sources.sort(key=lambda one: one.inode != position.inode)
        for source in sources:
            if self._holds(source, position):
                return source, position.offset
        piece.lost_place = True
        self.keys, self._counted = Keys(), True
        self._since = position.row_at - timedelta(seconds=COUNTED_SECONDS)
        newer = [one for one in sources if one.changed_ns / 1e9 >= position.row_at.timestamp()]
        newer.sort(key=lambda one: one.changed_ns)
        return (newer[0] if newer else live), 0

    def _holds(self, source: _Source, position: Position) -> bool:
        if position.offset == 0:
            return source.inode == position.inode
        if source.path.suffix != ".gz" and source.size < position.offset:
            return False
        try:
            with _opened(source.path) as file:
                return _fingerprint(file, position.offset) == position.fingerprint
        except (FileNotFoundError, EOFError, gzip.BadGzipFile):
            return False  # it is being rotated or packed at this moment

    def _live(self) -> _Source | None:
        try:
            return _source(self.path)
        except FileNotFoundError:
            return None

    def _sources(self) -> list[_Source]:
        """The live file and all that it may have been rotated to."""
        found = []
        name = self.path.name
        for entry in self.path.parent.iterdir():
            if entry.name == name or entry.name.startswith((f"{name}.", f"{name}-")):
                try:
                    found.append(_source(entry))
                except FileNotFoundError:
                    continue  # renamed since it was listed
        return found

    def _following(self, source: _Source) -> _Source | None:
        """The file that was written after ``source``; None when that is the last one."""
        live = self._live()
        if live is None or live.size == 0 or live.inode == source.inode:
            # As long as the new file is empty, Asterisk may still write to the old one.
            return None
        others = [
            one
            for one in self._sources()
            if one.changed_ns > source.changed_ns and one.inode not in (source.inode, live.inode)
        ]
        return min(others, key=lambda one: one.changed_ns, default=live)

    # -- what -------------------------------------------------------------------------------

    def _take(self, piece: Piece, source: _Source, offset: int) -> bool:
        """Read on in a file; False when there was no whole line."""
        with _opened(source.path) as file:
            if os.fstat(file.fileno()).st_ino & INODE_BITS != source.inode:
                return True  # renamed since: look again another time
            file.seek(offset)
            data = file.read(PIECE)
            end = data.rfind(b"\n") + 1
            if end == 0 and len(data) == PIECE:
                end = PIECE  # no line is as long as that
            if end == 0:
                return False
            fingerprint = _fingerprint(file, offset + end)
        before = self.position
        total, row_at = (before.total, before.row_at) if before else (0, self._since)
        row_at = self._rows(piece, data[:end], total, row_at)
        self.position = Position(source.inode, offset + end, fingerprint, total + end, row_at)
        piece.position = self.position
        return True

    def _rows(self, piece: Piece, data: bytes, sequence: int, newest: datetime) -> datetime:
        """Put the rows among the lines into ``piece``; the time of the newest so far."""
        for line in data.split(b"\n"):
            row = parse(line)
            if row is not None and row.at >= self._since:
                piece.rows.append((sequence, self.keys.of(line, row.at), row))
                newest = max(newest, row.at)
            elif row is None and line:
                piece.garbage += 1
            sequence += len(line) + 1
        return newest

    def _count_again(self, source: _Source, offset: int) -> None:
        """Count the rows of the last seconds before the place, so that equal ones differ."""
        self._counted = True
        if offset == 0 or self.position is None:
            return
        with _opened(source.path) as file:
            begin = max(0, offset - PIECE)
            file.seek(begin)
            lines = file.read(offset - begin).split(b"\n")
        for line in lines[1 if begin else 0 :]:
            row = parse(line)
            if row is None or row.at < self._since:
                continue
            if (self.position.row_at - row.at).total_seconds() <= COUNTED_SECONDS:
                self.keys.of(line, row.at)


def _source(path: Path) -> _Source:
    info = path.stat()
    return _Source(path, info.st_ino & INODE_BITS, info.st_mtime_ns, info.st_size)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _fingerprint(file: IO[bytes], offset: int) -> str:
    """Hash of the bytes before ``offset``; another one when the file ends before it."""
    begin = max(0, offset - FINGERPRINT)
    file.seek(begin)
    data = file.read(offset - begin)
    if len(data) < offset - begin:
        return "shorter"
    return hashlib.sha256(data).hexdigest()[:32]
