"""Attempts that are open and that nobody follows, with what queue_log has told of them until now.

An earlier leader left them, or the answer to their claim was lost, or something was told of them
after it was concluded that they are over.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.ending import left_open
from ccmiddleware.dialer.steps import Step, from_queue_log
from ccmiddleware.ids import dial_id
from ccmiddleware.queue_log.rows import Line
from ccmiddleware.store.database import Database

MOST_UNCLAIMED = 5_000
"""Attempts of which steps are kept that nobody has taken up yet."""


@dataclass
class Open:
    """An attempt that is open, as the database has it."""

    campaign: UUID
    claimed: Claimed
    claimed_at: datetime
    dialed_at: datetime | None
    steps: list[Step] = field(default_factory=list)


class Unclaimed:
    """Steps of attempts that are not known here, or not yet: the newest ones."""

    def __init__(self) -> None:
        self._steps: dict[UUID, list[Step]] = {}
        self._unasked: set[UUID] = set()

    def keep(self, step: Step) -> None:
        """A step of an attempt that may be taken up later."""
        self._steps.setdefault(step.attempt, []).append(step)
        self._unasked.add(step.attempt)
        if len(self._steps) > MOST_UNCLAIMED:
            del self._steps[next(iter(self._steps))]

    def attempts(self) -> list[UUID]:
        """Of which something was kept and not ``asked`` yet."""
        return sorted(self._unasked)

    def asked(self, attempts: Collection[UUID]) -> None:
        """Those of them that were concluded too early are open again."""
        self._unasked.difference_update(attempts)

    def taken(self, attempt: UUID) -> Iterable[Step]:
        """What was kept of one that is taken up now."""
        return self._steps.pop(attempt, ())


async def open_attempts(database: Database, node: str, known: Collection[UUID]) -> list[Open]:
    """What is open of the node, but for what was ``known`` before. Raises TemporaryError."""
    rows = await left_open(database, node, known)
    found = {
        row["id"]: Open(
            row["campaign_id"],
            Claimed(
                row["id"],
                row["lead_id"],
                row["number"],
                row["caller_id"],
                row["trunk"],
                row["callback_id"],
            ),
            row["claimed_at"],
            row["dialed_at"],
        )
        for row in rows
    }
    if found:
        calls = [dial_id(id_, int(one.claimed_at.timestamp())) for id_, one in found.items()]
        for row in await database.fetch("steps_of_calls", node, calls):
            line = Line(
                row["at"], row["call"], row["queue"], row["agent"], row["event"],
                tuple(row["data"]),
            )  # fmt: skip
            step = from_queue_log(line)
            if step is not None and step.attempt in found:
                found[step.attempt].steps.append(step)
    return list(found.values())
