"""How a file of text is to be read: its encoding, and what stands between its fields. Pure.

What can't be known for certain is told, so that a person can say otherwise.
"""

import codecs
from collections.abc import Iterable

from charset_normalizer import from_bytes

from ccmiddleware.errors import PermanentError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GUESSES = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15"]
SAMPLE = 64 * 1024
FEW = 12
"""Bytes beyond ASCII from which on a guess is worth something."""


class InvalidText(PermanentError):
    """The file can't be read so; the text says what would be right."""


def encoding_named(name: str) -> str:
    """The codec of that name. Raises InvalidText."""
    try:
        found = codecs.lookup(name)
        found.decode(b"a")
    except (LookupError, UnicodeError, ValueError, TypeError):
        raise InvalidText(f"there is no encoding {name!r}: utf-8, cp1252, utf-16 …") from None
    if not isinstance("".encode(found.name), bytes) or found.name in ("idna", "punycode"):
        raise InvalidText(f"{name!r} is no encoding of files")
    return "utf-8-sig" if found.name == "utf-8" else found.name


def encoding_of(pieces: Iterable[bytes]) -> tuple[str, bool]:
    """The encoding of a file, and whether it is certain. UTF-8 where the whole file is that."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    odd = bytearray()
    try:
        for number, piece in enumerate(pieces):
            marked = _marked(piece) if number == 0 else ""
            if marked:
                return marked, True
            odd += _odd_lines(piece) if len(odd) < SAMPLE else b""
            utf8.decode(piece)
        utf8.decode(b"", final=True)
    except UnicodeDecodeError:
        return _guessed(bytes(odd[:SAMPLE])), False
    return "utf-8-sig", True


def _marked(piece: bytes) -> str:
    return next((name for mark, name in MARKS if piece.startswith(mark)), "")


def _odd_lines(piece: bytes) -> bytes:
    """The lines that hold more than ASCII."""
    if piece.isascii():
        return b""
    return b"\n".join(line for line in piece.splitlines() if not line.isascii())


def _guessed(odd: bytes) -> str:
    if sum(byte > 127 for byte in odd) < FEW:
        return "cp1252"
    best = from_bytes(odd, cp_isolation=GUESSES).best()
    return best.encoding if best is not None else "cp1252"


def delimiter_of(line: str) -> str:
    """What stands between the names of the first line: the most frequent of , ; tab and |."""
    bare, quoted = [], False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            bare.append(letter)
    return max(DELIMITERS.values(), key=bare.count)


def delimiter_named(text: str) -> str:
    """What stands between fields, by name or as it is. Raises InvalidText."""
    found = DELIMITERS.get(text.lower(), text)
    if len(found) != 1 or found.isalnum() or found in "\"'\r\n +-":
        raise InvalidText(f"{text!r} is no delimiter: {', '.join(DELIMITERS)}, or one character")
    return found
