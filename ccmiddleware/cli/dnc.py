"""``ccm dnc``: whom no campaign, or one campaign, may call."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import dnc_files
from ccmiddleware.cli.campaign_editing import campaign_option, checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.dnc_files import (
    campaign_id_of,
    dnc_campaign_option,
    expires_option,
    future,
    note_option,
    past,
    received_option,
    region_of,
    region_option,
    source_option,
)
from ccmiddleware.cli.options import check_period, limit, period
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.dnc import Change
    from ccmiddleware.dialer.dnc_entries import Entry

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
REQUESTS = (
    Column("id", "ID", "number"),
    Column("received_at", "RECEIVED", "time"),
    Column("channel", "CHANNEL"),
    Column("asked", "WHO"),
    Column("shown", "NUMBERS"),
    Column("campaign", "CAMPAIGN"),
    Column("honoured_at", "HONOURED", "time"),
    Column("taken_seconds", "TAKEN", "span"),
    Column("deadline_at", "DEADLINE", "time"),
    Column("in_time", "IN TIME"),
    Column("noted_by", "BY"),
    Column("note", "NOTE"),
)
CHANNELS = ("keypad", "agent", "call", "email", "list")
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
@received_option
@click.option(
    "--request", type=click.IntRange(1), metavar="ID",
    help="These are the numbers of that request, which `ccm dnc optouts --open` lists.",
)  # fmt: skip
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
    received: datetime | None,
    request: int | None,
    note: str,
    region: str | None,
    as_json: bool,
) -> None:
    """Add numbers; with a star behind it, all numbers that begin so: '+1900*'.

    An entry that is there is prolonged, never shortened. With --source opt_out, for all campaigns
    and for ever, it is a request of the party, with a deadline: `ccm dnc optouts` lists it.
    """
    if request is not None:
        if (campaign, expires, received) != (None, None, None):
            raise click.UsageError("--request takes numbers and --note alone")
        source = "opt_out"

    async def do() -> dict[str, Any]:
        from ccmiddleware.dialer import dnc, dnc_entries

        until, at = future(expires), past(received, source, campaign)
        async with checked(), opened(app) as database:
            where = region_of(region)
            wanted = [
                dnc_entries.Entry(*dnc_entries.number(text, where), until, note) for text in numbers
            ]
            id_ = await campaign_id_of(database, campaign)
            async with dnc.changing(database, by=user()) as change:
                entries, of = list(dict.fromkeys(wanted)), dnc_entries.source(source)
                await change.add(entries, of, id_)
                if request is not None:
                    await _answer(change, request, entries)
                elif of == dnc.OPT_OUT and id_ is None:
                    await change.note_requests(entries, at)
            return outcome(change)

    report(run(do()), as_json=as_json)


async def _answer(change: "Change", request: int, entries: "list[Entry]") -> None:
    numbers = [one.number for one in entries if not one.prefix]
    if len(numbers) < len(entries):
        raise click.UsageError("a request is about whole numbers")
    if not await change.session.execute("answer_opt_out", request, numbers, change.version):
        raise NothingFound(
            f"there is no open request {request}: `ccm dnc optouts --open` lists those there are"
        )
    change.answered = True


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


@command.command("optouts", epilog="Example:  ccm dnc optouts --since 90d --open")
@period("30d")
@click.option("--channel", type=click.Choice(CHANNELS), help="Only from there.")
@click.option("--number", help="Only of this number, with its + and country code.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not honoured yet.")
@click.option("--late", is_flag=True, help="Only those past their deadline; exit code 1 if any.")
@limit(100)
@json_option
@pass_app
def optouts(
    app: App,
    since: datetime,
    until: datetime | None,
    channel: str | None,
    number: str | None,
    only_open: bool,
    late: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List requests for no further calls, newest first, with their deadline.

    CHANNEL: keypad (a key in a call of a campaign), agent (a disposition), call (a caller asked for
    it by key), email (an agent's #optout), list (`ccm dnc add` and `import` --source opt_out). One
    whose NUMBERS nobody knows stays open until `ccm dnc add NUMBER --request ID`.
    """
    begin, end = check_period(since, until)

    async def do() -> list[dict[str, Any]]:
        async with opened(app) as database:
            await database.execute("honour_opt_outs")
            rows = await database.fetch(
                "list_opt_outs", begin, end, channel, number, only_open, late, limit
            )
            return [dict(row) for row in rows]

    rows = run(do())
    if not as_json:
        rows = [row | {"shown": ", ".join(row["numbers"]) or "not known"} for row in rows]
    emit(rows, REQUESTS, as_json=as_json, empty="nobody asked for no further calls in this period")
    if late and rows:
        sys.exit(1)


def _shown(row: dict[str, Any]) -> str | None:
    return f"{row['number']}*" if row.get("prefix") else row.get("number")
