"""Header fields as text: encoded words, ids, dates, and the marks of machines and spam filters.

Whatever an encoded word decodes to, a field stays one line: a line end in it becomes a space.
"""

import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from ccmiddleware.mail import charsets
from ccmiddleware.mail.message import Machine
from ccmiddleware.mail.mime import Header
from ccmiddleware.mail.soundness import one_line

MAX_SUBJECT = 998
MAX_ID = 998
MAX_REFERENCES = 100
_MAX_VALUE = 200
"""Characters kept of a field that only marks something."""

_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_ID = re.compile(r"<([^<>]{1,2000})>")
_BARE_ID = re.compile(r"[^\s<>@,;]{1,400}@[^\s<>@,;]{1,400}")
_WHITE = re.compile(r"\s+")
_NUMBER = re.compile(r"-?\d{1,5}(?:\.\d{1,5})?")
_SCORE = re.compile(r"\bscore\s*=\s*(-?\d{1,5}(?:\.\d{1,5})?)", re.IGNORECASE)
_RSPAMD = re.compile(r"\[\s*(-?\d{1,5}(?:\.\d{1,5})?)\s*/")


def text_of(value: bytes, charset: str = "") -> str:
    """The bytes of a field as text, encoded words still encoded.

    ``charset`` is what the body declares: programs that write 8-bit headers use the same one.
    """
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        pass
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        codec = charsets.known(charset)
        if codec in ("", "utf-8", "ascii"):
            codec = "cp1252"
        return value.decode(codec, "replace")


def words(text: str) -> str:
    """``text`` with its encoded words (RFC 2047) decoded; what is no such word stays as it is."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []
    end = 0
    for match in _WORD.finditer(text):
        data = _word_bytes(match[2].lower(), match[3])
        if data is None:
            continue
        between = text[end : match.start()]
        if between.strip() or not pending:
            out.append(_joined(pending))
            pending = []
            out.append(between)
        pending.append((match[1].lower(), data))
        end = match.end()
    out.append(_joined(pending))
    out.append(text[end:])
    return "".join(out)


def _word_bytes(kind: str, text: str) -> bytes | None:
    data = text.encode("utf-8", "replace")
    if kind == "q":
        return binascii.a2b_qp(data.replace(b"\n", b" "), header=True)
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return None


def _joined(pieces: list[tuple[str, bytes]]) -> str:
    """Neighbours of one charset are decoded together: some programs cut inside a character."""
    out: list[str] = []
    run: list[bytes] = []
    for index, (charset, data) in enumerate(pieces):
        run.append(data)
        if index + 1 == len(pieces) or pieces[index + 1][0] != charset:
            out.append(charsets.decode(b"".join(run), charset)[0])
            run = []
    return "".join(out)


def line(header: Header, name: str, limit: int = _MAX_VALUE, charset: str = "") -> str:
    """A field as one sound line, decoded; ``""`` where there is none."""
    value = header.get(name)
    if value is None:
        return ""
    return one_line(words(text_of(value[: limit * 12], charset)), limit)


def ids(header: Header, name: str) -> tuple[str, ...]:
    """The message ids in a field, without angle brackets, the first and the last of very many."""
    found: dict[str, None] = {}
    for value in header.all(name):
        text = text_of(value)
        matches: list[str] = _ID.findall(text) or _BARE_ID.findall(text)
        for match in matches:
            identity = one_line(_WHITE.sub("", match), MAX_ID)
            if identity:
                found[identity] = None
    every = tuple(found)
    if len(every) > MAX_REFERENCES:
        return (every[0], *every[-MAX_REFERENCES + 1 :])
    return every


def message_id(header: Header) -> str:
    """The Message-ID, also one without angle brackets or ``@``; ``""`` where there is none."""
    found = ids(header, "message-id")
    if found:
        return found[0]
    return one_line(_WHITE.sub("", line(header, "message-id", MAX_ID)).strip("<>"), MAX_ID)


EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def date(header: Header) -> tuple[datetime | None, str]:
    """The date in UTC, and what was wrong with it."""
    value = header.get("date")
    if value is None:
        return None, "there is no Date"
    text = line(header, "date", 120)
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            raise ValueError(text)
        offset = timezone(timedelta(seconds=parsed[9] or 0))
        moment = datetime(*parsed[:6], tzinfo=offset).astimezone(UTC)
    except Exception:  # noqa: BLE001 - the stdlib's parser raises whatever it stumbles over
        return None, f'the Date "{text}" can\'t be read'
    if not EARLIEST <= moment < LATEST:
        return None, f'the Date "{text}" is no time at which mail was sent'
    return moment, ""


def machine(header: Header, report_type: str | None) -> Machine:
    """The marks of machines; ``report_type`` is that of a multipart/report, None if it is none."""
    return_path = header.get("return-path")
    return Machine(
        auto_submitted=line(header, "auto-submitted"),
        precedence=line(header, "precedence"),
        auto_response_suppress=line(header, "x-auto-response-suppress"),
        list_headers=any(name.startswith("list-") for name, _ in header.fields),
        return_path=None if return_path is None else _return_path(return_path),
        feedback_report=report_type is not None and report_type != "delivery-status",
        loop_marks=tuple(
            one_line(words(text_of(value[:2000])), _MAX_VALUE)
            for value in header.all("x-ccm-loop")[:20]
        ),
    )


def _return_path(value: bytes) -> str:
    return one_line(text_of(value[:2000]).strip().strip("<>"), 320)


def authentication(header: Header) -> tuple[str, ...]:
    """What stands in Authentication-Results, from the top; of very many the first ones."""
    values = header.all("authentication-results")[:20]
    return tuple(one_line(text_of(value[:8000]), 2000) for value in values)


def spam(header: Header) -> tuple[bool, float | None]:
    """What the spam filters in front of us (SpamAssassin, rspamd and others) said."""
    status = line(header, "x-spam-status", 400)
    flags = (line(header, "x-spam-flag"), line(header, "x-spam"), status)
    flagged = any(flag.lower().startswith(("yes", "true")) for flag in flags)
    for name in ("x-spam-score", "x-rspamd-score"):
        if match := _NUMBER.match(line(header, name)):
            return flagged, float(match[0])
    if match := _SCORE.search(status):
        return flagged, float(match[1])
    if match := _RSPAMD.search(line(header, "x-spamd-result", 400)):
        return flagged, float(match[1])
    return flagged, None
