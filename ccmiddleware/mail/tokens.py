"""Signed tokens: the proof that a Message-ID or an address was made by us. Pure.

All that we send has a Message-ID ``ccm.KIND.PAYLOAD.SIGNATURE@domain`` that names its conversation.
The address that an agent answers to is ``queue+TOKEN@domain``; its token is bound to an item, an
agent and a time. Mail systems fold the case of addresses, so all of it is base32, read in either
case. Signatures are HMAC-SHA256 cut to 80 bits (RFC 2104, section 5), compared in constant time.

Keys have numbers, and the number stands in the token: a new key signs, older ones are still read
as long as they are listed. Reading never raises; it says what is wrong.

What a token does not do: it is no secret from whoever has read the mail it stood in, and it can be
used again. Who may use it (the agent's own address, a participant of the conversation) is asked
elsewhere.
"""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from uuid import UUID

from ccmiddleware.errors import PermanentError

LOCAL_PART = 64
"""Octets of a local part at most (RFC 5321, 4.5.3.1.1)."""

SHORTEST_SECRET = 32
"""Bytes; a key as long as half a hash is no guess for anybody."""

_SIGNATURE = 10
_HEAD = 4
_TOKEN_CHARACTERS = 48  # of 4 + 16 + 10 bytes, without a bit to spare: one text for each token
_PAYLOAD_CHARACTERS = 40  # of 1 + 16 + 8 bytes
_SIGNATURE_CHARACTERS = 16
LONGEST_BASE = LOCAL_PART - _TOKEN_CHARACTERS - 1
"""Octets that the local part of a queue's address may have, so that a token fits behind it."""

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_HOURS = 1 << 20
_BASE32 = re.compile(r"[A-Za-z2-7]*")
_MESSAGE_ID = re.compile(
    r"ccm\.([a-z]{1,16})\.([a-z2-7]*)(?:\.([a-z2-7]*))?(?:@.*)?", re.I | re.S | re.A
)
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class Kind(StrEnum):
    """What a message that we sent was; as in the outbox."""

    ANSWER = "answer"
    ACKNOWLEDGEMENT = "acknowledgement"
    RELAY = "relay"
    RECEIPT = "receipt"
    NOTICE = "notice"


class Use(Enum):
    """Who is meant to write to an address with a token."""

    AGENT = 1
    CUSTOMER = 2


class Refusal(Enum):
    """Why a token proves nothing; the value says it in words."""

    NO_TOKEN = "there is no token in it"  # noqa: S105 - words
    TRUNCATED = "a part of the token is missing"
    FORGED = "the token was not made by us, or was changed, or was made for somebody else"
    EXPIRED = "the token is too old"
    OTHER_KIND = "the token was made for another purpose"
    OLD_KEY = "the token was signed with a key that is no longer listed"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A secret and the number by which tokens name it. Never shown."""

    id: int
    secret: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.id <= 255:
            raise PermanentError(f"key {self.id}: numbers of keys go from 0 to 255")
        if len(self.secret) < SHORTEST_SECRET:
            raise PermanentError(
                f"key {self.id}: the secret has {len(self.secret)} bytes, "
                f"at least {SHORTEST_SECRET} are needed"
            )

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def sign(self, purpose: str, *parts: bytes) -> bytes:
        """Each purpose signs in a way of its own; the lengths keep parts from running together."""
        mac = hmac.new(self.secret, digestmod=hashlib.sha256)
        for part in (b"ccmiddleware", purpose.encode(), *parts):
            mac.update(len(part).to_bytes(4, "big") + part)
        return mac.digest()[:_SIGNATURE]


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs, and older ones that are still good for reading."""

    signing: Key
    older: tuple[Key, ...] = ()

    def __post_init__(self) -> None:
        ids = [key.id for key in (self.signing, *self.older)]
        if len(ids) != len(set(ids)):
            raise PermanentError(f"two keys have the same number: {sorted(ids)}")

    def numbered(self, number: int) -> Key | None:
        """The key of that number, if it is listed."""
        return next((key for key in (self.signing, *self.older) if key.id == number), None)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a Message-ID of ours says: the conversation, and what kind of message it was."""

    kind: Kind
    conversation: UUID


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """What the token of an address says. ``agent`` is empty in an address for a customer."""

    use: Use
    item: UUID
    agent: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What the token of an address says of itself; whether that is true nobody has looked yet."""

    address: str
    use: int
    item: UUID

    @property
    def for_agents(self) -> bool:
        """Whether it says that it was made for an agent's answer."""
        return self.use == Use.AGENT.value


# -- Message-IDs ----------------------------------------------------------------------------


def message_id(keys: Keys, kind: Kind, conversation: UUID, outbox: UUID, domain: str) -> str:
    """The Message-ID, without brackets, of one row of the outbox: the same row, the same id."""
    if not _DOMAIN.fullmatch(domain):
        raise PermanentError(f"{domain!r} is no domain for a Message-ID")
    serial = hashlib.sha256(outbox.bytes).digest()[:8]
    payload = bytes([keys.signing.id]) + conversation.bytes + serial
    signature = keys.signing.sign("message-id", kind.value.encode(), payload)
    return f"ccm.{kind.value}.{_text(payload)}.{_text(signature)}@{domain}"


def read_message_id(text: str, keys: Keys, kind: Kind | None = None) -> Sent | Refusal:
    """What a Message-ID says, if it is one of ours. ``kind``: only that one is wanted."""
    found = _MESSAGE_ID.fullmatch(text.strip().strip("<>"))
    if found is None:
        return Refusal.NO_TOKEN
    payload_text, signature_text = found[2], found[3] or ""
    if len(payload_text) < _PAYLOAD_CHARACTERS or len(signature_text) < _SIGNATURE_CHARACTERS:
        return Refusal.TRUNCATED
    if len(payload_text) > _PAYLOAD_CHARACTERS or len(signature_text) > _SIGNATURE_CHARACTERS:
        return Refusal.FORGED
    payload, signature = _bytes(payload_text), _bytes(signature_text)
    key = keys.numbered(payload[0])
    if key is None:
        return Refusal.OLD_KEY
    named = found[1].lower()
    right = hmac.compare_digest(key.sign("message-id", named.encode(), payload), signature)
    if not right or named not in {each.value for each in Kind}:
        return Refusal.FORGED
    if kind is not None and named != kind.value:
        return Refusal.OTHER_KIND
    return Sent(Kind(named), UUID(bytes=payload[1:17]))


# -- addresses ------------------------------------------------------------------------------


def reply_address(
    keys: Keys, queue_address: str, use: Use, item: UUID, agent: str, expires: datetime
) -> str:
    """``queue+TOKEN@domain``; the time is kept in whole hours, never shorter than was asked for.

    Raises PermanentError where the local part of the queue's address leaves no room.
    """
    base, at, domain = queue_address.rpartition("@")
    if not at or not base or "+" in base or len(base.encode()) > LONGEST_BASE:
        raise PermanentError(
            f"{queue_address!r} can't have a token: the part before the @ must be 1 to "
            f"{LONGEST_BASE} octets long, without a +"
        )
    hours = -((_EPOCH - expires) // timedelta(hours=1))
    if not 0 <= hours < _HOURS:
        raise PermanentError(f"a token can't expire at {expires.isoformat()}")
    head = (keys.signing.id << 24 | use.value << 20 | hours).to_bytes(_HEAD, "big")
    body = head + item.bytes
    return f"{base}+{_text(body + keys.signing.sign('address', body, agent.encode()))}@{domain}"


def token_of(address: str) -> str:
    """What stands behind the last + of a local part; empty where there is none."""
    local, _, _ = address.rpartition("@")
    _, _, token = local.rpartition("+") if "+" in local else ("", "", "")
    return token


def claim(address: str) -> Claim | None:
    """What a token says, so that it is known for whom it is to be read; None where there is none.

    It proves nothing: ``read_address`` does.
    """
    token = token_of(address)
    if len(token) != _TOKEN_CHARACTERS or not _BASE32.fullmatch(token):
        return None
    body = _bytes(token)[:-_SIGNATURE]
    head = int.from_bytes(body[:_HEAD], "big")
    return Claim(address, head >> 20 & 0xF, UUID(bytes=body[_HEAD:]))


def read_address(
    address: str, keys: Keys, now: datetime, use: Use, agents: Iterable[str] = ("",)
) -> ReplyTo | Refusal:
    """What the token in an address says. ``agents``: for whom it may have been made."""
    token = token_of(address)
    if not token or not _BASE32.fullmatch(token):
        return Refusal.NO_TOKEN
    if len(token) != _TOKEN_CHARACTERS:
        return Refusal.TRUNCATED if len(token) < _TOKEN_CHARACTERS else Refusal.FORGED
    whole = _bytes(token)
    body, signature = whole[:-_SIGNATURE], whole[-_SIGNATURE:]
    head = int.from_bytes(body[:_HEAD], "big")
    key = keys.numbered(head >> 24)
    if key is None:
        return Refusal.OLD_KEY
    made_for = None
    for agent in {*agents, ""}:
        if hmac.compare_digest(key.sign("address", body, agent.encode()), signature):
            made_for = agent
    made_use = next((each for each in Use if each.value == head >> 20 & 0xF), None)
    if made_for is None or made_use is None:
        return Refusal.FORGED
    if made_use is not use:
        return Refusal.OTHER_KIND
    expires = _EPOCH + timedelta(hours=head & _HOURS - 1)
    if now >= expires:
        return Refusal.EXPIRED
    return ReplyTo(made_use, UUID(bytes=body[_HEAD:]), made_for, expires)


def _text(value: bytes) -> str:
    return b32encode(value).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes:
    return b32decode(text.upper() + "=" * (-len(text) % 8))
