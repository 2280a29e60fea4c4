"""What a permit needs of the law: which places may be called now, until when, how often. Pure.

Worked out before leads are claimed. What may change until then (the lead, the do-not-call list,
calls to the same numbers) is tested by ``ccm.claim_leads``, in the transaction that claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ccmiddleware.dialer.caps import caps_of
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profiles import Cap, Profile
from ccmiddleware.dialer.windows import CampaignHours, calling

GUARANTEED = ("preview", "progressive")
"""Modes in which an agent is there before it rings."""


@dataclass(frozen=True)
class Rules:
    """What holds for all calls of a campaign at present."""

    profile: Profile
    hours: CampaignHours
    cap: Cap | None
    """The campaign's own."""
    ring: timedelta
    """How long it may ring: a window that closes sooner is closed."""


@dataclass(frozen=True)
class Opening:
    """A place that may be called."""

    until: datetime
    rule: str
    """Source of the rule that ends it."""
    caps: tuple[Cap, ...]


def openings(places: Mapping[int, Place], rules: Rules, at: datetime) -> dict[int, Opening]:
    """Those of the places that may be called at ``at``, by their numbers."""
    found: dict[int, Opening] = {}
    for number, place in places.items():
        now = calling(place, rules.profile, at, rules.hours)
        until = now.open_until
        if not now.lawful:
            continue
        if until is None:
            until = at + timedelta(days=1)  # no rule ends it; a permit has an end all the same
        if until > at + rules.ring:
            caps = caps_of(place, rules.profile, rules.cap)
            found[number] = Opening(until, now.rule, caps)
    return found


def opens_at(places: Mapping[int, Place], rules: Rules, at: datetime) -> datetime | None:
    """When the first of the places may be called, if none may now; None when none ever may."""
    times = (calling(place, rules.profile, at, rules.hours).opens_at for place in places.values())
    return min((time for time in times if time is not None), default=None)


def ask(
    lead: int,
    place: int,
    opening: Opening,
    profile: Profile,
    *,
    caller_id: str,
    trunk: str,
    chance: float | None = None,
) -> dict[str, Any]:
    """A lead to be claimed, as ``ccm.claim_leads`` takes it."""
    terms = profile.terms
    return {
        "lead": lead,
        "place": place,
        "open_until": opening.until.isoformat(),
        "window_rule": opening.rule,
        "caps": [
            {"calls": cap.calls, "hours": cap.hours, "source": cap.source} for cap in opening.caps
        ],
        "after_drop_hours": terms.after_drop_hours.value,
        "after_machine_hours": terms.after_machine_hours.value,
        "caller_id": caller_id,
        "trunk": trunk,
        "chance": chance,
    }
