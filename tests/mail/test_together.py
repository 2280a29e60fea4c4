"""Messages that bear on each other are not decided on together."""

from typing import Any

import pytest
from mail.test_filing import message

from ccmiddleware.mail.message import Address, Message, Unreadable
from ccmiddleware.mail.together import together

UNREADABLE = Unreadable("empty", "", 0)


def by(name: str, **given: Any) -> Message:
    fields = {"sender": Address(f"{name}@customer.example"), "message_id": f"{name}@id", **given}
    return message(name.encode(), cc=(), **fields)


@pytest.mark.parametrize(
    ("messages", "first"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([by("a")], 1, id="one"),
        pytest.param([by("a"), by("b"), by("c")], 3, id="strangers"),
        pytest.param([by("a"), by("b"), by("A", message_id="x@id")], 2, id="same sender"),
        pytest.param([by("a"), by("b", in_reply_to=("a@id",))], 1, id="answer"),
        pytest.param([by("a"), by("b", references=("y@id", "a@id"))], 1, id="reference"),
        pytest.param([by("a", references=("b@id",)), by("b")], 1, id="answer that comes first"),
        pytest.param(
            [by("a", references=("x@id",)), by("b", in_reply_to=("x@id",))], 1, id="both to a third"
        ),
        pytest.param([by("a"), by("b", message_id="a@id")], 1, id="same id"),
        pytest.param([by("a", message_id=""), by("b", message_id="")], 2, id="no ids"),
        pytest.param(
            [by("a", reply_to=(Address("b@customer.example"),)), by("b")],
            1,
            id="to whom an acknowledgement goes",
        ),
        pytest.param([UNREADABLE, by("a"), UNREADABLE, by("b")], 4, id="unreadable ones"),
        pytest.param([by("a", sender=None), by("b", sender=None)], 2, id="no senders"),
    ],
)
def test_only_strangers_are_decided_on_together(messages: list[Message | Unreadable], first: int):
    assert together(messages) == first
