"""Does what an agent wants done with an email: one transaction, whoever asks and in whichever way.

An answer is composed first; only what can be written is done. Then it stands in the outbox and
among the emails of its conversation, notes are stored, and the item is done or waits again. The way
by mail (``agent_replies``) and ``ccm email reply`` both end here.

Whether the one who asks may do so is decided before; the item is locked in the transaction.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from ccmiddleware.clock import Clock
from ccmiddleware.errors import ConfigError
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail import letters, reading
from ccmiddleware.mail.agent_commands import (
    Close,
    Note,
    Nothing,
    Only,
    Order,
    Reply,
    Then,
    Transfer,
    Wait,
    in_words,
)
from ccmiddleware.mail.composing import Composed, File, InvalidLetter, sound_text, thread
from ccmiddleware.mail.letters import Identity, Posting
from ccmiddleware.mail.loops import plain_subject
from ccmiddleware.mail.message import Address, Attachment, Limits, Message
from ccmiddleware.mail.outbox import domain_of, put
from ccmiddleware.mail.replies import Agent, Work
from ccmiddleware.mail.tokens import Keys, Kind, message_id
from ccmiddleware.store.database import Row, Session

HEADER = Limits().header_bytes + 4
"""Bytes of a message in which its header ends."""

AGENT_TYPES = frozenset(
    {
        "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-keys",
        "application/pgp-signature", "text/directory", "text/vcard", "text/x-vcard",
    }
)  # fmt: skip
"""Parts that mail programs add by themselves, and that say who the agent is."""


@dataclass(frozen=True, slots=True)
class Task:
    """The item that something is to be done with, as it stands. ``holder``: who works on it."""

    work: Work
    conversation: UUID
    node: str
    holder: Agent

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must not reach the customer: the addresses of those who had it."""
        return tuple(each.address for each in self.work.agents.values() if each.address)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that can be sent: its bytes, in the name of which mailbox, and what it is for."""

    id: UUID
    composed: Composed
    mailbox: UUID
    identity: Identity
    original: Message
    text: str
    files: tuple[File, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a word and in sentences. ``answer``: what was put into the outbox;
    ``remark``: what else the agent must know, which is said as well."""

    what: str
    said: str
    answer: Answer | None = None
    remark: str = ""


class CarryingOut:
    """What agents ask for, done.

    ``identity`` gives that of a mailbox of the configuration by name, None for one that is not
    there any more, and raises ConfigError; ``ours``: the addresses of all of them.
    """

    def __init__(
        self,
        identity: Callable[[str], Identity | None],
        keys: Keys,
        ours: Collection[str],
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._keys = keys
        self._ours = frozenset(ours)
        self._clock = clock

    async def do(
        self,
        session: Session,
        task: Task,
        order: Order,
        *,
        id: UUID,
        by: str = "",
        files: Sequence[File] = (),
        to_all: bool = False,
        of_mail: str = "",
        answers: Collection[str] = (),
    ) -> Done:
        """Do it. ``id``: of what asked for it; the same one does it once. ``by``: who asked, if
        not the agent himself. ``of_mail``: the Message-ID, if it was a mail; ``answers``: the ids
        that it answers.

        An item whose customer wrote again after what is answered stays with the agent: nobody
        has read that. Raises InvalidLetter for an answer that can't be sent; then nothing was done.
        """
        asked = _Asked(id, by or task.holder.name, not by, tuple(answers)[:100])
        answer = None
        match order:
            case Reply(text=text, then=then):
                what, outcome = "answer", "answered"
                answer = await self.answer(
                    session, task, text, id=id, files=files, to_all=to_all, answers=asked.answers
                )
                await self._post(session, task, answer)
            case Note(text=text, then=then):
                what, outcome = "note", "noted"
                await self._note(session, task, asked, text)
            case Only(then=then):
                what, outcome = "close" if isinstance(then, Close) else "wait", "closed"
            case Transfer(queue=queue, note=note):
                what, outcome, then = "transfer", "", Nothing()
                if note:
                    await self._note(session, task, asked, note)
                await self._requeue(session, task, asked, queue, timedelta(), "transferred")
            case _:
                assert_never(order)
        remark = ""
        if outcome == "answered" or not isinstance(then, Nothing):
            remark = await self._then(session, task, asked, then, outcome)
        said = _in_words(order, remark)
        await session.execute(
            "note_agent_reply", id, task.work.id, task.holder.id, asked.by, of_mail, self._clock(),
            what, said, answer.id if answer is not None else None,
        )  # fmt: skip
        return Done(what, said, answer, remark)

    async def answer(
        self,
        session: Session,
        task: Task,
        text: str,
        *,
        id: UUID,
        files: Sequence[File] = (),
        to_all: bool = False,
        answers: Collection[str] = (),
    ) -> Answer:
        """The answer as it would be sent; nothing is done. Raises InvalidLetter."""
        row = await session.fetchrow("email_to_answer", task.conversation, HEADER, list(answers))
        if row is None:
            raise InvalidLetter("there is no email of a customer that could be answered")
        original = _original(row)
        if letters.TO_ANSWER.lower() in " ".join(text.lower().split()):
            raise InvalidLetter(
                f"the head of the mail that you answered ({letters.TO_ANSWER}) stands in your "
                "text: delete it, for the customer would get it"
            )
        mailbox, identity = await self._sender(session, task, row["mailbox_id"])
        to, cc = letters.addressees(original, self._ours, all_of_them=to_all)
        _refuse_traces(task.hidden, files)
        outbox = uuid7_shaped(id.int >> 80, f"answer\0{id}")
        domain = domain_of(identity.address.address)
        name = message_id(self._keys, Kind.ANSWER, task.conversation, outbox, domain)
        composed = letters.answer(
            identity,
            Posting(name, self._clock()),
            text,
            original,
            to=to,
            cc=cc,
            files=files,
            hidden=task.hidden,
        )
        return Answer(outbox, composed, mailbox, identity, original, text, tuple(files), to, cc)

    async def _sender(self, session: Session, task: Task, came_to: UUID) -> tuple[UUID, Identity]:
        """The mailbox in whose name the queue answers: that which the mail came to if it is one of
        the queue's, else another of it; only a queue without any uses that which it came to."""
        for row in await session.fetch("mailboxes_to_answer_from", task.work.id, came_to):
            try:
                identity = self._identity(row["name"])
            except ConfigError as error:
                reason = "; ".join(error.problems)
                raise InvalidLetter(f"mailbox {row['name']} can't write: {reason}") from None
            if identity is not None:
                return row["id"], identity
        raise InvalidLetter(
            f"queue {task.work.queue} has no mailbox in the configuration to answer from"
        )

    async def _post(self, session: Session, task: Task, answer: Answer) -> None:
        now, subject = self._clock(), letters.subject_of(answer.original)
        composed = answer.composed
        await session.execute("add_emails", [_columns(task, answer, subject, now)])
        await put(
            session,
            id=answer.id,
            mailbox=answer.mailbox,
            conversation=task.conversation,
            kind="answer",
            message_id=composed.message_id,
            envelope_from=composed.envelope_from,
            recipients=composed.recipients,
            content=composed.content,
            now=now,
            plain_subject=plain_subject(subject),
        )

    async def _then(
        self, session: Session, task: Task, asked: "_Asked", then: Then, outcome: str
    ) -> str:
        """The item is done, or waits; what is to be remarked about it."""
        row = await session.fetchrow("email_to_answer", task.conversation, 0, asked.answers)
        if row is not None and row["newer"]:
            number = task.work.number
            return f"The customer has written again meanwhile: email {number} stays with you."
        match then:
            case Wait(time=time):
                await self._requeue(session, task, asked, task.work.queue, time, "put off")
            case Close() | Nothing():
                state = "closed" if isinstance(then, Close) else "waiting"
                await session.fetchval(
                    "finish_work", task.work.id, outcome, state, self._clock(), asked.by
                )
            case _:
                assert_never(then)
        return ""

    async def _requeue(
        self, session: Session, task: Task, asked: "_Asked", queue: str, time: timedelta, why: str
    ) -> None:
        now = self._clock()
        rows = await session.fetch("queues_of_node", task.node)
        (to,) = (row["id"] for row in rows if row["name"] == queue)
        await session.fetchval("requeue_work", task.work.id, to, now + time, now, why, asked.by)

    async def _note(self, session: Session, task: Task, asked: "_Asked", text: str) -> None:
        await session.execute(
            "add_conversation_note", uuid7_shaped(asked.id.int >> 80, f"note\0{asked.id}"),
            task.conversation, task.work.id, task.holder.id if asked.himself else None, asked.by,
            self._clock(), text,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """What asked, who, whether that is the agent, and the ids of the mail that it answers."""

    id: UUID
    by: str
    himself: bool
    answers: tuple[str, ...]


async def find(session: Session, item: UUID) -> tuple[Work, UUID, str] | None:
    """An item as it stands, locked until the transaction ends; its conversation and its node."""
    row = await session.fetchrow("lock_work_item", item)
    if row is None:
        return None
    agents = {
        each["id"]: Agent(each["id"], each["email"] or "", each["name"])
        for each in await session.fetch("agents_of_work", item)
    }
    work = Work(
        row["id"], row["number"], row["state"], row["outcome"] or "", row["queue"],
        row["agent_id"] if row["state"] == "working" else None, agents,
    )  # fmt: skip
    return work, row["conversation_id"], row["node"]


def carried(message: Message) -> list[Attachment]:
    """The files of an agent's mail that go to the customer."""
    return [one for one in message.attachments if one.content_type.lower() not in AGENT_TYPES]


def _in_words(order: Order, remark: str) -> str:
    """What was done; where there is a remark, the item stayed, and nothing came after it."""
    if not remark:
        return in_words(order)
    match order:
        case Reply() | Note():
            return f"{in_words(replace(order, then=Nothing()))} {remark}"
        case _:
            return remark


def _refuse_traces(hidden: Collection[str], files: Sequence[File]) -> None:
    for each in hidden:
        for file in files:
            if each.lower() in file.name.lower() or each.lower().encode() in file.content.lower():
                raise InvalidLetter(
                    f"{each} stands in the file {file.name}, and must not reach the customer"
                )


def _original(row: Row) -> Message:
    """As much of a stored email as an answer needs."""
    people = [(one["role"], Address(one["address"], one["name"])) for one in row["recipients"]]
    return Message(
        sha256="",
        bytes=0,
        message_id=row["message_id"],
        in_reply_to=tuple(row["in_reply_to"]),
        references=tuple(row["thread"]),
        date=row["sent_at"] or row["at"],
        sender=Address(row["from_address"], row["from_name"]) if row["from_address"] else None,
        reply_to=reading.reply_to(row["head"], Limits()) if row["head"] else (),
        to=tuple(address for role, address in people if role == "to"),
        cc=tuple(address for role, address in people if role == "cc"),
        delivered_to=(),
        subject=row["subject"],
        text=row["body"],
        quoted="",
        html="",
    )


def _columns(task: Task, answer: Answer, subject: str, now: datetime) -> dict[str, object]:
    composed, sender = answer.composed, answer.identity.address
    in_reply_to, references = thread(answer.original)
    files = [
        Attachment(2 + place, one.name, one.content_type, len(one.content),
                   hashlib.sha256(one.content).hexdigest())
        for place, one in enumerate(answer.files)
    ]  # fmt: skip
    return {
        "id": answer.id,
        "conversation_id": task.conversation,
        "opens": False,
        "linked_to": None,
        "participants": [],
        "mailbox_id": answer.mailbox,
        "direction": "outbound",
        "sha256": None,
        "message_id": composed.message_id,
        "in_reply_to": [in_reply_to] if in_reply_to else [],
        "thread": references,
        "at": now,
        "sent_at": now,
        "from_address": sender.address.lower(),
        "from_name": sender.name,
        "recipients": [
            {"role": role, "address": one.address, "name": one.name}
            for role, all_of_them in (("to", answer.to), ("cc", answer.cc))
            for one in all_of_them
        ],
        "subject": subject,
        "body": sound_text(answer.text),
        "quoted": "",
        "html": "",
        "attachments": [asdict(one) for one in files],
        "notes": [],
        "joined_by": "answer",
        "automatic": "",
        "plain_subject": plain_subject(subject),
    }
