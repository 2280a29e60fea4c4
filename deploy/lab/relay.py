"""A TCP relay between the daemon and one server of the lab, to be cut, stalled and mended.

It passes bytes and knows nothing of what they mean. It lives in the event loop that made it.
"""

import asyncio
import socket
import struct
from contextlib import suppress

from lab.processes import until

CHUNK = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of 0, socket(7): closing sends RST."""


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything on to ``target``.

    ``connections`` counts those that were taken since the start; ``sent`` is all that those who
    connected said, one after another.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        self.sent = bytearray()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the same after ``restore``."""
        return "127.0.0.1", self.port

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection, on both sides, and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._open):
            _reset(writer)

    def stall(self) -> None:
        """Keep every connection and pass nothing on; new ones are taken, and hear nothing."""
        self._passing.clear()

    async def restore(self) -> None:
        """Pass on again what waits since ``stall``; listen again after ``cut``."""
        self._passing.set()
        if self._server is None:
            await self.start()

    async def close(self) -> None:
        """End everything."""
        self.cut()
        self._passing.set()
        await until(lambda: not self._open, 10, "a relay to close")

    async def __aenter__(self) -> "Relay":
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        onward: asyncio.StreamWriter | None = None
        try:
            await self._passing.wait()
            back, onward = await asyncio.open_connection(*self.target)
            self._open.add(onward)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, onward, self.sent), name="relay onward")
                group.create_task(self._pass(back, writer), name="relay back")
        except* OSError:
            pass  # the target is not there, or somebody was cut off: both sides are closed below
        finally:
            for one in (writer, onward):
                if one is not None:
                    self._open.discard(one)
                    one.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kept: bytearray | None = None,
    ) -> None:
        """Pass one direction on until its end, which is passed on too."""
        while True:
            data = await reader.read(CHUNK)
            await self._passing.wait()
            if not data:
                break
            if kept is not None:
                kept += data
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
