"""The header of a WAV file as Asterisk writes it, and how much audio there is. Pure.

Asterisk puts the sizes into the header when it closes the file. A file that was never closed (its
Asterisk was killed) has the sizes of an earlier moment, usually none; its audio is there all the
same, from the header to the end of the file.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

LONGEST_HEADER = 4096
"""Bytes in which the beginning of the audio must be found; Asterisk's header has 44."""

_PCM = 1


@dataclass(frozen=True)
class Layout:
    """Where the audio of a file is. ``data_at``: its offset; ``declared``: its size by the header.

    ``width`` is the size of one sample in bytes.
    """

    channels: int
    rate: int
    width: int
    data_at: int
    declared: int

    @property
    def frame(self) -> int:
        """Bytes of one frame: a sample of each channel."""
        return self.channels * self.width

    def audio_bytes(self, size: int) -> int:
        """Whole frames of audio in a file of ``size`` bytes, in bytes, whatever the header says."""
        there = max(0, size - self.data_at)
        if self.is_closed(size):
            there = self.declared
        return there - there % self.frame

    def is_closed(self, size: int) -> bool:
        """Whether the header agrees with the size of the file, so that nothing more is written."""
        behind = size - self.data_at - self.declared
        return self.declared >= self.frame and 0 <= behind <= LONGEST_HEADER


def read_layout(file: BinaryIO) -> Layout | None:
    """The layout of the file, read from its beginning; None when it is no such file."""
    head = file.read(LONGEST_HEADER)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, form = 12, None
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"fmt " and at + 16 <= len(head):
            form = struct.unpack_from("<HHIIHH", head, at)
        if name == b"data":
            return _layout(form, at, size)
        at += size + size % 2
    return None


def _layout(form: tuple[int, ...] | None, data_at: int, declared: int) -> Layout | None:
    if form is None:
        return None
    encoding, channels, rate, _, _, bits = form
    if encoding != _PCM or bits != 16 or not 1 <= channels <= 2 or not 1 <= rate <= 192_000:
        return None
    return Layout(channels, rate, bits // 8, data_at, declared)
