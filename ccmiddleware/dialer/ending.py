"""Writes down how attempts ended, and when their leads are called again.

An attempt ends once: telling it again changes nothing. Who wants no further calls is on the
do-not-call list before that is written.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ccmiddleware.dialer import dnc
from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.retry import Again, Attempt, Number, what_next
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import retry_rules
from ccmiddleware.dialer.windows import lawful_from
from ccmiddleware.store.database import Database, Row

OPT_OUT = "opt_out"
"""Source of what is on the do-not-call list since the party said so."""

WOKEN_AT_ONCE = 10_000


async def dialed(database: Database, attempts: Sequence[tuple[UUID, datetime]]) -> None:
    """When Asterisk took the orders to dial these attempts. Raises TemporaryError."""
    ids, times = [id_ for id_, _ in attempts], [at for _, at in attempts]
    await database.execute("note_dialed", ids, times)


async def end(database: Database, campaign: Campaign, ended: Ended) -> bool:
    """Write down the end, and what becomes of the lead; False when that was done before.

    Raises TemporaryError; then nothing, or the opt-out alone, is written, and it may be told again.
    """
    if ended.opted_out:
        async with dnc.changing(database, by="ccm") as change:
            entry = Entry(ended.number, note=f"asked in attempt {ended.attempt}")
            await change.add([entry], OPT_OUT, None)
    following = await _following(database, campaign, ended)
    told: bool = await database.fetchval(
        "end_attempt", ended.attempt, ended.at, ended.result, ended.facts, following
    )
    return told


async def wake(database: Database, campaign: UUID, now: datetime) -> int:
    """Leads whose time to wait is over may be called again; how many. Raises TemporaryError."""
    return await database.execute("wake_leads", campaign, now, WOKEN_AT_ONCE)


async def left_open(database: Database, node: str, term: int) -> list[Row]:
    """Attempts of earlier leaders of the node whose end nobody wrote down."""
    return await database.fetch("open_attempts", node, term)


async def _following(database: Database, campaign: Campaign, ended: Ended) -> dict[str, str]:
    """When and on which number the lead is called again; nothing when it is done."""
    known = await database.fetchrow("attempts_of_lead", ended.lead, ended.attempt, ended.at)
    if known is None:
        return {}
    attempts = [
        _ended(ended, one) if UUID(one["id"]) == ended.attempt else _attempt(one)
        for one in known["attempts"] or ()
    ]
    places = {number: _place(place) for number, place in (known["places"] or {}).items()}
    here = places.get(ended.number)
    next_ = what_next(
        retry_rules(campaign.settings),
        [Number(one["number"], one["usable"]) for one in known["numbers"] or ()],
        attempts,
        ended.at,
        zone=here.zones[0] if here is not None else "UTC",
    )
    if not isinstance(next_, Again):
        return {}
    at: datetime | None = next_.at
    place = places.get(next_.number)
    if place is not None:
        at = lawful_from(place, campaign.profile, next_.at, campaign.rules.hours)
    return {} if at is None else {"at": at.isoformat(), "number": next_.number}


def _attempt(row: Mapping[str, Any]) -> Attempt:
    at = datetime.fromisoformat(row["at"]).astimezone(UTC)
    return Attempt(at, row["number"], row["result"], row["cause"])


def _ended(ended: Ended, row: Mapping[str, Any]) -> Attempt:
    at = datetime.fromisoformat(row["at"]).astimezone(UTC)
    return Attempt(at, ended.number, ended.result, ended.cause)


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["country"], tuple(row["zones"]), tuple(row["states"]))
