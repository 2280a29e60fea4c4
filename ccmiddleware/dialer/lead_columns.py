"""What the columns of a file of leads mean: recognised by their names, or said with --map. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ccmiddleware.errors import PermanentError

MOST_COLUMNS = 200
MOST_NUMBERS = 20
LONGEST_NAME = 60

ALIASES = {
    "external_id": "external_id id lead_id leadid record_id customer_id customer_number key",
    "name": "name full_name fullname contact customer company",
    "first_name": "first_name firstname given_name forename vorname prenom nombre",
    "last_name": "last_name lastname surname family_name nachname nom apellido",
    "priority": "priority prio rank",
    "zone": "zone time_zone timezone tz zeitzone",
    "postal_code": "postal_code postalcode postcode zip zip_code zipcode plz",
    "state": "state province subdivision region_code bundesland",
    "country": "country country_code land",
    "consent": "consent opt_in optin consent_given agreed einwilligung",
}
"""Fields, and the names of columns that are taken for them."""

PHONE = re.compile(
    r"(?:tele)?(?:phone|fon)(?:_?(?:number|no|nr))?_?([0-9]{0,2})|tel_?([0-9]{0,2})"
    r"|(?:number|mobile|cell|cellphone|handy|mobil)_?([0-9]{0,2})"
    r"|(?:home|work|mobile|cell|business|private|alt|other)_?phone_?([0-9]{0,2})"
)
"""Names of columns that are taken for numbers."""

FIELDS = (*ALIASES, "phone", "custom", "skip")
ONCE = tuple(ALIASES)
NAMED = {name: field for field, names in ALIASES.items() for name in names.split()}


class InvalidColumns(PermanentError):
    """The columns can't be used as they are; the text says what would be right."""


@dataclass(frozen=True)
class Columns:
    """Where in a row each thing stands. ``phones`` in the order in which they are dialled."""

    count: int
    phones: tuple[int, ...]
    fields: Mapping[str, int] = field(default_factory=dict)
    custom: tuple[tuple[int, str], ...] = ()

    def described(self, header: Sequence[str]) -> dict[str, str]:
        """What each column of the header was taken for."""
        found = {header[place]: name for name, place in self.fields.items()}
        found |= {header[place]: f"phone{n}" for n, place in enumerate(self.phones, 1)}
        found |= {header[place]: f"custom.{name}" for place, name in self.custom}
        return {name: found.get(name, "skip") for name in header}


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """Fields by column from texts COLUMN=FIELD. Raises InvalidColumns."""
    found: dict[str, str] = {}
    for pair in pairs:
        column, equals, wanted = (part.strip() for part in pair.rpartition("="))
        if not equals or not column:
            raise InvalidColumns(f"--map {pair!r}: write COLUMN=FIELD, as in Telefon=phone1")
        if column in found:
            raise InvalidColumns(f"--map: {column!r} is given twice")
        found[column] = _field(wanted)
    return found


def _field(text: str) -> str:
    name = text.lower()
    if name in FIELDS or re.fullmatch(r"phone([1-9]|1[0-9]|20)", name):
        return name
    if name.startswith("custom.") and _custom_name(text[7:]):
        return f"custom.{text[7:]}"
    near = get_close_matches(name, FIELDS, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    raise InvalidColumns(
        f"--map: there is no field {text!r}; there are {', '.join(FIELDS)}, phone1 to phone20 and "
        f"custom.NAME {hint}".rstrip()
    )


def _custom_name(text: str) -> bool:
    return bool(text) and len(text) <= LONGEST_NAME and text.isprintable()


def columns_of(header: Sequence[str], mapped: Mapping[str, str]) -> Columns:
    """What the columns mean. Raises InvalidColumns with all that is wrong."""
    names = [name.strip() for name in header]
    wrong = _doubles(names)
    unknown = [name for name in mapped if name not in names]
    if unknown:
        wrong.append(f"--map names {', '.join(map(repr, unknown))}, which the file has not")
    if len(names) > MOST_COLUMNS:
        wrong.append(f"there are more than {MOST_COLUMNS} columns")
    meant = [mapped.get(name) or _meant(name) for name in names]
    for once in ONCE:
        places = [name for name, one in zip(names, meant, strict=True) if one == once]
        if len(places) > 1:
            wrong.append(
                f"{' and '.join(map(repr, places))} are both taken for {once}: --map one of them"
            )
    phones = _phones(meant)
    if not phones:
        wrong.append(
            f"no column is one of numbers; there are {', '.join(map(repr, names))}: say which, as "
            f"in --map {names[0] if names else 'COLUMN'}=phone1"
        )
    if len(phones) > MOST_NUMBERS:
        wrong.append(f"there are more than {MOST_NUMBERS} columns of numbers")
    custom = [
        (place, one[7:] if one.startswith("custom.") else names[place][:LONGEST_NAME])
        for place, one in enumerate(meant)
        if one.startswith("custom")
    ]
    if len({name for _, name in custom}) < len(custom):
        wrong.append("two columns would be the same custom field: --map one of them")
    if wrong:
        raise InvalidColumns("; ".join(wrong))
    fields = {one: place for place, one in enumerate(meant) if one in ONCE}
    return Columns(len(names), tuple(phones), fields, tuple(custom))


def _doubles(names: Sequence[str]) -> list[str]:
    if not all(name and name.isprintable() for name in names):
        return ["the first line must name every column"]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"the first line names {', '.join(map(repr, twice))} twice"] if twice else []


def _meant(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    found = PHONE.fullmatch(plain)
    if found is not None:
        number = next((part for part in found.groups() if part), "")
        return f"phone{number}" if plain.startswith(("phone", "tel", "number")) else "phone"
    return NAMED.get(plain, "custom")


def _phones(meant: Sequence[str]) -> list[int]:
    """Columns of numbers: those with an ordinal by it, the others where they stand among them."""
    found = [(place, one[5:]) for place, one in enumerate(meant) if one.startswith("phone")]
    ordered = sorted(
        (int(ordinal) if ordinal else turn, place) for turn, (place, ordinal) in enumerate(found, 1)
    )
    return [place for _, place in ordered]
