"""Lets a message out of quarantine: a person has decided that it is work, whatever the guards say.

It is read again and goes where it belongs, in one transaction with the decision, so that it is
released once. What can't be read becomes an email that says so; its bytes can be had all the same.
It is acknowledged by the rules of mail that no guard held; what can't be read is not, for nobody
knows whether a machine wrote it.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from ccmiddleware.mail.acknowledging import Acknowledging
from ccmiddleware.mail.message import Address, Limits, Message, Unreadable
from ccmiddleware.mail.placing import Placed, place
from ccmiddleware.mail.reading import read
from ccmiddleware.mail.settling import Settling
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.database import Database, Row


async def release(
    database: Database,
    held: Row,
    settling: Settling,
    ours: frozenset[str],
    by: str,
    now: datetime,
    *,
    acknowledging: Acknowledging | None = None,
    reader: Callable[[bytes, Limits], Message | Unreadable] = read,
) -> UUID | None:
    """Release what ``find_quarantined`` found; its conversation, None when it is held no more."""
    message = reader(held["content"], Limits())
    if isinstance(message, Unreadable) or not held["whole"]:
        message, acknowledging = _stub(held, message), None
    async with database.transaction() as transaction:
        if not await transaction.execute("decide_quarantined", held["id"], "released", now, by):
            return None
        what = await settling.released(transaction, message)
        which = Placed(held["id"], held["mailbox_id"], held["sha256"], held["arrived_at"])
        (conversation,) = await place(transaction, [(which, message, what)], ours)
        if isinstance(what, Opens) and what.acknowledge and acknowledging is not None:
            await acknowledging.acknowledge(transaction, which, conversation, message)
        return conversation


def _stub(held: Row, read: Message | Unreadable) -> Message:
    """A message of which no more is known than stands in quarantine."""
    return Message(
        sha256=read.sha256,
        bytes=read.bytes,
        message_id="",
        in_reply_to=(),
        references=(),
        date=None,
        sender=Address(held["sender"]) if "@" in held["sender"] else None,
        reply_to=(),
        to=(),
        cc=(),
        delivered_to=(),
        subject=held["subject"],
        text="",
        quoted="",
        html="",
        notes=(f"not read: {held['reason']}",),
    )
