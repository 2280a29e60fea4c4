"""The risk of one more call, compared with counting all cases."""

from itertools import product

import numpy as np
import pytest

from ccmiddleware.dialer.pacing.forecast import EXACT_UP_TO, Outlook, allowed


def outlook(free: int, freed: list[float], answering: list[float], new: float) -> Outlook:
    """One scenario, one horizon."""
    return Outlook(
        free=free,
        freed=np.array(freed).reshape(-1, 1),
        answering=np.array(answering).reshape(1, -1, 1),
        weights=np.array([1.0]),
        chances=lambda first, last: np.full((1, last - first, 1), new),
        guard=1.0,
    )


def by_counting(free: int, freed: list[float], answering: list[float]) -> float:
    """P(answers >= free + freed), summed over all cases."""
    total = 0.0
    for case in product((0, 1), repeat=len(freed) + len(answering)):
        chances = [*freed, *answering]
        weight = np.prod([q if one else 1 - q for one, q in zip(case, chances, strict=True)])
        became_free, answered = sum(case[: len(freed)]), sum(case[len(freed) :])
        total += weight * (answered >= free + became_free)
    return total


@pytest.mark.parametrize(
    ("free", "freed", "answering"),
    [
        (0, [], []),
        (1, [], [0.3]),
        (0, [0.2, 0.7, 0.4], [0.1, 0.3]),
        (2, [0.5, 0.05], [0.25, 0.3, 0.2, 0.15]),
        (-1, [0.9, 0.8, 0.4], [0.2]),
        (-3, [0.9], [0.2]),
    ],
)
@pytest.mark.parametrize("new", [0.05, 0.3, 0.9])
def test_as_many_calls_are_allowed_as_keep_the_bound(
    free: int, freed: list[float], answering: list[float], new: float
) -> None:
    found = allowed(outlook(free, freed, answering, new), bound=0.1, most=6)
    risks = [by_counting(free, freed, answering + [new] * more) for more in range(7)]
    expected = next((n for n, risk in enumerate(risks[:6]) if risk > 0.1), 6)
    assert found.calls == expected
    if found.exact:
        assert found.next_risk == pytest.approx(risks[expected])
        assert found.risk == pytest.approx(risks[max(expected - 1, 0)])


def test_the_normal_approximation_is_near_the_exact_distribution() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        freed = rng.beta(1, 8, 30).tolist()
        answering = rng.uniform(0.02, 0.25, 33).tolist()
        free = int(rng.integers(0, 5))
        exact = allowed(outlook(free, freed, answering, 0.15), 0.03, 40)
        # Events that can't happen make the sums too large to be exact, and change nothing else.
        padded = freed + [0.0] * EXACT_UP_TO
        normal = allowed(outlook(free, padded, answering, 0.15), 0.03, 40)
        assert not normal.exact
        assert abs(normal.calls - exact.calls) <= 1


def test_leads_that_answer_more_often_need_fewer_calls() -> None:
    few = allowed(outlook(3, [0.2] * 5, [], 0.5), 0.05, 50).calls
    many = allowed(outlook(3, [0.2] * 5, [], 0.1), 0.05, 50).calls
    assert 3 <= few < many


def test_a_different_chance_for_each_new_call() -> None:
    chances = np.array([0.9, 0.9, 0.9, 0.01, 0.01, 0.01, 0.01])
    one = Outlook(
        free=2,
        freed=np.zeros((0, 1)),
        answering=np.zeros((1, 0, 1)),
        weights=np.array([1.0]),
        chances=lambda first, last: chances[first:last].reshape(1, -1, 1),
        guard=1.0,
    )
    assert allowed(one, 0.05, 6).calls == 2  # after two sure answers nobody is left
    more = allowed(one, 0.9, 6)
    assert more.calls == 3
    assert more.risk == pytest.approx(0.81)
    assert more.next_risk == pytest.approx(0.972)


def test_the_guard_holds_where_the_bound_would_not() -> None:
    guarded = Outlook(
        free=2,
        freed=np.zeros((0, 1)),
        answering=np.zeros((2, 0, 1)),
        weights=np.array([1.0, 0.0]),
        chances=lambda first, last: np.repeat([[[0.01]], [[0.4]]], last - first, axis=1),
        guard=0.6,
    )
    found = allowed(guarded, 0.05, 100)
    assert found.guarded
    assert found.calls < 10
