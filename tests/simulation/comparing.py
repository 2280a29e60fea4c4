"""Compares what was stored of a call with what really happened in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from simulation.rows import Broken, Kept
from simulation.truth import CallTruth

from ccmiddleware.facts import AgentState


def compare_exactly(truth: CallTruth, kept: Kept | None) -> None:
    """All was seen: every row agrees in everything, and nothing was inferred."""
    if kept is None or kept.row is None:
        if truth.counts:
            raise Broken(f"lost: {truth}")
        return
    row = kept.row
    if not truth.counts:
        raise Broken(f"nobody's contact became an interaction: {truth}", row.id)
    told = {
        "interaction": (
            row.direction, row.outcome, row.caller_num, row.did, row.uniqueid, row.linkedid,
            row.started_at, row.ended_at, row.inferred, kept.inferred_events,
        ),
        "visits": [
            (v.queue, v.joined_at, v.left_at, v.outcome, v.inferred)
            for v in kept.visits.values()
        ],
        "offers": [
            (o.interface, o.visit, o.offered_at, o.ended_at, o.outcome)
            for o in kept.offers.values()
        ],
        "talks": [
            (s.interface, s.visit, s.agent_channel, s.offered_at, s.answered_at, s.ended_at,
             s.ended_by, round(s.hold_seconds, 3), s.wrap_up_seconds, s.inferred)
            for s in kept.segments.values()
        ],
    }  # fmt: skip
    real = {
        "interaction": (
            truth.direction, truth.outcome, truth.caller_num, truth.did, truth.uniqueid,
            truth.linkedid, truth.started_at, truth.ended_at, False, 0,
        ),
        "visits": [(v.queue, v.joined_at, v.left_at, v.outcome, False) for v in truth.visits],
        "offers": [
            (o.interface, o.visit, o.offered_at, o.ended_at, o.outcome) for o in truth.offers
        ],
        "talks": [
            (t.interface, t.visit, t.agent_channel, t.offered_at, t.answered_at, t.ended_at,
             t.ended_by, round(t.hold_seconds, 3), float(t.wrap_up), False)
            for t in truth.talks
        ],
    }  # fmt: skip
    for part, value in real.items():
        if told[part] != value:
            raise Broken(f"{part}:\n  told {told[part]}\n  real {value}\n  {truth.way}", row.id)


def compare_loosely(truth: CallTruth, kept: Kept | None) -> None:
    """Some of it went unseen: not lost, nothing double, and what is wrong is marked."""
    if kept is None or kept.row is None:
        if truth.seen:
            raise Broken(f"lost, though it was seen: {truth}")
        return
    row = kept.row
    if not truth.counts:
        raise Broken(f"nobody's contact became an interaction: {truth}", row.id)
    if row.ended_at is None:
        raise Broken("never ended", row.id)
    if truth.killed_at is None and row.outcome != truth.outcome and not row.inferred:
        raise Broken(f"{row.outcome} instead of {truth.outcome}, unmarked: {truth.way}", row.id)
    if len(kept.visits) > len(truth.visits):
        raise Broken(f"too many visits: {kept.visits} {truth.visits}", row.id)
    queued = sum(talk.by_queue for talk in truth.talks)
    answered = sum(visit.outcome == "answered" for visit in kept.visits.values())
    if answered > queued:
        raise Broken(f"too many answers: {kept.visits} {truth.talks}", row.id)
    if len(kept.segments) > len(truth.talks):
        raise Broken(f"too many talks: {kept.segments} {truth.talks}", row.id)
    _compare_visits(truth, kept)


def _compare_visits(truth: CallTruth, kept: Kept) -> None:
    """A visit that was seen to begin ended as it did, or is marked."""
    joins = {visit.joined_at: visit for visit in truth.visits}
    for visit in kept.visits.values():
        real = joins.get(visit.joined_at)
        if visit.outcome is None or visit.inferred or real is None or real.outcome == visit.outcome:
            continue
        if real.left_at is not None:
            raise Broken(f"{visit} instead of {real}, unmarked: {truth.way}")


STATES_SETTLE = timedelta(seconds=7)
"""States that lasted shorter are not compared.

When AgentComplete is told late, the talk ends when it did; what followed up to the moment when it
was told is taken to be what the agent was at that moment.
"""


def compare_states(
    interface: str,
    stood: list[tuple[datetime, str]],
    calls: Iterable[CallTruth],
    told: list[AgentState],
) -> int:
    """An agent's intervals against queues, phone and calls. Gives how many it compared."""
    changes = _changes(interface, calls)
    moments = sorted([*((at, 0, state) for at, state in stood), *changes], key=lambda one: one[0])
    starts = [state.started_at for state in told]
    count = {"offers": 0, "talks": 0}
    standing, wrap_until = "logged_out", None
    compared = 0
    for (at, step, what), (until, _, _) in pairwise(moments):
        if step == 0:
            standing = what
        elif what == "wrap":
            wrap_until = at + timedelta(seconds=step)
        else:
            count[what] += step
            if what == "talks" and step > 0:
                wrap_until = None
        since = at
        wraps = standing != "logged_out" and not any(count.values())
        if wraps and wrap_until is not None and wrap_until > at:
            since = min(until, wrap_until)
            compared += _same(told, starts, at, since, "wrap_up", interface)
        real = "talking" if count["talks"] else "ringing" if count["offers"] else standing
        compared += _same(told, starts, since, until, real, interface)
    return compared


def _changes(interface: str, calls: Iterable[CallTruth]) -> list[tuple[datetime, int, str]]:
    """When phones of the agent began and ended to ring, and talks; and wrap-ups in seconds."""
    changes: list[tuple[datetime, int, str]] = []
    for truth in calls:
        for offer in truth.offers:
            if offer.interface == interface and offer.ended_at is not None:
                changes += [(offer.offered_at, 1, "offers"), (offer.ended_at, -1, "offers")]
        for talk in truth.talks:
            if talk.interface == interface and talk.ended_at is not None:
                changes += [(talk.answered_at, 1, "talks"), (talk.ended_at, -1, "talks")]
                if talk.wrap_up:
                    changes.append((talk.ended_at, talk.wrap_up, "wrap"))
    return changes


def _same(
    told: list[AgentState],
    starts: list[datetime],
    since: datetime,
    until: datetime,
    real: str,
    interface: str,
) -> int:
    if until - since < STATES_SETTLE:
        return 0
    n = bisect_right(starts, until - timedelta(milliseconds=20)) - 1
    state = told[n].state if n >= 0 else "logged_out"
    if state != real:
        raise Broken(f"{interface} was {real} from {since} to {until}, and told to be {state}")
    return 1
