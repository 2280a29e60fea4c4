"""From what a mail is to say to its bytes: addresses, threading, folding, attachments. Pure.

The parts of a message are made by the standard library; the header of the whole is written here.
The library folds an id that is longer than a line into an encoded word, which no mail client finds
again, and splits some names in the middle. Here each line is built from checked pieces, so that
nothing from outside can end one: what has a line end in it is refused, other control characters
are replaced.

Nothing here knows of agents: what a mail shows is in its ``Letter``, and nowhere else.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ccmiddleware.errors import PermanentError
from ccmiddleware.mail.message import Address, Message
from ccmiddleware.plaintext import plain

LONGEST_ADDRESS = 254
LONGEST_SUBJECT = 250
LONGEST_NAME = 120
LONGEST_ID = 250
MOST_REFERENCES = 20
MOST_RECIPIENTS = 50
"""Of one mail. A matter of more people is not answered to all of them."""

_POLICY = SMTP.clone(cte_type="7bit")
_LINE_END = re.compile("[\r\n]")
_BODY_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ADDRESS = re.compile(
    r"[^\s\x00-\x20\x7f-\x9f<>()\[\],;:\\\"@]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)
_ATOM = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")
_ID = re.compile(r"[!-;=?-~]+")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_ANSWER_PREFIX = re.compile(r"\s*(?:re|aw|antw|antwort|sv|vs|odp|ynt)\s*(?:\[\d+\])?\s*:\s*", re.I)


class InvalidLetter(PermanentError):
    """A mail that can't be written as it was asked for; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class File:
    """Something to attach."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a mail is to be. Ids are without brackets, ``date`` is aware.

    ``automatic``: the value of Auto-Submitted (RFC 3834) for what no person wrote; empty for what
    one did. ``mark``: of X-CCM-Loop, by which our own mail is known if it comes back.
    ``bounces_to``: the envelope's sender; empty for mail that must cause no other mail.
    """

    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str
    message_id: str
    date: datetime
    mark: str
    cc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: str = ""
    bounces_to: str = ""
    files: tuple[File, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Composed:
    """What goes into the outbox. ``smtputf8``: the server must offer SMTPUTF8 (RFC 6531)."""

    message_id: str
    envelope_from: str
    recipients: tuple[str, ...]
    smtputf8: bool
    content: bytes = field(repr=False)


def compose(letter: Letter) -> Composed:
    """The bytes of a mail. Raises InvalidLetter."""
    to = _once(letter.to)
    cc = tuple(each for each in _once((*to, *letter.cc)) if each not in to)
    if not to:
        raise InvalidLetter("there is nobody to send it to")
    if len(to) + len(cc) > MOST_RECIPIENTS:
        raise InvalidLetter(f"it has {len(to) + len(cc)} recipients, more than {MOST_RECIPIENTS}")
    reply_to = (letter.reply_to,) if letter.reply_to is not None else ()
    head = [
        _header("From", _mailbox(letter.sender)),
        _header("To", _listed(to)),
        _header("Cc", _listed(cc)),
        _header("Reply-To", _listed(reply_to)),
        _header("Subject", _words(_text("subject", letter.subject, LONGEST_SUBJECT), 9)),
        _header("Date", [format_datetime(letter.date)]),
        _header("Message-ID", [_id(letter.message_id)]),
        _header("In-Reply-To", [_id(letter.in_reply_to)] if letter.in_reply_to else []),
        _header("References", [_id(each) for each in letter.references]),
        _header("Auto-Submitted", [letter.automatic] if letter.automatic else []),
        _header("X-Auto-Response-Suppress", ["All"] if letter.automatic else []),
        _header("X-CCM-Loop", [letter.mark]),
    ]
    shown = (letter.sender, *to, *cc, *reply_to)
    return Composed(
        message_id=letter.message_id,
        envelope_from=letter.bounces_to,
        recipients=tuple(each.address for each in (*to, *cc)),
        smtputf8=not all(each.address.isascii() for each in shown),
        content=b"".join(head) + _parts(letter.text, letter.files, letter.message_id),
    )


def answer_subject(subject: str) -> str:
    """The subject with one Re: before it, however many it had."""
    while (found := _ANSWER_PREFIX.match(subject)) is not None:
        subject = subject[found.end() :]
    return f"Re: {subject.strip()}".strip()


def thread(of: Message) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References of an answer to a message (RFC 5322, 3.6.4).

    What is no sound id is left out. Of a long thread the first and the newest are kept: by the
    first mail clients find where it begins, by the last what it answers.
    """
    parent = of.message_id if sound_id(of.message_id) else ""
    before = of.references or (of.in_reply_to if len(of.in_reply_to) == 1 else ())
    ids = list(dict.fromkeys(each for each in before if sound_id(each) and each != parent))
    ids += [parent] if parent else []
    if len(ids) > MOST_REFERENCES:
        ids = [ids[0], *ids[-(MOST_REFERENCES - 1) :]]
    return parent, tuple(ids)


def sound_id(text: str) -> bool:
    """Whether it can stand between the brackets of a Message-ID: ASCII, no space, not too long."""
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None


def sound_address(text: str) -> bool:
    """Whether we can write to it. Quoted local parts and addresses of hosts by number are not."""
    local = text.rpartition("@")[0]
    return (
        len(text.encode("utf-8", "replace")) <= LONGEST_ADDRESS
        and len(local.encode("utf-8", "replace")) <= 64
        and _ADDRESS.fullmatch(text) is not None
        and _ATOM.fullmatch(local) is not None
        and not _BODY_UNWANTED.search(text)
    )


def sound_text(text: str) -> str:
    """A body with plain line ends and without control characters."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BODY_UNWANTED.sub("\ufffd", unified)


# -- the header -----------------------------------------------------------------------------


def _header(name: str, pieces: Sequence[str]) -> bytes:
    """One header, each piece on a line of its own; nothing where there are none."""
    for piece in pieces:
        if _LINE_END.search(piece) or "\x00" in piece:
            raise InvalidLetter(f"{name} can't have a line end in it: {piece[:60]!r}")
    return (f"{name}: " + "\r\n ".join(pieces) + "\r\n").encode() if pieces else b""


def _text(what: str, text: str, limit: int) -> str:
    """Text from outside for a header. Line ends are refused, not replaced: they are an attempt."""
    if _LINE_END.search(text):
        raise InvalidLetter(f"the {what} can't have a line end in it: {text[:60]!r}")
    return " ".join(plain(text, limit).split())


def _words(text: str, used: int, *, quoted: bool = False) -> list[str]:
    """Text as it stands in a header: as it is where it can, else as encoded words (RFC 2047).

    ``used``: characters of the first line that are taken already. ``quoted``: in quotes if it is
    not encoded; what would need a backslash there is encoded, since not all clients know those.
    """
    fits = text.isascii() and "=?" not in text and used + len(text) <= 76
    if fits and not (quoted and re.search(r'["\\]', text)):
        return [f'"{text}"' if quoted else text]
    encoded = Header(text, "utf-8", maxlinelen=75, header_name="x" * max(used - 2, 1))
    return encoded.encode(splitchars="", linesep="\n").split("\n ")


def _mailbox(address: Address) -> list[str]:
    """``"Name" <local@domain>``; a long name makes several lines of it."""
    if not sound_address(address.address):
        raise InvalidLetter(f"{address.address[:80]!r} is no address that can be written to")
    name = _text("name", address.name, LONGEST_NAME)
    pieces = _words(name, 12, quoted=True) if name else []
    pointed = f"<{address.address}>"
    if pieces and len(pieces[-1]) + len(pointed) < 64:
        return [*pieces[:-1], f"{pieces[-1]} {pointed}"]
    return [*pieces, pointed]


def _listed(addresses: Sequence[Address]) -> list[str]:
    pieces: list[str] = []
    for each in addresses:
        if pieces:
            pieces[-1] += ","
        pieces += _mailbox(each)
    return pieces


def _id(text: str) -> str:
    if not sound_id(text):
        raise InvalidLetter(f"{text[:80]!r} is no Message-ID")
    return f"<{text}>"


def _once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    found: dict[str, Address] = {}
    for each in addresses:
        found.setdefault(each.address.lower(), each)
    return tuple(found.values())


# -- the body -------------------------------------------------------------------------------


def _parts(text: str, files: Iterable[File], message_id: str) -> bytes:
    """Content headers and body. Quoted-printable keeps every line short and all of it ASCII.

    The boundary comes from the Message-ID, so that the same letter has the same bytes; neither
    quoted-printable nor base64 can have its =_ in them.
    """
    message = EmailMessage(policy=_POLICY)
    message.set_content(sound_text(text).rstrip("\n") + "\n", cte="quoted-printable")
    for file in files:
        kind = file.content_type.lower()
        if not _TYPE.fullmatch(kind) or kind.startswith(("message/", "multipart/")):
            kind = "application/octet-stream"
        maintype, _, subtype = kind.partition("/")
        name = _text("name of a file", file.name, LONGEST_NAME) or "file"
        message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=name)
    if message.is_multipart():
        message.set_boundary(f"=_ccm_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}")
    return message.as_bytes()
