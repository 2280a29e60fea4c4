"""Which contact a person means, and one edit of contacts with what came of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.commanding import Ambiguous, user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, say
from ccmiddleware.cli.id_prefix import bounds
from ccmiddleware.cli.output import Column, emit, emit_json

if TYPE_CHECKING:
    from ccmiddleware.contacts.book import Edit
    from ccmiddleware.store.database import Database, Session

CHANGES = (
    Column("contact_id", "CONTACT"),
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)


async def find(reading: "Database | Session", text: str, *, deleted: bool = False) -> UUID:
    """The contact with that address or number, that id or its beginning, or that whole name.

    Raises NothingFound and Ambiguous. Of one that was merged into another, the other; one that was
    deleted, by its id, only if ``deleted``.
    """
    from ccmiddleware.contacts.addresses import InvalidContact, address
    from ccmiddleware.contacts.book import number_rule

    wanted = text.strip()
    try:
        given = address(wanted, await number_rule(reading))
        rows = await reading.fetch("contacts_of_addresses", [given.kind], [given.text])
    except InvalidContact:
        rows = []
    if not rows:
        rows = await reading.fetch("find_contacts", *bounds(wanted), wanted)
    if not rows:
        raise NothingFound(
            f"there is no contact {text!r}: give an address, a number, a whole name, or an id as "
            "`ccm contact list` shows it"
        )
    if len(rows) > 1:
        several = ", ".join(f"{row['name']} ({row['id']})" for row in rows[:3])
        raise Ambiguous(f"{text!r} may be {several}{' …' if len(rows) > 3 else ''}: give the id")
    return await _now(reading, rows[0]["id"], deleted)


async def _now(reading: "Database | Session", id_: UUID, deleted: bool) -> UUID:
    """That contact, or the one that it was merged into."""
    while True:
        row = (await reading.fetch("contacts_by_ids", [id_]))[0]
        if row["deleted_at"] is not None and not deleted:
            raise NothingFound(
                f"{row['name']} ({id_}) was deleted: `ccm contact changes {id_}` shows what was "
                "there"
            )
        if row["merged_into"] is None:
            return id_
        say(f"{row['name']} ({id_}) was merged into {row['merged_into']}")
        id_ = row["merged_into"]


@asynccontextmanager
async def editing(app: App, *, how: Any = "cli", dry_run: bool = False) -> AsyncIterator["Edit"]:
    """One edit of contacts by the user who runs this; what is wrong with it is wrong usage."""
    from ccmiddleware.contacts import book
    from ccmiddleware.contacts.addresses import InvalidContact

    try:
        async with (
            opened(app) as database,
            book.editing(database, by=user(), how=how, dry_run=dry_run) as edit,
        ):
            yield edit
    except InvalidContact as error:
        raise click.UsageError(str(error)) from None


def outcome(edit: "Edit") -> list[dict[str, Any]]:
    """What changed, as rows."""
    return [
        {
            "contact_id": one.contact_id,
            "what": one.what,
            "before": one.before,
            "after": one.after,
        }
        for one in edit.book.history
    ]


def report(
    id_: UUID | None, rows: Sequence[dict[str, Any]], *, as_json: bool, dry_run: bool = False
) -> None:
    """Print what came of an edit."""
    if as_json:
        emit_json({"contact_id": id_, "dry_run": dry_run, "changes": list(rows)})
        return
    emit(rows, CHANGES, as_json=False, empty="nothing to change: it is so already")
    if dry_run and rows:
        say("nothing was changed; this would be")
