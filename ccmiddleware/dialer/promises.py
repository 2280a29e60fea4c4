"""Callbacks that are promised to leads: when one may be promised, and which agent keeps it. Pure.

A promise binds as far as the law lets it: hours, the do-not-call list and the caps of the place
hold for it as for any call, also when the party itself asked for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.permits import Rules
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.values import InvalidCampaign
from ccmiddleware.dialer.windows import calling

GRACE = timedelta(minutes=1)
"""A promise for now is typed in a moment before it is read."""
FARTHEST = timedelta(days=366)


@dataclass(frozen=True)
class Due:
    """A promised callback whose time has come."""

    callback: UUID
    lead: int
    place: int
    number: str
    agent: str = ""
    """Interface of the agent who promised it; empty: nobody in particular."""
    anybody: bool = True
    """Whether any agent may keep it by now."""
    name: str = ""
    """Of the lead."""


def assigned(due: Sequence[Due], free: Collection[str]) -> list[tuple[Due, str]]:
    """Which of them are called now, each with a free agent of its own; in their order.

    Whoever promised one himself keeps that; the rest is for those who are left. The interface is
    empty where any of these will do.
    """
    mine: dict[UUID, str] = {}
    left = set(free)
    for one in due:
        if one.agent in left:
            mine[one.callback] = one.agent
            left.remove(one.agent)
    found = []
    for one in due:
        if one.callback in mine:
            found.append((one, mine[one.callback]))
        elif one.anybody and left:
            left.pop()
            found.append((one, ""))
    return found


def check_time(at: datetime, now: datetime, place: Place, rules: Rules) -> None:
    """Raises InvalidCampaign, with the next lawful time, when a call may not be promised for it."""
    if at < now - GRACE:
        raise InvalidCampaign(
            f"{there(place, at)} is over; a callback is promised for a time to come"
        )
    if at > now + FARTHEST:
        raise InvalidCampaign(f"{there(place, at)} is more than {FARTHEST.days} days away")
    found = calling(place, rules.profile, at, rules.hours)
    if found.lawful:
        return
    why = "; ".join(found.reasons)
    if found.opens_at is None:
        raise InvalidCampaign(f"no call may be promised there: {why}")
    raise InvalidCampaign(
        f"at {there(place, at)} no call may be made there: {why}. "
        f"The next time at which one may is {there(place, found.opens_at)} "
        f"({found.opens_at.isoformat()})"
    )


def there(place: Place, at: datetime) -> str:
    """A time by the clocks of all zones where the party may be."""
    clocks = (f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}" for zone in place.zones)
    return " or ".join(dict.fromkeys(clocks))
