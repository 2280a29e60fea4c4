"""What agents say after a campaign's call settles what becomes of the lead.

A campaign's setting ``disposition.CODE`` says what a code means. It holds for the lead once the
attempt is over, and goes before the rules of ``retry``; a code that comes later, before an earlier
one. What means no more calls is on the do-not-call list by then (trigger of ccm.disposition).
"""

from datetime import datetime, timedelta
from typing import Any

from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.campaign_check import profile_of
from ccmiddleware.dialer.ending import place_of, what_follows
from ccmiddleware.dialer.profiles import InvalidProfile
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import campaign_hours
from ccmiddleware.dialer.windows import lawful_from
from ccmiddleware.store.database import Database, Row

LOOKED_BACK = timedelta(days=7)
"""Codes that were given longer ago mean nothing for leads any more."""


async def apply(database: Database, node: str, now: datetime) -> int:
    """Settle what came of codes; of how many. Raises TemporaryError."""
    rows = await database.fetch("dispositions_to_apply", node, now - LOOKED_BACK)
    for row in rows:
        meaning = row["settings"].get(f"disposition.{row['code']}") or {"effect": "none"}
        at, number = await _next(database, row, meaning, now)
        await database.fetchval(
            "settle_lead_disposition", row["disposition"], row["attempt"], row["lead_id"],
            meaning["effect"], now, at, number,
        )  # fmt: skip
    return len(rows)


async def _next(
    database: Database, row: Row, meaning: dict[str, Any], now: datetime
) -> tuple[datetime | None, str | None]:
    """When and on which number the lead is called again; None: it is not."""
    if meaning["effect"] == "machine":
        return await _as_after_a_machine(database, row)
    if meaning["effect"] not in ("again", "next_number"):
        return None, None
    known = await database.fetchrow("attempts_of_lead", row["lead_id"], row["attempt"], now)
    numbers = [one["number"] for one in (known["numbers"] or ()) if one["usable"]] if known else []
    if meaning["effect"] == "again":
        at, number = row["given_at"] + timedelta(seconds=meaning["after"]), row["number"]
    else:
        others = [one for one in _behind(row["number"], numbers) if one != row["number"]]
        at, number = now, next(iter(others), None)
    if known is None or number not in numbers:
        return None, None
    place = (known["places"] or {}).get(number)
    if place is None:
        return at, number
    try:
        profile = profile_of(row["settings"])
    except InvalidProfile:
        return at, number  # nobody is called before the campaign can be used again
    return lawful_from(place_of(place), profile, at, campaign_hours(row["settings"])), number


async def _as_after_a_machine(database: Database, row: Row) -> tuple[datetime | None, str | None]:
    """By the rule that the campaign has for machines."""
    try:
        profile = profile_of(row["settings"])
    except InvalidProfile:
        return None, None
    campaign = Campaign(row["campaign_id"], row["campaign"], 0, row["settings"], profile)
    machine = Ended(row["attempt"], row["lead_id"], row["number"], row["given_at"], "machine")
    following, _ = await what_follows(database, campaign, machine)
    if not following:
        return None, None
    return datetime.fromisoformat(following["at"]), following["number"]


def _behind(number: str, numbers: list[str]) -> list[str]:
    """The numbers behind that one, and then those before it."""
    if number not in numbers:
        return numbers
    at = numbers.index(number)
    return numbers[at + 1 :] + numbers[:at]
