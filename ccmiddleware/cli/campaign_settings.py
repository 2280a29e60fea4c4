"""``ccm campaign set`` and ``history``: what is set of a campaign, and who set it."""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import (
    campaign_argument,
    dry_run_option,
    editing,
    outcome,
    report,
)
from ccmiddleware.cli.campaign_states import InTheWay, look_at
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import check_period, limit, period
from ccmiddleware.cli.output import Column, emit

if TYPE_CHECKING:
    from ccmiddleware.dialer.campaigns import Edit

HISTORY = (
    Column("changed_at", "CHANGED", "time"),
    Column("campaign", "CAMPAIGN"),
    Column("changed_by", "BY"),
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)


@click.command(
    "set",
    epilog="Example:  ccm campaign set spring mode=predictive trunks=provider "
    "caller_ids=+12125550100,+1305:+13055550100 retry='busy 10m x3; no_answer 4h x5 next-number'",
)
@campaign_argument
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
@dry_run_option
@json_option
@pass_app
def set_(app: App, campaign: str, settings: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Set what holds for a campaign; KEY= takes a setting back.

    Keys: mode, node, queue, profile, trunks, caller_ids, ring_seconds, max_lines,
    lines_per_agent, calls_per_second, ratio, abandonment_limit, detection (yes or no),
    detection_seconds, safe_harbour_message, machine_message, agentless_message,
    agentless_keys, opt_out_key, seller_name, seller_number, purpose, hours, holidays,
    number_cap, retry, most_attempts, callback_tolerance, callback_anybody, time_zone, weight,
    inbound_share, default_region, stop_date;
    disposition.CODE: done, success, dnc,
    callback, next number, or 'again after 2d'. `ccm campaign show NAME --all` explains them.
    A campaign that runs goes on with what is set, at once; what it may not start with is refused.
    """

    async def do() -> dict[str, Any]:
        from ccmiddleware.dialer.settings import parse_changes

        async with editing(app, campaign, dry_run=dry_run) as edit:
            await change(app, edit, parse_changes(settings))
            if edit.state == "running":
                await look_at(edit)
        return outcome(edit, dry_run=dry_run)

    try:
        report(run(do()), as_json=as_json)
    except InTheWay as refused:
        refused.tell(as_json=as_json)
        sys.exit(1)


async def change(app: App, edit: "Edit", changes: Mapping[str, Any]) -> None:
    """Set these keys, if the trunks, the node and the queue that they name are there."""
    from ccmiddleware.dialer.values import InvalidCampaign

    for name in changes.get("trunks") or ():
        if not await edit.session.fetch("list_trunks", name):
            raise InvalidCampaign(f"there is no trunk {name!r}: `ccm trunk set` makes one")
    node = changes.get("node")
    nodes = [one.name for one in app.settings().node]
    if node is not None and node not in nodes:
        raise InvalidCampaign(f"there is no node {node!r}; there are {', '.join(nodes)}")
    if changes.get("profile") is not None:
        _look_for_profile(app, str(changes["profile"]))
    await edit.set(changes)
    if "queue" in changes or "node" in changes:
        await _look_for_queue(edit)


def _look_for_profile(app: App, name: str) -> None:
    from ccmiddleware.dialer.profile_sets import PROFILES
    from ccmiddleware.dialer.profiles import InvalidProfile
    from ccmiddleware.dialer.values import InvalidCampaign

    try:
        PROFILES.named(name)
    except InvalidProfile as error:
        raise InvalidCampaign(str(error)) from None


async def _look_for_queue(edit: "Edit") -> None:
    node, queue = edit.settings.get("node"), edit.settings.get("queue")
    if node is None or queue is None:
        return
    rows = await edit.session.fetch("names_of_queues", node)
    if queue not in [row["queue"] for row in rows]:
        say(f"{node} has no queue {queue!r} so far: the campaign can't be started until it has")


@click.command("history", epilog="Example:  ccm campaign history spring --since 365d")
@click.argument("campaign", metavar="[CAMPAIGN]", required=False)
@period("30d")
@limit(100)
@json_option
@pass_app
def history(
    app: App,
    campaign: str | None,
    since: datetime,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List who changed what of campaigns, newest first; of deleted ones, too."""
    begin, end = check_period(since, until)
    rows = run(_history(app, begin, end, campaign, limit))
    emit(rows, HISTORY, as_json=as_json, empty="nothing was changed in this period that fits")


async def _history(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_campaign_changes", *arguments)]
