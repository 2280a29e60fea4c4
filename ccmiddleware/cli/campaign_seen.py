"""What several commands show of a campaign's dialing: its drops, its decisions."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.decisions import Stored
    from ccmiddleware.dialer.standing import Standing
    from ccmiddleware.store.database import Database, Row


DECIDES_EVERY = timedelta(seconds=90)
"""While a campaign dials a decision is stored every minute at least."""


async def standing_of(
    database: "Database", campaign: "Row", today: date, leads: Mapping[str, int]
) -> "tuple[Standing | None, str]":
    """How a campaign stands with its drops on that day; None, and why, when that can't be said.

    ``leads``: how many there are by state.
    """
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
    left = leads.get("new", 0) + leads.get("ready", 0)
    return standing(settings, profile, began, today, [dict(row) for row in days], left), ""


async def decision_before(
    database: "Database", campaign: "Row", at: datetime, *, calls: bool | None = None
) -> "Stored | None":
    """The last decision before or at that time; ``calls``: only one that began calls, or none."""
    row = await database.fetchrow("campaign_decision_before", campaign["id"], at, calls)
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
    """Why a campaign decides nothing now, as far as can be told."""
    name, state = campaign["name"], campaign["state"]
    if state == "draft":
        return f"{name} is a draft and never dialed: `ccm campaign start {name}`"
    if state != "running":
        return f"{name} is {state}: only a running campaign dials"
    nodes = await database.fetch("wallboard_queues", campaign["node"] or "", campaign["queue"])
    if not nodes:
        return f"{name} dials on node {campaign['node']}, of which no daemon has told anything yet"
    if not nodes[0]["led"]:
        return f"no daemon leads node {campaign['node']}, on which {name} dials: `ccm status`"
    if nodes[0]["link"] != "up":
        return f"the link to Asterisk {campaign['node']} is {nodes[0]['link']}: `ccm status`"
    wrong = await _in_the_way(database, campaign)
    if wrong:
        return f"something is in the way (`ccm campaign check {name}`): {'; '.join(wrong)}"
    return f"{name} runs, and the daemon has decided nothing for it yet"


async def _in_the_way(database: "Database", campaign: "Row") -> list[str]:
    from ccmiddleware.dialer.campaign_check import findings
    from ccmiddleware.dialer.checking import Level
    from ccmiddleware.dialer.settings import effective, from_stored
    from ccmiddleware.dialer.standing import zone_of
    from ccmiddleware.dialer.values import InvalidCampaign

    now = utc_now()
    try:
        settings = from_stored(campaign["settings"])
    except InvalidCampaign as error:
        return [str(error)]
    found = await findings(database, campaign["id"], settings, now)
    wrong = [f"{one.key} {one.wrong}" for one in found if one.level is Level.ERROR]
    last = effective(settings)["stop_date"]
    if last is not None and now.astimezone(zone_of(settings)).date().isoformat() > str(last):
        wrong.append(f"its last day was {last}")
    return wrong
