"""Response and resolution times, what is due, escalations: over nights, holidays, clock changes."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.mail.service_times import (
    Event,
    Targets,
    Took,
    What,
    clocks,
    due,
    measure,
)
from ccmiddleware.queues.hours import Holiday, Schedule, parse_day, parse_week

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
OFFICE = Schedule(
    ZoneInfo("UTC"),
    parse_week("mon-fri 09:00-17:00"),
    [Holiday(date(2026, 12, 25)), Holiday(date(2026, 12, 24), parse_day("09:00-12:00"))],
)
ALWAYS = Schedule()
NEVER = Schedule(week=parse_week("mon-sun closed"))


def at(text: str) -> datetime:
    """``27 16:00``: that day of November 2026, UTC; or a whole date."""
    if len(text) == 8:
        text = f"2026-11-{text}"
    return datetime.fromisoformat(text + "+00:00")


def events(*told: str) -> list[Event]:
    """From texts such as ``27 16:00 asked``."""
    return [Event(at(each.rpartition(" ")[0]), each.rpartition(" ")[2]) for each in told]  # type: ignore[arg-type]


def spent(took: Took | None) -> tuple[float, float] | None:
    """Hours by the wall clock and in opening hours."""
    return None if took is None else (took.wall / 3600, took.business / 3600)


Spent = tuple[float, float] | None

MEASURED: list[tuple[list[str], Spent, list[Spent], Spent]] = [
    ([], None, [], None),
    (["27 10:00 asked"], None, [], None),
    (["27 10:00 asked", "27 11:00 answered"], (1, 1), [], None),
    (["27 16:00 asked", "30 10:00 answered"], (66, 2), [], None),
    (["28 10:00 asked", "29 10:00 answered"], (24, 0), [], None),
    (["27 10:00 asked", "27 10:30 asked", "27 11:00 answered"], (1, 1), [], None),
    (["27 10:00 asked", "27 11:00 answered", "27 12:00 answered"], (1, 1), [], None),
    (["27 10:00 asked", "27 11:00 answered", "27 12:00 asked", "27 12:30 asked"], (1, 1), [], None),
    (["27 10:00 asked", "27 11:00 answered", "27 12:00 asked", "27 12:30 asked",
      "27 14:00 answered", "27 15:00 asked", "27 16:00 answered"], (1, 1), [(2, 2), (1, 1)], None),
    (["27 10:00 asked", "27 11:00 answered", "27 11:00 closed"], (1, 1), [], (1, 1)),
    (["27 10:00 asked", "27 11:00 closed"], None, [], (1, 1)),
    (["27 10:00 asked", "30 11:00 closed"], None, [], (73, 9)),
    (["27 10:00 asked", "27 11:00 closed", "27 12:00 asked", "27 13:00 answered"], (1, 1), [],
     None),
    (["27 10:00 asked", "27 11:00 answered", "27 12:00 closed", "27 14:00 asked",
      "27 15:00 answered", "27 16:00 closed"], (1, 1), [(1, 1)], (4, 4)),
    (["27 10:00 asked", "27 12:00 closed", "27 14:00 reopened"], None, [], None),
    (["27 10:00 asked", "27 12:00 closed", "27 14:00 reopened", "27 15:00 closed"], None, [],
     (3, 3)),
    (["27 10:00 asked", "27 11:00 waits", "27 14:00 resumed", "27 15:00 closed"], None, [],
     (5, 5)),
    (["27 11:00 answered", "27 10:00 asked"], (1, 1), [], None),
    (["27 09:00 answered", "27 10:00 asked", "27 11:00 answered"], None, [(1, 1)], None),
    (["2026-12-24T11:00 asked", "2026-12-28T10:00 answered"], (95, 2), [], None),
    (["2026-12-24T13:00 asked", "2026-12-26T10:00 answered"], (45, 0), [], None),
]  # fmt: skip


@pytest.mark.parametrize(("told", "first", "following", "resolution"), MEASURED)
def test_times(told: list[str], first: Spent, following: list[Spent], resolution: Spent) -> None:
    times = measure(events(*told), OFFICE)
    assert spent(times.first_response) == first
    assert [spent(each) for each in times.next_responses] == following
    assert spent(times.resolution) == resolution


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        # forward on 2026-03-29: the night has 23 hours; 02:00 to 03:00 is no opening time
        ("2026-03-28T23:00", "2026-03-29T03:00", (4, 2)),
        ("2026-03-28T12:00", "2026-03-29T12:00", (24, 2)),
        # back on 2026-10-25: the hour from 02:00 comes twice
        ("2026-10-24T22:00", "2026-10-25T04:00", (6, 4)),
    ],
)
def test_times_over_clock_changes(asked: str, answered: str, expected: Spent) -> None:
    night = Schedule(BERLIN, parse_week("sun 01:00-04:00"))
    times = measure(events(f"{asked} asked", f"{answered} answered"), night)
    assert spent(times.first_response) == expected


FIRST = Targets(first_response=4 * HOUR, next_response=2 * HOUR, resolution=16 * HOUR)
WALL = Targets(first_response=4 * HOUR, resolution=48 * HOUR, business=False)
RUNS_ON = Targets(resolution=8 * HOUR, stands_while_waiting=False)

DUE: list[tuple[list[str], Targets, list[tuple[str, str]]]] = [
    ([], FIRST, []),
    (["27 10:00 asked"], FIRST, [("first_response", "27 14:00"),
     ("resolution", "2026-12-01T10:00")]),
    (["27 16:00 asked"], FIRST, [("first_response", "30 12:00"),
     ("resolution", "2026-12-01T16:00")]),
    (["27 13:00 asked"], Targets(first_response=4 * HOUR), [("first_response", "27 17:00")]),
    (["27 16:00 asked"], WALL, [("first_response", "27 20:00"), ("resolution", "29 16:00")]),
    (["27 10:00 asked", "27 12:00 asked"], Targets(first_response=4 * HOUR),
     [("first_response", "27 14:00")]),
    (["27 10:00 asked", "27 11:00 answered"], Targets(first_response=HOUR), []),
    (["27 10:00 asked", "27 11:00 answered", "27 16:00 asked"],
     Targets(first_response=HOUR, next_response=2 * HOUR), [("next_response", "30 10:00")]),
    (["27 10:00 asked", "27 11:00 closed"], FIRST, []),
    (["27 10:00 asked", "27 11:00 closed", "27 12:00 asked"], FIRST,
     [("first_response", "27 16:00"), ("resolution", "2026-12-01T11:00")]),
    (["27 10:00 asked", "27 11:00 answered", "27 11:00 waits"], FIRST, []),
    (["27 10:00 asked", "27 11:00 waits"], RUNS_ON, [("resolution", "30 10:00")]),
    (["27 10:00 asked", "27 11:00 answered", "27 11:00 waits", "30 09:00 resumed"],
     Targets(resolution=2 * HOUR), [("resolution", "30 10:00")]),
    (["27 09:00 asked", "27 16:00 waits", "30 09:00 resumed"], Targets(resolution=2 * HOUR),
     [("resolution", "30 09:00")]),
    (["2026-12-24T11:00 asked"], Targets(first_response=2 * HOUR),
     [("first_response", "2026-12-28T10:00")]),
    (["27 10:00 asked"], Targets(), []),
]  # fmt: skip


@pytest.mark.parametrize(("told", "targets", "expected"), DUE)
def test_what_is_due_when(
    told: list[str], targets: Targets, expected: list[tuple[str, str]]
) -> None:
    found = [(each.goal, each.at) for each in due(events(*told), targets, OFFICE)]
    assert found == [(goal, at(when)) for goal, when in expected]


def test_a_queue_that_never_opens_has_goals_that_never_come_due() -> None:
    goals = due(events("27 10:00 asked"), FIRST, NEVER)
    assert [(each.goal, each.at) for each in goals] == [
        ("first_response", None),
        ("resolution", None),
    ]
    assert [one.warn_at for one in clocks(events("27 10:00 asked"), FIRST, NEVER)] == [None, None]


@pytest.mark.parametrize(
    ("asked", "before", "warned", "due_at"),
    [
        ("27 16:00", HOUR, "30 11:00", "30 12:00"),
        ("27 16:00", timedelta(0), "30 12:00", "30 12:00"),
        # Longer before than there is time: at once.
        ("27 16:00", 10 * HOUR, "27 16:00", "30 12:00"),
        ("28 16:00", HOUR, "30 12:00", "30 13:00"),
    ],
)
def test_when_somebody_wants_to_know(
    asked: str, before: timedelta, warned: str, due_at: str
) -> None:
    targets = Targets(first_response=4 * HOUR, warn_before=before)
    first, whole = clocks(events(f"{asked} asked"), targets, OFFICE)
    assert (first.warn_at, first.due_at) == (at(warned), at(due_at))
    assert (whole.warn_at, whole.due_at) == (None, None)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(get_args(What))), max_size=12),
    st.sampled_from([OFFICE, ALWAYS, NEVER]),
)
def test_opening_hours_never_count_more_than_the_clock(
    told: list[tuple[int, What]], schedule: Schedule
) -> None:
    history = [Event(at("25 00:00") + timedelta(seconds=each), what) for each, what in told]
    times = measure(history, schedule)
    for took in (times.first_response, *times.next_responses, times.resolution):
        if took is not None:
            assert 0 <= took.business <= took.wall
            assert took.since <= took.until
            assert schedule is not NEVER or took.business == 0
            assert schedule is not ALWAYS or took.business == took.wall
    goals = due(history, FIRST, schedule)
    assert len({each.goal for each in goals}) == len(goals) <= 2
    assert all(each.at is None or each.at >= each.began.replace(tzinfo=UTC) for each in goals)


def test_clocks_are_every_wait_and_the_whole() -> None:
    told = events(
        "27 10:00 asked", "27 11:00 asked", "27 12:00 answered", "27 12:00 waits",
        "27 13:00 asked", "27 13:00 resumed", "27 13:30 closed", "27 16:30 asked",
    )  # fmt: skip
    targets = Targets(first_response=HOUR, next_response=HOUR, resolution=8 * HOUR)
    found = clocks(told, targets, OFFICE)
    assert [
        (one.goal, one.ordinal, one.reached, one.business_seconds, one.due_at) for one in found
    ] == [
        ("first_response", 1, True, 7200, None),
        ("next_response", 2, False, 1800, None),
        ("next_response", 3, False, None, at("30 09:30")),
        # Two hours and a half are used up, without those in which it was waited or closed.
        ("resolution", 1, False, None, at("30 14:00")),
    ]
    assert [one.target_seconds for one in found] == [3600, 3600, 3600, 8 * 3600]


def test_a_conversation_in_which_nobody_asks_has_no_clocks() -> None:
    assert clocks(events("27 10:00 closed"), Targets(), OFFICE) == ()
