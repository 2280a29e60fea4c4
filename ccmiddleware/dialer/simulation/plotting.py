"""A picture of simulated shifts: utilisation over abandonment, one panel for each workload."""

from collections.abc import Sequence
from pathlib import Path

from ccmiddleware.dialer.simulation.running import LIMIT, Summary


def draw(found: Sequence[Summary], path: Path) -> None:
    """Write a PNG file: a line for each policy, a point for each team size."""
    from matplotlib.figure import Figure

    workloads = list(dict.fromkeys(one.workload for one in found))
    figure = Figure(figsize=(7.5 * len(workloads), 6.0), layout="constrained")
    panels = figure.subplots(1, len(workloads), squeeze=False)[0]
    for panel, workload in zip(panels, workloads, strict=True):
        for policy in dict.fromkeys(one.policy for one in found):
            points = [one for one in found if (one.workload, one.policy) == (workload, policy)]
            panel.errorbar(
                [one.abandonment_pct for one in points],
                [one.utilisation_pct for one in points],
                xerr=[one.abandonment_ci_pct or 0.0 for one in points],
                yerr=[one.utilisation_ci_pct or 0.0 for one in points],
                marker="o",
                linewidth=1,
                label=policy,
            )
            for one in points:
                at = (one.abandonment_pct, one.utilisation_pct)
                panel.annotate(f"{one.agents}", at, (4, 4), textcoords="offset points", fontsize=8)
        panel.axvline(100 * LIMIT, color="grey", linestyle="--", linewidth=1)
        panel.set_title(f"{workload}: points are team sizes")
        panel.set_xlabel("abandoned, % of people who answered")
        panel.set_ylabel("utilisation, % of the time logged in")
        panel.legend()
    figure.savefig(path, format="png", dpi=120)
