"""What each event means: the table of the voice state machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ccmiddleware.calls import queueing, resync, talks
from ccmiddleware.pbx import events as ami

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine

TRANSITIONS: dict[type[ami.Event], Callable[[CallMachine, Any, datetime], None]] = {
    ami.Newchannel: talks.on_newchannel,
    ami.BridgeEnter: talks.on_bridge_enter,
    ami.BridgeLeave: talks.on_bridge_leave,
    ami.DialBegin: talks.on_dial_begin,
    ami.DialEnd: talks.on_dial_end,
    ami.BlindTransfer: talks.on_blind_transfer,
    ami.AttendedTransfer: talks.on_attended_transfer,
    ami.Hold: talks.on_hold,
    ami.Unhold: talks.on_unhold,
    ami.HangupRequest: talks.on_hangup_request,
    ami.Hangup: talks.on_hangup,
    ami.QueueCallerJoin: queueing.on_join,
    ami.QueueCallerLeave: queueing.on_leave,
    ami.QueueCallerAbandon: queueing.on_abandon,
    ami.QueueStatusSet: queueing.on_status,
    ami.AgentCalled: queueing.on_called,
    ami.AgentRingNoAnswer: queueing.on_no_answer,
    ami.AgentConnect: queueing.on_connect,
    ami.AgentComplete: queueing.on_complete,
    ami.QueueMemberAdded: queueing.on_member,
    ami.QueueMemberStatus: queueing.on_member,
    ami.QueueMember: resync.on_member_listed,
    ami.QueueParams: resync.on_queue_listed,
    ami.QueueEntry: resync.on_queue_entry,
    ami.QueueStatusComplete: resync.on_queues_complete,
    ami.CoreShowChannel: resync.on_channel_listed,
    ami.CoreShowChannelsComplete: resync.on_channels_complete,
}
"""By type of event: the function that takes machine, event and the present time."""
