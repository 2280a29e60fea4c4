"""``ccm dnc``: whom no campaign, or one campaign, may call."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import dnc_files
from ccmiddleware.cli.campaign_editing import campaign_option, checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.dnc_files import (
    campaign_id_of,
    dnc_campaign_option,
    expires_option,
    future,
    note_option,
    region_of,
    region_option,
    source_option,
)
from ccmiddleware.cli.options import limit
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.dnc import Change

LIST = (
    Column("shown", "NUMBER"),
    Column("campaign", "CAMPAIGN"),
    Column("source", "SOURCE"),
    Column("added_at", "ADDED", "time"),
    Column("added_by", "BY"),
    Column("expires_at", "UNTIL", "time"),
    Column("removed_at", "REMOVED", "time"),
    Column("removed_by", "BY"),
    Column("note", "NOTE"),
)
FOUND = (
    Column("asked", "NUMBER"),
    Column("listed", "LISTED"),
    Column("shown", "BY ENTRY"),
    Column("campaign", "CAMPAIGN"),
    Column("source", "SOURCE"),
    Column("added_at", "ADDED", "time"),
    Column("expires_at", "UNTIL", "time"),
)
NONE_YET = "no entry fits; `ccm dnc add` and `ccm dnc import` make them"


@click.group("dnc", epilog="Example:  ccm dnc add +12025550123 --source opt_out")
def command() -> None:
    """The do-not-call list: numbers, and beginnings of numbers, that must not be called.

    An entry holds for all campaigns or for one, for ever or until a time. Whoever dials looks at
    the list in the moment of dialling. Who added and removed what stays.
    """


command.add_command(dnc_files.import_)
command.add_command(dnc_files.scrubbed)


@command.command("add", epilog="Example:  ccm dnc add +12025550123 '+1900*' --source opt_out")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@source_option
@dnc_campaign_option
@expires_option
@note_option
@region_option
@json_option
@pass_app
def add(
    app: App,
    numbers: tuple[str, ...],
    source: str,
    campaign: str | None,
    expires: datetime | None,
    note: str,
    region: str | None,
    as_json: bool,
) -> None:
    """Add numbers; with a star behind it, all numbers that begin so: '+1900*'.

    An entry that is there is prolonged, never shortened.
    """

    async def do() -> dict[str, Any]:
        from ccmiddleware.dialer import dnc, dnc_entries

        until = future(expires)
        async with checked(), opened(app) as database:
            where = region_of(region)
            wanted = [
                dnc_entries.Entry(*dnc_entries.number(text, where), until, note) for text in numbers
            ]
            id_ = await campaign_id_of(database, campaign)
            async with dnc.changing(database, by=user()) as change:
                await change.add(list(dict.fromkeys(wanted)), dnc_entries.source(source), id_)
            return outcome(change)

    report(run(do()), as_json=as_json)


@command.command("remove", epilog="Example:  ccm dnc remove +12025550123 --source internal")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--source", help="Only the entry of this source; of all if not given.")
@click.option("--campaign", metavar="NAME", help="The entry for this campaign, not that for all.")
@region_option
@json_option
@pass_app
def remove(
    app: App,
    numbers: tuple[str, ...],
    source: str | None,
    campaign: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Remove entries: those numbers may be called again. That they were there stays."""

    async def do() -> dict[str, Any]:
        from ccmiddleware.dialer import dnc, dnc_entries

        async with checked(), opened(app) as database:
            where = region_of(region)
            wanted = [dnc_entries.number(text, where) for text in numbers]
            id_ = await campaign_id_of(database, campaign)
            async with dnc.changing(database, by=user()) as change:
                await change.remove(wanted, source, id_)
            return outcome(change)

    result = run(do())
    report(result, as_json=as_json)
    if not result["removed"]:
        sys.exit(1)


def outcome(change: "Change") -> dict[str, Any]:
    """What came of a change of the list."""
    changed = bool(change.added or change.prolonged or change.removed)
    return {
        "added": change.added,
        "prolonged": change.prolonged,
        "removed": change.removed,
        "version": change.version if changed else change.version - 1,
    }


def report(result: dict[str, Any], *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        emit_json(result)
        return
    parts = [f"{result[key]} {key}" for key in ("added", "prolonged", "removed") if result[key]]
    say(", ".join(parts) or "nothing to change: it is so already")
    say(f"the list has version {result['version']}")


@command.command("check", epilog="Example:  ccm dnc check +12025550123 --campaign spring")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@campaign_option
@region_option
@json_option
@pass_app
def check(
    app: App, numbers: tuple[str, ...], campaign: str | None, region: str | None, as_json: bool
) -> None:
    """Say whether numbers may be called as far as the list goes; exit code 1 when one may not.

    Without --campaign, entries for single campaigns are shown as well.
    """

    async def do() -> list[dict[str, Any]]:
        from ccmiddleware.dialer import dnc_entries

        found = []
        async with checked(), opened(app) as database:
            where = region_of(region)
            id_ = await campaign_id_of(database, campaign)
            for text in numbers:
                asked, prefix = dnc_entries.number(text, where)
                if prefix:
                    raise click.UsageError(f"{text!r} is no whole number")
                rows = await database.fetch("forbidding_dnc_entries", asked, utc_now(), id_)
                found.append(
                    {"number": asked, "listed": bool(rows), "entries": [dict(row) for row in rows]}
                )
        return found

    found = run(do())
    if as_json:
        emit_json(found)
    else:
        nobody: dict[str, Any] = dict.fromkeys(column.key for column in FOUND)
        rows = [
            {**nobody, **entry, "asked": one["number"], "listed": one["listed"],
             "shown": _shown(entry)}
            for one in found
            for entry in one["entries"] or [{}]
        ]  # fmt: skip
        emit(rows, FOUND, as_json=False, empty="")
    if any(one["listed"] for one in found):
        sys.exit(1)


@command.command("list", epilog="Example:  ccm dnc list --source national --limit 20")
@click.option("--number", help="Only entries of this very number or beginning.")
@campaign_option
@click.option("--source", help="Only of this source.")
@click.option("--all", "everything", is_flag=True, help="Those that are over or removed as well.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    number: str | None,
    campaign: str | None,
    source: str | None,
    everything: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List entries, newest first."""
    rows, version = run(_list(app, number, campaign, source, everything, limit))
    if not as_json:
        rows = [row | {"shown": _shown(row)} for row in rows]
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)
    if not as_json and rows:
        emit_text(f"\nversion {version} of the list")


async def _list(
    app: App,
    number: str | None,
    campaign: str | None,
    source: str | None,
    everything: bool,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    async with checked(), opened(app) as database:
        id_ = await campaign_id_of(database, campaign)
        wanted = number.rstrip("*") if number is not None else None
        rows = await database.fetch(
            "list_dnc_entries", wanted, id_, source, utc_now(), everything, limit
        )
        return [dict(row) for row in rows], await database.fetchval("dnc_version")


def _shown(row: dict[str, Any]) -> str | None:
    return f"{row['number']}*" if row.get("prefix") else row.get("number")
