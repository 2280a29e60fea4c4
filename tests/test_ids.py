"""Ids: the same call has the same id, and ids sort by time."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.ids import (
    attempt_of,
    callback_of,
    dial_id,
    interaction_id,
    uuid7_shaped,
    work_of,
)


@given(st.integers(0, 2**48 - 1), st.text())
def test_shape_is_that_of_a_uuid7(milliseconds: int, seed: str) -> None:
    made = uuid7_shaped(milliseconds, seed.encode("utf-8", "replace").decode())
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == milliseconds


def test_the_same_call_has_the_same_id_and_others_have_others() -> None:
    one = interaction_id("pbx", "1764237600.17")
    assert one == interaction_id("pbx", "1764237600.17")
    others = {
        interaction_id("pbx", "1764237600.18"),
        interaction_id("other", "1764237600.17"),
        interaction_id("pbx", "site-1764237600.17"),
    }
    assert len(others | {one}) == 4


def test_time_is_taken_from_asterisks_ids_and_from_no_other() -> None:
    for linkedid in ("1764237600.17", "site-1764237600.17", "a-b-1764237600.99999"):
        assert interaction_id("pbx", linkedid).int >> 80 == 1764237600_000
    for linkedid in ("", "work-1234", "17.5", "x1764237600.17", "1764237600.17;3"):
        assert interaction_id("pbx", linkedid).int >> 80 == 0


@given(st.uuids(), st.integers(100_000_000, 99_999_999_999))
def test_a_dialled_channel_tells_its_attempt(attempt: UUID, epoch: int) -> None:
    channel = dial_id(attempt, epoch)
    assert attempt_of(channel) == attempt_of(f"{channel};2") == attempt
    assert callback_of(channel) is work_of(channel) is None
    assert interaction_id("pbx", channel).int >> 80 == epoch * 1000


@given(st.text() | st.text().map(lambda text: f"ccmat-{text}"))
def test_other_channels_dial_no_attempt(channel: str) -> None:
    assert attempt_of(channel) is None
    assert attempt_of(f"ccmat-{'a' * 32}-1764237600.1 ") is None
