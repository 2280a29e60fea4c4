"""Lists of addresses as people and programs write them: one pass, no recursion, never an error.

Names are decoded after the list was taken apart, so that nothing in an encoded word can become
an address of its own.
"""

import re

import idna

from ccmiddleware.mail.headers import words
from ccmiddleware.mail.message import Address
from ccmiddleware.mail.soundness import one_line

MAX_NAME = 200
MAX_ADDRESS = 320

_LEXEME = re.compile(
    r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?="  # an encoded word: what looks like syntax in it is none
    r'|"(?:[^"\\]|\\.)*"?|[()]|<"(?:[^"\\<>]|\\.)*"@[^<>]*>|<[^<>]*>?|[,;:>]'
    r'|(?:[^"()<>,;:=]|=(?!\?))+|=',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WHITE = re.compile(r"\s+")
_LOCAL = re.compile(
    r"[^\s\x00-\x20\x7f-\x9f<>()\[\],;:\\\"@\ud800-\udfff\u2028-\u202e\u2066-\u2069]+"
)
_QUOTED_LOCAL = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])+"')
_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")
_LITERAL = re.compile(r"\[(?:ipv6:)?[0-9a-f:.]{2,45}\]")


def address_of(text: str) -> str:
    """``local@domain`` made sound, or ``""`` when it is no address."""
    text = text.strip()
    if text[:7].lower() == "mailto:":
        text = text[7:]
    local, at, domain = text.rpartition("@")
    if not at or len(text) > MAX_ADDRESS:
        return ""
    local = local.strip()
    if _QUOTED_LOCAL.fullmatch(local):
        bare = _ESCAPED.sub(r"\1", local[1:-1])
        local = bare if _LOCAL.fullmatch(bare) else local
    else:
        local = _WHITE.sub("", local)
        if not _LOCAL.fullmatch(local):
            return ""
    domain = _domain(_WHITE.sub("", domain))
    return f"{local}@{domain}" if domain else ""


def _domain(domain: str) -> str:
    domain = domain.rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError, ValueError, IndexError):
            return ""
    if len(domain) > 253:
        return ""
    return domain if _DOMAIN.fullmatch(domain) or _LITERAL.fullmatch(domain) else ""


def addresses(text: str, most: int) -> tuple[list[Address], bool]:
    """Up to ``most`` + 1 addresses of a field, and whether something in it was none."""
    found, wrong = _parsed(text, most)
    if not found and "=?" in text:
        # Some programs encode the whole field, address and all.
        found, wrong = _parsed(words(text), most)
        wrong = wrong or bool(found)
    return found, wrong


def _parsed(text: str, most: int) -> tuple[list[Address], bool]:
    reader = _Reader()
    for lexeme in _LEXEME.findall(text):
        reader.take(lexeme)
        if len(reader.found) > most:
            return reader.found, reader.wrong
    reader.end_of_one()
    return reader.found, reader.wrong or bool(reader.carried)


class _Reader:
    """Takes lexemes one by one; ``found`` grows at each comma, semicolon and at the end."""

    def __init__(self) -> None:
        self.found: list[Address] = []
        self.wrong = False
        self.carried = ""
        """What stood before a comma and was no address: ``Doe`` of ``Doe, Jane <jane@x>``."""
        self._comment_depth = 0
        self._clear()

    def _clear(self) -> None:
        self._phrase: list[str] = []
        self._comment: list[str] = []
        self._angle: str | None = None

    def take(self, lexeme: str) -> None:
        if lexeme == "(":
            self._comment_depth += 1
        elif self._comment_depth:
            if lexeme == ")":
                self._comment_depth -= 1
            else:
                self._comment.append(lexeme)
        elif lexeme in (",", ";"):
            self.end_of_one()
        elif lexeme == ":":
            self._end_of_group_name()
        elif lexeme[0] == "<":
            if self._angle is None:
                self._angle = lexeme.strip("<>")
        elif lexeme not in (")", ">"):
            self._phrase.append(lexeme)

    def _end_of_group_name(self) -> None:
        phrase = "".join(self._phrase)
        if phrase.strip().lower() == "mailto" or "@" in phrase:
            self._phrase.append(":")
        elif self._angle is None:
            self._clear()
            self.carried = ""

    def end_of_one(self) -> None:
        phrase = "".join(self._phrase)
        comment = " ".join(self._comment)
        angle = self._angle
        self._clear()
        if angle is not None:
            self._found(self._without_route(angle), phrase, comment)
        elif "@" in phrase:
            candidates = [part for part in phrase.split() if "@" in part]
            rest = " ".join(part for part in phrase.split() if "@" not in part)
            if phrase.lstrip().startswith('"') and phrase.rstrip()[-1:] != '"':
                candidates, rest = [phrase.strip()], ""
            self._found(candidates[0] if candidates else phrase, rest, comment)
        elif phrase.strip():
            self.carried = f"{self.carried}, {phrase.strip()}".lstrip(", ")[:MAX_NAME]

    @staticmethod
    def _without_route(angle: str) -> str:
        return angle.rpartition(":")[2] if angle.lstrip().startswith("@") else angle

    def _found(self, text: str, name: str, comment: str) -> None:
        address = address_of(text)
        if not address:
            self.wrong = self.wrong or bool(text.strip())
            self.carried = ""
            return
        if self.carried:
            name = f"{self.carried}, {name.strip()}"
            self.carried = ""
        self.found.append(Address(address, _name(name) or _name(comment)))


def _name(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    text = words(text.replace('"', "")).strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        text = text[1:-1]
    return one_line(text, MAX_NAME)
