"""Rows of a file: which become leads, which are refused for which reason."""

import json
from uuid import UUID

import pytest

from ccmiddleware.dialer.lead_columns import columns_of
from ccmiddleware.dialer.lead_rows import (
    LEAD_COLUMNS,
    NUMBER_COLUMNS,
    REASONS,
    Batch,
    Plan,
    check_rows,
)

HEADER = ["id", "name", "phone", "phone2", "priority", "zone", "zip", "state", "country", "x"]
CAMPAIGN = UUID(int=7)
WIDE = "".join(chr(0xFF10 + int(digit)) for digit in "0301234567")
"""Digits as Japanese keyboards may write them."""


def checked(*cells: str, region: str | None = "US") -> Batch:
    """One row, whose last cells may be left out."""
    row = [*cells, *[""] * (len(HEADER) - len(cells))]
    return check_rows(Plan(columns_of(HEADER, {}), region, CAMPAIGN, 3), [(2, row)])


def lead(batch: Batch) -> dict[str, str]:
    """The fields of the only lead, as COPY would read them."""
    assert batch.refused == []
    cells = batch.leads[0].line.decode().removesuffix("\n").split("\t")
    return dict(zip(LEAD_COLUMNS[5:], [unescaped(cell) for cell in cells], strict=True))


def unescaped(text: str) -> str:
    return text.replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("text", "region", "number", "kind"),
    [
        ("(305) 222-0123", "US", "+13052220123", "fixed_or_mobile"),
        ("1-305-222-0123", "US", "+13052220123", "fixed_or_mobile"),
        ("+1 305 222 0123", None, "+13052220123", "fixed_or_mobile"),
        ("030 1234567", "DE", "+49301234567", "fixed"),
        ("0151 12345678", "DE", "+4915112345678", "mobile"),
        ("00 44 20 7946 0958", "DE", "+442079460958", "fixed"),
        ("+44 20 7946 0958", "US", "+442079460958", "fixed"),
        (WIDE, "DE", "+49301234567", "fixed"),
    ],
)
def test_numbers_are_taken_as_people_write_them(
    text: str, region: str | None, number: str, kind: str
) -> None:
    batch = checked("", "", text, region=region)
    assert batch.refused == []
    assert [one.number for one in batch.leads[0].numbers] == [number]
    cells = batch.leads[0].numbers[0].line.decode().removesuffix("\n").split("\t")
    assert dict(zip(NUMBER_COLUMNS[3:], cells, strict=True))["kind"] == kind
    assert cells[2]


@pytest.mark.parametrize(
    ("cells", "reason", "said"),
    [
        (("", "", ""), "no_number", "has no number"),
        (("", "", "555"), "number", "'555' is no number of +1"),
        (("", "", "call me"), "number", "'call me' is no telephone number"),
        (("", "", "+999 1234567"), "number", "no country code that there is"),
        (("", "", "305 222 0123 ext 5"), "number", "has an extension"),
        (("", "", "900 222 0123"), "number", "at a premium rate"),
        (("", "", "1" * 50), "number", "too long for a number"),
        (("", "", "305 222 0123", "", "urgent"), "priority", "from -100 to 100"),
        (("", "", "305 222 0123", "", "101"), "priority", "from -100 to 100"),
        (("", "", "305 222 0123", "", "", "Mars/Olympus"), "place", "Mars/Olympus"),
        (("", "", "305 222 0123", "", "", "", "", "XX"), "place", "XX"),
        (("x" * 101, "", "305 222 0123"), "external_id", "at most 100"),
        (("a\x00b", "", "305 222 0123"), "external_id", "no single line"),
        (("", "", "305 222 0123", "", "", "", "", "", "", "y" * 20000), "custom", "longer than"),
    ],
)
def test_what_can_not_be_a_lead_is_refused(cells: tuple[str, ...], reason: str, said: str) -> None:
    batch = checked(*cells)
    assert batch.leads == []
    assert [(one.at, one.reason, one.whole) for one in batch.refused] == [(2, reason, True)]
    assert said in batch.refused[0].text
    assert reason in REASONS


def test_without_a_region_numbers_need_their_country() -> None:
    said = checked("", "", "305 222 0123", region=None).refused[0].text
    assert "no country code, and no default region" in said
    assert checked("", "", "030 1234567", "", "", "", "", "", "de", region=None).leads


def test_a_row_must_have_the_fields_of_the_first_line() -> None:
    plan = Plan(columns_of(["phone", "name"], {}), "US", CAMPAIGN, 1)
    batch = check_rows(plan, [(2, ["305 222 0123"]), (5, ["305 222 0123", "a", "b"])])
    assert [(one.at, one.reason) for one in batch.refused] == [(2, "fields"), (5, "fields")]


def test_several_numbers_in_their_order_each_once() -> None:
    batch = checked("", "", "305 222 0124; +1 305 222 0123", "(305) 222-0123;212 555 0100")
    assert [one.number for one in batch.leads[0].numbers] == [
        "+13052220124",
        "+13052220123",
        "+12125550100",
    ]
    assert [one.place for one in batch.leads[0].numbers] == [0, 0, 1]
    assert [key[1] for key in batch.places] == [("America/New_York",), ("America/New_York",)]


def test_a_bad_number_beside_a_good_one_is_left_out_and_told() -> None:
    batch = checked("", "", "555", "305 222 0123")
    assert [one.number for one in batch.leads[0].numbers] == ["+13052220123"]
    assert [(one.reason, one.whole) for one in batch.refused] == [("number", False)]


def test_a_row_that_is_refused_says_so_once() -> None:
    batch = checked("", "", "555", "305 222 0123", "urgent")
    assert [(one.reason, one.whole) for one in batch.refused] == [("priority", True)]


def test_what_the_file_says_is_kept_and_can_do_nothing() -> None:
    row = checked(
        "C\\7", "Eve\x1b[2J\tO'Neil", "305 222 0123", "", "-5", "America/New_York", "33101", "FL",
        "us", 'tab\there "q" \\N \x00 line\nbreak'
    )  # fmt: skip
    found = lead(row)
    assert found["external_id"] == "C\\7"
    assert found["name"] == "Eve\ufffd[2J\ufffdO'Neil"
    assert (found["priority"], found["zone"], found["postal_code"]) == (
        "-5",
        "America/New_York",
        "33101",
    )
    assert (found["subdivision"], found["country"]) == ("FL", "us")
    assert json.loads(found["custom"]) == {"x": 'tab\there "q" \\N \ufffd line\nbreak'}
    assert (found["campaign_id"], found["import_id"]) == (str(CAMPAIGN), "3")


def test_first_and_last_names_become_one() -> None:
    plan = Plan(columns_of(["phone", "last_name", "first_name"], {}), "US", CAMPAIGN, 1)
    batch = check_rows(plan, [(2, ["305 222 0123", "Arnold", "Ann"])])
    assert lead(batch)["name"] == "Ann Arnold"
    assert lead(batch)["custom"] == "{}"
