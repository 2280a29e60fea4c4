"""The event socket of Asterisk's REST interface (ARI): typed events in order, for ever.

``AriEvents.run`` keeps a WebSocket open and reads it all the time, whatever the reader does:
Asterisk cuts off who does not read within 100 ms. ``read`` gives what has come, with markers where
the stream is not whole: ``AriUp`` after each connect, ``AriDown`` when it is lost, ``AriGap``
where events were dropped because nobody read. ARI replays nothing, so after each connect the hook
``on_connected`` learns the present state from ``AriClient`` before the first event is given out.

Which events come is a matter of subscription: channels and bridges of our application always;
everything Asterisk has with ``subscribe_all``.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random

import aiohttp
import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.config import AriSettings
from ccmiddleware.errors import CcmError, PermanentError
from ccmiddleware.pbx import ari_model as model
from ccmiddleware.pbx.ari_http import AriUnavailable, Denied, authorization, base_url

log = structlog.get_logger(__name__)

MAX_MESSAGE = 4 * 1024**2
"""Longest event in bytes; a longer one ends the connection."""

CLOSE_TIMEOUT = 2.0
"""Seconds that Asterisk has to answer the end of the WebSocket."""


@dataclass(frozen=True)
class BackOff:
    """Pauses before connecting again, in seconds: doubled each time, with jitter.

    ``refused`` is the pause after a refusal that trying again does not change, such as a wrong
    secret: an operator must mend it, and login attempts without end get addresses banned.
    """

    first: float = 0.5
    longest: float = 30.0
    refused: float = 60.0

    def pause(self, failures: int, refused: bool, random: Random) -> float:
        """Seconds to wait after this many failures in a row (at least 1)."""
        whole = self.refused
        if not refused:
            whole = min(self.longest, self.first * 2 ** min(failures - 1, 16))
        return whole * random.uniform(0.5, 1.0)


@dataclass(frozen=True)
class AriUp:
    """The socket is open and the hook has run: what follows is whole from here on."""

    at: datetime


@dataclass(frozen=True)
class AriDown:
    """The socket is lost: nothing is known of what happens from here to the next ``AriUp``."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class AriGap:
    """Here ``dropped`` events are missing, since the reader was too slow: look at what is now."""

    at: datetime
    dropped: int


AriItem = model.AriEvent | AriUp | AriDown | AriGap


@dataclass(frozen=True)
class AriState:
    """How the link is. ``since`` is when it came up or went down, ``reason`` why it is down."""

    up: bool
    since: datetime
    reason: str
    reconnects: int = 0
    received: int = 0
    dropped: int = 0
    malformed: int = 0


class _Lost(Exception):
    """The connection has ended; the text says why."""


class _Replaced(_Lost):
    """Another program has our application now."""


class AriEvents:
    """The events of one Asterisk node. One task runs ``run``, one other calls ``read``."""

    def __init__(
        self,
        node: str,
        settings: AriSettings,
        session: aiohttp.ClientSession,
        *,
        on_connected: Callable[[], Awaitable[None]] | None = None,
        clock: Clock,
        random: Random,
        queue_size: int = 10_000,
        subscribe_all: bool = False,
        back_off: BackOff | None = None,
    ) -> None:
        """Raises ConfigError when URL or secret can't be used."""
        self.node = node
        self._url = base_url(settings) / "events"
        self._headers = authorization(settings)
        self._settings = settings
        self._session = session
        self._on_connected = on_connected
        self._clock = clock
        self._random = random
        self._queue_size = queue_size
        self._subscribe_all = subscribe_all
        self._back_off = back_off or BackOff()
        self._items: deque[AriItem] = deque()
        self._held: list[model.AriEvent] | None = None
        self._some = asyncio.Event()
        self._up = False
        self._since = clock()
        self._reason = "not connected yet"
        self._connects = self._received = self._dropped = self._malformed = 0
        self._failures = 0
        self._up_at: float | None = None

    @property
    def state(self) -> AriState:
        """A snapshot of the link."""
        return AriState(
            up=self._up,
            since=self._since,
            reason=self._reason,
            reconnects=max(0, self._connects - 1),
            received=self._received,
            dropped=self._dropped,
            malformed=self._malformed,
        )

    async def read(self) -> list[AriItem]:
        """All that has come since the last call, at least one item; waits for the first."""
        await self._some.wait()
        items = list(self._items)
        self._items.clear()
        self._some.clear()
        return items

    async def run(self) -> None:
        """Connect, read, connect again, until cancelled. Only a bug in the hook raises."""
        while True:
            refused = False
            try:
                await self._connected()
            except _Lost as error:
                refused = isinstance(error, _Replaced)
                self._went_down(str(error), refused)
            except CcmError as error:
                refused = isinstance(error, PermanentError)
                self._went_down(str(error), refused)
            finally:
                if self._up:
                    self._went_down("stopped", False)
            if self._steady():
                self._failures = 0
            self._failures += 1
            await asyncio.sleep(self._back_off.pause(self._failures, refused, self._random))

    async def _connected(self) -> None:
        """One connection from the handshake to its end, which is always an exception."""
        socket = await self._open()
        self._held = []
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._on_connected is None:
                    self._came_up()
                else:
                    resync = self._resync(self._on_connected)
                    tasks.create_task(resync, name=f"ari-resync-{self.node}")
                # Not a second child: when one fails while a group only waits for its children,
                # Python before 3.13 leaves a cancellation that can't be told from a real one.
                await self._receive(socket)
        except BaseExceptionGroup as group:
            # Both tasks may fail at the same moment, as when Asterisk dies; the first says enough.
            if _cancelled():
                raise asyncio.CancelledError from None
            foreign = group.split((_Lost, CcmError))[1]
            if foreign is not None:
                raise
            raise _first(group) from None
        finally:
            self._held = None
            with suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await socket.close()

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._session.ws_connect(
                    self._url,
                    params={
                        "app": self._settings.app,
                        "subscribeAll": "true" if self._subscribe_all else "false",
                    },
                    headers=self._headers,
                    heartbeat=self._settings.heartbeat,
                    max_msg_size=MAX_MESSAGE,
                )
        except aiohttp.WSServerHandshakeError as error:
            # Its text holds the request's URL, but no header: nothing secret.
            if error.status in (401, 403):
                raise Denied(
                    self.node, error.status, "ari.user or its secret is wrong, see ari.conf"
                ) from None
            why = f"HTTP status {error.status} instead of a WebSocket"
            raise AriUnavailable(f"{self._url} answers with {why}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or f"no answer within {self._settings.timeout:g} s"
            raise AriUnavailable(f"ARI of node {self.node} is not reachable: {why}") from None

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._malformed += 1
            else:
                raise _Lost(_why_ended(socket))

    async def _resync(self, hook: Callable[[], Awaitable[None]]) -> None:
        await hook()
        self._came_up()

    def _take(self, raw: str) -> None:
        now = self._clock()
        try:
            event = model.typed(raw, now)
        except ValueError as error:
            self._malformed += 1
            if self._malformed.bit_count() == 1:  # the 1st, 2nd, 4th …: no flood in the log
                log.warning(
                    "ari_event_malformed", node=self.node, error=str(error), total=self._malformed
                )
            return
        self._received += 1
        if event is None:
            return
        if self._held is None:
            self._put(event)
        elif len(self._held) < self._queue_size:
            self._held.append(event)
        else:
            # The hook takes so long that what it learned is stale: begin anew.
            raise _Lost(f"more than {self._queue_size} events during the resync")
        if isinstance(event, model.ApplicationReplaced) and event.application == self._settings.app:
            raise _Replaced(f"another program took over the application {event.application}")

    def _put(self, event: model.AriEvent) -> None:
        """Give an event to the reader, or count it in a gap when too many wait already."""
        if len(self._items) < self._queue_size:
            self._add(event)
            return
        self._dropped += 1
        last = self._items[-1]
        if isinstance(last, AriGap):
            self._items[-1] = AriGap(last.at, last.dropped + 1)
        else:
            log.warning("ari_events_dropped", node=self.node, waiting=len(self._items))
            self._add(AriGap(self._clock(), 1))

    def _add(self, item: AriItem) -> None:
        self._items.append(item)
        self._some.set()

    def _came_up(self) -> None:
        self._up = True
        self._since = self._clock()
        self._reason = ""
        self._connects += 1
        self._up_at = asyncio.get_running_loop().time()
        self._add(AriUp(self._since))
        log.info("ari_up", node=self.node, url=str(self._url))
        held, self._held = self._held or [], None
        for event in held:
            self._put(event)

    def _steady(self) -> bool:
        """The last connection held so long that its loss is a new story, not a flapping link."""
        up_at, self._up_at = self._up_at, None
        if up_at is None:
            return False
        return asyncio.get_running_loop().time() - up_at > self._back_off.longest

    def _went_down(self, reason: str, refused: bool) -> None:
        now = self._clock()
        if self._up:
            self._up = False
            self._since = now
            self._add(AriDown(now, reason))
            log.warning("ari_down", node=self.node, reason=reason)
        elif reason != self._reason:
            # The same reason again is not news; an outage is one line, however long it lasts.
            report = log.error if refused else log.warning
            report("ari_not_connected", node=self.node, reason=reason)
        self._reason = reason


def _cancelled() -> bool:
    """Somebody wants this task to end: before Python 3.13 a TaskGroup that fails hides that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _why_ended(socket: aiohttp.ClientWebSocketResponse) -> str:
    error = socket.exception()
    if isinstance(error, TimeoutError):
        return "Asterisk did not answer a ping in time"
    if error is not None:
        return f"the event socket broke: {error}"
    return f"Asterisk closed the event socket (code {socket.close_code})"
