"""What stands on an IMAP connection: whole responses cut from bytes, and what is in them. Pure.

RFC 3501, sections 4 and 9. Texts of a server come from outside: nothing here trusts their length,
their nesting or their sense. What can't be IMAP raises NotImap, and the connection is given up.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

CRLF = b"\r\n"
MAX_LINE = 8 * 1024 * 1024
"""A line of one response without its literals. 800,000 UIDs found by a search fit."""
MAX_DEPTH = 20
"""Of parentheses in a response that is taken apart."""

_LITERAL = re.compile(rb"\{(\d{1,12})\+?\}$")
_STATUS = re.compile(rb"(?:\*|[A-Z0-9]+) (?:OK|NO|BAD|BYE|PREAUTH)\b|\+", re.IGNORECASE)
_TOKEN = re.compile(
    rb'(?P<space>[ \r\n]+)|(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb'|\{(?P<literal>\d+)\+?\}\r\n|(?P<atom>[^ ()"\[{]*\[[^\]]*\](?:<\d+>)?|[^ ()"]+)',
    re.DOTALL,
)
_CODE = re.compile(rb"\[([A-Za-z0-9-]+)(?: ([^\]]*))?\]")

Item = bytes | None | list["Item"]
"""A value in a response: a text or number, NIL, or a list in parentheses."""


class NotImap(ValueError):
    """The bytes can't be part of an IMAP connection, or are more than any real server sends."""


class Response(bytes):
    """One response without its last line end. A literal's ``{n}`` stays, its bytes are apart.

    It is bytes because that is what aioimaplib's commands look at.
    """

    literals: tuple[bytes, ...] = ()


class Splitter:
    """Cuts what arrives into responses. A literal may have ``max_literal`` bytes."""

    def __init__(self, max_literal: int) -> None:
        self._max_literal = max_literal
        self._buffer = bytearray()
        self._scanned = 0
        self._missing = 0
        self._literal = bytearray()
        self._text = bytearray()
        self._literals: list[bytes] = []

    @property
    def rest(self) -> int:
        """How many bytes were taken that are no whole response yet."""
        return len(self._buffer) + len(self._text) + len(self._literal)

    def feed(self, data: bytes) -> list[Response]:
        """The responses that are whole with this chunk. Raises NotImap."""
        self._buffer += data
        whole = []
        while (line := self._next_line()) is not None:
            self._text += line
            if len(self._text) > MAX_LINE:
                raise NotImap(f"a response is longer than {MAX_LINE} bytes")
            announced = None if _STATUS.match(self._text) else _LITERAL.search(line)
            if announced:
                self._begin_literal(int(announced[1]))
            else:
                whole.append(self._finish())
        return whole

    def _next_line(self) -> bytes | None:
        if not self._take_literal():
            return None
        end = self._buffer.find(CRLF, self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 1)
            if len(self._buffer) > MAX_LINE:
                raise NotImap(f"a line is longer than {MAX_LINE} bytes")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._scanned = 0
        return line

    def _take_literal(self) -> bool:
        """Whether no literal is open any more."""
        if self._missing:
            part = self._buffer[: self._missing]
            del self._buffer[: self._missing]
            self._literal += part
            self._missing -= len(part)
            if self._missing:
                return False
            self._end_literal()
        return True

    def _begin_literal(self, size: int) -> None:
        if size > self._max_literal:
            raise NotImap(f"a literal of {size} bytes, more than was asked for")
        self._text += CRLF
        self._missing = size
        if not size:
            self._end_literal()

    def _end_literal(self) -> None:
        self._literals.append(bytes(self._literal))
        self._literal = bytearray()

    def _finish(self) -> Response:
        response = Response(self._text)
        response.literals = tuple(self._literals)
        self._text = bytearray()
        self._literals = []
        return response


def code(text: bytes) -> tuple[str, str]:
    """The response code of a status text, such as (UIDVALIDITY, 17); empty where there is none."""
    found = _CODE.match(text)
    if not found:
        return "", ""
    return found[1].decode("ascii").upper(), (found[2] or b"").decode("utf-8", "replace")


def items(response: Response) -> list[Item]:
    """All values of a response, lists in lists. Raises NotImap."""
    stack: list[list[Item]] = [[]]
    literals = iter(response.literals)
    at = 0
    while at < len(response):
        found = _TOKEN.match(response, at)
        if not found:
            raise NotImap(f"makes no sense: {bytes(response[at : at + 60])!r}")
        at = found.end()
        if found["open"]:
            if len(stack) > MAX_DEPTH:
                raise NotImap("too many lists in lists")
            stack.append([])
        elif found["close"]:
            if len(stack) == 1:
                raise NotImap("a list ends that did not begin")
            inner = stack.pop()
            stack[-1].append(inner)
        elif not found["space"]:
            stack[-1].append(_value(found, literals))
    if len(stack) != 1:
        raise NotImap("a list does not end")
    return stack[0]


def _value(found: re.Match[bytes], literals: Iterator[bytes]) -> Item:
    if found["literal"] is not None:
        literal = next(literals, None)
        if literal is None:
            raise NotImap("a literal is missing")
        return literal
    if found["quoted"] is not None:
        return re.sub(rb"\\(.)", rb"\1", found["quoted"], flags=re.DOTALL)
    atom = found["atom"]
    return None if atom.upper() == b"NIL" else atom


def fetched(response: Response) -> dict[str, Item] | None:
    """The data items of a FETCH response by name in capitals; None for any other response.

    What was asked as BODY.PEEK[]<0.10> comes back as BODY[]<0>, or BODY[], and is BODY[] here.
    """
    if not re.match(rb"\* \d+ FETCH \(", response, re.IGNORECASE):
        return None
    pairs = items(response)[3]
    if not isinstance(pairs, list) or len(pairs) % 2:
        raise NotImap(f"FETCH without pairs: {bytes(response[:60])!r}")
    named: dict[str, Item] = {}
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, bytes):
            raise NotImap(f"FETCH with a value for a name: {bytes(response[:60])!r}")
        named[re.sub(r"<\d+>$", "", name.decode("ascii", "replace").upper())] = value
    return named


def number(value: Item, what: str) -> int:
    """A number of a response. Raises NotImap, naming ``what``."""
    if not isinstance(value, bytes) or not re.fullmatch(rb"\d{1,20}", value):
        raise NotImap(f"{what} is no number: {value!r:.60}")
    return int(value)


def found_uids(responses: Iterable[Response], first: int) -> list[int]:
    """UIDs from SEARCH responses, in order, ``first`` and above.

    The range n:* always has the last message in it, also where its UID is below n.
    """
    uids: set[int] = set()
    for response in responses:
        if response.upper().startswith(b"* SEARCH"):
            uids.update(number(value, "a UID found") for value in response.split()[2:])
    return sorted(uid for uid in uids if uid >= first)


def uid_sets(uids: Iterable[int], at_most: int = 500) -> Iterator[tuple[str, list[int]]]:
    """Sets as commands have them (``3:5,9``), of so many UIDs at most, and the UIDs of each."""
    ordered = sorted(set(uids))
    for start in range(0, len(ordered), at_most):
        some = ordered[start : start + at_most]
        yield _as_set(some), some


def _as_set(uids: Sequence[int]) -> str:
    ranges: list[list[int]] = []
    for uid in uids:
        if ranges and ranges[-1][1] == uid - 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in ranges)


def quoted(text: str) -> str:
    """A quoted string (RFC 3501, section 9). Raises ValueError for what none can hold."""
    if re.search(r"[\x00\r\n]", text):
        raise ValueError("has a line end or a NUL in it")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mailbox(name: str) -> str:
    """The name of a folder as a command takes it: modified UTF-7 (RFC 3501, 5.1.3), quoted."""
    parts = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if plain:
            parts.append(plain.replace("&", "&-"))
        else:
            coded = base64.b64encode(other.encode("utf-16-be", "replace")).rstrip(b"=")
            parts.append(f"&{coded.decode('ascii').replace('/', ',')}-")
    return quoted("".join(parts))
