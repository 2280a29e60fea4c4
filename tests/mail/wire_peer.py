"""A scripted server on loopback for IMAP and SMTP: it says what no real one would.

A script is a list of steps. ``Say`` writes, ``Hear`` reads a line that must match (its first word
is the tag, which replaces ``@`` in what is said next), ``Close`` closes. After the last step the
server only listens. A script that does not fit what the client says fails the test.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Say:
    data: bytes


@dataclass(frozen=True)
class Hear:
    pattern: str
    answer: bytes = b""


@dataclass(frozen=True)
class HearData:
    """Reads up to the line with the final dot."""


@dataclass(frozen=True)
class Pause:
    seconds: float = 0.01


@dataclass(frozen=True)
class Close:
    reset: bool = False


@dataclass(frozen=True)
class StartTls:
    context: ssl.SSLContext


Step = Say | Hear | HearData | Pause | Close | StartTls


@dataclass
class Peer:
    """Where it listens, what it heard, and what went wrong."""

    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    finished: int = 0
    """Scripts played to their end."""


@contextlib.asynccontextmanager
async def serving(*scripts: Sequence[Step]) -> AsyncIterator[Peer]:
    """Serve one script to each connection, the last one to all further ones."""
    peer = Peer()
    connections: set[asyncio.Task[None]] = set()
    waiting = list(scripts)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        try:
            await play(peer, script, reader, writer)
            peer.finished += 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except AssertionError as error:
            peer.failures.append(str(error))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**26)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
    assert peer.failures == []


async def play(
    peer: Peer,
    script: Sequence[Step],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    tag = b"*"
    for step in script:
        match step:
            case Say(data):
                writer.write(data.replace(b"@", tag))
            case Hear(pattern, answer):
                line = await reader.readuntil(b"\r\n")
                peer.heard.append(line)
                assert re.search(pattern, line.decode()), f"heard {line!r}, not {pattern}"
                first, *more = line.split() or [b""]
                tag = first if more else tag
                writer.write(answer.replace(b"@", tag))
            case HearData():
                peer.heard.append(await reader.readuntil(b"\r\n.\r\n"))
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case StartTls(context):
                await writer.start_tls(context)
            case Close(reset):
                if reset:
                    writer.transport.abort()
                return
    # What the client still says is read, so that closing is no reset.
    while line := await reader.readline():
        peer.heard.append(line)
