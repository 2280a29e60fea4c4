"""Entries of the do-not-call list as people and files write them. Pure.

A number is one; a beginning of numbers is written with a star behind it: +1900*. A file is a list
of numbers, one a line; or CSV whose first line names columns: number, and perhaps expires and note.
Lists that part area code and number by a comma are read as well.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from ccmiddleware.dialer.numbers import IN_NANP, InvalidNumber, parsed
from ccmiddleware.dialer.values import BEGINNING, BETWEEN_DIGITS, E164, InvalidCampaign
from ccmiddleware.plaintext import plain

SOURCE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
NUMBER_NAMES = ("number", "phone", "phone_number", "telephone")
LONGEST_NOTE = 200
NANP = re.compile(r"[2-9][0-9]{9}")


@dataclass(frozen=True)
class Entry:
    """A number, or a beginning of numbers, that must not be called."""

    number: str
    prefix: bool = False
    expires_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Read:
    """What a file says, and all that is wrong with it, by line."""

    entries: tuple[Entry, ...]
    mistakes: tuple[tuple[int, str], ...]


def source(text: str) -> str:
    """The name of a source. Raises InvalidCampaign."""
    if SOURCE.fullmatch(text) is None:
        raise InvalidCampaign(
            f"{text!r} is no source: small letters, digits and _ . -, such as internal or national"
        )
    return text


def number(text: str, region: str | None) -> tuple[str, bool]:
    """E.164, or the beginning of numbers (true). Raises InvalidCampaign."""
    bare = BETWEEN_DIGITS.sub("", text)
    if bare.endswith("*"):
        if BEGINNING.fullmatch(bare[:-1]) is None:
            raise InvalidCampaign(f"{text!r} is no beginning of numbers, as in +1900*")
        return bare[:-1], True
    if E164.fullmatch(bare) is not None:
        return bare, False
    if region in IN_NANP and NANP.fullmatch(bare) is not None:
        return f"+1{bare}", False
    try:
        return parsed(text, region)[0], False
    except InvalidNumber as error:
        raise InvalidCampaign(str(error)) from None


def read(lines: Iterable[str], region: str | None, default: Entry, now: datetime) -> Read:
    """Every entry of a file; what it does not say is as in ``default``. The longest holds."""
    found: dict[tuple[str, bool], Entry] = {}
    mistakes: list[tuple[int, str]] = []
    for line, cells in _rows(lines):
        try:
            entry = _entry(cells, region, default, now)
        except InvalidCampaign as error:
            mistakes.append((line, str(error)))
            continue
        key = (entry.number, entry.prefix)
        before = found.get(key)
        if before is None or _longer(entry, before):
            found[key] = entry
    return Read(tuple(found.values()), tuple(mistakes))


def _longer(one: Entry, other: Entry) -> bool:
    if other.expires_at is None:
        return False
    return one.expires_at is None or one.expires_at > other.expires_at


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Cells by name, with their line."""
    reader = csv.reader(lines)
    names: list[str] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            first = [cell.strip().lower().replace(" ", "_") for cell in cells]
            known = [one for one in first if one in NUMBER_NAMES]
            names = ["number" if one in NUMBER_NAMES else one for one in first] if known else []
            if known:
                continue
        if names:
            yield reader.line_num, dict(zip(names, cells, strict=False))
        else:
            yield reader.line_num, {"number": "".join(cells)}


def _entry(cells: dict[str, str], region: str | None, default: Entry, now: datetime) -> Entry:
    text, prefix = number(cells.get("number", "").strip(), region)
    until = cells.get("expires", "").strip()
    return Entry(
        text,
        prefix,
        _until(until, now) if until else default.expires_at,
        plain(cells.get("note", "").strip(), LONGEST_NOTE) or default.note,
    )


def _until(text: str, now: datetime) -> datetime:
    try:
        found = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise InvalidCampaign(f"expires {text!r} is no date; write it as 2026-12-24") from None
    if found <= now:
        raise InvalidCampaign(f"expires {text}: that is over")
    return found
