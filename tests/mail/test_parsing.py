"""Reading in other processes: none holds up the loop, and none takes the daemon with it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hostile import CASES
from hostile_case import mail

from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail import parsing
from ccmiddleware.mail.message import Limits, Message, Unreadable
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.mail.reading import read

LIMITS = Limits()


def evil_read(raw: bytes, limits: Limits) -> Message | Unreadable:
    """What a reader may do in the worst case, as the message says."""
    match raw:
        case b"die":
            os._exit(3)
        case b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"hang":
            signal.pause()
        case b"spin":
            while True:
                pass
        case b"memory":
            return read(bytearray(8 << 30), limits)
    return read(raw, limits)


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(LIMITS, processes=2) as readers:
        yield readers


async def parse_evil(readers: Readers, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> Unreadable:
    monkeypatch.setattr(parsing, "read", evil_read)
    got = await readers.parse(raw)
    assert isinstance(got, Unreadable)
    return got


async def test_a_message_is_read_in_another_process(readers: Readers) -> None:
    raw = mail("Hello")
    assert await readers.parse(raw) == read(raw, LIMITS)


@pytest.mark.parametrize("deed", [b"die", b"kill"])
async def test_a_reader_that_dies_is_replaced(
    readers: Readers, deed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        got = await parse_evil(readers, deed, monkeypatch)
        assert got.reason.startswith("the reader died at it")
    assert isinstance(await readers.parse(mail("Hello")), Message)


@pytest.mark.parametrize("deed", [b"hang", b"spin"])
async def test_a_reader_that_takes_too_long_is_replaced(
    deed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Readers(replace(LIMITS, seconds=0.3)) as readers:
        got = await parse_evil(readers, deed, monkeypatch)
        assert got.reason == "reading it took longer than 0.3 s"
    async with Readers(LIMITS) as readers:
        assert isinstance(await readers.parse(mail("Hello")), Message)


async def test_memory_is_bounded(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "read", evil_read)
    with pytest.raises(MemoryError):
        await readers.parse(b"memory")


async def test_one_that_dies_leaves_the_others_alone(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "read", evil_read)
    work = [b"die" if n % 10 == 3 else mail(f"Number {n}") for n in range(40)]
    got = await asyncio.gather(*(readers.parse(raw) for raw in work))
    assert [isinstance(each, Unreadable) for each in got] == [raw == b"die" for raw in work]
    texts = {n: each.text for n, each in enumerate(got) if isinstance(each, Message)}
    assert texts == {n: f"Number {n}" for n in range(40) if n % 10 != 3}


@pytest.mark.parametrize("deed", [b"die", b"hang"])
async def test_several_are_read_at_once_and_one_that_kills_takes_none_with_it(
    deed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "read", evil_read)
    async with Readers(replace(LIMITS, seconds=3)) as readers:
        got = await readers.parse_all([mail("One"), deed, mail("Two")])
    assert [isinstance(each, Message) for each in got] == [True, False, True]
    assert [each.text for each in got if isinstance(each, Message)] == ["One", "Two"]


async def test_more_than_a_reader_takes_at_once_is_read_one_by_one() -> None:
    async with Readers(replace(LIMITS, bytes=1000)) as readers:
        got = await readers.parse_all([mail("x" * 600), mail("y" * 600), mail("z" * 1000)])
    assert [isinstance(each, Message) for each in got] == [True, True, False]


async def test_a_cancelled_reading_leaves_the_readers_usable(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "read", evil_read)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await readers.parse(b"hang")
    async with asyncio.timeout(30):
        assert isinstance(await readers.parse(mail("Hello")), Message)


async def test_closing_ends_the_processes_also_while_they_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parsing, "read", evil_read)
    before = set(psutil.Process().children(recursive=True))
    async with Readers(LIMITS) as readers, asyncio.TaskGroup() as group:
        await readers.parse(mail("Hello"))
        reading = group.create_task(readers.parse(b"hang"))
        new = set(psutil.Process().children()) - before
        started = [process for process in new if "spawn_main" in str(process.cmdline())]
        assert started
        await asyncio.sleep(0.1)
        reading.cancel()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    with pytest.raises(TemporaryError):
        await readers.parse(mail("Hello"))


async def test_nothing_hostile_holds_up_the_loop(readers: Readers) -> None:
    """The loop ticks on while all hostile messages are read; the figure is generous on purpose."""
    longest = 0.0
    loop = asyncio.get_running_loop()

    async def tick() -> None:
        nonlocal longest
        while True:
            begun = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - begun - 0.01)

    made = [case.make() for case in CASES]
    await readers.parse(mail("Hello"))
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        for case, raw in zip(CASES, made, strict=True):
            case.check(await readers.parse(raw))
        ticking.cancel()
    print(f"the loop was held up for {longest * 1000:.0f} ms at most")
    assert longest < 0.5


DAEMON = """
import asyncio, sys
from ccmiddleware.mail.message import Limits
from ccmiddleware.mail.parsing import Readers

async def main():
    async with Readers(Limits(), processes=2) as readers:
        await asyncio.gather(*(readers.parse(b"From: a@b.c\\n\\nx") for _ in range(4)))
        print("ready", flush=True)
        await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_the_readers_end_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "daemon.py"
    program.write_text(DAEMON)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"ready\n"
        children = psutil.Process(daemon.pid).children(recursive=True)
        daemon.kill()
    assert children
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
