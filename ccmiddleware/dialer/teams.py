"""Which agents a campaign counts on, and what its pacing hears of them. Pure.

An agent may serve the queues of several campaigns, and can take one call: for whom he is counted is
settled here, by the weights of the campaigns, so that two of them never dial for the same agent.
Whoever dials tells from time to time what all members do; only what is new is told on.
"""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Protocol

from ccmiddleware.facts import AgentStateName

Doing = tuple[AgentStateName, datetime]
"""State of an agent, and since when."""

GONE: frozenset[AgentStateName] = frozenset({"logged_out", "unavailable"})
TALKS: frozenset[AgentStateName] = frozenset({"ringing", "talking"})
"""A phone that rings is answered or not within seconds; a nailed-up one hears a beep."""


class Hearer(Protocol):
    """Who hears of agents: a ``pacing.Pacer``. Times are Unix seconds."""

    def agent_logged_in(self, agent: str, now: float) -> None: ...
    def agent_idle(self, agent: str, now: float) -> None: ...
    def agent_talking(self, agent: str, now: float) -> None: ...
    def agent_wrapping(self, agent: str, now: float) -> None: ...
    def agent_paused(self, agent: str, now: float) -> None: ...
    def agent_logged_out(self, agent: str, now: float) -> None: ...


class Team:
    """The agents of one campaign, as its pacing has heard of them."""

    def __init__(self, hearer: Hearer) -> None:
        self._hearer = hearer
        self._known: dict[str, Doing] = {}

    @property
    def present(self) -> int:
        """How many are there, whatever they do."""
        return len(self._known)

    def tell(self, members: Mapping[str, Doing], now: datetime) -> None:
        """What the members do now, those that count for this campaign. Who is missing is gone."""
        there = {agent: doing for agent, doing in members.items() if doing[0] not in GONE}
        for agent in sorted(self._known.keys() - there.keys()):
            at = members[agent][1] if agent in members else now
            self._hearer.agent_logged_out(agent, min(at, now).timestamp())
            del self._known[agent]
        news = [
            (min(since, now), agent, state)
            for agent, (state, since) in there.items()
            if self._known.get(agent) != (state, since)
        ]
        for at, agent, state in sorted(news):
            self._tell(agent, state, at.timestamp())
        self._known = there

    def _tell(self, agent: str, state: AgentStateName, at: float) -> None:
        if agent not in self._known:
            self._hearer.agent_logged_in(agent, at)
        if state == "idle":
            self._hearer.agent_idle(agent, at)
        elif state in TALKS:
            self._hearer.agent_talking(agent, at)
        elif state == "wrap_up":
            self._hearer.agent_wrapping(agent, at)
        else:
            self._hearer.agent_paused(agent, at)  # paused, working on an email, busy otherwise


def shared(
    members: Mapping[str, Set[str]],
    weights: Mapping[str, float],
    before: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """For which campaign each agent counts. ``members``: the agents of each campaign.

    Each campaign is given agents in proportion to its weight, as far as those who serve it allow.
    ``before``: for whom they counted until now; an agent is only moved to a campaign that has less
    with him than the other has now, each for its weight, so that nobody goes to and fro.
    """
    served: dict[str, list[str]] = {}
    for campaign in sorted(members):
        for agent in members[campaign]:
            served.setdefault(agent, []).append(campaign)
    counts = dict.fromkeys(members, 0)
    found: dict[str, str] = {}

    def has(campaign: str, more: int = 0) -> float:
        """Agents for its weight, with so many more."""
        return (counts[campaign] + more) / max(weights.get(campaign, 1.0), 1e-9)

    def give(agent: str, campaign: str) -> None:
        found[agent] = campaign
        counts[campaign] += 1

    for agent, campaign in (before or {}).items():
        if campaign in served.get(agent, ()):
            give(agent, campaign)
    # Who has no choice first; then whoever has least gets the next one.
    for agent in sorted(served.keys() - found.keys(), key=lambda one: (len(served[one]), one)):
        give(agent, min(served[agent], key=lambda campaign: (has(campaign, 1), campaign)))
    for agent in sorted(found):
        best = min(served[agent], key=lambda campaign: (has(campaign, 1), campaign))
        if has(best, 1) < has(found[agent]):
            counts[found[agent]] -= 1
            give(agent, best)
    return found
