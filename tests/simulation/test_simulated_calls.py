"""Hundreds of thousands of simulated calls: exact while all is seen, honest when something is not.

A failure names its seed: `python -m simulation --seed N --calls 10000 [--faults]`, from `tests`,
prints the events of the call that it is about.
"""

import pytest
from simulation.driver import Simulation

CALLS = 10_000


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_call_is_told_as_it_was(seed: int) -> None:
    report = Simulation(seed, CALLS).run()
    assert report.calls == CALLS
    assert report.loose == 0
    # Some arrive while no agent is free to make the call they would have made.
    assert report.exact > 0.95 * CALLS
    assert report.states > 1000


@pytest.mark.parametrize("seed", range(101, 113))
def test_nothing_is_lost_or_doubled_whatever_fails(seed: int) -> None:
    report = Simulation(seed, CALLS, faults=True).run()
    assert report.calls == CALLS
    assert min(report.exact, report.loose) > 0.1 * CALLS
    assert report.faults.keys() == {"gap", "link_lost", "asterisk_killed", "daemon_killed"}
    assert report.dropped > CALLS
