"""A profile as rows for people: key, value and source of everything that it asks. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ccmiddleware.dialer.profiles import KEYS, Law, Profile, values_of
from ccmiddleware.queues.hours import show_week


@dataclass(frozen=True)
class Row:
    """One thing that a profile asks; the key is that of its file."""

    key: str
    value: str
    source: str


def rows(profile: Profile) -> Iterator[Row]:
    """All that a profile asks: what holds everywhere first, then by state."""
    yield from _law("window", "cap", "closed", profile.everywhere)
    for key, rule in values_of(profile.terms).items():
        yield Row(key, _shown(key, rule.value), rule.source)
    days = profile.business_holidays
    names = ", ".join(day.name for day in days.value)
    yield Row("business_days.holidays", names or "none", days.source)
    for state, law in sorted(profile.states.items()):
        here = f"states.{state}"
        yield from _law(here, f"{here}.cap", f"{here}.holidays", law)


def _law(week_key: str, cap_key: str, days_key: str, law: Law) -> Iterator[Row]:
    for hours in law.weeks:
        yield Row(f"{week_key}.week", show_week(hours.value), hours.source)
    for hours in law.recorded_weeks:
        yield Row(f"{week_key}.recorded_week", show_week(hours.value), hours.source)
    for cap in law.caps:
        yield Row(cap_key, str(cap), cap.source)
    for days in law.holidays:
        yield Row(days_key, ", ".join(str(day) for day in days.value), days.source)


def _shown(key: str, value: Any) -> str:
    if KEYS[key].kind == "period":
        return "a day, midnight to midnight" if value == 1 else f"{value} days"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}"
