"""A PostgreSQL of our own, for sites and tests that have none: a child process of the daemon.

Everything is in ``state_dir/postgres``: the data directory, the server's log, the address for
``ccm``. The server listens on one Unix socket inside its data directory (mode 0700) and on no
network; who can open that socket is trusted.

The server is started *in* its data directory and knows it, and the socket, as /proc/self/cwd. So
it needs no permission on any directory above: as root with a state directory below /root, it runs
as an unprivileged user although that user can't even look into /root. The path of the socket as the
server sees it is always short, too.

Life and death. The server holds an inherited lock until its last process has gone, so a lock that
is free proves that nothing runs on the data directory. When the daemon is killed, the kernel sends
the server SIGINT, the fast shutdown. Upgrading the data to another major version is not done here.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import structlog

from ccmiddleware.beat import beat
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store import binaries
from ccmiddleware.store.binaries import CLEAN_ENVIRONMENT, PROGRAM_TIMEOUT, Binaries, ServerUser
from ccmiddleware.store.border import DatabaseAway, translated

log = structlog.get_logger(__name__)

DATABASE = "ccm"
OWNER = "ccm"
PORT = 5432
"""Only a part of the socket's name; no port is opened."""

SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 107
"""Bytes of sockaddr_un.sun_path without the closing NUL, unix(7)."""

LOOK_SECONDS = 0.5
"""Pause between two looks whether the server still runs."""

START_TIMEOUT = 300.0
"""Seconds until the server must take connections: recovery after a crash replays its log first."""

LOCK_TIMEOUT = 30.0
"""Seconds to wait for the server of a daemon that was killed just now to end."""

STOP_TIMEOUT = 10.0
CONNECT_TIMEOUT = 10.0
LONGEST_LOG = 10 * 1024**2

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "/proc/self/cwd",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # A refused statement would bring callers' numbers into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "max_connections": "100",
}
UNSAFE_SETTINGS = {
    # A commit still reaches the operating system, so it survives a killed server.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "io_method": "sync",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def embedded_url(state_dir: Path) -> str | None:
    """The address of the embedded server that runs on ``state_dir``; None when none runs.

    For other processes than the daemon. Raises PermanentError when it is there and we may not use
    it.
    """
    try:
        url = (state_dir / "postgres" / "url").read_text().strip()
        directory = parse_qs(urlsplit(url).query)["host"][0]
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CONNECT_TIMEOUT)
            probe.connect(os.path.join(directory, SOCKET_NAME))
    except PermissionError as error:
        raise PermanentError(
            f"the embedded Postgres in {state_dir} is for root and the daemon's user: {error}"
        ) from error
    except (OSError, KeyError, IndexError):
        return None
    return url


class EmbeddedPostgres:
    """One server on one state directory.

    ``fast_unsafe`` trades durability for speed, for tests: a crash of the machine may destroy the
    data. ``start`` must be called in a thread that lives as long as the server shall.
    """

    def __init__(self, state_dir: Path, *, fast_unsafe: bool = False) -> None:
        self.directory = state_dir.absolute() / "postgres"
        self.data = self.directory / "data"
        self._fast_unsafe = fast_unsafe
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._link: Path | None = None
        self._stopping = False
        self._starting = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the server (the postmaster) while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def url(self) -> str:
        """The address, for asyncpg and psql. It stays the same when the server is restarted."""
        return self._url_of(DATABASE)

    def _url_of(self, database: str) -> str:
        directory = quote(str(self._link or self.data), safe="")
        return f"postgresql://{OWNER}@/{database}?host={directory}&port={PORT}"

    async def start(self, timeout: float = START_TIMEOUT) -> str:
        """Start the server, on the first time after making its data directory; returns ``url``.

        Raises PermanentError (no programs, wrong major version, the server refuses to start) and
        TemporaryError (another server still holds the directory, or not ready in ``timeout`` s).
        """
        async with self._starting:
            return self.url if self.running else await self._start(timeout)

    async def _start(self, timeout: float) -> str:
        self._stopping = False
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._lock is None:  # it is still ours when the server ended by itself
                await self._take_lock()
            user = binaries.choose_user(self.data)
            programs = await asyncio.to_thread(binaries.prepare, user)
            await self._initialise(programs, user)
            self._shorten_socket_path()
            await self._launch(programs, user, timeout)
            (self.directory / "url").write_text(self.url + "\n")
        except (OSError, subprocess.SubprocessError) as error:
            await self.stop()
            raise PermanentError(f"embedded Postgres in {self.directory}: {error}") from error
        except BaseException:
            await self.stop()
            raise
        log.info("embedded Postgres is up", directory=str(self.directory), user=user.name)
        return self.url

    async def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Fast shutdown: open transactions are rolled back. At most about twice ``timeout`` s."""
        self._stopping = True
        process, self._process = self._process, None
        if process is not None:
            for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if process.poll() is None:
                    process.send_signal(how)
                if await _ended(process, timeout if how is signal.SIGINT else timeout / 2):
                    break
                log.warning("embedded Postgres does not stop", signal=how.name)
        if self._link is not None:
            shutil.rmtree(self._link.parent, ignore_errors=True)
            self._link = None
        if self._lock is not None:
            (self.directory / "url").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    async def keep_running(self) -> None:
        """Start the server again whenever it ends by itself. Returns after ``stop``."""
        pause = 0.2
        while not self._stopping:
            if self.running:
                pause = 0.2
                await beat(LOOK_SECONDS)
                continue
            log.error("embedded Postgres ended by itself, starting it again")
            try:
                async with self._starting:
                    await self._restart()
            except (PermanentError, TemporaryError) as error:
                log.error("embedded Postgres can't be started", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)

    async def _restart(self) -> None:
        if self.running or self._stopping:
            return
        try:
            user = binaries.choose_user(self.data)
            programs = await asyncio.to_thread(binaries.prepare, user)
            await self._launch(programs, user, START_TIMEOUT)
        except (OSError, subprocess.SubprocessError) as error:
            raise TemporaryError(f"embedded Postgres in {self.directory}: {error}") from error

    async def _take_lock(self) -> None:
        """Wait until nothing runs on the directory any more, then own it."""
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = _now() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if _now() > deadline:
                    os.close(lock)
                    raise TemporaryError(
                        f"another daemon's Postgres runs on {self.directory}"
                    ) from None
                await asyncio.sleep(0.05)
            else:
                self._lock = lock
                return

    async def _initialise(self, programs: Binaries, user: ServerUser) -> None:
        """Make the data directory, or check that it is of our major version."""
        if self.data.exists():
            found = (self.data / "PG_VERSION").read_text().strip()
            if found != str(programs.major):
                raise PermanentError(
                    f"{self.data} was made by PostgreSQL {found} and the installed programs are "
                    f"{programs.major}: dump it with pg_dump of version {found}, move the "
                    "directory away, start the daemon and restore the dump"
                )
            self._remove_stale_pid_file()
            return
        half = self.directory / "data.new"
        if half.exists():
            shutil.rmtree(half)
        half.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(half, user.uid, user.gid)
        options = ["--pgdata=/proc/self/cwd", f"--username={OWNER}", "--auth=trust"]
        # The builtin provider sorts the same on every machine and in every later version.
        options += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += ["--no-sync"] if self._fast_unsafe else []
        done = await asyncio.to_thread(
            subprocess.run,
            programs.command(user, "initdb", *options),
            cwd=half,
            env=CLEAN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT,
            start_new_session=True,
            check=False,
        )
        if done.returncode != 0:
            raise PermanentError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        half.rename(self.data)

    def _remove_stale_pid_file(self) -> None:
        """Remove a postmaster.pid whose number now belongs to some other process.

        Postgres only sees that *a* process has that number, and after a restart of a container
        there always is one. We hold the lock, so no server that we started is left.
        """
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        try:
            alive_here = Path(f"/proc/{pid}/cwd").samefile(self.data)
        except OSError:
            alive_here = False
        if alive_here:
            raise PermanentError(f"a PostgreSQL that is not ours (pid {pid}) runs on {self.data}")
        path.unlink()
        (self.data / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _shorten_socket_path(self) -> None:
        """Give clients a short way to the socket when the real path is too long for one."""
        short = len(os.fsencode(self.data / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
        if short or self._link is not None:
            return
        directory = Path(tempfile.mkdtemp(prefix="ccm-"))
        self._link = directory / "pg"
        self._link.symlink_to(self.data)

    async def _launch(self, programs: Binaries, user: ServerUser, timeout: float) -> None:
        settings = SERVER_SETTINGS | (UNSAFE_SETTINGS if self._fast_unsafe else {})
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        command = programs.command(user, "postgres", "-D", "/proc/self/cwd", *arguments)
        deadline = _now() + timeout
        while True:
            if self._stopping or self._lock is None:
                raise TemporaryError("embedded Postgres was stopped while it started")
            log_path = self._log_file()
            with log_path.open("ab") as output:
                # Not in a worker thread: the death signal follows the thread that forks.
                self._process = subprocess.Popen(  # noqa: ASYNC220 - vfork and exec, a millisecond
                    command,
                    cwd=self.data,
                    env=CLEAN_ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(self._lock,),
                    start_new_session=True,
                )
            if await self._ready(deadline):
                return
            said = _tail(log_path)
            again = self._stopping or "is still in use" in said
            if not again or _now() > deadline:
                raise PermanentError(f"embedded Postgres does not start; {log_path}: {said}")
            await asyncio.sleep(0.1)  # processes of a server that was killed are not gone yet

    async def _ready(self, deadline: float) -> bool:
        """Wait until our database exists and takes connections. False when the server ended."""
        while self.running:
            try:
                with translated():
                    await self._ensure_database()
            except DatabaseAway as error:
                if _now() > deadline:
                    raise TemporaryError(f"embedded Postgres is not ready: {error}") from error
                await asyncio.sleep(0.02)
            else:
                return True
        return False

    async def _ensure_database(self) -> None:
        connection = await asyncpg.connect(self._url_of("postgres"), timeout=CONNECT_TIMEOUT)
        try:
            known = await connection.fetchval(
                "SELECT true FROM pg_database WHERE datname = $1", DATABASE, timeout=CONNECT_TIMEOUT
            )
            if not known:
                await connection.execute(f"CREATE DATABASE {DATABASE}", timeout=START_TIMEOUT)
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT)

    def _log_file(self) -> Path:
        path = self.directory / "postgres.log"
        if path.exists() and path.stat().st_size > LONGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    deadline = _now() + timeout
    while process.poll() is None:
        if _now() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _tail(path: Path, lines: int = 5) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        return " | ".join(file.read().decode(errors="replace").splitlines()[-lines:])
