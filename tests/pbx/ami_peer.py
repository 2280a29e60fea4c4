"""A scripted Asterisk manager interface on 127.0.0.1, which can misbehave, and its two clients.

``Peer`` is a real server on a real socket. ``linked`` runs our link against it, ``plainly`` runs
panoramisk as it is, so that one script can show what the one survives and the other doesn't.
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from panoramisk.manager import Manager

from ccmiddleware.config import AmiSettings
from ccmiddleware.pbx.events import Event
from ccmiddleware.pbx.link import AmiLink, Item, LinkUp

SECRET = "correct horse"
BANNER = b"Asterisk Call Manager/9.0.0\r\n"
DEADLINE = 20.0

T = TypeVar("T")
Answer = Callable[["Session", dict[str, str]], Awaitable[None]]


def frame(*headers: tuple[str, object]) -> bytes:
    """One AMI frame of these headers."""
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers) + b"\r\n"


def event(name: str, **headers: object) -> bytes:
    """One AMI event as Asterisk sends it."""
    return frame(("Event", name), ("Privilege", "call,all"), *headers.items())


@dataclass
class Session:
    """One connection that the peer accepted."""

    peer: "Peer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    actions: list[dict[str, str]] = field(default_factory=list)
    logged_in: bool = False
    over: bool = False
    challenge: str = "305419896"

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), DEADLINE)

    async def answer(self, action: dict[str, str], *headers: tuple[str, object]) -> None:
        """A response to ``action``; the first header should be Response."""
        await self.send(frame(headers[0], ("ActionID", action["ActionID"]), *headers[1:]))

    def cut(self) -> None:
        """End the connection at once, as a dying Asterisk does."""
        self.writer.transport.abort()

    def asked(self, name: str) -> list[dict[str, str]]:
        """The actions of this name that came over this connection."""
        return [action for action in self.actions if action.get("Action") == name]


class Peer:
    """An Asterisk that does what the test says.

    ``answers`` overrides what happens on an action; ``banner`` None: accepts and says nothing;
    ``boots`` False: no FullyBooted; ``deaf``: reads and answers nothing more.
    """

    def __init__(self, *, secret: str = SECRET, tls: ssl.SSLContext | None = None) -> None:
        self.secret = secret
        self.tls = tls
        self.port = 0
        self.banner: bytes | None = BANNER
        self.boots = True
        self.before_boot = b""
        self.deaf = False
        self.sessions: list[Session] = []
        self.received = b""
        self.answers: dict[str, Answer] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections, and end those there are."""
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.cut()
        await until(lambda: all(session.over for session in self.sessions))

    @property
    def actions(self) -> list[dict[str, str]]:
        """All actions of all connections."""
        return [action for session in self.sessions for action in session.actions]

    def asked(self, name: str) -> list[dict[str, str]]:
        return [action for action in self.actions if action.get("Action") == name]

    async def session(self, number: int = 0) -> Session:
        """The connection of this number, once it is logged in."""
        await until(lambda: len(self.sessions) > number and self.sessions[number].logged_in)
        return self.sessions[number]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        self.sessions.append(session)
        try:
            if self.banner is not None:
                await session.send(self.banner)
            while (action := await self._next_action(session)) is not None:
                session.actions.append(action)
                if not self.deaf:
                    act = self.answers.get(action.get("Action", ""), _usual_answer)
                    await act(session, action)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the other side is gone, which is what many tests are about
        finally:
            session.over = True
            session.logged_in = False
            writer.transport.abort()

    async def _next_action(self, session: Session) -> dict[str, str] | None:
        lines: dict[str, str] = {}
        while True:
            line = await session.reader.readline()
            if not line:
                return None
            self.received += line
            text = line.decode("utf-8", "replace").rstrip(
                "\r\n"
            )  # Asterisk takes a bare LF for a line end, too
            if not text:
                return lines
            name, _, value = text.partition(": ")
            lines[name] = value


async def _usual_answer(session: Session, action: dict[str, str]) -> None:
    peer = session.peer
    match action.get("Action"):
        case "Challenge":
            await session.answer(action, ("Response", "Success"), ("Challenge", session.challenge))
        case "Login":
            await _login(session, action)
        case "Ping":
            await session.answer(action, ("Response", "Success"), ("Ping", "Pong"))
        case "Logoff":
            await session.send(frame(("Response", "Goodbye")))
            session.cut()
        case _ if peer.tls is None or session.logged_in:
            await session.answer(action, ("Response", "Success"), ("Message", "Done"))


async def _login(session: Session, action: dict[str, str]) -> None:
    peer = session.peer
    key = hashlib.md5(f"{session.challenge}{peer.secret}".encode()).hexdigest()  # noqa: S324 - AMI
    if action.get("Key") != key and action.get("Secret") != peer.secret:
        await session.answer(action, ("Response", "Error"), ("Message", "Authentication failed"))
        session.writer.close()
        return
    await session.answer(action, ("Response", "Success"), ("Message", "Authentication accepted"))
    await session.send(peer.before_boot)
    if peer.boots:
        await session.send(event("FullyBooted", Uptime=12, LastReload=12, Status="Fully Booted"))
    session.logged_in = True


async def until(condition: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """Wait until ``condition`` is true, and return what it returned; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "what the test waits for did not happen"
        await asyncio.sleep(0.005)
    return result


# --- our link ---------------------------------------------------------------------------------


def settings_for(peer: Peer | None, **changes: Any) -> AmiSettings:
    """Settings with short pauses, for a peer or for where ``changes`` lead."""
    values: dict[str, Any] = {
        "port": peer.port if peer else 5038,
        "secret": SECRET,
        "connect_timeout": DEADLINE,
        "action_timeout": DEADLINE,
        "ping_interval": DEADLINE,
        "ping_timeout": DEADLINE,
        "retry_min": 0.01,
        "retry_max": 0.05,
    }
    return AmiSettings.model_validate(values | changes)


@dataclass
class Linked:
    """A running link with all it has delivered so far to its only reader."""

    link: AmiLink
    items: list[Item] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Cancel the link and wait for its end."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task], timeout=DEADLINE)
        assert self.task.done()

    async def up(self, epoch: int = 1) -> None:
        await until(lambda: any(i.epoch == epoch for i in self.of(LinkUp)))

    def of(self, kind: type[T]) -> list[T]:
        return [item for item in self.items if isinstance(item, kind)]

    def events(self) -> list[Event]:
        """All events but FullyBooted."""
        return [item for item in self.of(Event) if item.NAME != "FullyBooted"]


@asynccontextmanager
async def linked(
    peer: Peer | None, *, reading: bool = True, **changes: Any
) -> AsyncIterator[Linked]:
    """Our link, running, with a consumer that collects unless told not to."""
    run = Linked(AmiLink("pbx1", settings_for(peer, **changes)))

    async def consume() -> None:
        while True:
            run.items.extend(await run.link.read())

    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        run.task = group.create_task(run.link.run(), name="link")
        reader = group.create_task(consume(), name="consumer") if reading else None
        try:
            yield run
        except BaseException as error:  # noqa: BLE001 - raised below, unwrapped
            failure = error
        run.task.cancel()
        await asyncio.wait([run.task], timeout=DEADLINE)
        if reader is not None:
            reader.cancel()
    if failure is not None:
        raise failure


# --- panoramisk as it is ----------------------------------------------------------------------


class Plain(Manager):
    """Panoramisk's Manager, unchanged but for an end to its reconnecting when a test is over."""

    over = False

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return None if self.over else super().connect(*args, **kwargs)


@asynccontextmanager
async def plainly(peer: Peer, *, ping: float = DEADLINE, retry: float = 0.02) -> AsyncIterator[Any]:
    """Plain panoramisk, connected to the peer and logged in if it can be."""
    manager = Plain(host="127.0.0.1", port=peer.port, username="ccm", secret=SECRET)
    # Its own settings are whole seconds; a test has no time for that.
    manager.ping_delay = manager.ping_interval = ping
    manager.reconnect_timeout = retry
    manager.loop = asyncio.get_running_loop()
    manager.connect()
    try:
        yield manager
    finally:
        manager.over = True
        manager.close()
        if manager.protocol is not None:
            manager.protocol.transport.abort()
        await asyncio.sleep(0)
