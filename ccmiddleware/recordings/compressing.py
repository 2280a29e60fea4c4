"""Makes a FLAC or Opus file of what Asterisk recorded, and makes sure that it holds the same.

The file is written under a name of its own, synced, decoded again and compared, and only then gets
its name; so a file that has its name is whole. One that is there already, from a daemon that was
killed before it could say so, is compared the same way and taken. The original is never touched.

Everything here blocks: it runs in the thread of ``FileWork``. libsndfile (PyPI: soundfile) does the
coding; it is imported when it is first needed, since an installation that does not compress has no
use for it.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Literal

from ccmiddleware.errors import PermanentError
from ccmiddleware.recordings.files import digest, opened, sync_directory
from ccmiddleware.recordings.wav import Layout, read_layout

BLOCK = 256 * 1024
"""Bytes of audio between two looks at whether to stop; a multiple of any frame."""

Kind = Literal["flac", "opus"]
_KINDS = {"flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS")}
"""Format and subtype of libsndfile."""

_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


class NotCompressed(PermanentError):
    """The file can't be compressed, or what came of it is not the same."""


class Stopped(Exception):
    """The daemon stops; what was begun is begun anew by the next one."""


@dataclass(frozen=True)
class Compressed:
    """Sizes in bytes and SHA-256 of the new file and of the original."""

    bytes: int
    sha256: str
    original_bytes: int
    original_sha256: str


@dataclass(frozen=True)
class _Original:
    layout: Layout
    size: int
    sha256: str
    frames: int
    pcm: str
    """SHA-256 of the audio alone."""


def available() -> bool:
    """Whether libsndfile is installed, and knows Opus."""
    try:
        return "OPUS" in _soundfile().available_subtypes("OGG")
    except NotCompressed:
        return False


def _soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise NotCompressed(
            f"libsndfile is missing ({error}): pip install 'ccmiddleware[audio]'"
        ) from None
    return soundfile


def compress(
    source: Path, target: Path, kind: Kind, part: Path, sha256: str, stop: Event
) -> Compressed:
    """Make ``target`` of the WAV file ``source``, whose SHA-256 is known.

    ``part`` is the name that the new file has meanwhile, in the directory of ``target``. Raises
    NotCompressed, Stopped, and OSError (FileNotFoundError when there is no source).
    """
    original = _read(source, stop)
    if original.sha256 != sha256:
        raise NotCompressed("it is not the file that was finished; see ccm recording verify")
    if kind == "opus" and original.layout.rate not in _OPUS_RATES:
        raise NotCompressed(f"Opus has no sample rate of {original.layout.rate} Hz")
    if not (target.exists() and _same(target, original, kind, stop)):
        try:
            _encode(source, original, part, kind, stop)
            if not _same(part, original, kind, stop):
                raise NotCompressed("decoded again it is not what it was made of")
            part.chmod(source.stat().st_mode & 0o777)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        sync_directory(target.parent)
    size, digested = digest(target)
    return Compressed(size, digested, original.size, original.sha256)


def remove_parts(target: Path) -> None:
    """Remove what killed daemons left of a compression. Raises OSError."""
    for part in target.parent.glob(f".{target.name}.*.part"):
        part.unlink(missing_ok=True)


def part_of(target: Path, term: int) -> Path:
    """The name of a file that is being made; two leaders never use the same one."""
    return target.with_name(f".{target.name}.{term}.part")


def _read(source: Path, stop: Event) -> _Original:
    with opened(source) as file:
        size = os.fstat(file.fileno()).st_size
        layout = read_layout(file)
        if layout is None:
            raise NotCompressed("it is no WAV file with 16 bit linear PCM")
        length = layout.audio_bytes(size)
        if not length:
            raise NotCompressed("there is no audio in it")
        pcm = hashlib.sha256()
        for block in _audio(source, layout, length, stop):
            pcm.update(block)
    found, sha256 = digest(source)
    if found != size:
        raise NotCompressed("it changed while it was being read")
    return _Original(layout, size, sha256, length // layout.frame, pcm.hexdigest())


def _audio(source: Path, layout: Layout, length: int, stop: Event) -> Iterator[bytes]:
    with opened(source) as file:
        file.seek(layout.data_at)
        while length:
            if stop.is_set():
                raise Stopped
            block = file.read(min(BLOCK, length))
            if not block or len(block) % layout.frame:
                raise NotCompressed("it changed while it was being read")
            length -= len(block)
            yield block


def _encode(source: Path, original: _Original, part: Path, kind: Kind, stop: Event) -> None:
    soundfile = _soundfile()
    layout = original.layout
    form, subtype = _KINDS[kind]
    part.unlink(missing_ok=True)
    try:
        with soundfile.SoundFile(
            str(part), "w", layout.rate, layout.channels, subtype, format=form
        ) as sink:
            for block in _audio(source, layout, original.frames * layout.frame, stop):
                sink.buffer_write(block, dtype="int16")
    except soundfile.LibsndfileError as error:
        raise NotCompressed(f"libsndfile: {error}") from None
    with opened(part) as file:
        os.fsync(file.fileno())


def _same(path: Path, original: _Original, kind: str, stop: Event) -> bool:
    """Whether the file decodes to the audio of the original; for Opus: to as much of it."""
    soundfile = _soundfile()
    layout, pcm, frames = original.layout, hashlib.sha256(), 0
    try:
        with soundfile.SoundFile(str(path)) as audio:
            if (audio.samplerate, audio.channels) != (layout.rate, layout.channels):
                return False
            while block := _decoded(audio, stop):
                pcm.update(block)
                frames += len(block) // layout.frame
    except soundfile.LibsndfileError:
        return False
    return frames == original.frames and (kind != "flac" or pcm.hexdigest() == original.pcm)


def _decoded(audio: Any, stop: Event) -> bytes:
    if stop.is_set():
        raise Stopped
    return bytes(audio.buffer_read(BLOCK // 4, dtype="int16"))
