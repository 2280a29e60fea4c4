"""Bounces of many mail servers, and what they say about which of our messages."""

from typing import Any

import pytest
from hostile_case import mail, mixed, part, text

from ccmiddleware.mail.message import DeliveryStatus, Limits, Message, Unreadable
from ccmiddleware.mail.reading import read

LIMITS = Limits(recipients=50)
RETURNED = mail("What we wrote\n", From="help@example.org", Message_ID="<ours@ccm.example>")
ROBOT = "Mail Delivery Subsystem <MAILER-DAEMON@mx.example.com>"


def report(*blocks: str, returned: bytes | None = RETURNED, headers_only: bool = False) -> bytes:
    """A report as RFC 3464 has it; ``blocks`` are the ones of the recipients."""
    status = "Reporting-MTA: dns; mx.example.com\n\n" + "\n\n".join(blocks) + "\n"
    parts = [
        text("Sorry."),
        part("Content-Type: message/delivery-status", status.replace("\n", "\r\n")),
    ]
    if returned is not None:
        kind = "text/rfc822-headers" if headers_only else "message/rfc822"
        parts.append(part(f"Content-Type: {kind}", returned))
    return mixed(
        *parts, Content_Type='multipart/report; report-type="delivery-status"; boundary=xx',
        From=ROBOT, Return_Path="<>", Message_ID="<dsn@mx.example.com>",
    )  # fmt: skip


def one(
    recipient: str, action: str, status: str, diagnostic: str = "", about: str = "ours@ccm.example"
) -> tuple[DeliveryStatus, ...]:
    return (DeliveryStatus(recipient, action, status, diagnostic, about),)


FAILED = "Final-Recipient: rfc822; jane@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown"
JANE = "jane@example.com"

KINDS: dict[str, tuple[bytes, tuple[DeliveryStatus, ...]]] = {
    "failed, with the message": (report(FAILED), one(JANE, "failed", "5.1.1", "550 5.1.1 User unknown")),
    "failed, with the headers": (report(FAILED, headers_only=True), one(JANE, "failed", "5.1.1", "550 5.1.1 User unknown")),
    "failed, with nothing": (report(FAILED, returned=None), one(JANE, "failed", "5.1.1", "550 5.1.1 User unknown", "")),
    "delayed": (report("Final-Recipient: rfc822; jane@example.com\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: x"),
                one(JANE, "delayed", "4.4.1")),
    "delivered": (report("Final-Recipient: rfc822;jane@example.com\nAction: delivered\nStatus: 2.0.0"),
                  one(JANE, "delivered", "2.0.0")),
    "relayed": (report("Final-Recipient: rfc822; <jane@Example.COM>\nAction: Relayed\nStatus: 2.1.9 (relayed)"),
                one(JANE, "relayed", "2.1.9")),
    "expanded": (report("Original-Recipient: rfc822; jane@example.com\nAction: expanded (list)\nStatus: 2.0.0"),
                 one(JANE, "expanded", "2.0.0")),
    "no action": (report("Final-Recipient: rfc822; jane@example.com\nStatus: 4.2.2"), one(JANE, "delayed", "4.2.2")),
    "no status": (report("Final-Recipient: rfc822; jane@example.com\nAction: failed\nDiagnostic-Code: smtp; 552 5.2.2 full"),
                  one(JANE, "failed", "5.2.2", "552 5.2.2 full")),
    "only an SMTP code": (report("Final-Recipient: rfc822; jane@example.com\nDiagnostic-Code: smtp; 450 busy"),
                          one(JANE, "delayed", "4.0.0", "450 busy")),
    "folded diagnostic": (report("Final-Recipient: rfc822; jane@example.com\nAction: failed\nStatus: 5.7.1\n"
                                 "Diagnostic-Code: smtp; 550-5.7.1 spam\n    550 5.7.1 go away"),
                          one(JANE, "failed", "5.7.1", "550-5.7.1 spam 550 5.7.1 go away")),
    "utf-8 recipient": (report("Final-Recipient: utf-8; jürgen@example.com\nAction: failed\nStatus: 5.6.7"),
                        one("jürgen@example.com", "failed", "5.6.7")),
    "two recipients": (report(FAILED.partition("\nDiag")[0], "Final-Recipient: rfc822; b@x.org\nAction: failed\nStatus: 5.2.1"),
                       one(JANE, "failed", "5.1.1") + one("b@x.org", "failed", "5.2.1")),
    "an X.400 recipient only": (report("Final-Recipient: x400; /CN=x/\nAction: failed\nStatus: 5.0.0"), ()),
    "qmail": (mail("Hi. This is the qmail-send program at mx.example.com.\n\n<jane@example.com>:\nUser is away. (#5.1.1)\n\n"
                   "--- Below this line is a copy of the message.\n\nReturn-Path: <help@example.org>\n"
                   "Message-ID: <ours@ccm.example>\n\nHello\n", From=ROBOT, Return_Path="<>"),
              one(JANE, "failed", "5.1.1", "User is away. (#5.1.1)")),
    "exim": (mail("A message could not be delivered.\n\nMessage-ID: <ours@ccm.example>\n",
                  From=ROBOT, Return_Path="<>", X_Failed_Recipients="jane@example.com, b@x.org"),
             one(JANE, "failed", "5.0.0") + one("b@x.org", "failed", "5.0.0")),
    "exchange, in words": (mail("Your message did not reach some or all of the intended recipients.\n",
                                From="postmaster@example.com", Return_Path="<>"), ()),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "statuses"), KINDS.values(), ids=KINDS)
def test_kind_of_report(raw: bytes, statuses: tuple[DeliveryStatus, ...]) -> None:
    got = read(raw, LIMITS)
    assert isinstance(got, Message)
    assert got.delivery_statuses == statuses
    assert got.machine.return_path == ""
    assert not got.machine.feedback_report


def message(raw: bytes) -> Message:
    got = read(raw, LIMITS)
    assert isinstance(got, Message), got
    return got


def test_a_report_may_have_no_sender() -> None:
    raw = report(FAILED).replace(f"From: {ROBOT}\r\n".encode(), b"")
    assert message(raw).sender is None
    assert message(mail(From=None, Return_Path="<>")).sender is None


@pytest.mark.parametrize("kind", ["disposition-notification", "feedback-report"])
def test_other_reports_are_told_apart(kind: str) -> None:
    body = part(f"Content-Type: message/{kind}", "Final-Recipient: rfc822; jane@example.com\r\n")
    raw = mixed(
        text("Read."), body, Content_Type=f"multipart/report; report-type={kind}; boundary=xx"
    )
    got = message(raw)
    assert got.machine.feedback_report
    assert got.delivery_statuses == ()


def test_a_report_in_a_forwarded_message_is_none_of_ours() -> None:
    got = message(
        mixed(
            text("See this bounce"),
            part("Content-Type: message/rfc822", report(FAILED)),
            boundary="outer",
        )
    )
    assert got.delivery_statuses == ()
    assert got.text == "See this bounce"


def test_a_person_who_quotes_a_bounce_is_no_bounce() -> None:
    got = message(mail("<jane@example.com>:\nUser is away.\n", X_Failed_Recipients="a@b.c"))
    assert got.delivery_statuses == ()


def test_too_many_recipients_are_over_the_limit() -> None:
    got: Any = read(report(*[FAILED] * 60), LIMITS)
    assert isinstance(got, Unreadable)
    assert "names more than 50 recipients" in got.reason
