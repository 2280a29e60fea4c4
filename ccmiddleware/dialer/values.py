"""What one setting of a campaign may hold: texts to values and back, and what is refused. Pure.

A parser makes the value of what was typed, or raises InvalidCampaign. Values are what JSON has.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

import phonenumbers

from ccmiddleware.dialer.holidays import InvalidHoliday, finder
from ccmiddleware.dialer.retry import InvalidRetry, parse_retry, show_retry
from ccmiddleware.errors import PermanentError
from ccmiddleware.queues.hours import InvalidHours, parse_week, show_week
from ccmiddleware.queues.settings import InvalidSettings, zone_named

Value = Any
"""What JSON has: text, number, true or false, list, object; None where nothing is set."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
TRUNK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
QUEUE = re.compile(r"[A-Za-z0-9_.@+\x80-\U0010ffff-]([A-Za-z0-9 _.@+\x80-\U0010ffff-]{0,77}[^ ])?")
SOUND = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
E164 = re.compile(r"\+[1-9][0-9]{3,14}")
BEGINNING = re.compile(r"\+[1-9][0-9]{0,13}")
KEYPAD = "0123456789*#"
BETWEEN_DIGITS = re.compile(r"[ ()./-]")
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
DIAL = re.compile(
    r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_@:/.+*#;-]*\{(?:number|digits)\}[A-Za-z0-9_@:/.+*#;-]*"
)


class InvalidCampaign(PermanentError):
    """What was given for a campaign can't be; the text says what is wrong and what would be."""


Parse = Callable[[str], Value]


def one_of(*words: str) -> Parse:
    """One of these words."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            near = get_close_matches(text.lower(), words, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(words)}"
            raise InvalidCampaign(f"{text!r} is none; {hint}")
        return text.lower()

    return parse


def whole(low: int, high: int) -> Parse:
    """A whole number."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise InvalidCampaign(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return parse


def decimal(low: str, high: str, unit: str = "") -> Parse:
    """A number, perhaps with decimals, and with its unit behind it."""

    def parse(text: str) -> float:
        try:
            found = Decimal(text.removesuffix(unit).strip()) if text.isascii() else Decimal("NaN")
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite() or not Decimal(low) <= found <= Decimal(high):
            raise InvalidCampaign(f"{text!r} is no number from {low} to {high}")
        return float(round(found, 3))

    return parse


def yes_no(text: str) -> bool:
    """Yes or no."""
    answers = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in answers:
        raise InvalidCampaign(f"{text!r} is neither yes nor no")
    return answers[text.lower()]


def line(longest: int) -> Parse:
    """One line of text."""

    def parse(text: str) -> str:
        if len(text) > longest or not text.isprintable():
            raise InvalidCampaign(f"{text!r} is no single line of at most {longest} characters")
        return text

    return parse


def word(pattern: re.Pattern[str], what: str) -> Parse:
    """A name of that form."""

    def parse(text: str) -> str:
        if pattern.fullmatch(text) is None or not text.isprintable():
            raise InvalidCampaign(f"{text!r} is no {what}")
        return text

    return parse


campaign_name = word(
    NAME,
    "name of a campaign: letters, digits and _ . - (the last two not at its begin), at most 60",
)
trunk_name = word(TRUNK, "name of a trunk: letters, digits and _ . -, at most 40")
queue_name = word(QUEUE, "name of a queue: letters, digits, space and _ . @ + -")
profile_name = word(TRUNK, "name of a profile, such as us-ftc or uk-ofcom")


def sound(text: str) -> str:
    """The name of a sound, as Playback() takes it; never a path from outside Asterisk's sounds."""
    if SOUND.fullmatch(text) is None or len(text) > 100:
        raise InvalidCampaign(
            f"{text!r} is no name of a sound: write it as for Playback(), below Asterisk's sounds "
            "and without its ending, as in custom/safe-harbour"
        )
    return text


def number(text: str) -> str:
    """A whole number of the world, E.164; what people write between digits is dropped."""
    bare = BETWEEN_DIGITS.sub("", text)
    if E164.fullmatch(bare) is None:
        raise InvalidCampaign(f"{text!r} is no number with + and country code, as in +12125550100")
    return bare


def beginning(text: str) -> str:
    """What numbers begin with: + and digits."""
    bare = BETWEEN_DIGITS.sub("", text)
    if BEGINNING.fullmatch(bare) is None:
        raise InvalidCampaign(f"{text!r} is no beginning of numbers, as in +1305")
    return bare


def dial(text: str) -> str:
    """What Asterisk dials: technology, resource, and where the number stands in it."""
    if DIAL.fullmatch(text) is None or len(text) > 200:
        raise InvalidCampaign(
            f"{text!r} is nothing to dial: write TECHNOLOGY/RESOURCE with {{number}} (with its +) "
            "or {digits} (without) once, as in PJSIP/{number}@provider; beside letters and digits "
            "there may be _ @ : / . + * # ; -"
        )
    return text


def region(text: str) -> str:
    """A country of the number plans, ISO 3166 alpha-2."""
    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidCampaign(f"{text!r} is no country: write two letters, as in US, GB or DE")
    return text.upper()


def day(text: str) -> str:
    """A date."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidCampaign(f"{text!r} is no date; write it as 2026-12-24") from None


def key(text: str) -> str:
    """One key of a telephone."""
    if len(text) != 1 or text not in KEYPAD:
        raise InvalidCampaign(f"{text!r} is no key: write one of 0 to 9, * and #")
    return text


def duration(text: str) -> int:
    """Seconds of a duration of a minute to a year."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip().lower())
    seconds = int(found[1]) * UNITS[found[2]] if found else -1
    if not 60 <= seconds <= 366 * 86400:
        raise InvalidCampaign(f"{text!r} is no duration from 1m to 366d: write 30m, 4h or 2d")
    return seconds


def show_duration(seconds: int) -> str:
    """A duration in the largest unit that it is a whole number of."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def several(each: Parse, most: int) -> Parse:
    """A list with commas between."""

    def parse(text: str) -> list[Value]:
        found = [each(part.strip()) for part in text.split(",") if part.strip()]
        if not found or len(found) > most:
            raise InvalidCampaign(f"{text!r} is no list of 1 to {most} with commas between")
        doubles = [str(one) for place, one in enumerate(found) if one in found[:place]]
        if doubles:
            raise InvalidCampaign(f"{doubles[0]} is given twice")
        return found

    return parse


def caller_id(text: str) -> str:
    """A number that is shown, for all or for those whom a beginning names: +1305:+13055550100."""
    area, colon, shown = text.rpartition(":")
    return f"{beginning(area)}:{number(shown)}" if colon else number(text)


def week(text: str) -> str | None:
    """Hours of the week, as queues have them; None for always."""
    try:
        found = parse_week(text)
    except InvalidHours as error:
        raise InvalidCampaign(str(error)) from None
    return None if found is None else show_week(found)


def holidays(text: str) -> list[str]:
    """Days without calls, as rules: ``december 25; 2026-12-24; easter``."""
    found = [" ".join(part.lower().split()) for part in text.split(";") if part.strip()]
    for rule in found:
        try:
            finder(rule)
        except InvalidHoliday as error:
            raise InvalidCampaign(str(error)) from None
        if found.count(rule) > 1:
            raise InvalidCampaign(f"{rule} is given twice")
    if len(found) > 200:
        raise InvalidCampaign("there are more than 200 holidays")
    return found


def show_holidays(value: Sequence[str]) -> str:
    """As ``holidays`` reads them."""
    return "; ".join(value)


def zone(text: str) -> str:
    """A time zone of the IANA database."""
    try:
        return zone_named(text).key
    except InvalidSettings as error:
        raise InvalidCampaign(str(error)) from None


def cap(text: str) -> dict[str, int]:
    """Most calls to a number in so many hours: ``3 in 24h``."""
    found = re.fullmatch(r"([0-9]{1,3}) in ([0-9]{1,4})h", text.strip().lower())
    if found is None or not (1 <= int(found[1]) <= 100 and 1 <= int(found[2]) <= 8784):
        raise InvalidCampaign(f"{text!r} is no limit: write 3 in 24h (at most 100, within 8784h)")
    return {"calls": int(found[1]), "hours": int(found[2])}


def show_cap(value: dict[str, int]) -> str:
    """As ``cap`` reads it."""
    return f"{value['calls']} in {value['hours']}h"


def keys(text: str) -> dict[str, str]:
    """What keys do while a message plays: ``1=agent, 2=repeat, 9=opt_out``."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, action = (piece.strip() for piece in part.partition("="))
        if key(name) in found:
            raise InvalidCampaign(f"the key {name} is given twice")
        if action.startswith("queue:"):
            queue_name(action.removeprefix("queue:"))
        elif action not in ("agent", "repeat", "opt_out", "hangup"):
            raise InvalidCampaign(
                f"{part.strip()!r}: write KEY=agent (the campaign's queue), KEY=queue:NAME, "
                "KEY=repeat, KEY=opt_out or KEY=hangup"
            )
        found[name] = action
    return found


def show_keys(value: dict[str, str]) -> str:
    """As ``keys`` reads them."""
    return ",".join(f"{name}={action}" for name, action in value.items())


def retry(text: str) -> str:
    """What follows each result, as ``retry`` reads it; ``never`` for nothing."""
    if text.strip().lower() == "never":
        return "never"
    try:
        return show_retry(parse_retry(text))
    except InvalidRetry as error:
        raise InvalidCampaign(str(error)) from None


def disposition(text: str) -> dict[str, Value]:
    """What a code that an agent gives means for the lead."""
    words = text.lower().split()
    match words:
        case ["done" | "success" | "dnc" | "callback" | "machine" as effect]:
            return {"effect": effect}
        case ["again", "after", time]:
            return {"effect": "again", "after": duration(time)}
        case ["next", "number"]:
            return {"effect": "next_number"}
    raise InvalidCampaign(
        f"{text!r} is no meaning of a code: write done, success (done, and counted as one), dnc "
        "(done, and never called again), callback (at a time that is agreed), machine (called "
        "again as after one), again after DURATION, or next number"
    )


def show_disposition(value: dict[str, Value]) -> str:
    """As ``disposition`` reads it."""
    if value["effect"] == "again":
        return f"again after {show_duration(value['after'])}"
    return str(value["effect"]).replace("_", " ")
