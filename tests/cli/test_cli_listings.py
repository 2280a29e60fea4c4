"""The listing commands on a real database: tables, JSON, filters, words for empty answers."""

import asyncio
import json
from uuid import UUID

import pytest
from ccm_day import ABANDONED, ANSWERED, LINKED, LOST, RECORDING, Ccm, at, put

from ccmiddleware import facts
from ccmiddleware.ids import interaction_id

DAY = ("--since", "2026-03-02", "--until", "2026-03-03")
CONTROL = tuple(chr(code) for code in (*range(10), *range(11, 32), *range(127, 160), 0x202E))


def test_queue_list_shows_queues_and_who_works_in_them(filled: Ccm) -> None:
    rows = json.loads(filled.run("queue", "list", "--json").stdout)
    assert [(row["node"], row["queue"], row["members"], row["waiting"]) for row in rows] == [
        ("pbx1", "sales", 0, 0),
        ("pbx1", "support", 2, 0),
    ]
    table = filled.run("queue", "list").stdout
    assert "support" in table
    assert "rrmemory" in table


def test_queue_show_shows_members_and_who_waits(filled: Ccm, database_url: str) -> None:
    waiting = interaction_id("pbx1", "1772442000.9")
    asyncio.run(put(database_url, filled.directory / "again", _waiting(waiting)))
    whole = json.loads(filled.run("queue", "show", "support", "--json").stdout)
    assert [(m["agent"], m["state"], m["reason"]) for m in whole["members"]] == [
        ("Alice Arnold", "idle", ""),
        ("Jörg Müller", "paused", "lunch"),
    ]
    assert [row["interaction"] for row in whole["waiting"]] == [str(waiting)]
    text = filled.run("queue", "show", "support").stdout
    assert "Jörg Müller" in text
    assert "2026-03-02 10:00:00 CET" in text


def test_an_unknown_queue_is_told_with_those_there_are(filled: Ccm) -> None:
    result = filled.run("queue", "show", "suport", code=1)
    assert "no queue 'suport'" in result.stderr
    assert "sales, support" in result.stderr


def test_agent_list_can_be_limited_to_a_queue(filled: Ccm) -> None:
    rows = json.loads(filled.run("agent", "list", "--json").stdout)
    assert [(row["agent"], row["state"], row["queues"]) for row in rows] == [
        ("Alice Arnold", "idle", ["support"]),
        ("Jörg Müller", "paused", ["support"]),
    ]
    result = filled.run("agent", "list", "--queue", "sales")
    assert result.stdout == ""
    assert "no agent fits" in result.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [ABANDONED, ANSWERED]),
        (("--queue", "sales"), [ABANDONED]),
        (("--agent", "Alice Arnold"), [ANSWERED]),
        (("--agent", "PJSIP/1001"), [ANSWERED]),
        (("--caller", "0666"), [ABANDONED]),
        (("--outcome", "answered"), [ANSWERED]),
        (("--limit", "1"), [ABANDONED]),
        (("--open",), []),
        (("--since", "2026-03-02T10:30", "--until", "2026-03-03"), [ABANDONED]),
    ],
)
def test_interactions_can_be_filtered(
    filled: Ccm, options: tuple[str, ...], expected: list[UUID]
) -> None:
    result = filled.run("interaction", "list", *DAY, *options, "--json")
    assert [UUID(row["id"]) for row in json.loads(result.stdout)] == expected


def test_interaction_list_says_waits_and_talks(filled: Ccm) -> None:
    rows = json.loads(filled.run("interaction", "list", *DAY, "--json").stdout)
    answered = rows[1]
    assert answered["wait_seconds"] == 11
    assert answered["talk_seconds"] == 82.5
    assert answered["recordings"] == ["finished"]
    assert answered["started_at"] == "2026-03-02T09:00:00+00:00"
    table = filled.run("interaction", "list", *DAY).stdout
    assert "2026-03-02 10:00:00 CET" in table
    assert "1:23" in table


def test_a_limit_that_cuts_off_is_said(filled: Ccm) -> None:
    assert "--limit" in filled.run("interaction", "list", *DAY, "--limit", "1").stderr


def test_an_empty_period_is_explained(filled: Ccm) -> None:
    result = filled.run("interaction", "list", "--since", "2026-03-05", "--until", "2026-03-06")
    assert result.stdout == ""
    assert "2026-03-05 00:00:00 CET" in result.stderr


@pytest.mark.parametrize("id_", [str(ANSWERED), str(ANSWERED).upper(), LINKED, f" {LINKED} "])
def test_an_interaction_is_found_by_our_id_and_by_asterisks(filled: Ccm, id_: str) -> None:
    whole = json.loads(filled.run("interaction", "show", id_, "--json").stdout)
    assert whole["interaction"]["id"] == str(ANSWERED)
    assert whole["events"][0]["kind"] == "joined"
    assert [row["queue"] for row in whole["visits"]] == ["support"]
    assert [row["agent"] for row in whole["segments"]] == ["Alice Arnold"]
    assert [row["path"] for row in whole["recordings"]] == [RECORDING]


def test_a_timeline_has_local_times_and_offsets_in_order(filled: Ccm) -> None:
    lines = filled.run("interaction", "show", LINKED).stdout.splitlines()
    joined = next(line for line in lines if "joined queue" in line)
    assert joined.split("joined queue")[0].split() == ["2026-03-02", "10:00:01", "CET", "+0:01.0"]
    order = ["call began", "joined queue", "ringing", "recording asked", "talk ended", "call ended"]
    places = [next(n for n, line in enumerate(lines) if words in line) for words in order]
    assert places == sorted(places)
    assert any("position 1, waited 0:11, answered" in line for line in lines)


@pytest.mark.parametrize("id_", ["nonsense", "1772442000.404", "0195" * 8, ""])
def test_an_unknown_interaction_says_what_an_id_is(filled: Ccm, id_: str) -> None:
    assert "linked id" in filled.run("interaction", "show", id_, code=1).stderr


def test_hostile_text_never_reaches_the_terminal(filled: Ccm) -> None:
    for arguments in (
        ("interaction", "list", *DAY),
        ("interaction", "list", *DAY, "--json"),
        ("interaction", "show", LOST),
        ("interaction", "show", LOST, "--json"),
        ("report", "show", "interaction"),
        ("report", "show", "interaction", "--format", "csv"),
        ("report", "show", "interaction", "--format", "json"),
    ):
        text = filled.run(*arguments).stdout.replace("\r\n", "\n")
        assert not [character for character in CONTROL if character in text], arguments
        assert "[red]x[/red]" in text, arguments
        assert "\N{SLIGHTLY SMILING FACE}" in text, arguments
    result = filled.run("queue", "show", "\x1b[31mred\u202e", code=1)
    assert not [character for character in CONTROL if character in result.stderr]


def test_watch_prints_once_where_there_is_no_terminal(filled: Ccm) -> None:
    text = filled.run("queue", "watch").stdout
    assert text.count("LONGEST WAIT") == 1
    assert "support" in text
    rows = json.loads(filled.run("agent", "watch", "--json").stdout)
    assert [(row["agent"], row["state"]) for row in rows] == [
        ("Alice Arnold", "idle"),
        ("Jörg Müller", "paused"),
    ]


def test_watch_prints_as_often_as_asked(filled: Ccm) -> None:
    text = filled.run("agent", "watch", "--count", "3", "--interval", "0.2").stdout
    assert text.count("INTERFACE") == 3


def test_an_empty_database_is_explained(on_database: Ccm) -> None:
    for arguments, words in (
        (("queue", "list"), "no queues yet"),
        (("queue", "watch"), "no queues yet"),
        (("agent", "list"), "no agents yet"),
        (("agent", "watch"), "no agents yet"),
        (("interaction", "list"), "no interaction fits"),
        (("recording", "list"), "no recording fits"),
    ):
        result = on_database.run(*arguments)
        assert result.stdout == "", arguments
        assert words in result.stderr, arguments
        as_json = on_database.run(*arguments, "--json")
        assert json.loads(as_json.stdout) == [], arguments


def test_the_choices_are_those_of_the_facts() -> None:
    from typing import get_args

    from ccmiddleware.cli.interaction import OUTCOMES
    from ccmiddleware.cli.recording import STATES

    assert set(OUTCOMES) == {*get_args(facts.Outcome), "dropped"}
    assert set(STATES) == set(get_args(facts.RecordingState))


def _waiting(id_: UUID) -> list[facts.AnyFact]:
    return [
        facts.Interaction(
            id=id_,
            version=1,
            node="pbx1",
            state="waiting",
            linkedid="1772442000.9",
            uniqueid="1772442000.9",
            caller_num="12025550777",
            started_at=at(0),
        ),
        facts.QueueVisit(
            interaction_id=id_,
            ordinal=1,
            version=1,
            node="pbx1",
            queue="support",
            position=1,
            joined_at=at(0),
        ),
    ]
