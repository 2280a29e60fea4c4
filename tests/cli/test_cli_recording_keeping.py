"""``ccm recording`` after the talk: holds, what expires, exports, and what is in a bucket."""

import asyncio
import csv
import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from ccm_day import ABANDONED, ANSWERED, AUDIO, LINKED, LOST, RECORDING, Ccm
from s3_fixture import S3Server

from ccmiddleware.cli import recording_files, recording_verify
from ccmiddleware.clock import utc_now
from ccmiddleware.config import RecordingStoreSettings
from ccmiddleware.recordings.bucket import Bucket

PERIOD = ("--since", "2026-03-02", "--until", "2026-03-03")
NAME = f"{ANSWERED}-1.wav"
MONDAY = 1_772_400_000
"""A moment at which nothing is being written any more."""


def sql(url: str, statement: str, *arguments: Any) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url, timeout=30)
        try:
            await connection.execute(statement, *arguments, timeout=30)
        finally:
            await connection.close(timeout=30)

    asyncio.run(execute())


def in_the_bucket(ccm: Ccm, url: str, server: S3Server, content: bytes = AUDIO) -> Bucket:
    """Have the recording of the day in a bucket, as the daemon leaves it; the bucket."""
    name = server.bucket()
    store = {"endpoint": server.endpoint, "bucket": name, "access_key": "k", "secret": "s"}
    lines = "".join(f'{key} = "{value}"\n' for key, value in store.items())
    ccm.write(f"{ccm.config.read_text()}\n[recording_store]\n{lines}")
    bucket = Bucket(RecordingStoreSettings(**store))  # type: ignore[arg-type]
    address = bucket.address(f"recordings/pbx1/{RECORDING}")
    file = ccm.directory / "content"
    file.write_bytes(content)
    asyncio.run(bucket.put(address, file, len(content)))
    (ccm.recordings / RECORDING).unlink()
    sql(url, "UPDATE ccm.recording SET local = false, object = $1, settled = true", address)
    return bucket


def verdicts(ccm: Ccm, *options: str, code: int) -> dict[str, int]:
    found: dict[str, int] = json.loads(
        ccm.run("recording", "verify", "--json", *options, code=code).stdout
    )["verdicts"]
    return found


# -- holds ------------------------------------------------------------------------------------


def test_a_hold_and_its_history(filled: Ccm) -> None:
    held = filled.run("recording", "hold", LINKED, "--reason", "lawsuit 7", "--json")
    assert json.loads(held.stdout)["reason"] == "lawsuit 7"
    again = filled.run("recording", "hold", LINKED, "--reason", "another", code=1)
    assert "on hold already, since" in again.stderr
    assert "lawsuit 7" in again.stderr
    listed = json.loads(filled.run("recording", "list", *PERIOD, "--json").stdout)
    assert [row["held"] for row in listed] == [True]
    assert "released" in filled.run("recording", "release", LINKED).stdout
    assert "is not on hold" in filled.run("recording", "release", LINKED, code=1).stderr
    shown = json.loads(filled.run("recording", "show", LINKED, "--json").stdout)
    (hold,) = shown["holds"]
    assert hold["held_by"] == hold["released_by"] != ""
    assert hold["released_at"] is not None
    assert "lawsuit 7" in filled.run("recording", "show", LINKED).stdout


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_a_hold_needs_a_reason(filled: Ccm, reason: str) -> None:
    assert (
        "--reason takes"
        in filled.run("recording", "hold", LINKED, "--reason", reason, code=2).stderr
    )


def test_what_is_shown_of_a_recording(filled: Ccm) -> None:
    result = filled.run("recording", "show", LINKED)
    for words in ("STATE", "finished", RECORDING, hashlib.sha256(AUDIO).hexdigest()):
        assert words in result.stdout
    assert "never on hold" in result.stderr
    assert "no recording" in filled.run("recording", "show", LOST, code=1).stderr


# -- what expires -------------------------------------------------------------------------------


def test_what_would_be_deleted_today(filled: Ccm, database_url: str) -> None:
    filled.write(f"{filled.config.read_text()}\n[recording]\nkeep_days = 30\n")
    assert "--dry-run" in filled.run("recording", "expire", code=2).stderr
    began = utc_now() - timedelta(days=31)
    sql(database_url, "UPDATE ccm.recording SET started_at = $1, ended_at = $1", began)
    (row,) = json.loads(filled.run("recording", "expire", "--dry-run", "--json").stdout)
    assert (row["interaction"], row["queue"], row["keep_days"], row["held"]) == (
        str(ANSWERED), "support", 30, False,
    )  # fmt: skip
    filled.run("recording", "hold", LINKED, "--reason", "lawsuit 7")
    result = filled.run("recording", "expire", "--dry-run")
    assert "0 would be deleted (0 bytes); 1 are on hold" in result.stderr
    filled.write(f"{filled.config.read_text()}\n[queue.support.recording]\nkeep_days = 40\n")
    assert "nothing would be deleted" in filled.run("recording", "expire", "--dry-run").stderr
    assert (filled.recordings / RECORDING).exists()


# -- export -------------------------------------------------------------------------------------


def manifest(target: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (target / "manifest.jsonl").read_text().splitlines()]


def test_an_export_and_its_manifest(filled: Ccm, tmp_path: Path) -> None:
    target = tmp_path / "march"
    options = ("recording", "export", *PERIOD, "--to", str(target))
    assert filled.run(*options).stdout == "1 recordings: 1 copied\n"
    assert (target / NAME).read_bytes() == AUDIO
    (line,) = manifest(target)
    assert line["sha256"] == hashlib.sha256(AUDIO).hexdigest()
    assert (line["interaction"], line["segment"], line["queue"], line["agent"], line["path"]) == (
        str(ANSWERED), 1, "support", "Alice Arnold", NAME,
    )  # fmt: skip
    assert line["start"].endswith("+01:00")
    with (target / "manifest.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {name: str(value) for name, value in line.items()}
    assert filled.run(*options).stdout == "1 recordings: 1 there\n"
    (target / NAME).write_bytes(b"cut")
    assert filled.run(*options).stdout == "1 recordings: 1 copied\n"
    assert (target / NAME).read_bytes() == AUDIO
    assert sorted(path.name for path in target.iterdir()) == [
        NAME, "manifest.csv", "manifest.jsonl",
    ]  # fmt: skip


def test_a_manifest_grows_and_holds_no_formula(
    filled: Ccm, database_url: str, tmp_path: Path
) -> None:
    target = tmp_path / "all"
    filled.run("recording", "export", *PERIOD, "--to", str(target))
    sql(database_url, "UPDATE ccm.interaction SET caller_num = '=cmd|x'")
    sql(
        database_url,
        "INSERT INTO ccm.recording (interaction_id, segment, version, node_id, state, path,"
        " started_at, ended_at, seconds, bytes, sha256, error)"
        " SELECT $1, 1, 1, node_id, state, path, started_at, ended_at, seconds, bytes, sha256, ''"
        " FROM ccm.recording",
        ABANDONED,
    )
    filled.run("recording", "export", "--interaction", LOST, "--to", str(target))
    assert [line["interaction"] for line in manifest(target)] == sorted(
        map(str, (ANSWERED, ABANDONED))
    )
    text = (target / "manifest.csv").read_text()
    assert ",'=cmd|x," in text
    (target / "manifest.jsonl").write_text("{}\n")
    result = filled.run("recording", "export", *PERIOD, "--to", str(target), code=1)
    assert "none of ours" in result.stderr


def test_an_export_says_what_is_wrong(filled: Ccm, database_url: str, tmp_path: Path) -> None:
    options = ("recording", "export", *PERIOD, "--to", str(tmp_path / "out"))
    file = filled.recordings / RECORDING
    file.write_bytes(b"x" * len(AUDIO))
    assert "SHA-256" in filled.run(*options, code=1).stdout
    file.unlink()
    result = json.loads(filled.run(*options, "--json", code=1).stdout)
    assert result["verdicts"] == {"missing": 1}
    assert result["wrong"][0]["interaction"] == str(ANSWERED)
    outside = tmp_path / "secret.wav"
    outside.write_bytes(AUDIO)
    sql(database_url, "UPDATE ccm.recording SET path = '../secret.wav'")
    assert "does not stay" in filled.run(*options, code=1).stdout
    sql(
        database_url,
        "UPDATE ccm.recording SET state = 'deleted', deleted_at = now(), deleted_why = 'old'",
    )
    assert filled.run(*options).stdout == "1 recordings: 1 deleted\n"
    assert "none fits" in filled.run(*options, "--queue", "x").stdout
    assert "say which" in filled.run("recording", "export", "--to", "x", code=2).stderr


def test_an_export_from_the_bucket(
    filled: Ccm, database_url: str, s3_server: S3Server, tmp_path: Path
) -> None:
    in_the_bucket(filled, database_url, s3_server)
    target = tmp_path / "out"
    options = ("recording", "export", *PERIOD, "--to", str(target))
    assert filled.run(*options).stdout == "1 recordings: 1 copied\n"
    assert (target / NAME).read_bytes() == AUDIO
    (target / NAME).unlink()
    filled.write(filled.config.read_text().replace(s3_server.endpoint, "http://127.0.0.1:1"))
    result = filled.run(*options, code=3)
    assert "s3://" in result.stderr
    assert manifest(target)[0]["path"] == NAME


# -- the bucket ---------------------------------------------------------------------------------


def test_where_a_recording_in_the_bucket_is(
    filled: Ccm, database_url: str, s3_server: S3Server
) -> None:
    in_the_bucket(filled, database_url, s3_server)
    result = filled.run("recording", "path", LINKED, code=1)
    assert "ccm recording export --interaction" in result.stderr
    (row,) = json.loads(filled.run("recording", "list", *PERIOD, "--json").stdout)
    assert (row["store"], row["held"]) == ("bucket", False)


def test_verify_reads_the_bucket(filled: Ccm, database_url: str, s3_server: S3Server) -> None:
    bucket = in_the_bucket(filled, database_url, s3_server)
    assert verdicts(filled, code=0) == {"ok": 1}
    address = bucket.address(f"recordings/pbx1/{RECORDING}")
    file = filled.directory / "content"
    file.write_bytes(b"x" * len(AUDIO))
    asyncio.run(bucket.put(address, file, len(AUDIO)))
    assert verdicts(filled, code=1) == {"changed": 1}
    assert verdicts(filled, "--quick", code=0) == {"ok": 1}
    asyncio.run(bucket.remove(address))
    assert verdicts(filled, code=1) == {"missing": 1}
    filled.write(filled.config.read_text().replace(s3_server.endpoint, "http://127.0.0.1:1"))
    assert filled.run("recording", "verify", code=3).stdout == ""


def test_verify_finds_objects_without_a_row(
    filled: Ccm, database_url: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = in_the_bucket(filled, database_url, s3_server)
    orphan = bucket.address(f"recordings/pbx1/2026/03/02/{ABANDONED}-1.flac")
    file = filled.directory / "content"
    for address in (orphan, bucket.address("recordings/pbx1/notes.txt")):
        asyncio.run(bucket.put(address, file, len(AUDIO)))
    assert verdicts(filled, code=0) == {"ok": 1}  # too new to be called an orphan
    for module in (recording_files, recording_verify):
        monkeypatch.setattr(module, "SETTLING", timedelta(days=-1))
    result = json.loads(filled.run("recording", "verify", "--json", code=1).stdout)
    assert [row["path"] for row in result["wrong"]] == [orphan]


def test_verify_finds_what_should_be_gone(filled: Ccm, database_url: str) -> None:
    sql(
        database_url,
        "UPDATE ccm.recording SET state = 'deleted', deleted_at = now(), deleted_why = 'old',"
        " settled = false",
    )
    assert verdicts(filled, code=0) == {"ok": 1}  # the daemon is about to remove it
    sql(database_url, "UPDATE ccm.recording SET settled = true")
    os.utime(filled.recordings / RECORDING, (MONDAY, MONDAY))
    assert verdicts(filled, code=1) == {"ok": 1, "orphan": 1}
    assert "it was deleted: old" in filled.run("recording", "path", LINKED, code=1).stderr


def test_verify_of_a_compressed_recording(filled: Ccm, database_url: str) -> None:
    flac = RECORDING.replace(".wav", ".flac")
    (filled.recordings / flac).write_bytes(AUDIO)
    sql(
        database_url,
        "UPDATE ccm.recording SET path = $1, compression = 'flac', original_bytes = bytes,"
        " original_sha256 = sha256, settled = false",
        flac,
    )
    assert verdicts(filled, code=0) == {"ok": 1}
    sql(database_url, "UPDATE ccm.recording SET settled = true")
    os.utime(filled.recordings / RECORDING, (MONDAY, MONDAY))
    assert verdicts(filled, code=1) == {"ok": 1, "orphan": 1}
