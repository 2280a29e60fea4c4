"""An address of a customer as people write it: an e-mail address or a telephone number. Pure."""

from dataclasses import dataclass
from typing import Literal

from ccmiddleware.contacts.numbers import NumberRule, normal
from ccmiddleware.errors import PermanentError
from ccmiddleware.mail.addresses import address_of

Kind = Literal["email", "phone"]


class InvalidContact(PermanentError):
    """What is to be stored of a contact can't be; the text says why, and what would do."""


@dataclass(frozen=True, order=True)
class Address:
    """An address in the one way in which it is stored."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return self.text


def email(text: str) -> Address:
    """An e-mail address. Raises InvalidContact."""
    bare = text.strip()
    found = address_of(bare).lower()
    if not found or not bare.isprintable() or " " in bare:
        raise InvalidContact(f"{text!r} is no e-mail address: write it as ann@example.com")
    return Address("email", found)


def phone(text: str, rule: NumberRule) -> Address:
    """A telephone number. Raises InvalidContact."""
    found = normal(text, rule)
    if not found:
        raise InvalidContact(
            f"{text!r} is no telephone number: write digits, perhaps with a + before them"
        )
    return Address("phone", found)


def address(text: str, rule: NumberRule) -> Address:
    """Either of them; what holds an @ is an e-mail address. Raises InvalidContact."""
    return email(text) if "@" in text else phone(text, rule)
