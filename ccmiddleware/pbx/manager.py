"""Opening one AMI connection after another, logging in, and where the events of each go.

Built on panoramisk's Manager, of which the name of its parts is kept and the behaviour replaced: it
makes no connection by itself, sends nothing again, and calls no handlers. When to connect is for
``link``.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from datetime import datetime

import structlog
from panoramisk.manager import Manager

from ccmiddleware.clock import Clock
from ccmiddleware.config import AmiSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.pbx.actions import Question, Response
from ccmiddleware.pbx.events import Event, FullyBooted
from ccmiddleware.pbx.protocol import LinkProtocol
from ccmiddleware.pbx.stream import Stream


class LinkManager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """The connections to one Asterisk, one at a time. Raises ConfigError like ``tls_context``.

    ``came_up`` is called when login and FullyBooted are both there, before any event of that
    connection goes into the stream.
    """

    def __init__(
        self,
        settings: AmiSettings,
        stream: Stream,
        came_up: Callable[[LinkProtocol], None],
        *,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        super().__init__(host=settings.host, port=settings.port, ssl=tls_context(settings), log=log)
        self.malformed_frames = 0
        self.stage = ""
        self._secret = settings.reveal()
        self._settings = settings
        self._stream = stream
        self._came_up = came_up
        self._clock = clock
        self._early: list[Event] | None = []
        self._booted: asyncio.Future[None]
        self._reported: set[str] = set()

    # --- opening ------------------------------------------------------------------------------

    def new_connection(self) -> LinkProtocol:
        """The protocol of the next connection, not connected yet."""
        patience = self._settings.ping_interval + self._settings.ping_timeout
        self._early = []
        self._booted = asyncio.get_running_loop().create_future()
        self.stage = "connecting"
        self.protocol = LinkProtocol(self, clock=self._clock, log=self.log, patience=patience)
        return self.protocol

    async def open(self, protocol: LinkProtocol) -> None:
        """Connect, log in and wait until Asterisk is fully booted. The caller sets the time limit.

        ``stage`` says how far it is. Raises OSError, LinkDownError, ActionRefused, ActionTimeout.
        """
        tls = self.config["ssl"]
        await asyncio.get_running_loop().create_connection(
            lambda: protocol,
            self._settings.host,
            self._settings.port,
            ssl=tls,
            server_hostname=self._settings.host if tls else None,
        )
        self.stage = "waiting for Asterisk's banner"
        await protocol.until(protocol.greeted)
        self.stage = "logging in"
        await self._log_in(protocol)
        # The AMI user needs the read class "system" for this event.
        self.stage = "waiting for FullyBooted (needs read class system)"
        await protocol.until(self._booted)
        self.stage = "up"

    async def _log_in(self, protocol: LinkProtocol) -> None:
        settings = self._settings
        login = {"Username": settings.user, "Events": "on"}
        if settings.auth == "plain":
            login["Secret"] = self._secret
        else:
            answer = await self._ask(protocol, "Challenge", {"AuthType": "MD5"})
            challenge = answer.headers.get("Challenge", "")
            # Asterisk's rule, main/manager.c, authenticate(): MD5 of challenge and secret.
            key = hashlib.md5(f"{challenge}{self._secret}".encode(), usedforsecurity=False)
            login |= {"AuthType": "MD5", "Key": key.hexdigest()}
        await self._ask(protocol, "Login", login)

    async def _ask(self, protocol: LinkProtocol, action: str, fields: dict[str, str]) -> Response:
        question = Question(action, fields)
        return (await protocol.ask(question, self._settings.connect_timeout)).response()

    # --- what the connection tells ------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether an event would be dropped now."""
        return self._early is None and self._stream.full

    def dispatch(self, event: Event) -> None:
        """Put an event into the stream; before FullyBooted, keep it until the link counts as up."""
        if self._early is None:
            self._stream.put(event)
        elif isinstance(event, FullyBooted) and self.protocol.authenticated:
            early, self._early = self._early, None
            self._came_up(self.protocol)
            for held in [*early, event]:
                self._stream.put(held)
            self._booted.set_result(None)
        elif len(self._early) < self._settings.queue_size:
            self._early.append(event)
        else:
            self.protocol.end("more events before FullyBooted than the queue holds")

    def dropped(self, at: datetime) -> None:
        """Count an event that the full stream can't take."""
        self._stream.drop(at)

    def malformed(self, name: str, error: Exception) -> None:
        """Count a frame that makes no sense; log the first of each event name."""
        self.malformed_frames += 1
        if name in self._reported or len(self._reported) > 100:
            return
        self._reported.add(name)
        bug = None if isinstance(error, ValueError) else error
        self.log.warning("ami frame malformed", event_name=name, error=str(error), exc_info=bug)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing: whoever waits on the connection's ``lost`` decides what follows."""


def tls_context(settings: AmiSettings) -> ssl.SSLContext | None:
    """The TLS side of the settings, None without TLS. Raises ConfigError for a bad CA file."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as error:
        raise ConfigError([f"tls_ca_file {settings.tls_ca_file}: {error}"]) from None
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
