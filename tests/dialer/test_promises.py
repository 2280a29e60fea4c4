"""When a callback may be promised, and which agent keeps it: a table each."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ccmiddleware.dialer.permits import Rules
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.promises import Due, assigned, check_time, there
from ccmiddleware.dialer.settings import campaign_hours, parse_changes
from ccmiddleware.dialer.values import InvalidCampaign

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
MIAMI = Place("US", ("America/New_York",), ("US-FL",))
WIDE = Place("US", ("America/New_York", "America/Los_Angeles"), ())
ALABAMA = Place("US", ("America/Chicago",), ("US-AL",))


def rules(*settings: str) -> Rules:
    hours = campaign_hours(parse_changes(settings))
    return Rules(builtin("us-ftc"), hours, None, timedelta(seconds=25))


def utc(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "at", "settings", "words"),
    [
        (MIAMI, utc(1, 15), (), None),
        (MIAMI, NOW, (), None),
        (MIAMI, NOW - timedelta(seconds=30), (), None),
        (MIAMI, NOW - timedelta(minutes=5), (), "is over"),
        (MIAMI, NOW + timedelta(days=400), (), "days away"),
        (MIAMI, utc(2, 0, 59), (), None),  # 19:59 on Tuesday; Florida ends at 20:00
        (MIAMI, utc(2, 1), (), "next time at which one may is 2026-12-02 08:00 EST"),
        (MIAMI, utc(1, 12, 59), (), "2026-12-01 08:00 EST"),
        # Not before 8:00 in the west, not after 21:00 in the east.
        (WIDE, utc(1, 15, 59), (), "2026-12-01 11:00 EST or 2026-12-01 08:00 PST"),
        (WIDE, utc(1, 16), (), None),
        (WIDE, utc(2, 2), (), "2026-12-02 11:00 EST or 2026-12-02 08:00 PST"),
        (ALABAMA, utc(6, 18), (), "2026-12-07 08:00 CST"),  # a Sunday
        (ALABAMA, utc(25, 18), (), "2026-12-26 08:00 CST"),  # Christmas
        (MIAMI, utc(1, 15), ("hours=mon-fri 18:00-19:00",), "2026-12-01 18:00 EST"),
        (MIAMI, utc(1, 23, 30), ("hours=mon-fri 18:00-19:00",), None),
    ],
)
def test_a_promise_is_for_a_lawful_time(
    place: Place, at: datetime, settings: tuple[str, ...], words: str | None
) -> None:
    if words is None:
        check_time(at, NOW, place, rules(*settings))
    else:
        with pytest.raises(InvalidCampaign, match=words):
            check_time(at, NOW, place, rules(*settings))


def test_times_are_told_by_the_clocks_of_the_party() -> None:
    assert there(MIAMI, NOW) == "2026-11-30 10:00 EST"


def due(number: int, agent: str = "", *, anybody: bool | None = None) -> Due:
    return Due(UUID(int=number), number, 1, "+1", agent, not agent if anybody is None else anybody)


@pytest.mark.parametrize(
    ("promises", "free", "found"),
    [
        ([due(1), due(2)], [], []),
        ([due(1), due(2), due(3)], ["ann", "bob"], [(1, ""), (2, "")]),
        ([due(1, "ann")], ["bob"], []),
        ([due(1, "ann")], ["bob", "ann"], [(1, "ann")]),
        # Whoever promised one keeps it, though somebody waits longer.
        ([due(1), due(2, "ann")], ["ann"], [(2, "ann")]),
        ([due(1), due(2, "ann")], ["ann", "bob"], [(1, ""), (2, "ann")]),
        ([due(1, "ann"), due(2, "ann")], ["ann", "bob"], [(1, "ann")]),
        # Its time is over: for anybody, but for its own agent if that one is there.
        ([due(1, "ann", anybody=True)], ["bob"], [(1, "")]),
        ([due(1, "ann", anybody=True)], ["bob", "ann"], [(1, "ann")]),
        ([due(1, "ann", anybody=True), due(2, "ann")], ["ann", "bob"], [(1, "ann")]),
    ],
)
def test_who_keeps_which_promise(
    promises: list[Due], free: list[str], found: list[tuple[int, str]]
) -> None:
    assert [(one.lead, agent) for one, agent in assigned(promises, free)] == found
