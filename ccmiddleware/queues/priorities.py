"""Lists of numbers with priorities, as files have them. Pure: lines in, rows or complaints out."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from ccmiddleware.queues.settings import HIGHEST_PRIORITY, KINDS, InvalidSettings, whose

COLUMNS = ("kind", "number", "priority", "note")
MOST_COMPLAINTS = 10
LONGEST_NOTE = 200


@dataclass(frozen=True)
class Priority:
    """A number, or a sender of emails, and its priority; ``kind`` is did, caller or sender."""

    kind: str
    number: str
    priority: int
    note: str = ""


def checked(kind: str, given: str, priority: str, note: str = "") -> Priority:
    """One row, checked. Raises InvalidSettings."""
    kind = kind.strip().lower()
    if kind not in KINDS:
        raise InvalidSettings(
            f"{kind!r} is none of did (the number dialled), caller and sender (of emails)"
        )
    text = priority.strip()
    if not (text.isascii() and text.isdecimal() and int(text) <= HIGHEST_PRIORITY):
        raise InvalidSettings(
            f"{text!r} is no priority: a whole number from 0 to {HIGHEST_PRIORITY}"
        )
    note = note.strip()
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise InvalidSettings(f"a note is one line of at most {LONGEST_NOTE} characters")
    return Priority(kind, whose(kind, given.strip()), int(text), note)


def read_csv(lines: Iterable[str]) -> list[Priority]:
    """The rows of a CSV file with the columns kind, number, priority and perhaps note.

    The first line names the columns. Raises InvalidSettings with all that is wrong, by line.
    """
    reader = csv.DictReader(lines)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if not {"kind", "number", "priority"} <= set(names) <= set(COLUMNS):
        raise InvalidSettings(
            "the first line must name the columns kind,number,priority and perhaps note, "
            f"not {','.join(names) or 'nothing'}"
        )
    reader.fieldnames = names
    found: dict[tuple[str, str], tuple[int, Priority]] = {}
    wrong: list[str] = []
    try:
        for row in reader:
            try:
                if None in row or None in row.values():
                    raise InvalidSettings(f"has not the {len(names)} fields of the first line")
                one = checked(row["kind"], row["number"], row["priority"], row.get("note") or "")
                before = found.setdefault((one.kind, one.number), (reader.line_num, one))
                if before[1] is not one:
                    raise InvalidSettings(f"{one.kind} {one.number} stands in line {before[0]} too")
            except InvalidSettings as error:
                wrong.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        wrong.append(f"line {reader.line_num}: {error}")
    if wrong:
        more = len(wrong) - MOST_COMPLAINTS
        tail = [f"and {more} more"] if more > 0 else []
        raise InvalidSettings("; ".join([*wrong[:MOST_COMPLAINTS], *tail]))
    return [one for _, one in found.values()]
