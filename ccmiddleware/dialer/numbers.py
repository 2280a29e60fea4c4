"""Telephone numbers as people write them, to E.164 with what kind of number it is. Pure.

The number plans are those of phonenumbers. A number is taken only if its country's plan has such a
number, and only if a call to it costs what a call costs: no premium rates, no shared costs.
"""

from functools import lru_cache

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

from ccmiddleware.errors import PermanentError

KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "other",
    PhoneNumberType.UAN: "other",
}
REFUSED = {
    PhoneNumberType.PREMIUM_RATE: "a number at a premium rate",
    PhoneNumberType.SHARED_COST: "a number of shared costs",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.VOICEMAIL: "a voice mailbox",
}
LONGEST = 40
IN_NANP = frozenset(COUNTRY_CODE_TO_REGION_CODE[1])
"""Countries of the North American Numbering Plan, whose country code is 1."""

PUNCTUATION = str.maketrans("", "", " ()-./\u00a0")
FREE = "2368"
"""Any four digits."""

NOT_FREE = ("246", "876")
"""Area codes in which the last four digits may tell what a number is: Barbados, Jamaica."""


class InvalidNumber(PermanentError):
    """No number that can be called; the text says why."""


def parsed(text: str, region: str | None) -> tuple[str, str]:
    """E.164 and kind. ``region``: the country of numbers without a +. Raises InvalidNumber."""
    quick = _nanp(text, region)
    if quick is not None:
        return quick
    if len(text) > LONGEST:
        raise InvalidNumber(f"{text[:LONGEST]!r} is too long for a number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumber(_why(text, region, error.error_type)) from None
    kind = phonenumbers.number_type(number)
    name = KINDS.get(kind)
    if name is None:
        why = REFUSED.get(kind)
        raise InvalidNumber(
            f"{text!r} is {why}"
            if why is not None
            else f"{text!r} is no number of +{number.country_code}: no such number can be"
        )
    if number.extension:
        raise InvalidNumber(f"{text!r} has an extension, which can't be dialled")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), name


def _nanp(text: str, region: str | None) -> tuple[str, str] | None:
    """The same for a number of North America in one of its usual ways; None for any other.

    In that plan the last four digits are free, but for NOT_FREE: kinds are looked up for what
    stands before them. A test compares this with the patterns of all its countries.
    """
    bare = text.translate(PUNCTUATION)
    if bare.startswith("+1"):
        bare = bare[2:]
    elif region not in IN_NANP:
        return None
    elif len(bare) == 11 and bare[0] == "1":
        bare = bare[1:]
    if len(bare) != 10 or not (bare.isascii() and bare.isdecimal()) or bare[:3] in NOT_FREE:
        return None
    kind = _nanp_kind(bare[:6])
    return None if kind is None else (f"+1{bare}", kind)


@lru_cache(maxsize=100_000)
def _nanp_kind(beginning: str) -> str | None:
    number = PhoneNumber(country_code=1, national_number=int(f"{beginning}{FREE}"))
    return KINDS.get(phonenumbers.number_type(number))


def _why(text: str, region: str | None, kind: int) -> str:
    if kind == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and not text.lstrip().startswith("+"):
            return f"{text!r} has no country code, and no default region is set"
        return f"{text!r} has no country code that there is"
    return f"{text!r} is no telephone number"
