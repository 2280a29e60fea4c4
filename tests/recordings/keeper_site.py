"""A finished recording with its file and its row, and keepers that look after it."""

import asyncio
import hashlib
import math
import struct
import wave
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from s3_fixture import S3Server

from ccmiddleware import facts
from ccmiddleware.config import Settings, parse
from ccmiddleware.ids import interaction_id
from ccmiddleware.recordings.bucket import Bucket
from ccmiddleware.recordings.file_work import FileWork
from ccmiddleware.recordings.keeper import Keeper
from ccmiddleware.store import batch
from ccmiddleware.store.database import Database

NODE = "pbx"
BEGIN = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def spoken(path: Path, seconds: float = 2.0, channels: int = 1, rate: int = 8000) -> bytes:
    """Write a WAV file that holds no silence; its audio."""
    frames = round(seconds * rate)
    pcm = b"".join(struct.pack("<h", int(9000 * math.sin(n / 7))) * channels for n in range(frames))
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(pcm)
    return pcm


async def nothing() -> None:
    """In place of the doubt whether the daemon leads."""


async def apply(database: Database, *told: facts.AnyFact) -> None:
    """Bring facts into the database, as the writer does."""
    plan = batch.plan([facts.encode(fact) for fact in told])
    nodes = [{"node": NODE}]
    await database.execute("apply_nodes", nodes)
    queues = [{"node": n.node, "queue": n.queue} for n in plan.names if n.queue]
    await database.execute("apply_queue_names", queues)
    agents = [
        {"node": n.node, "interface": n.interface, "member_name": n.member_name}
        for n in plan.names
        if n.interface
    ]
    await database.execute("apply_agent_names", agents)
    for tag, lines in plan.lines.items():
        await database.execute(batch.KINDS[tag].query, batch.array(lines))


class KeeperSite:
    """One node with recordings. ``term`` is that of the leader."""

    def __init__(self, directory: Path, database: Database, **recording: Any) -> None:
        self.directory = directory / "monitor"
        self.directory.mkdir()
        self.database = database
        self.raw: dict[str, Any] = {
            "node": [{"name": NODE, "ami": {"secret": "x"}, "recordings": str(self.directory)}],
            "recording": {"policy": "always", **recording},
        }
        self.term = 0
        self.now = BEGIN + timedelta(hours=1)
        self.work = FileWork()

    @property
    def settings(self) -> Settings:
        return parse(self.raw, "test")

    def use(self, server: S3Server, bucket: str, **more: Any) -> None:
        """Have a bucket as store."""
        self.raw["recording_store"] = {
            "endpoint": server.endpoint,
            "bucket": bucket,
            "access_key": "key",
            "secret": "s",
            "timeout": 10,
            **more,
        }

    @property
    def bucket(self) -> Bucket:
        store = self.settings.recording_store
        assert store is not None
        return Bucket(store)

    async def keeper(
        self, database: Database | None = None, work: FileWork | None = None
    ) -> Keeper:
        """Of a new leader."""
        await self.database.execute("apply_nodes", [{"node": NODE}])
        self.term += 1
        await self.database.rows(
            "INSERT INTO ccm.leadership (node_id, term) SELECT id, $1 FROM ccm.node WHERE name = $2"
            " ON CONFLICT (node_id) DO UPDATE SET term = $1",
            self.term,
            NODE,
        )
        made = Keeper(
            self.settings.node[0],
            self.settings,
            self.term,
            database or self.database,
            work or self.work,
            nothing,
            lambda: self.now,
        )
        made.pace = 0.05
        return made

    async def recording(
        self, call: str = "1795770000.1", queue: str = "support", **audio: Any
    ) -> tuple[str, bytes]:
        """A finished recording: its path and its audio."""
        id_ = interaction_id(NODE, call)
        path = f"2026/11/27/{id_}-1.wav"
        pcm = spoken(self.directory / path, **audio)
        content = (self.directory / path).read_bytes()
        finished = facts.Recording(
            interaction_id=id_,
            segment=1,
            version=3,
            node=NODE,
            state="finished",
            path=path,
            started_at=BEGIN,
            ended_at=BEGIN + timedelta(seconds=2),
            seconds=2.0,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        await apply(self.database, *_call(id_, call, queue), finished)
        return path, pcm

    async def rows(self) -> list[dict[str, Any]]:
        found = await self.database.rows("SELECT * FROM ccm.recording ORDER BY interaction_id")
        return [dict(row) for row in found]

    async def row(self) -> dict[str, Any]:
        (row,) = await self.rows()
        return row

    def files(self) -> list[str]:
        """All files below the recording directory."""
        found = [path for path in self.directory.rglob("*") if path.is_file()]
        return sorted(path.relative_to(self.directory).as_posix() for path in found)

    async def objects(self) -> list[str]:
        """All objects of the bucket."""
        return sorted([one.key async for one in self.bucket.list()])

    async def until(self, keeper: Keeper, condition: Callable[[], Awaitable[bool]]) -> None:
        """Let a keeper run until the condition holds."""
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(keeper.run(), name="keeper")
            while not await condition():  # noqa: ASYNC110 - the database sends no event
                await asyncio.sleep(0.02)
            task.cancel()

    async def settled(self, keeper: Keeper) -> None:
        """Let a keeper run until nothing is left to be done."""

        async def over() -> bool:
            return all(row["settled"] for row in await self.rows())

        await self.until(keeper, over)


def _call(id_: Any, call: str, queue: str) -> list[facts.AnyFact]:
    interaction = facts.Interaction(
        id=id_, version=4, node=NODE, state="ended", linkedid=call, uniqueid=call,
        caller_num="12025550123", started_at=BEGIN, ended_at=BEGIN + timedelta(seconds=9),
        outcome="answered",
    )  # fmt: skip
    segment = facts.Segment(
        interaction_id=id_, ordinal=1, version=2, visit=1 if queue else 0, node=NODE,
        interface="PJSIP/1001", member_name="Ann", channel="a", agent_channel="b",
        offered_at=BEGIN, answered_at=BEGIN, ended_at=BEGIN + timedelta(seconds=2),
        ended_by="agent",
    )  # fmt: skip
    visit = facts.QueueVisit(
        interaction_id=id_, ordinal=1, version=2, node=NODE, queue=queue, position=1,
        joined_at=BEGIN, answered_at=BEGIN, left_at=BEGIN, outcome="answered",
    )  # fmt: skip
    told: list[facts.AnyFact] = [interaction, segment, *([visit] if queue else [])]
    return told
