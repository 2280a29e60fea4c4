"""`ccm agent email` on a real database."""

import json
from typing import Any

import pytest
from ccm_day import Ccm

MAILBOX = """
[mailbox.help]
queue = "support"
address = "help@shop.example"
host = "localhost"
user = "help"
secret = "s"
"""


def answer(ccm: Ccm, *arguments: str) -> Any:
    return json.loads(ccm.run("agent", *arguments, "--json").stdout)


def test_an_address_is_set_shown_and_removed(filled: Ccm) -> None:
    assert "no address, so no emails" in filled.run("agent", "email", "1001").stderr
    row = answer(filled, "email", "1001", "Alice@Shop.example", "--capacity", "2")
    assert row == {
        "node": "pbx1", "agent": "Alice Arnold", "interface": "PJSIP/1001",
        "email": "alice@shop.example", "email_capacity": 2, "calls_interrupt": False, "emails": 0,
    }  # fmt: skip
    assert answer(filled, "email", "1001", "--calls-interrupt")["email_capacity"] == 2
    assert answer(filled, "email", "1001")["calls_interrupt"] is True
    assert "alice@shop.example" in filled.run("agent", "list").stdout
    listed = {row["interface"]: row["email"] for row in answer(filled, "list")}
    assert listed["PJSIP/1001"] == "alice@shop.example"
    assert answer(filled, "email", "1001", "--remove", "--calls-wait")["email"] is None
    assert answer(filled, "email", "1001")["email_capacity"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1001", "nobody"), 2, "must be like alice@example.com"),
        (("1001", "a b@shop.example"), 2, "must be like alice@example.com"),
        (("1001", "a@shop.example\r\nBcc: x@y.example"), 2, "must be like alice@example.com"),
        (("1001", "HELP+abc@shop.example"), 2, "is the address of mailbox help"),
        (("1001", "joerg@shop.example"), 2, "is the address of Jörg Müller (PJSIP/1002 on pbx1)"),
        (("1001", "a@shop.example", "--remove"), 2, "either ADDRESS or --remove"),
        (("1001", "a@shop.example", "--capacity", "21"), 2, "0<=x<=20"),
        (("1009", "a@shop.example"), 1, "there is no agent '1009'"),
    ],
)
def test_wrong_use_is_told_and_changes_nothing(
    filled: Ccm, arguments: tuple[str, ...], code: int, words: str
) -> None:
    filled.write(filled.config.read_text() + MAILBOX)
    filled.run("agent", "email", "1002", "joerg@shop.example")
    before = answer(filled, "list")
    assert words in filled.run("agent", "email", *arguments, code=code).stderr
    assert answer(filled, "list") == before
