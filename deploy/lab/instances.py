"""Directories of single servers in the lab's root, and what is left of those that were killed."""

import contextlib
import fcntl
import random
import shutil
from pathlib import Path
from typing import TextIO

from lab.root import Servers


def remove_leftovers(servers: Servers) -> None:
    """Remove the directories of instances whose process was killed."""
    for old in servers.instances.glob("*.lock"):
        with contextlib.suppress(OSError), old.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old.with_suffix(""), ignore_errors=True)
            old.unlink()


def new_directory(servers: Servers, kind: str) -> tuple[Path, TextIO]:
    """A new directory for one instance, with the lock that shows that it is in use.

    ``kind`` is what its name begins with.
    """
    servers.instances.mkdir(parents=True, exist_ok=True)
    remove_leftovers(servers)
    while True:
        name = f"{kind}{random.SystemRandom().randrange(10**6):06}"
        try:
            lock = (servers.instances / f"{name}.lock").open("x")
        except FileExistsError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _lock_path(servers.instances / name).exists():
            continue  # somebody took the fresh file for one that was left
        directory = servers.instances / name
        directory.mkdir(mode=0o750)
        return directory, lock


def discard(directory: Path, lock: TextIO) -> None:
    """Remove what ``new_directory`` made, with all that is in it."""
    shutil.rmtree(directory, ignore_errors=True)
    _lock_path(directory).unlink(missing_ok=True)
    lock.close()


def _lock_path(directory: Path) -> Path:
    return directory.with_suffix(".lock")
