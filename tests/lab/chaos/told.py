"""What queue_log tells, read by itself and not with the product's reader. Pure.

The file goes on through the lives of an Asterisk: each begins with QUEUESTART. A call of a life
that has ended, without a row that ends it, was cut off.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

LEFT = {
    "ABANDON": ("abandoned", 2),
    "EXITWITHTIMEOUT": ("timed_out", 2),
    "EXITWITHKEY": ("left_by_key", 3),
    "EXITEMPTY": ("no_agents", 2),
}
"""Outcome, and in which field the wait stands. Asterisk: the queue_log lines of app_queue.c."""

ENDED = {
    "COMPLETECALLER": ("caller", 1),
    "COMPLETEAGENT": ("agent", 1),
    "BLINDTRANSFER": ("transfer", 3),
}
"""Who ended the talk, and in which field its length stands."""


@dataclass(frozen=True)
class Death:
    """An end of Asterisk: between which times, and how."""

    began: datetime
    ended: datetime
    how: str


@dataclass(frozen=True)
class Row:
    """One line."""

    at: int
    call: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


@dataclass
class Stay:
    """One stay in one queue. ``wait`` and ``talk`` in seconds; "" is what never came."""

    queue: str
    outcome: str = ""
    wait: float = 0.0
    unanswered: list[str] = field(default_factory=list)
    agent: str = ""
    talk: float = 0.0
    ended_by: str = ""
    last_at: float = 0.0
    """Time of the last thing told of it."""


@dataclass
class Told:
    """One call. ``life`` counts Asterisk's starts; ``cut`` is whether its life ended before it."""

    call: str
    number: str
    life: int
    stays: list[Stay]
    cut: bool = False

    @property
    def over(self) -> bool:
        """Whether the rows tell that it is in no queue and with no agent any more."""
        last = self.stays[-1]
        return bool(last.outcome) and (last.outcome != "answered" or bool(last.ended_by))


def parse(data: bytes) -> list[Row]:
    """The rows of whole lines; a line that was torn when Asterisk was killed is none."""
    rows = []
    for line in data.decode("utf-8", "replace").splitlines():
        at, *fields = line.split("|")
        if at.isdecimal() and len(fields) >= 4:
            call, queue, agent, event, *rest = fields
            rows.append(Row(int(at), call, queue, agent, event, tuple(rest)))
    return rows


def calls(rows: Iterable[Row]) -> dict[str, Told]:
    """Every call that joined a queue, by Asterisk's unique id."""
    told: dict[str, Told] = {}
    life = 0
    for row in rows:
        if row.event == "QUEUESTART":
            life += 1
        elif row.event == "ENTERQUEUE":
            call = told.setdefault(row.call, Told(row.call, row.data[1], life, []))
            call.stays.append(Stay(row.queue, last_at=row.at))
        elif row.call in told:
            _further(told[row.call], row)
    for call in told.values():
        call.cut = not call.over and call.life < life
    return told


def _further(call: Told, row: Row) -> None:
    """Take in a row, which may come late: after the call has joined the next queue."""
    stay = next((one for one in reversed(call.stays) if one.queue == row.queue), None)
    if stay is None:
        return
    stay.last_at = row.at
    if row.event == "CONNECT":
        stay.outcome, stay.wait, stay.agent = "answered", float(row.data[0]), row.agent
    elif row.event in ENDED:
        stay.ended_by, place = ENDED[row.event]
        stay.talk = float(row.data[place])
    elif row.event == "RINGNOANSWER":
        stay.unanswered.append(row.agent)
    elif row.event in LEFT:
        stay.outcome, place = LEFT[row.event]
        stay.wait = float(row.data[place])
