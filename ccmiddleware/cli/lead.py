"""``ccm lead``: who is to be called."""

import csv
import json
from collections.abc import AsyncIterator, Sequence
from io import StringIO
from typing import Any
from uuid import UUID

import click

from ccmiddleware.cli import lead_files
from ccmiddleware.cli.campaign_editing import campaign_option, checked
from ccmiddleware.cli.commanding import Ambiguous
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

STATES = ("new", "ready", "claimed", "waiting", "promised", "done")
PAGE = 5000
NONE_YET = "no lead fits; `ccm lead import FILE --campaign NAME` brings some"
HIGHEST_ID = 2**63 - 1
KNOWN = (
    "external_id", "name", "priority", "zone", "postal_code", "state", "country", "consent",
)  # fmt: skip
"""What `ccm lead export` prints first, as `ccm lead import` reads it."""

LIST = (
    Column("id", "ID"),
    Column("campaign", "CAMPAIGN"),
    Column("external_id", "EXTERNAL ID"),
    Column("name", "NAME"),
    Column("number", "NEXT NUMBER"),
    Column("numbers", "NUMBERS", "number"),
    Column("zones", "ZONES"),
    Column("state", "STATE"),
    Column("next_at", "NEXT AT", "time"),
    Column("attempts", "ATTEMPTS", "number"),
    Column("last_result", "LAST RESULT"),
)
NUMBERS = (
    Column("ordinal", "NO", "number"),
    Column("number", "NUMBER"),
    Column("kind", "KIND"),
    Column("zones", "ZONES"),
    Column("states", "STATES"),
    Column("on_dnc_list", "DO NOT CALL"),
    Column("evidence", "EVIDENCE"),
)


@click.group("lead", epilog="Example:  ccm lead import leads.csv --campaign spring --region US")
def command() -> None:
    """Leads: who is to be called in a campaign, on which numbers, and where they may be."""


command.add_command(lead_files.import_)


@command.command("list", epilog="Example:  ccm lead list --campaign spring --state new")
@campaign_option
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--result", help="Only with this last result, such as no_answer.")
@click.option("--number", help="Only with this number, with its + and country code.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True,
    help="At most so many, the oldest.",
)  # fmt: skip
@json_option
@pass_app
def list_(
    app: App,
    campaign: str | None,
    state: str | None,
    result: str | None,
    number: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List leads in the order in which they came, with the number that is dialled next."""
    rows = run(_list(app, campaign, state, number, result, limit))
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)
    if len(rows) == limit:
        say(f"at most {limit} are shown; --limit shows more")


async def _list(
    app: App,
    campaign: str | None,
    state: str | None,
    number: str | None,
    result: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    from ccmiddleware.dialer.values import number as checked_number

    async with checked(), opened(app) as database:
        id_ = await _campaign_id(database, campaign)
        wanted = checked_number(number) if number is not None else None
        rows = await database.fetch("list_leads", id_, state, wanted, result, limit)
        return [dict(row) for row in rows]


async def _campaign_id(database: Any, campaign: str | None) -> UUID | None:
    from ccmiddleware.dialer.campaigns import find

    if campaign is None:
        return None
    id_: UUID = (await find(database, campaign))["id"]
    return id_


@command.command("show", epilog="Example:  ccm lead show +12025550123 --campaign spring")
@click.argument("lead", metavar="ID|EXTERNAL_ID|NUMBER")
@campaign_option
@json_option
@pass_app
def show(app: App, lead: str, campaign: str | None, as_json: bool) -> None:
    """Show one lead: its numbers, where they may be and what said so, and how far it is."""
    row, numbers = run(_show(app, lead, campaign))
    if as_json:
        emit_json({"lead": row, "numbers": numbers})
        return
    emit_text(f"Lead {row['id']} of {row['campaign']}: {row['name'] or '(no name)'}")
    from ccmiddleware.cli.when import local_zone
    from ccmiddleware.cli.when import show as shown

    zone = local_zone()
    emit_text(
        f"  {row['state']} since {shown(row['next_at'], zone)}, {row['attempts']} attempts, last "
        f"result {row['last_result'] or 'none'}, priority {row['priority']}"
    )
    for key in ("external_id", "zone", "postal_code", "subdivision", "country", "consent"):
        if row[key]:
            emit_text(f"  {key}: {row[key]}")
    for name, value in row["custom"].items():
        emit_text(f"  {name}: {value}")
    if row["file"] is not None:
        at = shown(row["imported_at"], zone)
        emit_text(f"  imported from {row['file']} by {row['imported_by']}, {at}")
    emit_text("")
    emit(numbers, NUMBERS, as_json=False, empty="it has no numbers")


async def _show(
    app: App, lead: str, campaign: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with checked(), opened(app) as database:
        row = (await database.fetch("show_lead", await find_lead(database, lead, campaign)))[0]
        numbers = await database.fetch("show_lead_numbers", row["id"], utc_now())
        return dict(row), [dict(one) for one in numbers]


async def find_lead(database: Any, lead: str, campaign: str | None) -> int:
    """The lead with that id, id in the file, or number. Raises NothingFound, Ambiguous."""
    await _campaign_id(database, campaign)
    id_ = int(lead) if lead.isascii() and lead.isdecimal() else 0
    rows = await database.fetch("find_leads", id_ if id_ <= HIGHEST_ID else 0, lead, lead, campaign)
    exact = [row for row in rows if row["id"] == id_]
    found = rows if len(rows) == 1 else exact
    if not rows:
        where = f" in {campaign}" if campaign else ""
        raise NothingFound(
            f"there is no lead {lead!r}{where}: give its id, its id in the file, or a number "
            "with + and country code"
        )
    if not found:
        several = ", ".join(f"{row['id']} ({row['campaign']})" for row in rows[:12])
        raise Ambiguous(f"{lead!r} may be {several}: give the id, or --campaign")
    only: int = found[0]["id"]
    return only


@command.command("export", epilog="Example:  ccm lead export --campaign spring > spring.csv")
@click.option("--campaign", metavar="NAME", required=True, help="Of this campaign.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of CSV.")
@pass_app
def export(app: App, campaign: str, as_json: bool) -> None:
    """Print all leads of a campaign, with how far they are; `ccm lead import` reads the CSV."""
    if run(_export(app, campaign, as_json=as_json)) == 0:
        say(NONE_YET)


async def _export(app: App, campaign: str, *, as_json: bool) -> int:
    count = 0
    async with checked(), opened(app) as database:
        id_ = await _campaign_id(database, campaign)
        most = await database.fetchrow("export_lead_columns", id_)
        assert most is not None  # noqa: S101 - the query answers with one row, whatever there is
        names = [f"phone{number}" for number in range(1, most["numbers"] + 1)]
        behind = ("lead_state", "attempts", "last_result", "next_at")
        custom = [name for name in most["custom"] if name not in (*KNOWN, *names, *behind)]
        if not as_json:
            _print_csv([*KNOWN, *names, *custom, *behind])
        async for row in _pages(database, id_):
            count += 1
            if as_json:
                emit_text(json.dumps(row, ensure_ascii=False, default=str))
                continue
            row["state"] = row["subdivision"]
            numbers = [*row["numbers"], *[""] * (len(names) - len(row["numbers"]))]
            more = [row["custom"].get(name, "") for name in custom]
            progress = (row["lead_state"], row["attempts"], row["last_result"], row["next_at"])
            _print_csv([*(row[key] for key in KNOWN), *numbers, *more, *progress])
    return count


def _print_csv(cells: Sequence[Any]) -> None:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    emit_text(line.getvalue())


async def _pages(database: Any, campaign_id: UUID | None) -> AsyncIterator[dict[str, Any]]:
    last = 0
    while rows := await database.fetch("export_leads", campaign_id, last, PAGE):
        for row in rows:
            yield dict(row)
        last = rows[-1]["id"]
