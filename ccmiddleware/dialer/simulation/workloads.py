"""What is simulated: how people answer, talk and leave. Times are seconds from the shift's start.

The reference workload is that of a published comparison of dialers' pacing; the stress workloads
change one thing suddenly. ``leads-differ`` gives each lead a chance of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sin

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Workload:
    """How leads and agents behave."""

    name: str
    answer_probability: Callable[[float], float]
    """P(a person answers) of a call that is dialed at this time."""
    leaving: tuple[tuple[float, float, float], ...] = ()
    """(when, for how long, share of the team): agents who leave unannounced, and come back."""
    leads_differ: bool = False
    leads: int = 1_000_000
    """How many leads there are to choose from, where they differ."""
    ring_mean: float = 12.0
    ring_cv: float = 0.5
    ring_longest: float = 22.0
    machine: float = 0.15
    machine_leak: float = 0.15
    """The share of machines that are taken for people and given to agents."""
    failed: float = 0.12
    short_talk: float = 20.0
    long_talk: float = 127.7
    share_short: float = 0.35
    talk_cv: float = 0.8
    """Of the short and the long talks each; about 1.08 over both."""
    wrap_mean: float = 20.0
    wrap_cv: float = 0.7
    patience: float = 2.0


def waving(t: float) -> float:
    """A quarter, waving by seven points with a period of three hours."""
    return 0.25 + 0.07 * sin(2 * pi * t / (3 * HOUR))


def stepping(t: float) -> float:
    """A fifth for four hours, then suddenly a half."""
    return 0.2 if t < 4 * HOUR else 0.5


def alternating(t: float) -> float:
    """15 % and 40 % by turns, ten minutes each."""
    return 0.15 if int(t // (10 * MINUTE)) % 2 == 0 else 0.40


def failing(t: float) -> float:
    """As waving, but for a quarter of an hour every two hours next to nobody is reached."""
    return 0.01 if t % (2 * HOUR) >= 105 * MINUTE else waving(t)


def constant(t: float) -> float:
    """A quarter."""
    return 0.25


REFERENCE = Workload("reference", waving)
STRESS = (
    Workload("step", stepping),
    Workload(
        "agents-leave",
        waving,
        leaving=(
            (1.5 * HOUR, 30 * MINUTE, 0.3),
            (3 * HOUR, 30 * MINUTE, 0.5),
            (4.5 * HOUR, 30 * MINUTE, 0.2),
            (6 * HOUR, 30 * MINUTE, 0.4),
        ),
    ),
    Workload("alternating", alternating),
    Workload("outage", failing),
)
LEADS_DIFFER = Workload("leads-differ", constant, leads_differ=True)

WORKLOADS = {one.name: one for one in (REFERENCE, *STRESS, LEADS_DIFFER)}
