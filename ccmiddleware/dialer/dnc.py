"""The do-not-call list in Postgres: changes of it, each in one transaction with its version.

An entry is never changed: to prolong one it is removed and added anew. Adding never shortens.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.store.database import Database, Session

AT_ONCE = 10_000

OPT_OUT = "opt_out"
"""Source of what is on the list since the party said so: such an entry stands for a request."""


class _NothingToKeep(Exception):
    """A dry run, or nothing changed: roll back, version and all."""


@dataclass
class Change:
    """A change that is going on: what came of it so far."""

    session: Session
    version: int
    by: str
    added: int = 0
    prolonged: int = 0
    removed: int = 0
    answered: bool = False
    """Whether a request was settled by it, which is kept also when nothing else changed."""
    entries: list[dict[str, Any]] = field(default_factory=list)

    async def add(self, entries: Sequence[Entry], source: str, campaign_id: UUID | None) -> None:
        """Add what is not there, or not for so long."""
        for begin in range(0, len(entries), AT_ONCE):
            part = entries[begin : begin + AT_ONCE]
            arguments = (
                [one.number for one in part],
                [one.prefix for one in part],
                [one.expires_at for one in part],
                [one.note for one in part],
                source,
                campaign_id,
                self.by,
                self.version,
            )
            prolonged = await self.session.execute("prolong_dnc_entries", *arguments)
            added = await self.session.execute("add_dnc_entries", *arguments)
            self.prolonged += prolonged
            self.added += added - prolonged

    async def note_requests(self, entries: Sequence[Entry], received: datetime | None) -> None:
        """Numbers that were added from OPT_OUT, for all campaigns, asked for it then, or now."""
        numbers = [one.number for one in entries if not one.prefix]
        for begin in range(0, len(numbers), AT_ONCE):
            part = numbers[begin : begin + AT_ONCE]
            arguments = (part, self.version)
            await self.session.execute("note_listed_opt_outs", *arguments, received, self.by)
            await self.session.execute("settle_listed_opt_outs", *arguments)

    async def remove(
        self,
        keys: Sequence[tuple[str, bool]],
        source: str | None,
        campaign_id: UUID | None,
        *,
        any_campaign: bool = False,
    ) -> None:
        """Remove the standing entries of these numbers and beginnings."""
        for begin in range(0, len(keys), AT_ONCE):
            part = keys[begin : begin + AT_ONCE]
            rows = await self.session.fetch(
                "remove_dnc_entries",
                [number for number, _ in part],
                [prefix for _, prefix in part],
                source,
                campaign_id,
                any_campaign,
                self.by,
                self.version,
            )
            self.removed += len(rows)
            self.entries += [dict(row) for row in rows]

    async def keep_only(
        self, entries: Sequence[Entry], source: str, campaign_id: UUID | None
    ) -> None:
        """Remove what the source had and ``entries`` have not."""
        kept = {(one.number, one.prefix) for one in entries}
        rows = await self.session.fetch("standing_dnc_entries", source, campaign_id)
        gone = [key for row in rows if (key := (row["number"], row["prefix"])) not in kept]
        await self.remove(gone, source, campaign_id)


@asynccontextmanager
async def changing(database: Database, *, by: str, dry_run: bool = False) -> AsyncIterator[Change]:
    """One change by ``by``; kept when something changed, with the next version of the list."""
    try:
        async with database.transaction() as session:
            change = Change(session, await session.fetchval("raise_dnc_version"), by)
            yield change
            changed = change.added or change.prolonged or change.removed or change.answered
            if dry_run or not changed:
                raise _NothingToKeep
    except _NothingToKeep:
        pass
    if not dry_run:
        # What could not wait for this change.
        await database.execute("honour_opt_outs")
