"""One campaign while it dials: what its pacing hears, and how many calls it may begin now. Pure.

Holds what belongs together: the controller (``pacing``), the team of agents that it counts on, the
attempts under way, and the campaign's own limits. Knows no link and no database.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.budget import GoOn
from ccmiddleware.dialer.pacing import Decision, Pacer, PacingSettings
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.teams import Doing, Team
from ccmiddleware.dialer.trunk_limits import Trunk, TrunkLimits
from ccmiddleware.dialer.under_way import News, UnderWay

Reason = Literal[
    "pacing",
    "promises",
    "no_agents",
    "trunks",
    "budget",
    "closed",
    "leads",
    "offers",
    "inbound",
]
"""What decided how many calls were begun: the controller, or the limit that held."""

COUNTS = ("connected", "abandoned")
"""What counts for the law, whoever dialled."""
OWN = "its own"
_LINES: tuple[str, ...] = ("lines", "calls per decision")


@dataclass(frozen=True)
class Wanted:
    """How many calls to begin now, why no more, and what that was made of."""

    number: int
    reason: Reason
    detail: dict[str, Any]


class Pace:
    """One campaign. All times are aware; the controller hears them as Unix seconds."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.pacer = Pacer(settings_of(campaign))
        self.team = Team(self.pacer)
        self.under_way = UnderWay(_patience(campaign))
        self._limits = TrunkLimits()
        self._set_limits()
        self._members: Mapping[str, Doing] = {}
        self._callers: Set[str] = frozenset()
        self._kept: frozenset[str] = frozenset()
        """Agents who are idle, and kept for callbacks that ring."""
        self._held: Set[str] = frozenset()
        """Agents whose lines are being opened for an offer."""
        self._told_at: datetime | None = None

    @property
    def mode(self) -> str:
        """How it dials."""
        return str(self.campaign.holds["mode"])

    @property
    def needs_agents(self) -> bool:
        """Whether it counts on agents: all modes but agentless, which plays a message."""
        return self.mode != "agentless"

    @property
    def free(self) -> list[str]:
        """Agents who are idle and not kept for callers or callbacks, whoever waits longest
        first. Calls that are dialled ahead may be answered for them all the same."""
        return [agent for agent in self._idle() if agent not in self._kept | self._callers]

    def spare(self, free: int) -> int:
        """How many of so many free agents can be kept for callbacks: where each call has its agent
        (progressive), those for whom none is on its way."""
        if self.mode != "progressive":
            return free
        coming = sum(one.claimed.callback is None for one in self.under_way.coming())
        return max(0, free - coming)

    def _idle(self) -> list[str]:
        idle = [
            (since, agent)
            for agent, (state, since) in self._members.items()
            if state == "idle" and agent not in self._held
        ]
        return [agent for _, agent in sorted(idle)]

    def set(self, campaign: Campaign, now: datetime) -> None:
        """The campaign as it is set now. What was learned stays, and calls that are on."""
        before, self.campaign = self.campaign, campaign
        self.under_way.limit = _patience(campaign)
        self._set_limits()
        if settings_of(before) != settings_of(campaign):
            learned = self.pacer.export(now.timestamp())
            self.pacer = Pacer(settings_of(campaign))
            self.restore(learned, now, 0.0)
            self.team = Team(self.pacer)
            for known in self.under_way.coming():  # what became of others is learned already
                attempt, claimed = known.claimed.attempt, known.claimed
                if claimed.callback is None:
                    self.pacer.call_dialed(attempt, known.claimed_at.timestamp(), claimed.chance)
                    self.hear([News(what, attempt) for what in known.told], now)

    def restore(self, learned: Mapping[str, Any], now: datetime, elapsed: float) -> list[str]:
        """What was learned ``elapsed`` seconds ago; the parts of it that can't be used."""
        return self.pacer.restore(learned, now.timestamp(), elapsed)

    # -- hearing ----------------------------------------------------------------------------

    def tell(
        self,
        members: Mapping[str, Doing],
        now: datetime,
        callers: Set[str] = frozenset(),
        held: Set[str] = frozenset(),
    ) -> None:
        """What its agents do now, those that count for this campaign.

        ``callers``: whom of them is kept free for calls that come in; ``held``: whose line is
        being opened for an offer. For the controller these are away, and those who are kept for
        promised callbacks.
        """
        self._members = members
        self._callers = callers & members.keys()
        self._held = held & members.keys()
        self._keep_agents(now)

    def hold(self, agent: str, now: datetime) -> None:
        """The line of this agent is being opened: nothing else is for him from now on."""
        self._held = frozenset({*self._held, agent} & self._members.keys())
        self._keep_agents(now)

    def _keep_agents(self, now: datetime) -> None:
        """One idle agent for each callback that rings, but for those whose agent is on the line
        already. All who are kept are away for the controller."""
        ringing = [
            one.claimed.agent
            for one in self.under_way.coming()
            if one.claimed.callback and not one.claimed.offer
        ]
        idle = self._idle()
        kept = [agent for agent in ringing if agent in idle]
        others = [agent for agent in idle if agent not in kept]
        self._kept = frozenset(kept + others[: len(ringing) - len(kept)])
        on_the_way = {agent for agent in self._held if self._members[agent][0] == "idle"}
        withheld = self._kept | self._callers | on_the_way
        self._told_at = now = max(now, self._told_at or now)
        away: dict[str, Doing] = {agent: ("paused", self._members[agent][1]) for agent in withheld}
        self.team.tell({**self._members, **away}, now)

    def begin(self, claimed: Claimed, claimed_at: datetime) -> None:
        """A lead is claimed, and its call about to begin."""
        detects = bool(self.campaign.holds["detection"])
        self.under_way.begin(claimed, claimed_at, detects=detects)
        self._limits.take(OWN, claimed_at)
        if claimed.callback is None:
            self.pacer.call_dialed(claimed.attempt, claimed_at.timestamp(), claimed.chance)
        else:
            self._keep_agents(claimed_at)

    def hear(self, news: Iterable[News], now: datetime) -> None:
        """What became of calls."""
        at = now.timestamp()
        for one in news:
            if one.what not in COUNTS and self._keeps_a_promise(one.attempt):
                continue  # the controller did not dial it
            match one.what:
                case "answered":
                    self.pacer.call_answered(one.attempt, at)
                case "machine":
                    self.pacer.call_machine(one.attempt, at)
                case "connected":
                    agent = one.agent if one.agent in self._members else None
                    self.pacer.call_connected(one.attempt, at, agent)
                case "abandoned":
                    self.pacer.call_abandoned(one.attempt, at)
                case "ended":
                    self.pacer.call_ended(one.attempt, at)

    def _keeps_a_promise(self, attempt: UUID) -> bool:
        known = self.under_way.attempts.get(attempt)
        return known is not None and known.claimed.callback is not None

    def forget(self, attempt: UUID) -> None:
        """The end of that attempt is written down."""
        if attempt in self.under_way.attempts:
            self.under_way.forget(attempt)
            self._limits.give_back(OWN)

    def room(self, now: datetime) -> int:
        """How many calls its own limits leave room for."""
        return self._limits.room([OWN], now)

    # -- deciding ---------------------------------------------------------------------------

    def decide(
        self,
        now: datetime,
        go_on: GoOn,
        trunk_room: int,
        *,
        chances: Sequence[float] | None = None,
    ) -> Wanted:
        """How many calls to begin now.

        ``chances``: of the leads that come next, in their order; None: nothing is known of them.
        ``trunk_room``: how many its trunks take.
        """
        room = min(self.room(now), trunk_room)
        limits = {"go_on": go_on.value, "trunk_room": trunk_room, "agents": self.team.present}
        if not self.needs_agents:
            return Wanted(room, "pacing" if room else "trunks", limits)
        self.pacer.settings = replace(
            self.pacer.settings,
            predictive=self.mode == "predictive" and go_on is GoOn.NORMAL,
            max_new_calls=room,
        )
        found = self.pacer.decide(now.timestamp(), chances)
        number, reason = self._number(found, go_on, room)
        if number == 0 and self._callers:
            reason = "inbound"
        return Wanted(number, reason, {**found.as_dict(), **limits, "withheld": len(self._callers)})

    def _number(self, found: Decision, go_on: GoOn, room: int) -> tuple[int, Reason]:
        if found.held_by == "nobody there":
            return 0, "no_agents"
        if go_on is GoOn.STOP:
            return 0, "budget"
        if self.mode == "power" and go_on is GoOn.NORMAL:
            ratio = float(self.campaign.holds["ratio"])
            wanted = int(ratio * (found.idle - found.waiting)) - found.in_flight
            return max(0, min(wanted, room)), "pacing" if wanted <= room else "trunks"
        if found.held_by in _LINES:
            return found.calls, "trunks"
        return found.calls, "pacing" if go_on is GoOn.NORMAL else "budget"

    def _set_limits(self) -> None:
        holds = self.campaign.holds
        rate = float(holds["calls_per_second"])
        self._limits.set([Trunk(OWN, "", int(holds["max_lines"]), rate)])


def settings_of(campaign: Campaign) -> PacingSettings:
    """What the controller is told of a campaign's settings and its profile's law."""
    holds, terms = campaign.holds, campaign.profile.terms
    return PacingSettings(
        abandonment_limit=min(float(holds["abandonment_limit"]) / 100, terms.limit.value),
        patience=float(terms.agent_seconds.value),
        max_lines_per_agent=float(holds["lines_per_agent"]),
    )


def _patience(campaign: Campaign) -> timedelta:
    return timedelta(seconds=campaign.profile.terms.agent_seconds.value)
