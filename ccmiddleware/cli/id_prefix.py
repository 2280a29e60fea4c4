"""Ids that people shorten: the first characters of a UUID say which rows may be meant."""

import re
from uuid import UUID

SHOWN = 18
"""Characters of an id that tables show: enough to tell rows of one second apart."""

_HEX = re.compile(r"[0-9a-f]{4,32}")
NOBODY = (UUID(int=1), UUID(int=0))
"""Bounds between which there is nothing."""


def bounds(text: str) -> tuple[UUID, UUID]:
    """The lowest and the highest id that begin so; NOBODY when ``text`` is no beginning of one."""
    digits = text.strip().lower().replace("-", "")
    if _HEX.fullmatch(digits) is None:
        return NOBODY
    return UUID(hex=digits.ljust(32, "0")), UUID(hex=digits.ljust(32, "f"))
