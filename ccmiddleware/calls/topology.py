"""Who is connected to whom: channels, bridges, and the Local channels in between. Pure.

A Local channel is a pair, ``…;1`` and ``…;2``: what enters one comes out of the other. Two real
channels talk when a chain of bridges and Local pairs leads from one to the other, and so ``peers``
follows such chains. Asterisk optimises most Local pairs away after a moment; the two ends then
share one bridge, and nothing changes for us.
"""

from dataclasses import dataclass, field

from ccmiddleware.pbx import events as ami


@dataclass
class Channel:
    """A channel that exists. ``seen`` is its state when it appeared: it tells what was dialled."""

    seen: ami.ChannelEvent
    bridge: str = ""
    other_half: str = ""
    """Unique id of the other end, for a Local channel."""
    placed: ami.ChannelEvent = field(init=False)
    """Its state when it was last said in which bridge it is."""
    is_local: bool = field(init=False)
    """Whether it is half of a Local pair, and so no party of its own."""

    def __post_init__(self) -> None:
        self.placed = self.seen
        self.is_local = self.seen.channel.startswith("Local/")

    @property
    def name(self) -> str:
        """Its name, such as ``PJSIP/1001-0000002a``."""
        return self.seen.channel


def interface_of(channel: str) -> str:
    """The interface that a channel name belongs to: ``PJSIP/1001`` of ``PJSIP/1001-0000002a``.

    Of ``Local/1001@agents-00000003;2`` it is ``Local/1001@agents``.
    """
    return channel.partition(";")[0].rpartition("-")[0] or channel


class Topology:
    """All channels of a node and their connections, from its events."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        """By unique id."""
        self._bridges: dict[str, set[str]] = {}
        self._halves: dict[str, str] = {}
        """Local channels whose other half has not appeared yet: unique ids by base name."""

    def appear(self, event: ami.ChannelEvent) -> None:
        """A channel was made."""
        channel = Channel(event)
        self.channels[event.uniqueid] = channel
        if channel.is_local:
            base = event.channel.partition(";")[0]
            other = self._halves.pop(base, None)
            if other is None or other not in self.channels:
                self._halves[base] = event.uniqueid
            else:
                channel.other_half = other
                self.channels[other].other_half = event.uniqueid

    def vanish(self, uniqueid: str) -> None:
        """A channel is gone."""
        self.leave(uniqueid)
        channel = self.channels.pop(uniqueid, None)
        if channel is None or not channel.is_local:
            return
        self._halves.pop(channel.name.partition(";")[0], None)
        other = self.channels.get(channel.other_half)
        if other is not None:
            other.other_half = ""

    def enter(self, event: ami.BridgeEvent) -> None:
        """A channel entered a bridge."""
        self.place(event, event.bridge_id)

    def place(self, event: ami.ChannelEvent, bridge_id: str) -> None:
        """A channel is in that bridge now, or in none for ""."""
        if event.uniqueid not in self.channels:
            self.appear(event)
        channel = self.channels[event.uniqueid]
        channel.placed = event
        if channel.bridge == bridge_id:
            return
        self.leave(event.uniqueid)
        if bridge_id:
            channel.bridge = bridge_id
            self._bridges.setdefault(bridge_id, set()).add(event.uniqueid)

    def leave(self, uniqueid: str, bridge_id: str = "") -> None:
        """A channel left its bridge; with ``bridge_id`` only if it is still in that one."""
        channel = self.channels.get(uniqueid)
        if channel is None or not channel.bridge or bridge_id not in ("", channel.bridge):
            return
        members = self._bridges.get(channel.bridge, set())
        members.discard(uniqueid)
        if not members:
            self._bridges.pop(channel.bridge, None)
        channel.bridge = ""

    def in_bridge_with(self, uniqueid: str) -> set[str]:
        """Unique ids of the channels in the same bridge, Local ones as well, with itself."""
        channel = self.channels.get(uniqueid)
        return set(self._bridges.get(channel.bridge, ())) if channel is not None else set()

    def peers(self, uniqueid: str, barrier: str = "") -> set[str]:
        """Unique ids of the real channels that this one is connected to, without itself.

        What is connected only by way of the channel ``barrier`` is left out.
        """
        peers: set[str] = set()
        reached, waiting = {uniqueid, barrier}, [uniqueid]
        while waiting:
            channel = self.channels.get(waiting.pop())
            if channel is None:
                continue
            if not channel.is_local:
                peers.add(channel.seen.uniqueid)
            for one in (*self._bridges.get(channel.bridge, ()), channel.other_half):
                if one not in reached:
                    reached.add(one)
                    waiting.append(one)
        peers.discard(uniqueid)
        return peers
