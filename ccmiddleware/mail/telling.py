"""Letters to our own people about a conversation: put into the outbox as its mailbox writes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError, PermanentError
from ccmiddleware.mail import stationery
from ccmiddleware.mail.composing import Composed
from ccmiddleware.mail.keys import loop_mark
from ccmiddleware.mail.letters import Identity, Posting
from ccmiddleware.mail.outbox import domain_of, put
from ccmiddleware.mail.tokens import Keys, Kind, message_id
from ccmiddleware.store.database import Row, Session

Write = Callable[[Identity, Posting], Composed]
"""Makes the letter. Raises PermanentError."""


async def tell(
    transaction: Session,
    keys: Keys,
    mailboxes: Mapping[str, MailboxSettings],
    row: Row,
    kind: Kind,
    id_: UUID,
    write: Write,
    now: datetime,
) -> str:
    """Put the letter into the outbox; why not, if it can't be.

    ``row`` has the conversation and its mailbox: ``conversation_id``, ``mailbox_id``, ``mailbox``.
    """
    try:
        settings = mailboxes.get(row["mailbox"])
        if settings is None:
            return f"mailbox {row['mailbox']} is not in the configuration any more"
        identity = stationery.identity(settings, loop_mark(keys))
        name = message_id(keys, kind, row["conversation_id"], id_, domain_of(settings.address))
        composed = write(identity, Posting(name, now))
    except ConfigError as error:
        return "; ".join(error.problems)
    except PermanentError as error:
        return str(error)
    await put(
        transaction,
        id=id_,
        mailbox=row["mailbox_id"],
        conversation=row["conversation_id"],
        kind=kind.value,
        message_id=composed.message_id,
        envelope_from=composed.envelope_from,
        recipients=composed.recipients,
        content=composed.content,
        now=now,
    )
    return ""
