"""Pause, resume, start and stop while a talk goes on; a stand-in plays Asterisk."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pbx_story import at
from recorder_desk import ENDED, ID, TALK, Desk, StandIn
from wav_files import complete

from ccmiddleware.commands import InvalidCommand, Outcome
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import InteractionEvent, Recording
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.recordings import take as take_module

FILE = f"2026/11/27/{ID}-1.wav"
SECOND = replace(TALK, ordinal=2, version=7, interface="PJSIP/1002", agent_channel="PJSIP/1002-2")
MUTE = ("MixMonitorMute", {"Channel": "PJSIP/trunk-1", "Direction": "both", "State": "1"})
SOUND = ("MixMonitorMute", {"Channel": "PJSIP/trunk-1", "Direction": "both", "State": "0"})


class Moody:
    """Raises what is set for an action."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors

    def __call__(self, action: str, fields: Mapping[str, Any]) -> None:
        if action in self.errors:
            raise self.errors[action]


async def ask(desk: Desk, verb: str, interface: str = "PJSIP/1001") -> Outcome:
    handler = desk.control.handlers()[f"recording_{verb}"]
    return await handler({"interface": interface, "by": "root"})


async def recorded(desk: Desk, *talks: Any) -> None:
    """The talks are on, and recorded."""
    desk.observe(*(talks or (TALK,)))
    number = len(talks) or 1
    await desk.until(lambda: desk.states().count("recording") == number)


async def test_paused_and_resumed_is_what_asterisk_confirmed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        assert await ask(desk, "pause") == ("done", f"{ID} segment 1: paused")
        assert (desk.last.paused_at, desk.last.asked) == (at(10), "")
        desk.now = at(16)
        assert (await ask(desk, "pause"))[1].endswith("it was paused already")
        assert await ask(desk, "resume") == ("done", f"{ID} segment 1: resumed")
        assert (desk.last.paused_at, desk.last.paused_seconds) == (None, 6.0)
        assert (await ask(desk, "resume"))[1].endswith("it was not paused")
        complete(tmp_path / FILE, 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    assert desk.asterisk.sent[1:3] == [MUTE, SOUND]
    assert desk.last.paused_seconds == 6.0
    lines = [fact for fact in desk.told if isinstance(fact, InteractionEvent)]
    assert [(line.kind, line.at, line.data["by"]) for line in lines] == [
        ("recording_paused", at(10), "root"),
        ("recording_resumed", at(16), "root"),
    ]


async def test_that_it_was_asked_is_told_before_it_is(tmp_path: Path) -> None:
    seen: list[str] = []

    def look(action: str, fields: Mapping[str, Any]) -> None:
        if action == "MixMonitorMute":
            seen.append(desk.last.asked)

    desk = Desk(tmp_path, StandIn(look))
    async with desk.running():
        await recorded(desk)
        await ask(desk, "pause")
        await ask(desk, "resume")
    assert seen == ["pause", "resume"]


async def test_a_refusal_leaves_it_as_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(Moody(MixMonitorMute=PermanentError("No such channel"))))
    async with desk.running():
        await recorded(desk)
        state, said = await ask(desk, "pause")
        assert (state, said) == ("refused", f"{ID} segment 1: No such channel")
        assert (desk.last.paused_at, desk.last.asked) == (None, "")
    assert desk.kinds() == []


async def test_no_answer_is_unknown_and_settled_by_asking_again(tmp_path: Path) -> None:
    moody = Moody(MixMonitorMute=TemporaryError("no answer within 10 s"))
    desk = Desk(tmp_path, StandIn(moody))
    async with desk.running():
        await recorded(desk)
        state, said = await ask(desk, "pause")
        assert state == "unknown"
        assert "no answer came" in said
        assert (desk.last.paused_at, desk.last.asked) == (None, "pause")
        assert desk.kinds() == ["recording_unsure"]
        moody.errors.clear()
        assert (await ask(desk, "pause"))[0] == "done"
        assert (desk.last.paused_at, desk.last.asked) == (at(10), "")


async def test_a_pause_waits_for_the_recording_to_begin(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        desk.observe(TALK)
        assert (await ask(desk, "pause"))[0] == "done"
        assert desk.asterisk.actions == ["MixMonitor", "MixMonitorMute"]


async def test_while_nobody_knows_whether_it_is_recorded_there_is_no_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_module, "LOCK_SECONDS", 0.2)
    desk = Desk(tmp_path, StandIn(Moody(MixMonitor=TemporaryError("no link"))))
    async with desk.running():
        desk.observe(TALK)
        await desk.until(lambda: "MixMonitor" in desk.asterisk.actions)
        state, said = await ask(desk, "pause")
        assert state == "refused"
        assert "has not answered yet" in said


async def test_where_nothing_is_recorded_nothing_is_to_be_silenced(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), policy="never")
    async with desk.running():
        desk.observe(TALK)
        assert await ask(desk, "pause") == ("done", f"{ID}: nothing is being recorded")
        assert (await ask(desk, "resume"))[0] == "refused"
        with pytest.raises(InvalidCommand, match="PJSIP/1009 talks to nobody now"):
            await ask(desk, "pause", "PJSIP/1009")
    assert desk.asterisk.sent == []


# Several talks of one customer -------------------------------------------------------------


async def test_a_pause_silences_what_is_recorded_beside_and_ends_with_its_talk(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk, TALK, SECOND)
        state, said = await ask(desk, "pause", "PJSIP/1001")
        assert (state, said.count(": paused")) == ("done", 2)
        complete(tmp_path / FILE, 30)
        desk.observe(ENDED)
        await desk.until(lambda: "recording_resumed" in desk.kinds())
        second = [fact for fact in desk.told if isinstance(fact, Recording) and fact.segment == 2]
        assert second[-1].paused_at is None
        await desk.until(lambda: (ID, 1) not in desk.recorder.takes)
    mutes = [fields for action, fields in desk.asterisk.sent if action == "MixMonitorMute"]
    assert [(fields["Channel"], fields["State"]) for fields in mutes] == [
        ("PJSIP/trunk-1", "1"),
        ("PJSIP/1002-2", "1"),
        ("PJSIP/1002-2", "0"),
    ]


async def test_either_agent_of_a_three_way_call_may_resume(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk, TALK, SECOND)
        await ask(desk, "pause", "PJSIP/1001")
        state, said = await ask(desk, "resume", "PJSIP/1002")
        assert (state, said.count(": resumed")) == ("done", 2)


async def test_a_recording_that_begins_beside_a_pause_begins_silent(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        await ask(desk, "pause")
        desk.observe(SECOND)
        await desk.until(lambda: desk.last.segment == 2 and desk.last.paused_at is not None)
        # After a transfer the first talk ends a moment after the second began.
        complete(tmp_path / FILE, 30)
        desk.observe(ENDED)
        await desk.until(lambda: "recording_resumed" in desk.kinds())


async def test_the_talk_after_a_paused_one_is_recorded(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        await ask(desk, "pause")
        complete(tmp_path / FILE, 30)
        desk.now = at(32)
        desk.observe(ENDED)
        desk.observe(SECOND)
        await desk.until(lambda: "finished" in desk.states())
        await desk.until(lambda: (ID, 2) in desk.recorder.takes)
        first = [fact for fact in desk.told if isinstance(fact, Recording) and fact.segment == 1]
        assert (first[-1].paused_at, first[-1].paused_seconds) == (None, 22.0)
        await desk.until(lambda: desk.recorder.takes[ID, 2].runs)
    assert desk.asterisk.actions.count("MixMonitorMute") == 1


# Time and restarts -------------------------------------------------------------------------


async def test_a_pause_that_lasts_too_long_is_ended(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), pause_limit_seconds=60)
    async with desk.running():
        await recorded(desk)
        await ask(desk, "pause")
        await asyncio.sleep(0.05)
        assert desk.last.paused_at == at(10)
        desk.now = at(71)
        desk.recorder.takes[ID, 1].news.set()
        await desk.until(lambda: desk.last.paused_at is None)
    (*_, line) = [fact for fact in desk.told if isinstance(fact, InteractionEvent)]
    assert (line.kind, line.data["how"]) == ("recording_resumed", "limit")


LEFT = Recording(
    interaction_id=ID,
    segment=1,
    version=4,
    node="pbx",
    state="recording",
    path=FILE,
    started_at=at(2),
    monitor="0x7f",
    paused_at=at(6),
    paused_seconds=1.0,
)


async def test_the_next_daemon_knows_of_the_pause_and_ends_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, LEFT])
    async with desk.running():
        assert (await ask(desk, "pause"))[1].endswith("it was paused already")
        assert (await ask(desk, "resume"))[0] == "done"
        assert (desk.last.paused_at, desk.last.paused_seconds) == (None, 5.0)
        complete(tmp_path / FILE, 30)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    stop = {"Channel": "PJSIP/trunk-1", "MixMonitorID": "0x7f"}
    assert desk.asterisk.sent == [SOUND, ("StopMixMonitor", stop)]


async def test_a_pause_that_was_never_told_is_ended_all_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, replace(LEFT, paused_at=None)])
    async with desk.running():
        assert (await ask(desk, "resume"))[0] == "done"
    assert desk.asterisk.sent == [SOUND]


async def test_a_pause_that_no_daemon_saw_end_ended_with_the_talk(tmp_path: Path) -> None:
    complete(tmp_path / FILE, 30)
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([ENDED, LEFT])
    async with desk.running():
        await desk.until(lambda: desk.last_state == "finished")
    assert (desk.last.ended_at, desk.last.paused_seconds) == (at(32), 27.0)


async def test_the_next_daemon_makes_sure_of_a_pause_that_was_only_asked_for(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, StandIn())
    desk.recorder.restore([TALK, replace(LEFT, asked="pause", paused_at=None)])
    async with desk.running():
        await desk.until(lambda: bool(desk.told) and desk.last.paused_at is not None)
    assert desk.asterisk.sent == [MUTE]


# On demand ---------------------------------------------------------------------------------


async def test_on_demand_begins_when_asked_and_ends_when_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        await asyncio.sleep(0.05)
        assert desk.asterisk.sent == []
        assert (await ask(desk, "stop"))[1].endswith("it was not being recorded")
        assert await ask(desk, "start") == ("done", f"{ID} segment 1: recording")
        assert (desk.last.started_at, desk.states()) == (at(10), ["expected", "recording"])
        assert (await ask(desk, "start"))[1].endswith("it is being recorded already")
        desk.now = at(20)
        assert await ask(desk, "stop") == ("done", f"{ID} segment 1: stopped")
        assert desk.last.stopped_at == at(20)
        complete(tmp_path / FILE, 10)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")
    assert (desk.last.seconds, desk.last.ended_at) == (10.0, at(20))
    assert desk.asterisk.actions == ["MixMonitor", "StopMixMonitor"]
    assert desk.kinds() == ["recording_started", "recording_stopped"]


async def test_after_a_stop_it_goes_on_in_the_same_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        for verb in ("start", "pause", "stop", "start"):
            assert (await ask(desk, verb))[0] == "done"
        assert (desk.last.stopped_at, desk.last.paused_at, desk.last.monitor) == (None, None, "0x4")
    files = [fields for action, fields in desk.asterisk.sent if action == "MixMonitor"]
    assert files[0] == files[1]
    assert files[0]["Options"].startswith("a")


async def test_a_start_that_asterisk_refuses_may_be_tried_again(tmp_path: Path) -> None:
    moody = Moody(MixMonitor=PermanentError("Permission denied"))
    desk = Desk(tmp_path, StandIn(moody), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        state, said = await ask(desk, "start")
        assert (state, "Permission denied" in said) == ("refused", True)
        moody.errors.clear()
        assert (await ask(desk, "start"))[0] == "done"
        assert (desk.last.state, desk.last.error) == ("recording", "")
        complete(tmp_path / FILE, 10)
        desk.observe(ENDED)
        await desk.until(lambda: desk.last_state == "finished")


async def test_a_start_in_doubt_is_stopped_before_it_is_tried_again(tmp_path: Path) -> None:
    moody = Moody()
    desk = Desk(tmp_path, StandIn(moody), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        await ask(desk, "start")
        await ask(desk, "stop")
        moody.errors["MixMonitor"] = TemporaryError("no answer")
        assert (await ask(desk, "start"))[0] == "unknown"
        assert (await ask(desk, "pause"))[0] == "refused"
        moody.errors.clear()
        assert (await ask(desk, "start"))[0] == "done"
    assert desk.asterisk.actions[-3:] == ["MixMonitor", "StopMixMonitor", "MixMonitor"]


async def test_a_start_after_a_stop_in_doubt_forgets_the_pause_before(tmp_path: Path) -> None:
    """The new MixMonitor is not muted: the next pause must be asked for and not be believed."""
    moody = Moody()
    desk = Desk(tmp_path, StandIn(moody), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        await ask(desk, "start")
        await ask(desk, "pause")
        moody.errors["StopMixMonitor"] = TemporaryError("no answer")
        assert (await ask(desk, "stop"))[0] == "unknown"
        moody.errors.clear()
        assert (await ask(desk, "start"))[0] == "done"
        assert desk.last.paused_at is None
        assert (await ask(desk, "pause"))[1].endswith(": paused")
    assert desk.asterisk.actions.count("MixMonitorMute") == 2


async def test_a_start_is_not_tried_while_a_stop_is_not_answered(tmp_path: Path) -> None:
    moody = Moody()
    desk = Desk(tmp_path, StandIn(moody), policy="on_demand")
    async with desk.running():
        desk.observe(TALK)
        await ask(desk, "start")
        moody.errors["StopMixMonitor"] = TemporaryError("no answer")
        await ask(desk, "stop")
        assert (await ask(desk, "start"))[0] == "unknown"
    assert desk.asterisk.actions.count("MixMonitor") == 1


async def test_a_pause_of_ones_own_outlasts_that_of_the_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk, TALK, SECOND)
        await ask(desk, "pause", "PJSIP/1001")
        state, said = await ask(desk, "pause", "PJSIP/1002")
        assert (state, said.count("paused already")) == ("done", 2)
        complete(tmp_path / FILE, 30)
        desk.observe(ENDED)
        await desk.until(lambda: (ID, 1) not in desk.recorder.takes)
        assert desk.recorder.takes[ID, 2].recording.paused_at is not None
    assert SOUND not in desk.asterisk.sent


async def test_a_pause_silences_also_what_is_about_to_be_recorded_beside(tmp_path: Path) -> None:
    held = asyncio.Event()

    class Slow(StandIn):
        async def send(self, action: str, fields: Any = None, *, timeout: Any = None) -> Any:
            if action == "MixMonitor" and (fields or {}).get("Channel") == "PJSIP/1002-2":
                await held.wait()
            return await super().send(action, fields, timeout=timeout)

    desk = Desk(tmp_path, Slow())
    async with desk.running():
        await recorded(desk, TALK)
        desk.observe(SECOND)
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(ask(desk, "pause"))
            await desk.until(lambda: MUTE in desk.asterisk.sent)
            assert not asked.done()
            held.set()
        assert asked.result()[0] == "done"
        assert desk.recorder.takes[ID, 2].recording.paused_at is not None


@pytest.mark.parametrize("verb", ["start", "stop"])
async def test_where_the_policy_decides_nobody_else_does(tmp_path: Path, verb: str) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        with pytest.raises(InvalidCommand, match="policy of queue support is always, not on_dem"):
            await ask(desk, verb)


# Codes -------------------------------------------------------------------------------------


def code(what: str) -> UserEvent:
    return UserEvent(
        at=at(5),
        name="CcmRecording",
        channel="PJSIP/1001-1",
        uniqueid="17.5",
        interface="PJSIP/1001",
        code=what,
        ask="1",
    )


def astdb(desk: Desk) -> list[tuple[str, str, str]]:
    return [
        (action, fields["Key"], fields.get("Val", ""))
        for action, fields in desk.asterisk.sent
        if action.startswith("DB")
    ]


async def test_a_code_is_claimed_done_and_answered_in_that_order(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        desk.control.hear(code("pause"))
        await desk.until(lambda: "DBPut" in desk.asterisk.actions)
    assert desk.asterisk.actions[1:4] == ["DBDel", "MixMonitorMute", "DBPut"]
    assert astdb(desk)[:2] == [("DBDel", "17.5-1/asked", ""), ("DBPut", "17.5-1/answer", "yes")]


async def test_a_code_that_nobody_waits_for_any_more_does_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, StandIn(Moody(DBDel=PermanentError("Database entry not found"))))
    async with desk.running():
        await recorded(desk)
        desk.control.hear(code("pause"))
        await desk.until(lambda: "DBDel" in desk.asterisk.actions)
        await asyncio.sleep(0.05)
    assert desk.asterisk.actions == ["MixMonitor", "DBDel"]


@pytest.mark.parametrize(
    ("policy", "what", "error"),
    [
        ("always", "pause", TemporaryError("no answer")),
        ("always", "pause", PermanentError("No such channel")),
        ("always", "start", None),
        ("never", "resume", None),
    ],
)
async def test_what_is_not_so_is_answered_by_no(
    tmp_path: Path, policy: str, what: str, error: Exception | None
) -> None:
    moody = Moody(**({"MixMonitorMute": error} if error else {}))
    desk = Desk(tmp_path, StandIn(moody), policy=policy)
    async with desk.running():
        desk.observe(TALK)
        desk.control.hear(code(what))
        await desk.until(lambda: "DBPut" in desk.asterisk.actions)
    assert astdb(desk)[1] == ("DBPut", "17.5-1/answer", "no")


async def test_an_answer_that_nobody_took_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccmiddleware.recordings.control.FORGET_SECONDS", 0.05)
    desk = Desk(tmp_path, StandIn())
    async with desk.running():
        await recorded(desk)
        desk.control.hear(code("pause"))
        await desk.until(lambda: len(astdb(desk)) == 3)
    assert astdb(desk)[2] == ("DBDel", "17.5-1/answer", "")
