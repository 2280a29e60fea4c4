"""Callbacks promised to leads: made, moved, cancelled; each in one transaction with the lead held.

``claiming`` has them called, ``ending`` says what came of the call.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.campaign_check import profile_of
from ccmiddleware.dialer.permits import Rules
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profiles import InvalidProfile
from ccmiddleware.dialer.promises import check_time, there
from ccmiddleware.dialer.settings import campaign_hours, effective, number_cap
from ccmiddleware.dialer.values import InvalidCampaign
from ccmiddleware.store.database import Database, Row, Session

SUPERSEDED = "another one was promised while it was being kept"


class _NothingToKeep(Exception):
    """A dry run: roll back."""


@dataclass(frozen=True)
class Wish:
    """What is to be promised. What is None is as the campaign, or the earlier promise, has it."""

    at: datetime | None = None
    agent: str | None = None
    """Name or interface; empty: anybody."""
    number: str | None = None
    tolerance: timedelta | None = None
    note: str | None = None


async def promise(
    database: Database, lead: int, wish: Wish, *, by: str, now: datetime, dry_run: bool = False
) -> dict[str, Any]:
    """Promise a lead a call. Raises InvalidCampaign for what can't be promised."""
    if wish.at is None:
        raise InvalidCampaign("say for what time it is promised")
    made: dict[str, Any] = {}
    try:
        async with database.transaction() as session:
            known = await _lead(session, lead)
            number, place = await _number(session, lead, wish.number, now)
            agent = await _agent(session, known, wish.agent or "")
            check(known, wish.at, now, place)
            until = wish.at + (wish.tolerance or _tolerance(known))
            await _make_room(session, lead, now)
            id_ = await session.fetchval(
                "add_lead_callback", lead, known["campaign_id"], number["ordinal"], wish.at, until,
                agent and agent["id"], wish.note or "", by, now,
            )  # fmt: skip
            made = _told(id_, known, number["number"], place, wish.at, until, agent)
            if dry_run:
                raise _NothingToKeep
    except _NothingToKeep:
        pass
    return made


async def move(
    database: Database, callback: UUID, wish: Wish, *, by: str, now: datetime
) -> dict[str, Any]:
    """Change the time, the agent or the tolerance of an open promise. Raises InvalidCampaign."""
    async with database.transaction() as session:
        before, known = await _open(session, callback)
        number, place = await _number(session, before["lead_id"], before["number"], now)
        at = wish.at or before["promised_at"]
        if wish.at is not None:
            check(known, at, now, place)
        if wish.agent is None:
            agent = await _agent(session, known, before["interface"] or "")
        else:
            agent = await _agent(session, known, wish.agent)
        tolerance = wish.tolerance or before["late_from"] - before["promised_at"]
        note = before["note"] if wish.note is None else wish.note
        await session.execute(
            "move_lead_callback", callback, at, at + tolerance, agent and agent["id"], note, by, now
        )
        return _told(callback, known, number["number"], place, at, at + tolerance, agent)


async def cancel(database: Database, callback: UUID, *, by: str, now: datetime) -> bool:
    """Take an open promise back; whether its call is on, which goes on. Raises InvalidCampaign."""
    async with database.transaction() as session:
        before, known = await _open(session, callback)
        await session.execute("close_lead_callback", callback, "cancelled", f"by {by}", now)
        return bool(known["state"] == "claimed" and before["calling"])


def check(known: Row, at: datetime, now: datetime, place: Place) -> None:
    """Raises InvalidCampaign when the campaign, as it is set, can't keep that promise."""
    name, state, settings = known["campaign"], known["campaign_state"], known["settings"]
    if state not in ("running", "paused"):
        raise InvalidCampaign(
            f"{name} is {state} and keeps no promises: `ccm campaign start {name}` first"
        )
    if known["mode"] == "agentless":
        raise InvalidCampaign(f"{name} is agentless: nobody is there who could call back")
    holds = effective(settings)
    last = holds["stop_date"]
    if last is not None and at.astimezone(ZoneInfo(holds["time_zone"])).date() > date.fromisoformat(
        str(last)
    ):
        raise InvalidCampaign(f"{name} dials until {last} (its stop_date)")
    try:
        profile = profile_of(settings)
    except InvalidProfile as error:
        raise InvalidCampaign(str(error)) from None
    rules = Rules(
        profile,
        campaign_hours(settings),
        number_cap(settings),
        timedelta(seconds=holds["ring_seconds"]),
    )
    check_time(at, now, place, rules)


async def _lead(session: Session, lead: int) -> Row:
    row = await session.fetchrow("lock_lead", lead)
    if row is None:
        raise InvalidCampaign(f"there is no lead {lead}")
    return row


async def _open(session: Session, callback: UUID) -> tuple[Row, Row]:
    """The promise and its lead, both held. Raises InvalidCampaign when it is over."""
    row = await session.fetchrow("show_lead_callback", str(callback))
    if row is None:
        raise InvalidCampaign(f"there is no callback {callback}")
    known = await _lead(session, row["lead_id"])
    row = await session.fetchrow(
        "show_lead_callback", str(callback)
    )  # as it is, now that it is held
    if row is None or row["closed_at"] is not None:
        state = "gone" if row is None else row["state"]
        raise InvalidCampaign(f"it is {state}, and can't be changed any more")
    return row, known


async def _number(
    session: Session, lead: int, wanted: str | None, now: datetime
) -> tuple[Row, Place]:
    """The number to call: what is wanted, or was called last, or would be called next."""
    rows = await session.fetch("numbers_to_promise", lead, now)
    if wanted is not None:
        fits = [row for row in rows if row["number"] == wanted]
    else:
        fits = [row for row in rows if row["called_last"]] or [
            row for row in rows if not row["forbidden"]
        ] or list(rows)  # fmt: skip
    if not fits:
        known = ", ".join(row["number"] for row in rows) or "none"
        raise InvalidCampaign(f"the lead has no number {wanted or ''}; it has {known}")
    row = fits[0]
    if row["forbidden"]:
        raise InvalidCampaign(
            f"{row['number']} is on the do-not-call list: no call of it may be promised"
        )
    return row, Place(row["country"], tuple(row["zones"]), tuple(row["states"]))


async def _agent(session: Session, known: Row, wanted: str) -> Row | None:
    if not wanted:
        return None
    rows = await session.fetch("agents_to_promise", known["node"], wanted, known["queue"])
    serving = [row for row in rows if row["serves"]] or list(rows)
    if not rows:
        raise InvalidCampaign(
            f"there is no agent {wanted!r} on {known['node']}: `ccm agent list` shows who is"
        )
    if len(serving) > 1:
        which = ", ".join(row["interface"] for row in serving)
        raise InvalidCampaign(f"several agents are named {wanted!r}: say which of {which}")
    return serving[0]


async def _make_room(session: Session, lead: int, now: datetime) -> None:
    """A promise whose call is on may be followed by another one; else a lead has one."""
    open_ = await session.fetchrow("open_promise", lead)
    if open_ is None:
        return
    if not open_["under_way"]:
        raise InvalidCampaign(
            f"the lead has a callback for {open_['promised_at'].isoformat()}: "
            f"`ccm callback move {open_['id']}` changes it"
        )
    await session.execute("close_lead_callback", open_["id"], "tried", SUPERSEDED, now)


def _tolerance(known: Row) -> timedelta:
    return timedelta(seconds=effective(known["settings"])["callback_tolerance"])


def _told(
    id_: UUID, known: Row, number: str, place: Place, at: datetime, until: datetime,
    agent: Row | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": id_,
        "campaign": known["campaign"],
        "lead_id": known["id"],
        "lead": known["name"],
        "number": number,
        "promised_at": at,
        "there": there(place, at),
        "late_from": until,
        "agent": agent and (agent["name"] or agent["interface"]),
    }
