"""One voice interaction in memory: its rows as they stand, and every change they can undergo.

A ``Call`` holds the newest facts of one interaction (interaction, visits, offers, segments). Each
method makes one change and puts the changed rows, with the event that tells of it, into ``out``,
which the machine collects. What an event of Asterisk *means* is decided in ``machine``; that rows
stay consistent (times in order, an outcome where something ended) is held here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from ccmiddleware.facts import (
    AnyFact,
    EndedBy,
    Interaction,
    InteractionEvent,
    InteractionState,
    Offer,
    OfferOutcome,
    Outcome,
    QueueVisit,
    Segment,
    callback_outcome,
)


class Phase(StrEnum):
    """Where the customer's channel is, as far as queues go."""

    WAITING = "waiting"
    """In a queue."""
    LEAVING = "leaving"
    """Out of the queue, and the event that tells why has not come yet."""
    DIALLING = "dialling"
    """A callback that an agent took; the customer is being called."""
    TALKING = "talking"
    """With an agent."""
    BETWEEN = "between"
    """In the dialplan: after a queue, before hanging up or the next queue."""
    GONE = "gone"
    """The channel is gone; rows may still wait for the event that closes them."""


@dataclass(frozen=True)
class AgentEnd:
    """The agent's end of a talk: who it is, and the channel."""

    interface: str
    member_name: str
    channel: str
    uniqueid: str


class Call:
    """One voice interaction. ``out`` is the machine's list of facts of the present step."""

    def __init__(self, interaction: Interaction, out: list[AnyFact]) -> None:
        self.row = interaction
        self.out = out
        self.version = interaction.version
        self.phase = Phase.BETWEEN
        self.visits: list[QueueVisit] = []
        self.offers: list[Offer] = []
        self.segments: list[Segment] = []
        self.agent_uniqueids: dict[int, str] = {}
        """Unique ids of agents' channels, by ordinal of the segment, or of the offer, negated."""
        self.held_since: dict[int, datetime] = {}
        """Begin of the present hold, by ordinal of the segment."""
        self.left_queue_at: datetime | None = None
        """When Asterisk last said that the customer left a queue."""
        self.reason_until: datetime | None = None
        """Until when the reason of that may still come."""
        self.members: dict[int, str] = {}
        """Interface of the member whom a queue rang, by ordinal of the segment it led to. It is
        not the segment's agent when another phone picked the call up."""
        self.direct: set[int] = set()
        """Ordinals of segments that no queue made: direct calls, and those after a transfer."""
        self.handlers: set[str] = set()
        """Interfaces of the queues' members that have, or had, a talk."""
        self.uniqueids: set[str] = set()
        """Unique ids of every channel that is, or was, the customer's."""
        self.ends: dict[int, set[str]] = {}
        """Unique ids of the agent's channels of each open talk."""
        self.breaks: dict[int, tuple[datetime, datetime]] = {}
        """Talks whose connection is broken, by ordinal: since when, and when to conclude that."""
        self.unanswered: Outcome | None = None
        """How a call without a queue ends if nobody answers, as far as dialling told."""
        self.conclude_at: datetime | None = None
        """When to conclude what Asterisk did not tell of a call whose customer is gone."""
        self.reopened = 0
        """How often another channel took the customer's place."""
        self.transfers = 0
        """How many transfers were told."""
        self.serves = ""
        """Queue of the campaign that called the customer for one agent, without a queue."""
        self.gave_up = False
        """Whether Asterisk said "abandoned" on that leave, which it also says of a timeout."""
        self.last_seen: datetime | None = None
        """When somebody last followed it, if that was before the view of the node was lost."""

    def resume(self) -> None:
        """Conclude the phase from rows that an earlier daemon stored."""
        self.visits.sort(key=lambda row: row.ordinal)
        self.offers.sort(key=lambda row: row.ordinal)
        self.segments.sort(key=lambda row: row.ordinal)
        rows: list[QueueVisit | Offer | Segment] = [*self.visits, *self.offers, *self.segments]
        self.version = max([self.row.version, *(row.version for row in rows)])
        visited: set[int] = {0}
        for segment in self.segments:
            if segment.visit in visited:
                self.direct.add(segment.ordinal)
            visited.add(segment.visit)
        if self.row.ended_at is not None:
            self.phase = Phase.GONE
        elif self.visits and self.visits[-1].outcome is None:
            # Perhaps with a talk whose end was not told yet, before a transfer to this queue.
            self.phase = Phase.WAITING
        elif self.open_segments():
            self.phase = Phase.TALKING
        elif self.is_callback and not self.segments and self.open_offers():
            self.phase = Phase.DIALLING

    def reopen(self, uniqueid: str) -> None:
        """Another channel takes the customer's place: the interaction goes on with that one.

        So it is when the customer hands the agent over to a queue and hangs up, or when a second
        trunk is tried for an outside number.
        """
        self.reopened += 1
        self.phase = Phase.BETWEEN
        self.conclude_at = None
        self.row = replace(self.row, uniqueid=uniqueid, ended_at=None, outcome=None)

    # -- making rows and events -------------------------------------------------------------

    def _next(self) -> int:
        self.version += 1
        return self.version

    def tell(self, key: str, kind: str, at: datetime, inferred: bool = False, **data: Any) -> None:
        """One line of history. ``key`` must be the same whenever the same thing is told."""
        self.out.append(
            InteractionEvent(
                interaction_id=self.row.id, key=key, kind=kind, at=at, inferred=inferred, data=data
            )
        )

    def change(self, state: InteractionState, **changes: Any) -> None:
        """Set the state and other columns of the interaction's row."""
        self.row = replace(self.row, version=self._next(), state=state, **changes)
        self.out.append(self.row)

    def _put_visit(self, visit: QueueVisit) -> None:
        visit = replace(visit, version=self._next())
        self.visits[visit.ordinal - 1] = visit
        self.out.append(visit)

    def _put_offer(self, offer: Offer) -> None:
        offer = replace(offer, version=self._next())
        self.offers[offer.ordinal - 1] = offer
        self.out.append(offer)

    def _put_segment(self, segment: Segment) -> None:
        segment = replace(segment, version=self._next())
        self.segments[segment.ordinal - 1] = segment
        self.out.append(segment)

    # -- looking ----------------------------------------------------------------------------

    @property
    def visit(self) -> QueueVisit | None:
        """The last visit, open or not."""
        return self.visits[-1] if self.visits else None

    @property
    def is_callback(self) -> bool:
        """Whether a placeholder waits in the queue, and the customer is called afterwards."""
        return self.row.channel == "callback"

    def open_offers(self) -> list[Offer]:
        """Offers that still ring."""
        return [offer for offer in self.offers if offer.outcome is None]

    def open_segments(self) -> list[Segment]:
        """Talks that go on."""
        return [segment for segment in self.segments if segment.ended_at is None]

    def queue_of(self, segment: Segment) -> str:
        """The queue of a segment's visit; "" for a call without a queue."""
        return self.visits[segment.visit - 1].queue if segment.visit else ""

    def offer_of(self, agent_uniqueid: str, interface: str) -> Offer | None:
        """The ringing offer of that channel, or else of that member."""
        ringing = self.open_offers()
        for offer in ringing:
            if agent_uniqueid and self.agent_uniqueids.get(-offer.ordinal) == agent_uniqueid:
                return offer
        return next((offer for offer in ringing if offer.interface == interface), None)

    def settled(self) -> bool:
        """True when the channel is gone and no row waits for its end."""
        return (
            self.phase is Phase.GONE
            and not any(visit.outcome is None for visit in self.visits[-1:])
            and not self.open_offers()
            and not self.open_segments()
        )

    # -- what can happen --------------------------------------------------------------------

    def join(self, queue: str, position: int, at: datetime, inferred: bool = False) -> None:
        """The customer entered a queue."""
        ordinal = len(self.visits) + 1
        visit = QueueVisit(
            interaction_id=self.row.id,
            ordinal=ordinal,
            version=self._next(),
            node=self.row.node,
            queue=queue,
            position=position,
            joined_at=at,
            inferred=inferred,
        )
        self.visits.append(visit)
        self.phase = Phase.WAITING
        self.change("waiting", inferred=self.row.inferred or inferred)
        self.out.append(visit)
        self.tell(f"joined:{ordinal}", "joined", at, inferred, queue=queue, position=position)

    def offer(
        self, interface: str, member_name: str, agent_uniqueid: str, at: datetime, visit: int
    ) -> None:
        """An agent's phone began to ring, for that visit, or 0 without a queue."""
        ordinal = len(self.offers) + 1
        offer = Offer(
            interaction_id=self.row.id,
            ordinal=ordinal,
            version=self._next(),
            visit=visit,
            node=self.row.node,
            interface=interface,
            member_name=member_name,
            offered_at=at,
        )
        self.offers.append(offer)
        self.agent_uniqueids[-ordinal] = agent_uniqueid
        self.out.append(offer)
        self.tell(f"offered:{ordinal}", "offered", at, agent=member_name, interface=interface)

    def end_offer(self, offer: Offer, outcome: OfferOutcome, at: datetime) -> None:
        """The phone stopped ringing."""
        self._put_offer(replace(offer, ended_at=max(at, offer.offered_at), outcome=outcome))
        if outcome == "ring_no_answer":
            self.tell(
                f"ring_no_answer:{offer.ordinal}",
                "ring_no_answer",
                at,
                agent=offer.member_name,
                interface=offer.interface,
            )

    def leave(self, outcome: Outcome, at: datetime, inferred: bool = False) -> None:
        """The customer left the queue without an agent."""
        visit = self.visit
        if visit is None or visit.outcome is not None:
            return
        for offer in self.open_offers():
            self.end_offer(offer, "lost" if outcome == "lost" else "caller_gone", at)
        at = max(at, visit.joined_at)
        self._put_visit(
            replace(visit, left_at=at, outcome=outcome, inferred=visit.inferred or inferred)
        )
        self.tell(f"{outcome}:{visit.ordinal}", outcome, at, inferred, queue=visit.queue)
        if self.phase is not Phase.GONE:
            self.phase = Phase.BETWEEN
            self.change("left", inferred=self.row.inferred or inferred)

    def ring(self) -> None:
        """A phone rings for a customer who is in no queue."""
        if self.phase is Phase.BETWEEN and not self.open_segments():
            self.change("ringing")

    def talk(
        self,
        agent: AgentEnd,
        channel: str,
        at: datetime,
        offer: Offer | None,
        inferred: bool = False,
    ) -> Segment:
        """Customer and agent are connected without a queue, after ``offer`` if one rang.

        Returns the new segment.
        """
        rang_at = at
        if offer is not None:
            rang_at = offer.offered_at
            at = max(at, rang_at)
            self.end_offer(offer, "answered", at)
        for other in self.open_offers():
            self.end_offer(other, "other_answered", at)
        answered = [visit.ordinal for visit in self.visits if visit.outcome == "answered"]
        visit = answered[-1] if answered else 0
        segment = self.begin_segment(agent, visit, channel, rang_at, at, inferred)
        self.direct.add(segment.ordinal)
        self.tell(
            f"answered:{segment.ordinal}",
            "answered",
            at,
            inferred,
            agent=agent.member_name,
            interface=agent.interface,
        )
        self.phase = Phase.TALKING
        self.change("talking", inferred=self.row.inferred or inferred)
        return segment

    def begin_segment(
        self,
        agent: AgentEnd,
        visit: int,
        channel: str,
        offered_at: datetime,
        at: datetime,
        inferred: bool = False,
    ) -> Segment:
        """A talk begins. ``offered_at``: when the agent's phone began to ring."""
        ordinal = len(self.segments) + 1
        segment = Segment(
            interaction_id=self.row.id,
            ordinal=ordinal,
            version=self._next(),
            visit=visit,
            node=self.row.node,
            interface=agent.interface,
            member_name=agent.member_name,
            channel=channel,
            agent_channel=agent.channel,
            offered_at=offered_at,
            answered_at=at,
            inferred=inferred,
        )
        self.segments.append(segment)
        self.agent_uniqueids[ordinal] = agent.uniqueid
        self.out.append(segment)
        return segment

    def connect(
        self, offer: Offer, agent: AgentEnd, channel: str, at: datetime, inferred: bool = False
    ) -> Segment:
        """A queue's offer was answered, by its agent or another who picked it up.

        Returns the new segment.
        """
        visit = self.visits[offer.visit - 1]
        at = max(at, visit.joined_at, offer.offered_at)
        own = offer.interface == agent.interface
        self.end_offer(offer, "answered" if own else "other_answered", at)
        for other in self.open_offers():
            self.end_offer(other, "other_answered", at)
        self.answer_visit(visit, at, inferred)
        segment = self.begin_segment(agent, visit.ordinal, channel, offer.offered_at, at, inferred)
        self.members[segment.ordinal] = offer.interface
        self.tell(
            f"answered:{segment.ordinal}",
            "answered",
            at,
            inferred,
            queue=visit.queue,
            agent=agent.member_name,
            interface=agent.interface,
        )
        if self.phase is not Phase.GONE:
            self.phase = Phase.TALKING
            self.change("talking", inferred=self.row.inferred or inferred)
        return segment

    def answer_visit(self, visit: QueueVisit, at: datetime, inferred: bool) -> None:
        """An agent ended the wait."""
        self._put_visit(
            replace(
                visit,
                answered_at=at,
                left_at=at,
                outcome="answered",
                inferred=visit.inferred or inferred,
            )
        )

    def hand_to(self, segment: Segment, interface: str, member_name: str) -> None:
        """The phone that was called had forwarded the call: another agent talks."""
        self._put_segment(replace(segment, interface=interface, member_name=member_name))

    def tell_transfer(self, kind: str, at: datetime, *, to: str, by: str) -> None:
        """The customer was handed over."""
        self.transfers += 1
        self.tell(f"{kind}:{self.transfers}:{at.isoformat()}", kind, at, to=to, by=by)

    def hold(self, segment: Segment, at: datetime) -> None:
        """The agent put the customer on hold."""
        if segment.ordinal not in self.held_since:
            self.held_since[segment.ordinal] = at
            self.tell(f"hold:{segment.ordinal}:{at.isoformat()}", "hold", at)

    def unhold(self, segment: Segment, at: datetime) -> None:
        """The agent took the customer back from hold."""
        since = self.held_since.pop(segment.ordinal, None)
        if since is not None:
            held = max(0.0, (at - since).total_seconds())
            self._put_segment(replace(segment, hold_seconds=segment.hold_seconds + held))
            self.tell(
                f"unhold:{segment.ordinal}:{at.isoformat()}", "unhold", at, seconds=round(held, 3)
            )

    def complete(
        self,
        segment: Segment,
        ended_by: EndedBy,
        at: datetime,
        *,
        wrap_up_seconds: float = 0.0,
        inferred: bool = False,
    ) -> None:
        """The talk ended."""
        at = max(at, segment.answered_at)
        self.unhold(segment, at)
        segment = self.segments[segment.ordinal - 1]
        self._put_segment(
            replace(
                segment,
                ended_at=at,
                ended_by=ended_by,
                wrap_up_seconds=wrap_up_seconds,
                inferred=segment.inferred or inferred,
            )
        )
        self.tell(
            f"completed:{segment.ordinal}",
            "completed",
            at,
            inferred,
            agent=segment.member_name,
            by=ended_by,
        )
        if self.phase is Phase.TALKING and not self.open_segments():
            self.phase = Phase.BETWEEN
            self.change("left", inferred=self.row.inferred or inferred)

    def hang_up(self, at: datetime, inferred: bool = False) -> None:
        """The customer's channel is gone."""
        self.phase = Phase.GONE
        at = max(at, self.row.started_at)
        self.change(
            "ended",
            ended_at=at,
            outcome=self._outcome(),
            inferred=self.row.inferred or inferred,
        )
        key = f"ended:{self.reopened}" if self.reopened else "ended"
        self.tell(key, "ended", at, inferred, outcome=self.row.outcome)

    def correct_outcome(self, inferred: bool = False) -> None:
        """After rows were closed late: tell the outcome anew if it is another now."""
        outcome, inferred = self._outcome(), self.row.inferred or inferred
        told = (self.row.outcome, self.row.inferred)
        if self.phase is Phase.GONE and (outcome, inferred) != told:
            self.change("ended", outcome=outcome, inferred=inferred)

    def doubt(self) -> None:
        """What the customer did meanwhile was not seen: the outcome may be another."""
        if not self.row.inferred:
            self.change(self.row.state, inferred=True)

    def _outcome(self) -> Outcome:
        if self.segments:
            return "answered"
        if self.visit is not None and self.is_callback:
            return callback_outcome(self.visit.outcome, self.unanswered)
        if self.visit is not None:
            return self.visit.outcome or "abandoned"
        if self.unanswered is not None:
            return self.unanswered
        if any(offer.outcome == "caller_gone" for offer in self.offers):
            return "abandoned"
        return "not_answered" if self.offers else "lost"
