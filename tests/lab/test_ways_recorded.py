"""The recorded ways are complete, and their table says what the files say."""

from pathlib import Path

import pytest
from lab.ways import WAYS, description
from lab.ways.table import events_of, table, verbs

RECORDED = Path(__file__).parents[1] / "recorded" / "ways"


def test_each_way_is_recorded_and_nothing_else() -> None:
    expected = {f"{way}.{kind}" for way in WAYS for kind in ("ami", "queue_log")}
    assert {path.name for path in RECORDED.iterdir()} == expected | {"README.md", "races"}
    assert {path.name for path in (RECORDED / "races").iterdir()} < expected


def test_the_table_is_what_the_files_say() -> None:
    written = (RECORDED / "README.md").read_text()
    assert written == table(RECORDED, {way: description(way) for way in WAYS})


@pytest.mark.parametrize("way", WAYS)
def test_a_recording_begins_and_ends_with_the_call(way: str) -> None:
    events = events_of((RECORDED / f"{way}.ami").read_bytes())
    assert events[0]["Event"] == "FullyBooted"
    came = {event["Uniqueid"] for event in events if event["Event"] == "Newchannel"}
    went = {event["Uniqueid"] for event in events if event["Event"] == "Hangup"}
    assert came
    assert came == went


def test_calls_without_a_queue_leave_no_rows() -> None:
    silent = {way for way in WAYS if not verbs((RECORDED / f"{way}.queue_log").read_text())}
    assert "agent_calls_agent" in silent
    assert "direct_answered" in silent
    assert "blind_to_agent" not in silent
