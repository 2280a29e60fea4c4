"""Files of leads as a list broker sells them: numbers in many ways, and some mistakes."""

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path

SEED = 20261128
AREAS = {
    "FL": ("305 321 407 561 727 813 850 904 941 954".split(), "331"),
    "NY": ("212 315 347 516 518 585 607 631 646 716".split(), "100"),
    "TX": ("210 214 281 361 409 512 713 806 817 915".split(), "770"),
    "CA": ("209 213 310 323 408 415 510 530 559 619".split(), "900"),
    "IL": ("217 309 312 618 630 708 773 815 847".split(), "606"),
    "WA": ("206 253 360 425 509".split(), "981"),
    "IN": ("219 260 317 574 765 812".split(), "462"),
    "AZ": ("480 520 602 623 928".split(), "850"),
}
WAYS = ("({0}) {1}-{2}", "{0}-{1}-{2}", "{0}.{1}.{2}", "+1{0}{1}{2}", "1 {0} {1} {2}", "{0}{1}{2}")
FIRST = "Ann Bob Cara Dan Eve Fay Gus Hana Ida Joe Kim Lou Mia Ned Oda Pat".split()
LAST = "Arnold Berg Castro Diaz Evans Fox Garcia Hill Ito Jones Klein Lopez Meyer Nunez".split()
HEADER = ("id", "first_name", "last_name", "phone", "phone2", "state", "zip", "product", "score")
BAD_EVERY = 50
"""One row in so many must be refused."""


@dataclass
class Written:
    """What must come of a file."""

    rows: int = 0
    leads: int = 0
    numbers: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


def write(path: Path, rows: int) -> Written:
    """Write a file of so many rows, always the same."""
    rng = random.Random(SEED)  # noqa: S311 - rows, not secrets
    written = Written(rows)
    numbers = _Numbers(rng)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for row in range(rows):
            state = rng.choice(list(AREAS))
            phone, phone2 = numbers.next(state), ""
            if row % BAD_EVERY == BAD_EVERY - 1:
                reason, phone = _bad(row, numbers)
                written.rejected[reason] = written.rejected.get(reason, 0) + 1
            else:
                written.leads += 1
                written.numbers += 1
                if row % 3 == 0:
                    phone2 = numbers.next(state)
                    written.numbers += 1
            where = (state, f"{AREAS[state][1]}{rng.randrange(100):02}") if row % 2 else ("", "")
            person = (rng.choice(FIRST), rng.choice(LAST))
            more = (rng.choice(("sofa", "chair", "table")), rng.randrange(1000))
            writer.writerow((f"C{row:07}", *person, phone, phone2, *where, *more))
    return written


class _Numbers:
    """Numbers of which none comes twice, in the ways in which people write them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next: dict[str, int] = {}
        self.first = ""

    def next(self, state: str) -> str:
        area = self._rng.choice(AREAS[state][0])
        # Exchanges 556 and on, past those that are kept for information and films.
        turn = self._next.get(area, 0)
        self._next[area] = turn + 1
        exchange, line = divmod(turn, 10_000)
        if exchange > 400:
            raise ValueError(f"no more numbers in area {area}")
        found = self._rng.choice(WAYS).format(area, f"{exchange + 560}", f"{line:04}")
        self.first = self.first or found
        return found


def _bad(row: int, numbers: _Numbers) -> tuple[str, str]:
    """A reason, and a number that is refused for it."""
    ways = (
        ("number", "555-0100"),
        ("no_number", ""),
        ("number", "n/a"),
        ("in_file", numbers.first),
    )
    return ways[row // BAD_EVERY % len(ways)]
