"""What the dialplan tells of callbacks: which events are ours."""

from datetime import UTC, datetime

import pytest

from ccmiddleware.facts import CallbackAsked, CallbackStep, InteractionEvent, decode, encode
from ccmiddleware.ids import attempt_id, callback_of, interaction_id
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.pbx.frames import EventReader, event_name, is_wanted
from ccmiddleware.queues.callbacks_told import told

AT = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
ATTEMPT = "ccmcb-00000000000000000000000000000abc-1795825645.1"
ASKED = b"""Event: UserEvent
Privilege: user,all
Channel: PJSIP/trunk-00000001
CallerIDNum: 12025550301
Exten: 2
Priority: 13
Uniqueid: 1795825643.1
Linkedid: 1795825643.1
UserEvent: CcmCallback
Queue: support
Number: 12025550301
Prio: 05""".replace(b"\n", b"\r\n")
"""As Asterisk 22 sends it, some headers left out."""


def test_asking_is_a_fact_and_an_event_of_the_call() -> None:
    name = event_name(ASKED)
    assert is_wanted(name, ASKED)
    event = EventReader().read(name, ASKED, AT)
    assert isinstance(event, UserEvent)
    asked, history = told("pbx", event)
    assert asked == CallbackAsked(
        node="pbx", call="1795825643.1", queue="support", number="12025550301", priority=5, at=AT
    )
    assert isinstance(history, InteractionEvent)
    assert history.interaction_id == interaction_id("pbx", "1795825643.1")
    assert decode(encode(asked)) == asked


def test_a_step_is_a_fact() -> None:
    event = UserEvent(at=AT, name="CcmCallbackStep", attempt=ATTEMPT, step="dial")
    (step,) = told("pbx", event)
    assert step == CallbackStep(node="pbx", attempt=ATTEMPT, step="dial", at=AT)
    assert decode(encode(step)) == step


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"number": "12 02"},
        {"number": ""},
        {"number": "1" * 19},
        {"queue": ""},
        {"uniqueid": ""},
    ],
)
def test_what_is_not_whole_is_nothing(change: dict[str, str]) -> None:
    whole = {"name": "CcmCallback", "uniqueid": "1.1", "queue": "support", "number": "12025550301"}
    assert told("pbx", UserEvent(at=AT, **whole)) != []
    assert told("pbx", UserEvent(at=AT, **whole | change)) == []


@pytest.mark.parametrize("change", [{"attempt": "1795825643.1"}, {"step": ""}, {"step": "a b"}])
def test_steps_of_nothing_are_nothing(change: dict[str, str]) -> None:
    whole = {"name": "CcmCallbackStep", "attempt": ATTEMPT, "step": "dial"}
    assert told("pbx", UserEvent(at=AT, **whole | change)) == []


def test_the_id_of_an_attempt_tells_the_callback_and_makes_one_interaction() -> None:
    callback = callback_of(ATTEMPT)
    assert callback is not None
    assert attempt_id(callback, 1795825645, 1) == ATTEMPT
    assert callback_of(f"{ATTEMPT};2") == callback
    assert callback_of("1795825643.1") is None
    assert interaction_id("pbx", f"{ATTEMPT};2") == interaction_id("pbx", ATTEMPT)
    assert interaction_id("pbx", ATTEMPT).int >> 80 == 1795825645000
