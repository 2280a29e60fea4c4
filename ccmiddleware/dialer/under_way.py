"""The attempts that are under way: what was told of each, and when it is over. Pure.

Whoever dials tells what Asterisk said (its answer to Originate, OriginateResponse, steps of the
dialplan, hangups), in whatever order and however often; what is new for the pacing, and what has
ended, is told back. Nothing here knows a clock, a link or a database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.steps import LIMIT, Kind, Outcome, Response, Step, fold

SETTLE = timedelta(seconds=2)
"""After a first sign that a call is over its last steps may still be on their way."""

LONGEST_RING = timedelta(minutes=3)
"""An attempt of which nothing was heard for so long is asked about."""

What = Literal["answered", "machine", "connected", "abandoned", "ended"]


@dataclass(frozen=True)
class News:
    """What the pacing is to know of an attempt. ``agent``: the interface, of connected."""

    what: What
    attempt: UUID
    agent: str = ""


@dataclass
class Attempt:
    """One attempt. ``claimed_at`` is when its lead was claimed."""

    claimed: Claimed
    claimed_at: datetime
    detects: bool = False
    """Whether machines are detected: then a person is told of when that is decided."""
    dialed_at: datetime | None = None
    steps: set[Step] = field(default_factory=set)
    response: Response | None = None
    cause: int | None = None
    over_since: datetime | None = None
    heard_at: datetime | None = None
    told: set[What] = field(default_factory=set)
    note: str = ""


class UnderWay:
    """The attempts of one campaign. ``limit``: within which an agent must be there."""

    def __init__(self, limit: timedelta = LIMIT) -> None:
        self.limit = limit
        self.attempts: dict[UUID, Attempt] = {}

    def coming(self) -> list[Attempt]:
        """Those that ring, or were answered and wait: each may want an agent."""
        settled = {"machine", "connected", "abandoned", "ended"}
        return [known for known in self.attempts.values() if known.told.isdisjoint(settled)]

    def begin(self, claimed: Claimed, now: datetime, *, detects: bool = False) -> None:
        """A lead was claimed; from now on there is something to be ended."""
        self.attempts[claimed.attempt] = Attempt(claimed, now, detects, heard_at=now)

    def dialed(self, attempt: UUID, at: datetime) -> None:
        """Asterisk took the order."""
        known = self.attempts.get(attempt)
        if known is not None and known.dialed_at is None:
            known.dialed_at = known.heard_at = at

    def refused(self, attempt: UUID, at: datetime, why: str) -> list[News]:
        """Asterisk refused the order: nobody was dialled."""
        known = self.attempts.get(attempt)
        if known is None:
            return []
        known.response, known.note = Response(success=False), why
        return self._heard(attempt, known, at)

    def responded(self, attempt: UUID, response: Response, at: datetime) -> list[News]:
        """OriginateResponse."""
        known = self.attempts.get(attempt)
        if known is None:
            return []
        known.response = response
        return self._heard(attempt, known, at)

    def step(self, step: Step, at: datetime) -> list[News]:
        """A step of the dialplan, from an event or from queue_log."""
        known = self.attempts.get(step.attempt)
        if known is None or step in known.steps:
            return []
        known.steps.add(step)
        return self._heard(step.attempt, known, at)

    def hung_up(self, attempt: UUID, cause: int, at: datetime) -> list[News]:
        """The channel is gone."""
        known = self.attempts.get(attempt)
        if known is None:
            return []
        known.cause = cause
        return self._heard(attempt, known, at)

    def lost(self, attempt: UUID, at: datetime, why: str) -> list[News]:
        """Asterisk has no such channel, and what became of it was not told."""
        known = self.attempts.get(attempt)
        if known is None:
            return []
        known.note = known.note or why
        known.over_since = known.over_since or at - SETTLE
        return self._news(attempt, known, self._outcome(known))

    def over(self, now: datetime) -> list[Ended]:
        """What has ended and is settled; it is under way until ``forget``."""
        return [
            _ended(known, self._outcome(known), now)
            for known in self.attempts.values()
            if known.over_since is not None
            and (_is_told_whole(known) or now - known.over_since >= SETTLE)
        ]

    def forget(self, attempt: UUID) -> None:
        """Its end is written down."""
        self.attempts.pop(attempt, None)

    def silent(self, now: datetime) -> list[UUID]:
        """Attempts of which nothing was heard for long, and that met no agent: ask for them."""
        return [
            attempt
            for attempt, known in self.attempts.items()
            if known.over_since is None
            and now - (known.heard_at or known.claimed_at) > LONGEST_RING
            and not any(step.kind is Kind.CONNECTED for step in known.steps)
        ]

    def _outcome(self, known: Attempt) -> Outcome:
        return fold(known.steps, known.response, known.cause, self.limit)

    def _heard(self, attempt: UUID, known: Attempt, at: datetime) -> list[News]:
        known.heard_at = at
        outcome = self._outcome(known)
        if outcome.over and known.over_since is None:
            known.over_since = at
        return self._news(attempt, known, outcome)

    def _news(self, attempt: UUID, known: Attempt, outcome: Outcome) -> list[News]:
        news = [
            News(what, attempt, outcome.interface if what == "connected" else "")
            for what in _so_far(known, outcome)
            if what not in known.told
        ]
        known.told.update(one.what for one in news)
        return news


def _so_far(known: Attempt, outcome: Outcome) -> Iterable[What]:
    """All that the pacing is to know by now, in the order in which it happens."""
    kinds = {step.kind for step in known.steps}
    if Kind.MACHINE in kinds:
        yield "machine"
        return
    decided = not known.detects or not kinds.isdisjoint(
        (Kind.HUMAN, Kind.SAMPLED, Kind.QUEUED, Kind.CONNECTED, Kind.DROPPED)
    )
    answered = outcome.live and outcome.answered_at is not None and decided
    if answered:
        yield "answered"
    if Kind.CONNECTED in kinds:
        yield "connected"
    elif Kind.DROPPED in kinds:
        yield "abandoned"
    elif known.over_since is not None:
        yield "ended"


def _is_told_whole(known: Attempt) -> bool:
    """Whether nothing more can be told: the last step is there, or nobody was dialled."""
    if any(step.kind is Kind.ENDED for step in known.steps):
        return True
    refused = known.response is not None and not known.response.success
    return refused and known.dialed_at is None


def _ended(known: Attempt, outcome: Outcome, now: datetime) -> Ended:
    claimed = known.claimed
    unseen = not outcome.over
    answered_at = outcome.answered_at or _first_sign(known, outcome)
    # Asterisk's clock may be behind ours; how long things took is right all the same.
    behind = max(known.claimed_at - answered_at, timedelta(0)) if answered_at else timedelta(0)

    def ours(at: datetime | None) -> datetime | None:
        return at + behind if at is not None else None

    return Ended(
        attempt=claimed.attempt,
        lead=claimed.lead,
        number=claimed.number,
        at=ours(outcome.ended_at) or known.over_since or now,
        result=outcome.result,
        cause=outcome.cause,
        dialed_at=known.dialed_at,
        answered_at=ours(answered_at),
        greeting_end_at=ours(outcome.greeting_end_at),
        connected_at=ours(outcome.connected_at),
        live=outcome.live,
        dropped=outcome.dropped,
        opted_out=outcome.opted_out,
        interface=outcome.interface,
        detected=outcome.detected,
        detection_ms=outcome.detection_ms,
        sampled=outcome.sampled,
        inferred=unseen,
        note=known.note,
    )


def _first_sign(known: Attempt, outcome: Outcome) -> datetime | None:
    """When it is first known that somebody had answered, where the answer itself was not told."""
    behind = [step.at for step in known.steps if step.kind not in (Kind.ENDED, Kind.FAILED)]
    return min(behind, default=None) if outcome.live else None
