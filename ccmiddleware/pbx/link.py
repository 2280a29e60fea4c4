"""The AMI link to one Asterisk: keeps it up, delivers its events in order, sends actions.

``AmiLink.run`` connects, logs in, watches and reconnects until it is cancelled. Everything that
Asterisk tells goes into one bounded stream, read by one sequential consumer; marks in it say where
the link came up (ask Asterisk for its state again), went down, or events were dropped. Actions are
sent once: when the link goes down before the answer, the caller learns just that.

Built on panoramisk, without its reconnecting, pinging and replaying. Nothing outside this room
knows panoramisk.
"""

import asyncio
import random as random_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ccmiddleware.clock import Clock, utc_now
from ccmiddleware.config import AmiSettings
from ccmiddleware.pbx.actions import (
    ActionRefused,
    ActionTimeout,
    LinkDownError,
    Question,
    Response,
    UnsafeValue,
)
from ccmiddleware.pbx.manager import LinkManager
from ccmiddleware.pbx.protocol import LinkProtocol
from ccmiddleware.pbx.stream import Gap, Item, LinkDown, LinkUp, Stream

__all__ = [
    "ActionRefused",
    "ActionTimeout",
    "AmiLink",
    "Gap",
    "Item",
    "LinkDown",
    "LinkDownError",
    "LinkState",
    "LinkUp",
    "Response",
    "UnsafeValue",
]

STOPPED = "stopped"
IN_USE = "Login Already In Use"
"""Asterisk's refusal while an older session of this user lingers (allowmultiplelogin = no)."""


@dataclass(frozen=True)
class LinkState:
    """How the link is. ``since`` is when ``up`` last changed; the counters are of this process.

    ``reconnects`` counts links after the first, ``events`` those put into the stream, ``malformed``
    frames that could not be understood, ``dropped`` events that found the stream full.
    ``auth_refused``: Asterisk refused the last login; ``reason`` has its words.
    """

    up: bool
    since: datetime
    reason: str
    banner: str
    reconnects: int
    events: int
    malformed: int
    dropped: int
    auth_refused: bool


class AmiLink:
    """The link to one node. Raises ConfigError when secret or CA file can't be read."""

    def __init__(
        self,
        node: str,
        settings: AmiSettings,
        *,
        clock: Clock = utc_now,
        random: random_module.Random | None = None,
    ) -> None:
        self._node = node
        self._settings = settings
        self._clock = clock
        self._random = random or random_module.Random()  # noqa: S311 - spreads retries, no secret
        self._log = structlog.get_logger(__name__).bind(node=node)
        self._stream = Stream(node, settings.queue_size)
        self._manager = LinkManager(
            settings, self._stream, self._came_up, clock=clock, log=self._log
        )
        self._protocol: LinkProtocol | None = None
        self._since = clock()
        self._reason = "not connected yet"
        self._banner = ""
        self._epoch = 0
        self._refused = False
        self._silence = 0.0
        """Seconds since the last byte, when a connection ended by that."""

    @property
    def state(self) -> LinkState:
        """How the link is now."""
        return LinkState(
            up=self._protocol is not None,
            since=self._since,
            reason=self._reason,
            banner=self._banner,
            reconnects=max(self._epoch - 1, 0),
            events=self._stream.events,
            malformed=self._manager.malformed_frames,
            dropped=self._stream.dropped,
            auth_refused=self._refused,
        )

    async def read(self) -> list[Item]:
        """All queued items in order; waits for at least one. For one sequential consumer."""
        return await self._stream.read()

    async def send(
        self,
        action: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout: float | None = None,
    ) -> Response:
        """Send an action and return its response. A sequence repeats its header.

        ``timeout`` is in seconds, by default the setting action_timeout. Raises LinkDownError,
        ActionTimeout, ActionRefused and UnsafeValue.
        """
        question = Question(action, fields)
        return (await self._ask(question, timeout)).response()

    async def send_list(
        self,
        action: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout: float | None = None,
    ) -> list[dict[str, str]]:
        """Send an action that answers with a list, and return its items' headers.

        The items also go through ``read``, in their place among the events. Raises like ``send``.
        """
        question = await self._ask(Question(action, fields, expects_list=True), timeout)
        question.response()
        return question.items_of_list()

    async def run(self) -> None:
        """Keep the link up until cancelled. Then log off, fail open actions and put LinkDown.

        Raises UnsafeValue when user or secret can't be sent as they are.
        """
        failures = 0
        try:
            while True:
                lasted = await self._one_connection()
                failures = 0 if lasted > self._settings.retry_max else failures + 1
                await asyncio.sleep(self._pause(failures))
        finally:
            self._reason = STOPPED

    async def _one_connection(self) -> float:
        """Connect and stay connected as long as it goes; return how long it was up, in seconds."""
        loop = asyncio.get_running_loop()
        protocol = self._manager.new_connection()
        reason, up_at, self._silence = STOPPED, None, 0.0
        try:
            problem = await self._open(protocol)
            if problem is None:
                up_at = loop.time()
                problem = await self._watch(protocol)
            reason = problem
        except asyncio.CancelledError:
            protocol.log_off()
            await protocol.read_rest()
            raise
        finally:
            protocol.end(reason)
            self._went_down(reason)
            await protocol.gone()
        return loop.time() - up_at if up_at is not None else 0.0

    async def _open(self, protocol: LinkProtocol) -> str | None:
        """Bring the connection up. Returns what was in the way, if anything."""
        limit = self._settings.connect_timeout
        problem: str | None = None
        refused = False
        try:
            async with asyncio.timeout(limit):
                await self._manager.open(protocol)
        except (TimeoutError, ActionTimeout):
            problem = f"{self._manager.stage} took more than {limit:g} s"
        except ActionRefused as error:
            refused = error.message != IN_USE
            problem = f"{error} (user {self._settings.user})"
        except (LinkDownError, OSError) as error:
            problem = f"{self._manager.stage} failed: {error}"
        self._refused = refused
        return problem

    async def _watch(self, protocol: LinkProtocol) -> str:
        """Wait for the end of a link that is up; returns its reason.

        After ``ping_interval`` seconds without a byte Asterisk must answer a ping.
        """
        loop = asyncio.get_running_loop()
        settings = self._settings
        while not protocol.lost.done():
            quiet = loop.time() - protocol.heard_at
            if quiet < settings.ping_interval:
                await asyncio.wait([protocol.lost], timeout=settings.ping_interval - quiet)
                continue
            try:
                await protocol.ask(Question("Ping"), settings.ping_timeout)
            except ActionTimeout:
                self._silence = loop.time() - protocol.heard_at
                return f"Asterisk did not answer a ping within {settings.ping_timeout:g} s"
            except LinkDownError:
                # Nothing was heard since before the ping: of a dead peer, the end may come late.
                self._silence = loop.time() - protocol.heard_at
                break
        return protocol.lost.result()

    async def _ask(self, question: Question, seconds: float | None) -> Question:
        if self._protocol is None:
            raise LinkDownError(f"{question.name} not sent: no link to Asterisk: {self._reason}")
        limit = self._settings.action_timeout if seconds is None else seconds
        return await self._protocol.ask(question, limit)

    def _pause(self, failures: int) -> float:
        """Seconds until the next try: grows with the failures, spread so that links don't march.

        A refused login is not worth trying soon: it only fills Asterisk's log and trips fail2ban.
        """
        shortest, longest = (
            self._settings.retry_min,
            max(self._settings.retry_max, self._settings.retry_min),
        )
        if self._refused:
            return self._random.uniform(longest, 1.5 * longest)
        ceiling = min(longest, shortest * 2.0 ** min(failures, 30))
        return self._random.uniform(shortest, ceiling)

    def _came_up(self, protocol: LinkProtocol) -> None:
        self._epoch += 1
        self._protocol = protocol
        self._since = self._clock()
        self._banner = protocol.greeted.result()
        self._reason = "up"
        self._refused = False
        self._stream.mark(LinkUp(self._node, self._since, self._epoch, self._banner))
        self._log.info("ami up", epoch=self._epoch, banner=self._banner)

    def _went_down(self, reason: str) -> None:
        news = reason not in (self._reason, STOPPED)
        self._reason = reason
        if self._protocol is not None:
            self._protocol = None
            self._since = self._clock()
            heard_until = self._since - timedelta(seconds=self._silence)
            self._stream.mark(LinkDown(self._node, heard_until, self._epoch, reason))
            self._log.warning("ami down", epoch=self._epoch, reason=reason)
        elif news:
            event = "ami login refused" if self._refused else "ami connect failed"
            self._log.error(event, reason=reason, user=self._settings.user)
