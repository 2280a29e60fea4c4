"""Ways of pacing that are compared. Each gets the events of a dialer and says how many to dial."""

from collections import deque
from math import ceil
from typing import Any

from ccmiddleware.dialer.pacing import Decision, Pacer, PacingSettings
from ccmiddleware.dialer.simulation.shift import Shift


class Counting:
    """Counts agents and calls; the simple policies need no more."""

    def __init__(self) -> None:
        self.ready: set[Any] = set()
        self.here: set[Any] = set()
        self.wrapping: set[Any] = set()
        self.ringing = 0
        self.waiting = 0
        self.answered = 0
        self.abandoned = 0
        self.leaked: set[Any] = set()

    def agent_logged_in(self, agent: Any, now: float) -> None:
        self.here.add(agent)
        self.ready.add(agent)

    def agent_idle(self, agent: Any, now: float) -> None:
        self.wrapping.discard(agent)
        self.ready.add(agent)

    def agent_talking(self, agent: Any, now: float) -> None:
        self.ready.discard(agent)

    def agent_wrapping(self, agent: Any, now: float) -> None:
        self.wrapping.add(agent)

    def agent_logged_out(self, agent: Any, now: float) -> None:
        for group in (self.ready, self.here, self.wrapping):
            group.discard(agent)

    def call_dialed(self, call: Any, now: float, probability: float | None = None) -> None:
        self.ringing += 1

    def call_ended(self, call: Any, now: float) -> None:
        self.ringing -= 1

    def call_machine(self, call: Any, now: float) -> None:
        self.ringing -= call not in self.leaked
        self.leaked.discard(call)

    def call_answered(self, call: Any, now: float) -> None:
        self.ringing -= 1
        self.waiting += 1

    def call_connected(self, call: Any, now: float, agent: Any = None) -> None:
        self.waiting -= 1
        self.answered += 1
        self.ready.discard(agent)
        self.leaked = {call}  # if it is told to be a machine, that comes at once

    def call_abandoned(self, call: Any, now: float) -> None:
        self.waiting -= 1
        self.answered += 1
        self.abandoned += 1


class Power(Counting):
    """A fixed number of lines for each idle agent; 1 is progressive dialing."""

    def __init__(self, ratio: float = 1.0) -> None:
        super().__init__()
        self._ratio = ratio

    def calls(self, now: float, shift: Shift) -> int:
        wanted = self._ratio * (len(self.ready) - self.waiting)
        return max(round(wanted) - self.ringing, 0)


class AdaptiveLevel(Counting):
    """A dial level that is adapted every 15 s, as VICIdial's methods do, with a hard limit.

    Lines = level x (agents ready or talking), talking calls included; the level is multiplied by
    one plus the mean of idle agents less waiting calls over all agents, and is 1 while the share
    of abandoned calls, refreshed once a minute, is above the limit.
    """

    EVERY = 2.5
    ADAPT_EVERY = 15.0

    def __init__(self, most: float = 3.0, limit: float = 0.03) -> None:
        super().__init__()
        self._most, self._limit = most, limit
        self._level = 1.0
        self._next = self._adapt_next = self._shares_next = 0.0
        self._differences: deque[int] = deque(maxlen=6)
        self._seen = (0, 0)
        self._minutes: deque[tuple[int, int]] = deque([(0, 0)], maxlen=2)

    def calls(self, now: float, shift: Shift) -> int:
        if now < self._next:
            return 0
        self._next += self.EVERY
        self._differences.append(len(self.ready) - self.waiting)
        if now >= self._shares_next:
            self._shares_next += 60.0
            self._seen = (self.answered, self.abandoned)
            self._minutes.append(self._seen)
        if now >= self._adapt_next:
            self._adapt_next += self.ADAPT_EVERY
            self._adapt()
        talking = len(self.here) - len(self.ready) - len(self.wrapping)
        goal = round(self._level * (len(self.ready) + talking))
        return max(goal - self.ringing - self.waiting - talking, 0)

    def _adapt(self) -> None:
        mean = sum(self._differences) / len(self._differences)
        share = mean / max(len(self.here), 1)
        level = min(max(self._level * (1 + share), 1.0), self._most)
        answered, abandoned = self._seen
        before = self._minutes[0]
        lately = answered - before[0], abandoned - before[1]
        if lately[0] > 20 and lately[1] > 0.5 * lately[0]:
            level /= 2
        if answered > 50 and abandoned > self._limit * answered:
            level = 1.0
        self._level = max(level, 1.0)


class Ours(Pacer):
    """The pacer itself; what it knows of leads comes from the shift's list."""

    AHEAD = 64

    def __init__(self, settings: PacingSettings | None = None) -> None:
        super().__init__(settings)
        self.last: Decision | None = None

    def calls(self, now: float, shift: Shift) -> int:
        self.shift_ends(shift.length)
        self.last = self.decide(now, shift.leads.ahead(ceil(self.AHEAD), now))
        return self.last.calls
