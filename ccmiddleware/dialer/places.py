"""Where the party behind a number may be, from all that is known about it. Pure.

Two kinds of evidence: the number itself (area code, country), and what is stored about the party
(time zone, postal code, state, country). Where both fit one place, what is stored says where: a
mobile number may be anywhere in the state that is stored with it. Where they contradict each other,
the party may be at any of the places, and the calling window, which is the intersection over all
zones and states of a place, gets narrower. Nothing is ever guessed in favour of a longer window.

``Place.evidence`` says in words what was used. Equal (country, zones, states) are one place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache, reduce
from zoneinfo import available_timezones

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneNumber,
    PhoneNumberType,
    is_number_type_geographical,
    number_type,
    region_code_for_number,
)
from phonenumbers.timezone import (
    UNKNOWN_TIMEZONE,
    time_zones_for_geographical_number,
    time_zones_for_number,
)

from ccmiddleware.dialer.areas import (
    COUNTRIES_WITH_STATES,
    TERRITORIES,
    Area,
    clock,
    postal_area,
    state_by_name,
    states_in_zone,
    tables,
    tells_nowhere,
    zones_by_country,
    zones_of,
)
from ccmiddleware.errors import PermanentError

CONTRADICTORY = "they contradict each other: all of them count"
CACHED_PLACES = 50_000
LONGEST_NUMBER = 17
"""Digits behind the country code that phonenumbers takes for a number."""


class InvalidEvidence(PermanentError, ValueError):
    """What is stored about a party can't be meant; the text says what would be right."""


class NoPlace(PermanentError, ValueError):
    """Nobody can tell where the party is, so it can't be called lawfully; the text says why."""


@dataclass(frozen=True)
class Place:
    """Where a party may be: at any of these zones and states."""

    country: str
    """ISO 3166 alpha-2 of the number plan."""
    zones: tuple[str, ...]
    """IANA zones, sorted, at least one."""
    states: tuple[str, ...] = ()
    """ISO 3166-2, sorted; none where nothing tells, or no rule asks for them."""
    evidence: tuple[str, ...] = ()
    """What said so, in words."""

    @property
    def key(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """What makes two places the same."""
        return self.country, self.zones, self.states


@dataclass(frozen=True)
class _Where:
    """One piece of evidence, or what follows from several."""

    zones: frozenset[str]
    states: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()

    @property
    def clocks(self) -> set[tuple[int, ...]]:
        return {clock(zone) for zone in self.zones}


def place_of(
    number_e164: str,
    *,
    zone: str | None = None,
    postal_code: str | None = None,
    state: str | None = None,
    country: str | None = None,
) -> Place:
    """Where the party of a number may be, by the number and by what is stored about the party.

    ``zone`` is an IANA name; ``state`` a code or an English name (FL, US-FL, Florida); ``country``
    an ISO 3166 alpha-2. Empty texts are as None. Postal codes are used for the US and Canada.
    Raises InvalidEvidence when something stored can't be meant, NoPlace when nothing tells.
    """
    stored = (
        (zone or "").strip(),
        (postal_code or "").strip().upper().replace(" ", ""),
        (state or "").strip(),
        (country or "").strip().upper(),
    )
    if _is_nanp(number_e164):
        return _place_by_area_code(number_e164[:5], *stored)
    return _place(*_by_number(number_e164), *stored)


def _is_nanp(number: str) -> bool:
    """Whether the area code alone tells all about this number, whose form is right."""
    return (
        len(number) == 12
        and number.startswith("+1")
        and number.isascii()
        and number[1:].isdecimal()
        and number[5] >= "2"
        and number[2:5] in tables().area_codes
    )


@lru_cache(maxsize=CACHED_PLACES)
def _place_by_area_code(prefix: str, zone: str, postal: str, state: str, country: str) -> Place:
    return _place(*_by_area_code(prefix), zone, postal, state, country)


def _place(
    home: str,
    by_number: _Where | None,
    why_not: str,
    zone: str,
    postal: str,
    state: str,
    country: str,
) -> Place:
    """The place by what the number says (or why it says nothing) and by what is stored."""
    stored = _stored(home, zone, postal, state, country)
    if by_number is None:
        if stored is None or not stored.zones:
            raise NoPlace(why_not + "; a stored time zone, postal code or state would tell")
        where = _Where(stored.zones, _states(stored), (why_not, *stored.words))
    elif stored is None:
        where = by_number
    elif _agree(by_number, stored):
        where = _Where(
            stored.zones or by_number.zones,
            stored.states or by_number.states,
            by_number.words + stored.words,
        )
    else:
        where = _widened(by_number, stored)
    return Place(home, tuple(sorted(where.zones)), tuple(sorted(where.states)), where.words)


# -- the number -----------------------------------------------------------------------------


def _by_area_code(prefix: str) -> tuple[str, _Where | None, str]:
    """Country and area of a US or Canadian number, known by its +1 and area code."""
    area = tables().area_codes[prefix[2:]]
    home = area.states[0][:2]
    if area.states[0][3:] in TERRITORIES:
        home = area.states[0][3:]
    return home, _area(f"area code {prefix[2:]}", area), ""


PLACELESS = {
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that follows its owner",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.VOICEMAIL: "a voice mailbox",
}
"""Types of numbers that say nothing of where the party is."""

NETWORKS = {
    800: "international toll-free",
    808: "international shared cost",
    870: "a satellite network (Inmarsat)",
    878: "a universal personal number",
    881: "a satellite network",
    882: "an international network",
    883: "an international network",
    888: "disaster relief",
    979: "international premium rate",
}
"""Country codes that belong to no country."""


def _by_number(number: str) -> tuple[str, _Where | None, str]:
    """Country and area of any number; no area, and why, when it has none.

    Raises NoPlace for what is no number in use.
    """
    parsed = _parsed(number)
    kind = number_type(parsed)
    if kind == PhoneNumberType.UNKNOWN:
        raise NoPlace(f"{number} is no number in use, or of an area code that is not known")
    home = region_code_for_number(parsed) or "001"
    if home == "001":
        network = NETWORKS.get(parsed.country_code or 0, "no country")
        return home, None, f"+{parsed.country_code} is {network}: it may be anywhere"
    if kind in PLACELESS:
        return home, None, f"{number} is {PLACELESS[kind]} ({home}): it may be anywhere"
    if is_number_type_geographical(kind, parsed.country_code or 0):
        zones = frozenset(time_zones_for_geographical_number(parsed)) - {UNKNOWN_TIMEZONE}
    else:
        zones = frozenset(time_zones_for_number(parsed)) - {UNKNOWN_TIMEZONE}
    if not zones:
        return home, None, f"no time zone is known for {number} ({home})"
    zones = _one_of_each_clock(home, zones)
    return home, _Where(zones, words=(f"number of {home}: {_names(zones)}",)), ""


@lru_cache(maxsize=1024)
def _one_of_each_clock(home: str, zones: frozenset[str]) -> frozenset[str]:
    """British mobile numbers are in four zones with one clock: the country's own stands for all."""
    own = zones_by_country().get(home, ())
    found: dict[tuple[int, ...], str] = {}
    for zone in sorted(zones, key=lambda each: (each not in own, each)):
        found.setdefault(clock(zone), zone)
    return frozenset(found.values())


def _parsed(number: str) -> PhoneNumber:
    """A number in E.164, taken apart without guessing (``phonenumbers.parse`` takes 25 us more)."""
    if not (number.startswith("+") and number[1:].isdecimal() and number.isascii()):
        raise NoPlace(f"{number!r} is no number in E.164: + and country code, then digits")
    for length in (1, 2, 3):
        code, rest = int(number[1 : length + 1]), number[length + 1 :]
        if code in COUNTRY_CODE_TO_REGION_CODE and rest and len(rest) <= LONGEST_NUMBER:
            zeros = min(len(rest) - len(rest.lstrip("0")), len(rest) - 1)
            return PhoneNumber(
                code,
                int(rest),
                italian_leading_zero=True if zeros else None,
                number_of_leading_zeros=zeros if zeros > 1 else None,
            )
    raise NoPlace(f"{number} is no number in use")


# -- what is stored -------------------------------------------------------------------------


def _stored(home: str, zone: str, postal: str, state: str, country: str) -> _Where | None:
    """What all that is stored says together; the more exact comes first."""
    country = _country(country)
    if country in TERRITORIES:
        state, country = state or f"US-{country}", "US"
    own = "US" if home in TERRITORIES else home
    pieces: list[_Where] = []
    if zone:
        pieces.append(_by_zone(zone))
    if postal:
        pieces += _by_postal_code(country or own, postal, settled=bool(zone), sure=bool(country))
    if state:
        pieces.append(_by_state(country or own, state, sure=bool(country)))
    if country and country != own:
        pieces.append(_by_country(country))
    if not pieces:
        return None
    whole = pieces[0]
    for piece in pieces[1:]:
        if not _agree(whole, piece):
            return reduce(_widened, pieces)
        whole = _narrowed(whole, piece)
    return whole


@lru_cache(maxsize=1024)
def _by_zone(zone: str) -> _Where:
    if zone not in _zone_names():
        lower = {each.lower(): each for each in sorted(_zone_names())}
        near = [each for key, each in lower.items() if key.endswith(f"/{zone.lower()}")]
        near += [lower[key] for key in get_close_matches(zone.lower(), lower, n=2, cutoff=0.5)]
        meant = " or ".join(dict.fromkeys(near)) or "America/New_York"
        raise InvalidEvidence(f"{zone!r} is no time zone; did you mean {meant}?")
    return _Where(frozenset((zone,)), words=(f"stored zone {zone}",))


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime"}


def _by_postal_code(country: str, postal: str, *, settled: bool, sure: bool) -> list[_Where]:
    """What a postal code says; nothing outside the US and Canada.

    ``settled``: a time zone is stored too, so that a code which tells no place does no harm.
    ``sure``: the country is stored, and not only that of the number.
    """
    if country not in COUNTRIES_WITH_STATES:
        return []
    digits = postal.split("-")[0]
    if not sure:
        country = "US" if digits.isdecimal() else "CA"
    if country == "US":
        code = digits.zfill(5) if len(digits) > 2 else digits
        good, right = len(code) == 5 and code.isdecimal(), "five digits, as in 33101"
    else:
        code = postal.replace("-", "")
        good, right = _is_canadian(code), "as in M5V 2T6"
    if not good:
        raise InvalidEvidence(f"{postal!r} is no postal code of {country}: write {right}")
    nowhere = tells_nowhere(code)
    if nowhere:
        if settled:
            return []
        raise NoPlace(f"postal code {code} {nowhere}; a stored time zone would tell")
    prefix, area = postal_area(country, code)
    if area is None:
        raise InvalidEvidence(f"no postal code of {country} begins as {postal!r} does")
    shown = prefix if len(prefix) == len(code) else f"{prefix}.."
    return [_area(f"postal code {shown}", area)]


def _is_canadian(code: str) -> bool:
    """A1A 1A1, or its first half."""
    form = (str.isalpha, str.isdecimal) * 3
    return (
        len(code) in (3, 6)
        and code.isascii()
        and all(fits(letter) for fits, letter in zip(form, code, strict=False))
    )


def _by_state(country: str, text: str, *, sure: bool) -> _Where:
    """What a state says. ``sure``: the country is stored, and not only that of the number."""
    known = state_by_name().get(text.lower().removesuffix(" state"))
    if known is not None and (country in COUNTRIES_WITH_STATES or text.upper() == known):
        state = tables().states[known]
        return _area(f"stored state {text}", Area((known,), state.zones))
    prefix, dash, rest = text.upper().partition("-")
    if not dash and sure:
        prefix, rest = country, text.upper()
    if country in COUNTRIES_WITH_STATES or prefix in COUNTRIES_WITH_STATES:
        raise InvalidEvidence(
            f"{text!r} is no state of {country}: write its code or name, as in FL, US-FL or Florida"
        )
    if prefix not in zones_by_country() or not (rest.isascii() and rest.isalnum()) or len(rest) > 3:
        raise InvalidEvidence(
            f"{text!r} is no state: write its code of ISO 3166-2, as in DE-BY or US-FL"
        )
    return _area(f"stored state {text}", Area((f"{prefix}-{rest}",), zones_of(prefix)))


def _by_country(country: str) -> _Where:
    """Anywhere in a country that is not that of the number."""
    zones = frozenset(zones_of(country))
    states = frozenset(code for code in tables().states if code[:2] == country)
    return _Where(zones, states, (f"stored country {country}: all its time zones and states",))


def _country(text: str) -> str:
    if text and text not in zones_by_country():
        meant = {"UK": "GB", "USA": "US", "CAN": "CA"}.get(text)
        right = f"did you mean {meant}?" if meant else "write two letters of ISO 3166, as in US"
        raise InvalidEvidence(f"{text!r} is no country: {right}")
    return text


# -- together -------------------------------------------------------------------------------


def _agree(one: _Where, other: _Where) -> bool:
    """Whether some place fits both."""
    if one.states and other.states and not one.states & other.states:
        return False
    return not (one.zones and other.zones) or bool(one.clocks & other.clocks)


def _narrowed(exact: _Where, other: _Where) -> _Where:
    """Where both fit; zones are named as the first names them."""
    clocks = other.clocks
    zones = frozenset(zone for zone in exact.zones if clock(zone) in clocks)
    states = exact.states & other.states if exact.states and other.states else other.states
    return _Where(zones, states or exact.states, exact.words + other.words)


def _widened(one: _Where, other: _Where) -> _Where:
    """Where either fits. A zone without a state stands for all states of that zone."""
    states = _states(one) | _states(other)
    words = tuple(words for words in one.words + other.words if words != CONTRADICTORY)
    return _Where(one.zones | other.zones, states, (*words, CONTRADICTORY))


def _states(where: _Where) -> frozenset[str]:
    return where.states or frozenset(
        state for zone in where.zones for state in states_in_zone(zone)
    )


def _area(what: str, area: Area) -> _Where:
    said = ", ".join(area.states)
    return _Where(
        frozenset(area.zones),
        frozenset(area.states),
        (f"{what}: {said}{', ' if said else ''}{_names(area.zones)}",),
    )


def _names(zones: Iterable[str]) -> str:
    return ", ".join(sorted(zones))
