"""sd_notify against a real Unix datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccmiddleware.systemd import Notifier

DEADLINE = 20.0


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """What systemd is for a service: a socket, and its name in the environment."""
    path = tmp_path / "notify"
    name = str(path) if request.param == "path" else f"\0ccm-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(DEADLINE)
        yield listener, name.replace("\0", "@")


def heard(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


def test_a_life_is_told_in_order(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": name})

    notifier.ready("watching 2 nodes")
    notifier.status("database away")
    notifier.alive()
    notifier.stopping()

    assert heard(listener) == ["READY=1", "STATUS=watching 2 nodes"]
    assert heard(listener) == ["STATUS=database away"]
    assert heard(listener) == ["WATCHDOG=1"]
    assert heard(listener) == ["STOPPING=1"]


def test_a_status_is_one_line(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager

    Notifier(name).status("caller Eve\nMAINPID=1\nREADY=1 \ud800")

    assert heard(listener) == ["STATUS=caller Eve�MAINPID=1�READY=1 �"]


def test_what_systemd_says_is_taken_out_of_the_environment() -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/x",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/root",
    }

    notifier = Notifier.from_environment(environment)

    assert notifier.watchdog == 30.0
    assert environment == {"HOME": "/root"}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_of_others_is_not_ours(environment: dict[str, str]) -> None:
    assert Notifier.from_environment(environment).watchdog is None


@pytest.mark.parametrize("address", [None, "", "relative", "vsock:2:1"])
def test_without_a_socket_nothing_is_sent_or_said(address: str | None) -> None:
    with capture_logs() as logs:
        Notifier(address).ready()

    assert logs == []


def test_a_socket_that_is_gone_is_logged_and_does_no_harm(tmp_path: Path) -> None:
    with capture_logs() as logs:
        Notifier(str(tmp_path / "gone")).ready()

    assert [line["event"] for line in logs] == ["systemd_not_notified"]


def test_a_manager_that_does_not_read_does_not_block_us(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, capture_logs() as logs:
        listener.bind(str(tmp_path / "full"))
        notifier = Notifier(str(tmp_path / "full"))
        for _ in range(3000):
            notifier.alive()
            if logs:
                break

    assert logs[0]["event"] == "systemd_not_notified"


async def test_signs_of_life_come_while_healthy(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    asked: list[bool] = []

    def healthy() -> bool:
        asked.append(True)
        return len(asked) != 2  # the second time something is wrong

    notifier = Notifier(name, watchdog=0.02)
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(notifier.watch(healthy))
        told = [await loop.sock_recv(listener, 100) for _ in range(3)]
        watching.cancel()

    assert told == [b"WATCHDOG=1"] * 3
    assert len(asked) >= 4


async def test_without_a_watchdog_watching_only_waits() -> None:
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(Notifier().watch(lambda: False))
        await asyncio.sleep(0.01)
        assert not watching.done()
        watching.cancel()
