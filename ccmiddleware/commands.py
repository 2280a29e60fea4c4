"""The words for commands: what people ask for through Postgres, and what comes of it. Pure.

A command is a kind and its arguments, as they stand in ``ccm.command``. Each room knows its own
commands, and gives the ``commander`` a ``Handler`` for each kind.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ccmiddleware.errors import PermanentError

INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_]*/[!-%'-+./0-{}~-]{1,79}")
"""Technology and resource, such as PJSIP/1001 or Local/1001@agents/n."""

State = Literal["done", "refused", "unknown"]
Outcome = tuple[State, str]
"""What came of a command, and what was said, a line for each of its parts."""

Handler = Callable[[Mapping[str, Any]], Awaitable[Outcome]]
"""Checks the arguments and carries the command out; InvalidCommand before anything is done."""


class InvalidCommand(PermanentError):
    """The command can't be carried out as it is; the text says what is wrong. Nothing was done."""


@dataclass(frozen=True)
class Ask:
    """One action of the manager interface. ``subject``: what it is about, for people.

    ``already``: Asterisk's refusal that means that things are so already.
    """

    action: str
    fields: dict[str, str]
    subject: str
    already: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of one action, and what Asterisk (or we) said."""

    subject: str
    state: State
    said: str


def summary(answers: Sequence[Answer]) -> Outcome:
    """What came of the whole command, and a line for each action."""
    states = {answer.state for answer in answers}
    state: State = "done"
    if "unknown" in states:
        state = "unknown"
    elif "refused" in states:
        state = "refused"
    return state, "\n".join(f"{answer.subject}: {answer.said}" for answer in answers)
