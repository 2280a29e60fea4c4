"""From the bytes of a message to what the room decides on; never an error, whatever the bytes.

The way: limits on size and header, the parts and their limits (``mime``), the fields (``headers``,
``addresses``), the texts and attachments (``bodies``), the history split off (``history``), the
delivery report if it is one. ``parsing`` calls this in a process of its own.
"""

import hashlib
from collections.abc import Sequence

from ccmiddleware.mail import bodies, delivery_reports, headers, history, mime
from ccmiddleware.mail.addresses import address_of, addresses
from ccmiddleware.mail.bodies import Body
from ccmiddleware.mail.headers import line, text_of, words
from ccmiddleware.mail.message import (
    SEVERAL_SENDERS,
    Address,
    DeliveryStatus,
    Limits,
    Message,
    Unreadable,
)
from ccmiddleware.mail.mime import Header, OverLimit, Part
from ccmiddleware.mail.soundness import Notes, one_line

BUG = "it could not be read"
"""How the reason begins when the reading itself failed, which is a mistake of ours."""


def read(raw: bytes, limits: Limits) -> Message | Unreadable:
    """The message, or why there is none; for any bytes."""
    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        return _read(raw, sha256, limits)
    except OverLimit as over:
        reason = str(over)
    except MemoryError:
        reason = "reading it takes more memory than is allowed"
    except Exception as error:  # noqa: BLE001 - whatever a message provokes, only it is put aside
        reason = f"{BUG}: {type(error).__name__}: {error}"
    return unreadable(raw, reason, sha256)


def unreadable(raw: bytes, reason: str, sha256: str = "") -> Unreadable:
    """A message put aside, with its sender and subject if they can be found in its beginning."""
    sender = subject = ""
    try:
        beginning = raw[: 64 * 1024]
        header, _ = mime.read_header(beginning, 0, len(beginning), 64 * 1024)
        found, _ = addresses(text_of(header.get("from") or b"")[:4000], 1)
        sender = found[0].address if found else ""
        subject = line(header, "subject", headers.MAX_SUBJECT)
    except Exception:  # noqa: BLE001, S110 - then the reason stands alone
        pass
    sha256 = sha256 or hashlib.sha256(raw).hexdigest()
    return Unreadable(one_line(reason, 500), sha256, len(raw), sender, subject)


def reply_to(raw: bytes, limits: Limits) -> tuple[Address, ...]:
    """The addresses of Reply-To; none where the header can't be read."""
    try:
        header, _ = mime.read_header(raw, 0, len(raw), limits.header_bytes)
        return _People(header, "", limits).reply_to
    except OverLimit:
        return ()


def part_bytes(raw: bytes, number: int, limits: Limits) -> bytes | None:
    """The decoded bytes of the part with that number, such as ``Attachment.part``."""
    return parts_bytes(raw, [number], limits)[0]


def parts_bytes(raw: bytes, numbers: Sequence[int], limits: Limits) -> list[bytes | None]:
    """The decoded bytes of the parts with these numbers, None for one that is not there."""
    found = {
        part.number: mime.decoded(raw, part)[0]
        for part in mime.parse(raw, limits).walk()
        if part.number in numbers
    }
    return [found.get(number) for number in numbers]


def _read(raw: bytes, sha256: str, limits: Limits) -> Message | Unreadable:
    if not raw.strip():
        return Unreadable("it is empty", sha256, len(raw))
    if len(raw) > limits.bytes:
        raise OverLimit(f"its size of {len(raw)} bytes is over the limit of {limits.bytes}")
    root = mime.parse(raw, limits)
    if not len(root.header):
        return unreadable(raw, "it has no header: this is no email", sha256)
    people = _People(root.header, _charset(root), limits)
    notes = people.notes
    body = bodies.read(raw, root, limits, notes)
    report_type = _report_type(root)
    machine = headers.machine(root.header, report_type)
    statuses = _statuses(raw, root, body, machine.return_path, people.sender, limits)
    is_report = bool(statuses) or report_type is not None or machine.return_path == ""
    if people.sender is None and not is_report:
        return unreadable(raw, "it has no sender: there is no address in From", sha256)
    split = history.split(body.text)
    flagged, score = headers.spam(root.header)
    return Message(
        sha256=sha256,
        bytes=len(raw),
        message_id=_noted(headers.message_id(root.header), "there is no Message-ID", notes),
        in_reply_to=headers.ids(root.header, "in-reply-to"),
        references=headers.ids(root.header, "references"),
        date=people.date,
        sender=people.sender,
        reply_to=people.reply_to,
        to=people.to,
        cc=people.cc,
        delivered_to=people.delivered_to,
        subject=line(root.header, "subject", headers.MAX_SUBJECT, _charset(root)),
        text=split.text,
        quoted="\n\n".join(part for part in (split.signature, split.quoted) if part),
        html=body.html,
        attachments=tuple(body.attachments),
        machine=machine,
        delivery_statuses=tuple(statuses),
        spam_flag=flagged,
        spam_score=score,
        authentication=headers.authentication(root.header),
        encrypted=body.encrypted,
        notes=notes.all(),
    )


def _noted(value: str, missing: str, notes: Notes) -> str:
    if not value:
        notes.add(missing)
    return value


def _charset(root: Part) -> str:
    """The charset of the first text: 8-bit header fields are in the same one, most likely."""
    for part in root.walk():
        if part.main_type == "text" and "charset" in part.params:
            return part.params["charset"]
    return ""


class _People:
    """The fields with addresses; and the date, whose mistakes are noted likewise."""

    def __init__(self, header: Header, charset: str, limits: Limits) -> None:
        self.notes = Notes()
        self._header = header
        self._charset = charset
        self._most = limits.recipients
        self.to = self._list("to")
        self.cc = self._list("cc")
        if len(self.to) + len(self.cc) + len(self._list("bcc")) > limits.recipients:
            raise OverLimit(f"it has more recipients than the limit of {limits.recipients}")
        self.reply_to = self._list("reply-to")[:10]
        self.sender = self._sender()
        self.delivered_to = self._delivered_to()
        self.date, wrong = headers.date(header)
        self.notes.add(wrong)

    def _list(self, name: str) -> tuple[Address, ...]:
        found: dict[str, Address] = {}
        for value in self._header.all(name):
            some, wrong = addresses(text_of(value, self._charset), self._most)
            if len(some) > self._most:
                raise OverLimit(f"it has more recipients than the limit of {self._most}")
            if wrong:
                self.notes.add(f"{name.title()} holds something that is no address")
            for address in some:
                found.setdefault(address.address, address)
        return tuple(found.values())

    def _sender(self) -> Address | None:
        from_ = self._list("from")
        if len(from_) > 1:
            self.notes.add(SEVERAL_SENDERS)
        if from_:
            return from_[0]
        if instead := self._list("sender"):
            self.notes.add("there is no address in From; Sender was taken")
            return instead[0]
        return None

    def _delivered_to(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to"):
            for value in self._header.all(name)[:20]:
                for text in words(text_of(value[:4000])).split(","):
                    if address := address_of(text.strip().strip("<>")):
                        found[address] = None
        return tuple(found)[:100]


def _report_type(root: Part) -> str | None:
    """The kind of a multipart/report; None for all else."""
    if root.content_type != "multipart/report":
        return None
    return root.params.get("report-type", "").strip().lower() or "delivery-status"


def _statuses(
    raw: bytes,
    root: Part,
    body: Body,
    return_path: str | None,
    sender: Address | None,
    limits: Limits,
) -> list[DeliveryStatus]:
    found: list[DeliveryStatus] = []
    if root.content_type == "multipart/report":
        about = next(
            (
                identity
                for part in body.returned
                if (identity := delivery_reports.returned_id(mime.decoded(raw, part)[0]))
            ),
            "",
        )
        for part in body.reports:
            report = mime.decoded(raw, part)[0]
            for status in delivery_reports.statuses(report, limits.recipients):
                found.append(
                    DeliveryStatus(
                        status.recipient, status.action, status.status, status.diagnostic, about
                    )
                )
    address = sender.address if sender else ""
    if not found and delivery_reports.looks_like_bounce(return_path, address):
        return delivery_reports.without_report(root.header, body.text, limits.recipients)
    return found
