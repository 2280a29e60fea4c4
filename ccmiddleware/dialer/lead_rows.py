"""Rows of a file of leads: each becomes a lead, ready to be copied, or is refused with a reason.

Pure, and the same in every process that checks a part of a file.

A row is refused as a whole when nothing can be dialled or something in it can't be meant. A number
that can't be called beside others that can is left out, and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ccmiddleware.dialer.lead_columns import MOST_NUMBERS, Columns
from ccmiddleware.dialer.numbers import InvalidNumber, parsed
from ccmiddleware.dialer.places import InvalidEvidence, NoPlace, Place, place_of
from ccmiddleware.plaintext import plain

LONGEST_ID = 100
LONGEST_NAME = 200
LONGEST_EVIDENCE = 60
LONGEST_CUSTOM = 16 * 1024
HIGHEST_PRIORITY = 100

LEAD_COLUMNS = (
    "id", "place_id", "next_number", "state", "last_result", "campaign_id", "import_id",
    "external_id", "name", "priority", "zone", "postal_code", "subdivision", "country", "consent",
    "custom",
)  # fmt: skip
"""How a line of ccm.lead is made; the first five are put before what is made here."""

NUMBER_COLUMNS = ("lead_id", "ordinal", "place_id", "number", "kind", "evidence")
"""The same of ccm.lead_number; the first three are put before what is made here."""

PlaceKey = tuple[str, tuple[str, ...], tuple[str, ...]]
Row = tuple[int, list[str]]
"""The line at which it begins, and its fields."""


@dataclass(frozen=True)
class Plan:
    """How rows are read. ``region``: the country of numbers without a country code."""

    columns: Columns
    region: str | None
    campaign_id: UUID
    import_id: int


class Number(NamedTuple):
    """One number of a lead: E.164, its place among those of its batch, the end of its line."""

    number: str
    place: int
    line: bytes


class Lead(NamedTuple):
    """One row that can become a lead; ``line`` is the end of its line of ccm.lead."""

    at: int
    external_id: str
    numbers: tuple[Number, ...]
    line: bytes


class Refusal(NamedTuple):
    """What was refused: the whole row, or (``whole`` false) one number of it."""

    at: int
    reason: str
    text: str
    whole: bool = True


@dataclass
class Batch:
    """What came of some rows, in their order."""

    leads: list[Lead] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    places: list[PlaceKey] = field(default_factory=list)

    def __getstate__(self) -> Any:
        """For another process: plain tuples, which pickle in half the time."""
        leads = [
            (lead.at, lead.external_id, [tuple(one) for one in lead.numbers], lead.line)
            for lead in self.leads
        ]
        return leads, self.refused, self.places

    def __setstate__(self, state: Any) -> None:
        leads, self.refused, self.places = state
        self.leads = [
            Lead(at, external_id, tuple(map(Number._make, numbers)), line)
            for at, external_id, numbers, line in leads
        ]


class _Refused(Exception):
    def __init__(self, reason: str, text: str) -> None:
        self.reason, self.text = reason, text


def check_rows(plan: Plan, rows: Sequence[Row]) -> Batch:
    """Check every row."""
    batch = Batch()
    known: dict[PlaceKey, int] = {}
    for at, cells in rows:
        before = len(batch.refused)
        try:
            batch.leads.append(_lead(plan, at, cells, batch, known))
        except _Refused as refused:
            del batch.refused[before:]
            batch.refused.append(Refusal(at, refused.reason, refused.text))
    return batch


def _lead(plan: Plan, at: int, cells: list[str], batch: Batch, known: dict[PlaceKey, int]) -> Lead:
    columns = plan.columns
    if len(cells) != columns.count:
        raise _Refused(
            "fields", f"has {len(cells)} fields, not the {columns.count} of the first line"
        )
    fields = {name: cells[place].strip() for name, place in columns.fields.items()}
    external_id = fields.get("external_id", "")
    if len(external_id) > LONGEST_ID or not external_id.isprintable():
        raise _Refused(
            "external_id", f"the id is no single line of at most {LONGEST_ID} characters"
        )
    where = [_evidence(fields, name) for name in ("zone", "postal_code", "state", "country")]
    numbers = _numbers(plan, at, cells, where, batch, known)
    tail = [
        str(plan.campaign_id),
        str(plan.import_id),
        external_id,
        _name(fields),
        _priority(fields.get("priority", "")),
        *where,
        plain(fields.get("consent", ""), LONGEST_NAME),
        _custom(cells, columns),
    ]
    return Lead(at, external_id, numbers, _line(tail))


def _numbers(
    plan: Plan,
    at: int,
    cells: list[str],
    where: list[str],
    batch: Batch,
    known: dict[PlaceKey, int],
) -> tuple[Number, ...]:
    """The numbers that can be called, in order, each once."""
    texts = [
        part
        for place in plan.columns.phones
        if (cell := cells[place].strip())
        for text in (cell.split(";") if ";" in cell else (cell,))
        if (part := text.strip())
    ]
    found: dict[str, Number] = {}
    wrong: list[Refusal] = []
    for text in texts[:MOST_NUMBERS]:
        try:
            number, kind, place = _number(text, plan.region, where)
        except _Refused as refused:
            wrong.append(Refusal(at, refused.reason, refused.text, whole=False))
            continue
        if number not in found:
            index = known.setdefault(place.key, len(known))
            if index == len(batch.places):
                batch.places.append(place.key)
            found[number] = Number(number, index, _line([number, kind, "; ".join(place.evidence)]))
    if not found:
        if not wrong:
            raise _Refused("no_number", "has no number")
        raise _Refused(wrong[0].reason, "; ".join(dict.fromkeys(one.text for one in wrong)))
    if len(texts) > MOST_NUMBERS:
        wrong.append(Refusal(at, "number", f"has more than {MOST_NUMBERS} numbers", whole=False))
    batch.refused += wrong
    return tuple(found.values())


def _number(text: str, region: str | None, where: list[str]) -> tuple[str, str, Place]:
    zone, postal_code, state, country = where
    try:
        number, kind = parsed(text, country.upper() if len(country) == 2 else region)
        place = place_of(number, zone=zone, postal_code=postal_code, state=state, country=country)
    except InvalidNumber as error:
        raise _Refused("number", str(error)) from None
    except InvalidEvidence as error:
        raise _Refused("place", str(error)) from None
    except NoPlace as error:
        raise _Refused("no_place", f"{number}: {error}") from None
    return number, kind, place


def _evidence(fields: Mapping[str, str], name: str) -> str:
    text = fields.get(name, "")
    if len(text) > LONGEST_EVIDENCE or not text.isprintable():
        raise _Refused(
            "place", f"{name} is no single line of at most {LONGEST_EVIDENCE} characters"
        )
    return text


def _name(fields: Mapping[str, str]) -> str:
    whole = fields.get("name", "")
    if not whole:
        parts = (fields.get("first_name", ""), fields.get("last_name", ""))
        whole = " ".join(part for part in parts if part)
    return plain(whole, LONGEST_NAME)


def _priority(text: str) -> str:
    if not text:
        return "0"
    digits = text.removeprefix("-")
    low, high = -HIGHEST_PRIORITY, HIGHEST_PRIORITY
    if not (digits.isascii() and digits.isdecimal() and low <= int(text) <= high):
        raise _Refused("priority", f"{text!r} is no priority: a whole number from {low} to {high}")
    return str(int(text))


def _custom(cells: list[str], columns: Columns) -> str:
    found = {name: text for place, name in columns.custom if (text := cells[place].strip())}
    if not found:
        return "{}"
    text = msgspec.json.encode(found).decode()
    if len(text) > LONGEST_CUSTOM:
        raise _Refused("custom", f"its other fields are longer than {LONGEST_CUSTOM} characters")
    return text.replace("\\u0000", "\\ufffd")


def _line(cells: Sequence[str]) -> bytes:
    """Fields of one line as COPY has them, with its end."""
    text = "\t".join(cells)
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return f"{text}\n".encode()


REASONS = {
    "fields": "not as many fields as the first line",
    "no_number": "no number",
    "number": "a number that can't be called",
    "no_place": "nothing tells where the party is",
    "place": "zone, postal code, state or country can't be meant",
    "external_id": "the id can't be one",
    "priority": "the priority can't be one",
    "custom": "too much in other fields",
    "in_file": "id or number stands in the file before",
    "in_campaign": "id or number is that of a lead of the campaign",
    "elsewhere": "number is that of a lead of another campaign",
    "dnc": "every number is on the do-not-call list",
    "dnc_number": "a number on the do-not-call list, beside others",
}
"""Why rows and numbers are refused."""
