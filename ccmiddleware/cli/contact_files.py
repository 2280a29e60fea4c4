"""``ccm contact import`` and ``export``: contacts from and to files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.contact_finding import editing, outcome
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.contacts.files import Read

FORMATS = ("csv", "jsonl")
MOST_TOLD = 1000
"""Mistakes of one file that are told one by one."""

format_option = click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="By the file's ending if not given."
)


@click.command("import", epilog="Example:  ccm contact import customers.csv --dry-run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_option
@click.option("--dry-run", is_flag=True, help="Check everything, and change nothing.")
@json_option
@pass_app
def import_(app: App, file: Path, format_: str | None, dry_run: bool, as_json: bool) -> None:
    """Make contacts, or add to them, from a file: all of it, or nothing when a row is wrong.

    CSV with the columns name and perhaps id, note, emails, phones (several in one cell with a
    semicolon between); or JSON lines with the same fields, emails and phones as lists. A row is
    about the contact with its id, else about the one that has one of its addresses, else about a
    new one. Importing adds addresses and takes none away; doing it again changes nothing.
    """
    format_ = format_ or file.suffix.lower().removeprefix(".")
    if format_ not in FORMATS:
        raise click.UsageError(f"{file}: say --format csv or --format jsonl")
    result = run(_import(app, file, format_, dry_run=dry_run))
    if as_json:
        emit_json(result)
    else:
        would = "would be " if dry_run else ""
        say(
            f"{file.name}: {result['rows']} rows; {result['made']} contacts {would}made, "
            f"{result['described']} with another name or note, {result['linked']} addresses linked"
        )


async def _import(app: App, file: Path, format_: str, *, dry_run: bool) -> dict[str, Any]:
    from ccmiddleware.contacts.files import take_in

    async with editing(app, how="import", dry_run=dry_run) as edit:
        found = _read(file, format_, edit.rule)
        await edit.know(
            [one.id for one in found.entries if one.id],
            [address for one in found.entries for address in one.addresses],
        )
        new = iter(await edit.new_ids(len(found.entries)))
        mistakes = sorted([*found.mistakes, *take_in(edit.book, found.entries, new)])
        if mistakes:
            raise click.UsageError(_told(file, mistakes))
    book = edit.book
    return {
        "file": file.name,
        "dry_run": dry_run,
        "rows": len(found.entries),
        "made": len(book.made),
        "described": len(book.changed),
        "linked": len(book.linked),
        "changes": outcome(edit),
    }


def _told(file: Path, mistakes: list[tuple[int, str]]) -> str:
    """All mistakes, one to a line. Their texts hold what the file holds, so they are made plain."""
    from ccmiddleware.plaintext import plain

    lines = [f"{file.name}: line {number}: {plain(text)}" for number, text in mistakes[:MOST_TOLD]]
    more = len(mistakes) - MOST_TOLD
    return "\n".join(
        [
            f"{len(mistakes)} mistakes, and nothing was changed:",
            *lines,
            *([f"and {more} more"] if more > 0 else []),
        ]
    )


def _read(file: Path, format_: str, rule: Any) -> "Read":
    from ccmiddleware.contacts.files import from_csv, from_json_lines, read

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return read(from_csv(lines) if format_ == "csv" else from_json_lines(lines), rule)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8 text") from None


@click.command("export", epilog="Example:  ccm contact export > customers.csv")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True,
    help="CSV, or JSON lines.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
@pass_app
def export(app: App, format_: str, as_json: bool) -> None:
    """Print all contacts as `ccm contact import` reads them."""
    from ccmiddleware.contacts.files import to_csv, to_json_lines

    rows = run(_all(app))
    lines = to_json_lines(rows) if as_json or format_ == "jsonl" else to_csv(rows)
    for line in lines:
        emit_text(line)
    if not rows:
        say("there are no contacts: `ccm contact add` and `ccm contact import` make them")


async def _all(app: App) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_contacts", None, False, 10**7)]
