"""Real Asterisk's bytes through the link's reading: recordings of whole calls, cut anywhere."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.pbx import frames
from ccmiddleware.pbx.events import AgentCalled, Event, Newchannel, QueueCallerJoin

RECORDED = sorted((Path(__file__).parents[1] / "recorded").glob("*.ami"))
READ_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def chunks(stream: bytes, seed: int, longest: int) -> list[bytes]:
    chooser = random.Random(seed)
    cut, at = [], 0
    while at < len(stream):
        size = chooser.randint(1, longest)
        cut.append(stream[at : at + size])
        at += size
    return cut


def events(parts: list[bytes], *, remember: bool = True) -> list[Event]:
    """What the link makes of a stream that comes in these parts."""
    splitter, reader, found = frames.Splitter(), frames.EventReader(), []
    for part in [frames.BANNER + b"11.0.0\r\n", *parts]:
        for frame in splitter.feed(part):
            name = frames.event_name(frame)
            if frames.is_wanted(name, frame):
                reader = reader if remember else frames.EventReader()
                found.append(reader.read(name, frame, READ_AT))
    assert splitter.too_long == 0
    return found


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recording_reads_the_same_with_and_without_remembered_layouts(path: Path) -> None:
    stream = path.read_bytes()
    found = events([stream])
    assert found == events([stream], remember=False)
    times = [event.at for event in found if event.at != READ_AT]
    assert len(times) > 1
    assert times == sorted(times)
    assert all(channel.uniqueid for channel in found if isinstance(channel, Newchannel))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(RECORDED), st.integers(min_value=0), st.sampled_from([50, 1500, 70_000]))
def test_recording_in_any_chunks(path: Path, seed: int, longest: int) -> None:
    stream = path.read_bytes()[:20_000]
    assert events(chunks(stream, seed, longest)) == events([stream])


def test_recorded_hostile_name_is_one_value() -> None:
    [path] = [path for path in RECORDED if path.stem == "hostile_name"]
    found = events([path.read_bytes()])
    joins = [event for event in found if isinstance(event, QueueCallerJoin)]
    assert joins
    for event in (*joins, *(event for event in found if isinstance(event, AgentCalled))):
        assert event.caller_name.isprintable() or "\ufffd" in event.caller_name
        assert event.queue
        assert event.uniqueid
