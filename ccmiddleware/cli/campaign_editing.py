"""One edit of a campaign for the commands that make one, and how what came of it is told."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, say
from ccmiddleware.cli.output import Column, emit, emit_json

if TYPE_CHECKING:
    from ccmiddleware.dialer.campaigns import Edit

CHANGES = (
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)

campaign_argument = click.argument("campaign", metavar="CAMPAIGN")
campaign_option = click.option("--campaign", metavar="NAME", help="Only of this campaign.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing."
)


@asynccontextmanager
async def checked() -> AsyncIterator[None]:
    """What is given wrongly is a matter of usage; a campaign that is not there is not found."""
    from ccmiddleware.dialer.campaigns import NoCampaign
    from ccmiddleware.dialer.values import InvalidCampaign

    try:
        yield
    except NoCampaign as error:
        raise NothingFound(str(error)) from None
    except InvalidCampaign as error:
        raise click.UsageError(str(error)) from None


@asynccontextmanager
async def editing(
    app: App, campaign: str, *, dry_run: bool = False, new: bool = False
) -> AsyncIterator["Edit"]:
    """One edit by the user who runs this."""
    from ccmiddleware.dialer import campaigns

    async with (
        checked(),
        opened(app) as database,
        campaigns.editing(database, campaign, by=user(), dry_run=dry_run, new=new) as edit,
    ):
        yield edit


def outcome(edit: "Edit", *, dry_run: bool = False) -> dict[str, Any]:
    """What came of an edit, for ``report``."""
    return {
        "campaign": edit.name,
        "state": edit.state,
        "revision": edit.revision,
        "dry_run": dry_run,
        "changes": edit.changes,
    }


def report(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what came of an edit."""
    if as_json:
        emit_json(dict(result))
        return
    emit(result["changes"], CHANGES, as_json=False, empty="nothing to change: it is so already")
    if result["dry_run"] and result["changes"]:
        say("nothing was changed; this would be")
