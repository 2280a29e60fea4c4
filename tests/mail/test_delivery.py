"""What becomes of a message after an attempt to send it."""

from datetime import UTC, datetime, timedelta

import pytest

from ccmiddleware.mail.delivery import (
    DELAYS,
    Attempt,
    NoAnswer,
    NotSpoken,
    Reply,
    Settlement,
    Took,
    TookNot,
    settle,
)

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
BUSY, NOBODY = Reply(450, "4.2.0 try later"), Reply(550, "5.1.1 no such user")
CLOSED, SPAM = Reply(421, "4.3.2 shutting down"), Reply(554, "5.7.1 looks like spam")


def after(attempt: Attempt, attempts: int = 1, age: float = 0, **given: bool) -> Settlement:
    return settle(
        attempt,
        ["a@x.example", "b@y.example"],
        sent_before=given.get("sent_before", False),
        attempts=attempts,
        put_at=NOW - timedelta(hours=age),
        now=NOW,
        give_up_after=timedelta(hours=72),
    )


@pytest.mark.parametrize(
    ("attempt", "age", "state", "states"),
    [
        (Took({}), 0, "sent", "sent sent"),
        (Took({"a@x.example": NOBODY}), 0, "sent", "refused sent"),
        (Took({"a@x.example": BUSY}), 0, "queued", "pending sent"),
        (Took({"a@x.example": BUSY}), 72, "sent", "given_up sent"),
        (Took({"a@x.example": NOBODY, "b@y.example": NOBODY}), 0, "failed", "refused refused"),
        (TookNot(CLOSED, {}), 0, "queued", "pending pending"),
        (TookNot(CLOSED, {"b@y.example": NOBODY}), 0, "queued", "pending refused"),
        (TookNot(CLOSED, {}), 72, "failed", "given_up given_up"),
        (TookNot(SPAM, {}), 0, "failed", "refused refused"),
        (TookNot(SPAM, {"a@x.example": BUSY}), 0, "queued", "pending refused"),
        (NotSpoken("connection refused"), 0, "queued", "pending pending"),
        (NotSpoken("connection refused"), 72, "failed", "given_up given_up"),
    ],
)
def test_each_recipient_is_settled(attempt: Attempt, age: float, state: str, states: str) -> None:
    settlement = after(attempt, age=age)
    assert settlement.state == state
    assert [one.state for one in settlement.recipients] == states.split()


def test_what_got_no_answer_settles_nobody() -> None:
    settlement = after(NoAnswer("connection lost after the content"))
    assert (settlement.state, settlement.recipients) == ("unknown", ())
    assert settlement.reason == "connection lost after the content"


def test_a_message_that_one_recipient_had_before_has_not_failed() -> None:
    assert after(TookNot(SPAM, {}), sent_before=True).state == "sent"


@pytest.mark.parametrize(("attempts", "minutes"), [*enumerate(DELAYS, 1), (8, 240), (99, 240)])
def test_delays_grow(attempts: int, minutes: int) -> None:
    settlement = after(TookNot(CLOSED, {}), attempts)
    assert settlement.next_attempt_at == NOW + timedelta(minutes=minutes)


def test_the_reason_names_who_and_why_once() -> None:
    assert after(TookNot(CLOSED, {})).reason == "a@x.example, b@y.example: 421 4.3.2 shutting down"
    assert after(Took({"a@x.example": NOBODY})).reason == "a@x.example: 550 5.1.1 no such user"
    assert after(Took({})).reason == ""
    assert after(NotSpoken("no route")).reason == "a@x.example, b@y.example: no route"
