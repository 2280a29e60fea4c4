"""What a hostile message is: its name, how to make it, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ccmiddleware.mail.message import Message, Unreadable

HEAD = {
    "From": "Jane Roe <jane@example.com>",
    "To": "help@example.org",
    "Subject": "A question",
    "Message-ID": "<one@example.com>",
    "Date": "Mon, 2 Mar 2026 09:00:00 +0100",
}


def mail(body: str | bytes = b"Hello\n", /, **changed: str | bytes | None) -> bytes:
    """A message with the usual header, but for the fields that are told; None leaves one out."""
    fields: dict[str, str | bytes | None] = dict(HEAD)
    for name, value in changed.items():
        wanted = name.replace("_", "-")
        key = next((known for known in fields if known.lower() == wanted.lower()), wanted)
        fields[key] = value
    block = b"".join(
        name.encode() + b": " + _bytes(value) + b"\r\n"
        for name, value in fields.items()
        if value is not None
    )
    return block + b"\r\n" + _bytes(body)


def mixed(*parts: str | bytes, kind: str = "mixed", boundary: str = "xx", **fields: Any) -> bytes:
    """A multipart; each part is its own header, an empty line and its body."""
    mark = boundary.encode()
    body = b"".join(b"--" + mark + b"\r\n" + _bytes(part) + b"\r\n" for part in parts)
    fields.setdefault("Content_Type", f'multipart/{kind}; boundary="{boundary}"')
    return mail(body + b"--" + mark + b"--\r\n", **fields)


def part(header: str, body: str | bytes) -> bytes:
    """One part of a multipart."""
    return header.replace("\n", "\r\n").encode() + b"\r\n\r\n" + _bytes(body)


def text(body: str) -> bytes:
    """A part of plain text."""
    return part("Content-Type: text/plain; charset=utf-8", body)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


@dataclass(frozen=True)
class Case:
    """``reason`` is a part of the reason of an Unreadable; else ``expect`` holds for the Message.

    A value of ``expect`` is what the field must equal, or a function that must be true of it;
    ``noted`` must be a part of some note.
    """

    name: str
    make: Callable[[], bytes]
    reason: str = ""
    noted: str = ""
    expect: dict[str, Any] = field(default_factory=dict)

    def check(self, got: Message | Unreadable) -> None:
        """Raises AssertionError when something else came out."""
        if self.reason:
            assert isinstance(got, Unreadable), got
            assert self.reason in got.reason, got.reason
            return
        assert isinstance(got, Message), got
        for name, wanted in self.expect.items():
            value = getattr(got, name)
            if callable(wanted):
                assert wanted(value), f"{name} is {value!r}"
            else:
                assert value == wanted, f"{name} is {value!r}"
        assert any(self.noted in note for note in got.notes) or not self.noted, got.notes


def names(*wanted: str) -> Callable[[Any], bool]:
    """True of attachments with just these names."""
    return lambda attachments: tuple(each.name for each in attachments) == wanted


def has(*wanted: str) -> Callable[[str], bool]:
    """True of a text that has all of these in it."""
    return lambda value: all(each in value for each in wanted)


def lacks(*unwanted: str) -> Callable[[str], bool]:
    """True of a text that has none of these in it, in any case."""
    return lambda value: not any(each in value.lower() for each in unwanted)
