"""Does what is to be done before the time of an email is over; a task of the node's leader.

What, is decided in ``queues/escalating``. Each deadline is one transaction, which holds only for
the leader of the present term: priority, queue, notice and the mark that it was done are there
together or not at all. So a crash at any place leaves nothing half done, and nothing is done twice.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import PermanentError
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail.composing import Composed
from ccmiddleware.mail.letters import Identity, Posting
from ccmiddleware.mail.notices import Late, notice
from ccmiddleware.mail.one_by_one import OneByOne
from ccmiddleware.mail.telling import tell
from ccmiddleware.mail.tokens import Keys, Kind
from ccmiddleware.queues import escalating
from ccmiddleware.queues.escalating import Plan
from ccmiddleware.store.database import Database, Row, Session

log = structlog.get_logger(__name__)


class Escalation:
    """The deadlines of one node in one term of its leader. ``run`` is one task of it.

    ``certain`` waits while it is doubtful whether this daemon still leads the node. ``listed``: the
    queues that Asterisk listed last; none while that is not known.
    """

    def __init__(
        self,
        node: str,
        term: int,
        mailboxes: Mapping[str, MailboxSettings],
        database: Database,
        *,
        certain: Callable[[], Awaitable[None]],
        listed: Callable[[], Collection[str]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._mailboxes = mailboxes
        self._database = database
        self._listed = listed
        self._clock = clock
        self._log = log.bind(node=node)
        turns = OneByOne(
            "escalations", self._one, database, self._log, certain=certain, clock=clock
        )
        self.run = turns.run
        """Escalate until cancelled."""
        self.look = turns.look
        """Do what is to be done now, some of it; about how many deadlines that was."""

    async def _one(self, keys: Keys) -> bool:
        now = self._clock()
        async with self._database.transaction() as transaction:
            row = await transaction.fetchrow("escalation_due", self._node, self._term, now)
            if row is None:
                return False
            plan = self._plan(row)
            done: list[str] = []
            if plan.priority is not None:
                done.append(f"It has at least priority {plan.priority} now.")
            if plan.to_queue is not None:
                await self._requeue(transaction, row, plan.to_queue, now)
                done.append(f"It waits in {plan.to_queue} now.")
            if plan.missing is not None:
                done.append(
                    f"It was to wait in {plan.missing}, a queue that is not there any more: mend "
                    f"email_escalate_to of {row['queue']}."
                )
                self._log.error(
                    "escalation to a queue that is not there", queue=row["queue"],
                    to=plan.missing, number=row["number"],
                )  # fmt: skip
            if plan.notify:
                problem = await self._notify(transaction, keys, row, plan, tuple(done), now)
                done.append(f"no notice: {problem}" if problem else "noticed")
            await transaction.execute(
                "note_escalation", row["conversation_id"], row["goal"], row["ordinal"],
                list(plan.steps), row["item_id"], plan.priority, now, _data(row, plan),
            )  # fmt: skip
        self._log.info(
            "email escalated", number=row["number"], goal=row["goal"], steps=plan.steps, done=done
        )
        return True

    def _plan(self, row: Row) -> Plan:
        try:
            ways = escalating.parse(row["ways"])
        except PermanentError as error:  # a row from elsewhere
            self._log.error("escalation of a queue", queue=row["queue"], reason=str(error))
            ways = escalating.Ways()
        return escalating.plan(
            ways,
            queue=row["queue"],
            working=row["state"] == "working",
            overdue=row["overdue"],
            taken=row["steps"],
            take_back=row["take_back"],
            # Without word of Asterisk: those that it ever had.
            queues=set(row["queues"]) & set(self._listed() or row["queues"]),
        )

    async def _requeue(self, transaction: Session, row: Row, queue: str, now: datetime) -> None:
        to = await transaction.fetchval("queue_id_on_node", self._node, queue)
        why = "its time was over" if row["overdue"] else "its time was nearly over"
        await transaction.fetchval(
            "requeue_work", row["item_id"], to, now, now, why, "the escalation"
        )

    async def _notify(
        self, transaction: Session, keys: Keys, row: Row, plan: Plan, done: tuple[str, ...],
        now: datetime,
    ) -> str:  # fmt: skip
        """Put the notice into the outbox; why not, if it can't be."""

        def write(identity: Identity, posting: Posting) -> Composed:
            late = Late(
                row["item_id"], row["number"], row["queue"], row["goal"], row["due_at"],
                row["overdue"], row["customer"], row["subject"], row["agent"], done,
            )  # fmt: skip
            return notice(replace(identity, queue=row["queue"]), posting, late, plan.notify)

        id_ = notice_id(row["conversation_id"], row["goal"], row["began_at"], plan.steps)
        return await tell(transaction, keys, self._mailboxes, row, Kind.NOTICE, id_, write, now)


def notice_id(conversation: UUID, goal: str, began_at: datetime, steps: tuple[str, ...]) -> UUID:
    """The id in the outbox of the notice about a deadline."""
    seed = f"notice\0{conversation}\0{goal}\0{began_at.isoformat()}\0{'+'.join(steps)}"
    return uuid7_shaped(int(began_at.timestamp() * 1000), seed)


def _data(row: Row, plan: Plan) -> dict[str, object]:
    told = {
        "goal": row["goal"],
        "due_at": row["due_at"].isoformat(),
        "steps": list(plan.steps),
        "priority": plan.priority,
        "queue": plan.to_queue,
        "missing_queue": plan.missing,
        "notified": list(plan.notify),
    }
    return {key: value for key, value in told.items() if value not in (None, [])}
