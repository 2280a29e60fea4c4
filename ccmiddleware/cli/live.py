"""Tables that refresh themselves: on a terminal in place, in a pipe one after the other."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import tzinfo

import click

from ccmiddleware.cli.context import run
from ccmiddleware.cli.output import Column, Row, console, emit, table
from ccmiddleware.cli.when import show
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import TemporaryError

Ask = Callable[[], Awaitable[Sequence[Row]]]


def watch(
    ask: Ask,
    columns: Sequence[Column],
    zone: tzinfo,
    *,
    title: str,
    empty: str,
    interval: float,
    count: int | None,
    as_json: bool,
) -> None:
    """Show what ``ask`` returns every ``interval`` seconds, ``count`` times or until Ctrl-C.

    Without a terminal, once if no count is given. A database that is away for a while is said on
    the screen and does not end a live table; without a terminal it is an error as elsewhere.
    """
    live = sys.stdout.isatty() and not as_json
    try:
        if live:
            run(_on_terminal(ask, columns, zone, title, empty, interval, count))
        else:
            run(_in_pipe(ask, columns, interval, count or 1, as_json=as_json, empty=empty))
    except KeyboardInterrupt:
        click.echo()


async def _in_pipe(
    ask: Ask,
    columns: Sequence[Column],
    interval: float,
    count: int,
    *,
    as_json: bool,
    empty: str,
) -> None:
    import asyncio

    for number in range(count):
        if number:
            await asyncio.sleep(interval)
        emit(await ask(), columns, as_json=as_json, empty=empty)
        sys.stdout.flush()


async def _on_terminal(
    ask: Ask,
    columns: Sequence[Column],
    zone: tzinfo,
    title: str,
    empty: str,
    interval: float,
    count: int | None,
) -> None:
    import asyncio

    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    drawn: list[Row] = list(await ask())
    trouble = ""
    with Live(console=console(), auto_refresh=False, transient=False) as screen:
        shown = 0
        while True:
            now = utc_now()
            lines = [table(drawn, columns, zone, f"{title}  {show(now, zone)}")]
            words = trouble or ("" if drawn else empty)
            screen.update(Group(*lines, Text(words, style="red" if trouble else "")), refresh=True)
            shown += 1
            if shown == count:
                return
            await asyncio.sleep(interval)
            try:
                drawn, trouble = list(await ask()), ""
            except TemporaryError as error:
                trouble = f"not current: {error}"
