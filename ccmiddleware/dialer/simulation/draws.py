"""Random numbers of a shift, drawn in blocks: what each lead and each talk will be like.

They depend on the seed and the order of leads and talks only, so that policies are compared on
the same leads.
"""

from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ccmiddleware.dialer.simulation.workloads import Workload

Floats = NDArray[np.float64]
BLOCK = 4096

Fate = Literal["person", "leaked machine", "machine", "failed", "no answer"]

MACHINE_RING, MACHINE_ANALYSIS = 17.0, 2.5


def lognormal(rng: np.random.Generator, mean: float, cv: float, size: int) -> Floats:
    """Lognormal numbers of this mean and coefficient of variation."""
    variance = log(1 + cv * cv)
    drawn: Floats = rng.lognormal(log(mean) - variance / 2, sqrt(variance), size)
    return drawn


def ring_times(rng: np.random.Generator, workload: Workload, size: int) -> Floats:
    """Lognormal, those above the longest drawn anew."""
    rings = lognormal(rng, workload.ring_mean, workload.ring_cv, size)
    while (late := rings > workload.ring_longest).any():
        rings[late] = lognormal(rng, workload.ring_mean, workload.ring_cv, int(late.sum()))
    return rings


@dataclass(frozen=True, slots=True)
class LeadDraws:
    """What one lead will do, if dialed."""

    luck: float
    ring: float
    leak: float

    def fate(self, answer_probability: float, workload: Workload) -> tuple[Fate, float]:
        """What comes of a call, and after how many seconds."""
        over = self.luck - answer_probability
        if over < 0:
            return "person", self.ring
        if over < workload.machine:
            at = MACHINE_RING + MACHINE_ANALYSIS
            return ("leaked machine" if self.leak < workload.machine_leak else "machine"), at
        if over < workload.machine + workload.failed:
            return "failed", 1.0 + 2.0 * self.leak
        return "no answer", workload.ring_longest


class Draws:
    """Blocks of random numbers, made when they are needed."""

    def __init__(self, workload: Workload, seed: int) -> None:
        self._workload = workload
        self._leads = np.random.default_rng([seed, 1])
        self._talks = np.random.default_rng([seed, 2])
        self._lead_blocks: dict[int, list[LeadDraws]] = {}
        self._made = 0
        self._lengths: list[tuple[float, float]] = []

    def lead(self, number: int) -> LeadDraws:
        """The lead with this number (0, 1, …); numbers may be asked for in any order nearby."""
        block, at = divmod(number, BLOCK)
        while block >= self._made:
            self._lead_blocks[self._made] = self._lead_block()
            self._lead_blocks.pop(self._made - 3, None)
            self._made += 1
        return self._lead_blocks[block][at]

    def _lead_block(self) -> list[LeadDraws]:
        luck = self._leads.random(BLOCK).tolist()
        rings = ring_times(self._leads, self._workload, BLOCK).tolist()
        leaks = self._leads.random(BLOCK).tolist()
        return [LeadDraws(*each) for each in zip(luck, rings, leaks, strict=True)]

    def talk(self) -> tuple[float, float]:
        """Talk and wrap-up of the next conversation."""
        if not self._lengths:
            self._lengths = self._talk_block()
        return self._lengths.pop()

    def _talk_block(self) -> list[tuple[float, float]]:
        load = self._workload
        rng = self._talks
        short = rng.random(BLOCK) < load.share_short
        talks = np.where(
            short,
            lognormal(rng, load.short_talk, load.talk_cv, BLOCK),
            lognormal(rng, load.long_talk, load.talk_cv, BLOCK),
        )
        wraps = lognormal(rng, load.wrap_mean, load.wrap_cv, BLOCK)
        return list(zip(talks.tolist(), wraps.tolist(), strict=True))
