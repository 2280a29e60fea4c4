"""A workload from the figures of a campaign: what is taken over, and how little is too little."""

import pickle
from collections.abc import Sequence
from typing import Any

import pytest

from ccmiddleware.dialer.simulation.measured import Rates, TooLittle, measured
from ccmiddleware.dialer.simulation.running import Job, play

FIGURES = {
    "attempts": 1000, "live": 250, "machines": 150, "failed": 120, "ring_mean": 12.0,
    "ring_deviation": 6.0, "no_answer_mean": 22.0, "talks": 240, "talk_mean": 90.0,
    "talk_deviation": 90.0, "wrap_mean": 20.0, "wrap_deviation": 14.0, "agents": 7.5,
}  # fmt: skip


def hours(*counts: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"hour": hour, "attempts": attempts, "live": live} for hour, attempts, live in counts]


DAY = hours((9, 500, 150), (10, 400, 80), (12, 100, 20))


def of(rows: Sequence[dict[str, int]] = DAY, **changes: Any) -> Any:
    return measured("spring", FIGURES | changes, rows, 2.0)


def test_shares_times_and_agents_are_taken_over() -> None:
    found = of()
    load = found.workload
    assert (load.machine, load.failed, load.machine_leak) == (0.15, 0.12, 0.0)
    assert (load.ring_mean, load.ring_cv, load.ring_longest) == (12.0, 0.5, 22.0)
    assert (load.long_talk, load.talk_cv, load.share_short) == (90.0, 1.0, 0.0)
    assert (load.wrap_mean, load.wrap_cv, load.patience) == (20.0, 0.7, 2.0)
    assert (found.first_hour, found.hours, found.agents) == (9, 4, 8)


def test_rates_by_hour_and_the_usual_one_where_there_is_too_little() -> None:
    rates = of().workload.answer_probability
    assert [rates(hour * 3600.0) for hour in (0, 1, 2, 3, 4)] == [0.3, 0.2, 0.25, 0.2, 0.3]
    few = of(hours((9, 960, 240), (10, 40, 40))).workload.answer_probability
    assert few(3600.0) == 0.25


@pytest.mark.parametrize(
    ("present", "first", "length"),
    [((14, 15, 23, 0, 1), 14, 12), ((5,), 5, 1), (tuple(range(24)), 0, 24), ((0, 23), 23, 2)],
)
def test_a_day_may_go_over_midnight(present: tuple[int, ...], first: int, length: int) -> None:
    found = of(hours(*((hour, 100, 25) for hour in sorted(present))))
    assert (found.first_hour, found.hours) == (first, length)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attempts": 299}, "299 of the 300 attempts that are over"),
        ({"live": 49}, "49 of the 50 calls that people answered"),
        ({"talks": 0, "talk_mean": None}, "0 of the 30 talks with agents"),
    ],
)
def test_too_little_history_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TooLittle, match=words):
        of(**changes)


def test_a_campaign_without_wrap_up_or_deviation_can_be_simulated() -> None:
    bare = of(wrap_mean=0, wrap_deviation=None, ring_deviation=0, no_answer_mean=None)
    outcome = play(Job("spring", "progressive", 3, 1, 0.2, bare.workload))
    assert outcome.attempts > 0


def test_it_goes_to_other_processes() -> None:
    job = Job("spring", "progressive", 3, 1, 0.2, of().workload)
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301 - our own
    assert isinstance(of().workload.answer_probability, Rates)


def test_what_is_simulated_is_what_was_measured() -> None:
    outcome = play(Job("spring", "progressive", 10, 1, 4.0, of().workload))
    assert outcome.answered / outcome.attempts == pytest.approx(0.2375, abs=0.03)
    # A talk of 110 s with wrap-up, and some 65 s of ringing before it: see report.predictive_gain.
    assert outcome.utilisation == pytest.approx(0.62, abs=0.04)
