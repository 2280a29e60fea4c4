"""Puts messages that came in into their conversations, in the transaction that decided so."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail.loops import nature, plain_subject
from ccmiddleware.mail.message import Address, Message
from ccmiddleware.mail.threading import Joins, Opens, participants
from ccmiddleware.store.database import Session


@dataclass(frozen=True, slots=True)
class Placed:
    """Which message it is, in which mailbox, and since when; ``sha256`` is that of its bytes."""

    id: UUID
    mailbox: UUID
    sha256: bytes
    at: datetime


Placing = tuple[Placed, Message, Joins | Opens]


async def place(
    transaction: Session, messages: Sequence[Placing], ours: Collection[str]
) -> list[UUID]:
    """Store them as emails of conversations, which are made, or opened again; the ids of those.

    ``ours``: all addresses of our mailboxes, which take part in nothing.
    """
    conversations, rows, work = [], [], []
    for which, read, what in messages:
        if isinstance(what, Joins):
            conversation = what.conversation
            query = "touch_conversation" if _idle(what) else "reopen_conversation"
            await transaction.execute(query, conversation, which.at)
        else:
            conversation = uuid7_shaped(which.id.int >> 80, f"conversation\0{which.id}")
        conversations.append(conversation)
        rows.append({"conversation_id": conversation, **_columns(which, read, what, ours)})
        if not _idle(what):
            work.append(which.id)
    await transaction.execute("add_emails", rows)
    await transaction.fetch("open_work", work)
    return conversations


def _idle(what: Joins | Opens) -> bool:
    """Whether it is no work for anybody: a machine's answer to what we sent."""
    return isinstance(what, Joins) and bool(what.automatic)


def _columns(
    which: Placed, read: Message, what: Joins | Opens, ours: Collection[str]
) -> dict[str, object]:
    sender = read.sender or Address("")
    return {
        "opens": isinstance(what, Opens),
        "linked_to": what.linked_to if isinstance(what, Opens) else None,
        "participants": [] if _idle(what) else participants(read, ours),
        "id": which.id,
        "mailbox_id": which.mailbox,
        "direction": "inbound",
        "sha256": which.sha256.hex(),
        "message_id": read.message_id,
        "in_reply_to": read.in_reply_to,
        "thread": read.references,
        "at": which.at,
        "sent_at": read.date,
        "from_address": sender.address.lower(),
        "from_name": sender.name,
        "recipients": [
            {"role": role, "address": one.address, "name": one.name}
            for role, all_of_them in (("to", read.to), ("cc", read.cc))
            for one in all_of_them
        ],
        "subject": read.subject,
        "body": read.text,
        "quoted": read.quoted,
        "html": read.html,
        "attachments": [asdict(one) for one in read.attachments],
        "notes": read.notes,
        "joined_by": what.why,
        "automatic": what.automatic or nature(read).why,
        "plain_subject": plain_subject(read.subject),
    }
