"""The talks that go on now, as the machine has them: for those who act on one. Pure."""

from ccmiddleware.calls.call import Call
from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.calls.topology import interface_of
from ccmiddleware.facts import Segment


class PresentTalks:
    """The open talks of one node's machine."""

    def __init__(self, machine: CallMachine) -> None:
        self._machine = machine

    def talk_of(self, uniqueid: str) -> Segment | None:
        """The open talk that the channel with that id is in, on the agent's side or the other."""
        found = self._machine.talks.get(uniqueid)
        if found is not None:
            return found[0].segments[found[1] - 1]
        call = self._machine.by_uniqueid.get(uniqueid)
        return call.open_segments()[-1] if call is not None and call.open_segments() else None

    def talks_like(self, channel: str) -> list[Segment]:
        """Open talks whose agent's channel has that name, or belongs to that interface."""
        found = {}
        for uniqueid, (call, ordinal) in self._machine.talks.items():
            name = self._name(uniqueid)
            if channel and channel in (name, interface_of(name)):
                found[call.row.id, ordinal] = call.segments[ordinal - 1]
        return list(found.values())

    def of(self, interface: str) -> list[tuple[Call, Segment, str]]:
        """Open talks of an agent: call, segment, and the unique id of the agent's own channel.

        For a member that is a Local channel that is the phone behind it, where it is known.
        """
        found: dict[object, tuple[Call, Segment, str]] = {}
        for uniqueid, (call, ordinal) in self._machine.talks.items():
            segment = call.segments[ordinal - 1]
            channel = self._machine.topology.channels.get(uniqueid)
            if segment.interface != interface or channel is None:
                continue
            key = (call.row.id, ordinal)
            if key not in found or not channel.is_local:
                found[key] = (call, segment, uniqueid)
        return list(found.values())

    def owner(self, channel: str) -> str:
        """Whose phone a channel is on: the interface of the member, or else of the phone itself."""
        return self._machine.member_of(channel) or interface_of(channel)

    def _name(self, uniqueid: str) -> str:
        channel = self._machine.topology.channels.get(uniqueid)
        return channel.name if channel is not None else ""
