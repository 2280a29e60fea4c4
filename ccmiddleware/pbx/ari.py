"""The client of Asterisk's REST interface (ARI): one method for each operation that we use.

Thin on purpose: it sends what it is told, once, and gives back typed answers. It retries nothing,
since only the caller knows what may be done twice; after ``AriUnavailable`` it is unknown whether
Asterisk did it, so choose the ids of what you create and look for them. Events come through
``ari_events``. Operations and parameters are those of Asterisk's ARI reference, 16 to 22.

Data can't become syntax: every part of a path is percent-quoted, everything else is a query
parameter or JSON.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ccmiddleware.config import AriSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.pbx import ari_model as model
from ccmiddleware.plaintext import plain

T = TypeVar("T")
Audio = Literal["none", "both", "in", "out"]
DeviceStateName = Literal[
    "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"
]

KEEP_ALIVE = 5.0
"""Seconds an idle connection is kept: well below the 15 s after which Asterisk closes it, so that
no request is sent into a closing connection."""


class AriUnavailable(TemporaryError):
    """ARI did not answer, not in time, or with a server error: it may have done what was asked."""


class AriRefused(PermanentError):
    """ARI said no. ``status`` is the HTTP status, ``message`` Asterisk's own words."""

    def __init__(self, node: str, status: int, message: str) -> None:
        super().__init__(f"ARI of node {node} refused ({status}): {message}")
        self.node = node
        self.status = status
        self.message = message


class NotFound(AriRefused):
    """What the operation names is not there (any more)."""


class Denied(AriRefused):
    """User or secret are wrong, or the user may only read."""


def open_session() -> aiohttp.ClientSession:
    """A session as ARI needs it; one serves any number of nodes. The caller closes it.

    No cookies, no proxy from the environment: nothing may come between us and Asterisk unasked.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def base_url(settings: AriSettings) -> URL:
    """The checked base URL, without a slash at its end. Raises ConfigError."""
    try:
        url = URL(settings.url)
    except ValueError as error:
        raise ConfigError([f"ari.url: {error}"]) from None
    if url.user is not None or url.password is not None:
        raise ConfigError(["ari.url must not hold user and secret; set ari.user and secret_file"])
    if url.host is None or url.query_string or url.fragment:
        raise ConfigError(["ari.url must be http://HOST:PORT/ari, without query and fragment"])
    return url.with_path(url.path.rstrip("/"))


def authorization(settings: AriSettings) -> dict[str, str]:
    """The header that logs in (RFC 7617, UTF-8). Raises ConfigError."""
    if ":" in settings.user:
        raise ConfigError(["ari.user must not hold a colon"])
    login = f"{settings.user}:{settings.reveal()}".encode()
    return {"Authorization": "Basic " + base64.b64encode(login).decode()}


def caller_id(name: str, number: str) -> str:
    """``"name" <number>`` as Asterisk reads it; what would end a part early is replaced."""
    name = plain(name, 80).translate(_NOT_IN_NAMES).strip()
    number = "".join(c for c in number if c.isascii() and (c.isalnum() or c in "+*#._-@"))
    return f'"{name}" <{number}>'


_NOT_IN_NAMES = str.maketrans({'"': "'", "\\": "/", "<": "(", ">": ")"})


class AriClient:
    """ARI of one node. Safe for any number of calls at once.

    Every method raises AriUnavailable or AriRefused; NotFound and Denied are kinds of the latter.
    """

    def __init__(self, node: str, settings: AriSettings, session: aiohttp.ClientSession) -> None:
        """Raises ConfigError when URL or secret can't be used."""
        self.node = node
        self.app = settings.app
        self._base = str(base_url(settings))
        self._headers = authorization(settings)
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout)

    # --- Asterisk -------------------------------------------------------------------------------

    async def info(self) -> model.AsteriskInfo:
        """Version, system name and start time of Asterisk."""
        return await self._ask(model.AsteriskInfo, "GET", "asterisk", "info")

    async def ping(self) -> model.Pong:
        """Asterisk is there and this user may talk to it."""
        return await self._ask(model.Pong, "GET", "asterisk", "ping")

    async def endpoints(self) -> list[model.Endpoint]:
        """All phones and trunks."""
        return await self._ask(list[model.Endpoint], "GET", "endpoints")

    # --- our application ------------------------------------------------------------------------

    async def subscribe(self, *sources: str) -> model.Application:
        """Also get the events of ``channel:ID``, ``bridge:ID``, ``endpoint:…``, ``deviceState:``.

        Only works while the event socket is open: Asterisk knows no application before.
        """
        return await self._ask(
            model.Application,
            "POST",
            "applications",
            self.app,
            "subscription",
            eventSource=self._list(sources),
        )

    async def receive_only(self, types: Sequence[str]) -> model.Application:
        """Have Asterisk send us these event types alone, which saves work on both sides.

        Like ``subscribe`` it is to be done after each connect.
        """
        body = {"allowed": [{"type": name} for name in types]}
        return await self._ask(
            model.Application, "PUT", "applications", self.app, "eventFilter", body=body
        )

    # --- channels -------------------------------------------------------------------------------

    async def channels(self) -> list[model.Channel]:
        """All channels that exist now, ours or not."""
        return await self._ask(list[model.Channel], "GET", "channels")

    async def channel(self, channel_id: str) -> model.Channel:
        """One channel."""
        return await self._ask(model.Channel, "GET", "channels", channel_id)

    async def originate(
        self,
        endpoint: str,
        *,
        channel_id: str,
        other_channel_id: str = "",
        app_args: Sequence[str] | None = None,
        context: str = "",
        extension: str = "",
        priority: int = 1,
        caller_name: str = "",
        caller_number: str = "",
        timeout: int = 30,  # noqa: ASYNC109 - how long Asterisk lets it ring, not how long we wait
        originator: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> model.Channel:
        """Call ``endpoint`` and connect it to our application (``app_args``) or an ``extension``.

        ``channel_id`` is chosen by the caller, so that one can look whether it worked; a Local
        channel's second half gets ``other_channel_id``. ``timeout`` in seconds, -1 for none.
        """
        if (app_args is None) == (not extension):
            raise ValueError("originate to app_args or to an extension, one of both")
        params: dict[str, Any] = {
            "endpoint": endpoint,
            "channelId": channel_id,
            "otherChannelId": other_channel_id,
            "callerId": _caller_id_or_nothing(caller_name, caller_number),
            "timeout": timeout,
            "originator": originator,
        }
        if app_args is not None:
            params |= {"app": self.app, "appArgs": _app_args(app_args)}
        else:
            params |= {"context": context, "extension": extension, "priority": priority}
        body = {"variables": dict(variables)} if variables else None
        return await self._ask(model.Channel, "POST", "channels", body=body, **params)

    async def create(
        self,
        endpoint: str,
        *,
        channel_id: str,
        other_channel_id: str = "",
        app_args: Sequence[str] = (),
        originator: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> model.Channel:
        """Make a channel in our application without calling it yet; ``dial`` does that."""
        return await self._ask(
            model.Channel,
            "POST",
            "channels",
            "create",
            body={"variables": dict(variables)} if variables else None,
            endpoint=endpoint,
            app=self.app,
            appArgs=_app_args(app_args),
            channelId=channel_id,
            otherChannelId=other_channel_id,
            originator=originator,
        )

    async def dial(self, channel_id: str, *, caller: str = "", ring_seconds: int = 30) -> None:
        """Call what ``create`` made. ``caller`` is the id of the calling channel, if any."""
        await self._do("POST", "channels", channel_id, "dial", caller=caller, timeout=ring_seconds)

    async def answer(self, channel_id: str) -> None:
        """Answer a channel."""
        await self._do("POST", "channels", channel_id, "answer")

    async def hangup(self, channel_id: str, reason: str = "normal") -> None:
        """Hang up: normal, busy, congestion, no_answer, answered_elsewhere …, see ARI's list."""
        await self._do("DELETE", "channels", channel_id, reason=reason)

    async def continue_in_dialplan(
        self, channel_id: str, context: str = "", extension: str = "", priority: int | None = None
    ) -> None:
        """Give a channel back to the dialplan: where it came from, or to the given place."""
        await self._do(
            "POST",
            "channels",
            channel_id,
            "continue",
            context=context,
            extension=extension,
            priority=priority,
        )

    async def ring(self, channel_id: str) -> None:
        """Let the caller hear ringing."""
        await self._do("POST", "channels", channel_id, "ring")

    async def stop_ringing(self, channel_id: str) -> None:
        """End ``ring``."""
        await self._do("DELETE", "channels", channel_id, "ring")

    async def hold(self, channel_id: str) -> None:
        """Tell the channel's far end that it is on hold."""
        await self._do("POST", "channels", channel_id, "hold")

    async def unhold(self, channel_id: str) -> None:
        """End ``hold``."""
        await self._do("DELETE", "channels", channel_id, "hold")

    async def start_music(self, channel_id: str, music_class: str = "") -> None:
        """Play music on hold to a channel."""
        await self._do("POST", "channels", channel_id, "moh", mohClass=music_class)

    async def stop_music(self, channel_id: str) -> None:
        """End ``start_music``."""
        await self._do("DELETE", "channels", channel_id, "moh")

    async def dtmf(self, channel_id: str, digits: str) -> None:
        """Send keys: 0-9, A-D, * and #, each with Asterisk's usual length and pause."""
        await self._do("POST", "channels", channel_id, "dtmf", dtmf=digits)

    async def variable(self, channel_id: str, name: str) -> str:
        """The value of a variable or function. NotFound for an unset one, too."""
        answer = await self._ask(
            model.Variable, "GET", "channels", channel_id, "variable", variable=name
        )
        return answer.value

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a variable or function. The value goes in the body: URLs end up in access logs."""
        await self._do(
            "POST", "channels", channel_id, "variable", body={"variable": name, "value": value}
        )

    async def play(
        self, channel_id: str, *media: str, playback_id: str, language: str = ""
    ) -> model.Playback:
        """Play ``sound:…``, ``recording:…``, ``digits:…`` one after the other to a channel."""
        return await self._play("channels", channel_id, media, playback_id, language)

    async def stop_playback(self, playback_id: str) -> None:
        """End ``play``."""
        await self._do("DELETE", "playbacks", playback_id)

    async def snoop(
        self,
        channel_id: str,
        *,
        snoop_id: str,
        spy: Audio = "both",
        whisper: Audio = "none",
        app_args: Sequence[str] = (),
    ) -> model.Channel:
        """A new channel ``snoop_id`` in our application that hears (and talks into) another."""
        return await self._ask(
            model.Channel,
            "POST",
            "channels",
            channel_id,
            "snoop",
            snoopId=snoop_id,
            spy=spy,
            whisper=whisper,
            app=self.app,
            appArgs=_app_args(app_args),
        )

    async def record(
        self,
        channel_id: str,
        name: str,
        file_format: str = "wav",
        *,
        max_seconds: int = 0,
        max_silence_seconds: int = 0,
        if_exists: Literal["fail", "overwrite", "append"] = "fail",
        beep: bool = False,
        terminate_on: Literal["none", "any", "*", "#"] = "none",
    ) -> model.LiveRecording:
        """Record what a channel says (not what it hears). 0 seconds mean no limit."""
        return await self._ask(
            model.LiveRecording,
            "POST",
            "channels",
            channel_id,
            "record",
            name=name,
            format=file_format,
            maxDurationSeconds=max_seconds,
            maxSilenceSeconds=max_silence_seconds,
            ifExists=if_exists,
            beep=beep,
            terminateOn=terminate_on,
        )

    # --- recordings -----------------------------------------------------------------------------

    async def stop_recording(self, name: str) -> None:
        """End ``record`` and keep the file."""
        await self._do("POST", "recordings", "live", name, "stop")

    async def stored_recordings(self) -> list[model.StoredRecording]:
        """All finished recordings in Asterisk's recording directory."""
        return await self._ask(list[model.StoredRecording], "GET", "recordings", "stored")

    async def stored_recording(self, name: str) -> model.StoredRecording:
        """One finished recording."""
        return await self._ask(model.StoredRecording, "GET", "recordings", "stored", name)

    async def delete_stored_recording(self, name: str) -> None:
        """Delete a finished recording."""
        await self._do("DELETE", "recordings", "stored", name)

    # --- bridges --------------------------------------------------------------------------------

    async def bridges(self) -> list[model.Bridge]:
        """All bridges, ours or not."""
        return await self._ask(list[model.Bridge], "GET", "bridges")

    async def create_bridge(
        self, bridge_id: str, *, kind: str = "mixing", name: str = ""
    ) -> model.Bridge:
        """A bridge: ``mixing`` or ``holding``, with attributes like ``mixing,dtmf_events``."""
        return await self._ask(
            model.Bridge, "POST", "bridges", type=kind, bridgeId=bridge_id, name=name
        )

    async def add_to_bridge(self, bridge_id: str, *channel_ids: str) -> None:
        """Put channels of our application into a bridge."""
        channels = self._list(channel_ids)
        await self._do("POST", "bridges", bridge_id, "addChannel", channel=channels)

    async def remove_from_bridge(self, bridge_id: str, *channel_ids: str) -> None:
        """Take channels out of a bridge; they stay in our application."""
        channels = self._list(channel_ids)
        await self._do("POST", "bridges", bridge_id, "removeChannel", channel=channels)

    async def play_to_bridge(
        self, bridge_id: str, *media: str, playback_id: str, language: str = ""
    ) -> model.Playback:
        """Like ``play``, to all in a bridge."""
        return await self._play("bridges", bridge_id, media, playback_id, language)

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge; its channels stay in our application."""
        await self._do("DELETE", "bridges", bridge_id)

    # --- device states --------------------------------------------------------------------------

    async def device_state(self, name: str) -> model.DeviceState:
        """The state of any device."""
        return await self._ask(model.DeviceState, "GET", "deviceStates", name)

    async def set_device_state(self, name: str, state: DeviceStateName) -> None:
        """Set the state of a device that is ours: ``Stasis:…``. It is made if need be."""
        await self._do("PUT", "deviceStates", name, deviceState=state)

    async def delete_device_state(self, name: str) -> None:
        """Forget a device of ours."""
        await self._do("DELETE", "deviceStates", name)

    # --- how it is sent -------------------------------------------------------------------------

    async def _play(
        self, room: str, target: str, media: Sequence[str], playback_id: str, language: str
    ) -> model.Playback:
        params = {"media": self._list(media), "playbackId": playback_id, "lang": language}
        return await self._ask(model.Playback, "POST", room, target, "play", **params)

    async def _ask(self, kind: type[T], method: str, *path: str, **params: Any) -> T:
        answer = await self._request(method, path, **params)
        try:
            return model.decode(answer, kind)
        except ValueError as error:
            raise AriRefused(
                self.node, 200, f"{self._base} does not answer as ARI does: {error}"
            ) from None

    async def _do(self, method: str, *path: str, **params: Any) -> None:
        await self._request(method, path, **params)

    async def _request(
        self, method: str, path: Sequence[str], *, body: Any = None, **params: Any
    ) -> bytes:
        query = {name: _text(value) for name, value in params.items() if value not in ("", None)}
        if "\0" in "".join(query.values()):
            raise AriRefused(self.node, 400, "a parameter holds a NUL character")
        headers = self._headers
        if body is not None:
            headers = headers | {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method,
                self._url(path),
                params=query,
                data=None if body is None else msgspec.json.encode(body),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or f"no answer within {self._timeout.total:g} s"
            raise AriUnavailable(f"ARI of node {self.node} is not reachable: {why}") from None
        if status >= 300:
            raise self._error(status, content)
        return content

    def _url(self, path: Sequence[str]) -> URL:
        """The URL of ``path``, one item per part, whatever characters they hold.

        Empty, ``.`` and ``..`` can't be quoted so that every server takes them for names, and
        Asterisk cuts at a NUL: nothing has such a name, so nothing is asked.
        """
        if any(part in ("", ".", "..") or "\0" in part for part in path):
            raise NotFound(self.node, 404, f"nothing has this name: {plain(repr(path[-1]), 80)}")
        parts = "".join("/" + quote(part, safe="", errors="replace") for part in path)
        return URL(self._base + parts, encoded=True)

    def _list(self, values: Sequence[str]) -> str:
        """Values for a parameter in which Asterisk separates by commas."""
        if not values or any("," in value or not value for value in values):
            raise AriRefused(self.node, 400, "a list needs items, and none with a comma")
        return ",".join(values)

    def _error(self, status: int, content: bytes) -> AriUnavailable | AriRefused:
        message = _message(content)
        if status >= 500:
            return AriUnavailable(f"ARI of node {self.node} failed ({status}): {message}")
        if status == 404:
            return NotFound(self.node, status, message)
        if status in (401, 403):
            return Denied(self.node, status, message)
        return AriRefused(self.node, status, message)


def _text(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _caller_id_or_nothing(name: str, number: str) -> str:
    return caller_id(name, number) if name or number else ""


def _app_args(values: Sequence[str]) -> str:
    """Arguments of our application. They are ours, so a character that would split is a bug."""
    for value in values:
        if not value.isascii() or not value.isprintable() or set(value) & set(',"\\()[]{}$ '):
            raise ValueError(f"not usable as application argument: {value!r}")
    return ",".join(values)


def _message(content: bytes) -> str:
    """What Asterisk says in the body of an error: ``message``, or ``error`` from its HTTP server."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError):
        return "no reason given"
    if isinstance(body, dict):
        for key in ("message", "error"):
            if isinstance(body.get(key), str):
                return plain(body[key], 200)
    return "no reason given"
