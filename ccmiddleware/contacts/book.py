"""Reads and writes contacts in Postgres: one edit is one transaction, with its history.

Edits of contacts wait for each other (one advisory lock), so that what ``changes`` checked still
holds when it is written. What an edit comes to is decided there; here are the statements.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from ccmiddleware.contacts.addresses import Address, InvalidContact
from ccmiddleware.contacts.changes import Book, Contact
from ccmiddleware.contacts.numbers import NumberRule, normal
from ccmiddleware.store.database import Database, Row, Session

How = Literal["cli", "import", "agent"]

RULE = ("country_code", "international_prefix", "national_prefix")


class _NothingToKeep(Exception):
    """A dry run: roll back."""


@dataclass
class Edit:
    """An edit that is going on. What it needs to know is read into ``book`` first."""

    session: Session
    rule: NumberRule
    book: Book = field(default_factory=Book)

    async def know(self, ids: Iterable[UUID] = (), addresses: Iterable[Address] = ()) -> None:
        """Read these contacts, and whose these addresses are."""
        wanted = list(set(addresses))
        rows = await self.session.fetch(
            "contacts_of_addresses", [one.kind for one in wanted], [one.text for one in wanted]
        )
        for row in rows:
            contact = _contact(row)
            self.book.owners[Address(row["kind"], row["address"])] = contact
            self.book.contacts[contact.id] = contact
        for row in await self.session.fetch("contacts_by_ids", list(set(ids))):
            if row["merged_into"] is None and row["deleted_at"] is None:
                self.book.contacts[row["id"]] = _contact(row)

    async def new_ids(self, number: int) -> list[UUID]:
        """Ids for so many new contacts."""
        return [row["id"] for row in await self.session.fetch("new_ids", number)]

    async def addresses_of(self, id_: UUID) -> list[Address]:
        """All addresses of a contact."""
        rows = await self.session.fetch("show_contact_addresses", id_)
        return [Address(row["kind"], row["address"]) for row in rows]


def _contact(row: Row) -> Contact:
    return Contact(row["id"], row["name"], row["note"])


async def number_rule(reading: Database | Session) -> NumberRule:
    """How numbers are compared."""
    row = await reading.fetchrow("contact_settings")
    return NumberRule(**{key: row[key] for key in RULE}) if row is not None else NumberRule()


@asynccontextmanager
async def editing(
    database: Database, *, by: str, how: How = "cli", dry_run: bool = False
) -> AsyncIterator[Edit]:
    """One edit by ``by``: written at the end, or not at all when an exception leaves it."""
    try:
        async with database.transaction() as session:
            await session.execute("lock_contacts")
            edit = Edit(session, await number_rule(session))
            yield edit
            if dry_run:
                raise _NothingToKeep
            await written(session, edit.book, by, how)
    except _NothingToKeep:
        pass


async def written(session: Session, book: Book, by: str, how: How) -> None:
    """Write what an edit came to, within its transaction."""
    if book.unlinked:
        await session.execute("unlink_contact_addresses", _links(book.unlinked))
    if book.made:
        await session.execute("make_contacts", _described(book.made), by)
    if book.changed:
        await session.execute("describe_contacts", _described(book.changed))
    for other, into in book.merged.items():
        await session.execute("merge_contacts", other, into)
    if book.deleted:
        await session.execute("delete_contacts", list(book.deleted))
    if book.linked:
        await session.execute("link_contact_addresses", _links(book.linked), how, by)
    if book.history:
        lines = [
            {
                "contact_id": str(one.contact_id) if one.contact_id else None,
                "what": one.what,
                "before": one.before,
                "after": one.after,
            }
            for one in book.history
        ]
        await session.execute("note_contact_changes", lines, how, by)


def _links(links: dict[Address, UUID]) -> list[dict[str, str]]:
    return [
        {"kind": one.kind, "address": one.text, "contact_id": str(id_)}
        for one, id_ in links.items()
    ]


def _described(contacts: dict[UUID, Contact]) -> list[dict[str, str]]:
    return [{"id": str(one.id), "name": one.name, "note": one.note} for one in contacts.values()]


async def of_number(database: Database, number: str) -> UUID | None:
    """The contact whose number that is, as Asterisk has it."""
    found = normal(number, await number_rule(database))
    if not found:
        return None
    rows = await database.fetch("contacts_of_addresses", ["phone"], [found])
    return rows[0]["id"] if rows else None


async def change_settings(edit: Edit, before: Row, after: dict[str, Any]) -> None:
    """Set what holds for all contacts, and write their numbers as the new rule has them.

    Raises InvalidContact when the rule would make numbers of different contacts the same.
    """
    for key, value in after.items():
        edit.book.set(key, str(before[key]), str(value))
    await edit.session.execute("set_contact_settings", *(after[key] for key in (*RULE, SHOWN)))
    rule = NumberRule(**{key: after[key] for key in RULE})
    rows = await edit.session.fetch("contact_numbers")
    owners = {Address("phone", row["address"]): row for row in rows}
    _renumber(edit.book, owners, rule)


SHOWN = "show_on_phone"


def _renumber(book: Book, owners: dict[Address, Row], rule: NumberRule) -> None:
    clashes = []
    for before, row in owners.items():
        after = Address("phone", normal(before.text, rule) or before.text)
        other = owners.get(after)
        if after == before:
            continue
        if other is None and after not in book.linked:
            book.renumber(row["contact_id"], before, after)
        elif (other["contact_id"] if other is not None else book.linked[after]) == row[
            "contact_id"
        ]:
            book.drop(row["contact_id"], before)
        else:
            clashes.append(f"{before} of {row['name']} ({row['contact_id']}) is {after}")
    if clashes:
        raise InvalidContact(
            "the rule makes numbers of different contacts the same; merge or unlink them first: "
            + "; ".join(_some(clashes))
        )


def _some(clashes: Sequence[str], most: int = 20) -> list[str]:
    more = len(clashes) - most
    return [*clashes[:most], *([f"and {more} more"] if more > 0 else [])]
