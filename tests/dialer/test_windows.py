"""Calling windows: the table of moments, and what must hold of every window."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows_table import PLACES, UK_OFCOM, US_FTC

from ccmiddleware.dialer.holidays import Holiday
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profile_files import builtin, parse_profile
from ccmiddleware.dialer.windows import CampaignHours, calling, lawful_from
from ccmiddleware.queues.hours import parse_week


def _places() -> dict[str, Place]:
    found = {}
    for line in PLACES.strip().splitlines():
        name, states, *zones = (part for part in line.split("  ") if part.strip())
        rest = " ".join(zones).split()
        codes = () if states.strip() == "-" else tuple(states.strip().split(","))
        country = codes[0][:2] if codes else "US"
        found[name.strip()] = Place(country, tuple(rest), codes)
    return found


HERE = _places()


def moment(text: str, place: Place) -> datetime:
    """A moment as the table has it; the weekday must be right."""
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y-%m-%d %H:%MZ").replace(tzinfo=UTC)
    weekday, _, rest = text.partition(" ")
    local = datetime.strptime(rest, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(place.zones[0]))
    assert f"{local:%a}" == weekday, text
    return local


def _rows(table: str, profile: str) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for line in table.strip().splitlines():
        if not line.startswith("#"):
            name, at, expected, why = (part.strip() for part in line.split(";"))
            rows.append((profile, name, at, expected, why))
    return rows


ROWS = _rows(US_FTC, "us-ftc") + _rows(UK_OFCOM, "uk-ofcom")


def test_the_table_is_large_and_says_nothing_twice() -> None:
    assert len(ROWS) >= 200
    assert len({row[:3] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("profile", "name", "at", "expected", "why"), ROWS)
def test_window(profile: str, name: str, at: str, expected: str, why: str) -> None:
    place = HERE[name]
    found = calling(place, builtin(profile), moment(at, place))
    assert found.lawful == (expected == "open"), found.reasons
    assert any(why in reason for reason in found.reasons), found.reasons
    assert found.rule


# place, moment, when it is lawful next, which rule decides
NEXT = [
    ("Miami", "Tue 2026-03-10 20:00", "2026-03-11 12:00Z", "501.616"),
    ("Atlanta", "Sat 2026-03-07 21:00", "2026-03-08 12:00Z", "47 CFR 64.1200"),
    ("Atlanta", "Sat 2026-10-31 21:00", "2026-11-01 13:00Z", "47 CFR 64.1200"),
    ("New Orleans", "Wed 2026-11-25 20:00", "2026-11-28 14:00Z", "General Order R-29617"),
    ("New Orleans", "Thu 2026-11-26 12:00", "2026-11-28 14:00Z", "R.S. 1:55"),
    ("Providence", "Fri 2026-07-03 18:00", "2026-07-07 13:00Z", "5-61-2"),
    ("Provo", "Sat 2026-12-26 21:00", "2026-12-28 15:00Z", "13-25a-103"),
    ("Sailor", "2026-01-16 02:00Z", "2026-01-16 18:00Z", "47 CFR 64.1200"),
    ("Antipodes", "2026-01-15 02:00Z", "2026-01-16 00:00Z", "47 CFR 64.1200"),
    ("Houston", "Sat 2026-03-14 21:00", "2026-03-15 17:00Z", "301.051"),
]


@pytest.mark.parametrize(("name", "at", "opens", "rule"), NEXT)
def test_when_it_is_lawful_next(name: str, at: str, opens: str, rule: str) -> None:
    place = HERE[name]
    found = calling(place, builtin("us-ftc"), moment(at, place))
    assert not found.lawful
    assert found.opens_at == moment(opens, place)
    assert found.open_until is None
    assert rule in found.rule


ENDS = [
    ("Miami", "Tue 2026-03-10 12:00", "2026-03-11 00:00Z", "501.616"),
    ("Panhandle", "Tue 2026-03-10 12:00", "2026-03-11 00:00Z", "501.616"),
    ("Pensacola", "Tue 2026-03-10 12:00", "2026-03-11 01:00Z", "501.616"),
    ("Moved", "2026-07-15 15:00Z", "2026-07-16 00:00Z", "501.616"),
    ("Atlanta", "2026-03-08 12:00Z", "2026-03-09 01:00Z", "47 CFR 64.1200"),
    ("Atlanta", "2026-11-01 13:00Z", "2026-11-02 02:00Z", "47 CFR 64.1200"),
]


@pytest.mark.parametrize(("name", "at", "closes", "rule"), ENDS)
def test_until_when_it_is_lawful(name: str, at: str, closes: str, rule: str) -> None:
    place = HERE[name]
    found = calling(place, builtin("us-ftc"), moment(at, place))
    assert found.open_until == moment(closes, place)
    assert found.opens_at is None
    assert rule in found.rule


def test_there_may_be_no_lawful_moment_at_all() -> None:
    place = Place("US", ("America/New_York", "Pacific/Guam"), ("US-RI",))
    found = calling(place, builtin("us-ftc"), datetime(2026, 3, 10, 12, tzinfo=UTC))
    assert (found.lawful, found.opens_at) == (False, None)


def test_a_moment_must_have_a_zone() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        calling(HERE["Miami"], builtin("us-ftc"), datetime(2026, 3, 10, 12))  # noqa: DTZ001


# -- a campaign's own hours ---------------------------------------------------------------------

OWN = [
    # week, zone, moment (Miami), expected, reason
    ("mon-fri 10:00-18:00", None, "Tue 2026-03-10 09:59", False, "the campaign allows calls"),
    ("mon-fri 10:00-18:00", None, "Tue 2026-03-10 10:00", True, "the campaign allows calls until"),
    ("mon-fri 10:00-18:00", None, "Sat 2026-03-14 12:00", False, "Saturdays: none"),
    ("mon-sun 06:00-23:00", None, "Tue 2026-03-10 07:59", False, "the law"),
    ("mon-sun 06:00-23:00", None, "Tue 2026-03-10 19:59", True, "US-FL"),
    ("mon-fri 09:00-17:00", "Europe/Berlin", "Tue 2026-03-10 11:59", True, "Europe/Berlin"),
    ("mon-fri 09:00-17:00", "Europe/Berlin", "Tue 2026-03-10 12:00", False, "Europe/Berlin"),
    ("mon-sun 10:00-12:00,13:00-18:00", None, "Tue 2026-03-10 12:30", False, "10:00-12:00,13:00"),
    ("mon-sun 22:00-10:00", None, "Tue 2026-03-10 09:59", True, "until 10:00"),
    ("mon-sun 22:00-10:00", None, "Tue 2026-03-10 10:00", False, "the campaign"),
]


RECORDED = [
    # place, moment, lawful for calls in which only a recording speaks, lawful for others
    ("Los Angeles", "Tue 2026-03-10 08:30", False, True),
    ("Los Angeles", "Tue 2026-03-10 09:00", True, True),
    ("Los Angeles", "Tue 2026-03-10 20:59", True, True),
    ("Chicago", "Tue 2026-03-10 08:30", False, True),
    ("Tulsa", "Tue 2026-03-10 08:30", False, True),
    ("Tulsa", "Tue 2026-03-10 20:00", False, False),
    ("Atlanta", "Tue 2026-03-10 08:30", True, True),
]


@pytest.mark.parametrize(("name", "at", "recorded", "live"), RECORDED)
def test_hours_of_recorded_calls(name: str, at: str, recorded: bool, live: bool) -> None:
    place, law = HERE[name], builtin("us-ftc")
    agentless = CampaignHours(recorded=True)
    assert calling(place, law, moment(at, place), agentless).lawful is recorded
    assert calling(place, law, moment(at, place), CampaignHours()).lawful is live
    assert calling(place, law, moment(at, place)).lawful is live


def test_the_first_lawful_moment_from_one_on() -> None:
    place, law = HERE["Miami"], builtin("us-ftc")
    noon, night = (moment(f"Tue 2026-03-10 {text}", place) for text in ("12:00", "23:00"))
    assert lawful_from(place, law, noon) == noon
    assert lawful_from(place, law, night) == moment("2026-03-11 12:00Z", place)
    never = Place("US", ("America/New_York", "Pacific/Guam"), ("US-RI",))
    assert lawful_from(never, law, noon) is None


@pytest.mark.parametrize(("week", "zone", "at", "expected", "why"), OWN)
def test_hours_of_a_campaign(
    week: str, zone: str | None, at: str, expected: bool, why: str
) -> None:
    place = HERE["Miami"]
    own = CampaignHours(parse_week(week), zone=zone)
    found = calling(place, builtin("us-ftc"), moment(at, place), own)
    assert found.lawful is expected
    assert any(why in reason for reason in found.reasons), found.reasons


def test_holidays_of_a_campaign_close_it_from_midnight_to_midnight() -> None:
    place = HERE["Atlanta"]
    own = CampaignHours(holidays=(Holiday("our day", "2026-03-11"),))
    law = builtin("us-ftc")
    closed = calling(place, law, moment("Wed 2026-03-11 12:00", place), own)
    assert not closed.lawful
    assert closed.reasons == (
        "2026-03-11 is our day in America/New_York, when the campaign allows no calls",
    )
    assert closed.opens_at == moment("2026-03-12 12:00Z", place)
    assert calling(place, law, moment("Thu 2026-03-12 12:00", place), own).lawful


def _night(week: str = "mon-sun 01:30-05:00") -> str:
    """A profile with such hours; all else as in the US."""
    from importlib.resources import files

    text = files("ccmiddleware.dialer").joinpath("profiles", "us-ftc.toml").read_text()
    return text.replace("mon-sun 08:00-21:00", week)


# New York: 2026-03-08 02:00 EST becomes 03:00 EDT; 2026-11-01 02:00 EDT becomes 01:00 EST.
NIGHTS = [
    # hours, moment, lawful
    ("mon-sun 02:30-05:00", "2026-03-08 06:59Z", False),  # 01:59 EST
    ("mon-sun 02:30-05:00", "2026-03-08 07:00Z", True),  # 03:00 EDT: 02:30 does not exist
    ("mon-sun 00:30-02:30", "2026-03-08 06:59Z", True),
    ("mon-sun 00:30-02:30", "2026-03-08 07:00Z", False),
    ("mon-sun 02:10-02:50", "2026-03-08 07:00Z", False),  # no such hours on that day
    ("mon-sun 02:10-02:50", "2026-03-07 07:20Z", True),
    ("mon-sun 01:30-05:00", "2026-11-01 05:30Z", False),  # 01:30 EDT, the first time
    ("mon-sun 01:30-05:00", "2026-11-01 06:29Z", False),
    ("mon-sun 01:30-05:00", "2026-11-01 06:30Z", True),  # 01:30 EST, the second time
    ("mon-sun 00:00-01:30", "2026-11-01 05:29Z", True),
    ("mon-sun 00:00-01:30", "2026-11-01 05:30Z", False),  # 01:30 EDT closes
    ("mon-sun 00:00-01:30", "2026-11-01 06:15Z", False),  # 01:15 EST
    ("mon-sun 00:00-05:00", "2026-11-01 05:45Z", True),
    ("mon-sun 00:00-05:00", "2026-11-01 06:45Z", True),
    ("mon-sun 22:00-02:00", "2026-11-01 03:00Z", True),  # 23:00 EDT of Saturday
]


@pytest.mark.parametrize(("week", "at", "lawful"), NIGHTS)
def test_hours_in_the_night_when_clocks_change(week: str, at: str, lawful: bool) -> None:
    place = HERE["Atlanta"]
    profile = parse_profile(_night(week), "night")
    assert calling(place, profile, moment(at, place)).lawful is lawful


def test_hours_that_go_on_after_midnight_are_one_stretch() -> None:
    place = HERE["Atlanta"]
    profile = parse_profile(_night("mon 12:00-24:00; tue 00:00-03:00"), "night")
    found = calling(place, profile, moment("Mon 2026-06-08 13:00", place))
    assert found.open_until == moment("2026-06-09 07:00Z", place)


def test_hours_that_never_end_have_no_end() -> None:
    place = HERE["Atlanta"]
    profile = parse_profile(_night("mon-sun 00:00-24:00"), "always")
    for at in ("2026-06-08 13:00Z", "2027-06-08 13:00Z"):
        found = calling(place, profile, moment(at, place))
        assert (found.lawful, found.changes_at) == (True, None)


# -- what must always hold ------------------------------------------------------------------------

MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
STATES = sorted({*builtin("us-ftc").states, "US-GA"})
ZONES = ["America/New_York", "America/Chicago", "America/Phoenix", "America/St_Johns"]
SOMEWHERE = st.builds(
    lambda zones, states: Place("US", tuple(sorted(zones)), tuple(sorted(states))),
    st.sets(st.sampled_from(ZONES), min_size=1),
    st.sets(st.sampled_from(STATES), max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(SOMEWHERE, MOMENTS)
def test_a_place_is_open_exactly_when_all_its_parts_are(place: Place, at: datetime) -> None:
    parts = [
        Place("US", (zone,), (state,) if state else ())
        for zone in place.zones
        for state in place.states or ("",)
    ]
    law = builtin("us-ftc")
    assert calling(place, law, at).lawful == all(calling(part, law, at).lawful for part in parts)


@settings(max_examples=150, deadline=None)
@given(SOMEWHERE, MOMENTS)
def test_it_changes_when_it_is_said_to_and_not_before(place: Place, at: datetime) -> None:
    law = builtin("us-ftc")
    now = calling(place, law, at)
    if now.changes_at is None:
        return
    assert now.changes_at > at
    assert calling(place, law, now.changes_at).lawful is not now.lawful
    assert calling(place, law, now.changes_at - timedelta(seconds=1)).lawful is now.lawful
    middle = at + (now.changes_at - at) / 2
    assert calling(place, law, middle).lawful is now.lawful


@settings(max_examples=100, deadline=None)
@given(SOMEWHERE, MOMENTS, st.integers(8, 20), st.integers(1, 12))
def test_a_stricter_profile_is_never_wider(
    place: Place, at: datetime, opens: int, hours: int
) -> None:
    week = f"mon-sat {opens:02}:00-{min(opens + hours, 21):02}:00"
    own = parse_profile(
        f'builds_on = "us-ftc"\n[window]\nweek = {{ value = "{week}", source = "ours" }}\n', "own"
    )
    if calling(place, own, at).lawful:
        assert calling(place, builtin("us-ftc"), at).lawful
