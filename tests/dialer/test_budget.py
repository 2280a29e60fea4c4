"""The ledger of drops: periods, shares, and how a campaign may go on."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.dialer.budget import (
    DayCount,
    Decision,
    GoOn,
    decide,
    drops_left,
    periods,
)
from ccmiddleware.dialer.profile_files import builtin, parse_profile

BEGAN = date(2026, 3, 1)


def day(number: int) -> date:
    """The day of a campaign, from 1."""
    return BEGAN + timedelta(days=number - 1)


def counts(*days: tuple[int, int, int]) -> list[DayCount]:
    """From (day of the campaign, answered calls, drops)."""
    return [DayCount(day(number), live, drops) for number, live, drops in days]


def decided(name: str, today: int, *days: tuple[int, int, int], expected: int = 0) -> Decision:
    return decide(builtin(name), BEGAN, day(today), counts(*days), expected_answers=expected)


N, P, S = GoOn.NORMAL, GoOn.PROGRESSIVE, GoOn.STOP

# profile, today, days (day, answered, dropped), answers sure to come, how to go on
DECISIONS = [
    ("us-ftc", 1, [], 0, N),
    ("us-ftc", 1, [(1, 10, 0)], 0, N),
    ("us-ftc", 1, [(1, 10, 1)], 0, P),  # a small campaign may not end with 10 %
    ("us-ftc", 1, [(1, 35, 1)], 0, N),  # 2.86 %
    ("us-ftc", 1, [(1, 34, 1)], 0, P),  # 2.94 %, above 97 % of the limit
    ("us-ftc", 1, [(1, 10, 1)], 1000, N),  # judged over the first hundred answers
    ("us-ftc", 1, [(1, 10, 2)], 1000, N),
    ("us-ftc", 1, [(1, 10, 3)], 1000, P),
    ("us-ftc", 1, [(1, 10, 2)], 30, P),  # only 40 in all
    ("us-ftc", 1, [(1, 1000, 29)], 0, N),  # 2.9 %
    ("us-ftc", 1, [(1, 1000, 30)], 0, P),  # 3 % itself is lawful, and too near
    ("us-ftc", 1, [(1, 1000, 35)], 0, P),
    ("us-ftc", 1, [(1, 1000, 40)], 0, P),
    ("us-ftc", 1, [(1, 1000, 41)], 0, S),
    ("us-ftc", 1, [(1, 10_000, 310)], 0, P),
    ("us-ftc", 1, [(1, 10_000, 311)], 0, S),
    # thirty days count together
    ("us-ftc", 2, [(1, 1000, 40), (2, 1000, 10)], 0, N),
    ("us-ftc", 30, [(1, 1000, 40), (30, 100, 0)], 0, P),
    ("us-ftc", 30, [(1, 1000, 60), (30, 100, 0)], 0, S),
    ("us-ftc", 31, [(1, 1000, 60), (31, 100, 0)], 0, N),  # the next thirty days
    ("us-ftc", 31, [(30, 1000, 0), (31, 100, 4)], 0, P),  # good days of before do not count
    ("us-ftc", 60, [(31, 1000, 20), (60, 1000, 50)], 0, P),
    ("us-ftc", 61, [(31, 1000, 20), (60, 1000, 90)], 0, N),
    # each day by itself
    ("uk-ofcom", 1, [(1, 1000, 20)], 0, N),  # 2 %, below 70 % of the limit
    ("uk-ofcom", 1, [(1, 1000, 21)], 0, P),
    ("uk-ofcom", 1, [(1, 1000, 32)], 0, P),
    ("uk-ofcom", 1, [(1, 1000, 33)], 0, S),
    ("uk-ofcom", 2, [(1, 1000, 90)], 0, N),
    ("uk-ofcom", 2, [(1, 1000, 0), (2, 100, 4)], 0, P),
    ("uk-ofcom", 2, [(1, 1000, 0), (2, 100, 6)], 0, S),
]


@pytest.mark.parametrize(("name", "today", "days", "expected", "go_on"), DECISIONS)
def test_decision(
    name: str, today: int, days: list[tuple[int, int, int]], expected: int, go_on: GoOn
) -> None:
    found = decided(name, today, *days, expected=expected)
    assert found.go_on is go_on, found.reason
    assert found.period.first <= day(today) <= found.period.last
    assert found.rule


def test_reasons_have_the_figures() -> None:
    normal = decided("us-ftc", 1, (1, 1000, 29))
    assert normal.reason == (
        "29 of 1,000 answered calls were dropped from 2026-03-01 to 2026-03-30, "
        "2.90% of at most 3.00%"
    )
    progressive = decided("us-ftc", 1, (1, 1000, 35))
    assert "nobody is dialed ahead of an agent" in progressive.reason
    assert f"{progressive.answers_needed:,} answers without a drop" in progressive.reason
    stopped = decided("uk-ofcom", 1, (1, 1000, 90))
    assert "only preview is left until 2026-03-01 ends" in stopped.reason
    assert decided("us-ftc", 1).reason == "no call was answered from 2026-03-01 to 2026-03-30"


def test_so_many_answers_bring_it_back() -> None:
    found = decided("us-ftc", 1, (1, 1000, 35))
    assert found.answers_needed == 203  # 35 / 1203 is the first share below 2.91 %
    assert decided("us-ftc", 1, (1, 1203, 35)).go_on is GoOn.NORMAL
    assert decided("us-ftc", 1, (1, 1202, 35)).go_on is GoOn.PROGRESSIVE


def test_persons_taken_for_machines_are_drops() -> None:
    clean = [DayCount(BEGAN, 1000, 25)]
    charged = [DayCount(BEGAN, 1000, 25, 6.5)]
    profile = builtin("us-ftc")
    assert decide(profile, BEGAN, BEGAN, clean).go_on is GoOn.NORMAL
    found = decide(profile, BEGAN, BEGAN, charged)
    assert found.go_on is GoOn.PROGRESSIVE
    assert (found.period.drops, found.period.live) == (31.5, 1006.5)


def test_periods_follow_each_other_without_a_gap() -> None:
    found = periods(
        builtin("us-ftc").terms, BEGAN, day(65), counts((1, 10, 1), (30, 10, 0), (31, 7, 2))
    )
    assert [(each.first, each.last) for each in found] == [
        (date(2026, 3, 1), date(2026, 3, 30)),
        (date(2026, 3, 31), date(2026, 4, 29)),
        (date(2026, 4, 30), date(2026, 5, 29)),
    ]
    assert [(each.live, each.drops) for each in found] == [(20, 1), (7, 2), (0, 0)]
    assert found[2].share == 0


def test_a_day_before_the_first_is_not_left_out() -> None:
    found = periods(builtin("us-ftc").terms, BEGAN, day(1), [DayCount(day(0), 10, 9)])
    assert (found[0].first, found[0].drops) == (day(0), 9)


def test_a_limit_of_none_never_dials_ahead() -> None:
    own = parse_profile(
        'builds_on = "us-ftc"\n[abandonment]\nlimit = { value = 0, source = "ours" }\n', "own"
    )
    assert decide(own, BEGAN, BEGAN, []).go_on is GoOn.PROGRESSIVE
    assert decide(own, BEGAN, BEGAN, counts((1, 1000, 1))).go_on is GoOn.PROGRESSIVE
    assert decide(own, BEGAN, BEGAN, counts((1, 1000, 11))).go_on is GoOn.STOP


def test_drops_left() -> None:
    (period,) = periods(builtin("us-ftc").terms, BEGAN, BEGAN, counts((1, 1000, 28)))
    assert drops_left(builtin("us-ftc").terms, period) == pytest.approx(2)


@pytest.mark.parametrize(
    "wrong", [DayCount(BEGAN, 5, 6), DayCount(BEGAN, -1, 0), DayCount(BEGAN, 5, 1, -1.0)]
)
def test_counts_that_can_not_be_are_refused(wrong: DayCount) -> None:
    with pytest.raises(ValueError, match="2026-03-01"):
        decide(builtin("us-ftc"), BEGAN, BEGAN, [wrong])


DAYS = st.lists(
    st.tuples(st.integers(1, 100), st.integers(0, 3000), st.floats(0, 0.2)).map(
        lambda each: (each[0], each[1], int(each[1] * each[2]))
    ),
    max_size=20,
)


@settings(deadline=None)
@given(DAYS, st.integers(1, 100))
def test_nothing_is_lost_between_periods(days: list[tuple[int, int, int]], today: int) -> None:
    for name in ("us-ftc", "uk-ofcom"):
        found = periods(builtin(name).terms, BEGAN, day(today), counts(*days))
        assert sum(each.live for each in found) == sum(live for _, live, _ in days)
        assert sum(each.drops for each in found) == sum(drops for _, _, drops in days)


@settings(deadline=None)
@given(DAYS, st.integers(1, 100))
def test_dialing_is_free_only_below_the_limit(days: list[tuple[int, int, int]], today: int) -> None:
    found = decided("us-ftc", today, *days)
    if found.go_on is GoOn.NORMAL:
        assert found.period.share < 0.03


@settings(deadline=None)
@given(DAYS, st.integers(1, 100), st.integers(0, 500))
def test_a_stricter_limit_is_never_more_free(
    days: list[tuple[int, int, int]], today: int, expected: int
) -> None:
    own = parse_profile(
        'builds_on = "us-ftc"\n[abandonment]\nlimit = { value = 0.01, source = "ours" }\n', "own"
    )
    order = [GoOn.NORMAL, GoOn.PROGRESSIVE, GoOn.STOP]
    strict, usual = (
        order.index(
            decide(profile, BEGAN, day(today), counts(*days), expected_answers=expected).go_on
        )
        for profile in (own, builtin("us-ftc"))
    )
    assert strict >= usual
