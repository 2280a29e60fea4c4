"""Names of attachments that are safe as names of files, on every system, and unlike each other."""

import mimetypes
import re
import unicodedata

from ccmiddleware.mail.headers import words
from ccmiddleware.mail.soundness import one_line

MAX_CHARACTERS = 120
MAX_BYTES = 200
"""File systems take 255; some room is left for what others put before or behind the name."""

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
    "\ud800-\udfff]"
)
_FORBIDDEN = re.compile(r'[<>:"|?*\\/%`$;&]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\..*)?", re.IGNORECASE)
_TYPES = mimetypes.MimeTypes()


class Names:
    """Gives each attachment of one message its name."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def safe(self, told: str, content_type: str, number: int) -> str:
        """A name made of the one that the message tells; or of the number, where it tells none."""
        name = _cleaned(told)
        if not name:
            name = f"attachment-{number}{_TYPES.guess_extension(content_type) or '.bin'}"
        return self._unlike_others(name)

    def _unlike_others(self, name: str) -> str:
        stem, suffix = _split(name)
        candidate, count = _cut(stem, suffix), 1
        while candidate.casefold() in self._given:
            count += 1
            candidate = _cut(stem, suffix, f" ({count})")
        self._given.add(candidate.casefold())
        return candidate


def _cleaned(told: str) -> str:
    name = _INVISIBLE.sub("", words(told[:2000]))
    # A path is cut to its last part, whichever system wrote it.
    name = re.split(r"[/\\]", name)[-1]
    name = one_line(unicodedata.normalize("NFC", name), 500).replace("\ufffd", "_")
    name = _FORBIDDEN.sub("_", name).strip(" .")
    if name.startswith(("-", "~")) or _RESERVED.fullmatch(name):
        name = f"_{name}"
    return name


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or len(suffix) > 12:
        return name, ""
    return stem, dot + suffix


def _cut(stem: str, suffix: str, count: str = "") -> str:
    end = count + suffix
    stem = stem[: MAX_CHARACTERS - len(end)]
    while stem and len((stem + end).encode("utf-8", "replace")) > MAX_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(" .") or "_") + end
