"""The mails that we send: what customers see, what they never see, and what agents are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.parsed import addresses, header, names, parsed, text
from mail.written import written

from ccmiddleware.mail.agent_commands import Reply, Wait, parse
from ccmiddleware.mail.composing import MOST_RECIPIENTS, Composed, File, InvalidLetter
from ccmiddleware.mail.letters import (
    LANGUAGES,
    QUOTED_LINES,
    Identity,
    Item,
    Posting,
    Template,
    acknowledgement,
    addressees,
    answer,
    receipt,
    relay,
)
from ccmiddleware.mail.loops import Ours, Traffic, judge
from ccmiddleware.mail.message import Address, Attachment, Machine

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
IDENTITY = Identity(
    queue="support",
    address=Address("support@example.com", "Example Support"),
    mark="pbx.example.com",
    zone=ZoneInfo("Europe/Berlin"),
    signature="Your support\nexample.com",
)
POSTING = Posting("ours@example.com", NOW)
CARLA = Address("carla@customer.example", "Carla Kunz")
AGENT = Address("anna@agents.example.com", "Anna Agent")
ITEM = Item(4711, "support+token@example.com", AGENT)
ASKED = replace(
    written(),
    sender=CARLA,
    date=datetime(2026, 11, 27, 8, 5, tzinfo=UTC),
    text="Please help.\n\n> older",
    references=("zero@customer.example",),
)


def answered(words: str = "It is done.", asked: Any = ASKED, **fields: Any) -> Composed:
    fields = {"to": (CARLA,), **fields}
    return answer(fields.pop("identity", IDENTITY), POSTING, words, asked, **fields)


def test_an_answer_comes_from_the_queue_in_the_thread() -> None:
    composed = answered(hidden=("anna@agents.example.com", "token@"))
    assert names(composed) == [
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "X-CCM-Loop",
    ]  # fmt: skip
    assert header(composed, "From") == '"Example Support" <support@example.com>'
    assert header(composed, "Subject") == "Re: My invoice"
    assert header(composed, "Message-ID") == "<ours@example.com>"
    assert header(composed, "In-Reply-To") == "<first@customer.example>"
    assert header(composed, "References") == "<zero@customer.example> <first@customer.example>"
    assert composed.envelope_from == "support@example.com"
    assert composed.recipients == ("carla@customer.example",)
    assert text(composed) == (
        "It is done.\n\nYour support\nexample.com\n\n"
        "On 2026-11-27 at 09:05, Carla Kunz wrote:\n> Please help.\n>\n>> older\n"
    )


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "On 2026-11-27 at 09:05, Carla Kunz wrote:"),
        ("de", "Am 27.11.2026 um 09:05 schrieb Carla Kunz:"),
        ("es", "El 27/11/2026 a las 09:05, Carla Kunz escribió:"),
        ("fr", "Le 27/11/2026 à 09:05, Carla Kunz a écrit :"),
        ("it", "Il 27/11/2026 alle 09:05, Carla Kunz ha scritto:"),
        ("nl", "Op 27-11-2026 om 09:05 schreef Carla Kunz:"),
        ("pl", "Dnia 27.11.2026 o 09:05 Carla Kunz pisze:"),
        ("pt", "Em 27/11/2026 às 09:05, Carla Kunz escreveu:"),
        ("xx", "On 2026-11-27 at 09:05, Carla Kunz wrote:"),
    ],
)
def test_who_wrote_it_is_said_in_the_queues_language(language: str, expected: str) -> None:
    assert language in LANGUAGES or language == "xx"
    composed = answered(identity=replace(IDENTITY, language=language))
    assert f"\n{expected}\n> Please help.\n" in text(composed)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sender": None}, "It is done.\n\nYour support\nexample.com\n"),
        ({"text": ""}, "It is done.\n\nYour support\nexample.com\n"),
        ({"sender": Address("x@y.example")}, "On 2026-11-27 at 09:05, x@y.example wrote:\n"),
        ({"sender": Address("x@y.example", "{date}")}, "On 2026-11-27 at 09:05, {date} wrote:\n"),
        ({"date": None}, "On 2026-11-28 at 13:00, Carla Kunz wrote:\n"),
        ({"date": datetime(1, 1, 1, tzinfo=UTC)}, "Carla Kunz wrote:\n"),
        ({"date": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "Carla Kunz wrote:\n"),
        ({"text": "x\n" * 10_000}, "> x\n> […]\n"),
        ({"text": "y" * 60_000}, "yyy\n> […]\n"),
        ({"text": "a\r\nb"}, "> a\n> b\n"),
    ],
)
def test_what_is_quoted(fields: dict[str, Any], expected: str) -> None:
    found = text(answered(asked=replace(ASKED, **fields)))
    assert expected in found
    assert found.count("\n") < QUOTED_LINES + 20


@pytest.mark.parametrize(
    ("words", "hidden", "refused"),
    [
        ("Write to anna@agents.example.com", ("anna@agents.example.com",), True),
        ("Write to Anna@Agents.Example.Com!", ("anna@agents.example.com",), True),
        ("Write to support+TOKEN@example.com", ("support+token@example.com",), True),
        ("Write to support@example.com", ("anna@agents.example.com", ""), False),
    ],
)
def test_an_agents_address_never_leaves(words: str, hidden: tuple[str, ...], refused: bool) -> None:
    if refused:
        with pytest.raises(InvalidLetter, match="must not reach the customer"):
            answered(words, hidden=hidden)
    else:
        assert words in text(answered(words, hidden=hidden))


def test_an_answer_carries_files() -> None:
    composed = answered(files=(File("a.pdf", "application/pdf", b"%PDF"),))
    (file,) = parsed(composed).iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.pdf", b"%PDF")


TEMPLATE = Template("Dear {name},\nwe have {subject} as {number} in {queue}. {{ok}}")


def test_an_acknowledgement_is_marked_as_automatic_and_has_nothing_of_the_text() -> None:
    composed = acknowledgement(IDENTITY, POSTING, TEMPLATE, ASKED, 4711)
    assert header(composed, "Auto-Submitted") == "auto-replied"
    assert header(composed, "X-Auto-Response-Suppress") == "All"
    assert header(composed, "In-Reply-To") == "<first@customer.example>"
    assert header(composed, "Subject") == "Re: My invoice"
    assert composed.envelope_from == ""
    assert composed.recipients == ("carla@customer.example",)
    assert text(composed) == (
        "Dear Carla Kunz,\nwe have My invoice as 4711 in support. {ok}\n\n"
        "Your support\nexample.com\n"
    )
    assert "Please help" not in text(composed)


def test_values_are_not_placeholders_and_are_short() -> None:
    asked = replace(
        ASKED, subject="{number} " + "s" * 900, sender=Address("a@b.example", "{queue}" + "n" * 900)
    )
    found = text(acknowledgement(IDENTITY, POSTING, TEMPLATE, asked, 7))
    assert "we have {number} sss" in found
    assert "Dear {queue}nnn" in found
    assert len(found) < 400


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [
        ([], "carla@customer.example"),
        (["dora@customer.example"], "dora@customer.example"),
        (["dora@customer.example", "eve@else.example"], "carla@customer.example"),
        (["no address"], "carla@customer.example"),
    ],
)
def test_to_whom_it_is_acknowledged(reply_to: list[str], expected: str) -> None:
    asked = replace(ASKED, reply_to=tuple(Address(each) for each in reply_to))
    assert acknowledgement(IDENTITY, POSTING, TEMPLATE, asked, 7).recipients == (expected,)


def test_customers_may_get_an_address_with_a_token() -> None:
    posting = replace(POSTING, reply_to="support+abc@example.com")
    for composed in (
        answer(IDENTITY, posting, "x", ASKED, to=(CARLA,)),
        acknowledgement(IDENTITY, posting, TEMPLATE, ASKED, 7),
    ):
        assert addresses(composed, "Reply-To") == [("Example Support", "support+abc@example.com")]


def test_nobody_is_acknowledged_to_nobody() -> None:
    with pytest.raises(InvalidLetter):
        acknowledgement(IDENTITY, POSTING, TEMPLATE, replace(ASKED, sender=None), 7)


@pytest.mark.parametrize(
    ("template", "problems"),
    [
        (TEMPLATE, []),
        (Template("x", "Got [#{number}]"), []),
        (Template(""), ["text: it is empty"]),
        (Template("{nmae}"), ["text: '{nmae}' is no placeholder; there are {number}, {subject}"]),
        (Template("{}"), ["text: '{}' is no placeholder"]),
        (Template("{name.__class__}"), ["text: '{name.__class__}' is no placeholder"]),
        (Template("{name!r}"), ["text: '{name!r}' is no placeholder"]),
        (Template("{ name"), ["text: '{' is no placeholder"]),
        (Template("name}"), ["text: '}' is no placeholder"]),
        (Template("x", "{text}"), ["subject: '{text}' is no placeholder"]),
        (Template("x", "a\nb"), ["subject: it has more than one line"]),
        (Template("{a} {b}"), ["text: '{a}'", "text: '{b}'"]),
    ],
)
def test_templates(template: Template, problems: list[str]) -> None:
    found = template.problems()
    assert len(found) == len(problems)
    for told, expected in zip(found, problems, strict=True):
        assert told.startswith(expected)


@pytest.mark.parametrize(
    ("fields", "all_of_them", "to", "cc"),
    [
        ({}, False, ["carla@customer.example"], []),
        ({"reply_to": ["dora@customer.example"]}, False, ["dora@customer.example"], []),
        ({"reply_to": ["a@c.example", "b@c.example"]}, False, ["a@c.example", "b@c.example"], []),
        ({"reply_to": ["support@example.com"]}, False, ["carla@customer.example"], []),
        ({"reply_to": ["no address"]}, False, ["carla@customer.example"], []),
        ({"cc": ["dora@customer.example"]}, False, ["carla@customer.example"], []),
        ({"cc": ["dora@customer.example"]}, True, ["carla@customer.example"],
         ["dora@customer.example"]),
        ({"to": ["support@example.com", "sales@example.com", "e@c.example"]}, True,
         ["carla@customer.example"], ["e@c.example"]),
        ({"cc": ["Carla@customer.example", "support+x@example.com"]}, True,
         ["carla@customer.example"], []),
        ({"sender": None}, True, [], []),
        ({"sender": "support@example.com"}, False, [], []),
        ({"cc": [f"{number}@c.example" for number in range(99)]}, True,
         ["carla@customer.example"], [f"{number}@c.example" for number in range(49)]),
    ],
)  # fmt: skip
def test_who_is_answered(
    fields: dict[str, Any], all_of_them: bool, to: list[str], cc: list[str]
) -> None:
    ours = ["support@example.com", "sales@example.com"]
    found = addressees(written(**fields), ours, all_of_them=all_of_them)
    assert [[each.address for each in group] for group in found] == [to, cc]
    assert sum(map(len, found)) <= MOST_RECIPIENTS


PDF = Attachment(1, "a.pdf", "application/pdf", 1_500_000, "00")
TXT = Attachment(2, "b.txt", "text/plain", 90, "00")


def test_a_relay_tells_the_agent_all_and_answers_go_to_the_token() -> None:
    asked = replace(ASKED, attachments=(PDF, TXT), notes=("charset x, read as UTF-8",))
    composed = relay(
        IDENTITY,
        POSTING,
        ITEM,
        asked,
        files=(File("b.txt", "text/plain", b"b"),),
        raw=b"raw\r\nbytes",
        earlier=("r1@example.com", "r2@example.com"),
        notes=("Berta: he called\nyesterday",),
    )
    assert header(composed, "From") == '"Carla Kunz (support)" <support@example.com>'
    assert addresses(composed, "Reply-To") == [("support", "support+token@example.com")]
    assert header(composed, "To") == '"Anna Agent" <anna@agents.example.com>'
    assert header(composed, "Subject") == "[#4711] My invoice"
    assert header(composed, "Auto-Submitted") == "auto-generated"
    assert header(composed, "In-Reply-To") == "<r2@example.com>"
    assert header(composed, "References") == "<r1@example.com> <r2@example.com>"
    assert composed.recipients == ("anna@agents.example.com",)
    found = text(composed)
    for line in (
        "Email 4711 in queue support. Answer this mail to answer the customer.",
        "From: Carla Kunz <carla@customer.example>",
        "To: support@example.com",
        "Date: 2026-11-27 09:05 CET",
        "Subject: My invoice",
        "Attachment: a.pdf (application/pdf, 1.5 MB, not in this mail)",
        "Attachment: b.txt (text/plain, 90 bytes)",
        "Note: Berta: he called",
        "Note: yesterday",
        "Note: charset x, read as UTF-8",
        "Please help.",
    ):
        assert f"{line}\n" in found
    carried = list(parsed(composed).iter_attachments())
    assert [each.get_filename() for each in carried] == ["b.txt", "original.eml"]
    assert carried[1].get_payload(decode=True) == b"raw\r\nbytes"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": ""}, "(There is no text.)"),
        ({"text": "", "encrypted": True}, "(The text is encrypted; it can't be shown.)"),
        ({"sender": None}, "From: unknown <>"),
        ({"date": datetime(1, 1, 1, tzinfo=UTC)}, "Subject: My invoice"),
    ],
)
def test_odd_mail_is_relayed_as_well(fields: dict[str, Any], expected: str) -> None:
    assert f"{expected}\n" in text(relay(IDENTITY, POSTING, ITEM, replace(ASKED, **fields)))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("My invoice", "[#4711] My invoice"),
        ("[#1] My invoice", "[#4711] My invoice"),
        ("Re: [#4711] My invoice", "[#4711] Re: My invoice"),
        ("", "[#4711]"),
    ],
)
def test_the_number_stands_first_and_once(subject: str, expected: str) -> None:
    composed = relay(IDENTITY, POSTING, ITEM, replace(ASKED, subject=subject))
    assert header(composed, "Subject") == expected


def test_a_receipt_for_a_mistake_gives_the_text_back() -> None:
    reply = written("anna@agents.example.com", subject="Re: [#4711] My invoice", text="#clsoe\nHi.")
    composed = receipt(
        IDENTITY, POSTING, ITEM, reply, ("#clsoe is no command.", "second"), refused=True
    )
    assert header(composed, "Subject") == "Not done: [#4711] My invoice"
    assert header(composed, "Auto-Submitted") == "auto-replied"
    assert header(composed, "Reply-To") == '"support" <support+token@example.com>'
    assert composed.recipients == ("anna@agents.example.com",)
    assert composed.envelope_from == ""
    assert text(composed) == (
        "Nothing was done and nothing was sent:\n\n- #clsoe is no command.\n- second\n\n"
        "Answer this mail to try again.\n\nYour text was:\n\n> #clsoe\n> Hi.\n"
    )


def test_a_receipt_for_what_was_done_is_short() -> None:
    reply = written("anna@agents.example.com", subject="Re: [#4711] My invoice", text="#close")
    item = replace(ITEM, reply_to="")
    composed = receipt(
        IDENTITY, POSTING, item, reply, ("The conversation is closed.",), refused=False
    )
    assert header(composed, "Subject") == "Done: [#4711] My invoice"
    assert header(composed, "Reply-To") == ""
    assert text(composed) == "Done.\n\nThe conversation is closed.\n"


def test_none_of_our_automatic_mail_is_ever_answered_automatically() -> None:
    reply = written("anna@agents.example.com")
    for composed in (
        acknowledgement(IDENTITY, POSTING, TEMPLATE, ASKED, 1),
        relay(IDENTITY, POSTING, ITEM, ASKED),
        receipt(IDENTITY, POSTING, ITEM, reply, ("x",), refused=False),
    ):
        marks = Machine(
            auto_submitted=header(composed, "Auto-Submitted"),
            loop_marks=(header(composed, "X-CCM-Loop"),),
        )
        elsewhere = Ours(frozenset({"help@other.example"}), "pbx.other.example")
        back = Ours(frozenset({"support@example.com"}), "pbx.example.com")
        assert not judge(written(machine=marks), elsewhere, Traffic()).acknowledge
        assert judge(written(machine=marks), back, Traffic()).held


HOSTILE = st.text(max_size=120).map(lambda value: value.replace("\r", "").replace("\n", ""))


@given(HOSTILE, HOSTILE, st.text(max_size=300), st.text(max_size=200))
def test_whatever_a_customer_writes_can_be_relayed_acknowledged_and_answered(
    subject: str, name: str, body: str, words: str
) -> None:
    asked = replace(
        ASKED, subject=subject, text=body, sender=replace(CARLA, name=name), cc=(Address(name),)
    )
    for composed in (
        answered(words, asked),
        relay(IDENTITY, POSTING, ITEM, asked, raw=body.encode("utf-8", "replace")),
        acknowledgement(IDENTITY, POSTING, TEMPLATE, asked, 1),
    ):
        found = parsed(composed)
        assert len(composed.recipients) == 1
        assert len(found["To"].addresses) == len(found["From"].addresses) == 1
        assert found["From"].addresses[0].addr_spec == "support@example.com"
        assert "Bcc" not in found
        assert found["Cc"] is None


def test_what_a_client_quotes_of_a_relay_is_no_command() -> None:
    asked = replace(ASKED, text="#close\n#transfer sales")
    below = text(relay(IDENTITY, POSTING, ITEM, asked))
    quoted = "> " + below.replace("\n", "\n> ")
    found = parse(f"#wait 2h\nHi.\n\n{quoted}", ["sales"])
    assert found == Reply(f"Hi.\n\n{quoted}".rstrip(), Wait(timedelta(hours=2)))
