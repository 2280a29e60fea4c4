"""Writes the tables of docs/compliance.md from the profiles: the page says what is enforced.

.venv/bin/python tests/dialer/compliance_page.py     writes them anew
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccmiddleware.dialer.profile_files import BUILTIN, builtin
from ccmiddleware.dialer.profiles import KEYS, Profile, values_of
from ccmiddleware.queues.hours import show_week

PAGE = Path(__file__).parents[2] / "docs" / "compliance.md"


def shown(key: str, value: Any) -> str:
    if KEYS[key].kind == "period":
        return "a day, midnight to midnight" if value == 1 else f"{value} days"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}"


def tables(profile: Profile) -> Iterator[str]:
    yield "| key | value | from |"
    yield "|---|---|---|"
    for rule in profile.everywhere.weeks:
        yield f"| `window.week` | {show_week(rule.value)} | {rule.source} |"
    for key, rule in values_of(profile.terms).items():
        yield f"| `{key}` | {shown(key, rule.value)} | {rule.source} |"
    days = profile.business_holidays
    names = ", ".join(day.name for day in days.value)
    yield f"| `business_days.holidays` | {names} | {days.source} |"
    if not profile.states:
        return
    yield ""
    yield "| state | hours | from |"
    yield "|---|---|---|"
    for state, law in sorted(profile.states.items()):
        for rule in law.weeks:
            yield f"| {state} | {show_week(rule.value)} | {rule.source} |"
    yield ""
    yield "| state | calls to one number | from |"
    yield "|---|---|---|"
    for state, law in sorted(profile.states.items()):
        for cap in law.caps:
            yield f"| {state} | {cap} | {cap.source} |"
    yield ""
    yield "| state | no calls on | from |"
    yield "|---|---|---|"
    for state, law in sorted(profile.states.items()):
        for days in law.holidays:
            names = ", ".join(f"{day.name} ({day.rule}{_years(day.years)})" for day in days.value)
            observed = days.value[0].observed
            yield f"| {state} | {names}; observed {observed} | {days.source} |"


def _years(years: str) -> str:
    return f", {years} years" if years else ""


def page(text: str) -> str:
    """The page with its tables as the profiles are now."""
    for name in BUILTIN:
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = head + begin + "\n".join(tables(builtin(name))) + "\n" + end + tail
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
