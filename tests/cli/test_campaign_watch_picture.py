"""What ``ccm campaign watch`` draws of a snapshot: colours, what is not current, narrow screens."""

from datetime import date
from typing import Any

import pytest
from rich.cells import cell_len

from ccmiddleware.cli.campaign_watch_picture import picture
from ccmiddleware.cli.wallboard_picture import Line, text_of

RESULTS = ("connected", "drops", "hung_up", "machine", "no_answer", "busy", "failed", "unknown")


def snapshot(**changes: Any) -> dict[str, Any]:
    drops = {
        "first_day": date(2026, 11, 18), "last_day": date(2026, 12, 17), "live": 400, "drops": 10,
        "drop_rate": 0.025, "limit_rate": 0.03, "level": "near", "go_on": "normal", "why": "so",
    }  # fmt: skip
    states = ("idle", "ringing", "talking", "wrap_up", "paused", "working", "busy", "unavailable")
    return {
        "campaign": "spring",
        "state": "running",
        "mode": "predictive",
        "queue": "sales",
        "clock": "2026-11-30 10:00:00 CET",
        "node_trouble": "",
        "agents": dict.fromkeys(states, 0) | {"talking": 3},
        "calls": {"under_way": 9, "ringing": 6, "waiting": 0, "last_minute": 40},
        "today": dict.fromkeys(RESULTS, 0) | {"attempts": 0, "answer_rate": None},
        "time_zone": "UTC",
        "drops": drops,
        "drops_unknown": "",
        "leads": {"new": 10, "done": 0},
        "decision": {"age_seconds": 1.0, "words": ["Began 2 calls.", "Because."]},
        "last_with_calls": None,
        "silent": "",
    } | changes


def style_of(lines: list[Line], text: str) -> str:
    return next(part.style for line in lines for part in line if text in part.text)


@pytest.mark.parametrize(
    ("level", "style"), [("fine", "green"), ("near", "yellow"), ("over", "bold red")]
)
def test_the_share_of_drops_has_the_colour_of_its_level(level: str, style: str) -> None:
    drops = snapshot()["drops"] | {"level": level}
    assert style_of(picture(snapshot(drops=drops), "", 120), "2.50%") == style


def test_an_old_decision_is_no_news() -> None:
    old = {"age_seconds": 150.0, "words": ["Began 2 calls."]}
    assert style_of(picture(snapshot(decision=old), "", 120), "2:30 ago") == "yellow"
    assert style_of(picture(snapshot(), "", 120), "0:01 ago") == ""


def test_what_is_not_current_says_so() -> None:
    lines = picture(snapshot(node_trouble="pbx1: STALE, link down"), "since 10:00: away", 120)
    assert style_of(lines, "NOT CURRENT since 10:00: away") == "bold red"
    assert style_of(lines, "STALE") == "bold red"


def test_people_who_wait_stand_out() -> None:
    calls = snapshot()["calls"] | {"waiting": 2}
    assert style_of(picture(snapshot(calls=calls), "", 120), "2 waiting") == "yellow"
    assert "waiting" not in text_of(picture(snapshot(), "", 120))


def test_why_the_ledger_holds_it_back_is_told_on_several_lines() -> None:
    drops = snapshot()["drops"] | {"go_on": "stop", "why": "word " * 40}
    lines = picture(snapshot(drops=drops), "", 60)
    assert sum("word" in text_of([line]) for line in lines) > 3
    assert style_of(lines, "word") == "bold red"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    long = {"age_seconds": 1.0, "words": ["Began no call.", "Long words " * 20]}
    lines = picture(snapshot(decision=long, silent="x " * 100), "gone " * 30, width, 12)
    assert len(lines) <= 12
    assert max(cell_len(text_of([line])) for line in lines) <= width


def test_nothing_steers_the_terminal() -> None:
    text = text_of(picture(snapshot(queue="a\x1b[2J", silent="b\x1b]0;x"), "c\x1b[1m", 100))
    assert "\x1b" not in text
