"""WAV files as Asterisk leaves them: complete, or cut off in the middle of a call."""

import struct
import wave
from pathlib import Path


def complete(path: Path, seconds: float, rate: int = 8000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(b"\x01\x02" * channels * round(seconds * rate))


def unfinished(path: Path, seconds: float) -> None:
    """The header still says that there is no audio: Asterisk sets the sizes on closing."""
    complete(path, seconds)
    with path.open("r+b") as file:
        file.seek(40)
        file.write(struct.pack("<I", 0))
