"""What a queue's settings are in Asterisk's AstDB, and what is to be written to make them so. Pure.

Keys are those below the family ``ccm-queues``, as asterisk/dialplan/ccm-queues.conf reads them. The
order of writing never lets a queue seem closed that is open: hours count only while ``until`` is
there, which is written after the spans that it stands for, and goes before them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccmiddleware.queues.hours import by_day, open_spans
from ccmiddleware.queues.settings import InvalidSettings, Stored

FAMILY = "ccm-queues"
GENERATION = "generation"
"""Key that holds the hash of all the others; written last. Gone or another: something was lost."""

AHEAD_DAYS = 21
LONGEST_VALUE = 900
"""Bytes; a line of the manager interface may have 1024."""

PLAIN = {
    "closed_sound": "closed-sound",
    "closed_to": "closed-to",
    "recording_sound": "recording-sound",
    "max_waiting": "max-waiting",
    "max_estimated_wait_seconds": "max-estimated-wait",
    "max_wait_seconds": "max-wait",
    "overflow_to": "overflow-to",
    "max_penalty": "max-penalty",
}
"""Key below the queue by column, for settings that are written as they are."""


@dataclass(frozen=True)
class Write:
    """One key to be set, or to be deleted where ``value`` is None."""

    key: str
    value: str | None


def entries(stored: Stored, pace: float | None, today: int) -> dict[str, str]:
    """What the AstDB is to have of one queue. ``today``: days since 1970, UTC. Raises.

    ``pace``: seconds from one answer to the next, None when that is not known.
    """
    found: dict[str, str] = {}
    for column, key in PLAIN.items():
        value = stored.values.get(column)
        if value is not None:
            found[key] = str(value)
    if pace is not None and "max-estimated-wait" in found:
        found["pace"] = f"{pace:.1f}" if pace < 10 else f"{pace:.0f}"
    for (kind, number), priority in stored.priorities.items():
        if kind == "sender":
            continue  # emails are placed by us
        found[f"{kind}/{number}"] = str(priority)
    if stored.schedule.bound:
        until = (today + AHEAD_DAYS + 1) * 86400
        spans = by_day(open_spans(stored.schedule, today * 86400, until))
        for day, parts in spans.items():
            found[f"open/{day}"] = "&".join(f"{begin}-{end}" for begin, end in parts)
        found["until"] = str(until)
    for key, text in found.items():
        if len(text.encode()) > LONGEST_VALUE or not text.isprintable():
            raise InvalidSettings(f"{key} is too long for Asterisk's database")
    return {f"{stored.queue}/{key}": text for key, text in found.items()}


def of_queue(key: str) -> str:
    """The queue that a key is about."""
    return key.partition("/")[0]


def fingerprint(content: Mapping[str, str]) -> str:
    """A hash of keys and values."""
    text = "\n".join(f"{key}\t{value}" for key, value in sorted(content.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def writes(present: Mapping[str, str], wanted: Mapping[str, str]) -> list[Write]:
    """What makes the one the other, in the order in which it is to be written."""
    puts = [Write(key, wanted[key]) for key in wanted if present.get(key) != wanted[key]]
    gone = [Write(key, None) for key in present if key not in wanted]
    return [
        *sorted(puts, key=lambda one: (_is_until(one.key), one.key)),
        *sorted(gone, key=lambda one: (not _is_until(one.key), one.key)),
    ]


def from_tree(items: Iterable[Mapping[str, str]], family: str = FAMILY) -> dict[str, str]:
    """What the answer to DBGetTree says is there, the generation left out."""
    found: dict[str, str] = {}
    begin = f"/{family}/"
    for item in items:
        key = item.get("Key", "")
        if item.get("Event") == "DBGetTreeResponse" and key.startswith(begin):
            found[key.removeprefix(begin)] = item.get("Val", "")
    found.pop(GENERATION, None)
    return found


def _is_until(key: str) -> bool:
    return key.endswith("/until")
