"""The ledger of drops: the share of answered calls that was dropped, and what follows of it. Pure.

A law counts over the whole of a short campaign, or over each successive period of so many days from
its first one; or each day by itself, from midnight to midnight. Calls that were taken for machines
though a person answered (false positives) are drops too: the person heard nothing.

Three ways to go on: as the campaign is set; *progressive only*, where nobody is dialed ahead of an
agent, so that the share falls with each answer; and *stop*, where only preview is left, when drops
go on past the limit all the same. One period knows nothing of the one before.
"""

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from ccmiddleware.dialer.profiles import Profile, Terms


class GoOn(enum.Enum):
    """How a campaign may dial, from free to not at all."""

    NORMAL = "normal"
    PROGRESSIVE = "progressive"
    STOP = "stop"


@dataclass(frozen=True)
class DayCount:
    """What one day of a campaign brought; days are those of the campaign's time zone.

    ``live``: calls that a person answered, those dropped among them, and without those in which the
    agent found a machine. ``false_positives``: persons
    who were taken for machines, as counted or estimated from samples; not among the other two.
    """

    day: date
    live: int
    drops: int
    false_positives: float = 0.0


@dataclass(frozen=True)
class Period:
    """One stretch over which the law counts. ``last`` may lie ahead."""

    first: date
    last: date
    live: float
    drops: float
    false_positives: float = 0.0
    """Estimated ones, in both numbers."""

    @property
    def share(self) -> float:
        """Share of the answered calls that was dropped; 0 before the first answer."""
        return self.drops / self.live if self.live else 0.0


@dataclass(frozen=True)
class Decision:
    """How the campaign may go on, why, and until when that can only change by calls."""

    go_on: GoOn
    period: Period
    reason: str
    rule: str
    answers_needed: int = 0
    """How many answers without a drop bring the share back to where dialing is free."""


def periods(terms: Terms, began: date, today: date, counts: Iterable[DayCount]) -> list[Period]:
    """All periods of a campaign from its first day to the present one, in order.

    A day before ``began`` is taken for the first one, so that nothing is left out. Raises
    ValueError for counts that can't be.
    """
    days = list(counts)
    for each in days:
        if each.live < 0 or not 0 <= each.drops <= each.live or each.false_positives < 0:
            raise ValueError(f"{each.day}: {each.drops} drops of {each.live} answered calls")
    began = min([began, today, *(each.day for each in days)])
    length = terms.period_days.value
    number = max([today, *(each.day for each in days)]) - began
    live = [0.0] * (number.days // length + 1)
    drops, unheard = list(live), list(live)
    for each in days:
        index = (each.day - began).days // length
        live[index] += each.live + each.false_positives
        drops[index] += each.drops + each.false_positives
        unheard[index] += each.false_positives
    return [
        Period(
            began + timedelta(days=index * length),
            began + timedelta(days=(index + 1) * length - 1),
            live[index],
            drops[index],
            unheard[index],
        )
        for index in range(len(live))
    ]


def decide(
    profile: Profile,
    began: date,
    today: date,
    counts: Iterable[DayCount],
    *,
    expected_answers: int = 0,
) -> Decision:
    """How a campaign may go on today. Raises ValueError for counts that can't be.

    ``expected_answers``: how many more are sure to come in this period. Only with them a young
    period is judged as if it had ``first_answers`` already; else its first drop is too much.
    """
    terms = profile.terms
    found = periods(terms, began, today, counts)
    present = next(each for each in found if each.first <= today <= each.last)
    limit, free = terms.limit.value, terms.limit.value * terms.progressive_at.value
    judged = max(present.live, min(terms.first_answers.value, present.live + expected_answers))
    said = _said(present, terms)
    if present.drops > limit * present.live + terms.stop_drops.value:
        return Decision(
            GoOn.STOP,
            present,
            f"{said}: that is more than {terms.stop_drops.value} drops above the limit, so only "
            f"preview is left until {present.last} ends",
            f"{terms.limit.source}; {terms.stop_drops.source}",
            _needed(present, free),
        )
    if limit == 0 or (present.drops > 0 and present.drops >= free * judged):
        needed = _needed(present, free)
        until = f"until there are {needed:,} answers without a drop" if needed else "for now"
        return Decision(
            GoOn.PROGRESSIVE,
            present,
            f"{said}: from {terms.progressive_at.value:.0%} of the limit on nobody is dialed ahead "
            f"of an agent, {until}",
            f"{terms.limit.source}; {terms.progressive_at.source}",
            needed,
        )
    return Decision(GoOn.NORMAL, present, said, terms.limit.source)


def drops_left(terms: Terms, period: Period) -> float:
    """How many drops the limit leaves at this number of answers; less than none when passed."""
    return terms.limit.value * period.live - period.drops


def _needed(period: Period, free: float) -> int:
    """Answers without a drop until drops are below that share; 0 where no number of them helps."""
    if free <= 0:
        return 0
    return max(0, math.floor(period.drops / free - period.live) + 1)


def _said(period: Period, terms: Terms) -> str:
    one = period.first == period.last
    over = f"on {period.first}" if one else f"from {period.first} to {period.last}"
    if not period.live:
        return f"no call was answered {over}"
    taken = f" (by estimate {period.false_positives:,.1f} persons taken for machines among them)"
    return (
        f"{period.drops:,.6g} of {period.live:,.6g} answered calls were dropped {over}"
        f"{taken if period.false_positives else ''}, "
        f"{period.share:.2%} of at most {terms.limit.value:.2%}"
    )
