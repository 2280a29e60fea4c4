"""Entries of the do-not-call list as people and files write them; beginnings of numbers."""

from datetime import UTC, datetime

import pytest

from ccmiddleware.dialer.dnc_entries import Entry, number, read, source
from ccmiddleware.dialer.prefixes import Prefixes
from ccmiddleware.dialer.values import InvalidCampaign

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "region", "found"),
    [
        ("+1 (202) 555-0123", None, ("+12025550123", False)),
        ("202-555-0123", "US", ("+12025550123", False)),
        ("2025550123", "CA", ("+12025550123", False)),
        ("030 1234567", "DE", ("+49301234567", False)),
        ("+1900*", None, ("+1900", True)),
        ("+44 (900)*", "US", ("+44900", True)),
    ],
)
def test_numbers_and_beginnings(text: str, region: str | None, found: tuple[str, bool]) -> None:
    assert number(text, region) == found


@pytest.mark.parametrize("text", ["1900*", "+*", "*", "", "nobody", "202-555-0123", "+12*3"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(InvalidCampaign):
        number(text, None)


def test_sources_are_words() -> None:
    assert source("opt_out") == "opt_out"
    for text in ("", "Opt Out", "a/b", "x" * 41):
        with pytest.raises(InvalidCampaign, match="no source"):
            source(text)


@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        (["+12025550123\n", "\n", "+1900*\n"], [Entry("+12025550123"), Entry("+1900", True)]),
        (["202,5550123\n", "305,2220123\n"], [Entry("+12025550123"), Entry("+13052220123")]),
        (
            ["Phone Number,note,expires\n", "202-555-0123,asked,2027-01-01\n"],
            [Entry("+12025550123", False, LATER, "asked")],
        ),
        (
            ["number,expires\n", "2025550123,2027-01-01\n", "+12025550123,\n"],
            [Entry("+12025550123")],
        ),
    ],
)
def test_files(lines: list[str], entries: list[Entry]) -> None:
    assert read(lines, "US", Entry(""), NOW).entries == tuple(entries)


def test_what_a_line_does_not_say_is_as_given() -> None:
    found = read(["+12025550123"], None, Entry("", expires_at=LATER, note="n"), NOW)
    assert found.entries == (Entry("+12025550123", False, LATER, "n"),)


def test_every_mistake_with_its_line() -> None:
    lines = ["number,expires\n", "x,\n", "+12025550123,soon\n", "+12025550123,2026-01-01\n"]
    found = read(lines, "US", Entry(""), NOW)
    assert found.entries == ()
    assert [at for at, _ in found.mistakes] == [2, 3, 4]
    assert ["no telephone" in found.mistakes[0][1], "no date" in found.mistakes[1][1],
            "that is over" in found.mistakes[2][1]] == [True] * 3  # fmt: skip


def test_beginnings_are_found_by_their_length() -> None:
    listed = Prefixes(["+1900", "+4490", "+1"])
    assert listed.of("+19005550100") == "+1"
    assert Prefixes(["+1900", "+19005"]).of("+19005550100") == "+1900"
    assert listed.of("+4420") == ""
    assert not Prefixes([])
    assert Prefixes([]).of("+1") == ""
