"""Writes down how attempts ended, and when their leads are called again.

An attempt ends once: telling it again changes nothing. Who wants no further calls is on the
do-not-call list before that is written.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.retry import Again, Attempt, Finished, Number, Promise, what_next
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import retry_rules
from ccmiddleware.dialer.windows import lawful_from
from ccmiddleware.store.database import Database, Row

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
        async with database.transaction() as session:
            await session.fetchval(
                "note_opt_out", f"attempt:{ended.attempt}", "keypad", ended.number,
                [ended.number], ended.lead, None, ended.at, "ccm", "",
            )  # fmt: skip
            await session.execute("honour_opt_outs")
    following, kept = await what_follows(database, campaign, ended)
    async with database.transaction() as session:
        told: bool = await session.fetchval(
            "end_attempt", ended.attempt, ended.at, ended.result, ended.facts, following
        )
        if told and kept is not None:
            await session.execute(
                "settle_lead_callback", kept.callback, kept.state, kept.again_at, kept.reason,
                ended.at,
            )  # fmt: skip
    return told


async def wake(database: Database, campaign: UUID, now: datetime) -> int:
    """Leads whose time to wait is over may be called again; how many. Raises TemporaryError.

    Before that, whoever asked not to be called any more is on the do-not-call list.
    """
    await database.execute("honour_opt_outs")
    return await database.execute("wake_leads", campaign, now, WOKEN_AT_ONCE)


async def left_open(database: Database, node: str, known: Collection[UUID] = ()) -> list[Row]:
    """Attempts of the node whose end nobody wrote down, but for those that are ``known``."""
    return await database.fetch("open_attempts", node, list(known))


async def reopen(database: Database, attempts: Collection[UUID]) -> None:
    """Of these something was told; where the end was only concluded, it is open again."""
    await database.execute("reopen_attempts", list(attempts))


async def reopen_told(database: Database, node: str, since: datetime) -> None:
    """The same of those whose end was concluded, though queue_log tells of them by now."""
    rows = await database.fetch("concluded_and_told", node, since)
    if rows:
        await reopen(database, [row["id"] for row in rows])


@dataclass(frozen=True)
class _Kept:
    """What came of a promise. ``again_at``: when it is tried again; None: it is over."""

    callback: UUID
    state: str
    reason: str
    again_at: datetime | None = None


async def what_follows(
    database: Database, campaign: Campaign, ended: Ended
) -> tuple[dict[str, str], _Kept | None]:
    """When and on which number the lead is called again; nothing when it is done.

    And what came of the promise that the call was to keep, if it was. What is said of the lead
    holds when that promise is over.
    """
    known = await database.fetchrow("attempts_of_lead", ended.lead, ended.attempt, ended.at)
    if known is None:
        return {}, None
    promise = known["promise"]
    attempts = [
        _attempt(one, promise, ended if UUID(one["id"]) == ended.attempt else None)
        for one in known["attempts"] or ()
    ]
    places = {number: place_of(place) for number, place in (known["places"] or {}).items()}
    numbers = [Number(one["number"], one["usable"]) for one in known["numbers"] or ()]
    rules = retry_rules(campaign.settings)

    def lawful(next_: Again) -> datetime | None:
        place = places.get(next_.number)
        if place is None:
            return next_.at
        return lawful_from(place, campaign.profile, next_.at, campaign.rules.hours)

    here = places.get(ended.number)
    zone = here.zones[0] if here is not None else "UTC"
    next_ = what_next(rules, numbers, attempts, ended.at, zone=zone)
    at = lawful(next_) if isinstance(next_, Again) else None
    kept = None
    if promise is not None:
        promised = Promise(_time(promise["at"]), promise["number"], _time(promise["made_at"]))
        again = what_next(rules, numbers, attempts, ended.at, zone=zone, promise=promised)
        kept = _kept(UUID(promise["id"]), ended, again, lawful)
    if not isinstance(next_, Again) or at is None:
        return {}, kept
    return {"at": at.isoformat(), "number": next_.number}, kept


def _kept(
    callback: UUID,
    ended: Ended,
    next_: Again | Finished,
    lawful: Callable[[Again], datetime | None],
) -> _Kept:
    if ended.result == "connected":
        return _Kept(callback, "reached", "")
    if not isinstance(next_, Again) or not next_.callback:
        return _Kept(callback, "tried", f"{ended.result}, and not tried again as a promise")
    return _Kept(callback, "tried", next_.reason, lawful(next_))


def _attempt(
    row: Mapping[str, Any], promise: Mapping[str, Any] | None, ended: Ended | None
) -> Attempt:
    """An attempt as it was, or ``ended`` now. ``promise``: the one that is looked at."""
    result, cause = (ended.result, ended.cause) if ended else (row["result"], row["cause"])
    to_keep_it = promise is not None and row["callback"] == promise["id"]
    return Attempt(_time(row["at"]), row["number"], result, cause, to_keep_it)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def place_of(row: Mapping[str, Any]) -> Place:
    """A place as ``attempts_of_lead`` tells it."""
    return Place(row["country"], tuple(row["zones"]), tuple(row["states"]))
