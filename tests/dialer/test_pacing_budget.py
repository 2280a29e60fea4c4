"""The bound that follows from what was answered and abandoned."""

import json

import pytest

from ccmiddleware.dialer.pacing.budget import Budget, first_bound


def told(budget: Budget, answers: int, abandoned: int, at: float = 0.0) -> Budget:
    for number in range(answers):
        budget.answered(at, abandoned=number < abandoned)
    return budget


def test_nothing_is_risked_before_the_limit_allows_one() -> None:
    assert told(Budget(0.03, 28800), 33, 0).bound(10, held_back=False) == 0
    assert told(Budget(0.03, 28800), 34, 0).bound(10, held_back=False) > 0


def test_the_bound_falls_smoothly_as_the_slack_is_used_up() -> None:
    bounds = [told(Budget(0.03, 28800), 1000, gone).bound(10, held_back=False)
              for gone in (10, 20, 26, 28, 30, 33)]  # fmt: skip
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > first_bound(10) > bounds[3] > 0
    assert bounds[-1] == 0


def test_what_is_older_than_the_window_does_not_count() -> None:
    budget = told(Budget(0.03, 28800), 100, 50)
    budget.forget(28000.0)
    assert budget.answers == 100
    budget.forget(29800.0)
    assert (budget.answers, budget.abandoned) == (0, 0)


def test_a_steady_reserve_of_slack_raises_the_bound_and_its_lack_lowers_it() -> None:
    low, high = Budget(0.03, 28800), Budget(0.03, 28800)
    for number in range(3000):
        low.answered(0.0, abandoned=number % 30 == 0)
        high.answered(0.0, abandoned=number % 60 == 0)
    assert low.level < 0 < high.level


def test_slack_that_leads_or_lines_left_over_is_no_reason_for_a_higher_bound() -> None:
    budget = Budget(0.03, 28800)
    budget.bound(10, held_back=True)
    told(budget, 3000, 0)
    assert budget.level <= 0


def test_a_machine_that_an_agent_found_is_no_answer() -> None:
    budget = told(Budget(0.03, 28800), 100, 1)
    budget.was_machine(0.0)
    assert budget.answers == 99


def test_the_budget_survives_with_its_ages() -> None:
    budget = told(Budget(0.03, 28800), 100, 2, at=5000.0)
    state = json.loads(json.dumps(budget.export(6000.0)))
    again = Budget(0.03, 28800)
    again.restore(state, now=100.0, elapsed=60.0)
    assert (again.answers, again.abandoned, again.level) == (100, 2, budget.level)
    again.forget(100.0 + 28800)
    assert again.answers == 0


def test_a_clock_that_jumps_takes_the_budget_along() -> None:
    budget = told(Budget(0.03, 28800), 100, 2, at=1_000_000.0)
    budget.shift(-1_000_000.0)
    budget.forget(600.0)
    assert budget.answers == 100


def test_near_a_known_end_less_is_kept_in_reserve() -> None:
    budget = told(Budget(0.03, 28800), 5000, 146)
    early = budget.bound(50, held_back=False)
    late = budget.bound(50, held_back=False, now=28000.0, ends=28060.0)
    assert late > early
    beyond_the_window = budget.bound(50, held_back=False, now=28000.0, ends=60000.0)
    assert beyond_the_window == early


def test_with_time_to_earn_it_again_a_little_may_be_owed() -> None:
    budget = told(Budget(0.03, 28800), 300, 9)
    unknown = budget.bound(10, held_back=False, now=7000.0)
    known = budget.bound(10, held_back=False, now=7000.0, ends=28800.0)
    soon = budget.bound(10, held_back=False, now=7000.0, ends=7030.0)
    assert known > unknown
    assert known > soon


@pytest.mark.parametrize(
    ("now", "answers", "abandoned", "ends", "risks"),
    [
        # answers and abandonments so far, the end if it is known, whether any risk is borne
        (7000.0, 33, 0, None, False),
        (7000.0, 34, 0, None, True),
        (600.0, 13, 0, 28800.0, False),
        (600.0, 14, 0, 28800.0, True),  # the rest of the first one is earned until the end
        (600.0, 14, 0, 1200.0, False),  # not that soon
        (7000.0, 300, 8, 7010.0, True),  # nine are allowed
        (7000.0, 300, 9, 7010.0, False),  # a tenth is not, and next to nobody answers any more
        (7000.0, 299, 8, 7010.0, False),  # 8.97
        (7000.0, 299, 8, 7060.0, True),
        (7000.0, 300, 9, 7900.0, False),  # 31 answers to be counted on
        (7000.0, 300, 9, 8000.0, True),  # 34
    ],
)
def test_no_risk_that_could_not_be_earned_again(
    now: float, answers: int, abandoned: int, ends: float | None, risks: bool
) -> None:
    budget = told(Budget(0.03, 28800), answers, abandoned)
    assert (budget.bound(10, held_back=False, now=now, ends=ends) > 0) == risks


def test_larger_teams_keep_a_larger_reserve() -> None:
    budget = told(Budget(0.03, 28800), 1000, 10)
    budget.bound(5, held_back=False)
    few = budget.reserve
    budget.bound(300, held_back=False)
    assert budget.reserve > few + 5
