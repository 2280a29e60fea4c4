"""When a queue is open: tables over clock changes, midnight, holidays, by hand; and a property."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.queues.hours import (
    ByHand,
    Holiday,
    Hours,
    InvalidHours,
    Schedule,
    after_open_seconds,
    by_day,
    change_after,
    is_open,
    open_seconds,
    open_spans,
    parse_day,
    parse_week,
    reason,
    show_day,
    show_week,
)

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


def spans(schedule: Schedule, since: str, until: str) -> list[str]:
    """The spans as UTC times without the year."""
    found = open_spans(schedule, utc(since), utc(until))
    return [
        "-".join(f"{datetime.fromtimestamp(at, UTC):%m%d %H:%M}" for at in span) for span in found
    ]


WEEKS: Sequence[tuple[str, str, str, str, list[str]]] = (
    ("UTC", "mon-fri 09:00-18:00", "2026-11-27", "2026-12-01",
     ["1127 09:00-1127 18:00", "1130 09:00-1130 18:00"]),
    ("Europe/Berlin", "fri 09:00-12:00,13:00-18:00", "2026-11-27", "2026-11-28",
     ["1127 08:00-1127 11:00", "1127 12:00-1127 17:00"]),
    # over midnight, from a day before the first
    ("UTC", "thu 22:00-06:00", "2026-11-27", "2026-11-28", ["1127 00:00-1127 06:00"]),
    ("UTC", "mon-sun 00:00-24:00", "2026-11-27", "2026-11-29", ["1127 00:00-1129 00:00"]),
    ("UTC", "fri 00:00-00:00", "2026-11-26", "2026-11-29", ["1127 00:00-1128 00:00"]),
    # clocks forward, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC
    ("Europe/Berlin", "sun 01:00-04:00", "2026-03-29", "2026-03-30", ["0329 00:00-0329 02:00"]),
    ("Europe/Berlin", "sun 02:30-05:00", "2026-03-29", "2026-03-30", ["0329 01:00-0329 03:00"]),
    ("Europe/Berlin", "sun 00:30-02:30", "2026-03-29", "2026-03-30", ["0329 00:00-0329 01:00"]),
    ("Europe/Berlin", "sun 02:10-02:50", "2026-03-29", "2026-03-30", []),
    ("Europe/Berlin", "sat 22:00-08:00", "2026-03-28", "2026-03-30", ["0328 21:00-0329 06:00"]),
    # clocks back, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC
    ("Europe/Berlin", "sun 02:30-05:00", "2026-10-25", "2026-10-26", ["1025 00:30-1025 04:00"]),
    ("Europe/Berlin", "sun 01:00-02:30", "2026-10-24", "2026-10-26", ["1024 23:00-1025 01:30"]),
    ("Europe/Berlin", "sat,sun 09:00-10:00", "2026-10-24", "2026-10-26",
     ["1024 07:00-1024 08:00", "1025 08:00-1025 09:00"]),
    # half an hour, and a zone in which midnight is skipped (Cairo, 2026-04-24)
    ("Australia/Lord_Howe", "sun 01:45-03:00", "2026-10-03", "2026-10-05",
     ["1003 15:15-1003 16:00"]),
    ("Africa/Cairo", "fri 00:00-01:30", "2026-04-23", "2026-04-25", ["0423 22:00-0423 22:30"]),
    ("Pacific/Auckland", "mon 09:00-17:00", "2026-11-29", "2026-12-01", ["1129 20:00-1130 04:00"]),
)  # fmt: skip


@pytest.mark.parametrize(("zone", "week", "since", "until", "wanted"), WEEKS)
def test_weeks(zone: str, week: str, since: str, until: str, wanted: list[str]) -> None:
    assert spans(Schedule(ZoneInfo(zone), parse_week(week)), since, until) == wanted


OFFICE = parse_week("mon-fri 09:00-17:00")
CHRISTMAS = Holiday(date(2020, 12, 25), yearly=True, name="Christmas")
EVE = Holiday(date(2026, 12, 24), parse_day("09:00-12:00"))
OPEN_DAY = Holiday(date(2026, 12, 25), parse_day("10:00-11:00"))


def by_hand(opened: bool, since: str, until: str | None) -> ByHand:
    moments = [text and datetime.fromisoformat(f"{text}+00:00") for text in (since, until)]
    assert isinstance(moments[0], datetime)
    return ByHand(opened, moments[0], moments[1] or None)


EXCEPTIONS: Sequence[tuple[Schedule, list[str]]] = (
    (Schedule(week=OFFICE, holidays=(CHRISTMAS, EVE)), ["1224 09:00-1224 12:00"]),
    # one of that very year goes before a yearly one
    (Schedule(week=OFFICE, holidays=(OPEN_DAY, CHRISTMAS, EVE)),
     ["1224 09:00-1224 12:00", "1225 10:00-1225 11:00"]),
    # without weekly hours a holiday is still one
    (Schedule(holidays=(CHRISTMAS,)), ["1224 00:00-1225 00:00"]),
    (Schedule(week=OFFICE, by_hand=(by_hand(False, "2026-12-24T10:00", "2026-12-24T14:00"),)),
     ["1224 09:00-1224 10:00", "1224 14:00-1224 17:00", "1225 09:00-1225 17:00"]),
    (Schedule(week=OFFICE, by_hand=(by_hand(True, "2026-12-24T16:00", "2026-12-24T20:00"),)),
     ["1224 09:00-1224 20:00", "1225 09:00-1225 17:00"]),
    (Schedule(week=OFFICE, by_hand=(by_hand(False, "2026-12-24T12:00", None),)),
     ["1224 09:00-1224 12:00"]),
    # the newest goes before the older one
    (Schedule(week=OFFICE, by_hand=(by_hand(False, "2026-12-24T09:00", None),
                                    by_hand(True, "2026-12-24T10:00", "2026-12-24T11:00"))),
     ["1224 10:00-1224 11:00"]),
    # and before a holiday
    (Schedule(week=OFFICE, holidays=(CHRISTMAS, EVE),
              by_hand=(by_hand(True, "2026-12-25T10:00", "2026-12-25T11:00"),)),
     ["1224 09:00-1224 12:00", "1225 10:00-1225 11:00"]),
    (Schedule(by_hand=(by_hand(False, "2026-12-24T10:00", "2026-12-24T11:00"),)),
     ["1224 00:00-1224 10:00", "1224 11:00-1226 00:00"]),
)  # fmt: skip


@pytest.mark.parametrize(("schedule", "wanted"), EXCEPTIONS)
def test_holidays_and_by_hand(schedule: Schedule, wanted: list[str]) -> None:
    assert spans(schedule, "2026-12-24", "2026-12-26") == wanted


def test_the_night_before_a_holiday_goes_on_into_it() -> None:
    schedule = Schedule(week=parse_week("mon-sun 22:00-04:00"), holidays=(CHRISTMAS,))
    assert spans(schedule, "2026-12-24T12:00", "2026-12-26T12:00") == ["1224 22:00-1225 04:00"]


def test_a_yearly_29th_of_february_is_one_in_leap_years_only() -> None:
    schedule = Schedule(holidays=(Holiday(date(2024, 2, 29), yearly=True),))
    assert spans(schedule, "2027-02-28", "2027-03-02") == ["0228 00:00-0302 00:00"]
    assert not is_open(schedule, utc("2028-02-29T12:00"))


CHANGES: Sequence[tuple[Schedule, str, bool, str | None, str]] = (
    (Schedule(), "2026-11-27T12:00", True, None, "no hours are set"),
    (Schedule(week=OFFICE), "2026-11-27T16:59", True, "2026-11-27T17:00", "weekly hours"),
    (Schedule(week=OFFICE), "2026-11-27T17:00", False, "2026-11-30T09:00", "weekly hours"),
    (Schedule(week=parse_week("mon-sun 00:00-24:00")), "2026-11-27", True, None, "weekly hours"),
    (Schedule(week=((),) * 7), "2026-11-27", False, None, "weekly hours"),
    (Schedule(holidays=(CHRISTMAS,)), "2026-12-25T01:00", False, "2026-12-26T00:00",
     "holiday Christmas"),
    (Schedule(holidays=(EVE,)), "2026-12-24T10:00", True, "2026-12-24T12:00", "holiday 2026-12-24"),
    (Schedule(by_hand=(by_hand(False, "2026-11-27T10:00", None),)), "2026-11-27T10:00", False, None,
     "by hand"),
)  # fmt: skip


@pytest.mark.parametrize(("schedule", "at", "opened", "change", "why"), CHANGES)
def test_what_holds_and_when_it_changes(
    schedule: Schedule, at: str, opened: bool, change: str | None, why: str
) -> None:
    assert is_open(schedule, utc(at)) is opened
    assert change_after(schedule, utc(at)) == (change and utc(change))
    assert reason(schedule, utc(at)) == why


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mon-fri 09:00-18:00; sat 10:00-14:00", "mon-fri 09:00-18:00; sat 10:00-14:00"),
        ("MON,TUE 9:00 - 18:00", "mon-tue 09:00-18:00"),
        ("sat-mon 10:00-12:00", "mon 10:00-12:00; sat-sun 10:00-12:00"),
        ("mon 13:00-18:00,09:00-12:00;", "mon 09:00-12:00,13:00-18:00"),
        ("fri 22:00-24:00; sat 00:00-06:00", "fri 22:00-24:00; sat 00:00-06:00"),
        ("mon-sun 00:00-00:00", "mon-sun 00:00-24:00"),
        ("mon-sun closed", "mon-sun closed"),
        ("sun 22:00-06:00", "sun 22:00-06:00"),
        ("always", "always"),
    ],
)
def test_weeks_are_read_and_shown(text: str, shown: str) -> None:
    week = parse_week(text)
    assert show_week(week) == shown
    assert parse_week(shown) == week


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mon-fry 09:00-18:00", "'fry' is no day"),
        ("09:00-18:00", "is no day"),
        ("mon 9-18", "'9-18' is no span of time: write 09:00-18:00"),
        ("mon 09:00-25:00", "times go from 00:00 to 24:00"),
        ("mon 24:00-01:00", "times go from 00:00 to 24:00"),
        ("mon 09:60-18:00", "times go from 00:00 to 24:00"),
        ("mon 09:00-13:00,12:00-18:00", "09:00-13:00 and 12:00-18:00 overlap"),
        ("mon 22:00-06:00; tue 05:00-10:00", "mon 22:00-06:00 overlaps tue 05:00-10:00"),
        ("sun 22:00-06:00; mon 05:00-10:00", "sun 22:00-06:00 overlaps mon 05:00-10:00"),
        ("mon 09:00-12:00; mon 13:00-18:00", "mon is named twice"),
        ("mon 09:00-18:00\nx", "is no span"),
    ],
)
def test_what_can_not_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidHours, match=words):
        parse_week(text)


def test_a_span_stands_in_each_utc_day_that_it_touches() -> None:
    day = 86400
    found = by_day([(10, day), (2 * day - 5, 2 * day + 5), (3 * day, 5 * day)])
    assert found == {
        0: [(10, day)],
        1: [(2 * day - 5, 2 * day + 5)],
        2: [(2 * day - 5, 2 * day + 5)],
        3: [(3 * day, 5 * day)],
        4: [(3 * day, 5 * day)],
    }


# -- against the plainest reading of a clock on the wall --------------------------------------

ZONES = ("Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "UTC",
         "America/St_Johns", "Asia/Kathmandu")  # fmt: skip
quarters = st.integers(0, 95)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[tuple[Hours, ...], ...]:
    """Hours in quarters of an hour that overlap nothing: at most one span over midnight a day."""
    week = []
    for _ in range(7):
        cuts = sorted(draw(st.lists(quarters, max_size=6, unique=True)))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        week.append(tuple(Hours(15 * a, 15 * b) for a, b in pairs))
    return tuple(week)


def wall_says(week: Sequence[Sequence[Hours]], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(hours.opens <= minute < hours.closes for hours in week[local.weekday()])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), weeks(), st.dates(date(2025, 1, 1), date(2027, 12, 1)))
def test_open_is_what_a_clock_on_the_wall_says(
    name: str, week: tuple[tuple[Hours, ...], ...], day: date
) -> None:
    zone = ZoneInfo(name)
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    end = begin + 3 * 86400
    found = open_spans(Schedule(zone, week), begin, end)
    assert all(a < b for a, b in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    for at in range(begin, end, 300):
        local = datetime.fromtimestamp(at, UTC).astimezone(zone)
        ours = any(a <= at < b for a, b in found)
        if _repeated(local, zone):
            # Where an hour comes twice, it is open at least when the clock says so.
            assert ours or not wall_says(week, local)
        else:
            assert ours == wall_says(week, local), local


def _repeated(local: datetime, zone: ZoneInfo) -> bool:
    bare = local.replace(tzinfo=None)
    early, late = (bare.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert early is not None
    assert late is not None
    return early - late > timedelta()


def test_days_are_shown_as_they_are_read() -> None:
    assert show_day(parse_day("closed")) == "closed"
    assert show_day(parse_day("22:00-04:00, 9:00-12:00")) == "09:00-12:00,22:00-04:00"


OPEN_TIME = (
    # zone, week, since, until, seconds open
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T16:00", "2026-11-30T10:00", 7200),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-28T00:00", "2026-11-29T00:00", 0),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T12:00", "2026-11-27T11:00", 0),
    ("UTC", "always", "2026-11-27T12:00", "2026-11-27T13:00", 3600),
    ("Europe/Berlin", "sun 01:00-04:00", "2026-03-28T00:00", "2026-03-30T00:00", 7200),
    ("Europe/Berlin", "sun 01:00-04:00", "2026-10-24T00:00", "2026-10-26T00:00", 14400),
    ("UTC", "fri 22:00-06:00", "2026-11-27T23:00", "2026-11-28T05:00", 21600),
)


@pytest.mark.parametrize(("zone", "week", "since", "until", "seconds"), OPEN_TIME)
def test_open_seconds(zone: str, week: str, since: str, until: str, seconds: int) -> None:
    schedule = Schedule(ZoneInfo(zone), parse_week(week))
    assert open_seconds(schedule, utc(since), utc(until)) == seconds


AFTER = (
    # zone, week, since, hours of open time, when they are over
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T16:00", 0, "2026-11-27T16:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-28T16:00", 0, "2026-11-28T16:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T16:00", 1, "2026-11-27T17:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T16:00", 2, "2026-11-30T10:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-28T16:00", 8, "2026-11-30T17:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-27T17:00", 1, "2026-11-30T10:00"),
    ("UTC", "mon-fri 09:00-17:00", "2026-11-02T09:00", 400, "2027-01-08T17:00"),
    ("UTC", "always", "2026-11-27T16:00", 100, "2026-12-01T20:00"),
    ("Europe/Berlin", "sun 01:00-04:00", "2026-03-28T00:00", 3, "2026-04-05T00:00"),
    ("Europe/Berlin", "sun 01:00-04:00", "2026-10-24T00:00", 4, "2026-10-25T03:00"),
    ("Europe/Berlin", "always", "2026-03-28T12:00", 24, "2026-03-29T12:00"),
)


@pytest.mark.parametrize(("zone", "week", "since", "hours", "expected"), AFTER)
def test_after_open_seconds(zone: str, week: str, since: str, hours: int, expected: str) -> None:
    schedule = Schedule(ZoneInfo(zone), parse_week(week))
    assert after_open_seconds(schedule, utc(since), hours * 3600) == utc(expected)


def test_a_queue_that_never_opens_has_no_such_moment() -> None:
    schedule = Schedule(BERLIN, parse_week("mon-sun closed"))
    assert after_open_seconds(schedule, utc("2026-11-27"), 1) is None


@given(st.integers(0, 10**7), st.integers(1, 10**6))
def test_so_much_later_the_queue_was_open_for_so_long(ago: int, seconds: int) -> None:
    schedule = Schedule(
        BERLIN,
        parse_week("mon-thu 08:30-12:00,13:00-18:00; fri 22:00-03:00; sun 01:30-02:30"),
        [Holiday(date(2026, 4, 6)), Holiday(date(2026, 10, 25), parse_day("00:00-24:00"))],
    )
    since = utc("2026-03-01") + ago
    at = after_open_seconds(schedule, since, seconds)
    assert at is not None
    assert open_seconds(schedule, since, at) == seconds
    assert is_open(schedule, at - 1)
