"""``ccm contact settings``: what holds for all contacts, kept in the database."""

import re
from collections.abc import Callable
from typing import Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.contact_finding import editing, outcome, report
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.output import Column, emit

LIST = (Column("key", "KEY"), Column("value", "VALUE"), Column("meaning", "MEANING"))

MEANINGS = {
    "country_code": "country whose numbers come without it, such as 49; empty: digit by digit",
    "international_prefix": "what stands for + in your trunk's numbers, such as 00; may be empty",
    "national_prefix": "what national numbers begin with, such as 0; may be empty",
    "show_on_phone": "yes or no: agents' phones show that a caller has open emails",
}
PREFIXES = {
    "country_code": re.compile(r"([1-9][0-9]{0,3})?"),
    "international_prefix": re.compile(r"[0-9]{0,5}"),
    "national_prefix": re.compile(r"[0-9]{0,3}"),
}
YES_NO = {"yes": True, "no": False}


@click.command(
    "settings", epilog="Example:  ccm contact settings country_code=49 national_prefix=0"
)
@click.argument("given", metavar="[KEY=VALUE…]", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
@pass_app
def settings(app: App, given: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Show what holds for all contacts, or change it.

    With a country code, numbers are the same in the ways in which trunks send them: +4930123456,
    004930123456 and 030123456. Without one they are compared digit by digit.
    """
    if not given:
        emit(run(_shown(app)), LIST, as_json=as_json, empty="")
        return
    rows = run(_change(app, _parsed(given), dry_run=dry_run))
    report(None, rows, as_json=as_json, dry_run=dry_run)


def _parsed(given: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    wrong = []
    for text in given:
        key, equals, value = text.partition("=")
        parse = _parser(key)
        if parse is None or not equals:
            wrong.append(f"{text!r}: write KEY=VALUE with one of {', '.join(MEANINGS)}")
            continue
        parsed = parse(value.strip())
        if parsed is None:
            wrong.append(f"{key}={value}: {MEANINGS[key]}")
        found[key] = parsed
    if wrong:
        raise click.UsageError("; ".join(wrong))
    return found


def _parser(key: str) -> Callable[[str], Any] | None:
    if key == "show_on_phone":
        return YES_NO.get
    pattern = PREFIXES.get(key)
    return None if pattern is None else lambda text: text if pattern.fullmatch(text) else None


async def _shown(app: App) -> list[dict[str, Any]]:
    async with opened(app) as database:
        row = await database.fetchrow("contact_settings")
    assert row is not None  # noqa: S101 - the migration made it
    return [{"key": key, "value": row[key], "meaning": text} for key, text in MEANINGS.items()]


async def _change(app: App, given: dict[str, Any], *, dry_run: bool) -> list[dict[str, Any]]:
    from ccmiddleware.contacts.book import change_settings

    async with editing(app, dry_run=dry_run) as edit:
        before = await edit.session.fetchrow("contact_settings")
        assert before is not None  # noqa: S101 - the migration made it
        await change_settings(edit, before, {**dict(before), **given})
    return outcome(edit)
