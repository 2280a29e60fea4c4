"""What may be set of a queue, and what is refused with which words."""

from collections.abc import Mapping
from typing import Any

import pytest

from ccmiddleware.queues.hours import show_week
from ccmiddleware.queues.priorities import Priority, read_csv
from ccmiddleware.queues.settings import (
    COLUMNS,
    InvalidSettings,
    Stored,
    Value,
    changed,
    check_destinations,
    check_queue_name,
    from_row,
    number,
    parse_changes,
    shown,
)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("max_wait=300", 300),
        ("max_wait=", None),
        ("max_penalty=0", 0),
        ("closed_to=hangup", "hangup"),
        ("closed_to = continue", "continue"),
        ("overflow_to=queue:sales und mehr", "queue:sales und mehr"),
        ("overflow_to=extension:*97", "extension:*97"),
        ("closed_sound=custom/we-are_closed", "custom/we-are_closed"),
        ("time_zone=Europe/Berlin", "Europe/Berlin"),
        ("hours=always", None),
        ("email_first_response=4h", 14400),
        ("email_next_response=90M", 5400),
        ("email_resolution=3d", 259200),
        ("email_resolution=600", 600),
        ("email_escalate_to=notify:a@x.example, priority=5", "priority=5,notify:a@x.example"),
        ("email_take_back=yes", True),
        ("hours=mon 9:00-10:00", "mon 09:00-10:00"),
    ],
)
def test_what_can_be_set(pair: str, value: Value) -> None:
    assert list(parse_changes([pair]).values()) == [value]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["max_waitt=3"], "there is no setting 'max_waitt'; did you mean max_wait?"),
        (["zzzz=3"], "there are hours, time_zone"),
        (["email_first_response=4 hours"], "is no duration from 60s to 365d: write 30m"),
        (["email_first_response=30s"], "is no duration"),
        (["email_escalate_to=mail"], "email_escalate_to: 'mail' can't be done; write priority=N"),
        (["email_escalate_to=queue:a;b"], "can't be set"),
        (["max_wait"], "write max_wait=VALUE, or max_wait= to take it back"),
        (["max_wait=1", "max_wait=2"], "max_wait is given twice"),
        (["max_wait=0"], "max_wait: '0' is no whole number from 1 to 86400"),
        (["max_wait=1.5"], "no whole number"),
        (["max_wait=٣"], "no whole number"),
        (["time_zone=berlin"], "did you mean Europe/Berlin"),
        (["time_zone=../../etc/passwd"], "is no time zone"),
        (["closed_to=voicemail"], "write queue:NAME, extension:NUMBER, hangup or continue"),
        (["closed_to=extension:1,2"], "is no extension"),
        (["closed_to=extension:"], "is no extension"),
        (["closed_to=queue:a/b"], "can't be set"),
        (["closed_to=queue:a,1,2"], "can't be set"),
        (["closed_sound=../../etc/passwd"], "is no name of a sound"),
        (["closed_sound=/etc/x"], "is no name of a sound"),
        (["closed_sound=a&b"], "is no name of a sound"),
        (["hours=mon 9-18"], "hours: '9-18' is no span"),
    ],
)
def test_what_can_not_be_set_is_told(pairs: list[str], words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse_changes(pairs)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["support", "Köln Süd", "a.b_c@d+e-f", "x", "ü" * 39])
def test_names_of_queues(name: str) -> None:
    assert check_queue_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "a/b", "a&b", "a,b", "a\nb", "a:b", "${X}", "ü" * 40, "a\u2028b", "a|b"],
)
def test_names_that_would_be_others_in_the_dialplan_are_refused(name: str) -> None:
    with pytest.raises(InvalidSettings):
        check_queue_name(name)


@pytest.mark.parametrize(
    ("text", "bare"),
    [("+49 (30) 123-456", "+4930123456"), ("1.202.555/0199", "12025550199"), ("0", "0")],
)
def test_numbers_lose_what_people_write_between(text: str, bare: str) -> None:
    assert number(text) == bare


@pytest.mark.parametrize("text", ["", "anonymous", "++49", "49+", "1" * 33, "1\r\nAction: x", "١٢"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings):
        number(text)


OTHERS: Mapping[str, Mapping[str, Value]] = {
    "a": {},
    "b": {"closed_to": "queue:c"},
    "c": {"overflow_to": "queue:d", "closed_to": "hangup"},
    "d": {},
}


@pytest.mark.parametrize(
    ("queue", "values", "words"),
    [
        ("a", {"closed_to": "queue:b"}, ""),
        ("a", {"closed_to": "queue:a"}, "in a circle: a → a"),
        ("d", {"overflow_to": "queue:b"}, "in a circle: d → b → c → d"),
        ("d", {"overflow_to": "queue:a", "closed_to": "queue:c"}, "in a circle: d → c → d"),
        ("a", {"closed_to": "queue:zz"}, "no queue 'zz' to send callers to; there are a, b, c, d"),
        ("new", {"closed_to": "queue:a"}, ""),
    ],
)
def test_destinations_are_there_and_lead_nowhere_back(
    queue: str, values: dict[str, Value], words: str
) -> None:
    if not words:
        check_destinations(queue, values, OTHERS)
        return
    with pytest.raises(InvalidSettings) as caught:
        check_destinations(queue, values, OTHERS)
    assert words in str(caught.value)


def test_near_names_are_told() -> None:
    with pytest.raises(InvalidSettings, match="did you mean support"):
        check_destinations("a", {"closed_to": "queue:suport"}, {"support": {}, "a": {}})


def row(**other: Any) -> dict[str, Any]:
    """A row of queue_settings.sql."""
    return {
        "queue": "support", "revision": 4, "weekly": True, "week": {"1": "09:00-18:00"},
        "holidays": [{"day": "2026-12-25", "hours": "", "yearly": True, "name": "Christmas"}],
        "by_hand": [{"opened": False, "since": "2026-11-27T09:00:00+00:00", "until": None}],
        "priorities": [{"kind": "caller", "number": "+4930", "priority": 3}],
        **dict.fromkeys(COLUMNS), **other,
    }  # fmt: skip


def test_rows_are_taken_as_they_were_set() -> None:
    stored = from_row(row(time_zone="Europe/Berlin", max_wait_seconds=30, closed_to="queue:b"))
    assert show_week(stored.schedule.week) == "mon 09:00-18:00"
    assert stored.schedule.zone.key == "Europe/Berlin"
    assert stored.schedule.by_hand[0].until is None
    assert stored.priorities == {("caller", "+4930"): 3}
    assert {key: value for key, value in shown(stored).items() if value is not None} == {
        "hours": "mon 09:00-18:00",
        "time_zone": "Europe/Berlin",
        "closed_to": "queue:b",
        "max_wait": 30,
    }
    assert from_row(row(weekly=False)).schedule.week is None


@pytest.mark.parametrize(
    "other",
    [
        {"queue": "a\r\nb"},
        {"closed_to": "queue:a\r\nAction: x"},
        {"closed_sound": "a b"},
        {"time_zone": "Mars/Olympus"},
        {"max_penalty": -1},
        {"week": {"1": "9-18"}},
        {"priorities": [{"kind": "caller", "number": "1\n2", "priority": 3}]},
        {"priorities": [{"kind": "name", "number": "12", "priority": 3}]},
        {"by_hand": [{"opened": True, "since": "-infinity", "until": None}]},
        {"by_hand": [{"opened": True, "since": "2026-11-27T12:00:00+00:00", "until": "infinity"}]},
        {"holidays": [{"day": "infinity", "hours": "", "yearly": False, "name": ""}]},
    ],
)
def test_rows_that_others_wrote_are_checked(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings):
        from_row(row(**other))


def test_a_change_leaves_the_rest() -> None:
    stored = changed(from_row(row(max_wait_seconds=30)), {"time_zone": "Asia/Tokyo"})
    assert shown(stored)["max_wait"] == 30
    assert stored.schedule.zone.key == "Asia/Tokyo"
    assert stored.schedule.week is not None
    assert changed(stored, {"hours": None}).schedule.week is None
    assert shown(Stored("x")) == dict.fromkeys(shown(stored))


def test_lists_are_read() -> None:
    found = read_csv(["kind,number,priority,note\n", "caller,+49 30 12,10,Big Ltd\n", "DID,7,0,\n"])
    assert found == [Priority("caller", "+493012", 10, "Big Ltd"), Priority("did", "7", 0)]
    assert read_csv(["Number,priority,kind\n", "7,1,did"]) == [Priority("did", "7", 1)]
    assert read_csv(["kind,number,priority\n"]) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "the first line must name the columns"),
        (["a,b,c\n"], "not a,b,c"),
        (["kind,number,priority\n", "caller,x,1\n"], "line 2: 'x' is no number"),
        (["kind,number,priority\n", "caller,1,-1\n"], "line 2: '-1' is no priority"),
        (["kind,number,priority\n", "caller,1,1001\n"], "line 2: '1001' is no priority"),
        (["kind,number,priority\n", "name,1,1\n"], "line 2: 'name' is none of"),
        (["kind,number,priority\n", "caller,1\n"], "line 2: has not the 3 fields"),
        (["kind,number,priority\n", "caller,1,1,x\n"], "line 2: has not the 3 fields"),
        (["kind,number,priority\n", "caller,1,1\n", "caller,1,2\n"], "stands in line 2 too"),
        (["kind,number,priority\n", *["caller,x,1\n"] * 15], "and 5 more"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_list_is_told_by_line(lines: list[str], words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read_csv(lines)
    assert words in str(caught.value)
