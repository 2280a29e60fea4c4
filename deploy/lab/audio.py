"""Sounds for the lab's phones, and measures of what was recorded. Pure Python, no codecs needed.

Everything is 8 kHz mono, as telephones hear it. Levels are RMS in dBFS: 0 is a square wave at full
scale.
"""

import math
import random
import sys
import wave
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RATE = 8000
FULL_SCALE = 32767


def tone(hertz: float, seconds: float, dbfs: float) -> "array[int]":
    """A sine whose RMS is ``dbfs``."""
    peak = FULL_SCALE * 10 ** (dbfs / 20) * math.sqrt(2)
    step = 2 * math.pi * hertz / RATE
    return _clipped(peak * math.sin(step * n) for n in range(round(seconds * RATE)))


def speech(hertz: float, seconds: float, dbfs: float, seed: int) -> "array[int]":
    """Something with the rhythm of speech: syllables of a voice at ``hertz`` with short pauses."""
    dice = random.Random(seed)
    envelope: list[float] = []
    while len(envelope) < seconds * RATE:
        spoken = dice.randrange(RATE // 8, RATE // 3)
        envelope += [math.sin(math.pi * n / spoken) for n in range(spoken)]
        envelope += [0.0] * dice.randrange(RATE // 50, RATE // 12)
    del envelope[round(seconds * RATE) :]
    step = 2 * math.pi * hertz / RATE
    voice = [
        level * sum(math.sin(step * k * n) / k for k in (1, 2, 3))
        for n, level in enumerate(envelope)
    ]
    gain = FULL_SCALE * 10 ** (dbfs / 20) / math.sqrt(sum(v * v for v in voice) / len(voice))
    return _clipped(gain * value for value in voice)


def _clipped(values: Iterable[float]) -> "array[int]":
    return array("h", (max(-FULL_SCALE, min(FULL_SCALE, round(value))) for value in values))


def alaw(samples: Sequence[int]) -> bytes:
    """The samples as G.711 A-law (ITU-T G.711, table 1a), which is what SIPp streams."""
    return bytes(_alaw_byte(sample) for sample in samples)


def _alaw_byte(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    magnitude = min((sample if sample >= 0 else -sample - 1) >> 3, 4095)
    exponent = max(magnitude.bit_length() - 5, 0)
    mantissa = (magnitude >> max(exponent, 1)) & 0x0F
    return (sign | exponent << 4 | mantissa) ^ 0x55


def write_wav(path: Path, samples: "array[int]") -> None:
    """Write a 16-bit mono WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_little_endian(samples).tobytes())


def _little_endian(samples: "array[int]") -> "array[int]":
    if sys.byteorder == "little":
        return samples
    swapped = array("h", samples)
    swapped.byteswap()
    return swapped


@dataclass(frozen=True)
class Recorded:
    """A 16-bit mono WAV, and its measures."""

    rate: int
    samples: "array[int]"

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    @property
    def dbfs(self) -> float:
        """RMS level of the whole; -inf for digital silence or nothing at all."""
        return _level(self.samples)

    def silence(self, below: float = -50.0) -> float:
        """Share of the 20 ms windows whose level is below ``below`` dBFS; 1 for an empty file."""
        size = self.rate // 50
        windows = [self.samples[at : at + size] for at in range(0, len(self.samples), size)]
        if not windows:
            return 1.0
        return sum(_level(window) < below for window in windows) / len(windows)

    def level_at(self, hertz: float) -> float:
        """Level in dBFS of the part at ``hertz`` (Goertzel's algorithm over windows of 0.1 s)."""
        size = self.rate // 10
        coefficient = 2 * math.cos(2 * math.pi * hertz / self.rate)
        power = count = 0.0
        for at in range(0, len(self.samples) - size + 1, size):
            before = last = 0.0
            for sample in self.samples[at : at + size]:
                before, last = last, sample + coefficient * last - before
            energy = last * last + before * before - coefficient * last * before
            power += 2 * energy / (size * size)
            count += 1
        return _decibel(math.sqrt(power / count) if count else 0.0)


def read_wav(path: Path) -> Recorded:
    """Read a 16-bit mono WAV. Raises wave.Error when it is something else."""
    with wave.open(str(path), "rb") as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise wave.Error(f"{path} is not 16-bit mono")
        samples = array("h", file.readframes(file.getnframes()))
        return Recorded(file.getframerate(), _little_endian(samples))


def _level(samples: Sequence[int]) -> float:
    if not samples:
        return -math.inf
    return _decibel(math.sqrt(sum(sample * sample for sample in samples) / len(samples)))


def _decibel(rms: float) -> float:
    return 20 * math.log10(rms / FULL_SCALE) if rms > 0 else -math.inf
