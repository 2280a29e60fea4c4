"""What several commands show of a campaign's dialing: its drops, its decisions."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccmiddleware.dialer.decisions import Stored
    from ccmiddleware.dialer.standing import Standing
    from ccmiddleware.store.database import Database, Row


async def standing_of(
    database: "Database", campaign: "Row", today: date
) -> "tuple[Standing | None, str]":
    """How a campaign stands with its drops on that day; None, and why, when that can't be said."""
    from ccmiddleware.dialer.campaign_check import profile_of
    from ccmiddleware.dialer.profiles import InvalidProfile
    from ccmiddleware.dialer.standing import first_day, period_began, standing, zone_of

    settings: Mapping[str, Any] = campaign["settings"]
    try:
        profile = profile_of(settings)
    except InvalidProfile as error:
        return None, str(error)
    began = first_day(campaign["started_at"], zone_of(settings), today)
    since = period_began(profile, began, today)
    days = await database.fetch("campaign_days", campaign["name"], since, today)
    return standing(settings, profile, began, today, [dict(row) for row in days]), ""


async def decision_before(
    database: "Database", campaign: "Row", at: datetime, *, numbered: bool | None = None
) -> "Stored | None":
    """The last decision before or at that time; ``numbered``: only with, or without, calls."""
    row = await database.fetchrow("campaign_decision_before", campaign["id"], at, numbered)
    return None if row is None else stored(dict(row))


def stored(row: Mapping[str, Any]) -> "Stored":
    """A decision from its row."""
    from ccmiddleware.dialer.decisions import Stored

    return Stored(row["at"], row["number"], row["claimed"], row["reason"], row["detail"])


def decision_as_json(decision: "Stored | None") -> dict[str, Any] | None:
    """All of it, with its words."""
    from ccmiddleware.dialer.decisions import in_short, in_words

    if decision is None:
        return None
    return {
        "at": decision.at,
        "number": decision.number,
        "claimed": decision.claimed,
        "reason": decision.reason,
        "short": in_short(decision),
        "words": in_words(decision),
        "detail": dict(decision.detail),
    }


async def silent_because(database: "Database", campaign: "Row") -> str:
    """Why there is no decision of a campaign, as far as can be told."""
    name, state = campaign["name"], campaign["state"]
    if state == "draft":
        return f"{name} is a draft and never dialled: `ccm campaign start {name}`"
    if campaign["node"] is None:
        return f"{name} has no node that dials: `ccm campaign set {name} node=NAME`"
    if state != "running":
        return f"{name} is {state}: only a running campaign dials"
    nodes = await database.fetch("wallboard_queues", campaign["node"], campaign["queue"])
    if not nodes:
        return f"{name} dials on node {campaign['node']}, of which no daemon has told anything yet"
    if not nodes[0]["led"]:
        return f"no daemon leads node {campaign['node']}, on which {name} dials: `ccm status`"
    return f"{name} runs, and the daemon has decided nothing for it yet"
