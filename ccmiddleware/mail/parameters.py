"""Parameters of Content-Type and Content-Disposition, RFC 2231 continuations included."""

import re
from urllib.parse import unquote_to_bytes

from ccmiddleware.mail import charsets

MAX_PARAMETERS = 100

_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"?|[^";]+|;', re.DOTALL)
_KEY = re.compile(r"\s*([^\s=*]{1,60})(?:\*(\d{1,3}))?(\*)?\s*=\s*(.*)\s*", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parameters(value: str) -> dict[str, str]:
    """The parameters after the first ``;``, names in lower case; the first of equal names holds."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for piece in _split(value)[1 : MAX_PARAMETERS + 1]:
        match = _KEY.fullmatch(piece)
        if match is None:
            continue
        name, number, encoded, text = match.groups()
        name, text = name.lower(), _unquoted(text.strip())
        if number is None and not encoded:
            plain.setdefault(name, text)
        else:
            pieces.setdefault(name, {}).setdefault(int(number or 0), (bool(encoded), text))
    for name, numbered in pieces.items():
        plain[name] = _joined([numbered[number] for number in sorted(numbered)])
    return plain


def _split(value: str) -> list[str]:
    """``value`` at its semicolons, but for those in quotes."""
    pieces: list[list[str]] = [[]]
    for lexeme in _LEXEME.findall(value):
        if lexeme == ";":
            pieces.append([])
        else:
            pieces[-1].append(lexeme)
    return ["".join(piece) for piece in pieces]


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    # Outlook writes paths with single backslashes; only \" and \\ are escapes that anybody uses.
    return _ESCAPED.sub(lambda m: m[1] if m[1] in '"\\' else m[0], inner)


def _joined(pieces: list[tuple[bool, str]]) -> str:
    """One value of its pieces; the first encoded one begins with ``charset'language'``."""
    charset = ""
    data = b""
    for index, (encoded, text) in enumerate(pieces):
        if not encoded:
            data += text.encode("utf-8", "replace")
            continue
        if index == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text)
    return charsets.decode(data, charset)[0]
