"""Tables of where area codes, postal codes, states and countries are. Pure; the tables are files.

``areas/*.toml`` has the states of the United States and the provinces of Canada; which time zones a
country has comes from the tz database (its ``zone.tab``). Looking up is all that is done here;
``places`` says what follows.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

COUNTRIES_WITH_STATES = ("US", "CA")
"""Those whose area codes and postal codes are known."""

TERRITORIES = ("AS", "GU", "MP", "PR", "VI")
"""Countries of their own in the numbering plan (and in ISO 3166), and states of the US here."""

CLOCK_SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOCK_WEEKS = 520
"""Zones that agree in each of these weeks are taken to have the same clock."""


@dataclass(frozen=True)
class Area:
    """What one area code or postal code covers."""

    states: tuple[str, ...]
    zones: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """A state, province or territory. ``code`` is its ISO 3166-2."""

    code: str
    name: str
    zones: tuple[str, ...]
    area_codes: tuple[str, ...]


@dataclass(frozen=True)
class Areas:
    """All that the files say. ``postal`` by beginning, for each country; the longest one counts."""

    states: dict[str, State]
    area_codes: dict[str, Area]
    postal: dict[str, dict[str, Area]]
    nowhere: dict[str, str]
    """Beginnings of postal codes that tell no place, with the reason."""


NOWHERE = {
    "military": "is an address of the armed forces, which may be anywhere",
    "elsewhere": "is in a country of its own with other numbers",
}


@cache
def tables() -> Areas:
    """The files, read once."""
    found = Areas({}, {}, {country: {} for country in COUNTRIES_WITH_STATES}, {})
    for country in COUNTRIES_WITH_STATES:
        text = files("ccmiddleware.dialer").joinpath("areas", f"{country.lower()}.toml")
        for code, entry in tomllib.loads(text.read_text("utf-8")).items():
            if code in NOWHERE:
                for prefix in _prefixes(entry["postal_codes"]):
                    found.nowhere[prefix] = NOWHERE[code]
            else:
                _add_state(found, country, code, entry)
    return found


def _add_state(found: Areas, country: str, code: str, entry: dict[str, Any]) -> None:
    zones = tuple(entry["zones"])
    codes = tuple(entry["area_codes"].split())
    found.states[code] = State(code, entry["name"], zones, codes)
    numbers: dict[str, tuple[str, ...]] = dict.fromkeys(codes, zones)
    postal: dict[str, tuple[str, ...]] = dict.fromkeys(_prefixes(entry["postal_codes"]), zones)
    for zone, part in entry.get("only", {}).items():
        numbers |= dict.fromkeys(part.get("area_codes", "").split(), (zone,))
        postal |= dict.fromkeys(_prefixes(part.get("postal_codes", "")), (zone,))
    for zone, part in entry.get("also", {}).items():
        for each in _prefixes(part["postal_codes"]):
            postal[each] = (*_longest(postal, each), zone)
    for area_code, here in numbers.items():
        _put(found.area_codes, area_code, code, here)
    for prefix, here in postal.items():
        _put(found.postal[country], prefix, code, here)


def _longest(table: dict[str, tuple[str, ...]], code: str) -> tuple[str, ...]:
    """What the longest beginning of a code has."""
    return next(table[code[:size]] for size in range(len(code), 0, -1) if code[:size] in table)


def _put(into: dict[str, Area], key: str, state: str, zones: tuple[str, ...]) -> None:
    """Add a state to what an area code covers: some are shared by two or three."""
    before = into.get(key, Area((), ()))
    into[key] = Area(tuple(sorted({*before.states, state})), tuple(sorted({*before.zones, *zones})))


def _prefixes(text: str) -> Iterator[str]:
    for part in text.split():
        first, _, last = part.partition("-")
        if not last:
            yield first
            continue
        for number in range(int(first), int(last) + 1):
            yield f"{number:0{len(first)}}"


@cache
def state_by_name() -> dict[str, str]:
    """Codes of states by all ways of writing one, in small letters: us-fl, fl and florida."""
    found: dict[str, str] = {"washington dc": "US-DC", "d.c.": "US-DC", "québec": "CA-QC"}
    for code, state in tables().states.items():
        found |= {key.lower(): code for key in (code, code[3:], state.name)}
    return found


def postal_area(country: str, code: str) -> tuple[str, Area | None]:
    """The beginning of a postal code that decides, and what it covers; None when unknown."""
    table = tables().postal[country]
    for length in range(len(code), 0, -1):
        if code[:length] in table:
            return code[:length], table[code[:length]]
    return code, None


def tells_nowhere(code: str) -> str | None:
    """Why a postal code of the US tells no place, if it is such a one."""
    nowhere = tables().nowhere
    return nowhere.get(code[:3]) or nowhere.get(code)


@cache
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """IANA zones of each country, by ISO 3166 alpha-2. Territories of the US are their own."""
    found: dict[str, list[str]] = {}
    for line in files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return {country: tuple(zones) for country, zones in found.items()}


@cache
def zones_of(country: str) -> tuple[str, ...]:
    """The zones of a country, one for each clock: the one that zone.tab has first."""
    found: dict[tuple[int, ...], str] = {}
    for zone in zones_by_country()[country]:
        found.setdefault(clock(zone), zone)
    return tuple(sorted(found.values()))


@lru_cache(maxsize=1024)
def clock(zone: str) -> tuple[int, ...]:
    """What makes two zones the same for us: minutes from UTC, week by week."""
    here = ZoneInfo(zone)
    offsets = (
        (CLOCK_SINCE + timedelta(weeks=week)).astimezone(here).utcoffset()
        for week in range(CLOCK_WEEKS)
    )
    return tuple(int(offset.total_seconds() // 60) for offset in offsets if offset is not None)


@lru_cache(maxsize=1024)
def states_in_zone(zone: str) -> tuple[str, ...]:
    """States of the US or Canada in which somebody of that zone may be; () for other countries."""
    for country in COUNTRIES_WITH_STATES:
        known = zones_by_country()[country]
        if zone in known or zone.startswith(f"{'US' if country == 'US' else 'Canada'}/"):
            return tuple(
                sorted(
                    code
                    for code, state in tables().states.items()
                    if code[:2] == country and clock(zone) in map(clock, state.zones)
                )
            )
    return ()
