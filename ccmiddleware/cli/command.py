"""``ccm command``: what people asked to be done in Asterisk, and what came of it."""

from datetime import datetime
from typing import Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.options import check_period, limit, node_option, period
from ccmiddleware.cli.output import Column, emit

STATES = ("waiting", "taken", "done", "refused", "expired", "unknown")

LIST = (
    Column("issued_at", "ISSUED", "time"),
    Column("node", "NODE"),
    Column("issued_by", "BY"),
    Column("kind", "KIND"),
    Column("shown_arguments", "ARGUMENTS"),
    Column("state", "STATE"),
    Column("shown_result", "RESULT"),
)


@click.group("command", epilog="Example:  ccm command list --since today")
def command() -> None:
    """Commands to Asterisk that were given with `ccm`, such as `ccm agent pause`."""


@command.command("list", epilog="Example:  ccm command list --since 1h --state unknown")
@period("24h")
@node_option
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    node: str | None,
    state: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the commands that were issued in a period, newest first.

    STATE: waiting; taken (being carried out); done; refused by Asterisk; expired (never begun);
    unknown (begun, and no answer came: it may have been carried out or not).
    """
    begin, end = check_period(since, until)
    rows = run(_fetch(app, begin, end, node, state, limit))
    if not as_json:
        for row in rows:
            row["shown_arguments"] = _shown(row["arguments"])
            row["shown_result"] = row["result"].replace("\n", "; ")
    emit(rows, LIST, as_json=as_json, empty="no command was issued in this period that fits")


async def _fetch(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_commands", *arguments)]


def _shown(arguments: dict[str, Any]) -> str:
    """The arguments that say something, as name=value."""
    parts = []
    for name, value in arguments.items():
        if isinstance(value, dict):
            value = [f"{key}:{number}" for key, number in value.items()]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if text:
            parts.append(f"{name}={text}")
    return " ".join(parts)
