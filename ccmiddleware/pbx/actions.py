"""Actions: what is asked of Asterisk over AMI, how an answer is told complete, and what goes wrong.

Built on panoramisk's Action, whose guess from the wording of an answer whether more will follow is
replaced: here the caller says whether it expects a list, and Asterisk's ``EventList`` header says
whether one comes. Text that could smuggle a second action onto the wire is refused before anything
is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panoramisk.actions import Action
from panoramisk.message import Message

from ccmiddleware.errors import PermanentError, TemporaryError

Fields = Mapping[str, str | Sequence[str]]

MAX_LINE = 1024
"""Longest line with its CR LF, in bytes, that Asterisk reads (main/manager.c: inbuf, get_input).

It throws away what it has of a longer one and takes the rest for a new line: that a value is short
enough is as much a matter of safety as that it holds no line end.
"""

MAX_LINES = 128
"""Most headers of an action (main/manager.c: AST_MAX_MANHEADERS). More are answered by an error
that does not say which action it means."""

_FORBIDDEN = ("\r", "\n", "\0")
# Asterisk takes a bare LF for a line end as well as CR LF, and NUL for the end of the text.


class LinkDownError(TemporaryError):
    """There is no link, or it went down before the answer.

    In the second case the action may or may not have been carried out; it is never sent again.
    """


class ActionTimeout(TemporaryError):
    """Asterisk did not answer in time; it may carry the action out later. A late answer is lost."""


class ActionRefused(PermanentError):
    """Asterisk answered with an error. ``message`` and ``output`` are its own text."""

    def __init__(self, action: str, message: str, output: Sequence[str] = ()) -> None:
        super().__init__(f"Asterisk refused {action}: {message or 'no reason given'}")
        self.action = action
        self.message = message
        self.output = list(output)


class UnsafeValue(PermanentError, ValueError):
    """An action holds text that can't be sent as it is; nothing was sent. Never tells the value."""


@dataclass(frozen=True)
class Response:
    """A successful answer. ``output`` are the lines of a CLI command, ``message`` is Message."""

    headers: dict[str, str]
    output: list[str]
    message: str


class Question(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action and the future of its answer. Must be made in a running loop.

    ``expects_list`` says that the items of an event list belong to the answer; otherwise the first
    response is the whole answer, and events with the same ActionID are nobody's but the stream's.
    """

    def __init__(self, action: str, fields: Fields | None = None, *, expects_list: bool = False):
        given = dict(fields or {})
        if any(name.lower() == "action" for name in given):
            raise UnsafeValue("the name of the action is given twice")
        super().__init__({"Action": action, **given}, as_list=expects_list)
        self.name = action
        self.expects_list = expects_list
        self.wire = encode(self)

    @property
    def id(self) -> str:
        """The ActionID, the caller's own or a generated one."""
        return str(self["ActionID"])

    @property
    def multi(self) -> bool:
        """Whether the first response announced a list that belongs to the answer."""
        first = self.responses[0]
        return bool(self.expects_list and first.success and first.eventlist.lower() == "start")

    @property
    def completed(self) -> bool:
        """Whether the answer is complete with the message that was added last."""
        if not self.multi:
            return True
        last = self.responses[-1]
        return last is not self.responses[0] and (
            last.eventlist.lower() in ("complete", "cancelled") or last.event.endswith("Complete")
        )

    def response(self) -> Response:
        """The first response of a complete answer. Raises ActionRefused."""
        first = self.responses[0]
        output = [value for name, value in first.sent if name == "Output"]
        headers = {name: value for name, value in first.sent if name != "Output"}
        message = headers.get("Message", "")
        if not first.success:
            raise ActionRefused(self.name, message, output)
        return Response(headers, output, message)

    def items_of_list(self) -> list[dict[str, str]]:
        """The items of a complete list answer, without its beginning and its end."""
        return [dict(item.sent) for item in self.responses[1:-1]]


class Reply(Message):  # type: ignore[misc]  # panoramisk has no types
    """A response or an item of a list. ``sent`` are its headers as they came, repeated ones too.

    Panoramisk's own view of them makes a string or a list of a repeated header, as it happens, and
    adds one that nobody sent.
    """

    def __init__(self, sent: list[tuple[str, str]]) -> None:
        super().__init__(dict(sent))
        self.sent = sent


def encode(headers: Fields) -> bytes:
    """An action as it is written, its name first. Raises UnsafeValue."""
    lines = []
    for name, values in sorted(headers.items(), key=lambda header: header[0] != "Action"):
        for value in [values] if isinstance(values, str) else values:
            lines.append(_line(name, value))
    if len(lines) > MAX_LINES:
        raise UnsafeValue(f"an action has at most {MAX_LINES} headers")
    return b"".join(lines) + b"\r\n"


def _line(name: str, value: str) -> bytes:
    if not (name.isascii() and name.isprintable()) or not name.strip() or ":" in name:
        raise UnsafeValue(f"{name!r} is no name of a header")
    if not isinstance(value, str):
        raise UnsafeValue(f"{name} is no text")
    if any(character in value for character in _FORBIDDEN):
        raise UnsafeValue(f"{name} holds a line end or NUL")
    try:
        line = f"{name}: {value}\r\n".encode()
    except UnicodeEncodeError:
        raise UnsafeValue(f"{name} holds a lone surrogate") from None
    if len(line) > MAX_LINE:
        raise UnsafeValue(f"{name} is longer than Asterisk reads ({MAX_LINE} bytes a line)")
    return line
