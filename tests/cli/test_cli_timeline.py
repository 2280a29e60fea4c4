"""The order and the words of a timeline."""

from typing import Any, get_args

import pytest
from ccm_day import at

from ccmiddleware import facts
from ccmiddleware.cli import timeline


def event(seconds: float, kind: str, *, inferred: bool = False, **data: Any) -> dict[str, Any]:
    return {"at": at(seconds), "kind": kind, "inferred": inferred, "data": data}


def recording(state: str, **values: Any) -> dict[str, Any]:
    row = {"segment": 1, "state": state, "path": "a.wav", "error": "", "seconds": None}
    return {**row, "started_at": at(10), "ended_at": None, **values}


def test_causes_come_before_effects_of_the_same_moment() -> None:
    kinds = ["ended", "abandoned", "joined", "completed", "answered", "offered", "new_kind"]
    lines = timeline.lines(at(0), [event(0, kind) for kind in kinds], [])
    assert [line["kind"] for line in lines] == [
        "started",
        "joined",
        "offered",
        "answered",
        "completed",
        "abandoned",
        "ended",
        "new_kind",
    ]
    assert lines[-1]["what"] == "new kind"


def test_every_outcome_has_words() -> None:
    for outcome in set(get_args(facts.Outcome)) | {"joined", "offered", "ring_no_answer", "hold"}:
        (_, line) = timeline.lines(at(0), [event(1, outcome)], [])
        assert line["what"] != outcome.replace("_", " ") or outcome == "answered"


def test_details_leave_out_what_is_empty_and_say_what_was_concluded() -> None:
    (_, line) = timeline.lines(
        at(0), [event(1, "joined", inferred=True, queue="a", position=2, agent="", by=None)], []
    )
    assert line["details"] == "queue a, position 2 (inferred)"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (recording("recording"), ["recording asked for"]),
        (
            recording("finished", ended_at=at(20), seconds=9.96),
            ["recording asked for", "recording kept"],
        ),
        (
            recording("missing", ended_at=at(20), error="no file"),
            ["recording asked for", "recording missing"],
        ),
    ],
)
def test_recordings_are_part_of_it(row: dict[str, Any], expected: list[str]) -> None:
    lines = timeline.lines(at(0), [], [row])
    assert [line["what"] for line in lines[1:]] == expected


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "+0:00.0"), (-0.01, "+0:00.0"), (-1.5, "-0:01.5"), (59.96, "+1:00.0"), (61.04, "+1:01.0"),
     (3723.25, "+1:02:03.2")],
)  # fmt: skip
def test_offsets(seconds: float, shown: str) -> None:
    assert timeline.show_offset(seconds) == shown


def test_how_long_it_was_in_each_state() -> None:
    parts = [("waiting", 5), ("talking", 30.4), ("hold", 10), ("talking", 60), ("wrap_up", 15)]
    intervals = [{"state": state, "seconds": seconds} for state, seconds in parts]
    assert timeline.sums(intervals) == "waiting 0:05, talking 1:30, hold 0:10, wrap-up 0:15"
