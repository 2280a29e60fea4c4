"""Files of contacts: every row checked, all mistakes at once, and back again as they were."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from ccmiddleware.contacts.addresses import Address
from ccmiddleware.contacts.changes import Book, Contact
from ccmiddleware.contacts.files import (
    Entry,
    from_csv,
    from_json_lines,
    read,
    take_in,
    to_csv,
    to_json_lines,
)
from ccmiddleware.contacts.numbers import NumberRule

RULE = NumberRule("49")
ANN, BOB = Contact(UUID(int=1), "Ann"), Contact(UUID(int=2), "Bob", "friend")
ANN_MAIL, BOB_MAIL = Address("email", "ann@x.example"), Address("email", "bob@x.example")


def csv(text: str) -> list[tuple[int, str]] | list[Entry]:
    found = read(from_csv(text.splitlines(keepends=True)), RULE)
    return list(found.mistakes) or list(found.entries)


def lines(*objects: object) -> list[tuple[int, str]] | list[Entry]:
    found = read(from_json_lines([json.dumps(one) for one in objects]), RULE)
    return list(found.mistakes) or list(found.entries)


def ids() -> Iterator[UUID]:
    return (UUID(int=n) for n in range(100, 200))


def test_csv_is_read() -> None:
    assert csv(
        "Name,phones,EMAILS,note\n"
        'Ann,030 123; +49 (30) 124,Ann@X.Example ; a@bücher.example,"two\nlines"\n'
        "Bob,,,\n"
    ) == [
        Entry(
            3,
            "Ann",
            "two\nlines",
            (
                Address("email", "ann@x.example"),
                Address("email", "a@xn--bcher-kva.example"),
                Address("phone", "+4930123"),
                Address("phone", "+4930124"),
            ),
        ),
        Entry(4, "Bob", "", ()),
    ]


def test_json_lines_are_read() -> None:
    found = read(
        from_json_lines(["", '{"name": "Ann", "phones": ["030123", "+4930123"]}', " "]), RULE
    )
    assert found.mistakes == ()
    assert found.entries == (Entry(2, "Ann", None, (Address("phone", "+4930123"),)),)


MISTAKES = [
    ("", [(1, "the first line must name")]),
    ("phones\n", [(1, "the first line must name")]),
    ("name,name\n", [(1, "the first line must name")]),
    ("name,telephone\n", [(1, "not name,telephone")]),
    ("name,note\nAnn\n", [(2, "has not the 2 fields")]),
    ("name\nAnn,1\n", [(2, "has not the 1 fields")]),
    ("name,phones\n,12x\n", [(2, "a name has"), (2, "'12x' is no telephone number")]),
    ("name,emails\nAnn,a@\nBob,b\n", [(2, "'a@' is no e-mail"), (3, "'b' is no e-mail")]),
    ("name\nA\x1b[2Jnn\n", [(2, "without control characters")]),
    ("id,name\n7,Ann\n", [(2, "'7' is no id")]),
    ("name,phones\nAnn,030 1\nBob,+49301\n", [(3, "+49301 stands in line 2 too")]),
    (
        "id,name\n" + f"{ANN.id},Ann\n" * 2,
        [(3, f"{ANN.id} stands in line 2 too")],
    ),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES)
def test_every_mistake_is_told_with_its_line(text: str, wanted: list[tuple[int, str]]) -> None:
    found = csv(text)
    assert [line for line, _ in found] == [line for line, _ in wanted]
    for (_, said), (_, part) in zip(found, wanted, strict=True):
        assert part in said


def test_mistakes_of_json_lines() -> None:
    bad = ["{", "[]", json.dumps({"name": 7, "emails": "a@x.example"}), '{"name": "A", "x": 1}']
    bad += ["[" * 5000, '{"name": "' + "A" * 70_000 + '"}']
    found = read(from_json_lines(bad), RULE).mistakes
    assert [line for line, _ in found] == [1, 2, 3, 3, 3, 4, 5, 6]
    said = " ".join(text for _, text in found)
    for part in ("no JSON:", "no JSON object", "name must be a text", "emails must be a list",
                 "no such field", "is longer than"):  # fmt: skip
        assert part in said


def test_a_row_is_about_who_has_its_id_or_one_of_its_addresses_or_is_new() -> None:
    book = Book({ANN.id: ANN, BOB.id: BOB}, {BOB_MAIL: BOB})
    phone = Address("phone", "+4930")
    entries = [
        Entry(2, "Ann Arnold", None, (ANN_MAIL,), ANN.id),
        Entry(3, "Bob", None, (BOB_MAIL, phone)),
        Entry(4, "Carl", "new", ()),
    ]
    assert take_in(book, entries, ids()) == []
    assert book.made == {UUID(int=100): Contact(UUID(int=100), "Carl", "new")}
    assert book.changed == {ANN.id: Contact(ANN.id, "Ann Arnold")}
    assert book.linked == {ANN_MAIL: ANN.id, phone: BOB.id}
    assert [(one.contact_id, one.what, one.before, one.after) for one in book.history] == [
        (ANN.id, "name", "Ann", "Ann Arnold"),
        (ANN.id, "email", None, "ann@x.example"),
        (BOB.id, "phone", None, "+4930"),
        (UUID(int=100), "name", None, "Carl"),
        (UUID(int=100), "note", None, "new"),
    ]


def test_what_is_so_already_changes_nothing() -> None:
    book = Book({BOB.id: BOB}, {BOB_MAIL: BOB})
    assert take_in(book, [Entry(2, "Bob", None, (BOB_MAIL,))], ids()) == []
    assert book.history == []


def test_who_is_meant_is_never_guessed() -> None:
    book = Book({ANN.id: ANN, BOB.id: BOB}, {ANN_MAIL: ANN, BOB_MAIL: BOB})
    entries = [
        Entry(2, "Ann", None, (ANN_MAIL, BOB_MAIL)),
        Entry(3, "Ann", None, (BOB_MAIL,), ANN.id),
        Entry(4, "Eve", None, (), UUID(int=9)),
        Entry(5, "Bob", None, (BOB_MAIL,)),
        Entry(6, "Bob", None, (), BOB.id),
    ]
    said = dict(take_in(book, entries, ids()))
    assert set(said) == {2, 3, 4, 6}
    assert "merge them first" in said[2]
    assert "is of Bob" in said[3]
    assert "there is no contact" in said[4]
    assert "is about the contact of line 5 too" in said[6]
    assert book.made == {}  # two people of one name are two


def test_what_is_exported_is_read_again() -> None:
    rows = [
        {
            "id": ANN.id,
            "name": 'Arnold, "Ann"',
            "note": "two\nlines; more",
            "emails": ["ann@x.example", "a@y.example"],
            "phones": ["+4930", "1001"],
        },
        {"id": BOB.id, "name": "Bób", "note": "", "emails": [], "phones": []},
    ]
    text = "\n".join(to_csv(rows)).splitlines(keepends=True)
    for found in (read(from_csv(text), RULE), read(from_json_lines(to_json_lines(rows)), RULE)):
        assert found.mistakes == ()
        assert [
            {
                "id": one.id,
                "name": one.name,
                "note": one.note,
                "emails": [each.text for each in one.addresses if each.kind == "email"],
                "phones": [each.text for each in one.addresses if each.kind == "phone"],
            }
            for one in found.entries
        ] == rows
