"""An ARI application that moves calls behind our back, as another program on the PBX might."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from lab.asterisk import Asterisk
from lab.errors import LabError

APPLICATION = "ways"
TIMEOUT = 20


class Ari:
    """The application while it is connected (``application``)."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, events: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._url = url
        self._session = session
        self._events = events

    async def entered(self, channel: str) -> None:
        """Wait until a channel (by id) is ours."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                event = await self._events.receive_json()
                if event["type"] == "StasisStart" and event["channel"]["id"] == channel:
                    return

    async def originate(self, endpoint: str) -> str:
        """Call an endpoint into the application; its channel id, when it has answered."""
        made = await self._do("POST", "channels", endpoint=endpoint, app=APPLICATION)
        channel = str(made["id"])
        await self.entered(channel)
        return channel

    async def bridge(self, *channels: str) -> None:
        """Put channels together."""
        made = await self._do("POST", "bridges", type="mixing")
        await self._do("POST", f"bridges/{made['id']}/addChannel", channel=",".join(channels))

    async def hang_up(self, channel: str) -> None:
        """End a channel."""
        await self._do("DELETE", f"channels/{channel}")

    async def _do(self, method: str, path: str, **parameters: str) -> Any:
        async with (
            asyncio.timeout(TIMEOUT),
            self._session.request(method, f"{self._url}/{path}", params=parameters) as answer,
        ):
            answer.raise_for_status()
            return await answer.json() if answer.status != 204 else None


@contextlib.asynccontextmanager
async def application(pbx: Asterisk) -> AsyncIterator[Ari]:
    """Connect the application. What fails in it is a LabError."""
    known = base64.b64encode(f"{pbx.user}:{pbx.ari_secret}".encode()).decode()
    events = f"{pbx.ari_url}/events"
    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {known}"}) as session,
            session.ws_connect(events, params={"app": APPLICATION}) as stream,
        ):
            yield Ari(pbx.ari_url, session, stream)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise LabError(f"ARI did not do as it was told: {error!r}") from None
