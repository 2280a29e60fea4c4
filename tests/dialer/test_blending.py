"""Agents who are kept free of campaigns for callers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.dialer.blending import MOST, Load, kept, needed
from ccmiddleware.dialer.teams import Doing
from ccmiddleware.facts import AgentStateName

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)


def load(
    *, waiting: int = 0, talking: int = 0, lately: int = 0, before: int = 0,
    handling: float | None = 180.0, target: float = 20.0,
) -> Load:  # fmt: skip
    return Load(waiting, talking, lately, before, handling, target)


@pytest.mark.parametrize(
    ("hourly", "handling", "share", "agents"),
    [
        # Tables of Erlang C: 100 calls an hour of 3 minutes (5 erlangs), 80 % in 20 s: 8 agents.
        (100, 180, 0.8, 8),
        (100, 180, 0.95, 9),
        (60, 300, 0.8, 8),
        (198, 180, 0.8, 13),
        (0, 180, 0.8, 0),
        (100, 180, 0.0, 0),
    ],
)
def test_how_many_agents_callers_need(
    hourly: int, handling: float, share: float, agents: int
) -> None:
    found = load(before=hourly // 6, handling=handling)
    exact = Load(0, 0, 0, found.before, handling, 20.0)
    assert exact.rate == pytest.approx(hourly / 3600, rel=0.05)
    assert needed(exact, share) == agents


def test_a_sudden_rise_is_believed_and_a_single_call_is_not() -> None:
    assert load(lately=1).rate == 0.0
    assert load(lately=25, before=25).rate == pytest.approx(20 / 120)


def test_too_many_calls_for_anybody() -> None:
    assert needed(load(before=100_000), 0.8) == MOST


def team(**states: AgentStateName) -> dict[str, Doing]:
    return {
        agent: (state, NOW - timedelta(seconds=number))
        for number, (agent, state) in enumerate(states.items())
    }


OURS = team(ann="idle", bob="idle", cem="idle", dan="talking")


def test_nobody_is_kept_while_nobody_calls() -> None:
    assert kept({"help": load()}, [OURS], {"help": OURS}, 0.8) == set()


def test_for_each_who_waits_one_is_kept_whoever_is_idle_longest() -> None:
    assert kept({"help": load(waiting=2)}, [OURS], {"help": OURS}, 0.8) == {"bob", "cem"}
    assert kept({"help": load(waiting=9)}, [OURS], {"help": OURS}, 0.8) == {"ann", "bob", "cem"}
    assert kept({"help": load(waiting=2)}, [OURS], {"help": OURS}, 0.0) == set()


def test_who_talks_to_callers_already_counts() -> None:
    # Some 3 agents are needed for that many calls.
    busy = load(before=5, handling=60)
    assert needed(busy, 0.8) == 2
    assert len(kept({"help": busy}, [OURS], {"help": OURS}, 0.8)) == 2
    talking = load(before=5, handling=60, talking=1)
    assert len(kept({"help": talking}, [OURS], {"help": OURS}, 0.8)) == 1


def test_idle_agents_whom_no_campaign_has_count_first() -> None:
    serving = {**OURS, **team(eve="idle", fay="paused")}
    assert kept({"help": load(waiting=2)}, [OURS], {"help": serving}, 0.8) == {"cem"}


def test_who_is_kept_for_one_queue_is_kept_for_another_too() -> None:
    loads = {"help": load(waiting=1), "desk": load(waiting=1)}
    assert kept(loads, [OURS], {"help": OURS, "desk": OURS}, 0.8) == {"cem"}
    apart = {"help": team(ann="idle"), "desk": team(bob="idle")}
    assert kept(loads, [OURS], apart, 0.8) == {"ann", "bob"}


@given(
    st.integers(0, 50), st.integers(0, 20), st.integers(0, 40), st.integers(0, 200),
    st.floats(1, 900), st.floats(0, 300), st.floats(0, 0.999),
)  # fmt: skip
def test_more_calls_never_need_fewer_agents(
    waiting: int, talking: int, lately: int, before: int, handling: float, target: float,
    share: float,
) -> None:  # fmt: skip
    less = Load(waiting, talking, lately, before, handling, target)
    more = Load(waiting, talking, lately, before + 30, handling, target)
    assert needed(less, share) <= needed(more, share)
