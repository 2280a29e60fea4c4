"""Reads and edits campaigns in Postgres: one edit is one transaction, with its history.

What may be set, and when a campaign may be started, is decided in ``settings``; here are the
statements.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from ccmiddleware.dialer import settings
from ccmiddleware.dialer.values import InvalidCampaign, Value, campaign_name
from ccmiddleware.store.database import Database, Row, Session


class NoCampaign(InvalidCampaign):
    """There is no campaign of that name; the text says which there are."""


class _NothingToKeep(Exception):
    """A dry run, or nothing changed: roll back."""


@dataclass
class Edit:
    """An edit that is going on: what was, and the lines of the history."""

    session: Session
    id: UUID
    name: str
    state: str
    settings: dict[str, Value]
    revision: int
    changes: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, before: object, after: object) -> None:
        """A line of the history. None: there is nothing."""
        texts = [None if value is None else str(value) for value in (before, after)]
        if texts[0] != texts[1]:
            self.changes.append({"what": what, "before": texts[0], "after": texts[1]})

    async def set(self, changes: Mapping[str, Value]) -> None:
        """Set these keys; None takes one back. Raises InvalidCampaign."""
        after = settings.changed(self.settings, changes)
        for name in changes:
            before, new = self.settings.get(name), after.get(name)
            self.note(name, settings.shown(name, before), settings.shown(name, new))
        settings.check_may_change(self.state, [one["what"] for one in self.changes])
        await self.session.execute("set_campaign_settings", self.id, after)
        self.settings = after

    async def bring(self, action: str, by: str) -> None:
        """Start, pause or stop it. Raises InvalidCampaign when it is in no state for that."""
        following = settings.after(action, self.state)
        await self.session.execute("set_campaign_state", self.id, following, by)
        self.note("state", self.state, following)
        self.state = following


async def find(reading: Database | Session, name: str) -> Row:
    """The campaign of that name. Raises NoCampaign."""
    rows = await reading.fetch("list_campaigns", name, None)
    if not rows:
        raise NoCampaign(await unknown(reading, name))
    return rows[0]


async def unknown(reading: Database | Session, name: str) -> str:
    """That there is no such campaign, and which there are."""
    names = [row["name"] for row in await reading.fetch("list_campaigns", None, None)]
    if not names:
        return "there are no campaigns yet: `ccm campaign create NAME`"
    near = get_close_matches(name, names, n=3)
    hint = "did you mean" if near else "there are"
    return f"there is no campaign {name!r}; {hint} {', '.join(near or names[:12])}"


@asynccontextmanager
async def editing(
    database: Database, name: str, *, by: str, dry_run: bool = False, new: bool = False
) -> AsyncIterator[Edit]:
    """An edit of one campaign, or a ``new`` one, by ``by``; kept when something changed."""
    try:
        async with database.transaction() as session:
            edit = await _made(session, name, by) if new else await _begun(session, name)
            yield edit
            if dry_run or not edit.changes:
                raise _NothingToKeep
            await noted(edit, by)
    except _NothingToKeep:
        pass


async def _begun(session: Session, name: str) -> Edit:
    row = await session.fetchrow("begin_campaign_edit", name)
    if row is None:
        raise NoCampaign(await unknown(session, name))
    return Edit(session, **dict(row))


async def _made(session: Session, name: str, by: str) -> Edit:
    row = await session.fetchrow("add_campaign", campaign_name(name), {}, by)
    if row is None:
        raise InvalidCampaign(f"there is a campaign {name!r} already")
    edit = Edit(session, **dict(row))
    edit.note("state", None, "draft")
    return edit


async def noted(edit: Edit, by: str) -> None:
    """Write the history of an edit, within its transaction."""
    await edit.session.execute(
        "note_campaign_changes", edit.id, edit.name, edit.revision, by, edit.changes
    )


async def delete(database: Database, name: str, *, by: str) -> None:
    """Delete a draft to which nothing belongs. Raises InvalidCampaign for any other."""
    async with database.transaction() as session:
        edit = await _begun(session, name)
        if edit.state != "draft":
            raise InvalidCampaign(f"{name} was started, and stays; `ccm campaign stop` ends it")
        if await session.fetchrow("delete_campaign", edit.id) is None:
            raise InvalidCampaign(
                f"{name} has leads, imports or entries of the do-not-call list, and stays"
            )
        edit.note("deleted", "draft", None)
        await noted(edit, by)


async def leads_of(reading: Database | Session, *ids: UUID) -> dict[UUID, dict[str, int]]:
    """How many leads campaigns have, by state."""
    found: dict[UUID, dict[str, int]] = {id_: {} for id_ in ids}
    for row in await reading.fetch("campaign_leads", list(ids)):
        states = found[row["campaign_id"]]
        states[row["state"]] = states.get(row["state"], 0) + row["leads"]
    return found
