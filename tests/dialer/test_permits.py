"""Which places may be called now, and what is asked of Postgres about a lead."""

from datetime import UTC, datetime, timedelta

import pytest

from ccmiddleware.dialer.permits import Rules, ask, openings, opens_at
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.profiles import Cap
from ccmiddleware.dialer.settings import campaign_hours
from ccmiddleware.dialer.windows import CampaignHours
from ccmiddleware.queues.hours import parse_week

US = builtin("us-ftc")
MIAMI = Place("US", ("America/New_York",), ("US-FL",))
CHICAGO = Place("US", ("America/Chicago",), ("US-IL",))
EITHER = Place("US", ("America/Chicago", "America/New_York"), ("US-FL",))
PLACES = {1: MIAMI, 2: CHICAGO, 3: EITHER}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rules(hours: CampaignHours | None = None, cap: Cap | None = None, ring: int = 25) -> Rules:
    return Rules(US, hours or campaign_hours({}), cap, timedelta(seconds=ring))


# Monday, 30 November 2026: New York is UTC-5, Chicago UTC-6. Florida ends at 20:00.
@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2026-11-30 12:59:59", set()),
        ("2026-11-30 13:00:00", {1}),
        ("2026-11-30 13:59:59", {1}),
        ("2026-11-30 14:00:00", {1, 2, 3}),
        ("2026-12-01 00:59:00", {1, 2, 3}),
        ("2026-12-01 00:59:36", {2}),  # it might ring until after the end
        ("2026-12-01 01:00:00", {2}),
        ("2026-12-01 02:59:34", {2}),
        ("2026-12-01 02:59:36", set()),
    ],
)
def test_places_that_may_be_called(at: str, opened: set[int]) -> None:
    assert set(openings(PLACES, rules(), utc(at))) == opened


def test_an_opening_knows_its_end_and_its_caps() -> None:
    found = openings(PLACES, rules(cap=Cap(5, 48, "the campaign")), utc("2026-11-30 15:00:00"))
    assert found[1].until == utc("2026-12-01 01:00:00")
    assert {(cap.calls, cap.hours) for cap in found[1].caps} == {(3, 24), (5, 48)}
    assert {(cap.calls, cap.hours) for cap in found[2].caps} == {(5, 48)}
    asked = ask(7, 1, found[1], US, caller_id="+12025550100", trunk="one", chance=0.25)
    assert asked["open_until"] == "2026-12-01T01:00:00+00:00"
    assert sorted(cap["calls"] for cap in asked["caps"]) == [3, 5]
    assert all(cap["source"] for cap in asked["caps"])
    assert (asked["lead"], asked["place"], asked["trunk"]) == (7, 1, "one")


def test_own_hours_narrow_and_never_widen() -> None:
    evening = CampaignHours(parse_week("mon-sun 18:00-23:00"))
    assert openings(PLACES, rules(evening), utc("2026-11-30 15:00:00")) == {}
    late = openings(PLACES, rules(evening), utc("2026-12-01 00:30:00"))
    assert late[1].until == utc("2026-12-01 01:00:00")
    assert late[2].until == utc("2026-12-01 03:00:00")


def test_when_nothing_is_open_the_next_opening_is_known() -> None:
    at = utc("2026-11-30 04:00:00")
    assert openings(PLACES, rules(), at) == {}
    assert opens_at(PLACES, rules(), at) == utc("2026-11-30 13:00:00")
    assert opens_at({}, rules(), at) is None
