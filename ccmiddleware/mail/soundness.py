"""Text from messages, made sound: what Postgres, terminals and headers can't take is replaced."""

import re

from ccmiddleware.plaintext import plain

_SPACES = re.compile(r"\s+")
_LINE_ENDS = re.compile("\r\n|\r|\x0b|\x0c|\x85|\u2028|\u2029")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def one_line(text: str, limit: int) -> str:
    """``text`` for a field of one line: line ends and runs of spaces become one space."""
    return plain(_SPACES.sub(" ", text[: limit * 4]).strip(), limit)


def lines(text: str) -> str:
    """``text`` of several lines: all line ends are ``\\n``, no control characters but tabs."""
    text = _LINE_ENDS.sub("\n", text)
    return _UNWANTED.sub("\ufffd", text)


class Notes:
    """What had to be repaired, each thing once, and not endlessly."""

    MOST = 40

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}

    def add(self, note: str) -> None:
        """Take a note; an empty one is none."""
        if note and len(self._notes) < self.MOST:
            self._notes[one_line(note, 200)] = None

    def all(self) -> tuple[str, ...]:
        return tuple(self._notes)
