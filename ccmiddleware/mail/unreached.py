"""Answers that did not reach the customer: the matter is open again, and the agent is told, once.

Refused for good, given up, or returned by a delivery report: whichever was last is written down in
the outbox, and a trigger there marks the answer. This is a task of the node's leader. Each answer
is one transaction: its item waits in its queue again, at its old place, with a note for whoever
takes it; who wrote the answer gets a receipt; and the mark is taken away. An item that is open
still, or again, stays as it is.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail.composing import Composed
from ccmiddleware.mail.letters import Identity, Posting
from ccmiddleware.mail.message import Address
from ccmiddleware.mail.notices import Unreached, unreached
from ccmiddleware.mail.one_by_one import OneByOne
from ccmiddleware.mail.telling import tell
from ccmiddleware.mail.tokens import Keys, Kind
from ccmiddleware.plaintext import plain
from ccmiddleware.store.database import Database, Row, Session

log = structlog.get_logger(__name__)

LONGEST_REASON = 400
AUTHOR = "ccmiddleware"


class UnreachedAnswers:
    """Those of one node in one term of its leader. ``run`` is one task of it.

    ``certain`` waits while it is doubtful whether this daemon still leads the node.
    """

    def __init__(
        self,
        node: str,
        term: int,
        mailboxes: Mapping[str, MailboxSettings],
        database: Database,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._mailboxes = mailboxes
        self._database = database
        self._clock = clock
        self._log = log.bind(node=node)
        turns = OneByOne(
            "unreached answers", self._one, database, self._log, certain=certain, clock=clock
        )
        self.run = turns.run
        """Look until cancelled."""
        self.look = turns.look
        """Do what is to be done now, some of it; about how many answers that was."""

    async def _one(self, keys: Keys) -> bool:
        now = self._clock()
        async with self._database.transaction() as transaction:
            row = await transaction.fetchrow("unreached_answer", self._node, self._term)
            if row is None:
                return False
            became, no_receipt = "", "no agent wrote it"
            if row["item_id"] is not None and row["failures"]:
                why = plain(f"not delivered to {'; '.join(row['failures'])}", LONGEST_REASON)
                became = await transaction.fetchval("reopen_work", row["item_id"], now, why)
                await self._note(transaction, row, why, now)
                no_receipt = await self._receipt(transaction, keys, row, became, now)
            await transaction.execute("told_unreached_answer", row["id"])
        self._log.warning(
            "answer did not reach the customer", number=row["number"], failures=row["failures"],
            item=became, no_receipt=no_receipt,
        )  # fmt: skip
        return True

    async def _note(self, transaction: Session, row: Row, why: str, now: datetime) -> None:
        await transaction.execute(
            "add_conversation_note", _id("note", row["id"], now), row["conversation_id"],
            row["item_id"], None, AUTHOR, now, f"An answer was {why}.",
        )  # fmt: skip

    async def _receipt(
        self, transaction: Session, keys: Keys, row: Row, became: str, now: datetime
    ) -> str:
        """Put the receipt into the outbox; why not, if it can't be."""
        if row["agent_address"] is None:
            return "the agent who wrote it has no address"
        what = Unreached(
            row["item_id"], row["number"], row["subject"] or "", row["body"] or "",
            tuple(row["failures"]), _now(became, row["queue"], row["number"]),
        )  # fmt: skip
        to = Address(row["agent_address"], row["agent_name"])

        def write(identity: Identity, posting: Posting) -> Composed:
            return unreached(identity, posting, what, to)

        id_ = _id("unreached", row["id"], now)
        return await tell(transaction, keys, self._mailboxes, row, Kind.RECEIPT, id_, write, now)


def _now(became: str, queue: str, number: int) -> str:
    """Where the matter is, for the agent."""
    match became:
        case "reopened" | "waiting" | "queued":
            return f"Email {number} waits in {queue} again."
        case "working":
            return f"Email {number} is in the hands of an agent."
        case _:
            return "Another email of the same matter is open."


def _id(kind: str, answer: UUID, now: datetime) -> UUID:
    seed = f"{kind}\0{answer}\0{now.isoformat()}"
    return uuid7_shaped(int(now.timestamp() * 1000), seed)
