"""The tail of queue_log: through rotation of every kind, truncation, absence and kill -9.

Each test writes files as Asterisk and logrotate do, and reads them with tails that are thrown away
at any moment, as a daemon that is killed; a store keeps rows by their keys, as Postgres does.
"""

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ccmiddleware.queue_log.tail import PIECE, Piece, Position, Tail

BEGIN = 1795817559
SINCE = datetime.fromtimestamp(BEGIN, UTC) - timedelta(days=1)


class Asterisk:
    """Writes queue_log; ``written`` is all that it ever wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[str] = []
        self.second = BEGIN
        self.clock = 0
        self._file = path.open("ab", buffering=0)

    def log(self, rows: int = 1, *, equal: bool = False) -> None:
        for _ in range(rows):
            self.second += 0 if equal else 1
            text = "same" if equal else f"row {len(self.written)}"
            line = f"{self.second}|c|q|Jörg|{text}|data"
            self._file.write(f"{line}\n".encode())
            self.written.append(line)
            self.touch(self.path)

    def touch(self, path: Path) -> None:
        """Times of change that differ, however fast the test is."""
        self.clock += 1
        os.utime(self._file.fileno() if path == self.path else path, (self.clock, self.clock))

    def reopen(self) -> None:
        """As `logger reload`: from now on into the file that has the name."""
        self._file.close()
        self._file = self.path.open("ab", buffering=0)
        self.touch(self.path)

    def rotate(self, name: str) -> None:
        """As `logger rotate`."""
        self.path.rename(self.path.with_name(name))
        self.reopen()

    def copytruncate(self, name: str) -> None:
        """As logrotate with copytruncate."""
        copy = self.path.with_name(name)
        shutil.copyfile(self.path, copy)
        self.touch(copy)
        os.truncate(self.path, 0)

    def close(self) -> None:
        self._file.close()


class Store:
    """What Postgres holds: rows by key, and the position."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[UUID, tuple[int, str]] = {}
        self.position: Position | None = None
        self.garbage = 0
        self.lost = 0
        self.tail = self.new()

    def new(self) -> Tail:
        """The tail of a daemon that starts."""
        self.tail = Tail(self.path, self.position, since=SINCE)
        return self.tail

    def read(self, pieces: int = 1000) -> "Store":
        """Read to the end, or so many pieces, and keep all of it."""
        for _ in range(pieces):
            piece = self.tail.read()
            if not self.keep(piece):
                break
        return self

    def keep(self, piece: Piece) -> bool:
        self.garbage += piece.garbage
        self.lost += piece.lost_place
        for sequence, key, row in piece.rows:
            text = "|".join(
                [f"{row.at.timestamp():.0f}", row.call, row.queue, row.agent, row.event]
            )
            self.rows.setdefault(key, (sequence, "|".join([text, *row.data])))
        if piece.position is not None:
            self.position = piece.position
        return piece.position is not None

    @property
    def told(self) -> list[str]:
        """The rows in the order of their sequences, which all differ."""
        assert len({sequence for sequence, _ in self.rows.values()}) == len(self.rows)
        return [text for _, text in sorted(self.rows.values())]


@pytest.fixture
def pbx(tmp_path: Path) -> Iterator[Asterisk]:
    made = Asterisk(tmp_path / "queue_log")
    yield made
    made.close()


@pytest.fixture
def store(pbx: Asterisk) -> Store:
    return Store(pbx.path)


def test_every_whole_line_once(pbx: Asterisk, store: Store) -> None:
    assert store.read().told == []
    pbx.log(3)
    assert store.read().told == pbx.written
    pbx._file.write(b"1795817590|c|q|a|ENTER")
    assert store.read().told == pbx.written
    pbx._file.write(b"QUEUE|x\n")
    pbx.written.append("1795817590|c|q|a|ENTERQUEUE|x")
    assert store.read().told == pbx.written
    assert store.read().told == pbx.written


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "later"
    store = Store(path)
    assert store.read().told == []
    pbx = Asterisk(path)
    pbx.log(2)
    assert store.read().told == pbx.written
    pbx.close()


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.touch()
    path.chmod(0)
    tail = Tail(tmp_path / "nowhere" / "queue_log", Position(1, 5, "x", 5, SINCE), since=SINCE)
    with pytest.raises(FileNotFoundError):
        tail.read()


def test_garbage_is_counted_and_skipped(pbx: Asterisk, store: Store) -> None:
    pbx.log()
    pbx._file.write(b"\0\0\0garbage\n\n1795817590|torn\n")
    pbx._file.write(b"x" * (2 * PIECE) + b"\n")
    pbx.log()
    assert store.read().told == pbx.written
    assert store.garbage == 4  # two lines, and two pieces of the endless one


def test_old_rows_are_left_out_at_the_first_look(pbx: Asterisk, store: Store) -> None:
    for days in (400, 2):
        pbx._file.write(f"{BEGIN - days * 86400}|c|q|a|ENTERQUEUE|\n".encode())
    pbx.log(2)
    assert store.read().told == pbx.written


def test_no_row_is_too_old_where_reading_stopped(pbx: Asterisk, store: Store) -> None:
    """A daemon that was away for longer than the first look reaches back."""
    pbx.log(2)
    store.read()
    pbx.log(2)
    store.tail = Tail(pbx.path, store.position, since=SINCE + timedelta(days=30))
    assert store.read().told == pbx.written


def test_equal_rows_are_different_ones_also_after_a_restart(pbx: Asterisk, store: Store) -> None:
    pbx.log(2, equal=True)
    store.read()
    store.new()
    pbx.log(2, equal=True)
    assert store.read().told == pbx.written
    assert len(store.told) == 4


@pytest.mark.parametrize("name", ["queue_log.0", "queue_log.1", "queue_log-20261127"])
@pytest.mark.parametrize("away", [False, True])
def test_rotation(pbx: Asterisk, store: Store, name: str, away: bool) -> None:
    pbx.log(3)
    store.read()
    pbx.log(2)
    pbx.rotate(name)
    if away:
        store.new()
    assert store.read().told == pbx.written
    pbx.log(3)
    assert store.read().told == pbx.written
    assert store.lost == 0


def test_rotation_again_and_again_while_nobody_reads(pbx: Asterisk, store: Store) -> None:
    pbx.log(3)
    store.read()
    for number in range(5):
        pbx.log(number)  # the first file has nothing new, the last one much
        pbx.rotate(f"queue_log.{number}")
    pbx.log(2)
    store.new()
    assert store.read().told == pbx.written
    assert store.lost == 0


def test_names_that_move_up(pbx: Asterisk, store: Store) -> None:
    """logrotate: .1 becomes .2 and is packed, the present one becomes .1."""
    directory = pbx.path.parent
    pbx.log(3)
    store.read()
    pbx.log(2)
    pbx.rotate("queue_log.1")
    pbx.log(2)
    first = directory / "queue_log.1"
    packed = directory / "queue_log.2.gz"
    packed.write_bytes(gzip.compress(first.read_bytes()))
    shutil.copystat(first, packed)
    first.unlink()
    pbx.rotate("queue_log.1")
    pbx.log(2)
    store.new()
    assert store.read().told == pbx.written
    assert store.lost == 0


@pytest.mark.parametrize("away", [False, True])
def test_copytruncate(pbx: Asterisk, store: Store, away: bool) -> None:
    pbx.log(3)
    store.read()
    pbx.log(2)
    pbx.copytruncate("queue_log.1")
    if away:
        store.new()
        pbx.log(20)  # more than there was before
    assert store.read().told == pbx.written
    pbx.log(3)
    assert store.read().told == pbx.written
    assert store.lost == 0


def test_the_old_file_is_written_to_until_asterisk_is_told(pbx: Asterisk, store: Store) -> None:
    """logrotate makes the new file; Asterisk goes on in the old one until `logger reload`."""
    pbx.log(3)
    store.read()
    pbx.path.rename(pbx.path.with_name("queue_log.1"))
    pbx.path.touch()
    assert store.read().told == pbx.written
    line = f"{BEGIN + 50}|c|q|a|late|"
    pbx._file.write(f"{line}\n".encode())
    pbx.written.append(line)
    assert store.read().told == pbx.written
    pbx.second = BEGIN + 60
    pbx.reopen()
    pbx.log(2)
    assert store.read().told == pbx.written


def test_a_truncated_file_without_a_copy(pbx: Asterisk, store: Store) -> None:
    pbx.log(5)
    store.read()
    os.truncate(pbx.path, 0)
    pbx.log(2)
    assert store.read().told == pbx.written
    assert store.lost == 1


def test_an_edited_file_doubles_nothing(pbx: Asterisk, store: Store) -> None:
    """Another file of the same content, and a copy beside it."""
    pbx.log(5)
    pbx.log(2, equal=True)
    store.read()
    content = pbx.path.read_bytes()
    pbx.path.unlink()
    pbx.path.write_bytes(b"#\n" + content)
    pbx.reopen()
    shutil.copyfile(pbx.path, pbx.path.with_name("queue_log.bak"))
    pbx.touch(pbx.path.with_name("queue_log.bak"))
    pbx.log(2)
    assert store.read().told == pbx.written
    assert store.lost == 1


def test_a_reused_inode_is_not_taken_for_the_old_file(pbx: Asterisk, store: Store) -> None:
    pbx.log(3)
    store.read()
    assert store.position is not None
    pbx.path.write_bytes(b"")
    os.truncate(pbx.path, 0)
    pbx.log(30)
    assert store.read().told == pbx.written


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_skipped_or_doubled_whatever_happens(tmp_path: Path, seed: int) -> None:
    """Writing, rotation of every kind, reading, and kill -9 before and after rows are kept."""
    dice = random.Random(seed)
    pbx = Asterisk(tmp_path / "queue_log")
    store = Store(pbx.path)
    number = 0
    for _ in range(250):
        match dice.choice(["log", "log", "equal", "read", "read", "killed", "restart", "rotate"]):
            case "log":
                pbx.log(dice.randint(1, 40))
            case "equal":
                pbx.log(dice.randint(1, 3), equal=True)
                pbx.second += 1
            case "read":
                store.read(dice.randint(1, 3))
            case "killed":
                store.tail.read()  # and nothing of it is kept
                store.new()
            case "restart":
                store.new()
            case "rotate" if pbx.path.stat().st_size and (store.position or number):
                number += 1
                pbx.second += 1
                dice.choice([pbx.rotate, pbx.rotate, pbx.copytruncate])(f"queue_log.{number}")
    pbx.log()
    store.new()
    assert store.read().told == pbx.written
    assert store.lost == 0
    pbx.close()
