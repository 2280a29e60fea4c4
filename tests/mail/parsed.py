"""What a mail client makes of our bytes: by the standard library, and by its older header decoder.

The newer parser of the library leaves a space between encoded words within a name (RFC 2047, 6.2
says that there is none), so names are read by the older one.
"""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import getaddresses

from ccmiddleware.mail.composing import Composed


def parsed(composed: Composed) -> EmailMessage:
    """Parsed; whoever fails here has written something that others can't read either."""
    head, _, body = composed.content.partition(b"\r\n\r\n")
    lines = composed.content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)
    assert max(map(len, lines)) <= 998
    assert body.isascii()
    assert composed.smtputf8 or head.isascii()
    found = message_from_bytes(composed.content, policy=SMTPUTF8)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def header(composed: Composed, name: str) -> str:
    """A header, unfolded and decoded; empty where there is none."""
    head = composed.content.partition(b"\r\n\r\n")[0].decode()
    unfolded = head.replace("\r\n ", " ").split("\r\n")
    values = [line.partition(": ")[2] for line in unfolded if line.startswith(f"{name}: ")]
    assert len(values) <= 1
    return str(make_header(decode_header(values[0]))) if values else ""


def names(composed: Composed) -> list[str]:
    """The names of all headers, in order, but for those of MIME."""
    head = composed.content.partition(b"\r\n\r\n")[0].decode()
    found = [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith(" ")]
    return [each for each in found if not each.startswith(("Content-", "MIME-"))]


def addresses(composed: Composed, name: str) -> list[tuple[str, str]]:
    """Name and address of each mailbox of a header."""
    head = composed.content.partition(b"\r\n\r\n")[0].decode()
    unfolded = head.replace("\r\n ", " ").split("\r\n")
    values = [line.partition(": ")[2] for line in unfolded if line.startswith(f"{name}: ")]
    return [
        (str(make_header(decode_header(shown))) if "=?" in shown else shown, address)
        for shown, address in getaddresses(values)
    ]


def text(composed: Composed) -> str:
    """The body, with plain line ends."""
    body = parsed(composed).get_body(("plain",))
    assert isinstance(body, EmailMessage)
    found = body.get_content()
    assert isinstance(found, str)
    return found.replace("\r\n", "\n")
