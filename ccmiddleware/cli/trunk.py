"""``ccm trunk``: the ways out of Asterisk by which campaigns dial."""

from typing import Any

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.output import Column, emit

NONE_YET = "no trunks: ccm trunk set NAME --dial 'PJSIP/{number}@provider' --channels 30"

LIST = (
    Column("name", "TRUNK"),
    Column("dial", "DIAL"),
    Column("channels", "CHANNELS", "number"),
    Column("calls_per_second", "CALLS/S", "number"),
    Column("campaigns", "CAMPAIGNS"),
    Column("note", "NOTE"),
    Column("changed_by", "BY"),
)
DEFAULTS = {"channels": 30, "calls_per_second": 5.0, "note": ""}


@click.group(
    "trunk",
    epilog="Example:  ccm trunk set provider --dial 'PJSIP/{number}@provider' --channels 30",
)
def command() -> None:
    """Ways out of Asterisk by which campaigns dial, with the limits of each."""


@command.command(
    "set", epilog="Example:  ccm trunk set provider --dial 'PJSIP/{number}@provider' --channels 60"
)
@click.argument("name")
@click.option(
    "--dial", help="What Asterisk dials: {number} is the number with +, {digits} without."
)
@click.option("--channels", type=click.IntRange(1, 10_000), help="Most calls at once; 30 if new.")
@click.option(
    "--calls-per-second", type=click.FloatRange(0.1, 1000), help="Most begun in a second; 5 if new."
)
@click.option("--note", help="What there is to know.")
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **given: Any) -> None:
    """Make a trunk or change it; what is not given stays. Its limits hold over all campaigns."""
    rows = run(_set(app, name, {key: value for key, value in given.items() if value is not None}))
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)


async def _set(app: App, name: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    from ccmiddleware.dialer import values

    async with checked(), opened(app) as database, database.transaction() as session:
        rows = await session.fetch("list_trunks", values.trunk_name(name))
        trunk = {**DEFAULTS, **(dict(rows[0]) if rows else {}), **given}
        if "dial" not in trunk:
            raise values.InvalidCampaign(f"{name} is new: say what to dial, with --dial")
        values.line(200)(trunk["note"])
        await session.execute(
            "put_trunk",
            name,
            values.dial(trunk["dial"]),
            trunk["channels"],
            trunk["calls_per_second"],
            trunk["note"],
            user(),
        )
        return [dict(row) for row in await session.fetch("list_trunks", name)]


@command.command("list", epilog="Example:  ccm trunk list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List trunks, and the campaigns that dial by them."""

    async def fetch() -> list[dict[str, Any]]:
        async with opened(app) as database:
            return [dict(row) for row in await database.fetch("list_trunks", None)]

    emit(run(fetch()), LIST, as_json=as_json, empty=NONE_YET)


@command.command("remove", epilog="Example:  ccm trunk remove provider")
@click.argument("name")
@json_option
@pass_app
def remove(app: App, name: str, as_json: bool) -> None:
    """Remove a trunk that no campaign names."""
    emit(run(_remove(app, name)), LIST, as_json=as_json, empty=NONE_YET)


async def _remove(app: App, name: str) -> list[dict[str, Any]]:
    async with opened(app) as database, database.transaction() as session:
        rows = await session.fetch("list_trunks", name)
        if not rows:
            raise NothingFound(f"there is no trunk {name!r}; `ccm trunk list` has all")
        if await session.fetchrow("remove_trunk", name) is None:
            raise click.UsageError(
                f"{name} is a trunk of {', '.join(rows[0]['campaigns'])}: "
                "`ccm campaign set … trunks=` first"
            )
        return [dict(row) for row in await session.fetch("list_trunks", None)]
