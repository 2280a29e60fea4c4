"""Rows as table, CSV and JSON: what people, spreadsheets and programs get to see."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.reports.render import Format, csv_text, json_text, render, why_empty
from ccmiddleware.reports.views import Column, Filters, Report, View

BERLIN = ZoneInfo("Europe/Berlin")
ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202eevil\x9b31m"
COLUMNS = (
    Column("queue", "text", ""),
    Column("started_at", "timestamp with time zone", ""),
    Column("offered", "bigint", ""),
    Column("abandonment_rate", "numeric", ""),
    Column("queues", "text[]", ""),
)
ROW: dict[str, Any] = {
    "queue": "sales",
    "started_at": datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
    "offered": 12,
    "abandonment_rate": Decimal("0.1304"),
    "queues": ["sales", "support"],
}


def report(
    rows: list[dict[str, Any]], columns: tuple[Column, ...] = COLUMNS, **more: Any
) -> Report:
    view = View("example", "", columns)
    return Report(view, columns, rows, BERLIN, **{"filters": Filters(), **more})


def shown(of: Report, form: Format = "table", width: int | None = None) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    render(of, form, out, err, width=width)
    return out.getvalue(), err.getvalue()


def texts(*values: object) -> tuple[tuple[Column, ...], list[dict[str, Any]]]:
    return (Column("caller_name", "text", ""),), [{"caller_name": value} for value in values]


def csv_cells(*values: object) -> list[str]:
    rows = csv.reader(io.StringIO(csv_text(*texts(*values), BERLIN), newline=""))
    return [row[0] for row in list(rows)[1:]]


def test_a_table_for_people() -> None:
    out, err = shown(report([ROW]))
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["started_at"]
    assert lines[1] == ["queue", "(Europe/Berlin)", "offered", "abandonment_rate", "queues"]
    assert lines[2] == ["sales", "2026-11-27", "10:00:00", "12", "13.0", "%", "sales,", "support"]
    assert err == ""


def test_a_table_too_wide_for_the_terminal_becomes_blocks() -> None:
    narrow, _ = shown(report([ROW, ROW]), width=60)
    assert [line.split("  ")[0] for line in narrow.splitlines()][:3] == [
        "── row 1 of 2",
        "queue",
        "started_at (Europe/Berlin)",
    ]
    assert all(len(line) <= 60 for line in narrow.splitlines())
    wide, _ = shown(report([ROW, ROW]), width=100)
    assert "row 1" not in wide
    piped, _ = shown(report([{**ROW, "queue": "q" * 300}]))
    assert "q" * 300 in piped


def test_what_callers_send_is_neither_markup_nor_obeyed_by_a_terminal() -> None:
    columns, rows = texts("[red]x[/red] [link=file:///etc]y[/] :smile:", ESCAPES, "a\nb")
    for width in (None, 100, 5):
        out, _ = shown(report(rows, columns), width=width)
        assert not set(out) & set("\x1b\x07\x9b\u202e")
        assert "owned" in out.replace("\n", "")
    assert "[red]x[/red] [link=file:///etc]y[/] :smile:" in shown(report(rows, columns))[0]
    assert "a\ufffdb" in shown(report(rows, columns))[0]


def test_json_is_for_programs() -> None:
    columns = (*COLUMNS, Column("id", "uuid", ""), Column("day", "date", ""))
    row = {**ROW, "id": UUID(int=1), "day": date(2026, 11, 27), "queues": []}
    out, err = shown(report([row], columns), "json")
    assert json.loads(out) == [
        {
            "queue": "sales",
            "started_at": "2026-11-27T10:00:00+01:00",
            "offered": 12,
            "abandonment_rate": 0.1304,
            "queues": [],
            "id": "00000000-0000-0000-0000-000000000001",
            "day": "2026-11-27",
        }
    ]
    assert err == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (Decimal("20.000"), "20"),
        (Decimal("20.250"), "20.25"),
        (1.5, "1.5"),
        (timedelta(minutes=1, milliseconds=500), "60.5"),
        ("Zoë ☎", '"Zoë ☎"'),
        ("\x1b[2J\x9b\u202e", r'"\u001b[2J\u009b\u202e"'),
    ],
)
def test_values_in_json(value: object, expected: str) -> None:
    text = json_text(*texts(value), BERLIN)
    assert f'"caller_name": {expected}\n' in text
    assert json.loads(text)[0]["caller_name"] == json.loads(expected)


def test_csv_as_rfc_4180_has_it() -> None:
    hard = {**ROW, "queue": 'a "b", c\r\nd', "queues": None}
    assert shown(report([ROW, hard]), "csv")[0] == (
        "queue,started_at,offered,abandonment_rate,queues\r\n"
        "sales,2026-11-27T10:00:00+01:00,12,0.1304,sales; support\r\n"
        '"a ""b"", c\r\nd",2026-11-27T10:00:00+01:00,12,0.1304,\r\n'
    )


def test_csv_cells_are_no_formulas() -> None:
    hostile = ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"]
    assert csv_cells(*hostile) == [f"'{text}" for text in hostile]
    assert csv_cells(["=1", "b"]) == ["'=1; b"]


@given(st.text(max_size=20))
def test_no_text_becomes_a_formula(text: str) -> None:
    (cell,) = csv_cells(text)
    assert not cell.startswith(tuple("=+-@\t\r")) or cell.lstrip("+-").replace(".", "").isdecimal()
    assert cell in (text, f"'{text}") or "\ufffd" in cell


def test_csv_numbers_stay_numbers() -> None:
    numbers = ["+4930123456", "-5", "+1.5", "49", "a=1", "", "2026-11-27"]
    assert csv_cells(*numbers) == numbers
    assert csv_cells(-5, Decimal("-1.50"), True, timedelta(seconds=9), None) == [
        "-5", "-1.50", "true", "9.0", "",
    ]  # fmt: skip


def test_csv_has_no_escape_sequences() -> None:
    (cell,) = csv_cells(ESCAPES)
    assert cell == "\ufffd]0;owned\ufffd\ufffd[2J\ufffdevil\ufffd31m"


def test_times_in_the_hour_that_is_there_twice_have_their_offset() -> None:
    columns = (Column("at", "timestamp with time zone", ""),)
    hours = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    out, _ = shown(report([{"at": hour} for hour in hours], columns))
    assert [line.strip() for line in out.splitlines()[2:]] == [
        "2026-10-25 02:30:00+0200",
        "2026-10-25 02:30:00+0100",
        "2026-10-25 03:30:00",
    ]


def test_other_values_in_a_table() -> None:
    columns, rows = texts(True, False, 1.26, timedelta(seconds=1), date(2026, 11, 27), None, "end")
    out, _ = shown(report(rows, columns))
    assert [line.strip() for line in out.splitlines()[1:]] == [
        "yes", "no", "1.3", "1.0", "2026-11-27", "", "end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "out"),
    [
        ("table", ""),
        ("json", "[]\n"),
        ("csv", "queue,started_at,offered,abandonment_rate,queues\r\n"),
    ],
)
def test_nothing_is_explained_beside_the_output(form: Format, out: str) -> None:
    filters = Filters(
        since=datetime(2026, 11, 26, 23, tzinfo=UTC),
        until=datetime(2026, 11, 27, 9, tzinfo=UTC),
        queue="sa\x1bles",
    )
    assert shown(report([], filters=filters), form) == (
        out,
        "report.example has no rows for queue sa\ufffdles from 2026-11-27 00:00:00"
        " until 2026-11-27 10:00:00 (Europe/Berlin).\n",
    )
    assert why_empty(report([])) == "report.example has no rows."


def test_rows_that_were_left_out_are_mentioned() -> None:
    assert shown(report([ROW], more=True), "json")[1] == "There are more; these are the newest 1.\n"
