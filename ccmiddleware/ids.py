"""Ids of interactions, computed from what Asterisk says, so that nobody can make two for one call.

A daemon that restarts, a standby that takes over and a log that is read later all arrive at the
same id for the same call. The ids have the shape of UUIDv7 (RFC 9562, section 5.7): 48 bits of
Unix milliseconds, so that they sort and partition by time; the other 74 bits are taken from a hash
of the node and Asterisk's linked id instead of a random source.
"""

import hashlib
import re
from datetime import datetime
from functools import lru_cache
from uuid import UUID

OURS = "ccm"
"""What every unique id begins with that we choose for a channel."""

_EPOCH_IN_UNIQUEID = re.compile(r"(?:^|-)(\d{9,11})\.(\d+)$")
_PLACEHOLDER = "ccmcb-"
_WORK = "ccmwk-"
_DIALLED = "ccmat-"
_OFFERED = "ccmpv-"
_PLACEMENT = re.compile(rf"{_WORK}([0-9a-f]{{32}})-\d{{9,11}}\.\d{{1,6}}")
_ATTEMPT = re.compile(rf"{_PLACEHOLDER}([0-9a-f]{{32}})-\d{{9,11}}\.\d{{1,6}}")
_DIAL = re.compile(rf"{_DIALLED}([0-9a-f]{{32}})-\d{{9,11}}\.\d{{1,6}}")
_OFFER = re.compile(rf"{_OFFERED}([0-9a-f]{{32}})-\d{{9,11}}\.\d{{1,6}}")
SECOND_HALF = ";2"
"""What Asterisk adds to the unique id of a Local channel for its other half."""


def uuid7_shaped(milliseconds: int, seed: str) -> UUID:
    """A UUIDv7 with the given Unix time in milliseconds and bits derived from ``seed``."""
    digest = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:10], "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80 | digest
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


@lru_cache(maxsize=16_384)
def interaction_id(node: str, linkedid: str) -> UUID:
    """The id of the interaction that Asterisk's ``linkedid`` on ``node`` stands for.

    Asterisk's own ids are ``[systemname-]epoch.sequence``; the time in the UUID is that epoch in
    whole seconds. A linked id of another form (chosen by whoever made the channel) holds no time
    that we may trust, and gets time 0. Both halves of a Local channel are one call.
    """
    linkedid = linkedid.removesuffix(SECOND_HALF)
    found = _EPOCH_IN_UNIQUEID.search(linkedid)
    seconds = int(found[1]) if found else 0
    return uuid7_shaped(seconds * 1000, f"{node}\0{linkedid}")


def attempt_id(callback: UUID, epoch: int, ordinal: int) -> str:
    """The unique id that we choose for the placeholder of a callback's attempt.

    It has the form of Asterisk's own ids, so that interactions made of it have a time.
    """
    return f"{_PLACEHOLDER}{callback.hex}-{epoch}.{ordinal}"


def callback_of(uniqueid: str) -> UUID | None:
    """The callback whose placeholder a channel is, either half; None for any other channel."""
    if not uniqueid.startswith(_PLACEHOLDER):
        return None  # asked of every channel
    found = _ATTEMPT.fullmatch(uniqueid.removesuffix(SECOND_HALF))
    return UUID(hex=found[1]) if found else None


def placement_id(item: UUID, epoch: int, ordinal: int) -> str:
    """The unique id that we choose for the placeholder of a work item; as ``attempt_id``."""
    return f"{_WORK}{item.hex}-{epoch}.{ordinal}"


def work_of(uniqueid: str) -> UUID | None:
    """The work item whose placeholder a channel is, either half; None for any other channel."""
    if not uniqueid.startswith(_WORK):
        return None
    found = _PLACEMENT.fullmatch(uniqueid.removesuffix(SECOND_HALF))
    return UUID(hex=found[1]) if found else None


def dial_id(attempt: UUID, epoch: int) -> str:
    """The unique id that we choose for the channel by which a campaign's attempt is dialled."""
    return f"{_DIALLED}{attempt.hex}-{epoch}.1"


def attempt_of(uniqueid: str) -> UUID | None:
    """The attempt of a campaign that a channel dials, either half; None for any other channel."""
    if not uniqueid.startswith(_DIALLED):
        return None
    found = _DIAL.fullmatch(uniqueid.removesuffix(SECOND_HALF))
    return UUID(hex=found[1]) if found else None


def offer_id(offer: UUID, epoch: int) -> str:
    """The unique id that we choose for the channel by which an agent is offered a lead."""
    return f"{_OFFERED}{offer.hex}-{epoch}.1"


def offer_of(uniqueid: str) -> UUID | None:
    """The offer of a lead that a channel is, either half; None for any other channel."""
    if not uniqueid.startswith(_OFFERED):
        return None
    found = _OFFER.fullmatch(uniqueid.removesuffix(SECOND_HALF))
    return UUID(hex=found[1]) if found else None


def email_id(mailbox: str, sha256: bytes, at: datetime) -> UUID:
    """The id of the message with that content which a mailbox had first at ``at``."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return uuid7_shaped(milliseconds, f"email\0{mailbox}\0{sha256.hex()}")
