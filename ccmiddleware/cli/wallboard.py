"""``ccm wallboard``: queues and agents live in the terminal, what is in trouble first.

What is drawn is decided in ``wallboard_picture``; this asks.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.full_screen import show_live, show_once
from ccmiddleware.cli.options import (
    Command,
    count_option,
    interval_option,
    node_option,
    queue_option,
)
from ccmiddleware.cli.output import emit_json
from ccmiddleware.cli.when import local_zone, show
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import TemporaryError

if TYPE_CHECKING:
    from ccmiddleware.cli.wallboard_picture import Board, Line, Thresholds
    from ccmiddleware.store.database import Database

ANSWER_SECONDS = 3.0
"""A database that takes longer counts as away until it answers."""

TODAY_EVERY = 5.0
"""Seconds between two looks at the counts of the day."""


def _threshold(name: str, default: float, words: str) -> Callable[[Command], Command]:
    return click.option(
        name, type=click.FloatRange(0), default=default, show_default=True, help=words
    )


@click.command("wallboard", epilog="Example:  ccm wallboard --queue support --wait-alarm 45")
@queue_option
@node_option
@_threshold("--wait-warn", 30, "Longest wait in seconds from which on it is yellow.")
@_threshold("--wait-alarm", 60, "The same for red.")
@_threshold("--level-warn", 80, "Service level in percent below which it is yellow.")
@_threshold("--level-alarm", 60, "The same for red.")
@interval_option
@count_option
@click.option("--once", is_flag=True, help="Print one picture and end.")
@json_option
@pass_app
def command(
    app: App,
    queue: str | None,
    node: str | None,
    wait_warn: float,
    wait_alarm: float,
    level_warn: float,
    level_alarm: float,
    interval: float,
    count: int | None,
    once: bool,
    as_json: bool,
) -> None:
    """Show queues and agents live, what is in trouble first; q or Ctrl-C ends it.

    Red and STALE is what may not be so any more: the link to an Asterisk is down, or no daemon
    leads the node. While the database is away the last picture stays, marked NOT CURRENT. LEVEL is
    answered within T / (answered + abandoned), of the calls that joined today; T is the queue's.
    """
    from ccmiddleware.cli.wallboard_picture import Thresholds

    if wait_alarm < wait_warn:
        raise click.UsageError("--wait-alarm is below --wait-warn: the alarm comes after")
    if level_alarm > level_warn:
        raise click.UsageError("--level-alarm is above --level-warn: the alarm comes after")
    thresholds = Thresholds(wait_warn, wait_alarm, level_warn, level_alarm)
    what = _What(queue, node, thresholds, local_zone())
    if as_json:
        emit_json(run(_one(app, what)))
    elif once or not sys.stdout.isatty():
        run(show_once(app, what))
    else:
        show_live(app, what, interval, count)


@dataclass
class _What:
    """What is asked for, and the last answers."""

    queue: str | None
    node: str | None
    thresholds: "Thresholds"
    zone: tzinfo
    now: list[dict[str, Any]] = field(default_factory=list)
    agents: list[dict[str, Any]] = field(default_factory=list)
    today: dict[Any, dict[str, Any]] = field(default_factory=dict)
    today_until: float = 0.0
    asked_at: datetime = field(default_factory=utc_now)

    async def ask(self, database: "Database") -> None:
        """Ask the database. Raises TemporaryError; the last answers stand then."""
        import asyncio

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                now = await database.fetch("wallboard_queues", self.node, self.queue)
                agents = await database.fetch("wallboard_agents", self.node, self.queue)
                if loop.time() >= self.today_until:
                    midnight = (
                        utc_now()
                        .astimezone(self.zone)
                        .replace(hour=0, minute=0, second=0, microsecond=0)
                    )
                    rows = await database.fetch("wallboard_today", midnight)
                    self.today = {row["queue_id"]: dict(row) for row in rows}
                    self.today_until = loop.time() + TODAY_EVERY
        except TimeoutError:
            raise TemporaryError(f"the database did not answer in {ANSWER_SECONDS:g} s") from None
        self.now, self.agents = [dict(row) for row in now], [dict(row) for row in agents]
        self.asked_at = utc_now()

    def lines(self, trouble: str, width: int, height: int | None = None) -> "list[Line]":
        """The answers as lines; ``trouble``: why they are not current."""
        from ccmiddleware.cli.wallboard_picture import picture

        return picture(self.board(trouble), width, height)

    def board(self, trouble: str = "") -> "Board":
        """The answers as they are shown."""
        from ccmiddleware.cli.wallboard_picture import Board, board_rows

        nodes, queues, agents = board_rows(self.now, self.today, self.agents)
        return Board(
            clock=show(utc_now(), self.zone),
            nodes=nodes,
            queues=queues,
            agents=agents,
            trouble=f"since {show(self.asked_at, self.zone)}: {trouble}" if trouble else "",
            thresholds=self.thresholds,
        )


async def _one(app: App, what: _What) -> dict[str, Any]:
    from ccmiddleware.cli.wallboard_picture import FORMULA

    async with opened(app) as database:
        await what.ask(database)
    board = what.board()
    return {
        "at": what.asked_at,
        "nodes": board.nodes,
        "queues": board.queues,
        "agents": board.agents,
        "service_level": FORMULA,
    }
