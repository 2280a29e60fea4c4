"""When a queue is open: weekly hours, holidays, and what somebody opened or closed by hand. Pure.

Hours are wall-clock times in the queue's time zone; what comes out are spans of epoch seconds,
which is all that Asterisk's dialplan has to compare. The newest of what was done by hand goes
before holidays, and a holiday before the week. Where the clocks change, a time that does not exist
(02:30 when it goes from 02:00 to 03:00) is the moment of the change, and of a time that comes twice
the first opens and the second closes: within hours as the wall clock has them all are let in.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from ccmiddleware.errors import PermanentError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK_MINUTES = 7 * 24 * 60
MOST_SPANS = 12
"""Spans of one day; more would be a slip, and the dialplan reads them one by one."""

FAR_DAYS = 400
"""How far ``change_after`` looks."""

FIRST_STRIDE = 7 * 86400
"""Seconds that are looked into at first for open time; then twice as many, and so on."""

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

Span = tuple[int, int]
"""Epoch seconds: open from the first, closed from the second on."""


class InvalidHours(PermanentError):
    """Hours that can't be meant; the text says where and what would be right."""


@dataclass(frozen=True, order=True)
class Hours:
    """One span of a day, in minutes from its midnight. More than 1440: on the next day."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


@dataclass(frozen=True)
class Holiday:
    """A day with hours of its own; none means closed. ``yearly``: that day of every year."""

    day: date
    hours: tuple[Hours, ...] = ()
    yearly: bool = False
    name: str = ""


@dataclass(frozen=True)
class ByHand:
    """Opened or closed by somebody, for a time; ``until`` None means until it is taken back."""

    opened: bool
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Schedule:
    """All that says when a queue is open. ``week`` None: always but for holidays and by hand.

    ``week`` has the hours of each day, Monday first. ``by_hand`` in the order in which it was done.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week: tuple[tuple[Hours, ...], ...] | None = None
    holidays: Sequence[Holiday] = ()
    by_hand: Sequence[ByHand] = ()

    @property
    def bound(self) -> bool:
        """Whether there is anything that may close the queue."""
        return self.week is not None or bool(self.holidays) or bool(self.by_hand)


# -- reading and writing hours as text ------------------------------------------------------


def parse_day(text: str) -> tuple[Hours, ...]:
    """Hours of one day, such as 09:00-12:00,13:00-18:00; closed or nothing for none."""
    if text.strip().lower() in ("", "closed"):
        return ()
    found = sorted(_parse_span(part) for part in text.split(","))
    if len(found) > MOST_SPANS:
        raise InvalidHours(f"more than {MOST_SPANS} spans in one day")
    for before, after in pairwise(found):
        if after.opens < before.closes:
            raise InvalidHours(f"{before} and {after} overlap")
    return tuple(found)


def parse_week(text: str) -> tuple[tuple[Hours, ...], ...] | None:
    """A week such as ``mon-fri 09:00-18:00; sat 10:00-14:00``; None for ``always``.

    Days that are not named are closed. Raises InvalidHours.
    """
    if text.strip().lower() in ("", "always"):
        return None
    week: list[tuple[Hours, ...] | None] = [None] * 7
    for part in text.split(";"):
        if not part.strip():
            continue
        names, _, hours = part.strip().partition(" ")
        for day in _days(names):
            if week[day] is not None:
                raise InvalidHours(f"{DAYS[day]} is named twice in {text!r}")
            week[day] = parse_day(hours)
    whole = tuple(hours or () for hours in week)
    _check_week(whole)
    return whole


def show_day(hours: Iterable[Hours]) -> str:
    """The hours of one day, as ``parse_day`` reads them."""
    return ",".join(map(str, hours)) or "closed"


def show_week(week: Sequence[Sequence[Hours]] | None) -> str:
    """The shortest text that ``parse_week`` reads as this week; days alike are put together."""
    if week is None:
        return "always"
    parts: list[str] = []
    day = 0
    while day < 7:
        last = day
        while last < 6 and week[last + 1] == week[day]:
            last += 1
        if week[day]:
            names = DAYS[day] if last == day else f"{DAYS[day]}-{DAYS[last]}"
            parts.append(f"{names} {show_day(week[day])}")
        day = last + 1
    return "; ".join(parts) or "mon-sun closed"


def _days(names: str) -> list[int]:
    found: list[int] = []
    for part in names.lower().split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                raise InvalidHours(
                    f"{name!r} is no day: write mon, tue, wed, thu, fri, sat or sun, "
                    "as in mon-fri 09:00-18:00"
                )
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        found += [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]
    return found


def _parse_span(text: str) -> Hours:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise InvalidHours(f"{text.strip()!r} is no span of time: write 09:00-18:00")
    opens, closes = (
        int(hour) * 60 + int(minute)
        for hour, minute in ((found[1], found[2]), (found[3], found[4]))
    )
    if opens >= 1440 or closes > 1440 or int(found[2]) > 59 or int(found[4]) > 59:
        raise InvalidHours(f"{text.strip()!r}: times go from 00:00 to 24:00")
    return Hours(opens, closes if closes > opens else closes + 1440)


def _check_week(week: Sequence[Sequence[Hours]]) -> None:
    """No span may reach into the next one, over midnight and from Sunday to Monday as well."""
    starts = sorted(
        (day * 1440 + hours.opens, day * 1440 + hours.closes, day, hours)
        for day, spans in enumerate(week)
        for hours in spans
    )
    for number, (_, closes, day, hours) in enumerate(starts):
        last = number == len(starts) - 1
        following = starts[0] if last else starts[number + 1]
        if closes > following[0] + (WEEK_MINUTES if last else 0):
            raise InvalidHours(f"{DAYS[day]} {hours} overlaps {DAYS[following[2]]} {following[3]}")


def _clock(minutes: int) -> str:
    if minutes == 1440:
        return "24:00"
    return f"{minutes % 1440 // 60:02}:{minutes % 60:02}"


# -- spans ----------------------------------------------------------------------------------


def open_spans(schedule: Schedule, since: int, until: int) -> list[Span]:
    """When the queue is open between two moments: in order, without touching each other."""
    spans = _planned(schedule, since, until)
    for act in schedule.by_hand:
        begin = int(act.since.timestamp())
        end = until if act.until is None else int(act.until.timestamp())
        if end <= begin:
            continue
        spans = _without(spans, (begin, end))
        if act.opened:
            spans = _merged([*spans, (begin, end)])
    return [
        (max(begin, since), min(end, until))
        for begin, end in spans
        if begin < until and end > since
    ]


def is_open(schedule: Schedule, at: int) -> bool:
    """Whether the queue is open at a moment."""
    return bool(open_spans(schedule, at, at + 1))


def change_after(schedule: Schedule, at: int) -> int | None:
    """When the queue next opens or closes after a moment; None if not within 400 days."""
    until = at + FAR_DAYS * 86400
    spans = open_spans(schedule, at, until)
    if not spans:
        return None
    begin, end = spans[0]
    if begin > at:
        return begin
    return end if end < until else None


def open_seconds(schedule: Schedule, since: int, until: int) -> int:
    """For how long the queue is open between two moments; 0 if the second is not later."""
    if until <= since:
        return 0
    return sum(end - begin for begin, end in open_spans(schedule, since, until))


def after_open_seconds(schedule: Schedule, since: int, seconds: int) -> int | None:
    """The moment at which the queue will have been open for so long; None if not in 400 days.

    Time that is over at the end of a day is over then, not when the queue opens again.
    """
    left, begin, stride = max(seconds, 0), since, FIRST_STRIDE
    if left == 0:
        return since
    while begin < since + FAR_DAYS * 86400:
        for opens, closes in open_spans(schedule, begin, begin + stride):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        begin, stride = begin + stride, stride * 2
    return None


def reason(schedule: Schedule, at: int) -> str:
    """What decides at a moment: by hand, the name of a holiday, or the weekly hours."""
    for act in reversed(schedule.by_hand):
        end = act.until.timestamp() if act.until is not None else float("inf")
        if act.since.timestamp() <= at < end:
            return "by hand"
    day = datetime.fromtimestamp(at, UTC).astimezone(schedule.zone).date()
    holiday = _holiday_of(schedule.holidays, day)
    if holiday is not None:
        return f"holiday {holiday.name or holiday.day.isoformat()}"
    return "weekly hours" if schedule.week is not None else "no hours are set"


def _planned(schedule: Schedule, since: int, until: int) -> list[Span]:
    """What week and holidays say, without regard to what was done by hand."""
    if schedule.week is None and not schedule.holidays:
        return [(since, until)]
    whole_day = (Hours(0, 1440),)
    first = datetime.fromtimestamp(since, UTC).astimezone(schedule.zone).date()
    last = datetime.fromtimestamp(until, UTC).astimezone(schedule.zone).date()
    spans: list[Span] = []
    day = first - timedelta(days=1)
    while day <= last:
        holiday = _holiday_of(schedule.holidays, day)
        if holiday is not None:
            hours: Sequence[Hours] = holiday.hours
        else:
            hours = whole_day if schedule.week is None else schedule.week[day.weekday()]
        for each in hours:
            spans.append(
                (
                    _epoch(day, each.opens, schedule.zone, last=False),
                    _epoch(day, each.closes, schedule.zone, last=True),
                )
            )
        day += timedelta(days=1)
    return _merged(spans)


def _holiday_of(holidays: Sequence[Holiday], day: date) -> Holiday | None:
    """The holiday of that day; one of that very year goes before a yearly one."""
    yearly = None
    for holiday in holidays:
        if holiday.day == day and not holiday.yearly:
            return holiday
        if holiday.yearly and (holiday.day.month, holiday.day.day) == (day.month, day.day):
            yearly = holiday
    return yearly


def _epoch(day: date, minutes: int, zone: ZoneInfo, *, last: bool) -> int:
    """The moment of a wall-clock time; ``last``: the second one where it comes twice."""
    wall = datetime.combine(day + timedelta(days=minutes // 1440), time()) + timedelta(
        minutes=minutes % 1440
    )
    early = _at(wall, zone, 0)
    late = _at(wall, zone, 1)
    if late < early:  # fold 0 and 1 are the other way round where the time does not exist
        return _jump(late, early, zone)
    return late if last else early


def _at(wall: datetime, zone: ZoneInfo, fold: int) -> int:
    return int(wall.replace(tzinfo=zone, fold=fold).timestamp())


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """The moment in (low, high] at which the clocks are put forward."""
    after = _offset(high, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == after:
            high = middle
        else:
            low = middle
    return high


def _offset(at: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _without(spans: Iterable[Span], hole: Span) -> list[Span]:
    left: list[Span] = []
    for begin, end in spans:
        left += [
            part
            for part in ((begin, min(end, hole[0])), (max(begin, hole[1]), end))
            if part[0] < part[1]
        ]
    return left


def by_day(spans: Iterable[Span]) -> Mapping[int, list[Span]]:
    """The spans of each UTC day (days since 1970); a span stands in each day that it touches."""
    days: dict[int, list[Span]] = {}
    for begin, end in spans:
        for day in range(begin // 86400, (end - 1) // 86400 + 1):
            days.setdefault(day, []).append((begin, end))
    return days
