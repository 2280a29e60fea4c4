"""From a letter to bytes: what parses back, what is refused, and that no header can be added."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.parsed import addresses, header, names, parsed, text
from mail.written import written

from ccmiddleware.mail.composing import (
    LONGEST_ID,
    MOST_RECIPIENTS,
    MOST_REFERENCES,
    File,
    InvalidLetter,
    Letter,
    answer_subject,
    compose,
    sound_address,
    sound_id,
    thread,
)
from ccmiddleware.mail.message import Address
from ccmiddleware.mail.tokens import Key, Keys, Kind, message_id

CARLA = Address("carla@customer.example", "Carla Kunz")
ID = message_id(Keys(Key(1, b"k" * 32)), Kind.ANSWER, UUID(int=1), UUID(int=2), "example.com")
LETTER = Letter(
    sender=Address("support@example.com", "Support"),
    to=(CARLA,),
    subject="Re: My invoice",
    text="Thank you.",
    message_id=ID,
    date=datetime(2026, 11, 28, 12, tzinfo=UTC),
    mark="pbx.example.com",
)
ALWAYS = ["From", "To", "Subject", "Date", "Message-ID", "X-CCM-Loop"]


def test_a_letter_parses_back() -> None:
    composed = compose(
        replace(
            LETTER,
            cc=(Address("dora@customer.example"),),
            reply_to=Address("answers@example.com"),
            in_reply_to="b@c",
            references=("a@c", "b@c"),
            automatic="auto-replied",
            bounces_to="support@example.com",
        )
    )
    found = parsed(composed)
    assert composed.content.count(b"Message-ID: ") == 1
    assert found["From"] == "Support <support@example.com>"
    assert found["To"] == "Carla Kunz <carla@customer.example>"
    assert found["Cc"] == "dora@customer.example"
    assert found["Reply-To"] == "answers@example.com"
    assert found["Date"] == "Sat, 28 Nov 2026 12:00:00 +0000"
    assert found["Message-ID"] == f"<{ID}>"
    assert found["In-Reply-To"] == "<b@c>"
    assert found["References"] == "<a@c> <b@c>"
    assert found["Auto-Submitted"] == "auto-replied"
    assert found["X-Auto-Response-Suppress"] == "All"
    assert found["X-CCM-Loop"] == "pbx.example.com"
    assert found["MIME-Version"] == "1.0"
    assert text(composed) == "Thank you.\n"
    assert composed.recipients == ("carla@customer.example", "dora@customer.example")
    assert composed.envelope_from == "support@example.com"
    assert not composed.smtputf8


def test_what_is_not_set_is_not_there_and_the_same_letter_has_the_same_bytes() -> None:
    assert names(compose(LETTER)) == ALWAYS
    letter = replace(LETTER, files=(File("a.txt", "text/plain", b"a"),))
    assert compose(letter).content == compose(letter).content


LONG = "a-very-long-word-" * 20


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("", ""),
        ("My invoice", "My invoice"),
        ("Größe", "Größe"),
        ("请帮助我" * 30, "请帮助我" * 30),
        ("🙂" * 60, "🙂" * 60),
        ("Grüße an " * 20, ("Grüße an " * 20).strip()),
        (LONG[:250], LONG[:250]),
        (LONG, LONG[:250]),
        ("word " * 40, ("word " * 40).strip()),
        ("=?utf-8?q?Bcc:_eve=40else=2Eexample?=", "=?utf-8?q?Bcc:_eve=40else=2Eexample?="),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "=?utf-8?q?a=0D=0ABcc:_x?="),
        ("a\x00b", "a\ufffdb"),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f", "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"),
        ("a\u202eb", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("a\tb", "a\ufffdb"),
        ("  a   b  ", "a b"),
        ("a, b; c: d <e> \"f\" (g)", "a, b; c: d <e> \"f\" (g)"),
    ],
)  # fmt: skip
def test_subjects(subject: str, expected: str) -> None:
    composed = compose(replace(LETTER, subject=subject))
    assert header(composed, "Subject") == expected
    parsed(composed)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Carla",
        "Carla Kunz",
        'Carla "the best" Kunz',
        "Kunz, Carla",
        "back\\slash",
        "Müller, Söhne & Co",
        "a <b@c>",
        "eve@else.example",
        "=?utf-8?q?eve?=",
        "(comment)",
        "请帮助我" * 20,
        "long " * 20,
        ";:,.<>@[]",
    ],
)
def test_names(name: str) -> None:
    composed = compose(replace(LETTER, to=(Address("carla@customer.example", name),)))
    assert addresses(composed, "To") == [(name.strip(), "carla@customer.example")]
    found = parsed(composed)["To"].addresses
    assert [each.addr_spec for each in found] == ["carla@customer.example"]


REFUSED: list[dict[str, Any]] = [
    {"subject": "a\nBcc: eve@else.example"},
    {"subject": "a\r\nBcc: eve@else.example"},
    {"subject": "a\rBcc: eve@else.example"},
    {"subject": "\n"},
    {"sender": Address("support@example.com", "a\r\nBcc: x")},
    {"to": (Address("carla@customer.example", "a\nBcc: x"),)},
    {"to": (Address("carla@customer.example\r\nBcc: x@y"),)},
    {"to": (Address("carla@customer.example\n"),)},
    {"to": (Address("carla@customer.example, eve@else.example"),)},
    {"to": (Address("carla@customer.example> <eve@else.example"),)},
    {"to": (Address('"carla kunz"@customer.example'),)},
    {"to": (Address("carla"),)},
    {"to": (Address("@customer.example"),)},
    {"to": (Address("carla@"),)},
    {"to": (Address("carla@münchen.example"),)},
    {"to": (Address("carla..k@customer.example"),)},
    {"to": (Address("a" * 65 + "@customer.example"),)},
    {"to": ()},
    {"to": tuple(Address(f"{number}@c.example") for number in range(MOST_RECIPIENTS + 1))},
    {"cc": (Address("x\x00@c.example"),)},
    {"reply_to": Address("a b@c.example")},
    {"message_id": ""},
    {"message_id": "a b"},
    {"message_id": "a@b\r\nBcc: x"},
    {"message_id": "a>@b"},
    {"in_reply_to": "a@b>\r\nBcc: x"},
    {"references": ("a@b", "c\n@d")},
    {"references": ("ä@b",)},
    {"references": ("a" * (LONGEST_ID + 1),)},
    {"mark": "a\r\nBcc: x"},
    {"automatic": "a\nBcc: x"},
    {"files": (File("a\r\nBcc: x", "text/plain", b""),)},
]


@pytest.mark.parametrize("fields", REFUSED)
def test_what_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidLetter):
        compose(replace(LETTER, **fields))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "\n"),
        ("a", "a\n"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd\n"),
        ("a\n\n\n", "a\n"),
        (".\n..\n", ".\n..\n"),
        ("From me\nto you", "From me\nto you\n"),
        ("trailing  \t\nb", "trailing  \t\nb\n"),
        ("x" * 5000, "x" * 5000 + "\n"),
        ("ä" * 5000, "ä" * 5000 + "\n"),
        ("a\x00b\x1bc", "a\ufffdb\ufffdc\n"),
        ("a\ud800b", "a\ufffdb\n"),
        ("\u200fنعم\u202b", "\u200fنعم\u202b\n"),
        ("--=_ccm_\n--", "--=_ccm_\n--\n"),
        ("Subject: x\n\nBcc: y", "Subject: x\n\nBcc: y\n"),
    ],
)  # fmt: skip
def test_bodies(body: str, expected: str) -> None:
    composed = compose(replace(LETTER, text=body))
    assert text(composed) == expected
    assert names(composed) == ALWAYS


@pytest.mark.parametrize(
    ("name", "kind", "shown", "becomes"),
    [
        ("a.txt", "text/plain", "a.txt", "text/plain"),
        ("a.pdf", "Application/PDF", "a.pdf", "application/pdf"),
        ("größe.png", "image/png", "größe.png", "image/png"),
        ("l" * 100 + ".bin", "x/y", "l" * 100 + ".bin", "x/y"),
        ("", "x/y", "file", "x/y"),
        ('a"b.txt', "text/plain", 'a"b.txt', "text/plain"),
        ("a.eml", "message/rfc822", "a.eml", "application/octet-stream"),
        ("a", "multipart/mixed", "a", "application/octet-stream"),
        ("a", "text", "a", "application/octet-stream"),
        ("a", "text/plain; charset=x", "a", "application/octet-stream"),
        ("a", "text/plain\r\nBcc: x", "a", "application/octet-stream"),
    ],
)
def test_files(name: str, kind: str, shown: str, becomes: str) -> None:
    content = bytes(range(256)) * 20 + b"\r\n.\r\n--=_ccm_"
    composed = compose(replace(LETTER, files=(File(name, kind, content), File("b", "b/b", b""))))
    first, second = parsed(composed).iter_attachments()
    assert (first.get_filename(), first.get_content_type()) == (shown, becomes)
    assert first.get_payload(decode=True) == content
    assert second.get_payload(decode=True) == b""
    assert text(composed) == "Thank you.\n"
    assert names(composed) == ALWAYS


def test_a_local_part_beyond_ascii_needs_smtputf8_and_parses_back() -> None:
    composed = compose(replace(LETTER, to=(Address("jörg@customer.example", "Jörg"),)))
    assert composed.smtputf8
    assert addresses(composed, "To") == [("Jörg", "jörg@customer.example")]
    parsed(composed)


def test_nobody_gets_a_mail_twice() -> None:
    again = Address("CARLA@customer.example")
    composed = compose(replace(LETTER, to=(CARLA, again), cc=(again,)))
    assert composed.recipients == ("carla@customer.example",)
    assert header(composed, "Cc") == ""


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("My invoice", "Re: My invoice"),
        ("Re: My invoice", "Re: My invoice"),
        ("RE: AW: Re[2]: My invoice", "Re: My invoice"),
        ("Antwort: My invoice", "Re: My invoice"),
        ("re:My invoice", "Re: My invoice"),
        ("Fwd: My invoice", "Re: Fwd: My invoice"),
        ("Regards: me", "Re: Regards: me"),
        ("", "Re:"),
        ("Re:", "Re:"),
    ],
)
def test_subjects_of_answers(subject: str, expected: str) -> None:
    assert answer_subject(subject) == expected
    assert answer_subject(expected) == expected


MANY = tuple(f"{number}@c" for number in range(100))


@pytest.mark.parametrize(
    ("fields", "parent", "references"),
    [
        ({"message_id": "c@c"}, "c@c", ("c@c",)),
        ({"message_id": "c@c", "references": ("a@c", "b@c")}, "c@c", ("a@c", "b@c", "c@c")),
        ({"message_id": "c@c", "in_reply_to": ("b@c",)}, "c@c", ("b@c", "c@c")),
        ({"message_id": "c@c", "in_reply_to": ("a@c", "b@c")}, "c@c", ("c@c",)),
        ({"message_id": "c@c", "in_reply_to": ("b@c",), "references": ("a@c",)}, "c@c",
         ("a@c", "c@c")),
        ({"message_id": "c@c", "references": ("c@c", "a@c", "a@c")}, "c@c", ("a@c", "c@c")),
        ({"message_id": "", "references": ("a@c",)}, "", ("a@c",)),
        ({"message_id": ""}, "", ()),
        ({"message_id": "c c", "references": ("ä@c", "", "a>b", "x" * 999, "a@c")}, "", ("a@c",)),
        ({"message_id": "c@c", "references": MANY}, "c@c",
         (MANY[0], *MANY[-(MOST_REFERENCES - 2):], "c@c")),
        ({"message_id": "", "references": MANY}, "",
         (MANY[0], *MANY[-(MOST_REFERENCES - 1):])),
    ],
)  # fmt: skip
def test_threads(fields: dict[str, Any], parent: str, references: tuple[str, ...]) -> None:
    assert thread(written(**fields)) == (parent, references)
    compose(replace(LETTER, in_reply_to=parent, references=references))


def test_long_ids_are_never_encoded() -> None:
    ids = tuple(f"{number}{'x' * (LONGEST_ID - 3)}@y" for number in range(9))
    composed = compose(replace(LETTER, in_reply_to=ids[-1], references=ids))
    assert header(composed, "References").split() == [f"<{each}>" for each in ids]
    assert b"=?" not in composed.content
    assert composed.content.count(f"<{ID}>\r\n".encode()) == 1


ANY = st.text(max_size=300) | st.text('ab \r\n\t:;,<>"\\=?ä\u2028\x85\x0b', max_size=300)


@given(ANY, ANY, ANY, ANY, ANY, ANY)
def test_no_header_is_ever_added(
    subject: str, name: str, address: str, referred: str, body: str, filename: str
) -> None:
    letter = replace(
        LETTER,
        subject=subject,
        to=(Address(address if sound_address(address) else "a@b.example", name),),
        references=(referred,) if sound_id(referred) else ("a@b",),
        text=body,
        files=(File(filename, "text/plain", body.encode("utf-8", "replace")),),
    )
    try:
        composed = compose(letter)
    except InvalidLetter:
        assert any(end in each for end in "\r\n" for each in (subject, name, filename))
        return
    found = parsed(composed)
    assert names(composed) == [*ALWAYS[:5], "References", "X-CCM-Loop"]
    assert len(found.keys()) == 9
    assert [each.addr_spec for each in found["To"].addresses] == list(composed.recipients)
    assert len(list(found.iter_attachments())) == 1


@given(ANY)
def test_hostile_addresses_and_ids_are_refused_not_written(value: str) -> None:
    for fields in ({"to": (Address(value),)}, {"message_id": value}, {"references": (value,)}):
        try:
            composed = compose(replace(LETTER, **fields))
        except InvalidLetter:
            continue
        parsed(composed)
        assert set(names(composed)) <= {*ALWAYS, "References"}


@given(st.text(max_size=200), st.text(max_size=80))
def test_subjects_and_names_parse_back(subject: str, name: str) -> None:
    if not (subject + name).isprintable():
        return
    letter = replace(LETTER, subject=subject, to=(Address("a@b.example", name),))
    composed = compose(letter)
    assert header(composed, "Subject") == " ".join(subject.split())
    assert addresses(composed, "To") == [(" ".join(name.split()), "a@b.example")]
