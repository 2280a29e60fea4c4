"""What the pacer learns: rates, ring times and how long agents stay busy."""

import json

import numpy as np
import pytest

from ccmiddleware.dialer.pacing.estimators import (
    HALF_SECONDS,
    AnswerRate,
    RingTimes,
    Stays,
    chances_to_be_free,
)


def test_the_rate_follows_what_is_answered() -> None:
    rng = np.random.default_rng(1)
    rate = AnswerRate(0.25)
    for answered in rng.random(3000) < 0.4:
        rate.observe(0.25, bool(answered), 20, 10)
    none = np.empty(0)
    rate.estimate(none, none, none)
    assert rate.factor * 0.25 == pytest.approx(0.4, abs=0.05)
    assert 0 < rate.deviation * 0.25 < 0.04


def test_chances_of_leads_are_corrected_as_a_whole() -> None:
    rng = np.random.default_rng(2)
    rate = AnswerRate(0.25)
    for _ in range(4000):
        said = float(rng.choice([0.1, 0.5]))
        rate.observe(said, bool(rng.random() < 0.6 * said), 20, 10)
    none = np.empty(0)
    rate.estimate(none, none, none)
    assert rate.factor == pytest.approx(0.6, abs=0.08)


def test_a_sudden_change_is_noticed_at_once() -> None:
    rng = np.random.default_rng(3)
    rate = AnswerRate(0.25)
    none = np.empty(0)
    for chance, attempts in ((0.2, 3000), (0.5, 240)):
        for answered in rng.random(attempts) < chance:
            rate.observe(0.25, bool(answered), 20, 10)
            rate.estimate(none, none, none)
    assert rate.factor * 0.25 > 0.38
    assert rate.changes >= 1


def test_calls_in_flight_count_by_their_age() -> None:
    """Failures are known at once, answers late: without imputation the rate would be too low."""
    rings = RingTimes()
    rate = AnswerRate(0.25)
    ages = np.full(200, 4.0)
    at = (ages * HALF_SECONDS).astype(np.int64)
    for _ in range(30):
        rate.observe(0.25, False, 200, 50)
    rate.estimate(np.full(200, 0.25), rings.answered_by[at], rings.ended_by[at])
    assert rate.factor > 0.5


def test_ring_times_become_those_that_are_seen() -> None:
    rings = RingTimes()
    for _ in range(2000):
        rings.answered(30.0)
        rings.ended(45.0)
    rings.rebuild()
    assert rings.answered_by[28 * HALF_SECONDS] < 0.1
    assert rings.answered_by[32 * HALF_SECONDS] > 0.9
    assert list(rings.horizons(5)[1:4]) == [61, 61, 62]
    assert rings.answered_by[-1] == pytest.approx(1.0)


def test_exponential_stays_have_no_memory() -> None:
    rng = np.random.default_rng(4)
    stays = Stays(40.0)
    for length in rng.exponential(90.0, 1500):
        stays.ended(float(length))
    stays.rebuild(np.empty(0))
    survival = stays.survival
    for age in (0, 30, 100):
        assert 1 - survival[age + 20] / survival[age] == pytest.approx(
            1 - np.exp(-20 / 90), abs=0.06
        )
    assert stays.mean == pytest.approx(90, rel=0.15)


def test_talks_that_go_on_count_as_long() -> None:
    alone, with_others = Stays(90.0), Stays(90.0)
    for stays in (alone, with_others):
        for _ in range(20):
            stays.ended(30.0)
    alone.rebuild(np.empty(0))
    with_others.rebuild(np.full(60, 200.0))
    assert with_others.survival[100] > alone.survival[100]


def test_an_agent_is_free_after_talk_and_wrap_up() -> None:
    talks, wraps = Stays(90.0), Stays(20.0)
    for _ in range(1000):
        talks.ended(50.5)
        wraps.ended(10.5)
    for stays in (talks, wraps):
        stays.rebuild(np.empty(0))
    from_talk, from_wrap = chances_to_be_free(talks, wraps, 1.0, [5.0, 20.0])
    assert from_talk[45, 0] < 0.1
    assert from_talk[45, 1] > 0.6
    assert from_wrap[8, 0] > 0.6
    without_wrap, _ = chances_to_be_free(talks, wraps, 0.0, [5.0, 20.0])
    assert without_wrap[45, 0] > from_talk[45, 0]
    assert np.all(np.diff(from_talk, axis=1) >= -1e-9)


def test_what_was_learned_survives_as_json() -> None:
    rate, rings, stays = AnswerRate(0.25), RingTimes(), Stays(90.0)
    rate.observe(0.25, True, 0, 1)
    rings.answered(7.0)
    stays.ended(33.0)
    for one, new in ((rate, AnswerRate(0.25)), (rings, RingTimes()), (stays, Stays(90.0))):
        state = json.loads(json.dumps(one.export()))
        new.restore(state)  # type: ignore[attr-defined]
        assert new.export() == one.export()
