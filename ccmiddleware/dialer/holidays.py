"""Days on which a law forbids calls, computed from rules such as "third monday of january". Pure.

A rule is text, as it stands in the files of profiles:

- ``july 4``; ``third monday of january`` (first to fifth, or last)
- ``easter`` (of the western churches), ``2 days before easter``, ``1 days after easter``
- ``tuesday after first monday of november``: the next one behind a day that is itself a rule
- ``2026-08-30``: that day alone
- ``monday around june 19``: that Monday, or the one before; of a Saturday or Sunday the one after

Where a holiday that falls on a weekend is observed on another day, both days count: which of them a
law means is seldom clear, and a day too many costs less than a forbidden call.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from ccmiddleware.errors import PermanentError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
ORDINALS = ("first", "second", "third", "fourth", "fifth")
OBSERVED = {
    "": {},
    "sunday to monday": {6: 1},
    "weekend to nearest": {5: -1, 6: 1},
    "weekend to monday": {5: 2, 6: 1},
}
"""Ways in which a holiday on a weekend is observed: weekday (Monday is 0) and days to add."""

YEARS = {"": (0, 1), "even": (0,), "odd": (1,)}

_MONTH = f"({'|'.join(MONTHS)})"
_WEEKDAY = f"({'|'.join(WEEKDAYS)})"
_ONCE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_FIXED = re.compile(rf"{_MONTH} (\d{{1,2}})")
_NTH = re.compile(rf"({'|'.join((*ORDINALS, 'last'))}) {_WEEKDAY} of {_MONTH}")
_EASTER = re.compile(r"(?:(\d{1,3}) days (before|after) )?easter")
_AFTER = re.compile(rf"{_WEEKDAY} after (.+)")
_AROUND = re.compile(rf"monday around {_MONTH} (\d{{1,2}})")

Find = Callable[[int], date | None]
"""The day of a rule in a year; None when that year has none (29 February, a fifth Monday)."""


class InvalidHoliday(PermanentError, ValueError):
    """A rule that can't be meant; the text says what would be right."""


@dataclass(frozen=True)
class Holiday:
    """A day of each year, or of some, by a rule. ``since`` and ``until`` are years that count."""

    name: str
    rule: str
    observed: str = ""
    years: str = ""
    since: int = 0
    until: int = 9999

    def __str__(self) -> str:
        years = f", {self.years} years" if self.years else ""
        observed = f", {self.observed}" if self.observed else ""
        return f"{self.name} ({self.rule}{years}{observed})"

    def __post_init__(self) -> None:
        """Raises InvalidHoliday."""
        finder(self.rule)
        if self.observed not in OBSERVED:
            ways = ", ".join(repr(way) for way in OBSERVED if way)
            raise InvalidHoliday(f"{self.observed!r} is no way to observe a holiday: {ways} are")
        if self.years not in YEARS:
            raise InvalidHoliday(f"{self.years!r} are no years: write even or odd, or leave it out")


@lru_cache(maxsize=1024)
def finder(rule: str) -> Find:
    """What finds the day of a rule. Raises InvalidHoliday."""
    text = " ".join(rule.lower().split())
    for pattern, make in (
        (_ONCE, _once),
        (_FIXED, _fixed), (_NTH, _nth), (_EASTER, _by_easter), (_AROUND, _around), (_AFTER, _after),
    ):  # fmt: skip
        found = pattern.fullmatch(text)
        if found:
            return make(*found.groups(""))
    raise InvalidHoliday(
        f"{rule!r} is no rule for a holiday: write for instance july 4, third monday of january, "
        "2 days before easter, tuesday after first monday of november or 2026-08-30"
    )


def _once(year: str, month: str, day: str) -> Find:
    found = _safe(int(year), int(month), int(day))
    if found is None:
        raise InvalidHoliday(f"there is no {year}-{month}-{day}")
    return lambda wanted: found if wanted == found.year else None


def _fixed(month: str, day: str) -> Find:
    number = MONTHS.index(month) + 1
    if _safe(2000, number, int(day)) is None:  # a leap year
        raise InvalidHoliday(f"{month} has no day {day}")
    return lambda year: _safe(year, number, int(day))


def _nth(which: str, weekday: str, month: str) -> Find:
    wanted, number = WEEKDAYS.index(weekday), MONTHS.index(month) + 1

    def find(year: int) -> date | None:
        first = date(year, number, 1)
        days = [
            first + timedelta(days=more)
            for more in range((wanted - first.weekday()) % 7, 31, 7)
            if (first + timedelta(days=more)).month == number
        ]
        place = -1 if which == "last" else ORDINALS.index(which)
        return days[place] if place < len(days) else None

    return find


def _by_easter(days: str, side: str) -> Find:
    more = int(days or 0) * (-1 if side == "before" else 1)
    return lambda year: easter(year) + timedelta(days=more)


def _after(weekday: str, rule: str) -> Find:
    before, wanted = finder(rule), WEEKDAYS.index(weekday)

    def find(year: int) -> date | None:
        day = before(year)
        return day and day + timedelta(days=(wanted - day.weekday() - 1) % 7 + 1)

    return find


def _around(month: str, day: str) -> Find:
    fixed = _fixed(month, day)

    def find(year: int) -> date | None:
        found = fixed(year)
        if found is None:
            return None
        weekday = found.weekday()
        return found + timedelta(days=-weekday if weekday < 5 else 7 - weekday)

    return find


def _safe(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def easter(year: int) -> date:
    """Easter Sunday of the western churches, by the Gregorian computus of Meeus."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leaps, rest = divmod(century, 4)
    moon = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    to_sunday = (32 + 2 * rest + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * to_sunday) // 451
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def days_of(holiday: Holiday, year: int) -> tuple[date, ...]:
    """The day of a holiday in a year, and the one on which it is observed, if that is another."""
    if not holiday.since <= year <= holiday.until or year % 2 not in YEARS[holiday.years]:
        return ()
    day = finder(holiday.rule)(year)
    if day is None:
        return ()
    more = OBSERVED[holiday.observed].get(day.weekday(), 0)
    return (day, day + timedelta(days=more)) if more else (day,)


@lru_cache(maxsize=1024)
def holidays_in(holidays: tuple[Holiday, ...], year: int) -> dict[date, Holiday]:
    """The days of a year on which holidays fall or are observed, be they of the next year."""
    found: dict[date, Holiday] = {}
    for each in range(max(year - 1, date.min.year), min(year + 1, date.max.year) + 1):
        for holiday in holidays:
            for day in days_of(holiday, each):
                if day.year == year:
                    found.setdefault(day, holiday)
    return found


def holiday_on(holidays: tuple[Holiday, ...], day: date) -> Holiday | None:
    """The holiday that falls on a day or is observed on it."""
    return holidays_in(holidays, day.year).get(day)


def business_days_after(day: date, count: int, holidays: Iterable[Holiday]) -> date:
    """The last day of a deadline of so many business days: Monday to Friday, and no holidays."""
    closed = tuple(holidays)
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and holiday_on(closed, day) is None:
            count -= 1
    return day
