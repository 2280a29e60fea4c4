"""Two sides become one file, whenever the daemon dies while that is done."""

import wave
from array import array
from pathlib import Path

import pytest
from wav_files import complete, unfinished

from ccmiddleware.recordings import stereo
from ccmiddleware.recordings.finishing import inspect


def side(whole: Path, which: str) -> Path:
    return whole.with_name(f"{whole.stem}.{which}{whole.suffix}")


def write(path: Path, samples: list[int]) -> None:
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(array("h", samples).tobytes())


def frames(path: Path) -> list[int]:
    with wave.open(str(path), "rb") as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (2, 2, 8000)
        return list(array("h", audio.readframes(audio.getnframes())))


def test_left_and_right_are_interleaved_and_the_shorter_side_ends_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stereo, "CHUNK", 2)
    whole = tmp_path / "a-1.wav"
    write(side(whole, "left"), [1, 2, 3, 4, 5])
    write(side(whole, "right"), [-1, -2, -3])
    assert stereo.join(whole, cut_off=False)
    assert frames(whole) == [1, -1, 2, -2, 3, -3, 4, 0, 5, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["a-1.wav"]
    found = inspect(whole)
    assert found is not None
    assert found.seconds == 5 / 8000


def test_sides_that_asterisk_still_writes_are_waited_for(tmp_path: Path) -> None:
    whole = tmp_path / "a-1.wav"
    complete(side(whole, "left"), 2)
    assert not stereo.join(whole, cut_off=False)
    unfinished(side(whole, "right"), 2)
    assert not stereo.join(whole, cut_off=False)
    assert not whole.exists()
    complete(side(whole, "right"), 2)
    assert stereo.join(whole, cut_off=False)


def test_what_was_never_closed_is_joined_as_it_is(tmp_path: Path) -> None:
    whole = tmp_path / "a-1.wav"
    unfinished(side(whole, "left"), 2)
    assert stereo.join(whole, cut_off=True)
    assert len(frames(whole)) == 2 * 16000
    assert set(frames(whole)[1::2]) == {0}


def test_nothing_at_all_is_not_joined(tmp_path: Path) -> None:
    assert not stereo.join(tmp_path / "a-1.wav", cut_off=True)
    assert not stereo.is_there(tmp_path / "a-1.wav")


def test_a_daemon_that_died_while_joining_is_no_harm(tmp_path: Path) -> None:
    whole = tmp_path / "a-1.wav"
    for which in ("left", "right"):
        complete(side(whole, which), 2)
    (tmp_path / "a-1.wav.joining").write_bytes(b"half of it")
    assert stereo.join(whole, cut_off=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a-1.wav"]


def test_a_daemon_that_died_after_joining_left_only_sides_to_remove(tmp_path: Path) -> None:
    whole = tmp_path / "a-1.wav"
    complete(whole, 2, channels=2)
    before = whole.read_bytes()
    complete(side(whole, "right"), 1)
    assert stereo.join(whole, cut_off=False)
    assert whole.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a-1.wav"]


def test_a_disk_in_the_way_leaves_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "a-1.wav"
    for which in ("left", "right"):
        complete(side(whole, which), 2)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ccmiddleware.recordings.stereo.os.fsync", full)
    with pytest.raises(stereo.JoinError, match="can't be joined: No space left on device"):
        stereo.join(whole, cut_off=True)
    assert not whole.exists()
    assert side(whole, "left").exists()
    assert side(whole, "right").exists()


def test_a_header_that_can_not_hold_the_length_tells_as_much_as_it_can() -> None:
    """A channel that hung over a weekend: the recording is kept, and nothing ends for it."""
    header = stereo._header(8000, 2**31)
    assert (len(header), header[4:8], header[40:44]) == (44, b"\xff" * 4, b"\xdb\xff\xff\xff")
