"""How a campaign stands with its drops: the period, the stricter limit, and how near it is."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.standing import first_day, period_began, standing, zone_of

US, UK = builtin("us-ftc"), builtin("uk-ofcom")
BEGAN = date(2026, 10, 1)
SETTINGS = {"time_zone": "America/New_York"}


def day(number: int, live: int, drops: int, found: int = 0, taken: str = "0") -> dict[str, Any]:
    counts = {"attempts": 4 * live, "open": 0, "live": live, "drops": drops}
    counted = {"machines_found": found, "estimated_false_positives": Decimal(taken)}
    return {"day": date(2026, 11, number), **counts, **counted}


@pytest.mark.parametrize(
    ("today", "first"),
    [(date(2026, 10, 1), date(2026, 10, 1)), (date(2026, 10, 30), date(2026, 10, 1)),
     (date(2026, 10, 31), date(2026, 10, 31)), (date(2026, 12, 1), date(2026, 11, 30)),
     (date(2026, 9, 1), date(2026, 10, 1))],
)  # fmt: skip
def test_days_before_the_period_do_not_count(today: date, first: date) -> None:
    assert period_began(US, BEGAN, today) == first


def test_a_day_of_its_own_where_the_law_counts_days() -> None:
    assert period_began(UK, BEGAN, date(2026, 11, 7)) == date(2026, 11, 7)


@pytest.mark.parametrize(
    ("drops", "level"), [(0, "fine"), (23, "fine"), (24, "near"), (30, "near"), (31, "over")]
)
def test_how_near_the_limit(drops: int, level: str) -> None:
    found = standing(SETTINGS, US, BEGAN, date(2026, 11, 7), [day(6, 1000, drops)], 0)
    assert found.level == level
    assert found.as_dict()["drop_rate"] == drops / 1000
    assert (found.as_dict()["live"], found.as_dict()["drops"]) == (1000, drops)


@pytest.mark.parametrize(
    ("live", "drops", "found", "taken", "counted", "dropped", "level"),
    [
        # live, drops, machines found, taken for machines -> answers, drops
        (100, 2, 0, "0", 100, 2, "fine"),
        (100, 2, 0, "0.5", 100.5, 2.5, "near"),  # 2.49 %
        (100, 2, 0, "1.25", 101.2, 3.2, "over"),
        (100, 2, 20, "0", 80, 2, "near"),  # 2.5 %: talks with machines are no answers
        (100, 2, 40, "0", 60, 2, "over"),
        (100, 2, 20, "0.5", 80.5, 2.5, "over"),
        (0, 0, 0, "2", 2, 2, "over"),  # nobody heard anything
        (3, 0, 3, "0", 0, 0, "fine"),
    ],
)
def test_ofcoms_rate(
    live: int, drops: int, found: int, taken: str, counted: float, dropped: float, level: str
) -> None:
    today = date(2026, 11, 7)
    shown = standing(SETTINGS, UK, BEGAN, today, [day(7, live, drops, found, taken)], 0).as_dict()
    assert (shown["live"], shown["drops"], shown["level"]) == (counted, dropped, level)
    assert shown["false_positives"] == pytest.approx(float(taken), abs=0.06)
    assert ("taken for machines" in shown["why"]) == (taken != "0")


def test_the_stricter_limit_holds() -> None:
    mine = {"abandonment_limit": 2.0}
    assert standing(mine, US, BEGAN, date(2026, 11, 7), [], 0).limit == 0.02
    mine = {"abandonment_limit": 5.0}
    assert standing(mine, US, BEGAN, date(2026, 11, 7), [], 0).limit == 0.03


def test_before_the_first_answer_there_is_no_share() -> None:
    found = standing(SETTINGS, US, BEGAN, date(2026, 11, 7), [], 0).as_dict()
    assert (found["drop_rate"], found["level"], found["go_on"]) == (None, "fine", "normal")


def test_leads_that_are_left_promise_answers() -> None:
    """One drop of ten answers is too much, unless there is a long list to come."""
    few = standing(SETTINGS, US, BEGAN, date(2026, 11, 7), [day(7, 10, 1)], 0)
    many = standing(SETTINGS, US, BEGAN, date(2026, 11, 7), [day(7, 10, 1)], 100_000)
    assert (few.decision.go_on.value, many.decision.go_on.value) == ("progressive", "normal")


def test_the_first_day_is_that_of_the_campaigns_zone() -> None:
    started = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    assert first_day(started, zone_of(SETTINGS), date(2026, 12, 1)) == date(2026, 11, 1)
    assert first_day(None, zone_of({}), date(2026, 12, 1)) == date(2026, 12, 1)
