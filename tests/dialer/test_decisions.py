"""Stored decisions in plain words."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from ccmiddleware.dialer.decisions import GO_ON, WORDS, Stored, in_short, in_words, paced
from ccmiddleware.dialer.pace import Reason
from ccmiddleware.dialer.pacing import Pacer, explain

AT = datetime(2026, 11, 30, 15, tzinfo=UTC)
AROUND = {"go_on": "normal", "trunk_room": 7, "open_places": 2, "places": 3, "agents": 2}


def stored(
    reason: str, detail: dict[str, Any], number: int = 0, claimed: int | None = None
) -> Stored:
    """As it comes back from the database."""
    known = json.loads(json.dumps(detail))
    return Stored(AT, number, number if claimed is None else claimed, reason, known)


def a_decision() -> dict[str, Any]:
    pacer = Pacer()
    pacer.agent_logged_in("ann", 0.0)
    pacer.agent_logged_in("bob", 0.0)
    return pacer.decide(1.0).as_dict()


def test_what_the_controller_stored_is_read_back_and_explained() -> None:
    detail = a_decision() | AROUND
    decision = paced(json.loads(json.dumps(detail)))
    assert decision is not None
    assert decision.as_dict() == a_decision()
    told = explain(decision).splitlines()
    assert in_words(stored("pacing", detail, 2)) == [
        "Began 2 calls.",
        *told[1:],
        "2 of 3 places could be called.",
        "The trunks had room for 7 calls.",
        GO_ON["normal"],
    ]
    assert in_short(stored("pacing", detail, 2)).startswith("Only one call for each idle agent")


@pytest.mark.parametrize("reason", sorted(WORDS.keys() - {"budget"}))
def test_every_reason_has_words(reason: str) -> None:
    assert in_words(stored(reason, {})) == ["Began no call.", WORDS[reason]]
    short = in_short(stored(reason, {}))
    assert short.endswith(".")
    assert len(short) < 90


def test_the_reasons_that_can_be_stored_have_words() -> None:
    assert set(get_args(Reason)) <= set(WORDS)


def test_the_ledger_says_how_it_may_go_on() -> None:
    held = stored("budget", AROUND | {"go_on": "stop"})
    assert in_short(held) == GO_ON["stop"]
    assert GO_ON["stop"] in in_words(held)


def test_more_and_fewer_calls_than_the_controller_wanted() -> None:
    lines = in_words(stored("inbound", a_decision() | {"withheld": 1}, 1))
    assert "The controller wanted 2; let through: 1." in lines
    assert "Kept for calls that come in: 1 agent." in lines
    power = stored("pacing", a_decision(), 3)
    assert in_words(power)[-1] == in_short(power)
    assert "ratio" in in_short(power)


def test_leads_that_could_not_be_claimed_are_told() -> None:
    lines = in_words(stored("leads", {"refused": {"dnc": 2, "called_lately": 1}}, 3, 1))
    assert lines[0] == "Began 1 of 3 calls that were wanted."
    assert "1 called as often as may be, 2 on the do-not-call list" in lines[2]


def test_lines_that_were_opened_for_promises_are_no_calls() -> None:
    detail = AROUND | {"told": 2}
    told = "Opened 2 lines of agents who promised a callback themselves."
    assert in_words(stored("promises", detail, 2, 0))[0] == told
    assert in_words(stored("promises", detail, 3, 1))[0] == f"Began 1 call. {told}"


def test_what_another_version_stored_is_not_guessed() -> None:
    assert in_words(stored("moon", {"idle": 3})) == ["Began no call.", "Reason: moon."]
    broken = a_decision() | {"held_by": "the moon"}
    assert "can't be read" in in_words(stored("pacing", broken, 2))[1]
