"""What really happened in a simulated call, told by the one who made it happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class VisitTruth:
    queue: str
    joined_at: datetime
    left_at: datetime | None = None
    outcome: str = ""


@dataclass(slots=True)
class OfferTruth:
    interface: str
    visit: int
    offered_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""

    def end(self, outcome: str, at: datetime) -> None:
        if self.ended_at is None:
            self.ended_at, self.outcome = at, outcome


@dataclass(slots=True)
class TalkTruth:
    interface: str
    visit: int
    agent_channel: str
    offered_at: datetime
    answered_at: datetime
    by_queue: bool
    wrap_up: int = 0
    ended_at: datetime | None = None
    ended_by: str = ""
    hold_seconds: float = 0.0
    held_since: datetime | None = None

    def end(self, at: datetime) -> None:
        """Customer and agent are connected no more, or the queue said so: what came first."""
        if self.ended_at is None:
            self.ended_at = at
            self.unhold(at)

    def hold(self, at: datetime) -> None:
        self.held_since = at

    def unhold(self, at: datetime) -> None:
        if self.held_since is not None:
            self.hold_seconds += (at - self.held_since).total_seconds()
            self.held_since = None


@dataclass(slots=True)
class CallTruth:
    """One interaction as it was. ``way`` names what happened in it, for reading."""

    linkedid: str
    uniqueid: str
    direction: str
    caller_num: str
    did: str
    started_at: datetime
    begun_at: datetime
    """First event of any of its channels; ``over_at``: the last one."""
    ended_at: datetime | None = None
    over_at: datetime | None = None
    killed_at: datetime | None = None
    unanswered: str = ""
    way: list[str] = field(default_factory=list)
    visits: list[VisitTruth] = field(default_factory=list)
    offers: list[OfferTruth] = field(default_factory=list)
    talks: list[TalkTruth] = field(default_factory=list)
    counts: bool = True
    """False for calls that are nobody's contact: they must leave nothing behind."""
    seen: bool = False
    """Whether the product heard anything that must make it an interaction."""

    @property
    def outcome(self) -> str:
        if self.talks:
            return "answered"
        if self.visits:
            return self.visits[-1].outcome
        if self.unanswered:
            return self.unanswered
        gone = any(offer.outcome == "caller_gone" for offer in self.offers)
        return "abandoned" if gone else "not_answered"

    def answered_visit(self) -> int:
        """The last visit in which an agent answered; 0 for none."""
        answered = [n for n, visit in enumerate(self.visits, 1) if visit.outcome == "answered"]
        return answered[-1] if answered else 0
