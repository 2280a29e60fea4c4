"""Caps and pauses: which hold at a place, and what earlier attempts to a number leave of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.dialer.caps import Earlier, caps_of, may_call, one_cap
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profile_files import builtin, parse_profile
from ccmiddleware.dialer.profiles import Cap

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def at(*states: str) -> Place:
    return Place("US", ("America/New_York",), tuple(sorted(states)))


# states, the campaign's cap, caps that hold (calls, hours)
HOLD = [
    ((), None, []),
    (("US-GA",), None, []),
    (("US-FL",), None, [(3, 24)]),
    (("US-OK",), None, [(3, 24)]),
    (("US-MD",), None, [(3, 24)]),
    (("US-FL", "US-GA"), None, [(3, 24)]),
    (("US-FL", "US-MD"), None, [(3, 24)]),  # the same of two states
    (("US-GA",), Cap(5, 24, "ours"), [(5, 24)]),
    (("US-FL",), Cap(5, 24, "ours"), [(3, 24)]),
    (("US-FL",), Cap(2, 24, "ours"), [(2, 24)]),
    (("US-FL",), Cap(3, 48, "ours"), [(3, 48)]),
    (("US-FL",), Cap(10, 168, "ours"), [(3, 24), (10, 168)]),
    (("US-FL",), Cap(1, 4, "ours"), [(3, 24), (1, 4)]),
]


@pytest.mark.parametrize(("states", "own", "expected"), HOLD)
def test_caps_that_hold(
    states: tuple[str, ...], own: Cap | None, expected: list[tuple[int, int]]
) -> None:
    found = caps_of(at(*states), builtin("us-ftc"), own)
    assert [(cap.calls, cap.hours) for cap in found] == expected
    assert all(cap.source for cap in found)


ONE = [
    ([], None),
    ([Cap(3, 24, "a")], (3, 24, "a")),
    ([Cap(3, 24, "a"), Cap(10, 168, "b")], (3, 168, "a; b")),
    ([Cap(3, 24, "a"), Cap(2, 24, "b")], (2, 24, "a; b")),
]


@pytest.mark.parametrize(("caps", "expected"), ONE)
def test_one_cap_for_all(caps: list[Cap], expected: tuple[int, int, str] | None) -> None:
    found = one_cap(caps)
    assert (found and (found.calls, found.hours, found.source)) == expected


# caps (calls, hours), hours ago of earlier attempts, allowed, hours until again
CAPPED = [
    ([(3, 24)], [], True, None),
    ([(3, 24)], [1, 2], True, None),
    ([(3, 24)], [1, 2, 3], False, 21),
    ([(3, 24)], [0, 0, 0], False, 24),
    ([(3, 24)], [1, 2, 24], True, None),  # exactly a day ago counts no more
    ([(3, 24)], [1, 2, 23.99], False, 0.01),
    ([(3, 24)], [1, 2, 3, 23], False, 21),  # four already: until the third last is over
    ([(3, 24)], [30, 40, 50, 60], True, None),
    ([(1, 4)], [3], False, 1),
    ([(1, 4)], [4], True, None),
    ([(3, 24), (1, 4)], [1], False, 3),
    ([(3, 24), (1, 4)], [5, 6, 7], False, 17),
    ([(3, 24), (5, 168)], [30, 40, 50, 60, 70], False, 98),
    ([], [0, 0, 0, 0], True, None),
]


@pytest.mark.parametrize(("caps", "ago", "allowed", "again"), CAPPED)
def test_capped(
    caps: list[tuple[int, int]], ago: list[float], allowed: bool, again: float | None
) -> None:
    found = may_call(
        [Cap(calls, hours, f"rule {hours}") for calls, hours in caps],
        builtin("us-ftc"),
        NOON,
        [Earlier(NOON - timedelta(hours=hours)) for hours in ago],
    )
    assert found.allowed is allowed
    assert found.again_at == (None if again is None else NOON + timedelta(hours=again))
    assert bool(found.reasons) is not allowed


def test_a_refusal_says_how_often_and_by_which_rule() -> None:
    caps = caps_of(at("US-FL"), builtin("us-ftc"))
    earlier = [Earlier(NOON - timedelta(hours=hours)) for hours in (1, 2, 5)]
    found = may_call(caps, builtin("us-ftc"), NOON, earlier)
    assert found.reasons == (
        "called 3 times in the last 24 hours, where 3 are allowed "
        "(Fla. Stat. 501.616(6)(b), on the same subject)",
    )
    assert "501.616" in found.rule


# profile, result, hours ago, agent sure, allowed, hours until again
PAUSES = [
    ("us-ftc", "dropped", 0.1, False, True, None),
    ("us-ftc", "machine", 0.1, False, True, None),
    ("uk-ofcom", "dropped", 71, False, False, 1),
    ("uk-ofcom", "dropped", 72, False, True, None),
    ("uk-ofcom", "dropped", 1, True, True, None),
    ("uk-ofcom", "machine", 23, False, False, 1),
    ("uk-ofcom", "machine", 24, False, True, None),
    ("uk-ofcom", "machine", 1, True, True, None),
    ("uk-ofcom", "no_answer", 0.1, False, True, None),
    ("uk-ofcom", "connected", 0.1, False, True, None),
]


@pytest.mark.parametrize(("profile", "result", "ago", "sure", "allowed", "again"), PAUSES)
def test_pause(
    profile: str, result: str, ago: float, sure: bool, allowed: bool, again: float | None
) -> None:
    earlier = [Earlier(NOON - timedelta(hours=ago), result), Earlier(NOON - timedelta(days=30))]
    found = may_call((), builtin(profile), NOON, earlier, agent_guaranteed=sure)
    assert found.allowed is allowed
    assert found.again_at == (None if again is None else NOON + timedelta(hours=again))


def test_the_longest_pause_decides() -> None:
    profile = parse_profile('builds_on = "uk-ofcom"\n', "ours")
    earlier = [
        Earlier(NOON - timedelta(hours=1), "dropped"),
        Earlier(NOON - timedelta(hours=2), "machine"),
    ]
    found = may_call([Cap(2, 4, "ours")], profile, NOON, earlier)
    assert len(found.reasons) == 3
    assert found.again_at == NOON + timedelta(hours=71)
    assert "the call was dropped" in found.reasons[1]
    assert "guaranteed" in found.rule


AGO = st.lists(st.integers(0, 300), max_size=12)
CAPS = st.lists(
    st.builds(Cap, st.integers(1, 6), st.integers(1, 200), st.just("x")), min_size=1, max_size=3
)


@settings(deadline=None)
@given(AGO, CAPS)
def test_it_is_allowed_when_it_is_said_to_be(ago: list[int], caps: list[Cap]) -> None:
    earlier = [Earlier(NOON - timedelta(hours=hours)) for hours in ago]
    profile = builtin("us-ftc")
    now = may_call(caps, profile, NOON, earlier)
    if now.again_at is not None:
        assert now.again_at > NOON
        assert may_call(caps, profile, now.again_at, earlier).allowed
        before = now.again_at - timedelta(seconds=1)
        assert not may_call(caps, profile, before, earlier).allowed


@settings(deadline=None)
@given(AGO, CAPS)
def test_the_one_cap_is_never_wider_than_any(ago: list[int], caps: list[Cap]) -> None:
    earlier = [Earlier(NOON - timedelta(hours=hours)) for hours in ago]
    one = one_cap(caps)
    assert one is not None
    if may_call([one], builtin("us-ftc"), NOON, earlier).allowed:
        assert may_call(caps, builtin("us-ftc"), NOON, earlier).allowed
