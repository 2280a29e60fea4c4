"""Sends the emails of an item to the agent who has taken it; a task of the node's leader.

The agent answers in his own mail program: the relay's Reply-To has a token that is bound to the
item, to the agent (his id) and to a time. Each email of an item is sent once in each taking: what
is put into the outbox has an id that follows from item, email, agent and taking, and that it was
is written down by the same transaction, in a statement that holds only for the leader of the
present term and while the agent has the item. When the customer writes again meanwhile, that is
sent too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Protocol
from uuid import UUID

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.mail import stationery
from ccmiddleware.mail.composing import Composed, File
from ccmiddleware.mail.keys import loop_mark, signing_keys
from ccmiddleware.mail.letters import Identity, Item, Posting, relay
from ccmiddleware.mail.message import Address, Attachment, Message
from ccmiddleware.mail.outbox import domain_of, put
from ccmiddleware.mail.tokens import Keys, Kind, Use, message_id, reply_address
from ccmiddleware.plaintext import plain
from ccmiddleware.store.database import Database, Row

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
AT_ONCE = 20
EARLIER_SHOWN = 5
"""Earlier emails of the conversation that are mentioned."""
LONGEST_EARLIER = 200
SPARE_BYTES = 64 * 1024
"""An original without text may be this much larger than its attachments may be."""


class Parts(Protocol):
    """Reads messages; ``parsing.Readers``."""

    async def parts(self, raw: bytes, numbers: Sequence[int]) -> list[bytes | None] | str:
        """The bytes of parts of a message, or why they can't be had. Raises TemporaryError."""
        ...


class Relaying:
    """What the agents of one node are sent, in one term of its leader.

    ``certain`` waits while it is doubtful whether this daemon still leads the node.
    """

    def __init__(
        self,
        node: str,
        term: int,
        mailboxes: Mapping[str, MailboxSettings],
        database: Database,
        readers: Parts,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._term = term
        self._mailboxes = mailboxes
        self._database = database
        self._readers = readers
        self._certain = certain
        self._clock = clock
        self._log = log.bind(node=node)
        self._keys: Keys | None = None
        self._waits_for = ""
        self._refused: dict[UUID, str] = {}
        """Emails that can't be sent on, and why; until the next term."""
        self._unreached: list[str] = []
        """What was sent on and did not reach its agent, in words."""

    @property
    def trouble(self) -> str:
        """Why agents do not get what they took; empty while all is well."""
        return self._waits_for or "; ".join([*self._refused.values(), *self._unreached][:3])

    async def run(self) -> None:
        """Send on until cancelled."""
        while True:
            try:
                await self.look()
                self._waits_for = ""
            except (TemporaryError, PermanentError) as error:
                # Not worth the life of a daemon that sees calls.
                if self._waits_for != str(error):
                    self._waits_for = str(error)
                    self._log.warning("agents' mail waits", reason=self._waits_for)
            await beat(PACE_SECONDS)

    async def look(self) -> int:
        """Put what agents are to get now into the outbox; how many that was.

        Raises TemporaryError, PermanentError.
        """
        due = await self._database.fetch("relays_due", self._node, AT_ONCE, list(self._refused))
        done = 0
        for row in due:
            await self._certain()
            try:
                done += await self._relay(row)
            except PermanentError as error:
                self._refused[row["email_id"]] = f"email {row['number']}: {error}"
                self._log.error(
                    "email is not sent to its agent", reason=f"{row['number']}: {error}"
                )
        await self._look_after()
        return done

    async def _look_after(self) -> None:
        """Tell what did not reach its agent. The item stays with him: another one might fare no
        better, with a mail that is too large, say; so that is for a person to decide."""
        unreached = [
            f"email {row['number']} {'may not have' if row['state'] == 'unknown' else 'has not'} "
            f"reached {row['address']}: {row['reason']}"
            for row in await self._database.fetch("relays_failed", self._node)
        ]
        for one in unreached:
            if one not in self._unreached:
                self._log.error("agent was not reached", reason=one)
        self._unreached = unreached

    async def _relay(self, row: Row) -> bool:
        """Whether it was put into the outbox: not when that was done, or he has it no more."""
        id_ = relay_id(row["item_id"], row["email_id"], row["agent_id"], row["taken_at"])
        settings = self._mailbox(row)
        composed = await self._composed(id_, row, settings)
        now = self._clock()
        async with self._database.transaction() as transaction:
            if not await transaction.execute(
                "note_relay", self._node, self._term, id_, row["email_id"], row["item_id"],
                row["agent_id"], row["taken_at"], now,
            ):  # fmt: skip
                return False
            await put(
                transaction,
                id=id_,
                mailbox=row["mailbox_id"],
                conversation=row["conversation_id"],
                kind="relay",
                message_id=composed.message_id,
                envelope_from=composed.envelope_from,
                recipients=composed.recipients,
                content=composed.content,
                now=now,
            )
        self._log.info("email goes to its agent", number=row["number"], agent=row["agent_name"])
        return True

    def _mailbox(self, row: Row) -> MailboxSettings:
        found = self._mailboxes.get(row["mailbox"])
        if found is None:
            raise PermanentError(f"mailbox {row['mailbox']} is not in the configuration any more")
        return found

    async def _composed(self, id_: UUID, row: Row, settings: MailboxSettings) -> Composed:
        if self._keys is None:
            self._keys = await signing_keys(self._database, self._clock)
        keys, now = self._keys, self._clock()
        try:
            identity = replace(stationery.identity(settings, loop_mark(keys)), queue=row["queue"])
        except ConfigError as error:
            raise PermanentError("; ".join(error.problems)) from None
        item = Item(
            row["number"],
            reply_address(
                keys, settings.address, Use.AGENT, row["item_id"], str(row["agent_id"]),
                now + timedelta(days=settings.reply_days),
            ),
            Address(row["agent_address"], plain(row["agent_name"], 100)),
        )  # fmt: skip
        name = message_id(
            keys, Kind.RELAY, row["conversation_id"], id_, domain_of(settings.address)
        )
        had = await self._database.fetch("relays_before", row["conversation_id"], row["agent_id"])
        notes = await self._notes(row, identity)
        files, raw, remarks = await self._files(row, settings.relay_bytes)
        return await asyncio.to_thread(
            relay,
            identity,
            Posting(name, now),
            item,
            original(row),
            files=files,
            raw=raw,
            earlier=[each["message_id"] for each in had],
            notes=[*notes, *remarks],
        )

    async def _notes(self, row: Row, identity: Identity) -> list[str]:
        """What colleagues wrote, and which emails there were before."""
        conversation = row["conversation_id"]
        notes = await self._database.fetch("conversation_notes", conversation)
        before = await self._database.fetch(
            "conversation_before", conversation, row["email_id"], row["at"], EARLIER_SHOWN
        )
        return [
            *(f"{_when(one['written_at'], identity.zone)} {one['author']}: {one['text']}"
              for one in notes),
            *(earlier(one, identity.zone) for one in reversed(before)),
        ]  # fmt: skip

    async def _files(self, row: Row, most: int) -> tuple[list[File], bytes | None, list[str]]:
        """The attachments that are carried, the original if it has to be, and remarks."""
        attachments = attached(row)
        carried = fitting(attachments, most)
        whole = not row["body"].strip() and row["raw_bytes"] <= most + SPARE_BYTES
        if not carried and not whole:
            return [], None, []
        raw = await self._database.fetchval("raw_email", row["sha256"])
        if whole:  # encrypted, or nothing that could be read
            return [], raw, ["the original is attached, since there is no text of it"]
        contents = await self._readers.parts(raw, [one.part for one in carried])
        if isinstance(contents, str):
            return [], None, [f"the attachments can't be taken out: {contents}"]
        files = [
            File(one.name, one.content_type, content)
            for one, content in zip(carried, contents, strict=True)
            if content is not None
        ]
        return files, None, []


# -- pieces ---------------------------------------------------------------------------------


def relay_id(item: UUID, email: UUID, agent: UUID, taken_at: datetime) -> UUID:
    """The id in the outbox of an email for the agent who took its item at that time."""
    seed = f"relay\0{item}\0{email}\0{agent}\0{taken_at.isoformat()}"
    return uuid7_shaped(int(taken_at.timestamp() * 1000), seed)


def fitting(attachments: Sequence[Attachment], most: int) -> list[Attachment]:
    """Those that are ``most`` bytes together at most, in order; a large one is passed over."""
    found, left = [], most
    for one in attachments:
        if one.bytes <= left:
            found.append(one)
            left -= one.bytes
    return found


def attached(row: Row) -> list[Attachment]:
    """The attachments of an email as it is stored."""
    return [Attachment(**one) for one in row["attachments"]]


def original(row: Row) -> Message:
    """What is known of an email that is stored, as a message."""
    people = [(one["role"], Address(one["address"], one["name"])) for one in row["recipients"]]
    return Message(
        sha256=row["sha256"].hex(),
        bytes=row["raw_bytes"],
        message_id="",
        in_reply_to=(),
        references=(),
        date=row["sent_at"] or row["at"],
        sender=Address(row["from_address"], row["from_name"]) if row["from_address"] else None,
        reply_to=(),
        to=tuple(one for role, one in people if role == "to"),
        cc=tuple(one for role, one in people if role == "cc"),
        delivered_to=(),
        subject=row["subject"],
        text=row["body"],
        quoted="",
        html="",
        attachments=tuple(attached(row)),
        notes=tuple(row["notes"]),
    )


def earlier(row: Row, zone: tzinfo) -> str:
    """A line about an email that came before."""
    who = "we wrote" if row["direction"] == "outbound" else f"{row['from_address']} wrote"
    what = " ".join(row["body"].split())
    cut = f"{what[:LONGEST_EARLIER]} […]" if len(what) > LONGEST_EARLIER else what
    return f"earlier, {_when(row['at'], zone)}, {who}: {plain(row['subject'], 120)}: {plain(cut)}"


def _when(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
