"""Making our calls agree with Asterisk's after events were missed. Pure.

While Asterisk answers QueueStatus and CoreShowChannels, live events go on arriving between the
items; the machine keeps ``waiting`` and ``alive`` up to date with both. When the lists are
complete, ``apply`` closes what is gone, opens what is new, and marks all of that as inferred: it
was concluded from the state that was found, not seen to happen.

A list counts only when it holds as many items as Asterisk says at its end. A part of one, as after
a gap in the middle of it, would look as if the other calls were gone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ccmiddleware.calls import callbacks, queueing, talks
from ccmiddleware.calls.call import AgentEnd, Call, Phase
from ccmiddleware.calls.topology import interface_of
from ccmiddleware.facts import Offer
from ccmiddleware.pbx import events as ami

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine


QUEUES_CALL = "AppQueue"
"""Application of a channel that Queue() made, to a member; app_queue.c."""


def began(channel: ami.CoreShowChannel, otherwise: datetime) -> datetime:
    """When that channel was made, to the second: Asterisk tells its age as ``01:02:03``.

    ``otherwise`` is the answer when it does not.
    """
    parts = channel.duration.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return otherwise
    hours, minutes, seconds = map(int, parts)
    return channel.at - timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _member_called(machine: CallMachine, channel: str) -> str:
    """Interface of the member for whom a queue made that channel.

    A Local channel's name does not have the options of the member (``Local/1001@agent-request/n``).
    """
    called = interface_of(channel)
    known = machine.member_of(channel)
    if known is None and called.startswith("Local/"):
        known = next((one for one in machine.member_names if one.startswith(f"{called}/")), None)
    return known or called


class Resync:
    """What Asterisk has now, gathered from its lists and the events between them."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        """Unique ids of channels that wait in a queue."""
        self.alive: set[str] = set()
        """Unique ids of channels that exist."""
        self.entries: dict[str, ami.QueueEntry] = {}
        self.listed: dict[str, ami.CoreShowChannel] = {}
        self.queue_items = 0
        """Items of the list of queues seen so far: queues, members and callers."""
        self.channel_items = 0
        """Items of the list of channels seen so far."""
        self._queues_whole = False

    def leaves(self, uniqueid: str) -> None:
        """That channel waits no more where it was listed."""
        self.waiting.discard(uniqueid)
        self.entries.pop(uniqueid, None)

    def queues_complete(self, items: int) -> None:
        """The end of the list of queues, which Asterisk says has so many items."""
        self._queues_whole = self.queue_items == items
        self.queue_items = 0

    def channels_complete(self, items: int) -> bool:
        """The end of the list of channels; whether both lists are whole."""
        whole = self._queues_whole and self.channel_items == items
        self.channel_items = 0
        return whole

    def apply(self, machine: CallMachine, at: datetime) -> None:
        """Close what is gone, open what is new."""
        bridged: dict[str, list[ami.CoreShowChannel]] = defaultdict(list)
        for channel in self.listed.values():
            if channel.uniqueid in self.alive:
                machine.topology.place(channel, channel.bridge_id)
                if channel.bridge_id:
                    bridged[channel.bridge_id].append(channel)
        for stale in machine.topology.channels.keys() - self.alive:
            machine.topology.vanish(stale)
        machine.asked_to_end &= self.alive
        machine.transferred &= self.alive
        for call in machine.open_calls():
            if call.row.uniqueid not in self.alive:
                self._close(machine, call, call.last_seen or machine.seen_until or at)
            else:
                call.last_seen = None
                self._agree(machine, call, bridged, at)
                self._end_offers(machine, call, machine.seen_until or at)
        self._open_new(machine, bridged, at)

    def _open_new(
        self, machine: CallMachine, bridged: dict[str, list[ami.CoreShowChannel]], at: datetime
    ) -> None:
        """Take up who came while we did not look."""
        for uniqueid, entry in self.entries.items():
            if uniqueid not in self.waiting:
                continue
            call = machine.by_uniqueid.get(uniqueid)
            visit = call.visit if call is not None and call.phase is Phase.WAITING else None
            joined_at = entry.at - timedelta(seconds=entry.wait)
            stays = visit is not None and visit.queue == entry.queue
            if stays and visit and joined_at - visit.joined_at <= queueing.SAME_STAY:
                continue
            if call is None:
                # The list of queues tells no linked id, and the name of the caller unescaped.
                call = machine.begin(self.listed.get(uniqueid, entry), joined_at)
            call.leave("lost", machine.seen_until or at, inferred=True)
            call.join(entry.queue, entry.position, joined_at, inferred=True)
        for channel in self.listed.values():
            if channel.application == "Queue" and channel.uniqueid not in machine.by_uniqueid:
                self._adopt(machine, channel, bridged)
            pair = talks.party_and_half(machine, channel.uniqueid)
            if pair is not None:
                at = self._since(machine, self.listed.get(pair[1], channel))
                talks.meet_party(machine, *pair, at, inferred=True)

    def _close(self, machine: CallMachine, call: Call, at: datetime) -> None:
        """The customer's channel went away unseen."""
        at = max(at, call.row.started_at)
        for segment in call.open_segments():
            machine.complete(call, segment, "lost", at, inferred=True)
        call.leave("lost", at, inferred=True)
        for offer in call.open_offers():
            call.end_offer(offer, "lost", at)
        call.hang_up(at, inferred=True)
        machine.forget_if_settled(call)

    def _agree(
        self,
        machine: CallMachine,
        call: Call,
        bridged: dict[str, list[ami.CoreShowChannel]],
        at: datetime,
    ) -> None:
        """The customer's channel is still there: is it where we think it is?"""
        peers = self._peers(call.row.uniqueid, bridged)
        if call.phase is Phase.DIALLING:
            self._end_offers(machine, call, machine.seen_until or at)
            self._connect(machine, call, at)
            return
        self._agree_about_talks(machine, call, peers, at)
        if call.row.uniqueid in self.waiting or call.phase is Phase.TALKING:
            return
        names = {peer.channel for peer in peers}
        if any(one.agent_channel in names for one in call.segments):
            return  # a talk that has just ended, and whose channels have not parted yet
        customer = self.listed.get(call.row.uniqueid)
        queue = self._queue_of(customer)
        visit = call.visit
        if call.phase is Phase.LEAVING and not peers and self._saw_leaving(machine, call):
            return
        if call.phase in (Phase.WAITING, Phase.LEAVING):
            of_queue = queue or (peers and peers[0].application == QUEUES_CALL)
            if peers and visit is not None and of_queue in (True, visit.queue):
                self._answer(machine, call, peers[0])
                return
            call.leave("lost", machine.seen_until or at, inferred=True)
        # A further queue was joined and left to an agent unseen. A peer that Queue() did not call
        # is none: the talk was transferred.
        if customer is not None and queue and peers and peers[0].application == QUEUES_CALL:
            call.join(queue, 1, self._since(machine, peers[0]), inferred=True)
            self._answer(machine, call, peers[0])
            return
        self._connect(machine, call, at)

    def _agree_about_talks(
        self, machine: CallMachine, call: Call, peers: list[ami.CoreShowChannel], at: datetime
    ) -> None:
        """Talks whose agent is with the customer no more have ended."""
        for segment in call.open_segments():
            agent = next((peer for peer in peers if peer.channel == segment.agent_channel), None)
            if agent is None and peers:
                machine.complete(call, segment, "lost", machine.seen_until or at, inferred=True)
            elif agent is not None:
                machine.bind(agent.uniqueid, call, segment.ordinal)
                call.agent_uniqueids[segment.ordinal] = agent.uniqueid
            elif call.row.uniqueid in self.waiting or segment.agent_channel not in {
                one.channel for one in self.listed.values()
            }:
                machine.complete(call, segment, "lost", machine.seen_until or at, inferred=True)

    def _saw_leaving(self, machine: CallMachine, call: Call) -> bool:
        """Whether a customer left the queue after the gap: then the reason is still to come."""
        left_at, until = call.left_queue_at, machine.seen_until
        return left_at is not None and until is not None and left_at > until

    def _connect(self, machine: CallMachine, call: Call, at: datetime) -> None:
        """Who is in no queue may talk to an agent all the same, or have done so."""
        with_whom = machine.topology.peers(call.row.uniqueid)
        since = [self._since(machine, self.listed[one]) for one in with_whom if one in self.listed]
        talks.connect(machine, call, min(since, default=at), inferred=True)
        if call.phase is Phase.BETWEEN:
            call.doubt()

    def _end_offers(self, machine: CallMachine, call: Call, at: datetime) -> None:
        """Phones that ring no more; that they stopped was not seen."""
        for offer in call.open_offers():
            uniqueid = call.agent_uniqueids.get(-offer.ordinal) or self._ringing(call, offer)
            if uniqueid in self.alive:
                call.agent_uniqueids[-offer.ordinal] = uniqueid
            else:
                call.end_offer(offer, "lost", at)

    def _ringing(self, call: Call, offer: Offer) -> str:
        """The channel on which an agent's phone rings for a call, when it is not known; or ""."""
        called = "/".join(offer.interface.split("/")[:2])  # without options: Local/x@y/n
        for channel in self.listed.values():
            if channel.linkedid == call.row.linkedid and interface_of(channel.channel) == called:
                return channel.uniqueid
        return ""

    def _since(self, machine: CallMachine, agent: ami.CoreShowChannel) -> datetime:
        """When a talk that we did not see begin can have begun, at the earliest."""
        seen_until = machine.seen_until
        since = began(agent, seen_until or agent.at)
        return since if seen_until is None else max(since, seen_until)

    def _answer(self, machine: CallMachine, call: Call, agent: ami.CoreShowChannel) -> None:
        """The customer talks to somebody; that the talk began was not seen."""
        interface = _member_called(machine, agent.channel)
        offer = call.offer_of(agent.uniqueid, interface)
        since = self._since(machine, agent)
        if offer is None:
            name = machine.member_names.get(interface, interface)
            call.offer(interface, name, agent.uniqueid, since, len(call.visits))
            offer = call.offers[-1]
        channel = self.listed[call.row.uniqueid].channel
        end = AgentEnd(interface, offer.member_name, agent.channel, agent.uniqueid)
        if call.is_callback:
            callbacks.take(call, offer, end, since, inferred=True)
            callbacks.reach(machine, call, since, inferred=True)
            return
        segment = call.connect(offer, end, channel, since, inferred=True)
        machine.bind(agent.uniqueid, call, segment.ordinal)
        call.agent_uniqueids[segment.ordinal] = agent.uniqueid

    def _adopt(
        self,
        machine: CallMachine,
        channel: ami.CoreShowChannel,
        bridged: dict[str, list[ami.CoreShowChannel]],
    ) -> None:
        """A customer who already talks to an agent when we first look."""
        peers = self._peers(channel.uniqueid, bridged)
        if channel.uniqueid in self.waiting or not peers:
            return
        call = machine.begin(channel, began(channel, channel.at))
        call.join(self._queue_of(channel), 1, call.row.started_at, inferred=True)
        self._answer(machine, call, peers[0])

    def _queue_of(self, channel: ami.CoreShowChannel | None) -> str:
        """The queue in whose Queue() that channel is; "" when it is in none."""
        if channel is None or channel.application != "Queue":
            return ""
        return channel.application_data.partition(",")[0]

    def _peers(
        self, uniqueid: str, bridged: dict[str, list[ami.CoreShowChannel]]
    ) -> list[ami.CoreShowChannel]:
        """Other channels in the bridge of that channel."""
        own = self.listed.get(uniqueid)
        if own is None or not own.bridge_id:
            return []
        return [one for one in bridged[own.bridge_id] if one.uniqueid != uniqueid]


# -- the lists as they come ----------------------------------------------------------------------


def on_queue_listed(machine: CallMachine, event: ami.QueueParams, now: datetime) -> None:
    """A queue in the answer to QueueStatus."""
    if machine.resync is not None:
        machine.resync.queue_items += 1


def on_member_listed(machine: CallMachine, event: ami.QueueMember, now: datetime) -> None:
    """A member in the answer to QueueStatus."""
    if machine.resync is not None:
        machine.resync.queue_items += 1
    queueing.on_member(machine, event, now)


def on_queue_entry(machine: CallMachine, event: ami.QueueEntry, now: datetime) -> None:
    """A waiting caller in the answer to QueueStatus."""
    if machine.resync is not None:
        machine.resync.queue_items += 1
        machine.resync.waiting.add(event.uniqueid)
        machine.resync.entries[event.uniqueid] = event


def on_queues_complete(machine: CallMachine, event: ami.QueueStatusComplete, now: datetime) -> None:
    """The end of the answer to QueueStatus."""
    if machine.resync is not None:
        machine.resync.queues_complete(event.items)


def on_channel_listed(machine: CallMachine, event: ami.CoreShowChannel, now: datetime) -> None:
    """A channel in the answer to CoreShowChannels."""
    if machine.resync is not None:
        machine.resync.channel_items += 1
        machine.resync.alive.add(event.uniqueid)
        machine.resync.listed[event.uniqueid] = event


def on_channels_complete(
    machine: CallMachine, event: ami.CoreShowChannelsComplete, now: datetime
) -> None:
    """The end of the answer to CoreShowChannels: the calls are made to agree."""
    if machine.resync is not None and machine.resync.channels_complete(event.items):
        resync, machine.resync = machine.resync, None
        resync.apply(machine, event.at)
