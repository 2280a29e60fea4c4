"""`ccm recording pause|resume|start|stop`: which talk is meant, and what came of it.

The daemon's part is played in SQL; tests/recordings and tests/lab have the real one.
"""

import json

import pytest
from ccm_day import ANSWERED, LINKED, Ccm
from test_cli_agent import played, sql

from ccmiddleware.cli import commanding
from ccmiddleware.recordings.requests import parse


@pytest.mark.parametrize("verb", ["pause", "resume", "start", "stop"])
@pytest.mark.parametrize("target", ["alice arnold", "1001", LINKED, str(ANSWERED)])
def test_a_talk_is_named_by_agent_or_interaction(
    filled: Ccm, database_url: str, verb: str, target: str
) -> None:
    sql(
        database_url,
        "UPDATE ccm.interaction SET ended_at = NULL, outcome = NULL, state = 'talking'",
    )
    with played(database_url, "done", f"{ANSWERED} segment 1: so"):
        ran = filled.run("recording", verb, target)
    assert ran.stdout == f"{ANSWERED} segment 1: so\n"
    (row,) = sql(database_url, "SELECT kind, arguments::text AS arguments FROM ccm.command")
    request = parse(row["kind"], json.loads(row["arguments"]))
    assert (request.verb, request.why.by) == (verb, commanding.user())
    by_agent = target in ("alice arnold", "1001")
    assert request.interface == ("PJSIP/1001" if by_agent else "")
    assert request.interaction == (None if by_agent else ANSWERED)


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("refused", 1), ("unknown", 3)])
def test_the_exit_code_is_what_came_of_it(
    filled: Ccm, database_url: str, state: str, code: int
) -> None:
    with played(database_url, state, "as it was"):
        ran = filled.run("recording", "pause", "1001", code=code)
    assert "as it was" in ran.output
    assert ("ask for it again" in ran.stderr) == (state == "unknown")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nobody", "there is no agent 'nobody'; there are"),
        ("nobody", "nor is it the id of an interaction"),
        (LINKED, "is over"),
        ("1764277200.99999", "nor is it the id of an interaction"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_issued(
    filled: Ccm, database_url: str, target: str, said: str
) -> None:
    assert said in filled.run("recording", "pause", target, code=1).stderr
    assert sql(database_url, "SELECT FROM ccm.command") == []


def test_pauses_stand_in_the_timeline(filled: Ccm, database_url: str) -> None:
    sql(
        database_url,
        "INSERT INTO ccm.interaction_event (interaction_id, key, kind, at, inferred, data) "
        "SELECT interaction_id, 'p', 'recording_paused', at + interval '5 s', false, "
        '\'{"segment": 1, "how": "code", "by": "PJSIP/1001"}\' '
        "FROM ccm.interaction_event WHERE interaction_id = $1 AND kind = 'answered'",
        ANSWERED,
    )
    shown = filled.run("interaction", "show", LINKED).stdout
    assert "recording paused" in shown
    assert "how code" in shown
