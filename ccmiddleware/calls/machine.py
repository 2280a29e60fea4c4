"""The voice state machine of one node: AMI events in, facts out.

``CallMachine.step(item, now)`` takes the node's events one by one, in Asterisk's order, and returns
the facts that follow. It keeps no clock: event times come with the events, and ``now`` (the
daemon's own clock) only measures how long an answer has been awaited. ``TRANSITIONS`` at the end
says which event means what; an event about a call or a channel that is not known is ignored, since
most channels of a PBX are not queue calls.

Three things about app_queue shape this module:

- A caller leaves the queue (QueueCallerLeave) *before* Asterisk says why: AgentConnect follows, or
  VarSet QUEUESTATUS, or nothing at all when the caller pressed an exit key. QueueCallerAbandon
  comes before the leave, but Asterisk sends it for a timeout too; only what follows tells:
  QUEUESTATUS or the hangup. So the phase ``LEAVING`` waits ``REASON_WITHIN`` for a reason.
- AgentComplete may come after the Hangup of the caller, by seconds under load, and without the
  caller's channel when both channels are gone. It is then matched by queue and member. A talk whose
  end is not told within ``END_WITHIN`` of the hangup is closed as inferred.
- The customer's channel is the one that joined the queue; its linked id names the interaction.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ccmiddleware.calls.call import Call, Phase
from ccmiddleware.calls.resync import Resync
from ccmiddleware.facts import (
    AnyFact,
    EndedBy,
    Interaction,
    Offer,
    Outcome,
    QueueVisit,
    Segment,
)
from ccmiddleware.ids import interaction_id
from ccmiddleware.pbx import events as ami

REASON_WITHIN = timedelta(seconds=2)
"""How long after leaving a queue the reason may still come."""

END_WITHIN = timedelta(seconds=10)
"""How long after a hangup the end of a talk, an offer or a visit may still come."""

LEFT_BECAUSE: dict[str, Outcome] = {
    "TIMEOUT": "timed_out",
    "FULL": "queue_full",
    "JOINEMPTY": "no_agents",
    "JOINUNAVAIL": "no_agents",
    "LEAVEEMPTY": "no_agents",
    "LEAVEUNAVAIL": "no_agents",
    "WITHDRAW": "withdrawn",
}
"""Outcome by the value of QUEUESTATUS, the variable that Queue() sets."""

ENDED_BY: dict[str, EndedBy] = {"caller": "caller", "agent": "agent", "transfer": "transfer"}


class CallMachine:
    """All voice interactions of one node that are not over."""

    def __init__(
        self, node: str, *, wrap_up_default: Callable[[str], float] = lambda queue: 0
    ) -> None:
        self.node = node
        self.wrap_up_default = wrap_up_default
        self.out: list[AnyFact] = []
        self.by_id: dict[UUID, Call] = {}
        self.by_uniqueid: dict[str, Call] = {}
        """Calls by the customer's channel."""
        self.talks: dict[str, tuple[Call, int]] = {}
        """Open segments by the unique id of the agent's channel."""
        self.channels: dict[str, ami.ChannelEvent] = {}
        """Channels that exist, as they were when they appeared: they tell what was dialled."""
        self.due: dict[UUID, datetime] = {}
        """When a call must be looked at again because an awaited event did not come."""
        self.wrap_up: dict[tuple[str, str], int] = {}
        """Wrap-up seconds set for a member itself, by queue and interface."""
        self.member_names: dict[str, str] = {}
        """Names of members by interface, for talks whose beginning was not seen."""
        self.status_seen = False
        """Whether QUEUESTATUS is told to us at all (AMI class ``dialplan``)."""
        self.resync: Resync | None = None
        """What Asterisk lists since events were missed; None while nothing was missed."""
        self.seen_until: datetime | None = None
        """When the view of the node was lost; the end of what ended unseen is put there."""

    # -- the outside ------------------------------------------------------------------------

    def step(self, event: ami.Event, now: datetime) -> list[AnyFact]:
        """The facts that follow from one event."""
        handler = TRANSITIONS.get(type(event))
        if handler is None:
            return []
        handler(self, event, now)
        return self._take()

    def tick(self, now: datetime) -> list[AnyFact]:
        """The facts that follow from awaited events that did not come. Call about once a second."""
        for key in [key for key, due in self.due.items() if due <= now]:
            del self.due[key]
            call = self.by_id.get(key)
            if call is not None:
                self._overdue(call)
        return self._take()

    def miss(self, at: datetime | None) -> None:
        """Events are missing from ``at`` on (None: unknown). Asterisk's lists follow in the stream.

        The lists are the answers to QueueStatus and CoreShowChannels, in this order; the end of the
        second makes the machine's calls agree with them, and ``resync`` None again. When it does
        not, the lists were not whole: ask for both anew.
        """
        self.seen_until = at
        self.resync = Resync()

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up the interactions that were open when an earlier daemon stopped."""
        for fact in facts:
            match fact:
                case Interaction():
                    call = Call(fact, self.out)
                    self.by_id[fact.id] = call
                    self.by_uniqueid[fact.uniqueid] = call
                case QueueVisit() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].visits.append(fact)
                case Offer() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].offers.append(fact)
                case Segment() if fact.interaction_id in self.by_id:
                    self.by_id[fact.interaction_id].segments.append(fact)
                case _:
                    pass
        for call in self.by_id.values():
            call.resume()

    def open_calls(self) -> list[Call]:
        """Calls whose customer's channel is still there, as far as we know."""
        return [call for call in self.by_id.values() if call.phase is not Phase.GONE]

    def _take(self) -> list[AnyFact]:
        facts = self.out[:]
        self.out.clear()
        return facts

    # -- finding ----------------------------------------------------------------------------

    def call_of(self, event: ami.ChannelEvent) -> Call | None:
        """The call whose customer's channel this is, or that shares the linked id."""
        call = self.by_uniqueid.get(event.uniqueid)
        if call is None and event.linkedid:
            call = self.by_id.get(interaction_id(self.node, event.linkedid))
        return call

    def begin(self, event: ami.ChannelEvent, at: datetime) -> Call:
        """A new interaction for the channel of ``event``, which was first seen waiting ``at``."""
        first = self.channels.get(event.uniqueid, event)
        row = Interaction(
            id=interaction_id(self.node, event.linkedid or event.uniqueid),
            version=1,
            node=self.node,
            state="waiting",
            linkedid=event.linkedid or event.uniqueid,
            uniqueid=event.uniqueid,
            caller_num=event.caller_num or first.caller_num,
            caller_name=event.caller_name or first.caller_name,
            did=first.exten if first.exten not in ("", "s") else event.exten,
            started_at=min(first.at, at),
        )
        call = Call(row, self.out)
        self.by_id[row.id] = call
        self.by_uniqueid[event.uniqueid] = call
        return call

    def _segment_of(self, event: ami.AgentComplete) -> tuple[Call, Segment] | None:
        """The talk that an AgentComplete ends, also when it names no channel any more."""
        found = self.talks.get(event.dest_uniqueid)
        if found is not None:
            return found[0], found[0].segments[found[1] - 1]
        call = self.call_of(event)
        among = [call] if call is not None else list(self.by_id.values())
        fitting = [
            (one, segment)
            for one in among
            for segment in one.open_segments()
            if segment.interface == event.interface
            and one.visits[segment.visit - 1].queue == event.queue
        ]
        return min(fitting, key=lambda pair: pair[1].answered_at) if fitting else None

    # -- waiting for what may still come ----------------------------------------------------

    def _await(self, call: Call, until: datetime) -> None:
        self.due[call.row.id] = min(until, self.due.get(call.row.id, until))

    def _overdue(self, call: Call) -> None:
        """The awaited event did not come: conclude, and mark it as concluded."""
        if call.phase is Phase.LEAVING:
            # The channel is still there, so the caller did not give up. Asterisk says nothing more
            # only when the caller left by an exit key; without the class dialplan we would not
            # have heard of a timeout either, and it is a guess.
            outcome: Outcome = "timed_out" if call.gave_up else "left_by_key"
            left_at = call.left_queue_at or call.row.started_at
            call.leave(outcome, left_at, inferred=call.gave_up or not self.status_seen)
        elif call.phase is Phase.GONE:
            ended_at = call.row.ended_at or call.row.started_at
            for segment in call.open_segments():
                self.complete(call, segment, "caller", ended_at, inferred=True)
            call.leave("abandoned", ended_at, inferred=True)
            for offer in call.open_offers():
                call.end_offer(offer, "caller_gone", ended_at)
            call.correct_outcome()
            self.forget_if_settled(call)

    def forget_if_settled(self, call: Call) -> None:
        if call.settled():
            self.by_id.pop(call.row.id, None)
            self.due.pop(call.row.id, None)
            for uniqueid in [key for key, one in self.by_uniqueid.items() if one is call]:
                del self.by_uniqueid[uniqueid]

    def complete(
        self,
        call: Call,
        segment: Segment,
        ended_by: EndedBy,
        at: datetime,
        *,
        inferred: bool = False,
    ) -> None:
        queue = call.visits[segment.visit - 1].queue
        wrap_up = self.wrap_up.get((queue, segment.interface)) or self.wrap_up_default(queue)
        self.talks.pop(call.agent_uniqueids.get(segment.ordinal, ""), None)
        call.complete(segment, ended_by, at, wrap_up_seconds=float(wrap_up), inferred=inferred)

    # -- events -----------------------------------------------------------------------------

    def on_newchannel(self, event: ami.Newchannel, now: datetime) -> None:
        self.channels[event.uniqueid] = event
        if self.resync is not None:
            self.resync.alive.add(event.uniqueid)

    def on_join(self, event: ami.QueueCallerJoin, now: datetime) -> None:
        call = self.call_of(event)
        if call is None or call.phase is Phase.GONE:
            call = self.begin(event, event.at)
        elif call.phase is Phase.WAITING or call.phase is Phase.LEAVING:
            # It can't be in two queues: the end of the earlier stay was not told.
            call.leave("lost", event.at, inferred=True)
        self.by_uniqueid[event.uniqueid] = call
        call.join(event.queue, event.position, event.at)
        if self.resync is not None:
            self.resync.waiting.add(event.uniqueid)

    def on_leave(self, event: ami.QueueCallerLeave, now: datetime) -> None:
        if self.resync is not None:
            self.resync.waiting.discard(event.uniqueid)
        call = self.call_of(event)
        if call is not None and call.phase is Phase.WAITING:
            self._leaving(call, event.at, now, gave_up=False)

    def on_abandon(self, event: ami.QueueCallerAbandon, now: datetime) -> None:
        if self.resync is not None:
            self.resync.waiting.discard(event.uniqueid)
        call = self.call_of(event)
        if call is not None and call.phase is Phase.WAITING:
            self._leaving(call, event.at, now, gave_up=True)
        elif call is not None and call.phase is Phase.GONE:
            call.leave("abandoned", event.at)
            self._settle_late(call)

    def _leaving(self, call: Call, at: datetime, now: datetime, *, gave_up: bool) -> None:
        call.phase = Phase.LEAVING
        call.left_queue_at = at
        call.gave_up = gave_up
        self._await(call, now + REASON_WITHIN)

    def on_status(self, event: ami.QueueStatusSet, now: datetime) -> None:
        self.status_seen = True
        if event.variable != "QUEUESTATUS":
            return
        call = self.call_of(event)
        outcome = LEFT_BECAUSE.get(event.value)
        if call is not None and outcome is not None and call.phase is Phase.LEAVING:
            call.leave(outcome, call.left_queue_at or event.at)

    def on_called(self, event: ami.AgentCalled, now: datetime) -> None:
        call = self.call_of(event)
        if call is not None and call.visits:
            call.offer(event.interface, event.member_name, event.dest_uniqueid, event.at)

    def on_no_answer(self, event: ami.AgentRingNoAnswer, now: datetime) -> None:
        call = self.call_of(event)
        offer = call.offer_of(event.dest_uniqueid, event.interface) if call else None
        if call is not None and offer is not None:
            call.end_offer(offer, "ring_no_answer", event.at)
            self._settle_late(call)

    def on_connect(self, event: ami.AgentConnect, now: datetime) -> None:
        call = self.call_of(event)
        if call is None:
            # Never seen waiting (we were away): the event says how long it waited.
            joined_at = event.at - timedelta(seconds=event.hold_time)
            call = self.begin(event, joined_at)
            call.join(event.queue, 1, joined_at, inferred=True)
        visit = call.visit
        if visit is None or visit.queue != event.queue:
            joined_at = max(event.at - timedelta(seconds=event.hold_time), call.row.started_at)
            call.leave("lost", joined_at, inferred=True)
            call.join(event.queue, 1, joined_at, inferred=True)
        offer = call.offer_of(event.dest_uniqueid, event.interface)
        if offer is None:
            call.offer(
                event.interface,
                event.member_name,
                event.dest_uniqueid,
                event.at - timedelta(seconds=event.ring_time),
            )
            offer = call.offers[-1]
        segment = call.connect(offer, event.channel, event.dest_channel, event.at)
        self.talks[event.dest_uniqueid] = (call, segment.ordinal)
        self.due.pop(call.row.id, None)

    def on_complete(self, event: ami.AgentComplete, now: datetime) -> None:
        found = self._segment_of(event)
        if found is not None:
            call, segment = found
            at = event.at
            if call.row.ended_at is not None:
                # Told late: the talk can't have outlasted the customer's channel.
                at = min(at, call.row.ended_at)
            self.complete(call, segment, ENDED_BY.get(event.reason, "caller"), at)
            self._settle_late(call)

    def on_hold(self, event: ami.Hold, now: datetime) -> None:
        found = self.talks.get(event.uniqueid)
        if found is not None:
            found[0].hold(found[0].segments[found[1] - 1], event.at)

    def on_unhold(self, event: ami.Unhold, now: datetime) -> None:
        found = self.talks.get(event.uniqueid)
        if found is not None:
            found[0].unhold(found[0].segments[found[1] - 1], event.at)

    def on_hangup(self, event: ami.Hangup, now: datetime) -> None:
        self.channels.pop(event.uniqueid, None)
        if self.resync is not None:
            self.resync.alive.discard(event.uniqueid)
            self.resync.waiting.discard(event.uniqueid)
        call = self.by_uniqueid.get(event.uniqueid)
        if call is None or call.row.uniqueid != event.uniqueid or call.phase is Phase.GONE:
            return
        if call.phase is Phase.LEAVING:
            # Gone before a reason came: nothing more will come but a late connect.
            outcome: Outcome = "abandoned" if call.gave_up else "left_by_key"
            left_at = call.left_queue_at or event.at
            call.leave(outcome, left_at, inferred=not self.status_seen)
        call.hang_up(event.at)
        self._await(call, now + END_WITHIN)
        self.forget_if_settled(call)

    def on_member(self, event: ami.MemberEvent, now: datetime) -> None:
        self.wrap_up[event.queue, event.interface] = event.wrapup_time
        self.member_names[event.interface] = event.member_name

    def on_queue_listed(self, event: ami.QueueParams, now: datetime) -> None:
        if self.resync is not None:
            self.resync.queue_items += 1

    def on_member_listed(self, event: ami.QueueMember, now: datetime) -> None:
        if self.resync is not None:
            self.resync.queue_items += 1
        self.on_member(event, now)

    def on_queue_entry(self, event: ami.QueueEntry, now: datetime) -> None:
        if self.resync is not None:
            self.resync.queue_items += 1
            self.resync.waiting.add(event.uniqueid)
            self.resync.entries[event.uniqueid] = event

    def on_channel_listed(self, event: ami.CoreShowChannel, now: datetime) -> None:
        if self.resync is not None:
            self.resync.channel_items += 1
            self.resync.alive.add(event.uniqueid)
            self.resync.listed[event.uniqueid] = event

    def on_queues_complete(self, event: ami.QueueStatusComplete, now: datetime) -> None:
        if self.resync is not None:
            self.resync.queues_complete(event.items)

    def on_channels_complete(self, event: ami.CoreShowChannelsComplete, now: datetime) -> None:
        if self.resync is not None and self.resync.channels_complete(event.items):
            resync, self.resync = self.resync, None
            resync.apply(self, event.at)

    def _settle_late(self, call: Call) -> None:
        if call.phase is Phase.GONE:
            call.correct_outcome()
            self.forget_if_settled(call)


TRANSITIONS: dict[type[ami.Event], Callable[[CallMachine, Any, datetime], None]] = {
    ami.Newchannel: CallMachine.on_newchannel,
    ami.QueueCallerJoin: CallMachine.on_join,
    ami.QueueCallerLeave: CallMachine.on_leave,
    ami.QueueCallerAbandon: CallMachine.on_abandon,
    ami.QueueStatusSet: CallMachine.on_status,
    ami.AgentCalled: CallMachine.on_called,
    ami.AgentRingNoAnswer: CallMachine.on_no_answer,
    ami.AgentConnect: CallMachine.on_connect,
    ami.AgentComplete: CallMachine.on_complete,
    ami.Hold: CallMachine.on_hold,
    ami.Unhold: CallMachine.on_unhold,
    ami.Hangup: CallMachine.on_hangup,
    ami.QueueParams: CallMachine.on_queue_listed,
    ami.QueueEntry: CallMachine.on_queue_entry,
    ami.QueueStatusComplete: CallMachine.on_queues_complete,
    ami.CoreShowChannel: CallMachine.on_channel_listed,
    ami.CoreShowChannelsComplete: CallMachine.on_channels_complete,
    ami.QueueMember: CallMachine.on_member_listed,
    ami.QueueMemberAdded: CallMachine.on_member,
    ami.QueueMemberStatus: CallMachine.on_member,
}
"""What each event means."""
