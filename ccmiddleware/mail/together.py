"""Which messages may be decided on together: those of which none bears on what becomes of another.

What a decision looks at (``threading``, ``loops``) is found by the sender, by the ids that the
message bears and names, and by the conversation it joins. The first two are known beforehand and
looked at here; who decides sees the third, and stops there.
"""

from collections.abc import Sequence

from ccmiddleware.mail.message import Message, Unreadable


def together(messages: Sequence[Message | Unreadable]) -> int:
    """How many of the first may be decided on with what was known before any of them."""
    seen: set[str] = set()
    for count, message in enumerate(messages):
        names = _names(message)
        if seen & names:
            return count
        seen |= names
    return len(messages)


def _names(message: Message | Unreadable) -> set[str]:
    """Addresses by which mail is counted, an acknowledgement's among them, and ids."""
    if isinstance(message, Unreadable):
        return set()
    people = [one for one in (message.sender, *message.reply_to) if one is not None]
    ids = {message.message_id, *message.in_reply_to, *message.references} - {""}
    return {one.address.lower() for one in people} | {f"<{one}>" for one in ids}
