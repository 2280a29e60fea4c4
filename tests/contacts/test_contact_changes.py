"""What edits of contacts come to, and what they refuse."""

from collections.abc import Callable
from uuid import UUID

import pytest

from ccmiddleware.contacts.addresses import Address, InvalidContact, address
from ccmiddleware.contacts.changes import LONGEST_NAME, Book, Contact
from ccmiddleware.contacts.numbers import NumberRule

ANN, BOB = Contact(UUID(int=1), "Ann"), Contact(UUID(int=2), "Bob", "friend")
MAIL, PHONE = Address("email", "ann@x.example"), Address("phone", "+4930")


def book() -> Book:
    return Book({ANN.id: ANN, BOB.id: BOB}, {MAIL: ANN})


REFUSED: list[tuple[Callable[[Book], None], str]] = [
    (lambda b: b.make(Contact(UUID(int=3), "")), "a name has"),
    (lambda b: b.make(Contact(UUID(int=3), " Ann")), "no spaces around"),
    (lambda b: b.make(Contact(UUID(int=3), "A" * (LONGEST_NAME + 1))), "a name has"),
    (lambda b: b.make(Contact(UUID(int=3), "Ann\u202e")), "control characters"),
    (lambda b: b.make(Contact(UUID(int=3), "Ann", "\0")), "a note has"),
    (lambda b: b.describe(BOB.id, None, "x" * 2001), "a note has"),
    (lambda b: b.link(BOB.id, [PHONE, MAIL]), "ann@x.example is of Ann"),
    (lambda b: b.unlink(BOB.id, [MAIL]), "Bob has no ann@x.example"),
    (lambda b: b.unlink(ANN.id, [MAIL, PHONE]), "Ann has no +4930"),
    (lambda b: b.merge(ANN.id, ANN.id, []), "merged with itself"),
]


@pytest.mark.parametrize(("step", "said"), REFUSED)
def test_what_is_refused_changes_nothing(step: Callable[[Book], None], said: str) -> None:
    edited = book()
    with pytest.raises(InvalidContact, match=said.replace("+", r"\+")):
        step(edited)
    assert edited == book()


def test_an_address_moves_by_unlinking_first() -> None:
    edited = book()
    edited.unlink(ANN.id, [MAIL, MAIL])
    edited.link(BOB.id, [MAIL, PHONE, MAIL])
    assert edited.unlinked == {MAIL: ANN.id}
    assert edited.linked == {MAIL: BOB.id, PHONE: BOB.id}
    assert [(one.contact_id, one.before, one.after) for one in edited.history] == [
        (ANN.id, "ann@x.example", None),
        (BOB.id, None, "ann@x.example"),
        (BOB.id, None, "+4930"),
    ]


def test_what_is_deleted_has_no_addresses_and_a_history() -> None:
    edited = book()
    edited.delete(ANN.id, [MAIL])
    assert (edited.deleted, edited.unlinked) == ([ANN.id], {MAIL: ANN.id})
    assert [(one.contact_id, one.what, one.before, one.after) for one in edited.history] == [
        (ANN.id, "email", "ann@x.example", None),
        (ANN.id, "deleted", "Ann", None),
    ]
    edited.link(BOB.id, [MAIL])


def test_a_merge_is_in_the_history_of_both() -> None:
    edited = book()
    edited.merge(BOB.id, ANN.id, [MAIL])
    assert edited.merged == {ANN.id: BOB.id}
    assert [(one.contact_id.int, one.what, one.before, one.after) for one in edited.history
            if one.contact_id] == [
        (1, "email", "ann@x.example", None),
        (2, "email", None, "ann@x.example"),
        (1, "merged", None, str(BOB.id)),
        (2, "absorbed", None, str(ANN.id)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" Ann@X.Example ", MAIL),
        ("mailto:ann@x.example", MAIL),
        ("+49 30", PHONE),
        ("030", PHONE),
        ("ann@bücher.example", Address("email", "ann@xn--bcher-kva.example")),
    ],
)
def test_addresses_are_read(text: str, found: Address) -> None:
    assert address(text, NumberRule("49")) == found


@pytest.mark.parametrize("text", ["", "Ann", "a b@", "@x.example", "ann@x.example\n1", "1\x1b[2J"])
def test_what_is_no_address_is_said_without_control_characters(text: str) -> None:
    with pytest.raises(InvalidContact) as caught:
        address(text, NumberRule())
    assert str(caught.value).isprintable()
