"""The mails that we send, in words: the answer, the acknowledgement, the relay, the receipt. Pure.

The customer sees the queue and nobody else: an answer is made of the queue's identity and the
agent's text, and one in which the agent's address or a token stands is refused. What goes to
agents says in its first lines how to answer it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from ccmiddleware.mail.composing import (
    LONGEST_SUBJECT,
    MOST_RECIPIENTS,
    Composed,
    File,
    InvalidLetter,
    Letter,
    answer_subject,
    compose,
    sound_address,
    sound_text,
    thread,
)
from ccmiddleware.mail.message import Address, Attachment, Message
from ccmiddleware.mail.threading import without_token
from ccmiddleware.plaintext import plain

QUOTED_LINES, QUOTED_CHARACTERS = 500, 50_000
"""How much of an original is quoted; who wrote it has the rest."""

TO_ANSWER = "Answer this mail to answer the customer."
"""Stands in what agents get, and must stand in nothing that customers get."""

PLACEHOLDERS = ("number", "subject", "queue", "name")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

_SAID: Mapping[str, tuple[str, str]] = {
    "en": ("On {date}, {name} wrote:", "%Y-%m-%d at %H:%M"),
    "de": ("Am {date} schrieb {name}:", "%d.%m.%Y um %H:%M"),
    "es": ("El {date}, {name} escribió:", "%d/%m/%Y a las %H:%M"),
    "fr": ("Le {date}, {name} a écrit :", "%d/%m/%Y à %H:%M"),
    "it": ("Il {date}, {name} ha scritto:", "%d/%m/%Y alle %H:%M"),
    "nl": ("Op {date} schreef {name}:", "%d-%m-%Y om %H:%M"),
    "pl": ("Dnia {date} {name} pisze:", "%d.%m.%Y o %H:%M"),
    "pt": ("Em {date}, {name} escreveu:", "%d/%m/%Y às %H:%M"),
}
LANGUAGES = tuple(_SAID)
"""Languages in which we can say who wrote what is quoted."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom a queue writes. ``mark``: of X-CCM-Loop. ``language`` is one of LANGUAGES."""

    queue: str
    address: Address
    mark: str
    zone: tzinfo
    signature: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Posting:
    """What is decided outside for each mail: its Message-ID and when it is written.

    ``reply_to``: an address of the queue with a token for the customer; empty for none.
    """

    message_id: str
    now: datetime
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """What an agent works on. ``reply_to``: the address with the token."""

    number: int
    reply_to: str
    agent: Address


@dataclass(frozen=True, slots=True)
class Template:
    """Text of an acknowledgement, with ``{number}``, ``{subject}``, ``{queue}``, ``{name}``."""

    text: str
    subject: str = "Re: {subject}"

    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, for those who write the configuration."""
        found = [*_problems("text", self.text), *_problems("subject", self.subject)]
        if len(self.subject.splitlines()) > 1:
            found.append("subject: it has more than one line")
        if not self.text.strip():
            found.append("text: it is empty")
        return tuple(found)


# -- to customers ---------------------------------------------------------------------------


def answer(
    identity: Identity,
    posting: Posting,
    text: str,
    original: Message,
    *,
    to: Sequence[Address],
    cc: Sequence[Address] = (),
    files: Sequence[File] = (),
    hidden: Collection[str] = (),
) -> Composed:
    """An agent's answer, as the queue. ``hidden``: what must not stand in it, such as the agent's
    addresses. Raises InvalidLetter."""
    for each in hidden:
        if each and each.lower() in text.lower():
            raise InvalidLetter(f"{each} stands in the text, and must not reach the customer")
    in_reply_to, references = thread(original)
    parts = (
        text.strip("\r\n"),
        identity.signature.strip(),
        _quoted(original, identity, posting.now),
    )
    return compose(
        Letter(
            sender=identity.address,
            to=tuple(to),
            cc=tuple(cc),
            reply_to=_with_token(identity, posting),
            subject=subject_of(original),
            text="\n\n".join(part for part in parts if part),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            in_reply_to=in_reply_to,
            references=references,
            bounces_to=identity.address.address,
            files=tuple(files),
        )
    )


def subject_of(original: Message) -> str:
    """The subject of an answer to it."""
    return answer_subject(original.subject[:LONGEST_SUBJECT])


def acknowledgement(
    identity: Identity, posting: Posting, template: Template, original: Message, number: int
) -> Composed:
    """The automatic word that a mail arrived; its failing to arrive causes no mail (RFC 3834).

    It goes to the one address that the mail wants answers at (a web form writes in its own name),
    else to its sender.

    Nothing of the customer's text is in it, so that nobody can have us send his words to others.
    """
    if original.sender is None:
        raise InvalidLetter("there is nobody to acknowledge it to")
    to = original.reply_to[0] if len(original.reply_to) == 1 else original.sender
    in_reply_to, references = thread(original)
    values = {
        "number": str(number),
        "subject": plain(answer_subject(original.subject)[4:], 100),
        "queue": identity.queue,
        "name": plain(original.sender.name or original.sender.address, 60),
    }
    parts = (_filled(template.text, values).strip(), identity.signature.strip())
    return compose(
        Letter(
            sender=identity.address,
            to=(to if sound_address(to.address) else original.sender,),
            reply_to=_with_token(identity, posting),
            subject=_filled(template.subject, values),
            text="\n\n".join(part for part in parts if part),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            in_reply_to=in_reply_to,
            references=references,
            automatic="auto-replied",
        )
    )


def addressees(
    original: Message, ours: Collection[str], *, all_of_them: bool
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of an answer: where its sender wants it, and, if wanted, all others he wrote to.

    Our own addresses, ones that can't be written to, and all that are too many are left out.
    """
    own = {each.lower() for each in ours}
    wanted = original.reply_to or ((original.sender,) if original.sender is not None else ())
    to = _sound(wanted, own)
    if not to and original.sender is not None:
        to = _sound((original.sender,), own)
    known = own | {each.address.lower() for each in to}
    cc = _sound((*original.to, *original.cc), known) if all_of_them else ()
    return to[:MOST_RECIPIENTS], cc[: max(0, MOST_RECIPIENTS - len(to))]


# -- to agents ------------------------------------------------------------------------------


def relay(
    identity: Identity,
    posting: Posting,
    item: Item,
    original: Message,
    *,
    files: Sequence[File] = (),
    raw: bytes | None = None,
    earlier: Sequence[str] = (),
    notes: Iterable[str] = (),
) -> Composed:
    """A customer's mail for the agent who took it. ``files``: the attachments that are carried.

    ``raw``: the original, to be attached whole. ``earlier``: ids of what the agent had before of
    this conversation, oldest first, so that it is one thread in the agent's mailbox. ``notes``:
    of colleagues, and on what else should be known.
    """
    sender = original.sender or Address("", "unknown")
    shown = plain(sender.name or sender.address, 60)
    carried = [*files]
    if raw is not None:  # as a file: hostile mail is not opened by showing ours
        carried.append(File("original.eml", "application/octet-stream", raw))
    parts = (
        f"Email {item.number} in queue {identity.queue}. {TO_ANSWER}\n"
        "First lines may be: #close, #wait 2d, #transfer QUEUE, #note, #contact NUMBER, #optout",
        _facts(original, identity.zone),
        "\n".join(_remarks(original.attachments, files, (*notes, *original.notes))),
        "-" * 60,
        original.text.strip("\r\n") or _no_text(original),
    )
    return compose(
        Letter(
            sender=Address(identity.address.address, f"{shown} ({identity.queue})"),
            to=(item.agent,),
            reply_to=Address(item.reply_to, identity.queue),
            subject=_agents_subject(item, original.subject),
            text="\n\n".join(part for part in parts if part),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            in_reply_to=earlier[-1] if earlier else "",
            references=tuple(earlier[-10:]),
            automatic="auto-generated",
            bounces_to=identity.address.address,
            files=tuple(carried),
        )
    )


def receipt(
    identity: Identity,
    posting: Posting,
    item: Item,
    answered: Message,
    said: Sequence[str],
    *,
    refused: bool,
) -> Composed:
    """What became of an agent's answer. If nothing was done, the text comes back with it."""
    in_reply_to, references = thread(answered)
    first = "Nothing was done and nothing was sent:" if refused else "Done."
    listed = "\n".join(f"- {plain(each)}" for each in said) if refused else "\n".join(said)
    kept = f"Your text was:\n\n{_prefixed(answered.text)}" if refused and answered.text else ""
    again = "Answer this mail to try again." if refused and item.reply_to else ""
    return compose(
        Letter(
            sender=identity.address,
            to=(item.agent,),
            reply_to=Address(item.reply_to, identity.queue) if item.reply_to else None,
            subject=f"{'Not done' if refused else 'Done'}: {_bare(item, answered.subject)}",
            text="\n\n".join(part for part in (first, listed, again, kept) if part),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            in_reply_to=in_reply_to,
            references=references,
            automatic="auto-replied",
        )
    )


# -- pieces ---------------------------------------------------------------------------------


def _with_token(identity: Identity, posting: Posting) -> Address | None:
    return Address(posting.reply_to, identity.address.name) if posting.reply_to else None


def _quoted(original: Message, identity: Identity, now: datetime) -> str:
    """The original below an answer, with who wrote it when, in the queue's language."""
    text = _prefixed(original.text)
    if not text or original.sender is None:
        return ""
    words, dated = _SAID.get(identity.language, _SAID["en"])
    date = _local(original.date or now, identity.zone).strftime(dated)
    name = plain(original.sender.name or original.sender.address, 80)
    return words.replace("{date}", date).replace("{name}", name) + "\n" + text


def _prefixed(text: str) -> str:
    """Quoted with >, and cut where it is too long."""
    whole = sound_text(text).strip("\n")
    lines = whole[:QUOTED_CHARACTERS].split("\n")[:QUOTED_LINES]
    cut = len("\n".join(lines)) < len(whole)
    quoted = [f">{line}" if line.startswith(">") or not line else f"> {line}" for line in lines]
    return "\n".join([*quoted, "> […]"] if cut else quoted) if whole else ""


def _facts(original: Message, zone: tzinfo) -> str:
    sender = original.sender or Address("", "unknown")
    date = _local(original.date, zone).strftime("%Y-%m-%d %H:%M %Z") if original.date else ""
    facts = (
        ("From", f"{sender.name} <{sender.address}>".strip()),
        ("To", ", ".join(each.address for each in original.to[:20])),
        ("Cc", ", ".join(each.address for each in original.cc[:20])),
        ("Date", date),
        ("Subject", original.subject),
    )
    return "\n".join(f"{name}: {plain(value, 500)}" for name, value in facts if value)


def _local(date: datetime, zone: tzinfo) -> datetime:
    """In the zone; a date at the ends of time, which is from outside as well, stays as it is."""
    try:
        return date.astimezone(zone)
    except (OverflowError, ValueError):
        return date


def _remarks(
    attachments: Iterable[Attachment], carried: Iterable[File], notes: Iterable[str]
) -> list[str]:
    names = [file.name for file in carried]
    lines = []
    for each in attachments:
        there = each.name in names
        if there:
            names.remove(each.name)
        size = f"{each.bytes / 1e6:.1f} MB" if each.bytes >= 1e5 else f"{each.bytes} bytes"
        left = "" if there else ", not in this mail"
        lines.append(f"Attachment: {plain(each.name, 120)} ({each.content_type}, {size}{left})")
    return lines + [f"Note: {line}" for note in notes for line in sound_text(note).splitlines()]


def _no_text(original: Message) -> str:
    if original.encrypted:
        return "(The text is encrypted; it can't be shown.)"
    return "(There is no text.)"


_NUMBERED = re.compile(r"\[#\d+\]\s*")


def _agents_subject(item: Item, subject: str) -> str:
    """The number stands first, where lists of mail show it; numbers of others are taken out."""
    return f"[#{item.number}] {_NUMBERED.sub('', subject)}"[:LONGEST_SUBJECT]


def _bare(item: Item, subject: str) -> str:
    return _agents_subject(item, answer_subject(_NUMBERED.sub("", subject))[4:])[:200]


def _sound(addresses: Iterable[Address], without: Collection[str]) -> tuple[Address, ...]:
    found: dict[str, Address] = {}
    for each in addresses:
        lower = each.address.lower()
        mine = lower in without or without_token(lower) in without
        if sound_address(each.address) and not mine:
            found.setdefault(lower, each)
    return tuple(found.values())


def _problems(where: str, template: str) -> Iterable[str]:
    for found in _PLACEHOLDER.finditer(template):
        if found[0] in ("{{", "}}") or found[1] in PLACEHOLDERS:
            continue
        allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        yield f"{where}: {found[0][:40]!r} is no placeholder; there are {allowed}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """In one pass: what stands in a value is not a placeholder."""

    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        return values.get(found[1] or "", found[0])

    return _PLACEHOLDER.sub(value, template)
