"""Who talks to whom outside of what app_queue tells: bridges, dialling, transfers, holds. Pure.

A segment is the time in which a customer's channel and an agent's are connected. A queue tells of
the talks it makes itself (``queueing``). All others are seen here: calls straight to an agent,
calls that an agent dials, and what follows a transfer. Whether a channel is an agent's is told by
its interface: those of the queues' members are.

When a connection breaks, the reason is not told at once, and some breaks heal: a call that is moved
from one bridge to another is in neither for a moment. A break is therefore concluded when a channel
of it hangs up, or after ``BREAK_WITHIN``. The end of a talk that a queue made is AgentComplete's to
tell; if it does not come within ``END_WITHIN`` the break is concluded all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ccmiddleware.calls import callbacks
from ccmiddleware.calls.call import AgentEnd, Call, Phase
from ccmiddleware.calls.topology import interface_of
from ccmiddleware.facts import EndedBy, Outcome, Segment
from ccmiddleware.ids import attempt_of, callback_of, offer_of
from ccmiddleware.pbx import events as ami

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine

BREAK_WITHIN = timedelta(seconds=1)
"""How long a connection may be broken and still be the same talk."""

END_WITHIN = timedelta(seconds=10)
"""How long after a hangup the end of a talk, an offer or a visit may still come."""

DIALLED: dict[str, Outcome] = {
    "BUSY": "busy",
    "CONGESTION": "failed",
    "CHANUNAVAIL": "failed",
    "INVALIDARGS": "failed",
}
"""Outcome of an outbound call by DialStatus; any other means that nobody answered."""


# -- channels and bridges -----------------------------------------------------------------------


def on_newchannel(machine: CallMachine, event: ami.Newchannel, now: datetime) -> None:
    """A channel was made."""
    machine.topology.appear(event)
    if machine.resync is not None:
        machine.resync.alive.add(event.uniqueid)


def on_bridge_enter(machine: CallMachine, event: ami.BridgeEnter, now: datetime) -> None:
    """A channel entered a bridge: new connections, and healed ones."""
    machine.topology.enter(event)
    if (pair := party_and_half(machine, event.uniqueid)) is not None:
        meet_party(machine, *pair, event.at)
    for call in _calls_around(machine, event.uniqueid):
        connect(machine, call, event.at)


def party_and_half(machine: CallMachine, uniqueid: str) -> tuple[str, str] | None:
    """The party that a campaign called and the agent's end, if this channel is in a bridge with
    both and that is not known yet."""
    together = machine.topology.in_bridge_with(uniqueid)
    party = next((one for one in together if attempt_of(one) is not None), "")
    half = next((one for one in together if offer_of(one) is not None), "")
    if not party or not half or party in machine.by_uniqueid:
        return None
    return party, half


def meet_party(
    machine: CallMachine, party: str, half: str, at: datetime, inferred: bool = False
) -> None:
    """A party that a campaign called is joined, without a queue, with the agent for whom it was.

    The agent's end is the channel of the offer: the member's own, or one half of a Local channel
    at whose other end the agent's line is.
    """
    channel = machine.topology.channels[half]
    name = interface_of(channel.name)
    interface = machine.member_of(channel.name) or machine.members_by_phone.get(f"{name}/n", name)
    call = machine.begin(machine.topology.channels[party].placed, at)
    call.serves = machine.queue_dialed(party)
    agent = AgentEnd(interface, machine.name_of(interface), channel.name, half)
    segment = call.talk(agent, machine.topology.channels[party].name, at, None, inferred)
    machine.bind(half, call, segment.ordinal)


def on_bridge_leave(machine: CallMachine, event: ami.BridgeLeave, now: datetime) -> None:
    """A channel left a bridge: broken connections."""
    around = _calls_around(machine, event.uniqueid)
    machine.topology.leave(event.uniqueid, event.bridge_id)
    for call in around:
        note_breaks(machine, call, event.at, now)


def _calls_around(machine: CallMachine, uniqueid: str) -> list[Call]:
    """Calls whose customer is this channel or connected to it, or who talk to its agent."""
    found: dict[object, Call] = {}
    channel = machine.topology.channels.get(uniqueid)
    if channel is not None and callback_of(channel.seen.linkedid) is not None:
        # The channel that stands for a customer to be called is not a real one, and no peer.
        call = machine.call_with(channel.seen.linkedid)
        if call is not None:
            found[call.row.id] = call
    for one in (uniqueid, *machine.topology.peers(uniqueid)):
        call = machine.by_uniqueid.get(one)
        if call is not None:
            found[call.row.id] = call
        talk = machine.talks.get(one)
        if talk is not None:
            found[talk[0].row.id] = talk[0]
    return [call for call in found.values() if call.phase is not Phase.GONE]


def connect(machine: CallMachine, call: Call, at: datetime, inferred: bool = False) -> None:
    """Begin a segment for each agent whom the customer is connected to and had no talk with."""
    if call.phase in (Phase.WAITING, Phase.LEAVING, Phase.GONE):
        return  # the queue tells
    if call.phase is Phase.DIALLING:
        callbacks.reach(machine, call, at, inferred)
        return
    customer = machine.topology.channels.get(call.row.uniqueid)
    name = customer.name if customer is not None else ""
    for uniqueid in sorted(machine.topology.peers(call.row.uniqueid)):
        if known_talk(machine, call, uniqueid):
            continue
        channel = machine.topology.channels[uniqueid]
        interface = machine.member_of(channel.name)
        if interface is None:
            continue
        offer = call.offer_of(uniqueid, interface)
        if offer is not None and offer.visit != 0:
            offer = None
        agent = AgentEnd(interface, machine.name_of(interface), channel.name, uniqueid)
        segment = call.talk(agent, name, at, offer, inferred)
        machine.bind(uniqueid, call, segment.ordinal)


def known_talk(machine: CallMachine, call: Call, uniqueid: str) -> bool:
    """Whether this agent's channel has a talk of the call already; then its break is healed."""
    talk = machine.talks.get(uniqueid)
    if talk is not None and talk[0] is call:
        call.breaks.pop(talk[1], None)
        return True
    for segment in call.open_segments():
        # The queue called a Local channel; this is the phone at its other end.
        local = machine.topology.channels.get(call.agent_uniqueids.get(segment.ordinal, ""))
        if local is None or not local.is_local:
            continue
        if uniqueid in machine.topology.peers(local.other_half):
            machine.bind(uniqueid, call, segment.ordinal)
            call.breaks.pop(segment.ordinal, None)
            talker = machine.member_of(machine.topology.channels[uniqueid].name)
            called = "/".join(segment.interface.split("/")[:2])  # without options: Local/x@y/n
            own = segment.interface == talker or called == interface_of(local.name)
            if talker is not None and not own:
                call.hand_to(segment, talker, machine.name_of(talker))
            return True
    return False


def note_breaks(machine: CallMachine, call: Call, at: datetime, now: datetime) -> None:
    """Note which talks of the call are connected no more."""
    peers = machine.topology.peers(call.row.uniqueid)
    for segment in call.open_segments():
        ordinal = segment.ordinal
        if ordinal not in call.breaks and peers.isdisjoint(call.ends.get(ordinal, ())):
            patience = BREAK_WITHIN if ordinal in call.direct else END_WITHIN
            call.breaks[ordinal] = (at, now + patience)
            machine.look_again(call, now + patience)


def conclude_breaks(machine: CallMachine, call: Call, now: datetime | None, gone: str = "") -> None:
    """End the talks whose break is due, or one of whose channels is ``gone`` (``now`` None)."""
    for ordinal, (at, due) in list(call.breaks.items()):
        segment = call.segments[ordinal - 1]
        if segment.ended_at is not None:
            del call.breaks[ordinal]
        elif (now is not None and due <= now) or (gone and ordinal in call.direct):
            del call.breaks[ordinal]
            reason = why_ended(machine, call, segment)
            machine.complete(call, segment, reason, at, inferred=ordinal not in call.direct)


def why_ended(machine: CallMachine, call: Call, segment: Segment) -> EndedBy:
    """Who ended a talk, from who asked for a hangup and who transferred."""
    agents = call.ends.get(segment.ordinal, set())
    if not machine.transferred.isdisjoint(agents):
        return "transfer"
    if not machine.asked_to_end.isdisjoint(agents):
        return "agent"
    if call.row.uniqueid in machine.asked_to_end or call.row.uniqueid not in (
        machine.topology.channels
    ):
        return "caller"
    if any(offer_of(key) and key not in machine.topology.channels for key in agents):
        return "agent"  # by key: the agent's line stays open
    if any(key in machine.topology.channels for key in agents):
        return "transfer"  # both are there and neither hung up: somebody moved one of them
    return "agent"


def on_hangup_request(machine: CallMachine, event: ami.HangupRequest, now: datetime) -> None:
    """A phone asked to end its call."""
    machine.asked_to_end.add(event.uniqueid)


def on_hangup(machine: CallMachine, event: ami.Hangup, now: datetime) -> None:
    """A channel is gone: a customer's ends the interaction, an agent's the talk."""
    around = _calls_around(machine, event.uniqueid)
    machine.topology.vanish(event.uniqueid)
    if machine.resync is not None:
        machine.resync.alive.discard(event.uniqueid)
        machine.resync.leaves(event.uniqueid)
    for call in around:
        note_breaks(machine, call, event.at, now)
        if call.row.uniqueid == event.uniqueid:
            _end(machine, call, event, now)
        else:
            conclude_breaks(machine, call, None, gone=event.uniqueid)
            _end_offer_of(call, event)
    machine.asked_to_end.discard(event.uniqueid)
    machine.transferred.discard(event.uniqueid)


def _end_offer_of(call: Call, event: ami.Hangup) -> None:
    """A phone that was rung directly is gone: so is the offer."""
    for offer in call.open_offers():
        if offer.visit == 0 and call.agent_uniqueids.get(-offer.ordinal) == event.uniqueid:
            call.end_offer(offer, "ring_no_answer", event.at)


def _end(machine: CallMachine, call: Call, event: ami.Hangup, now: datetime) -> None:
    if call.phase is Phase.LEAVING:
        machine.left_unexplained(call, event.at)
    conclude_breaks(machine, call, None, gone=event.uniqueid)
    if call.phase is Phase.DIALLING:
        callbacks.miss(call, event.at)
    for offer in call.open_offers():
        if offer.visit == 0:
            call.end_offer(offer, "caller_gone", event.at)
    call.hang_up(event.at, inferred=machine.resync is not None)
    call.conclude_at = now + END_WITHIN
    machine.look_again(call, call.conclude_at)
    machine.forget_if_settled(call)


# -- dialling -----------------------------------------------------------------------------------


def on_dial_begin(machine: CallMachine, event: ami.DialBegin, now: datetime) -> None:
    """A phone or an outside number is rung, by a queue or without one."""
    if not event.uniqueid or event.dest_channel.startswith("Local/"):
        return
    called = machine.member_of(event.dest_channel)
    caller = machine.origin_of(event)
    call = machine.by_uniqueid.get(caller.uniqueid)
    if called is not None:
        if call is None or call.phase is Phase.GONE:
            if machine.member_of(caller.channel) is not None:
                return  # between agents: nobody's contact
            call = machine.begin(caller, event.at)
        if call.phase is Phase.LEAVING and event.uniqueid == call.row.uniqueid:
            # An exit key led to an agent's phone: nothing more tells why the queue was left.
            machine.left_unexplained(call, event.at)
        if call.phase in (Phase.WAITING, Phase.LEAVING, Phase.DIALLING):
            return  # the queue tells
        if call.offer_of(event.dest_uniqueid, "") is None:
            name = machine.name_of(called)
            call.offer(called, name, event.dest_uniqueid, event.at, 0)
            call.ring()
    elif call is None and machine.member_of(caller.channel) is not None:
        _dial_out(machine, caller, event)


def _dial_out(machine: CallMachine, agent: ami.ChannelEvent, event: ami.DialBegin) -> None:
    """An agent dials an outside number by hand: that side is the customer."""
    known = machine.call_with(agent.linkedid)
    if known is not None and known.phase is not Phase.GONE:
        return
    first = machine.topology.channels.get(agent.uniqueid)
    dialled = first.seen.exten if first is not None else ""
    machine.begin_outbound(event, dialled or event.dest_caller_num or event.dest_connected_num)


def on_dial_end(machine: CallMachine, event: ami.DialEnd, now: datetime) -> None:
    """How dialling ended; an answer shows by the bridge that follows."""
    outbound = machine.by_uniqueid.get(event.dest_uniqueid)
    if outbound is not None and event.status != "ANSWER":
        outbound.unanswered = DIALLED.get(event.status, "not_answered")
    call = machine.by_uniqueid.get(event.uniqueid) or machine.call_with(event.linkedid)
    if call is None or event.status == "ANSWER":
        return
    if call.phase is Phase.DIALLING and callback_of(event.uniqueid) is not None:
        call.unanswered = DIALLED.get(event.status, "not_answered")
    for offer in call.open_offers():
        if offer.visit == 0 and call.agent_uniqueids.get(-offer.ordinal) == event.dest_uniqueid:
            gone = event.status == "CANCEL"
            call.end_offer(offer, "caller_gone" if gone else "ring_no_answer", event.at)


# -- transfers and holds ------------------------------------------------------------------------


def on_blind_transfer(machine: CallMachine, event: ami.BlindTransfer, now: datetime) -> None:
    """An agent, or the customer, sent the other one to an extension."""
    if event.result != "Success":
        return
    machine.transferred.add(event.uniqueid)
    call = machine.by_uniqueid.get(event.transferee_uniqueid)
    call = call or _end_talk_behind_local(machine, event.transferee_uniqueid, event.at)
    if call is not None:
        call.tell_transfer("blind_transfer", event.at, to=event.extension, by=event.channel)


def _end_talk_behind_local(machine: CallMachine, transferee: str, at: datetime) -> Call | None:
    """End the talk of a member that is a Local channel, when that channel's other half is moved.

    The agent's phone was behind it (``Local/1001@agent-request/n``) and is free now; for app_queue
    the talk goes on, with whoever is behind the Local channel. Returns the call.
    """
    channel = machine.topology.channels.get(transferee)
    talk = machine.talks.get(channel.other_half) if channel is not None else None
    if talk is None:
        return None
    call, ordinal = talk
    machine.complete(call, call.segments[ordinal - 1], "transfer", at)
    return call


def on_attended_transfer(machine: CallMachine, event: ami.AttendedTransfer, now: datetime) -> None:
    """An agent connected the customer with somebody else and left."""
    if event.result != "Success":
        return
    machine.transferred.update((event.uniqueid, event.second_uniqueid))
    call = machine.by_uniqueid.get(event.transferee_uniqueid)
    if call is None:
        call = _end_talk_behind_local(machine, event.transferee_uniqueid, event.at)
        if call is not None:
            connect(machine, call, event.at)  # who has the agent's place was there before
    if call is None:
        return
    call.tell_transfer("attended_transfer", event.at, to=event.destination, by=event.channel)
    other = machine.by_uniqueid.get(event.second_uniqueid)
    waits = other is not None and other.phase in (Phase.WAITING, Phase.LEAVING)
    if other is not None and other.visit is not None and waits and other is not call:
        # The agent waited in a queue; from now on the customer waits there in the agent's place.
        queue, position = other.visit.queue, other.visit.position
        other.leave("moved", event.at)
        for segment in call.open_segments():
            machine.complete(call, segment, "transfer", event.at)
        call.join(queue, position, event.at)


def on_hold(machine: CallMachine, event: ami.Hold, now: datetime) -> None:
    """A phone put its other side on hold; an agent's does it to the customer."""
    found = machine.talks.get(event.uniqueid)
    if found is not None:
        found[0].hold(found[0].segments[found[1] - 1], event.at)


def on_unhold(machine: CallMachine, event: ami.Unhold, now: datetime) -> None:
    """The hold ended."""
    found = machine.talks.get(event.uniqueid)
    if found is not None:
        found[0].unhold(found[0].segments[found[1] - 1], event.at)
