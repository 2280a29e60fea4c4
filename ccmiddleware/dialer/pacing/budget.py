"""How much risk the next call may take, from what was answered and abandoned in the window.

The law: of the people who answered, at most the limit (3 %) may have met nobody. So each answer
earns 0.03 of an abandonment and each abandonment spends one; what is left is the *slack*. The
*bound* is the largest probability to be abandoned with which one more call is still dialed. It is
steered so that the slack stays near a small reserve: slowly learned (integral) and at once
(proportional), both in the logarithm, so that it falls smoothly, without a cliff: a bound of a
thousandth still keeps a large team far busier than one call for each idle agent would. Below the
reserve it falls so steeply that the slack hardly ever reaches zero, whenever the shift may end.
"""

from collections.abc import Mapping
from math import exp, inf, isfinite, log, sqrt
from typing import Any

BUCKETS = 96
LEAST = -6.0
"""Pushed down so far, the bound is nothing."""
LOWEST, HIGHEST = log(0.02), log(20.0)
"""How far what is learned may move the bound from its first value."""
EARLY = 0.6
"""So much of the first abandonment may be owed where a known end leaves time to earn it."""
SURE = 0.8
"""The part of the answers expected until a known end that are counted on for that."""


def first_bound(agents: int) -> float:
    """A bound that leads to about 3 % for a team of this size, until a better one is learned."""
    return float(0.06 * max(agents, 1) ** -0.25)


class Budget:
    """Answers and abandonments in buckets of time, and the bound that follows from them."""

    def __init__(self, limit: float, window: float) -> None:
        self.limit = limit
        self._length = window / BUCKETS
        self._buckets: dict[int, list[float]] = {}
        self._oldest = 0
        self.answers = 0.0
        self.abandoned = 0.0
        self.level = 0.0
        """Learned: the logarithm of the bound over its first value."""
        self._push = 0.0
        self._held_back = False
        self._agents = 0
        self._to_come = inf

    def answered(self, now: float, *, abandoned: bool) -> None:
        """A live answer met an agent, or nobody."""
        self._add(now, 1.0, float(abandoned))
        gain = 0.005 / self._scale()
        error = min(max((self.slack - self.reserve) / self._scale(), -1.0), 1.0)
        if error < 0 or not self._held_back:
            self.level = min(max(self.level + gain * error, LOWEST), HIGHEST)

    def was_machine(self, now: float) -> None:
        """What was counted as a live answer, and met an agent, was a machine."""
        self._add(now, -1.0, 0.0)

    def take_back(self, now: float) -> None:
        """What was counted as abandoned met an agent after all."""
        self._add(now, 0.0, -1.0)

    def _add(self, now: float, answers: float, abandoned: float) -> None:
        bucket = self._buckets.setdefault(int(now // self._length), [0.0, 0.0])
        bucket[0] += answers
        bucket[1] += abandoned
        self.answers += answers
        self.abandoned += abandoned

    def forget(self, now: float) -> None:
        """Leave out what is older than the window."""
        oldest = int(now // self._length) - BUCKETS
        if oldest == self._oldest:
            return
        self._oldest = oldest
        old = [bucket for bucket in self._buckets if bucket < oldest]
        for bucket in old:
            del self._buckets[bucket]
        self.answers = max(sum(pair[0] for pair in self._buckets.values()), 0.0)
        self.abandoned = max(sum(pair[1] for pair in self._buckets.values()), 0.0)

    @property
    def slack(self) -> float:
        """Abandonments that the limit still allows."""
        return self.limit * self.answers - self.abandoned

    @property
    def reserve(self) -> float:
        """The slack to keep: for noise, and for agents who leave together at the end.

        Near a known end it shrinks to what the abandonments until then may differ by.
        """
        allowed = max(self.limit * self.answers, 0.0)
        least = (1.2 if self._to_come == inf else 0.8) + 0.02 * self._agents
        to_come = 0.6 * sqrt(self.limit * self._to_come)
        return least + min(0.25 * sqrt(allowed) + 0.02 * allowed, to_come)

    def _answers_until(self, now: float, ends: float | None) -> float:
        """Live answers expected until a known end; infinity where it is not known.

        An end is of no use if by then what counts now has left the window.
        """
        oldest = min(self._buckets, default=int(now // self._length)) * self._length
        if ends is None or ends - oldest > (BUCKETS + 1) * self._length:
            return inf
        return max(ends - now, 0.0) * self.answers / max(now - oldest, self._length)

    @property
    def _credit(self) -> float:
        """What may be owed for a while, since a known end is far enough to earn it again."""
        return 0.0 if self._to_come == inf else min(0.25 * self.limit * self._to_come, 3.0)

    def _scale(self) -> float:
        return 2.0 + 0.5 * sqrt(max(self.limit * self.answers, 0.0)) + self._credit

    def bound(
        self, agents: int, *, held_back: bool, now: float = 0.0, ends: float | None = None
    ) -> float:
        """The bound now; 0 before the limit allows a first abandonment, and when it is exceeded.

        Where the end is known, also 0 when one more abandonment could not be earned again until
        then; and the first one is risked a little before it is earned.

        ``held_back``: the last decisions were bounded by something else (lines, leads), so that
        a growing slack is no reason to learn a higher bound. ``ends``: when nobody will be there.
        """
        self._held_back = held_back
        self._agents = agents
        self._to_come = self._answers_until(now, ends)
        self._push = min((self.slack - self.reserve) / self._scale(), 1.0)
        brink = max(0.35 * self.reserve, 1.0)
        above = self.slack + self._credit
        if above < brink:
            self._push -= 3.0 * (1.0 - above / brink)
        earned = self.limit * self.answers + min(self._credit, EARLY)
        if earned < 1.0 or self._push <= LEAST:
            return 0.0
        if self.slack + SURE * self.limit * self._to_come < 1.0:
            return 0.0
        return min(0.5, first_bound(agents) * exp(self.level + self._push))

    def shift(self, by: float) -> None:
        """The clock jumped: move all times by so many seconds."""
        steps = round(by / self._length)
        self._buckets = {bucket + steps: pair for bucket, pair in self._buckets.items()}

    def export(self, now: float) -> dict[str, Any]:
        current = int(now // self._length)
        buckets = [
            [round((current - bucket) * self._length, 3), *pair]
            for bucket, pair in sorted(self._buckets.items())
        ]
        return {"level": self.level, "buckets": buckets}

    def restore(self, state: Mapping[str, Any], now: float, elapsed: float) -> None:
        """``elapsed``: seconds between export and now."""
        level = float(state["level"])
        buckets: dict[int, list[float]] = {}
        for age, answers, abandoned in state["buckets"]:
            numbers = (float(age), float(answers), float(abandoned))
            if not all(isfinite(number) for number in numbers):
                raise ValueError(f"no bucket of a budget: {numbers}")
            at = int((now - numbers[0] - elapsed) // self._length)
            pair = buckets.setdefault(at, [0.0, 0.0])
            pair[0] += numbers[1]
            pair[1] += numbers[2]
        self.level = min(max(level, LOWEST), HIGHEST)
        self._buckets = buckets
        self._oldest = int(now // self._length) - BUCKETS - 1
        self.forget(now)
