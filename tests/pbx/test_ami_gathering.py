"""How long bytes gather in the socket before the link reads them."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
import structlog

from ccmiddleware.clock import utc_now
from ccmiddleware.pbx import protocol
from ccmiddleware.pbx.events import Event
from ccmiddleware.pbx.protocol import GATHER_BUSY, GATHER_QUIET, MUCH_BYTES, LinkProtocol


class Nobody:
    """Takes everything."""

    full = False

    def dispatch(self, event: Event) -> None:
        """Nothing."""

    def dropped(self, at: datetime) -> None:
        """Nothing."""

    def malformed(self, name: str, error: Exception) -> None:
        """Nothing."""


class Transport(asyncio.Transport):
    """Counts pauses."""

    paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return False


SMALL, MANY, FLOOD = 100, protocol.BUSY_BYTES, MUCH_BYTES


@pytest.mark.parametrize(
    ("chunks", "pauses"),
    [
        pytest.param([SMALL, SMALL], [GATHER_QUIET, GATHER_QUIET], id="quiet"),
        pytest.param([MANY, SMALL, MANY], [GATHER_BUSY, GATHER_QUIET, GATHER_BUSY], id="busy"),
        pytest.param([FLOOD, FLOOD, FLOOD], [], id="flood"),
        pytest.param([FLOOD, SMALL, SMALL], [GATHER_BUSY, GATHER_QUIET], id="end of a flood"),
    ],
)
async def test_pauses(
    monkeypatch: pytest.MonkeyPatch, chunks: list[int], pauses: list[float]
) -> None:
    told: list[float] = []

    def later(seconds: float, read_on: Callable[[], None]) -> None:
        assert transport.paused
        told.append(seconds)
        transport.resume_reading()

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", later)
    link = LinkProtocol(Nobody(), clock=utc_now, log=structlog.get_logger(), patience=1)
    link.transport = transport = Transport()
    link.data_received(b"Asterisk Call Manager/9.0.0\r\n")
    assert told == []  # before the login nothing is delayed
    link.authenticated = True
    for size in chunks:
        link.data_received(b"Event: Nothing\r\nA: " + b"x" * (size - 23) + b"\r\n\r\n")
    assert told == pauses
