"""Text from outside, made storable: what Postgres and terminals can't take is replaced, not kept.

Postgres refuses NUL in text and lone surrogates anywhere; control characters would let a caller's
name move the cursor of whoever reads it. Nothing else is changed.
"""

import re

MAX_LENGTH = 1024
"""Longest text kept of one header, in characters. Asterisk itself cuts names far below this."""

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str, limit: int = MAX_LENGTH) -> str:
    """``text`` without control characters, bidi overrides and surrogates, at most ``limit`` long.

    Each unwanted character becomes U+FFFD, so that it is seen that something was there.
    """
    if len(text) > limit:
        text = text[:limit]
    if text.isascii() and text.isprintable():
        return text
    return _UNWANTED.sub("\ufffd", text)
