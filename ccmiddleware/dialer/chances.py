"""How probable it is that the leads at hand are answered now, as one campaign has learned. Pure.

The model is ``answering``; here is what it is told of a lead, from when on it is believed, and what
it learns from each attempt that ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from ccmiddleware.dialer.answering import AnswerModel, Traits
from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.places import Place

LEARNED_FROM = 200
"""Attempts before which nothing is made of it: leads are called in their order until then."""

TELLS_NOTHING = ("unknown",)
"""Results from which nothing is learned."""


@dataclass(frozen=True)
class Lead:
    """A lead that may be called now. ``signs``: of the model; () where it is not asked."""

    id: int
    place: int
    number: str
    priority: int = 0
    chance: float | None = None
    """That a person answers; None: nothing is known."""
    signs: tuple[str, ...] = ()


class Chances:
    """What one campaign has learned about who answers when."""

    def __init__(self) -> None:
        self._model = AnswerModel()

    @property
    def known(self) -> bool:
        """Whether enough was learned to go by it."""
        return self._model.attempts >= LEARNED_FROM

    def rated(
        self, rows: Sequence[Mapping[str, Any]], places: Mapping[int, Place], now: datetime
    ) -> list[Lead]:
        """The leads of these rows, the best ones first; in their order while nothing is known."""
        leads = [
            Lead(
                row["lead"], row["place_id"], row["number"], row["priority"],
                signs=traits_of(row, places[row["place_id"]], now).signs(),
            )
            for row in rows
        ]  # fmt: skip
        if not leads or not self.known:
            return leads
        numbers = np.array([self._model.numbers(one.signs) for one in leads], dtype=np.int64)
        chances = self._model.probabilities(numbers)
        rated = [
            Lead(one.id, one.place, one.number, one.priority, float(chance), one.signs)
            for one, chance in zip(leads, chances, strict=True)
        ]
        # Stable: of the same priority and chance, whoever waits longest.
        rated.sort(key=lambda one: (-one.priority, -(one.chance or 0.0)))
        return rated

    def learn(self, claimed: Claimed, ended: Ended) -> None:
        """What came of an attempt."""
        if claimed.signs and ended.result not in TELLS_NOTHING:
            self._model.learn(claimed.signs, ended.live)

    def export(self) -> dict[str, Any] | None:
        """What was learned, for JSON; None: nothing yet."""
        return self._model.export() if self._model.attempts else None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``export`` gave. Raises ValueError when that can't be used."""
        self._model = AnswerModel.restored(state)


def traits_of(row: Mapping[str, Any], place: Place, now: datetime) -> Traits:
    """What is known of a lead, by the clock of the first zone in which it may be."""
    local = now.astimezone(ZoneInfo(place.zones[0]))
    return Traits(
        hour=local.hour,
        weekday=local.weekday(),
        number_type=row["kind"] or "",
        area=area_of(row["number"]),
        attempts=row["attempts"],
        last_result=row["last_result"] or "",
    )


def area_of(number: str) -> str:
    """The beginning of an E.164 number that stands for its area: +1 and three digits, else five."""
    return number[:5] if number.startswith("+1") else number[:6]
