"""Answers on standard output: tables for people, JSON for programs. Nothing raw reaches a terminal.

Cells are plain text: what callers send (names, numbers) can hold neither control characters nor
rich's markup by the time it is printed. On a terminal tables are drawn and fitted to its width; in
a pipe they are aligned columns of full length.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import click

from ccmiddleware.cli.context import say
from ccmiddleware.cli.when import local_zone, show, show_span
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
Kind = Literal["text", "time", "span", "number"]

_NOT_FOR_TERMINALS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
PIPE_WIDTH = 100_000


@dataclass(frozen=True)
class Column:
    """One column of a table: the key in the rows, its heading, and how the value is shown.

    ``time``: aware datetime, shown local with zone; ``span``: seconds, shown as m:ss.
    """

    key: str
    title: str
    kind: Kind = "text"


def emit(rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool, empty: str) -> None:
    """Print rows as a table or as JSON (all keys). An empty answer is explained by ``empty``."""
    if as_json:
        emit_json([dict(row) for row in rows])
    elif rows:
        _print(rows, columns, local_zone())
    if not rows:
        say(empty)


def emit_json(value: Any) -> None:
    """Print one JSON value. Times become ISO 8601 in UTC, ids and paths strings."""
    text = json.dumps(value, default=_to_json, ensure_ascii=False, indent=2)
    click.echo(_NOT_FOR_TERMINALS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def emit_text(text: str) -> None:
    """Print lines that may hold text from outside."""
    click.echo("\n".join(plain(line, 100_000) for line in text.split("\n")))


def emit_raw(content: bytes) -> None:
    """Bytes from outside, as they are; never to a terminal, which they could steer."""
    if sys.stdout.isatty():
        raise click.UsageError("--raw is not for a terminal: add > mail.eml")
    sys.stdout.buffer.write(content)


def console() -> "Console":
    """Standard output for rich: no markup, no highlighting, never cut in a pipe."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(
        file=sys.stdout, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False
    )


def table(rows: Iterable[Row], columns: Sequence[Column], zone: tzinfo, title: str = "") -> "Table":
    """The rows as a rich table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        box=box.SIMPLE_HEAD if sys.stdout.isatty() else None,
        title=Text(plain(title)) if title else None,
        title_justify="left",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        right = column.kind in ("number", "span")
        drawn.add_column(Text(column.title), justify="right" if right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell(row[column.key], column.kind, zone)) for column in columns))
    return drawn


def _print(rows: Sequence[Row], columns: Sequence[Column], zone: tzinfo) -> None:
    """A table; one block for each row where a terminal is too narrow for it."""
    from rich.measure import Measurement
    from rich.text import Text

    screen = console()
    drawn = table(rows, columns, zone)
    # Measured without a limit: rich cuts a measurement off at the width that it is given.
    unlimited = screen.options.update(max_width=PIPE_WIDTH)
    if Measurement.get(screen, unlimited, drawn).maximum <= screen.width:
        screen.print(drawn)
        return
    longest = max(len(column.title) for column in columns)
    for number, row in enumerate(rows):
        if number:
            screen.print()
        for column in columns:
            text = cell(row[column.key], column.kind, zone)
            if text:
                screen.print(Text(f"{column.title.ljust(longest)}  {text}"))


def cell(value: Any, kind: Kind, zone: tzinfo) -> str:
    """One value as people read it; nothing for None."""
    if value is None:
        return ""
    if kind == "span":
        return show_span(float(value))
    if isinstance(value, datetime):
        return show(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        return f"{value:.1f}"
    if isinstance(value, list | tuple):
        return plain(", ".join(str(part) for part in value))
    return plain(str(value))


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
