"""The simulation: the same for the same seed, right where theory knows, and within the limit."""

from dataclasses import replace

import pytest

from ccmiddleware.dialer.simulation.draws import Draws
from ccmiddleware.dialer.simulation.leads import DEVIATION, MEAN, DifferingLeads
from ccmiddleware.dialer.simulation.policies import Ours, Power
from ccmiddleware.dialer.simulation.running import (
    Job,
    Outcome,
    interval,
    play,
    play_all,
    student,
    summaries,
)
from ccmiddleware.dialer.simulation.shift import Counts, Shift
from ccmiddleware.dialer.simulation.workloads import HOUR, LEADS_DIFFER, WORKLOADS


def test_the_same_seed_is_the_same_shift() -> None:
    job = Job("reference", "predictive", 5, seed=3, hours=0.5)
    assert play(job) == play(job)
    assert play(job) != play(Job("reference", "predictive", 5, seed=4, hours=0.5))


def test_processes_change_nothing() -> None:
    jobs = [Job("reference", "progressive", 4, seed, 0.5) for seed in (1, 2)]
    assert sorted(play_all(jobs, 2), key=lambda one: one.job.seed) == list(play_all(jobs, 1))


def test_progressive_dialing_is_as_busy_as_renewal_theory_says() -> None:
    """Idle for 1/p calls of about 16.5 s each, and half a second of waiting for the next tick."""
    done = play(Job("reference", "progressive", 60, seed=1, hours=6))
    assert done.abandoned == 0
    assert done.utilisation == pytest.approx(0.62, abs=0.012)


@pytest.mark.parametrize(
    ("workload", "hours"), [("reference", 1.0), ("agents-leave", 1.8), ("outage", 2.1)]
)
def test_the_pacer_is_busier_and_keeps_the_limit(workload: str, hours: float) -> None:
    ours = play(Job(workload, "predictive", 12, seed=11, hours=hours))
    plain = play(Job(workload, "progressive", 12, seed=11, hours=hours))
    assert ours.abandonment <= 0.03
    assert ours.utilisation > plain.utilisation + 0.05


def test_the_pacer_sees_no_more_than_a_dialer_does_and_has_no_faults() -> None:
    pacer = Ours()
    Shift(WORKLOADS["agents-leave"], 8, pacer, seed=2, length=HOUR).run()
    assert pacer.faults == 0


def test_oracles_and_other_policies_run() -> None:
    for policy in ("power-2", "adaptive", "adaptive-tuned", "oracle-agents", "oracle-calls"):
        assert 0.3 < play(Job("reference", policy, 8, seed=1, hours=0.7)).utilisation < 1


def test_leads_that_differ_have_the_variance_that_is_said() -> None:
    leads = DifferingLeads(LEADS_DIFFER, Draws(LEADS_DIFFER, 1), 1, "choice")
    assert leads.chances.mean() == pytest.approx(MEAN, abs=0.002)
    assert leads.chances.std() == pytest.approx(DEVIATION, abs=0.002)


def test_each_lead_is_dialed_once_until_there_are_none() -> None:
    few = replace(LEADS_DIFFER, leads=600)
    leads = DifferingLeads(few, Draws(few, 1), 1, "choice")
    taken = []
    now = 0.0
    while leads.ahead(5, now):
        lead = leads.take(now)
        taken.append(lead.number)
        leads.result(lead, "person" if lead.draws.luck < lead.answer_probability else "failed", now)
        now += 7.0
    assert sorted(taken) == list(range(600))


def test_learning_chooses_leads_that_answer() -> None:
    unknowing = play(Job("leads-differ", "predictive", 12, seed=1, hours=1.2))
    learning = play(Job("leads-differ", "predictive-learning", 12, seed=1, hours=1.2))
    assert learning.answered / learning.attempts > 1.1 * unknowing.answered / unknowing.attempts
    assert learning.utilisation > unknowing.utilisation


def test_power_dialing_counts_what_rings() -> None:
    power = Power(2.0)
    for agent in range(3):
        power.agent_logged_in(agent, 0.0)
    shift = Shift(WORKLOADS["reference"], 0, power, 1)
    assert power.calls(0.0, shift) == 6
    for call in range(6):
        power.call_dialed(call, 0.0)
    assert power.calls(1.0, shift) == 0


def test_the_worst_hour_is_any_sixty_minutes() -> None:
    counts = Counts([10] * 120, [0] * 120)
    counts.abandoned[50:60] = [3] * 10
    assert counts.worst_hour == pytest.approx(30 / 600)
    assert counts.abandonment == pytest.approx(30 / 1200)


def test_intervals_are_those_of_student() -> None:
    assert student(1) == pytest.approx(12.706)
    assert student(9) == pytest.approx(2.262, abs=0.003)
    assert student(1000) == pytest.approx(1.962, abs=0.002)
    assert interval([1.0, 1.0, 1.0]) == (1.0, 0.0)
    assert interval([0.5]) == (0.5, None)


def test_summaries_are_over_the_shifts_of_one_kind() -> None:
    outcomes = [play(Job("reference", "progressive", 3, seed, 0.5)) for seed in (1, 2)]
    (one,) = summaries(outcomes)
    assert one.shifts == 2
    assert one.seeds == [1, 2]
    assert one.utilisation_pct == pytest.approx(50 * sum(each.utilisation for each in outcomes))


def test_an_abandoned_machine_counts_for_the_dialer_but_is_no_person() -> None:
    job = Job("reference", "predictive", 5, 1)
    people = Outcome(job, 0.7, 0.029, 0.05, answered=1000, abandoned=29, machines_abandoned=0,
                     attempts=4000)  # fmt: skip
    machines = replace(people, machines_abandoned=2)
    assert people.counted == people.abandonment
    assert machines.counted == pytest.approx(31 / 1002)
    (one,) = summaries([people, machines])
    assert (one.shifts_over_limit, one.counted_over_limit) == (0, 1)
    assert one.worst_counted_pct == pytest.approx(100 * 31 / 1002)
    assert one.counted_pct == pytest.approx(50 * (0.029 + 31 / 1002))
