"""Contacts as files have them: CSV or JSON lines, in and out. Pure: lines in, rows or mistakes out.

One contact a row: id, name, note, emails, phones. In CSV, several addresses stand in one cell with
a semicolon between; in JSON lines they are lists.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any
from uuid import UUID

from ccmiddleware.contacts.addresses import Address, InvalidContact, email, phone
from ccmiddleware.contacts.changes import Book, Contact, check_words
from ccmiddleware.contacts.numbers import NumberRule

COLUMNS = ("id", "name", "note", "emails", "phones")
MOST_ROWS = 100_000
LONGEST_LINE = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """One row of a file. ``id`` None: whose it is, is said by its addresses, or it is new."""

    line: int
    name: str
    note: str | None
    addresses: tuple[Address, ...]
    id: UUID | None = None


@dataclass(frozen=True)
class Read:
    """What a file says, and all that is wrong with it, by line."""

    entries: tuple[Entry, ...]
    mistakes: tuple[tuple[int, str], ...]


Raw = tuple[int, Mapping[str, Any] | str]
"""A line and its fields by name, or what is wrong with it."""


def from_csv(lines: Iterable[str]) -> Iterator[Raw]:
    """The rows of a CSV file whose first line names the columns."""
    reader = csv.DictReader(lines)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"name"} <= set(names) <= set(COLUMNS) or len(set(names)) < len(names):
            yield (
                1,
                f"the first line must name columns of {','.join(COLUMNS)}, the name among them, "
                f"not {','.join(names) or 'nothing'}",
            )
            return
        reader.fieldnames = names
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, f"has not the {len(names)} fields of the first line"
            else:
                cells = {key: (value or "").strip() for key, value in row.items()}
                yield (
                    reader.line_num,
                    cells
                    | {
                        key: [part.strip() for part in cells[key].split(";") if part.strip()]
                        for key in ("emails", "phones")
                        if key in cells
                    },
                )
    except csv.Error as error:
        yield reader.line_num, str(error)


def from_json_lines(lines: Iterable[str]) -> Iterator[Raw]:
    """The objects of a file with one on each line; empty lines are left out."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            yield number, f"is longer than {LONGEST_LINE} characters"
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"is no JSON: {error}"
            continue
        yield (number, found) if isinstance(found, dict) else (number, "is no JSON object")


def read(rows: Iterable[Raw], rule: NumberRule) -> Read:
    """Check every row."""
    entries: list[Entry] = []
    mistakes: list[tuple[int, str]] = []
    seen: dict[Address | UUID, int] = {}
    for line, raw in rows:
        if len(entries) + len(mistakes) >= MOST_ROWS:
            mistakes.append((line, f"is more than the {MOST_ROWS} rows that a file may have"))
            break
        if isinstance(raw, str):
            mistakes.append((line, raw))
            continue
        entry, wrong = _entry(line, raw, rule)
        keys: list[Address | UUID] = [*entry.addresses, *([entry.id] if entry.id else [])]
        for key in keys:
            before = seen.setdefault(key, line)
            if before != line:
                wrong.append(f"{key} stands in line {before} too")
        entries.append(entry)
        mistakes += [(line, text) for text in wrong]
    return Read(tuple(entries), tuple(mistakes))


def _entry(line: int, raw: Mapping[str, Any], rule: NumberRule) -> tuple[Entry, list[str]]:
    wrong = []
    unknown = [repr(key) for key in raw if key not in COLUMNS]
    if unknown:
        wrong.append(f"{', '.join(unknown)}: no such field; there are {', '.join(COLUMNS)}")
    name, note = _text(raw, "name", wrong) or "", _text(raw, "note", wrong)
    try:
        check_words(name, note or "")
    except InvalidContact as error:
        wrong.append(str(error))
    addresses: list[Address] = []
    for key in ("emails", "phones"):
        for text in _list(raw, key, wrong):
            try:
                addresses.append(email(text) if key == "emails" else phone(text, rule))
            except InvalidContact as error:
                wrong.append(str(error))
    id_ = None
    id_text = _text(raw, "id", wrong)
    if id_text:
        try:
            id_ = UUID(id_text)
        except ValueError:
            wrong.append(f"{id_text!r} is no id: leave it out for a new contact")
    return Entry(line, name, note, tuple(dict.fromkeys(addresses)), id_), wrong


def _text(raw: Mapping[str, Any], key: str, wrong: list[str]) -> str | None:
    value = raw.get(key)
    if value is None or isinstance(value, str):
        return value
    wrong.append(f"{key} must be a text")
    return None


def _list(raw: Mapping[str, Any], key: str, wrong: list[str]) -> list[str]:
    value = raw.get(key) or []
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    wrong.append(f"{key} must be a list of texts")
    return []


def take_in(book: Book, entries: Iterable[Entry], new_ids: Iterator[UUID]) -> list[tuple[int, str]]:
    """Put the entries into the book; the mistakes, by line.

    An entry is about the contact with its id, else about the one that has one of its addresses,
    else about a new one. It adds addresses and takes none away.
    """
    mistakes = []
    about: dict[UUID, int] = {}
    for entry in entries:
        try:
            id_ = _about(book, entry)
            before = about.setdefault(id_, entry.line) if id_ is not None else entry.line
            if before != entry.line:
                raise InvalidContact(f"is about the contact of line {before} too")
            if id_ is None:
                id_ = next(new_ids)
                book.make(Contact(id_, entry.name, entry.note or ""))
            else:
                book.describe(id_, entry.name, entry.note)
            book.link(id_, entry.addresses)
        except InvalidContact as error:
            mistakes.append((entry.line, str(error)))
    return mistakes


def _about(book: Book, entry: Entry) -> UUID | None:
    if entry.id is not None:
        if entry.id not in book.contacts:
            raise InvalidContact(f"there is no contact {entry.id}")
        return entry.id
    owners = {one.id: one for address in entry.addresses if (one := book.owners.get(address))}
    if len(owners) > 1:
        names = " and ".join(f"{one.name} ({one.id})" for one in owners.values())
        raise InvalidContact(f"its addresses belong to {names}: merge them first, or part the row")
    return next(iter(owners), None)


def to_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines that ``from_csv`` reads, without their ends."""
    yield ",".join(COLUMNS)
    for row in rows:
        cells = [row["id"], row["name"], row["note"], *(";".join(row[key]) for key in COLUMNS[3:])]
        out = StringIO()
        csv.writer(out, lineterminator="\n").writerow(cells)
        yield out.getvalue().removesuffix("\n")


def to_json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines that ``from_json_lines`` reads, without their ends."""
    for row in rows:
        yield json.dumps(
            {key: str(row[key]) if key == "id" else row[key] for key in COLUMNS}, ensure_ascii=False
        )
