"""Many shifts, in several processes, and what they amount to: means with 95 % intervals."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from math import sqrt
from multiprocessing import get_context
from typing import Any

from ccmiddleware.dialer.simulation.draws import Draws
from ccmiddleware.dialer.simulation.leads import DifferingLeads, Knowing, LeadsInOrder
from ccmiddleware.dialer.simulation.oracles import KnowsAgents, KnowsCalls
from ccmiddleware.dialer.simulation.policies import AdaptiveLevel, Ours, Power
from ccmiddleware.dialer.simulation.shift import Policy, Shift
from ccmiddleware.dialer.simulation.workloads import HOUR, WORKLOADS, Workload

TUNED_LEVELS = ((5, 1.1), (10, 1.2), (25, 1.4), (50, 1.4), (100, 1.5))
"""The highest level with which an adaptive level was busiest at about 3 %, by team size.

Found by simulating the reference workload with 1.05 to 1.7 (seeds 701 and on).
"""

POLICIES: dict[str, Callable[[int], Policy]] = {
    "progressive": lambda agents: Power(1.0),
    "power-1.5": lambda agents: Power(1.5),
    "power-2": lambda agents: Power(2.0),
    "power-3": lambda agents: Power(3.0),
    "adaptive": lambda agents: AdaptiveLevel(),
    "adaptive-tuned": lambda agents: AdaptiveLevel(most=tuned_level(agents)),
    "predictive": lambda agents: Ours(),
    "predictive-forecast": lambda agents: Ours(),
    "predictive-learning": lambda agents: Ours(),
    "oracle-agents": lambda agents: KnowsAgents(),
    "oracle-calls": lambda agents: KnowsCalls(),
}
KNOWING: dict[str, Knowing] = {
    "predictive-forecast": "forecast",
    "predictive-learning": "choice",
}
"""What policies know of leads that differ; all others know nothing."""


def tuned_level(agents: int) -> float:
    """The tuned level of the nearest team size (by ratio)."""
    return min(TUNED_LEVELS, key=lambda one: max(one[0] / agents, agents / one[0]))[1]


@dataclass(frozen=True, slots=True)
class Job:
    """One shift to simulate."""

    workload: str
    policy: str
    agents: int
    seed: int
    hours: float = 8.0
    made: Workload | None = None
    """What the workload is, where it is not one of WORKLOADS."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    job: Job
    utilisation: float
    abandonment: float
    worst_hour: float
    answered: int
    abandoned: int
    machines_abandoned: int
    attempts: int

    @property
    def counted(self) -> float:
        """The share abandoned as a dialer counts it: machines that met nobody are people to it."""
        answers = self.answered + self.machines_abandoned
        return (self.abandoned + self.machines_abandoned) / max(answers, 1)


def play(job: Job) -> Outcome:
    """Simulate one shift."""
    workload = job.made or WORKLOADS[job.workload]
    leads: LeadsInOrder | None = None
    if workload.leads_differ:
        knowing = KNOWING.get(job.policy, "nothing")
        leads = DifferingLeads(workload, Draws(workload, job.seed), job.seed, knowing)
    policy = POLICIES[job.policy](job.agents)
    counts = Shift(workload, job.agents, policy, job.seed, job.hours * HOUR, leads).run()
    return Outcome(
        job,
        counts.utilisation,
        counts.abandonment,
        counts.worst_hour,
        sum(counts.answered),
        sum(counts.abandoned),
        counts.machines_abandoned,
        counts.attempts,
    )


def play_all(jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """Simulate all, in any order; with one process in this one."""
    if processes <= 1 or len(jobs) <= 1:
        yield from map(play, jobs)
        return
    # The longest first, so that no process has one left when the others are done.
    ordered = sorted(jobs, key=lambda job: -job.agents)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(play, job) for job in ordered]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


@dataclass(frozen=True, slots=True)
class Summary:
    """All shifts of a workload, a policy and a team size; percentages."""

    workload: str
    policy: str
    agents: int
    shifts: int
    hours: float
    seeds: list[int]
    utilisation_pct: float
    utilisation_ci_pct: float | None
    """Half the width of the 95 % interval of the mean; None for a single shift, which has none."""
    abandonment_pct: float
    abandonment_ci_pct: float | None
    worst_shift_pct: float
    worst_hour_pct: float
    shifts_over_limit: int
    counted_pct: float
    """As the dialer counts, who takes abandoned machines for people; this is what it steers by."""
    worst_counted_pct: float
    counted_over_limit: int
    answers_per_shift: float
    attempts_per_shift: float
    answer_pct: float

    def as_dict(self) -> dict[str, Any]:
        """All fields, rounded for people and programs."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


LIMIT = 0.03


def summaries(outcomes: Sequence[Outcome]) -> list[Summary]:
    """One for each workload, policy and team size, in the order of the first."""
    groups: dict[tuple[str, int, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.job.workload, one.job.agents, one.job.policy), []).append(one)
    return [_summary(sorted(group, key=lambda one: one.job.seed)) for group in groups.values()]


def _summary(group: Sequence[Outcome]) -> Summary:
    job, count = group[0].job, len(group)
    busy, busy_interval = interval([one.utilisation for one in group])
    lost, lost_interval = interval([one.abandonment for one in group])
    attempts = sum(one.attempts for one in group)
    return Summary(
        workload=job.workload,
        policy=job.policy,
        agents=job.agents,
        shifts=count,
        hours=job.hours,
        seeds=[one.job.seed for one in group],
        utilisation_pct=100 * busy,
        utilisation_ci_pct=None if busy_interval is None else 100 * busy_interval,
        abandonment_pct=100 * lost,
        abandonment_ci_pct=None if lost_interval is None else 100 * lost_interval,
        worst_shift_pct=100 * max(one.abandonment for one in group),
        worst_hour_pct=100 * max(one.worst_hour for one in group),
        shifts_over_limit=sum(one.abandonment > LIMIT for one in group),
        counted_pct=100 * sum(one.counted for one in group) / count,
        worst_counted_pct=100 * max(one.counted for one in group),
        counted_over_limit=sum(one.counted > LIMIT for one in group),
        answers_per_shift=sum(one.answered for one in group) / count,
        attempts_per_shift=attempts / count,
        answer_pct=100 * sum(one.answered for one in group) / max(attempts, 1),
    )


def interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and half the width of its 95 % interval by Student's distribution; None for one."""
    count = len(values)
    mean = sum(values) / count
    if count < 2:
        return mean, None
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, student(count - 1) * sqrt(variance / count)


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution."""
    if freedom <= 2:
        return {1: 12.706, 2: 4.303}[freedom]
    z = 1.959964
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
