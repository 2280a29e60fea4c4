"""The daemon: every part and every long-lived task, in start order. Read this first.

The way of one call: Asterisk tells of it over the AMI link (pbx); the node's follower takes the
events one by one through the call machine (calls) and the agents' presence (agents); the facts that
come out are written to the journal on disk and from there to Postgres (store); the recorder
(recordings) sees the same facts and records the talk, and the keeper looks after the files.

The way of one email: the intake of its mailbox (mail) fetches it, a process of its own reads it,
and one transaction stores it with what becomes of it. Only then is it marked in the mailbox. What
is to be sent is put into the outbox by a transaction, too, and the leader's workers send it.

Start: database, journal, and the leadership: several daemons may share one Postgres, and each node
is followed by the one that leads it (``leading``), which takes up what was open from Postgres.
Postgres must be there once at the start; after that it may be away.

Stop (SIGTERM, SIGINT): links are closed, what they brought is worked off, and the journal is
applied as far as Postgres takes it within the deadline. The rest is applied at the next start. Only
then is the lead given to others.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import structlog
import uvloop

from ccmiddleware import __version__, logs
from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock, utc_now
from ccmiddleware.config import Settings
from ccmiddleware.dialer.profile_directory import OWN
from ccmiddleware.errors import CcmError, PermanentError, TemporaryError
from ccmiddleware.leading import LedNode
from ccmiddleware.leading_services import Parts
from ccmiddleware.mail.message import Limits
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.node import NodeFollower
from ccmiddleware.recordings.file_work import FileWork
from ccmiddleware.store import migrations
from ccmiddleware.store.database import Database, read_password
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.leadership import Leadership, identity
from ccmiddleware.store.writer import FactWriter
from ccmiddleware.systemd import Notifier
from ccmiddleware.tasks import Tasks
from ccmiddleware.vitals import Figures, health
from ccmiddleware.web.health import Health
from ccmiddleware.web.metrics import Metrics
from ccmiddleware.web.server import serving

log = structlog.get_logger(__name__)

EXIT_STOPPED = 0
EXIT_CANNOT_RUN = 3
EXIT_BUG = 70
"""EX_SOFTWARE of sysexits.h: systemd restarts the daemon, and the log has the traceback."""

DATABASE_RETRY_SECONDS = 2.0
HOUSEKEEPING_SECONDS = 1.0
PARTITIONS_EVERY = timedelta(hours=6)
PARTITION_MONTHS = 3
"""Months of partitions kept ready, from the present one on."""
COLLECT_AFTER = 20_000
"""Objects that the garbage collector lets come before it looks among them; by default 700."""
RESERVE_SECONDS = 2.0
"""Of the time to stop, what is kept for the parts after the journal."""


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code; says why on standard error."""
    logs.configure(settings.log)
    daemon = Daemon(settings, notifier=Notifier.from_environment(os.environ))
    try:
        uvloop.run(daemon.run())
    except ExceptionGroup as group:
        known, bugs = group.split(CcmError)
        if bugs is not None:
            log.critical("daemon ended by a bug", exc_info=bugs)
            return EXIT_BUG
        for error in known.exceptions if known is not None else ():
            log.error("daemon can't run", reason=str(error))
        return EXIT_CANNOT_RUN
    return EXIT_STOPPED


class Daemon:
    """All parts of one daemon. ``stop`` may be set from outside; signals set it."""

    def __init__(
        self, settings: Settings, *, clock: Clock = utc_now, notifier: Notifier | None = None
    ) -> None:
        self.settings = settings
        OWN.directory = settings.dialing.profiles
        self.clock = clock
        self.notifier = notifier or Notifier()
        self.stop = asyncio.Event()
        self.metrics = Metrics()
        self.nodes: list[LedNode] = []
        self.web_port: int | None = None
        """Port of health and metrics, once they are served."""

    @property
    def followers(self) -> list[NodeFollower]:
        """Of the nodes that this daemon leads now."""
        return [node.follower for node in self.nodes if node.follower is not None]

    async def run(self) -> None:
        """Start everything, wait for ``stop``, stop everything."""
        self._heed_signals()
        log.info("daemon starts", version=__version__, state_dir=str(self.settings.state_dir))
        async with AsyncExitStack() as parts, asyncio.TaskGroup() as group:
            tasks = Tasks(group, self.stop)
            try:
                await self._start(parts, group, tasks)
            except _Stopped:
                pass
            else:
                leads = [node.name for node in self.nodes if node.name in self.leadership.terms]
                self.notifier.ready(f"leads {len(leads)} of {len(self.nodes)} nodes")
                log.info("daemon ready", leads=leads)
                _spare_the_collector()
                await self.stop.wait()
            await self._wind_down(tasks)
        log.info("daemon stopped")

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def asked(number: signal.Signals) -> None:
            log.info("daemon stops", signal=number.name)
            self.stop.set()
            for again in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(again)  # the second one ends it at once

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked, number)

    # -- start ------------------------------------------------------------------------------

    async def _start(self, parts: AsyncExitStack, group: asyncio.TaskGroup, tasks: Tasks) -> None:
        settings = self.settings
        url, words = await self._database_url(parts, tasks)
        await self._until_there(lambda: self._migrate(url))
        self.database = Database.from_settings(settings.database, url)
        await parts.enter_async_context(self.database)
        self.journal = Journal(settings.state_dir / "journal", settings.journal)
        self.journal.open()
        parts.callback(self.journal.close)
        self.writer = FactWriter(self.database, self.journal)
        tasks.start("fact writer", self.writer.run())
        self.leadership = Leadership(
            url,
            [node.name for node in settings.node],
            identity(settings.state_dir),
            lambda: (self.journal.backlog_facts, self.journal.backlog_bytes),
            password=read_password(settings.database),
        )
        parts.push_async_callback(self.leadership.disconnect)
        file_work = FileWork()
        parts.callback(file_work.close)
        readers = await parts.enter_async_context(Readers(_limits(settings)))
        shared = Parts(
            settings=settings,
            database=self.database,
            writer=self.writer,
            leadership=self.leadership,
            metrics=self.metrics,
            file_work=file_work,
            readers=readers,
            group=group,
            stop=self.stop,
            clock=self.clock,
        )
        self.nodes = [LedNode(node, shared) for node in settings.node]

        def present_health() -> Health:
            return health(self.nodes, self.writer, self.journal, self.leadership, postgres=words)

        self.web_port = await parts.enter_async_context(
            serving(settings.web, present_health, self.metrics.registry)
        )
        while not await self.writer.drained(1.0):
            # Open interactions are only whole once the facts of the earlier daemon are applied.
            self._go_on()
        tasks.start("leadership", self.leadership.run())
        for node in self.nodes:
            tasks.start(f"lead {node.name}", node.run(), until="nodes")
        tasks.start("housekeeping", self._keep_house(), until="first")
        tasks.start("watchdog", self.notifier.watch(lambda: True))
        await self._decided()

    async def _database_url(self, parts: AsyncExitStack, tasks: Tasks) -> tuple[str, str]:
        """Where Postgres is, and in words which one; the embedded one is started."""
        if self.settings.database.url is not None:
            return self.settings.database.url.get_secret_value(), "database.url"
        embedded = EmbeddedPostgres(self.settings.state_dir)
        url = await embedded.start()
        parts.push_async_callback(embedded.stop)
        tasks.start("embedded postgres", embedded.keep_running())
        return url, "embedded"

    async def _migrate(self, url: str) -> None:
        await migrations.migrate(url, password=read_password(self.settings.database))

    async def _decided(self) -> None:
        """Wait until each node is led by this daemon or another one."""
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self.leadership.decided()
            except TimeoutError:
                self._go_on()
            else:
                return

    async def _until_there(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Repeat what needs Postgres until it is there."""
        said = ""
        while True:
            try:
                await attempt()
            except TemporaryError as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("waiting for the database", reason=said)
                try:
                    async with asyncio.timeout(DATABASE_RETRY_SECONDS):
                        await self.stop.wait()
                except TimeoutError:
                    continue
                raise _Stopped from None
            else:
                return

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise _Stopped

    # -- while running ----------------------------------------------------------------------

    async def _keep_house(self) -> None:
        """Once a second: metrics; now and then: partitions."""
        figures = Figures(self.metrics)
        partitions_due = self.clock()
        refused = ""
        while True:
            figures.refresh(self.nodes, self.writer, self.journal, self.leadership)
            if self.writer.trouble is None and self.clock() >= partitions_due:
                try:
                    await self.database.fetchval(
                        "ensure_partitions", self.clock(), PARTITION_MONTHS
                    )
                    partitions_due = self.clock() + PARTITIONS_EVERY
                except TemporaryError as error:
                    log.debug("housekeeping waits for the database", reason=str(error))
                except PermanentError as error:
                    # Not worth the life of a daemon that still sees calls and keeps the journal.
                    if str(error) != refused:
                        refused = str(error)
                        log.error("the database refuses housekeeping", reason=refused)
            await beat(HOUSEKEEPING_SECONDS)

    # -- stop -------------------------------------------------------------------------------

    async def _wind_down(self, tasks: Tasks) -> None:
        self.notifier.stopping()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.stop_timeout

        def left() -> float:
            return max(0.1, deadline - loop.time() - RESERVE_SECONDS)

        await tasks.end("first")
        if self.nodes:
            await self.leadership.resign()
            in_time = await tasks.finish("nodes", left())
            if self.writer.trouble is None and not await self.writer.drained(left()):
                log.warning("facts are left for the next start", facts=self.writer.backlog)
            if self.writer.backlog or not in_time:
                # A Postgres that hangs would take its time to say goodbye as well.
                self.database.cut_off()
        await tasks.end("last")
        if self.nodes:
            await self.leadership.close()


def _spare_the_collector() -> None:
    """Look for cycles among what comes from now on, and less often: events and facts form none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _limits(settings: Settings) -> Limits:
    """How much of a message is read: as much as the most generous mailbox takes."""
    most = [mailbox.max_bytes for mailbox in settings.mailbox.values()]
    return Limits(bytes=max(most, default=Limits().bytes))


class _Stopped(Exception):
    """The daemon was asked to stop before it was ready."""
