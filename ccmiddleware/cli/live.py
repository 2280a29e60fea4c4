"""Tables that refresh themselves: on a terminal in place, in a pipe one after the other."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, run
from ccmiddleware.cli.output import Column, Row, console, emit, table
from ccmiddleware.cli.when import local_zone, show
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import TemporaryError
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from rich.console import Group

    from ccmiddleware.store.database import Database


@dataclass(frozen=True)
class Live:
    """What a live table shows: a named query with its arguments, and how."""

    query: str
    arguments: tuple[Any, ...]
    columns: Sequence[Column]
    title: str
    empty: str


def watch(app: App, what: Live, *, interval: float, count: int | None, as_json: bool) -> None:
    """Ask every ``interval`` seconds, ``count`` times or until Ctrl-C.

    Without a terminal, once if no count is given. A database that goes away for a while is said on
    the screen and does not end a live table; without a terminal it is an error as elsewhere.
    """
    try:
        if sys.stdout.isatty() and not as_json:
            run(_on_terminal(app, what, interval, count))
        else:
            run(_in_pipe(app, what, interval, count or 1, as_json=as_json))
    except KeyboardInterrupt:
        click.echo()


async def _ask(database: "Database", what: Live) -> list[Row]:
    return [dict(row) for row in await database.fetch(what.query, *what.arguments)]


async def _in_pipe(app: App, what: Live, interval: float, count: int, *, as_json: bool) -> None:
    import asyncio

    async with opened(app) as database:
        for number in range(count):
            if number:
                await asyncio.sleep(interval)
            rows = await _ask(database, what)
            emit(rows, what.columns, as_json=as_json, empty=what.empty)
            sys.stdout.flush()


async def _on_terminal(app: App, what: Live, interval: float, count: int | None) -> None:
    import asyncio

    from rich.live import Live as Screen

    zone = local_zone()
    async with opened(app) as database:
        rows, trouble = await _ask(database, what), ""
        with Screen(console=console(), auto_refresh=False) as screen:
            shown = 0
            while True:
                screen.update(_drawn(what, rows, trouble, zone), refresh=True)
                shown += 1
                if shown == count:
                    return
                await asyncio.sleep(interval)
                try:
                    rows, trouble = await _ask(database, what), ""
                except TemporaryError as error:
                    trouble = f"not current: {error}"


def _drawn(what: Live, rows: Sequence[Row], trouble: str, zone: tzinfo) -> "Group":
    from rich.console import Group
    from rich.text import Text

    title = f"{what.title}  {show(utc_now(), zone)}"
    words = plain(trouble) or ("" if rows else what.empty)
    return Group(
        table(rows, what.columns, zone, title), Text(words, style="red" if trouble else "")
    )
