"""What the pacer learns from what it sees: how often, how soon, and for how long.

Each estimator takes single observations, forgets old ones by count, and is exported as a few
numbers. None of them reads a clock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HALF_SECONDS = 2
LONGEST_RING = 150  # seconds
LONGEST_STAY = 3600  # seconds of a talk or a wrap-up that are told apart
CHANGED_UP, CHANGED_DOWN = 3.0, -3.5
"""Standard errors by which the fast rate differs after a sudden change."""
MOST_LIKELY = 0.97
"""No call is ever taken for surer than this to be answered."""


class RingTimes:
    """How old a call is when it is answered by a person, and when it ends in another way."""

    MEMORY = 1200.0

    def __init__(self) -> None:
        seconds = np.arange(LONGEST_RING) + 0.5
        spread = np.log(seconds / 10.7) / 0.47  # lognormal, mean 12 s
        prior = np.exp(-spread * spread / 2) / seconds
        self._answered: Floats = 30.0 * prior / prior.sum()
        self._other: Floats = np.zeros(LONGEST_RING)
        self._other[1:3] = 4.0
        self._other[20:26] = 22.0 / 6.0
        self.rebuild()

    def answered(self, age: float) -> None:
        """A call was answered by a person at this age."""
        self._count(self._answered, age)

    def ended(self, age: float) -> None:
        """A call ended without a person (or with a machine) at this age."""
        self._count(self._other, age)

    def _count(self, counts: Floats, age: float) -> None:
        counts[min(max(int(age), 0), LONGEST_RING - 1)] += 1.0

    def rebuild(self) -> None:
        """Forget, and tabulate anew: F (answered by age), G (ended otherwise by age), by 0.5 s."""
        for counts in (self._answered, self._other):
            total = counts.sum()
            if total > self.MEMORY:
                counts *= self.MEMORY / total
        self.answered_by = _by_half_seconds(self._answered)
        self.ended_by = _by_half_seconds(self._other)

    def horizons(self, count: int) -> Ints:
        """Ages in half seconds at which answers come, each standing for an equal share of them."""
        shares = (np.arange(count) + 0.5) / count
        return np.maximum(np.searchsorted(self.answered_by, shares), 1).astype(np.int64)

    def export(self) -> dict[str, Any]:
        return {"answered": _short(self._answered), "other": _short(self._other)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._answered = _long(state["answered"], LONGEST_RING)
        self._other = _long(state["other"], LONGEST_RING)
        self.rebuild()


def _by_half_seconds(counts: Floats) -> Floats:
    """Distribution function at 0, 0.5, 1, … seconds; twice as long as the counts, ending in 1."""
    whole = np.concatenate(([0.0], np.cumsum(counts) / counts.sum()))
    at = np.arange(2 * HALF_SECONDS * LONGEST_RING + 1) / HALF_SECONDS
    table: Floats = np.interp(at, np.arange(LONGEST_RING + 1), whole)
    return table


class Stays:
    """How long a talk or a wrap-up lasts, from those that ended and those still going on."""

    def __init__(self, mean: float, memory: float = 1500.0) -> None:
        self._ended: Floats = np.zeros(LONGEST_STAY)
        self._first_mean = mean
        self._memory = memory
        seconds = np.arange(LONGEST_STAY)
        reach = (1 + seconds // 12).astype(np.int64)
        self._low = np.maximum(seconds - reach, 0)
        self._high = np.minimum(seconds + reach + 1, LONGEST_STAY)
        self.mean = mean
        self.rebuild(np.empty(0))

    def ended(self, length: float) -> None:
        """One of this length is over."""
        self._ended[min(max(int(length), 0), LONGEST_STAY - 1)] += 1.0

    def rebuild(self, going_on: Floats) -> None:
        """Forget, and tabulate the chance to last longer than a = 0, 1, 2, … seconds.

        Hazards for each second: those that ended there, among those that got so far, smoothed
        over a window that widens with the age, on a weak exponential prior. Those still going
        on (their ages) count among those that got so far.
        """
        total = self._ended.sum()
        if total > self._memory:
            self._ended *= self._memory / total
        lasting = self._ended.copy()
        if going_on.size:
            ages = np.clip(going_on, 0, LONGEST_STAY - 1).astype(np.int64)
            lasting += np.bincount(ages, minlength=LONGEST_STAY)
        at_risk = np.cumsum(lasting[::-1])[::-1]
        ends = np.concatenate(([0.0], np.cumsum(self._ended)))
        risks = np.concatenate(([0.0], np.cumsum(at_risk)))
        pooled = (ends[-1] + 5.0) / (risks[-1] + 5.0 * self._first_mean)
        weight = 2.0 / pooled  # the prior is worth two ends
        hazard = (ends[self._high] - ends[self._low] + 2.0) / (
            risks[self._high] - risks[self._low] + weight
        )
        hazard = np.minimum(hazard, 0.95)
        self.survival: Floats = np.concatenate(([1.0], np.cumprod(1.0 - hazard)))
        self.mean = float(self.survival.sum())

    def export(self) -> list[list[float]]:
        return _short(self._ended)

    def restore(self, state: Any) -> None:
        self._ended = _long(state, LONGEST_STAY)
        self.rebuild(np.empty(0))


def chances_to_be_free(
    talks: Stays, wraps: Stays, share_wrapping: float, ahead: Sequence[float]
) -> tuple[Floats, Floats]:
    """For each age (rows, seconds) and each time ahead (columns, seconds): P(free by then).

    First for agents who talk (the wrap-up that follows is counted in), then for those who wrap up.
    """
    width = int(max(ahead)) + 3
    lasting = _padded(wraps.survival, 0, width + 1)
    wrapped_by = 1.0 - share_wrapping * (lasting[:-1] + lasting[1:]) / 2
    alive = np.maximum(talks.survival[:LONGEST_STAY], 1e-12)
    ending = -np.diff(_padded(talks.survival, 0, LONGEST_STAY + width + 1))
    talking = np.empty((LONGEST_STAY, len(ahead)))
    wrapping = np.empty((LONGEST_STAY, len(ahead)))
    left = np.maximum(wraps.survival[:LONGEST_STAY], 1e-12)
    for column, time in enumerate(ahead):
        first = int(time)
        part = time - first
        kernel = part * wrapped_by[: first + 1]
        kernel[1:] += (1 - part) * wrapped_by[:first]
        both = np.convolve(ending, kernel)
        talking[:, column] = _padded(both, first, LONGEST_STAY) / alive
        later = [_padded(wraps.survival, step, LONGEST_STAY) for step in (first, first + 1)]
        wrapping[:, column] = 1.0 - ((1 - part) * later[0] + part * later[1]) / left
    return np.clip(talking, 0.0, 1.0), np.clip(wrapping, 0.0, 1.0)


def _padded(values: Floats, start: int, length: int) -> Floats:
    """``length`` values from ``start`` on, the last repeated where there are no more."""
    part = values[start : start + length]
    return np.pad(part, (0, length - part.size), mode="edge") if part.size < length else part


class Rate:
    """Answers, and the answers that were to be expected, exponentially forgotten by attempts."""

    __slots__ = ("answers", "attempts", "expected")

    def __init__(self, answers: float, expected: float, attempts: float) -> None:
        self.answers = answers
        self.expected = expected
        self.attempts = attempts

    def observe(self, expected: float, answered: bool, memory: float) -> None:
        keep = 1.0 - 1.0 / memory
        self.answers = self.answers * keep + answered
        self.expected = self.expected * keep + expected
        self.attempts = self.attempts * keep + 1.0

    def copy(self) -> "Rate":
        return Rate(self.answers, self.expected, self.attempts)

    def values(self) -> list[float]:
        return [self.answers, self.expected, self.attempts]


class AnswerRate:
    """How much likelier calls are answered by people than was said of them (the *factor*).

    Every call comes with a probability, the settings' first guess if nothing is known of it. Kept
    are a *slow* rate, a *fast* one that replaces it when both differ too much (a sudden change),
    and a *usual* factor that follows slowly in time, against which recovery is guarded: in an
    outage many calls fail within minutes, so that memory by attempts would forget too soon.
    Calls in flight count with what can be concluded from their age (expectation maximisation):
    counting only finished ones would lag, and favour those that end quickly.
    """

    USUAL = 2700.0
    """Seconds over which the usual factor is a mean."""

    def __init__(self, first: float) -> None:
        self.first = first
        self.slow = Rate(10 * first, 10 * first, 10.0)
        self.fast = self.slow.copy()
        self.factor = self.factor_fast = self.factor_usual = 1.0
        self._followed = 0.0
        self.deviation = 0.5
        self.changes = 0

    def observe(self, expected: float, answered: bool, in_flight: int, agents: int) -> None:
        """An attempt ended: whether a person answered, and the probability that was given."""
        self.slow.observe(expected, answered, max(400.0, 6.0 * in_flight, 5.0 * agents))
        self.fast.observe(expected, answered, max(80.0, 1.0 * in_flight, 1.0 * agents))

    def take_back(self) -> None:
        """What was taken for an answer just now was a machine."""
        for rate in (self.slow, self.fast):
            rate.answers = max(rate.answers - 1.0, 0.0)

    def estimate(self, expected: Floats, answered_by: Floats, ended_by: Floats) -> None:
        """Conclude from rates and from calls in flight: given chances, F and G at their ages."""
        hoped = float(expected.sum())
        late, left = 1.0 - answered_by, 1.0 - ended_by
        self.factor = self._solve(self.slow, self.factor, expected, hoped, late, left)
        self.factor_fast = self._solve(self.fast, self.factor_fast, expected, hoped, late, left)
        flying = expected.size
        given = (self.fast.expected + hoped) / (self.fast.attempts + flying)
        chance = min(max(self.factor * given, 0.004), MOST_LIKELY)
        error = (chance * (1 - chance) / (self.fast.attempts + flying)) ** 0.5
        off = (self.factor_fast - self.factor) * given / error
        if off > CHANGED_UP or off < CHANGED_DOWN:
            self.slow = self.fast.copy()
            self.factor = self.factor_fast
            self.changes += 1
        counted = self.slow.attempts + flying
        self.deviation = self.factor * ((1 - chance) / (chance * counted)) ** 0.5

    def follow(self, seconds: float) -> None:
        """Calls were dialed for so many seconds more: let the usual factor follow."""
        self._followed = min(self._followed + seconds, self.USUAL)
        gain = seconds / max(self._followed, 60.0)
        self.factor_usual += (self.factor - self.factor_usual) * gain

    @property
    def given(self) -> float:
        """The mean of the probabilities that calls come with."""
        return self.fast.expected / max(self.fast.attempts, 1e-9)

    @staticmethod
    def _solve(
        rate: Rate, factor: float, expected: Floats, hoped: float, late: Floats, left: Floats
    ) -> float:
        """``hoped``: the sum of what is expected; ``late``, ``left``: 1 - F and 1 - G."""
        total = rate.expected + hoped
        if total <= 0:
            return factor
        factor = max(factor, 0.01)
        for _ in range(3):
            if expected.size:
                chance = np.minimum(factor * expected, MOST_LIKELY)
                yes = chance * late
                imputed = float(np.add.reduce(yes / (yes + (1.0 - chance) * left + 1e-12)))
            else:
                imputed = 0.0
            factor = min(max((rate.answers + imputed) / total, 0.004), 40.0)
        return factor

    def export(self) -> dict[str, Any]:
        usual = [self.factor_usual, self._followed]
        return {"slow": self.slow.values(), "fast": self.fast.values(), "usual": usual}

    def restore(self, state: Mapping[str, Any]) -> None:
        rates = []
        for name in ("slow", "fast"):
            answers, expected, attempts = (float(value) for value in state[name])
            if not (0 <= answers <= attempts < 1e12 and 0 < expected < 1e12):
                raise ValueError(f"no rate of answers: {state[name]!r}")
            rates.append(Rate(answers, expected, attempts))
        usual, followed = (float(value) for value in state["usual"])
        if not (0 < usual < 100 and 0 <= followed <= self.USUAL):
            raise ValueError(f"no usual rate of answers: {state['usual']!r}")
        self.slow, self.fast = rates
        self.factor_usual, self._followed = usual, followed


def _short(counts: Floats) -> list[list[float]]:
    """Only what is not zero: [[index, count], …]."""
    return [[int(at), round(float(counts[at]), 3)] for at in np.flatnonzero(counts > 5e-4)]


def _long(pairs: Any, length: int) -> Floats:
    counts = np.zeros(length)
    for at, count in pairs:
        if not 0 <= float(count) < 1e12:
            raise ValueError(f"no count: {count!r}")
        counts[min(max(int(at), 0), length - 1)] += float(count)
    if length == LONGEST_RING and counts.sum() <= 0:
        raise ValueError("no ring times")
    return counts
