"""Makes what is stored of a call agree with what queue_log tells of it. Pure.

Only what was concluded is changed: a visit or a segment that we closed as ``lost``, or marked as
inferred, gets its outcome, times and agent from the rows; parts that we never saw are added. What
was observed stays as it is, also where queue_log tells something else; such a difference shows in
``report.queue_log_difference``. All that comes from here is marked as inferred.

Offers have no such mark. Of them, ``ring_no_answer`` and ``answered`` are told by Asterisk, all
other outcomes are conclusions of ours, and may be corrected.

Times of queue_log are whole seconds, rounded down: where ours fits to that, ours stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace as replace_talk
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from ccmiddleware.facts import (
    AnyFact,
    Interaction,
    InteractionEvent,
    Offer,
    Outcome,
    QueueVisit,
    Segment,
    callback_outcome,
)
from ccmiddleware.ids import SECOND_HALF, attempt_of, callback_of, interaction_id
from ccmiddleware.queue_log.stays import Ring, Stay, Talk, Told
from ccmiddleware.queue_log.stored import SECOND, Stored, better, seen_whole

MADE = "made_from_queue_log"
"""Kind and key of the event of an interaction of which nothing but queue_log tells."""

SAME = timedelta(seconds=3)
"""Two tellings of one thing are no further apart."""


def complete(
    node: str,
    told: Told,
    stored: Stored | None,
    *,
    interfaces: Mapping[str, str],
    wrap_up: Callable[[str], float] = lambda queue: 0.0,
) -> list[AnyFact]:
    """The facts that make the stored rows agree with the told ones; none when they do already.

    ``interfaces``: interface of each agent by name. ``wrap_up``: seconds of wrap-up in a queue. A
    call that is not over by its rows is left alone.
    """
    if not told.over:
        return []
    if stored is None:
        first = told.stays[0]
        callback = callback_of(told.call) is not None
        ours = callback or attempt_of(told.call) is not None
        row = Interaction(
            id=interaction_id(node, told.call),
            version=0,
            node=node,
            state="waiting",
            channel="callback" if callback else "voice",
            direction="outbound" if ours else "inbound",
            linkedid=told.call.removesuffix(SECOND_HALF),
            uniqueid=told.call,
            caller_num=first.caller,
            started_at=first.joined_at,
            inferred=True,
        )
        completion = _Completion(Stored(row), told, interfaces, wrap_up)
        completion.tell(MADE, MADE, first.joined_at)
    else:
        completion = _Completion(stored, told, interfaces, wrap_up)
    return completion.facts(only_offers=stored is not None and not stored.uncertain)


class _Completion:
    """The work on one call. Collects changed rows by what they are, so that each is told once."""

    def __init__(
        self,
        stored: Stored,
        told: Told,
        interfaces: Mapping[str, str],
        wrap_up: Callable[[str], float],
    ) -> None:
        self.row = stored.interaction
        self.visits = {one.ordinal: one for one in stored.visits}
        self.offers = {one.ordinal: one for one in stored.offers}
        self.segments = {one.ordinal: one for one in stored.segments}
        self.told = told
        self.interfaces = interfaces
        self.wrap_up = wrap_up
        rows: list[Any] = [self.row, *stored.visits, *stored.offers, *stored.segments]
        self.version = max(one.version for one in rows)
        self.events: list[InteractionEvent] = []
        self.changed: dict[tuple[str, int], AnyFact] = {}
        self.used: set[tuple[str, int]] = set()

    def facts(self, *, only_offers: bool) -> list[AnyFact]:
        """Compare everything; the changed rows, and the events that tell of the changes."""
        earlier_until: datetime | None = None
        for stay, visit in self._pairs(may_add=not only_offers):
            for ring in stay.rings:
                self._ring(visit, ring, may_conclude=not only_offers)
            if not only_offers:
                talk = stay.talk
                if not stay.direct:
                    visit = self._visit(visit, stay, earlier_until)
                if talk is not None and self.row.channel != "callback":
                    self._talk(visit, stay, talk)
                elif talk is not None:
                    self._talk_of_callback(visit, stay, talk)
                earlier_until = self._end_of(visit)
        if not only_offers:
            self._close_the_rest()
            self._interaction()
        return [*self.changed.values(), *self.events]

    # -- telling ----------------------------------------------------------------------------

    def tell(self, key: str, kind: str, at: datetime, **data: Any) -> None:
        """One line of history; ``key`` as ``calls.call`` has it where the thing is new to us."""
        self.events.append(
            InteractionEvent(
                interaction_id=self.row.id, key=key, kind=kind, at=at, inferred=True, data=data
            )
        )

    def _put(self, kind: str, rows: dict[int, Any], new: Any) -> bool:
        """Replace or add a row; False when that changes nothing."""
        old = rows.get(new.ordinal)
        if old is not None and replace(new, version=old.version) == old:
            return False
        self.version += 1
        rows[new.ordinal] = replace(new, version=self.version)
        self.changed[kind, new.ordinal] = rows[new.ordinal]
        return True

    def _corrected(self, known: bool, key: str) -> str:
        """A key under which the history may already tell something else gets a prefix."""
        return f"queue_log:{key}" if known else key

    # -- visits -----------------------------------------------------------------------------

    def _pairs(self, *, may_add: bool) -> list[tuple[Stay, QueueVisit]]:
        """Each told stay with the visit that it is; what was never seen becomes a new one."""
        found = {
            number: self._no_visit(stay)
            for number, stay in enumerate(self.told.stays)
            if stay.direct
        }
        for near in (True, False):
            for number, stay in enumerate(self.told.stays):
                if number not in found:
                    visit = self._visit_of(stay, near=near)
                    if visit is not None:
                        found[number] = visit
                        self.used.add(("visit", visit.ordinal))
        pairs = []
        for number, stay in enumerate(self.told.stays):
            if number in found:
                pairs.append((stay, found[number]))
            elif may_add:
                pairs.append((stay, self._new_visit(stay)))
        return pairs

    def _no_visit(self, stay: Stay) -> QueueVisit:
        """In place of the visit of a talk without a queue; it is not stored."""
        return QueueVisit(
            interaction_id=self.row.id,
            ordinal=0,
            version=0,
            node=self.row.node,
            queue=stay.queue,
            position=1,
            joined_at=stay.joined_at,
        )

    def _visit_of(self, stay: Stay, *, near: bool) -> QueueVisit | None:
        """The stored visit that ``stay`` tells of: ``near`` in time, or else one not seen whole."""
        fitting = [
            visit
            for visit in self.visits.values()
            if visit.queue == stay.queue
            and ("visit", visit.ordinal) not in self.used
            and (abs(visit.joined_at - stay.joined_at) <= SAME if near else not seen_whole(visit))
        ]
        return min(fitting, key=lambda one: abs(one.joined_at - stay.joined_at), default=None)

    def _new_visit(self, stay: Stay) -> QueueVisit:
        visit = QueueVisit(
            interaction_id=self.row.id,
            ordinal=max(self.visits, default=0) + 1,
            version=0,
            node=self.row.node,
            queue=stay.queue,
            position=stay.position,
            joined_at=stay.joined_at,
            inferred=True,
        )
        self._put("visit", self.visits, visit)
        self.used.add(("visit", visit.ordinal))
        key = f"joined:{visit.ordinal}"
        self.tell(key, "joined", stay.joined_at, queue=stay.queue, position=stay.position)
        return self.visits[visit.ordinal]

    def _end_of(self, visit: QueueVisit) -> datetime | None:
        """When a visit and its talks ended; None while they have not."""
        ends = [one.ended_at for one in self.segments.values() if one.visit == visit.ordinal]
        ends.append(visit.left_at)
        return max((at for at in ends if at is not None), default=None)

    def _visit(
        self, visit: QueueVisit, stay: Stay, earlier_until: datetime | None = None
    ) -> QueueVisit:
        """Begin and end of a visit that was not seen whole; the one before ended at a time."""
        if seen_whole(visit):
            return visit
        outcome: Outcome = stay.outcome or visit.outcome or "lost"
        joined_at = better(visit.joined_at, stay.joined_at)
        if earlier_until is not None and earlier_until - joined_at < SECOND:
            joined_at = max(joined_at, earlier_until)  # of which the told one is a rounding
        known, seen = visit.outcome is not None, visit.outcome not in (None, "lost")
        told_at = stay.left_at or self._untold(stay, visit.left_at, seen=seen)
        left_at = max(better(visit.left_at, told_at, seen=seen), joined_at)
        changed = self._put(
            "visit",
            self.visits,
            replace(
                visit,
                joined_at=joined_at,
                left_at=left_at,
                answered_at=left_at if outcome == "answered" else None,
                outcome=outcome,
                inferred=True,
            ),
        )
        if changed and outcome != "answered" and outcome != visit.outcome:
            key = self._corrected(known, f"{outcome}:{visit.ordinal}")
            self.tell(key, outcome, left_at, queue=visit.queue)
        return self.visits[visit.ordinal]

    # -- offers -----------------------------------------------------------------------------

    def _ring(self, visit: QueueVisit, ring: Ring, *, may_conclude: bool) -> None:
        """A phone that rang in vain. ``may_conclude``: also when the caller gave up meanwhile."""
        if not ring.refused and not may_conclude:
            return
        offer = self._offer_of(
            visit, ring.agent, ring.began_at, ring.ended_at, answered=not ring.refused
        )
        if offer is None:
            offer = self._new_offer(visit, ring.agent, ring.began_at)
        self.used.add(("offer", offer.ordinal))
        ended_at = max(better(offer.ended_at, ring.ended_at), offer.offered_at)
        if ring.refused and offer.outcome != "ring_no_answer":
            self._put(
                "offer",
                self.offers,
                replace(offer, ended_at=ended_at, outcome="ring_no_answer"),
            )
            self.tell(
                f"ring_no_answer:{offer.ordinal}",
                "ring_no_answer",
                ended_at,
                agent=offer.member_name,
                interface=offer.interface,
            )
        elif not ring.refused and offer.outcome in (None, "lost"):
            self._put(
                "offer", self.offers, replace(offer, ended_at=ended_at, outcome="caller_gone")
            )

    def _offer_of(
        self,
        visit: QueueVisit,
        agent: str,
        began_at: datetime,
        ended_at: datetime | None = None,
        *,
        answered: bool = True,
    ) -> Offer | None:
        """The stored offer of that ringing. ``answered``: whether it may be one that was."""
        fitting = [
            offer
            for offer in self.offers.values()
            if offer.visit == visit.ordinal
            and self._is(offer, agent)
            and ("offer", offer.ordinal) not in self.used
            and (answered or offer.outcome != "answered")
            and (
                abs(offer.offered_at - began_at) <= SAME
                or (
                    ended_at is not None
                    and offer.ended_at is not None
                    and abs(offer.ended_at - ended_at) <= SAME
                )
            )
        ]
        return min(fitting, key=lambda one: abs(one.offered_at - began_at), default=None)

    def _new_offer(self, visit: QueueVisit, agent: str, at: datetime) -> Offer:
        offer = Offer(
            interaction_id=self.row.id,
            ordinal=max(self.offers, default=0) + 1,
            version=0,
            visit=visit.ordinal,
            node=self.row.node,
            interface=self._interface(agent),
            member_name=agent,
            offered_at=max(at, visit.joined_at),
        )
        self._put("offer", self.offers, offer)
        key = f"offered:{offer.ordinal}"
        self.tell(key, "offered", offer.offered_at, agent=agent, interface=offer.interface)
        return self.offers[offer.ordinal]

    def _is(self, row: Offer | Segment, agent: str) -> bool:
        return row.member_name == agent or row.interface == self._interface(agent)

    def _name(self, agent: str) -> str:
        """Name of an agent; the rows of a talk without a queue have his interface."""
        return next((name for name, own in self.interfaces.items() if own == agent), agent)

    def _interface(self, agent: str) -> str:
        return self.interfaces.get(agent, agent)

    # -- talks ------------------------------------------------------------------------------

    def _talk(self, visit: QueueVisit, stay: Stay, talk: Talk) -> None:
        """A talk that was not seen whole, and the offer that led to it."""
        segment = self._segment_of(visit, talk)
        if segment is not None and seen_whole(segment):
            self._not_lost(visit, segment)
            return
        answered_at = better(
            segment.answered_at if segment else visit.answered_at, talk.answered_at
        )
        answered_at = max(answered_at, visit.joined_at)
        if not stay.direct and (segment is None or self._is(segment, talk.agent)):
            self._answered_offer(visit, talk, answered_at)
        if segment is None:
            segment = self._new_segment(visit, talk, answered_at)
        known, seen = segment.ended_by is not None, segment.ended_by not in (None, "lost")
        told_end = talk.ended_at or self._untold(stay, segment.ended_at, seen=seen)
        ended_at = max(better(segment.ended_at, told_end, seen=seen), answered_at)
        ended_by = talk.ended_by or segment.ended_by or "lost"
        if segment.ended_by == "transfer" and ended_by == "agent":
            ended_by = "transfer"  # Asterisk writes COMPLETEAGENT for some transfers
        changed = self._put(
            "segment",
            self.segments,
            replace(
                segment,
                offered_at=min(segment.offered_at, answered_at),
                answered_at=answered_at,
                ended_at=ended_at,
                ended_by=ended_by,
                inferred=True,
            ),
        )
        if changed and ended_by != segment.ended_by:
            key = self._corrected(known, f"completed:{segment.ordinal}")
            self.tell(key, "completed", ended_at, agent=segment.member_name, by=ended_by)

    def _talk_of_callback(self, visit: QueueVisit, stay: Stay, talk: Talk) -> None:
        """The talk of a callback begins when the customer answers; until then a phone rings."""
        if talk.customer_at is not None:
            self._talk(visit, stay, replace_talk(talk, answered_at=talk.customer_at))
        elif not self.segments:
            self._answered_offer(visit, talk, talk.ended_at or self._end())

    def _segment_of(self, visit: QueueVisit, talk: Talk) -> Segment | None:
        """The stored segment of that talk.

        It may be another agent's: queue_log names the member who was called, also when somebody
        else picked the call up. Ours stays.
        """
        of_visit = [one for one in self.segments.values() if one.visit == visit.ordinal]
        for segment in of_visit:
            if self._is(segment, talk.agent):
                return segment
        for segment in of_visit:
            if segment.inferred and abs(segment.answered_at - talk.answered_at) <= SAME:
                return segment
        return None

    def _new_segment(self, visit: QueueVisit, talk: Talk, answered_at: datetime) -> Segment:
        segment = Segment(
            interaction_id=self.row.id,
            ordinal=max(self.segments, default=0) + 1,
            version=0,
            visit=visit.ordinal,
            node=self.row.node,
            interface=self._interface(talk.agent),
            member_name=self._name(talk.agent),
            channel="",
            agent_channel="",
            offered_at=min(max(talk.offered_at, visit.joined_at), answered_at),
            answered_at=answered_at,
            wrap_up_seconds=self.wrap_up(visit.queue),
            inferred=True,
        )
        self._put("segment", self.segments, segment)
        self.tell(
            f"answered:{segment.ordinal}",
            "answered",
            answered_at,
            queue=visit.queue,
            agent=segment.member_name,
            interface=segment.interface,
        )
        return self.segments[segment.ordinal]

    def _answered_offer(self, visit: QueueVisit, talk: Talk, answered_at: datetime) -> None:
        of_visit = [one for one in self.offers.values() if one.visit == visit.ordinal]
        if any(one.outcome == "answered" for one in of_visit):
            return
        offer = self._offer_of(visit, talk.agent, talk.offered_at, answered_at)
        if offer is None or offer.outcome == "ring_no_answer":
            offer = self._new_offer(visit, talk.agent, min(talk.offered_at, answered_at))
        self.used.add(("offer", offer.ordinal))
        ended_at = max(answered_at, offer.offered_at)
        self._put("offer", self.offers, replace(offer, ended_at=ended_at, outcome="answered"))

    def _not_lost(self, visit: QueueVisit, segment: Segment) -> None:
        """The offer of a talk that one leader saw whole, which a later one had given up before
        it knew of the talk."""
        of_visit = [one for one in self.offers.values() if one.visit == visit.ordinal]
        last = max(of_visit, key=lambda one: one.offered_at, default=None)
        if last is None or last.outcome != "lost" or last.interface != segment.interface:
            return
        self.used.add(("offer", last.ordinal))
        ended_at = max(segment.answered_at, last.offered_at)
        self._put("offer", self.offers, replace(last, ended_at=ended_at, outcome="answered"))

    # -- the whole --------------------------------------------------------------------------

    def _end(self) -> datetime:
        """When a thing ended whose end nobody tells."""
        return max(self.told.last_at, self.told.died_at or self.told.last_at)

    def _may_end(self, at: datetime) -> bool:
        """Whether it can have ended then, by the rows. The start of an Asterisk is rounded down."""
        reborn_at = self.told.reborn_at
        return self.told.last_at <= at and (reborn_at is None or at < reborn_at + SECOND)

    def _untold(self, stay: Stay, ours: datetime | None, *, seen: bool) -> datetime:
        """The end of a part of a stay that queue_log does not tell: ours, where that can be.

        Asterisk's end cut off the last stay. A conclusion of ours may be too late: that of a leader
        who found the call left open when Asterisk had been started anew already.
        """
        if ours is None:
            return self._end()
        cut = self.told.died_at is not None and stay is self.told.stays[-1]
        return ours if seen or not cut or self._may_end(ours) else self._end()

    def _close_the_rest(self) -> None:
        """What is open though the call is over."""
        for visit in list(self.visits.values()):
            if visit.outcome is None:
                at = max(self._end(), visit.joined_at)
                new = replace(visit, left_at=at, outcome="lost", inferred=True)
                self._put("visit", self.visits, new)
        for offer in list(self.offers.values()):
            if offer.outcome is None:
                left = [self.visits[offer.visit].left_at] if offer.visit in self.visits else []
                at = next((one for one in left if one is not None), self._end())
                new_offer = replace(offer, ended_at=max(at, offer.offered_at), outcome="lost")
                self._put("offer", self.offers, new_offer)
        for segment in list(self.segments.values()):
            if segment.ended_at is None:
                at = max(self._end(), segment.answered_at)
                new_segment = replace(segment, ended_at=at, ended_by="lost", inferred=True)
                self._put("segment", self.segments, new_segment)

    def _interaction(self) -> None:
        """State, end and outcome of the whole."""
        row = self.row
        ended_at = row.ended_at
        if ended_at is None or (row.inferred and not self._may_end(ended_at)):
            ends = [*(visit.left_at for visit in self.visits.values())]
            ends += [segment.ended_at for segment in self.segments.values()]
            ended_at = max(self._end(), row.started_at, *(at for at in ends if at is not None))
        outcome = row.outcome
        if outcome in (None, "lost") or self.changed:
            outcome = self._outcome()
        new = replace(
            row,
            state="ended",
            ended_at=ended_at,
            outcome=outcome,
            inferred=row.inferred or bool(self.changed) or ended_at != row.ended_at,
        )
        if new == row:
            return
        self.version += 1
        self.row = replace(new, version=self.version)
        self.changed["interaction", 0] = self.row
        key = self._corrected(row.ended_at is not None, "ended")
        self.tell(key, "ended", ended_at, outcome=outcome)

    def _outcome(self) -> Outcome:
        if self.segments:
            return "answered"
        last = max(self.visits.values(), key=lambda one: one.joined_at, default=None)
        outcome = last.outcome if last is not None else None
        if self.row.channel == "callback":
            return callback_outcome(outcome)
        return outcome or "lost"
