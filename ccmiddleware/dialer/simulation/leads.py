"""The leads of a simulated campaign: all alike, or each with a chance of its own."""

from dataclasses import dataclass
from functools import cache
from math import erf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ccmiddleware.dialer.answering import AnswerModel
from ccmiddleware.dialer.simulation.draws import Draws, Fate, LeadDraws
from ccmiddleware.dialer.simulation.workloads import Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead: what it will do, how probably it answers, and what the dialer believes of that."""

    number: int
    draws: LeadDraws
    answer_probability: float
    believed: float | None = None


class LeadsInOrder:
    """Leads that are all alike, dialed one after the other."""

    def __init__(self, workload: Workload, draws: Draws) -> None:
        self._workload = workload
        self._draws = draws
        self._next = 0

    def ahead(self, count: int, now: float) -> list[float] | None:
        """The believed chances of the next leads; None when nothing is known of them."""
        return None

    def peek(self, after: int, now: float) -> Lead:
        """The lead that comes after so many others, as it would be if dialed now."""
        draws = self._draws.lead(self._next + after)
        return Lead(self._next + after, draws, self._workload.answer_probability(now))

    def take(self, now: float) -> Lead:
        """The next lead, dialed now."""
        lead = self.peek(0, now)
        self._next += 1
        return lead

    def result(self, lead: Lead, fate: Fate, now: float) -> None:
        """What came of a call."""


Knowing = Literal["nothing", "forecast", "choice"]
"""What learned chances are used for: nothing; the forecast; also the choice of whom to dial."""


class DifferingLeads(LeadsInOrder):
    """A list of leads whose chances differ, of which half the variance can be learned.

    Chances are Beta with mean 0.25 and standard deviation 0.15. A lead's area, number type, earlier
    attempts and last result each add to a normal score; the score and noise together make
    the chance (a Gaussian copula), with just so much noise that the best prediction
    from the signs has half the variance of the chances. Each lead is dialed once.
    """

    AREAS, TYPES, ATTEMPTS, RESULTS = 60, 4, 5, 4
    SHARES = (0.5, 0.25, 0.1, 0.15)
    """Of each kind of sign in the variance of the score."""
    SORT_EVERY = 30.0
    CURIOSITY = 1.0

    def __init__(self, workload: Workload, draws: Draws, seed: int, knowing: Knowing) -> None:
        super().__init__(workload, draws)
        self._knowing = knowing
        self._model = AnswerModel()
        rng = np.random.default_rng([seed, 3])
        size = workload.leads
        numbers_of: list[Ints] = []
        values: list[Ints] = []
        score = np.zeros(size)
        for kind, (count, share) in enumerate(
            zip((self.AREAS, self.TYPES, self.ATTEMPTS, self.RESULTS), self.SHARES, strict=True)
        ):
            effects = rng.standard_normal(count)
            effects = (effects - effects.mean()) / max(float(effects.std()), 1e-9)
            drawn = rng.integers(0, count, size)
            score += sqrt(share) * effects[drawn]
            numbers = np.array(
                self._model.numbers(f"{kind}={value}" for value in range(count)), dtype=np.int64
            )
            numbers_of.append(numbers)
            values.append(drawn)
        self._signs: Ints = np.stack(
            [numbers[drawn] for numbers, drawn in zip(numbers_of, values, strict=True)], axis=1
        )
        ranks = np.empty(size)
        ranks[np.argsort(score, kind="stable")] = (np.arange(size) + 0.5) / size
        known = _normal_quantile(ranks)
        weight = visible_weight()
        noise = rng.standard_normal(size)
        self.chances: Floats = _chances(sqrt(weight) * known + sqrt(1 - weight) * noise)
        self._order: list[int] = []
        self._beliefs: list[float] = []
        self._at = 0
        self._sorted = -np.inf
        self._taken_of_kind: list[tuple[int, int]] = []
        # Leads with the same signs are alike to the dialer: it chooses among these kinds.
        shape = (self.AREAS, self.TYPES, self.ATTEMPTS, self.RESULTS)
        kind_of = np.ravel_multi_index(tuple(values), shape)
        kinds = np.unravel_index(np.arange(np.prod(shape)), shape)
        self._kinds: Ints = np.stack(
            [numbers[values] for numbers, values in zip(numbers_of, kinds, strict=True)], axis=1
        )
        self._by_kind: Ints = np.argsort(kind_of, kind="stable")
        ends = np.cumsum(np.bincount(kind_of, minlength=len(self._kinds)))
        self._end_of_kind: list[int] = ends.tolist()
        self._next_of_kind: list[int] = [0, *self._end_of_kind[:-1]]

    def ahead(self, count: int, now: float) -> list[float] | None:
        if self._knowing == "nothing":
            return None
        self._sort(now)
        return self._beliefs[self._at : self._at + count]

    def _sort(self, now: float) -> None:
        """Put the leads that come next into order: as they stand, or the best ones first."""
        if now - self._sorted < self.SORT_EVERY and self._at + 100 < len(self._order):
            return
        self._sorted = now
        if self._knowing == "forecast":
            first = self._next
            self._order = [number % self.chances.size for number in range(first, first + 2000)]
        else:
            self._give_back()
            self._order = self._best(2000)
        self._at = 0
        order: Ints = np.array(self._order, dtype=np.int64)
        self._beliefs = self._model.probabilities(self._signs[order]).tolist()

    def _give_back(self) -> None:
        """Leads that were put into order and not dialed are there to be chosen again."""
        for kind, count in self._taken_of_kind:
            dialed = min(count, self._at)
            self._at -= dialed
            self._next_of_kind[kind] -= count - dialed
        self._taken_of_kind = []

    def _best(self, count: int) -> list[int]:
        scores = self._model.scores(self._kinds, self.CURIOSITY)
        best: list[int] = []
        for kind in np.argsort(-scores, kind="stable").tolist():
            first, end = self._next_of_kind[kind], self._end_of_kind[kind]
            taken = min(end - first, count - len(best))
            best += self._by_kind[first : first + taken].tolist()
            self._next_of_kind[kind] += taken
            self._taken_of_kind.append((kind, taken))
            if len(best) == count:
                break
        return best

    def peek(self, after: int, now: float) -> Lead:
        draws = self._draws.lead(self._next + after)
        if self._knowing == "nothing":
            number = (self._next + after) % self.chances.size
            return Lead(number, draws, float(self.chances[number]))
        self._sort(now)
        at = self._at + after
        number = self._order[at]
        return Lead(number, draws, float(self.chances[number]), self._beliefs[at])

    def take(self, now: float) -> Lead:
        lead = self.peek(0, now)
        self._next += 1
        self._at += self._knowing != "nothing"
        return lead

    def result(self, lead: Lead, fate: Fate, now: float) -> None:
        if self._knowing != "nothing":
            self._model.learn_numbers(
                self._signs[lead.number].tolist(), fate in ("person", "leaked machine")
            )


MEAN, DEVIATION = 0.25, 0.15
_PLACES = np.linspace(-6.0, 6.0, 2401)


@cache
def _beta_table() -> Floats:
    """The chance for each place of a standard normal variable (its quantile transformation)."""
    total = MEAN * (1 - MEAN) / DEVIATION**2 - 1
    a, b = MEAN * total, (1 - MEAN) * total
    x = np.linspace(0.0, 1.0, 20001)
    middle = (x[1:] + x[:-1]) / 2
    below = np.concatenate(([0.0], np.cumsum(middle ** (a - 1) * (1 - middle) ** (b - 1))))
    below /= below[-1]
    table: Floats = np.interp(_normal_below(_PLACES), below, x)
    return table


def _normal_below(x: Floats) -> Floats:
    return np.array([(1 + erf(value / sqrt(2))) / 2 for value in x])


def _normal_quantile(shares: Floats) -> Floats:
    quantile: Floats = np.interp(shares, _normal_below(_PLACES), _PLACES)
    return quantile


def _chances(places: Floats) -> Floats:
    chances: Floats = np.interp(places, _PLACES, _beta_table())
    return chances


@cache
def visible_weight() -> float:
    """The share of the score in the latent variable with which half the variance is visible."""
    places = np.linspace(-5.0, 5.0, 401)
    density = np.exp(-places * places / 2)
    density /= density.sum()
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        weight = (low + high) / 2
        latent = sqrt(weight) * places[:, None] + sqrt(1 - weight) * places
        predicted = _chances(latent.ravel()).reshape(latent.shape) @ density
        visible = float(density @ (predicted - MEAN) ** 2)
        low, high = (weight, high) if visible < 0.5 * DEVIATION**2 else (low, weight)
    return low
