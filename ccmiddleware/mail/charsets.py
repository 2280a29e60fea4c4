"""Bytes to text when nobody can be trusted to say which charset they are in.

First what was declared, unless it is plainly a lie; then UTF-8; then a guess. There is always
some text: what fits nowhere becomes U+FFFD.
"""

import codecs
import re

from charset_normalizer import from_bytes

_LABEL = re.compile(r"[a-z0-9._:+-]{1,40}")

_READ_AS = {
    # Programs declare the subset and write the superset.
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
}
_ALIASES = {
    "ks_c_5601-1987": "cp949",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "cp-850": "cp850",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "unicode": "utf-16",
}
_NO_CHARSETS = frozenset(
    # Codecs of text that are no charsets of messages; idna and punycode take quadratic time.
    "idna punycode unicode-escape raw-unicode-escape undefined mbcs oem".split()
)
_WIDE = frozenset("utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be".split())
_SINGLE_BYTE = ("ascii", "iso8859", "cp12", "cp8", "cp4", "koi8", "mac", "tis", "hp-", "cp10")
_GUESSES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r iso8859_2 gb18030 big5 cp932 "
    "euc_jp cp949".split()
)
_SAMPLE = 2048
"""Bytes that a guess is made from."""
_FEW = 8
"""Bytes beyond ASCII from which on a guess is worth something."""


def known(label: str) -> str:
    """The name of the codec for a declared charset, or ``""`` where there is none."""
    label = label.strip().strip("\"'").lower()
    label = _ALIASES.get(label, label)
    if not _LABEL.fullmatch(label):
        return ""
    try:
        name = codecs.lookup(label).name
        if name.replace("_", "-") in _NO_CHARSETS:
            return ""
        b"a".decode(name, "replace")  # a LookupError for codecs such as zlib and rot13
    except (LookupError, ValueError, ImportError, AttributeError, TypeError):
        return ""
    return name


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text of ``data``, and in words what had to be guessed (``""``: nothing)."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace"), ""
    codec = known(declared)
    if data.isascii() and (not codec or codec not in _WIDE) and b"\x1b" not in data:
        if codec in ("utf-7", "hz"):
            return data.decode(codec, "replace"), ""
        return data.decode("ascii"), ""
    if codec:
        text = _as_declared(data, codec)
        if text is not None:
            return text, ""
    if b"\x1b$" in data and (text := _strictly(data, "iso2022_jp")) is not None:
        return text, _note(declared, "iso2022_jp")
    if (text := _strictly(data, "utf-8")) is not None:
        return text, _note(declared, "utf-8") if declared else ""
    codec = _most_of(data, codec) or _guess(data)
    return data.decode(codec, "replace"), _note(declared, codec)


def _as_declared(data: bytes, codec: str) -> str | None:
    if codec in _WIDE:
        # Text in UTF-16 or UTF-32 has NULs; text that only claims to be so has none.
        return _strictly(data, codec) if b"\0" in data or not data.isascii() else None
    if codec.startswith(_SINGLE_BYTE) and _strictly(data, "utf-8") is not None:
        return None  # these take any bytes; what is valid UTF-8 by accident is very rare
    text = _strictly(data, _READ_AS.get(codec, codec))
    return text if text is not None else _strictly(data, codec)


def _most_of(data: bytes, codec: str) -> str:
    """UTF-8 or a declared multi-byte charset with a few broken bytes is still that charset."""
    for candidate in ("utf-8", _READ_AS.get(codec, codec)):
        if not candidate or candidate in _WIDE or candidate.startswith(_SINGLE_BYTE):
            continue
        text = data[:_SAMPLE].decode(candidate, "replace")
        bad = text.count("\ufffd")
        if bad * 10 <= sum(character > "\x7f" for character in text):
            return candidate
    return ""


def _guess(data: bytes) -> str:
    first = re.search(rb"[\x80-\xff]", data)
    start = max(0, first.start() - 200) if first else 0
    sample = data[start : start + _SAMPLE]
    if len(sample.translate(None, bytes(range(128)))) >= _FEW and b"\0" not in sample:
        best = from_bytes(sample, cp_isolation=_GUESSES, steps=3, chunk_size=512).best()
        if best is not None:
            return best.encoding
    return "cp1252"


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError, LookupError):
        return None


def _note(declared: str, codec: str) -> str:
    shown = codec.replace("_", "-")
    if not declared:
        return f"no charset was declared, read as {shown}"
    return f'charset "{declared[:40]}" is not what it is in, read as {shown}'
