"""Actions on the wire, and when an answer is complete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.errors import PermanentError
from ccmiddleware.pbx.actions import (
    MAX_LINE,
    MAX_LINES,
    ActionRefused,
    Question,
    Reply,
    Response,
    UnsafeValue,
    encode,
)

SAFE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=200)


def test_action_comes_first_and_repeated_headers_stay_together() -> None:
    assert encode({"Variable": ["A=1", "B=2"], "Async": "true", "Action": "Originate"}) == (
        b"Action: Originate\r\nVariable: A=1\r\nVariable: B=2\r\nAsync: true\r\n\r\n"
    )


@given(SAFE)
def test_safe_text_is_one_line(value: str) -> None:
    wire = encode({"Action": "Setvar", "Value": value})
    assert wire == f"Action: Setvar\r\nValue: {value}\r\n\r\n".encode()
    assert wire.count(b"\n") == 3


@given(SAFE, st.sampled_from(["\r", "\n", "\0", "\r\n", "\r\n\r\nAction: Logoff"]), SAFE)
def test_line_ends_and_nul_are_refused_everywhere(before: str, bad: str, after: str) -> None:
    text = before + bad + after
    for headers in (
        {"Action": text},
        {"Action": "Setvar", "Value": text},
        {"Action": "Setvar", "Value": ["fine", text]},
        {"Action": "Setvar", text: "fine"},
    ):
        with pytest.raises(UnsafeValue):
            encode(headers)


@pytest.mark.parametrize("name", ["", " ", "A:B", "Ä", "A\tB"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(UnsafeValue, match="no name of a header"):
        encode({"Action": "Setvar", name: "x"})


def test_lone_surrogates_and_other_types_are_refused() -> None:
    with pytest.raises(UnsafeValue, match="surrogate"):
        encode({"Action": "Setvar", "Value": "\ud800"})
    with pytest.raises(UnsafeValue, match="no text"):
        encode({"Action": "Setvar", "Value": [1]})  # type: ignore[list-item]


def test_a_line_longer_than_asterisk_reads_is_refused() -> None:
    longest = "x" * (MAX_LINE - len("Value: \r\n"))
    assert longest.encode() in encode({"Action": "Setvar", "Value": longest})
    with pytest.raises(UnsafeValue, match="longer than Asterisk reads"):
        encode({"Action": "Setvar", "Value": longest + "x"})


def test_more_headers_than_asterisk_takes_are_refused() -> None:
    assert encode({"Action": "Originate", "Variable": ["A=1"] * (MAX_LINES - 1)})
    with pytest.raises(UnsafeValue, match="at most 128 headers"):
        encode({"Action": "Originate", "Variable": ["A=1"] * MAX_LINES})


def test_unsafe_value_is_permanent_and_does_not_tell_the_value() -> None:
    with pytest.raises(UnsafeValue) as caught:
        encode({"Action": "Login", "Secret": "hunter2\n"})
    assert isinstance(caught.value, PermanentError)
    assert isinstance(caught.value, ValueError)
    assert "hunter2" not in str(caught.value)


async def test_an_action_has_one_name() -> None:
    with pytest.raises(UnsafeValue, match="given twice"):
        Question("Ping", {"action": "Command"})


async def test_action_ids_differ_or_are_the_callers_own() -> None:
    ids = {Question("Ping").id for _ in range(100)}
    assert len(ids) == 100
    assert Question("Originate", {"ActionID": "lead-17"}).id == "lead-17"


async def test_first_response_is_the_answer_whatever_it_says() -> None:
    for text in ("Originate successfully queued", "Added interface to queue", "will follow"):
        question = Question("Any")
        assert question.add_message(Reply([("Response", "Success"), ("Message", text)]))
        headers = {"Response": "Success", "Message": text}
        assert question.response() == Response(headers, [], text)


async def test_output_is_a_list_and_no_header() -> None:
    for lines in ([], ["one"], ["one", "", "three"]):
        question = Question("Command")
        output = [("Output", line) for line in lines]
        assert question.add_message(Reply([("Response", "Success"), *output]))
        assert question.response() == Response({"Response": "Success"}, lines, "")


async def test_refusal_keeps_asterisks_words() -> None:
    question = Question("Command", expects_list=True)
    said = [("Response", "Error"), ("Message", "No such command"), ("Output", "try help")]
    assert question.add_message(Reply(said))
    with pytest.raises(ActionRefused, match="Asterisk refused Command: No such command") as caught:
        question.response()
    assert (caught.value.message, caught.value.output) == ("No such command", ["try help"])


@pytest.mark.parametrize(
    "end", [[("Event", "XComplete")], [("Event", "End"), ("EventList", "Complete")]]
)
async def test_list_ends_with_its_last_event(end: list[tuple[str, str]]) -> None:
    question = Question("X", expects_list=True)
    assert not question.add_message(Reply([("Response", "Success"), ("EventList", "start")]))
    assert not question.add_message(Reply([("Event", "Item"), ("N", "1")]))
    assert question.add_message(Reply(end))
    assert [item["N"] for item in question.items_of_list()] == ["1"]
