"""The servers of a run, and how they are reached by those who break them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.asterisk import Asterisk
from lab.daemon import NODE, Daemon, part
from lab.database import Database
from lab.phones import Caller
from lab.relay import Relay
from lab.root import Servers

from ccmiddleware.clock import utc_now
from chaos.plan import PBX, PHONES
from chaos.told import Death, Row, parse

JOURNAL_BYTES = 1024 * 1024
"""Quota of the journal: the least that the configuration takes, so that it can be filled."""


@dataclass
class Ground:
    """All that runs. The locks are held by faults: two of them don't break the same thing."""

    directory: Path
    pbx: Asterisk
    relay: Relay
    database: Database
    url: str
    daemons: list[Daemon]
    deaths: list[Death] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What should not have happened, and is no matter of the comparison."""
    asterisk_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    database_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    daemon_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _rows: list[Row] = field(default_factory=list)
    _read: int = 0

    def queue_log(self) -> list[Row]:
        """What queue_log has up to now. Asterisk is never told to rotate it."""
        with suppress(FileNotFoundError), self.pbx.queue_log_path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
            whole = data.rfind(b"\n") + 1
            self._read += whole
            self._rows += parse(data[:whole])
        return self._rows

    async def leader(self) -> Daemon | None:
        """The daemon that says it leads."""
        for daemon in self.daemons:
            if daemon.running:
                health = await asyncio.to_thread(daemon.health)
                if part(health, f"node {NODE}").get("leading"):
                    return daemon
        return None

    def look_after_daemons(self) -> None:
        """Note those that ended by themselves. Hold the lock: then none is down on purpose."""
        for number, daemon in enumerate(self.daemons, 1):
            if not daemon.running:
                code = daemon.process.exit_code
                self.troubles.append(f"daemon {number} ended by itself, with exit code {code}")

    async def kill_asterisk(self, how: str, down: float) -> None:
        """End Asterisk, wait, and start it again; what hung on it is cleared away."""
        pbx = self.pbx
        hanging = [caller for caller in pbx.callers if caller.running]
        began = utc_now()
        if how == "restart":
            await pbx.restart()
            ended = utc_now()
        else:
            await pbx.kill()
            ended = utc_now()
            await asyncio.sleep(down)
        self.deaths.append(Death(began, ended, how))
        await _all(caller.stop() for caller in hanging)
        await _all(phone.replug() for phone in pbx.phones)
        if how != "restart":
            await pbx.start()

    def keep_logs(self) -> None:
        """Copy what Asterisk logged to ``directory``, which outlives Asterisk's own."""
        for path in (self.pbx.queue_log_path, self.pbx.directory / "log" / "messages"):
            if path.exists():
                shutil.copy(path, self.directory)

    async def clear(self, callers: Iterable[Caller], seconds: float) -> None:
        """Wait for the ends of calls; those that go on after ``seconds`` are hung up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while any(caller.running for caller in callers):
            if loop.time() > deadline:
                await self.pbx.cli("channel request hangup all")
                deadline = loop.time() + 10
            await asyncio.sleep(0.2)


@asynccontextmanager
async def ground(servers: Servers, directory: Path, daemons: int) -> AsyncIterator[Ground]:
    """Everything started, phones plugged in; gone afterwards, but for ``directory``."""
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(Asterisk(servers, PBX))
        relay = await stack.enter_async_context(Relay((pbx.host, pbx.ami_port)))
        database = await stack.enter_async_context(Database(directory / "database"))
        url = await database.create("chaos")
        made = Ground(directory, pbx, relay, database, url, [])
        await _all(pbx.phone(extension, script).start() for extension, script in PHONES.items())
        for number in range(1, daemons + 1):
            daemon = Daemon(
                directory / f"daemon{number}",
                pbx,
                database_url=url,
                ami_address=relay.address,
                node_more=f'queue_log = "{pbx.queue_log_path}"',
                ami_more="queue_size = 5000",
                more=f"[journal]\nmax_bytes = {JOURNAL_BYTES}\nsegment_bytes = 65536",
            )
            made.daemons.append(await stack.enter_async_context(daemon))
        yield made


async def _all(doing: Iterable[object]) -> None:
    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(doing):
            group.create_task(one, name=f"one of several {number}")  # type: ignore[arg-type]
