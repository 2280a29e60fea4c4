"""Which penalty each member should have: the rule as a table, what always holds, and patience."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.agents.skills import (
    ASK_AGAIN_SECONDS,
    EXCLUDED,
    Member,
    Patience,
    Penalties,
    Requirement,
    Rules,
    ask,
    rules_of,
    wanted,
)

ENGLISH = Requirement("english", 60, relaxations=((30.0, 40), (60.0, 0)))
GERMAN = Requirement("german", 0, weight=3)


@pytest.mark.parametrize(
    ("levels", "required", "wait", "penalty", "why"),
    [
        ({"english": 100}, [ENGLISH], 0, 0, "english 100"),
        ({"english": 91}, [ENGLISH], 0, 0, "english 91"),
        ({"english": 90}, [ENGLISH], 0, 1, "english 90"),
        ({"english": 60}, [ENGLISH], 0, 4, "english 60"),
        ({"english": 59}, [ENGLISH], 0, 1004, "english 59 is below 60"),
        ({}, [ENGLISH], 29.9, 1010, "english 0 is below 60"),
        ({"english": 50}, [ENGLISH], 30, 5, "english 50, needs 40 in place of 60"),
        ({"english": 39}, [ENGLISH], 30, 1006, "english 39 is below 40 in place of 60"),
        ({}, [ENGLISH], 60, 10, "english 0, needs 0 in place of 60"),
        ({"english": 100}, [ENGLISH, GERMAN], 0, 7, "english 100, german 0"),
        ({"english": 100, "german": 100}, [ENGLISH, GERMAN], 0, 0, "english 100, german 100"),
        ({"german": 100}, [ENGLISH, GERMAN], 0, 1002, "english 0 is below 60, german 100"),
        ({"french": 100}, [GERMAN], 0, 10, "german 0"),
    ],
)
def test_the_rule(
    levels: dict[str, int], required: list[Requirement], wait: float, penalty: int, why: str
) -> None:
    found = wanted(levels, required, wait)
    assert (found.penalty, found.why) == (penalty, why)


LEVEL = st.integers(0, 100)
NAMES = ("a", "b", "c")
LEVELS = st.dictionaries(st.sampled_from(NAMES), LEVEL)
REQUIRED = st.lists(
    st.builds(
        Requirement,
        st.sampled_from(NAMES),
        LEVEL,
        st.integers(1, 100),
        st.lists(st.tuples(st.floats(0.1, 1000), LEVEL), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda requirement: requirement.skill,
)
WAIT = st.floats(0, 2000)


@given(LEVELS, REQUIRED, WAIT, st.sampled_from(NAMES), st.integers(0, 100), st.floats(0, 2000))
def test_who_is_better_or_has_more_reason_is_never_called_later(
    levels: dict[str, int],
    required: list[Requirement],
    wait: float,
    skill: str,
    more: int,
    longer: float,
) -> None:
    now = wanted(levels, required, wait).penalty
    assert 0 <= now % EXCLUDED <= 10
    assert now // EXCLUDED in (0, 1)
    excluded = any(levels.get(each.skill, 0) < each.needed(wait) for each in required)
    assert (now >= EXCLUDED) == excluded
    better = {**levels, skill: min(100, levels.get(skill, 0) + more)}
    assert wanted(better, required, wait).penalty <= now
    assert wanted(levels, required, wait + longer).penalty <= now
    assert wanted(levels, [*required[::-1]], wait).penalty == now


def test_what_was_lowered_stays_so_until_nobody_waits() -> None:
    patience = Patience()
    told = []
    for waits in ({"q": 29.0}, {"q": 31.0}, {"q": 2.0}, {"q": 5.0}, {}, {"q": 1.0}):
        patience.observe(waits)
        told.append(patience.of("q"))
    assert told == [29.0, 31.0, 31.0, 31.0, 0.0, 1.0]
    assert patience.of("another") == 0.0


RULES = Rules({"support": [ENGLISH], "empty": []}, {"PJSIP/1": {"english": 100}})
SKILLED, OTHER = Member("support", "PJSIP/1", 0), Member("support", "PJSIP/2", 0)


def test_only_differences_are_changed_and_only_where_skills_are_required() -> None:
    penalties = Penalties()
    members = [SKILLED, OTHER, Member("sales", "PJSIP/2", 7), Member("empty", "PJSIP/2", 7)]
    assert penalties.changes(RULES, members, 0.0) == [Member("support", "PJSIP/2", 1010)]
    penalties.patience.observe({"support": 61.0})
    assert penalties.changes(RULES, members, 0.0) == [Member("support", "PJSIP/2", 10)]
    assert penalties.changes(Rules({}, RULES.levels), members, 0.0) == []


def test_what_was_asked_for_is_asked_again_only_when_it_does_not_show() -> None:
    penalties = Penalties()
    (change,) = penalties.changes(RULES, [OTHER], 0.0)
    penalties.asked(change, 0.0)
    assert penalties.changes(RULES, [OTHER], 1.0) == []
    assert penalties.changes(RULES, [OTHER], ASK_AGAIN_SECONDS) == [change]
    penalties.asked(change, ASK_AGAIN_SECONDS)
    # Another one is wanted meanwhile: at once.
    penalties.patience.observe({"support": 61.0})
    relaxed = Member("support", "PJSIP/2", 10)
    assert penalties.changes(RULES, [OTHER], ASK_AGAIN_SECONDS + 1) == [relaxed]
    # It showed, and the member logged out and in again: at once.
    penalties.asked(relaxed, ASK_AGAIN_SECONDS + 1)
    assert penalties.changes(RULES, [relaxed], ASK_AGAIN_SECONDS + 2) == []
    assert penalties.changes(RULES, [OTHER], ASK_AGAIN_SECONDS + 3) == [relaxed]


def test_the_action() -> None:
    action = ask(Member("support", "PJSIP/2", 1010))
    assert (action.action, action.fields) == (
        "QueuePenalty",
        {"Interface": "PJSIP/2", "Queue": "support", "Penalty": "1010"},
    )


def test_rules_from_rows() -> None:
    required = [
        {"queue": "q", "skill": "a", "minimum": 60, "weight": 2, "relaxations": [[30, 40]]},
        {"queue": "q", "skill": "b", "minimum": 0, "weight": 1, "relaxations": []},
    ]
    levels = [
        {"interface": "PJSIP/1", "skill": "a", "level": 80},
        {"interface": "PJSIP/1", "skill": "b", "level": 0},
    ]
    assert rules_of(required, levels) == Rules(
        {"q": [Requirement("a", 60, 2, ((30.0, 40),)), Requirement("b", 0)]},
        {"PJSIP/1": {"a": 80, "b": 0}},
    )
