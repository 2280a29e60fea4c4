"""Shows the rows of a report: as a table for people, as CSV for spreadsheets, as JSON for programs.

Text in the rows comes from outside (a caller's name is whatever the caller's side sent). So none of
it is taken for markup, moves the cursor of a terminal, or is a formula when a CSV file is opened.
What the rows are is decided in ``views``.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TextIO
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ccmiddleware.plaintext import plain
from ccmiddleware.reports.views import Column, Report, Row

Format = Literal["table", "csv", "json"]
PIPE_WIDTH = 100_000
"""Columns of a table that no terminal shows: nothing is folded."""

LONGEST_CELL = 100_000
_NOT_FOR_TERMINALS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Beginnings that a spreadsheet may take for a formula (OWASP, "CSV Injection"); the last four are
the full-width forms of = + - @."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def render(
    report: Report,
    form: Format,
    out: TextIO,
    err: TextIO,
    *,
    width: int | None = None,
) -> None:
    """Write the report to ``out``; why there is nothing, or that there is more, to ``err``.

    ``width`` is that of the terminal; None when ``out`` is none, and then no table is folded.
    """
    if form == "csv":
        out.write(csv_text(report.columns, report.rows, report.zone))
    elif form == "json":
        out.write(json_text(report.columns, report.rows, report.zone))
    elif report.rows:
        write_table(report.columns, report.rows, report.zone, out, width=width)
    if not report.rows:
        err.write(f"{why_empty(report)}\n")
    elif report.more:
        err.write(f"There are more; these are {_number_of(report)}.\n")


def why_empty(report: Report) -> str:
    """In words: what was asked for and that there is none of it."""
    filters, zone = report.filters, report.zone
    asked = [
        f"{name} {plain(str(value))}"
        for name, value in filters.given().items()
        if name not in ("since", "until")
    ]
    if filters.since is not None:
        asked.append(f"from {_local(filters.since, zone)}")
    if filters.until is not None:
        asked.append(f"until {_local(filters.until, zone)}")
    if filters.since is not None or filters.until is not None:
        asked.append(f"({zone.key})")
    if not asked:
        return f"report.{report.view.name} has no rows."
    return f"report.{report.view.name} has no rows for {' '.join(asked)}."


def csv_text(columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo) -> str:
    """RFC 4180: CRLF, quotes where needed, a header. Times as ISO 8601 with offset, in ``zone``.

    A cell that a spreadsheet could take for a formula gets an apostrophe before it, unless it is a
    number. Null is an empty cell; lists are joined with ``; ``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row[column.name], zone) for column in columns])
    return text.getvalue()


def json_text(columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo) -> str:
    """One array of objects. Times as ISO 8601 with offset, in ``zone``; numbers as numbers."""
    values = [
        {column.name: _json_value(row[column.name], zone) for column in columns} for row in rows
    ]
    text = json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False)
    return _NOT_FOR_TERMINALS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def write_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    zone: ZoneInfo,
    out: TextIO,
    *,
    width: int | None = None,
) -> None:
    """A table, or one block for each row where the table is wider than ``width``."""
    console = Console(
        file=out,
        width=width or PIPE_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=width is None,
    )
    table = _table(columns, rows, zone, lines=width is not None)
    unbounded = console.options.update(max_width=PIPE_WIDTH)
    if width is not None and Measurement.get(console, unbounded, table).maximum > width:
        _write_blocks(columns, rows, zone, console)
    else:
        console.print(table)


def _table(columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo, *, lines: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD if lines else None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        right = not _is_text(column)
        table.add_column(
            Text(_title(column, zone)), justify="right" if right else "left", no_wrap=True
        )
    for row in rows:
        table.add_row(*(Text(_cell(row[column.name], column, zone)) for column in columns))
    return table


def _write_blocks(
    columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo, console: Console
) -> None:
    longest = max(len(_title(column, zone, between=" ")) for column in columns)
    for number, row in enumerate(rows, start=1):
        console.print(Text(f"── row {number} of {len(rows)}"))
        for column in columns:
            title = _title(column, zone, between=" ").ljust(longest)
            console.print(Text(f"{title}  {_cell(row[column.name], column, zone)}"))


def _is_text(column: Column) -> bool:
    return not column.type.startswith(("numeric", "int", "bigint", "smallint", "double"))


def _title(column: Column, zone: ZoneInfo, between: str = "\n") -> str:
    """The name, and for a time the zone in which it is shown."""
    is_time = column.type.startswith("timestamp")
    return plain(column.name) + (f"{between}({zone.key})" if is_time else "")


def _cell(value: Any, column: Column, zone: ZoneInfo) -> str:
    """A value as people read it, on one line, with nothing in it that a terminal obeys."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return _local(value, zone)
        case Decimal() if column.name.endswith("_rate"):
            return f"{value * 100:.1f} %"
        case float() | Decimal():
            return f"{value:.1f}"
        case timedelta():
            return f"{value.total_seconds():.1f}"
        case list() | tuple():
            return plain(", ".join(str(part) for part in value), LONGEST_CELL)
        case _:
            return plain(str(value), LONGEST_CELL)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    """To the second; with the offset only in the hour that the clocks show twice."""
    local = moment.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%Y-%m-%d %H:%M:%S%z}" if twice else f"{local:%Y-%m-%d %H:%M:%S}"


def _csv_cell(value: Any, zone: ZoneInfo) -> str | int | float | Decimal:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return value
        case datetime():
            return value.astimezone(zone).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return _guarded("; ".join(str(part) for part in value))
        case _:
            return _guarded(str(value))


def _guarded(text: str) -> str:
    text = _CONTROL.sub("\ufffd", text)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _json_value(value: Any, zone: ZoneInfo) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return value.astimezone(zone).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_json_value(part, zone) for part in value]
        case _:
            return str(value)


def _number_of(report: Report) -> str:
    kind = "newest" if report.view.time_column is not None else "first"
    return f"the {kind} {len(report.rows)}"
