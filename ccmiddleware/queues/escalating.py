"""What is done about an email whose time is nearly over, or over. Pure.

Twice at most for each deadline: so long before it as the queue's settings say (``warned``), and
when it has passed (``overdue``). The first raises the priority, moves the item to another queue, or
tells a supervisor; the second is about agents who still have it in hand then.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ccmiddleware.errors import PermanentError

Step = Literal["warned", "overdue"]
HIGHEST_PRIORITY = 1000
MOST_NOTIFIED = 5
WRITE = "write priority=N, queue:NAME or notify:ADDRESS, several with commas between them"

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}")


class InvalidEscalation(PermanentError):
    """What is to be done can't be meant; the text says what is wrong and what would be right."""


@dataclass(frozen=True)
class Ways:
    """What a queue wants done. ``queue`` is a name, ``notify`` addresses."""

    priority: int | None = None
    queue: str | None = None
    notify: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"priority={self.priority}"] if self.priority is not None else []
        parts += [f"queue:{self.queue}"] if self.queue is not None else []
        return ",".join([*parts, *(f"notify:{address}" for address in self.notify)])


@dataclass(frozen=True)
class Plan:
    """What is to be done now. ``to_queue``: the item waits there again, whoever had it.

    ``missing``: the queue to which it was to go, and which is not there.
    """

    steps: tuple[Step, ...] = ()
    priority: int | None = None
    to_queue: str | None = None
    notify: tuple[str, ...] = ()
    missing: str | None = None


def parse(text: str) -> Ways:
    """What is to be done, from its text. Raises InvalidEscalation."""
    ways = Ways()
    for part in filter(None, (each.strip() for each in text.split(","))):
        if part.startswith("priority="):
            digits = part.removeprefix("priority=")
            if ways.priority is not None or not digits.isascii() or not digits.isdecimal():
                raise InvalidEscalation(f"{part!r} is no priority, or a second one; {WRITE}")
            if int(digits) > HIGHEST_PRIORITY:
                raise InvalidEscalation(f"{part!r} is above {HIGHEST_PRIORITY}, the highest")
            ways = Ways(int(digits), ways.queue, ways.notify)
        elif part.startswith("queue:") and ways.queue is None:
            ways = Ways(ways.priority, part.removeprefix("queue:").strip(), ways.notify)
        elif part.startswith("notify:"):
            address = part.removeprefix("notify:").strip()
            if _ADDRESS.fullmatch(address) is None or len(ways.notify) >= MOST_NOTIFIED:
                raise InvalidEscalation(
                    f"{address!r} is no address, or more than {MOST_NOTIFIED}; {WRITE}"
                )
            ways = Ways(ways.priority, ways.queue, (*ways.notify, address))
        else:
            raise InvalidEscalation(f"{part!r} can't be done; {WRITE}")
    return ways


def plan(
    ways: Ways,
    *,
    queue: str,
    working: bool,
    overdue: bool,
    taken: Collection[str],
    take_back: bool,
    queues: Collection[str],
) -> Plan:
    """What is to be done about an item of ``queue`` now.

    ``taken``: steps that were done about this deadline. ``queues``: those that there are; one that
    there is not can't be moved to.
    """
    steps: list[Step] = []
    if "warned" not in taken:
        steps.append("warned")
    if overdue and "overdue" not in taken:
        steps.append("overdue")
    warned, late = "warned" in steps, "overdue" in steps and working
    wanted = ways.queue if ways.queue != queue else None
    other = wanted if wanted in queues else None
    back = late and take_back
    moves = (warned and not working) or back
    to_queue = other if moves else None
    return Plan(
        steps=tuple(steps),
        priority=ways.priority if warned else None,
        to_queue=to_queue or (queue if back else None),
        notify=ways.notify if warned or late else (),
        missing=wanted if moves and other is None else None,
    )
