"""``ccm report``: the report views as tables, CSV or JSON. They say what they mean."""

import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import Moment, TimeZone, agent_option, node_option, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json
from ccmiddleware.cli.when import local_zone

if TYPE_CHECKING:
    from ccmiddleware.reports.render import Format
    from ccmiddleware.reports.views import Filters, Report, View

LIST = (
    Column("view", "VIEW"),
    Column("filters", "FILTERS"),
    Column("about", "ABOUT"),
)
COLUMNS = (
    Column("column", "COLUMN"),
    Column("type", "TYPE"),
    Column("comment", "MEANING"),
)
NO_VIEWS = "there are no report views: run `ccm db migrate`"


@click.group("report", epilog="Example:  ccm report show queue_interval --since today")
def command() -> None:
    """Reports: the views of the schema report, for people, spreadsheets and programs."""


@command.command("list", epilog="Example:  ccm report list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List the report views, what each is about and by what it can be filtered."""
    views = run(_catalogue(app))
    rows = [
        {
            "view": view.name,
            "filters": list(view.filters),
            "about": view.comment if as_json else view.comment.split(". ")[0],
            "columns": [column.name for column in view.columns],
        }
        for view in views
    ]
    emit(rows, LIST, as_json=as_json, empty=NO_VIEWS)


@command.command("describe", epilog="Example:  ccm report describe queue_interval")
@click.argument("view")
@json_option
@pass_app
def describe(app: App, view: str, as_json: bool) -> None:
    """Show the columns of a view and how each is calculated."""
    found = run(_find(app, view))
    rows = [
        {"column": column.name, "type": column.type, "comment": column.comment}
        for column in found.columns
    ]
    if as_json:
        emit_json({"view": found.name, "about": found.comment, "columns": rows})
    else:
        emit(rows, COLUMNS, as_json=False, empty="this view has no columns")


@command.command(
    "show",
    epilog="Example:  ccm report show queue_interval --since 7d --queue support --format csv",
)
@click.argument("view")
@click.option("--time-zone", type=TimeZone(), is_eager=True, help="Zone of times and days.")
@click.option("--since", type=Moment(), help="Begin: 2026-03-01, 2026-03-01T08:30, yesterday, 7d …")
@click.option("--until", type=Moment(), help="End, not included.")
@queue_option
@agent_option
@node_option
@click.option("--columns", help="Only these, in this order: offered,answered,abandoned")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), help="At most so many rows, the newest."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@pass_app
def show(
    app: App,
    view: str,
    time_zone: ZoneInfo | None,
    since: datetime | None,
    until: datetime | None,
    queue: str | None,
    agent: str | None,
    node: str | None,
    columns: str | None,
    limit: int | None,
    form: str,
    as_json: bool,
) -> None:
    """Show the rows of a report view, oldest first.

    Times are shown in, and days are those of, --time-zone (this machine's if not given).
    """
    from ccmiddleware.reports.render import render
    from ccmiddleware.reports.views import Filters

    if since is not None and until is not None and until <= since:
        raise click.BadParameter("the period ends before it begins", param_hint="--until")
    filters = Filters(since=since, until=until, node=node, queue=queue, agent=agent)
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    report = run(_read(app, view, filters, time_zone or local_zone(), names, limit))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    chosen = cast("Format", "json" if as_json else form)
    render(report, chosen, sys.stdout, sys.stderr, width=width)


async def _catalogue(app: App) -> "list[View]":
    from ccmiddleware.reports.views import catalogue

    async with opened(app) as database:
        return list((await catalogue(database)).values())


async def _find(app: App, name: str) -> "View":
    from ccmiddleware.reports.views import NoSuchReport, find

    try:
        async with opened(app) as database:
            return await find(database, name)
    except NoSuchReport as error:
        raise NothingFound(str(error)) from None


async def _read(
    app: App,
    name: str,
    filters: "Filters",
    zone: ZoneInfo,
    columns: tuple[str, ...],
    limit: int | None,
) -> "Report":
    from ccmiddleware.reports.views import NoSuchReport, read

    try:
        async with opened(app) as database, database.transaction() as transaction:
            return await read(transaction, name, filters, zone=zone, columns=columns, limit=limit)
    except NoSuchReport as error:
        raise NothingFound(str(error)) from None
