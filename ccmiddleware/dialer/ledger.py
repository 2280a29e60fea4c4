"""Answers and drops of one campaign by day, as far as its law counts them. Pure.

Begun from the database, kept up to date by the attempts that end here, and read anew now and then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.budget import DayCount, Decision, decide
from ccmiddleware.dialer.profiles import Profile


@dataclass(frozen=True)
class Day:
    """What is over of one day: attempts, those that a person answered, those of them dropped.

    Without machines that agents found, once they have said so.
    ``false_positives``: persons who were taken for machines, as estimated from the sample that
    agents heard; not among the others.
    """

    day: date
    attempts: int
    live: int
    drops: int
    false_positives: float = 0.0


class Ledger:
    """``began``: the campaign's first day. Days are those of ``zone``."""

    def __init__(self, began: date, zone: ZoneInfo) -> None:
        self.began = began
        self.zone = zone
        self._days: dict[date, Day] = {}

    def read(self, days: Iterable[Day]) -> None:
        """What the database has of these days; of others, what was known stays."""
        self._days.update((day.day, day) for day in days)

    def add(self, ended: Ended, claimed_at: datetime) -> None:
        """An attempt ended; it counts for the day of its claim."""
        day = claimed_at.astimezone(self.zone).date()
        known = self._days.get(day, Day(day, 0, 0, 0))
        self._days[day] = replace(
            known,
            attempts=known.attempts + 1,
            live=known.live + int(ended.live),
            drops=known.drops + int(ended.live and ended.dropped),
        )

    def decision(self, profile: Profile, now: datetime, leads_left: int = 0) -> Decision:
        """How the campaign may go on. Half of the answers that its leads promise are counted on."""
        attempts = sum(day.attempts for day in self._days.values())
        live = sum(day.live for day in self._days.values())
        rate = live / attempts if attempts else 0.0
        return decide(
            profile,
            self.began,
            now.astimezone(self.zone).date(),
            [
                DayCount(day.day, day.live, day.drops, day.false_positives)
                for day in self._days.values()
            ],
            expected_answers=int(0.5 * rate * leads_left),
        )
