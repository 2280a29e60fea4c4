"""The event of our dialplan library for a caller who was not let in, as a fact."""

from datetime import UTC, datetime

import pytest

from ccmiddleware.facts import TurnedAway
from ccmiddleware.pbx.events import UserEvent, typed
from ccmiddleware.queues.turned_away import turned_away

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
HEADERS = {
    "Event": "UserEvent", "UserEvent": "CcmTurnedAway", "Uniqueid": "1764277200.42",
    "CallerIDNum": "4930", "Queue": "support", "Turn": "2", "Why": "closed", "To": "queue:sales",
    "Caller": "4930", "DID": "7",
}  # fmt: skip


def event(**other: str) -> UserEvent:
    made = typed({**HEADERS, **other}, AT)
    assert isinstance(made, UserEvent)
    return made


def test_the_event_becomes_a_fact() -> None:
    assert turned_away("pbx", event()) == [
        TurnedAway(
            node="pbx", call="1764277200.42", turn="2", queue="support", at=AT, why="closed",
            destination="queue:sales", caller="4930", did="7",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"UserEvent": "Other"}, {"Uniqueid": ""}, {"Queue": ""}, {"Turn": ""}, {"Turn": "x"},
        {"Turn": "12345"}, {"Why": "tired"}, {"Why": ""},
    ],
)  # fmt: skip
def test_what_is_not_ours_or_not_whole_is_left_out(other: dict[str, str]) -> None:
    assert turned_away("pbx", event(**other)) == []
