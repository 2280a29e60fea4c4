"""Commands about agents: what is sent for each, what is refused before anything is sent."""

import msgspec
import pytest

from ccmiddleware.agents.commands import (
    Login,
    Logout,
    Pause,
    Unpause,
    asks,
    kind_of,
    parse,
)
from ccmiddleware.commands import Answer, InvalidCommand, summary

ALICE = "PJSIP/1001"


def sent(command: Login | Logout | Pause | Unpause) -> list[dict[str, str]]:
    return [{"Action": ask.action, **ask.fields} for ask in asks(command)]


def test_a_login_is_one_action_for_each_queue() -> None:
    login = Login(interface=ALICE, queues={"support": 0, "sales": 5}, name="Alice Arnold")
    common = {"Action": "QueueAdd", "Interface": ALICE, "MemberName": "Alice Arnold"}
    assert sent(login) == [
        {**common, "Queue": "support", "Penalty": "0"},
        {**common, "Queue": "sales", "Penalty": "5"},
    ]


def test_a_login_may_name_another_device() -> None:
    login = Login(
        interface="Local/1001@desk/n", queues={"support": 0}, state_interface="PJSIP/1001"
    )
    assert sent(login) == [
        {
            "Action": "QueueAdd",
            "Queue": "support",
            "Interface": "Local/1001@desk/n",
            "Penalty": "0",
            "StateInterface": "PJSIP/1001",
        }
    ]


def test_a_logout_is_one_action_for_each_queue() -> None:
    assert sent(Logout(interface=ALICE, queues=["support", "sales"])) == [
        {"Action": "QueueRemove", "Queue": "support", "Interface": ALICE},
        {"Action": "QueueRemove", "Queue": "sales", "Interface": ALICE},
    ]


def test_a_pause_without_queues_is_one_action_for_all() -> None:
    assert sent(Pause(interface=ALICE, reason="lunch")) == [
        {"Action": "QueuePause", "Interface": ALICE, "Paused": "true", "Reason": "lunch"}
    ]
    assert sent(Unpause(interface=ALICE)) == [
        {"Action": "QueuePause", "Interface": ALICE, "Paused": "false"}
    ]


def test_a_pause_in_some_queues_is_one_action_for_each() -> None:
    assert sent(Pause(interface=ALICE, queues=["support", "sales"])) == [
        {"Action": "QueuePause", "Interface": ALICE, "Paused": "true", "Queue": "support"},
        {"Action": "QueuePause", "Interface": ALICE, "Paused": "true", "Queue": "sales"},
    ]


@pytest.mark.parametrize(
    "command",
    [
        Login(interface=ALICE, queues={"support": 1}, name="Jörg Müller"),
        Logout(interface=ALICE, queues=["support"]),
        Pause(interface="Local/1001@agent-request/n", reason="Mittag"),
        Unpause(interface=ALICE, queues=["support"]),
    ],
)
def test_what_is_stored_is_read_back(command: Login | Logout | Pause | Unpause) -> None:
    assert parse(kind_of(command), msgspec.to_builtins(command)) == command


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("agent_fly", {"interface": ALICE}, "no command that this version knows"),
        ("agent_pause", {}, "interface"),
        ("agent_pause", {"interface": ALICE, "more": 1}, "more"),
        ("agent_pause", {"interface": 7}, "interface"),
        ("agent_pause", {"interface": "1001"}, "not one such as PJSIP/1001"),
        ("agent_pause", {"interface": "PJSIP/1001\r\nAction: Command"}, "not one such as"),
        ("agent_pause", {"interface": "PJSIP/1001,x"}, "not one such as"),
        ("agent_pause", {"interface": "PJSIP/" + "1" * 90}, "not one such as"),
        ("agent_pause", {"interface": ALICE, "reason": "a\nb"}, "control character"),
        ("agent_pause", {"interface": ALICE, "reason": "\u202ex"}, "control character"),
        ("agent_pause", {"interface": ALICE, "reason": "ä" * 40}, "longer than 79 bytes"),
        ("agent_pause", {"interface": ALICE, "queues": ["a\0"]}, "control character"),
        ("agent_pause", {"interface": ALICE, "queues": [" "]}, "empty"),
        ("agent_logout", {"interface": ALICE, "queues": []}, "no queue is named"),
        ("agent_login", {"interface": ALICE, "queues": {}}, "no queue is named"),
        ("agent_login", {"interface": ALICE, "queues": {"a": -1}}, "penalty -1"),
        ("agent_login", {"interface": ALICE, "queues": {"a": 0}, "name": "\x1b[2J"}, "control"),
        (
            "agent_login",
            {"interface": ALICE, "queues": {"a": 0}, "state_interface": "x\ry"},
            "control",
        ),
        ("agent_unpause", {"interface": ALICE, "queues": [str(n) for n in range(201)]}, "200"),
    ],
)
def test_what_can_not_be_sent_is_refused(kind: str, arguments: object, words: str) -> None:
    with pytest.raises(InvalidCommand, match=words):
        parse(kind, arguments)  # type: ignore[arg-type]


def test_the_worst_answer_is_that_of_the_whole() -> None:
    done, refused = (
        Answer("queue a", "done", "Added"),
        Answer("queue b", "refused", "No such queue"),
    )
    lost = Answer("queue c", "unknown", "no answer")
    assert summary([done]) == ("done", "queue a: Added")
    assert summary([done, refused]) == ("refused", "queue a: Added\nqueue b: No such queue")
    assert summary([refused, lost, done])[0] == "unknown"
