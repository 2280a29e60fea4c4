"""What is to be done with the file of a recording after the talk, and how long it is kept. Pure.

A finished recording goes through ``Step``s until nothing is left: compressed, brought into the
bucket, removed from the recording directory. One that was given up (``deleted``) is removed
everywhere. Each step is computed from the row alone, so that whoever comes after a crash goes on.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, Literal
from uuid import UUID

from ccmiddleware.config import RecordingSettings, RecordingStoreSettings, Settings

Compression = Literal["none", "flac", "opus"]
ORIGINALS = (".wav", ".wav16")
"""Endings of the files that Asterisk writes (recordings/policy.py)."""

ENDINGS = frozenset((*ORIGINALS, ".flac", ".opus"))
"""Endings of all files of recordings."""


class Step(Enum):
    """The next thing to be done with a file."""

    COMPRESS = "compress"
    STORE = "store"
    REMOVE_LOCAL = "remove local"
    REMOVE = "remove"
    SETTLE = "settle"
    """Nothing more, but for what an interrupted compression may have left."""


@dataclass(frozen=True)
class Kept:
    """A row of unsettled_recordings: a recording whose file is worked on.

    ``since``: when the talk ended, or the recording was given up. ``queue``: "" for none.
    """

    interaction_id: UUID
    segment: int
    version: int
    state: str
    path: str
    bytes: int | None
    sha256: str | None
    compression: Compression
    original_bytes: int | None
    original_sha256: str | None
    local: bool
    object: str | None
    stored_at: datetime | None
    since: datetime
    queue: str

    @property
    def key(self) -> tuple[UUID, int]:
        """Which recording it is."""
        return self.interaction_id, self.segment

    @classmethod
    def of(cls, row: Any) -> "Kept":
        """From a row of the query, or any mapping."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


def next_step(kept: Kept, policy: RecordingSettings, store: RecordingStoreSettings | None) -> Step:
    """What is to be done next. ``store``: None without a bucket."""
    if kept.state == "deleted":
        return Step.REMOVE
    if kept.state != "finished":
        return Step.SETTLE
    fresh = kept.compression == "none" and kept.object is None
    if fresh and kept.local and policy.compression != "none":
        return Step.COMPRESS
    if store is not None and kept.object is None:
        return Step.STORE
    if store is not None and kept.object is not None and kept.local and not store.keep_local:
        return Step.REMOVE_LOCAL
    return Step.SETTLE


def compressed_path(path: str, compression: Compression) -> str:
    """The name that a file has once it is compressed."""
    return str(PurePosixPath(path).with_suffix(f".{compression}"))


def original_paths(path: str) -> list[str]:
    """What a compressed file may have been called before."""
    return [str(PurePosixPath(path).with_suffix(ending)) for ending in ORIGINALS]


def all_paths(path: str) -> list[str]:
    """Every file that may belong to a recording, also the sides of a stereo one."""
    originals = original_paths(path)
    sides = [
        str(PurePosixPath(original).with_suffix(f".{side}{PurePosixPath(original).suffix}"))
        for original in originals
        for side in ("left", "right")
    ]
    return sorted({path, *originals, *sides})


def object_key(store: RecordingStoreSettings, node: str, path: str) -> str:
    """The name of a recording's object in the bucket."""
    return f"{store.prefix}{node}/{path}"


@dataclass(frozen=True)
class Retention:
    """For how many days recordings are kept: by queue, and all others; None for ever."""

    queues: list[str]
    days: list[int | None]
    general: int | None

    @property
    def deletes(self) -> bool:
        """Whether anything is ever deleted."""
        return any(days is not None for days in (*self.days, self.general))

    @classmethod
    def of(cls, settings: Settings) -> "Retention":
        """As the settings say."""
        queues = sorted(settings.queue)
        return cls(
            queues=queues,
            days=[_days(settings.recording_for(queue)) for queue in queues],
            general=_days(settings.recording),
        )


def _days(policy: RecordingSettings) -> int | None:
    return None if policy.keep_days == "forever" else policy.keep_days
