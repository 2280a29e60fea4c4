"""Commands of supervision: what is sent, which talk is meant, what is refused and how."""

from typing import Any
from uuid import UUID

import pytest
from pbx_story import at

from ccmiddleware.commands import InvalidCommand
from ccmiddleware.supervision.commands import (
    KINDS,
    Supervise,
    Talk,
    chosen,
    kind_of,
    parse,
    ring,
    why_not,
)

ONE, TWO = UUID(int=1), UUID(int=2)
ASKED: dict[str, Any] = {"interface": "PJSIP/1001", "to": "PJSIP/2001", "mode": "monitor"}


def talk(interaction: UUID = ONE, agent: str = "Alice Arnold") -> Talk:
    return Talk(interaction, agent, "1795825434.1", "12025550111", "support", at(0))


def supervise(**more: Any) -> Supervise:
    command = parse("agent_supervise", ASKED | more)
    assert isinstance(command, Supervise)
    assert KINDS[kind_of(command)] is Supervise
    return command


@pytest.mark.parametrize(
    ("more", "data"),
    [
        ({}, "1795825434.1,uqE"),
        ({"mode": "whisper"}, "1795825434.1,uqEw"),
        ({"mode": "barge", "keys": True}, "1795825434.1,uqEBd"),
    ],
)
def test_what_is_sent(more: dict[str, Any], data: str) -> None:
    sent = ring(supervise(by="ann", **more), talk(), TWO).fields
    assert sent["Data"] == data
    assert (sent["Application"], sent["Channel"], sent["Async"]) == (
        "ChanSpy",
        "PJSIP/2001",
        "true",
    )
    assert sent["CallerID"] == f'"{more.get("mode", "monitor")}: Alice Arnold" <1001>'
    assert sent["ChannelId"].startswith("ccm-")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('A "B" <1> \\ C', "A B 1  C"),
        ("Zoë\r\nAction: Logoff", "ZoëAction: Logoff"),
        ("x" * 90, "x" * 40),
    ],
)
def test_a_name_can_not_break_the_caller_id(name: str, shown: str) -> None:
    assert ring(supervise(), talk(agent=name), TWO).fields["CallerID"] == (
        f'"monitor: {shown}" <1001>'
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (ASKED | {"to": "PJSIP/2001&PJSIP/3"}, "is not one such as"),
        (ASKED | {"to": "PJSIP/2001,20"}, "is not one such as"),
        (ASKED | {"to": "PJSIP/2\r\nX: 1"}, "is not one such as"),
        (ASKED | {"to": "PJSIP/${SHELL(x)}"}, ""),
        (ASKED | {"to": "2001"}, "is not one such as"),
        (ASKED | {"to": "PJSIP/1001"}, "can't listen to itself"),
        (ASKED | {"mode": "shout"}, "agent_supervise"),
        (ASKED | {"more": 1}, "agent_supervise"),
        ({"interface": "PJSIP/1001"}, "agent_supervise"),
    ],
)
def test_what_is_no_command(arguments: dict[str, Any], words: str) -> None:
    if not words:
        # Variables are not expanded in what AMI gives; the characters are those of an interface.
        assert parse("agent_supervise", arguments)
        return
    with pytest.raises(InvalidCommand, match=words):
        parse("agent_supervise", arguments)
    with pytest.raises(InvalidCommand, match="no command"):
        parse("nothing", {})


def test_which_talk() -> None:
    assert chosen(supervise(), [talk()], "Alice") == talk()
    assert chosen(supervise(interaction=str(TWO)), [talk(), talk(TWO)], "Alice") == talk(TWO)
    with pytest.raises(InvalidCommand, match="Alice is not talking to a customer now"):
        chosen(supervise(), [], "Alice")
    with pytest.raises(InvalidCommand, match=f"2 talks: say which, with --interaction: {ONE} with"):
        chosen(supervise(), [talk(), talk(TWO)], "Alice")
    with pytest.raises(InvalidCommand, match=f"not in {TWO} now, but in {ONE} with 12025550111"):
        chosen(supervise(interaction=str(TWO)), [talk()], "Alice")


@pytest.mark.parametrize(("reason", "words"), [(3, "did not answer"), (5, "busy"), (0, "refused")])
def test_why_a_phone_did_not_answer(reason: int, words: str) -> None:
    assert words in why_not(reason)
