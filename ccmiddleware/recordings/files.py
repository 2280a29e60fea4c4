"""Files of recordings on disk: where one is, opening it, removing it, safely.

A path in the database is data like any other. It is only followed when it stays below the node's
recording directory; links are not followed at all, since a file that is one is none of ours.
"""

import hashlib
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ccmiddleware.errors import PermanentError

OUR_NAME = re.compile(
    r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-\d{1,5}"
    r"(\.(left|right))?\.(wav|wav16|flac|opus)"
)
"""How recordings/policy.py names files, below the directories year, month and day.

The two sides of a stereo recording are files of their own until it is finished."""

CHUNK = 1024 * 1024


class Refused(PermanentError):
    """A path that leads out of the recording directory, over a link, or to no recording."""


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


def opened(path: Path) -> BinaryIO:
    """The file, opened without following a link that was put there meanwhile; regular files only.

    Without O_NONBLOCK a named pipe in place of a recording would block for ever. Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "is no file")
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file. Raises OSError."""
    size, hasher = 0, hashlib.sha256()
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            hasher.update(chunk)
    return size, hasher.hexdigest()


def holds(path: Path, size: int, sha256: str) -> bool:
    """Whether there is a file with this content. Raises OSError when it can't be read."""
    try:
        return path.stat().st_size == size and digest(path) == (size, sha256)
    except FileNotFoundError:
        return False


def remove(directory: Path, relative: str) -> bool:
    """Remove a file of ours; False when it is not there.

    Raises Refused for a name that is none of ours, and OSError.
    """
    if OUR_NAME.fullmatch(PurePosixPath(relative).name) is None:
        raise Refused(f"refused: {relative!r} is not named like a recording of ours")
    path = locate(directory, relative)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    sync_directory(path.parent)
    return True


def sync_directory(path: Path) -> None:
    """Have what was renamed or removed in a directory survive a loss of power. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
