"""``ccm dnc import`` and ``scrubbed``: lists from files, and when leads were compared with them."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.campaign_editing import campaign_option, checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import Moment, limit
from ccmiddleware.cli.output import Column, emit, emit_json
from ccmiddleware.clock import utc_now
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from ccmiddleware.dialer.dnc_entries import Entry, Read
    from ccmiddleware.store.database import Database

MOST_TOLD = 1000

SCRUBS = (
    Column("scrubbed_at", "OF", "time"),
    Column("source", "LIST"),
    Column("version", "EDITION"),
    Column("campaign", "CAMPAIGN"),
    Column("noted_at", "NOTED", "time"),
    Column("noted_by", "BY"),
    Column("note", "NOTE"),
)

source_option = click.option(
    "--source", default="internal", show_default=True,
    help="Where it comes from: internal, opt_out, national …",
)  # fmt: skip
dnc_campaign_option = click.option(
    "--campaign", metavar="NAME", help="For this campaign; for all if not given."
)
expires_option = click.option(
    "--expires", type=Moment(), help="Until then, such as 2027-01-01; for ever if not given."
)
received_option = click.option(
    "--received", type=Moment(),
    help="Source opt_out: when it was asked; now if not given. The deadline counts from then.",
)  # fmt: skip
note_option = click.option("--note", default="", help="What there is to know.")
region_option = click.option(
    "--region", metavar="XX", help="Country of numbers that have no + and country code."
)


def past(at: datetime | None, source: str, campaign: str | None) -> datetime | None:
    """When a request was received. Raises UsageError."""
    from ccmiddleware.dialer.dnc import OPT_OUT

    if at is not None and (source != OPT_OUT or campaign is not None):
        raise click.UsageError("--received is for requests: --source opt_out, for all campaigns")
    if at is not None and at > utc_now():
        raise click.BadParameter("that is still to come", param_hint="--received")
    return at


def future(at: datetime | None) -> datetime | None:
    """A time to come. Raises UsageError."""
    if at is not None and at <= utc_now():
        raise click.BadParameter("that is over already", param_hint="--expires")
    return at


def region_of(text: str | None) -> str | None:
    """The country that was given, checked."""
    from ccmiddleware.dialer.values import region

    return region(text) if text is not None else None


async def campaign_id_of(database: "Database", name: str | None) -> UUID | None:
    """The id of the campaign that was given."""
    from ccmiddleware.dialer.campaigns import find

    if name is None:
        return None
    id_: UUID = (await find(database, name))["id"]
    return id_


@click.command(
    "import", epilog="Example:  ccm dnc import national.txt --source national --replace --region US"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@source_option
@dnc_campaign_option
@expires_option
@received_option
@note_option
@region_option
@click.option("--replace", is_flag=True, help="Remove what this source had and the file has not.")
@click.option("--scrubbed", type=Moment(), help="Of when the list is: noted as `ccm dnc scrubbed`.")
@click.option("--edition", default="", help="What its keeper calls this edition of the list.")
@click.option("--dry-run", is_flag=True, help="Check everything, and change nothing.")
@json_option
@pass_app
def import_(
    app: App,
    file: Path,
    source: str,
    campaign: str | None,
    expires: datetime | None,
    received: datetime | None,
    note: str,
    region: str | None,
    replace: bool,
    scrubbed: datetime | None,
    edition: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add the numbers of a file: all of them, or nothing when a line is wrong.

    One number a line; or CSV whose first line names number, and perhaps expires (a date) and note.
    A star behind it means all numbers that begin so. Entries that are there are prolonged, never
    shortened; doing it again changes nothing.
    """

    async def do() -> dict[str, Any]:
        from ccmiddleware.dialer import dnc, dnc_entries

        until, at = future(expires), past(received, source, campaign)
        async with checked(), opened(app) as database:
            default = dnc_entries.Entry("", expires_at=until, note=note)
            found = _read(file, region_of(region), default)
            if found.mistakes:
                raise click.UsageError(_told(file, found))
            of = dnc_entries.source(source)
            id_ = await campaign_id_of(database, campaign)
            async with dnc.changing(database, by=user(), dry_run=dry_run) as change:
                if replace:
                    await change.keep_only(found.entries, of, id_)
                await change.add(found.entries, of, id_)
                if of == dnc.OPT_OUT and id_ is None:
                    await change.note_requests(found.entries, at)
            if scrubbed is not None and not dry_run:
                await database.execute(
                    "note_dnc_scrub", id_, of, edition, scrubbed, user(), f"imported {file.name}"
                )
        same = len(found.entries) - change.added - change.prolonged
        changed = bool(change.added or change.prolonged or change.removed) and not dry_run
        return {
            "file": file.name,
            "dry_run": dry_run,
            "entries": len(found.entries),
            "added": change.added,
            "prolonged": change.prolonged,
            "removed": change.removed,
            "unchanged": same,
            "version": change.version if changed else change.version - 1,
        }

    result = run(do())
    if as_json:
        emit_json(result)
        return
    would = "would be " if dry_run else ""
    say(
        f"{file.name}: {result['entries']} entries; {result['added']} {would}added, "
        f"{result['prolonged']} prolonged, {result['removed']} removed, "
        f"{result['unchanged']} were there; the list has version {result['version']}"
    )


def _read(file: Path, region: str | None, default: "Entry") -> "Read":
    from ccmiddleware.dialer.dnc_entries import read

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return read(lines, region, default, utc_now())
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8 text") from None


def _told(file: Path, found: "Read") -> str:
    lines = [f"{file.name}: line {at}: {plain(text)}" for at, text in found.mistakes[:MOST_TOLD]]
    more = len(found.mistakes) - MOST_TOLD
    return "\n".join(
        [
            f"{len(found.mistakes)} mistakes, and nothing was changed:",
            *lines,
            *([f"and {more} more"] if more > 0 else []),
        ]
    )


@click.command(
    "scrubbed",
    epilog="Example:  ccm dnc scrubbed --source national --at 2026-11-01 --edition 2026-11",
)
@click.option("--source", help="The public list, such as national. Without it: what was noted.")
@click.option("--at", type=Moment(), help="Of when the list was; now if not given.")
@click.option("--edition", default="", help="What its keeper calls this edition of the list.")
@campaign_option
@note_option
@limit(100)
@json_option
@pass_app
def scrubbed(
    app: App,
    source: str | None,
    at: datetime | None,
    edition: str,
    campaign: str | None,
    note: str,
    limit: int,
    as_json: bool,
) -> None:
    """Note that leads were compared with a public do-not-call list; or list what was noted.

    For leads that somebody else compared before they were imported. A list that `ccm dnc import`
    brings here is looked at in every call; its age is what counts (`--scrubbed` there).
    """

    async def do() -> list[dict[str, Any]]:
        from ccmiddleware.dialer import dnc_entries

        now = utc_now()
        if at is not None and at > now:
            raise click.BadParameter("that is yet to come", param_hint="--at")
        async with checked(), opened(app) as database:
            id_ = await campaign_id_of(database, campaign)
            if source is not None:
                of = dnc_entries.source(source)
                await database.execute("note_dnc_scrub", id_, of, edition, at or now, user(), note)
            return [dict(row) for row in await database.fetch("list_dnc_scrubs", id_, limit)]

    empty = "no public list was noted yet: ccm dnc scrubbed --source national --at DATE"
    emit(run(do()), SCRUBS, as_json=as_json, empty=empty)
