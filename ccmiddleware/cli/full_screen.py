"""A picture that refreshes itself and fills the terminal, until q, Ctrl-C or SIGTERM.

What is on it is decided elsewhere, in lines of text with styles; this asks for it again and again,
draws it and heeds the keyboard. A database that is away leaves the last picture, which then says
that it is not current.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, run
from ccmiddleware.cli.output import PIPE_WIDTH, console, emit_text
from ccmiddleware.errors import TemporaryError

if TYPE_CHECKING:
    import asyncio

    from rich.text import Text

    from ccmiddleware.cli.wallboard_picture import Line
    from ccmiddleware.store.database import Database


class Picture(Protocol):
    """What is shown."""

    async def ask(self, database: "Database") -> None:
        """Ask anew. Raises TemporaryError; the last answers stand then."""

    def lines(self, trouble: str, width: int, height: int | None = None) -> "list[Line]":
        """The last answers, none wider than ``width``; ``trouble``: why they are not current."""


async def show_once(app: App, picture: Picture) -> None:
    """One picture: coloured on a terminal, plain elsewhere."""
    from ccmiddleware.cli.wallboard_picture import text_of

    async with opened(app) as database:
        await picture.ask(database)
    if not sys.stdout.isatty():
        emit_text(text_of(picture.lines("", PIPE_WIDTH)))
        return
    screen = console()
    screen.print(_text(picture.lines("", screen.width)), no_wrap=True, overflow="crop")


def show_live(app: App, picture: Picture, interval: float, count: int | None) -> None:
    """Every ``interval`` seconds, ``count`` times or until told to end."""
    with suppress(KeyboardInterrupt):
        run(_live(app, picture, interval, count))


def _text(lines: list["Line"]) -> "Text":
    from rich.text import Text

    drawn = Text(no_wrap=True, overflow="crop", end="\n")
    for number, line in enumerate(lines):
        if number:
            drawn.append("\n")
        for part in line:
            drawn.append(part.text, style=part.style)
    return drawn


async def _live(app: App, picture: Picture, interval: float, count: int | None) -> None:
    import asyncio

    from rich.live import Live as Screen

    over = asyncio.Event()
    screen = console()
    async with opened(app) as database:
        await picture.ask(database)
        trouble, shown = "", 0
        with (
            _keyboard(over),
            Screen(console=screen, screen=True, auto_refresh=False) as drawn,
        ):
            while not over.is_set():
                lines = picture.lines(trouble, screen.width, screen.height)
                drawn.update(_text(lines), refresh=True)
                shown += 1
                if shown == count:
                    return
                try:
                    async with asyncio.timeout(interval):
                        await over.wait()
                except TimeoutError:
                    pass
                try:
                    await picture.ask(database)
                    trouble = ""
                except TemporaryError as error:
                    trouble = str(error)


@contextmanager
def _keyboard(over: "asyncio.Event") -> Iterator[None]:
    """While it lasts, the key q and SIGTERM set ``over``; the terminal is then as it was."""
    import asyncio
    import signal
    import termios
    import tty

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def pressed() -> None:
        import os

        keys = os.read(number, 1024)
        if not keys or b"q" in keys.lower():
            over.set()

    tty.setcbreak(number)
    loop.add_reader(number, pressed)
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
