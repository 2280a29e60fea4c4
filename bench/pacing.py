"""What a decision of the controller costs, beside a plain numpy evaluation of the same probability.

    python bench/pacing.py [--agents N,N,…] [--minutes N] [--json]

Teams dial the reference workload in the simulation. After half an hour, when the distributions are
learned and even a small team is past its cold start, each ``decide(now)`` is timed by itself; now
and then the probability that one more call meets nobody is worked out again for what that decision
saw, as one would write it down: for each scenario of the answer rate and each horizon the exact
distribution of busy agents and answers, event by event with ``numpy.convolve``, once. The
controller does that for as many calls as it looks at. Times are CPU milliseconds of one thread.
``ratio`` is the median decision through the median of that evaluation, for the largest team; a
median decision above the aim of 5 ms, or a probability that is another one, exits with code 1.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from ccmiddleware.dialer.pacing import Decision
from ccmiddleware.dialer.pacing.forecast import EXACT_UP_TO, Outlook
from ccmiddleware.dialer.simulation.policies import Ours
from ccmiddleware.dialer.simulation.shift import Shift
from ccmiddleware.dialer.simulation.workloads import MINUTE, REFERENCE

AIM_MS = 5.0
WARM = 30 * MINUTE
EVERY = 20
"""After so many decisions one is evaluated plainly, too."""
DIFFERENT = {True: 1e-9, False: 0.03}
"""By how much the probabilities may differ: the exact one, and the approximation for many."""


class Timed(Ours):
    """The controller, with a clock around each decision."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.plain_times: list[float] = []
        self.off: list[float] = []
        self.exact = 0
        self._since = 0
        self._seen: Outlook | None = None

    def calls(self, now: float, shift: Shift) -> int:
        self._seen = None
        began = time.thread_time()
        decision = self.decide(now)
        took = time.thread_time() - began
        if now >= WARM:
            self.times.append(1e3 * took)
            self.exact += decision.method == "exact"
            self._since += 1
            if self._since >= EVERY and self._seen is not None:
                self._since = 0
                self._evaluate(decision, self._seen)
        return decision.calls

    def _outlook(self, *args: Any) -> Outlook:
        self._seen = super()._outlook(*args)
        return self._seen

    def _evaluate(self, decision: Decision, seen: Outlook) -> None:
        began = time.thread_time()
        risk = plainly(seen)
        self.plain_times.append(1e3 * (time.thread_time() - began))
        if decision.calls == 0 and decision.held_by == "bound":  # then it is that of the first call
            few = len(seen.freed) + seen.answering.shape[1] <= EXACT_UP_TO
            if decision.risk < decision.bound + 0.2:  # above that it is a rough one
                self.off.append(abs(risk - decision.risk) / DIFFERENT[few])


def plainly(seen: Outlook) -> float:
    """P(the first new call meets nobody), written down as it is defined."""
    risk = 0.0
    for weight, answering in zip(seen.weights, seen.answering, strict=True):
        horizons = answering.shape[1]
        for horizon in range(horizons):
            table = np.ones(1)
            for chance in [*(1.0 - seen.freed[:, horizon]), *answering[:, horizon]]:
                table = np.convolve(table, (1.0 - chance, chance))
            meets = max(seen.free + len(seen.freed), 0)
            risk += weight * float(table[meets:].sum()) / horizons
    return risk


def measure(agents: int, minutes: float) -> dict[str, Any]:
    """One team."""
    policy = Timed()
    Shift(REFERENCE, agents, policy, seed=1, length=WARM + minutes * MINUTE).run()
    times, plain = sorted(policy.times), statistics.median(policy.plain_times)
    median = statistics.median(times)
    return {
        "agents": agents,
        "decisions": len(times),
        "exact_share": round(policy.exact / len(times), 2),
        "median_ms": round(median, 3),
        "p99_ms": round(times[int(0.99 * (len(times) - 1))], 3),
        "longest_ms": round(times[-1], 2),
        "plain_ms": round(plain, 2),
        "ratio": round(median / plain, 4),
        "compared": len(policy.off),
        "same": all(off <= 1.0 for off in policy.off),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", default="5,25,100,300", help="team sizes")
    parser.add_argument("--minutes", type=float, default=10.0, help="measured after the warm-up")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    chosen = parser.parse_args(argv)
    teams = [measure(int(one), chosen.minutes) for one in chosen.agents.split(",")]
    largest = max(teams, key=lambda one: one["agents"])
    result = {
        "ratio": largest["ratio"],
        "aim_ms": AIM_MS,
        "teams": teams,
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }
    if chosen.json:
        print(json.dumps(result))
    else:
        print(
            f"{'agents':>6} {'median':>8} {'p99':>8} {'longest':>8} {'plain':>8} {'ratio':>8}  ms"
        )
        for one in teams:
            print(
                f"{one['agents']:>6} {one['median_ms']:>8} {one['p99_ms']:>8}"
                f" {one['longest_ms']:>8} {one['plain_ms']:>8} {one['ratio']:>8}"
            )
        print(f"ratio {result['ratio']} (aim: a decision within {AIM_MS:g} ms)")
    good = all(one["same"] and one["median_ms"] <= AIM_MS for one in teams)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
