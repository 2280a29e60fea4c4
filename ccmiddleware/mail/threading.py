"""Which conversation a message belongs to. Pure: what the store knows is an argument.

``wanted`` says what is to be looked up, ``decide`` takes exactly that. In this order:

1. a token of ours in an address that the message went to, or in an id that it refers to;
2. an id that it refers to and that we know, the newest first;
3. a conversation of its own.

A number in a subject is no reference: anybody can write one. Nor is a Message-ID that we have
already: senders use theirs again. A token or a reference only says *which* conversation; whether
the sender may join it is asked for each: he must be a participant. Else the message opens a
conversation of its own that is linked to the one it referred to, and so does one that comes long
after a conversation was closed.

Where a message went to several of our mailboxes, each takes its own copy into its own
conversation; so two queues never find themselves in one matter because somebody wrote to both.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from ccmiddleware.mail.message import Address, Message
from ccmiddleware.mail.tokens import Keys, ReplyTo, Sent, Use, read_address, read_message_id

MOST_IDS = 100
"""Ids looked up for one message: the newest; older ones of a long thread add nothing."""

MOST_PARTICIPANTS = 50
"""Addresses that one message makes participants. One sent to more is no conversation of all."""


@dataclass(frozen=True, slots=True)
class Joins:
    """The message belongs to a conversation. ``automatic``: why it is a machine's answer, which is
    work for nobody; empty for all else.

    ``reopens``: the conversation was closed and is to be opened again.
    """

    conversation: UUID
    why: str
    automatic: str = ""
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Opens:
    """The message opens a conversation; ``linked_to`` is one that it refers to, and can't join.

    ``acknowledge``: the guards against loops allow an acknowledgement.
    """

    why: str
    linked_to: UUID | None = None
    automatic: str = ""
    acknowledge: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked up: conversations that tokens of ours name, and ids; newest first.

    ``own_id`` is the message's own Message-ID; known already, it makes a link and no more.
    """

    in_addresses: tuple[UUID, ...] = ()
    in_ids: tuple[UUID, ...] = ()
    message_ids: tuple[str, ...] = ()
    own_id: str = ""

    @property
    def conversations(self) -> tuple[UUID, ...]:
        """All conversations that tokens name."""
        return tuple(dict.fromkeys((*self.in_addresses, *self.in_ids)))


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is known of a conversation. Addresses in lower case.

    ``mailboxes``: the addresses of ours by which its queue has its mail. ``closed_at`` is None
    unless it is closed.
    """

    id: UUID
    participants: frozenset[str]
    mailboxes: frozenset[str] = frozenset()
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the store found of what was wanted.

    ``holders``: for each id the conversations with a message of that id, newest first; there can
    be several, since ids are used again.
    """

    conversations: Mapping[UUID, Conversation] = field(default_factory=dict)
    holders: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when the message was taken in. Addresses in lower case.

    ``mailbox``: the addresses of the mailbox that it came to; ``others``: those of our other ones.
    """

    mailbox: frozenset[str]
    others: frozenset[str]
    now: datetime
    reopen_within: timedelta = timedelta(days=14)


def wanted(message: Message, keys: Keys, now: datetime) -> Wanted:
    """What is to be looked up for a message."""
    in_addresses = []
    for address in _went_to(message):
        reply_to = read_address(address, keys, now, Use.CUSTOMER)
        if isinstance(reply_to, ReplyTo):
            in_addresses.append(reply_to.item)
    ids = tuple(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))[:MOST_IDS]
    ids = tuple(each for each in ids if each and each != message.message_id)
    read = [read_message_id(each, keys) for each in ids]
    return Wanted(
        in_addresses=tuple(dict.fromkeys(in_addresses)),
        in_ids=tuple(dict.fromkeys(each.conversation for each in read if isinstance(each, Sent))),
        message_ids=ids,
        own_id=message.message_id,
    )


def decide(
    message: Message, asked: Wanted, known: Known, here: Here, automatic: str = ""
) -> Joins | Opens:
    """The conversation of a message. ``automatic``: why it is a machine's answer, if it is one.

    Such an answer joins a closed conversation, without opening it again, however old that is:
    an out-of-office reply is no reason for a new one.
    """
    sender = message.sender.address.lower() if message.sender is not None else ""
    refused: tuple[str, UUID] | None = None
    for conversation, how in _candidates(asked, known):
        against = _against(conversation, sender, message, here, automatic)
        if not against:
            reopens = conversation.closed_at is not None and not automatic
            return Joins(conversation.id, how, automatic, reopens)
        refused = refused or (f"{how}, but {against}", conversation.id)
    if refused is not None:
        return Opens(*refused, automatic)
    for same in known.holders.get(asked.own_id, ()) if asked.own_id else ():
        if same in known.conversations and sender in known.conversations[same].participants:
            return Opens("new; another with its Message-ID is there", same, automatic)
    return Opens("new", None, automatic)


def participants(message: Message, ours: Iterable[str]) -> tuple[str, ...]:
    """Whom a message that opened or joined a conversation makes participants, in lower case.

    The sender, the addresses that he wants answers at, and whom else he wrote to; never our own
    addresses, with or without a token. Of a message to very many only the sender's are taken.
    """
    sender = [message.sender] if message.sender is not None else []
    first = _plain([*sender, *message.reply_to])
    everybody = _plain([*sender, *message.reply_to, *message.to, *message.cc])
    own = {each.lower() for each in ours}
    found = [each for each in everybody if without_token(each) not in own]
    if len(found) > MOST_PARTICIPANTS:
        found = [each for each in first if without_token(each) not in own][:MOST_PARTICIPANTS]
    return tuple(found)


def without_token(address: str) -> str:
    """The address in lower case, without what follows a + in its local part."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _candidates(asked: Wanted, known: Known) -> Iterator[tuple[Conversation, str]]:
    """Conversations in question, each once, the surest first, and how they came up."""
    found: dict[UUID, str] = {}
    for each in asked.in_addresses:
        found.setdefault(each, "token in an address")
    for each in asked.in_ids:
        found.setdefault(each, "token in a Message-ID")
    for message_id in asked.message_ids:
        for each in known.holders.get(message_id, ()):
            found.setdefault(each, "reference")
    for each, how in found.items():
        if each in known.conversations:
            yield known.conversations[each], how


def _against(
    conversation: Conversation, sender: str, message: Message, here: Here, automatic: str
) -> str:
    """Why the message can't join, in words; empty where it can."""
    if not sender or sender not in conversation.participants:
        return f"{sender or 'its sender'} has no part in it"
    if conversation.mailboxes and not conversation.mailboxes & here.mailbox:
        for address in map(without_token, _went_to(message)):
            if address in conversation.mailboxes and address in here.others:
                return f"{address} has a copy of its own"
    closed = conversation.closed_at
    if closed is not None and not automatic and here.now - closed > here.reopen_within:
        return f"it was closed on {closed:%Y-%m-%d}"
    return ""


def _went_to(message: Message) -> tuple[str, ...]:
    """All addresses that it is known to have gone to."""
    to = [each.address for each in (*message.to, *message.cc)]
    return tuple(dict.fromkeys((*to, *message.delivered_to)))


def _plain(addresses: Iterable[Address]) -> list[str]:
    return list(dict.fromkeys(each.address.lower() for each in addresses if "@" in each.address))
