"""The journal on a real disk: restarts, torn tails, damage, quota, a killed writer."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccmiddleware.config import JournalSettings
from ccmiddleware.errors import PermanentError
from ccmiddleware.store import segment
from ccmiddleware.store.journal import Batch, Journal, JournalFull, Position

SMALL = JournalSettings(segment_bytes=64 * 1024, max_bytes=1024**2)


def lines(first: int, count: int, size: int = 20) -> list[bytes]:
    """Numbered lines, each of at least ``size`` bytes."""
    return [f"fact {number} ".ljust(size, "x").encode() for number in range(first, first + count)]


def opened(directory: Path, settings: JournalSettings = SMALL) -> Journal:
    journal = Journal(directory, settings)
    journal.open()
    return journal


def drain(journal: Journal, limit: int = 100) -> list[bytes]:
    """Read and apply all that is there."""
    found: list[bytes] = []
    while batch := journal.read(limit):
        found += batch.lines
        journal.advance(batch.after(len(batch)))
    return found


def newest(directory: Path) -> Path:
    return max(directory.glob("*.facts"))


def test_what_was_appended_is_read_in_order_until_it_is_applied(journal: Journal):
    journal.append(lines(0, 3))
    journal.append(lines(3, 2))
    assert journal.backlog_facts == 5
    batch = journal.read(4)
    assert batch.lines == lines(0, 4)
    assert journal.read(4) == batch
    journal.advance(batch.after(3))
    assert journal.read(10).lines == lines(3, 2)
    assert journal.backlog_facts == 2
    journal.advance(journal.read(10).after(2))
    assert (journal.backlog_facts, journal.backlog_bytes, len(journal.read(1))) == (0, 0, 0)


def test_a_restart_goes_on_where_it_was(tmp_path: Path):
    journal = opened(tmp_path)
    journal.append(lines(0, 10))
    journal.advance(journal.read(4).after(4))
    journal.close()
    journal = opened(tmp_path)
    assert journal.backlog_facts == 6
    journal.append(lines(10, 2))
    assert drain(journal) == lines(4, 8)
    journal.close()


def test_files_behind_the_cursor_are_deleted(tmp_path: Path):
    journal = opened(tmp_path)
    for first in range(0, 1000, 10):
        journal.append(lines(first, 10, size=500))
    assert len(list(tmp_path.glob("*.facts"))) > 5
    assert drain(journal) == lines(0, 1000, size=500)
    assert len(list(tmp_path.glob("*.facts"))) == 1
    assert journal.disk_bytes < 2 * 64 * 1024
    journal.close()


@pytest.fixture
def torn_at(tmp_path: Path) -> tuple[Path, int, int]:
    """A closed journal, and the bytes at which its last record begins and ends."""
    journal = opened(tmp_path)
    journal.append(lines(0, 5))
    begin = newest(tmp_path).stat().st_size
    journal.append([b"the last one"])
    end = newest(tmp_path).stat().st_size
    journal.close()
    return tmp_path, begin, end


def test_a_torn_record_is_cut_off_wherever_it_is_torn(torn_at: tuple[Path, int, int]):
    directory, begin, end = torn_at
    whole = newest(directory).read_bytes()
    for length in range(begin + 1, end):
        newest(directory).write_bytes(whole[:length])
        journal = opened(directory)
        assert journal.cut_bytes == length - begin
        assert journal.read(100).lines == lines(0, 5)
        journal.append(lines(5, 1))
        assert journal.read(100).lines == lines(0, 6)
        journal.close()
        kept = directory / f"torn-{0:020}-{begin}"
        assert kept.read_bytes() == whole[begin:length]


def test_a_flipped_bit_in_the_last_record_is_found(torn_at: tuple[Path, int, int]):
    directory, begin, end = torn_at
    whole = bytearray(newest(directory).read_bytes())
    whole[end - 1] ^= 1
    newest(directory).write_bytes(whole)
    journal = opened(directory)
    assert journal.cut_bytes == end - begin
    assert drain(journal) == lines(0, 5)
    journal.close()


def test_blocks_that_were_never_written_are_cut_off(torn_at: tuple[Path, int, int]):
    directory, _, end = torn_at
    with newest(directory).open("ab") as file:
        file.write(bytes(4096))
    journal = opened(directory)
    assert journal.cut_bytes == 4096
    assert drain(journal) == [*lines(0, 5), b"the last one"]
    assert not list(directory.glob("torn-*"))
    journal.close()
    assert newest(directory).stat().st_size == end


def test_a_cursor_behind_a_cut_tail_stays_usable(torn_at: tuple[Path, int, int]):
    directory, begin, _ = torn_at
    journal = opened(directory)
    drain(journal)
    journal.close()
    os.truncate(newest(directory), begin + 3)
    journal = opened(directory)
    assert journal.backlog_facts == 0
    journal.append(lines(70, 2))
    journal.close()
    journal = opened(directory)
    assert drain(journal) == lines(70, 2)
    journal.close()


@pytest.mark.parametrize(
    "cursor",
    [
        b"",
        b"{",
        b'{"segment":0,"offset":7,"index":1}',
        b'{"segment":0,"offset":28,"index":5}',
        b'{"segment":99,"offset":0,"index":99}',
    ],
)
def test_a_cursor_that_fits_nothing_means_read_again(tmp_path: Path, cursor: bytes):
    journal = opened(tmp_path)
    journal.append(lines(0, 5))
    journal.close()
    (tmp_path / "cursor").write_bytes(cursor)
    journal = opened(tmp_path)
    assert drain(journal) == lines(0, 5)
    journal.close()


def test_a_damaged_file_loses_only_what_it_no_longer_gives(tmp_path: Path):
    journal = opened(tmp_path)
    for first in range(0, 400, 10):
        journal.append(lines(first, 10, size=500))
    journal.close()
    oldest = min(tmp_path.glob("*.facts"))
    whole = bytearray(oldest.read_bytes())
    whole[3 * 508 + 20] ^= 1
    oldest.write_bytes(whole)
    following = sorted(segment.find(tmp_path))[1]
    journal = opened(tmp_path)
    assert drain(journal) == [
        *lines(0, 3, size=500),
        *lines(following, 400 - following, size=500),
    ]
    assert journal.lost_facts == following - 3
    assert oldest.with_suffix(".damaged").read_bytes() == whole
    journal.close()


def test_a_full_journal_says_so_and_goes_on_when_there_is_room(tmp_path: Path):
    journal = opened(tmp_path)
    taken = 0
    while journal.disk_bytes + 11_000 < SMALL.max_bytes:
        journal.append(lines(taken, 10, size=1000))
        taken += 10
    with pytest.raises(JournalFull, match=r"journal\.max_bytes"):
        journal.append(lines(taken, 20, size=1000))
    assert taken > 900
    assert journal.disk_bytes <= SMALL.max_bytes
    assert journal.problem is not None
    assert drain(journal) == lines(0, taken, size=1000)
    journal.append(lines(taken, 1))
    assert journal.problem is None
    assert drain(journal) == lines(taken, 1)
    journal.close()


def test_a_quota_below_the_file_size_does_not_lock_an_applied_journal(tmp_path: Path):
    journal = opened(tmp_path, JournalSettings(max_bytes=1024**2))
    for first in range(0, 5000, 50):
        journal.append(lines(first, 50, size=1000))
        assert drain(journal) == lines(first, 50, size=1000)
    journal.close()


def test_one_daemon_at_a_time(journal: Journal):
    second = Journal(journal.directory)
    with pytest.raises(PermanentError, match=f"in use by another daemon .process {os.getpid()}"):
        second.open()
    journal.append(lines(0, 1))
    assert drain(journal) == lines(0, 1)


def test_a_directory_that_can_not_be_used_is_said_clearly(tmp_path: Path):
    (tmp_path / "journal").write_text("a file")
    with pytest.raises(PermanentError, match="can't be used"):
        Journal(tmp_path / "journal").open()


def test_records_that_can_not_be_are_a_mistake_of_the_caller(journal: Journal):
    with pytest.raises(ValueError, match="1 to"):
        journal.append([b""])
    assert journal.backlog_facts == 0


def test_the_age_is_that_of_the_oldest_fact_not_applied(tmp_path: Path):
    now = 100.0
    journal = Journal(tmp_path, clock=lambda: now)
    journal.open()
    assert journal.oldest_age == 0
    journal.append(lines(0, 1))
    now = 130.0
    journal.append(lines(1, 1))
    now = 140.0
    assert journal.oldest_age == 40
    journal.advance(journal.read(1).after(1))
    assert journal.oldest_age == 10
    drain(journal)
    assert journal.oldest_age == 0
    journal.close()


async def test_flush_leaves_nothing_dirty_and_files_closed(tmp_path: Path):
    before = set(os.listdir("/proc/self/fd"))
    journal = opened(tmp_path)
    for first in range(0, 400, 10):
        journal.append(lines(first, 10, size=500))
    await journal.flush()
    assert journal.problem is None
    assert drain(journal) == lines(0, 400, size=500)
    journal.close()
    assert set(os.listdir("/proc/self/fd")) == before


LIMITED = """
import json, resource, sys
from pathlib import Path
from ccmiddleware.config import JournalSettings
from ccmiddleware.store.journal import Journal, JournalFull
journal = Journal(Path(sys.argv[1]), JournalSettings(segment_bytes=10**6))
journal.open()
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
refused = None
taken = 0
while refused is None:
    try:
        journal.append([b"%03d" % taken + b"x" * 996] * 2)
        taken += 1
    except JournalFull as error:
        refused = str(error)
half = next(Path(sys.argv[1]).glob("*.facts")).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.append([b"after"])
batch = journal.read(100)
print(json.dumps({"taken": taken, "refused": refused, "size": half,
                  "read": [line[:5].decode() for line in batch.lines]}))
"""


def test_a_write_that_the_disk_cuts_short_is_taken_back(tmp_path: Path):
    """The limit on file sizes makes the kernel write a part of it, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["taken"] == 4
    assert "refuses" in told["refused"]
    assert told["size"] == 4 * 2 * 1007
    assert told["read"] == [f"{n:03}xx" for n in (0, 0, 1, 1, 2, 2, 3, 3)] + ["after"]


KILLED = """
import sys
from pathlib import Path
from ccmiddleware.config import JournalSettings
from ccmiddleware.store.journal import Journal
journal = Journal(Path(sys.argv[1]), JournalSettings(segment_bytes=65536))
journal.open()
number = 0
while True:
    journal.append([b"%d" % n for n in range(number, number + 7)])
    number += 7
    print(number, flush=True)
"""


def test_what_append_took_survives_sigkill(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        told = b""
        while told.count(b"\n") < 3000:
            told += os.read(child.stdout.fileno(), 65536)
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
        child.wait(timeout=30)
    promised = int(told[: told.rindex(b"\n")].rsplit(b"\n", 1)[-1])
    journal = opened(tmp_path)
    found = [int(line) for line in drain(journal, 500)]
    assert len(found) >= promised > 20_000
    assert found == list(range(len(found)))
    journal.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40), st.integers(20, 3000)),
        st.tuples(st.just("apply"), st.integers(1, 60), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
        st.tuples(st.just("forget"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@given(steps=STEPS)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_behaves_like_a_list(steps: list[tuple[str, int, int]], tmp_path_factory):
    """Append, apply, restart, and a restart that has forgotten the last cursor."""
    directory = tmp_path_factory.mktemp("journal")
    journal = opened(directory, JournalSettings(segment_bytes=64 * 1024))
    model: list[bytes] = []
    applied = 0
    for what, count, size in steps:
        match what:
            case "append":
                more = lines(len(model), count, size)
                journal.append(more)
                model += more
            case "apply":
                batch: Batch = journal.read(count)
                assert batch.lines == model[applied : applied + len(batch)]
                assert bool(batch) == (applied < len(model))
                applied += len(batch)
                journal.advance(batch.after(len(batch)))
            case "restart" | "forget":
                journal.close()
                if what == "forget":
                    (directory / "cursor").unlink(missing_ok=True)
                journal = opened(directory, JournalSettings(segment_bytes=64 * 1024))
                assert journal.cut_bytes == 0
                if what == "forget":
                    assert len(model) - journal.backlog_facts <= applied
                    applied = len(model) - journal.backlog_facts
        assert journal.backlog_facts == len(model) - applied
    assert drain(journal) == model[applied:]
    journal.close()


def test_positions_inside_a_batch():
    batch = Batch([b"a", b"b"], [9, 18], Position(5, 0, 5))
    assert batch.after(0) == Position(5, 0, 5)
    assert batch.after(2) == Position(5, 18, 7)
