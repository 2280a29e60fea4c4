"""Claims leads for calls that begin now: attempt, permit and lead in one transaction.

From the moment in which ``claim`` returns an attempt it exists, whatever becomes of the call; so
nothing is dialled that was not claimed, and nobody else dials that lead.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.caller_ids import caller_id_for
from ccmiddleware.dialer.chances import Chances, Lead
from ccmiddleware.dialer.permits import GUARANTEED, Opening, ask, openings
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.promises import Due, assigned
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.store.database import Database, Row

POOL = 200
"""Leads that are looked up at once."""
POOL_TO_CHOOSE = 2_000
"""The same, where they are chosen by their chances: as many of each place."""
POOL_FOR = timedelta(seconds=5)
"""How long leads that were looked up are gone by; each is looked at again when it is claimed."""

MOST_AT_ONCE = 500
"""Leads in one transaction; more would hold the do-not-call list for too long."""

MOST_REFUSED = 100
"""Leads that may not be called and are passed over in one claim. A list of leads of which all are
on the do-not-call list would hold up every other campaign else, until it is night."""

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
    """Which leads there are. ``leads``: some of those that may be called now, as far as is known
    before they are claimed, the best ones first."""

    places: int
    open_places: int
    leads: Sequence[Lead] = ()

    @property
    def chances(self) -> list[float] | None:
        """Of the leads, that a person answers; None while that is not known."""
        found = [one.chance for one in self.leads if one.chance is not None]
        return found if len(found) == len(self.leads) else None


class Claiming:
    """The leads of one campaign, for the leader of its node in one term."""

    def __init__(
        self,
        database: Database,
        node: str,
        term: int,
        chances: Chances | None = None,
    ) -> None:
        """``chances``: of those at hand, whoever most probably answers is called first."""
        self._database = database
        self._node = node
        self._term = term
        self._chances = chances or Chances()
        self._places: dict[int, Place] = {}
        self._places_until: datetime | None = None
        self._places_of: UUID | None = None
        self._turn = 0
        self._pool: Sequence[Lead] = ()
        self._pool_until: datetime | None = None
        self._pool_of: tuple[UUID, int] | None = None

    async def at_hand(self, campaign: Campaign, now: datetime) -> AtHand:
        """Whether there is anybody to call. Raises TemporaryError."""
        places = await self._places_with_leads(campaign, now)
        opened = openings(places, campaign.rules, now)
        leads = await self._leads(campaign, opened, now)
        return AtHand(len(places), len(opened), leads)

    async def claim(self, campaign: Campaign, trunks: Sequence[str], now: datetime) -> Claims:
        """Claim leads that may be called at ``now``, one for each of the trunks at most.

        None when the campaign was paused, stopped or edited meanwhile. Raises TemporaryError.
        """
        claims = Claims()
        free = list(trunks)
        places = await self._places_with_leads(campaign, now)
        opened = openings(places, campaign.rules, now)
        while free and claims.refused.total() < MOST_REFUSED:
            leads = await self._leads(campaign, opened, now)
            if not leads:
                break
            chosen = leads[: min(len(free), MOST_AT_ONCE)]
            self._pool = leads[len(chosen) :]
            asks = [
                self._ask(campaign, one, opened, trunk)
                for one, trunk in zip(chosen, free, strict=False)
            ]
            if not await self._take(campaign, chosen, asks, _terms(campaign), free, now, claims):
                break  # paused or edited; or somebody else holds all that are left
        return claims

    async def claim_one(
        self, campaign: Campaign, lead: Lead, trunks: Sequence[str], now: datetime
    ) -> Claims:
        """Claim just that lead, by the first of the trunks, if it may be called at ``now``.

        Raises TemporaryError.
        """
        claims = Claims()
        places = await self._places_with_leads(campaign, now)
        opened = openings(places, campaign.rules, now)
        if lead.place not in opened:
            claims.refused["closed"] += 1
        elif trunks:
            asks = [self._ask(campaign, lead, opened, trunks[0])]
            await self._take(campaign, [lead], asks, _terms(campaign), [*trunks], now, claims)
        return claims

    async def _leads(
        self, campaign: Campaign, opened: Mapping[int, Opening], now: datetime
    ) -> Sequence[Lead]:
        """Leads that may be called now, the best ones first; none: there are none."""
        if not opened:
            return ()
        self._pool = [one for one in self._pool if one.place in opened]
        fresh = self._pool_until is not None and now < self._pool_until
        set_as = (campaign.id, campaign.revision)
        if not self._pool or not fresh or self._pool_of != set_as:
            each = most = POOL
            if self._chances.known:
                each, most = max(10, POOL_TO_CHOOSE // len(opened)), POOL_TO_CHOOSE
            rows = await self._database.fetch(
                "leads_to_claim", campaign.id, list(opened), now, each, most
            )
            self._pool = self._chances.rated([dict(row) for row in rows], self._places, now)
            self._pool_until, self._pool_of = now + POOL_FOR, set_as
        return self._pool

    async def callbacks(
        self,
        campaign: Campaign,
        agents: Collection[str],
        now: datetime,
        but: Collection[UUID] = (),
    ) -> list[tuple[Due, str]]:
        """Promised callbacks that are due, each with one of these agents, who are free.

        As in ``promises.assigned``; without those in ``but``. Raises TemporaryError.
        """
        opened = await self._opened_for_callbacks(campaign, now) if agents else {}
        if not opened:
            return []
        anybody = campaign.holds["callback_anybody"]
        rows = await self._database.fetch(
            "callbacks_to_claim", campaign.id, now, list(opened), list(agents), anybody,
            MOST_AT_ONCE,
        )  # fmt: skip
        return assigned([_due(row) for row in rows if row["callback"] not in but], agents)

    async def _opened_for_callbacks(
        self, campaign: Campaign, now: datetime
    ) -> Mapping[int, Opening]:
        rows = await self._database.fetch("places_with_callbacks", campaign.id, now)
        places = {
            row["id"]: Place(row["country"], tuple(row["zones"]), tuple(row["states"]))
            for row in rows
        }
        return openings(places, campaign.rules, now)

    async def claim_callbacks(
        self,
        campaign: Campaign,
        trunks: Sequence[str],
        wanted: Sequence[tuple[Due, str]],
        now: datetime,
    ) -> Claims:
        """Claim these promised callbacks (``callbacks``), one for each trunk at most.

        To be asked for before ``claim``, and for a campaign that is paused as well (with its
        present revision); one that is stopped keeps no promises. Their agents are kept for these
        calls until they are answered: ``Claimed.agent`` is the one for whom a call is that was
        promised by him; each call without takes one of the others. Raises TemporaryError.
        """
        claims = Claims()
        if not trunks or not wanted:
            return claims
        opened = await self._opened_for_callbacks(campaign, now)
        chosen = [one for one in wanted if one[0].place in opened]
        leads = [Lead(one.lead, one.place, one.number) for one, _ in chosen]
        asks = [
            self._ask(campaign, lead, opened, trunk) | {"callback": str(one.callback)}
            for (one, _), lead, trunk in zip(chosen, leads, trunks, strict=False)
        ]
        if asks:
            terms = _terms(campaign) | {"callbacks_only": True, "agent_guaranteed": True}
            await self._take(campaign, leads, asks, terms, list(trunks), now, claims)
        whose = {one.lead: (one.callback, agent) for one, agent in chosen}
        claims.claimed = [
            replace(claimed, callback=whose[claimed.lead][0], agent=whose[claimed.lead][1])
            for claimed in claims.claimed
        ]
        return claims

    async def _take(
        self,
        campaign: Campaign,
        leads: Sequence[Lead],
        wanted: Sequence[dict[str, Any]],
        terms: Mapping[str, Any],
        free: list[str],
        now: datetime,
        claims: Claims,
    ) -> bool:
        """Claim these; the trunks by which they go are taken out of ``free``."""
        asks = {ask["lead"]: ask for ask in wanted}
        of = {lead.id: lead for lead in leads}
        # Whoever asked for no more calls while the do-not-call list was held is on it before that.
        await self._database.execute("honour_opt_outs")
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
            lead = of[row["lead_id"]]
            free.remove(asked["trunk"])
            claims.claimed.append(
                Claimed(
                    row["attempt_id"],
                    lead.id,
                    row["number"],
                    asked["caller_id"],
                    asked["trunk"],
                    chance=lead.chance,
                    signs=lead.signs,
                )
            )
        return bool(told)

    def _ask(
        self, campaign: Campaign, lead: Lead, opened: Mapping[int, Opening], trunk: str
    ) -> dict[str, Any]:
        self._turn += 1
        shown = caller_id_for(campaign.holds["caller_ids"] or (), lead.number, self._turn)
        return ask(
            lead.id,
            lead.place,
            opened[lead.place],
            campaign.profile,
            caller_id=shown or "",
            trunk=trunk,
            chance=lead.chance,
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
        row["callback"], row["lead"], row["place_id"], row["number"], row["agent"],
        row["anybody"], row["name"],
    )  # fmt: skip


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
