"""A workload that is like a real campaign: from what was measured of its calls. Pure.

What was not measured stays as in the reference workload: how long machines ring, and that none of
them is given to agents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ccmiddleware.dialer.simulation.workloads import HOUR, Workload

FEWEST_ATTEMPTS, FEWEST_ANSWERS, FEWEST_TALKS = 300, 50, 30
"""With less history chance would be simulated. 50 answers tell their rate within a seventh."""

FEWEST_OF_AN_HOUR = 50
"""Attempts of an hour below which the rate of the whole day is taken for it."""

LEAST_SECONDS, LEAST_CV = 0.1, 0.05
MOST_CV = 3.0


class TooLittle(ValueError):
    """There is not enough history; the text says what there is and what is needed."""


@dataclass(frozen=True)
class Rates:
    """How often people answer, by hours since the begin of a shift; then from the first again."""

    by_hour: tuple[float, ...]

    def __call__(self, t: float) -> float:
        """The rate at that many seconds since the begin."""
        return self.by_hour[int(t // HOUR) % len(self.by_hour)]


@dataclass(frozen=True)
class Measured:
    """A campaign as it can be simulated. ``first_hour`` is that of its own zone."""

    workload: Workload
    first_hour: int
    agents: int
    attempts: int
    talks: int

    @property
    def hours(self) -> int:
        """How long it dials in a day."""
        rates = self.workload.answer_probability
        return len(rates.by_hour) if isinstance(rates, Rates) else 0


def measured(
    name: str, figures: Mapping[str, Any], hours: Sequence[Mapping[str, Any]], patience: float
) -> Measured:
    """A campaign from its figures (``campaign_measures.sql``, ``campaign_hours.sql``).

    Raises TooLittle.
    """
    _enough(name, figures)
    attempts = figures["attempts"]
    first, rates = _rates(hours, figures["live"] / attempts)
    ring = max(float(figures["ring_mean"]), 1.0)
    talk = max(float(figures["talk_mean"]), LEAST_SECONDS)
    wrap = max(float(figures["wrap_mean"]), LEAST_SECONDS)
    workload = Workload(
        name,
        Rates(rates),
        ring_mean=ring,
        ring_cv=_cv(figures["ring_deviation"], ring),
        ring_longest=max(float(figures["no_answer_mean"] or 0.0), 1.5 * ring, 15.0),
        machine=figures["machines"] / attempts,
        machine_leak=0.0,
        failed=figures["failed"] / attempts,
        long_talk=talk,
        share_short=0.0,
        talk_cv=_cv(figures["talk_deviation"], talk),
        wrap_mean=wrap,
        wrap_cv=_cv(figures["wrap_deviation"], wrap),
        patience=patience,
    )
    return Measured(workload, first, max(ceil(figures["agents"]), 1), attempts, figures["talks"])


def _enough(name: str, figures: Mapping[str, Any]) -> None:
    needed = (
        ("attempts", FEWEST_ATTEMPTS, "attempts that are over"),
        ("live", FEWEST_ANSWERS, "calls that people answered"),
        ("talks", FEWEST_TALKS, "talks with agents"),
    )
    short = [
        f"{figures[key]} of the {least} {what} that are needed"
        for key, least, what in needed
        if figures[key] < least
    ]
    if short:
        raise TooLittle(f"{name} has too little history to be simulated: {', '.join(short)}")


def _rates(hours: Sequence[Mapping[str, Any]], usual: float) -> tuple[int, tuple[float, ...]]:
    """The first hour of a day's dialing, and the rates from then on.

    A day of a campaign may go over midnight of its zone: it begins behind the longest pause.
    """
    counts = {row["hour"]: (row["attempts"], row["live"]) for row in hours}

    def pause_before(hour: int) -> int:
        return next((back for back in range(24) if (hour - back - 1) % 24 in counts), 24)

    first = max(sorted(counts), key=pause_before)
    length = 24 - pause_before(first)
    rates = []
    for hour in range(first, first + length):
        attempts, live = counts.get(hour % 24, (0, 0))
        rates.append(live / attempts if attempts >= FEWEST_OF_AN_HOUR else usual)
    return first, tuple(rates)


def _cv(deviation: Any, mean: float) -> float:
    return min(max(float(deviation or 0.0) / mean, LEAST_CV), MOST_CV)
