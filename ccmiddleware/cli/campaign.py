"""``ccm campaign``: campaigns, what is set of them, and starting and stopping them."""

from typing import Any

import click

from ccmiddleware.cli import (
    campaign_evidence,
    campaign_explain,
    campaign_profiles,
    campaign_report,
    campaign_settings,
    campaign_simulate,
    campaign_states,
    campaign_watch,
)
from ccmiddleware.cli.campaign_editing import campaign_argument, checked, editing, outcome, report
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

STATES = ("draft", "running", "paused", "stopped")
NONE_YET = "no campaign fits; `ccm campaign create NAME` makes one"

LIST = (
    Column("campaign", "CAMPAIGN"),
    Column("state", "STATE"),
    Column("state_at", "SINCE", "time"),
    Column("mode", "MODE"),
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("leads", "LEADS", "number"),
    Column("open", "OPEN", "number"),
    Column("done", "DONE", "number"),
)
SETTINGS = (
    Column("key", "SETTING"),
    Column("value", "VALUE"),
    Column("from", "FROM"),
    Column("help", "WHAT IT IS"),
)


@click.group("campaign", epilog="Example:  ccm campaign create spring mode=predictive queue=sales")
def command() -> None:
    """Campaigns: whom to call, how, and within which limits.

    A campaign begins as a draft. `ccm lead import` brings its leads, `ccm campaign start` lets it
    dial.
    """


for _part in (
    campaign_settings.set_,
    campaign_settings.history,
    campaign_states.check,
    campaign_states.start,
    campaign_states.pause,
    campaign_states.stop,
    campaign_watch.watch,
    campaign_explain.explain,
    campaign_report.report,
    campaign_simulate.simulate,
    campaign_evidence.evidence,
    campaign_profiles.profiles,
):
    command.add_command(_part)


@command.command(
    "create", epilog="Example:  ccm campaign create spring mode=predictive node=pbx1 queue=sales"
)
@campaign_argument
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE...]")
@json_option
@pass_app
def create(app: App, campaign: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Make a draft, perhaps with settings; `ccm campaign set --help` has their keys."""

    async def make() -> dict[str, Any]:
        from ccmiddleware.dialer.settings import parse_changes

        async with editing(app, campaign, new=True) as edit:
            await campaign_settings.change(app, edit, parse_changes(settings))
        return outcome(edit)

    report(run(make()), as_json=as_json)


@command.command("list", epilog="Example:  ccm campaign list --state running")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@json_option
@pass_app
def list_(app: App, state: str | None, as_json: bool) -> None:
    """List campaigns with their leads. OPEN: not done."""
    emit(run(_list(app, state)), LIST, as_json=as_json, empty=NONE_YET)


async def _list(app: App, state: str | None) -> list[dict[str, Any]]:
    from ccmiddleware.dialer.campaigns import leads_of

    async with opened(app) as database:
        rows = await database.fetch("list_campaigns", None, state)
        leads = await leads_of(database, *(row["id"] for row in rows))
    return [_summary(dict(row), leads[row["id"]]) for row in rows]


def _summary(row: dict[str, Any], leads: dict[str, int]) -> dict[str, Any]:
    total, done = sum(leads.values()), leads.get("done", 0)
    name, _ = row.pop("name"), row.pop("settings")
    counts = {"leads": total, "open": total - done, "done": done, "leads_by_state": leads}
    return {"campaign": name, **row, **counts}


@command.command("show", epilog="Example:  ccm campaign show spring")
@campaign_argument
@click.option("--all", "everything", is_flag=True, help="Keys that nothing holds for as well.")
@json_option
@pass_app
def show(app: App, campaign: str, everything: bool, as_json: bool) -> None:
    """Show a campaign: its state, its leads, and what holds for it, set or by default."""
    summary, stored = run(_show(app, campaign))
    from ccmiddleware.dialer.settings import effective, key_named, shown

    holds = effective(stored)
    if as_json:
        emit_json({"campaign": summary, "settings": holds, "set": sorted(stored)})
        return
    emit([summary], LIST, as_json=False, empty="")
    emit_text("")
    rows = [
        {
            "key": name,
            "value": "-" if value is None else shown(name, value),
            "from": "set" if name in stored else "" if value is None else "default",
            "help": key_named(name).help,
        }
        for name, value in holds.items()
        if everything or value is not None
    ]
    emit(rows, SETTINGS, as_json=False, empty="")
    unset = [name for name, value in holds.items() if value is None]
    if unset and not everything:
        say(f"not set: {', '.join(unset)} (--all explains them)")


async def _show(app: App, campaign: str) -> tuple[dict[str, Any], dict[str, Any]]:
    from ccmiddleware.dialer.campaigns import find, leads_of
    from ccmiddleware.dialer.settings import from_stored

    async with checked(), opened(app) as database:
        row = await find(database, campaign)
        leads = await leads_of(database, row["id"])
        return _summary(dict(row), leads[row["id"]]), from_stored(row["settings"])


@command.command("delete", epilog="Example:  ccm campaign delete spring")
@campaign_argument
@json_option
@pass_app
def delete(app: App, campaign: str, as_json: bool) -> None:
    """Delete a draft that has no leads. What was started stays, with its leads and records."""

    async def do() -> None:
        from ccmiddleware.dialer import campaigns

        async with checked(), opened(app) as database:
            await campaigns.delete(database, campaign, by=user())

    run(do())
    if as_json:
        emit_json({"campaign": campaign, "deleted": True})
    else:
        say(f"{campaign} is deleted")
