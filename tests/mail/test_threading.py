"""Which conversation a message belongs to: the order, who may join, closing, several mailboxes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from mail.written import written

from ccmiddleware.mail.message import Message
from ccmiddleware.mail.threading import (
    MOST_IDS,
    MOST_PARTICIPANTS,
    Conversation,
    Here,
    Joins,
    Known,
    Opens,
    decide,
    participants,
    wanted,
    without_token,
)
from ccmiddleware.mail.tokens import Key, Keys, Kind, Use, message_id, reply_address

KEYS = Keys(Key(1, b"k" * 32))
FOREIGN = Keys(Key(1, b"f" * 32))
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (0xA, 0xB, 0xC))
CARLA, DORA = "carla@customer.example", "dora@customer.example"
SUPPORT, SALES = "support@example.com", "sales@example.com"


def token(of: UUID, keys: Keys = KEYS, use: Use = Use.CUSTOMER, days: int = 9) -> str:
    return reply_address(keys, SUPPORT, use, of, "", NOW + timedelta(days=days))


def ours(of: UUID, keys: Keys = KEYS, kind: Kind = Kind.ANSWER) -> str:
    return message_id(keys, kind, of, UUID(int=of.int + 100), "example.com")


def talk(
    of: UUID, *who: str, closed_days: float | None = None, at: str = SUPPORT
) -> tuple[UUID, Conversation]:
    closed = None if closed_days is None else NOW - timedelta(days=closed_days)
    return of, Conversation(of, frozenset(who or (CARLA,)), frozenset({at}), closed)


def outcome(
    message: Message,
    *talks: tuple[UUID, Conversation],
    holders: dict[str, tuple[UUID, ...]] | None = None,
    at: str = SUPPORT,
    automatic: str = "",
) -> tuple[str, UUID | None, str]:
    """``joins``, ``reopens`` or ``opens``; the conversation joined or linked to; why."""
    asked = wanted(message, KEYS, NOW)
    looked_up = {*asked.message_ids, asked.own_id}
    known = Known(
        dict(talks),
        {one: each for one, each in (holders or {}).items() if one in looked_up},
    )
    here = Here(frozenset({at}), frozenset({SUPPORT, SALES} - {at}), NOW)
    found = decide(message, asked, known, here, automatic)
    if isinstance(found, Opens):
        return "opens", found.linked_to, found.why
    return "reopens" if found.reopens else "joins", found.conversation, found.why


HOLD_A = {"x@c": (A,)}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, UUID | None, str]]] = [
    ("nothing", {}, {}, ("opens", None, "new")),
    ("token in To", {"to": [token(A)]}, {}, ("joins", A, "token in an address")),
    ("token in Cc", {"cc": [token(A)]}, {}, ("joins", A, "token in an address")),
    ("token delivered to", {"delivered_to": (token(A),)}, {},
     ("joins", A, "token in an address")),
    ("token in upper case", {"to": [token(A).upper()]}, {}, ("joins", A, "token in an address")),
    ("an agent's token", {"to": [token(A, use=Use.AGENT)]}, {}, ("opens", None, "new")),
    ("expired token", {"to": [token(A, days=-1)]}, {}, ("opens", None, "new")),
    ("expired token, yet a reference", {"to": [token(A, days=-1)], "references": ("x@c",)},
     {"holders": HOLD_A}, ("joins", A, "reference")),
    ("forged token", {"to": [token(A, FOREIGN)]}, {}, ("opens", None, "new")),
    ("token in References", {"references": (ours(A),)}, {},
     ("joins", A, "token in a Message-ID")),
    ("token in In-Reply-To", {"in_reply_to": (ours(A),)}, {},
     ("joins", A, "token in a Message-ID")),
    ("token of an acknowledgement", {"in_reply_to": (ours(A, kind=Kind.ACKNOWLEDGEMENT),)}, {},
     ("joins", A, "token in a Message-ID")),
    ("forged token in References", {"references": (ours(A, FOREIGN),)}, {},
     ("opens", None, "new")),
    ("token of what nobody knows", {"references": (ours(C),)}, {}, ("opens", None, "new")),
    ("address before ids", {"to": [token(B)], "references": (ours(A),)}, {},
     ("joins", B, "token in an address")),
    ("token before reference", {"references": (ours(A), "x@c")}, {"holders": {"x@c": (B,)}},
     ("joins", A, "token in a Message-ID")),
    ("newest token first", {"references": (ours(A), ours(B))}, {},
     ("joins", B, "token in a Message-ID")),
    ("In-Reply-To is the newest", {"references": (ours(B),), "in_reply_to": (ours(A),)}, {},
     ("joins", A, "token in a Message-ID")),
    ("reference", {"references": ("x@c",)}, {"holders": HOLD_A}, ("joins", A, "reference")),
    ("newest reference first", {"references": ("x@c", "y@c")},
     {"holders": {"x@c": (A,), "y@c": (B,)}}, ("joins", B, "reference")),
    ("older reference where the newest is not known", {"references": ("x@c", "z@c")},
     {"holders": HOLD_A}, ("joins", A, "reference")),
    ("reference to itself", {"message_id": "x@c", "references": ("x@c",)}, {"holders": HOLD_A},
     ("opens", A, "new; another with its Message-ID is there")),
    ("empty reference", {"references": ("",), "message_id": ""}, {"holders": {"": (A,)}},
     ("opens", None, "new")),
    ("a number in the subject", {"subject": f"Re: [#{A}] My invoice"}, {"holders": HOLD_A},
     ("opens", None, "new")),
    ("a token in the subject", {"subject": ours(A), "text": token(A)}, {},
     ("opens", None, "new")),
    ("a stranger with a token", {"sender": "eve@else.example", "to": [token(A)]}, {},
     ("opens", A, "token in an address, but eve@else.example has no part in it")),
    ("a stranger with a reference", {"sender": "eve@else.example", "references": ("x@c",)},
     {"holders": HOLD_A}, ("opens", A, "reference, but eve@else.example has no part in it")),
    ("a stranger of the same domain", {"sender": "eve@customer.example", "references": ("x@c",)},
     {"holders": HOLD_A}, ("opens", A, "reference, but eve@customer.example has no part in it")),
    ("a participant's address in capitals",
     {"sender": "Carla@customer.example", "references": ("x@c",)}, {"holders": HOLD_A},
     ("joins", A, "reference")),
    ("no sender", {"sender": None, "references": ("x@c",)}, {"holders": HOLD_A},
     ("opens", A, "reference, but its sender has no part in it")),
    ("an id used again in another's conversation",
     {"sender": DORA, "references": ("x@c",)},
     {"holders": {"x@c": (A, B)}, "b": (CARLA, DORA)}, ("joins", B, "reference")),
    ("not of the newest, but of an older one", {"references": ("x@c", "y@c")},
     {"holders": {"x@c": (A,), "y@c": (B,)}, "b": (DORA,)}, ("joins", A, "reference")),
    ("own id known, other content", {"message_id": "x@c"}, {"holders": HOLD_A},
     ("opens", A, "new; another with its Message-ID is there")),
    ("own id known, of somebody else", {"message_id": "x@c", "sender": DORA},
     {"holders": HOLD_A}, ("opens", None, "new")),
    ("closed lately", {"references": ("x@c",)}, {"holders": HOLD_A, "closed": 13.9},
     ("reopens", A, "reference")),
    ("closed for just as long", {"references": ("x@c",)}, {"holders": HOLD_A, "closed": 14},
     ("reopens", A, "reference")),
    ("closed long ago", {"references": ("x@c",)}, {"holders": HOLD_A, "closed": 14.1},
     ("opens", A, "reference, but it was closed on 2026-11-14")),
    ("closed long ago, token", {"to": [token(A)]}, {"closed": 99},
     ("opens", A, "token in an address, but it was closed on 2026-08-21")),
    ("closed long ago, but the thread went on", {"references": ("x@c", "y@c")},
     {"holders": {"x@c": (B,), "y@c": (A,)}, "closed": 99}, ("joins", B, "reference")),
    ("a machine, closed lately", {"references": ("x@c",)},
     {"holders": HOLD_A, "closed": 1, "automatic": "auto-replied"}, ("joins", A, "reference")),
    ("a machine, closed long ago", {"references": ("x@c",)},
     {"holders": HOLD_A, "closed": 99, "automatic": "auto-replied"}, ("joins", A, "reference")),
    ("a machine that is a stranger", {"sender": "mailer-daemon@b", "references": ("x@c",)},
     {"holders": HOLD_A, "automatic": "a mail system"},
     ("opens", A, "reference, but mailer-daemon@b has no part in it")),
    ("to both, copy at the other", {"references": ("x@c",), "to": [SUPPORT, SALES]},
     {"holders": HOLD_A, "at": SALES},
     ("opens", A, "reference, but support@example.com has a copy of its own")),
    ("to both with a token, copy at the other", {"to": [token(A), SALES]}, {"at": SALES},
     ("opens", A, "token in an address, but support@example.com has a copy of its own")),
    ("to both, copy of the conversation", {"references": ("x@c",), "to": [SUPPORT, SALES]},
     {"holders": HOLD_A}, ("joins", A, "reference")),
    ("to both, each has a conversation", {"references": ("x@c", "y@c"), "to": [SUPPORT, SALES]},
     {"holders": {"x@c": (B,), "y@c": (A,)}, "at": SALES, "b_at": SALES},
     ("joins", B, "reference")),
    ("to the other one alone", {"references": ("x@c",), "to": [SALES], "delivered_to": (SALES,)},
     {"holders": HOLD_A, "at": SALES}, ("joins", A, "reference")),
    ("to a mailbox that is no longer ours",
     {"references": ("x@c",), "to": ["old@example.com", SALES]},
     {"holders": HOLD_A, "at": SALES, "a_at": "old@example.com"}, ("joins", A, "reference")),
    ("first mail to both", {"message_id": "x@c", "to": [SUPPORT, SALES]},
     {"holders": HOLD_A, "at": SALES},
     ("opens", A, "new; another with its Message-ID is there")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_which_conversation(
    fields: dict[str, Any], given: dict[str, Any], expected: tuple[str, UUID | None, str]
) -> None:
    found = outcome(
        written(**fields),
        talk(A, closed_days=given.get("closed"), at=given.get("a_at", SUPPORT)),
        talk(B, *given.get("b", (CARLA,)), at=given.get("b_at", SUPPORT)),
        holders=given.get("holders"),
        at=given.get("at", SUPPORT),
        automatic=given.get("automatic", ""),
    )
    assert found == expected


def test_only_what_is_known_is_joined() -> None:
    assert outcome(written(to=[token(A)])) == ("opens", None, "new")
    assert outcome(written(references=("x@c",)), holders={"x@c": (A,)}) == ("opens", None, "new")


def test_what_is_looked_up_is_bounded_and_newest_first() -> None:
    message = written(
        references=tuple(f"{number}@c" for number in range(1000)), in_reply_to=("last@c",)
    )
    asked = wanted(message, KEYS, NOW)
    assert len(asked.message_ids) == MOST_IDS
    assert asked.message_ids[:3] == ("last@c", "999@c", "998@c")
    assert asked.own_id == message.message_id
    both = wanted(written(to=[token(A), token(A)], references=(ours(A), ours(B))), KEYS, NOW)
    assert both.in_addresses == (A,)
    assert both.conversations == (A, B)


def test_why_it_is_a_machines_is_passed_on() -> None:
    message, here = written(), Here(frozenset({SUPPORT}), frozenset(), NOW)
    found = decide(message, wanted(message, KEYS, NOW), Known(), here, "bulk")
    assert found == Opens("new", None, "bulk")
    message = written(references=(ours(A),))
    known = Known(dict([talk(A)]))
    found = decide(message, wanted(message, KEYS, NOW), known, here, "bulk")
    assert found == Joins(A, "token in a Message-ID", "bulk")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (CARLA,)),
        ({"sender": "Carla@Customer.example"}, (CARLA,)),
        ({"reply_to": [DORA]}, (CARLA, DORA)),
        ({"cc": [DORA, CARLA]}, (CARLA, DORA)),
        ({"cc": [SALES, token(A), DORA]}, (CARLA, DORA)),
        ({"cc": ["Undisclosed recipients", ""]}, (CARLA,)),
        ({"sender": None, "cc": [DORA]}, (DORA,)),
        ({"sender": SUPPORT, "to": [CARLA]}, (CARLA,)),
        ({"cc": [f"{number}@c" for number in range(MOST_PARTICIPANTS)]}, (CARLA,)),
    ],
)
def test_participants(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert participants(written(**fields), [SUPPORT, SALES]) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Support@Example.com", "support@example.com"),
        ("support+abc@example.com", "support@example.com"),
        ("a+b+c@d", "a@d"),
        ("none", "none"),
        ("", ""),
    ],
)
def test_addresses_without_tokens(address: str, expected: str) -> None:
    assert without_token(address) == expected
