"""Who is there and which calls are in flight: registers of agents and calls as dense arrays.

They hold what was told, however oddly: unknown ids are made known, doubled events change nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REMEMBERED = 5000
"""Ended calls whose outcome is kept, so that a doubled or late event is known for one."""


class Doing(IntEnum):
    """What an agent does."""

    IDLE = 0
    TALKING = 1
    WRAPPING = 2
    AWAY = 3


_IDLE, _AWAY = int(Doing.IDLE), int(Doing.AWAY)
"""To compare arrays with: a look-up in an Enum takes longer than the comparison."""


class Agents:
    """State and its beginning for each agent who is logged in (``AWAY``: paused)."""

    def __init__(self) -> None:
        self._slot: dict[Hashable, int] = {}
        self._ids: list[Hashable] = []
        self._doing = np.zeros(16, dtype=np.int8)
        self._since = np.zeros(16)
        self._leaving = np.zeros(16, dtype=np.bool_)
        self._doubted_until = np.full(16, -np.inf)

    def __len__(self) -> int:
        return len(self._ids)

    def doing(self, agent: Hashable) -> tuple[Doing, float] | None:
        """The state and since when; None when not logged in."""
        slot = self._slot.get(agent)
        return None if slot is None else (Doing(int(self._doing[slot])), float(self._since[slot]))

    def set(self, agent: Hashable, doing: Doing, now: float) -> None:
        slot = self._slot.get(agent)
        if slot is None:
            slot = len(self._ids)
            if slot == self._doing.size:
                self._grow()
            self._slot[agent] = slot
            self._ids.append(agent)
            self._leaving[slot] = False
        self._doing[slot] = doing
        self._since[slot] = now
        self._doubted_until[slot] = -np.inf

    def set_leaving(self, agent: Hashable, leaving: bool) -> None:
        slot = self._slot.get(agent)
        if slot is not None:
            self._leaving[slot] = leaving

    def remove(self, agent: Hashable) -> None:
        slot = self._slot.pop(agent, None)
        if slot is None:
            return
        last = len(self._ids) - 1
        moved = self._ids.pop()
        if slot != last:
            self._ids[slot] = moved
            self._slot[moved] = slot
            for column in (self._doing, self._since, self._leaving, self._doubted_until):
                column[slot] = column[last]

    def doubt_the_longest_idle(self, now: float, until: float) -> None:
        """An idle agent did not take a call: leave out the one idle for longest, for a while."""
        count = len(self._ids)
        idle = np.flatnonzero(self._idle(now)[:count])
        if idle.size:
            self._doubted_until[idle[np.argmin(self._since[idle])]] = until

    def _idle(self, now: float) -> NDArray[np.bool_]:
        idle: NDArray[np.bool_] = (self._doing == _IDLE) & ~self._leaving
        idle &= self._doubted_until <= now
        return idle

    def idle(self, now: float) -> int:
        """Agents to whom a call can be given now."""
        return int(np.count_nonzero(self._idle(now)[: len(self._ids)]))

    def ages(self, doing: Doing, now: float) -> Floats:
        """For how long those who do this do it already; those about to leave are left out."""
        count = len(self._ids)
        chosen = (self._doing[:count] == doing) & ~self._leaving[:count]
        ages: Floats = np.maximum(now - self._since[:count][chosen], 0.0)
        return ages

    def counts(self) -> dict[str, int]:
        """Agents by state."""
        count = len(self._ids)
        numbers = np.bincount(self._doing[:count], minlength=4)
        idle, talking, wrapping, away = numbers.tolist()
        leaving = self._leaving[:count] & (self._doing[:count] != _AWAY)
        return {
            "idle": idle,
            "talking": talking,
            "wrapping": wrapping,
            "away": away,
            "leaving": int(np.count_nonzero(leaving)),
        }

    def shift(self, by: float) -> None:
        self._since += by
        self._doubted_until += by

    def _grow(self) -> None:
        self._doing = np.concatenate((self._doing, np.zeros_like(self._doing)))
        self._since = np.concatenate((self._since, np.zeros_like(self._since)))
        self._leaving = np.concatenate((self._leaving, np.zeros_like(self._leaving)))
        self._doubted_until = np.concatenate(
            (self._doubted_until, np.full(self._doubted_until.size, -np.inf))
        )


class Calls:
    """Calls in flight (dialed, not answered by a person yet) and waiting, and how others ended."""

    def __init__(self) -> None:
        self._slot: dict[Hashable, int] = {}
        self._ids: list[Hashable] = []
        self._dialed = np.zeros(64)
        self._expected = np.zeros(64)
        self.waiting: OrderedDict[Hashable, float] = OrderedDict()
        """Answered by a person, not met an agent yet: when they were answered."""
        self._ended: OrderedDict[Hashable, str] = OrderedDict()

    @property
    def in_flight(self) -> int:
        return len(self._ids)

    def dial(self, call: Hashable, now: float, expected: float) -> None:
        if call in self._slot or call in self.waiting:
            return
        slot = len(self._ids)
        if slot == self._dialed.size:
            self._dialed = np.concatenate((self._dialed, np.zeros_like(self._dialed)))
            self._expected = np.concatenate((self._expected, np.zeros_like(self._expected)))
        self._slot[call] = slot
        self._ids.append(call)
        self._dialed[slot] = now
        self._expected[slot] = expected
        self._ended.pop(call, None)

    def land(self, call: Hashable) -> tuple[float, float] | None:
        """Take a call out of the air: (when it was dialed, its given chance); None if unknown."""
        slot = self._slot.pop(call, None)
        if slot is None:
            return None
        known = float(self._dialed[slot]), float(self._expected[slot])
        last = len(self._ids) - 1
        moved = self._ids.pop()
        if slot != last:
            self._ids[slot] = moved
            self._slot[moved] = slot
            self._dialed[slot] = self._dialed[last]
            self._expected[slot] = self._expected[last]
        return known

    def end(self, call: Hashable, outcome: str) -> None:
        self._ended[call] = outcome
        self._ended.move_to_end(call)
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    def outcome(self, call: Hashable) -> str | None:
        return self._ended.get(call)

    def flying(self, now: float) -> tuple[Floats, Floats]:
        """Ages and given chances of the calls in flight."""
        count = len(self._ids)
        ages: Floats = np.maximum(now - self._dialed[:count], 0.0)
        return ages, self._expected[:count]

    def stale(self, now: float, longest: float) -> list[Hashable]:
        """Calls in flight of which nothing was heard for so long."""
        old = np.flatnonzero(self._dialed[: len(self._ids)] < now - longest)
        return [self._ids[int(slot)] for slot in old]

    def shift(self, by: float) -> None:
        self._dialed += by
        for call in self.waiting:
            self.waiting[call] += by
