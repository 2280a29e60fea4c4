"""The campaigns that dial on one node: their settings, their ledger, and what is in the way.

A campaign that can't be used as it is set does not dial; calls of it that are on end as they would.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from ccmiddleware.dialer.campaign_check import findings, profile_of
from ccmiddleware.dialer.campaigns import leads_of
from ccmiddleware.dialer.chances import Chances
from ccmiddleware.dialer.checking import Level
from ccmiddleware.dialer.claiming import Claiming
from ccmiddleware.dialer.ledger import Day, Ledger
from ccmiddleware.dialer.pace import Pace
from ccmiddleware.dialer.profiles import InvalidProfile
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import from_stored
from ccmiddleware.dialer.values import InvalidCampaign
from ccmiddleware.errors import PermanentError
from ccmiddleware.store.database import Database, Row

log = structlog.get_logger(__name__)

LOOKED_AT_EVERY = timedelta(minutes=1)
"""How old counts of the database, and what is in the way, may be."""
COME_AND_GO = ("queue",)
"""What is in the way of a start, and of a running campaign is known at each moment: its agents."""
LEARNED_FOR = timedelta(days=30)
"""What was learned longer ago is not taken up."""


@dataclass
class Running:
    """One campaign that dials here, or has calls that are on."""

    pace: Pace
    chances: Chances
    claiming: Claiming
    ledger: Ledger
    state: str
    promises_due: bool = False
    """Whether callbacks were promised for now or before."""
    looked_at: datetime | None = None
    leads_left: int = 0
    counted: tuple[str, int] | None = None
    """Days of which time zone are in the ledger, and how many of them the law counts over."""
    in_the_way: str = ""
    """Why it does not dial though it runs."""
    learned_at: datetime | None = None
    """As of when what it learned is in the database."""

    @property
    def campaign(self) -> Campaign:
        """As it is set now."""
        return self.pace.campaign

    @property
    def dials(self) -> bool:
        """Whether calls may be begun."""
        return self.state == "running" and self._is_fine

    @property
    def keeps_promises(self) -> bool:
        """Whether callbacks are to be called now, also while it pauses."""
        return self.promises_due and self.state in ("running", "paused") and self._is_fine

    @property
    def _is_fine(self) -> bool:
        return self.looked_at is not None and not self.in_the_way


class Roster:
    """The campaigns of one node in one term of its leader."""

    def __init__(self, database: Database, node: str, term: int) -> None:
        self.known: dict[UUID, Running] = {}
        self._database = database
        self._node = node
        self._term = term
        self.unusable: dict[str, str] = {}
        """Campaigns that run and can't be used as they are set, and why."""
        self._said: dict[str, str] = {}

    async def refresh(self, now: datetime, also: Collection[UUID] = ()) -> None:
        """Read what may have changed. ``also``: campaigns that are wanted though they do not run,
        besides those with calls that are on. Raises TemporaryError."""
        wanted = {id_ for id_, one in self.known.items() if one.pace.under_way.attempts} | {*also}
        rows = await self._database.fetch("dialing_campaigns", self._node, list(wanted), now)
        self.unusable = {}
        for row in rows:
            try:
                await self._take(row, now)
            except PermanentError as error:
                self._cannot_be_used(row, str(error))
        for id_ in self.known.keys() - {row["id"] for row in rows}:
            # A call may have begun while this was read (preview: an agent's key).
            if not self.known[id_].pace.under_way.attempts:
                del self.known[id_]

    async def look_at_due(self, now: datetime) -> None:
        """Look at what takes longer and changes less; nothing is dialled before that. Raises
        TemporaryError."""
        for one in list(self.known.values()):
            due = one.looked_at is None or now - one.looked_at >= LOOKED_AT_EVERY
            if due and one.state in ("running", "paused"):
                try:
                    await self._look_at(one, now)
                except PermanentError as error:
                    one.in_the_way, one.looked_at = f"the check failed: {error}", now
                    self._say(one.campaign.name, one.in_the_way)

    async def _take(self, row: Row, now: datetime) -> None:
        known = self.known.get(row["id"])
        if known is not None:
            known.state, known.promises_due = row["state"], row["promises_due"]
            if (known.campaign.revision, known.campaign.scrub) == (row["revision"], row["scrub"]):
                return
        try:
            settings = from_stored(row["settings"])
            profile = profile_of(settings)
        except (InvalidCampaign, InvalidProfile) as error:
            self._cannot_be_used(row, str(error))
            return
        campaign = Campaign(
            row["id"], row["name"], row["revision"], settings, profile, row["scrub"]
        )
        if known is not None:
            known.pace.set(campaign, now)
            known.looked_at = None
        else:
            self.known[row["id"]] = await self._begin(campaign, row, now)

    def _cannot_be_used(self, row: Row, why: str) -> None:
        """Calls of it that are on end by what was set before."""
        self._say(row["name"], why)
        if row["state"] == "running":
            self.unusable[row["name"]] = why
        known = self.known.get(row["id"])
        if known is not None:
            known.state = "invalid"

    async def _begin(self, campaign: Campaign, row: Row, now: datetime) -> Running:
        zone = ZoneInfo(campaign.holds["time_zone"])
        began = (row["started_at"] or now).astimezone(zone).date()
        chances = Chances()
        claiming = Claiming(self._database, self._node, self._term, chances)
        one = Running(
            Pace(campaign), chances, claiming, Ledger(began, zone), row["state"],
            promises_due=row["promises_due"],
        )  # fmt: skip
        await self._read_ledger(one, now)
        learned = await self._database.fetchrow("campaign_pacing", campaign.id)
        if learned is not None and now - learned["at"] < LEARNED_FOR:
            elapsed = (now - learned["at"]).total_seconds()
            unusable = one.pace.restore(learned["pacing"], now, elapsed)
            try:
                if learned["answering"] is not None:
                    chances.restore(learned["answering"])
            except ValueError:
                unusable.append("answering")
            if unusable:
                log.warning("learned anew", campaign=campaign.name, parts=unusable)
        return one

    async def _look_at(self, one: Running, now: datetime) -> None:
        """What is not looked at each second. It may be set anew meanwhile: then that holds."""
        campaign = one.campaign
        profile = profile_of(campaign.settings)
        if profile != campaign.profile:  # its file has changed
            campaign = replace(campaign, profile=profile)
            one.pace.set(campaign, now)
        await self._database.execute(
            "campaign_period", campaign.id, profile.terms.period_days.value
        )
        zone = ZoneInfo(campaign.holds["time_zone"])
        one.ledger.zone = zone
        today = now.astimezone(zone).date()
        await self._read_ledger(one, now)
        leads = (await leads_of(self._database, campaign.id))[campaign.id]
        one.leads_left = sum(leads.get(state, 0) for state in ("new", "ready"))
        found = await findings(self._database, campaign.id, campaign.settings, now)
        wrong = [
            f"{each.key}: {each.wrong}"
            for each in found
            if each.level is Level.ERROR and each.key not in COME_AND_GO
        ]
        last = campaign.holds["stop_date"]
        if last is not None and today.isoformat() > str(last):
            wrong.append(f"stop_date: its last day was {last}")
        if one.campaign is not campaign:
            return  # set anew: looked at again
        one.in_the_way = "; ".join(wrong)
        if one.in_the_way:
            self._say(campaign.name, one.in_the_way)
        one.looked_at = now

    async def _read_ledger(self, one: Running, now: datetime) -> None:
        """Today and yesterday; and once all of the period that the law counts over."""
        zone, period = one.ledger.zone, one.campaign.profile.terms.period_days.value
        days = 1 if (str(zone), period) == one.counted else period
        since = datetime.combine(now.astimezone(zone).date() - timedelta(days), time(), zone)
        rows = await self._database.fetch(
            "campaign_day_counts", one.campaign.id, str(zone), since.astimezone(UTC)
        )
        one.ledger.read(Day(**dict(row)) for row in rows)
        one.counted = (str(zone), period)

    async def store_learned(self, one: Running, now: datetime) -> None:
        """Keep what it learned. Raises TemporaryError."""
        await self._database.execute(
            "store_campaign_pacing",
            one.campaign.id,
            self._term,
            now,
            one.pace.pacer.export(now.timestamp()),
            one.chances.export(),
        )
        one.learned_at = now

    def _say(self, campaign: str, what: str) -> None:
        """Said once."""
        if self._said.get(campaign) != what:
            self._said[campaign] = what
            log.error("campaign does not dial", campaign=campaign, reason=what)
