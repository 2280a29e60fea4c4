"""What the simulated agents do between calls: pauses, logins and logouts, phones that go away."""

from __future__ import annotations

from collections.abc import Callable

from simulation.pbx_model import Agent, Pbx, Script


def shift(pbx: Pbx, agent: Agent, until: Callable[[], bool]) -> Script:
    """An agent's day: now and then one of those, until it is over."""
    while not until():
        yield pbx.seconds(10, 120)
        chance = pbx.rng.random()
        if not agent.queues:
            _log_in(pbx, agent)
        elif chance < 0.5:
            yield from _pause_everywhere(pbx, agent)
        elif chance < 0.65:
            name = next(iter(agent.queues))
            pbx.pause(agent, name, not agent.queues[name].paused)
        elif chance < 0.85:
            for name in [name for name in agent.queues if pbx.chance(0.7)]:
                pbx.remove(agent, name)
        elif not agent.engaged:
            pbx.reach(agent, False)
            yield pbx.seconds(1, 20)
            pbx.reach(agent, True)


def _log_in(pbx: Pbx, agent: Agent) -> None:
    for name in pbx.queues:
        if pbx.chance(0.5):
            pbx.log_in(agent, name)


def _pause_everywhere(pbx: Pbx, agent: Agent) -> Script:
    paused = not all(member.paused for member in agent.queues.values())
    reason = "lunch" if pbx.chance(0.5) else ""
    for name in list(agent.queues):
        pbx.pause(agent, name, paused, reason)
    if paused:
        yield pbx.seconds(2, 30)
        for name in list(agent.queues):
            pbx.pause(agent, name, False)
