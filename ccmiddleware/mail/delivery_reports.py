"""Delivery reports: what a mail server says became of a message of ours.

RFC 3464 in the first place; qmail's own format and Exim's header where there is no such report.
"""

import re

from ccmiddleware.mail.addresses import address_of
from ccmiddleware.mail.headers import message_id, text_of, words
from ccmiddleware.mail.message import DeliveryStatus
from ccmiddleware.mail.mime import Header, OverLimit, read_header
from ccmiddleware.mail.soundness import one_line

MAX_DIAGNOSTIC = 500
MAX_REPORT = 1024 * 1024
"""Bytes of a report that are looked at: a thousand recipients take some 300 kB."""
_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}
_BY_CLASS = {"5": "failed", "4": "delayed", "2": "delivered"}
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
_QMAIL = re.compile(
    r"^<([^<>\n]{3,320}@[^<>\n]{1,320})>:[ \t]*\n((?:[^\n]*\S[^\n]*\n){0,10})", re.M
)
_QMAIL_COPY = "--- Below this line is a copy of the message."
_RETURNED_ID = re.compile(r"^(?:> ?)?Message-ID:[ \t]*(?:\n[ \t]+)?<([^<>\s]{1,900})>", re.M | re.I)
_ROBOTS = ("mailer-daemon@", "postmaster@", "mail-daemon@", "microsoftexchange")


def statuses(report: bytes, most: int) -> list[DeliveryStatus]:
    """The recipients of a message/delivery-status body; raises OverLimit for more than ``most``."""
    found: list[DeliveryStatus] = []
    report = report[:MAX_REPORT]
    position = 0
    while position < len(report):
        header, after = _block(report, position)
        position = after
        status = _status(header)
        if status is not None:
            found.append(status)
            if len(found) > most:
                raise OverLimit(f"its delivery report names more than {most} recipients")
    return found


def _block(report: bytes, position: int) -> tuple[Header, int]:
    header, after = read_header(report, position, len(report), 64 * 1024)
    return header, max(after, position + 1)


def _status(header: Header) -> DeliveryStatus | None:
    recipient = _typed(header, "final-recipient") or _typed(header, "original-recipient")
    if not recipient:
        return None
    diagnostic = one_line(_after_type(header, "diagnostic-code"), MAX_DIAGNOSTIC)
    told = _CODE.search(_value(header, "status")) or _CODE.search(diagnostic)
    action = _value(header, "action").lower().split(" ")[0]
    status = told[1] if told else _from_reply(diagnostic)
    if action not in _ACTIONS:
        action = _BY_CLASS.get(status[:1], "failed")
    return DeliveryStatus(recipient, action, status, diagnostic)


def _from_reply(diagnostic: str) -> str:
    reply = _REPLY.search(diagnostic)
    return f"{reply[1]}.0.0" if reply else ""


def _value(header: Header, name: str) -> str:
    value = header.get(name)
    return "" if value is None else one_line(words(text_of(value[:4000])), 2000)


def _after_type(header: Header, name: str) -> str:
    kind, semicolon, rest = _value(header, name).partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else f"{kind}{semicolon}{rest}"


def _typed(header: Header, name: str) -> str:
    return address_of(_after_type(header, name).strip("<> "))


def returned_id(copy: bytes) -> str:
    """The Message-ID in a returned message or its returned header."""
    try:
        header, _ = read_header(copy, 0, len(copy), 256 * 1024)
    except OverLimit:
        return ""
    return message_id(header)


def looks_like_bounce(return_path: str | None, sender: str) -> bool:
    """A message with no report that a mail server may have written about one of ours."""
    robot = sender.lower().startswith(_ROBOTS)
    return robot or (return_path == "" and sender == "")


def without_report(header: Header, text: str, most: int) -> list[DeliveryStatus]:
    """What a bounce that is not RFC 3464 says: qmail's text, or Exim's X-Failed-Recipients."""
    report, _, copy = text.partition(_QMAIL_COPY)
    identity = _RETURNED_ID.search(copy or text)
    about = one_line(identity[1], 998) if identity else ""
    found: dict[str, DeliveryStatus] = {}
    for match in _QMAIL.finditer(report):
        _add(found, match[1], match[2], about)
    for value in header.all("x-failed-recipients")[:10]:
        for address in text_of(value).split(",")[: most + 1]:
            _add(found, address, "", about)
    return list(found.values())[:most]


def _add(found: dict[str, DeliveryStatus], address: str, reason: str, about: str) -> None:
    recipient = address_of(address)
    if not recipient or recipient in found:
        return
    diagnostic = one_line(reason, MAX_DIAGNOSTIC)
    code = _CODE.search(diagnostic)
    status = code[1] if code else _from_reply(diagnostic) or "5.0.0"
    action = _BY_CLASS.get(status[0], "failed")
    found[recipient] = DeliveryStatus(recipient, action, status, diagnostic, about)
