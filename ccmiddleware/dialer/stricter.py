"""Putting a profile on another: it may ask for more, and never for less. Pure.

Hours, holidays and caps are added to those that are there, so they can't become looser; one that
would have no effect because it is looser is refused all the same, since whoever wrote it
believes otherwise.
"""

from typing import Any

from ccmiddleware.dialer.profiles import (
    KEYS,
    Cap,
    InvalidProfile,
    Law,
    Part,
    Profile,
    Rule,
    Week,
    terms_of,
    values_of,
)
from ccmiddleware.queues.hours import show_week


def built_on(part: Part, base: Profile) -> Profile:
    """What asks for all that ``base`` asks, and for what ``part`` does. Raises InvalidProfile."""
    problems = _looser_terms(part, base)
    problems += _looser_law("window", "cap", part.everywhere, (base.everywhere,))
    for state, law in part.states.items():
        key = f"states.{state}"
        problems += _looser_law(key, f"{key}.cap", law, base.laws((state,)))
    if problems:
        raise InvalidProfile(part.name, problems)
    states = dict(base.states)
    for state, law in part.states.items():
        states[state] = _both(states.get(state, Law(state)), law)
    business = base.business_holidays
    return Profile(
        part.name,
        part.title or base.title,
        part.version or "1",
        terms_of({**values_of(base.terms), **part.terms}),
        _both(base.everywhere, part.everywhere),
        states,
        business,
        part.known_holidays,
        base.label,
    )


def _both(one: Law, other: Law) -> Law:
    return Law(
        one.state,
        one.weeks + other.weeks,
        one.recorded_weeks + other.recorded_weeks,
        one.holidays + other.holidays,
        one.caps + other.caps,
    )


def _looser_terms(part: Part, base: Profile) -> list[str]:
    problems = []
    below = values_of(base.terms)
    for key, rule in part.terms.items():
        if not _as_strict(KEYS[key].stricter, rule.value, below[key].value):
            problems.append(_problem(key, _shown(key, rule.value), _shown(key, below[key].value),
                                     below[key].source, base))  # fmt: skip
    if part.business_holidays is not None:
        problems.append(
            f"business_days.holidays: is set by {base.name} ({base.business_holidays.source}); "
            "more days off would make deadlines longer"
        )
    return problems


def _as_strict(way: str, own: Any, below: Any) -> bool:
    match way:
        case "lower":
            return bool(own <= below)
        case "higher":
            return bool(own >= below)
        case "day":
            return own in (1, below)
        case _:
            return bool(own == below or own == (way == "true"))


def _looser_law(week_key: str, cap_key: str, own: Law, below: tuple[Law, ...]) -> list[str]:
    problems = []
    for law in below:
        problems += _looser_weeks(f"{week_key}.week", own.weeks, law.weeks)
        under = law.weeks + law.recorded_weeks
        problems += _looser_weeks(f"{week_key}.recorded_week", own.recorded_weeks, under)
    for cap in own.caps:
        for law in below:
            problems += [
                f"{cap_key}: {cap} is looser than {under} ({under.source}); "
                "it may only be fewer calls, or more hours"
                for under in law.caps
                if _looser_cap(cap, under)
            ]
    return problems


def _looser_weeks(
    key: str, own: tuple[Rule[Week], ...], below: tuple[Rule[Week], ...]
) -> list[str]:
    return [
        f"{key}: {show_week(rule.value)} is looser than {show_week(under.value)} "
        f"({under.source}); it may only be narrower"
        for rule in own
        for under in below
        if not within(rule.value, under.value)
    ]


def _looser_cap(own: Cap, below: Cap) -> bool:
    """Whether the cap would never be the one that stops a call."""
    same = (own.calls, own.hours) == (below.calls, below.hours)
    return not same and own.calls >= below.calls and own.hours <= below.hours


def within(inner: Week, outer: Week) -> bool:
    """Whether all hours of one week are hours of the other one."""
    return minutes_of(inner) <= minutes_of(outer)


def minutes_of(week: Week) -> set[int]:
    """The minutes of a week that are open; from Sunday over midnight it goes on on Monday."""
    return {
        (day * 1440 + minute) % (7 * 1440)
        for day, spans in enumerate(week)
        for span in spans
        for minute in range(span.opens, span.closes)
    }


def _problem(key: str, own: str, below: str, source: str, base: Profile) -> str:
    right = {
        "lower": "it may only be lower",
        "higher": "it may only be higher",
        "day": 'it may only be the same, or "day"',
        "true": "it may not be turned off",
        "false": "it may not be turned on",
    }[KEYS[key].stricter]
    return f"{key}: {own} is looser than {below} of {base.name} ({source}); {right}"


def _shown(key: str, value: Any) -> str:
    if KEYS[key].kind == "period":
        return '"day"' if value == 1 else f'"{value} days"'
    return str(value).lower() if isinstance(value, bool) else str(value)
