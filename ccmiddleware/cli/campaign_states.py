"""``ccm campaign check``, ``start``, ``pause`` and ``stop``."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import campaign_argument, checked, editing, outcome, report
from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.campaigns import Edit
    from ccmiddleware.dialer.checking import Finding

FINDINGS = (
    Column("level", "LEVEL"),
    Column("key", "WHAT"),
    Column("wrong", "WRONG"),
    Column("right", "RIGHT"),
    Column("rule", "RULE"),
)


@click.command("check", epilog="Example:  ccm campaign check spring")
@campaign_argument
@json_option
@pass_app
def check(app: App, campaign: str, as_json: bool) -> None:
    """Say all that is in the way of a start, by the law of its profile and otherwise.

    Errors keep it from starting (exit code 1), warnings do not.
    """

    async def do() -> "list[Finding]":
        from ccmiddleware.dialer.campaign_check import findings
        from ccmiddleware.dialer.campaigns import find
        from ccmiddleware.dialer.settings import from_stored

        async with checked(), opened(app) as database:
            row = await find(database, campaign)
            settings = from_stored(row["settings"])
            return await findings(database, row["id"], settings, utc_now())

    found = run(do())
    emit(_rows(found), FINDINGS, as_json=as_json, empty="nothing is in the way of a start")
    if _errors(found):
        sys.exit(1)


@click.command("start", epilog="Example:  ccm campaign start spring")
@campaign_argument
@json_option
@pass_app
def start(app: App, campaign: str, as_json: bool) -> None:
    """Let a campaign dial: a draft, one that pauses, or one that was stopped.

    Nothing is started while `ccm campaign check` has errors (exit code 1).
    """

    async def do() -> dict[str, Any]:
        async with editing(app, campaign) as edit:
            await edit.bring("start", user())
            found = await look_at(edit)
        return {**outcome(edit), "findings": _rows(found)}

    try:
        result = run(do())
    except InTheWay as refused:
        refused.tell(as_json=as_json)
        sys.exit(1)
    report(result, as_json=as_json)
    for one in result["findings"] if not as_json else ():
        say(f"{one['key']}: {one['wrong']}; {one['right']}")


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


class InTheWay(Exception):
    """A campaign may not go on, or begin, as it is: the edit is rolled back."""

    def __init__(self, campaign: str, found: "Sequence[Finding]") -> None:
        super().__init__(campaign)
        self.campaign, self.found = campaign, found

    def tell(self, *, as_json: bool) -> None:
        """Print what is in the way."""
        if as_json:
            emit_json({"campaign": self.campaign, "refused": True, "findings": _rows(self.found)})
            return
        emit(_rows(self.found), FINDINGS, as_json=False, empty="")
        say(f"nothing was changed: {self.campaign} may not dial like that")


async def look_at(edit: "Edit") -> "list[Finding]":
    """What is wrong with the campaign as the edit leaves it. Raises InTheWay when it may not."""
    from ccmiddleware.dialer.campaign_check import findings, profile_of

    found = await findings(edit.session, edit.id, edit.settings, utc_now())
    if _errors(found):
        raise InTheWay(edit.name, found)
    days = profile_of(edit.settings).terms.honour_business_days.value
    await edit.session.execute("set_honour_days", edit.id, days)
    return found


def _errors(found: "Sequence[Finding]") -> bool:
    from ccmiddleware.dialer.checking import may_start

    return not may_start(list(found))


def _rows(found: "Sequence[Finding]") -> list[dict[str, Any]]:
    return [
        {"level": one.level.value, "key": one.key, "wrong": one.wrong, "right": one.right,
         "rule": one.rule}
        for one in found
    ]  # fmt: skip
