"""Messages for tests, as if they had been read."""

from dataclasses import replace
from typing import Any

from ccmiddleware.mail.message import Address, Message

_BLANK = Message(
    sha256="00" * 32,
    bytes=1000,
    message_id="first@customer.example",
    in_reply_to=(),
    references=(),
    date=None,
    sender=Address("carla@customer.example", "Carla Kunz"),
    reply_to=(),
    to=(Address("support@example.com"),),
    cc=(),
    delivered_to=("support@example.com",),
    subject="My invoice",
    text="Please help.",
    quoted="",
    html="",
)


def written(sender: str | None = "carla@customer.example", **fields: Any) -> Message:
    """A message from ``sender``; ``to`` and ``cc`` and ``reply_to`` as texts."""
    for name in ("to", "cc", "reply_to"):
        if name in fields:
            fields[name] = tuple(Address(each) for each in fields[name])
    return replace(_BLANK, sender=None if sender is None else Address(sender), **fields)
