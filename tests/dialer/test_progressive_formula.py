"""The formula of report.predictive_gain beside the simulation of progressive dialing.

Handle time H, ringing time L of all calls and N answers are measured while another way of pacing
dials; H / (H + L / N) must be what progressive dialing reaches in the same simulated world.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ccmiddleware.dialer.simulation.policies import Ours, Power
from ccmiddleware.dialer.simulation.shift import Policy, Shift
from ccmiddleware.dialer.simulation.workloads import HOUR, REFERENCE


@dataclass
class Measuring:
    """Passes all on to a policy, and measures what a dialer writes down of each attempt."""

    policy: Policy
    ringing: dict[Any, float] = field(default_factory=dict)
    ring_seconds: float = 0.0
    answered: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.policy, name)

    def call_dialed(self, call: Any, now: float, probability: float | None = None) -> None:
        self.ringing[call] = now
        self.policy.call_dialed(call, now, probability)

    def _over(self, call: Any, now: float) -> None:
        self.ring_seconds += now - self.ringing.pop(call, now)

    def call_ended(self, call: Any, now: float) -> None:
        self._over(call, now)
        self.policy.call_ended(call, now)

    def call_machine(self, call: Any, now: float) -> None:
        self._over(call, now)
        self.policy.call_machine(call, now)

    def call_answered(self, call: Any, now: float) -> None:
        self._over(call, now)
        self.answered += 1  # a machine that is taken for a person comes to an agent, too
        self.policy.call_answered(call, now)


@pytest.mark.parametrize(
    ("policy", "hours", "within"), [(Power(2.0), 3, 0.02), (Ours(), 1, 0.04)], ids=["power", "ours"]
)
def test_what_another_way_measured_tells_what_progressive_reaches(
    policy: Policy, hours: float, within: float
) -> None:
    agents, length = 25, hours * HOUR
    progressive = Shift(REFERENCE, agents, Power(1.0), 11, length).run()
    measuring = Measuring(policy)
    counts = Shift(REFERENCE, agents, measuring, 12, length).run()
    dropped = sum(counts.abandoned) + counts.machines_abandoned
    handle = counts.busy / (measuring.answered - dropped)
    search = measuring.ring_seconds / measuring.answered
    assert handle / (handle + search) == pytest.approx(progressive.utilisation, abs=within)
    assert counts.utilisation > progressive.utilisation + 0.05
