"""The pure rules of recordings under way: requests, talks, marks, the fields of MixMonitor."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from pbx_story import at
from recorder_desk import ENDED, ID, TALK

from ccmiddleware.commands import InvalidCommand
from ccmiddleware.config import Settings
from ccmiddleware.config import parse as settings_of
from ccmiddleware.facts import Interaction, Recording
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.recordings import marks, mixmonitor
from ccmiddleware.recordings.marks import Why
from ccmiddleware.recordings.policy import holding, wanted
from ccmiddleware.recordings.requests import Request, keyed_in, parse
from ccmiddleware.recordings.talks import Talks

RECORDING = Recording(
    interaction_id=ID,
    segment=1,
    version=3,
    node="pbx",
    state="recording",
    path="a.wav",
    started_at=at(2),
)
OTHER = UUID("019ac71d-a480-74fd-8ee7-bc7c7a393366")


# Requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["pause", "resume", "start", "stop"])
def test_a_command_names_an_agent_or_an_interaction(verb: str) -> None:
    by_agent = parse(f"recording_{verb}", {"interface": "PJSIP/1001", "by": "root"})
    assert by_agent == Request(verb, Why("command", "root"), "PJSIP/1001")  # type: ignore[arg-type]
    by_id = parse(f"recording_{verb}", {"interaction": str(ID)})
    assert (by_id.interaction, by_id.interface) == (ID, "")


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("recording_erase", {"interface": "PJSIP/1"}, "no command that this version knows"),
        ("recording_pause", {}, "name an agent's interface or an interaction"),
        ("recording_pause", {"interface": "PJSIP/1", "interaction": str(ID)}, "name an agent's"),
        ("recording_pause", {"interface": "1001"}, "not one such as PJSIP/1001"),
        ("recording_pause", {"interface": "PJSIP/1\r\nAction: x"}, "not one such as"),
        ("recording_pause", {"interaction": "17.5"}, "recording_pause: Invalid UUID"),
        ("recording_pause", {"interface": "PJSIP/1", "x": 1}, "unknown field `x`"),
        ("recording_pause", {"interface": "PJSIP/1", "by": "a\nb"}, "printable"),
    ],
)
def test_what_is_no_command_is_said(kind: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidCommand, match=said):
        parse(kind, arguments)


CODE = UserEvent(
    at=at(5),
    name="CcmRecording",
    channel="PJSIP/1001-1",
    uniqueid="1764237600.7",
    interface="PJSIP/1001",
    code="pause",
    ask="2",
)


def test_a_code_waits_for_its_answer_under_a_key_of_its_own() -> None:
    assert keyed_in(CODE) == Request(
        "pause",
        Why("code", "PJSIP/1001"),
        "PJSIP/1001",
        "PJSIP/1001-1",
        reply="1764237600.7-2",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "CcmDisposition"},
        {"code": "erase"},
        {"code": ""},
        {"interface": ""},
        {"interface": "PJSIP/1 1"},
        {"uniqueid": ""},
        {"uniqueid": "1/../../x"},
        {"ask": "x"},
        {"ask": ""},
    ],
)
def test_what_is_no_code_of_ours_is_nobodys(wrong: dict[str, str]) -> None:
    assert keyed_in(replace(CODE, **wrong)) is None


# Talks -------------------------------------------------------------------------------------


def request(**about: Any) -> Request:
    return Request("pause", Why("code"), **about)


def test_whose_talk_is_meant() -> None:
    talks = Talks()
    second = replace(TALK, ordinal=2, interface="PJSIP/1002", agent_channel="PJSIP/1002-2")
    elsewhere = replace(TALK, interaction_id=OTHER, agent_channel="PJSIP/1001-9")
    for talk in (TALK, second, elsewhere):
        talks.observe(talk)
    assert talks.meant(request(interaction=ID)) == [TALK, second]
    assert talks.meant(request(interface="PJSIP/1002")) == [second]
    by_channel = request(interface="PJSIP/1001", channel="PJSIP/1001-9")
    assert talks.meant(by_channel) == [elsewhere]
    with pytest.raises(InvalidCommand, match=f"several talks: name one of {ID}, {OTHER}"):
        talks.meant(request(interface="PJSIP/1001"))
    talks.observe(ENDED)
    # A member such as Local/1001@desk has other channels than its phone.
    assert talks.meant(request(interface="PJSIP/1001", channel="PJSIP/x-1")) == [elsewhere]
    with pytest.raises(InvalidCommand, match="talks to nobody now"):
        talks.meant(request(interface="PJSIP/1003"))
    with pytest.raises(InvalidCommand, match="nobody talks in"):
        talks.meant(request(interaction=UUID(int=0)))


def test_what_is_over_is_forgotten() -> None:
    talks = Talks()
    talks.observe(TALK)
    talks.observe(ENDED)
    over = Interaction(
        id=ID,
        version=9,
        node="pbx",
        state="ended",
        linkedid="1",
        uniqueid="1",
        started_at=at(0),
        ended_at=at(40),
        outcome="answered",
    )
    talks.observe(over)
    assert (talks.going_on, talks._first) == ({}, {})


# Policy ------------------------------------------------------------------------------------


def test_each_queue_may_have_a_policy_of_its_own() -> None:
    settings: Settings = settings_of(
        {
            "node": [{"name": "pbx", "ami": {"secret": "x"}}],
            "recording": {"policy": "always"},
            "queue": {"ask": {"recording": {"policy": "on_demand"}}},
        },
        "test",
    )
    assert wanted(holding(settings, "support"), ID, 1)
    assert not wanted(holding(settings, "ask"), ID, 1)


# Marks -------------------------------------------------------------------------------------


def changed(recording: Recording, changes: dict[str, Any]) -> Recording:
    return replace(recording, **changes)


def test_pauses_add_up_and_end_with_the_talk() -> None:
    once = changed(RECORDING, marks.paused(RECORDING, at(10)))
    again = changed(once, marks.paused(once, at(12)))
    assert again.paused_at == at(10)
    resumed = changed(again, marks.resumed(again, at(15)))
    assert (resumed.paused_at, resumed.paused_seconds) == (None, 5.0)
    assert marks.resumed(resumed, at(20)) == {}
    paused = changed(resumed, marks.paused(resumed, at(20)))
    over = changed(paused, marks.ended(paused, at(32)))
    assert (over.paused_at, over.paused_seconds, over.ended_at) == (None, 17.0, at(32))


def test_a_clock_that_steps_back_makes_no_negative_pause() -> None:
    paused = changed(RECORDING, marks.paused(RECORDING, at(10)))
    assert marks.resumed(paused, at(4))["paused_seconds"] == 0


def test_what_was_stopped_ends_there_with_its_pause() -> None:
    paused = changed(RECORDING, marks.paused(RECORDING, at(10)))
    stopped = changed(paused, marks.stopped(paused, at(12)))
    assert (stopped.paused_at, stopped.paused_seconds, stopped.stopped_at) == (None, 2.0, at(12))
    over = changed(replace(stopped, asked="start"), marks.ended(stopped, at(32)))
    assert (over.ended_at, over.paused_seconds, over.asked) == (at(12), 2.0, "")


def test_each_line_of_the_history_has_a_key_of_its_own() -> None:
    why = Why("code", "PJSIP/1001")
    lines = [
        marks.event(RECORDING, "pause", at(10), why),
        marks.event(RECORDING, "pause", at(11), why),
        marks.event(replace(RECORDING, segment=2), "pause", at(10), why),
        marks.event(RECORDING, "resume", at(10), why),
        marks.unsure(RECORDING, "pause", at(10), why),
    ]
    assert len({line.key for line in lines}) == len(lines)
    assert (lines[0].kind, lines[0].data) == (
        "recording_paused",
        {"segment": 1, "how": "code", "by": "PJSIP/1001"},
    )
    assert lines[-1].data["asked"] == "pause"


# MixMonitor --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "file", "options"),
    [
        ({"stereo": False, "customers": True}, "/r/a.wav", "ai(CCM_MONITOR)"),
        (
            {"stereo": False, "customers": True, "beep_seconds": 15, "version": "16.28.0"},
            "/r/a.wav",
            "ai(CCM_MONITOR)B(15)",
        ),
        (
            {"stereo": True, "customers": True, "version": "16.28.0~dfsg"},
            "",
            "ai(CCM_MONITOR)Sr(/r/a.left.wav)t(/r/a.right.wav)",
        ),
        (
            {"stereo": True, "customers": False, "version": "22.10.1"},
            "",
            "ai(CCM_MONITOR)r(/r/a.right.wav)t(/r/a.left.wav)",
        ),
        (
            {"stereo": True, "customers": False},
            "",
            "ai(CCM_MONITOR)Sr(/r/a.right.wav)t(/r/a.left.wav)",
        ),
    ],
)
def test_what_mixmonitor_is_asked_for(given: dict[str, Any], file: str, options: str) -> None:
    fields = mixmonitor.start("PJSIP/1", "/r/a.wav", **given)
    assert fields == {"Channel": "PJSIP/1", "File": file, "Options": options}


def test_stop_names_the_monitor_where_it_is_known() -> None:
    assert mixmonitor.stop("PJSIP/1", "0x7f") == {"Channel": "PJSIP/1", "MixMonitorID": "0x7f"}
    assert mixmonitor.stop("PJSIP/1", "") == {"Channel": "PJSIP/1"}
