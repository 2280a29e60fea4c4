"""Options that several commands share, so that they read and complain the same everywhere."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from click.shell_completion import CompletionItem

from ccmiddleware.cli import when
from ccmiddleware.clock import utc_now

Command = TypeVar("Command", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A time as ``when.parse`` reads it; becomes an aware UTC datetime."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        given = ctx.params.get("time_zone") if ctx is not None else None
        zone: tzinfo = given if isinstance(given, tzinfo) else when.local_zone()
        try:
            return when.parse(str(value), utc_now(), zone)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class TimeZone(click.ParamType[ZoneInfo]):
    """A name of the IANA time zone database."""

    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return when.zone_named(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from zoneinfo import available_timezones

        names = sorted(name for name in available_timezones() if name.startswith(incomplete))
        return [CompletionItem(name) for name in names]


def period(since: str) -> Callable[[Command], Command]:
    """``--since`` (with this default) and ``--until`` (default: now)."""

    def decorate(command: Command) -> Command:
        command = click.option(
            "--until", type=Moment(), help="End of the period, not included; now if not given."
        )(command)
        return click.option(
            "--since",
            type=Moment(),
            default=since,
            show_default=True,
            help="Begin of the period: 2026-03-01, 2026-03-01T08:30, 08:30, yesterday, 8h, 7d …",
        )(command)

    return decorate


def limit(default: int) -> Callable[[Command], Command]:
    """``--limit``: at most so many rows."""
    return click.option(
        "--limit",
        type=click.IntRange(1, 1_000_000),
        default=default,
        show_default=True,
        help="At most so many, the newest.",
    )


node_option = click.option("--node", help="Only this Asterisk node.")
queue_option = click.option("--queue", help="Only this queue.")
agent_option = click.option("--agent", help="Only this agent: name or interface.")
interval_option = click.option(
    "--interval",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between refreshes.",
)
count_option = click.option(
    "--count",
    type=click.IntRange(1),
    help="End after so many refreshes; without a terminal, 1 if not given.",
)


def check_period(since: datetime, until: datetime | None) -> tuple[datetime, datetime]:
    """The period with its end filled in. Raises click.BadParameter when it ends before it begins.

    An end that was not given is a little after now, so that what is being written is included.
    """
    end = until if until is not None else max(utc_now(), since).replace(year=9000)
    if end <= since:
        raise click.BadParameter(
            f"the period ends ({end:%Y-%m-%d %H:%M:%S} UTC) before it begins "
            f"({since:%Y-%m-%d %H:%M:%S} UTC)",
            param_hint="--until",
        )
    return since, end
