"""Whether a campaign may be started: gathers what ``checking`` has to know, and asks it.

Whether Asterisk can read the sounds is not looked at here: they are on the node.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.checking import Facts, Finding, Level, SoundFile, check
from ccmiddleware.dialer.profile_files import BUILTIN
from ccmiddleware.dialer.profile_sets import KNOWN_LAW, PROFILES
from ccmiddleware.dialer.profiles import InvalidProfile, Profile
from ccmiddleware.dialer.settings import campaign_hours, effective, number_cap
from ccmiddleware.dialer.values import Value
from ccmiddleware.store.database import Database, Session

PROFILE = "set profile to " + ", ".join(BUILTIN) + " or one of `ccm campaign profiles`"


async def findings(
    reading: Database | Session, id_: UUID, settings: Mapping[str, Value], at: datetime
) -> list[Finding]:
    """All that is wrong with it now, errors first; none: it may start."""
    known = dict((await reading.fetch("campaign_check", id_))[0])
    found = list(_ways_out(settings, known))
    try:
        profile = profile_of(settings)
    except InvalidProfile as error:
        return [Finding(Level.ERROR, "profile", str(error), PROFILE), *found]
    found += check(facts_of(settings, known), profile, at)
    found += [one async for one in _looser(reading, id_, profile)]
    return sorted(found, key=lambda one: one.level is not Level.ERROR)


def profile_of(settings: Mapping[str, Value]) -> Profile:
    """The profile that is set. Raises InvalidProfile when there is none."""
    name = settings.get("profile")
    if name is None:
        raise InvalidProfile("", ["is not set"])
    return PROFILES.named(name)


async def _looser(
    reading: Database | Session, id_: UUID, profile: Profile
) -> AsyncIterator[Finding]:
    """Leads in countries whose law we have, with a profile that is compared with no law."""
    if profile.name in BUILTIN or profile.builds_on:
        return
    countries = {row["country"] for row in await reading.fetch("places_with_leads", id_)}
    for country in sorted(countries & KNOWN_LAW.keys()):
        law = KNOWN_LAW[country]
        yield Finding(
            Level.ERROR,
            "profile",
            f"{profile.name} builds on no law, and there are leads in {country}",
            f'write builds_on = "{law}" into its file: it may only be stricter than that',
        )


def _ways_out(settings: Mapping[str, Value], known: Mapping[str, Any]) -> list[Finding]:
    """What no law asks for, and no call is made without."""
    found = []
    if settings.get("node") is None:
        wrong, right = "is not set", "set the Asterisk node that dials"
        found.append(Finding(Level.ERROR, "node", wrong, right))
    if not known["trunks"]:
        wrong, right = "none is set", "set the ways out: `ccm trunk set` makes them"
        found.append(Finding(Level.ERROR, "trunks", wrong, right))
    if effective(settings)["mode"] == "agentless" and settings.get("agentless_message") is None:
        wrong, right = "is not set", "set the sound that is played"
        found.append(Finding(Level.ERROR, "agentless_message", wrong, right))
    return found


def facts_of(settings: Mapping[str, Value], known: Mapping[str, Any]) -> Facts:
    """A campaign as it is: what is set of it, and what the database ``known``."""
    holds = effective(settings)
    return Facts(
        mode=holds["mode"],
        caller_ids=tuple(holds["caller_ids"] or ()),
        seller_name=holds["seller_name"] or "",
        seller_number=holds["seller_number"] or "",
        ring_seconds=holds["ring_seconds"],
        drop_limit=holds["abandonment_limit"] / 100,
        message=_sound(holds["safe_harbour_message"]),
        opt_out_key=holds["opt_out_key"] or "",
        detection_seconds=holds["detection_seconds"] if holds["detection"] else None,
        machine_message=_sound(holds["machine_message"]),
        hours=campaign_hours(settings),
        cap=number_cap(settings),
        queue=holds["queue"] or "",
        queue_exists=known["queue_exists"],
        members=known["members"],
        members_nailed_up=known["nailed_up"],
        scrubbed_at=known["scrubbed_at"],
        leads=known["leads"],
        leads_without_consent=known["without_consent"],
    )


def _sound(name: str | None) -> SoundFile | None:
    return None if name is None else SoundFile(name)
