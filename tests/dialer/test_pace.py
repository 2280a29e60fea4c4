"""How many calls a campaign may begin, by its mode, its agents and its limits."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.budget import GoOn
from ccmiddleware.dialer.pace import Pace, settings_of
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.dialer.steps import Kind, Step
from ccmiddleware.dialer.teams import Doing
from ccmiddleware.dialer.under_way import News

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
US = builtin("us-ftc")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def campaign(*settings: str, revision: int = 1) -> Campaign:
    return Campaign(UUID(int=1), "spring", revision, parse_changes(settings), US)


def pace(*settings: str, idle: int = 0, talking: int = 0) -> Pace:
    rate = [] if any("second" in one for one in settings) else ["calls_per_second=100"]
    found = Pace(campaign("lines_per_agent=10", *rate, *settings))
    found.tell(team(idle, talking), NOW)
    return found


def team(idle: int, talking: int = 0) -> dict[str, Doing]:
    states: list[Doing] = [("idle", NOW)] * idle + [("talking", NOW)] * talking
    return {f"agent {number}": doing for number, doing in enumerate(states)}


def begin(found: Pace, count: int, first: int = 100, at: datetime = NOW) -> list[UUID]:
    made = [UUID(int=first + number) for number in range(count)]
    for attempt in made:
        found.begin(Claimed(attempt, attempt.int, "+12025550123", "+12025550100", "one"), at)
    return made


@pytest.mark.parametrize(
    ("settings", "idle", "ringing", "wanted", "reason"),
    [
        (["mode=progressive"], 3, 0, 3, "pacing"),
        (["mode=progressive"], 3, 2, 1, "pacing"),
        (["mode=progressive"], 3, 4, 0, "pacing"),
        (["mode=progressive"], 0, 0, 0, "no_agents"),
        (["mode=power", "ratio=2.5"], 3, 0, 7, "pacing"),
        (["mode=power", "ratio=2.5"], 3, 4, 3, "pacing"),
        (["mode=power", "ratio=2.5", "max_lines=5"], 3, 0, 5, "trunks"),
        (["mode=power", "ratio=1"], 2, 0, 2, "pacing"),
        (["mode=power"], 0, 0, 0, "no_agents"),
        # Nobody has answered yet: one call for each idle agent, whatever would be allowed later.
        (["mode=predictive"], 3, 0, 3, "pacing"),
        (["mode=predictive", "max_lines=2"], 3, 0, 2, "trunks"),
        (["mode=progressive", "calls_per_second=1"], 3, 0, 1, "trunks"),
        (["mode=agentless", "max_lines=7"], 0, 2, 5, "pacing"),
        (["mode=agentless", "max_lines=7"], 0, 7, 0, "trunks"),
    ],
)
def test_how_many(settings: list[str], idle: int, ringing: int, wanted: int, reason: str) -> None:
    found = pace(*settings, idle=idle)
    begin(found, ringing)
    decided = found.decide(after(1), GoOn.NORMAL, 1000)
    assert (decided.number, decided.reason) == (wanted, reason)


@pytest.mark.parametrize(
    ("mode", "go_on", "wanted", "reason"),
    [
        ("power", GoOn.PROGRESSIVE, 3, "budget"),
        ("predictive", GoOn.PROGRESSIVE, 3, "budget"),
        ("power", GoOn.STOP, 0, "budget"),
        ("predictive", GoOn.STOP, 0, "budget"),
        ("progressive", GoOn.STOP, 0, "budget"),
        ("agentless", GoOn.STOP, 50, "pacing"),  # nobody can be dropped
    ],
)
def test_what_the_ledger_leaves(mode: str, go_on: GoOn, wanted: int, reason: str) -> None:
    found = pace(f"mode={mode}", "ratio=3", "max_lines=50", idle=3)
    decided = found.decide(after(1), go_on, 1000)
    assert (decided.number, decided.reason) == (wanted, reason)
    assert decided.detail["go_on"] == go_on.value


def test_no_more_than_its_trunks_take() -> None:
    decided = pace("mode=progressive", idle=5).decide(after(1), GoOn.NORMAL, 2)
    assert (decided.number, decided.reason) == (2, "trunks")
    decided = pace("mode=progressive", idle=5).decide(after(1), GoOn.NORMAL, 0)
    assert (decided.number, decided.reason) == (0, "trunks")


def test_agents_who_are_kept_for_callers_get_no_calls() -> None:
    found = pace("mode=progressive", idle=5)
    found.tell(team(5), after(1), {"agent 1", "agent 2", "agent 3", "agent 4", "stranger"})
    decided = found.decide(after(1), GoOn.NORMAL, 99)
    assert (decided.number, decided.reason, decided.detail["withheld"]) == (1, "pacing", 4)
    assert found.free == ["agent 0"]
    found.tell(team(5), after(2), team(5).keys())
    decided = found.decide(after(2), GoOn.NORMAL, 99)
    assert (decided.number, decided.reason, found.free) == (0, "inbound", [])
    found.tell(team(5), after(3))
    assert found.decide(after(3), GoOn.NORMAL, 99).number == 5


def test_lines_count_until_the_end_is_written_down() -> None:
    found = pace("mode=power", "ratio=10", "max_lines=3", idle=3)
    first, *_ = begin(found, 3)
    assert found.decide(after(1), GoOn.NORMAL, 99).number == 0
    found.hear([News("answered", first), News("connected", first, "agent 0")], after(2))
    assert found.decide(after(3), GoOn.NORMAL, 99).number == 0
    found.forget(first)
    found.forget(first)  # once
    assert found.decide(after(4), GoOn.NORMAL, 99).number == 1


def test_an_agent_who_took_a_call_is_not_idle_before_the_queue_says_so() -> None:
    found = pace("mode=progressive", idle=2)
    first, second = begin(found, 2)
    found.hear([News("answered", first), News("connected", first, "agent 0")], after(2))
    found.hear([News("ended", second)], after(2))
    assert found.decide(after(3), GoOn.NORMAL, 99).number == 1


def test_an_agent_of_another_campaign_is_not_counted_twice() -> None:
    """Who took its call may count for another campaign by now."""
    found = pace("mode=progressive", idle=1)
    (call,) = begin(found, 1)
    found.hear([News("answered", call), News("connected", call, "somebody else")], after(2))
    decided = found.decide(after(3), GoOn.NORMAL, 99)
    assert (decided.number, decided.detail["talking"]) == (1, 0)


def test_a_promised_callback_keeps_an_agent_of_its_own() -> None:
    found = pace("mode=progressive", idle=3)
    promise = Claimed(
        UUID(int=9), 9, "+12025550123", "+12025550100", "one", callback=UUID(int=7),
        agent="agent 2",
    )  # fmt: skip
    assert found.free == ["agent 0", "agent 1", "agent 2"]
    found.begin(promise, NOW)
    assert found.free == ["agent 0", "agent 1"]
    found.tell(team(3), after(1))
    decided = found.decide(after(1), GoOn.NORMAL, 99)
    assert (decided.number, decided.detail["in_flight"], decided.detail["away"]) == (2, 0, 1)
    busy = {**team(3), "agent 2": ("talking", after(2))}
    found.tell(busy, after(2))
    assert found.free == ["agent 1"]  # whoever promised is not there: another one is kept
    answered = Step(promise.attempt, Kind.ANSWERED, after(3))
    dropped = Step(promise.attempt, Kind.DROPPED, after(5))
    for step in (answered, dropped):
        found.hear(found.under_way.step(step, after(5)), after(5))
    found.tell(busy, after(6))
    assert found.free == ["agent 0", "agent 1"]
    detail = found.decide(after(6), GoOn.NORMAL, 99).detail
    assert (detail["answers"], detail["abandoned"]) == (1, 1)


def test_whose_line_is_being_opened_is_away_at_once() -> None:
    found = pace("mode=progressive", idle=2)
    found.hold("agent 0", after(1))
    assert found.free == ["agent 1"]
    decided = found.decide(after(1), GoOn.NORMAL, 99)
    assert (decided.number, decided.detail["away"]) == (1, 1)
    busy = {**team(2), "agent 0": ("talking", after(2))}
    found.tell(busy, after(2), held={"agent 0"})
    detail = found.decide(after(2), GoOn.NORMAL, 99).detail
    assert (detail["talking"], detail["away"], found.free) == (1, 0, ["agent 1"])
    # A callback of an agent who is on the line already keeps nobody else.
    own = Claimed(
        UUID(int=9), 9, "+12025550123", "+12025550100", "one", callback=UUID(int=7),
        agent="agent 0", offer="offer", half="half",
    )  # fmt: skip
    found.begin(own, after(3))
    assert found.free == ["agent 1"]


def test_only_agents_for_whom_no_call_is_on_its_way_are_spared() -> None:
    found = pace("mode=progressive", idle=3)
    begin(found, 2)
    assert (found.spare(3), found.spare(2), found.spare(1)) == (1, 0, 0)
    ahead = pace("mode=predictive", idle=3)
    begin(ahead, 2)
    assert ahead.spare(3) == 3


def test_a_change_of_settings_keeps_what_was_learned_and_what_is_on() -> None:
    found = pace("mode=progressive", idle=2)
    for number in range(40):
        (call,) = begin(found, 1, first=200 + number, at=after(number))
        found.hear([News("answered", call), News("connected", call)], after(number + 5))
        found.forget(call)
    ringing, waiting = begin(found, 2, at=after(50))
    answer = Step(waiting, Kind.ANSWERED, after(52))
    found.hear(found.under_way.step(answer, after(52)), after(52))
    (talking,) = begin(found, 1, first=900, at=after(50))
    for kind in (Kind.ANSWERED, Kind.CONNECTED):
        found.hear(found.under_way.step(Step(talking, kind, after(51)), after(51)), after(51))
    answers = found.decide(after(53), GoOn.NORMAL, 99).detail["answers"]
    assert answers == 41
    changed = campaign("mode=progressive", "abandonment_limit=1", revision=2)
    assert settings_of(changed) != settings_of(found.campaign)
    found.set(changed, after(54))
    found.tell(team(2), after(54))
    detail = found.decide(after(55), GoOn.NORMAL, 99).detail
    assert (detail["answers"], detail["limit"]) == (answers, 0.01)
    assert (detail["in_flight"], detail["waiting"], detail["idle"]) == (1, 1, 2)
    assert {ringing, waiting, talking} == set(found.under_way.attempts)


def test_the_stricter_limit_holds() -> None:
    assert settings_of(campaign("abandonment_limit=50")).abandonment_limit == 0.03
    assert settings_of(campaign("abandonment_limit=1.5")).abandonment_limit == 0.015
