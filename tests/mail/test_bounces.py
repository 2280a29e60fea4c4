"""Delivery reports: which message they are about, which state they tell, which addresses go."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.written import written

from ccmiddleware.mail.bounces import (
    Delivery,
    Outgoing,
    State,
    is_report,
    read,
    supersedes,
    wanted,
)
from ccmiddleware.mail.message import DeliveryStatus

ONE, TWO = UUID(int=1), UUID(int=2)
SENT = (
    Outgoing(ONE, "one@example.com", "carla@customer.example"),
    Outgoing(TWO, "two@example.com", "carla@customer.example"),
    Outgoing(TWO, "two@example.com", "Dora@customer.example"),
)
CARLA = "carla@customer.example"


def status(
    action: str = "failed",
    code: str = "5.1.1",
    diagnostic: str = "",
    about: str = "one@example.com",
    recipient: str = CARLA,
) -> DeliveryStatus:
    return DeliveryStatus(recipient, action, code, diagnostic, about)


@pytest.mark.parametrize(
    ("said", "state", "code", "gone"),
    [
        (status(), State.FAILED, "5.1.1", True),
        (status(code="5.1.2"), State.FAILED, "5.1.2", True),
        (status(code="5.1.3"), State.FAILED, "5.1.3", True),
        (status(code="5.1.6"), State.FAILED, "5.1.6", True),
        (status(code="5.1.10"), State.FAILED, "5.1.10", True),
        (status(code="5.2.1"), State.FAILED, "5.2.1", True),
        (status(code="5.1.100"), State.FAILED, "5.1.100", False),
        (status(code="5.2.2"), State.FAILED, "5.2.2", False),
        (status(code="5.2.3"), State.FAILED, "5.2.3", False),
        (status(code="5.3.4"), State.FAILED, "5.3.4", False),
        (status(code="5.4.1"), State.FAILED, "5.4.1", False),
        (status(code="5.7.1"), State.FAILED, "5.7.1", False),
        (status(code="5.7.26"), State.FAILED, "5.7.26", False),
        (status(code="4.4.7"), State.FAILED, "4.4.7", False),
        (status(code="4.1.1"), State.FAILED, "4.1.1", False),
        (status("delayed", "4.4.1"), State.DELAYED, "4.4.1", False),
        (status("delayed", "5.1.1"), State.DELAYED, "5.1.1", False),
        (status("delivered", "2.0.0"), State.DELIVERED, "2.0.0", False),
        (status("delivered", "5.1.1"), State.DELIVERED, "5.1.1", False),
        (status("Failed", " 5.1.1 (bad mailbox)"), State.FAILED, "5.1.1", True),
        (status(code="5.01.001"), State.FAILED, "5.1.1", True),
        (status(code="5.0.0"), State.FAILED, "5.0.0", False),
        (status(code="5.0.0", diagnostic="smtp; 550 5.1.1 no such user"), State.FAILED, "5.1.1",
         True),
        (status(code="5.0.0", diagnostic="smtp; 452 4.2.2 full"), State.FAILED, "5.0.0", False),
        (status(code="", diagnostic="smtp; 550 5.1.1 no such user"), State.FAILED, "5.1.1", True),
        (status(code="5.7.1", diagnostic="smtp; 550 5.1.1 no such user"), State.FAILED, "5.7.1",
         False),
        (status(code="5.0.0", diagnostic="from 5.1.1.7, refused"), State.FAILED, "5.0.0", False),
        (status(code="", diagnostic="refused"), State.FAILED, "", False),
        (status("", "5.1.1"), State.FAILED, "5.1.1", True),
        (status("", "4.2.0"), State.DELAYED, "4.2.0", False),
        (status("", "2.1.5"), State.DELIVERED, "2.1.5", False),
        (status("odd", "5.1.1"), State.FAILED, "5.1.1", True),
        (status(recipient=f"rfc822; <{CARLA.upper()}>"), State.FAILED, "5.1.1", True),
        (status(recipient="carla@elsewhere.example"), State.FAILED, "5.1.1", False),
        (status(recipient=""), State.FAILED, "5.1.1", False),
    ],
)  # fmt: skip
def test_states_and_addresses(said: DeliveryStatus, state: State, code: str, gone: bool) -> None:
    report = read(written(delivery_statuses=(said,)), SENT)
    (found,) = report.deliveries
    assert (found.outbox, found.recipient) == (ONE, CARLA)
    assert (found.state, found.status, found.address_gone) == (state, code, gone)
    assert found.why
    assert report.held == ""


@pytest.mark.parametrize("action", ["relayed", "expanded", "", "odd"])
def test_what_says_nothing_changes_nothing_and_is_not_held(action: str) -> None:
    report = read(written(delivery_statuses=(status(action, ""),)), SENT)
    assert report.deliveries == ()
    assert report.held == ""
    assert len(report.notes) == 1


def test_a_report_on_a_forwarded_mail_says_as_whom() -> None:
    said = status(recipient="carla@elsewhere.example", diagnostic="smtp; 550 gone")
    (found,) = read(written(delivery_statuses=(said,)), SENT).deliveries
    assert found.why == "5.1.1 smtp; 550 gone (as carla@elsewhere.example)"


HELD: list[tuple[DeliveryStatus, str]] = [
    (status(about="other@example.com"),
     f"the report on {CARLA} is about nothing that we sent (it names other@example.com)"),
    (status(about=""), f"the report on {CARLA} is about nothing that we sent"),
    (status(about="", recipient=""), "the report on somebody is about nothing that we sent"),
    (status(about="two@example.com", recipient="eve@else.example"),
     "eve@else.example is none of the 2 it was sent to"),
    (status(about="two@example.com", recipient=""),
     "an unnamed address is none of the 2 it was sent to"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reason"), HELD)
def test_what_belongs_to_nothing_is_held(said: DeliveryStatus, reason: str) -> None:
    report = read(written(delivery_statuses=(said,)), SENT)
    assert (report.deliveries, report.held) == ((), reason)


def test_a_message_without_statuses_is_no_report() -> None:
    assert not is_report(written())
    assert read(written(), SENT).held == "it says nothing of any delivery"
    assert is_report(written(delivery_statuses=(status(),)))


def test_references_serve_where_the_report_names_no_id() -> None:
    message = written(
        delivery_statuses=(status(about=""),),
        in_reply_to=("unknown@x",),
        references=("one@example.com", "nothing@x"),
    )
    assert wanted(message) == ("unknown@x", "nothing@x", "one@example.com")
    assert [each.outbox for each in read(message, SENT).deliveries] == [ONE]


def test_references_do_not_serve_where_it_names_another_id() -> None:
    message = written(delivery_statuses=(status(about="other@x"),), references=("one@example.com",))
    assert wanted(message) == ("other@x", "one@example.com")
    assert read(message, SENT).held


def test_several_recipients_and_messages_in_one_report() -> None:
    message = written(
        delivery_statuses=(
            status(about="two@example.com"),
            status("delayed", "4.4.1", about="two@example.com", recipient="dora@customer.example"),
            status("delivered", "2.0.0"),
            status(about="other@example.com"),
        )
    )
    report = read(message, SENT)
    assert [(each.outbox, each.recipient, each.state) for each in report.deliveries] == [
        (TWO, CARLA, State.FAILED),
        (TWO, "Dora@customer.example", State.DELAYED),
        (ONE, CARLA, State.DELIVERED),
    ]
    assert report.held == ""
    assert len(report.notes) == 1


def test_one_recipient_twice_in_a_report_counts_as_the_worse() -> None:
    for order in ((0, 1), (1, 0)):
        both = (status("delivered", "2.0.0"), status())
        message = written(delivery_statuses=tuple(both[index] for index in order))
        (found,) = read(message, SENT).deliveries
        assert found.state is State.FAILED


@pytest.mark.parametrize(("old", "new"), list(product((None, *State), State)))
def test_what_a_later_report_changes(old: State | None, new: State) -> None:
    order = [None, State.DELAYED, State.DELIVERED, State.FAILED]
    assert supersedes(old, new) is (order.index(new) > order.index(old))


WORDS = st.text(max_size=30)


@given(
    st.lists(
        st.builds(
            DeliveryStatus,
            st.sampled_from([CARLA, "x", ""]) | WORDS,
            st.sampled_from(["failed", "delayed", "relayed"]) | WORDS,
            st.sampled_from(["5.1.1", "4.0.0"]) | WORDS,
            WORDS,
            st.sampled_from(["one@example.com", "two@example.com", ""]) | WORDS,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_report_is_tied_or_held_and_changes_only_what_we_sent(
    statuses: list[DeliveryStatus],
) -> None:
    report = read(written(delivery_statuses=tuple(statuses)), SENT)
    ours = {(each.outbox, each.recipient) for each in SENT}
    assert all((each.outbox, each.recipient) in ours for each in report.deliveries)
    assert report.deliveries or report.held or report.notes
    assert not (report.deliveries and report.held)
    for each in report.deliveries:
        assert isinstance(each, Delivery)
        assert not each.address_gone or each.state is State.FAILED
