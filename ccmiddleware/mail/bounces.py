"""What delivery reports say about the messages that we sent. Pure.

A report never opens work. It is tied to a message of the outbox by the Message-ID that it names,
or that the message carrying it refers to, and by the recipient; what can't be tied is held. Nobody
signs reports: one who knows the Message-ID of a mail (its recipient) can write one. So a report
changes what is known of that one delivery, and nothing is sent again because of it.

An address counts as failing for good only where the code says that it does not exist or was given
up (RFC 3463, 3886), not where a mailbox is full, a policy refused the text, or time ran out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ccmiddleware.mail.message import DeliveryStatus, Message


class State(StrEnum):
    """What is known of a delivery."""

    DELAYED = "delayed"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the outbox and one of its recipients. ``message_id`` without brackets."""

    outbox: UUID
    message_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a report says of one recipient of one message.

    ``address_gone``: the recipient's address will never work again. ``why`` is in words and from
    outside.
    """

    outbox: UUID
    recipient: str
    state: State
    status: str
    why: str
    address_gone: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a message with delivery statuses says. ``held``: why it must go to quarantine.

    It is held only where nothing of it could be tied to anything; ``notes`` say what else of it
    could not.
    """

    deliveries: tuple[Delivery, ...] = ()
    held: str = ""
    notes: tuple[str, ...] = ()


GONE = frozenset(
    {
        "5.1.1",  # no such mailbox
        "5.1.2",  # no such domain
        "5.1.3",  # not even an address
        "5.1.6",  # moved, without a new address
        "5.1.10",  # the domain says that it takes no mail (RFC 7505)
        "5.2.1",  # the mailbox is disabled
    }
)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_VAGUE = re.compile(r"[245]\.0\.0")
_STATES = {"failed": State.FAILED, "delayed": State.DELAYED, "delivered": State.DELIVERED}
_CLASSES = {"2": State.DELIVERED, "4": State.DELAYED, "5": State.FAILED}
_PASSED_ON = ("relayed", "expanded")
_RANK = {None: 0, State.DELAYED: 1, State.DELIVERED: 2, State.FAILED: 3}
LONGEST_REASON = 500


def is_report(message: Message) -> bool:
    """Whether a message is for this module."""
    return bool(message.delivery_statuses)


def wanted(message: Message) -> tuple[str, ...]:
    """Message-IDs to look up in the outbox, the surest first."""
    named = (status.message_id for status in message.delivery_statuses)
    return tuple(dict.fromkeys(filter(None, (*named, *_referred(message)))))


def read(message: Message, sent: Iterable[Outgoing]) -> Report:
    """What a report says, given what the outbox has of the ids that were ``wanted``."""
    sent = tuple(sent)
    if not message.delivery_statuses:
        return Report(held="it says nothing of any delivery")
    deliveries: dict[tuple[UUID, str], Delivery] = {}
    notes = []
    tied = False
    for status in message.delivery_statuses:
        found = _tie(status, _about(status, message, sent))
        if isinstance(found, str):
            notes.append(found)
            continue
        tied = True
        state = _state(status)
        if state is None:
            notes.append(f"{found.recipient}: {status.action or 'no action'}, which says nothing")
            continue
        each = _delivery(status, state, found)
        before = deliveries.get((each.outbox, each.recipient))
        if before is None or supersedes(before.state, each.state):
            deliveries[each.outbox, each.recipient] = each
    held = "" if tied else "; ".join(dict.fromkeys(notes))[:LONGEST_REASON]
    return Report(tuple(deliveries.values()), held, tuple(notes))


def supersedes(old: State | None, new: State) -> bool:
    """Whether a later report changes what is known: no delay does, once it was told how it ended.

    A failure that comes after "delivered" (a list, a forwarding) is shown, and stays.
    """
    return _RANK[new] > _RANK[old]


def _referred(message: Message) -> tuple[str, ...]:
    return (*message.in_reply_to, *reversed(message.references))


def _about(
    status: DeliveryStatus, message: Message, sent: tuple[Outgoing, ...]
) -> tuple[Outgoing, ...]:
    """What the outbox has of the first id by which it knows anything."""
    ids = (status.message_id,) if status.message_id else _referred(message)
    for each in ids:
        found = tuple(out for out in sent if out.message_id == each)
        if found:
            return found
    return ()


def _tie(status: DeliveryStatus, about: tuple[Outgoing, ...]) -> Outgoing | str:
    """The recipient of ours that is meant, or why none is."""
    recipient = _address(status.recipient)
    if not about:
        named = f" (it names {status.message_id})" if status.message_id else ""
        return f"the report on {recipient or 'somebody'} is about nothing that we sent{named}"
    for each in about:
        if _address(each.recipient) == recipient:
            return each
    if len(about) == 1:  # forwarded by its recipient, or written in another way
        return about[0]
    return f"{recipient or 'an unnamed address'} is none of the {len(about)} it was sent to"


def _state(status: DeliveryStatus) -> State | None:
    action = status.action.strip().lower()
    if action in _PASSED_ON:
        return None
    code = _code(status)
    if action in _STATES:
        return _STATES[action]
    return _CLASSES.get(code[:1])


def _delivery(status: DeliveryStatus, state: State, of: Outgoing) -> Delivery:
    code = _code(status)
    named = _address(status.recipient) == _address(of.recipient)
    why = " ".join(filter(None, (code, status.diagnostic)))
    if not named and status.recipient:
        why = f"{why} (as {status.recipient})"
    return Delivery(
        outbox=of.outbox,
        recipient=of.recipient,
        state=state,
        status=code,
        why=why.strip()[:LONGEST_REASON] or state.value,
        address_gone=named and state is State.FAILED and code in GONE,
    )


def _code(status: DeliveryStatus) -> str:
    """The enhanced code; that of the diagnostic text where the status itself says nothing."""
    found = _STATUS.search(status.status)
    code = _joined(found)
    if code and not _VAGUE.fullmatch(code):
        return code
    told = _joined(_STATUS.search(status.diagnostic))
    return told if told and (not code or told[0] == code[0]) else code


def _joined(found: re.Match[str] | None) -> str:
    return ".".join(str(int(part)) for part in found.groups()) if found else ""


def _address(text: str) -> str:
    """``rfc822; <Anna@b>`` as ``anna@b``."""
    _, _, address = text.rpartition(";")
    return address.strip().strip("<>").lower()
