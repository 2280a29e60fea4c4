"""What is to be done with a file next, and for how long it is kept: tables."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ccmiddleware.config import RecordingSettings, RecordingStoreSettings, parse
from ccmiddleware.recordings.keeping import (
    Kept,
    Retention,
    Step,
    all_paths,
    compressed_path,
    next_step,
    original_paths,
)

BUCKET = RecordingStoreSettings.model_validate({"bucket": "b-1", "access_key": "k", "secret": "s"})
BOTH = BUCKET.model_copy(update={"keep_local": True})
NEW: dict[str, Any] = {
    "interaction_id": UUID(int=1), "segment": 1, "version": 3, "state": "finished",
    "path": "2026/11/27/a-1.wav", "bytes": 1, "sha256": "0" * 64, "compression": "none",
    "original_bytes": None, "original_sha256": None, "local": True, "object": None,
    "stored_at": None, "since": datetime(2026, 11, 27, tzinfo=UTC), "queue": "",
}  # fmt: skip
FLAC = {"compression": "flac"}
STORED = {"object": "s3://b-1/x"}
AWAY = {**STORED, "local": False}


@pytest.mark.parametrize(
    ("row", "compression", "store", "step"),
    [
        ({}, "none", None, Step.SETTLE),
        ({}, "flac", None, Step.COMPRESS),
        ({}, "flac", BUCKET, Step.COMPRESS),
        ({}, "none", BUCKET, Step.STORE),
        (FLAC, "flac", None, Step.SETTLE),
        (FLAC, "opus", None, Step.SETTLE),
        (FLAC, "none", None, Step.SETTLE),
        (FLAC, "flac", BUCKET, Step.STORE),
        (STORED, "none", BUCKET, Step.REMOVE_LOCAL),
        (STORED, "flac", BUCKET, Step.REMOVE_LOCAL),
        (STORED, "none", BOTH, Step.SETTLE),
        (STORED, "none", None, Step.SETTLE),
        (AWAY, "flac", BUCKET, Step.SETTLE),
        (AWAY, "none", None, Step.SETTLE),
        ({"state": "deleted"}, "flac", BUCKET, Step.REMOVE),
        ({"state": "deleted", **AWAY}, "none", None, Step.REMOVE),
        ({"state": "missing"}, "flac", BUCKET, Step.SETTLE),
    ],
)
def test_the_next_step(
    row: dict[str, Any], compression: Any, store: RecordingStoreSettings | None, step: Step
) -> None:
    policy = RecordingSettings(compression=compression)
    assert next_step(Kept.of({**NEW, **row}), policy, store) is step


def test_names_before_and_after() -> None:
    assert compressed_path("2026/11/27/a-1.wav16", "opus") == "2026/11/27/a-1.opus"
    assert original_paths("2026/11/27/a-1.opus") == ["2026/11/27/a-1.wav", "2026/11/27/a-1.wav16"]


def test_every_file_of_a_recording() -> None:
    assert all_paths("2026/11/27/a-1.flac") == [
        "2026/11/27/a-1.flac",
        "2026/11/27/a-1.left.wav",
        "2026/11/27/a-1.left.wav16",
        "2026/11/27/a-1.right.wav",
        "2026/11/27/a-1.right.wav16",
        "2026/11/27/a-1.wav",
        "2026/11/27/a-1.wav16",
    ]


def retention(**sections: Any) -> Retention:
    return Retention.of(parse({"node": [{"name": "p", "ami": {"secret": "x"}}], **sections}, "t"))


def test_for_how_long() -> None:
    assert not retention().deletes
    assert not retention(queue={"a": {}}).deletes
    found = retention(
        recording={"keep_days": 9},
        queue={
            "b": {"recording": {"keep_days": "forever"}},
            "a": {},
            "c": {"recording": {"keep_days": 3, "policy": "always"}},
        },
    )
    assert found == Retention(["a", "b", "c"], [9, None, 3], 9)
    assert found.deletes
    assert retention(queue={"c": {"recording": {"keep_days": 3}}}).deletes
