"""Recordings after the talk: compressed, stored, given up; and every moment at which one is killed.

Postgres is real; the bucket is moto's server over HTTP (tests/s3_fixture.py).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile
from keeper_site import BEGIN, NODE, KeeperSite, apply
from s3_fixture import S3Server

from ccmiddleware import facts
from ccmiddleware.recordings import bucket as buckets
from ccmiddleware.recordings import keeper as keepers
from ccmiddleware.recordings.file_work import FileWork
from ccmiddleware.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """With the rights of the daemon."""
    async with Database(database_url, role="ccm_app") as pool:
        yield pool


@pytest.fixture
async def site(tmp_path: Path, database: Database) -> AsyncIterator[KeeperSite]:
    made = KeeperSite(tmp_path, database)
    yield made
    made.work.close()


def decoded(path: Path) -> bytes:
    with soundfile.SoundFile(str(path)) as audio:
        return bytes(audio.buffer_read(dtype="int16"))


async def test_with_nothing_to_do_it_is_only_settled(site: KeeperSite) -> None:
    path, _ = await site.recording()
    assert not (await site.row())["settled"]
    await site.settled(await site.keeper())
    row = await site.row()
    assert (row["path"], row["compression"], row["local"], row["object"]) == (
        path, "none", True, None,
    )  # fmt: skip
    assert site.files() == [path]


@pytest.mark.parametrize("channels", [1, 2])
async def test_flac_holds_every_bit(site: KeeperSite, channels: int) -> None:
    site.raw["recording"]["compression"] = "flac"
    path, pcm = await site.recording(channels=channels)
    before = (site.directory / path).read_bytes()
    await site.settled(await site.keeper())
    row = await site.row()
    assert row["path"] == path.replace(".wav", ".flac")
    assert site.files() == [row["path"]]
    content = (site.directory / row["path"]).read_bytes()
    assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert row["original_bytes"] == len(before)
    assert row["original_sha256"] == hashlib.sha256(before).hexdigest()
    assert decoded(site.directory / row["path"]) == pcm


async def test_each_queue_has_its_own_compression(site: KeeperSite) -> None:
    site.raw["recording"]["compression"] = "opus"
    site.raw["queue"] = {"sales": {"recording": {"compression": "none"}}}
    await site.recording("1795770000.1", "support")
    await site.recording("1795770000.2", "sales")
    await site.recording("1795770000.3", "")
    await site.settled(await site.keeper())
    assert sorted(row["compression"] for row in await site.rows()) == ["none", "opus", "opus"]


async def test_what_was_recorded_before_is_compressed_when_that_is_wanted(site: KeeperSite) -> None:
    await site.recording()
    await site.settled(await site.keeper())
    site.raw["recording"]["compression"] = "flac"
    keeper = await site.keeper()
    await keeper.reopen()
    assert not (await site.row())["settled"]
    await site.settled(keeper)
    assert (await site.row())["compression"] == "flac"
    await keeper.reopen()
    assert (await site.row())["settled"]


async def test_into_the_bucket_and_away_from_here(site: KeeperSite, s3_server: S3Server) -> None:
    site.use(s3_server, s3_server.bucket(), prefix="calls/")
    path, _ = await site.recording()
    content = (site.directory / path).read_bytes()
    await site.settled(await site.keeper())
    row = await site.row()
    assert (row["local"], row["stored_at"]) == (False, site.now)
    assert row["object"] == site.bucket.address(f"calls/{NODE}/{path}")
    assert site.files() == []
    assert await site.objects() == [f"calls/{NODE}/{path}"]
    assert await site.bucket.digest(row["object"]) == (
        len(content), hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


async def test_a_copy_may_stay_here(site: KeeperSite, s3_server: S3Server) -> None:
    site.use(s3_server, s3_server.bucket(), keep_local=True)
    path, _ = await site.recording()
    await site.settled(await site.keeper())
    row = await site.row()
    assert row["local"]
    assert row["object"]
    assert site.files() == [path]
    site.raw["recording_store"]["keep_local"] = False
    await site.settled(later := await site.keeper())
    await later.reopen()
    await site.settled(later)
    assert site.files() == []
    assert not (await site.row())["local"]


async def test_the_last_copy_here_stays_when_the_bucket_has_lost_its_own(
    site: KeeperSite, s3_server: S3Server
) -> None:
    site.use(s3_server, s3_server.bucket(), keep_local=True)
    path, _ = await site.recording()
    await site.settled(await site.keeper())
    await site.database.rows("UPDATE ccm.recording SET object = object || '.gone'")
    site.raw["recording_store"]["keep_local"] = False
    site.now += timedelta(days=30)
    later = await site.keeper()
    await later.reopen()
    await later.round()
    assert site.files() == [path]
    assert (await site.row())["local"]


async def test_a_store_that_is_away_is_waited_for(site: KeeperSite, s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    site.use(s3_server, bucket, endpoint="http://127.0.0.1:1")
    path, _ = await site.recording()
    keeper = await site.keeper()

    async def in_trouble() -> bool:
        return keeper.state.trouble is not None

    await site.until(keeper, in_trouble)
    assert "1 recordings wait for the store" in str(keeper.state.trouble)
    assert (keeper.state.waiting, keeper.state.oldest) == (1, BEGIN + timedelta(seconds=2))
    assert site.files() == [path]
    site.use(s3_server, bucket)
    keeper = await site.keeper()
    await site.settled(keeper)
    await keeper.round()
    assert (keeper.state.trouble, keeper.state.waiting) == (None, 0)
    assert site.files() == []


async def test_a_frozen_store_and_one_that_comes_back(
    site: KeeperSite, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "PAUSE_FIRST", 0.2)
    site.use(s3_server, s3_server.bucket(), timeout=0.5)
    await site.recording()
    keeper = await site.keeper()

    async def in_trouble() -> bool:
        return keeper.state.trouble is not None

    s3_server.freeze()
    try:
        await site.until(keeper, in_trouble)
    finally:
        s3_server.thaw()
    await site.settled(keeper)
    assert len(await site.objects()) == 1


async def test_no_bucket_of_that_name(site: KeeperSite, s3_server: S3Server) -> None:
    site.use(s3_server, "nobody-has-this")
    path, _ = await site.recording()
    keeper = await site.keeper()
    await keeper.round()
    assert "no such bucket" in str(keeper.state.trouble)
    assert site.files() == [path]


async def test_what_the_store_spoiled_is_not_removed_here(
    site: KeeperSite, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.use(s3_server, s3_server.bucket())
    path, _ = await site.recording()
    put = buckets.Bucket.put

    async def spoil(self: buckets.Bucket, address: str, file: Path, size: int) -> None:
        other = file.with_name("other")
        other.write_bytes(b"\0" * size)
        await put(self, address, other, size)
        other.unlink()

    monkeypatch.setattr(buckets.Bucket, "put", spoil)
    keeper = await site.keeper()
    await keeper.round()
    assert "not what was stored" in str(keeper.state.trouble)
    assert site.files() == [path]
    assert (await site.row())["object"] is None
    monkeypatch.undo()
    await site.settled(await site.keeper())
    assert site.files() == []


async def test_a_file_that_was_changed_is_left_alone(site: KeeperSite) -> None:
    site.raw["recording"]["compression"] = "flac"
    path, _ = await site.recording()
    with (site.directory / path).open("ab") as file:
        file.write(b"\0\0")
    keeper = await site.keeper()
    await keeper.round()
    assert "not the file that was finished" in str(keeper.state.trouble)
    assert site.files() == [path]


async def test_a_file_that_is_gone_holds_up_nobody(
    site: KeeperSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "PAUSE_FIRST", 0.01)
    site.raw["recording"]["compression"] = "flac"
    path, _ = await site.recording("1795770000.1")
    (site.directory / path).unlink()
    await site.recording("1795770000.2")
    keeper = await site.keeper()
    await site.settled(keeper)
    assert sorted(row["compression"] for row in await site.rows()) == ["flac", "none"]
    await keeper.round()
    assert keeper.state.trouble is None


async def test_a_row_of_a_later_leader_is_left_to_him(site: KeeperSite) -> None:
    site.raw["recording"]["compression"] = "flac"
    path, _ = await site.recording()
    old = await site.keeper()
    new = await site.keeper()
    await old.round()
    assert (await site.row())["compression"] == "none"
    assert path in site.files()
    await site.settled(new)
    assert site.files() == [path.replace(".wav", ".flac")]


async def test_a_late_fact_does_not_bring_an_old_row_back(site: KeeperSite) -> None:
    site.raw["recording"]["compression"] = "flac"
    await site.recording()
    await site.settled(await site.keeper())
    row = await site.row()
    late = facts.Recording(
        interaction_id=row["interaction_id"], segment=1, version=9, node=NODE, state="missing",
        path="x.wav", started_at=BEGIN,
    )  # fmt: skip
    await apply(site.database, late)
    assert await site.row() == row


async def test_no_fact_leads_away_from_where_the_file_is(site: KeeperSite) -> None:
    site.raw["recording"]["compression"] = "flac"
    path, _ = await site.recording()
    await site.settled(await site.keeper())
    row = await site.row()
    newer = facts.Recording(
        interaction_id=row["interaction_id"], segment=1, version=row["version"] + 1, node=NODE,
        state="missing", path=path, started_at=BEGIN,
    )  # fmt: skip
    await apply(site.database, newer)
    assert await site.row() == row


async def test_what_analysts_see_of_it(site: KeeperSite, s3_server: S3Server) -> None:
    site.use(s3_server, s3_server.bucket(), keep_local=True)
    site.raw["recording"]["compression"] = "flac"
    await site.recording()
    await site.settled(await site.keeper())
    id_ = (await site.row())["interaction_id"]
    await site.database.fetch("hold_recordings", id_, "ann", "lawsuit 7")
    (seen,) = await site.database.rows(
        "SELECT queue, agent, state, compression, store, held_by, held_why, deleted_why"
        " FROM report.recording"
    )
    assert tuple(seen) == (
        "support", "Ann", "finished", "flac", "both", "ann", "lawsuit 7", None,
    )  # fmt: skip


# -- killed -------------------------------------------------------------------------------------


class Killed(BaseException):
    """The daemon is gone at this moment."""


class Fuse:
    """Lets so many effects happen; the next one kills, before or after it happened."""

    def __init__(self, left: int, *, after: bool) -> None:
        self.left = left
        self.after = after
        self.blown = False

    async def around(self, effect: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left < 0:
            if self.after and not self.blown:
                self.blown = True
                await effect()
            self.blown = True
            raise Killed
        return await effect()


class FusedDatabase:
    """A database behind a fuse."""

    def __init__(self, database: Database, fuse: Fuse) -> None:
        self._database, self._fuse = database, fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._database, name)
        return lambda *arguments: self._fuse.around(lambda: method(*arguments))


class FusedWork(FileWork):
    """File work behind a fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def run(self, work: Callable[..., Any], *arguments: object) -> Any:
        before = super().run
        return await self._fuse.around(lambda: before(work, *arguments))


def fuse_bucket(monkeypatch: pytest.MonkeyPatch, fuse: Fuse) -> None:
    for name in ("put", "remove", "digest", "size"):
        method = getattr(buckets.Bucket, name)
        monkeypatch.setattr(
            buckets.Bucket,
            name,
            lambda self, *arguments, method=method: fuse.around(lambda: method(self, *arguments)),
        )


async def killed_at(
    site: KeeperSite, monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool
) -> bool:
    """A leader that is killed at its effect of that number; False when it had no so many."""
    fuse = Fuse(number, after=after)
    work = FusedWork(fuse)
    with monkeypatch.context() as patch:
        fuse_bucket(patch, fuse)
        keeper = await site.keeper(FusedDatabase(site.database, fuse), work)  # type: ignore[arg-type]
        try:
            await keeper.give_up_expired()
            await keeper.round()
        except Killed:
            pass
        finally:
            work.close()
    return fuse.blown


@pytest.mark.parametrize("after", [False, True])
async def test_killed_anywhere_the_next_one_goes_on(
    site: KeeperSite, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Nothing is lost at any moment, and in the end it is where it would have been anyway."""
    site.raw["recording"]["compression"] = "flac"
    number, blown = 0, True
    while blown:
        site.use(s3_server, s3_server.bucket())
        path, pcm = await site.recording(f"1795770000.{number}")
        key = f"recordings/{NODE}/{path.replace('.wav', '.flac')}"
        blown = await killed_at(site, monkeypatch, number, after=after)
        if path not in site.files():
            await as_its_row_says(site, path)
        await site.settled(await site.keeper())
        assert site.files() == []
        assert await site.objects() == [key]
        fetched = site.directory.parent / "fetched.flac"
        fetched.write_bytes(b"".join([piece async for piece in site.bucket.read(
            site.bucket.address(key))]))  # fmt: skip
        assert decoded(fetched) == pcm
        number += 1
    assert number > 15  # as many moments as that there are


async def as_its_row_says(site: KeeperSite, path: str) -> None:
    """The original is gone, so its row must name a whole file, here or in the bucket."""
    (row,) = [row for row in await site.rows() if row["path"].startswith(path.removesuffix("wav"))]
    whole = row["bytes"], row["sha256"]
    assert row["compression"] == "flac"
    if row["object"] is not None:
        assert await site.bucket.digest(row["object"]) == whole
    else:
        content = (site.directory / row["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == whole


@pytest.mark.parametrize("after", [False, True])
async def test_killed_while_deleting_the_next_one_goes_on(
    site: KeeperSite, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    site.use(s3_server, s3_server.bucket(), keep_local=True)
    number, blown = 0, True
    while blown:
        site.raw["recording"]["keep_days"] = "forever"
        site.now = BEGIN + timedelta(hours=1)
        await site.recording(f"1795770000.{number}")
        await site.settled(await site.keeper())
        site.raw["recording"]["keep_days"] = 30
        site.now = BEGIN + timedelta(days=31)
        blown = await killed_at(site, monkeypatch, number, after=after)
        for row in await site.rows():
            # A file that is gone, or half gone, belongs to a row that says so.
            assert row["state"] == "deleted" or (site.directory / row["path"]).exists()
        keeper = await site.keeper()
        await keeper.give_up_expired()
        await site.settled(keeper)
        assert site.files() == []
        assert await site.objects() == []
        assert {row["state"] for row in await site.rows()} == {"deleted"}
        number += 1
    assert number > 5


async def test_a_compression_of_somebody_else_does_not_cost_the_original(site: KeeperSite) -> None:
    """The row tells of another file than the one that is there: begin anew with the original."""
    site.raw["recording"]["compression"] = "flac"
    path, pcm = await site.recording()
    content = (site.directory / path).read_bytes()
    await site.settled(await site.keeper())
    flac = site.directory / path.replace(".wav", ".flac")
    flac.write_bytes(b"half a file")
    (site.directory / path).write_bytes(content)
    await site.database.rows("UPDATE ccm.recording SET settled = false")
    await site.settled(await site.keeper())
    assert site.files() == [path.replace(".wav", ".flac")]
    assert decoded(flac) == pcm


# -- for how long -------------------------------------------------------------------------------


async def expire(site: KeeperSite, days: float) -> None:
    site.now = BEGIN + timedelta(days=days)
    keeper = await site.keeper()
    await keeper.give_up_expired()
    await site.settled(keeper)


async def test_after_so_many_days_by_queue(site: KeeperSite) -> None:
    site.raw["recording"]["keep_days"] = 30
    site.raw["queue"] = {
        "sales": {"recording": {"keep_days": "forever"}},
        "desk": {"recording": {"keep_days": 10}},
    }
    paths = {
        queue: (await site.recording(f"1795770000.{number}", queue))[0]
        for number, queue in enumerate(("support", "sales", "desk", ""))
    }
    await expire(site, 9.9)
    assert len(site.files()) == 4
    await expire(site, 10.1)
    assert paths["desk"] not in site.files()
    await expire(site, 29.9)
    assert len(site.files()) == 3
    await expire(site, 31)
    assert site.files() == [paths["sales"]]
    rows = {row["path"]: row for row in await site.rows()}
    deleted = rows[paths["desk"]]
    assert (deleted["state"], deleted["deleted_why"], deleted["deleted_at"]) == (
        "deleted", "kept for 10 days (queue desk)", BEGIN + timedelta(days=10.1),
    )  # fmt: skip
    assert deleted["sha256"]
    assert rows[paths[""]]["deleted_why"] == "kept for 30 days"


async def test_what_was_never_finished_goes_as_well(site: KeeperSite) -> None:
    """A recording that is missing may have left something all the same, such as one side."""
    site.raw["recording"]["keep_days"] = 30
    path, _ = await site.recording()
    row = await site.row()
    side = (site.directory / path).rename(site.directory / path.replace(".wav", ".left.wav"))
    lost = facts.Recording(
        interaction_id=row["interaction_id"], segment=1, version=9, node=NODE, state="missing",
        path=path, started_at=BEGIN, error="the file is incomplete",
    )  # fmt: skip
    await apply(site.database, lost)
    await expire(site, 29)
    assert side.exists()
    await expire(site, 31)
    assert site.files() == []
    row = await site.row()
    assert (row["state"], row["error"]) == ("deleted", "the file is incomplete")


async def test_what_is_on_hold_stays_until_it_is_released(site: KeeperSite) -> None:
    site.raw["recording"]["keep_days"] = 1
    path, _ = await site.recording()
    id_ = (await site.row())["interaction_id"]
    held = await site.database.fetch("hold_recordings", id_, "ann", "lawsuit 7")
    assert [(row["held_by"], row["reason"]) for row in held] == [("ann", "lawsuit 7")]
    assert await site.database.fetch("hold_recordings", id_, "bob", "another") == []
    await expire(site, 100)
    assert site.files() == [path]
    assert await site.database.fetch("release_recordings", id_, "bob")
    assert await site.database.fetch("release_recordings", id_, "bob") == []
    await expire(site, 101)
    assert site.files() == []
    (hold,) = await site.database.fetch("show_recording_holds", id_)
    assert (hold["held_by"], hold["released_by"]) == ("ann", "bob")


async def test_a_hold_and_a_deletion_at_the_same_moment(site: KeeperSite) -> None:
    """Whoever is first: the deletion waits for the hold, and then sees it."""
    site.raw["recording"]["keep_days"] = 1
    path, _ = await site.recording()
    id_ = (await site.row())["interaction_id"]
    site.now = BEGIN + timedelta(days=9)
    keeper = await site.keeper()
    async with asyncio.TaskGroup() as tasks, site.database.transaction() as transaction:
        await transaction.fetch("hold_recordings", id_, "ann", "lawsuit 7")
        deleting = tasks.create_task(keeper.give_up_expired(), name="deletion")
        for _ in range(500):
            waiting = await site.database.rows(
                "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if waiting:
                break
            await asyncio.sleep(0.02)
        assert waiting
        assert not deleting.done()
    assert (await site.row())["state"] == "finished"
    assert site.files() == [path]


async def test_whoever_does_not_lead_deletes_nothing(site: KeeperSite) -> None:
    site.raw["recording"]["keep_days"] = 1
    path, _ = await site.recording()
    site.now = BEGIN + timedelta(days=9)
    old = await site.keeper()
    await site.keeper()
    await old.give_up_expired()
    assert (await site.row())["state"] == "finished"
    assert site.files() == [path]


async def test_nobody_deletes_what_may_belong_to_a_queue_that_keeps_it(site: KeeperSite) -> None:
    """Without its segment a recording has no queue that anybody knows of."""
    site.raw["recording"]["keep_days"] = 1
    path, _ = await site.recording()
    row = await site.row()
    lone = facts.Recording(
        interaction_id=row["interaction_id"], segment=2, version=1, node=NODE, state="finished",
        path=path.replace("-1.wav", "-2.wav"), started_at=BEGIN, ended_at=BEGIN, seconds=1,
        bytes=1, sha256="0" * 64,
    )  # fmt: skip
    await apply(site.database, lone)
    await expire(site, 30)
    assert [row["state"] for row in await site.rows()] == ["deleted", "finished"]


async def test_only_files_of_ours_are_removed(site: KeeperSite) -> None:
    site.raw["recording"]["keep_days"] = 1
    await site.recording()
    other = site.directory / "voicemail.wav"
    other.write_bytes(b"x")
    await site.database.rows("UPDATE ccm.recording SET path = 'voicemail.wav', settled = true")
    site.now = BEGIN + timedelta(days=9)
    keeper = await site.keeper()
    await keeper.give_up_expired()
    await keeper.round()
    assert other.exists()
    assert "not named like a recording" in str(keeper.state.trouble)
