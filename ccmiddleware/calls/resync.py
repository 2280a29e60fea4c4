"""Making our calls agree with Asterisk's after events were missed. Pure.

While Asterisk answers QueueStatus and CoreShowChannels, live events go on arriving between the
items; the machine keeps ``waiting`` and ``alive`` up to date with both. When the lists are
complete, ``apply`` closes what is gone, opens what is new, and marks all of that as inferred: it
was concluded from the state that was found, not seen to happen.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ccmiddleware.calls.call import Call, Phase
from ccmiddleware.pbx import events as ami

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine


def interface_of(channel: str) -> str:
    """The interface that a channel name belongs to: ``PJSIP/1001`` of ``PJSIP/1001-0000002a``."""
    return channel.rpartition("-")[0] or channel


class Resync:
    """What Asterisk has now, gathered from its lists and the events between them."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        """Unique ids of channels that wait in a queue."""
        self.alive: set[str] = set()
        """Unique ids of channels that exist."""
        self.entries: dict[str, ami.QueueEntry] = {}
        self.listed: dict[str, ami.CoreShowChannel] = {}

    def apply(self, machine: CallMachine, at: datetime) -> None:
        """Close what is gone, open what is new."""
        bridged: dict[str, list[ami.CoreShowChannel]] = defaultdict(list)
        for channel in self.listed.values():
            if channel.uniqueid in self.alive:
                machine.channels.setdefault(channel.uniqueid, channel)
                if channel.bridge_id:
                    bridged[channel.bridge_id].append(channel)
        for stale in machine.channels.keys() - self.alive:
            del machine.channels[stale]
        for call in machine.open_calls():
            if call.row.uniqueid not in self.alive:
                self._close(machine, call, machine.seen_until or at)
            else:
                self._agree(machine, call, bridged, at)
        self._open_new(machine, bridged, at)

    def _open_new(
        self, machine: CallMachine, bridged: dict[str, list[ami.CoreShowChannel]], at: datetime
    ) -> None:
        """Take up who came while we did not look."""
        for uniqueid, entry in self.entries.items():
            known = machine.by_uniqueid.get(uniqueid)
            if uniqueid in self.waiting and (known is None or known.phase is not Phase.WAITING):
                joined_at = entry.at - timedelta(seconds=entry.wait)
                call = known or machine.begin(entry, joined_at)
                call.join(entry.queue, entry.position, joined_at, inferred=True)
        for channel in self.listed.values():
            if channel.application == "Queue" and channel.uniqueid not in machine.by_uniqueid:
                self._adopt(machine, channel, bridged, at)

    def _close(self, machine: CallMachine, call: Call, at: datetime) -> None:
        """The customer's channel went away unseen."""
        at = max(at, call.row.started_at)
        for segment in call.open_segments():
            machine.complete(call, segment, "lost", at, inferred=True)
        call.leave("lost", at, inferred=True)
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
        for segment in call.open_segments():
            agent = next((peer for peer in peers if peer.channel == segment.agent_channel), None)
            if agent is None and peers:
                machine.complete(call, segment, "lost", machine.seen_until or at, inferred=True)
            elif agent is not None:
                machine.talks[agent.uniqueid] = (call, segment.ordinal)
                call.agent_uniqueids[segment.ordinal] = agent.uniqueid
            elif segment.agent_channel not in {one.channel for one in self.listed.values()}:
                machine.complete(call, segment, "lost", machine.seen_until or at, inferred=True)
        waits = call.phase in (Phase.WAITING, Phase.LEAVING)
        if waits and call.row.uniqueid not in self.waiting:
            if peers:
                self._answer(machine, call, peers[0], at)
            else:
                call.leave("lost", machine.seen_until or at, inferred=True)

    def _answer(
        self, machine: CallMachine, call: Call, agent: ami.CoreShowChannel, at: datetime
    ) -> None:
        """The customer talks to somebody; that the talk began was not seen."""
        interface = interface_of(agent.channel)
        offer = call.offer_of(agent.uniqueid, interface)
        if offer is None:
            name = machine.member_names.get(interface, interface)
            call.offer(interface, name, agent.uniqueid, machine.seen_until or at)
            offer = call.offers[-1]
        since = machine.seen_until or at
        channel = self.listed[call.row.uniqueid].channel
        segment = call.connect(offer, channel, agent.channel, since, inferred=True)
        machine.talks[agent.uniqueid] = (call, segment.ordinal)
        call.agent_uniqueids[segment.ordinal] = agent.uniqueid

    def _adopt(
        self,
        machine: CallMachine,
        channel: ami.CoreShowChannel,
        bridged: dict[str, list[ami.CoreShowChannel]],
        at: datetime,
    ) -> None:
        """A customer who already talks to an agent when we first look."""
        peers = self._peers(channel.uniqueid, bridged)
        if channel.uniqueid in self.waiting or not peers:
            return
        call = machine.begin(channel, at)
        call.join(channel.application_data.partition(",")[0], 1, at, inferred=True)
        self._answer(machine, call, peers[0], at)

    def _peers(
        self, uniqueid: str, bridged: dict[str, list[ami.CoreShowChannel]]
    ) -> list[ami.CoreShowChannel]:
        """Other channels in the bridge of that channel."""
        own = self.listed.get(uniqueid)
        if own is None or not own.bridge_id:
            return []
        return [one for one in bridged[own.bridge_id] if one.uniqueid != uniqueid]
