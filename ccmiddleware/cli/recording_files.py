"""Recordings on disk and in the bucket against their rows: whether they are whole, what is left.

Paths in the database are only followed as ``recordings.files`` does.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from ccmiddleware.cli.context import App
    from ccmiddleware.recordings.bucket import Bucket

LONGEST_TALK = timedelta(hours=12)
"""A recording that has not ended after this long is not going on any more."""

SETTLING = timedelta(minutes=10)
"""A file that changed this short a time ago may belong to a row that is still on its way."""

OTHER = "other content than when it was finished (SHA-256)"

Verdict = Literal[
    "ok", "missing", "changed", "unfinished", "known missing", "failed", "refused", "orphan",
    "unreadable", "unknown node",
]  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """What one recording, or one file without a recording, turned out to be."""

    verdict: Verdict
    interaction: str
    segment: int | None
    node: str
    path: str
    why: str = ""

    @property
    def wrong(self) -> bool:
        """Whether somebody must look at it. What the daemon itself noted as lost counts too."""
        return self.verdict != "ok"


def directories(app: "App") -> dict[str, Path]:
    """The recording directory of each node of the configuration."""
    return {node.name: node.recordings for node in app.settings().node}


def verify(
    row: Mapping[str, Any], directory: Path | None, now: datetime, *, quick: bool = False
) -> Checked:
    """Compare one row of ccm.recording with its file, if that is to be in the directory.

    Reads the whole file, unless ``quick``: then only sizes are compared.
    """
    from ccmiddleware.recordings.files import Refused, locate

    def verdict(name: Verdict, why: str = "") -> Checked:
        return Checked(
            name, str(row["interaction_id"]), row["segment"], row["node"], row["path"], why
        )

    if row["state"] == "deleted" or (row["state"] == "finished" and not row["local"]):
        return verdict("ok")
    if directory is None:
        return verdict("unknown node", f"node {row['node']} is not in the configuration")
    try:
        path = locate(directory, row["path"])
        if row["state"] == "finished":
            return verdict(*_compare(path, row["bytes"], row["sha256"], quick=quick))
    except Refused as error:
        return verdict("refused", str(error))
    if row["state"] == "missing":
        return verdict("known missing", row["error"] or "the daemon found no file")
    if row["state"] == "failed":
        return verdict("failed", row["error"] or "Asterisk did not record")
    ended_at = row["talk_ended_at"]
    if now - row["started_at"] > LONGEST_TALK:
        return verdict("unfinished", f"still {row['state']} long after it began")
    if ended_at is not None and now - ended_at > SETTLING:
        return verdict("unfinished", f"still {row['state']} long after the talk ended")
    return verdict("ok")


def _compare(path: Path, size: int, sha256: str, *, quick: bool) -> tuple[Verdict, str]:
    from ccmiddleware.recordings.files import digest, opened

    try:
        with opened(path) as file:
            found = os.fstat(file.fileno()).st_size
        if found != size:
            return "changed", f"{found} bytes, not {size}"
        if not quick and digest(path) != (size, sha256):
            return "changed", OTHER
    except FileNotFoundError:
        return "missing", "there is no such file"
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    return "ok", ""


async def verify_object(
    row: Mapping[str, Any], bucket: "Bucket | None", *, quick: bool = False
) -> Checked:
    """Compare one row that is in the bucket with what is there. Raises StoreAway."""
    from ccmiddleware.recordings.bucket import NoObject

    address = row["object"]

    def verdict(name: Verdict, why: str = "") -> Checked:
        return Checked(name, str(row["interaction_id"]), row["segment"], row["node"], address, why)

    if bucket is None:
        return verdict("unreadable", "it is in a bucket, and there is no [recording_store]")
    try:
        size = await bucket.size(address)
        if size is None:
            return verdict("missing", "there is no such object")
        if size != row["bytes"]:
            return verdict("changed", f"{size} bytes, not {row['bytes']}")
        if not quick and await bucket.digest(address) != (row["bytes"], row["sha256"]):
            return verdict("changed", OTHER)
    except NoObject as error:
        return verdict("missing", str(error))
    return verdict("ok")


def known_paths(row: Mapping[str, Any]) -> set[str]:
    """Files that may be in the directory because of this row."""
    from ccmiddleware.recordings.keeping import compressed_path, original_paths
    from ccmiddleware.recordings.mixmonitor import sides

    if row["state"] in ("expected", "recording"):
        return {row["path"], *sides(row["path"])}
    if row["settled"]:
        return {row["path"]} if row["local"] and row["state"] != "deleted" else set()
    # Somebody is working on it: what comes before and after that.
    kinds: tuple[Literal["flac", "opus"], ...] = ("flac", "opus")
    compressed = {compressed_path(row["path"], kind) for kind in kinds}
    return {row["path"], *original_paths(row["path"]), *compressed}


def known_object(row: Mapping[str, Any], key: str, address: str) -> bool:
    """Whether an object may be in the bucket because of this row."""
    if row["object"] == address:
        return True
    return not row["settled"] and any(key.endswith(f"/{path}") for path in known_paths(row))


def our_files(directory: Path, since: datetime | None, now: datetime) -> Iterator[tuple[UUID, str]]:
    """Files below ``directory`` that are named like ours, with the id in their name.

    Only those last changed before ``SETTLING`` and, with ``since``, after it. Links are skipped.
    """
    from ccmiddleware.recordings.files import OUR_NAME

    newest = (now - SETTLING).timestamp()
    oldest = since.timestamp() if since is not None else 0.0
    for folder, _, names in os.walk(directory, followlinks=False):
        for name in sorted(names):
            found = OUR_NAME.fullmatch(name)
            if found is None:
                continue
            path = Path(folder) / name
            try:
                status = path.lstat()
            except OSError:
                continue  # gone meanwhile: no orphan
            if stat.S_ISREG(status.st_mode) and oldest <= status.st_mtime <= newest:
                yield UUID(found["id"]), path.relative_to(directory).as_posix()
