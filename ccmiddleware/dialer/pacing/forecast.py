"""How probable it is that one more call would meet nobody, and how many calls a bound allows.

Horizons are ages at which answers come, each for an equal share of them. At each of them: the
answers of calls in flight until then and the agents who become free until then (plus patience)
are sums of independent events with different probabilities. The next call is abandoned if, when
it is answered, the answers reach the idle agents and those who became free.

The distribution of the difference is computed exactly (by convolution) when few take part, else
by a normal approximation with a correction for skewness.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXACT_UP_TO = 64
"""Agents and calls in flight together, up to which the distribution is exact."""
STEP = 24
"""New calls that are looked at together."""
MOST_NEW = 2000

_GRID = np.linspace(-8.0, 8.0, 3201)


def _normal_table() -> tuple[Floats, Floats]:
    from math import erf, sqrt

    below = np.array([(1 + erf(x / sqrt(2))) / 2 for x in _GRID])
    density = np.exp(-_GRID * _GRID / 2) / np.sqrt(2 * np.pi)
    return below, (1 - _GRID * _GRID) * density / 6


_BELOW, _SKEWED = _normal_table()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What may happen, for each scenario of the answer rate (rows) and horizon (columns)."""

    free: int
    """Idle agents less waiting calls; may be negative."""
    freed: Floats
    """[agents, horizons]: P(becomes free in time)."""
    answering: Floats
    """[scenarios, calls in flight, horizons]: P(answered until then)."""
    weights: Floats
    """[scenarios]: how much each counts. A last one with weight 0 is only guarded against."""
    chances: Callable[[int, int], Floats]
    """(first, last) new calls -> [scenarios, new calls, horizons]: P(answered until then)."""
    guard: float
    """The bound for the last scenario where its weight is 0."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many new calls are allowed, and what the next one would risk."""

    calls: int
    risk: float
    """P(the last allowed call meets nobody); of the first one when none is allowed."""
    next_risk: float
    """P(one call more meets nobody)."""
    exact: bool
    guarded: bool
    """The guard against recovery held, not the bound."""


def allowed(outlook: Outlook, bound: float, most: int) -> Allowed:
    """The largest number of new calls of which each keeps the bound; at most ``most``."""
    scenarios = outlook.weights.size
    few = outlook.freed.shape[0] + outlook.answering.shape[1] <= EXACT_UP_TO
    if few:
        # Far above the bound nothing has to be exact.
        rough = float(outlook.weights @ _Normal(outlook).risks(0, 1)[:, 0])
        if rough > max(4 * bound, bound + 0.2):
            return Allowed(0, rough, rough, False, False)
    risks = (_Exact(outlook) if few else _Normal(outlook)).risks
    guarding = outlook.weights[-1] == 0.0 and scenarios > 1
    last, calls = 1.0, 0
    most = min(most, MOST_NEW)
    while True:
        step = min(4 if few else STEP, most - calls)
        block = risks(calls, calls + max(step, 1))
        mixed = outlook.weights @ block
        over = mixed > bound
        guarded = over & False
        if guarding:
            guarded = ~over & (block[-1] > outlook.guard)
        stop = np.flatnonzero(over | guarded)
        if stop.size or step <= 0:
            first = int(stop[0]) if stop.size else 0
            first = min(first, max(step, 0))
            risk = last if first == 0 and calls else float(mixed[max(first - 1, 0)])
            return Allowed(
                calls + first, risk, float(mixed[first]), few, bool(stop.size and guarded[first])
            )
        last = float(mixed[-1])
        calls += step


class _Normal:
    """Tails of the difference by its first three cumulants."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._cumulants = _cumulants(outlook.answering)
        for mine, freed, sign in zip(
            self._cumulants, _cumulants(outlook.freed[None]), (-1, 1, -1), strict=True
        ):
            mine += sign * freed

    def risks(self, first: int, last: int) -> Floats:
        """[scenarios, last - first]: P(the call after so many new ones meets nobody)."""
        chances = self._outlook.chances(first, last)
        moments = [chances, chances * (1 - chances)]
        moments.append(moments[1] * (1 - 2 * chances))
        sums = [
            own[:, None, :] + np.cumsum(moment, axis=1) - moment
            for own, moment in zip(self._cumulants, moments, strict=True)
        ]
        self._cumulants = tuple(
            own + np.add.reduce(moment, axis=1)
            for own, moment in zip(self._cumulants, moments, strict=True)
        )
        mean, variance, third = sums
        deviation = np.sqrt(np.maximum(variance, 1e-9))
        at = np.minimum(np.maximum((self._outlook.free - 0.5 - mean) / deviation, -7.9), 7.9)
        index = ((at + 8.0) * 200.0 + 0.5).astype(np.int64)
        below = _BELOW[index] + third / deviation**3 * _SKEWED[index]
        each = np.minimum(np.maximum(1.0 - below, 0.0), 1.0)
        risks: Floats = np.add.reduce(each, axis=2) / each.shape[2]
        return risks


def _cumulants(chances: Floats) -> tuple[Floats, ...]:
    variances = chances * (1 - chances)
    thirds = variances * (1 - 2 * chances)
    return tuple(np.add.reduce(values, axis=1) for values in (chances, variances, thirds))


class _Exact:
    """The distribution itself: agents still busy plus answers, one event after the other."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        scenarios, _, horizons = outlook.answering.shape
        agents = outlook.freed.shape[0]
        self._width = max(outlook.free + agents, 0)
        self._table = np.zeros((max(self._width, 1), scenarios, horizons))
        self._table[0] = 1.0
        self._from, self._to = self._table[:-1], self._table[1:]
        self._moved = np.empty_like(self._from)
        busy = 1.0 - outlook.freed
        for chance, other in zip(busy, 1.0 - busy, strict=True):
            self._add(chance, other)
        calls = outlook.answering.transpose(1, 0, 2)
        for chance, other in zip(calls, 1.0 - calls, strict=True):
            self._add(chance, other)

    def _add(self, chance: Floats, other: Floats) -> None:
        # What passes the last row has met nobody, and falls out: it need not be told apart.
        np.multiply(self._from, chance, out=self._moved)
        np.multiply(self._table, other, out=self._table)
        np.add(self._to, self._moved, out=self._to)

    def risks(self, first: int, last: int) -> Floats:
        """As of ``_Normal``; calls must be asked for in order."""
        chances = self._outlook.chances(first, last)
        if self._width == 0:
            return np.ones((self._table.shape[1], last - first))
        found: Floats = np.empty((self._table.shape[1], last - first))
        horizons = self._table.shape[2]
        others = 1.0 - chances
        for new in range(last - first):
            meets = np.add.reduce(np.add.reduce(self._table, axis=0), axis=1) / horizons
            found[:, new] = 1.0 - meets
            self._add(chances[:, new], others[:, new])
        return found
