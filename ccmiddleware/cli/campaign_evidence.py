"""``ccm campaign evidence``: who was called, and why that was lawful."""

import csv
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, pass_app, run, say
from ccmiddleware.cli.options import Moment, check_period
from ccmiddleware.cli.output import emit_text

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

PAGE = 1000
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(
    "evidence", epilog="Example:  ccm campaign evidence +13055550142 --json > evidence.jsonl"
)
@click.argument("what", metavar="NUMBER|CAMPAIGN")
@click.option("--since", type=Moment(), help="Attempts from then on; 2026-03-01, yesterday, 7d …")
@click.option("--until", type=Moment(), help="Attempts before that.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of CSV.")
@pass_app
def evidence(
    app: App, what: str, since: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Print every attempt to a number, or of a campaign, with the permit that made it lawful.

    A number is given with its + and country code. Of a number the JSON has the entries of the
    do-not-call list as well, the removed ones too; each line says its `kind`.
    """
    begin, end = check_period(since or EVER, until)
    attempts, entries = run(_print(app, what, begin, end, as_json=as_json))
    if not attempts:
        say(f"no attempts: {_about(what)} was not called in that time")
    if entries and not as_json:
        say(f"the do-not-call list has, or had, {entries} entries about it; --json prints them")


def _about(what: str) -> str:
    return what if what.startswith("+") else f"nobody in campaign {what}"


async def _print(
    app: App, what: str, begin: datetime, end: datetime, *, as_json: bool
) -> tuple[int, int]:
    count = 0
    async with checked(), opened(app) as database:
        campaign, number = await _meant(database, what)
        async for row in _pages(database, campaign, number, begin, end):
            if as_json:
                _print_json("attempt", row)
            else:
                if count == 0:
                    _print_csv(list(row))
                _print_csv([_cell(value) for value in row.values()])
            count += 1
        entries = [] if number is None else await database.fetch("dnc_entries_of_number", number)
        if as_json:
            for entry in entries:
                _print_json("dnc_entry", dict(entry))
        return count, len(entries)


async def _meant(database: "Database", what: str) -> tuple[str | None, str | None]:
    """The campaign, or the number, that was typed. Raises InvalidCampaign."""
    from ccmiddleware.dialer.campaigns import find
    from ccmiddleware.dialer.values import number

    if what.startswith("+"):
        return None, str(number(what))
    await find(database, what)
    return what, None


async def _pages(
    database: "Database",
    campaign: str | None,
    number: str | None,
    begin: datetime,
    end: datetime,
) -> AsyncIterator[dict[str, Any]]:
    last = UUID(int=0)
    while rows := await database.fetch("show_evidence", campaign, number, begin, end, last, PAGE):
        for row in rows:
            yield dict(row)
        last = rows[-1]["id"]


def _print_json(kind: str, row: dict[str, Any]) -> None:
    emit_text(json.dumps({"kind": kind, **row}, ensure_ascii=False, default=_shown))


def _print_csv(cells: list[Any]) -> None:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    emit_text(line.getvalue())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(_shown(value))


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
