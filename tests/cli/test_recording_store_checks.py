"""``ccm doctor`` on what happens to recordings after the talk."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from s3_fixture import S3Server

from ccmiddleware.cli.checks import recording_store as checks
from ccmiddleware.config import Settings, parse


def settings(directory: Path, **sections: Any) -> Settings:
    node = {"name": "pbx1", "ami": {"secret": "x"}, "recordings": str(directory)}
    return parse({"node": [node], **sections}, "test")


def store(endpoint: str, bucket: str) -> dict[str, Any]:
    return {
        "endpoint": endpoint, "bucket": bucket, "access_key": "k", "secret": "s", "timeout": 5,
    }  # fmt: skip


async def test_nothing_is_said_of_what_is_not_used(tmp_path: Path) -> None:
    plain = settings(tmp_path)
    assert checks.compression(plain) == []
    assert checks.directory(plain, plain.node[0]) == []
    assert await checks.store(plain) == []


def test_whether_libsndfile_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = {"sales": {"recording": {"compression": "opus"}}}
    wanted = settings(tmp_path, recording={"compression": "flac"}, queue=queue)
    (found,) = checks.compression(wanted)
    assert (found.verdict, found.found) == ("ok", "flac and opus: libsndfile is there")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    (found,) = checks.compression(wanted)
    assert found.verdict == "failed"
    assert "ccmiddleware[audio]" in found.mend


def test_whether_files_may_be_made_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = settings(tmp_path, recording={"keep_days": 9})
    day = tmp_path / "2026" / "11" / "27"
    day.mkdir(parents=True)
    (tmp_path / "2026" / "11" / "26").mkdir()
    (found,) = checks.directory(wanted, wanted.node[0])
    assert found.verdict == "ok"
    # Tests may run as root, to whom everything is open.
    monkeypatch.setattr(os, "access", lambda path, mode: path != day)
    (found,) = checks.directory(wanted, wanted.node[0])
    assert found.verdict == "failed"
    assert str(day) in found.found
    assert "setfacl" in found.mend


async def test_whether_the_bucket_answers(tmp_path: Path, s3_server: S3Server) -> None:
    good = settings(tmp_path, recording_store=store(s3_server.endpoint, s3_server.bucket()))
    (found,) = await checks.store(good)
    assert (found.verdict, found.found.startswith("s3://")) == ("ok", True)
    for endpoint, bucket, words in (
        (s3_server.endpoint, "nobody-has-this", "no such bucket"),
        ("http://127.0.0.1:1", "recordings", "s3://recordings/"),
    ):
        (found,) = await checks.store(settings(tmp_path, recording_store=store(endpoint, bucket)))
        assert found.verdict == "failed"
        assert words in found.found
        assert "\n" not in found.found


async def test_without_the_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    (found,) = await checks.store(settings(tmp_path, recording_store=store("http://x", "b-1")))
    assert "ccmiddleware[s3]" in found.found
