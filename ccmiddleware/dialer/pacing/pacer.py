"""The pacer: told what happens, asked how many calls to dial. See the package for its interface."""

from collections.abc import Sequence
from math import ceil
from operator import itemgetter
from typing import Any

import numpy as np

from ccmiddleware.dialer.pacing.decision import Decision, HeldBy
from ccmiddleware.dialer.pacing.estimators import (
    HALF_SECONDS,
    LONGEST_RING,
    LONGEST_STAY,
    MOST_LIKELY,
    Floats,
    chances_to_be_free,
)
from ccmiddleware.dialer.pacing.floor import Doing
from ccmiddleware.dialer.pacing.forecast import Allowed, Outlook, allowed
from ccmiddleware.dialer.pacing.observing import FAULTS, Observer
from ccmiddleware.dialer.pacing.settings import PacingSettings

HORIZONS = 9
FIRST_MINUTES = 300.0
GUARD = 0.5
"""The risk that is borne if the answer rate returned to the usual one at once."""
OUTAGE = 1.6
"""So much above the present rate, the usual one is guarded against. Less is drift."""
LAST_CALLS = 30.0
"""Seconds before a known end from which on only idle agents count."""


class Pacer(Observer):
    """Paces the calls of one campaign; all of its interface is described in the package."""

    def __init__(self, settings: PacingSettings | None = None) -> None:
        super().__init__(settings)
        self._held_back = False
        self._counts = self._agents.counts()
        self._followed: float | None = None
        self._horizons = self._rings.horizons(HORIZONS)
        self._from_talk = self._from_wrap = np.zeros((LONGEST_STAY, HORIZONS))

    # -- deciding ---------------------------------------------------------------------------

    def decide(self, now: float, candidates: Sequence[float] | None = None) -> Decision:
        """How many calls to dial now; see the package."""
        try:
            now = self._clock(now)
            return self._decide(now, candidates)
        except FAULTS:
            self.faults += 1
            self._unlearn()
            return self._without_forecast(candidates)

    def _decide(self, now: float, candidates: Sequence[float] | None) -> Decision:
        self._sweep(now)
        self._counts = self._agents.counts()
        ages, expected = self._calls.flying(now)
        at_age = np.minimum(ages * HALF_SECONDS, HALF_SECONDS * LONGEST_RING).astype(np.int64)
        self._rate.estimate(expected, self._rings.answered_by[at_age], self._rings.ended_by[at_age])
        if expected.size and self._followed is not None:
            self._rate.follow(min(max(now - self._followed, 0.0), 10.0))
        self._followed = now
        self._rebuild(now)
        bound = self._budget.bound(
            len(self._agents), held_back=self._held_back, now=now, ends=self._ends
        )
        held = self._unpredicted(now, bound)
        outlook, found = None, None
        if held is None:
            outlook = self._outlook(now, at_age, expected, candidates)
            found = allowed(outlook, bound, self._room(candidates)[0])
            held = "recovery guard" if found.guarded else "bound"
        return self._limited(now, candidates, held, bound, outlook, found)

    def _unpredicted(self, now: float, bound: float) -> HeldBy | None:
        """Why nothing beyond the idle agents may be dialed, if so."""
        if not self.settings.predictive:
            return "switched off"
        if now < self._unsure_until:
            return "clock"
        if self._ends is not None and now >= self._ends - LAST_CALLS:
            return "end of the shift"
        if bound <= 0.0:
            return "budget used up" if self._budget.abandoned > 0 else "cold start"
        return None

    def _limited(
        self,
        now: float,
        candidates: Sequence[float] | None,
        held: HeldBy,
        bound: float,
        outlook: Outlook | None,
        found: Allowed | None,
    ) -> Decision:
        wanted = max(found.calls if found else 0, self._for_idle_agents(now))
        if found and wanted > found.calls:
            held = "idle agents"
        room, narrow = self._room(candidates)
        if wanted >= room:
            wanted, held = room, narrow
        if self._present() == 0:
            wanted, held = 0, "nobody there"
        if self._ends is not None and now >= self._ends - self._longest_ring():
            wanted, held = 0, "end of the shift"
        self._held_back = held not in ("bound", "idle agents")
        return self._decision(now, wanted, held, bound if found else 0.0, outlook, found)

    def _for_idle_agents(self, now: float) -> int:
        """Progressive: one call for each idle agent; some fewer while the limit is exceeded."""
        idle = self._agents.idle(now)
        spare = ceil(0.1 * idle) if self._budget.slack < -1.0 and idle > 1 else 0
        return max(idle - spare - len(self._calls.waiting) - self._calls.in_flight, 0)

    def _present(self) -> int:
        counts = self._counts
        return counts["idle"] + counts["talking"] + counts["wrapping"] - counts["leaving"]

    def _room(self, candidates: Sequence[float] | None) -> tuple[int, HeldBy]:
        """The most new calls that lines and leads leave room for, and which of these is least."""
        present, flying = max(self._present(), 0), self._calls.in_flight
        usual = max(self._rate.factor_usual * self._rate.given, 0.01)
        for_agents = ceil(min(max(1.1 / usual, 1.0), self.settings.max_lines_per_agent) * present)
        rooms: list[tuple[int, HeldBy]] = [(for_agents - flying, "lines per agent")]
        if self.settings.max_lines is not None:
            rooms.append((self.settings.max_lines - flying - len(self._calls.waiting), "lines"))
        if self.settings.max_new_calls is not None:
            rooms.append((self.settings.max_new_calls, "calls per decision"))
        if candidates is not None:
            rooms.append((len(candidates), "no leads"))
        room, narrow = min(rooms, key=itemgetter(0))
        return max(room, 0), narrow

    def _longest_ring(self) -> float:
        return float(np.searchsorted(self._rings.answered_by, 0.95)) / HALF_SECONDS

    # -- the forecast -----------------------------------------------------------------------

    def _outlook(
        self, now: float, at_age: Any, expected: Floats, candidates: Sequence[float] | None
    ) -> Outlook:
        rate = self._rate
        spread = 1.732 * min(rate.deviation, rate.factor)
        factors = [rate.factor, max(rate.factor - spread, 0.1 * rate.factor), rate.factor + spread]
        weights = [2 / 3, 1 / 6, 1 / 6]
        if rate.factor_usual > OUTAGE * rate.factor:
            factors.append(rate.factor_usual)
            weights.append(0.0)
        by_factor = np.array(factors)[:, None]
        soon = self._rings.answered_by[self._horizons]

        def chances(first: int, last: int) -> Floats:
            given = self._candidates(candidates, first, last)
            likely = np.minimum(by_factor * given, MOST_LIKELY)
            new: Floats = likely[:, :, None] * soon
            return new

        return Outlook(
            free=self._agents.idle(now) - len(self._calls.waiting),
            freed=self._freed(now),
            answering=self._answering(by_factor, at_age, expected),
            weights=np.array(weights),
            chances=chances,
            guard=GUARD,
        )

    def _freed(self, now: float) -> Floats:
        """[busy agents, horizons]: P(free in time)."""
        parts = []
        for doing, table in ((Doing.TALKING, self._from_talk), (Doing.WRAPPING, self._from_wrap)):
            ages = self._agents.ages(doing, now)
            ages = ages[ages < self.settings.forget_agent_after]
            parts.append(table[np.minimum(ages, LONGEST_STAY - 1).astype(np.int64)])
        freed: Floats = np.concatenate(parts)
        return freed

    def _answering(self, factors: Floats, at_age: Any, expected: Floats) -> Floats:
        """[scenarios, calls in flight, horizons]: P(answered by a person until then)."""
        by, ended = self._rings.answered_by, self._rings.ended_by
        likely = np.minimum(factors * expected, MOST_LIKELY)
        late = by[at_age]
        still = likely * (1.0 - late) + (1.0 - likely) * (1.0 - ended[at_age]) + 1e-9
        until = by[at_age[:, None] + self._horizons] - late[:, None]
        answering: Floats = (likely / still)[:, :, None] * until
        return np.minimum(np.maximum(answering, 0.0), 1.0)

    def _candidates(self, candidates: Sequence[float] | None, first: int, last: int) -> Floats:
        if candidates is None:
            return np.full(last - first, self.settings.first_answer_probability)
        given = [self._given(value) for value in candidates[first:last]]
        given += [self.settings.first_answer_probability] * (last - first - len(given))
        return np.array(given)

    def _rebuild(self, now: float) -> None:
        young = self._started is not None and now - self._started < FIRST_MINUTES
        if now - self._rebuilt < (10.0 if young else 60.0):
            return
        self._rebuilt = now
        self._rings.rebuild()
        self._horizons = self._rings.horizons(HORIZONS)
        self._talks.rebuild(self._agents.ages(Doing.TALKING, now))
        self._wraps.rebuild(self._agents.ages(Doing.WRAPPING, now))
        ahead = self._horizons / HALF_SECONDS + self.settings.patience
        self._from_talk, self._from_wrap = chances_to_be_free(
            self._talks, self._wraps, self._share_wrapping, ahead.tolist()
        )

    # -- telling ----------------------------------------------------------------------------

    def _decision(
        self,
        now: float,
        calls: int,
        held: HeldBy,
        bound: float,
        outlook: Outlook | None,
        found: Allowed | None,
    ) -> Decision:
        rate, budget, counts = self._rate, self._budget, self._counts
        first, middle = self.settings.first_answer_probability, HORIZONS // 2
        return Decision(
            at=now,
            calls=calls,
            held_by=held,
            in_flight=self._calls.in_flight,
            waiting=len(self._calls.waiting),
            answer_probability=min(rate.factor * first, MOST_LIKELY),
            answer_deviation=rate.deviation * first,
            usual_answer_probability=min(rate.factor_usual * first, MOST_LIKELY),
            mean_talk=self._talks.mean,
            mean_wrap=self._wraps.mean * self._share_wrapping,
            soon=float(self._horizons[middle]) / HALF_SECONDS,
            answers_soon=float(outlook.answering[0, :, middle].sum()) if outlook else 0.0,
            free_soon=float(outlook.freed[:, middle].sum()) if outlook else 0.0,
            bound=bound,
            risk=found.risk if found else 0.0,
            next_risk=found.next_risk if found else 0.0,
            answers=budget.answers,
            abandoned=budget.abandoned,
            slack=budget.slack,
            limit=budget.limit,
            method="none" if found is None else "exact" if found.exact else "normal",
            **counts,
        )

    def _without_forecast(self, candidates: Sequence[float] | None) -> Decision:
        """What is left when something failed: a call for each idle agent."""
        now = self._decided if self._decided is not None else 0.0
        calls = self._for_idle_agents(now)
        if isinstance(candidates, Sequence):
            calls = min(calls, len(candidates))
        if self.settings.max_lines is not None:
            calls = min(calls, max(self.settings.max_lines - self._calls.in_flight, 0))
        if self.settings.max_new_calls is not None:
            calls = min(calls, self.settings.max_new_calls)
        counts = self._agents.counts()
        return Decision(
            at=now, calls=calls, held_by="fault", **counts,
            in_flight=self._calls.in_flight, waiting=len(self._calls.waiting),
            answer_probability=0.0, answer_deviation=0.0, usual_answer_probability=0.0,
            mean_talk=0.0, mean_wrap=0.0, soon=0.0, answers_soon=0.0, free_soon=0.0,
            bound=0.0, risk=0.0, next_risk=0.0, answers=self._budget.answers,
            abandoned=self._budget.abandoned, slack=self._budget.slack,
            limit=self._budget.limit, method="none",
        )  # fmt: skip
