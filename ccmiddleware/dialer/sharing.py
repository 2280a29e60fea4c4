"""Settles for whom each agent counts: the campaigns that dial, and callers who come in."""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from types import MappingProxyType

from ccmiddleware.dialer.blending import Load, kept
from ccmiddleware.dialer.roster import Running
from ccmiddleware.dialer.teams import GONE, Doing, shared
from ccmiddleware.store.database import Database

LOOK_EVERY = timedelta(seconds=2)
"""How old what queues of callers have to do may be."""

Team = Mapping[str, Doing]
NOTHING: Mapping[str, str] = MappingProxyType({})


class Sharing:
    """The agents of one node. ``members``: what those of a queue do; ``queues_of``: the queues in
    which an agent is a member and not paused."""

    def __init__(
        self,
        database: Database,
        node: str,
        members: Callable[[str], Team],
        queues_of: Callable[[str], Sequence[str]],
    ) -> None:
        self._database = database
        self._node = node
        self._members = members
        self._queues_of = queues_of
        self._teams: dict[str, str] = {}
        self._loads: dict[str, Load] = {}
        self._looked_at: datetime | None = None

    async def share(
        self,
        dialing: Sequence[Running],
        now: datetime,
        *,
        held: Set[str] = frozenset(),
        promised: Mapping[str, str] = NOTHING,
    ) -> None:
        """Tell each campaign what the agents do that count for it. Raises TemporaryError.

        ``held``: agents whose lines are being opened for an offer, whatever the queue still says.
        ``promised``: campaigns that wait for a certain agent, by agent.
        """
        teams = self._settle(dialing, promised)
        heed = [one for one in dialing if float(one.campaign.holds["inbound_share"]) > 0.0]
        callers: Set[str] = frozenset()
        if heed:
            mine = [teams[str(one.campaign.id)] for one in heed]
            share = max(float(one.campaign.holds["inbound_share"]) for one in heed) / 100
            callers = await self._kept_for_callers(dialing, mine, share, now)
        for one in dialing:
            withheld = callers if one in heed else frozenset()
            one.pace.tell(teams[str(one.campaign.id)], now, withheld, held)

    def _settle(self, dialing: Sequence[Running], promised: Mapping[str, str]) -> dict[str, Team]:
        members = {
            str(one.campaign.id): self._members(one.campaign.holds["queue"])
            for one in dialing
            if one.pace.needs_agents and one.campaign.holds["queue"] is not None
        }
        mine = {
            agent: id_
            for agent, id_ in promised.items()
            if self._teams.get(agent, id_) == id_ or self._can_spare(agent, dialing, members)
        }
        there = {
            id_: frozenset(
                agent
                for agent, doing in team.items()
                if doing[0] not in GONE and mine.get(agent, id_) == id_
            )
            for id_, team in members.items()
        }
        weights = {str(one.campaign.id): float(one.campaign.holds["weight"]) for one in dialing}
        self._teams = shared(there, weights, self._teams)
        return {
            id_: {
                agent: doing
                for agent, doing in members.get(id_, {}).items()
                if self._teams.get(agent) == id_
            }
            for id_ in (str(one.campaign.id) for one in dialing)
        }

    def _can_spare(
        self, agent: str, dialing: Sequence[Running], members: Mapping[str, Team]
    ) -> bool:
        """Whether no call is on its way for that agent in the campaign for which he counts."""
        for one in dialing:
            id_ = str(one.campaign.id)
            if id_ == self._teams[agent]:
                idle = [
                    each
                    for each, doing in members.get(id_, {}).items()
                    if doing[0] == "idle" and self._teams.get(each) == id_
                ]
                return one.pace.spare(len(idle)) > 0
        return True

    async def _kept_for_callers(
        self, dialing: Sequence[Running], teams: Sequence[Team], share: float, now: datetime
    ) -> Set[str]:
        campaigns = {one.campaign.holds["queue"] for one in dialing}
        agents = {agent for team in teams for agent in team}
        queues = {queue for agent in agents for queue in self._queues_of(agent)} - campaigns
        if not queues:
            return frozenset()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            rows = await self._database.fetch("inbound_load", self._node, sorted(queues), now)
            self._loads = {row["queue"]: _load(dict(row)) for row in rows}
            self._looked_at = now
        serving = {queue: self._members(queue) for queue in queues}
        return kept(self._loads, teams, serving, share)


def _load(row: dict[str, object]) -> Load:
    del row["queue"]
    return Load(**row)  # type: ignore[arg-type]
