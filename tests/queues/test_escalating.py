"""What is done about emails whose time is nearly over: the words, and what follows."""

import pytest

from ccmiddleware.queues.escalating import InvalidEscalation, Plan, Ways, parse, plan

ALL = "priority=5,queue:urgent,notify:a@x.example,notify:b@x.example"
WAYS = Ways(5, "urgent", ("a@x.example", "b@x.example"))
TO = ("a@x.example", "b@x.example")


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("", Ways()),
        ("priority=0", Ways(0)),
        (" queue: a b , priority=7 ", Ways(7, "a b")),
        (ALL, WAYS),
    ],
)
def test_what_is_understood(text: str, ways: Ways) -> None:
    assert parse(text) == ways
    assert parse(str(ways)) == ways


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("priority=1001", "above 1000"),
        ("priority=-1", "is no priority"),
        ("priority=1,priority=2", "a second one"),
        ("queue:a,queue:b", "can't be done"),
        ("notify:nobody", "is no address"),
        ("notify:a@x.example\r\nBcc: b", "is no address"),
        (",".join(["notify:a@x.example"] * 6), "more than 5"),
        ("mail:a@x.example", "write priority=N"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidEscalation, match=words):
        parse(text)


CASES: list[tuple[dict[str, object], Plan]] = [
    ({}, Plan(("warned",), 5, "urgent", TO)),
    ({"queue": "urgent"}, Plan(("warned",), 5, None, TO)),
    # The queue that it names is not there any more: all else is done.
    ({"queues": ["help"]}, Plan(("warned",), 5, None, TO, missing="urgent")),
    ({"queues": ["help"], "working": True}, Plan(("warned",), 5, None, TO)),
    (
        {
            "taken": ["warned"], "overdue": True, "working": True, "take_back": True,
            "queues": ["help"],
        },
        Plan(("overdue",), to_queue="help", notify=TO, missing="urgent"),
    ),
    # In hand: it is not taken away before its time is over.
    ({"working": True}, Plan(("warned",), 5, None, TO)),
    ({"working": True, "take_back": True}, Plan(("warned",), 5, None, TO)),
    ({"taken": ["warned"], "overdue": True}, Plan(("overdue",))),
    ({"taken": ["warned"], "overdue": True, "working": True}, Plan(("overdue",), notify=TO)),
    (
        {"taken": ["warned"], "overdue": True, "working": True, "take_back": True},
        Plan(("overdue",), to_queue="urgent", notify=TO),
    ),
    (
        {
            "taken": ["warned"], "overdue": True, "working": True, "take_back": True,
            "queue": "urgent",
        },
        Plan(("overdue",), to_queue="urgent", notify=TO),
    ),
    # Both at once, as after a night in which no daemon ran.
    ({"overdue": True}, Plan(("warned", "overdue"), 5, "urgent", TO)),
    ({"taken": ["warned", "overdue"], "overdue": True, "working": True}, Plan()),
]  # fmt: skip


@pytest.mark.parametrize(("more", "expected"), CASES)
def test_what_is_done(more: dict[str, object], expected: Plan) -> None:
    given: dict[str, object] = {
        "queue": "help", "working": False, "overdue": False, "taken": [], "take_back": False,
        "queues": ["help", "urgent"],
    }  # fmt: skip
    assert plan(WAYS, **(given | more)) == expected  # type: ignore[arg-type]
