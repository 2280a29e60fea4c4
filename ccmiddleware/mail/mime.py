"""The parts of a message: where each begins and ends, its header fields, its decoded bytes.

The stdlib's parser turns every line into a Python string and recurses for each nested multipart;
both are ways to stop us with one message. Here a multipart is cut into regions by searching for its
delimiter in the bytes, and regions wait in a list: the time is at most depth times size, and what
is over a limit is noticed before it is walked. Messages inside messages are not descended into.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ccmiddleware.mail.message import Limits
from ccmiddleware.mail.parameters import parameters


class OverLimit(Exception):
    """The message is over one of the limits; the text says over which."""


_END_OF_HEADER = re.compile(rb"\r?\n[ \t]*\r?\n|\r[ \t]*\r(?!\n)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELD = re.compile(rb"([!-9;-~]{1,76})[ \t]*:(.*)", re.DOTALL)
_MBOX_FROM = re.compile(rb">?From [^\r\n]*(?:\r\n|\n|\r)")
_CONTENT_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,80})\s*/\s*([a-z0-9!#$&^_.+-]{1,80})")
_SPACE = b" \t\r\n"

MAX_BOUNDARY = 250
"""RFC 2046 allows 70; some programs write more."""
MAX_STRUCTURED = 4096
"""Bytes of a Content-Type or Content-Disposition that are looked at."""


class Header:
    """The fields of one header block, unfolded, in order, names in lower case, values as bytes."""

    def __init__(self, fields: list[tuple[str, bytes]], junk: bool = False) -> None:
        self.fields = fields
        self.junk = junk
        self._first: dict[str, bytes] = {}
        for name, value in fields:
            self._first.setdefault(name, value)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def get(self, name: str) -> bytes | None:
        """The first field of that name."""
        return self._first.get(name)

    def all(self, name: str) -> list[bytes]:
        """All fields of that name, in order."""
        return [value for key, value in self.fields if key == name]

    def structured(self, name: str) -> str:
        """A field whose syntax is ASCII, such as Content-Type; the beginning of it, if too long."""
        value = self._first.get(name, b"")[:MAX_STRUCTURED]
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")


@dataclass(slots=True)
class Part:
    """One part; ``number`` is its place in the walk (the message itself is 0)."""

    number: int
    depth: int
    header: Header
    content_type: str
    params: dict[str, str]
    start: int
    end: int
    disposition: str
    filename: str
    inside: str = ""
    """The content type of the multipart it is in."""
    children: list["Part"] = field(default_factory=list)
    broken: str = ""
    """Why it is no multipart although it says so."""
    unclosed: bool = False

    @property
    def main_type(self) -> str:
        return self.content_type.partition("/")[0]

    def walk(self) -> Iterator["Part"]:
        """This part and all that are in it, in the order of their numbers."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def read_header(raw: bytes, start: int, end: int, limit: int) -> tuple[Header, int]:
    """The header at ``start``, and where the body begins. Raises OverLimit."""
    if start >= end or raw[start : start + 1] in (b"\n", b"\r"):
        after = start + 2 if raw[start : start + 2] == b"\r\n" else start + 1
        return Header([]), min(after, end)
    found = _END_OF_HEADER.search(raw, start, min(end, start + limit + 4))
    if found is None and end - start > limit:
        if _first_line_is_no_field(raw[start : start + 1000]):
            return Header([], junk=True), start
        raise OverLimit(f"its header is over the limit of {limit} bytes")
    stop = found.start() if found else end
    fields, junk, body = _fields(raw[start:stop])
    if body is not None:
        return Header(fields, junk), start + body
    return Header(fields, junk), found.end() if found else end


def _first_line_is_no_field(beginning: bytes) -> bool:
    return _FIELD.match(_LINE_END.split(beginning, maxsplit=1)[0]) is None


def _fields(block: bytes) -> tuple[list[tuple[str, bytes]], bool, int | None]:
    """The fields, whether lines were skipped, and where the body begins if inside the block.

    A line that is no field is skipped when fields follow, and begins the body when none do: the
    empty line between header and body is missing in some messages, a space of folding in others.
    """
    fields: list[tuple[str, list[bytes]]] = []
    junk_at: int | None = None
    junk = False
    position = 0
    while position < len(block):
        ending = _LINE_END.search(block, position)
        line = block[position : ending.start() if ending else len(block)]
        if line[:1] in (b" ", b"\t"):
            if fields and junk_at is None:
                fields[-1][1].append(line.strip(_SPACE))
        elif match := _FIELD.fullmatch(line):
            junk = junk or junk_at is not None
            junk_at = None
            fields.append((match[1].decode("ascii").lower(), [match[2].strip(_SPACE)]))
        elif junk_at is None:
            junk_at = position
        position = ending.end() if ending else len(block)
    joined = [(name, b" ".join(lines)) for name, lines in fields]
    return joined, junk or junk_at is not None, junk_at


def parse(raw: bytes, limits: Limits) -> Part:
    """The message and its parts. Raises OverLimit; for all else there is some answer."""
    mbox = _MBOX_FROM.match(raw, 0, 1000)
    root = _part(raw, mbox.end() if mbox else 0, len(raw), 0, limits, "")
    waiting = [root]
    count = 1
    while waiting:
        part = waiting.pop()
        if part.main_type != "multipart":
            continue
        boundary = part.params.get("boundary", "").rstrip()
        regions = _regions(raw, part, boundary, limits.parts - count)
        if not regions:
            part.broken = "no part of it was found" if boundary else "it names no boundary"
            continue
        if part.depth + 1 > limits.depth:
            raise OverLimit(f"its parts are nested deeper than the limit of {limits.depth}")
        count += len(regions)
        for start, end in regions:
            child = _part(raw, start, end, part.depth + 1, limits, part.content_type)
            part.children.append(child)
        waiting.extend(part.children)
    for number, part in enumerate(root.walk()):
        part.number = number
    return root


def _part(raw: bytes, start: int, end: int, depth: int, limits: Limits, inside: str) -> Part:
    header, body = read_header(raw, start, end, limits.header_bytes)
    value = header.structured("content-type")
    match = _CONTENT_TYPE.match(value.lower())
    if match:
        content_type = f"{match[1]}/{match[2]}"
    else:
        content_type = "message/rfc822" if inside == "multipart/digest" else "text/plain"
    params = parameters(value)
    disposition = header.structured("content-disposition")
    return Part(
        number=0,
        depth=depth,
        header=header,
        content_type=content_type,
        params=params,
        start=body,
        end=end,
        disposition=disposition.partition(";")[0].strip().lower(),
        filename=parameters(disposition).get("filename") or params.get("name", ""),
        inside=inside,
    )


def _regions(raw: bytes, part: Part, boundary: str, room: int) -> list[tuple[int, int]]:
    """Where the children of a multipart begin and end."""
    delimiter = boundary.encode("utf-8", "surrogateescape")
    if not delimiter or len(delimiter) > MAX_BOUNDARY:
        return []
    pattern = re.compile(b"--" + re.escape(delimiter) + rb"(--)?[ \t]*(?:\r\n|\n|\r|\Z)")
    regions: list[tuple[int, int]] = []
    begun: int | None = None
    for match in pattern.finditer(raw, part.start, part.end):
        at = match.start()
        if at > part.start and raw[at - 1 : at] not in (b"\n", b"\r"):
            continue
        if begun is not None:
            regions.append((begun, _before_line_end(raw, begun, at)))
            if len(regions) > room:
                raise OverLimit("it has more parts than the limit allows")
        if match[1]:
            return regions
        begun = match.end()
    part.unclosed = True
    if begun is not None:
        regions.append((begun, part.end))
    return regions


def _before_line_end(raw: bytes, start: int, at: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if raw[at - 2 : at] == b"\r\n":
        at -= 2
    elif raw[at - 1 : at] in (b"\n", b"\r"):
        at -= 1
    return max(start, at)


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64 + b"="))
_FINE_IN_BASE64 = b"=\r\n \t"
_MOST_BASE64_PIECES = 1000


def decoded(raw: bytes, part: Part, most: int | None = None) -> tuple[bytes, str]:
    """The bytes of a part, at most ``most`` encoded ones of them, and what was wrong with them."""
    data = raw[part.start : part.end if most is None else min(part.end, part.start + most)]
    encoding = part.header.structured("content-transfer-encoding").strip().lower()
    match encoding:
        case "base64":
            return _from_base64(data)
        case "quoted-printable":
            return binascii.a2b_qp(data), ""
        case "x-uuencode" | "x-uue" | "uuencode" | "uue":
            return _from_uuencode(data)
        case "" | "7bit" | "8bit" | "binary":
            return data, ""
        case _:
            return data, "unknown transfer encoding, read as it is"


def _from_base64(data: bytes) -> tuple[bytes, str]:
    """Lenient: other characters are left out, and after padding another piece may begin."""
    letters = data.translate(None, _NOT_BASE64).rstrip(b"=")
    others = len(data.translate(None, _BASE64 + _FINE_IN_BASE64))
    wrong = f"base64 with {others} characters that do not belong there" if others else ""
    pieces = letters.split(b"=") if b"=" in letters else [letters]
    if len(pieces) > _MOST_BASE64_PIECES:
        pieces = [b"".join(pieces)]
    out = []
    for piece in pieces:
        if len(piece) % 4 == 1:
            piece = piece[:-1]
            wrong = wrong or "base64 that is cut off"
        out.append(binascii.a2b_base64(piece + b"=" * (-len(piece) % 4)))
    return b"".join(out), wrong


def _from_uuencode(data: bytes) -> tuple[bytes, str]:
    lines = _LINE_END.split(data)
    begin = next((i for i, line in enumerate(lines) if line.startswith(b"begin ")), None)
    if begin is None:
        return data, "uuencode without its begin, read as it is"
    out: list[bytes] = []
    wrong = ""
    for line in lines[begin + 1 :]:
        if line.strip() in (b"end", b"`"):
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            wrong = "uuencode with broken lines, which were left out"
    return b"".join(out), wrong
