"""Offers leads to agents who are free, and does what they say (preview).

An offer is a call of ours to the agent, who hears the number and presses a key (``offering``). No
lead is claimed for it; only that nobody else is offered the lead meanwhile is kept here, in memory.
At the key the lead is claimed like any other, and its call is joined with that agent's by the
dialplan. Whoever leads next knows nothing of offers that are open: their keys bring no call, and
each ends by itself.

A callback that an agent promised himself goes the same way, whatever the campaign's mode, but for
the key: it is claimed and dialled once his line is open.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.dialer import offering
from ccmiddleware.dialer.chances import Lead
from ccmiddleware.dialer.claiming import AtHand, Claims
from ccmiddleware.dialer.offering import Key, Offer, Said
from ccmiddleware.dialer.originating import AGENT
from ccmiddleware.dialer.pace import Wanted
from ccmiddleware.dialer.promises import Due
from ccmiddleware.dialer.roster import Roster, Running
from ccmiddleware.dialer.trunk_limits import TrunkLimits
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.ids import SECOND_HALF, dial_id, offer_of
from ccmiddleware.pbx import events as ami
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queue_log.rows import Line
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

SKIPPED_FOR = timedelta(minutes=15)
"""After this a lead that was skipped is offered again."""
TOLD_WITHIN = timedelta(hours=1)
"""What queue_log tells of keys that were pressed earlier is over."""
DIAL_WITHIN = timedelta(seconds=2)
"""A key that was heard earlier dials no more: after three seconds the agent was told so."""
GONE_AFTER = timedelta(seconds=10)
"""An offer without a channel for so long is over, whatever was told."""
SET_ASIDE = timedelta(seconds=10)
"""So long a lead about which an agent said something may be among those at hand."""

REST, REST_AFTER_CALL = timedelta(seconds=1), timedelta(seconds=5)
"""Until an agent is offered the next lead."""
REST_AFTER_NOTHING = timedelta(seconds=30)
"""The same, of one who pressed no key, or whose phone was not answered."""


@dataclass(frozen=True)
class _Heard:
    """Something to be done. ``said`` None: the agent has left the call that rings."""

    at: datetime
    said: Said | None
    offer: Offer | None


class Previewing:
    """The offers of one node in one term."""

    def __init__(
        self,
        node: str,
        database: Database,
        link: AmiLink,
        roster: Roster,
        trunks: TrunkLimits,
        channel_of: Callable[[str], str | None],
        running: Mapping[UUID, Running],
        *,
        begin: Callable[[Running, Claims, datetime], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """``running``: the campaign of each attempt under way. ``begin``: has claimed leads
        dialled."""
        self._node = node
        self._database = database
        self._link = link
        self._roster = roster
        self._trunks = trunks
        self._channel_of = channel_of
        self._running = running
        self._begin = begin
        self._clock = clock
        self.offers: dict[UUID, Offer] = {}
        """Those that are open, or whose call is on."""
        self._aside: dict[int, datetime] = {}
        """Leads that are offered to nobody until then."""
        self._rests: dict[str, datetime] = {}
        """Agents who are offered nothing until then."""
        self._heard: deque[_Heard] = deque()
        self._any = asyncio.Event()

    @property
    def held(self) -> frozenset[str]:
        """Agents whose line is, or is being, opened for an offer."""
        return frozenset(each.agent for each in self.offers.values())

    @property
    def promised(self) -> frozenset[UUID]:
        """Promises that agents are being told of, or that they are keeping."""
        offers = self.offers.values()
        return frozenset(each.due.callback for each in offers if each.due is not None)

    @property
    def awaited(self) -> int:
        """How many calls begin as soon as the line of their agent is open."""
        return sum(one.due is not None and one.attempt is None for one in self.offers.values())

    def at_rest(self, agents: Iterable[str]) -> list[str]:
        """Those of the agents who have no offer, and are not left alone after one."""
        busy = self.held | self._rests.keys()
        return [agent for agent in agents if agent not in busy]

    # -- offering ---------------------------------------------------------------------------

    async def offer(self, one: Running, leads: AtHand, now: datetime) -> Wanted:
        """Offer each agent who is free the best lead that nobody else is offered."""
        here = [each for each in self.offers.values() if each.campaign == one.campaign.id]
        free = [agent for agent in self.at_rest(one.pace.free) if AGENT.fullmatch(agent)]
        taken = {each.lead.id for each in here} | self._aside.keys()
        rest = [lead for lead in leads.leads if lead.id not in taken]
        made = 0
        for agent, lead in zip(free, rest, strict=False):
            made += await self._make(one, agent, lead, now)
        detail = {"agents": one.pace.team.present, "open_offers": len(here) + made}
        if not one.pace.team.present:
            return Wanted(0, "no_agents", detail)
        return Wanted(made, "leads" if free and not rest else "offers", detail)

    async def _make(self, one: Running, agent: str, lead: Lead, now: datetime) -> bool:
        row = await self._database.fetchrow("offered_lead", lead.id, now)
        if row is None:
            self._aside[lead.id] = now + SET_ASIDE
            return False
        offer = offering.new_offer(one.campaign.id, agent, lead, now)
        return await self._send(one, offer, row["number"], row["name"], now)

    async def promise(self, one: Running, due: Due, agent: str, now: datetime) -> bool:
        """Open the line of an agent who promised that callback; whether Asterisk was asked to."""
        lead = Lead(due.lead, due.place, due.number)
        offer = offering.new_offer(one.campaign.id, agent, lead, now, due)
        one.pace.hold(agent, now)
        return await self._send(one, offer, due.number, due.name, now)

    async def _send(
        self, one: Running, offer: Offer, number: str, name: str, now: datetime
    ) -> bool:
        self.offers[offer.id] = offer
        try:
            queue = str(one.campaign.holds["queue"] or "")
            await self._link.send("Originate", offering.order(offer, number, name, queue))
        except TemporaryError as error:
            log.warning("no answer to an offer", agent=offer.agent, reason=str(error))
        except (PermanentError, ValueError) as error:
            log.warning(
                "a lead can't be offered", agent=offer.agent, lead=offer.lead.id, reason=str(error)
            )
            self._over(offer, now, REST_AFTER_NOTHING)
            return False
        return True

    def let_go(self, now: datetime) -> None:
        """Of offers that are over unheard, and of what is set aside no more."""
        self._aside = {lead: until for lead, until in self._aside.items() if until > now}
        self._rests = {agent: until for agent, until in self._rests.items() if until > now}
        for offer in list(self.offers.values()):
            if now - offer.at >= GONE_AFTER and self._channel_of(offer.channel) is None:
                self._over(offer, now)

    def _over(self, offer: Offer, now: datetime, rest: timedelta = REST) -> None:
        """The channel of the offer is gone."""
        if self.offers.pop(offer.id, None) is None:
            return
        if offer.attempt is not None:
            rest = REST_AFTER_CALL
            self._have_done(_Heard(now, None, offer))
        self._rests[offer.agent] = now + rest

    # -- hearing ----------------------------------------------------------------------------

    def hear(self, event: ami.Event) -> None:
        """What Asterisk tells of offers."""
        now = self._clock()
        match event:
            case ami.UserEvent():
                said = offering.from_event(event)
                if said is not None:
                    self._answered(said, now)
            case ami.OriginateResponse() if event.response != "Success":
                self._gone(event.action_id, now)
            case ami.Hangup() if not event.uniqueid.endswith(SECOND_HALF):
                self._gone(event.uniqueid, now)

    def learn(self, lines: Iterable[Line]) -> None:
        """What queue_log tells of keys that nobody was there to hear."""
        now = self._clock()
        for said in filter(None, map(offering.from_queue_log, lines)):
            if said.key is not Key.DIAL and now - said.at <= TOLD_WITHIN:
                self._answered(said, now)

    def _answered(self, said: Said, now: datetime) -> None:
        offer = self.offers.get(said.offer)
        if said.key is not Key.IGNORED:
            if offer is not None:
                offer.said = True
            self._aside[said.lead] = now + SET_ASIDE
            self._have_done(_Heard(now, said, offer))

    def _gone(self, channel: str, now: datetime) -> None:
        offer = self.offers.get(offer_of(channel) or UUID(int=0))
        if offer is not None:
            self._over(offer, now, REST if offer.said else REST_AFTER_NOTHING)

    def _have_done(self, heard: _Heard) -> None:
        self._heard.append(heard)
        self._any.set()

    # -- doing ------------------------------------------------------------------------------

    async def carry_out(self) -> None:
        """Do what was heard, in its order; waits for it. Raises TemporaryError, and
        PermanentError for what is not tried again."""
        await self._any.wait()
        while self._heard:
            try:
                await self._do(self._heard[0])
            except TemporaryError:
                raise  # it stays the first one
            except BaseException:
                self._heard.popleft()
                raise
            self._heard.popleft()
        self._any.clear()

    async def _do(self, heard: _Heard) -> None:
        match heard.said:
            case None:
                await self._stop(heard)
            case Said(key=Key.SKIP, lead=lead, at=at):
                await self._database.execute("put_off_lead", lead, self._node, at + SKIPPED_FOR)
            case Said(key=Key.CLOSE, lead=lead):
                await self._database.execute("close_lead", lead, self._node)
            case Said(key=Key.DIAL):
                if heard.offer is not None:
                    await self._dial(heard.offer, heard.at)

    async def _dial(self, offer: Offer, heard_at: datetime) -> None:
        """Claim the lead, and have it dialled for that agent."""
        now, half = self._clock(), self._channel_of(offer.channel)
        one = self._roster.known.get(offer.campaign)
        if now - heard_at > DIAL_WITHIN or half is None or offer.attempt is not None:
            return
        if one is None or not self._link.state.up:
            return
        trunks = self._trunks.plan(one.campaign.holds["trunks"] or (), 1, now)
        claims = await self._claim(one, offer, trunks, now)
        if not claims.claimed:
            log.info(
                "an offered lead is not called", lead=offer.lead.id, reasons=dict(claims.refused)
            )
            return
        (claimed,) = claims.claimed
        offer.attempt = claimed.attempt
        meets = replace(claimed, agent=offer.agent, offer=offer.channel, half=half)
        await self._begin(one, replace(claims, claimed=[meets]), now)
        if offer.id not in self.offers:
            # The agent left in this moment.
            self._have_done(_Heard(now, None, offer))

    async def _claim(
        self, one: Running, offer: Offer, trunks: Sequence[str], now: datetime
    ) -> Claims:
        if offer.due is not None:
            wanted = [(offer.due, offer.agent)] if one.keeps_promises else []
            return await one.claiming.claim_callbacks(one.campaign, trunks, wanted, now)
        if not one.dials:
            return Claims()
        return await one.claiming.claim_one(one.campaign, offer.lead, trunks, now)

    async def _stop(self, heard: _Heard) -> None:
        """Let go of a call that rings for an agent who is gone."""
        attempt = heard.offer.attempt if heard.offer is not None else None
        ringing = self._rings(attempt) if attempt is not None else None
        channel = self._channel_of(ringing) if ringing is not None else None
        if channel is not None:
            await self._link.send("Hangup", {"Channel": channel})

    def _rings(self, attempt: UUID) -> str | None:
        """The unique id of its channel, while nothing was told of it."""
        one = self._running.get(attempt)
        known = one.pace.under_way.attempts[attempt] if one is not None else None
        if known is None or known.told:
            return None
        return dial_id(attempt, int(known.claimed_at.timestamp()))
