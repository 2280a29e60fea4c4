"""Every hostile message ends as what its table says, and everything that is read is sound."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hostile import CASES, write
from hostile_case import Case, mail, mixed, part, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccmiddleware.mail.message import Limits, Message, Unreadable
from ccmiddleware.mail.reading import BUG, part_bytes, read
from ccmiddleware.plaintext import plain

LIMITS = Limits()
SMALL = [case for case in CASES if len(case.make()) < 20_000]
MAY_HAVE_LINES = {"text", "quoted", "html"}


def strings(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a message, each with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, tuple):
        for each in value:
            yield from strings(each, name)
    elif is_dataclass(value):
        for each in fields(value):
            yield from strings(getattr(value, each.name), each.name)


def check_sound(got: Message | Unreadable) -> None:
    """What the docstring of ``ccmiddleware.mail.message`` promises."""
    for name, value in strings(got):
        assert "\0" not in value, name
        value.encode("utf-8")  # no lone surrogate
        if name not in MAY_HAVE_LINES:
            assert not re.search(r"[\r\n\x85\u2028\u2029]", value), (name, value)
            assert len(value) <= 1000, name
    if isinstance(got, Unreadable):
        assert not got.reason.startswith(BUG), got.reason
        return
    assert len(got.text) <= LIMITS.text_chars
    assert got.sender is None or got.sender.address.count("@") >= 1
    assert got.date is None or got.date.tzinfo is UTC
    given_names = [attachment.name for attachment in got.attachments]
    assert len({name.casefold() for name in given_names}) == len(given_names)
    for name in given_names:
        check_name(name)


def check_name(name: str) -> None:
    assert name
    assert len(name.encode()) <= 255
    assert not re.search(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u202a-\u202e]', name), name
    assert name.strip(" .") == name
    assert name not in (".", "..")
    assert not name.startswith("-")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_message(case: Case) -> None:
    got = read(case.make(), LIMITS)
    check_sound(got)
    case.check(got)


def test_hostile_messages_are_many_and_have_names_of_their_own(tmp_path) -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 70
    assert LIMITS.bytes > 20_000_000
    write(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(CASES)


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(st.binary(max_size=3000))
def test_arbitrary_bytes_never_raise(raw: bytes) -> None:
    check_sound(read(raw, LIMITS))


@FUZZ
@given(
    st.sampled_from(
        ["From", "Subject", "Content_Type", "Content_Disposition", "Message_ID", "Date"]
    ),
    st.binary(max_size=400),
    st.binary(max_size=400),
)
def test_arbitrary_fields_never_raise(name: str, value: bytes, body: bytes) -> None:
    check_sound(read(mail(body, **{name: value}), LIMITS))


@FUZZ
@given(st.text(max_size=300), st.sampled_from(["plain", "html", "calendar"]))
def test_arbitrary_texts_never_raise(body: str, kind: str) -> None:
    data = body.encode("utf-8", "surrogatepass")
    check_sound(read(mail(data, Content_Type=f"text/{kind}; charset=utf-8"), LIMITS))


@FUZZ
@given(st.data())
def test_mutated_hostile_messages_never_raise(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SMALL)).make() or b"x")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        match data.draw(st.sampled_from(["change", "cut", "insert", "repeat"])):
            case "change" if at < len(raw):
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 50))]
            case "insert":
                raw[at:at] = data.draw(
                    st.sampled_from([b"\r\n", b"\0", b"--xx", b"=?", b'"', b"\r"])
                )
            case _:
                raw[at:at] = raw[at : at + data.draw(st.integers(1, 200))]
    check_sound(read(bytes(raw), LIMITS))


@FUZZ
@given(st.text(max_size=200))
def test_arbitrary_attachment_names_are_safe(name: str) -> None:
    from ccmiddleware.mail.attachment_names import Names

    names = Names()
    for number in range(3):
        check_name(names.safe(name, "text/plain", number))


def test_an_ordinary_message_is_read_whole() -> None:
    raw = mail(
        "Hello\r\n-- \r\nJane\r\n", In_Reply_To="<q@x.org>", Cc="c@x.org", Reply_To="r@x.org"
    )
    got = read(raw, LIMITS)
    assert isinstance(got, Message)
    assert (got.text, got.quoted, got.notes) == ("Hello", "--\nJane", ())
    assert got.date == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert got.in_reply_to == ("q@x.org",)
    assert (got.cc[0].address, got.reply_to[0].address) == ("c@x.org", "r@x.org")


def test_an_unreadable_message_tells_sender_and_subject() -> None:
    got = read(mail(b"x" * 2000), Limits(bytes=1000))
    assert isinstance(got, Unreadable)
    assert (got.sender, got.subject) == ("jane@example.com", "A question")


def test_the_bytes_of_an_attachment_are_found_by_its_number() -> None:
    raw = mixed(text("x"), part("Content-Disposition: attachment; filename=a", b"data"))
    got = read(raw, LIMITS)
    assert isinstance(got, Message)
    (attachment,) = got.attachments
    assert part_bytes(raw, attachment.part, LIMITS) == b"data"
    assert part_bytes(raw, 99, LIMITS) is None


@FUZZ
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=80),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=200),
    st.binary(max_size=2000),
)
def test_what_the_stdlib_writes_is_read_as_it_was_meant(
    subject: str, words: str, data: bytes
) -> None:
    wanted = EmailMessage(policy=SMTP)
    wanted["From"] = Address("Jürgen, Büro", addr_spec="j@x.org")
    wanted["To"] = [Address(f"Zoë {n}", addr_spec=f"u{n}@x.org") for n in range(20)]
    wanted["Subject"] = subject
    wanted.set_content(f"text {words}")
    wanted.add_alternative(f"<p>text</p>{data.hex()}", subtype="html")
    wanted.add_attachment(data, "application", "pdf", filename="Prüfung März 2026.pdf")
    got = read(bytes(wanted), LIMITS)
    assert isinstance(got, Message)
    assert got.subject == plain(subject)
    assert got.sender is not None
    assert (got.sender.name, got.sender.address) == ("Jürgen, Büro", "j@x.org")
    assert [to.name for to in got.to] == [f"Zoë {n}" for n in range(20)]
    assert got.text == f"text {words}".strip()
    (attachment,) = got.attachments
    assert attachment.name == "Prüfung März 2026.pdf"
    assert attachment.sha256 == hashlib.sha256(data).hexdigest()
