"""The do-not-call list in Postgres: changes of it, each in one transaction with its version.

An entry is never changed: to prolong one it is removed and added anew. Adding never shortens.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.store.database import Database, Session

AT_ONCE = 10_000


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
            if dry_run or not (change.added or change.prolonged or change.removed):
                raise _NothingToKeep
    except _NothingToKeep:
        pass
