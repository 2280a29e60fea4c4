"""``ccm disposition``: the codes by which it is said what came of an interaction.

Giving one to an interaction is `ccm interaction dispose`, or the keypad of an agent.
"""

import re
from typing import Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit

LIST = (
    Column("code", "CODE"),
    Column("label", "LABEL"),
    Column("keypad", "KEYPAD"),
    Column("no_more_calls", "NO MORE CALLS"),
    Column("active", "ACTIVE"),
    Column("changed_at", "CHANGED", "time"),
)
CODE = re.compile(r"[\w.:-]{1,64}")
LONGEST_LABEL = 200
TAKEN = "23505"
"""SQLSTATE of a unique constraint that was violated."""


@click.group("disposition", epilog="Example:  ccm disposition add sold --keypad 1")
def command() -> None:
    """Dispositions: the codes that say what came of an interaction."""


@command.command("list", epilog="Example:  ccm disposition list --all")
@click.option("--all", "all_codes", is_flag=True, help="Those that were removed, too.")
@json_option
@pass_app
def list_(app: App, all_codes: bool, as_json: bool) -> None:
    """List the codes that may be given."""
    rows = run(_fetch(app, all_codes))
    emit(rows, LIST, as_json=as_json, empty="no codes yet: ccm disposition add CODE --label …")


@command.command(
    "add", epilog="Example:  ccm disposition add sold --label 'Sold something' --keypad 1"
)
@click.argument("code")
@click.option("--label", default="", help="What it means.")
@click.option("--keypad", help="Digits by which agents key it in after *15.")
@click.option(
    "--no-more-calls", is_flag=True,
    help="The customer wants no further calls: the numbers are put on the do-not-call list.",
)  # fmt: skip
@pass_app
def add(app: App, code: str, label: str, keypad: str | None, no_more_calls: bool) -> None:
    """Add a code, or change its label, its digits and what it means."""
    if CODE.fullmatch(code) is None:
        raise click.UsageError("a code is up to 64 letters, digits, and . : _ -")
    if keypad is not None and re.fullmatch(r"[0-9]{1,8}", keypad) is None:
        raise click.UsageError("--keypad takes one to eight digits")
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise click.UsageError(f"--label takes one line of at most {LONGEST_LABEL} characters")
    run(_add(app, code, label, keypad, no_more_calls=no_more_calls))


@command.command("remove", epilog="Example:  ccm disposition remove sold")
@click.argument("code")
@pass_app
def remove(app: App, code: str) -> None:
    """Have a code given no more. Interactions that have it keep it."""
    run(_remove(app, code))


async def _fetch(app: App, all_codes: bool) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_disposition_codes", all_codes)]


async def _add(app: App, code: str, label: str, keypad: str | None, *, no_more_calls: bool) -> None:
    from ccmiddleware.store.border import Rejected

    async with opened(app) as database:
        try:
            await database.execute("add_disposition_code", code, label, keypad, no_more_calls)
        except Rejected as error:
            if error.sqlstate != TAKEN:
                raise
            raise click.UsageError(f"another code has the digits {keypad} already") from None


async def _remove(app: App, code: str) -> None:
    async with opened(app) as database:
        if not await database.execute("remove_disposition_code", code):
            raise NothingFound(f"there is no code {code!r}; there are {await known(database)}")
    say(f"{code} is given no more; what has it keeps it")


async def known(database: Any) -> str:
    """The codes that may be given, in words."""
    rows = await database.fetch("list_disposition_codes", False)
    return ", ".join(row["code"] for row in rows) or "none yet (ccm disposition add CODE)"
