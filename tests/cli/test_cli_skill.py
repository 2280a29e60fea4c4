"""`ccm skill`, `agent skill`, `queue skill` and `queue penalties` on a real database."""

import json
from typing import Any

import pytest
from ccm_day import Ccm

ALICE, JOERG = "PJSIP/1001", "PJSIP/1002"


def answer(ccm: Ccm, *arguments: str) -> Any:
    return json.loads(ccm.run(*arguments, "--json").stdout)


@pytest.fixture
def skilled(filled: Ccm) -> Ccm:
    """English is a skill; Alice has it."""
    filled.run("skill", "add", "english", "--description", "Speaks English")
    filled.run("agent", "skill", "Alice Arnold", "english=80")
    return filled


def test_skills_come_and_go(on_database: Ccm) -> None:
    assert "no skills yet" in on_database.run("skill", "list").stderr
    on_database.run("skill", "add", "english")
    on_database.run("skill", "add", "english", "--description", "Speaks English")
    assert answer(on_database, "skill", "list") == [
        {"skill": "english", "description": "Speaks English", "agents": 0, "queues": []}
    ]
    told = on_database.run("skill", "remove", "englisch", code=1).stderr
    assert "did you mean english?" in told
    on_database.run("skill", "remove", "english")
    assert "no skills yet" in on_database.run("skill", "remove", "english", code=1).stderr


@pytest.mark.parametrize(
    "arguments", [("a=b",), ("a b",), ("",), ("x" * 65,), ("x", "--description", "a\nb")]
)
def test_what_is_no_skill_is_told(on_database: Ccm, arguments: tuple[str, ...]) -> None:
    on_database.run("skill", "add", *arguments, code=2)
    assert answer(on_database, "skill", "list") == []


def test_levels_of_an_agent(skilled: Ccm) -> None:
    skilled.run("skill", "add", "german")
    rows = answer(skilled, "agent", "skill", "1001", "german=100", "english=70")
    assert [(row["interface"], row["skill"], row["level"]) for row in rows] == [
        (ALICE, "english", 70),
        (ALICE, "german", 100),
    ]
    rows = answer(skilled, "agent", "skill", "1001", "--remove", "german")
    assert [row["skill"] for row in rows] == ["english"]
    assert "no skills" in skilled.run("agent", "skill", "1002").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("1001", "english=101"), 2, "0 to 100"),
        (("1001", "english"), 2, "SKILL=LEVEL"),
        (("1001", "english=-1"), 2, "SKILL=LEVEL"),
        (("1001", "english=5", "--remove", "english"), 2, "either"),
        (("1001", "--dry-run"), 2, "--dry-run"),
        (("1001", "english=5", "french=9"), 1, "no skill 'french'"),
        (("1009", "english=5"), 1, "no agent"),
    ],
)
def test_a_wrong_level_changes_nothing(
    skilled: Ccm, arguments: tuple[str, ...], code: int, told: str
) -> None:
    result = skilled.run("agent", "skill", *arguments, code=code)
    assert told in result.stderr
    (row,) = answer(skilled, "agent", "skill", "1001")
    assert row["level"] == 80


def test_what_a_queue_requires(skilled: Ccm) -> None:
    assert "requires no skills" in skilled.run("queue", "skill", "support").stderr
    asked = ("queue", "skill", "support", "english", "--min", "60", "--relax", "30s=40,1m=0")
    (row,) = answer(skilled, *asked)
    assert (row["queue"], row["minimum"], row["weight"]) == ("support", 60, 1)
    assert row["relaxations"] == [[30, 40], [60, 0]]
    assert "30 s: 40, 60 s: 0" in skilled.run("queue", "skill", "support").stdout
    (row,) = answer(skilled, "queue", "skill", "support", "english", "--min", "5", "--weight", "2")
    assert (row["minimum"], row["weight"], row["relaxations"]) == (5, 2, [])
    refused = skilled.run("skill", "remove", "english", code=2).stderr
    assert "required by support" in refused
    told = skilled.run("queue", "skill", "support", "english", "--remove")
    assert "penalties in Asterisk stay as they are" in told.stderr
    assert answer(skilled, "queue", "skill", "support") == []
    assert "1 agents had a level" in skilled.run("skill", "remove", "english").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("support", "english"), 2, "--min"),
        (("support", "english", "--min", "60", "--remove"), 2, "--min"),
        (("support", "--min", "60"), 2, "which skill"),
        (("support", "english", "--min", "101"), 2, "0<=x<=100"),
        (("support", "english", "--min", "60", "--relax", "30"), 2, "WAIT=LEVEL"),
        (("support", "english", "--min", "60", "--relax", "30s=60"), 2, "levels fall"),
        (("support", "english", "--min", "60", "--relax", "30s=40,20s=0"), 2, "must grow"),
        (("support", "english", "--min", "60", "--relax", "0=40"), 2, "1 s to a day"),
        (("support", "french", "--min", "60"), 1, "did you mean"),
        (("suport", "english", "--min", "60"), 1, "there are sales, support"),
        (("support", "english", "--remove"), 1, "does not require"),
    ],
)
def test_a_wrong_requirement_changes_nothing(
    skilled: Ccm, arguments: tuple[str, ...], code: int, told: str
) -> None:
    skilled.run("skill", "add", "frensh")
    assert told in skilled.run("queue", "skill", *arguments, code=code).stderr
    assert answer(skilled, "queue", "skill", "support") == []


def test_penalties_as_they_should_be_and_why(skilled: Ccm) -> None:
    told = skilled.run("queue", "penalties", "support")
    assert "requires no skills" in told.stderr
    requirement = ("queue", "skill", "support", "english", "--min", "60")
    tried = answer(skilled, *requirement, "--dry-run")
    assert answer(skilled, "queue", "skill", "support") == []
    skilled.run(*requirement)
    rows = answer(skilled, "queue", "penalties", "support")
    assert rows == tried
    assert [(r["interface"], r["present"], r["wanted"], r["why"]) for r in rows] == [
        (ALICE, 1, 2, "english 80"),
        (JOERG, 1, 1010, "english 0 is below 60"),
    ]
    (row,) = answer(skilled, "agent", "skill", "1002", "english=65", "--dry-run")
    assert (row["interface"], row["wanted"]) == (JOERG, 3)
    assert "no skills" in skilled.run("agent", "skill", "1002").stderr
