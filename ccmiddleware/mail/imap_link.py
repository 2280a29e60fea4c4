"""One connection to an IMAP server: one command at a time, each answered within a limit or never.

Built on aioimaplib's protocol, whose commands and states are kept; how it reads, waits and fails
is replaced. Like a connection to Asterisk it is used once: after any timeout, cancellation,
nonsense or loss it is over for good, whoever waits is woken at once, and the caller opens another.
The only module that imports aioimaplib. What goes over the wire is never logged.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aioimaplib import aioimaplib

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail import imap_wire
from ccmiddleware.mail.imap_wire import NotImap, Response

Security = Literal["tls", "starttls", "plain"]

CLOSE_SECONDS = 1.0
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 120_000}
"""A peer that is gone is noticed in two minutes, also in IDLE, where nobody sends anything."""

LATER = frozenset({"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "THROTTLED", "OVERQUOTA"})
"""Response codes of a NO that time may mend (RFC 5530)."""


class AuthenticationRefused(PermanentError):
    """The server does not accept the login: trying again only gets the address banned."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds."""

    connect: float = 20.0
    """For connection, TLS and greeting together."""
    quiet: float = 60.0
    """For the next byte of an answer."""
    longest: float = 900.0
    """For a whole answer, however steadily it trickles."""


class Link(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """The protocol of one connection; ``open_link`` makes it.

    ``where`` names the server in errors. ``exists`` is how many messages the folder has, as far as
    told, and ``news`` whether that number was told since somebody set it to False.
    """

    def __init__(self, where: str, patience: Patience, max_literal: int) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self.where = where
        self.patience = patience
        self.exists = 0
        self.news = False
        self.transport: asyncio.Transport | None = None
        self.greeted: asyncio.Future[bytes] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()
        self._splitter = imap_wire.Splitter(max_literal)
        self._most = 4 * max_literal + 2 * imap_wire.MAX_LINE
        """Bytes of untagged responses that are kept for one command."""
        self._kept = 0
        self._one = asyncio.Lock()
        self._pending: aioimaplib.Command | None = None
        self._answered: asyncio.Future[None] = loop.create_future()
        self._stirred = asyncio.Event()
        self._heard_at = loop.time()
        self._farewell = ""
        self._challenge = ""

    # --- what asyncio calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport, and have the kernel look whether the peer is still there."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in KEEPALIVE.items():
                if hasattr(socket, name):  # Linux has them all
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def data_received(self, data: bytes) -> None:
        """Take a chunk; a loop over whole responses, however many there are."""
        if self.lost.done():
            return
        self._heard_at = self.loop.time()
        try:
            for response in self._splitter.feed(data):
                self._take(response)
        except NotImap as error:
            self.end(f"what came is not IMAP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        told = f"the server said BYE: {self._farewell}" if self._farewell else ""
        self.end(told or (f"connection lost: {exc}" if exc else "the server closed the connection"))
        if not self._gone.done():
            self._gone.set_result(None)

    def eof_received(self) -> None:
        """Nothing more can come: ``connection_lost`` follows."""

    # --- what the server says -----------------------------------------------------------------

    def _take(self, response: Response) -> None:
        if not self.greeted.done():
            self.greeted.set_result(bytes(response))
        elif response.startswith(b"* "):
            self._untagged(response)
        elif response.startswith(b"+"):
            self._continuation(response)
        elif response:
            self._tagged(response)

    def _untagged(self, response: Response) -> None:
        words = response[2:].split(b" ", 2)
        if len(words) == 2 and words[1].upper() == b"EXISTS":
            self.exists = imap_wire.number(words[0], "EXISTS")
            self.news = True
            self._stirred.set()
        elif words[0].upper() == b"BYE":
            self._farewell = readable(response[6:]) or "no reason"
        if self._pending is not None and self._pending.name != "IDLE":
            self._kept += len(response) + sum(map(len, response.literals)) + 100
            if self._kept > self._most:
                raise NotImap(f"more than {self._most} bytes for one command")
            self._pending.append_to_resp(response)

    def _continuation(self, line: bytes) -> None:
        if self._pending is None:
            raise NotImap("a continuation that nobody waits for")
        if self._pending.name == "AUTHENTICATE":
            # The token was refused. The reason is in here, the NO comes after an empty answer.
            self._challenge = _challenge(line)
            self._write(imap_wire.CRLF)
        elif self._pending.name == "IDLE":
            self._idle_event.set()
            self._stirred.set()
        else:
            raise NotImap(f"a continuation of {self._pending.name}")

    def _tagged(self, response: Response) -> None:
        tag, _, rest = response.partition(b" ")
        result, _, text = rest.partition(b" ")
        if result.upper() not in (b"OK", b"NO", b"BAD"):
            raise NotImap(f"{readable(response)!r:.60} is no response")
        if self._pending is None or tag.decode("ascii", "replace") != self._pending.tag:
            raise NotImap("a command is answered that was not asked")
        self._pending.close(text, result.decode("ascii").upper())
        self._answered.set_result(None)
        self._stirred.set()
        self._pending = None

    # --- commands -----------------------------------------------------------------------------

    def send(self, line: str, scrub: str | None = None) -> None:
        """Write a line. Not logged: aioimaplib's scrubbing misses what is quoted or encoded."""
        self._write(f"{line}\r\n".encode())

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    async def execute(
        self, command: aioimaplib.Command, scrub: str | None = None
    ) -> aioimaplib.Response:
        """Send a command when the one before is answered, and wait for its answer.

        Raises TemporaryError when none comes; the connection is over then, as it is when the waiter
        is cancelled.
        """
        async with self._one:
            self._begin(command)
            try:
                await self._wait_for_answer(command.name)
            except BaseException as error:
                self.end(str(error) or f"{command.name} was given up")
                raise
            finally:
                self._pending = None
        return command.response

    def _begin(self, command: aioimaplib.Command) -> None:
        self._still_there(command.name)
        if self.state not in aioimaplib.Commands[command.name].valid_states:
            raise RuntimeError(f"{command.name} in state {self.state}")
        self._pending = command
        self._answered = self.loop.create_future()
        self._kept = 0
        self._heard_at = self.loop.time()
        self.send(str(command))

    def _still_there(self, wanted: str) -> None:
        if self.lost.done():
            raise TemporaryError(f"{self.where}: {wanted} not sent: {self.lost.result()}")

    async def _wait_for_answer(self, name: str) -> None:
        begun = self.loop.time()
        while not self._answered.done():
            until = min(self._heard_at + self.patience.quiet, begun + self.patience.longest)
            rest = until - self.loop.time()
            if rest <= 0:
                raise TemporaryError(f"{self.where}: no answer to {name} in time")
            # Not a timeout that cancels: an answer that came is never thrown away.
            waiting: set[asyncio.Future[Any]] = {self._answered, self.lost}
            await asyncio.wait(waiting, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
            if self.lost.done() and not self._answered.done():
                raise TemporaryError(f"{self.where}: {name}: {self.lost.result()}")

    async def idle_for(self, seconds: float) -> None:
        """IDLE until the server tells a number of messages, for ``seconds`` at most."""
        command = aioimaplib.IdleCommand(self.new_tag(), self.idle_queue, loop=self.loop)
        async with self._one:
            self._idle_event.clear()
            self._begin(command)
            try:
                await self._until_stirred(self._idle_event.is_set, self.patience.quiet)
                if not (self._idle_event.is_set() or self._answered.done()):
                    raise TemporaryError(f"{self.where}: no answer to IDLE in time")
                await self._until_stirred(lambda: self.news, seconds)
                if not self._answered.done():
                    self._heard_at = self.loop.time()
                    self.send("DONE")
                    await self._wait_for_answer("DONE")
            except BaseException as error:
                self.end(str(error) or "IDLE was given up")
                raise
            finally:
                self._pending = None
        self.refuse("IDLE", command.response)

    async def _until_stirred(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for ``condition``, which what the server says may bring about, or the time's end."""
        until = self.loop.time() + seconds
        while not (condition() or self._answered.done() or self.lost.done()):
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._stirred.wait()
            if self.loop.time() >= until:
                break
        if self.lost.done():
            raise TemporaryError(f"{self.where}: IDLE: {self.lost.result()}")

    async def capability(self) -> None:
        """Read the server's capabilities, in capitals; they change with TLS and login."""
        response = await self.execute(
            aioimaplib.Command("CAPABILITY", self.new_tag(), loop=self.loop)
        )
        self.refuse("CAPABILITY", response)
        for line in response.lines:
            if line.upper().startswith(b"* CAPABILITY"):
                self.capabilities = {readable(word).upper() for word in line.split()[2:]}

    # --- the way in ---------------------------------------------------------------------------

    async def greet(self) -> None:
        """Wait for the greeting. Raises TemporaryError; the caller sets the limit."""
        waiting: set[asyncio.Future[Any]] = {self.greeted, self.lost}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not self.greeted.done():
            raise TemporaryError(f"{self.where}: {self.lost.result()}")
        greeting = self.greeted.result().upper()
        if greeting.startswith(b"* OK"):
            self.state = aioimaplib.NONAUTH
        elif greeting.startswith(b"* PREAUTH"):
            self.state = aioimaplib.AUTH
        else:
            raise TemporaryError(
                f"{self.where}: greeted with {readable(self.greeted.result())!r:.120}"
            )

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Go on in TLS (RFC 2595). Raises PermanentError when the server does not offer it."""
        if self.state != aioimaplib.NONAUTH:
            raise PermanentError(f"{self.where}: greets with PREAUTH, where STARTTLS is impossible")
        await self.capability()
        if "STARTTLS" not in self.capabilities:
            raise PermanentError(f'{self.where}: offers no STARTTLS; security = "tls" may be right')
        command = aioimaplib.Command("STARTTLS", self.new_tag(), loop=self.loop)
        self.refuse("STARTTLS", await self.execute(command))
        if self._splitter.rest or self.transport is None:
            raise PermanentError(f"{self.where}: sent something between STARTTLS and TLS")
        self.transport = await self.loop.start_tls(
            self.transport, self, context, server_hostname=name
        )
        self.capabilities = set()

    async def log_in(self, user: str, secret: str, method: Literal["password", "xoauth2"]) -> None:
        """Log in, and read the capabilities that hold from then on.

        Raises AuthenticationRefused, PermanentError and TemporaryError.
        """
        if self.state == aioimaplib.NONAUTH:
            await self.capability()
            self._challenge = ""
            try:
                response = await self._authenticate(user, secret, method)
            except ValueError:
                raise PermanentError(
                    f"{self.where}: user or secret has characters that IMAP can't carry"
                ) from None
            if response.result != "OK" and not may_pass(response):
                told = readable(response.lines[-1])
                more = f" ({self._challenge})" if self._challenge else ""
                raise AuthenticationRefused(f"{self.where}: login of {user} refused: {told}{more}")
            self.refuse(f"login of {user}", response)
        await self.capability()

    async def _authenticate(self, user: str, secret: str, method: str) -> aioimaplib.Response:
        if method == "xoauth2":
            if "AUTH=XOAUTH2" not in self.capabilities:
                raise PermanentError(f"{self.where}: offers no login with XOAUTH2")
            return await self.xoauth2(user, secret)
        if "LOGINDISABLED" in self.capabilities:
            raise PermanentError(f'{self.where}: no login without TLS; set security = "starttls"')
        return await self.login(imap_wire.quoted(user), secret)

    def refuse(self, what: str, response: aioimaplib.Response) -> None:
        """Raise Permanent- or TemporaryError for NO and BAD, which aioimaplib has as results."""
        if response.result != "OK":
            kind = TemporaryError if may_pass(response) else PermanentError
            told = readable(response.lines[-1])
            raise kind(f"{self.where}: {what}: {response.result} {told}")

    # --- the end ------------------------------------------------------------------------------

    def end(self, reason: str) -> None:
        """Stop: nothing is read any more and nothing sent; who waits gets ``reason``."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self._stirred.set()
        if self.transport is not None:
            self.transport.abort()

    async def gone(self) -> None:
        """Wait until the socket is closed."""
        if self.transport is not None:
            await asyncio.wait([self._gone], timeout=CLOSE_SECONDS)


async def open_link(
    address: tuple[str, int],
    security: Security,
    context: ssl.SSLContext,
    patience: Patience,
    max_literal: int,
) -> Link:
    """Connect, up to before the login. Raises PermanentError and TemporaryError."""
    host, port = address
    link = Link(f"IMAP {host}:{port}", patience, max_literal)
    tls = context if security == "tls" else None
    name = host if tls else None
    try:
        async with asyncio.timeout(patience.connect):
            await asyncio.get_running_loop().create_connection(
                lambda: link, host, port, ssl=tls, server_hostname=name
            )
            await link.greet()
            if security == "starttls":
                await link.start_tls(context, host)
    except BaseException as error:
        link.end("given up while connecting")
        await link.gone()
        if isinstance(error, ssl.SSLCertVerificationError):
            raise PermanentError(f"{link.where}: its certificate: {error.verify_message}") from None
        if isinstance(error, TimeoutError):
            raise TemporaryError(f"{link.where}: not connected in time") from None
        if isinstance(error, OSError):
            raise TemporaryError(f"{link.where}: {error}") from None
        raise
    return link


def code(response: aioimaplib.Response) -> str:
    """The response code of the tagged line, such as TRYCREATE."""
    return imap_wire.code(response.lines[-1])[0]


def may_pass(response: aioimaplib.Response) -> bool:
    """Whether time may mend a refusal."""
    return response.result == "NO" and code(response) in LATER


def readable(line: bytes) -> str:
    """What a server says, fit for a log or a terminal."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", line.decode("utf-8", "replace"))[:200]


def _challenge(line: bytes) -> str:
    try:
        return readable(b64decode(line[1:].strip(), validate=True))
    except ValueError:
        return readable(line[1:])
