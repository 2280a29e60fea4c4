"""The call of a callback: a placeholder waits in the queue, and the customer is called afterwards.

What waits is one half of a Local channel (asterisk/dialplan/ccm-callbacks.conf); it is named by the
unique id that we chose. When an agent takes it, the visit is answered, and the agent's phone goes
on ringing, so to say, now for the customer: that time is the offer's and no talk. The talk begins
when somebody is at the placeholder's other end. Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ccmiddleware.calls.call import AgentEnd, Call, Phase
from ccmiddleware.facts import Offer

if TYPE_CHECKING:
    from ccmiddleware.calls.machine import CallMachine


def take(call: Call, offer: Offer, agent: AgentEnd, at: datetime, inferred: bool = False) -> None:
    """An agent took a callback."""
    visit = call.visits[offer.visit - 1]
    at = max(at, visit.joined_at, offer.offered_at)
    for other in call.open_offers():
        if other.ordinal != offer.ordinal:
            call.end_offer(other, "other_answered", at)
    call.agent_uniqueids[-offer.ordinal] = agent.uniqueid
    call.answer_visit(visit, at, inferred)
    call.tell(
        f"taken:{visit.ordinal}",
        "taken",
        at,
        inferred,
        queue=visit.queue,
        agent=agent.member_name,
        interface=agent.interface,
    )
    if call.phase is not Phase.GONE:
        call.phase = Phase.DIALLING
        call.change("ringing", inferred=call.row.inferred or inferred)


def reach(machine: CallMachine, call: Call, at: datetime, inferred: bool = False) -> None:
    """Begin the talk, if the customer is there by now."""
    placeholder = machine.topology.channels.get(call.row.uniqueid)
    offer = next(iter(call.open_offers()), None)
    if placeholder is None or not placeholder.other_half or offer is None:
        return
    # What is beyond the other half, and not on the agent's side.
    reached = machine.topology.peers(placeholder.other_half, barrier=call.row.uniqueid)
    if not reached:
        return
    at = max(at, offer.offered_at)
    uniqueid = call.agent_uniqueids.get(-offer.ordinal, "")
    phone = machine.topology.channels.get(uniqueid)
    agent = AgentEnd(
        offer.interface, offer.member_name, phone.name if phone is not None else "", uniqueid
    )
    customer = machine.topology.channels[min(reached)].name
    call.end_offer(offer, "answered", at)
    segment = call.begin_segment(agent, offer.visit, customer, offer.offered_at, at, inferred)
    call.members[segment.ordinal] = offer.interface
    call.tell(
        f"answered:{segment.ordinal}",
        "answered",
        at,
        inferred,
        agent=agent.member_name,
        interface=agent.interface,
    )
    call.phase = Phase.TALKING
    call.change("talking", inferred=call.row.inferred or inferred)
    if uniqueid:
        machine.bind(uniqueid, call, segment.ordinal)


def miss(call: Call, at: datetime) -> None:
    """The customer was not reached; the agent is free again."""
    for offer in call.open_offers():
        call.end_offer(offer, "answered", at)
    call.tell("not_reached", "not_reached", at, outcome=call.unanswered or "not_answered")
    call.phase = Phase.BETWEEN
    call.change("left")
