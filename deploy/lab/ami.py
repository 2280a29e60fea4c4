"""A plain manager connection of the lab: what Asterisk sends, byte by byte, and single actions.

It exists to record streams and to look at Asterisk without the code under test in between; it has
no reconnect and no subscriptions.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from lab.errors import LabError

END = b"\r\n\r\n"
ROOM = 256 * 1024 * 1024
"""Bytes that may wait unread: Asterisk ends sessions that don't read."""

Headers = dict[str, str]


class Ami:
    """One session. ``events`` is every event read so far, ``raw`` all bytes after the login."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._actions = 0
        self.events: list[Headers] = []
        self.raw = bytearray()

    async def action(self, action: str, seconds: float = 10, **headers: str) -> Headers:
        """Send an action and return its response. Raises LabError when it is an error."""
        self._actions += 1
        number = f"lab-{self._actions}"
        lines = [f"Action: {action}", f"ActionID: {number}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise LabError("A value of a manager action can't hold line ends.")
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await self._read_until(
            lambda frame: "Response" in frame and frame.get("ActionID") == number, seconds, action
        )
        if answer["Response"] == "Error":
            raise LabError(f"Asterisk refused {action}: {answer.get('Message')}")
        return answer

    async def event(
        self, name: str, seconds: float = 20, where: Callable[[Headers], bool] = lambda _: True
    ) -> Headers:
        """The first event of that name that fits, among those already read and those to come."""

        def fits(frame: Headers) -> bool:
            return frame.get("Event") == name and where(frame)

        for seen in self.events:
            if fits(seen):
                return seen
        return await self._read_until(fits, seconds, name)

    async def drain(self, quiet: float = 0.5) -> list[Headers]:
        """Read until nothing came for ``quiet`` seconds; all events so far."""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(quiet):
                    await self._frame()
        return self.events

    async def _read_until(
        self, fits: Callable[[Headers], bool], seconds: float, what: str
    ) -> Headers:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    frame = await self._frame()
                    if fits(frame):
                        return frame
        except TimeoutError:
            raise LabError(f"No {what} from Asterisk within {seconds:g} s.") from None
        except (asyncio.IncompleteReadError, OSError):
            raise LabError(f"Asterisk closed the manager session before {what}.") from None

    async def _frame(self) -> Headers:
        data = await self._reader.readuntil(END)
        self.raw += data
        frame: Headers = {}
        for line in data.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                frame[name] = value.strip()
        if "Event" in frame:
            self.events.append(frame)
        return frame

    async def close(self) -> None:
        """End the session."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def connect(host: str, port: int, user: str, secret: str) -> AsyncIterator[Ami]:
    """A session that is logged in. Raises LabError when Asterisk is not there or refuses."""
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(host, port, limit=ROOM)
    except (OSError, TimeoutError) as error:
        raise LabError(f"No manager interface at {host}:{port}: {error}") from None
    session = Ami(reader, writer)
    try:
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n")
        await session.action("Login", Username=user, Secret=secret)
        session.raw.clear()
        yield session
    except (asyncio.IncompleteReadError, TimeoutError):
        raise LabError(f"Asterisk at {host}:{port} accepts, and says nothing.") from None
    finally:
        await session.close()
