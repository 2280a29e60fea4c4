"""How long bytes gather in the socket before the link reads them."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import structlog

from ccmiddleware.clock import utc_now
from ccmiddleware.pbx.events import Event
from ccmiddleware.pbx.gathering import BUSY, BUSY_RATE, CHUNK, QUIET, Gathering
from ccmiddleware.pbx.protocol import LinkProtocol

LARGE = 4 * 1024 * 1024
"""A receive buffer that is never full."""

RATE = int(BUSY_RATE * 1.2)


def pauses(rate: float, count: int, gathering: Gathering, now: float = 0.0) -> list[float]:
    """The pauses of a PBX that writes so many bytes a second."""
    told, pause = [], QUIET
    for _ in range(count):
        now += pause
        pause = gathering.pause(round(rate * pause), now, LARGE)
        told.append(pause)
    return told


def test_a_quiet_pbx_is_heard_soon() -> None:
    assert pauses(BUSY_RATE / 4, 5, Gathering(0)) == [QUIET] * 5


def test_a_busy_pbx_is_heard_in_growing_chunks() -> None:
    told = pauses(RATE, 60, Gathering(0))
    assert sorted(told) == told
    assert list(dict.fromkeys(told)) == [QUIET, 0.04, 0.08, BUSY]


def test_one_burst_does_not_make_a_pbx_busy() -> None:
    gathering = Gathering(0)
    assert gathering.pause(5 * RATE // 50, 0.02, LARGE) == QUIET
    assert gathering.pause(100, 0.04, LARGE) == QUIET


def test_what_was_left_in_the_socket_does_not_make_a_busy_pbx_quiet() -> None:
    """The first chunk was as much as is read at once, or the kernel takes; the rest follows."""
    gathering = Gathering(0)
    now = sum(pauses(RATE, 60, gathering))
    gathering.pause(round(RATE * BUSY), now + BUSY, LARGE)
    assert gathering.pause(500, now + BUSY + 0.005, LARGE) == BUSY


def test_a_busy_pbx_stays_busy_until_it_is_half_as_busy() -> None:
    gathering = Gathering(0)
    now = sum(pauses(RATE, 60, gathering))
    assert set(pauses(BUSY_RATE * 0.6, 40, gathering, now)) == {BUSY}
    assert pauses(BUSY_RATE * 0.4, 40, gathering, now + 40 * BUSY)[-1] == QUIET


def test_no_more_gathers_than_is_read_at_once() -> None:
    assert all(rate * pauses(rate, 99, Gathering(0))[-1] < CHUNK * 1.1 for rate in (1e6, 3e6, 9e6))


@pytest.mark.parametrize(
    ("read", "buffer"),
    [
        pytest.param(262_144, LARGE, id="all that a loop reads at once"),
        pytest.param(65_536, 131_072, id="all that the kernel takes"),
    ],
)
def test_a_flood_is_read_without_pauses(read: int, buffer: int) -> None:
    gathering = Gathering(0)
    assert [gathering.pause(read, 0.01 * n, buffer) for n in range(3)] == [0, 0, 0]
    assert gathering.pause(100, 3.0, buffer) == QUIET


class Nobody:
    """Takes everything."""

    full = False

    def dispatch(self, event: Event) -> None:
        """Nothing."""

    def dropped(self, at: datetime) -> None:
        """Nothing."""

    def malformed(self, name: str, error: Exception) -> None:
        """Nothing."""


class Socket:
    """Has room."""

    def getsockopt(self, level: int, option: int) -> int:
        return LARGE


class Transport(asyncio.Transport):
    """Knows whether it is paused."""

    paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return Socket()

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return False


async def test_nothing_is_read_during_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []

    def later(seconds: float, read_on: Callable[[], None]) -> None:
        assert transport.paused
        told.append(seconds)
        read_on()
        assert not transport.paused

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", later)
    link = LinkProtocol(Nobody(), clock=utc_now, log=structlog.get_logger(), patience=1)
    link.transport = transport = Transport()
    link.data_received(b"Asterisk Call Manager/9.0.0\r\n")
    assert told == []  # before the login nothing is delayed
    link.authenticated = True
    link.data_received(b"Event: Nothing\r\n\r\n")
    link.data_received(b"Event: Nothing\r\nA: " + b"x" * 300_000 + b"\r\n\r\n")
    assert told == [QUIET]
