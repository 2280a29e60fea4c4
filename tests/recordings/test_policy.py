"""Which talks are recorded, and under which name."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.config import RecordingSettings
from ccmiddleware.facts import Segment
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.recordings.policy import relative_path, wanted

ID = UUID("019ac71d-a480-74fd-8ee7-bc7c7a393366")


def test_always_and_never() -> None:
    assert wanted(RecordingSettings(policy="always"), ID, 1)
    assert not wanted(RecordingSettings(policy="never"), ID, 1)
    assert wanted(RecordingSettings(policy="percentage", percentage=100), ID, 1)
    assert not wanted(RecordingSettings(policy="percentage", percentage=0), ID, 1)


def test_a_percentage_is_kept_over_many_talks_and_decided_once_for_each() -> None:
    settings = RecordingSettings(policy="percentage", percentage=25)
    ids = [uuid7_shaped(1764237600_000 + n, str(n)) for n in range(4000)]
    chosen = [wanted(settings, one, 1) for one in ids]
    assert 0.22 < sum(chosen) / len(chosen) < 0.28
    assert chosen == [wanted(settings, one, 1) for one in ids]


def test_a_higher_percentage_records_all_that_a_lower_one_does() -> None:
    low = RecordingSettings(policy="percentage", percentage=10)
    high = RecordingSettings(policy="percentage", percentage=50)
    for n in range(500):
        one = uuid7_shaped(n, str(n))
        assert wanted(high, one, 2) or not wanted(low, one, 2)


@given(st.text(), st.text())
def test_nothing_from_outside_gets_into_a_path(channel: str, name: str) -> None:
    at = datetime(2026, 11, 28, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    segment = Segment(
        interaction_id=ID,
        ordinal=2,
        version=1,
        visit=1,
        node="pbx",
        interface=name,
        member_name=name,
        channel=channel,
        agent_channel=channel,
        offered_at=at,
        answered_at=at,
    )
    assert str(relative_path(segment, RecordingSettings(format="wav16"))) == (
        f"2026/11/27/{ID}-2.wav16"
    )
    assert at.astimezone(UTC).day == 27
