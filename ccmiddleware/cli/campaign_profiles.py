"""``ccm campaign profiles``: the laws that campaigns can dial by, and what each of them asks."""

import sys
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.dialer.profile_sets import Found
    from ccmiddleware.dialer.profiles import Profile

LIST = (
    Column("name", "PROFILE"),
    Column("version", "EDITION"),
    Column("title", "TITLE"),
    Column("builds_on", "BUILDS ON"),
    Column("source", "FROM"),
    Column("used_by", "CAMPAIGNS"),
)
RULES = (
    Column("key", "KEY"),
    Column("value", "VALUE"),
    Column("source", "SOURCE"),
)


@click.command("profiles", epilog="Example:  ccm campaign profiles us-ftc")
@click.argument("name", metavar="[PROFILE]", required=False)
@json_option
@pass_app
def profiles(app: App, name: str | None, as_json: bool) -> None:
    """List the profiles of law that there are; or all that one of them asks, with its source.

    Your own are files NAME.toml in the directory that [dialing] profiles of ccm.toml names; one
    that can't be used is told with file, line and key (exit code 1).
    """
    app.settings()  # says where your own are
    if name is not None:
        _one(name, as_json=as_json)
        return
    found = _all()
    used = run(_used(app))
    rows = [_row(one) | {"used_by": used.get(one.name, [])} for one in found]
    if as_json:
        emit_json(rows)
    else:
        usable = [row | {"used_by": ", ".join(row["used_by"])} for row in rows if row["usable"]]
        emit(usable, LIST, as_json=False, empty="")
        for row in rows:
            for problem in row["problems"]:
                say(f"profile {row['name']} can't be used: {problem}")
    if not all(row["usable"] for row in rows):
        sys.exit(1)


def _all() -> "list[Found]":
    from ccmiddleware.dialer.profile_sets import PROFILES
    from ccmiddleware.dialer.profiles import InvalidProfile

    try:
        return PROFILES.all()
    except InvalidProfile as error:
        raise NothingFound("; ".join(error.problems)) from None


async def _used(app: App) -> dict[str, list[str]]:
    """Names of the campaigns that are not stopped, by profile."""
    async with checked(), opened(app) as database:
        found: dict[str, list[str]] = {}
        for row in await database.fetch("list_campaigns", None, None):
            if row["state"] != "stopped":
                found.setdefault(row["settings"].get("profile", ""), []).append(row["name"])
        return found


def _row(found: "Found") -> dict[str, Any]:
    profile = found.profile
    return {
        "name": found.name,
        "version": profile.version if profile else "",
        "title": profile.title if profile else "",
        "builds_on": profile.builds_on if profile else "",
        "label": profile.label if profile else "",
        "source": str(found.path) if found.path else "ccmiddleware",
        "usable": profile is not None,
        "problems": list(found.problems),
    }


def _one(name: str, *, as_json: bool) -> None:
    from ccmiddleware.dialer.profile_rows import rows
    from ccmiddleware.dialer.profile_sets import PROFILES
    from ccmiddleware.dialer.profiles import InvalidProfile

    try:
        profile: Profile = PROFILES.named(name)
    except InvalidProfile as error:
        raise NothingFound("\n".join(error.problems)) from None
    asked = [{"key": row.key, "value": row.value, "source": row.source} for row in rows(profile)]
    if as_json:
        emit_json({"label": profile.label, "title": profile.title, "rules": asked})
        return
    emit_text(f"{profile.label}: {profile.title}\n")
    emit(asked, RULES, as_json=False, empty="")
