"""The measures of audio, on signals whose figures are known."""

import math
import wave
from array import array
from pathlib import Path

import pytest
from lab import audio


def test_a_tone_has_the_level_it_was_made_with(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    audio.write_wav(path, audio.tone(440, 1.5, -12))
    recorded = audio.read_wav(path)
    assert recorded.seconds == 1.5
    assert recorded.dbfs == pytest.approx(-12, abs=0.01)
    assert recorded.level_at(440) == pytest.approx(-12, abs=0.1)
    assert recorded.level_at(1000) < -50
    assert recorded.silence() == 0


def test_speech_pauses_and_has_its_pitch() -> None:
    recorded = audio.Recorded(audio.RATE, audio.speech(200, 3, -12, seed=7))
    assert recorded.dbfs == pytest.approx(-12, abs=0.5)
    assert recorded.level_at(200) > -18
    assert 0 < recorded.silence() < 0.5
    assert audio.speech(200, 1, -12, seed=7) == audio.speech(200, 1, -12, seed=7)


def test_silence_is_silence() -> None:
    nothing = audio.Recorded(audio.RATE, array("h", [0] * audio.RATE))
    assert nothing.dbfs == -math.inf
    assert nothing.level_at(440) == -math.inf
    assert nothing.silence() == 1
    assert audio.Recorded(audio.RATE, array("h")).silence() == 1


def test_half_of_it_is_silent() -> None:
    samples = audio.tone(440, 1, -20) + array("h", [3] * audio.RATE)
    assert audio.Recorded(audio.RATE, samples).silence() == 0.5


@pytest.mark.parametrize(
    ("sample", "coded"),
    # G.711 tables 1a and 1b, at 16 bits: the extremes and both sides of zero.
    [(0, 0xD5), (-1, 0x55), (32767, 0xAA), (-32768, 0x2A), (8, 0xD5), (16, 0xD4), (1000, 0xFA)],
)
def test_alaw_follows_the_tables(sample: int, coded: int) -> None:
    assert audio.alaw([sample]) == bytes([coded])


def test_only_sixteen_bit_mono_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(400))
    with pytest.raises(wave.Error, match="mono"):
        audio.read_wav(path)
