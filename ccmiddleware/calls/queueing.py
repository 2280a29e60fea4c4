"""What events of app_queue mean for a call: joining, ringing, being answered, leaving. Pure.

Two things about app_queue shape these rules:

- A caller leaves the queue (QueueCallerLeave) *before* Asterisk says why: AgentConnect follows, or
  VarSet QUEUESTATUS, or nothing at all when the caller pressed an exit key. QueueCallerAbandon
  comes before the leave, but Asterisk sends it for a timeout too; only what follows tells:
  QUEUESTATUS or the hangup. So the phase ``LEAVING`` waits ``REASON_WITHIN`` for a reason.
- AgentComplete may come after the Hangup of the caller, by seconds under load, and without the
  caller's channel when both channels are gone. It is then matched by queue and member.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ccmiddleware.calls import callbacks
from ccmiddleware.calls.call import AgentEnd, Call, Phase
from ccmiddleware.calls.talks import BREAK_WITHIN
from ccmiddleware.facts import EndedBy, Outcome, Segment
from ccmiddleware.pbx import events as ami

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine

REASON_WITHIN = timedelta(seconds=2)
"""How long after leaving a queue the reason may still come."""

SAME_STAY = timedelta(seconds=2)
"""How far apart two beginnings of one stay may seem: a wait is told in whole seconds."""

SAME_TALK = timedelta(seconds=2)
"""How far apart two beginnings of one talk may seem: its length is told in whole seconds."""

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


def on_join(machine: CallMachine, event: ami.QueueCallerJoin, now: datetime) -> None:
    """A caller entered a queue: a new interaction, or the next visit of one."""
    if machine.resync is not None:
        machine.resync.leaves(event.uniqueid)  # what was listed of an earlier stay
        machine.resync.waiting.add(event.uniqueid)
    call = machine.call_of(event)
    if call is None or call.phase is Phase.GONE:
        call = machine.begin(event, event.at)
    elif call.phase is Phase.WAITING and _was_listed(call, event):
        return
    elif call.phase is Phase.LEAVING:
        machine.left_unexplained(call, event.at)
    elif call.phase is Phase.WAITING:
        # It can't be in two queues: the end of the earlier stay was not told.
        call.leave("lost", event.at, inferred=True)
    machine.know(event.uniqueid, call)
    call.join(event.queue, event.position, event.at)


def _was_listed(call: Call, event: ami.QueueCallerJoin) -> bool:
    """Whether Asterisk had listed that caller as waiting before it told that he came."""
    visit = call.visit
    return (
        visit is not None
        and visit.inferred
        and visit.queue == event.queue
        and abs(event.at - visit.joined_at) <= SAME_STAY
    )


def on_leave(machine: CallMachine, event: ami.QueueCallerLeave, now: datetime) -> None:
    """A caller left a queue; why comes later."""
    if machine.resync is not None:
        machine.resync.leaves(event.uniqueid)
    call = machine.call_of(event)
    if call is not None and call.phase is Phase.WAITING:
        _leaving(machine, call, event.at, now, gave_up=False)


def on_abandon(machine: CallMachine, event: ami.QueueCallerAbandon, now: datetime) -> None:
    """A caller hung up, or Queue() gave up."""
    if machine.resync is not None:
        machine.resync.leaves(event.uniqueid)
    call = machine.call_of(event)
    if call is not None and call.phase is Phase.WAITING:
        _leaving(machine, call, event.at, now, gave_up=True)
    elif call is not None and call.phase is Phase.GONE:
        call.leave("abandoned", event.at)
        machine.settle_late(call)


def _leaving(
    machine: CallMachine, call: Call, at: datetime, now: datetime, *, gave_up: bool
) -> None:
    call.phase = Phase.LEAVING
    call.left_queue_at = at
    call.gave_up = gave_up
    call.reason_until = now + REASON_WITHIN
    machine.look_again(call, call.reason_until)


def on_status(machine: CallMachine, event: ami.QueueStatusSet, now: datetime) -> None:
    """Why Queue() ended without an agent."""
    machine.status_seen = True
    if event.variable != "QUEUESTATUS":
        return
    call = machine.call_of(event)
    outcome = LEFT_BECAUSE.get(event.value)
    if call is not None and outcome is not None and call.phase is Phase.LEAVING:
        call.leave(outcome, call.left_queue_at or event.at)


def on_called(machine: CallMachine, event: ami.AgentCalled, now: datetime) -> None:
    """A member's phone begins to ring."""
    call = machine.call_of(event)
    visit = call.visit if call is not None else None
    if call is None or visit is None or visit.queue != event.queue or visit.outcome is not None:
        return  # the joining was missed, and the lists will tell of it
    call.offer(event.interface, event.member_name, event.dest_uniqueid, event.at, visit.ordinal)


def on_no_answer(machine: CallMachine, event: ami.AgentRingNoAnswer, now: datetime) -> None:
    """A member did not answer."""
    call = machine.call_of(event)
    offer = call.offer_of(event.dest_uniqueid, event.interface) if call else None
    if call is not None and offer is not None:
        call.end_offer(offer, "ring_no_answer", event.at)
        machine.settle_late(call)


def on_connect(machine: CallMachine, event: ami.AgentConnect, now: datetime) -> None:
    """A member answered."""
    call = machine.call_of(event)
    joined_at = event.at - timedelta(seconds=event.hold_time)
    if call is None:
        # Never seen waiting (we were away): the event says how long it waited.
        call = machine.begin(event, joined_at)
        call.join(event.queue, 1, joined_at, inferred=True)
    visit = call.visit
    missed = machine.resync is not None
    if (
        visit is None
        or visit.queue != event.queue
        or (missed and joined_at - visit.joined_at > SAME_STAY)
    ):
        joined_at = max(joined_at, call.row.started_at)
        call.leave("lost", joined_at, inferred=True)
        call.join(event.queue, 1, joined_at, inferred=True)
    offer = call.offer_of(event.dest_uniqueid, event.interface)
    if offer is None or offer.visit != len(call.visits):
        rang_at = event.at - timedelta(seconds=event.ring_time)
        visits = len(call.visits)
        call.offer(event.interface, event.member_name, event.dest_uniqueid, rang_at, visits)
        offer = call.offers[-1]
    # Whose phone it is tells who answered: a call can be picked up by somebody else's.
    interface = machine.member_of(event.dest_channel) or event.interface
    own = interface == event.interface
    name = event.member_name if own else machine.name_of(interface)
    agent = AgentEnd(interface, name, event.dest_channel, event.dest_uniqueid)
    machine.due.pop(call.row.id, None)
    if call.is_callback:
        callbacks.take(call, offer, agent, event.at)
        return
    segment = call.connect(offer, agent, event.channel, event.at)
    machine.bind(event.dest_uniqueid, call, segment.ordinal)


def on_complete(machine: CallMachine, event: ami.AgentComplete, now: datetime) -> None:
    """A talk that a queue made has ended."""
    dialling = machine.by_uniqueid.get(event.uniqueid)
    if dialling is not None and dialling.phase is Phase.DIALLING:
        callbacks.miss(dialling, event.at)
    found = _segment_of(machine, event)
    if found is not None:
        call, segment = found
        at, reason = event.at, ENDED_BY.get(event.reason, "caller")
        if call.row.ended_at is not None:
            # Told late: the talk can't have outlasted the customer's channel.
            at = min(at, call.row.ended_at)
        broken = call.breaks.get(segment.ordinal)
        if broken is not None:
            at = min(at, broken[0])
            gone_at = call.row.ended_at or event.at
            if gone_at - at > BREAK_WITHIN:
                # The customer was moved away; app_queue tells only when that channel is gone.
                reason = "transfer"
        machine.complete(call, segment, reason, at)
        machine.settle_late(call)


def _segment_of(machine: CallMachine, event: ami.AgentComplete) -> tuple[Call, Segment] | None:
    """The talk that an AgentComplete ends, also when it names no channel any more."""
    call = machine.by_uniqueid.get(event.uniqueid)
    found = machine.talks.get(event.dest_uniqueid)
    if found is not None and (call is None or call is found[0]):
        return found[0], found[0].segments[found[1] - 1]
    call = call or machine.call_of(event)
    if call is None and event.uniqueid:
        return None  # told again, of a call that is over
    among = [call] if call is not None else machine.handled_by.get(event.interface, {}).values()
    began_at = event.at - timedelta(seconds=event.talk_time)
    fitting = [
        (one, segment)
        for one in among
        for segment in one.open_segments()
        if one.members.get(segment.ordinal, segment.interface) == event.interface
        and one.queue_of(segment) == event.queue
        and segment.ordinal not in one.direct
        and (
            not event.dest_uniqueid
            or one.agent_uniqueids.get(segment.ordinal, "") in ("", event.dest_uniqueid)
        )
        and (
            not event.talk_time
            or segment.inferred
            or abs(segment.answered_at - began_at) <= SAME_TALK
        )
    ]
    return min(fitting, key=lambda pair: abs(pair[1].answered_at - began_at), default=None)


def on_member(machine: CallMachine, event: ami.MemberEvent, now: datetime) -> None:
    """A member as it is: whose phone it is, and how long its wrap-up lasts."""
    machine.wrap_up[event.queue, event.interface] = event.wrapup_time
    machine.member_names[event.interface] = event.member_name
    machine.members_by_phone[event.interface] = event.interface
    if event.state_interface:
        machine.members_by_phone[event.state_interface] = event.interface
