"""``ccm lead import``: leads from a file into a campaign."""

import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import emit_json, emit_text
from ccmiddleware.clock import utc_now
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from ccmiddleware.dialer.lead_checking import Checked
    from ccmiddleware.dialer.lead_columns import Columns
    from ccmiddleware.dialer.lead_files import Table
    from ccmiddleware.dialer.lead_import import Totals
    from ccmiddleware.dialer.lead_rows import Refusal, Row
    from ccmiddleware.store.database import Database

MOST_TOLD = 10
"""Refusals that are told one by one; --rejects has all."""

SMALL = 2 * 1024 * 1024
"""Bytes of a file up to which one process checks it: others would take longer to start."""


@dataclass
class Options:
    """What was asked for."""

    file: Path
    campaign: str
    mapped: tuple[str, ...]
    region: str | None
    encoding: str | None
    delimiter: str | None
    duplicates: str
    elsewhere: str
    listed: str
    strict: bool
    rejects: Path | None
    processes: int | None
    dry_run: bool


@click.command(
    "import",
    epilog="Example:  ccm lead import leads.csv --campaign spring --map Telefon=phone1 "
    "--region DE --rejects refused.csv --dry-run",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--campaign", metavar="NAME", required=True, help="The campaign that gets them.")
@click.option(
    "--map",
    "mapped",
    metavar="COLUMN=FIELD",
    multiple=True,
    help="What a column is: external_id, name, first_name, last_name, phone1 to phone20, priority, "
    "zone, postal_code, state, country, consent, custom, custom.NAME or skip. Without it, names "
    "of columns are recognised, and others become custom fields.",
)
@click.option(
    "--region",
    metavar="XX",
    help="Country of numbers without a country code; default_region of the campaign if not given.",
)
@click.option("--encoding", help="Such as utf-8 or cp1252; found out if not given.")
@click.option(
    "--delimiter", help="comma, semicolon, tab, pipe or a character; found out if not given."
)
@click.option(
    "--duplicates",
    type=click.Choice(("reject", "keep")),
    default="reject",
    show_default=True,
    help="Numbers that stand in the file before, or are of a lead of the campaign.",
)
@click.option(
    "--elsewhere",
    type=click.Choice(("reject", "keep")),
    default="keep",
    show_default=True,
    help="Numbers of leads of other campaigns that are not stopped.",
)
@click.option(
    "--listed",
    type=click.Choice(("reject", "mark")),
    default="reject",
    show_default=True,
    help="Rows whose numbers are all on the do-not-call list; mark: they come as done.",
)
@click.option("--strict", is_flag=True, help="Import nothing when anything is refused.")
@click.option(
    "--rejects",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what is refused here, with line and reason.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    help="That check rows; by the processors if not given.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, and change nothing.")
@json_option
@pass_app
def import_(app: App, /, as_json: bool, **given: Any) -> None:
    """Bring leads from a CSV file into a campaign: all that can be called, in one transaction.

    The first line names the columns. Numbers become E.164; one that its country's plan does not
    have, at a premium rate, or of which nothing tells where the party is, is refused. What is
    refused is told with its line, and goes to --rejects; the rest is imported. Ctrl-C, or anything
    else that stops it, changes nothing.
    """  # fmt: skip
    options = Options(**given)
    told = Told()
    try:
        result = run(_import(app, options, told))
    except KeyboardInterrupt:
        say(
            "interrupted at its very end: `ccm campaign history` shows whether it was kept"
            if told.ended
            else "interrupted: nothing was changed"
        )
        raise
    if as_json:
        emit_json(result)
    else:
        _print(result)
    if options.strict and not result["imported"] and not options.dry_run:
        sys.exit(1)


@dataclass
class Told:
    """What the import said while it went on."""

    first: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False


async def _import(app: App, options: Options, told: Told) -> dict[str, Any]:
    from ccmiddleware.dialer.campaigns import find
    from ccmiddleware.dialer.file_text import InvalidText
    from ccmiddleware.dialer.lead_columns import InvalidColumns, columns_of, parse_map
    from ccmiddleware.dialer.lead_files import opened as table_of
    from ccmiddleware.dialer.values import region as region_named

    try:
        mapped = parse_map(options.mapped)
        with table_of(options.file, options.encoding, options.delimiter) as table:
            async with checked(), opened(app) as database:
                campaign = dict(await find(database, options.campaign))
                region = options.region or campaign["settings"].get("default_region")
                region = region_named(region) if region else None
                columns = columns_of(table.header, mapped)
                described = columns.described([name.strip() for name in table.header])
                with _Rejects.opened(options.rejects, options.file, table) as rejects:
                    totals = await _run(
                        database, campaign, options, table, columns, region, rejects, told
                    )
        return _result(options, table, described, region, totals, told)
    except (InvalidText, InvalidColumns) as error:
        raise click.UsageError(f"{options.file}: {error}") from None


async def _run(
    database: "Database",
    campaign: dict[str, Any],
    options: Options,
    table: "Table",
    columns: "Columns",
    region: str | None,
    rejects: "_Rejects",
    told: Told,
) -> "Totals":
    from ccmiddleware.dialer.lead_checking import checked as checked_rows
    from ccmiddleware.dialer.lead_import import Import, Policy, import_leads
    from ccmiddleware.dialer.lead_rows import Plan, check_rows

    policy = Policy(
        keep_duplicates=options.duplicates == "keep",
        keep_elsewhere=options.elsewhere == "keep",
        mark_listed=options.listed == "mark",
        strict=options.strict,
    )
    wanted = Import(
        campaign=campaign["name"],
        campaign_id=campaign["id"],
        file=plain(options.file.name, 200),
        by=user(),
        now=utc_now(),
        options={"region": region, "columns": columns.described(table.header), **asdict(policy)},
        policy=policy,
        dry_run=options.dry_run,
    )
    with _progress(table) as advance:

        async def batches(number: int) -> "AsyncGenerator[Checked]":
            plan = Plan(columns, region, campaign["id"], number)
            check = partial(check_rows, plan)
            async for one in checked_rows(check, table.rows, _processes(options, table)):
                yield one
            told.ended = True

        def tell(rows: "list[Row]", refused: "list[Refusal]") -> None:
            rejects.write(rows, refused)
            told.first += [
                {"line": one.at, "lead": "rejected" if one.whole else "imported",
                 "reason": one.reason, "text": one.text}
                for one in refused[: MOST_TOLD - len(told.first)]
            ]  # fmt: skip
            advance()

        def waiting() -> None:
            say("another import of leads is going on: waiting for its end")

        return await import_leads(database, wanted, batches, tell, waiting)


def _processes(options: Options, table: "Table") -> int:
    import os

    if options.processes is not None:
        return options.processes
    return 0 if table.size <= SMALL else max(1, len(os.sched_getaffinity(0)))


class _Rejects:
    """The file of what was refused; it takes its name when everything is over."""

    HEADER = ("line", "lead", "reason", "why")

    def __init__(self, table: "Table", file: Any) -> None:
        import csv

        self._writer = csv.writer(file, lineterminator="\n") if file is not None else None
        if self._writer is not None:
            self._writer.writerow([*self.HEADER, *table.header])

    @classmethod
    @contextmanager
    def opened(cls, path: Path | None, source: Path, table: "Table") -> Iterator["_Rejects"]:
        if path is None:
            yield cls(table, None)
            return
        if path.exists() and path.samefile(source):
            raise click.UsageError("--rejects would write over the file that is imported")
        part = path.with_name(f"{path.name}.part")
        try:
            file = part.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise click.UsageError(f"--rejects {path}: {error.strerror}") from None
        try:
            with file:
                yield cls(table, file)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def write(self, rows: "list[Row]", refused: "list[Refusal]") -> None:
        if self._writer is None or not refused:
            return
        cells = dict(rows)
        for one in refused:
            lead = "rejected" if one.whole else "imported"
            self._writer.writerow([one.at, lead, one.reason, one.text, *cells[one.at]])


@contextmanager
def _progress(table: "Table") -> Iterator[Any]:
    """A bar of what was read, on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("importing leads", total=table.size)
        yield lambda: bar.update(task, completed=table.read)


def _result(
    options: Options,
    table: "Table",
    described: dict[str, str],
    region: str | None,
    totals: "Totals",
    told: Told,
) -> dict[str, Any]:
    return {
        "file": options.file.name,
        "campaign": options.campaign,
        "dry_run": options.dry_run,
        "imported": not options.dry_run and not (options.strict and totals.refused),
        "rows": totals.rows,
        "leads": totals.leads,
        "numbers": totals.numbers,
        "listed": totals.listed,
        "rejected": dict(totals.rejected),
        "left_out": dict(totals.left_out),
        "encoding": table.encoding.removesuffix("-sig"),
        "encoding_certain": table.certain,
        "delimiter": table.delimiter,
        "region": region,
        "columns": described,
        "rejects": None if options.rejects is None else str(options.rejects),
        "first_refused": told.first,
    }


def _print(result: dict[str, Any]) -> None:
    """The totals as an answer, what to look at as words beside it."""
    from ccmiddleware.dialer.lead_rows import REASONS

    if not result["encoding_certain"]:
        say(f"read as {result['encoding']}, a guess: --encoding says otherwise")
    say("columns: " + ", ".join(f"{name} → {what}" for name, what in result["columns"].items()))
    for one in result["first_refused"]:
        without = "" if one["lead"] == "rejected" else " (imported without it)"
        say(f"line {one['line']}: {one['text']}{without}")
    rejected, left_out = sum(result["rejected"].values()), sum(result["left_out"].values())
    more = rejected + left_out - len(result["first_refused"])
    if more > 0:
        say(f"and {more:,} more" + ("" if result["rejects"] else "; --rejects FILE has all"))
    word = "imported" if result["imported"] else "not imported" if not result["dry_run"] else "fit"
    emit_text(
        f"{result['rows']:,} rows: {result['leads']:,} leads {word}, {rejected:,} rows rejected"
    )
    emit_text(f"{result['numbers']:,} numbers, {left_out:,} left out")
    for key in ("rejected", "left_out"):
        for reason, count in sorted(result[key].items(), key=lambda item: -item[1]):
            emit_text(f"  {key.replace('_', ' ')} {count:,}: {REASONS[reason]}")
    if result["listed"]:
        emit_text(f"  {result['listed']} came as done: all their numbers are on the list")
    if result["dry_run"]:
        say("a dry run: nothing was changed")
    elif not result["imported"]:
        say("--strict: nothing was imported")
