"""The AMI events that ccmiddleware uses, typed. Everything else Asterisk sends is skipped unread.

An event class lists its headers once; ``TYPES`` maps Asterisk's event name to its class. Every
header has a default, since versions of Asterisk differ in what they send. Field meanings are those
of Asterisk's own AMI event reference; times in seconds are whole seconds as Asterisk counts them.
"""

import re
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import field

from ccmiddleware.plaintext import plain

UNKNOWN = ("<unknown>", "<null>", "(null)")
"""What Asterisk writes into a header that has no value."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One AMI event. ``at`` is Asterisk's own Timestamp if it sends one, else when we read it."""

    NAME: ClassVar[str] = ""
    at: datetime


class ChannelEvent(Event, frozen=True, kw_only=True):
    """An event with the snapshot of one channel."""

    channel: str = field(name="Channel", default="")
    uniqueid: str = field(name="Uniqueid", default="")
    linkedid: str = field(name="Linkedid", default="")
    caller_num: str = field(name="CallerIDNum", default="")
    caller_name: str = field(name="CallerIDName", default="")
    exten: str = field(name="Exten", default="")


class FullyBooted(Event, frozen=True, kw_only=True):
    """Asterisk is ready: sent after each login, or when booting ends."""

    NAME: ClassVar[str] = "FullyBooted"
    uptime: int = field(name="Uptime", default=0)


class Shutdown(Event, frozen=True, kw_only=True):
    """Asterisk stops or restarts by command; a killed Asterisk sends nothing."""

    NAME: ClassVar[str] = "Shutdown"
    restart: str = field(name="Restart", default="")


class Newchannel(ChannelEvent, frozen=True, kw_only=True):
    """A channel was made; ``exten`` is what was dialled."""

    NAME: ClassVar[str] = "Newchannel"


class Hangup(ChannelEvent, frozen=True, kw_only=True):
    """A channel is gone. ``cause`` is the Q.850 cause."""

    NAME: ClassVar[str] = "Hangup"
    cause: int = field(name="Cause", default=0)


class QueueStatusSet(ChannelEvent, frozen=True, kw_only=True):
    """VarSet of QUEUESTATUS: why Queue() ended without an agent.

    Other variables are skipped, but for the first VarSet of each connection: it shows that the
    manager user hears the class ``dialplan`` at all.
    """

    NAME: ClassVar[str] = "VarSet"
    variable: str = field(name="Variable", default="")
    value: str = field(name="Value", default="")


class Hold(ChannelEvent, frozen=True, kw_only=True):
    """The far end of this channel was put on hold by the phone on it."""

    NAME: ClassVar[str] = "Hold"


class Unhold(ChannelEvent, frozen=True, kw_only=True):
    """The hold ended."""

    NAME: ClassVar[str] = "Unhold"


class HangupRequest(ChannelEvent, frozen=True, kw_only=True):
    """The phone or trunk on this channel asked to end the call."""

    NAME: ClassVar[str] = "HangupRequest"


class BridgeEvent(ChannelEvent, frozen=True, kw_only=True):
    """A channel and a bridge: a place where the channels in it hear each other."""

    bridge_id: str = field(name="BridgeUniqueid", default="")


class BridgeEnter(BridgeEvent, frozen=True, kw_only=True):
    """A channel entered a bridge."""

    NAME: ClassVar[str] = "BridgeEnter"


class BridgeLeave(BridgeEvent, frozen=True, kw_only=True):
    """A channel left a bridge."""

    NAME: ClassVar[str] = "BridgeLeave"


class DialEvent(ChannelEvent, frozen=True, kw_only=True):
    """A channel dials another, ``dest_*``. For an originated call the dialling side is empty."""

    dest_channel: str = field(name="DestChannel", default="")
    dest_uniqueid: str = field(name="DestUniqueid", default="")
    dest_connected_num: str = field(name="DestConnectedLineNum", default="")
    dest_caller_num: str = field(name="DestCallerIDNum", default="")


class DialBegin(DialEvent, frozen=True, kw_only=True):
    """The dialled side was asked."""

    NAME: ClassVar[str] = "DialBegin"


class DialEnd(DialEvent, frozen=True, kw_only=True):
    """How dialling ended. ``status``: ANSWER, BUSY, NOANSWER, CANCEL, CONGESTION, CHANUNAVAIL …"""

    NAME: ClassVar[str] = "DialEnd"
    status: str = field(name="DialStatus", default="")


class BlindTransfer(Event, frozen=True, kw_only=True):
    """A party handed the other one over to an extension, unannounced."""

    NAME: ClassVar[str] = "BlindTransfer"
    result: str = field(name="Result", default="")
    channel: str = field(name="TransfererChannel", default="")
    uniqueid: str = field(name="TransfererUniqueid", default="")
    transferee_channel: str = field(name="TransfereeChannel", default="")
    transferee_uniqueid: str = field(name="TransfereeUniqueid", default="")
    extension: str = field(name="Extension", default="")
    context: str = field(name="Context", default="")


class AttendedTransfer(Event, frozen=True, kw_only=True):
    """A party connected the two others it had on its two calls, and left."""

    NAME: ClassVar[str] = "AttendedTransfer"
    result: str = field(name="Result", default="")
    channel: str = field(name="OrigTransfererChannel", default="")
    uniqueid: str = field(name="OrigTransfererUniqueid", default="")
    second_channel: str = field(name="SecondTransfererChannel", default="")
    second_uniqueid: str = field(name="SecondTransfererUniqueid", default="")
    transferee_uniqueid: str = field(name="TransfereeUniqueid", default="")
    destination: str = field(name="DestType", default="")


class Pickup(ChannelEvent, frozen=True, kw_only=True):
    """A ringing call was answered by another phone: ``channel`` took that of ``target_*``."""

    NAME: ClassVar[str] = "Pickup"
    target_channel: str = field(name="TargetChannel", default="")
    target_uniqueid: str = field(name="TargetUniqueid", default="")


class QueueCallerJoin(ChannelEvent, frozen=True, kw_only=True):
    """A caller entered a queue at ``position`` (1 is the head)."""

    NAME: ClassVar[str] = "QueueCallerJoin"
    connected_num: str = field(name="ConnectedLineNum", default="")
    queue: str = field(name="Queue", default="")
    position: int = field(name="Position", default=0)


class QueueCallerLeave(ChannelEvent, frozen=True, kw_only=True):
    """A caller left a queue: to an agent, or for any other reason."""

    NAME: ClassVar[str] = "QueueCallerLeave"
    queue: str = field(name="Queue", default="")


class QueueCallerAbandon(ChannelEvent, frozen=True, kw_only=True):
    """A caller hung up while waiting. ``QueueCallerLeave`` follows."""

    NAME: ClassVar[str] = "QueueCallerAbandon"
    queue: str = field(name="Queue", default="")


class AgentEvent(ChannelEvent, frozen=True, kw_only=True):
    """A caller's channel and a member's channel (``dest_*``) in one queue."""

    queue: str = field(name="Queue", default="")
    interface: str = field(name="Interface", default="")
    member_name: str = field(name="MemberName", default="")
    dest_channel: str = field(name="DestChannel", default="")
    dest_uniqueid: str = field(name="DestUniqueid", default="")


class AgentCalled(AgentEvent, frozen=True, kw_only=True):
    """A member is offered the caller: the phone begins to ring."""

    NAME: ClassVar[str] = "AgentCalled"


class AgentRingNoAnswer(AgentEvent, frozen=True, kw_only=True):
    """A member did not take the offer. ``ring_ms`` is how long it rang, in milliseconds."""

    NAME: ClassVar[str] = "AgentRingNoAnswer"
    ring_ms: int = field(name="RingTime", default=0)


class AgentConnect(AgentEvent, frozen=True, kw_only=True):
    """Caller and member talk. ``hold_time`` is the caller's wait, ``ring_time`` the last ring."""

    NAME: ClassVar[str] = "AgentConnect"
    hold_time: int = field(name="HoldTime", default=0)
    ring_time: int = field(name="RingTime", default=0)


class AgentComplete(AgentEvent, frozen=True, kw_only=True):
    """The talk ended. ``reason`` is caller, agent or transfer. The caller's part may be empty."""

    NAME: ClassVar[str] = "AgentComplete"
    hold_time: int = field(name="HoldTime", default=0)
    talk_time: int = field(name="TalkTime", default=0)
    reason: str = field(name="Reason", default="")


class MemberEvent(Event, frozen=True, kw_only=True):
    """A member of a queue as it is now. ``status`` is app_queue's device state number.

    1 not in use, 2 in use, 3 busy, 4 invalid, 5 unavailable, 6 ringing, 7 ringing and in use,
    8 on hold. ``last_call`` is Unix seconds of the end of the last call, 0 for none.
    """

    queue: str = field(name="Queue", default="")
    interface: str = field(name="Interface", default="")
    member_name: str = field(name="MemberName", default="")
    state_interface: str = field(name="StateInterface", default="")
    membership: str = field(name="Membership", default="")
    penalty: int = field(name="Penalty", default=0)
    calls_taken: int = field(name="CallsTaken", default=0)
    last_call: int = field(name="LastCall", default=0)
    in_call: bool = field(name="InCall", default=False)
    status: int = field(name="Status", default=0)
    paused: bool = field(name="Paused", default=False)
    paused_reason: str = field(name="PausedReason", default="")
    wrapup_time: int = field(name="Wrapuptime", default=0)


class QueueMemberAdded(MemberEvent, frozen=True, kw_only=True):
    """A member joined a queue (for an agent: logged in to it)."""

    NAME: ClassVar[str] = "QueueMemberAdded"


class QueueMemberRemoved(MemberEvent, frozen=True, kw_only=True):
    """A member left a queue (for an agent: logged out of it)."""

    NAME: ClassVar[str] = "QueueMemberRemoved"


class QueueMemberPause(MemberEvent, frozen=True, kw_only=True):
    """A member was paused or unpaused in a queue."""

    NAME: ClassVar[str] = "QueueMemberPause"


class QueueMemberPenalty(MemberEvent, frozen=True, kw_only=True):
    """The penalty of a member in a queue changed."""

    NAME: ClassVar[str] = "QueueMemberPenalty"


class QueueMemberStatus(MemberEvent, frozen=True, kw_only=True):
    """The device state or a call count of a member changed."""

    NAME: ClassVar[str] = "QueueMemberStatus"


class QueueMember(MemberEvent, frozen=True, kw_only=True):
    """One member in the answer to QueueStatus, where the interface stands under ``Location``."""

    NAME: ClassVar[str] = "QueueMember"
    interface: str = field(name="Location", default="")
    member_name: str = field(name="Name", default="")


class QueueParams(Event, frozen=True, kw_only=True):
    """One queue in the answer to QueueStatus, with app_queue's own counters since its start."""

    NAME: ClassVar[str] = "QueueParams"
    queue: str = field(name="Queue", default="")
    strategy: str = field(name="Strategy", default="")
    calls: int = field(name="Calls", default=0)
    completed: int = field(name="Completed", default=0)
    abandoned: int = field(name="Abandoned", default=0)
    service_level: int = field(name="ServiceLevel", default=0)


class QueueEntry(ChannelEvent, frozen=True, kw_only=True):
    """One waiting caller in the answer to QueueStatus. ``wait`` in seconds."""

    NAME: ClassVar[str] = "QueueEntry"
    queue: str = field(name="Queue", default="")
    position: int = field(name="Position", default=0)
    wait: int = field(name="Wait", default=0)


class CoreShowChannel(ChannelEvent, frozen=True, kw_only=True):
    """One channel in the answer to CoreShowChannels."""

    NAME: ClassVar[str] = "CoreShowChannel"
    application: str = field(name="Application", default="")
    application_data: str = field(name="ApplicationData", default="")
    bridge_id: str = field(name="BridgeId", default="")
    duration: str = field(name="Duration", default="")


class QueueStatusComplete(Event, frozen=True, kw_only=True):
    """The end of the answer to QueueStatus: what was not in it does not exist now."""

    NAME: ClassVar[str] = "QueueStatusComplete"
    action_id: str = field(name="ActionID", default="")
    items: int = field(name="ListItems", default=0)


class CoreShowChannelsComplete(Event, frozen=True, kw_only=True):
    """The end of the answer to CoreShowChannels."""

    NAME: ClassVar[str] = "CoreShowChannelsComplete"
    action_id: str = field(name="ActionID", default="")
    items: int = field(name="ListItems", default=0)


class OriginateResponse(Event, frozen=True, kw_only=True):
    """How an asynchronous Originate ended. ``reason`` is Asterisk's dial reason number."""

    NAME: ClassVar[str] = "OriginateResponse"
    response: str = field(name="Response", default="")
    action_id: str = field(name="ActionID", default="")
    channel: str = field(name="Channel", default="")
    uniqueid: str = field(name="Uniqueid", default="")
    reason: int = field(name="Reason", default=0)


class UserEvent(Event, frozen=True, kw_only=True):
    """What a dialplan sends with UserEvent(): ``name`` says what, the rest is of our library."""

    NAME: ClassVar[str] = "UserEvent"
    name: str = field(name="UserEvent", default="")
    channel: str = field(name="Channel", default="")
    uniqueid: str = field(name="Uniqueid", default="")
    interface: str = field(name="Interface", default="")
    code: str = field(name="Code", default="")
    queue: str = field(name="Queue", default="")
    turn: str = field(name="Turn", default="")
    why: str = field(name="Why", default="")
    to: str = field(name="To", default="")
    caller: str = field(name="Caller", default="")
    did: str = field(name="DID", default="")
    ask: str = field(name="Ask", default="")
    number: str = field(name="Number", default="")
    priority: str = field(name="Prio", default="")
    attempt: str = field(name="Attempt", default="")
    step: str = field(name="Step", default="")
    milliseconds: str = field(name="Ms", default="")
    detail: str = field(name="Detail", default="")
    linkedid: str = field(name="Linkedid", default="")


class MixMonitorStop(ChannelEvent, frozen=True, kw_only=True):
    """Recording of a channel stopped (Asterisk 16.20 and newer)."""

    NAME: ClassVar[str] = "MixMonitorStop"


class SpyEvent(Event, frozen=True, kw_only=True):
    """One channel and another whose sound it hears. ``spyee_*`` may be empty in old versions."""

    spyer_channel: str = field(name="SpyerChannel", default="")
    spyer_uniqueid: str = field(name="SpyerUniqueid", default="")
    spyee_channel: str = field(name="SpyeeChannel", default="")
    spyee_uniqueid: str = field(name="SpyeeUniqueid", default="")


class ChanSpyStart(SpyEvent, frozen=True, kw_only=True):
    """ChanSpy(), or ExtenSpy(), began to listen to a channel."""

    NAME: ClassVar[str] = "ChanSpyStart"


class ChanSpyStop(SpyEvent, frozen=True, kw_only=True):
    """It listens to that channel no more; to another one perhaps."""

    NAME: ClassVar[str] = "ChanSpyStop"


ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescaped(text: str) -> str:
    """Undo the C escapes in which Asterisk writes the names of a channel's snapshot."""
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), text)


def _types() -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    waiting: list[type[Event]] = [Event]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.NAME:
            found[kind.NAME] = kind
    return found


TYPES: dict[str, type[Event]] = _types()
"""Event classes by Asterisk's event name."""


def typed(headers: dict[str, Any], at: datetime) -> Event | None:
    """The typed form of an event's headers, or None when its name is not one we use.

    Raises ValueError when a header that must be a number is none; the text names the header.
    """
    kind = TYPES.get(headers.get("Event", ""))
    if kind is None:
        return None
    headers["at"] = at
    name = headers.get("CallerIDName")
    if name and "\\" in name and kind is not QueueEntry:
        headers["CallerIDName"] = plain(_unescaped(name))
    try:
        return msgspec.convert(headers, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind.NAME}: {error}") from None
