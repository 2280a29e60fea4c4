"""Recordings under way on a real Asterisk: paused, resumed, on demand, stereo, with a beep."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, VOICES, Asterisk
from lab.audio import Recorded
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.phones import Phone
from lab.plan import Agent, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Obey
from recorded_sides import read_sides
from stage import Call, Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
SUPPORT, DEMAND, STEREO, BRIEF, BEEP, OTHER = (f"1202555010{n}" for n in range(1, 7))
CODES = (
    "set_var = DYNAMIC_FEATURES="
    "ccm_record_pause#ccm_record_resume#ccm_record_start#ccm_record_stop",
)
PLAN = Plan(
    agents=(Agent("1001", "Alice Arnold", CODES), Agent("1002", "Jörg Müller", CODES)),
    queues=tuple(
        Queue(name, did, members=("1002" if name == "other" else "1001",), ring=10)
        for name, did in {
            "support": SUPPORT, "demand": DEMAND, "stereo": STEREO, "brief": BRIEF, "beep": BEEP,
            "other": OTHER,
        }.items()
    ),
    manager=("ccm-recording.conf",),
    files={
        "features.conf": "[general]\nfeaturedigittimeout = 3000\n\n"
        + (SHIPPED / "features" / "ccm-recording.conf").read_text(),
        "ccm-recording.conf": (SHIPPED / "dialplan" / "ccm-recording.conf").read_text(),
    },
    dialplan='\n#include "ccm-recording.conf"\n',
)  # fmt: skip
POLICIES = """
[queue.demand.recording]
policy = "on_demand"

[queue.stereo.recording]
policy = "always"
channels = "stereo"

[queue.brief.recording]
policy = "always"
pause_limit_seconds = 1

[queue.beep.recording]
policy = "always"
beep_seconds = 1
"""
RECORDING = """
SELECT r.*, extract(epoch FROM r.ended_at - r.started_at)::float8 AS lasted
FROM ccm.recording AS r JOIN ccm.interaction AS i ON i.id = r.interaction_id
WHERE i.uniqueid = $1 AND r.segment = $2
"""
HISTORY = """
SELECT e.kind, e.data FROM ccm.interaction_event AS e
JOIN ccm.interaction AS i ON i.id = e.interaction_id
WHERE i.uniqueid = $1 AND e.kind LIKE 'recording%' ORDER BY e.at
"""


@dataclass
class Talk:
    """A call that the agent has answered."""

    scene: "Scene"
    call: Call
    phone: Phone
    asked: int = 0

    async def recording(self, segment: int = 1, **wanted: Any) -> dict[str, Any]:
        """The recording, once its columns are as wanted; ``...`` is anything but null.

        What Asterisk confirmed is heard at once, and stored a moment later.
        """

        def same(value: object, other: object) -> bool:
            return value is not None if other is ... else value == other

        def fits(found: Sequence[dict[str, Any]]) -> bool:
            return bool(found) and all(
                same(found[0][name], value) for name, value in wanted.items()
            )

        async def look() -> list[dict[str, Any]]:
            return await rows(self.scene.url, RECORDING, self.call.id, segment)

        (found,) = await witness.eventually(look, fits, PATIENCE, f"recording {wanted}")
        return dict(found)

    async def history(self) -> list[tuple[str, str, str]]:
        """Kind, by what and by whom, of what is written of the recording."""
        found = await rows(self.scene.url, HISTORY, self.call.id)
        told = [(str(row["kind"]), json.loads(str(row["data"]))) for row in found]
        return [(kind, data["how"], data["by"]) for kind, data in told]

    async def key(self, code: str) -> str:
        """The agent keys in a code; what the dialplan was told: yes or no."""
        for digit in code:
            await self.phone.press(digit)
        self.asked += 1
        return await self.scene.answer(self.asked)

    async def over(self) -> None:
        await self.phone.hang_up()
        await self.scene.stage.over(self.call)

    async def heard(self, segment: int = 1) -> tuple[dict[str, Any], Recorded]:
        """The finished recording, and what is in a mono file."""
        row = await self.recording(segment, state="finished")
        assert row["error"] == ""
        (sound,) = read_sides(self.scene.pbx.recordings / row["path"])
        assert sound.seconds == pytest.approx(row["seconds"], abs=0.001)
        return row, sound


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    stage: Stage
    phone: Phone
    daemon: Daemon
    url: str

    async def talk(self, did: str) -> Talk:
        call = await self.stage.answered_call(did)
        return Talk(self, call, self.phone)

    async def ccm(self, verb: str, target: str, code: int = 0) -> str:
        ran = await self.daemon.ccm("recording", verb, target)
        assert ran.code == code, ran
        return ran.out + ran.err

    async def channel(self, extension: str = "1001") -> str:
        """The channel of an agent's phone."""

        async def look() -> list[str]:
            told = await self.pbx.cli("core show channels concise")
            return re.findall(rf"^(PJSIP/{extension}-[0-9a-f]+)!", told, re.MULTILINE)

        # For a moment Asterisk may still tell of one that is no more.
        (found,) = await witness.eventually(
            look, lambda found: len(found) == 1, PATIENCE, f"one channel of {extension}"
        )
        return str(found)

    async def answer(self, asked: int) -> str:
        """What the dialplan made of the code with that number."""
        channel = await self.channel()

        async def look() -> dict[str, str]:
            told = await self.pbx.cli(f"core show channel {channel}")
            return dict(re.findall(r"^(\w+)=(.*)$", told, re.MULTILINE))

        def given(variables: dict[str, str]) -> bool:
            return variables.get("CCM_RECORDING_ANSWERED") == str(asked)

        variables = await witness.eventually(look, given, PATIENCE, "an answer to the code")
        return str(variables["CCM_RECORDING_ANSWER"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("recording")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        phones = [pbx.phone(extension, [Answer(0.2), Obey()]) for extension in ("1001", "1002")]
        for phone in phones:
            await phone.start()
        url = await postgres.create("recording")
        async with Daemon(directory / "daemon", pbx, database_url=url, more=POLICIES) as daemon:
            yield Scene(pbx, Stage(pbx), phones[0], daemon, url)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def quiet(scene: Scene) -> AsyncIterator[None]:
    """After a test that failed, nobody talks any more."""
    yield
    await scene.pbx.cli("channel request hangup all")
    if not scene.daemon.running:
        await scene.daemon.start()

    async def channels() -> str:
        return await scene.pbx.cli("core show channels count")

    await witness.eventually(channels, lambda told: "0 active channels" in told, 30, "quiet")


def silent(sound: Recorded) -> float:
    """Seconds in which there is nothing at all, as nobody is silent on a telephone."""
    size = sound.rate // 50
    windows = [sound.samples[at : at + size] for at in range(0, len(sound.samples), size)]
    return sum(not any(window) for window in windows) / 50


def part(sound: Recorded, begin: float, end: float | None = None) -> Recorded:
    """The part between two times, in seconds; negative ones count from the end."""
    last = None if end is None else round(end * sound.rate)
    return Recorded(sound.rate, sound.samples[round(begin * sound.rate) : last])


def both_talk(sound: Recorded) -> bool:
    return sound.level_at(VOICES["caller"]) > -30 and sound.level_at(VOICES["agent"]) > -30


async def speak(seconds: float = 1.0) -> None:
    """Let them talk for a while, so that there is something to hear."""
    await asyncio.sleep(seconds)


async def test_a_code_pauses_and_resumes(scene: Scene) -> None:
    talk = await scene.talk(SUPPORT)
    await talk.recording(state="recording")
    await speak()
    assert await talk.key("*71") == "yes"
    await talk.recording(asked="", paused_at=...)
    await speak(2)
    assert await talk.key("*72") == "yes"
    await talk.recording(paused_at=None)
    await speak()
    await talk.over()
    row, sound = await talk.heard()
    assert row["paused_seconds"] > 2
    assert silent(sound) == pytest.approx(row["paused_seconds"], abs=0.4)
    assert both_talk(part(sound, 0, 1))
    assert both_talk(part(sound, -1))
    agent = "PJSIP/1001"
    assert await talk.history() == [
        ("recording_paused", "code", agent),
        ("recording_resumed", "code", agent),
    ]
    shown = await scene.daemon.ccm("interaction", "show", talk.call.id)
    assert "recording paused" in shown.out
    (reported,) = await rows(
        scene.url,
        "SELECT paused_seconds FROM report.recording WHERE interaction_id = $1",
        row["interaction_id"],
    )
    assert float(reported["paused_seconds"]) == pytest.approx(row["paused_seconds"], abs=0.001)


async def test_ccm_pauses_and_resumes_by_agent_and_by_interaction(scene: Scene) -> None:
    talk = await scene.talk(SUPPORT)
    await talk.recording(state="recording")
    assert "segment 1: paused" in await scene.ccm("pause", "alice arnold")
    assert "it was paused already" in await scene.ccm("pause", talk.call.id)
    await speak()
    assert "segment 1: resumed" in await scene.ccm("resume", talk.call.id)
    assert "it was not paused" in await scene.ccm("resume", "1001")
    assert "policy of queue support is always" in await scene.ccm("stop", "1001", code=1)
    assert "talks to nobody now" in await scene.ccm("pause", "1002", code=1)
    assert "nor is it the id of an interaction" in await scene.ccm("pause", "nobody", code=1)
    await talk.over()
    row, sound = await talk.heard()
    assert silent(sound) == pytest.approx(row["paused_seconds"], abs=0.4)
    assert [kind for kind, *_ in await talk.history()] == ["recording_paused", "recording_resumed"]
    assert "is over" in await scene.ccm("pause", talk.call.id, code=1)


async def test_a_pause_survives_the_daemon(scene: Scene) -> None:
    talk = await scene.talk(SUPPORT)
    await talk.recording(state="recording")
    await speak()
    assert await talk.key("*71") == "yes"
    await talk.recording(asked="", paused_at=...)
    await scene.daemon.kill()
    await speak(2)
    await scene.daemon.start()
    await speak()
    paused = await talk.recording(state="recording")
    assert paused["paused_at"] is not None
    assert await talk.key("*72") == "yes"
    await speak()
    await talk.over()
    row, sound = await talk.heard()
    assert row["paused_seconds"] > 3
    assert silent(sound) == pytest.approx(row["paused_seconds"], abs=0.4)
    assert both_talk(part(sound, -1))


async def test_while_the_daemon_is_away_the_answer_is_no(scene: Scene) -> None:
    talk = await scene.talk(SUPPORT)
    await talk.recording(state="recording")
    await scene.daemon.kill()
    assert await talk.key("*71") == "no"
    assert await scene.pbx.cli("database show ccm-recording") == "0 results found.\n"
    await scene.daemon.start()
    await speak()
    await talk.over()
    row, sound = await talk.heard()
    assert (row["paused_seconds"], silent(sound)) == (0, pytest.approx(0, abs=0.2))
    assert await talk.history() == []


async def test_a_pause_ends_with_its_talk(scene: Scene) -> None:
    talk = await scene.talk(SUPPORT)
    await talk.recording(state="recording")
    await speak()
    await scene.ccm("pause", "1001")
    await speak()
    await scene.phone.refer(f"sip:1002@{scene.pbx.sip[0]}:{scene.pbx.sip[1]}")
    await talk.recording(2, state="recording")
    await speak(2)
    await scene.pbx.cli("channel request hangup all")
    first, before = await talk.heard(1)
    assert first["paused_at"] is None
    assert first["paused_seconds"] > 1
    assert silent(part(before, -0.5)) > 0.3
    second, after = await talk.heard(2)
    assert second["paused_seconds"] == 0
    assert both_talk(after)


async def test_a_pause_that_lasts_too_long_is_ended(scene: Scene) -> None:
    talk = await scene.talk(BRIEF)
    await talk.recording(state="recording")
    await scene.ccm("pause", "1001")
    await talk.recording(asked="", paused_at=...)
    await talk.recording(asked="", paused_at=None)
    await speak()
    await talk.over()
    row, sound = await talk.heard()
    assert row["paused_seconds"] >= 1
    assert both_talk(part(sound, -1))
    (user,) = {by for kind, _, by in await talk.history() if kind == "recording_paused"}
    assert await talk.history() == [
        ("recording_paused", "command", user),
        ("recording_resumed", "limit", ""),
    ]


async def test_on_demand_only_the_parts_asked_for_are_recorded(scene: Scene) -> None:
    talk = await scene.talk(DEMAND)
    await speak()
    assert await rows(scene.url, RECORDING, talk.call.id, 1) == []
    assert "nothing is being recorded" in await scene.ccm("pause", "1001")
    assert await talk.key("*73") == "yes"
    await talk.recording(state="recording")
    await speak(1.5)
    assert await talk.key("*74") == "yes"
    await talk.recording(asked="", stopped_at=...)
    await speak(3)
    assert "recording" in await scene.ccm("start", "1001")
    await speak(1.5)
    await talk.over()
    row, sound = await talk.heard()
    assert row["lasted"] > row["seconds"] + 2
    assert row["seconds"] > 3
    assert silent(sound) < 0.3
    assert both_talk(part(sound, 0, 1))
    assert both_talk(part(sound, -1))
    kinds = [kind for kind, *_ in await talk.history()]
    assert kinds == ["recording_started", "recording_stopped", "recording_started"]


async def test_stereo_has_the_customer_left_whoever_is_recorded(scene: Scene) -> None:
    talk = await scene.talk(STEREO)
    await talk.recording(state="recording")
    await speak()
    assert await talk.key("*71") == "yes"
    await speak()
    assert await talk.key("*72") == "yes"
    await speak()
    await scene.phone.refer(f"sip:1002@{scene.pbx.sip[0]}:{scene.pbx.sip[1]}")
    await talk.recording(2, state="recording")
    await speak(2)
    await scene.pbx.cli("channel request hangup all")
    for segment in (1, 2):
        row = await talk.recording(segment, state="finished")
        file = scene.pbx.recordings / row["path"]
        left, right = read_sides(file)
        assert left.seconds == pytest.approx(row["seconds"], abs=0.001)
        assert left.level_at(VOICES["caller"]) > -25
        assert right.level_at(VOICES["agent"]) > -25
        assert left.level_at(VOICES["agent"]) < -40
        assert right.level_at(VOICES["caller"]) < -40
        assert [path.name for path in file.parent.glob(f"{file.stem}*")] == [file.name]
        assert silent(left) == pytest.approx(row["paused_seconds"], abs=0.5)
        # The customer heard nothing while the agent heard the tones.
        assert silent(right) > row["paused_seconds"] - 0.5
    ran = await scene.daemon.ccm("recording", "verify", "--json")
    assert ran.json["wrong"] == []


async def test_a_beep_is_played_and_makes_no_interaction(scene: Scene) -> None:
    before = await rows(scene.url, "SELECT count(*) AS number FROM ccm.interaction")
    talk = await scene.talk(BEEP)
    await talk.recording(state="recording")

    async def channels() -> str:
        return await scene.pbx.cli("core show channels concise")

    await witness.eventually(channels, lambda told: "!Playback!beep!" in told, 30, "a beep")
    await talk.over()
    await talk.heard()
    after = await rows(scene.url, "SELECT count(*) AS number FROM ccm.interaction")
    assert int(str(after[0]["number"])) == int(str(before[0]["number"])) + 1


async def test_nothing_was_refused_or_said_in_error(scene: Scene) -> None:
    assert await rows(scene.url, "SELECT * FROM ccm.rejected_fact") == []
    assert await scene.pbx.cli("database show ccm-recording") == "0 results found.\n"
