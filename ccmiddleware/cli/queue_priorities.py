"""``ccm queue priority``: whose calls and emails a queue answers before others."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import node_option, queue_option
from ccmiddleware.cli.output import Column, emit
from ccmiddleware.cli.queue_editing import Edit, dry_run_option, edit, report, where_option

if TYPE_CHECKING:
    from ccmiddleware.queues.priorities import Priority

LIST = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("kind", "KIND"),
    Column("number", "NUMBER"),
    Column("priority", "PRIORITY", "number"),
    Column("note", "NOTE"),
)
MOST_NOTED = 20
"""An edit of more numbers is one line of the history."""

MOST_NUMBERS = 50_000
kind_argument = click.argument("kind", type=click.Choice(("caller", "did", "sender")))


@click.group("priority", epilog="Example:  ccm queue priority add support caller +4930123456 10")
def priority() -> None:
    """Numbers and senders that are answered before others."""


@priority.command(
    "add", epilog="Example:  ccm queue priority add support caller +4930123456 10 --note 'Big Ltd'"
)
@click.argument("queue")
@kind_argument
@click.argument("number")
@click.argument("priority", metavar="PRIORITY")
@click.option("--note", default="", help="Whose number it is.")
@where_option
@dry_run_option
@json_option
@pass_app
def add(
    app: App,
    queue: str,
    kind: str,
    number: str,
    priority: str,
    note: str,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Give a number a priority (QUEUE_PRIO, 0 to 1000), or change it.

    KIND: caller (who calls), did (the number that was dialled) or sender (of an email: an address,
    or @domain). Numbers are compared as Asterisk has them; the higher of caller and DID holds.
    """

    async def change(going_on: Edit) -> None:
        from ccmiddleware.queues.priorities import checked

        await _put(going_on, [checked(kind, number, priority, note)], "")

    sys.exit(report(run(edit(app, queue, node, change, dry_run=dry_run)), as_json=as_json))


@priority.command("remove", epilog="Example:  ccm queue priority remove support did 12025550101")
@click.argument("queue")
@kind_argument
@click.argument("number")
@where_option
@json_option
@pass_app
def remove(app: App, queue: str, kind: str, number: str, node: str | None, as_json: bool) -> None:
    """Take the priority of a number away."""

    async def change(going_on: Edit) -> None:
        from ccmiddleware.queues.settings import whose

        key = (kind, whose(kind, number))
        if key not in going_on.stored.priorities:
            raise NothingFound(f"{queue} has no priority for {kind} {key[1]}")
        await _take(going_on, [key])
        going_on.note(f"priority {kind} {key[1]}", going_on.stored.priorities[key], None)

    sys.exit(report(run(edit(app, queue, node, change)), as_json=as_json))


@priority.command("list", epilog="Example:  ccm queue priority list --queue support")
@queue_option
@node_option
@json_option
@pass_app
def list_(app: App, queue: str | None, node: str | None, as_json: bool) -> None:
    """List numbers and their priorities."""
    rows = run(_listed(app, node, queue))
    emit(rows, LIST, as_json=as_json, empty="no priorities: ccm queue priority add QUEUE …")


@priority.command("import", epilog="Example:  ccm queue priority import support vip.csv --dry-run")
@click.argument("queue")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Remove the numbers that the file does not have.")
@where_option
@dry_run_option
@json_option
@pass_app
def import_(
    app: App,
    queue: str,
    file: Path,
    replace: bool,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add or change priorities from a CSV file: all of it, or nothing when a line is wrong.

    Its first line is kind,number,priority,note; the note may be missing.
    """

    async def change(going_on: Edit) -> None:
        await _import(going_on, _read(file), file.name, replace=replace)

    sys.exit(report(run(edit(app, queue, node, change, dry_run=dry_run)), as_json=as_json))


def _read(file: Path) -> "list[Priority]":
    from ccmiddleware.queues.priorities import read_csv

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            found = read_csv(lines)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not UTF-8 text") from None
    if len(found) > MOST_NUMBERS:
        raise click.UsageError(f"{file} has more than {MOST_NUMBERS} numbers")
    return found


async def _import(going_on: Edit, found: "Sequence[Priority]", name: str, *, replace: bool) -> None:
    known = dict(going_on.stored.priorities)
    gone: list[tuple[str, str]] = []
    if replace:
        gone = sorted(known.keys() - {(one.kind, one.number) for one in found})
        await _take(going_on, gone)
    many = len(found) + len(gone) > MOST_NOTED
    if many:
        added = sum((one.kind, one.number) not in known for one in found)
        other = sum(
            known.get((one.kind, one.number), one.priority) != one.priority for one in found
        )
        say(f"{name}: {added} new, {other} with another priority, {len(gone)} removed")
    for kind, number in gone if not many else ():
        going_on.note(f"priority {kind} {number}", known[kind, number], None)
    await _put(going_on, found, name if many else "", removed=len(gone))


async def _put(going_on: Edit, found: "Sequence[Priority]", name: str, *, removed: int = 0) -> None:
    """Write them; each is noted, or the whole file by its name."""
    known = going_on.stored.priorities
    rows = [
        {"kind": one.kind, "number": one.number, "priority": one.priority, "note": one.note}
        for one in found
    ]
    touched = await going_on.session.execute("put_queue_priorities", going_on.id, rows)
    if name:
        if touched or removed:
            going_on.note(
                "priorities",
                f"{len(known)} numbers",
                f"{name}: {touched} added or changed, {removed} removed",
            )
        return
    for one in found if touched else ():
        before = known.get((one.kind, one.number))
        after = f"{one.priority} {one.note}".strip()
        going_on.note(f"priority {one.kind} {one.number}", before, after)


async def _take(going_on: Edit, keys: Sequence[tuple[str, str]]) -> None:
    rows = [{"kind": kind, "number": number} for kind, number in keys]
    await going_on.session.execute("remove_queue_priorities", going_on.id, rows)


async def _listed(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_queue_priorities", *arguments)]
