"""The pacer as it is used: events in, a number out, and never an exception."""

import json
import subprocess
import sys
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.dialer.pacing import Pacer, PacingSettings, explain


def with_agents(count: int, pacing: PacingSettings | None = None) -> Pacer:
    pacer = Pacer(pacing)
    for agent in range(count):
        pacer.agent_logged_in(agent, 0.0)
    return pacer


def experienced(agents: int, answers: int = 500, pacing: PacingSettings | None = None) -> Pacer:
    """A pacer that has seen a quiet hour: a quarter of the calls answered, nobody abandoned."""
    pacer = with_agents(agents, pacing)
    now = 0.0
    for number in range(answers * 4):
        now += 3600 / (answers * 4)
        pacer.call_dialed(number, now - 10)
        if number % 4 == 0:
            pacer.call_answered(number, now)
            pacer.call_connected(number, now)
        else:
            pacer.call_ended(number, now)
    for second in range(60):
        pacer.decide(3600.0 + second)
    return pacer


def test_at_first_each_idle_agent_gets_one_call() -> None:
    pacer = with_agents(5)
    decision = pacer.decide(0.0)
    assert (decision.calls, decision.held_by) == (5, "cold start")
    for call in range(5):
        pacer.call_dialed(call, 0.0)
    assert pacer.decide(1.0).calls == 0
    pacer.call_ended(0, 2.0)
    assert pacer.decide(3.0).calls == 1


def test_nobody_there_means_no_call() -> None:
    assert Pacer().decide(0.0).calls == 0
    pacer = experienced(5)
    for agent in range(5):
        pacer.agent_logged_out(agent, 3660.0)
    decision = pacer.decide(3661.0)
    assert (decision.calls, decision.held_by) == (0, "nobody there")


def test_with_experience_more_calls_than_idle_agents_are_dialed() -> None:
    decision = experienced(10).decide(3661.0)
    assert decision.calls > 10
    assert decision.held_by == "bound"
    assert decision.risk <= decision.bound < decision.next_risk


def test_progressive_by_setting() -> None:
    decision = experienced(10, pacing=PacingSettings(predictive=False)).decide(3661.0)
    assert (decision.calls, decision.held_by) == (10, "switched off")


def test_agents_who_are_leaving_or_paused_get_no_calls() -> None:
    pacer = with_agents(4)
    pacer.agent_pause_requested(0, 1.0)
    pacer.agent_paused(1, 1.0)
    assert pacer.decide(2.0).calls == 2
    pacer.agent_pause_cancelled(0, 3.0)
    pacer.agent_idle(1, 3.0)
    assert pacer.decide(4.0).calls == 4


def test_those_who_wait_come_first() -> None:
    pacer = with_agents(3)
    for call in range(2):
        pacer.call_dialed(call, 0.0)
        pacer.call_answered(call, 5.0)
    decision = pacer.decide(5.5)
    assert (decision.waiting, decision.calls) == (2, 1)


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ({"max_lines": 3}, "lines"),
        ({"max_new_calls": 3}, "calls per decision"),
    ],
)
def test_the_trunk_has_limits(limits: dict[str, int], held: str) -> None:
    decision = experienced(10, pacing=PacingSettings(**limits)).decide(3661.0)  # type: ignore[arg-type]
    assert (decision.calls, decision.held_by) == (3, held)


def test_no_more_calls_than_leads() -> None:
    pacer = experienced(10)
    assert pacer.decide(3661.0, [0.25, 0.25]).calls == 2
    assert pacer.decide(3662.0, []).calls == 0


def test_better_leads_need_fewer_calls() -> None:
    few = experienced(10).decide(3661.0, [0.6] * 100).calls
    many = experienced(10).decide(3661.0, [0.1] * 100).calls
    assert few < many


def test_abandoned_calls_beyond_the_limit_stop_prediction() -> None:
    pacer = experienced(10)
    for call in range(25):
        pacer.call_abandoned(f"x{call}", 3660.0)
    decision = pacer.decide(3661.0)
    assert decision.held_by == "budget used up"
    assert decision.calls <= 10


def test_false_positives_are_charged_once() -> None:
    pacer = experienced(10)
    before = pacer.decide(3661.0)
    pacer.call_dialed("x", 3661.0)
    pacer.false_positive("x", 3670.0)
    pacer.false_positive("x", 3670.0)
    after = pacer.decide(3671.0)
    assert after.abandoned == before.abandoned + 1
    assert after.answers == before.answers + 1


def test_doubled_and_late_events_count_once() -> None:
    pacer = with_agents(3)
    for tell, call, now in (
        (pacer.call_dialed, "a", 1.0),
        (pacer.call_answered, "a", 9.0),
        (pacer.call_abandoned, "a", 11.0),
        (pacer.call_ended, "a", 11.0),
        (pacer.call_answered, "a", 11.5),
        (pacer.call_connected, "unheard of", 12.0),
    ):
        tell(call, now)
        tell(call, now)
    decision = pacer.decide(13.0)
    assert (decision.answers, decision.abandoned) == (2, 1)
    assert (decision.in_flight, decision.waiting) == (0, 0)


def test_an_id_of_a_call_can_be_used_again() -> None:
    pacer = with_agents(3)
    for turn in range(3):
        pacer.call_dialed("same", 100.0 * turn)
        pacer.call_answered("same", 100.0 * turn + 5)
        pacer.call_abandoned("same", 100.0 * turn + 7)
    assert pacer.decide(300.0).abandoned == 3


def test_a_machine_found_by_the_agent_is_taken_back() -> None:
    pacer = with_agents(3)
    pacer.call_dialed("a", 1.0)
    pacer.call_answered("a", 9.0)
    pacer.call_connected("a", 9.5, 0)
    pacer.call_machine("a", 12.0)
    pacer.call_machine("a", 12.0)
    assert pacer.decide(13.0).answers == 0


def test_calls_that_never_end_are_let_go() -> None:
    pacer = with_agents(3)
    for call in range(3):
        pacer.call_dialed(call, 0.0)
    assert pacer.decide(100.0).calls == 0
    assert pacer.decide(200.0).calls == 3
    pacer.call_answered("lost", 200.0)
    pacer.decide(210.0)
    decision = pacer.decide(230.0)
    assert (decision.waiting, decision.abandoned) == (0, 1)
    pacer.call_connected("lost", 231.0)  # it met an agent after all, the news was late
    assert pacer.decide(232.0).abandoned == 0


def test_an_agent_who_takes_no_call_is_doubted_for_a_while() -> None:
    pacer = with_agents(2)
    pacer.call_dialed("a", 0.0)
    pacer.call_answered("a", 5.0)
    pacer.call_abandoned("a", 7.0)
    assert pacer.decide(8.0).calls == 1
    assert pacer.decide(70.0).calls == 2


def test_the_clock_may_jump() -> None:
    pacer = experienced(10)
    back = pacer.decide(50.0)
    assert back.held_by == "clock"
    assert back.calls == 10
    assert back.answers > 400  # the budget went along
    assert pacer.decide(81.0).held_by == "bound"
    assert pacer.decide(90_000.0).held_by == "clock"


def test_near_a_known_end_only_what_agents_can_take() -> None:
    pacer = experienced(10)
    pacer.shift_ends(3700.0)
    early = pacer.decide(3672.0)
    assert (early.calls, early.held_by) == (10, "end of the shift")
    assert pacer.decide(3690.0).calls == 0


def test_a_restart_keeps_what_was_learned() -> None:
    pacer = experienced(10)
    state = json.loads(json.dumps(pacer.export(3661.0)))
    again = Pacer()
    assert again.restore(state, now=10.0, elapsed=30.0) == []
    for agent in range(10):
        again.agent_logged_in(agent, 10.0)
    decision = again.decide(11.0)
    assert decision.calls > 10
    assert decision.answers == pacer.decide(3661.0).answers
    assert Pacer().restore({"budget": {"level": "x"}, "rate": None}, 0.0) == [
        "rate", "rings", "talks", "wraps", "share_wrapping", "budget",
    ]  # fmt: skip


def test_a_failing_forecast_falls_back_to_idle_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    pacer = experienced(10)
    monkeypatch.setattr(pacer, "_outlook", lambda *_: 1 / 0)
    decision = pacer.decide(3661.0)
    assert (decision.calls, decision.held_by) == (10, "fault")
    assert pacer.faults == 1


def test_settings_that_make_no_sense_become_defaults() -> None:
    odd = PacingSettings(abandonment_limit=nan, window=-1, max_lines=-3, patience=1e9)
    assert odd.sane() == PacingSettings()


def test_the_explanation_has_the_numbers_and_the_reason() -> None:
    decision = experienced(10).decide(3661.0)
    text = explain(decision)
    assert f"Dialed {decision.calls} new calls." in text
    assert "10 agents there: 10 idle, 0 talking, 0 in wrap-up." in text
    assert "allowed is" in text
    assert "One call more would be too likely" in text
    assert json.loads(json.dumps(decision.as_dict()))["calls"] == decision.calls
    assert "No agent is logged in" in explain(Pacer().decide(0.0))


def test_it_needs_numpy_and_the_standard_library_only() -> None:
    code = "import sys, ccmiddleware.dialer.pacing\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    names = done.stdout.split()
    others = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert others <= {"numpy", "ccmiddleware", "_distutils_hack", "__main__"}
    ours = {".".join(name.split(".")[:3]) for name in names if name.startswith("ccmiddleware")}
    assert ours == {"ccmiddleware", "ccmiddleware.dialer", "ccmiddleware.dialer.pacing"}


EVENTS = [name for name in dir(Pacer) if name.startswith(("agent_", "call_", "false_"))]
times = st.one_of(st.floats(0, 2000), st.sampled_from([nan, inf, -inf, -1e18, 1e18, None, "now"]))
ids = st.one_of(st.integers(0, 6), st.sampled_from([None, "a", [1]]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*EVENTS, "decide"]), ids, times), max_size=60))
def test_whatever_is_told_nothing_is_raised(story: list[tuple[str, Any, Any]]) -> None:
    pacer = Pacer()
    for name, subject, now in story:
        if name == "decide":
            decision = pacer.decide(now)
            assert 0 <= decision.calls <= 1000
        else:
            getattr(pacer, name)(subject, now)
    assert pacer.decide(1.0, [nan, "x", None, 7]).calls >= 0  # type: ignore[list-item]
    json.dumps(pacer.export(1.0))
