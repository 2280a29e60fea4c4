"""What is in a recording file: length of its audio, size and hash; and whether it is complete.

Reads WAV files as Asterisk writes them (16 bit linear PCM, one or two channels). Asterisk sets the
sizes in the header when it closes the file, so a header that agrees with the size of the file is
the sign that nothing more will be written. A file that nobody closes any more is taken as it is.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ccmiddleware.recordings.wav import read_layout

CUT_OFF = "cut off: Asterisk ended while recording"
"""Error of a finished recording whose file was never closed."""


@dataclass(frozen=True)
class Finished:
    """An ended recording. ``seconds`` is the length of the audio, ``bytes`` that of the file."""

    seconds: float
    bytes: int
    sha256: str
    cut_off: bool = False
    """Whether the file was never closed."""


def inspect(path: Path, *, cut_off: bool = False) -> Finished | None:
    """The recording's figures, or None when the file is not complete (or not there).

    ``cut_off``: take a file that was never closed with what is in it; it must hold some audio.
    Blocks on the disk: call it in a thread. Raises OSError when the file can't be read.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            layout = read_layout(file)
            if layout is None:
                return None
            closed = layout.is_closed(size)
            if not closed and not cut_off:
                return None
            audio = layout.audio_bytes(size)
            if not audio:
                return None
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    seconds = audio / layout.frame / layout.rate
    return Finished(seconds, size, digest, cut_off=not closed)
