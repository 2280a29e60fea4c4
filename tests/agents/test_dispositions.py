"""Dispositions from the keypad: which events of the dialplan are one."""

from datetime import UTC, datetime

import pytest

from ccmiddleware.agents.dispositions import keyed_in
from ccmiddleware.facts import Disposition, decode, encode
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.pbx.frames import EventReader, event_name, is_wanted

AT = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
FRAME = b"""Event: UserEvent
Privilege: user,all
Channel: PJSIP/1001-00000004
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: 1001
CallerIDName: Alice Arnold
Uniqueid: 1795819121.4
Linkedid: 1795819121.4
UserEvent: CcmDisposition
Interface: PJSIP/1001
Code: 42""".replace(b"\n", b"\r\n")
"""As Asterisk 22 sends it, some headers left out."""


def test_the_event_of_the_library_is_a_disposition() -> None:
    name = event_name(FRAME)
    assert is_wanted(name, FRAME)
    event = EventReader().read(name, FRAME, AT)
    assert isinstance(event, UserEvent)
    told = keyed_in("pbx", event)
    assert told == [
        Disposition(node="pbx", call="1795819121.4", interface="PJSIP/1001", digits="42", at=AT)
    ]
    assert decode(encode(told[0])) == told[0]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"uniqueid": ""},
        {"interface": ""},
        {"interface": "PJSIP/10 01"},
        {"code": ""},
        {"code": "4x"},
        {"code": "123456789"},
    ],
)
def test_other_events_are_nothing(change: dict[str, str]) -> None:
    whole = {"name": "CcmDisposition", "uniqueid": "1.1", "interface": "PJSIP/1001", "code": "1"}
    assert keyed_in("pbx", UserEvent(at=AT, **whole)) != []
    assert keyed_in("pbx", UserEvent(at=AT, **whole | change)) == []
