"""What an edit of contacts comes to: rows to write, and the history that says so. Pure.

A ``Book`` holds the part of the contacts that an edit is about. Each step checks against it,
changes it, and notes what is to be written; steps that would say nothing new note nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ccmiddleware.contacts.addresses import Address, InvalidContact

LONGEST_NAME = 200
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class Contact:
    """A contact as it is stored."""

    id: UUID
    name: str
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A line of the history; None: there was nothing, or there is nothing any more."""

    contact_id: UUID | None
    what: str
    before: str | None
    after: str | None


@dataclass
class Book:
    """The contacts that an edit is about, by id, and whose the addresses are that it names."""

    contacts: dict[UUID, Contact] = field(default_factory=dict)
    owners: dict[Address, Contact] = field(default_factory=dict)
    made: dict[UUID, Contact] = field(default_factory=dict)
    changed: dict[UUID, Contact] = field(default_factory=dict)
    linked: dict[Address, UUID] = field(default_factory=dict)
    unlinked: dict[Address, UUID] = field(default_factory=dict)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    deleted: list[UUID] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)

    def make(self, contact: Contact) -> None:
        """A new contact. Raises InvalidContact when name or note can't be stored."""
        check_words(contact.name, contact.note)
        self.contacts[contact.id] = self.made[contact.id] = contact
        self._note(contact.id, "name", None, contact.name)
        if contact.note:
            self._note(contact.id, "note", None, contact.note)

    def describe(self, id_: UUID, name: str | None, note: str | None) -> None:
        """Another name or note; None leaves it as it is. Raises InvalidContact."""
        before = self.contacts[id_]
        after = replace(
            before,
            name=before.name if name is None else name,
            note=before.note if note is None else note,
        )
        check_words(after.name, after.note)
        if after == before:
            return
        self.contacts[id_] = self.changed[id_] = after
        if after.name != before.name:
            self._note(id_, "name", before.name, after.name)
        if after.note != before.note:
            self._note(id_, "note", before.note or None, after.note or None)

    def link(self, id_: UUID, addresses: Iterable[Address]) -> None:
        """The addresses are that contact's. Raises InvalidContact when one is another's."""
        wanted = list(dict.fromkeys(addresses))
        others = [
            f"{one} is of {self.owners[one].name} ({self.owners[one].id})"
            for one in wanted
            if one in self.owners and self.owners[one].id != id_
        ]
        if others:
            raise InvalidContact(
                f"{'; '.join(others)}: `ccm contact unlink` it there first, or merge the two"
            )
        for one in wanted:
            if one not in self.owners:
                self.owners[one] = self.contacts[id_]
                self.linked[one] = id_
                self._note(id_, one.kind, None, one.text)

    def unlink(self, id_: UUID, addresses: Iterable[Address]) -> None:
        """The addresses are nobody's any more. Raises InvalidContact when one is not its own."""
        wanted = list(dict.fromkeys(addresses))
        strange = [
            str(one) for one in wanted if one not in self.owners or self.owners[one].id != id_
        ]
        if strange:
            raise InvalidContact(f"{self.contacts[id_].name} has no {', '.join(strange)}")
        for one in wanted:
            del self.owners[one]
            self.unlinked[one] = id_
            self._note(id_, one.kind, one.text, None)

    def merge(self, into: UUID, other: UUID, addresses: Sequence[Address]) -> None:
        """``other``, with those addresses, turned out to be ``into``. Raises InvalidContact."""
        if into == other:
            raise InvalidContact(f"{self.contacts[into].name} can't be merged with itself")
        self.merged[other] = into
        for one in addresses:
            self.owners[one] = self.contacts[into]
            self._note(other, one.kind, one.text, None)
            self._note(into, one.kind, None, one.text)
        self._note(other, "merged", None, str(into))
        self._note(into, "absorbed", None, str(other))

    def delete(self, id_: UUID, addresses: Sequence[Address]) -> None:
        """The contact, with those addresses, is nobody any more; they are nobody's."""
        for one in addresses:
            self.owners.pop(one, None)
            self.unlinked[one] = id_
            self._note(id_, one.kind, one.text, None)
        self.deleted.append(id_)
        self._note(id_, "deleted", self.contacts.pop(id_).name, None)

    def set(self, what: str, before: str, after: str) -> None:
        """A setting of all contacts."""
        if before != after:
            self.history.append(Change(None, what, before, after))

    def renumber(self, id_: UUID, before: Address, after: Address) -> None:
        """A number of theirs is written in another way now."""
        self.unlinked[before] = self.linked[after] = id_
        self._note(id_, "phone", before.text, after.text)

    def drop(self, id_: UUID, number: Address) -> None:
        """A number of theirs is another one of theirs, written otherwise."""
        self.unlinked[number] = id_
        self._note(id_, number.kind, number.text, None)

    def _note(self, id_: UUID, what: str, before: str | None, after: str | None) -> None:
        self.history.append(Change(id_, what, before, after))


def check_words(name: str, note: str) -> None:
    """Raises InvalidContact when a name or a note can't be stored."""
    if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME:
        raise InvalidContact(
            f"a name has from 1 to {LONGEST_NAME} characters, and no spaces around them"
        )
    if not name.isprintable():
        raise InvalidContact("a name is one line, without control characters")
    if len(note) > LONGEST_NOTE or not note.replace("\n", " ").isprintable():
        raise InvalidContact(
            f"a note has at most {LONGEST_NOTE} characters, and no control characters"
        )
