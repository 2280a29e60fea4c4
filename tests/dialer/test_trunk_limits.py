"""Channels and calls a second of trunks, whichever campaign dials."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.dialer.trunk_limits import Trunk, TrunkLimits

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def limits(*trunks: tuple[str, int, float]) -> TrunkLimits:
    return TrunkLimits(Trunk(name, "PJSIP/{number}@p", lines, rate) for name, lines, rate in trunks)


def take(trunks: TrunkLimits, at: datetime, *names: str) -> str | None:
    """Begin one call by the first of these that takes one."""
    planned = trunks.plan(names or ("a",), 1, at)
    for name in planned:
        trunks.take(name, at)
    return next(iter(planned), None)


def test_the_preferred_one_first_and_then_the_next() -> None:
    two = limits(("a", 2, 100), ("b", 1, 100))
    assert two.room(["a", "b"], NOW) == 3
    assert two.plan(["a", "b"], 9, NOW) == ["a", "a", "b"]
    assert two.plan(["b", "a"], 2, NOW) == ["b", "a"]
    assert [take(two, NOW, "a", "b") for _ in range(4)] == ["a", "a", "b", None]
    two.give_back("a")
    assert two.room(["b"], NOW) == 0
    assert take(two, NOW, "b", "a") == "a"


@pytest.mark.parametrize(
    ("rate", "times", "taken"),
    [
        (2, [0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1, 1.15], 4),
        (1, [0, 0.5, 0.99, 1.0, 1.5, 2.0], 3),
        (0.5, [0, 1, 1.9, 2.0, 3.9, 4.0], 3),
        (2.5, [0, 0, 0, 0.79, 0.8, 0.8, 0.8], 4),
    ],
)
def test_calls_a_second(rate: float, times: list[float], taken: int) -> None:
    one = limits(("a", 100, rate))
    assert sum(take(one, after(at)) is not None for at in times) == taken


def test_a_trunk_that_is_not_there_takes_nothing() -> None:
    none = limits()
    assert none.room(["a"], NOW) == 0
    assert take(none, NOW) is None
    none.give_back("a")
    assert none.on("a") == 0


def test_what_is_set_anew_keeps_what_is_on() -> None:
    one = limits(("a", 3, 100))
    take(one, NOW)
    one.carry("a")
    one.set([Trunk("a", "PJSIP/{digits}@q", 2, 100)])
    assert (one.on("a"), one.room(["a"], after(5))) == (2, 0)
    one.give_back("a")
    assert take(one, after(5)) == "a"
    assert one.trunks["a"].dial == "PJSIP/{digits}@q"


@given(
    st.integers(1, 5), st.floats(0.2, 9),
    st.lists(st.tuples(st.floats(0, 0.7), st.booleans()), max_size=60),
)  # fmt: skip
def test_no_stretch_ever_has_more_than_it_may(
    channels: int, rate: float, moves: list[tuple[float, bool]]
) -> None:
    one = limits(("a", channels, rate))
    now, begun, on = NOW, [], 0
    for pause, ends in moves:
        now += timedelta(seconds=pause)
        if ends and on:
            one.give_back("a")
            on -= 1
        elif take(one, now) is not None:
            on += 1
            begun.append(now)
        assert on == one.on("a") <= channels
    trunk = one.trunks["a"]
    for first in begun:
        within = [at for at in begun if first <= at < first + trunk.window]
        assert len(within) <= trunk.at_once
