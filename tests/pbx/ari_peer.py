"""A peer that speaks ARI's HTTP and WebSocket on 127.0.0.1, told by the test what to say.

It answers in the form of Asterisk's HTTP server (status, JSON bodies, login); it knows no calls.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from ccmiddleware.config import AriSettings

USER = "ccm"
SECRET = "s3cret-wörd"


@dataclass
class Request:
    """One HTTP request as it stood on the wire."""

    method: str
    raw_path: str
    query: dict[str, str]
    body: Any


@dataclass
class AriPeer:
    """What the peer answers, and what it was asked."""

    port: int = 0
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    secret: str = SECRET
    hang: bool = False
    deaf: bool = False
    logins_refused: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def settings(self, **changes: Any) -> AriSettings:
        """Settings that lead to this peer."""
        values: dict[str, Any] = {
            "url": f"http://127.0.0.1:{self.port}/ari",
            "secret": SECRET,
            "timeout": 20,
        }
        return AriSettings(**(values | changes))

    def answer(self, method: str, raw_path: str, body: Any = None, status: int = 200) -> None:
        """Answer this request so from now on."""
        self.answers[method, "/ari" + raw_path] = (status, body)

    async def until_connected(self, times: int) -> web.WebSocketResponse:
        """The ``times``-th event socket, as soon as it is open."""
        async with asyncio.timeout(20):
            while len(self.sockets) < times:
                self.changed.clear()
                await self.changed.wait()
        return self.sockets[times - 1]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request."""
        if self.hang:
            await asyncio.sleep(60)
        expected = "Basic " + base64.b64encode(f"{USER}:{self.secret}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            self.logins_refused += 1
            self.changed.set()
            return web.json_response({"message": "Authentication required"}, status=401)
        if request.path == "/ari/events":
            return await self._events(request)
        raw = await request.read()
        raw_path = request.raw_path.partition("?")[0]
        self.requests.append(
            Request(request.method, raw_path, dict(request.query), json.loads(raw) if raw else None)
        )
        status, body = self.answers.get(
            (request.method, raw_path), (404, {"message": "Resource not found"})
        )
        if isinstance(body, bytes):
            return web.Response(body=body, status=status)
        if body is None:
            return web.Response(status=status)
        return web.json_response(body, status=status)

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=not self.deaf)
        await socket.prepare(request)
        self.queries.append(dict(request.query))
        self.sockets.append(socket)
        self.changed.set()
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        return socket


@asynccontextmanager
async def ari_peer() -> AsyncIterator[AriPeer]:
    """A running peer on a free port."""
    peer = AriPeer()
    runner = web.ServerRunner(
        web.Server(peer.handle, access_log=None),
        shutdown_timeout=0.1,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        peer.port = runner.addresses[0][1]
        yield peer
    finally:
        await runner.cleanup()


def event(kind: str, **fields: Any) -> str:
    """An event as Asterisk sends it."""
    return json.dumps(
        {
            "type": kind,
            "application": "ccm",
            "timestamp": "2026-03-01T12:00:00.250+0100",
            "asterisk_id": "00:00:00:00:00:01",
            **fields,
        },
        ensure_ascii=False,
    )
