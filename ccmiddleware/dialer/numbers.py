"""Telephone numbers as people write them, to E.164 with what kind of number it is. Pure.

The number plans are those of phonenumbers. A number is taken only if its country's plan has such a
number, and only if a call to it costs what a call costs: no premium rates, no shared costs.
"""

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

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


class InvalidNumber(PermanentError):
    """No number that can be called; the text says why."""


def parsed(text: str, region: str | None) -> tuple[str, str, PhoneNumber]:
    """E.164, kind, and the number itself. ``region``: the country of numbers without a +.

    Raises InvalidNumber.
    """
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
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), name, number


def _why(text: str, region: str | None, kind: int) -> str:
    if kind == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and not text.lstrip().startswith("+"):
            return f"{text!r} has no country code, and no default region is set"
        return f"{text!r} has no country code that there is"
    return f"{text!r} is no telephone number"
