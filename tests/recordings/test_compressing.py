"""FLAC and Opus files: the same audio, whole or not there at all, whenever it is interrupted."""

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import soundfile
from keeper_site import spoken
from wav_files import unfinished

from ccmiddleware.recordings import compressing
from ccmiddleware.recordings.compressing import (
    Compressed,
    Kind,
    NotCompressed,
    Stopped,
    compress,
    part_of,
    remove_parts,
)


class Bench:
    """A WAV file and what is made of it."""

    def __init__(self, directory: Path) -> None:
        self.source = directory / "a-1.wav"
        self.stop = Event()

    def target(self, kind: Kind) -> Path:
        return self.source.with_suffix(f".{kind}")

    def compress(self, kind: Kind = "flac") -> Compressed:
        target = self.target(kind)
        sha256 = hashlib.sha256(self.source.read_bytes()).hexdigest()
        return compress(self.source, target, kind, part_of(target, 1), sha256, self.stop)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.source.parent.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def decoded(path: Path) -> tuple[int, int, bytes]:
    with soundfile.SoundFile(str(path)) as audio:
        return audio.samplerate, audio.channels, bytes(audio.buffer_read(dtype="int16"))


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.000125, 0.4321, 20.5])
def test_flac_is_the_same_to_the_bit(
    bench: Bench, seconds: float, channels: int, rate: int
) -> None:
    pcm = spoken(bench.source, seconds, channels, rate)
    made = bench.compress()
    assert decoded(bench.target("flac")) == (rate, channels, pcm)
    assert made.original_sha256 == hashlib.sha256(bench.source.read_bytes()).hexdigest()
    assert made.original_bytes == bench.source.stat().st_size
    content = bench.target("flac").read_bytes()
    assert (made.bytes, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert bench.names() == ["a-1.flac", "a-1.wav"]


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.000125, 0.4321, 20.5])
def test_opus_is_as_long_and_sounds_the_same(
    bench: Bench, seconds: float, channels: int, rate: int
) -> None:
    pcm = spoken(bench.source, seconds, channels, rate)
    made = bench.compress("opus")
    got_rate, got_channels, got = decoded(bench.target("opus"))
    assert (got_rate, got_channels, len(got)) == (rate, channels, len(pcm))
    if seconds > 1:
        assert made.bytes < made.original_bytes / 2
        assert _power(got) == pytest.approx(_power(pcm), rel=0.1)


def _power(pcm: bytes) -> float:
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    return sum(sample * sample for sample in samples) / len(samples)


def test_a_file_that_was_never_closed_is_compressed_with_what_there_is(bench: Bench) -> None:
    unfinished(bench.source, 2.5)
    bench.compress()
    assert len(decoded(bench.target("flac"))[2]) == 2.5 * 8000 * 2


def test_the_rights_of_the_file_stay(bench: Bench) -> None:
    spoken(bench.source)
    bench.source.chmod(0o640)
    bench.compress()
    assert bench.target("flac").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("content", [b"", b"no audio at all" * 100])
def test_what_is_no_recording_is_left_alone(bench: Bench, content: bytes) -> None:
    bench.source.write_bytes(content)
    with pytest.raises(NotCompressed):
        bench.compress()
    assert bench.names() == ["a-1.wav"]


def test_a_file_that_is_another_one_is_left_alone(bench: Bench) -> None:
    spoken(bench.source)
    target = bench.target("flac")
    with pytest.raises(NotCompressed, match="not the file that was finished"):
        compress(bench.source, target, "flac", part_of(target, 1), "0" * 64, bench.stop)
    assert bench.names() == ["a-1.wav"]


def test_a_daemon_that_stops_leaves_nothing(bench: Bench) -> None:
    spoken(bench.source)
    bench.stop.set()
    with pytest.raises(Stopped):
        bench.compress()
    assert bench.names() == ["a-1.wav"]


def test_without_the_library_it_says_what_to_install(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken(bench.source)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    assert not compressing.available()
    with pytest.raises(NotCompressed, match=r"ccmiddleware\[audio\]"):
        bench.compress()


def test_a_whole_file_of_a_killed_daemon_is_taken_as_it_is(bench: Bench) -> None:
    spoken(bench.source)
    bench.compress("opus")
    before = bench.target("opus").read_bytes()
    bench.compress("opus")
    assert bench.target("opus").read_bytes() == before


def test_a_spoiled_one_is_made_anew(bench: Bench) -> None:
    pcm = spoken(bench.source)
    bench.compress()
    whole = bench.target("flac").read_bytes()
    for spoiled in (whole[:1000], b"", whole[:-500] + b"\0" * 500):
        bench.target("flac").write_bytes(spoiled)
        bench.compress()
        assert decoded(bench.target("flac"))[2] == pcm


class Killed(BaseException):
    """The daemon is gone at this moment."""


def killed_in(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool) -> None:
    real: Callable[..., Any] = getattr(owner, name)

    def killing(*arguments: Any, **more: Any) -> None:
        if after:
            real(*arguments, **more)
        raise Killed

    monkeypatch.setattr(owner, name, killing)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (compressing, "_encode"),
        (os, "fsync"),
        (compressing, "_same"),
        (Path, "chmod"),
        (os, "replace"),
        (compressing, "sync_directory"),
        (compressing, "digest"),
    ],
)
def test_killed_at_any_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool
) -> None:
    """Even when nobody cleans up: what has its name is whole, and the next one makes it good."""
    pcm = spoken(bench.source)
    before = bench.source.read_bytes()
    with monkeypatch.context() as patch:
        killed_in(patch, owner, name, after=after)
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        with pytest.raises(Killed):
            bench.compress()
    assert bench.source.read_bytes() == before
    if bench.target("flac").exists():
        assert decoded(bench.target("flac"))[2] == pcm
    bench.compress()
    assert decoded(bench.target("flac"))[2] == pcm
    remove_parts(bench.target("flac"))
    assert bench.names() == ["a-1.flac", "a-1.wav"]
