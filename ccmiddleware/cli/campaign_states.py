"""``ccm campaign start``, ``pause`` and ``stop``."""

from typing import Any

import click

from ccmiddleware.cli.campaign_editing import campaign_argument, editing, outcome, report
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.context import App, json_option, pass_app, run


@click.command("start", epilog="Example:  ccm campaign start spring")
@campaign_argument
@json_option
@pass_app
def start(app: App, campaign: str, as_json: bool) -> None:
    """Let a campaign dial: a draft, one that pauses, or one that was stopped."""
    _bring(app, campaign, "start", as_json=as_json)


@click.command("pause", epilog="Example:  ccm campaign pause spring")
@campaign_argument
@json_option
@pass_app
def pause(app: App, campaign: str, as_json: bool) -> None:
    """Begin no more calls, but for callbacks that were promised. Calls that are on go on."""
    _bring(app, campaign, "pause", as_json=as_json)


@click.command("stop", epilog="Example:  ccm campaign stop spring")
@campaign_argument
@json_option
@pass_app
def stop(app: App, campaign: str, as_json: bool) -> None:
    """End a campaign: no calls at all. Calls that are on go on. It can be started again."""
    _bring(app, campaign, "stop", as_json=as_json)


def _bring(app: App, campaign: str, action: str, *, as_json: bool) -> None:
    async def do() -> dict[str, Any]:
        async with editing(app, campaign) as edit:
            await edit.bring(action, user())
        return outcome(edit)

    report(run(do()), as_json=as_json)
