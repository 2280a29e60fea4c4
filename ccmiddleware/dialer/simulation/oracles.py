"""Pacing with knowledge that no dialer has: what that knowledge alone would be worth.

Each reveals one uncertainty to the rule of the pacer. They are reference points, not bounds.
"""

from typing import Any

import numpy as np

from ccmiddleware.dialer.pacing.estimators import (
    HALF_SECONDS,
    LONGEST_STAY,
    Floats,
    chances_to_be_free,
)
from ccmiddleware.dialer.pacing.floor import Doing
from ccmiddleware.dialer.simulation.policies import Ours
from ccmiddleware.dialer.simulation.shift import Shift


class KnowsAgents(Ours):
    """Knows when each busy agent will be free."""

    def calls(self, now: float, shift: Shift) -> int:
        self._shift_seen = shift
        return super().calls(now, shift)

    def _freed(self, now: float) -> Floats:
        ahead = self._horizons / HALF_SECONDS + self.settings.patience
        free_at = [
            agent.free_at
            for agent in self._shift_seen.agents
            if agent.here and not agent.idle and not agent.leaves
        ]
        known: Floats = (np.array(free_at)[:, None] <= now + ahead).astype(np.float64)
        return known.reshape(-1, ahead.size)


class KnowsCalls(Ours):
    """Knows which calls will be answered, and when; also of the leads that come next."""

    SECONDS = 25
    FARTHEST = 80
    """Differences between answers and idle agents that matter."""

    def calls(self, now: float, shift: Shift) -> int:
        self.shift_ends(shift.length)
        self.last = self.decide(now)  # keeps estimators and budget going
        bound = self.last.bound
        counts = self._agents.counts()
        present = counts["idle"] + counts["talking"] + counts["wrapping"]
        room = 4 * present - self._calls.in_flight
        if bound <= 0.0 or present == 0:
            return min(self._for_idle_agents(now), max(room, 0))
        free = self._agents.idle(now) - len(self._calls.waiting)
        below = self._few_free(now)
        answers = np.zeros(self.SECONDS, dtype=np.int64)
        for call in shift.calls.values():
            if call.fate in ("person", "leaked machine"):
                answers[self._second(call.comes_at - now) :] += 1
        dialed = 0
        while dialed < room:
            lead = shift.leads.peek(dialed, now)
            fate, after = lead.draws.fate(lead.answer_probability, shift.workload)
            if fate in ("person", "leaked machine"):
                second = self._second(after)
                excess = int(answers[second]) - free
                if excess >= 0 and below[min(excess, self.FARTHEST - 1), second] > bound:
                    break
                answers[second:] += 1
            dialed += 1
        return dialed

    def _second(self, after: float) -> int:
        return min(max(int(after), 0), self.SECONDS - 1)

    def _few_free(self, now: float) -> Floats:
        """[number, second]: P(at most so many agents become free within so many seconds)."""
        from_talk, from_wrap = self._tables(now)
        parts = [
            table[np.minimum(self._agents.ages(doing, now), LONGEST_STAY - 1).astype(np.int64)]
            for doing, table in ((Doing.TALKING, from_talk), (Doing.WRAPPING, from_wrap))
        ]
        spread = np.zeros((self.FARTHEST, self.SECONDS))
        spread[0] = 1.0
        for chance in np.concatenate(parts):
            moved = spread[:-1] * chance
            spread *= 1.0 - chance
            spread[1:] += moved
        summed: Floats = np.cumsum(spread, axis=0)
        return summed

    def _tables(self, now: float) -> tuple[Any, Any]:
        if getattr(self, "_tables_of", None) != self._rebuilt:
            self._tables_of = self._rebuilt
            ahead = np.arange(self.SECONDS) + self.settings.patience + 0.5
            self._known_tables = chances_to_be_free(
                self._talks, self._wraps, self._share_wrapping, ahead.tolist()
            )
        return self._known_tables
