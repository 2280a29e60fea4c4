"""The voice state machine of one node: AMI events in, facts out.

``CallMachine.step(event, now)`` takes the node's events one by one, in Asterisk's order, and
returns the facts that follow. It keeps no clock: event times come with the events, and ``now`` (the
daemon's own clock) only measures how long an answer has been awaited. ``table.TRANSITIONS`` says
which event means what: what app_queue tells stands in ``queueing``, everything else in ``talks``.
An event about a call or a channel that is not known is ignored, since a PBX has many others.

The customer's channel is the one that joined the queue, called the agent, or was dialled by one;
its linked id names the interaction.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal
from uuid import UUID

from ccmiddleware.calls import table
from ccmiddleware.calls.call import Call, Phase
from ccmiddleware.calls.queueing import REASON_WITHIN
from ccmiddleware.calls.resync import Resync
from ccmiddleware.calls.talks import END_WITHIN, conclude_breaks
from ccmiddleware.calls.topology import Channel, Topology, interface_of
from ccmiddleware.facts import (
    Agent,
    AnyFact,
    Direction,
    EndedBy,
    Interaction,
    Offer,
    Outcome,
    QueueVisit,
    Segment,
)
from ccmiddleware.ids import SECOND_HALF, attempt_of, callback_of, interaction_id, offer_of
from ccmiddleware.pbx import events as ami

OPEN_EMAILS = re.compile(r" ?\([0-9]+ open emails?\)$")
"""What asterisk/dialplan/ccm-queues.conf puts behind a caller's name, for agents to see."""

KEPT_AFTER_END = timedelta(seconds=60)
"""How long a call that is over is remembered, beyond the last of its channels."""

__all__ = ["END_WITHIN", "REASON_WITHIN", "CallMachine"]


class CallMachine:
    """All voice interactions of one node that are not over."""

    def __init__(
        self, node: str, *, wrap_up_default: Callable[[str], float] = lambda queue: 0
    ) -> None:
        self.node = node
        self.wrap_up_default = wrap_up_default
        self.queue_dialed: Callable[[str], str] = lambda uniqueid: ""
        """Queue of the campaign that called the party on that channel; "" when none did."""
        self.out: list[AnyFact] = []
        self.by_id: dict[UUID, Call] = {}
        self.ended: dict[UUID, tuple[Call, datetime]] = {}
        """Calls that are over, since when, while another of their channels may go on."""
        self.by_uniqueid: dict[str, Call] = {}
        """Calls by the customer's channel."""
        self.talks: dict[str, tuple[Call, int]] = {}
        """Open segments by the unique id of the agent's channel."""
        self.handled_by: dict[str, dict[UUID, Call]] = {}
        """Calls in which a queue's member has, or had, a talk, by the member's interface."""
        self.topology = Topology()
        """Channels that exist, and who is connected to whom."""
        self.asked_to_end: set[str] = set()
        """Unique ids of channels whose phone asked for the hangup."""
        self.transferred: set[str] = set()
        """Unique ids of channels whose phone transferred the call away."""
        self.due: dict[UUID, datetime] = {}
        """When a call must be looked at again because an awaited event did not come."""
        self.wrap_up: dict[tuple[str, str], int] = {}
        """Wrap-up seconds set for a member itself, by queue and interface."""
        self.member_names: dict[str, str] = {}
        """Names of members by interface, for talks that no queue told of."""
        self.members_by_phone: dict[str, str] = {}
        """Interfaces of members by that of their phone, which is another for Local members."""
        self.status_seen = False
        """Whether QUEUESTATUS is told to us at all (AMI class ``dialplan``)."""
        self.resync: Resync | None = None
        """What Asterisk lists since events were missed; None while nothing was missed."""
        self.seen_until: datetime | None = None
        """When the view of the node was lost; the end of what ended unseen is put there."""

    # -- the outside ------------------------------------------------------------------------

    def step(self, event: ami.Event, now: datetime) -> list[AnyFact]:
        """The facts that follow from one event."""
        handler = table.TRANSITIONS.get(type(event))
        if handler is None:
            return []
        handler(self, event, now)
        return self._take()

    def tick(self, now: datetime) -> list[AnyFact]:
        """The facts that follow from awaited events that did not come. Call about once a second."""
        for key in [key for key, due in self.due.items() if due <= now]:
            call = self.by_id.get(key)
            if call is not None and self.resync is not None and call.phase is not Phase.GONE:
                continue  # what is awaited may have come unseen; the lists will tell
            del self.due[key]
            if call is not None:
                conclude_breaks(self, call, now)
                self._overdue(call, now)
        self._forget_ended(now)
        return self._take()

    def _forget_ended(self, now: datetime) -> None:
        # They are in the order in which they ended.
        over = takewhile(lambda item: now - item[1][1] >= KEPT_AFTER_END, self.ended.items())
        if not (forgotten := list(over)):
            return
        linkedids = {one.seen.linkedid for one in self.topology.channels.values()}
        for key, (call, _) in forgotten:
            del self.ended[key]
            if call.row.linkedid in linkedids:
                self.ended[key] = (call, now)

    def miss(self, at: datetime | None) -> None:
        """Events are missing from ``at`` on (None: unknown). Asterisk's lists follow in the stream.

        The lists are the answers to QueueStatus and CoreShowChannels, in this order; the end of the
        second makes the machine's calls agree with them, and ``resync`` None again. When it does
        not, the lists were not whole: ask for both anew.
        """
        self.seen_until = at
        self.resync = Resync()

    def restore(
        self, facts: Iterable[AnyFact], last_seen: Mapping[UUID, datetime] | None = None
    ) -> None:
        """Take up the interactions that were open when an earlier daemon stopped.

        ``last_seen``: of those that nobody followed until then, when somebody last did.
        """
        for fact in facts:
            match fact:
                case Interaction():
                    call = Call(fact, self.out)
                    self.by_id[fact.id] = call
                    self.know(fact.uniqueid, call)
                case QueueVisit() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].visits.append(fact)
                case Offer() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].offers.append(fact)
                case Segment() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].segments.append(fact)
                case Agent():
                    self.member_names[fact.interface] = fact.name
                    self.members_by_phone[fact.interface] = fact.interface
                case _:
                    pass
        for call in self.by_id.values():
            call.last_seen = (last_seen or {}).get(call.row.id)
            call.resume()
            for segment in call.segments:
                self._index(segment)

    @property
    def blind(self) -> bool:
        """Whether the reason of leaving a queue may have been told and not been heard."""
        return not self.status_seen or self.resync is not None

    def open_calls(self) -> list[Call]:
        """Calls whose customer's channel is still there, as far as we know."""
        return [call for call in self.by_id.values() if call.phase is not Phase.GONE]

    def _take(self) -> list[AnyFact]:
        facts = self.out[:]
        self.out.clear()
        for fact in facts:
            if type(fact) is Segment:
                self._index(fact)
        return facts

    def _index(self, segment: Segment) -> None:
        call = self.by_id.get(segment.interaction_id)
        if call is None:
            return
        member = call.members.get(segment.ordinal, segment.interface)
        if member not in call.handlers:
            call.handlers.add(member)
            self.handled_by.setdefault(member, {})[call.row.id] = call

    # -- finding ----------------------------------------------------------------------------

    def call_of(self, event: ami.ChannelEvent) -> Call | None:
        """The call whose customer's channel this is, or that shares the linked id."""
        return self.by_uniqueid.get(event.uniqueid) or self.call_with(event.linkedid)

    def call_with(self, linkedid: str) -> Call | None:
        """The call with that linked id."""
        return self.by_id.get(interaction_id(self.node, linkedid)) if linkedid else None

    def member_of(self, channel: str) -> str | None:
        """Interface of the member whose phone that channel is on; None when it is no agent's."""
        return self.members_by_phone.get(interface_of(channel))

    def name_of(self, interface: str) -> str:
        """Name of a member."""
        return self.member_names.get(interface) or interface

    def origin_of(self, event: ami.ChannelEvent) -> ami.ChannelEvent:
        """The channel that an event is about, or for a Local one that whose call it carries."""
        if event.channel.startswith("Local/"):
            half = self.topology.channels.get(event.uniqueid)
            if half is not None and half.other_half:
                # Connected already: a linked id may be that of an agent's line, which is older.
                for one in sorted(self.topology.peers(half.other_half, barrier=event.uniqueid)):
                    if one in self.by_uniqueid:
                        return self.topology.channels[one].seen
            origin = self.topology.channels.get(event.linkedid)
            if origin is not None and callback_of(event.linkedid) is not None:
                origin = self.topology.channels.get(f"{event.linkedid}{SECOND_HALF}")
                return origin.seen if origin is not None else event
            if origin is not None and not origin.is_local:
                return origin.seen
        return event

    def begin(self, event: ami.ChannelEvent, at: datetime) -> Call:
        """A new interaction for the channel of ``event``, which was first seen ``at``."""
        known = self.topology.channels.get(event.uniqueid)
        first = known.seen if known is not None else event
        direction: Direction = "internal" if self.member_of(event.channel) else "inbound"
        if callback_of(event.uniqueid) is not None:
            return self._begin_ours(event, first, at, "callback")
        if attempt_of(event.uniqueid) is not None:
            return self._begin_ours(event, first, at, "voice")
        row = Interaction(
            id=interaction_id(self.node, event.linkedid or event.uniqueid),
            version=1,
            node=self.node,
            direction=direction,
            state="waiting",
            linkedid=event.linkedid or event.uniqueid,
            uniqueid=event.uniqueid,
            caller_num=event.caller_num or first.caller_num,
            caller_name=_name_as_it_came(event.caller_name or first.caller_name, first),
            did=first.exten if first.exten not in ("", "s") else event.exten,
            started_at=min(first.at, at),
            inferred=self._came_unseen(known),
        )
        return self._add(row)

    def _begin_ours(
        self,
        event: ami.ChannelEvent,
        first: ami.ChannelEvent,
        at: datetime,
        channel: Literal["voice", "callback"],
    ) -> Call:
        """A new interaction for a channel that we had Asterisk make, with a unique id of ours.

        So are calls that a campaign dialled, and placeholders; their number is the customer's.
        """
        # Later it is the agent's; then only the attempt tells which number was shown.
        shown = event.connected_num if isinstance(event, ami.QueueCallerJoin) else ""
        row = Interaction(
            id=interaction_id(self.node, event.uniqueid),
            version=1,
            node=self.node,
            channel=channel,
            direction="outbound",
            state="waiting",
            linkedid=event.uniqueid.removesuffix(SECOND_HALF),
            uniqueid=event.uniqueid,
            caller_num=event.caller_num,
            did=shown if channel == "voice" else "",
            started_at=min(first.at, at),
            inferred=self._came_unseen(self.topology.channels.get(event.uniqueid)),
        )
        return self._add(row)

    def _came_unseen(self, channel: Channel | None) -> bool:
        """Whether a channel was made while events were missed: what it did before is unknown."""
        if channel is None:
            return self.resync is not None
        return not isinstance(channel.seen, ami.Newchannel)

    def begin_outbound(self, event: ami.DialBegin, number: str) -> Call:
        """A new interaction for the outside party that an agent dials."""
        row = Interaction(
            id=interaction_id(self.node, event.linkedid or event.uniqueid),
            version=1,
            node=self.node,
            direction="outbound",
            state="ringing",
            linkedid=event.linkedid or event.uniqueid,
            uniqueid=event.dest_uniqueid,
            caller_num=number,
            started_at=event.at,
        )
        call = self._add(row)
        call.unanswered = "not_answered"
        call.ring()
        return call

    def _add(self, row: Interaction) -> Call:
        ended, _ = self.ended.pop(row.id, (None, None))
        call = self.by_id.get(row.id) or ended
        if call is None:
            call = Call(row, self.out)
        else:
            call.reopen(row.uniqueid)
        self.by_id[row.id] = call
        self.know(row.uniqueid, call)
        return call

    def know(self, uniqueid: str, call: Call) -> None:
        """That channel is the customer's."""
        self.by_uniqueid[uniqueid] = call
        call.uniqueids.add(uniqueid)

    def bind(self, uniqueid: str, call: Call, ordinal: int) -> None:
        """That channel is the agent's end of a talk."""
        self.talks[uniqueid] = (call, ordinal)
        call.ends.setdefault(ordinal, set()).add(uniqueid)

    # -- waiting for what may still come ----------------------------------------------------

    def look_again(self, call: Call, until: datetime) -> None:
        """Have the call looked at by ``tick`` at that time, or earlier."""
        self.due[call.row.id] = min(until, self.due.get(call.row.id, until))

    def _overdue(self, call: Call, now: datetime) -> None:
        """The awaited event did not come: conclude, and mark it as concluded."""
        if call.breaks:
            self.look_again(call, min(due for _, due in call.breaks.values()))
        if call.phase is Phase.LEAVING and call.reason_until and call.reason_until > now:
            self.look_again(call, call.reason_until)  # due was what an earlier queue awaited
        elif call.phase is Phase.LEAVING:
            # The channel is still there, so the caller did not give up. Asterisk says nothing more
            # only when the caller left by an exit key; without the class dialplan we would not
            # have heard of a timeout either, and it is a guess.
            outcome: Outcome = "timed_out" if call.gave_up else "left_by_key"
            guessed = call.gave_up or self.blind
            if call.gave_up and attempt_of(call.row.linkedid) is not None:
                # The dialplan took the party back, since its time was over (ccm-dial.conf, T).
                outcome, guessed = "abandoned", self.blind
            left_at = call.left_queue_at or call.row.started_at
            call.leave(outcome, left_at, inferred=guessed)
        elif call.conclude_at is not None and call.conclude_at > now:
            self.look_again(call, call.conclude_at)
        elif call.phase is Phase.GONE:
            ended_at = call.row.ended_at or call.row.started_at
            for segment in call.open_segments():
                self.complete(call, segment, "caller", ended_at, inferred=True)
            stayed = call.visit is not None and call.visit.outcome is None
            call.leave("abandoned", ended_at, inferred=True)
            for offer in call.open_offers():
                call.end_offer(offer, "caller_gone", ended_at)
            call.correct_outcome(inferred=stayed)
            self.forget_if_settled(call)

    def left_unexplained(self, call: Call, at: datetime) -> None:
        """A call that was leaving a queue hung up, or joined another: no reason comes any more.

        Asterisk says nothing more of a caller who pressed an exit key. Without the class dialplan
        it would have said nothing of a timeout either, and this is a guess.
        """
        outcome: Outcome = "abandoned" if call.gave_up else "left_by_key"
        call.leave(outcome, call.left_queue_at or at, inferred=self.blind)

    def settle_late(self, call: Call) -> None:
        """Rows were closed; if the customer is gone, that may be the end of the call."""
        if call.phase is Phase.GONE:
            call.correct_outcome()
            self.forget_if_settled(call)

    def forget_if_settled(self, call: Call) -> None:
        """Let go of a call of which nothing more is awaited.

        It is kept aside for a while: another of its channels may go on, into a queue for instance,
        and that is still the same interaction.
        """
        if call.settled():
            self.by_id.pop(call.row.id, None)
            self.ended[call.row.id] = (call, call.row.ended_at or call.row.started_at)
            self.due.pop(call.row.id, None)
            for uniqueid in call.uniqueids:
                if self.by_uniqueid.get(uniqueid) is call:
                    del self.by_uniqueid[uniqueid]
            call.uniqueids.clear()
            for interface in call.handlers:
                self.handled_by[interface].pop(call.row.id, None)
            call.handlers.clear()

    def complete(
        self,
        call: Call,
        segment: Segment,
        ended_by: EndedBy,
        at: datetime,
        *,
        inferred: bool = False,
    ) -> None:
        """End a talk, with the wrap-up that its queue or member has."""
        queue = call.queue_of(segment) if segment.ordinal not in call.direct else ""
        if any(offer_of(end) is not None for end in call.ends.get(segment.ordinal, ())):
            # Joined for that agent without a queue: the wrap-up is that of the campaign's.
            queue = call.serves or self.queue_dialed(call.row.uniqueid)
        wrap_up = self.wrap_up.get((queue, segment.interface)) or self.wrap_up_default(queue)
        for uniqueid in call.ends.pop(segment.ordinal, ()):
            self.talks.pop(uniqueid, None)
        call.breaks.pop(segment.ordinal, None)
        call.complete(segment, ended_by, at, wrap_up_seconds=float(wrap_up), inferred=inferred)


def _name_as_it_came(name: str, first: ami.ChannelEvent) -> str:
    """The caller's name without what our dialplan adds; what came from outside stays."""
    return name if OPEN_EMAILS.search(first.caller_name) else OPEN_EMAILS.sub("", name)
