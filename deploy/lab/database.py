"""A Postgres as an operator's own: outside the daemon, to be killed and started again.

The programs and the way to run them are those of the product's embedded server; the daemons of the
lab only get its address.
"""

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from ccmiddleware.store.embedded import EmbeddedPostgres
from lab.errors import LabError
from lab.processes import until

TIMEOUT = 30


class Database:
    """One server with its data in ``directory``. ``async with`` starts and stops it."""

    def __init__(self, directory: Path) -> None:
        # By a short path, as that of a socket must be: else its address changes with each start.
        self._short = Path(tempfile.mkdtemp(prefix="ccm-lab-"))
        directory.mkdir(parents=True, exist_ok=True)
        (self._short / "db").symlink_to(directory.absolute())
        self._server = EmbeddedPostgres(self._short / "db", fast_unsafe=True)

    async def start(self) -> None:
        """Start it, for the first time or again after ``kill``; its addresses stay the same."""
        await self._server.start()

    async def kill(self) -> None:
        """SIGKILL: whoever is connected is cut off, and nothing was said to anybody."""
        pid = self._server.pid
        if pid is None:
            raise LabError("This Postgres does not run.")
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not self._server.running, 10, f"Postgres {pid} to be gone")

    def freeze(self) -> None:
        """SIGSTOP to all its processes: it takes connections and says nothing any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._server.pid
        if pid is None:
            raise LabError("This Postgres does not run.")
        os.kill(pid, number)  # first the one that would make more of them
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    async def create(self, name: str) -> str:
        """A new, empty database; its address."""
        connection = await asyncpg.connect(self._server.url, timeout=TIMEOUT)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"', timeout=TIMEOUT)
        finally:
            await connection.close(timeout=TIMEOUT)
        return urlunsplit(urlsplit(self._server.url)._replace(path=f"/{name}"))

    async def stop(self) -> None:
        """Stop it in order."""
        await self._server.stop()

    async def __aenter__(self) -> "Database":
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()
        shutil.rmtree(self._short)


async def rows(url: str, sql: str, *arguments: object) -> list[dict[str, object]]:
    """The rows of one query on a database, over a connection of its own."""
    connection = await asyncpg.connect(url, timeout=TIMEOUT)
    try:
        return [dict(row) for row in await connection.fetch(sql, *arguments, timeout=TIMEOUT)]
    finally:
        await connection.close(timeout=TIMEOUT)
