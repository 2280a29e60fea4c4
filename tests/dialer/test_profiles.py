"""Profiles: what is in those of the package, what a file may say, and what is refused."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from ccmiddleware.dialer.areas import tables
from ccmiddleware.dialer.profile_files import BUILTIN, builtin, parse_profile
from ccmiddleware.dialer.profile_rows import rows
from ccmiddleware.dialer.profiles import InvalidProfile, Profile, values_of
from ccmiddleware.dialer.stricter import within
from ccmiddleware.queues.hours import parse_week, show_week


def own(text: str, on: str = "us-ftc") -> Profile:
    return parse_profile(f'builds_on = "{on}"\nversion = "7"\n{text}', "acme")


def refused(text: str, on: str = "us-ftc") -> str:
    with pytest.raises(InvalidProfile) as raised:
        own(text, on)
    return str(raised.value)


# -- those of the package -----------------------------------------------------------------------

# profile, key, value: as docs/compliance.md and the law have it
VALUES = [
    ("us-ftc", "abandonment.limit", 0.03),
    ("us-ftc", "abandonment.period", 30),
    ("us-ftc", "abandonment.safe_harbour", True),
    ("us-ftc", "abandonment.ring_seconds", 15),
    ("us-ftc", "abandonment.agent_seconds", 2.0),
    ("us-ftc", "abandonment.message", True),
    ("us-ftc", "abandonment.opt_out_key", True),
    ("us-ftc", "waits.after_drop_hours", 0),
    ("us-ftc", "waits.after_machine_hours", 0),
    ("us-ftc", "dnc.honour_business_days", 10),
    ("us-ftc", "dnc.scrub_days", 31),
    ("us-ftc", "caller_id.required", True),
    ("us-ftc", "records.years", 5),
    ("uk-ofcom", "abandonment.period", 1),
    ("uk-ofcom", "abandonment.safe_harbour", False),
    ("uk-ofcom", "abandonment.ring_seconds", 15),
    ("uk-ofcom", "abandonment.agent_seconds", 2.0),
    ("uk-ofcom", "waits.after_drop_hours", 72),
    ("uk-ofcom", "waits.after_machine_hours", 24),
    ("uk-ofcom", "dnc.scrub_days", 28),
    ("uk-ofcom", "caller_id.required", True),
]


@pytest.mark.parametrize(("name", "key", "value"), VALUES)
def test_value(name: str, key: str, value: float) -> None:
    assert values_of(builtin(name).terms)[key].value == value


HOURS = [
    # state, hours, and calls to one number in a day; compliance.md names these
    ("", "mon-sun 08:00-21:00", None),
    ("US-FL", "mon-sun 08:00-20:00", (3, 24)),
    ("US-AL", "mon-sat 08:00-20:00", None),
    ("US-LA", "mon-sat 08:00-20:00", None),
    ("US-MA", "mon-sun 08:00-20:00", None),
    ("US-MD", "mon-sun 08:00-20:00", (3, 24)),
    ("US-MS", "mon-sat 08:00-20:00", None),
    ("US-OK", "mon-sun 08:00-20:00", (3, 24)),
    ("US-CT", "mon-sun 09:00-20:00", None),
    ("US-NV", "mon-sun 09:00-20:00", None),
    ("US-RI", "mon-fri 09:00-18:00; sat 10:00-17:00", None),
    ("US-TX", "mon-sat 09:00-21:00; sun 12:00-21:00", None),
]


@pytest.mark.parametrize(("state", "week", "cap"), HOURS)
def test_hours_and_caps_of_states(state: str, week: str, cap: tuple[int, int] | None) -> None:
    profile = builtin("us-ftc")
    law = profile.states[state] if state else profile.everywhere
    assert [show_week(rule.value) for rule in law.weeks] == [week]
    assert [(each.calls, each.hours) for each in law.caps] == ([cap] if cap else [])


@pytest.mark.parametrize("name", BUILTIN)
def test_everything_has_its_source(name: str) -> None:
    profile = builtin(name)
    laws = [profile.everywhere, *profile.states.values()]
    sources = [rule.source for rule in values_of(profile.terms).values()]
    sources += [rule.source for law in laws for rule in law.weeks]
    sources += [rule.source for law in laws for rule in law.holidays]
    sources += [cap.source for law in laws for cap in law.caps]
    assert all(sources)
    assert len(sources) >= 17
    assert set(profile.states) <= set(tables().states)


def test_no_state_is_wider_than_the_federal_law() -> None:
    profile = builtin("us-ftc")
    (federal,) = profile.everywhere.weeks
    for state, law in profile.states.items():
        for rule in law.weeks:
            assert within(rule.value, federal.value), state


HONOUR = [
    # profile, asked on, last day
    ("us-ftc", "2026-11-02", "2026-11-17"),
    ("us-ftc", "2026-11-20", "2026-12-07"),
    ("us-ftc", "2026-12-18", "2027-01-05"),  # Christmas and New Year's Day between
    ("uk-ofcom", "2026-11-02", "2026-11-02"),
]


@pytest.mark.parametrize(("name", "asked", "last"), HONOUR)
def test_until_when_a_wish_not_to_be_called_is_honoured(name: str, asked: str, last: str) -> None:
    found = builtin(name).honour_by(date.fromisoformat(asked))
    assert found == date.fromisoformat(last)


def test_a_profile_as_rows_for_people() -> None:
    found = {row.key: row for row in rows(builtin("us-ftc"))}
    assert found["window.week"].value == "mon-sun 08:00-21:00"
    assert found["abandonment.period"].value == "30 days"
    assert found["abandonment.message"].value == "yes"
    assert found["states.US-FL.cap"].value == "3 calls in 24 hours"
    assert "Pioneer Day (july 24" in found["states.US-UT.holidays"].value
    assert found["states.US-CA.recorded_week"].source == "Cal. Pub. Util. Code 2872(c)"
    assert all(row.source for row in found.values())
    assert {row.key: row.value for row in rows(builtin("uk-ofcom"))}["abandonment.period"] == (
        "a day, midnight to midnight"
    )


def test_every_file_of_the_package_is_a_profile() -> None:
    folder = Path(str(files("ccmiddleware.dialer").joinpath("profiles")))
    assert {path.stem for path in folder.glob("*.toml")} == set(BUILTIN)


def test_a_name_that_is_none() -> None:
    with pytest.raises(InvalidProfile, match="there are us-ftc, uk-ofcom"):
        builtin("us")


# -- building on one --------------------------------------------------------------------------


def test_a_profile_that_says_nothing_is_as_what_it_builds_on() -> None:
    profile = own("")
    assert profile.terms == builtin("us-ftc").terms
    assert profile.states == builtin("us-ftc").states
    assert profile.label == "acme 7 on us-ftc 2026-11-28"
    assert builtin("us-ftc").label == "us-ftc 2026-11-28"


def test_stricter_values_replace_and_hours_holidays_and_caps_are_added() -> None:
    profile = own("""
        closed = { value = ["our-day"], source = "the works council" }
        [window]
        week = { value = "mon-fri 09:00-19:00", source = "our promise" }
        [cap]
        calls = 2
        hours = 24
        source = "our promise"
        [abandonment]
        limit = { value = 0.01, source = "our promise" }
        period = { value = "day", source = "our promise" }
        [states.US-FL]
        week = { value = "mon-fri 10:00-18:00", source = "our promise" }
        [states.US-GA]
        holidays = { value = ["labor"], source = "our promise" }
        [holidays]
        our-day = { name = "Founders' day", on = "march 3" }
    """)
    assert profile.terms.limit.value == 0.01
    assert profile.terms.period_days.value == 1
    assert profile.terms.ring_seconds == builtin("us-ftc").terms.ring_seconds
    assert len(profile.everywhere.weeks) == 2
    assert [cap.calls for cap in profile.everywhere.caps] == [2]
    assert [day.name for day in profile.everywhere.holidays[0].value] == ["Founders' day"]
    assert [show_week(rule.value) for rule in profile.states["US-FL"].weeks] == [
        "mon-sun 08:00-20:00",
        "mon-fri 10:00-18:00",
    ]
    assert [cap.calls for cap in profile.states["US-FL"].caps] == [3]
    assert profile.states["US-GA"].holidays[0].value[0].name == "Labor Day"
    assert profile.states["US-TX"] == builtin("us-ftc").states["US-TX"]


# text, what the message must have: key, both values, source
LOOSER = [
    ("[abandonment]\nlimit = { value = 0.05, source = 'x' }",
     ["abandonment.limit", "0.05", "0.03", "16 CFR 310.4(b)(4)(i)", "only be lower"]),
    ("[abandonment]\nperiod = { value = '60 days', source = 'x' }",
     ["abandonment.period", '"60 days"', '"30 days"', "only be the same"]),
    ("[abandonment]\nperiod = { value = '7 days', source = 'x' }",
     ["abandonment.period", '"7 days"', '"30 days"']),
    ("[abandonment]\nring_seconds = { value = 12, source = 'x' }",
     ["abandonment.ring_seconds", "12", "15", "only be higher"]),
    ("[abandonment]\nagent_seconds = { value = 3, source = 'x' }",
     ["abandonment.agent_seconds", "3.0", "2.0"]),
    ("[abandonment]\nmessage = { value = false, source = 'x' }",
     ["abandonment.message", "false", "true", "may not be turned off"]),
    ("[abandonment]\nopt_out_key = { value = false, source = 'x' }", ["abandonment.opt_out_key"]),
    ("[abandonment]\nprogressive_at = { value = 1, source = 'x' }", ["progressive_at", "0.97"]),
    ("[abandonment]\nstop_drops = { value = 11, source = 'x' }", ["stop_drops", "11", "10"]),
    ("[dnc]\nhonour_business_days = { value = 11, source = 'x' }", ["dnc.honour_business_days"]),
    ("[dnc]\nscrub_days = { value = 32, source = 'x' }", ["dnc.scrub_days", "32", "31"]),
    ("[detection]\nseconds = { value = 2.5, source = 'x' }", ["detection.seconds", "2.5"]),
    ("[caller_id]\nrequired = { value = false, source = 'x' }", ["caller_id.required"]),
    ("[records]\nyears = { value = 4, source = 'x' }", ["records.years", "4", "5"]),
    ("[window]\nweek = { value = 'mon-sun 07:00-20:00', source = 'x' }",
     ["window.week", "mon-sun 07:00-20:00", "mon-sun 08:00-21:00", "47 CFR 64.1200(c)(1)"]),
    ("[window]\nweek = { value = 'mon-sun 09:00-22:00', source = 'x' }", ["window.week"]),
    ("[states.US-FL]\nweek = { value = 'mon-sun 08:00-21:00', source = 'x' }",
     ["states.US-FL.week", "mon-sun 08:00-21:00", "mon-sun 08:00-20:00", "501.616"]),
    ("[states.US-AL]\nweek = { value = 'mon-sun 09:00-19:00', source = 'x' }",
     ["states.US-AL.week", "mon-sat 08:00-20:00"]),
    ("[states.US-CA]\nrecorded_week = { value = 'mon-sun 08:00-20:00', source = 'x' }",
     ["states.US-CA.recorded_week", "mon-sun 09:00-21:00", "2872(c)"]),
    ("[states.US-FL]\nrecorded_week = { value = 'mon-sun 09:00-21:00', source = 'x' }",
     ["states.US-FL.recorded_week", "mon-sun 08:00-20:00"]),
    ("[window]\nrecorded_week = { value = 'mon-sun 08:00-22:00', source = 'x' }",
     ["window.recorded_week", "mon-sun 08:00-21:00"]),
    ("[states.US-GA]\nweek = { value = 'mon-sun 07:00-20:00', source = 'x' }",
     ["states.US-GA.week", "47 CFR 64.1200"]),
    ("[states.US-FL]\ncap = { calls = 4, hours = 24, source = 'x' }",
     ["states.US-FL.cap", "4 calls in 24 hours", "3 calls in 24 hours", "501.616"]),
    ("[states.US-FL]\ncap = { calls = 3, hours = 12, source = 'x' }", ["3 calls in 12 hours"]),
    ("[business_days]\nholidays = { value = ['labor'], source = 'x' }", ["business_days.holidays"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), LOOSER)
def test_what_is_looser_is_refused(text: str, words: list[str]) -> None:
    message = refused(text)
    for word in words:
        assert word in message


STRICTER = [
    "[window]\nrecorded_week = { value = 'mon-fri 10:00-18:00', source = 'x' }",
    "[waits]\nafter_drop_hours = { value = 72, source = 'x' }",
    "[abandonment]\nperiod = { value = '30 days', source = 'x' }",
    "[abandonment]\nsafe_harbour = { value = false, source = 'x' }",
    "[states.US-FL]\ncap = { calls = 2, hours = 24, source = 'x' }",
    "[states.US-FL]\ncap = { calls = 3, hours = 48, source = 'x' }",
    "[states.US-FL]\ncap = { calls = 2, hours = 12, source = 'x' }",  # each stops other calls
    "[states.US-FL]\ncap = { calls = 3, hours = 24, source = 'x' }",
    "[cap]\ncalls = 10\nhours = 168\nsource = 'x'",
    "[window]\nweek = { value = 'mon-sun 08:00-21:00', source = 'x' }",
]


@pytest.mark.parametrize("text", STRICTER)
def test_what_is_as_strict_or_stricter_is_taken(text: str) -> None:
    assert own(text).name == "acme"


def test_caps_that_stop_different_calls_both_hold() -> None:
    profile = own("[states.US-FL]\ncap = { calls = 2, hours = 12, source = 'x' }")
    assert [(cap.calls, cap.hours) for cap in profile.states["US-FL"].caps] == [(3, 24), (2, 12)]


def test_a_day_can_not_become_thirty() -> None:
    text = "[abandonment]\nperiod = { value = '30 days', source = 'x' }"
    assert '"30 days" is looser than "day" of uk-ofcom' in refused(text, "uk-ofcom")


# text, what the message must have
WRONG = [
    ("[abandonment", ["is no TOML"]),
    ("[abandonement]\nlimit = 1", ["abandonement", "did you mean abandonment?"]),
    ("[abandonment]\nlimits = { value = 0.01, source = 'x' }", ["did you mean limit?"]),
    ("[abandonment]\nlimit = 0.01", ["abandonment.limit: must be a table with a value and its"]),
    ("[abandonment]\nlimit = { value = 0.01 }", ["abandonment.limit", "source"]),
    ("[abandonment]\nlimit = { value = 0.01, source = ' ' }", ["abandonment.limit", "source"]),
    ("[abandonment]\nlimit = { value = 3, source = 'x' }", ["number from 0 to 1 (it is 3)"]),
    ("[abandonment]\nlimit = { value = -0.1, source = 'x' }", ["number from 0 to 1"]),
    ("[abandonment]\nlimit = { value = '3 %', source = 'x' }", ["(it is '3 %')"]),
    ("[abandonment]\nlimit = { value = true, source = 'x' }", ["number from 0 to 1"]),
    ("[abandonment]\nring_seconds = { value = 15.5, source = 'x' }", ["whole number"]),
    ("[abandonment]\nmessage = { value = 1, source = 'x' }", ["true or false"]),
    ("[abandonment]\nperiod = { value = '0 days', source = 'x' }", ['"day" or a number of days']),
    ("[abandonment]\nlimit = { value = 0.01, source = 'x', why = 'y' }", ["limit.why"]),
    ("[window]\nweek = { value = 'monday 8-9', source = 'x' }", ["window.week", "is no day"]),
    ("[window]\nweeks = { value = 'mon 08:00-09:00', source = 'x' }", ["did you mean week?"]),
    ("[states.FL]\ncap = { calls = 1, hours = 1, source = 'x' }", ["states.FL", "US-FL"]),
    ("[states.US-XX]\n", ["'US-XX' is no state"]),
    ("[states]\nUS-FL = 3", ["states.US-FL: must be a table"]),
    ("[states.US-FL]\nhours = { value = 'x', source = 'x' }", ["states.US-FL.hours", "no such"]),
    ("[states.US-FL]\ncap = { calls = 0, hours = 24, source = 'x' }", ["states.US-FL.cap: must"]),
    ("[states.US-FL]\ncap = { calls = 2, hours = 24 }", ["states.US-FL.cap: must be a table"]),
    ("[states.US-FL]\nholidays = { value = ['labour'], source = 'x' }", ["did you mean labor?"]),
    ("[states.US-FL]\nholidays = { value = [3], source = 'x' }", ["no holiday of [holidays]"]),
    ("[states.US-FL]\nholidays = { value = 'labor', source = 'x' }", ["must be a list"]),
    ("[states.US-FL]\nholidays = { value = ['labor'], observed = 'soon', source = 'x' }",
     ["'soon' is no way"]),
    ("[holidays]\nlabor = { on = 'july 3' }", ["holidays.labor: is taken"]),
    ("[holidays]\nours = { on = 'some day' }", ["holidays.ours", "is no rule for a holiday"]),
    ("[holidays]\nours = 'july 3'", ["holidays.ours: must be a table"]),
    ("[holidays]\nours = { on = 'july 3', since = 'then' }", ["holidays.ours"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_can_not_be_meant_is_refused(text: str, words: list[str]) -> None:
    message = refused(text)
    for word in words:
        assert word in message
    assert message.startswith("profile acme: ")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidProfile) as raised:
        own("[abandonment]\nlimit = 1\nring_seconds = 2\n[records]\nyear = 3")
    assert len(raised.value.problems) == 3


def test_a_profile_that_builds_on_none_gives_everything() -> None:
    with pytest.raises(InvalidProfile) as raised:
        parse_profile('version = "1"\n', "alone")
    message = str(raised.value)
    assert "title: must be a text" in message
    assert "window.week: must be set" in message
    assert "abandonment.limit: must be set" in message
    assert "records.years: must be set" in message


def test_a_profile_may_have_states_of_other_countries() -> None:
    profile = own("[states.DE-BY]\nholidays = { value = ['labor'], source = 'x' }")
    assert "DE-BY" in profile.states


WITHIN = [
    ("mon-fri 09:00-17:00", "mon-sun 08:00-21:00", True),
    ("mon-sun 08:00-21:00", "mon-sun 08:00-21:00", True),
    ("mon-sun 07:59-21:00", "mon-sun 08:00-21:00", False),
    ("sat 08:00-12:00", "mon-fri 08:00-12:00", False),
    ("mon 09:00-10:00,11:00-12:00", "mon 09:00-12:00", True),
    ("mon 09:00-12:00", "mon 09:00-10:00,11:00-12:00", False),
    ("sun 23:00-01:00", "sun 22:00-24:00; mon 00:00-02:00", True),
    ("sun 23:00-03:00", "sun 22:00-24:00; mon 00:00-02:00", False),
]


@pytest.mark.parametrize(("inner", "outer", "expected"), WITHIN)
def test_one_week_within_another(inner: str, outer: str, expected: bool) -> None:
    one, other = parse_week(inner), parse_week(outer)
    assert one is not None
    assert other is not None
    assert within(one, other) is expected
