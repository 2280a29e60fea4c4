"""``ccm recording``: paths and verification against real files and rows, hostile ones included."""

import asyncio
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ccm_day import ABANDONED, ANSWERED, LINKED, LOST, RECORDING, Ccm, at, put

from ccmiddleware import facts
from ccmiddleware.clock import utc_now
from ccmiddleware.recordings.files import Refused, locate


def recording(segment: int, **values: Any) -> facts.Recording:
    """A row for the abandoned call, which can have any number of them here."""
    row: dict[str, Any] = {
        "interaction_id": ABANDONED,
        "segment": segment,
        "version": 1,
        "node": "pbx1",
        "state": "finished",
        "path": f"2026/03/02/{ABANDONED}-{segment}.wav",
        "started_at": at(3610),
        "ended_at": at(3620),
        "seconds": 1.0,
        "bytes": 3,
        "sha256": "0" * 64,
    }
    return facts.Recording(**{**row, **values})


def add(ccm: Ccm, url: str, *rows: facts.Recording) -> None:
    asyncio.run(put(url, ccm.directory / "more", rows))


def verdicts(ccm: Ccm, *options: str, code: int = 1) -> dict[str, int]:
    answer = json.loads(ccm.run("recording", "verify", "--json", *options, code=code).stdout)
    assert len(answer["wrong"]) == sum(
        number for verdict, number in answer["verdicts"].items() if verdict != "ok"
    )
    verdicts: dict[str, int] = answer["verdicts"]
    return verdicts


def write(ccm: Ccm, path: str, content: bytes = b"abc", *, age: float = 3600) -> Path:
    """A file in the recording directory, last changed ``age`` seconds ago."""
    file = ccm.recordings / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    changed = time.time() - age  # noqa: TID251 - the age of a real file
    os.utime(file, (changed, changed))
    return file


def test_list(filled: Ccm) -> None:
    options = ("--since", "2026-03-02", "--until", "2026-03-03")
    rows = json.loads(filled.run("recording", "list", *options, "--json").stdout)
    assert [(row["queue"], row["agent"], row["state"], row["path"]) for row in rows] == [
        ("support", "Alice Arnold", "finished", RECORDING)
    ]
    assert "no recording fits" in filled.run("recording", "list", *options, "--queue", "x").stderr
    assert "finished" in filled.run("recording", "list", *options, "--state", "finished").stdout


def test_path_is_absolute_and_can_be_played(filled: Ccm) -> None:
    for id_ in (str(ANSWERED), LINKED):
        assert filled.run("recording", "path", id_).stdout == f"{filled.recordings / RECORDING}\n"


def test_path_of_a_file_that_is_gone(filled: Ccm) -> None:
    (filled.recordings / RECORDING).unlink()
    result = filled.run("recording", "path", LINKED, code=1)
    assert "no such file" in result.stderr
    assert "no recording" in filled.run("recording", "path", LOST, code=1).stderr
    assert "linked id" in filled.run("recording", "path", "none", code=1).stderr


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "2026/../../x", "..", ""])
def test_a_path_that_leads_out_is_never_followed(filled: Ccm, database_url: str, path: str) -> None:
    add(filled, database_url, recording(1, path=path))
    result = filled.run("recording", "path", LOST, code=1)
    assert result.stdout == ""
    assert "refused" in result.stderr
    assert verdicts(filled) == {"ok": 1, "refused": 1}


def test_a_link_is_never_followed(filled: Ccm, database_url: str) -> None:
    outside = filled.directory / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"abc")
    (filled.recordings / "dir").symlink_to(outside)
    (filled.recordings / "link.wav").symlink_to(outside / "secret.wav")
    add(
        filled,
        database_url,
        recording(1, path="dir/secret.wav"),
        recording(2, path="link.wav"),
    )
    result = filled.run("recording", "path", LOST, code=1)
    assert result.stdout == ""
    assert result.stderr.count("symbolic link") == 2
    assert verdicts(filled) == {"ok": 1, "refused": 2}


def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "monitor").symlink_to(tmp_path / "real")
    assert locate(tmp_path / "monitor", "a/b.wav") == tmp_path / "monitor/a/b.wav"
    with pytest.raises(Refused):
        locate(tmp_path / "monitor", "a\0b")


def test_verify_of_whole_recordings(filled: Ccm) -> None:
    assert verdicts(filled, code=0) == {"ok": 1}
    assert filled.run("recording", "verify").stdout == "checked 1: 1 ok\n"


def test_verify_finds_what_is_wrong_with_files(filled: Ccm, database_url: str) -> None:
    file = filled.recordings / RECORDING
    content = bytearray(file.read_bytes())
    content[500] ^= 1
    file.write_bytes(content)
    write(filled, f"2026/03/02/{ABANDONED}-2.wav", b"abcd")
    os.mkfifo(filled.recordings / "pipe.wav")
    add(
        filled,
        database_url,
        recording(1),
        recording(2),
        recording(3, path="pipe.wav"),
    )
    result = filled.run("recording", "verify", code=1)
    for words in ("SHA-256", "there is no such file", "4 bytes, not 3", "is no file"):
        assert words in result.stdout
    assert "checked 4: 2 changed, 1 missing, 1 unreadable" in result.stdout


def test_verify_finds_rows_that_never_ended(filled: Ccm, database_url: str) -> None:
    now = utc_now()
    figures: dict[str, Any] = {"ended_at": None, "seconds": None, "bytes": None, "sha256": None}
    add(
        filled,
        database_url,
        recording(1, state="recording", started_at=now - timedelta(hours=13), **figures),
        recording(2, state="expected", started_at=now - timedelta(minutes=5), **figures),
        recording(3, state="missing", error="there is no such file", **figures),
        recording(4, state="failed", error="Permission denied", **figures),
    )
    assert verdicts(filled) == {"ok": 2, "unfinished": 1, "known missing": 1, "failed": 1}
    assert verdicts(filled, "--since", "2h", code=0) == {"ok": 1}


def test_verify_finds_a_recording_whose_talk_has_long_ended(filled: Ccm, database_url: str) -> None:
    now = utc_now()
    row = recording(
        1, interaction_id=ANSWERED, state="recording", version=9, started_at=now,
        ended_at=None, seconds=None, bytes=None, sha256=None,
    )  # fmt: skip
    add(filled, database_url, row)
    assert verdicts(filled, "--since", "2h") == {"unfinished": 1}


def test_verify_finds_files_without_a_row(filled: Ccm) -> None:
    orphan = f"2026/03/02/{ABANDONED}-1.wav"
    write(filled, orphan)
    write(filled, f"2026/03/02/{ABANDONED}-2.wav16", age=5)
    write(filled, "2026/03/02/not-ours.wav")
    write(filled, f"elsewhere/{ANSWERED}-1.wav")
    result = filled.run("recording", "verify", "--json", code=1)
    wrong = json.loads(result.stdout)["wrong"]
    assert {(row["verdict"], row["path"]) for row in wrong} == {
        ("orphan", orphan),
        ("orphan", f"elsewhere/{ANSWERED}-1.wav"),
    }
    assert verdicts(filled, "--since", "10m", code=0) == {}


def test_a_node_that_is_not_configured(filled: Ccm) -> None:
    filled.write(filled.config.read_text().replace('name = "pbx1"', 'name = "other"'))
    assert (
        "not in the configuration" in filled.run("recording", "path", str(ANSWERED), code=1).stderr
    )
    filled.write(filled.config.read_text().replace("monitor", "nothing-there"))
    assert verdicts(filled) == {"unknown node": 1}


def test_more_recordings_than_a_page(
    filled: Ccm, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccmiddleware.cli.recording_verify.PAGE", 3)
    add(filled, database_url, *(recording(number) for number in range(1, 8)))
    for number in range(1, 8):
        write(filled, f"elsewhere/{ABANDONED}-{number}.wav")
    assert verdicts(filled) == {"ok": 1, "missing": 7, "orphan": 7}
