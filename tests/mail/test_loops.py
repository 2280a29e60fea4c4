"""Loop guards: what headers show, what counts do, and the subject that goes to and fro."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.written import written

from ccmiddleware.mail.loops import Limits, Nature, Ours, Traffic, judge, nature, plain_subject
from ccmiddleware.mail.message import DeliveryStatus, Machine

OURS = Ours(
    frozenset({"support@example.com", "sales@example.com"}),
    mark="pbx.example.com",
    unlimited=frozenset({"form@www.example.com"}),
)

HEADERS: list[tuple[Machine, Nature, str]] = [
    (Machine(), "person", ""),
    (Machine(return_path="carla@customer.example"), "person", ""),
    (Machine(auto_submitted="no"), "person", ""),
    (Machine(auto_submitted=" No "), "person", ""),
    (Machine(auto_submitted="no (a person)"), "person", ""),
    (Machine(auto_submitted="auto-replied"), "answers", "Auto-Submitted: auto-replied"),
    (Machine(auto_submitted="Auto-Replied; owner=x"), "answers", "Auto-Submitted: auto-replied"),
    (Machine(auto_submitted="auto-replied (vacation)"), "answers", "Auto-Submitted: auto-replied"),
    (Machine(auto_submitted="auto-generated"), "sends", "Auto-Submitted: auto-generated"),
    (Machine(auto_submitted="auto-notified"), "sends", "Auto-Submitted: auto-notified"),
    (Machine(auto_submitted="yes"), "sends", "Auto-Submitted: yes"),
    (Machine(precedence="bulk"), "sends", "Precedence: bulk"),
    (Machine(precedence="Junk"), "sends", "Precedence: junk"),
    (Machine(precedence="list"), "sends", "Precedence: list"),
    (Machine(precedence="auto_reply"), "answers", "Precedence: auto_reply"),
    (Machine(precedence="first-class"), "person", ""),
    (Machine(precedence="normal"), "person", ""),
    (Machine(auto_response_suppress="All"), "sends", "X-Auto-Response-Suppress: All"),
    (Machine(auto_response_suppress="DR, OOF"), "sends", "X-Auto-Response-Suppress: DR, OOF"),
    (Machine(auto_response_suppress="autoreply"), "sends", "X-Auto-Response-Suppress: autoreply"),
    (Machine(auto_response_suppress="DR, RN, NRN"), "person", ""),
    (Machine(list_headers=True), "sends", "it has headers of a mailing list"),
    (Machine(return_path=""), "answers", "its Return-Path is empty"),
    (Machine(return_path="<>"), "answers", "its Return-Path is empty"),
    (Machine(return_path=" < > "), "answers", "its Return-Path is empty"),
    (Machine(feedback_report=True), "answers", "a report about a message, such as a receipt"),
    (Machine(auto_submitted="auto-generated", return_path=""), "answers",
     "its Return-Path is empty"),
    (Machine(list_headers=True, precedence="bulk"), "sends", "Precedence: bulk"),
]  # fmt: skip


@pytest.mark.parametrize(("machine", "expected", "why"), HEADERS)
def test_headers(machine: Machine, expected: Nature, why: str) -> None:
    message = written(machine=machine)
    seen = nature(message)
    assert (seen.nature, seen.why) == (expected, why)
    verdict = judge(message, OURS, Traffic())
    assert verdict.acknowledge is (expected == "person")
    assert verdict.opens_work is (expected != "answers")
    assert (verdict.automatic, verdict.held) == (why, "")


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("carla@customer.example", "person"),
        ("noreply@shop.example", "sends"),
        ("no-reply@shop.example", "sends"),
        ("No.Reply@shop.example", "sends"),
        ("no_reply+4711@shop.example", "sends"),
        ("donotreply@shop.example", "sends"),
        ("do-not-reply@shop.example", "sends"),
        ("do-not-respond@shop.example", "sends"),
        ("noreply-orders@shop.example", "sends"),
        ("bounces+17@list.example", "sends"),
        ("MAILER-DAEMON@mx.example", "answers"),
        ("mailer-daemon", "answers"),
        ("postmaster@mx.example", "answers"),
        ("postmaster-team@mx.example", "answers"),
        ("nora.reply@customer.example", "person"),
        ("norepley@customer.example", "person"),
        ("arnold@noreply.example", "person"),
        (None, "answers"),
    ],
)
def test_senders(sender: str | None, expected: Nature) -> None:
    assert nature(written(sender)).nature == expected


def test_a_form_that_names_whom_to_answer_is_like_a_person() -> None:
    form = written("no-reply@www.example.com", reply_to=["carla@customer.example"])
    assert nature(form).nature == "person"


HELD: list[tuple[dict[str, Any], str, str]] = [
    ({"machine": Machine(loop_marks=("pbx.example.com",))}, "loop", "sent by ourselves"),
    ({"machine": Machine(loop_marks=("x", " pbx.example.com "))}, "loop", "sent by ourselves"),
    ({"machine": Machine(loop_marks=("pbx.other.example",))}, "", ""),
    ({"sender": "support@example.com"}, "loop", "our own address support@example.com"),
    ({"sender": "Sales@Example.com"}, "loop", "our own address sales@example.com"),
    ({"sender": "support+abc@example.com"}, "loop", "our own address support@example.com"),
    ({"sender": "anna@example.com"}, "", ""),
    ({"sender": "MAILER-DAEMON@mx.example"}, "report", "a notice of a mail system"),
    ({"sender": None}, "report", "a notice of a mail system"),
    ({"sender": "postmaster@mx.example"}, "report", "from postmaster@mx.example"),
    (
        {
            "sender": "MAILER-DAEMON@mx.example",
            "delivery_statuses": (DeliveryStatus("a@b", "failed", "5.1.1"),),
        },
        "",
        "",
    ),
]


@pytest.mark.parametrize(("fields", "kind", "reason"), HELD)
def test_what_is_held_for_its_headers(fields: dict[str, Any], kind: str, reason: str) -> None:
    verdict = judge(written(**fields), OURS, Traffic())
    assert verdict.held_as == kind
    assert reason in verdict.held
    assert bool(verdict.held) == bool(kind)
    if kind:
        assert not verdict.acknowledge
        assert not verdict.opens_work


COUNTS: list[tuple[Traffic, str, bool]] = [
    (Traffic(), "", True),
    (Traffic(from_correspondent=(9, 14, 24)), "", True),
    (Traffic(from_correspondent=(10, 10, 10)), "10 messages in 10 minutes (limit 10) from", False),
    (Traffic(from_correspondent=(9, 15, 15)), "15 messages in 30 minutes (limit 15) from", False),
    (Traffic(from_correspondent=(0, 0, 25)), "25 messages in 60 minutes (limit 25) from", False),
    (Traffic(in_conversation=(9, 14, 24)), "", True),
    (Traffic(in_conversation=(11, 11, 11)), "11 messages in 10 minutes (limit 10) in this", False),
    (Traffic(in_conversation=(0, 15, 15)), "15 messages in 30 minutes (limit 15) in this", False),
    (Traffic(in_conversation=(0, 0, 30)), "30 messages in 60 minutes (limit 25) in this", False),
    (Traffic(acknowledged=True), "", False),
    (Traffic(acknowledgements=(199, 399, 599)), "", True),
    (Traffic(acknowledgements=(200, 200, 200)), "", False),
    (Traffic(acknowledgements=(0, 0, 600)), "", False),
    (Traffic(same_subject_automatic_from_us=1), "", False),
    (Traffic(same_subject_from_correspondent=9), "", True),
    (Traffic(same_subject_from_correspondent=4, same_subject_automatic_from_us=1), "", False),
    (
        Traffic(same_subject_from_correspondent=5, same_subject_automatic_from_us=1),
        "the same subject came 5 times",
        False,
    ),
]


@pytest.mark.parametrize(
    ("subject", "acknowledged"),
    [
        ("Automatic reply: Order 12", False),
        ("Abwesenheitsnotiz: Bestellung", False),
        ("Out of Office", False),
        ("Re: Automatic reply: Order 12", True),
        ("The automatic reply of your shop", True),
    ],
)
def test_what_may_be_a_machines_by_its_subject_alone_is_work_and_gets_no_word(
    subject: str, acknowledged: bool
) -> None:
    verdict = judge(written(subject=subject), OURS, Traffic())
    assert (verdict.opens_work, verdict.held, verdict.acknowledge) == (True, "", acknowledged)


@pytest.mark.parametrize(("traffic", "held", "acknowledged"), COUNTS)
def test_counts(traffic: Traffic, held: str, acknowledged: bool) -> None:
    verdict = judge(written(), OURS, traffic)
    assert verdict.held.startswith(held)
    assert bool(verdict.held) == bool(held)
    assert verdict.opens_work is not bool(held)
    assert verdict.acknowledge is acknowledged
    assert verdict.automatic == verdict.held


def test_a_flood_does_not_hold_others_mail() -> None:
    verdict = judge(written(), OURS, Traffic(acknowledgements=(9999, 9999, 9999)))
    assert verdict.opens_work
    assert "whoever wrote them" in verdict.unacknowledged


def test_a_web_form_may_send_any_number_but_stays_bound_by_headers() -> None:
    much = Traffic(from_correspondent=(99, 99, 99), in_conversation=(99, 99, 99))
    form = written("Form@www.example.com")
    assert judge(form, OURS, much).opens_work
    marked = written("form@www.example.com", machine=Machine(loop_marks=(OURS.mark,)))
    assert judge(marked, OURS, much).held


def test_limits_can_be_set() -> None:
    strict = Limits(correspondent=(1, 2, 3), same_subject=2)
    assert judge(written(), OURS, Traffic(from_correspondent=(1, 1, 1)), strict).held
    assert not judge(written(), OURS, Traffic(), strict).held


def test_two_machines_that_hide_stop_by_themselves() -> None:
    """The other side answers each mail of ours, under a new subject number and as a person."""
    acknowledged = held = 0
    for came in range(100):
        traffic = Traffic(
            from_correspondent=(came, came, came),
            same_subject_from_correspondent=came,
            same_subject_automatic_from_us=acknowledged,
        )
        verdict = judge(written("robot@customer.example"), OURS, traffic)
        held += bool(verdict.held)
        acknowledged += verdict.acknowledge
    assert acknowledged == 1
    assert held == 95


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("My invoice", "my invoice"),
        ("Re: My invoice", "my invoice"),
        ("RE: AW: Re[2]: Fwd: My  invoice ", "my invoice"),
        ("Antwort: WG: My invoice", "my invoice"),
        ("SV: VS: My invoice", "my invoice"),
        ("Re : My invoice", "my invoice"),
        ("Automatic reply: My invoice", "my invoice"),
        ("Automatische Antwort: My invoice", "my invoice"),
        ("Auto: Re: My invoice", "my invoice"),
        ("Auto-Reply: My invoice", "my invoice"),
        ("Out of Office: My invoice", "my invoice"),
        ("Out of the office Re: My invoice", "my invoice"),
        ("Abwesenheitsnotiz: My invoice", "my invoice"),
        ("Abwesend: My invoice", "my invoice"),
        ("Réponse automatique : My invoice", "my invoice"),
        ("[Ticket#4711] Re: My invoice", "my invoice"),
        ("Re: [list] [2] My invoice", "my invoice"),
        ("Your request 4711 of 2026-11-28", "your request # of #-#-#"),
        ("Your request 4712 of 2026-11-29", "your request # of #-#-#"),
        ("\uff32\uff25: My invoice", "my invoice"),
        ("Reminder: pay", "reminder: pay"),
        ("Important: pay", "important: pay"),
        ("", ""),
        ("Re:", ""),
        ("[]", ""),
    ],
)
def test_subjects(subject: str, expected: str) -> None:
    assert plain_subject(subject) == expected


@given(st.text(max_size=300), st.sampled_from(["Re: ", "AW: ", "Fwd: ", "[x] ", "Auto: "]))
def test_an_answer_has_the_subject_of_what_it_answers(subject: str, prefix: str) -> None:
    assert plain_subject(prefix + subject) == plain_subject(subject)


def test_a_subject_of_prefixes_costs_nothing() -> None:
    assert len(plain_subject("re:" * 100_000)) <= 200
    assert len(plain_subject("[" * 100_000)) <= 200
