"""People outside, decided beforehand: what each number does when it is called. Pure.

A world is made from a seed, so that whoever dials it can be compared with the truth. Its shares
and times are those of the simulation's reference workload, with seconds in place of minutes.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, log, sqrt
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal[
    "person", "gone", "machine", "no answer", "busy", "wrong number", "no line", "declined"
]
ANSWERS: frozenset[Kind] = frozenset({"person", "gone", "machine"})
STATUS: dict[Kind, str] = {
    "no answer": "480 Temporarily Unavailable",
    "busy": "486 Busy Here",
    "wrong number": "404 Not Found",
    "no line": "503 Service Unavailable",
    "declined": "603 Declined",
}
"""How the network answers for those who don't."""

RESULTS: dict[Kind, frozenset[str]] = {
    "person": frozenset({"connected", "dropped", "hung_up"}),
    "gone": frozenset({"connected", "dropped", "hung_up"}),
    "machine": frozenset({"machine", "connected", "dropped", "hung_up"}),
    "no answer": frozenset({"no_answer"}),
    "busy": frozenset({"busy"}),
    "wrong number": frozenset({"failed"}),
    "no line": frozenset({"failed"}),
    "declined": frozenset({"failed"}),
}
"""Results that an attempt may have: whoever answers may meet an agent or not."""

CAUSES: dict[Kind, int] = {"wrong number": 1, "no line": 34, "declined": 21}
"""Q.850 causes of those that fail."""


@dataclass(frozen=True)
class Party:
    """Who answers at a number, or does not. Times in seconds.

    ``ring``: until something happens. ``talk``: from the answer to the moment when the party hangs
    up. ``inf`` for either: never, the other side ends it.
    """

    number: str
    kind: Kind
    ring: float
    talk: float = 0.0

    @property
    def digits(self) -> str:
        """The number without its +, as it is dialled."""
        return self.number.removeprefix("+")


@dataclass(frozen=True)
class World:
    """How people are: shares of all, and times in seconds. The rest does not answer.

    Times are those of the reference workload (a talk of 90 s) through 15.
    """

    people: float = 0.25
    gone: float = 0.0
    """Who answers and hangs up at once."""
    machines: float = 0.15
    busy: float = 0.06
    wrong: float = 0.03
    no_line: float = 0.02
    declined: float = 0.01
    ring_mean: float = 0.8
    ring_cv: float = 0.5
    ring_longest: float = 1.5
    """The network gives up then."""
    failed_ring: float = 0.2
    short_talk: float = 1.3
    long_talk: float = 8.5
    share_short: float = 0.35
    talk_cv: float = 0.8
    shortest_talk: float = 0.5

    def kinds(self, count: int) -> list[Kind]:
        """So many of each kind, as exactly as whole numbers allow."""
        shares: list[tuple[Kind, float]] = [
            ("person", self.people), ("gone", self.gone), ("machine", self.machines),
            ("busy", self.busy), ("wrong number", self.wrong), ("no line", self.no_line),
            ("declined", self.declined),
        ]  # fmt: skip
        found: list[Kind] = [kind for kind, share in shares for _ in range(round(share * count))]
        rest: list[Kind] = ["no answer"] * (count - len(found))
        return [*found, *rest][:count]


def parties(world: World, numbers: Sequence[str], seed: int) -> list[Party]:
    """Who is at these numbers."""
    dice = random.Random(seed)
    kinds = world.kinds(len(numbers))
    dice.shuffle(kinds)
    return [_party(world, number, kind, dice) for number, kind in zip(numbers, kinds, strict=True)]


def _party(world: World, number: str, kind: Kind, dice: random.Random) -> Party:
    match kind:
        case "person" | "machine":  # which listens as long as people talk
            ring = inf
            while ring > world.ring_longest:
                ring = lognormal(dice, world.ring_mean, world.ring_cv)
            mean = world.short_talk if dice.random() < world.share_short else world.long_talk
            talk = max(lognormal(dice, mean, world.talk_cv), world.shortest_talk)
            return Party(number, kind, round(ring, 1), round(talk, 1))
        case "gone":
            return Party(number, kind, round(dice.uniform(0.2, world.ring_longest), 1))
        case "no answer":
            return Party(number, kind, world.ring_longest)
        case _:
            return Party(number, kind, round(dice.uniform(1, 3) * world.failed_ring / 2, 1))


def lognormal(dice: random.Random, mean: float, cv: float) -> float:
    """A lognormal number of this mean and coefficient of variation."""
    variance = log(1 + cv * cv)
    return dice.lognormvariate(log(mean) - variance / 2, sqrt(variance))


# -- numbers ------------------------------------------------------------------------------------

NEW_YORK = (
    "212 315 329 332 347 363 516 518 585 607 631 646 680 716 718 838 845 914 917 929 934"
).split()
"""Area codes of one state and one zone, whose law is not narrower than that of the country."""


@dataclass(frozen=True)
class Stock:
    """Numbers that are kept for fiction, all in one zone."""

    zone: str
    numbers: tuple[str, ...]


STOCKS = (
    Stock(
        "America/New_York",
        tuple(f"+1{area}55501{last:02}" for last in range(100) for area in NEW_YORK),
    ),
    Stock("Europe/London", tuple(f"+44{n}" for a in (20794600, 11349600, 11449600)
                                 for n in range(a * 100, a * 100 + 1000))),
    Stock("Australia/Sydney", tuple(f"+612{n}" for n in range(55500000, 55502000))),
)  # fmt: skip
FIRST_HOUR, LAST_HOUR = 9, 20
"""Numbers are taken where the clock is between these: well within every law's hours."""


def numbers(count: int, at: datetime) -> list[str]:
    """So many numbers that may lawfully be called at ``at`` and for an hour behind it.

    They are of New York, else of London, else of Sydney: it is day in one of them. Raises
    ValueError when there are not so many.
    """
    stock = next(
        one for one in STOCKS if FIRST_HOUR <= at.astimezone(ZoneInfo(one.zone)).hour < LAST_HOUR
    )
    if count > len(stock.numbers):
        raise ValueError(f"there are only {len(stock.numbers)} numbers in {stock.zone}")
    return list(stock.numbers[:count])


def lead_file(people: Iterable[Party]) -> str:
    """CSV for ``ccm lead import``."""
    lines = (f"L{n:05},Lead {n},{party.number}\n" for n, party in enumerate(people, 1))
    return "id,name,phone\n" + "".join(lines)
