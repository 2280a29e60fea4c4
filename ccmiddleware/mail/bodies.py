"""The walk through a message's parts: which of them are its text, which are attachments."""

import hashlib
import re
from dataclasses import dataclass, field

from ccmiddleware.mail import charsets, html, invites, mime
from ccmiddleware.mail.attachment_names import Names
from ccmiddleware.mail.headers import line
from ccmiddleware.mail.message import Attachment, Limits
from ccmiddleware.mail.mime import Part
from ccmiddleware.mail.soundness import Notes, lines, one_line

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.I)
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_MESSAGES = ("message/rfc822", "message/global")
_TEXTS = ("text/plain", "text/html")
_PGP = "-----BEGIN PGP MESSAGE-----"
_PGP_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\n"
_PGP_SIGNATURE = "\n-----BEGIN PGP SIGNATURE-----\n"
_PGP_END = "\n-----END PGP SIGNATURE-----"


@dataclass(slots=True)
class Body:
    """What was found on the walk; ``text`` is whole, with history and signature."""

    text: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    reports: list[Part] = field(default_factory=list)
    """The parts of type message/delivery-status."""
    returned: list[Part] = field(default_factory=list)
    """Messages and headers that a delivery report gives back."""
    encrypted: bool = False


def read(raw: bytes, root: Part, limits: Limits, notes: Notes) -> Body:
    """Walk the parts in order."""
    walk = _Walk(raw, limits, notes)
    for part in root.walk():
        walk.take(part)
    return walk.body()


class _Walk:
    def __init__(self, raw: bytes, limits: Limits, notes: Notes) -> None:
        self._raw = raw
        self._limits = limits
        self._notes = notes
        self._names = Names()
        self._body = Body()
        self._plain: list[str] = []
        self._html: list[str] = []
        self._invitations: list[str] = []
        self._leaves = 0

    def take(self, part: Part) -> None:
        if part.header.junk:
            self._notes.add("a header with lines that are no fields")
        if part.main_type == "multipart" and not part.broken:
            self._container(part)
            return
        self._leaves += 1
        if part.broken:
            self._notes.add(f"{part.content_type}, but {part.broken}: read as text")
        if self._is_text(part):
            self._text(part)
        else:
            self._special(part)
            self._attachment(part)

    def _container(self, part: Part) -> None:
        if part.unclosed:
            self._notes.add(f"a {part.content_type} is never closed: it was cut off, perhaps")
        if part.content_type == "multipart/encrypted":
            self._body.encrypted = True

    def _is_text(self, part: Part) -> bool:
        if part.disposition == "attachment":
            return False
        if part.inside == "multipart/encrypted":
            return False
        if part.broken:
            return True
        if part.content_type in _TEXTS:
            # A named text is a file, unless it is all that there is to read.
            return not part.filename or self._leaves == 1
        only = part.depth == 0 or (part.inside == "multipart/report" and self._leaves == 1)
        return only and part.main_type == "text" and part.content_type != "text/calendar"

    def _text(self, part: Part) -> None:
        is_html = part.content_type == "text/html" and not part.broken
        most = self._limits.html_chars if is_html else self._limits.text_chars
        text, cut = self._decoded_text(part, most)
        if is_html:
            self._html.append(text)
        elif self._is_pgp(part, text):
            return
        else:
            self._plain.append(_unflowed(text, part))
        if cut:
            self._notes.add(f"a {part.content_type} longer than {most} characters was cut")
            self._attachment(part)

    def _decoded_text(self, part: Part, most: int) -> tuple[str, bool]:
        encoded = most * 12  # three bytes for each byte in quoted-printable, four for a character
        data, wrong = mime.decoded(self._raw, part, encoded)
        self._notes.add(wrong)
        declared = part.params.get("charset", "")
        if not declared and part.content_type == "text/html":
            meta = _META_CHARSET.search(data[:4096])
            declared = meta[1].decode("ascii") if meta else ""
        text, guessed = charsets.decode(data[: most * 4], declared)
        self._notes.add(guessed)
        text = lines(text)
        return text[:most], len(text) > most or part.end - part.start > encoded

    def _is_pgp(self, part: Part, text: str) -> bool:
        if not text.lstrip().startswith(_PGP):
            return False
        self._body.encrypted = True
        self._notes.add("encrypted with PGP: kept as an attachment")
        self._attachment(part)
        return True

    def _special(self, part: Part) -> None:
        """Parts that mean something besides being attachments."""
        kind = part.content_type
        if kind == "text/calendar" or (kind == "application/ics" and not self._invitations):
            text, _ = self._decoded_text(part, 64 * 1024)
            if summary := invites.summary(text):
                self._invitations.append(summary)
        elif kind == "message/delivery-status" or kind == "message/global-delivery-status":
            self._body.reports.append(part)
        elif part.inside == "multipart/report" and kind in (
            *_MESSAGES, "text/rfc822-headers", "text/rfc822-header", "message/global-headers",
        ):  # fmt: skip
            self._body.returned.append(part)
        elif kind in _SMIME:
            self._body.encrypted = True
            self._notes.add("S/MIME: kept as an attachment, its text can't be read here")
        elif kind in _TNEF or part.filename.lower() == "winmail.dat":
            self._notes.add("winmail.dat (Outlook's own format): kept as an attachment")

    def _attachment(self, part: Part) -> None:
        data, wrong = mime.decoded(self._raw, part)
        self._notes.add(wrong)
        told = part.filename
        if not told and part.content_type in _MESSAGES:
            told = f"{self._subject_inside(data) or 'message'}.eml"
        elif not told and part.content_type == "text/calendar":
            told = "invite.ics"
        name = self._names.safe(told, part.content_type, part.number)
        if told and name != told:
            self._notes.add(f'an attachment\'s name was changed to "{name}"')
        content_id = line(part.header, "content-id", 250).strip("<> ")
        self._body.attachments.append(
            Attachment(
                part=part.number,
                name=name,
                content_type=one_line(part.content_type, 160),
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                content_id=content_id,
                inline=part.disposition == "inline" or bool(content_id and not part.disposition),
            )
        )

    def _subject_inside(self, data: bytes) -> str:
        try:
            header, _ = mime.read_header(data, 0, len(data), 64 * 1024)
        except mime.OverLimit:
            return ""
        return line(header, "subject", 80).replace("/", "_").replace("\\", "_")

    def body(self) -> Body:
        """The texts put together; called once, after the walk."""
        body = self._body
        text = "\n\n".join(part.strip("\n") for part in self._plain if part.strip())
        body.text = _without_pgp_signature(text, self._notes)
        markup = "\n".join(self._html)[: self._limits.html_chars]
        if markup.strip():
            self._take_html(markup)
        if self._invitations:
            # First of all, so that no signature or history hides it.
            body.text = "\n\n".join([*self._invitations[:5], body.text]).strip("\n")
        return body

    def _take_html(self, markup: str) -> None:
        if html.beyond_reason(markup):
            self._notes.add("HTML beyond reason (too deep, or full of &): only its text was kept")
            text = html.stripped(markup)
        else:
            self._body.html = html.sanitised(markup)
            text = "" if self._body.text else html.text_of(markup)
        if not self._body.text:
            self._body.text = text[: self._limits.text_chars]


def _unflowed(text: str, part: Part) -> str:
    """RFC 3676: lines that end with a space go on in the next one of the same quoting."""
    if part.params.get("format", "").lower() != "flowed":
        return text
    glue = "" if part.params.get("delsp", "").lower() == "yes" else " "
    out: list[list[str]] = []
    goes_on, level = False, 0
    for row in text.split("\n"):
        unquoted = row.lstrip(">")
        depth = len(row) - len(unquoted)
        content = unquoted.removeprefix(" ") if depth or unquoted.startswith(" ") else unquoted
        soft = content.endswith(" ") and content != "-- "
        piece = content[:-1] + glue if soft else content
        if goes_on and depth == level and content != "-- ":
            out[-1].append(piece)
        else:
            out.append([f"{'>' * depth} {piece}" if depth else piece])
        goes_on, level = soft, depth
    return "\n".join("".join(pieces) for pieces in out)


def _without_pgp_signature(text: str, notes: Notes) -> str:
    """What was signed (RFC 4880, section 7), and what stands around it."""
    before, begun, rest = text.partition(_PGP_SIGNED)
    _armor_header, _, rest = rest.partition("\n\n")
    signed, signature, rest = rest.partition(_PGP_SIGNATURE)
    _, end, after = rest.partition(_PGP_END)
    if not (begun and signature and end):
        return text
    notes.add("signed with PGP; the signature was not checked")
    signed = re.sub(r"^- ", "", signed, flags=re.MULTILINE)
    return f"{before}{signed}\n{after}".strip("\n")
