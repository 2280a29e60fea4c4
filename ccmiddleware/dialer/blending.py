"""How many agents are kept free of a campaign for calls that come in. Pure.

An agent may serve the queue of a campaign and queues of callers. Whoever is dialled for him takes
him away from callers for a whole talk; so the campaign is slowed before callers wait too long, and
not when they do. Kept are as many agents as the Erlang C formula wants for the present rate of
calls (A. K. Erlang 1917; patience left out, so that it errs on the side of the callers), less
those who talk to callers already; and never fewer than callers wait.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from math import exp, sqrt

from ccmiddleware.dialer.teams import Doing

USUAL_HANDLING = 180.0
"""Seconds of talk and wrap-up, where a queue has had no calls yet."""
MOST = 2_000
"""Agents beyond which nobody counts."""


@dataclass(frozen=True)
class Load:
    """What a queue of callers has to do. Times in seconds.

    ``lately`` and ``before``: calls that came within the last 2 and 10 minutes. ``target``: within
    which they are to be answered.
    """

    waiting: int
    talking: int
    lately: int
    before: int
    handling: float | None
    target: float

    @property
    def rate(self) -> float:
        """Calls a second. A sudden rise is believed when it is more than chance."""
        return max(self.before / 600.0, (self.lately - sqrt(self.lately)) / 120.0)


def needed(load: Load, share: float) -> int:
    """Agents with whom that share of the callers is answered within the target."""
    handling = max(load.handling or USUAL_HANDLING, 1.0)
    offered = load.rate * handling
    if offered <= 0.0 or share <= 0.0:
        return 0
    blocked = 1.0  # Erlang B, agent by agent
    for agents in range(1, MOST):
        blocked = offered * blocked / (agents + offered * blocked)
        if agents <= offered:
            continue
        waits = blocked / (1.0 - (offered / agents) * (1.0 - blocked))
        in_time = 1.0 - waits * exp(-(agents - offered) * load.target / handling)
        if in_time >= min(share, 0.999):
            return agents
    return MOST


def kept(
    loads: Mapping[str, Load],
    teams: Iterable[Mapping[str, Doing]],
    serving: Mapping[str, Mapping[str, Doing]],
    share: float,
) -> Set[str]:
    """Idle agents of the campaigns' teams who are kept for callers, whoever waits longest first.

    ``serving``: who serves the queues of callers. Idle ones whom no campaign has count first.
    """
    members = {agent: doing for team in teams for agent, doing in team.items()}
    found: set[str] = set()
    for queue, load in sorted(loads.items()):
        wanted = max(needed(load, share) - load.talking, load.waiting) if share > 0.0 else 0
        idle = [
            (since, agent)
            for agent, (state, since) in serving.get(queue, {}).items()
            if state == "idle"
        ]
        wanted -= sum(agent not in members or agent in found for _, agent in idle)
        ours = sorted(one for one in idle if one[1] in members and one[1] not in found)
        found |= {agent for _, agent in ours[: max(0, wanted)]}
    return found
