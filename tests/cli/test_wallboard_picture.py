"""The wallboard's lines: sizes, thresholds, order, and that nothing stale looks fine."""

from typing import Any

import pytest
from rich.cells import cell_len

from ccmiddleware.cli.wallboard_picture import (
    FORMULA,
    Board,
    Line,
    Thresholds,
    board_rows,
    picture,
    severity,
    stale_because,
    text_of,
)

FINE = {"node": "pbx1", "link": "up", "link_since": None, "link_reason": "", "led": True}


def queue(name: str, **more: Any) -> dict[str, Any]:
    row = {
        **FINE, "queue_id": name, "queue": name, "service_level_seconds": 20, "waiting": 0,
        "longest_wait_seconds": None, "idle": 1, "talking": 0, "ringing": 0, "wrap_up": 0,
        "paused": 0, "working": 0, "busy": 0, "emails_waiting": 0, "unavailable": 0,
    }  # fmt: skip
    return row | more


def agent(name: str, state: str = "idle", seconds: float = 5, **more: Any) -> dict[str, Any]:
    return {
        "node": "pbx1", "agent": name, "interface": f"PJSIP/{name}", "state": state, "reason": "",
        "seconds": seconds, "queue": None, "customer": None, **more,
    }  # fmt: skip


def board(
    now: list[dict[str, Any]],
    agents: list[dict[str, Any]] | None = None,
    today: dict[str, Any] | None = None,
    trouble: str = "",
) -> Board:
    nodes, queues, shown = board_rows(now, today or {}, agents or [])
    return Board("2026-03-02 10:00:00 CET", nodes, queues, shown, trouble)


def counts(answered: int, abandoned: int, within: int) -> dict[str, Any]:
    return {
        "offered": answered + abandoned,
        "answered": answered,
        "abandoned": abandoned,
        "answered_within": within,
    }


def lines_with(lines: list[Line], text: str) -> list[Line]:
    return [line for line in lines if text in "".join(part.text for part in line)]


def test_the_whole_picture() -> None:
    seen = board(
        [
            queue("sales", idle=2),
            queue("support", waiting=3, longest_wait_seconds=75.2, idle=0, talking=2, paused=1),
        ],
        [
            agent("Alice", "talking", 62, queue="support", customer="+4930123"),
            agent("Bob", "paused", 600, reason="lunch"),
            agent("Chen", "idle", 3),
        ],
        {"support": counts(8, 2, 7)},
    )
    assert (
        text_of(picture(seen, 120))
        == f"""\
Wallboard  2026-03-02 10:00:00 CET
pbx1: up

QUEUE    WAIT  LONGEST  IDLE  TALK  RING  WRAP  PAUSE  CALLS  ANSW  ABAND  LEVEL
support     3     1:15     -     2     -     -      1     10     8      2    70%
sales       -        -     2     -     -     -      -      -     -      -      -

AGENT  STATE      FOR  QUEUE    CUSTOMER  REASON
Alice  talking   1:02  support  +4930123
Chen   idle      0:03
Bob    paused   10:00                     lunch
{FORMULA}"""
    )


@pytest.mark.parametrize(
    ("more", "today", "level"),
    [
        ({}, None, 0),
        ({"waiting": 1, "longest_wait_seconds": 29.9}, None, 0),
        ({"waiting": 1, "longest_wait_seconds": 30}, None, 1),
        ({"waiting": 1, "longest_wait_seconds": 60}, None, 2),
        ({"waiting": 1, "longest_wait_seconds": 1, "idle": 0}, None, 2),
        ({"waiting": 1, "longest_wait_seconds": 1, "idle": 0, "talking": 1}, None, 0),
        ({}, counts(8, 2, 8), 0),
        ({}, counts(8, 2, 7), 1),
        ({}, counts(8, 2, 5), 2),
        ({}, counts(0, 0, 0), 0),
        ({"led": False}, None, 3),
        ({"link": "down"}, None, 3),
        ({"link": "never"}, None, 3),
    ],
)
def test_thresholds(more: dict[str, Any], today: dict[str, Any] | None, level: int) -> None:
    seen = board([queue("q", **more)], today={"q": today} if today else {})
    assert severity(seen.queues[0], Thresholds()) == level
    styles = {part.style for line in lines_with(picture(seen, 100), "q ") for part in line}
    expected = {0: "", 1: "yellow", 2: "bold red", 3: "red"}[level]
    assert expected in styles
    if level in (2, 3):
        assert "yellow" not in styles


def test_what_is_in_trouble_comes_first() -> None:
    seen = board(
        [
            queue("calm"),
            queue("b", waiting=1, longest_wait_seconds=40),
            queue("a", waiting=1, longest_wait_seconds=45),
            queue("worst", waiting=1, longest_wait_seconds=90),
            queue("lost", node="pbx2", led=False),
        ]
    )
    shown = [line.split()[0] for line in text_of(picture(seen, 100)).split("\n")[5:10]]
    assert shown == ["lost", "worst", "a", "b", "calm"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (FINE, ""),
        (FINE | {"led": False}, "no daemon leads it"),
        (FINE | {"link": "down", "link_reason": "no answer"}, "link down: no answer"),
        (FINE | {"link": "never"}, "link never up"),
    ],
)
def test_when_a_node_is_stale(node: dict[str, Any], words: str) -> None:
    assert stale_because(node) == words


def test_nothing_of_a_stale_node_looks_fine() -> None:
    seen = board([queue("q", link="down")], [agent("Alice", "idle"), agent("Zed", "talking")])
    lines = picture(seen, 100)
    assert "pbx1: STALE, link down" in text_of(lines)
    assert "up" not in text_of(lines[:2])
    for name in ("q ", "Alice", "Zed"):
        (line,) = lines_with(lines[3:], name)[:1]
        assert {part.style for part in line if part.text.strip()} == {"red"}


def test_a_database_that_is_away_makes_all_of_it_stale() -> None:
    seen = board([queue("q")], [agent("Alice")], trouble="since 10:00:00: gone\x1b[2J")
    lines = picture(seen, 100)
    text = text_of(lines)
    assert "NOT CURRENT since 10:00:00: gone\ufffd[2J" in text
    assert "pbx1: last known up" in text
    styles = {part.style for line in lines_with(lines[3:], "Alice") for part in line}
    assert "green" not in styles


MANY = [
    *(queue(f"queue number {n}", waiting=n, longest_wait_seconds=n) for n in range(12)),
    queue("other", node="pbx2", link="down", link_reason="the reason is a long one " * 9),
]
CROWD = [
    agent(f"Agent {n} with a long name 张伟", "talking", n, customer=f"+49301234567{n}", queue="q")
    for n in range(60)
]


@pytest.mark.parametrize("height", [1, 2, 5, 8, 12, 24, 40, 200])
@pytest.mark.parametrize("width", [1, 5, 10, 20, 39, 60, 80, 132, 250])
def test_it_fits_every_size(width: int, height: int) -> None:
    lines = picture(board(MANY, CROWD, trouble="away"), width, height)
    assert len(lines) <= height
    for line in lines:
        assert sum(cell_len(part.text) for part in line) <= width


def test_what_does_not_fit_is_counted() -> None:
    text = text_of(picture(board(MANY, CROWD), 80, 40))
    rows = text.split("\n")
    assert len(rows) == 40
    assert rows[-2].startswith("and ")
    shown = sum(row.startswith("Agent ") for row in rows)
    assert rows[-2] == f"and {60 - shown} more"
    assert shown > 10
    assert sum(row.startswith("queue number") for row in rows) == 12


def test_narrow_drops_what_matters_least() -> None:
    head = next(
        line for line in text_of(picture(board(MANY, CROWD), 40)).split("\n") if "WAIT" in line
    )
    assert head.split() == ["QUEUE", "WAIT", "LONGEST", "IDLE"]


def test_names_are_data() -> None:
    evil = "\x1b]0;x\x07[red]\u202e\n"
    seen = board(
        [queue(f"q{evil}", node=f"n{evil}", link_reason=evil, link="down")],
        [agent(f"a{evil}", f"s{evil}", reason=evil, customer=evil, queue=evil, node=evil)],
    )
    for line in picture(seen, 200):
        for part in line:
            assert part.text.isprintable()
    assert "[red]" in text_of(picture(seen, 200))


def test_nothing_there() -> None:
    text = text_of(picture(board([]), 80))
    for words in ("no node fits", "no queue fits", "no agent is logged in"):
        assert words in text
    only_a_node = board([queue("", queue=None)])
    assert "no queue fits" in text_of(picture(only_a_node, 80))
