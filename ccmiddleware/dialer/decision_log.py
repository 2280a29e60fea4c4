"""Keeps what was decided for each campaign until it is stored, for `ccm campaign explain`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.claiming import AtHand, Claims
from ccmiddleware.dialer.pace import Reason, Wanted
from ccmiddleware.dialer.roster import Running
from ccmiddleware.store.database import Database

SAME_EVERY = timedelta(minutes=1)
"""A decision to begin nothing is stored again only so often, while its reason stays."""


class DecisionLog:
    """Decisions of one node."""

    def __init__(self) -> None:
        self._last: dict[UUID, tuple[Reason | None, datetime]] = {}
        self._kept: list[dict[str, Any]] = []

    def add(
        self, one: Running, wanted: Wanted, leads: AtHand, claims: Claims, now: datetime
    ) -> None:
        """Keep the decision, unless it is the one before once more."""
        campaign, reason = one.campaign.id, wanted.reason
        if len(claims.claimed) < wanted.number and reason not in ("offers", "promises"):
            reason = "leads"
        before, at = self._last.get(campaign, (None, now))
        if not wanted.number and before == reason and now - at < SAME_EVERY:
            return
        # One behind calls is another one, whatever its reason.
        self._last[campaign] = (None if wanted.number else reason, now)
        self._kept.append(
            {
                "campaign": str(campaign),
                "at": now.isoformat(),
                "number": wanted.number,
                "claimed": len(claims.claimed),
                "reason": reason,
                "detail": {
                    **wanted.detail,
                    "open_places": leads.open_places,
                    "places": leads.places,
                    "refused": dict(claims.refused),
                },
            }
        )

    async def store(self, database: Database, term: int) -> None:
        """Write down what is kept. Raises TemporaryError."""
        if self._kept:
            kept = self._kept[:]
            await database.execute("add_campaign_decisions", term, kept)
            del self._kept[: len(kept)]
