"""The way of a recording from the answer to the finished file; a stand-in plays Asterisk."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pbx_story import at
from recorder_desk import ENDED, ID, TALK, Desk, StandIn
from wav_files import complete, unfinished

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import InteractionEvent, Recording
from ccmiddleware.recordings import stereo


async def test_from_answer_to_finished_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    path = f"2026/11/27/{ID}-1.wav"
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        assert desk.asterisk.sent == [
            (
                "MixMonitor",
                {
                    "Channel": "PJSIP/trunk-1",
                    "File": str(tmp_path / path),
                    "Options": "ai(CCM_MONITOR)",
                },
            )
        ]
        complete(tmp_path / path, 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    stop = {"Channel": "PJSIP/trunk-1", "MixMonitorID": "0x1"}
    assert desk.asterisk.sent[1:] == [("StopMixMonitor", stop)]
    assert (desk.last.path, desk.last.seconds, desk.last.ended_at) == (path, 30.0, at(32))
    assert desk.recorder.takes == {}


async def test_waits_for_asterisk_to_close_the_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    file = tmp_path / f"2026/11/27/{ID}-1.wav"
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        unfinished(file, 30)
        desk.observe(ENDED)
        await asyncio.sleep(0.05)
        assert len(desk.asterisk.sent) == 2
        assert desk.last.state == "recording"
        complete(file, 30)
        await desk.until(lambda: desk.last_state == "finished")


async def test_an_end_that_is_seen_in_doubt_is_left_to_whoever_leads(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    file = tmp_path / f"2026/11/27/{ID}-1.wav"
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        complete(file, 30)
        desk.sure.clear()
        desk.asked_whether_sure.clear()
        desk.observe(ENDED)
        await desk.until(desk.asked_whether_sure.is_set)
        # Another leader may record the customer's next talk on the same channel.
        assert desk.asterisk.actions == ["MixMonitor"]
        assert desk.last_state == "recording"
        desk.sure.set()
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.asterisk.actions == ["MixMonitor", "StopMixMonitor"]


async def test_a_file_that_never_comes_is_missing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.observe(TALK)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "missing")
    assert desk.last.error == "there is no such file"


async def test_refusal_is_a_visible_failure(tmp_path: Path) -> None:
    def refuse(action: str, fields: Mapping[str, Any]) -> None:
        raise PermanentError("Permission denied")

    desk = Desk(tmp_path, StandIn(refuse))
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "failed"])
        desk.observe(replace(TALK, version=6, hold_seconds=3.0))
        desk.observe(ENDED)
        await desk.until(lambda: desk.recorder.takes == {})
    assert desk.asterisk.actions == ["MixMonitor"]
    assert desk.last.error == "Asterisk refused: Permission denied"


def never(action: str, fields: Mapping[str, Any]) -> None:
    raise TemporaryError("no answer within 10 s")


class OnTry:
    """Does not answer before its n-th MixMonitor."""

    def __init__(self, answers_on: int) -> None:
        self.left = answers_on

    def __call__(self, action: str, fields: Mapping[str, Any]) -> None:
        if action == "MixMonitor":
            self.left -= 1
            if self.left:
                raise TemporaryError("no link")


async def test_no_answer_leaves_it_to_the_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(never))
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "expected"])
        assert "no answer within 10 s" in desk.last.error
        unfinished(tmp_path / desk.last.path, 30)
        await desk.until(lambda: desk.last_state == "recording")
        assert desk.last.error == ""
        complete(tmp_path / desk.last.path, 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.error == ""


async def test_no_answer_and_no_file_is_asked_for_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(OnTry(3)))
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.last_state == "recording")
        assert desk.states() == ["expected", "expected", "recording"]
        assert desk.last.error == ""
    assert desk.asterisk.actions == ["MixMonitor"] * 3


async def test_nothing_is_asked_for_again_once_the_talk_is_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(never))
    async with desk.running():
        desk.observe(TALK, ENDED)
        await desk.until(lambda: desk.last_state == "missing")
    assert desk.asterisk.actions == ["MixMonitor", "StopMixMonitor"]


async def test_the_same_talk_is_recorded_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.observe(TALK, replace(TALK, version=6, hold_seconds=3.0))
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        desk.observe(replace(TALK, version=7, hold_seconds=4.0))
        await asyncio.sleep(0.05)
    assert desk.asterisk.actions == ["MixMonitor"]


async def test_nothing_is_recorded_where_the_policy_says_never(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), policy="never")
    async with desk.running():
        desk.observe(TALK, ENDED)
        await asyncio.sleep(0.05)
    assert desk.told == []
    assert desk.asterisk.sent == []


LEFT = Recording(
    interaction_id=ID,
    segment=1,
    version=2,
    node="pbx",
    state="recording",
    path=f"2026/11/27/{ID}-1.wav",
    started_at=at(2),
)


async def test_a_restarted_daemon_finishes_what_it_finds(tmp_path: Path) -> None:
    complete(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([LEFT])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.version > LEFT.version
    assert desk.asterisk.sent == []


async def test_what_asterisk_never_closed_is_kept_with_what_there_is(tmp_path: Path) -> None:
    unfinished(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.finish_within = 0.6
    desk.recorder.restore([LEFT])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.seconds == 30
    assert desk.last.error == "cut off: Asterisk ended while recording"


async def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    desk.recorder.finish_within = 1.5
    desk.recorder.restore([LEFT])
    async with desk.running():
        for seconds in range(1, 8):
            unfinished(tmp_path / LEFT.path, seconds)
            await asyncio.sleep(0.4)
            assert desk.told == []
        complete(tmp_path / LEFT.path, 8)
        await desk.until(lambda: desk.last_state == "finished")
    assert (desk.last.seconds, desk.last.error) == (8, "")


async def test_a_restarted_daemon_waits_for_a_talk_that_goes_on(tmp_path: Path) -> None:
    complete(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, LEFT])
    async with desk.running():
        await asyncio.sleep(0.05)
        assert desk.told == []
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.ended_at == at(32)
    assert desk.asterisk.actions == ["StopMixMonitor"]


async def test_a_restarted_daemon_records_what_was_only_expected(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, replace(LEFT, state="expected")])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "recording")
    assert desk.asterisk.actions == ["MixMonitor"]


async def test_a_restarted_daemon_records_a_talk_of_which_nothing_was_told(tmp_path: Path) -> None:
    """The daemon was killed between the answer and the word that it is to be recorded."""
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK])
    async with desk.running():
        await desk.until(lambda: desk.states() == ["expected", "recording"])
    assert desk.asterisk.actions == ["MixMonitor"]


async def test_a_directory_that_may_not_be_entered_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(whole: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(whole))

    monkeypatch.setattr(stereo, "is_there", denied)
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])


async def test_a_restarted_daemon_does_not_truncate_what_is_being_recorded(tmp_path: Path) -> None:
    unfinished(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, replace(LEFT, state="expected")])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "recording")
    assert desk.asterisk.sent == []


async def test_what_another_daemon_began_and_could_not_tell_is_not_truncated(
    tmp_path: Path,
) -> None:
    unfinished(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        assert desk.asterisk.sent == []
        complete(tmp_path / LEFT.path, 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")


UNSEEN = replace(ENDED, version=1, channel="", agent_channel="", inferred=True)
ANSWERED = InteractionEvent(
    interaction_id=ID, key="answered:1", kind="answered", at=at(2), inferred=True,
    data={"queue": "support"},
)  # fmt: skip


async def test_a_talk_that_went_by_unseen_has_the_recording_that_somebody_began(
    tmp_path: Path,
) -> None:
    """Its daemon had it recorded, and was killed while its journal had no room to tell so."""
    complete(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.recorder.learn([UNSEEN, ANSWERED])
        await desk.until(lambda: desk.states() == ["finished"])
    assert (desk.last.path, desk.last.seconds) == (LEFT.path, 30.0)
    assert (desk.last.started_at, desk.last.ended_at) == (at(2), at(32))
    assert desk.asterisk.sent == []


async def test_a_talk_that_went_by_unseen_and_has_no_file_was_not_recorded(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.recorder.learn([UNSEEN, ANSWERED])
        await desk.until(lambda: desk.recorder.takes == {})
    assert desk.told == desk.asterisk.sent == []


async def test_a_talk_that_was_seen_is_not_taken_for_one_that_went_by(tmp_path: Path) -> None:
    """queue_log told its true end; its recording was followed when it was closed as lost."""
    complete(tmp_path / LEFT.path, 30)
    desk = Desk(tmp_path, StandIn())
    completed = replace(ANSWERED, key="completed:1", kind="completed")
    async with desk.running():
        desk.recorder.learn([ENDED, completed])
        assert desk.recorder.takes == {}


async def test_a_talk_after_a_transfer_is_recorded_on_the_agents_channel(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    second = replace(TALK, ordinal=2, version=7, agent_channel="PJSIP/1002-2")
    direct = replace(TALK, ordinal=3, version=8, visit=0, agent_channel="PJSIP/1003-3")
    next_queue = replace(TALK, ordinal=4, version=9, visit=2, agent_channel="PJSIP/1004-4")
    async with desk.running():
        desk.observe(TALK, second, direct, next_queue)
        await desk.until(lambda: desk.states().count("recording") == 4)
    # They begin side by side; the file says which talk it is.
    sent = sorted(desk.asterisk.sent, key=lambda action: str(action[1]["File"]))
    channels = [fields["Channel"] for _, fields in sent]
    assert channels == ["PJSIP/trunk-1", "PJSIP/1002-2", "PJSIP/1003-3", "PJSIP/trunk-1"]


async def test_a_stereo_recording_is_joined_when_the_talk_is_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), channels="stereo")
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: desk.states() == ["expected", "recording"])
        for side in ("left", "right"):
            complete(tmp_path / f"2026/11/27/{ID}-1.{side}.wav", 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    assert (desk.last.channels, desk.last.seconds, desk.last.bytes) == ("stereo", 30.0, 960044)
    assert os.listdir(tmp_path / "2026/11/27") == [f"{ID}-1.wav"]
    _, fields = desk.asterisk.sent[0]
    assert f"r({tmp_path}/2026/11/27/{ID}-1.left.wav)" in fields["Options"]


async def test_sides_that_an_earlier_daemon_left_are_joined(tmp_path: Path) -> None:
    for side in ("left", "right"):
        complete(tmp_path / f"2026/11/27/{ID}-1.{side}.wav", 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([replace(LEFT, channels="stereo")])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.seconds == 30.0


async def test_a_disk_in_the_way_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccmiddleware.recordings.recorder.JOIN_AGAIN_SECONDS", 0.05)
    for side in ("left", "right"):
        complete(tmp_path / f"2026/11/27/{ID}-1.{side}.wav", 30)
    (tmp_path / f"2026/11/27/{ID}-1.wav.joining").mkdir()
    desk = Desk(tmp_path, StandIn())
    desk.recorder.finish_within = 0.1
    desk.recorder.restore([replace(LEFT, channels="stereo")])
    async with desk.running():
        await desk.until(lambda: desk.told != [])
        await asyncio.sleep(0.3)
        assert desk.states() == ["recording"]
        assert desk.last.error == "the two sides can't be joined: Is a directory"
        (tmp_path / f"2026/11/27/{ID}-1.wav.joining").rmdir()
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.last.error == ""
