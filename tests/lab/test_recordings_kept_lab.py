"""Recordings after the talk, with real calls: compressed, brought into a bucket, through kill -9.

The bucket is moto's server over HTTP (tests/s3_fixture.py); that it is away is played by freezing
it. What comes out at the end is held against what Asterisk's queue_log says of the talk.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import soundfile
import witness
from lab.asterisk import Asterisk
from lab.daemon import NODE, Daemon, part
from lab.database import Database, rows
from lab.plan import Agent, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Talk
from s3_fixture import S3Server
from stage import Call, Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

OPEN, OTHER = "12025550101", "12025550102"
AGENTS = [Agent(f"100{n}", name) for n, name in enumerate(("Ada", "Bo"), 1)]
PLAN = Plan(
    agents=tuple(AGENTS),
    queues=(
        Queue("open", OPEN, members=("1001",), ring=20),
        Queue("other", OTHER, members=("1002",), ring=20),
    ),
)


@dataclass
class Scene:
    """The servers, and the recordings as they are stored."""

    pbx: Asterisk
    stage: Stage
    daemon: Daemon
    url: str

    async def recordings(self) -> dict[str, dict[str, Any]]:
        """The recording of each call; no call here has two talks."""
        sql = (
            "SELECT uniqueid, r.* FROM ccm.recording AS r"
            " JOIN ccm.interaction AS i ON i.id = r.interaction_id"
        )
        return {str(row["uniqueid"]): row for row in await rows(self.url, sql)}

    async def until(self, call: Call, seconds: float = 40, **wanted: Any) -> Mapping[str, Any]:
        """Wait until the recording of a call has these values."""

        def there(found: Mapping[str, Mapping[str, Any]]) -> bool:
            row = found.get(call.id, {})
            return all(row.get(name) == value for name, value in wanted.items())

        found = await witness.eventually(self.recordings, there, seconds, f"{call.id}: {wanted}")
        row: Mapping[str, Any] = found[call.id]
        return row

    async def recorded_call(self, did: str) -> Call:
        """A call that was answered, recorded for a while, and is over."""
        call = await self.stage.answered_call(did)
        await self.until(call, state="recording")
        await witness.eventually(
            self.bytes_of_audio, lambda size: size > 30_000, 20, "some audio in the file"
        )
        await self.stage.hang_up(call)
        return call

    async def bytes_of_audio(self) -> int:
        """Size of the largest file that Asterisk is writing."""
        return max((path.stat().st_size for path in self.files()), default=0)

    def files(self) -> list[Path]:
        """All files in the recording directory."""
        return [path for path in self.pbx.recordings.rglob("*") if path.is_file()]

    def talked(self, call: Call) -> float:
        """Seconds of the talk, by queue_log."""
        return witness.by_asterisk(self.pbx.queue_log())[call.id][-1].talk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("kept")
    settings = f"""
[queue.open.recording]
compression = "flac"

[queue.other.recording]
compression = "opus"

[recording_store]
endpoint = "{s3_server.endpoint}"
bucket = "{s3_server.bucket()}"
access_key = "lab"
secret = "lab"
timeout = 2
"""
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "database") as database,
    ):
        url = await database.create("kept")
        for agent in AGENTS:
            await pbx.phone(agent.extension, [Answer(0.2), Talk()]).start()
        daemon = Daemon(directory / "daemon", pbx, database_url=url, more=settings)
        async with daemon:
            yield Scene(pbx, Stage(pbx), daemon, url)


async def exported(scene: Scene, directory: Path, calls: Sequence[Call]) -> dict[str, Path]:
    """What `ccm recording export` brings, by call; hashes are those of the database."""
    ran = await scene.daemon.ccm("recording", "export", "--since", "1h", "--to", str(directory))
    assert ran.code == 0, ran.err + ran.out
    recordings = await scene.recordings()
    lines = map(json.loads, (directory / "manifest.jsonl").read_text().splitlines())
    by_interaction = {line["interaction"]: line for line in lines}
    found = {}
    for call in calls:
        row = recordings[call.id]
        line = by_interaction[str(row["interaction_id"])]
        path = directory / line["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"] == line["sha256"]
        found[call.id] = path
    return found


async def test_compressed_and_into_the_bucket(scene: Scene, tmp_path: Path) -> None:
    flac, opus = await scene.recorded_call(OPEN), await scene.recorded_call(OTHER)
    for call, kind in ((flac, "flac"), (opus, "opus")):
        row = await scene.until(call, state="finished", settled=True)
        assert (row["compression"], row["local"]) == (kind, False)
        assert row["object"].endswith(f"/recordings/{NODE}/{row['path']}")
        assert row["bytes"] < row["original_bytes"]
    assert scene.files() == []
    for call, path in (await exported(scene, tmp_path, (flac, opus))).items():
        with soundfile.SoundFile(str(path)) as audio:
            seconds = audio.frames / audio.samplerate
        row = (await scene.recordings())[call]
        assert seconds == pytest.approx(row["seconds"], abs=0.001)
    for call in (flac, opus):
        row = (await scene.recordings())[call.id]
        assert row["seconds"] == pytest.approx(scene.talked(call), abs=witness.WITHIN)
    ran = await scene.daemon.ccm("recording", "verify", "--json")
    assert (ran.code, ran.json["verdicts"]) == (0, {"ok": 2})


async def test_killed_between_compression_and_bucket(
    scene: Scene, s3_server: S3Server, tmp_path: Path
) -> None:
    """The store hangs, the daemon is killed, the next one finishes it; nothing is there twice."""
    s3_server.freeze()
    try:
        call = await scene.recorded_call(OPEN)
        row = await scene.until(call, compression="flac", object=None)
        said = await scene.daemon.says(
            lambda health: part(health, "recordings").get("status") == "degraded",
            30,
            "recordings wait for the store",
        )
        assert part(said, "recordings")["waiting"] == 1
        assert "wait for the store" in part(said, "recordings")["detail"]
        doctor = (await scene.daemon.ccm("doctor", "--json")).json["findings"]
        found = {one["subject"]: one["verdict"] for one in doctor}
        assert (found["recording store"], found["daemon recordings"]) == ("failed", "warning")
        assert [path.suffix for path in scene.files()] == [".flac"]
        await scene.daemon.kill()
    finally:
        s3_server.thaw()
    assert [path.suffix for path in scene.files()] == [".flac"]
    await scene.daemon.start()
    later = await scene.until(call, settled=True)
    assert (later["sha256"], later["local"]) == (row["sha256"], False)
    assert later["object"] is not None
    assert scene.files() == []
    assert set(await exported(scene, tmp_path, [call])) == {call.id}
    ran = await scene.daemon.ccm("recording", "verify", "--json")
    assert (ran.code, ran.json["verdicts"]) == (0, {"ok": 3})
    await scene.daemon.healthy()


async def test_cut_off_with_asterisk(scene: Scene, tmp_path: Path) -> None:
    """Asterisk is killed in a talk: the recording is kept with what there is."""
    call = await scene.stage.answered_call(OPEN)
    await scene.until(call, state="recording")
    await witness.eventually(
        scene.bytes_of_audio, lambda size: size > 30_000, 20, "some audio in the file"
    )
    await scene.pbx.kill()
    (file,) = scene.files()
    content = file.read_bytes()
    await scene.pbx.restart()
    row = await scene.until(call, 120, state="finished", settled=True)
    assert row["error"] == "cut off: Asterisk ended while recording"
    assert row["original_sha256"] == hashlib.sha256(content).hexdigest()
    (path,) = (await exported(scene, tmp_path, [call])).values()
    with soundfile.SoundFile(str(path)) as audio:
        assert bytes(audio.buffer_read(dtype="int16")) == content[44 : 44 + audio.frames * 2]
        assert audio.frames / audio.samplerate == pytest.approx(row["seconds"], abs=0.001)
        assert row["seconds"] > 1
    listed = await scene.daemon.rows("recording", "list")
    assert [one["error"] for one in listed if one["error"]] == [row["error"]]
