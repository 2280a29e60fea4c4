"""When two ways of writing a telephone number are the same number. Pure.

Without a country code two numbers are the same when their digits are (and the + before them). With
one, numbers of that country and abroad are known in the ways in which trunks send them: with a +,
with what stands for it (00), and the country's own with its national prefix (0) instead. Nothing
else is the same: no ends of numbers are compared, and a number that begins with none of these (an
extension, a short code) is only itself.

``ccm.forms_of_number`` (sql/migrations) lists the ways of one number for the database.
"""

import re
from dataclasses import dataclass

NUMBER = re.compile(r"\+?[0-9]{1,32}")
BETWEEN_DIGITS = re.compile(r"[ ()./-]")


@dataclass(frozen=True)
class NumberRule:
    """How numbers come. Empty prefixes stand for none; no country code, no rule at all."""

    country_code: str = ""
    international_prefix: str = "00"
    national_prefix: str = "0"


def normal(text: str, rule: NumberRule) -> str:
    """The one way in which a number is stored; ``""`` when it is no number.

    What people write between digits (spaces, brackets, dots, slashes, hyphens) is dropped.
    """
    number = BETWEEN_DIGITS.sub("", text.strip())
    if NUMBER.fullmatch(number) is None:
        return ""
    if not rule.country_code or number.startswith("+"):
        return number
    abroad, national = rule.international_prefix, rule.national_prefix
    if abroad and number.startswith(abroad):
        rest, code = number.removeprefix(abroad), ""
    elif national and number.startswith(national):
        rest, code = number.removeprefix(national), rule.country_code
    else:
        return number
    whole = f"+{code}{rest}"
    return whole if rest and len(whole) <= 33 else number
