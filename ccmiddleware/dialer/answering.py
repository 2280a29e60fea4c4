"""How probable it is that *this* lead is answered by a person now, learned from our own attempts.

A logistic regression, updated attempt by attempt: each sign of a lead (its area, the hour, what
came of the last attempt, …) has a weight, kept as a mean and a variance. The variance makes it
regularised (an unseen sign is worth nothing), fast (rare signs move far, frequent ones little)
and honest (chances of little-known leads are drawn towards the middle). Old experience fades,
as variances slowly grow again.

Pure: no clock, no database. One attempt costs some microseconds, and a hundred thousand leads are
judged at once (`AnswerModel.scores`) in some milliseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_MEAN = 0.25
BIAS_VARIANCE = 0.25
SIGN_VARIANCE = 0.2
FADING = 2e-5
"""By how much variances grow with each attempt, as a share."""
MOST_SIGNS = 50_000
UNKNOWN = 0
"""The number of a sign that was never learned from: it has weight 0."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a lead before it is dialed, in the called party's own time."""

    hour: int
    weekday: int
    """0 is Monday."""
    number_type: str = ""
    """mobile, fixed, …"""
    area: str = ""
    """Area code, postal region: whatever groups leads."""
    attempts: int = 0
    """Earlier attempts at this lead."""
    last_result: str = ""
    """What came of the last one."""

    def signs(self) -> tuple[str, ...]:
        """The signs that have weights. Numbers are grouped, so that each is seen often."""
        part_of_week = "weekend" if self.weekday >= 5 else "weekday"
        return (
            f"hour={self.hour},{part_of_week}",
            f"weekday={self.weekday}",
            f"type={self.number_type}",
            f"type={self.number_type},hour={self.hour // 3}",
            f"area={self.area}",
            f"attempts={min(self.attempts, 6)}",
            f"last={self.last_result}",
        )


class AnswerModel:
    """Weights of signs. Signs are texts, or their numbers where many leads are judged at once."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._mean = np.zeros(64)
        self._variance = np.full(64, SIGN_VARIANCE)
        self._bias = log(PRIOR_MEAN / (1 - PRIOR_MEAN))
        self._bias_variance = BIAS_VARIANCE
        self.attempts = 0
        """Attempts learned from."""

    def numbers(self, signs: Iterable[str]) -> list[int]:
        """The numbers of signs; new signs get one, while there is room."""
        return [self._number_of(sign) for sign in signs]

    def _number_of(self, sign: str) -> int:
        number = self._number.get(sign)
        if number is None:
            if len(self._number) >= MOST_SIGNS:
                return UNKNOWN
            number = len(self._number) + 1
            self._number[sign] = number
            if number >= self._mean.size:
                more = self._mean.size
                self._mean = np.concatenate((self._mean, np.zeros(more)))
                self._variance = np.concatenate((self._variance, np.full(more, SIGN_VARIANCE)))
        return number

    def probability(self, signs: Iterable[str]) -> float:
        """P(a person answers) for a lead with these signs."""
        numbers = [self._number.get(sign, UNKNOWN) for sign in signs]
        return float(self.probabilities(np.array([numbers], dtype=np.int64))[0])

    def probabilities(self, numbers: Ints) -> Floats:
        """The same for many leads: [leads, signs] -> [leads]."""
        mean, variance = self._sums(numbers)
        chances: Floats = 1.0 / (1.0 + np.exp(-mean / np.sqrt(1.0 + pi / 8.0 * variance)))
        return chances

    def scores(self, numbers: Ints, curiosity: float = 0.0) -> Floats:
        """What to sort leads by: the higher, the better; with a bonus for what is little known."""
        mean, variance = self._sums(numbers)
        scores: Floats = mean + curiosity * np.sqrt(variance)
        return scores

    def _sums(self, numbers: Ints) -> tuple[Floats, Floats]:
        mean = self._bias + self._mean[numbers].sum(axis=1)
        return mean, self._bias_variance + self._variance[numbers].sum(axis=1)

    def learn(self, signs: Iterable[str], answered: bool) -> None:
        """An attempt at a lead with these signs ended."""
        self.learn_numbers(self.numbers(signs), answered)

    def learn_numbers(self, numbers: Sequence[int], answered: bool) -> None:
        """The same, by the numbers of the signs."""
        known = [number for number in dict.fromkeys(numbers) if number != UNKNOWN]
        mean = self._bias + sum(float(self._mean[number]) for number in known)
        spread = self._bias_variance + sum(float(self._variance[number]) for number in known)
        mean = min(max(mean, -12.0), 12.0)
        chance = 1.0 / (1.0 + exp(-mean / sqrt(1.0 + pi / 8.0 * spread)))
        slope = chance * (1.0 - chance)
        step = 1.0 / (1.0 + slope * spread)
        error = (float(answered) - chance) * step
        for number in known:
            variance = float(self._variance[number])
            self._mean[number] += variance * error
            less = variance - variance * variance * slope * step
            self._variance[number] = min(less * (1.0 + FADING), SIGN_VARIANCE)
        variance = self._bias_variance
        self._bias += variance * error
        less = variance - variance * variance * slope * step
        self._bias_variance = min(less * (1.0 + FADING), BIAS_VARIANCE)
        self.attempts += 1

    def export(self) -> dict[str, Any]:
        """What was learned, for JSON."""
        signs = {
            sign: [round(float(self._mean[at]), 5), round(float(self._variance[at]), 6)]
            for sign, at in self._number.items()
        }
        bias = [self._bias, self._bias_variance]
        return {"version": 1, "attempts": self.attempts, "bias": bias, "signs": signs}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "AnswerModel":
        """A model with what ``export`` gave; ValueError if that can't be used."""
        model = cls()
        try:
            model.attempts = int(state["attempts"])
            model._bias, model._bias_variance = (_finite(value) for value in state["bias"])
            for sign, (mean, variance) in state["signs"].items():
                at = model._number_of(str(sign))
                if at != UNKNOWN:
                    model._mean[at] = _finite(mean)
                    model._variance[at] = min(max(_finite(variance), 1e-6), SIGN_VARIANCE)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no exported model of answers: {error}") from error
        return model


def _finite(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number
