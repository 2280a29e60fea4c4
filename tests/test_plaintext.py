"""Text from outside: storable, printable, and otherwise unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.plaintext import MAX_LENGTH, plain


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_storable(text: str) -> None:
    made = plain(text)
    made.encode("utf-8")
    assert "\x00" not in made
    assert "\r" not in made
    assert "\n" not in made
    assert len(made) <= MAX_LENGTH
    assert plain(made) == made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jörg Müßig", "Jörg Müßig"),
        ("渡辺 さん 😀", "渡辺 さん 😀"),
        ("a\r\nAction: Command", "a\ufffd\ufffdAction: Command"),
        ("x\x1b[31mred", "x\ufffd[31mred"),
        ("\u202eevil", "\ufffdevil"),
        ("nul\x00", "nul\ufffd"),
        ("x" * 2000, "x" * 1024),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert plain(text) == expected
