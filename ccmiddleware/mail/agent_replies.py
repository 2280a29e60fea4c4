"""The mail that agents write back: checked, carried out, receipted, in the intake's transaction.

What may count as an agent's is decided in ``replies``, what it says in ``agent_commands``, and it
is done in ``carrying_out``; here is what is looked up for that, and the receipts. A receipt goes to
the address that is stored for the agent, never to one that stands in the mail; it is automatic
mail, and an agent gets only so many in an hour, so that two programs can't keep each other busy.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail import agent_commands, bounces, letters
from ccmiddleware.mail.agent_commands import Nothing, Order, Refused, Reply
from ccmiddleware.mail.carrying_out import CarryingOut, Task, carried, find
from ccmiddleware.mail.composing import File, InvalidLetter
from ccmiddleware.mail.letters import Identity, Item, Posting
from ccmiddleware.mail.message import Address, Message
from ccmiddleware.mail.outbox import domain_of, put
from ccmiddleware.mail.placing import Placed
from ccmiddleware.mail.replies import Agent, Asked, Kept, Replied, Told, Work, asked, choose, judge
from ccmiddleware.mail.settling import Rules
from ccmiddleware.mail.tokens import Keys, Kind, Use, message_id, reply_address
from ccmiddleware.store.database import Session

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
MOST_RECEIPTS = 30
"""To one agent in an hour."""
MOST_RECEIPTS_OF_ONE = 6
"""To one agent in an hour, about one conversation."""
MOST_TOKENS = 5
"""Addresses with tokens of one mail that are looked up."""


class Parts(Protocol):
    """Reads messages; ``parsing.Readers``."""

    async def parts(self, raw: bytes, numbers: Sequence[int]) -> list[bytes | None] | str:
        """The bytes of parts of a message, or why they can't be had. Raises TemporaryError."""
        ...


class Linking(Protocol):
    """Says whose an address or a number is (``contacts.agents_word``)."""

    async def __call__(
        self, session: Session, customer: str, name: str, texts: Sequence[str], by: str
    ) -> Callable[[], Awaitable[str]]:
        """What writes it and says what it wrote. Raises PermanentError where it can't be."""
        ...


class AgentReplies:
    """Of one mailbox. ``identity``: as whom receipts are written.

    ``proven_by``: the mail server whose Authentication-Results must prove the sender; empty for no
    such demand. ``receipts``: agents get one for plain answers, too. ``to_all``: answers go to all
    whom the customer wrote to. ``reply_life``: so long a receipt can be answered. ``linking``: what
    #contact does.
    """

    def __init__(
        self,
        identity: Identity,
        rules: Rules,
        carrying_out: CarryingOut,
        readers: Parts,
        clock: Clock,
        *,
        proven_by: str = "",
        receipts: bool = False,
        to_all: bool = False,
        reply_life: timedelta = timedelta(days=30),
        linking: Linking | None = None,
    ) -> None:
        self._identity = identity
        self._rules = rules
        self._carrying_out = carrying_out
        self._readers = readers
        self._clock = clock
        self._proven_by = proven_by
        self._receipts = receipts
        self._to_all = to_all
        self._reply_life = reply_life
        self._linking = linking

    @property
    def _keys(self) -> Keys:
        return self._rules.keys

    def concerns(self, message: Message) -> bool:
        """Whether the mail came to an address for agents' answers; delivery reports never do."""
        return not bounces.is_report(message) and self._asked(message) is not None

    def _asked(self, message: Message) -> Asked | None:
        return asked(message, self._rules.own, self._rules.ours)

    async def take(self, session: Session, which: Placed, message: Message) -> Replied | Kept:
        """Do what a mail says that ``concerns`` us. Raises TemporaryError."""
        found = self._asked(message)
        if found is None:
            return Kept("it was not sent to an agent's address for answers")
        if found.elsewhere:
            return Kept(f"an agent's answer to {found.elsewhere}, which has a copy of its own")
        verdicts, known = [], {}
        for claim in found.claims[:MOST_TOKENS]:
            if claim.item not in known:
                known[claim.item] = await find(session, claim.item)
            there = known[claim.item]
            verdict = judge(
                message, claim, there[0] if there is not None else None, self._keys, self._clock(),
                mark=self._rules.loop_mark, proven_by=self._proven_by,
            )  # fmt: skip
            verdicts.append((claim, verdict))
        claim, verdict = choose(verdicts)
        if isinstance(verdict, Kept):
            return verdict
        there = known[claim.item]
        assert there is not None  # noqa: S101 - else it would have been kept
        task = Task(*there, verdict.agent)
        if await session.fetchval("agent_replied_before", task.work.id, message.message_id):
            said = "a mail with its Message-ID was carried out before"
            await self._note(session, which.id, task, message, "repeated", said)
            return Replied("repeated")
        if isinstance(verdict, Told):
            return await self._refuse(
                session, which, task, message, [verdict.reason], again=verdict.again
            )
        return await self._act(session, which, task, message)

    async def _act(self, session: Session, which: Placed, task: Task, message: Message) -> Replied:
        queues = [row["name"] for row in await session.fetch("queues_of_node", task.node)]
        named, text = agent_commands.contacts(message.text)
        unwanted, text = agent_commands.optouts(text)
        files = len(carried(message))
        try:
            link = await self._link(session, task, named) if named else None
        except PermanentError as error:
            problems = [f"#contact: {error}."]
            return await self._refuse(session, which, task, message, problems, again=True)
        try:
            out = await self._opt_out(session, which, task, unwanted) if unwanted else None
        except PermanentError as error:
            problems = [f"#optout: {error}."]
            return await self._refuse(session, which, task, message, problems, again=True)
        beside = [one for one in (link, out) if one is not None]
        if beside and not text.strip() and not files:
            told = [await one() for one in beside]
            what = "contact" if link is not None else "optout"
            await self._note(session, which.id, task, message, what, " ".join(told))
            await self._receipt(session, which, task, message, told, refused=False)
            return Replied(what)
        order = agent_commands.parse(text, queues, files)
        if isinstance(order, Refused):
            return await self._refuse(session, which, task, message, order.problems, again=True)
        try:
            done = await self._carrying_out.do(
                session, task, order, id=which.id,
                files=await self._files(session, which, message), to_all=self._to_all,
                of_mail=message.message_id, answers=(*message.in_reply_to, *message.references),
            )  # fmt: skip
        except InvalidLetter as error:
            return await self._refuse(session, which, task, message, [str(error)], again=True)
        linked = [await one() for one in beside]
        log.info("agent replied", number=task.work.number, agent=task.holder.name, what=done.what)
        if self._receipts or done.remark or linked or not _is_plain(order):
            await self._receipt(session, which, task, message, [done.said, *linked], refused=False)
        return Replied(done.what)

    async def _link(
        self, session: Session, task: Task, named: Sequence[str]
    ) -> Callable[[], Awaitable[str]]:
        """What says that these are the customer's. Raises PermanentError, TemporaryError."""
        if self._linking is None:
            raise PermanentError("it can't be used here")
        if not all(named):
            raise PermanentError("write an address or a number behind it")
        row = await session.fetchrow("email_to_answer", task.conversation, 0, [])
        if row is None:
            raise PermanentError("there is no email of a customer")
        return await self._linking(
            session, row["from_address"], row["from_name"], named, task.holder.name
        )

    async def _opt_out(
        self, session: Session, which: Placed, task: Task, named: Sequence[str]
    ) -> Callable[[], Awaitable[str]]:
        """What puts the customer's numbers on the do-not-call list, and says so. Raises
        PermanentError, TemporaryError."""
        row = await session.fetchrow("email_to_answer", task.conversation, 0, [])
        if row is None:
            raise PermanentError("there is no email of a customer")
        numbers = [re.sub(r"[ ()./-]", "", one) for one in named if one]
        for number, text in zip(numbers, filter(None, named), strict=True):
            if re.fullmatch(r"\+[1-9][0-9]{3,14}", number) is None:
                raise PermanentError(f"{text!r} is no number with + and country code")
        if not all(named):
            numbers += await session.fetchval("phones_of_address", row["from_address"])
        if not numbers:
            raise PermanentError(
                "no telephone number of that customer is known; write it behind, as in "
                "#optout +4930123456"
            )

        async def write() -> str:
            await session.fetchval(
                "note_opt_out", f"reply:{which.id}", "email", row["from_address"], numbers, None,
                None, row["at"], task.holder.name, f"email {task.work.number}",
            )  # fmt: skip
            await session.execute("try_to_honour_opt_outs")
            return f"{', '.join(dict.fromkeys(numbers))}: campaigns call that customer no more."

        return write

    async def _files(self, session: Session, which: Placed, message: Message) -> list[File]:
        """What is attached, for the customer. Raises InvalidLetter, TemporaryError."""
        wanted = carried(message)
        if not wanted:
            return []
        raw = await session.fetchval("raw_email", which.sha256)
        contents = await self._readers.parts(raw, [one.part for one in wanted])
        if isinstance(contents, str):
            raise InvalidLetter(f"the attachments can't be taken out: {contents}")
        return [
            File(one.name, one.content_type, content or b"")
            for one, content in zip(wanted, contents, strict=True)
        ]

    async def _refuse(
        self,
        session: Session,
        which: Placed,
        task: Task,
        message: Message,
        problems: Sequence[str],
        *,
        again: bool,
    ) -> Replied:
        log.info("agent's reply refused", number=task.work.number, reason=problems[0])
        await self._note(session, which.id, task, message, "refused", " ".join(problems))
        await self._receipt(session, which, task, message, problems, refused=True, again=again)
        return Replied("refused")

    async def _note(
        self, session: Session, id: UUID, task: Task, message: Message, what: str, said: str
    ) -> None:
        await session.execute(
            "note_agent_reply", id, task.work.id, task.holder.id, task.holder.name,
            message.message_id, self._clock(), what, said, None,
        )  # fmt: skip

    async def _receipt(
        self,
        session: Session,
        which: Placed,
        task: Task,
        message: Message,
        said: Sequence[str],
        *,
        refused: bool,
        again: bool = False,
    ) -> None:
        now, agent = self._clock(), task.holder
        had = await session.fetchrow("receipts_since", agent.address, task.conversation, now - HOUR)
        assert had is not None  # noqa: S101 - counts
        if had["to_agent"] >= MOST_RECEIPTS or had["in_conversation"] >= MOST_RECEIPTS_OF_ONE:
            log.warning("no receipt: too many within an hour", agent=agent.address)
            return
        id_ = uuid7_shaped(which.id.int >> 80, f"receipt\0{which.id}")
        domain = domain_of(self._identity.address.address)
        name = message_id(self._keys, Kind.RECEIPT, task.conversation, id_, domain)
        try:
            composed = letters.receipt(
                self._identity, Posting(name, now), self._item(task.work, agent, again, now),
                message, said, refused=refused,
            )  # fmt: skip
        except InvalidLetter as error:
            log.error("no receipt", agent=agent.address, reason=str(error))
            return
        await put(
            session,
            id=id_,
            mailbox=which.mailbox,
            conversation=task.conversation,
            kind="receipt",
            message_id=composed.message_id,
            envelope_from=composed.envelope_from,
            recipients=composed.recipients,
            content=composed.content,
            now=now,
        )

    def _item(self, work: Work, agent: Agent, again: bool, now: datetime) -> Item:
        address = self._identity.address.address
        answer_to = (
            reply_address(
                self._keys, address, Use.AGENT, work.id, str(agent.id), now + self._reply_life
            )
            if again
            else ""
        )
        return Item(work.number, answer_to, Address(agent.address, agent.name))


def _is_plain(order: Order) -> bool:
    """An answer without commands: what came of it the agent sees in the conversation."""
    return isinstance(order, Reply) and isinstance(order.then, Nothing)
