"""Numbers to E.164: the quick way for North America says what phonenumbers says."""

import random

import phonenumbers
import pytest

from ccmiddleware.dialer import numbers
from ccmiddleware.dialer.numbers import IN_NANP, InvalidNumber, parsed


def slowly(text: str, region: str | None) -> tuple[str, str] | str:
    """As without the quick way."""
    found = phonenumbers.parse(text, region)
    kind = numbers.KINDS.get(phonenumbers.number_type(found))
    number = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return (number, kind) if kind is not None else "refused"


def quickly(text: str, region: str | None) -> tuple[str, str] | str:
    try:
        return parsed(text, region)
    except InvalidNumber:
        return "refused"


@pytest.mark.parametrize("seed", range(4))
def test_the_quick_way_is_the_same(seed: int) -> None:
    rng = random.Random(seed)
    ways = ("{}{}{}", "({}) {}-{}", "{}.{}.{}", "+1 {} {} {}", "1-{}-{}-{}", "1{}{}{}", "+1{}{}{}")
    for _ in range(3000):
        # Of half of them the area code is one in which much is not a plain number.
        area = rng.choice(
            (
                rng.randrange(1000),
                rng.choice(
                    (500, 521, 533, 700, 800, 888, 900, 242, 246, 268, 345, 441, 649, 787, 809, 876)
                ),
            )
        )
        parts = (f"{area:03}", f"{rng.randrange(1000):03}", f"{rng.randrange(10000):04}")
        text = rng.choice(ways).format(*parts)
        region = rng.choice(("US", "CA", "BS"))
        assert quickly(text, region) == slowly(text, region), (text, region)


def test_the_last_four_digits_are_free_in_every_plan_of_north_america() -> None:
    """On this the quick way rests: no pattern looks at them."""
    for region in sorted(IN_NANP):
        plan = phonenumbers.PhoneMetadata.metadata_for_region(region)
        assert plan is not None
        for kind in ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip",
                     "personal_number", "uan", "pager", "voicemail"):  # fmt: skip
            described = getattr(plan, kind)
            pattern = described.national_number_pattern if described is not None else None
            for alternative in _alternatives(pattern or ""):
                free = alternative.endswith((r"\d{4}", r"\d{5}", r"\d{6}", r"\d{7}"))
                known = alternative.startswith(numbers.NOT_FREE)
                assert free or known, (region, kind, alternative)


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern that are not within brackets."""
    found, depth, begin = [], 0, 0
    for at, letter in enumerate(pattern):
        depth += (letter in "([") - (letter in ")]")
        if letter == "|" and depth == 0:
            found.append(pattern[begin:at])
            begin = at + 1
    return [*found, pattern[begin:]] if pattern else []


@pytest.mark.parametrize("text", ["800 FLOWERS", "305 222 0123 x5", "0305 222 0123", "+1 305 222"])
def test_unusual_ways_are_left_to_the_plans(text: str) -> None:
    assert numbers._nanp(text, "US") is None


def test_numbers_elsewhere_are_not_taken_for_those_of_north_america() -> None:
    assert parsed("305 222 0123 4", "DE")[0].startswith("+49")
    with pytest.raises(InvalidNumber, match="no country code"):
        parsed("305 222 0123", None)
