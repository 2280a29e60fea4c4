"""Rules for holidays against calendars, and deadlines in business days."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.dialer.holidays import (
    OBSERVED,
    Holiday,
    InvalidHoliday,
    business_days_after,
    days_of,
    easter,
    finder,
    holiday_on,
)
from ccmiddleware.dialer.profile_files import builtin

EASTERS = [
    "1961-04-02", "1981-04-19", "2000-04-23", "2008-03-23", "2011-04-24", "2016-03-27",
    "2019-04-21", "2023-04-09", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28",
    "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25", "2049-04-18", "2076-04-19",
]  # fmt: skip


@pytest.mark.parametrize("day", EASTERS)
def test_easter(day: str) -> None:
    expected = date.fromisoformat(day)
    assert easter(expected.year) == expected


RULES = [
    ("january 1", "2026-01-01"),
    ("July  4", "2027-07-04"),
    ("february 29", "2028-02-29"),
    ("third monday of january", "2026-01-19"),
    ("third monday of january", "2027-01-18"),
    ("first monday of september", "2026-09-07"),
    ("first monday of june", "2026-06-01"),
    ("second monday of october", "2026-10-12"),
    ("fourth thursday of november", "2026-11-26"),
    ("fourth thursday of november", "2029-11-22"),
    ("last monday of may", "2026-05-25"),
    ("last monday of may", "2027-05-31"),
    ("fifth sunday of may", "2026-05-31"),
    ("easter", "2026-04-05"),
    ("2 days before easter", "2026-04-03"),
    ("1 days after easter", "2026-04-06"),
    ("47 days before easter", "2026-02-17"),
    ("47 days before easter", "2024-02-13"),
    ("tuesday after first monday of november", "2026-11-03"),
    ("tuesday after first monday of november", "2027-11-02"),
    ("tuesday after first monday of november", "2022-11-08"),
    ("friday after fourth thursday of november", "2026-11-27"),
    ("monday after july 6", "2026-07-13"),  # behind that day, which is itself a Monday
    ("monday around june 19", "2023-06-19"),  # is a Monday
    ("monday around june 19", "2024-06-17"),  # of a Wednesday
    ("monday around june 19", "2026-06-15"),  # of a Friday
    ("monday around june 19", "2027-06-21"),  # of a Saturday
    ("monday around june 19", "2022-06-20"),  # of a Sunday
    ("2026-08-30", "2026-08-30"),
]


@pytest.mark.parametrize(("rule", "day"), RULES)
def test_rule(rule: str, day: str) -> None:
    expected = date.fromisoformat(day)
    assert finder(rule)(expected.year) == expected


@pytest.mark.parametrize(
    ("rule", "year"), [("february 29", 2027), ("fifth sunday of june", 2026), ("2026-08-30", 2027)]
)
def test_some_years_have_no_such_day(rule: str, year: int) -> None:
    assert finder(rule)(year) is None


@pytest.mark.parametrize(
    "rule",
    ["", "july", "july 32", "february 30", "4 july", "third monday", "sixth monday of may",
     "monday after", "monday after never", "easter 2", "2026-13-01", "2026-02-29"],
)  # fmt: skip
def test_no_rule(rule: str) -> None:
    with pytest.raises(InvalidHoliday):
        Holiday("x", rule)


def test_ways_to_observe_and_years_are_checked() -> None:
    with pytest.raises(InvalidHoliday, match="weekend to nearest"):
        Holiday("x", "july 4", "monday")
    with pytest.raises(InvalidHoliday, match="even or odd"):
        Holiday("x", "july 4", years="leap")


ON = [
    # rule, how observed, years, day, whether it counts
    ("july 4", "weekend to nearest", "", "2026-07-04", True),  # a Saturday
    ("july 4", "weekend to nearest", "", "2026-07-03", True),
    ("july 4", "weekend to nearest", "", "2026-07-06", False),
    ("july 4", "weekend to nearest", "", "2027-07-05", True),  # of a Sunday
    ("july 4", "weekend to monday", "", "2026-07-06", True),
    ("july 4", "weekend to monday", "", "2026-07-03", False),
    ("july 4", "sunday to monday", "", "2026-07-06", False),
    ("july 4", "sunday to monday", "", "2027-07-05", True),
    ("july 4", "", "", "2027-07-05", False),
    ("july 4", "weekend to nearest", "", "2028-07-03", False),  # of a Tuesday
    ("january 1", "weekend to nearest", "", "2021-12-31", True),  # of Saturday 2022-01-01
    ("january 1", "weekend to nearest", "", "2026-12-31", False),
    ("december 31", "weekend to monday", "", "2023-01-02", True),  # of Saturday 2022-12-31
    ("november 3", "", "even", "2026-11-03", True),
    ("november 3", "", "even", "2027-11-03", False),
    ("november 3", "", "odd", "2027-11-03", True),
]


@pytest.mark.parametrize(("rule", "observed", "years", "day", "counts"), ON)
def test_holiday_on_a_day(rule: str, observed: str, years: str, day: str, counts: bool) -> None:
    holiday = Holiday("x", rule, observed, years)
    assert (holiday_on((holiday,), date.fromisoformat(day)) == holiday) is counts


def test_a_holiday_may_be_young() -> None:
    juneteenth = Holiday("Juneteenth", "june 19", since=2021)
    assert days_of(juneteenth, 2020) == ()
    assert days_of(juneteenth, 2021) == (date(2021, 6, 19),)


DEADLINES = [
    # asked on, business days, last day
    ("2026-11-02", 10, "2026-11-17"),  # Veterans Day between
    ("2026-11-20", 10, "2026-12-07"),  # Friday; Thanksgiving between
    ("2026-12-24", 1, "2026-12-28"),  # Christmas Day is a Friday
    ("2026-12-24", 0, "2026-12-24"),
    ("2026-07-02", 1, "2026-07-06"),  # Independence Day is observed on the Friday
    ("2026-11-28", 1, "2026-11-30"),  # asked on a Saturday
]


@pytest.mark.parametrize(("asked", "days", "last"), DEADLINES)
def test_business_days(asked: str, days: int, last: str) -> None:
    holidays = builtin("us-ftc").business_holidays.value
    assert business_days_after(date.fromisoformat(asked), days, holidays) == date.fromisoformat(
        last
    )


@settings(deadline=None)
@given(st.dates(date(1950, 1, 1), date(2200, 1, 1)), st.integers(0, 40))
def test_a_deadline_is_a_business_day_and_never_early(day: date, count: int) -> None:
    holidays = builtin("us-ftc").business_holidays.value
    last = business_days_after(day, count, holidays)
    assert (last - day).days >= count
    assert count == 0 or (last.weekday() < 5 and holiday_on(holidays, last) is None)


@settings(deadline=None)
@given(st.sampled_from(sorted(OBSERVED)), st.integers(1990, 2100))
def test_what_is_observed_is_no_weekend_and_near(observed: str, year: int) -> None:
    for day in days_of(Holiday("x", "january 1", observed), year)[1:]:
        assert day.weekday() < 5
        assert abs((day - date(year, 1, 1)).days) <= 2
