"""Reading jurisdiction profiles from their files. Pure: whoever has the text gets the profile.

A profile is a file in TOML, in which each value stands with its source. The package has some
(``builtin``); an operator may write another, which either gives everything itself or builds on one
(``builds_on = "us-ftc"``). Such a one can only be stricter: hours, holidays and caps of both hold
together, and a value that would be looser is refused with both values and the source of the first.
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from ccmiddleware.dialer.areas import state_by_name, tables, zones_by_country
from ccmiddleware.dialer.holidays import Holiday, InvalidHoliday
from ccmiddleware.dialer.profiles import KEYS, Cap, InvalidProfile, Law, Part, Profile, Rule, Week
from ccmiddleware.dialer.stricter import built_on
from ccmiddleware.queues.hours import InvalidHours, parse_week

BUILTIN = ("us-ftc", "uk-ofcom")
SECTIONS = ("title", "version", "builds_on", "window", "cap", "closed", "holidays", "states",
            "business_days", *dict.fromkeys(key.split(".")[0] for key in KEYS))  # fmt: skip
STATE_KEYS = ("week", "recorded_week", "holidays", "cap")
WINDOW_KEYS = ("week", "recorded_week")


@cache
def builtin(name: str) -> Profile:
    """A profile of the package. Raises InvalidProfile when there is none of that name."""
    if name not in BUILTIN:
        raise InvalidProfile(name, [f"there is no such profile; there are {', '.join(BUILTIN)}"])
    text = files("ccmiddleware.dialer").joinpath("profiles", f"{name}.toml").read_text("utf-8")
    return parse_profile(text, name)


def parse_profile(text: str, name: str) -> Profile:
    """A profile from the text of its file. Raises InvalidProfile with all that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidProfile(name, [f"is no TOML: {error}"]) from None
    reader = Reader(raw)
    base_name = raw.get("builds_on", "")
    base = builtin(str(base_name)) if base_name else None
    part = reader.part(name, base)
    if reader.problems:
        raise InvalidProfile(name, reader.problems)
    if base is None:
        return part.whole()
    return built_on(part, base)


_HEADER = re.compile(r"\s*\[\[?([^\]]+)\]\]?\s*(?:#.*)?")
_SET = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
_AT_LINE = re.compile(r"\bat line (\d+)")


def line_of(text: str, problem: str) -> int | None:
    """The line of a file that a problem is about, by the key with which it begins; else None."""
    told = _AT_LINE.search(problem)
    if told is not None:
        return int(told[1])
    key = problem.partition(":")[0]
    lines: dict[str, int] = {}
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        begins, sets = _HEADER.fullmatch(line), _SET.match(line)
        if begins is not None:
            header = _plain(begins[1])
            lines.setdefault(header, number)
        elif sets is not None:
            lines.setdefault(f"{header}.{_plain(sets[1])}".lstrip("."), number)
    while key and key not in lines:  # what is missing belongs to what is there
        key = key.rpartition(".")[0]
    return lines.get(key)


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


class Reader:
    """Reads one file, and collects what is wrong with it."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.problems: list[str] = []

    def part(self, name: str, base: Profile | None) -> Part:
        """All that the file says; whatever is wrong is in ``problems`` and left out."""
        self._known("", self._raw, SECTIONS)
        known = dict(base.known_holidays) if base else {}
        known |= self._holidays(known)
        self._known("window", self._table("window"), WINDOW_KEYS)
        everywhere = self._law("", known)
        states = {
            code: self._law(code, known) for code in self._table("states") if self._state(code)
        }
        terms = {key: rule for key in KEYS if (rule := self._term(key, base is None)) is not None}
        if base is None and not everywhere.weeks:
            self.problems.append('window.week: must be set, as in "mon-sun 08:00-21:00"')
        business = self._holiday_list("business_days.holidays", known)
        title, version = (self._text(key, needed=base is None) for key in ("title", "version"))
        return Part(name, title, version, terms, everywhere, states, business, known)

    # -- parts of it ------------------------------------------------------------------------

    def _law(self, state: str, known: Mapping[str, Holiday]) -> Law:
        here = f"states.{state}" if state else "window"
        if state:
            self._known(here, self._table(here), STATE_KEYS)
        week, recorded = self._week(f"{here}.week"), self._week(f"{here}.recorded_week")
        days = self._holiday_list(f"{here}.holidays" if state else "closed", known)
        cap = self._cap(f"{here}.cap" if state else "cap")
        return Law(
            state,
            () if week is None else (week,),
            () if recorded is None else (recorded,),
            () if days is None else (days,),
            () if cap is None else (cap,),
        )

    def _term(self, key: str, needed: bool) -> Rule[Any] | None:
        rule = self._rule(key, needed=needed)
        if rule is None:
            return None
        kind = KEYS[key].kind
        value = _checked(kind, rule.value)
        if value is None:
            self.problems.append(f"{key}: {RIGHT[kind]} (it is {rule.value!r})")
            return None
        return Rule(value, rule.source)

    def _week(self, key: str) -> Rule[Week] | None:
        rule = self._rule(key)
        if rule is None:
            return None
        try:
            week = parse_week(str(rule.value))
        except InvalidHours as error:
            self.problems.append(f"{key}: {error}")
            return None
        return None if week is None else Rule(week, rule.source)

    def _cap(self, key: str) -> Cap | None:
        found = self._at(key)
        if found is None:
            return None
        table = found if isinstance(found, dict) else {}
        calls, hours = (_checked("count", table.get(each)) for each in ("calls", "hours"))
        if not calls or not hours or not _source(table):
            self.problems.append(
                f'{key}: must be a table, as in {{ calls = 3, hours = 24, source = "..." }}'
            )
            return None
        self._known(key, table, ("calls", "hours", "source"))
        return Cap(calls, hours, _source(table))

    def _holiday_list(
        self, key: str, known: Mapping[str, Holiday]
    ) -> Rule[tuple[Holiday, ...]] | None:
        rule = self._rule(key, extra=("observed",))
        if rule is None:
            return None
        found = []
        for name in rule.value if isinstance(rule.value, list) else []:
            if not isinstance(name, str) or name not in known:
                self.problems.append(
                    f"{key}: {_meant(str(name), known, 'no holiday of [holidays]')}"
                )
                continue
            holiday = known[name]
            observed = self._at(key).get("observed", holiday.observed)
            try:
                found.append(
                    Holiday(
                        holiday.name, holiday.rule, observed,
                        holiday.years, holiday.since, holiday.until,
                    )
                )  # fmt: skip
            except InvalidHoliday as error:
                self.problems.append(f"{key}: {error}")
                break
        if not isinstance(rule.value, list):
            self.problems.append(f"{key}: must be a list of names of [holidays]")
        return Rule(tuple(found), rule.source)

    def _holidays(self, before: Mapping[str, Holiday]) -> dict[str, Holiday]:
        found = {}
        for name, table in self._table("holidays").items():
            key = f"holidays.{name}"
            if name in before:
                self.problems.append(f"{key}: is taken by the profile below; choose another name")
                continue
            if not isinstance(table, dict) or not isinstance(table.get("on"), str):
                self.problems.append(
                    f'{key}: must be a table, as in {{ name = "Labor Day", '
                    'on = "first monday of september" }'
                )
                continue
            self._known(key, table, ("name", "on", "observed", "years", "since", "until"))
            try:
                found[name] = Holiday(
                    str(table.get("name", name)),
                    table["on"],
                    str(table.get("observed", "")),
                    str(table.get("years", "")),
                    int(table.get("since", 0)),
                    int(table.get("until", 9999)),
                )
            except (InvalidHoliday, TypeError, ValueError) as error:
                self.problems.append(f"{key}: {error}")
        return found

    def _state(self, code: str) -> bool:
        if code in tables().states:
            return True
        country, _, rest = code.partition("-")
        free = country in zones_by_country() and country not in ("US", "CA")
        if free and rest.isalnum() and rest.isupper():
            return True
        named = state_by_name().get(code.lower())
        meant = f"{code!r} is no state; did you mean {named}?" if named else ""
        self.problems.append(f"states.{code}: {meant or _meant(code, tables().states, 'no state')}")
        return False

    # -- reading ----------------------------------------------------------------------------

    def _rule(self, key: str, *, needed: bool = False, extra: tuple[str, ...] = ()) -> Any:
        found = self._at(key)
        if found is None:
            if needed:
                self.problems.append(f"{key}: must be set")
            return None
        if not isinstance(found, dict) or "value" not in found or not _source(found):
            self.problems.append(
                f"{key}: must be a table with a value and its source, "
                f'as in {key.rsplit(".", 1)[-1]} = {{ value = ..., source = "16 CFR 310.4" }}'
            )
            return None
        self._known(key, found, ("value", "source", *extra))
        return Rule(found["value"], _source(found))

    def _at(self, key: str) -> Any:
        here: Any = self._raw
        for part in key.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        return here

    def _table(self, key: str) -> dict[str, Any]:
        found = self._at(key)
        if found is not None and not isinstance(found, dict):
            self.problems.append(f"{key}: must be a table, written as [{key}]")
        return found if isinstance(found, dict) else {}

    def _text(self, key: str, *, needed: bool) -> str:
        found = self._raw.get(key)
        if isinstance(found, str) and found.strip():
            return found.strip()
        if needed or found is not None:
            self.problems.append(f"{key}: must be a text")
        return ""

    def _known(self, where: str, table: Any, known: tuple[str, ...]) -> None:
        if not isinstance(table, dict):
            return
        for name in table:
            key = f"{where}.{name}" if where else name
            if not isinstance(name, str) or name not in known:
                self.problems.append(f"{key}: {_meant(name, known, 'no such key')}")
            elif not where and any(each.startswith(f"{name}.") for each in KEYS):
                inner = tuple(each.split(".")[1] for each in KEYS if each.startswith(f"{name}."))
                self._known(name, table[name], inner)


RIGHT = {
    "share": "must be a number from 0 to 1",
    "count": "must be a whole number, 0 or more",
    "seconds": "must be a number of seconds, 0 or more",
    "flag": "must be true or false",
    "period": 'must be "day" or a number of days, as in "30 days"',
}


def _checked(kind: str, value: Any) -> Any:
    """The value, if it is of the kind; else None."""
    if kind == "flag":
        return value if isinstance(value, bool) else None
    if kind == "period":
        return _days(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    if kind == "count":
        return value if isinstance(value, int) else None
    return float(value) if kind == "seconds" or value <= 1 else None


def _days(value: Any) -> int | None:
    if value == "day":
        return 1
    number, _, unit = str(value).partition(" ")
    return int(number) if number.isdecimal() and int(number) > 0 and unit == "days" else None


def _source(table: dict[str, Any]) -> str:
    source = table.get("source")
    return source.strip() if isinstance(source, str) else ""


def _meant(name: str, known: Any, what: str) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"{name!r} is {what}" + (f"; did you mean {near[0]}?" if near else "")
