"""The automatic word that a mail has arrived: put into the outbox by the transaction that takes it.

Who may get one is decided by ``loops`` and ``settling``; here is what else must hold: the mail is
not an old one that a new mailbox brought along, the word goes to nobody of us, and one address gets
only so many in an hour, whoever asks for them in its name.

Its id comes from that of the mail, so that there is one, however often the mail is taken.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail.composing import Composed, InvalidLetter
from ccmiddleware.mail.letters import Identity, Posting, Template, acknowledgement
from ccmiddleware.mail.loops import plain_subject
from ccmiddleware.mail.message import Message
from ccmiddleware.mail.outbox import domain_of, put
from ccmiddleware.mail.placing import Placed
from ccmiddleware.mail.threading import without_token
from ccmiddleware.mail.tokens import Keys, Kind, message_id
from ccmiddleware.store.database import Session

log = structlog.get_logger(__name__)

OLDEST = timedelta(days=1)
"""Mail that arrived longer ago is not acknowledged: it was there before us, or we were away."""
HOUR = timedelta(hours=1)
MOST_IN_AN_HOUR = 5
"""To one address, whatever the mails and whoever wrote them."""


class Acknowledging:
    """Of one mailbox, whose mail is written as ``identity``."""

    def __init__(
        self,
        identity: Identity,
        template: Template,
        keys: Keys,
        ours: Collection[str],
        clock: Clock,
    ) -> None:
        """``ours``: the addresses of all our mailboxes, in lower case."""
        self._identity = identity
        self._template = template
        self._keys = keys
        self._ours = frozenset(ours)
        self._clock = clock

    async def acknowledge(
        self, transaction: Session, which: Placed, conversation: UUID, read: Message
    ) -> None:
        """Put the word about a mail that opened ``conversation`` into the outbox.

        Why there is none, if there is none, is logged.
        """
        reason = await self._put(transaction, which, conversation, read)
        if reason:
            log.info("message is not acknowledged", id=str(which.id), reason=reason)

    async def _put(
        self, transaction: Session, which: Placed, conversation: UUID, read: Message
    ) -> str:
        now = self._clock()
        if which.at < now - OLDEST:
            return f"it arrived at {which.at.isoformat(timespec='seconds')}"
        id_ = acknowledgement_id(which.id)
        number = await transaction.fetchval("conversation_number", conversation)
        try:
            composed = self._composed(id_, conversation, read, number)
        except InvalidLetter as error:
            return str(error)
        (recipient,) = composed.recipients
        if without_token(recipient) in self._ours:
            return f"it would go to ourselves, {recipient}"
        had = await transaction.fetchval("acknowledged_since", recipient.lower(), now - HOUR)
        if had >= MOST_IN_AN_HOUR:
            return f"{recipient} had {had} within an hour"
        await put(
            transaction,
            id=id_,
            mailbox=which.mailbox,
            conversation=conversation,
            kind="acknowledgement",
            message_id=composed.message_id,
            envelope_from=composed.envelope_from,
            recipients=composed.recipients,
            content=composed.content,
            now=now,
            plain_subject=plain_subject(read.subject),
        )
        return ""

    def _composed(self, id_: UUID, conversation: UUID, read: Message, number: int) -> Composed:
        domain = domain_of(self._identity.address.address)
        name = message_id(self._keys, Kind.ACKNOWLEDGEMENT, conversation, id_, domain)
        posting = Posting(name, self._clock())
        return acknowledgement(self._identity, posting, self._template, read, number)


def acknowledgement_id(email: UUID) -> UUID:
    """The id in the outbox of the acknowledgement of an email."""
    return uuid7_shaped(email.int >> 80, f"acknowledgement\0{email}")
