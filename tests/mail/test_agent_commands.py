"""What an agent's answer asks for: commands, contradictions, near misses, and the text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.mail.agent_commands import (
    COMMANDS,
    Close,
    Found,
    Note,
    Nothing,
    Only,
    Order,
    Refused,
    Reply,
    Transfer,
    Wait,
    contacts,
    in_words,
    optouts,
    parse,
    parse_duration,
    show_duration,
)

QUEUES = ("support", "Sales", "back office", "billing")


def wait(**time: int) -> Wait:
    return Wait(timedelta(**time))


UNDERSTOOD: list[tuple[str, Found]] = [
    ("Dear Ms Kunz,\n\nthank you.\n", Reply("Dear Ms Kunz,\n\nthank you.")),
    ("\n\n  Thank you.", Reply("  Thank you.")),
    ("#close\nThank you.", Reply("Thank you.", Close())),
    ("#close\n\n\nThank you.\n\n\n", Reply("Thank you.", Close())),
    ("\n \n#close\nThank you.", Reply("Thank you.", Close())),
    ("#CLOSE\r\nThank you.\r\nBye", Reply("Thank you.\nBye", Close())),
    ("  #Close  \nThank you.", Reply("Thank you.", Close())),
    ("\u200b#close\u00a0\nThank you.", Reply("Thank you.", Close())),
    ("\ufeff#wait\u00a02h\nThank you.", Reply("Thank you.", wait(hours=2))),
    ("#close\n#close\nThank you.", Reply("Thank you.", Close())),
    ("#wait 2h\nI ask.", Reply("I ask.", wait(hours=2))),
    ("#wait 1d 4h\nI ask.", Reply("I ask.", wait(days=1, hours=4))),
    ("#close", Only(Close())),
    ("#close\n\n  \n", Only(Close())),
    ("#wait 3d", Only(wait(days=3))),
    ("#note\nHe called.", Note("He called.")),
    ("#note\n#close\nHe called.", Note("He called.", Close())),
    ("#close\n\n#note\nHe called.", Note("He called.", Close())),
    ("#wait 30m\n#note\nHe called.", Note("He called.", wait(minutes=30))),
    ("#transfer Sales", Transfer("Sales")),
    ("#transfer sales", Transfer("Sales")),
    ("#Transfer  SUPPORT ", Transfer("support")),
    ("#transfer back office", Transfer("back office")),
    ("#transfer back   office\nTake care.", Transfer("back office", "Take care.")),
    ("#transfer sales\n#note\nTake care.", Transfer("Sales", "Take care.")),
    ("#transfer sales\n#transfer SALES", Transfer("Sales")),
    ("#1 is done.", Reply("#1 is done.")),
    ("# Title\ntext", Reply("# Title\ntext")),
    ("#", Reply("#")),
    ("##close\ntext", Reply("#close\ntext")),
    ("##", Reply("##")),
    ("text\n##close", Reply("text\n#close")),
    ("text ## x", Reply("text ## x")),
    ("See #close for more.", Reply("See #close for more.")),
    ("text\n#closed is what it says", Reply("text\n#closed is what it says")),
    ("text\n#close to the house is a tree", Reply("text\n#close to the house is a tree")),
    ("text\n#hashtag", Reply("text\n#hashtag")),
    ("text\n#wait for me at the door", Reply("text\n#wait for me at the door")),
    ("> #close\ntext", Reply("> #close\ntext")),
]


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD)
def test_what_is_understood(text: str, expected: Found) -> None:
    assert parse(text, QUEUES) == expected


REFUSED: list[tuple[str, list[str]]] = [
    ("", ["There is no text in your answer"]),
    (" \n\n", ["There is no text in your answer"]),
    ("\u200b\n", ["There is no text in your answer"]),
    ("#clsoe\ntext", ["#clsoe is no command; did you mean #close?"]),
    ("#closed\ntext", ["#closed is no command; did you mean #close?"]),
    ("#transfr sales", ["#transfr is no command; did you mean #transfer?"]),
    ("#notes\ntext", ["#notes is no command; did you mean #note?"]),
    (
        "#xyzzy\ntext",
        ["#xyzzy is no command; there are #close, #contact, #note, #optout, #transfer, #wait"],
    ),
    ("#größe\ntext", ["#größe is no command"]),
    ("#close\n#clsoe\ntext", ["#clsoe is no command"]),
    ("#close\n#wait 2h\ntext", ["#close and #wait contradict"]),
    ("#close\n#transfer sales", ["#close and #transfer contradict"]),
    ("#transfer sales\n#wait 2h", ["#transfer and #wait contradict"]),
    ("#wait 2h\n#wait 3h\ntext", ["#wait stands there twice"]),
    ("#transfer sales\n#transfer support", ["#transfer stands there twice"]),
    ("#wait\ntext", ["#wait: there is no time; write 30m, 2h"]),
    ("#wait tomorrow\ntext", ["#wait: 'tomorrow' is no time"]),
    ("#wait 2x\ntext", ["#wait: 'x' is no unit of time"]),
    ("#wait 2h 3h\ntext", ["'2h 3h' names a unit twice"]),
    ("#wait 2\ntext", ["'2' is no time"]),
    ("#wait -2h\ntext", ["'-2h' is no time"]),
    ("#wait 0m\ntext", ["'0m' is out of bounds: from 1m to 365d"]),
    ("#wait 366d\ntext", ["'366d' is out of bounds"]),
    ("#wait 99999w\ntext", ["'99999w' is out of bounds"]),
    ("#transfer", ["#transfer needs the name of a queue; there are Sales, back office, billing"]),
    ("#transfer bilings", ["There is no queue 'bilings'; did you mean billing?"]),
    ("#transfer xyzzy", ["There is no queue 'xyzzy'; there are Sales, back office"]),
    ("#note", ["#note needs a text below it."]),
    ("#note he called", ["#note stands alone on its line", "#note needs a text"]),
    ("#close it\ntext", ["#close stands alone on its line"]),
    ("text\n#close", ["#close stands below your text: commands come first"]),
    ("text\n\n  #CLOSE  ", ["#CLOSE stands below your text"]),
    ("text\n#wait 2h", ["#wait 2h stands below your text"]),
    ("#close\ntext\n#transfer sales\nmore", ["#transfer sales stands below your text"]),
    ("#closse\n#wait\n#transfer x", ["is no command", "contradict", "#wait:", "no queue 'x'"]),
]


@pytest.mark.parametrize(("text", "problems"), REFUSED)
def test_what_is_refused_and_why(text: str, problems: list[str]) -> None:
    found = parse(text, QUEUES)
    assert isinstance(found, Refused)
    assert len(found.problems) == len(problems)
    for told, expected in zip(found.problems, problems, strict=True):
        assert expected in told


def test_an_answer_may_consist_of_attachments() -> None:
    assert parse("", QUEUES, attachments=1) == Reply("")
    assert parse("#close\n", QUEUES, attachments=1) == Reply("", Close())
    assert isinstance(parse("#note\n", QUEUES, attachments=1), Refused)


def test_queues_that_differ_in_capitals_alone_must_be_named_as_they_are() -> None:
    assert parse("#transfer Support", ("support", "Support")) == Transfer("Support")
    assert isinstance(parse("#transfer SUPPORT", ("support", "Support")), Refused)
    found = parse("#transfer a", ())
    assert found == Refused(("There is no queue 'a'.",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("2 H", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("1d 4h", timedelta(days=1, hours=4)),
        ("1d4h30m", timedelta(days=1, hours=4, minutes=30)),
        ("4h, 1d", timedelta(days=1, hours=4)),
        ("90 minutes", timedelta(minutes=90)),
        ("1 day 1 hour", timedelta(days=1, hours=1)),
        (" 365d ", timedelta(days=365)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected
    assert parse_duration(show_duration(expected)) == expected


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Reply("x"), "Your answer goes to the customer."),
        (Reply("x", Close()), "Your answer goes to the customer; the conversation is closed."),
        (
            Reply("x", wait(days=1, hours=4)),
            "Your answer goes to the customer; the conversation comes back in 1d 4h.",
        ),
        (Note("x"), "Your note was added, the customer gets nothing."),
        (
            Note("x", Close()),
            "Your note was added, the customer gets nothing; the conversation is closed.",
        ),
        (Only(Close()), "The customer gets nothing; the conversation is closed."),
        (Transfer("Sales"), "It goes to queue Sales."),
        (
            Transfer("Sales", "x"),
            "It goes to queue Sales with your note; the customer gets nothing.",
        ),
    ],
)
def test_what_was_done_in_words(order: Order, words: str) -> None:
    assert in_words(order) == words


LINE = st.sampled_from(
    ["#close", "#note", "#wait 2h", "#wait", "#transfer sales", "#foo", "text", "", "##close", "#"]
) | st.text(max_size=20)


@given(st.lists(LINE, max_size=8))
def test_no_command_ever_reaches_the_customer(lines: list[str]) -> None:
    found = parse("\n".join(lines), QUEUES)
    assert isinstance(found, Reply | Note | Only | Transfer | Refused)
    if isinstance(found, Reply):
        written = [line.strip().lower() for line in lines]
        for name in COMMANDS:
            if f"##{name}" not in written:
                assert f"#{name}" not in [line.strip().lower() for line in found.text.splitlines()]


@given(st.text())
def test_text_without_a_command_is_the_answer_as_it_was_written(text: str) -> None:
    if "#" not in text and text.strip() and text.isprintable() and "\u200b" not in text:
        assert parse(text, QUEUES) == Reply(text.rstrip(), Nothing())


@pytest.mark.parametrize(
    ("text", "named", "rest"),
    [
        ("Hello", (), "Hello"),
        ("#contact +49 30 123456\nHello", ("+49 30 123456",), "Hello"),
        ("\n#close\n #CONTACT a@b.example \n#contact 030\nBye", ("a@b.example", "030"),
         "\n#close\nBye"),
        ("#contact", ("",), ""),
        ("#contact 1\n\nHello\n#contact 2", ("1",), "\nHello\n#contact 2"),
        ("Hello\n#contact 1", (), "Hello\n#contact 1"),
    ],
)  # fmt: skip
def test_who_is_the_same_customer(text: str, named: tuple[str, ...], rest: str) -> None:
    assert contacts(text) == (named, rest)


@pytest.mark.parametrize(
    ("text", "named", "rest"),
    [
        ("#optout", ("",), ""),
        ("#close\n#optout\nBye", ("",), "#close\nBye"),
        ("#optout +49 30 1\n#OptOut\nBye", ("+49 30 1", ""), "Bye"),
        ("Hello #optout\n#optout", (), "Hello #optout\n#optout"),
    ],
)
def test_who_wants_no_calls(text: str, named: tuple[str, ...], rest: str) -> None:
    assert optouts(text) == (named, rest)


def test_an_opt_out_below_the_text_is_told() -> None:
    found = parse("Hello\n#optout", QUEUES)
    assert isinstance(found, Refused)
    assert "stands below your text" in found.problems[0]


def test_a_contact_below_the_text_is_told() -> None:
    found = parse("Hello\n#contact 030123456", QUEUES)
    assert isinstance(found, Refused)
    assert "stands below your text" in found.problems[0]
