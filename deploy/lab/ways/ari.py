"""An ARI application that moves calls behind our back, as another program on the PBX might."""

import asyncio
from types import TracebackType
from typing import Any, Self

import aiohttp

from lab.asterisk import Asterisk

APPLICATION = "ways"
TIMEOUT = 20


class Ari:
    """The application while it is connected."""

    def __init__(self, pbx: Asterisk) -> None:
        self._url = pbx.ari_url
        self._auth = aiohttp.BasicAuth(pbx.user, pbx.ari_secret)
        self._session: aiohttp.ClientSession | None = None
        self._events: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auth=self._auth)
        self._events = await self._session.ws_connect(
            f"{self._url}/events", params={"app": APPLICATION}
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._events is not None:
            await self._events.close()
        if self._session is not None:
            await self._session.close()

    async def entered(self, channel: str) -> None:
        """Wait until a channel (by id) is ours."""
        assert self._events is not None
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
        assert self._session is not None
        async with (
            asyncio.timeout(TIMEOUT),
            self._session.request(method, f"{self._url}/{path}", params=parameters) as answer,
        ):
            answer.raise_for_status()
            return await answer.json() if answer.status != 204 else None
