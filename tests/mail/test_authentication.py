"""What our own mail server said of a sender, among what others may have written."""

import pytest

from ccmiddleware.mail.authentication import unproven
from ccmiddleware.mail.message import Limits, Message
from ccmiddleware.mail.reading import read

ANNA = "anna@agents.example"


@pytest.mark.parametrize(
    "value",
    [
        "mx.example; dmarc=pass header.from=agents.example",
        "mx.example; dmarc=pass (p=none dis=none) header.from=agents.example; spf=fail",
        "MX.example 1; DMARC=Pass header.from=Agents.Example",
        "mx.example; spf=pass smtp.mailfrom=anna@agents.example",
        "mx.example; spf=pass smtp.mailfrom=agents.example; dkim=none",
        'mx.example; dkim=pass header.d="agents.example" header.s=one',
        "mx.example; auth=pass (plain) smtp.auth=anna@agents.example",
        "mx.example; dkim/1=pass reason=ok header.d=agents.example",
    ],
)
def test_a_sender_is_proven(value: str) -> None:
    assert unproven([value], "mx.example", ANNA) == ""


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("mx.example",),
        ("mx.example; none",),
        ("elsewhere.example; dmarc=pass header.from=agents.example",),
        ("mx.example.evil.example; dmarc=pass header.from=agents.example",),
        ("mx.example; dmarc=pass header.from=evil.example",),
        ("mx.example; dmarc=pass",),
        ("mx.example; spf=pass smtp.mailfrom=eve@evil.example",),
        ("mx.example; dkim=pass header.d=evil.example",),
        ("mx.example; auth=pass smtp.auth=eve@agents.example",),
        # DMARC is about the From; that the envelope's domain is right changes nothing.
        ("mx.example; dmarc=fail; spf=pass smtp.mailfrom=agents.example",),
        # The topmost is that of our server.
        (
            "mx.example; dmarc=fail header.from=agents.example",
            "mx.example; dmarc=pass header.from=agents.example",
        ),
        ("mx.example; spf=none (dmarc=pass; dmarc=pass header.from=agents.example)",),
        ("mx.example; spf=none ((; dmarc=pass header.from=agents.example",),
        ('mx.example; spf=none reason="; dmarc=pass header.from=agents.example"',),
        ("mx.example extra; dmarc=pass header.from=agents.example",),
        ("(mx.example) other.example; dmarc=pass header.from=agents.example",),
    ],
)
def test_a_sender_is_not_proven(values: tuple[str, ...]) -> None:
    assert "mx.example" in unproven(values, "mx.example", ANNA)


def test_the_fields_are_read_from_the_top() -> None:
    raw = (
        b"Authentication-Results: mx.example;\r\n dmarc=pass header.from=agents.example\r\n"
        b"From: anna@agents.example\r\nAuthentication-Results: other; spf=none\r\n\r\nHello\r\n"
    )
    message = read(raw, Limits())
    assert isinstance(message, Message)
    assert len(message.authentication) == 2
    assert unproven(message.authentication, "mx.example", ANNA) == ""
