"""When loops that look at something again and again wake up."""

import asyncio

import pytest

from ccmiddleware import beat as module
from ccmiddleware.beat import beat, next_beat


class Loop:
    """A loop whose time stands."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("now", "pause", "then"),
    [
        (100.0, 0.5, 100.5),
        (100.01, 0.5, 100.5),  # woken up a moment late: the beat is kept
        (99.999, 0.5, 100.5),  # or a moment early: not twice
        (100.37, 0.5, 100.5),
        (100.38, 0.5, 101.0),  # a look that took long: something is left of the pause
        (100.3, 2.0, 102.0),
        (101.9, 2.0, 104.0),
    ],
)
def test_beats_are_whole_multiples_of_the_pause(
    now: float, pause: float, then: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: Loop(now))
    assert next_beat(pause) == pytest.approx(then)
    assert 0.25 * pause <= then - now <= 1.25 * pause


async def test_a_beat_is_slept_through() -> None:
    loop = asyncio.get_running_loop()
    due = next_beat(0.05)
    await beat(0.05)
    assert loop.time() >= due - 0.01


async def test_no_pause_is_no_sleep() -> None:
    async with asyncio.timeout(5):
        await beat(0)
