"""What is stored of a call, and how much of it was seen. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ccmiddleware.facts import Interaction, Offer, QueueVisit, Segment

EARLIER, LATER = timedelta(seconds=0.25), timedelta(seconds=2)
"""How much earlier and later than the row the same moment may stand with us, if we saw it."""

SECOND = timedelta(seconds=1)


@dataclass
class Stored:
    """What is stored of an interaction."""

    interaction: Interaction
    visits: list[QueueVisit] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    @property
    def uncertain(self) -> bool:
        """Whether any of it was concluded and not seen, or has not ended."""
        return (
            self.interaction.inferred
            or self.interaction.outcome in (None, "lost")
            or any(not seen_whole(visit) for visit in self.visits)
            or any(not seen_whole(segment) for segment in self.segments)
        )


def seen_whole(row: QueueVisit | Segment) -> bool:
    """Whether a row was observed from its begin to its end."""
    end = row.outcome if isinstance(row, QueueVisit) else row.ended_by
    return not row.inferred and end not in (None, "lost")


def better(ours: datetime | None, told: datetime, *, seen: bool = True) -> datetime:
    """Our time where it can be the told one, which is in whole seconds; else the told one.

    ``seen`` is False for a time of ours at which nothing more is known than that we looked.
    """
    if ours is None:
        return told
    fits = told - EARLIER <= ours <= told + LATER if seen else told <= ours < told + SECOND
    return ours if fits else told
