"""Placeholders in Asterisk queues: Local channels that stand there for what is no call. Pure.

Each has a unique id of our choice, and is written down before Asterisk is asked to make it. While
its channel exists it stands; when the channel is gone, it is over only once all that was ever told
of it is known. ``callbacks`` and ``work`` say what is to be done about those of theirs.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

QUEUE = re.compile(r"[\w .@+-]{1,79}")
"""Names that the dialplan libraries let through as they are."""

VALID = timedelta(seconds=30)
"""How long Asterisk may take to begin an attempt; its dialplan refuses it afterwards."""

SETTLED = timedelta(seconds=5)
"""How long after that an attempt that was never seen is known not to come."""

SHORT_LIFE = timedelta(seconds=60)
"""A placeholder that goes away sooner, without an agent, is not put back at once."""

FRUITLESS_FIRST, FRUITLESS_LONGEST = timedelta(seconds=2), timedelta(minutes=1)

Presence = Literal["there", "unknown", "gone"]
"""Whether an attempt's channel exists. ``gone``: it does not, and all that its dialplan told is in
``steps``."""


@dataclass(frozen=True)
class Attempt:
    """An attempt that may stand. ``steps`` in the order in which they were told.

    ``witnessed``: queue_log, which can't have missed one, told some of them.
    """

    id: str
    placed_at: datetime
    valid_until: datetime
    steps: tuple[str, ...] = ()
    witnessed: bool = False


def known_whole(
    attempt: Attempt, gone_at: datetime, read_until: datetime | None
) -> Literal["yes", "not yet", "unwitnessed"]:
    """Whether all that was ever told of an attempt whose channel is gone is in its steps.

    ``gone_at``: when we saw that it is not there. ``read_until``: queue_log has been read to the
    end that it had then. An order that Asterisk has not carried out yet may still be carried out.
    """
    if not attempt.steps and not attempt.witnessed:
        gone_at = max(gone_at, attempt.valid_until + SETTLED)
    if read_until is None or read_until <= gone_at:
        return "not yet"
    return "yes" if attempt.witnessed or not attempt.steps else "unwitnessed"


def patience(fruitless: int) -> timedelta:
    """The pause after so many fruitless attempts: none for one that stood for a while."""
    if not fruitless:
        return timedelta()
    longer = FRUITLESS_FIRST * float(2 ** min(fruitless - 1, 10))
    return min(longer, FRUITLESS_LONGEST)


# -- the place ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """Somebody in a queue. ``joined_at``: when he joined, or the caller whose place it is."""

    position: int
    priority: int
    joined_at: datetime


def place(priority: int, joined_at: datetime, queue: Iterable[Waiting]) -> int:
    """The position where one belongs: behind all who joined earlier and rank as high."""
    ahead = [
        one.position
        for one in queue
        if one.priority > priority or (one.priority == priority and one.joined_at <= joined_at)
    ]
    return max(ahead, default=0) + 1


def behind(priority: int, queue: Iterable[Waiting]) -> int:
    """The position that app_queue gives one of a new priority: behind all who rank as high."""
    return max((one.position for one in queue if one.priority >= priority), default=0) + 1


def without(position: int, queue: Iterable[Waiting]) -> list[Waiting]:
    """The queue without who stands at that position; those behind move up."""
    return [
        replace(one, position=one.position - (one.position > position))
        for one in queue
        if one.position != position
    ]


def waiting_in(
    entries: Iterable[Mapping[str, str]],
    joined_at: Callable[[str], datetime | None],
    now: datetime,
) -> list[Waiting]:
    """The callers among the items of Asterisk's answer to QueueStatus.

    ``joined_at`` knows better than the whole seconds of that answer, by unique id; or it does not.
    """
    found = []
    for entry in entries:
        if entry.get("Event") != "QueueEntry":
            continue
        since = joined_at(entry.get("Uniqueid", ""))
        if since is None:
            since = now - timedelta(seconds=_number(entry.get("Wait", "")))
        found.append(
            Waiting(_number(entry.get("Position", "")), _number(entry.get("Priority", "")), since)
        )
    return found


def _number(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        return 0
    return int(text)
