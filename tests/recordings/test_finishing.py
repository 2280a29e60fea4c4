"""What is in a file, and when it counts as complete."""

import hashlib
import struct
from pathlib import Path

import pytest
from wav_files import complete, unfinished

from ccmiddleware.recordings.finishing import inspect


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_complete_file_has_length_size_and_hash(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    complete(path, 2.5, rate)
    found = inspect(path)
    assert found is not None
    assert found.seconds == 2.5
    assert found.bytes == path.stat().st_size
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_asterisk_still_writes_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    unfinished(path, 2.5)
    assert inspect(path) is None


def test_a_file_cut_short_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    complete(path, 2.5)
    with path.open("r+b") as file:
        file.truncate(20_000)
    assert inspect(path) is None


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all" * 100])
def test_what_is_no_recording_is_not_complete(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert inspect(path) is None
    assert inspect(tmp_path / "absent.wav") is None


def test_header_sizes_of_an_earlier_moment_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    complete(path, 2.5)
    with path.open("r+b") as file:
        file.seek(40)
        file.write(struct.pack("<I", 8000))
    assert inspect(path) is None


@pytest.mark.parametrize("channels", [1, 2])
def test_what_asterisk_never_closed_is_taken_as_it_is(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    complete(path, 2.5, channels=channels)
    with path.open("r+b") as file:
        file.seek(40)
        file.write(struct.pack("<I", 0))
        file.seek(0, 2)
        file.write(b"\x01")  # half a sample
    assert inspect(path) is None
    found = inspect(path, cut_off=True)
    assert found is not None
    assert found.seconds == 2.5
    assert found.bytes == path.stat().st_size
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_full_disk_leaves_what_fitted(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    complete(path, 2.5)
    with path.open("r+b") as file:
        file.truncate(44 + 16_000)
    found = inspect(path, cut_off=True)
    assert found is not None
    assert found.seconds == 1.0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all" * 100])
def test_what_holds_no_audio_is_not_taken(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert inspect(path, cut_off=True) is None
    unfinished(path, 0)
    assert inspect(path, cut_off=True) is None
