"""Recordings on disk against their rows: where a file is, whether it is whole, what is left over.

A path in the database is data like any other. It is only followed when it stays below the node's
recording directory; links are not followed at all, since a file that is one is none of ours.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from uuid import UUID

from ccmiddleware.errors import PermanentError

OUR_NAME = re.compile(
    r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-\d{1,5}\.wav(16)?"
)
"""How recordings/policy.py names files, below the directories year, month and day."""

CHUNK = 1024 * 1024
LONGEST_TALK = timedelta(hours=12)
"""A recording that has not ended after this long is not going on any more."""

SETTLING = timedelta(minutes=10)
"""A file that changed this short a time ago may belong to a row that is still on its way."""

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


class Refused(PermanentError):
    """A path that leads out of the recording directory, or over a link."""


def locate(directory: Path, relative: str) -> Path:
    """The absolute path of a recording. Raises Refused when it is not below ``directory``.

    The directory itself may be a link; nothing below it may. The file need not exist.
    """
    pure = PurePosixPath(relative)
    if "\0" in relative or pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise Refused(f"refused: {relative!r} does not stay in the recording directory")
    root = directory.absolute()
    path = root
    for part in pure.parts:
        path = path / part
        if path.is_symlink():
            raise Refused(f"refused: {path} is a symbolic link")
    return path


def verify(row: Mapping[str, Any], directory: Path | None, now: datetime) -> Checked:
    """Compare one row of ccm.recording with its file. Reads the whole file."""

    def verdict(name: Verdict, why: str = "") -> Checked:
        return Checked(
            name, str(row["interaction_id"]), row["segment"], row["node"], row["path"], why
        )

    if directory is None:
        return verdict("unknown node", f"node {row['node']} is not in the configuration")
    try:
        path = locate(directory, row["path"])
        if row["state"] == "finished":
            return verdict(*_compare(path, row["bytes"], row["sha256"]))
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


def _compare(path: Path, size: int, digest: str) -> tuple[Verdict, str]:
    try:
        with _opened(path) as file:
            found = os.fstat(file.fileno()).st_size
            if found != size:
                return "changed", f"{found} bytes, not {size}"
            hasher = hashlib.sha256()
            while chunk := file.read(CHUNK):
                hasher.update(chunk)
    except FileNotFoundError:
        return "missing", "there is no such file"
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    if hasher.hexdigest() != digest:
        return "changed", "other content than when it was finished (SHA-256)"
    return "ok", ""


def _opened(path: Path) -> Any:
    """The file, opened without following a link that was put there meanwhile; regular files only.

    Without O_NONBLOCK a named pipe in place of a recording would block for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "is no file")
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def our_files(directory: Path, since: datetime | None, now: datetime) -> Iterator[tuple[UUID, str]]:
    """Files below ``directory`` that are named like ours, with the id in their name.

    Only those last changed before ``SETTLING`` and, with ``since``, after it. Links are skipped.
    """
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
