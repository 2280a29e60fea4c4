"""Claims leads for calls that begin now: attempt, permit and lead in one transaction.

From the moment in which ``claim`` returns an attempt it exists, whatever becomes of the call; so
nothing is dialled that was not claimed, and nobody else dials that lead.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.caller_ids import caller_id_for
from ccmiddleware.dialer.permits import GUARANTEED, Opening, ask, openings
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.promises import Due, assigned
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.store.database import Database, Row

LOOKED_AT = 2
"""Leads that are looked at for each that is wanted: some are refused."""

MOST_AT_ONCE = 500
"""Leads in one transaction; more would hold the do-not-call list for too long."""

PLACES_EVERY = timedelta(minutes=1)
"""How old the list of places may be in which there are leads."""


@dataclass
class Claims:
    """What came of an attempt to claim leads."""

    claimed: list[Claimed] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Leads that may not be called, by reason: dnc, called_lately."""


@dataclass(frozen=True)
class AtHand:
    """Which leads there are. ``ready``: whether one may be called now, as far as is known before it
    is claimed."""

    places: int
    open_places: int
    ready: bool


class Claiming:
    """The leads of one campaign, for the leader of its node in one term."""

    def __init__(
        self,
        database: Database,
        node: str,
        term: int,
        *,
        chance: Callable[[Row], float] | None = None,
    ) -> None:
        """``chance``: how probable it is that a person answers; the most probable leads of those
        at hand are called first."""
        self._database = database
        self._node = node
        self._term = term
        self._chance = chance
        self._places: dict[int, Place] = {}
        self._places_until: datetime | None = None
        self._places_of: UUID | None = None
        self._turn = 0

    async def at_hand(self, campaign: Campaign, now: datetime) -> AtHand:
        """Whether there is anybody to call. Raises TemporaryError."""
        places = await self._places_with_leads(campaign, now)
        opened = openings(places, campaign.rules, now)
        if not opened:
            return AtHand(len(places), 0, ready=False)
        rows = await self._database.fetch("leads_to_claim", campaign.id, list(opened), now, 1)
        return AtHand(len(places), len(opened), ready=bool(rows))

    async def claim(self, campaign: Campaign, trunks: Sequence[str], now: datetime) -> Claims:
        """Claim leads that may be called at ``now``, one for each of the trunks at most.

        None when the campaign was paused, stopped or edited meanwhile. Raises TemporaryError.
        """
        claims = Claims()
        free = list(trunks)
        places = await self._places_with_leads(campaign, now)
        opened = openings(places, campaign.rules, now)
        while opened and free:
            missing = min(len(free), MOST_AT_ONCE)
            rows = await self._database.fetch(
                "leads_to_claim", campaign.id, list(opened), now, missing * LOOKED_AT
            )
            chosen = self._best(rows, missing)
            if not chosen:
                break
            asks = [
                self._ask(
                    campaign, row["lead"], row["place_id"], row["number"], opened, trunk, chance
                )
                for (row, chance), trunk in zip(chosen, free, strict=False)
            ]
            if not await self._take(campaign, asks, _terms(campaign), free, now, claims):
                break  # paused or edited; or somebody else holds all that are left
        return claims

    async def claim_callbacks(
        self, campaign: Campaign, trunks: Sequence[str], agents: Collection[str], now: datetime
    ) -> Claims:
        """Claim promised callbacks that are due, one for each trunk and each free agent at most.

        To be asked for before ``claim``, and for a campaign that is paused as well (with its
        present revision); one that is stopped keeps no promises. ``agents``: interfaces of agents
        who are free, and kept for these calls until they are answered; without one nothing is
        claimed. ``Claimed.agent`` is the one for whom a call is that was promised by him; each
        call without takes one of the others. Raises TemporaryError.
        """
        claims = Claims()
        if not trunks or not agents:
            return claims
        places = {
            row["id"]: Place(row["country"], tuple(row["zones"]), tuple(row["states"]))
            for row in await self._database.fetch("places_with_callbacks", campaign.id, now)
        }
        opened = openings(places, campaign.rules, now)
        if not opened:
            return claims
        anybody = campaign.holds["callback_anybody"]
        free = list(agents)
        rows = await self._database.fetch(
            "callbacks_to_claim", campaign.id, now, list(opened), free, anybody, MOST_AT_ONCE
        )
        chosen = assigned([_due(row) for row in rows], free)
        asks = [
            self._ask(campaign, one.lead, one.place, one.number, opened, trunk)
            | {"callback": str(one.callback)}
            for (one, _), trunk in zip(chosen, trunks, strict=False)
        ]
        if asks:
            terms = _terms(campaign) | {"callbacks_only": True, "agent_guaranteed": True}
            await self._take(campaign, asks, terms, list(trunks), now, claims)
        whose = {one.lead: (one.callback, agent) for one, agent in chosen}
        claims.claimed = [
            replace(claimed, callback=whose[claimed.lead][0], agent=whose[claimed.lead][1])
            for claimed in claims.claimed
        ]
        return claims

    def _best(self, rows: Sequence[Row], wanted: int) -> list[tuple[Row, float | None]]:
        if self._chance is None:
            return [(row, None) for row in rows[:wanted]]
        rated = [(row, self._chance(row)) for row in rows]
        # Stable: of the same priority and chance, whoever waits longest.
        rated.sort(key=lambda one: (-one[0]["priority"], -one[1]))
        return list(rated[:wanted])

    async def _take(
        self,
        campaign: Campaign,
        wanted: Sequence[dict[str, Any]],
        terms: Mapping[str, Any],
        free: list[str],
        now: datetime,
        claims: Claims,
    ) -> bool:
        """Claim these; the trunks by which they go are taken out of ``free``."""
        asks = {ask["lead"]: ask for ask in wanted}
        told = await self._database.fetch(
            "claim_leads",
            campaign.id,
            self._node,
            self._term,
            now,
            terms,
            list(wanted),
        )
        for row in told:
            if row["attempt_id"] is None:
                claims.refused[row["refusal"]] += 1
                continue
            asked = asks[row["lead_id"]]
            free.remove(asked["trunk"])
            claims.claimed.append(
                Claimed(
                    row["attempt_id"],
                    row["lead_id"],
                    row["number"],
                    asked["caller_id"],
                    asked["trunk"],
                )
            )
        return bool(told)

    def _ask(
        self,
        campaign: Campaign,
        lead: int,
        place: int,
        number: str,
        opened: Mapping[int, Opening],
        trunk: str,
        chance: float | None = None,
    ) -> dict[str, Any]:
        self._turn += 1
        shown = caller_id_for(campaign.holds["caller_ids"] or (), number, self._turn)
        return ask(
            lead,
            place,
            opened[place],
            campaign.profile,
            caller_id=shown or "",
            trunk=trunk,
            chance=chance,
        )

    async def _places_with_leads(self, campaign: Campaign, now: datetime) -> dict[int, Place]:
        fresh = self._places_until is not None and now < self._places_until
        if not fresh or not self._places or self._places_of != campaign.id:
            rows = await self._database.fetch("places_with_leads", campaign.id)
            self._places = {
                row["id"]: Place(row["country"], tuple(row["zones"]), tuple(row["states"]))
                for row in rows
            }
            self._places_until, self._places_of = now + PLACES_EVERY, campaign.id
        return self._places


def _due(row: Row) -> Due:
    return Due(
        row["callback"], row["lead"], row["place_id"], row["number"], row["agent"], row["anybody"]
    )


def _terms(campaign: Campaign) -> dict[str, Any]:
    holds = campaign.holds
    return {
        "revision": campaign.revision,
        "mode": holds["mode"],
        "profile": campaign.profile.label,
        "scrub": campaign.scrub,
        "seller_name": holds["seller_name"] or "",
        "seller_number": holds["seller_number"] or "",
        "purpose": holds["purpose"] or "",
        "ring_seconds": holds["ring_seconds"],
        "agent_guaranteed": holds["mode"] in GUARANTEED,
    }
