"""Which trunk the next call goes by: channels and calls a second, over all campaigns. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Trunk:
    """A way out of Asterisk. ``dial``: with {number} or {digits}."""

    name: str
    dial: str
    channels: int
    calls_per_second: float

    @property
    def at_once(self) -> int:
        """Calls that may be begun within ``window``."""
        return max(1, int(self.calls_per_second))

    @property
    def window(self) -> timedelta:
        """In every stretch of this length no more than ``at_once`` calls are begun."""
        return timedelta(seconds=self.at_once / self.calls_per_second)


@dataclass
class _Use:
    on: int = 0
    begun: deque[datetime] = field(default_factory=deque)


class TrunkLimits:
    """What is in use of each trunk. Calls count from ``take`` to ``give_back``."""

    def __init__(self, trunks: Iterable[Trunk] = ()) -> None:
        self.trunks = {trunk.name: trunk for trunk in trunks}
        self._uses: dict[str, _Use] = {}

    def set(self, trunks: Iterable[Trunk]) -> None:
        """Trunks as they are set now; calls that are on stay counted."""
        self.trunks = {trunk.name: trunk for trunk in trunks}

    def room(self, names: Sequence[str], now: datetime) -> int:
        """How many calls could be begun now by these trunks together."""
        return sum(self._room(self.trunks[name], now) for name in names if name in self.trunks)

    def plan(self, names: Sequence[str], most: int, now: datetime) -> list[str]:
        """By which of these trunks up to so many calls could be begun now, the first ones first."""
        found: list[str] = []
        for name in names:
            if name in self.trunks:
                found += [name] * min(self._room(self.trunks[name], now), most - len(found))
        return found

    def take(self, name: str, now: datetime) -> None:
        """A call is begun, and counts from now on."""
        use = self._use(name)
        use.on += 1
        use.begun.append(now)

    def carry(self, name: str) -> None:
        """A call that was begun before we were is on."""
        self._use(name).on += 1

    def give_back(self, name: str) -> None:
        """A call is over."""
        use = self._use(name)
        use.on = max(0, use.on - 1)

    def on(self, name: str) -> int:
        """Calls that are on."""
        return self._use(name).on

    def _room(self, trunk: Trunk, now: datetime) -> int:
        use = self._use(trunk.name)
        while use.begun and use.begun[0] <= now - trunk.window:
            use.begun.popleft()
        return max(0, min(trunk.channels - use.on, trunk.at_once - len(use.begun)))

    def _use(self, name: str) -> _Use:
        return self._uses.setdefault(name, _Use())
