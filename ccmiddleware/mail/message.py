"""A message as it was read: what the rest of the room decides on. Data only.

``reading`` makes these from raw bytes; threading, loop guards, bounces and the agent's answers take
them and never look at raw bytes again. Whatever stands in here came from outside and is not to be
trusted; but it is sound text: no NUL, no lone surrogate, no line end in an address, a name, an id
or a subject, and nothing longer than the limits.
"""

from dataclasses import dataclass, field
from datetime import datetime

SEVERAL_SENDERS = "From names several senders; the first was taken"
"""A note of a message."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message is taken. What is over a limit, but for the two of characters, goes to
    quarantine, whole.
    """

    bytes: int = 35 * 1024 * 1024
    header_bytes: int = 256 * 1024
    parts: int = 500
    depth: int = 50
    recipients: int = 1000
    text_chars: int = 256 * 1024
    """A longer text is cut, and kept whole as an attachment."""
    html_chars: int = 1024 * 1024
    seconds: float = 10.0
    """How long the reading may take before it is given up."""


@dataclass(frozen=True, slots=True)
class Address:
    """``local@domain``, domain in lower case and ASCII (IDNA); ``name`` is what it is shown as."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part kept for people to open. ``name`` is safe as the name of a file, never a path.

    ``part`` is its number in the walk through the message, by which its bytes are found again.
    """

    part: int
    name: str
    content_type: str
    bytes: int
    sha256: str
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What one delivery report (RFC 3464) says about one recipient.

    ``action`` is failed, delayed, delivered, relayed or expanded. ``status`` is the enhanced code
    (RFC 3463), such as 5.1.1; ``message_id`` that of the message it is about, where it is told.
    """

    recipient: str
    action: str
    status: str
    diagnostic: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The marks by which a message shows that no person wrote it; as the headers had them."""

    auto_submitted: str = ""
    precedence: str = ""
    auto_response_suppress: str = ""
    list_headers: bool = False
    """Any of List-Id, List-Unsubscribe, List-Post, …"""
    return_path: str | None = None
    """None: there was no Return-Path; empty: ``<>``."""
    feedback_report: bool = False
    """multipart/report of a kind that is no delivery status, such as a disposition notification."""
    loop_marks: tuple[str, ...] = ()
    """Values of X-CCM-Loop, the header that all our own messages have."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, read. Times are aware UTC; ids are without their angle brackets."""

    sha256: str
    bytes: int
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    sender: Address | None
    """The first of From. None only in delivery reports and the like; else it is quarantined."""
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    """Addresses of Delivered-To, X-Original-To and Envelope-To."""
    subject: str
    text: str
    """What the sender wrote now, without quoted history and signature; for people."""
    quoted: str
    """The signature and the history that were split off; empty where there were none."""
    html: str
    """Sanitised; empty where the message had none."""
    attachments: tuple[Attachment, ...] = ()
    machine: Machine = field(default_factory=Machine)
    delivery_statuses: tuple[DeliveryStatus, ...] = ()
    spam_flag: bool = False
    spam_score: float | None = None
    authentication: tuple[str, ...] = ()
    """Values of Authentication-Results (RFC 8601), as they stand from the top; anybody can write
    one."""
    encrypted: bool = False
    """S/MIME or PGP: there is a body, but no text of it for us."""
    notes: tuple[str, ...] = ()
    """What had to be repaired or guessed, in words: ``charset "x-foo" unknown, read as UTF-8``."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that goes to quarantine: the reason in words, and what of it could be read."""

    reason: str
    sha256: str
    bytes: int
    sender: str = ""
    subject: str = ""
