"""What may be set of a queue: keys, what each may hold, and what is refused how. Pure.

Checked here by whoever edits, and again by whoever applies, since rows may come from elsewhere.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ccmiddleware.errors import PermanentError
from ccmiddleware.queues import escalating
from ccmiddleware.queues.hours import (
    ByHand,
    Holiday,
    InvalidHours,
    Schedule,
    parse_day,
    parse_week,
    show_week,
)

QUEUE = re.compile(r"[A-Za-z0-9_.@+\x80-\U0010ffff-]([A-Za-z0-9 _.@+\x80-\U0010ffff-]*[^ ])?")
"""Names that the dialplan library takes: what its FILTER() leaves as it is."""

LONGEST_NAME = 79
"""Bytes of a queue's name (app_queue: 80 with the end)."""

SOUND = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
EXTENSION = re.compile(r"[0-9A-Za-z*#+]{1,40}")
NUMBER = re.compile(r"[+]?[0-9]{1,32}")
HIGHEST_PRIORITY = 1000
YEAR = 365 * 86400
DESTINATIONS = "write queue:NAME, extension:NUMBER, hangup or continue"

KINDS = ("did", "caller", "sender")
"""Whom a priority can be given to: a number that was dialled, a caller, a sender of emails."""

SENDER = re.compile(r"[^@\s]*@[^@\s]+")
LONGEST_SENDER = 320

Value = str | int | None


class InvalidSettings(PermanentError):
    """What was given can't be set; the text says what is wrong and what would be right."""


@dataclass(frozen=True)
class Key:
    """One setting. ``parse`` makes the value of what was typed, or raises InvalidSettings."""

    name: str
    column: str
    parse: Callable[[str], Value]
    help: str


@dataclass(frozen=True)
class Stored:
    """All that is set of one queue. ``values`` by column; ``priorities`` by kind and number."""

    queue: str
    revision: int = 0
    values: Mapping[str, Value] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)
    priorities: Mapping[tuple[str, str], int] = field(default_factory=dict)


# -- one value ------------------------------------------------------------------------------


def check_queue_name(name: str) -> str:
    """The name, if a queue of that name can have settings. Raises InvalidSettings."""
    if QUEUE.fullmatch(name) is None or not name.isprintable():
        raise InvalidSettings(
            f"{name!r} can't be set: only queues named by letters, digits, space and _ . @ + - can"
        )
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidSettings(f"{name!r} is longer than {LONGEST_NAME} bytes")
    return name


def zone_named(name: str) -> ZoneInfo:
    """A time zone of the IANA database. Raises InvalidSettings with the nearest names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        lower = {each.lower(): each for each in sorted(available_timezones())}
        near = [each for key, each in lower.items() if key.endswith(f"/{name.lower()}")]
        near += [lower[key] for key in get_close_matches(name.lower(), lower, n=2, cutoff=0.5)]
        meant = " or ".join(dict.fromkeys(near)) or "Europe/Berlin or UTC"
        raise InvalidSettings(f"{name!r} is no time zone; did you mean {meant}?") from None


def destination(text: str) -> str:
    """Where callers are sent, checked. Raises InvalidSettings."""
    kind, _, name = text.strip().partition(":")
    if text.strip() in ("hangup", "continue"):
        return text.strip()
    if kind == "queue":
        return f"queue:{check_queue_name(name)}"
    if kind == "extension":
        if EXTENSION.fullmatch(name) is None:
            raise InvalidSettings(f"{name!r} is no extension: digits, letters, * # and + are")
        return f"extension:{name}"
    raise InvalidSettings(f"{text!r} is no destination: {DESTINATIONS}")


def number(text: str) -> str:
    """A caller's number or a DID: digits, perhaps behind a +; what people write between is dropped.

    Raises InvalidSettings.
    """
    bare = re.sub(r"[ ()./-]", "", text)
    if NUMBER.fullmatch(bare) is None:
        raise InvalidSettings(f"{text!r} is no number: write digits, perhaps with a + before them")
    return bare


def sender(text: str) -> str:
    """Who writes emails: an address, or @domain for all of a domain. Raises InvalidSettings."""
    bare = text.lower()
    if SENDER.fullmatch(bare) is None or len(bare) > LONGEST_SENDER:
        raise InvalidSettings(f"{text!r} is no sender: write name@domain, or @domain for all of it")
    return bare


def whose(kind: str, text: str) -> str:
    """What a priority of that kind is for, as it is stored. Raises InvalidSettings."""
    if kind not in KINDS:
        raise InvalidSettings(f"{kind!r} is none of {', '.join(KINDS)}")
    return sender(text) if kind == "sender" else number(text)


def _zone(text: str) -> str:
    return zone_named(text).key


def _sound(text: str) -> str:
    if SOUND.fullmatch(text) is None or len(text) > 100:
        raise InvalidSettings(
            f"{text!r} is no name of a sound: write it as for Playback(), below Asterisk's sounds "
            "and without its ending, as in custom/closed"
        )
    return text


def _count(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise InvalidSettings(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return parse


def _yes_no(text: str) -> bool:
    answers = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in answers:
        raise InvalidSettings(f"{text!r} is neither yes nor no")
    return answers[text.lower()]


def _duration(low: int, high: int) -> Callable[[str], int]:
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

    def parse(text: str) -> int:
        found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip().lower())
        seconds = int(found[1]) * units[found[2]] if found else -1
        if not low <= seconds <= high:
            raise InvalidSettings(
                f"{text!r} is no duration from {low}s to {high // 86400}d: write 30m, 4h or 2d; "
                "a day is 24 hours"
            )
        return seconds

    return parse


def _escalation(text: str) -> str:
    try:
        ways = escalating.parse(text)
    except PermanentError as error:
        raise InvalidSettings(str(error)) from None
    if ways.queue is not None:
        check_queue_name(ways.queue)
    return str(ways)


def _week(text: str) -> str:
    try:
        return show_week(parse_week(text))
    except InvalidHours as error:
        raise InvalidSettings(str(error)) from None


KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("hours", "hours", _week, "when it is open: 'mon-fri 09:00-18:00; sat 10:00-14:00'"),
        Key("time_zone", "time_zone", _zone, "zone of hours and holidays, such as Europe/Berlin"),
        Key("closed_sound", "closed_sound", _sound, "sound that is played when closed"),
        Key("closed_to", "closed_to", destination, "where callers go when closed"),
        Key("recording_sound", "recording_sound", _sound, "sound that tells of the recording"),
        Key("max_waiting", "max_waiting", _count(1, 100_000), "nobody joins while so many wait"),
        Key(
            "max_estimated_wait",
            "max_estimated_wait_seconds",
            _count(1, 86_400),
            "nobody joins whose wait would be longer, in seconds",
        ),
        Key("max_wait", "max_wait_seconds", _count(1, 86_400), "who waited so many seconds leaves"),
        Key("overflow_to", "overflow_to", destination, "where those go"),
        Key("max_penalty", "max_penalty", _count(0, 1_000_000), "members up to this are rung"),
        Key("email_after_calls", "email_after_calls", _yes_no, "yes: emails after all calls"),
        Key(
            "email_first_response",
            "email_first_response_seconds",
            _duration(60, YEAR),
            "whoever writes is answered within, in opening hours: 4h",
        ),
        Key(
            "email_next_response",
            "email_next_response_seconds",
            _duration(60, YEAR),
            "a further message is answered within, in opening hours",
        ),
        Key(
            "email_resolution",
            "email_resolution_seconds",
            _duration(60, YEAR),
            "a conversation is closed within, in opening hours",
        ),
        Key(
            "email_escalate_before",
            "email_escalate_before_seconds",
            _duration(60, YEAR),
            "so long before an email is due email_escalate_to is done",
        ),
        Key("email_escalate_to", "email_escalate_to", _escalation, escalating.WRITE),
        Key("email_take_back", "email_take_back", _yes_no, "yes: agents lose what is overdue"),
    )
}
"""All that `ccm queue set` takes, in the order in which it is shown."""

COLUMNS = tuple(key.column for key in KEYS.values() if key.name != "hours")


def parse_changes(pairs: Iterable[str]) -> dict[str, Value]:
    """Changes by key from texts KEY=VALUE; ``KEY=`` takes one back. Raises InvalidSettings."""
    changes: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        key = KEYS.get(name.strip())
        if key is None:
            near = get_close_matches(name, KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
            raise InvalidSettings(f"there is no setting {name!r}; {hint}")
        if not equals:
            raise InvalidSettings(f"{pair!r}: write {name}=VALUE, or {name}= to take it back")
        if key.name in changes:
            raise InvalidSettings(f"{key.name} is given twice")
        try:
            changes[key.name] = key.parse(text.strip()) if text.strip() else None
        except InvalidSettings as error:
            raise InvalidSettings(f"{key.name}: {error}") from None
        if changes[key.name] == "always" and key.name == "hours":
            changes[key.name] = None
    return changes


# -- the whole ------------------------------------------------------------------------------


def shown(stored: Stored) -> dict[str, Value]:
    """What is set, by key; None where nothing is."""
    week = stored.schedule.week
    return {
        key.name: (
            (show_week(week) if week is not None else None)
            if key.name == "hours"
            else stored.values.get(key.column)
        )
        for key in KEYS.values()
    }


def changed(stored: Stored, changes: Mapping[str, Value]) -> Stored:
    """The queue with these changes by key. Raises InvalidSettings and InvalidHours."""
    values = dict(stored.values)
    schedule = stored.schedule
    for name, value in changes.items():
        if name == "hours":
            schedule = replace(schedule, week=parse_week(str(value or "")))
        else:
            values[KEYS[name].column] = value
    zone = values.get("time_zone")
    return replace(
        stored, values=values, schedule=replace(schedule, zone=zone_named(str(zone or "UTC")))
    )


def destinations(values: Mapping[str, Value]) -> list[str]:
    """Queues to which callers of a queue may be sent."""
    found = [str(values.get(column) or "") for column in ("closed_to", "overflow_to")]
    return [text.removeprefix("queue:") for text in found if text.startswith("queue:")]


def check_destinations(
    queue: str, values: Mapping[str, Value], others: Mapping[str, Mapping[str, Value]]
) -> None:
    """Every queue that is named must be one of ``others``, and none may lead back. Raises.

    ``others``: the values of all queues of the node.
    """
    for name in destinations(values):
        _check_there(name, queue, others, "to send callers to")
    edges = {name: destinations(other) for name, other in others.items()}
    edges[queue] = destinations(values)
    way = _way_back(queue, queue, edges, [queue])
    if way is not None:
        raise InvalidSettings(f"callers would be sent in a circle: {' → '.join(way)}")


def check_escalation(queue: str, text: str, others: Iterable[str]) -> None:
    """The queue that an escalation of ``queue`` names must be one of ``others``. Raises."""
    name = escalating.parse(text).queue
    if name is not None:
        _check_there(name, queue, others, "to wait in (email_escalate_to)")


def _check_there(name: str, queue: str, others: Iterable[str], what_for: str) -> None:
    known = sorted(others)
    if name != queue and name not in known:
        near = get_close_matches(name, known, n=3)
        there = ", ".join(near or known[:12]) or "none other"
        hint = "did you mean" if near else "there are"
        raise InvalidSettings(f"there is no queue {name!r} {what_for}; {hint} {there}")


def _way_back(
    start: str, at: str, edges: Mapping[str, Sequence[str]], way: list[str]
) -> list[str] | None:
    for following in edges.get(at, ()):
        if following == start:
            return [*way, following]
        if following not in way:
            found = _way_back(start, following, edges, [*way, following])
            if found is not None:
                return found
    return None


def from_row(row: Mapping[str, Any]) -> Stored:
    """What the row of ``queue_settings.sql`` says, checked again. Raises InvalidSettings."""
    queue = check_queue_name(row["queue"])
    values: dict[str, Value] = {column: row[column] for column in COLUMNS}
    for key in KEYS.values():
        value = values.get(key.column)
        if value is not None and key.parse(str(value)) != value:
            raise InvalidSettings(f"{key.name}: {value!r} can't be used as it is")
    try:
        week = None
        if row["weekly"]:
            week = tuple(parse_day(row["week"].get(str(day), "")) for day in range(1, 8))
        holidays = tuple(
            Holiday(
                date.fromisoformat(one["day"]), parse_day(one["hours"]), one["yearly"], one["name"]
            )
            for one in row["holidays"]
        )
    except (InvalidHours, ValueError) as error:
        raise InvalidSettings(str(error)) from None
    by_hand = tuple(
        ByHand(one["opened"], _moment(one["since"]), one["until"] and _moment(one["until"]))
        for one in row["by_hand"]
    )
    priorities = {
        (one["kind"], whose(one["kind"], one["number"])): int(one["priority"])
        for one in row["priorities"]
    }
    zone = zone_named(str(values["time_zone"] or "UTC"))
    schedule = Schedule(zone, week, holidays, by_hand)
    return Stored(queue, row["revision"], values, schedule, priorities)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSettings(f"{text!r} is no moment that can be reached") from None
