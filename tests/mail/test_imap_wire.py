"""Responses cut from bytes and taken apart, whatever a server sends."""

import pytest

from ccmiddleware.mail import imap_wire
from ccmiddleware.mail.imap_wire import NotImap, Response, Splitter

FETCH = b'* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[]<0> {5}\r\na\r\n)b INTERNALDATE "x \\" (y")\r\n'


def split(*chunks: bytes, most: int = 1000) -> list[tuple[bytes, tuple[bytes, ...]]]:
    splitter = Splitter(most)
    return [(bytes(one), one.literals) for chunk in chunks for one in splitter.feed(chunk)]


def response(text: bytes, *literals: bytes) -> Response:
    made = Response(text)
    made.literals = literals
    return made


def test_bytes_may_come_in_any_pieces() -> None:
    stream = b"* OK hello\r\n" + FETCH + b"* 2 EXISTS\r\nA1 OK done\r\n"
    whole = split(stream)
    assert [text for text, _ in whole] == [
        b"* OK hello", FETCH[:-2].replace(b"a\r\n)b", b""), b"* 2 EXISTS", b"A1 OK done"
    ]  # fmt: skip
    assert whole[1][1] == (b"a\r\n)b",)
    for size in range(1, len(stream)):
        assert split(*(stream[at : at + size] for at in range(0, len(stream), size))) == whole


def test_a_response_with_several_literals_and_an_empty_one() -> None:
    ((text, literals),) = split(b"* 1 FETCH (A {0}\r\n B {3}\r\n{1} C {2}\r\n\r\n)\r\n")
    assert literals == (b"", b"{1}", b"\r\n")
    assert text == b"* 1 FETCH (A {0}\r\n B {3}\r\n C {2}\r\n)"


@pytest.mark.parametrize(
    "line", [b"* OK ends with {5}", b"A1 NO told {7}", b"+ go {3}", b"* BYE {9}"]
)
def test_a_text_for_people_announces_no_literal(line: bytes) -> None:
    assert split(line + b"\r\n* 1 EXISTS\r\n") == [(line, ()), (b"* 1 EXISTS", ())]


def test_ten_thousand_responses_in_one_chunk() -> None:
    assert len(split(b"* 1 FETCH (UID 1)\r\n" * 10_000)) == 10_000


def test_what_is_too_long_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotImap, match="more than was asked"):
        split(b"* 1 FETCH (BODY[] {1001}\r\n")
    monkeypatch.setattr(imap_wire, "MAX_LINE", 50)
    with pytest.raises(NotImap, match="longer than"):
        split(*[b"x" * 10] * 6)
    with pytest.raises(NotImap, match="longer than"):
        split(b"* {1}\r\nx" * 20)


def test_fetch_is_read_by_names() -> None:
    ((text, literals),) = split(FETCH)
    assert imap_wire.fetched(response(text, *literals)) == {
        "UID": b"7", "FLAGS": [b"\\Seen"], "BODY[]": b"a\r\n)b", "INTERNALDATE": b'x " (y'
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b'* 3 fetch (uid 9 body[] "")', {"UID": b"9", "BODY[]": b""}),
        (b"* 3 FETCH (BODY[] NIL)", {"BODY[]": None}),
        (b"* 3 FETCH (BODY[HEADER.FIELDS (TO CC)] {1}\r\n)", {"BODY[HEADER.FIELDS (TO CC)]": b"x"}),
        (b"* 3 FETCH (MODSEQ (12) UID 4)", {"MODSEQ": [b"12"], "UID": b"4"}),
        (b"* 3 FETCH ()", {}),
        (b"* 3 EXPUNGE", None),
        (b"* SEARCH 3", None),
        (b"* FLAGS (FETCH (", None),
    ],
)
def test_forms_of_fetch(text: bytes, items: object) -> None:
    assert imap_wire.fetched(response(text, b"x")) == items


@pytest.mark.parametrize(
    "text",
    [
        b"* 1 FETCH (UID)", b"* 1 FETCH (UID 1", b"* 1 FETCH ())", b'* 1 FETCH (UID "1)',
        b"* 1 FETCH (BODY[] {5}\r\n)", b"* 1 FETCH ((A) B)", b"* 1 FETCH (" + b"(" * 100,
    ],
)  # fmt: skip
def test_nonsense_is_no_imap(text: bytes) -> None:
    with pytest.raises(NotImap):
        imap_wire.fetched(response(text))


def test_a_search_never_finds_below_its_range() -> None:
    lines = [response(b"* SEARCH 4 9 12"), response(b"* 5 EXISTS"), response(b"* search 10")]
    assert imap_wire.found_uids(lines, 9) == [9, 10, 12]
    assert imap_wire.found_uids([response(b"* SEARCH")], 1) == []
    with pytest.raises(NotImap):
        imap_wire.found_uids([response(b"* SEARCH 1 x")], 1)


def test_sets_are_short_and_each_uid_is_in_one() -> None:
    assert list(imap_wire.uid_sets([5, 3, 4, 9, 3])) == [("3:5,9", [3, 4, 5, 9])]
    assert [text for text, _ in imap_wire.uid_sets(range(1, 8), 3)] == ["1:3", "4:6", "7"]
    assert list(imap_wire.uid_sets([])) == []


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", '"INBOX"'),
        ("Sent Items", '"Sent Items"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("Q&A", '"Q&-A"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),  # RFC 3501, 5.1.3
        ("x\r\nA1 DELETE y", '"x&AA0ACg-A1 DELETE y"'),
    ],
)
def test_names_of_folders(name: str, wire: str) -> None:
    assert imap_wire.mailbox(name) == wire


def test_a_line_end_is_in_no_quoted_string() -> None:
    with pytest.raises(ValueError, match="line end"):
        imap_wire.quoted("a\r\nb")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"[UIDVALIDITY 17] ok", ("UIDVALIDITY", "17")),
        (b"[trycreate] no such", ("TRYCREATE", "")),
        (b"nothing [X]", ("", "")),
        (b"[PERMANENTFLAGS (\\Seen \\*)] x", ("PERMANENTFLAGS", "(\\Seen \\*)")),
    ],
)
def test_response_codes(text: bytes, code: tuple[str, str]) -> None:
    assert imap_wire.code(text) == code
