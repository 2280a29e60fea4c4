"""Encodings and delimiters that are found out."""

import pytest

from ccmiddleware.dialer.file_text import (
    InvalidText,
    delimiter_named,
    delimiter_of,
    encoding_named,
    encoding_of,
)

GERMAN = "Müller, Köln, Straße, Größe, Übung, ähnlich, schön, grün, Bär, Äpfel\n" * 3
RUSSIAN = "Жук живёт под старым пнём, ест траву, ночью видит звёзды, днём спит\n" * 3


@pytest.mark.parametrize(
    ("pieces", "encoding", "certain"),
    [
        ([], "utf-8-sig", True),
        ([b"abc"], "utf-8-sig", True),
        ([GERMAN.encode()], "utf-8-sig", True),
        (["ä".encode()[:1], "ä".encode()[1:]], "utf-8-sig", True),
        ([b"\xef\xbb\xbfabc"], "utf-8-sig", True),
        (["abc".encode("utf-16")], "utf-16", True),
        ([b"a" * 100, b"\xe4\n"], "cp1252", False),
        ([GERMAN.encode("cp1252")], "cp1252", False),
        ([RUSSIAN.encode("cp1251")], "cp1251", False),
        (["ä".encode()[:1]], "cp1252", False),
    ],
)
def test_the_encoding_is_found(pieces: list[bytes], encoding: str, certain: bool) -> None:
    found, sure = encoding_of(pieces)
    assert (found, sure) == (encoding, certain) or b"".join(pieces).decode(found) == GERMAN
    assert sure is certain


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("a,b,c", ","), ("a;b,c;d", ";"), ("a\tb", "\t"), ("a|b", "|"), ("a", ","),
     ('"a,b,c";d', ";")],
)  # fmt: skip
def test_the_delimiter_is_found(line: str, delimiter: str) -> None:
    assert delimiter_of(line) == delimiter


def test_what_is_said_is_checked() -> None:
    assert encoding_named("UTF8") == "utf-8-sig"
    assert encoding_named("latin-1") == "iso8859-1"
    assert delimiter_named("Tab") == "\t"
    assert delimiter_named("^") == "^"
    for name in ("utf-9", "base64", "rot13", "idna", "undefined"):
        with pytest.raises(InvalidText):
            encoding_named(name)
    for name in ("", "ab", "x", '"', "\n"):
        with pytest.raises(InvalidText, match="no delimiter"):
            delimiter_named(name)
