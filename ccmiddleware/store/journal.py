"""Facts on disk that Postgres does not have yet: appended here first, read from here into Postgres.

``append`` hands the facts to the operating system before it returns, so killing the daemon loses
none; ``flush`` makes them survive a power failure as well. What has been applied is remembered by a
cursor, and files that lie wholly behind it are deleted. After a crash the cursor may be a little
old: facts are then read twice, which is harmless, as they are idempotent. A record torn by a power
failure is cut off and kept beside the journal for whoever wants to look.

Not here: what a fact is (``facts``), and how it gets into Postgres (``writer``). Used from one
event loop; nothing here waits, except ``flush``, which leaves the waiting to a thread.
"""

import asyncio
import fcntl
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from ccmiddleware.config import JournalSettings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store import segment

log = structlog.get_logger(__name__)

MARK_INTERVAL = 1.0
"""Seconds between two remembered times of appending, from which the age of the oldest is told."""

CURSOR_BYTES = 128
"""Size of the file that holds the cursor, so that a shorter one leaves nothing of a longer one."""


class JournalFull(TemporaryError):
    """The journal can't take facts: its quota is used up, or the disk refuses."""


class Position(msgspec.Struct, frozen=True):
    """Where reading goes on: file (its first record's number), offset in it, record's number."""

    segment: int
    offset: int
    index: int


@dataclass(frozen=True)
class Batch:
    """Facts read from the journal, oldest first; ``ends[i]`` is the offset behind fact ``i``."""

    lines: list[bytes]
    ends: list[int]
    start: Position

    def __len__(self) -> int:
        return len(self.lines)

    def after(self, count: int) -> Position:
        """The position behind the first ``count`` facts of this batch."""
        if count == 0:
            return self.start
        return Position(self.start.segment, self.ends[count - 1], self.start.index + count)


class Journal:
    """The journal in ``directory``. ``open`` it before and ``close`` it after use.

    ``clock`` gives monotonic seconds, for the age of the oldest fact.
    """

    def __init__(
        self,
        directory: Path,
        settings: JournalSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory
        self.settings = settings or JournalSettings()
        self.cut_bytes = 0
        """Bytes of torn records cut off on opening."""
        self.lost_facts = 0
        """Facts that a damaged file did not give back since opening."""
        self.problem: str | None = None
        """Why the disk did not take or keep something, the last time; None when all is well."""
        self._segment_bytes = min(self.settings.segment_bytes, self.settings.max_bytes // 4)
        self._clock = clock
        self._sizes: dict[int, int] = {}
        self._cursor = Position(0, 0, 0)
        self._next = 0
        self._base = 0
        self._tail = self._lock = self._cursor_file = -1
        self._reader, self._reader_base = -1, -1
        self._rotated: list[int] = []
        self._dirty = False
        self._broken = False
        self._marks: deque[tuple[int, float]] = deque()

    @property
    def backlog_facts(self) -> int:
        """Number of facts not applied yet."""
        return self._next - self._cursor.index

    @property
    def backlog_bytes(self) -> int:
        """Bytes on disk of the facts not applied yet."""
        return self.disk_bytes - self._cursor.offset if self.backlog_facts else 0

    @property
    def disk_bytes(self) -> int:
        """Bytes of all files of the journal; the quota is for these."""
        return sum(self._sizes.values())

    @property
    def oldest_age(self) -> float:
        """Seconds since the oldest fact not applied was appended, or the journal was opened."""
        return self._clock() - self._marks[0][1] if self._marks and self.backlog_facts else 0.0

    def open(self) -> None:
        """Take the journal over and go on where it was left.

        Raises PermanentError when another process has it or the directory can't be used.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_lock()
            self._sizes = segment.find(self.directory)
            self._open_tail()
            self._cursor = self._load_cursor()
        except OSError as error:
            self.close()
            raise PermanentError(
                f"the journal in {self.directory} can't be used: {error}"
            ) from error
        self._drop_applied()
        self._save_cursor()  # one behind a tail that was cut off would soon point into new records
        if self.backlog_facts:
            self._marks.append((self._cursor.index, self._clock()))

    def close(self) -> None:
        """Let go of all files. What is in the journal stays; call ``flush`` before."""
        for file in (self._tail, self._reader, self._lock, self._cursor_file, *self._rotated):
            if file >= 0:
                os.close(file)
        self._tail = self._reader = self._lock = self._cursor_file = self._reader_base = -1
        self._rotated = []

    def append(self, lines: Sequence[bytes]) -> None:
        """Add facts, all of them or, when JournalFull is raised, none."""
        if not lines:
            return
        data = segment.frame(lines)
        self._make_room(len(data))
        try:
            if self._broken or self._sizes[self._base] >= self._segment_bytes:
                self._rotate()
            self._write(data)
        except OSError as error:
            raise self._refusal(f"the disk of {self.directory} refuses: {error}") from error
        if not self._marks or self._clock() - self._marks[-1][1] >= MARK_INTERVAL:
            self._marks.append((self._next, self._clock()))
        self._next += len(lines)
        self._dirty = True
        self.problem = None

    def read(self, limit: int) -> Batch:
        """The oldest facts not applied, at most ``limit``; the same again until ``advance``.

        Raises TemporaryError when the disk can't be read.
        """
        try:
            while self.backlog_facts:
                file = self._reader_at(self._cursor.segment)
                end = self._sizes[self._cursor.segment]
                found = segment.read(file, self._cursor.offset, end, limit)
                if found.lines:
                    return Batch(found.lines, found.ends, self._cursor)
                self._skip_damage()
        except OSError as error:
            self.problem = f"the journal in {self.directory} can't be read: {error}"
            raise TemporaryError(self.problem) from error
        return Batch([], [], self._cursor)

    def advance(self, position: Position) -> None:
        """Remember that everything before ``position`` has been applied."""
        self._cursor = position
        self._drop_applied()
        self._save_cursor()
        while len(self._marks) > 1 and self._marks[1][0] <= position.index:
            self._marks.popleft()
        if not self.backlog_facts:
            self._marks.clear()

    async def flush(self) -> None:
        """Make all that was appended before survive a power failure; waits in a thread.

        Never raises for the disk's sake: ``problem`` tells, and a new file is begun.
        """
        if not self._dirty or self._tail < 0:
            return
        self._dirty = False
        files, self._rotated = self._rotated, []
        try:
            files.append(os.dup(self._tail))
            await asyncio.to_thread(_sync_and_close, files)
        except OSError as error:
            # Linux forgets dirty pages after a failed fsync; trying the same file again would lie.
            self._broken = True
            self.problem = f"the disk of {self.directory} refuses fsync: {error}"
            log.error("journal can't be flushed", error=str(error))

    def _take_lock(self) -> None:
        self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 32, 0).decode().strip() or "unknown"
            self.close()
            raise PermanentError(
                f"the journal in {self.directory} is in use by another daemon (process {owner})"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _open_tail(self) -> None:
        """Open the newest file behind its last whole record."""
        if not self._sizes:
            self._base, self._next = 0, 0
            self._create_tail(0)
            return
        self._base = max(self._sizes)
        path = segment.path_of(self.directory, self._base)
        extent = segment.measure(path)
        torn = self.directory / f"torn-{self._base:020}-{extent.bytes}"
        self.cut_bytes = segment.cut(path, extent.bytes, torn)
        if self.cut_bytes:
            log.warning("journal: cut off a torn record", bytes=self.cut_bytes, kept=str(torn))
        self._sizes[self._base] = extent.bytes
        self._next = self._base + extent.records
        self._tail = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def _load_cursor(self) -> Position:
        """The saved cursor, or the oldest place that is certainly not behind it."""
        oldest = min(self._sizes)
        try:
            text = (self.directory / "cursor").read_bytes()
            saved = msgspec.json.decode(text, type=Position)
        except (FileNotFoundError, msgspec.DecodeError):
            return Position(oldest, 0, oldest)
        if saved.segment not in self._sizes:
            known = [base for base in self._sizes if base >= saved.index]
            return Position(known[0], 0, known[0]) if known else Position(oldest, 0, oldest)
        if saved.segment == self._base and saved.offset > self._sizes[self._base]:
            # What was cut off had been applied already.
            return Position(self._base, self._sizes[self._base], self._next)
        path = segment.path_of(self.directory, saved.segment)
        before = segment.measure(path, until=saved.offset)
        if (before.bytes, saved.segment + before.records) != (saved.offset, saved.index):
            return Position(saved.segment, 0, saved.segment)
        return saved

    def _save_cursor(self) -> None:
        """Overwrite the cursor where it stands. Should that tear, ``_load_cursor`` finds out."""
        text = msgspec.json.encode(self._cursor).ljust(CURSOR_BYTES)
        try:
            if self._cursor_file < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._cursor_file = os.open(self.directory / "cursor", flags, 0o600)
            os.pwrite(self._cursor_file, text, 0)
        except OSError as error:
            self.problem = f"the disk of {self.directory} refuses: {error}"
            log.error("journal can't save its cursor", error=str(error))

    def _make_room(self, size: int) -> None:
        if self.disk_bytes + size <= self.settings.max_bytes:
            return
        if not self.backlog_facts:
            self._broken = True  # all is applied: a new file, and the old one goes
            return
        raise self._refusal(
            f"the journal in {self.directory} has reached its quota of "
            f"{self.settings.max_bytes} bytes (journal.max_bytes)"
        )

    def _refusal(self, problem: str) -> JournalFull:
        if self.problem is None:
            log.error("journal takes no more facts", reason=problem)
        self.problem = problem
        return JournalFull(problem)

    def _rotate(self) -> None:
        """Begin a new file; the old one is closed once it is flushed."""
        base, old = self._next, self._tail
        self._create_tail(base)
        if base == self._base:  # the old file was empty, and is the same one
            os.close(old)
        else:
            self._rotated.append(old)
        self._base = base
        self._broken = False
        self._drop_applied()

    def _create_tail(self, base: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        directory = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._tail = os.open(segment.path_of(self.directory, base), flags, 0o600)
        except OSError:
            os.close(directory)
            raise
        self._rotated.append(directory)  # flushed with the file, or the file has no name
        self._sizes[base] = 0

    def _write(self, data: bytes) -> None:
        """Write at the end. On failure the end stays where it was, and the rest is cut."""
        end = self._sizes[self._base]
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._tail, data[done:] if done else data, end + done)
        except OSError:
            if done:
                os.ftruncate(self._tail, end)
            raise
        self._sizes[self._base] = end + len(data)

    def _reader_at(self, base: int) -> int:
        if self._reader_base != base:
            if self._reader >= 0:
                os.close(self._reader)
                self._reader = -1
            path = segment.path_of(self.directory, base)
            self._reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._reader_base = base
        return self._reader

    def _skip_damage(self) -> None:
        """Go on with the next file although this one gives no more; it is kept for a look."""
        damaged = self._cursor
        if damaged.segment == self._base:
            self._rotate()
        following = min(base for base in self._sizes if base > damaged.segment)
        lost = following - damaged.index
        self.lost_facts += lost
        path = segment.path_of(self.directory, damaged.segment)
        log.error("journal file is damaged", file=str(path), facts_lost=lost)
        path.rename(path.with_suffix(".damaged"))
        del self._sizes[damaged.segment]
        self.advance(Position(following, 0, following))

    def _drop_applied(self) -> None:
        """Step from the end of a file to the next, and delete the files behind the cursor."""
        for base in list(self._sizes):
            if base == self._base:
                break
            if base == self._cursor.segment:
                if self._cursor.offset < self._sizes[base]:
                    break
                following = min(other for other in self._sizes if other > base)
                if following != self._cursor.index:
                    break  # the file ends too early; read() finds that out
                self._cursor = Position(following, 0, following)
            del self._sizes[base]
            segment.path_of(self.directory, base).unlink(missing_ok=True)


def _sync_and_close(files: list[int]) -> None:
    try:
        for file in files:
            os.fsync(file)
    finally:
        for file in files:
            os.close(file)
