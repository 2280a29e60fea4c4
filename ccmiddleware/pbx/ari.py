"""The client of Asterisk's REST interface (ARI): one method for each operation that we use.

Thin on purpose: it sends what it is told, once, and gives back typed answers. It retries nothing,
since only the caller knows what may be done twice; after ``AriUnavailable`` it is unknown whether
Asterisk did it, so choose the ids of what you create and look for them. Events come through
``ari_events``; how a request is sent is in ``ari_http``. Operations and parameters are those of
Asterisk's ARI reference, 16 to 22.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import aiohttp

from ccmiddleware.config import AriSettings
from ccmiddleware.pbx import ari_model as model
from ccmiddleware.pbx.ari_http import (
    AriHttp,
    AriRefused,
    AriUnavailable,
    Denied,
    NotFound,
    open_session,
)
from ccmiddleware.plaintext import plain

__all__ = [
    "AriClient",
    "AriRefused",
    "AriUnavailable",
    "Denied",
    "NotFound",
    "caller_id",
    "open_session",
]

Audio = Literal["none", "both", "in", "out"]
DeviceStateName = Literal[
    "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"
]


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
        self._http = AriHttp(node, settings, session)

    # --- Asterisk -------------------------------------------------------------------------------

    async def info(self) -> model.AsteriskInfo:
        """Version, system name and start time of Asterisk."""
        return await self._http.ask(model.AsteriskInfo, "GET", "asterisk", "info")

    async def ping(self) -> model.Pong:
        """Asterisk is there and this user may talk to it."""
        return await self._http.ask(model.Pong, "GET", "asterisk", "ping")

    async def endpoints(self) -> list[model.Endpoint]:
        """All phones and trunks."""
        return await self._http.ask(list[model.Endpoint], "GET", "endpoints")

    # --- our application ------------------------------------------------------------------------

    async def subscribe(self, *sources: str) -> model.Application:
        """Also get the events of ``channel:ID``, ``bridge:ID``, ``endpoint:…``, ``deviceState:``.

        Only works while the event socket is open: Asterisk knows no application before.
        """
        return await self._http.ask(
            model.Application,
            "POST",
            "applications",
            self.app,
            "subscription",
            eventSource=self._http.listed(sources),
        )

    async def receive_only(self, types: Sequence[str]) -> model.Application:
        """Have Asterisk send us these event types alone, which saves work on both sides.

        Like ``subscribe`` it is to be done after each connect.
        """
        body = {"allowed": [{"type": name} for name in types]}
        return await self._http.ask(
            model.Application, "PUT", "applications", self.app, "eventFilter", body=body
        )

    # --- channels -------------------------------------------------------------------------------

    async def channels(self) -> list[model.Channel]:
        """All channels that exist now, ours or not."""
        return await self._http.ask(list[model.Channel], "GET", "channels")

    async def channel(self, channel_id: str) -> model.Channel:
        """One channel."""
        return await self._http.ask(model.Channel, "GET", "channels", channel_id)

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
        ring_seconds: int = 30,
        originator: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> model.Channel:
        """Call ``endpoint`` and connect it to our application (``app_args``) or an ``extension``.

        ``channel_id`` is chosen by the caller, so that one can look whether it worked: Asterisk
        answers 409 for an id that exists, but also for other failures, so ask for the channel.
        A Local channel's second half gets ``other_channel_id``. ``ring_seconds`` -1: no limit.
        """
        if (app_args is None) == (not extension):
            raise ValueError("originate to app_args or to an extension, one of both")
        params: dict[str, Any] = {
            "endpoint": endpoint,
            "channelId": channel_id,
            "otherChannelId": other_channel_id,
            "callerId": _caller_id_or_nothing(caller_name, caller_number),
            "timeout": ring_seconds,
            "originator": originator,
        }
        if app_args is not None:
            params |= {"app": self.app, "appArgs": _app_args(app_args)}
        else:
            params |= {"context": context, "extension": extension, "priority": priority}
        body = {"variables": dict(variables)} if variables else None
        return await self._http.ask(model.Channel, "POST", "channels", body=body, **params)

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
        """Make a channel in our application without calling it yet; ``dial`` does that.

        It is in the application, and can be used, once its ``StasisStart`` has come.
        """
        return await self._http.ask(
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
        await self._http.do(
            "POST", "channels", channel_id, "dial", caller=caller, timeout=ring_seconds
        )

    async def answer(self, channel_id: str) -> None:
        """Answer a channel."""
        await self._http.do("POST", "channels", channel_id, "answer")

    async def hangup(self, channel_id: str, reason: str = "normal") -> None:
        """Hang up: normal, busy, congestion, no_answer, answered_elsewhere …, see ARI's list."""
        await self._http.do("DELETE", "channels", channel_id, reason=reason)

    async def continue_in_dialplan(
        self, channel_id: str, context: str = "", extension: str = "", priority: int | None = None
    ) -> None:
        """Give a channel back to the dialplan: where it came from, or to the given place."""
        await self._http.do(
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
        await self._http.do("POST", "channels", channel_id, "ring")

    async def stop_ringing(self, channel_id: str) -> None:
        """End ``ring``."""
        await self._http.do("DELETE", "channels", channel_id, "ring")

    async def hold(self, channel_id: str) -> None:
        """Tell the channel's far end that it is on hold."""
        await self._http.do("POST", "channels", channel_id, "hold")

    async def unhold(self, channel_id: str) -> None:
        """End ``hold``."""
        await self._http.do("DELETE", "channels", channel_id, "hold")

    async def start_music(self, channel_id: str, music_class: str = "") -> None:
        """Play music on hold to a channel."""
        await self._http.do("POST", "channels", channel_id, "moh", mohClass=music_class)

    async def stop_music(self, channel_id: str) -> None:
        """End ``start_music``."""
        await self._http.do("DELETE", "channels", channel_id, "moh")

    async def dtmf(self, channel_id: str, digits: str) -> None:
        """Send keys: 0-9, A-D, * and #, each with Asterisk's usual length and pause."""
        await self._http.do("POST", "channels", channel_id, "dtmf", dtmf=digits)

    async def variable(self, channel_id: str, name: str) -> str:
        """The value of a variable or function, as plain text. NotFound for an unset one, too."""
        answer = await self._http.ask(
            model.Variable, "GET", "channels", channel_id, "variable", variable=name
        )
        return answer.value

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a variable or function. The value goes in the body: URLs end up in access logs.

        Asterisk 16 answers before it is done: read at once, it may still have the old value.
        """
        await self._http.do(
            "POST", "channels", channel_id, "variable", body={"variable": name, "value": value}
        )

    async def play(
        self, channel_id: str, *media: str, playback_id: str, language: str = ""
    ) -> model.Playback:
        """Play ``sound:…``, ``recording:…``, ``digits:…`` one after the other to a channel."""
        return await self._play("channels", channel_id, media, playback_id, language)

    async def stop_playback(self, playback_id: str) -> None:
        """End ``play``."""
        await self._http.do("DELETE", "playbacks", playback_id)

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
        return await self._http.ask(
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
        return await self._http.ask(
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
        await self._http.do("POST", "recordings", "live", name, "stop")

    async def stored_recordings(self) -> list[model.StoredRecording]:
        """All finished recordings in Asterisk's recording directory."""
        return await self._http.ask(list[model.StoredRecording], "GET", "recordings", "stored")

    async def stored_recording(self, name: str) -> model.StoredRecording:
        """One finished recording."""
        return await self._http.ask(model.StoredRecording, "GET", "recordings", "stored", name)

    async def delete_stored_recording(self, name: str) -> None:
        """Delete a finished recording."""
        await self._http.do("DELETE", "recordings", "stored", name)

    # --- bridges --------------------------------------------------------------------------------

    async def bridges(self) -> list[model.Bridge]:
        """All bridges, ours or not."""
        return await self._http.ask(list[model.Bridge], "GET", "bridges")

    async def create_bridge(
        self, bridge_id: str, *, kind: str = "mixing", name: str = ""
    ) -> model.Bridge:
        """A bridge: ``mixing`` or ``holding``, with attributes like ``mixing,dtmf_events``."""
        return await self._http.ask(
            model.Bridge, "POST", "bridges", type=kind, bridgeId=bridge_id, name=name
        )

    async def add_to_bridge(self, bridge_id: str, *channel_ids: str) -> None:
        """Put channels of our application into a bridge."""
        channels = self._http.listed(channel_ids)
        await self._http.do("POST", "bridges", bridge_id, "addChannel", channel=channels)

    async def remove_from_bridge(self, bridge_id: str, *channel_ids: str) -> None:
        """Take channels out of a bridge; they stay in our application."""
        channels = self._http.listed(channel_ids)
        await self._http.do("POST", "bridges", bridge_id, "removeChannel", channel=channels)

    async def play_to_bridge(
        self, bridge_id: str, *media: str, playback_id: str, language: str = ""
    ) -> model.Playback:
        """Like ``play``, to all in a bridge."""
        return await self._play("bridges", bridge_id, media, playback_id, language)

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge; its channels stay in our application."""
        await self._http.do("DELETE", "bridges", bridge_id)

    # --- device states --------------------------------------------------------------------------

    async def device_state(self, name: str) -> model.DeviceState:
        """The state of any device."""
        return await self._http.ask(model.DeviceState, "GET", "deviceStates", name)

    async def set_device_state(self, name: str, state: DeviceStateName) -> None:
        """Set the state of a device that is ours: ``Stasis:…``. It is made if need be."""
        await self._http.do("PUT", "deviceStates", name, deviceState=state)

    async def delete_device_state(self, name: str) -> None:
        """Forget a device of ours."""
        await self._http.do("DELETE", "deviceStates", name)

    async def _play(
        self, room: str, target: str, media: Sequence[str], playback_id: str, language: str
    ) -> model.Playback:
        params = {"media": self._http.listed(media), "playbackId": playback_id, "lang": language}
        return await self._http.ask(model.Playback, "POST", room, target, "play", **params)


def _caller_id_or_nothing(name: str, number: str) -> str:
    return caller_id(name, number) if name or number else ""


def _app_args(values: Sequence[str]) -> str:
    """Arguments of our application. They are ours, so a character that would split is a bug."""
    for value in values:
        if not value.isascii() or not value.isprintable() or set(value) & set(',"\\()[]{}$ '):
            raise ValueError(f"not usable as application argument: {value!r}")
    return ",".join(values)
