"""What the pacing hears of agents, and for which campaign each of them counts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.dialer.pacing import Pacer
from ccmiddleware.dialer.teams import Doing, Team, shared
from ccmiddleware.facts import AgentStateName

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
BEGIN = NOW.timestamp()


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Heard:
    """Writes down what it hears, with seconds since NOW."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, float]] = []

    def agent_logged_in(self, agent: str, now: float) -> None:
        self.said.append(("in", agent, round(now - BEGIN, 3)))

    def agent_idle(self, agent: str, now: float) -> None:
        self.said.append(("idle", agent, round(now - BEGIN, 3)))

    def agent_talking(self, agent: str, now: float) -> None:
        self.said.append(("talking", agent, round(now - BEGIN, 3)))

    def agent_wrapping(self, agent: str, now: float) -> None:
        self.said.append(("wrapping", agent, round(now - BEGIN, 3)))

    def agent_paused(self, agent: str, now: float) -> None:
        self.said.append(("paused", agent, round(now - BEGIN, 3)))

    def agent_logged_out(self, agent: str, now: float) -> None:
        self.said.append(("out", agent, round(now - BEGIN, 3)))


def doing(state: AgentStateName, since: float) -> Doing:
    return state, after(since)


def test_only_what_is_new_is_told_with_the_time_at_which_it_began() -> None:
    heard = Heard()
    team = Team(heard)
    team.tell({"ann": doing("idle", 1), "bob": doing("paused", 0.5)}, after(2))
    team.tell({"ann": doing("idle", 1), "bob": doing("paused", 0.5)}, after(3))
    team.tell({"ann": doing("talking", 3.5), "bob": doing("idle", 3.2)}, after(4))
    assert heard.said == [
        ("in", "bob", 0.5), ("paused", "bob", 0.5), ("in", "ann", 1), ("idle", "ann", 1),
        ("idle", "bob", 3.2), ("talking", "ann", 3.5),
    ]  # fmt: skip
    assert team.present == 2


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("idle", "idle"), ("ringing", "talking"), ("talking", "talking"), ("wrap_up", "wrapping"),
        ("paused", "paused"), ("working", "paused"), ("busy", "paused"),
    ],
)  # fmt: skip
def test_what_each_state_is_for_the_pacing(state: AgentStateName, said: str) -> None:
    heard = Heard()
    Team(heard).tell({"ann": doing(state, 1)}, after(2))
    assert heard.said[-1] == (said, "ann", 1)


@pytest.mark.parametrize("state", ["logged_out", "unavailable"])
def test_who_is_gone_is_told_once(state: AgentStateName) -> None:
    heard = Heard()
    team = Team(heard)
    team.tell({"ann": doing(state, 0)}, after(1))
    assert heard.said == []
    team.tell({"ann": doing("idle", 1), "bob": doing("idle", 1)}, after(2))
    team.tell({"ann": doing(state, 2.5)}, after(3))
    assert heard.said[-2:] == [("out", "ann", 2.5), ("out", "bob", 3)]
    team.tell({}, after(4))
    assert len(heard.said) == 6
    assert team.present == 0


def test_a_time_that_is_still_to_come_is_now() -> None:
    heard = Heard()
    Team(heard).tell({"ann": doing("idle", 9)}, after(2))
    assert heard.said[-1] == ("idle", "ann", 2)


def test_a_pacer_dials_for_those_who_are_idle() -> None:
    pacer = Pacer()
    team = Team(pacer)
    team.tell({"ann": doing("idle", 0), "bob": doing("idle", 0)}, after(1))
    decision = pacer.decide(after(1).timestamp())
    assert (decision.calls, decision.idle) == (2, 2)
    team.tell({"ann": doing("paused", 2), "bob": doing("logged_out", 2)}, after(3))
    assert pacer.decide(after(3).timestamp()).calls == 0


def test_who_serves_one_campaign_counts_for_it() -> None:
    assert shared({"a": {"ann"}, "b": {"bob"}}, {}) == {"ann": "a", "bob": "b"}


def test_shared_agents_go_by_weight() -> None:
    agents = {f"agent{number}" for number in range(30)}
    counts = Counter(shared({"a": agents, "b": agents}, {"a": 2, "b": 1}).values())
    assert counts == {"a": 20, "b": 10}


def test_those_without_a_choice_count_first() -> None:
    own = {f"own{number}" for number in range(6)}
    both = {f"both{number}" for number in range(4)}
    counts = Counter(shared({"a": own | both, "b": both}, {}).values())
    assert counts == {"a": 6, "b": 4}


def test_nobody_goes_to_and_fro() -> None:
    agents = {f"agent{number}" for number in range(9)}
    members = {"a": set(agents), "b": set(agents)}
    before = shared(members, {})
    assert shared(members, {}, before) == before
    members["a"].add("new")
    after_ = shared(members, {}, before)
    assert sum(after_[agent] != before[agent] for agent in agents) <= 1
    assert shared(members, {}, after_) == after_


def test_a_small_team_is_shared_too() -> None:
    agents = {"ann", "bob"}
    found = shared({"a": agents, "b": agents}, {}, dict.fromkeys(agents, "a"))
    assert sorted(found.values()) == ["a", "b"]


def test_who_is_short_gets_agents() -> None:
    agents = {f"agent{number}" for number in range(10)}
    all_for_a = dict.fromkeys(agents, "a")
    counts = Counter(shared({"a": agents, "b": agents}, {}, all_for_a).values())
    assert abs(counts["a"] - counts["b"]) <= 2


@given(
    st.dictionaries(st.sampled_from("abc"), st.sets(st.integers(0, 12).map(str)), min_size=1),
    st.dictionaries(st.sampled_from("abc"), st.floats(0.1, 50)),
    st.dictionaries(st.integers(0, 12).map(str), st.sampled_from("abcd")),
)
def test_each_agent_counts_once_and_where_he_serves(
    members: dict[str, set[str]], weights: dict[str, float], before: dict[str, str]
) -> None:
    found = shared(members, weights, before)
    assert found.keys() == set().union(*members.values())
    assert all(agent in members[campaign] for agent, campaign in found.items())
