"""``ccm campaign simulate``: how ways of pacing compare, on seeded shifts that never happened."""

from collections.abc import Sequence
from datetime import timedelta
from os import sched_getaffinity
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import checked
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit
from ccmiddleware.cli.recording_verify import progress
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.dialer.simulation.measured import Measured
    from ccmiddleware.dialer.simulation.running import Job, Summary

REFERENCE = "reference"
STRESS = ("step", "agents-leave", "alternating", "outage")
LEADS_DIFFER = "leads-differ"

TEAMS = {REFERENCE: (5, 10, 25, 50, 100, 300), "stress": (25, 100), LEADS_DIFFER: (25,)}
"""The team sizes of each kind of workload when none are given."""
COMPARED = ("progressive", "adaptive", "predictive")
KNOWING = ("predictive-forecast", "predictive-learning")
POLICIES = (
    "progressive",
    "power-1.5",
    "power-2",
    "power-3",
    "adaptive",
    "adaptive-tuned",
    "predictive",
    *KNOWING,
    "oracle-agents",
    "oracle-calls",
)
"""The names of ``simulation.running.POLICIES``; a test holds that they are the same."""
LARGEST_TEAM = 2000
HOURS = 8.0
HISTORY = timedelta(days=30)
"""How far back a campaign is looked at that is to be simulated."""

TABLE = (
    Column("workload", "WORKLOAD"),
    Column("agents", "AGENTS", "number"),
    Column("policy", "POLICY"),
    Column("shifts", "SHIFTS", "number"),
    Column("busy", "UTILISATION %", "number"),
    Column("lost", "ABANDONED %", "number"),
    Column("worst_shift", "WORST SHIFT %", "number"),
    Column("over", "SHIFTS > 3 %", "number"),
    Column("counted", "AS COUNTED %", "number"),
    Column("worst_counted", "WORST COUNTED %", "number"),
    Column("worst_hour", "WORST HOUR %", "number"),
    Column("answers", "ANSWERS/SHIFT", "number"),
)


class Teams(click.ParamType[tuple[int, ...]]):
    """Team sizes, with commas between."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            teams = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of team sizes; write 5,10,25", param, ctx)
        if not all(1 <= team <= LARGEST_TEAM for team in teams):
            self.fail(f"teams have 1 to {LARGEST_TEAM} agents", param, ctx)
        return tuple(dict.fromkeys(teams))


def _processes() -> int:
    return len(sched_getaffinity(0))


@click.command("simulate", epilog="Example:  ccm campaign simulate --agents 10,25 --shifts 5")
@click.option("--reference", is_flag=True, help="The reference workload; also if none is named.")
@click.option(
    "--stress",
    is_flag=True,
    help="Sudden changes: answer rates, agents leaving, rates by turns, outages.",
)
@click.option("--leads-differ", is_flag=True, help="Leads whose chances to answer differ.")
@click.option(
    "--from",
    "campaign",
    metavar="CAMPAIGN",
    help="As a campaign was in the last 30 days: its answers by hour, rings, talks, agents.",
)
@click.option("--agents", type=Teams(), help="Team sizes, such as 5,10,25.")
@click.option(
    "--policy",
    "policies",
    type=click.Choice([*POLICIES, "ours"]),
    multiple=True,
    help="What is compared; may be repeated. `ours` is predictive.",
)
@click.option(
    "--shifts", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many each."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first one.")
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 24),
    help="Of a shift: 8 if not given; with --from as many as it dials in a day.",
)
@click.option("--processes", type=click.IntRange(1, 256), help="All processors if not given.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also draw utilisation over abandonment into this PNG file.",
)
@json_option
@pass_app
def simulate(
    app: App,
    reference: bool,
    stress: bool,
    leads_differ: bool,
    campaign: str | None,
    agents: tuple[int, ...] | None,
    policies: tuple[str, ...],
    shifts: int,
    seed: int,
    hours: float | None,
    processes: int | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Simulate shifts of a campaign, and compare ways of pacing.

    Each shift begins without any history. Seeds are SEED, SEED+1, …; the same seed gives each way
    of pacing the same leads. Nothing is dialed, and no daemon is needed; only --from needs the
    database.
    """
    if plot is not None:
        _can_plot()
    kinds = {"reference": reference, "stress": stress, LEADS_DIFFER: leads_differ}
    chosen = [kind for kind, wanted in kinds.items() if wanted]
    seeds = range(seed, seed + shifts)
    jobs = []
    if campaign is not None:
        jobs += _jobs_like(run(_measured(app, campaign)), agents, policies, seeds, hours)
    elif not chosen:
        chosen = [REFERENCE]
    jobs += _jobs(chosen, agents, policies, seeds, hours or HOURS)
    found = _play(jobs, processes or _processes())
    lengths = " or ".join(f"{length:g}" for length in dict.fromkeys(job.hours for job in jobs))
    say(f"seeds {seed} to {seed + shifts - 1}; {lengths} hours; 95 % intervals of the mean")
    if as_json:
        rows = [summary.as_dict() for summary in found]
    else:
        rows = [_row(summary) for summary in found]
    emit(rows, TABLE, as_json=as_json, empty="nothing was simulated")
    if plot is not None:
        from ccmiddleware.dialer.simulation.plotting import draw

        draw(found, plot)
        say(f"drawn into {plot}")


def _jobs(
    kinds: Sequence[str],
    teams: tuple[int, ...] | None,
    policies: tuple[str, ...],
    seeds: range,
    hours: float,
) -> "list[Job]":
    from ccmiddleware.dialer.simulation.running import Job

    named = _named(policies)
    jobs = []
    for kind in kinds:
        compared = named or (COMPARED + KNOWING if kind == LEADS_DIFFER else COMPARED)
        for workload in STRESS if kind == "stress" else (kind,):
            for team in teams or TEAMS[kind]:
                for policy in dict.fromkeys(compared):
                    jobs += [Job(workload, policy, team, seed, hours) for seed in seeds]
    return jobs


def _named(policies: Sequence[str]) -> tuple[str, ...]:
    return tuple("predictive" if name == "ours" else name for name in policies)


def _jobs_like(
    found: "Measured",
    teams: tuple[int, ...] | None,
    policies: tuple[str, ...],
    seeds: range,
    hours: float | None,
) -> "list[Job]":
    """Shifts like those of a campaign; what was measured of it is said."""
    from ccmiddleware.dialer.simulation.running import Job

    load, length = found.workload, hours or float(found.hours)
    mean = sum(load.answer_probability(hour * 3600.0) for hour in range(found.hours)) / found.hours
    say(
        f"{load.name}, from {found.attempts} attempts and {found.talks} talks: people answer"
        f" {mean:.1%}, machines {load.machine:.1%}, busy or failed {load.failed:.1%}; they ring"
        f" {load.ring_mean:.1f} s until answered, {load.ring_longest:.0f} s at most; talks of"
        f" {load.long_talk:.0f} s, wrap-up of {load.wrap_mean:.0f} s; {found.agents} agents; a day"
        f" of {found.hours} hours from {found.first_hour}:00"
    )
    return [
        Job(load.name, policy, team, seed, length, load)
        for team in teams or (found.agents,)
        for policy in dict.fromkeys(_named(policies) or COMPARED)
        for seed in seeds
    ]


async def _measured(app: App, campaign: str) -> "Measured":
    """A campaign as it can be simulated. Raises NothingFound when there is too little of it."""
    from ccmiddleware.dialer.campaign_check import profile_of
    from ccmiddleware.dialer.campaigns import find
    from ccmiddleware.dialer.profiles import InvalidProfile
    from ccmiddleware.dialer.simulation.measured import TooLittle, measured
    from ccmiddleware.dialer.simulation.workloads import REFERENCE as LIKE
    from ccmiddleware.dialer.standing import zone_of

    async with checked(), opened(app) as database:
        row = await find(database, campaign)
        since, zone = utc_now() - HISTORY, zone_of(row["settings"])
        figures = await database.fetchrow("campaign_measures", row["id"], zone.key, since)
        hours = await database.fetch("campaign_hours", row["id"], zone.key, since)
    try:
        patience = profile_of(row["settings"]).terms.agent_seconds.value
    except InvalidProfile:
        patience = LIKE.patience
    try:
        return measured(campaign, dict(figures or {}), [dict(one) for one in hours], patience)
    except TooLittle as error:
        raise NothingFound(f"{error} (of the last {HISTORY.days} days)") from None


def _play(jobs: "Sequence[Job]", processes: int) -> "list[Summary]":
    from ccmiddleware.dialer.simulation.running import play_all, summaries

    order = {job: number for number, job in enumerate(jobs)}
    outcomes = []
    with progress(len(jobs), "shifts") as done:
        for outcome in play_all(jobs, processes):
            outcomes.append(outcome)
            done()
    return summaries(sorted(outcomes, key=lambda one: order[one.job]))


def _row(summary: "Summary") -> dict[str, Any]:
    return {
        "workload": summary.workload,
        "agents": summary.agents,
        "policy": summary.policy,
        "shifts": summary.shifts,
        "busy": _mean(summary.utilisation_pct, summary.utilisation_ci_pct),
        "lost": _mean(summary.abandonment_pct, summary.abandonment_ci_pct),
        "worst_shift": f"{summary.worst_shift_pct:.2f}",
        "over": summary.shifts_over_limit,
        "counted": f"{summary.counted_pct:.2f}",
        "worst_counted": f"{summary.worst_counted_pct:.2f}",
        "worst_hour": f"{summary.worst_hour_pct:.2f}",
        "answers": f"{summary.answers_per_shift:.0f}",
    }


def _can_plot() -> None:
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.UsageError(
            "--plot needs matplotlib: install it with  pip install 'ccmiddleware[plot]'"
        )


def _mean(value: float, half: float | None) -> str:
    """A mean with its interval; a single shift has none."""
    return f"{value:.2f}" if half is None else f"{value:.2f} ± {half:.2f}"
