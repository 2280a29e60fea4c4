"""`ccm agent monitor|whisper|barge|unmonitor`: what is asked of the daemon, and what was said."""

import json

import pytest
from ccm_day import Ccm
from test_cli_agent import played, sql

GIVEN = "SELECT kind, arguments::text AS arguments, issued_by FROM ccm.command"


def issued(url: str) -> tuple[str, dict[str, object]]:
    (row,) = sql(url, GIVEN)
    arguments = json.loads(row["arguments"])
    if "by" in arguments:
        assert arguments.pop("by") == row["issued_by"]
    return row["kind"], arguments


@pytest.mark.parametrize("mode", ["monitor", "whisper", "barge"])
def test_what_is_asked(filled: Ccm, database_url: str, mode: str) -> None:
    with played(database_url, "done", "PJSIP/2001 hears Alice"):
        result = filled.run("agent", mode, "Alice Arnold", "--to", "PJSIP/2001")
    assert result.stdout == "PJSIP/2001 hears Alice\n"
    assert issued(database_url) == (
        "agent_supervise",
        {"interface": "PJSIP/1001", "to": "PJSIP/2001", "mode": mode, "interaction": None,
         "keys": False},
    )  # fmt: skip


def test_the_phone_may_be_an_agents(filled: Ccm, database_url: str) -> None:
    with played(database_url, "refused", "PJSIP/1002: the phone did not answer"):
        result = filled.run("agent", "monitor", "1001", "--to", "Jörg Müller", "--keys", code=1)
    assert "ccm: refused: PJSIP/1002: the phone did not answer" in result.stderr
    assert issued(database_url)[1]["keys"] is True


@pytest.mark.parametrize("words", [["monitor", "1001", "--stop"], ["unmonitor", "1001"]])
def test_ending(filled: Ccm, database_url: str, words: list[str]) -> None:
    with played(database_url, "done", "PJSIP/2001: hung up"):
        result = filled.run("agent", *words, "--to", "PJSIP/2001", "--json")
    assert json.loads(result.stdout)["state"] == "done"
    assert issued(database_url) == (
        "agent_unsupervise",
        {"interface": "PJSIP/1001", "to": "PJSIP/2001"},
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["monitor", "1001"], 2, "which phone is to ring"),
        (["monitor", "nobody", "--to", "PJSIP/1"], 1, "no agent 'nobody'"),
        (["monitor", "1001", "--to", "nobody"], 1, "no agent 'nobody'"),
        (["monitor", "1001", "--to", "PJSIP/1001"], 2, "can't listen to itself"),
        (["monitor", "1001", "--to", "PJSIP/1&PJSIP/2"], 1, "no agent"),
        (["monitor", "1001", "--to", "PJSIP/2", "--interaction", "x"], 2, "not a valid UUID"),
    ],
)
def test_what_is_not_asked(
    filled: Ccm, database_url: str, words: list[str], code: int, said: str
) -> None:
    assert said in filled.run("agent", *words, code=code).stderr
    assert sql(database_url, GIVEN) == []
