"""What a queue's settings are in the AstDB, and the order in which it is made so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.queues.astdb import (
    AHEAD_DAYS,
    GENERATION,
    Write,
    entries,
    fingerprint,
    from_tree,
    writes,
)
from ccmiddleware.queues.hours import ByHand, Schedule, parse_week
from ccmiddleware.queues.settings import InvalidSettings, Stored

TODAY = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp()) // 86400
MIDNIGHT = TODAY * 86400


def of(**stored: Any) -> dict[str, str]:
    found = entries(Stored("support", **stored), None, TODAY)
    assert all(key.startswith("support/") for key in found)
    return {key.removeprefix("support/"): value for key, value in found.items()}


def test_a_queue_of_which_nothing_is_set_has_no_keys() -> None:
    assert of() == {}
    assert of(values={"max_wait_seconds": None, "time_zone": "Europe/Berlin"}) == {}


def test_settings_and_priorities_are_written_as_they_are() -> None:
    assert of(
        values={"max_wait_seconds": 30, "closed_to": "queue:sales", "max_penalty": 0},
        priorities={("caller", "+4930"): 10, ("did", "7"): 0},
    ) == {
        "max-wait": "30",
        "closed-to": "queue:sales",
        "max-penalty": "0",
        "caller/+4930": "10",
        "did/7": "0",
    }


def test_hours_are_spans_for_each_day_and_a_horizon() -> None:
    found = of(schedule=Schedule(week=parse_week("fri 09:00-12:00,13:00-18:00; sat 22:00-04:00")))
    until = (TODAY + AHEAD_DAYS + 1) * 86400
    assert found["until"] == str(until)
    hour = 3600
    assert found[f"open/{TODAY}"] == "&".join(
        f"{MIDNIGHT + begin * hour}-{MIDNIGHT + end * hour}" for begin, end in ((9, 12), (13, 18))
    )
    night = f"{MIDNIGHT + (24 + 22) * hour}-{MIDNIGHT + (48 + 4) * hour}"
    assert found[f"open/{TODAY + 1}"] == found[f"open/{TODAY + 2}"] == night
    assert f"open/{TODAY + 3}" not in found
    days = [int(key.removeprefix("open/")) for key in found if key.startswith("open/")]
    assert (min(days), max(days)) == (TODAY, TODAY + AHEAD_DAYS)


def test_the_busiest_day_fits_into_a_line_of_the_manager_interface() -> None:
    day = ",".join(f"{hour:02}:00-{hour:02}:30" for hour in range(0, 24, 2))
    found = of(schedule=Schedule(week=parse_week(f"mon-sun {day}")))
    assert max(len(value) for value in found.values()) < 300
    assert found[f"open/{TODAY}"].count("&") == 11


def test_a_queue_closed_by_hand_alone_has_hours() -> None:
    since = datetime(2026, 11, 27, 10, tzinfo=UTC)
    found = of(schedule=Schedule(by_hand=(ByHand(False, since),)))
    assert found[f"open/{TODAY}"] == f"{MIDNIGHT}-{MIDNIGHT + 36000}"
    assert [key for key in found if key.startswith("open/")] == [f"open/{TODAY}"]


@pytest.mark.parametrize(
    ("pace", "text"), [(0.0, "0.0"), (2.345, "2.3"), (99.6, "100"), (4e3, "4000")]
)
def test_the_pace_is_only_there_where_it_is_asked_for(pace: float, text: str) -> None:
    asked = Stored("q", values={"max_estimated_wait_seconds": 60})
    assert entries(asked, pace, TODAY)["q/pace"] == text
    assert "q/pace" not in entries(asked, None, TODAY)
    assert entries(Stored("q"), pace, TODAY) == {}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="closed-to is too long"):
        of(values={"closed_to": "queue:" + "x" * 900})


def test_hours_never_close_a_queue_while_they_are_half_written() -> None:
    new = {"q/until": "9", "q/open/1": "1-2", "q/max-wait": "3"}
    order = [write.key for write in writes({}, new)]
    assert order == ["q/max-wait", "q/open/1", "q/until"]
    assert writes(new, {})[0] == Write("q/until", None)
    assert writes(new, new) == []
    assert writes({"q/a": "1"}, {"q/a": "2", "q/b": ""}) == [Write("q/a", "2"), Write("q/b", "")]


contents = st.dictionaries(st.sampled_from([f"q/{key}" for key in ("a", "b", "until", "open/1")]),
                           st.sampled_from(["", "1", "2"]))  # fmt: skip


@given(contents, contents)
def test_writing_makes_the_one_the_other(present: dict[str, str], wanted: dict[str, str]) -> None:
    result = dict(present)
    for write in writes(present, wanted):
        if write.value is None:
            del result[write.key]
        else:
            result[write.key] = write.value
    assert result == wanted
    assert (fingerprint(result) == fingerprint(present)) == (present == wanted)


def test_the_tree_is_read() -> None:
    items = [
        {"Event": "DBGetTreeResponse", "Key": "/ccm-queues/generation", "Val": "abc"},
        {"Event": "DBGetTreeResponse", "Key": "/ccm-queues/Köln Süd/open/1", "Val": "1-2"},
        {"Event": "DBGetTreeResponse", "Key": "/ccm-queues/q/x"},
        {"Event": "Other", "Key": "/ccm-queues/q/y", "Val": "1"},
    ]
    assert from_tree(items) == {"Köln Süd/open/1": "1-2", "q/x": ""}
    assert GENERATION == "generation"
