"""What is in a recording file: length of its audio, size and hash; and whether it is complete.

Reads WAV files as Asterisk writes them (RIFF, 16 bit linear PCM, one or two channels). Asterisk
sets the sizes in the header when it closes the file, so a header that agrees with the size of the
file is the sign that nothing more will be written.
"""

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finished:
    """A complete recording. ``seconds`` is the length of the audio, ``bytes`` that of the file."""

    seconds: float
    bytes: int
    sha256: str


def inspect(path: Path) -> Finished | None:
    """The recording's figures, or None when the file is not complete (or not there).

    Blocks on the disk: call it in a thread. Raises OSError when the file can't be read.
    """
    try:
        size = path.stat().st_size
        with wave.open(str(path), "rb") as audio:
            frames, rate = audio.getnframes(), audio.getframerate()
            payload = frames * audio.getsampwidth() * audio.getnchannels()
    except (FileNotFoundError, wave.Error, EOFError):
        return None
    if frames == 0 or rate == 0 or size < payload:
        return None
    if size - payload > 4096:
        # The header still has the sizes of an earlier moment: Asterisk is writing.
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Finished(seconds=frames / rate, bytes=size, sha256=digest)
