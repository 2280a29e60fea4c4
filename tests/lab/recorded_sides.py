"""The channels of a recording, one by one."""

import sys
import wave
from array import array
from pathlib import Path

from lab.audio import Recorded


def read_sides(path: Path) -> list[Recorded]:
    """Each channel of a 16-bit WAV as a sound of its own, from left to right."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise wave.Error(f"{path} has not 16 bits")
        samples = array("h", file.readframes(file.getnframes()))
        channels, rate = file.getnchannels(), file.getframerate()
    if sys.byteorder == "big":
        samples.byteswap()
    return [Recorded(rate, samples[number::channels]) for number in range(channels)]
