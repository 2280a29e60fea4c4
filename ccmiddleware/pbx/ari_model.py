"""What Asterisk's REST interface (ARI) tells, typed: its resources and the events that we use.

Pure: text in, structs out. Every field has a default, since versions of Asterisk differ in what
they send (nothing that stands here was removed from Asterisk 16 to 22); fields we don't know are
ignored. All text is cleaned with ``plaintext.plain``. Field meanings are those of Asterisk's own
ARI reference (``/ari/api-docs``).
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import field
from msgspec.structs import force_setattr

from ccmiddleware.plaintext import plain

T = TypeVar("T")


def _cleaned(value: Any) -> Any:
    """``value`` itself when there is nothing to clean, so that the usual case copies nothing."""
    if type(value) is str:
        return plain(value)
    if type(value) is tuple and value:
        return tuple(_cleaned(item) for item in value)
    if type(value) is dict and value:
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return value


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all that ARI sends: text is cleaned while the struct is built."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            cleaned = _cleaned(value)
            if cleaned is not value:
                force_setattr(self, name, cleaned)  # nobody has seen this struct yet


class Party(Model, frozen=True, kw_only=True):
    """Who is at one end: name and number as the phone shows them."""

    name: str = ""
    number: str = ""


class Dialplan(Model, frozen=True, kw_only=True):
    """Where a channel is in the dialplan."""

    context: str = ""
    exten: str = ""
    priority: int = 0
    app_name: str = ""
    app_data: str = ""


class Channel(Model, frozen=True, kw_only=True):
    """A channel. ``id`` is what AMI calls Uniqueid; ``state`` is Down, Ring, Ringing, Up …."""

    id: str = ""
    name: str = ""
    state: str = ""
    protocol_id: str = ""
    caller: Party = Party()
    connected: Party = Party()
    accountcode: str = ""
    dialplan: Dialplan = Dialplan()
    creationtime: str = ""
    language: str = ""
    channelvars: dict[str, str] = {}


class Bridge(Model, frozen=True, kw_only=True):
    """A bridge and the ids of the channels in it."""

    id: str = ""
    name: str = ""
    technology: str = ""
    bridge_type: str = ""
    bridge_class: str = ""
    creator: str = ""
    channels: tuple[str, ...] = ()


class Playback(Model, frozen=True, kw_only=True):
    """Media being played. ``state`` is queued, playing, continuing, done or failed."""

    id: str = ""
    media_uri: str = ""
    target_uri: str = ""
    language: str = ""
    state: str = ""


class LiveRecording(Model, frozen=True, kw_only=True):
    """A recording that ARI makes. Lengths in seconds, known when it is done."""

    name: str = ""
    format: str = ""
    state: str = ""
    cause: str = ""
    target_uri: str = ""
    duration: int | None = None
    talking_duration: int | None = None
    silence_duration: int | None = None


class StoredRecording(Model, frozen=True, kw_only=True):
    """A finished recording in Asterisk's recording directory."""

    name: str = ""
    format: str = ""


class DeviceState(Model, frozen=True, kw_only=True):
    """A device and its state: NOT_INUSE, INUSE, BUSY, UNAVAILABLE, RINGING, ONHOLD …."""

    name: str = ""
    state: str = ""


class Endpoint(Model, frozen=True, kw_only=True):
    """A phone or trunk. ``state`` is online, offline or unknown, and None if nobody can say."""

    technology: str = ""
    resource: str = ""
    state: str | None = None
    channel_ids: tuple[str, ...] = ()


class Application(Model, frozen=True, kw_only=True):
    """A Stasis application and what it is subscribed to."""

    name: str = ""
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()
    device_names: tuple[str, ...] = ()


class SystemInfo(Model, frozen=True, kw_only=True):
    """Which Asterisk this is."""

    version: str = ""
    entity_id: str = ""


class ConfigInfo(Model, frozen=True, kw_only=True):
    """How this Asterisk is set up. ``name`` is its system name."""

    name: str = ""
    default_language: str = ""


class StatusInfo(Model, frozen=True, kw_only=True):
    """Since when this Asterisk runs."""

    startup_time: str = ""
    last_reload_time: str = ""


class AsteriskInfo(Model, frozen=True, kw_only=True):
    """The answer to ``GET /asterisk/info``."""

    system: SystemInfo = SystemInfo()
    config: ConfigInfo = ConfigInfo()
    status: StatusInfo = StatusInfo()


class Pong(Model, frozen=True, kw_only=True):
    """The answer to ``GET /asterisk/ping``."""

    asterisk_id: str = ""
    ping: str = ""
    timestamp: str = ""


class Variable(Model, frozen=True, kw_only=True):
    """The value of a channel variable."""

    value: str = ""


class AriEvent(Model, frozen=True, kw_only=True):
    """One event. ``at`` is Asterisk's own timestamp if it sends one, else when we read it."""

    NAME: ClassVar[str] = ""
    application: str = ""
    timestamp: str = ""
    asterisk_id: str = ""
    at: datetime = field(name="-at", default=datetime.min.replace(tzinfo=UTC))


class ChannelAriEvent(AriEvent, frozen=True, kw_only=True):
    """An event about one channel, with its present state."""

    channel: Channel = Channel()


class BridgeAriEvent(AriEvent, frozen=True, kw_only=True):
    """An event about one bridge, with its present state."""

    bridge: Bridge = Bridge()


class StasisStart(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel entered our application; ``args`` are what the dialplan or we gave it."""

    NAME: ClassVar[str] = "StasisStart"
    args: tuple[str, ...] = ()
    replace_channel: Channel | None = None


class StasisEnd(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel left our application."""

    NAME: ClassVar[str] = "StasisEnd"


class ChannelDestroyed(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel is gone. ``cause`` is the Q.850 cause."""

    NAME: ClassVar[str] = "ChannelDestroyed"
    cause: int = 0
    cause_txt: str = ""


class ChannelHangupRequest(ChannelAriEvent, frozen=True, kw_only=True):
    """Somebody asked for a hangup. ``soft`` if not by the far end itself."""

    NAME: ClassVar[str] = "ChannelHangupRequest"
    cause: int = 0
    soft: bool = False


class ChannelStateChange(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel began to ring, was answered …."""

    NAME: ClassVar[str] = "ChannelStateChange"


class ChannelDtmfReceived(ChannelAriEvent, frozen=True, kw_only=True):
    """A key was pressed and let go. ``duration_ms`` in milliseconds."""

    NAME: ClassVar[str] = "ChannelDtmfReceived"
    digit: str = ""
    duration_ms: int = 0


class ChannelEnteredBridge(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel is in the bridge now."""

    NAME: ClassVar[str] = "ChannelEnteredBridge"
    bridge: Bridge = Bridge()


class ChannelLeftBridge(ChannelAriEvent, frozen=True, kw_only=True):
    """A channel is no longer in the bridge."""

    NAME: ClassVar[str] = "ChannelLeftBridge"
    bridge: Bridge = Bridge()


class ChannelHold(ChannelAriEvent, frozen=True, kw_only=True):
    """The phone on this channel put the other side on hold."""

    NAME: ClassVar[str] = "ChannelHold"
    musicclass: str = ""


class ChannelUnhold(ChannelAriEvent, frozen=True, kw_only=True):
    """The hold ended."""

    NAME: ClassVar[str] = "ChannelUnhold"


class BridgeCreated(BridgeAriEvent, frozen=True, kw_only=True):
    """A bridge was made."""

    NAME: ClassVar[str] = "BridgeCreated"


class BridgeDestroyed(BridgeAriEvent, frozen=True, kw_only=True):
    """A bridge is gone."""

    NAME: ClassVar[str] = "BridgeDestroyed"


class BridgeMerged(BridgeAriEvent, frozen=True, kw_only=True):
    """The channels of ``bridge_from`` are in ``bridge`` now."""

    NAME: ClassVar[str] = "BridgeMerged"
    bridge_from: Bridge = Bridge()


class PlaybackFinished(AriEvent, frozen=True, kw_only=True):
    """Playing ended: done, stopped or failed, see ``playback.state``."""

    NAME: ClassVar[str] = "PlaybackFinished"
    playback: Playback = Playback()


class RecordingFinished(AriEvent, frozen=True, kw_only=True):
    """A recording that ARI made is complete."""

    NAME: ClassVar[str] = "RecordingFinished"
    recording: LiveRecording = LiveRecording()


class RecordingFailed(AriEvent, frozen=True, kw_only=True):
    """A recording could not be made; ``recording.cause`` says why."""

    NAME: ClassVar[str] = "RecordingFailed"
    recording: LiveRecording = LiveRecording()


class DeviceStateChanged(AriEvent, frozen=True, kw_only=True):
    """The state of a device that we are subscribed to changed."""

    NAME: ClassVar[str] = "DeviceStateChanged"
    device_state: DeviceState = DeviceState()


class ApplicationReplaced(AriEvent, frozen=True, kw_only=True):
    """Another WebSocket took the application over: this one hears nothing of it any more."""

    NAME: ClassVar[str] = "ApplicationReplaced"


class _Head(msgspec.Struct):
    type: str = ""


def _types() -> dict[str, type[AriEvent]]:
    found: dict[str, type[AriEvent]] = {}
    waiting: list[type[AriEvent]] = [AriEvent]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.NAME:
            found[kind.NAME] = kind
    return found


TYPES: dict[str, type[AriEvent]] = _types()
"""Event classes by ARI's event type."""

_head = msgspec.json.Decoder(_Head)
_decoders = {name: msgspec.json.Decoder(kind, strict=False) for name, kind in TYPES.items()}


def typed(raw: str | bytes, read_at: datetime) -> AriEvent | None:
    """The typed form of one message of the event socket, or None when we don't use its type.

    Raises ValueError when the message is no JSON object or a field has a form that can't be read.
    """
    try:
        name = _head.decode(raw).type
        decoder = _decoders.get(name)
        if decoder is None:
            return None
        event: AriEvent = _lenient(decoder, raw, TYPES[name])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"ARI event: {plain(str(error), 200)}") from None
    force_setattr(event, "at", _time(event.timestamp) or read_at)
    return event


def decode(raw: bytes, kind: type[T]) -> T:
    """The body of an answer as ``kind``. Raises ValueError when it has another form."""
    try:
        return _lenient(msgspec.json.Decoder(kind, strict=False), raw, kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(plain(str(error), 200)) from None


def _lenient(decoder: msgspec.json.Decoder[T], raw: str | bytes, kind: type[T]) -> T:
    """Decode; a field that is there but null counts as a field that is missing."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(msgspec.json.decode(raw)), kind, strict=False)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _time(text: str) -> datetime | None:
    """Asterisk's ``2026-01-31T10:00:00.123+0000`` in UTC; None when it is no such time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo is not None else None
