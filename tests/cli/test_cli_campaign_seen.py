"""`ccm campaign watch`, `explain` and `report` on a real database."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from ccm_day import Ccm
from test_cli_agent import sql
from test_cli_terminal import on_terminal

from ccmiddleware.clock import utc_now
from ccmiddleware.dialer.pacing import Pacer

SETTINGS = {
    "mode": "predictive", "node": "pbx1", "queue": "support", "profile": "us-ftc",
    "time_zone": "America/New_York", "abandonment_limit": 2.5,
}  # fmt: skip
CAMPAIGN = """
INSERT INTO ccm.campaign (name, state, settings, created_by, state_by, started_at)
VALUES ('spring', 'running', $1::text::jsonb, 'ann', 'ann', now() - interval '40 days')
"""
PLACE = "INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{}')"
LEADS = """
INSERT INTO ccm.lead (campaign_id, place_id, state, last_result)
SELECT c.id, 1, CASE WHEN n < 3 THEN 'done' ELSE 'new' END, CASE WHEN n < 3 THEN 'connected' END
FROM ccm.campaign AS c, generate_series(1, 4) AS n
"""
ATTEMPT = """
INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode,
    trunk, caller_id, claimed_at, dialed_at, answered_at, connected_at, ended_at, result, live,
    dropped, interface)
SELECT c.id, l.id, 1, '+13052220001', 1, 'pbx1', 1, 'predictive', 'one', '+12025550100', t.at, t.at,
    CASE WHEN t.result IN ('connected', 'dropped', 'machine') THEN t.at + interval '10 s' END,
    CASE WHEN t.result = 'connected' THEN t.at + interval '11 s' END,
    CASE WHEN t.result <> 'open' THEN t.at + interval '71 s' END, nullif(t.result, 'open'),
    t.result IN ('connected', 'dropped'), t.result = 'dropped',
    CASE WHEN t.result = 'connected' THEN 'PJSIP/1001' ELSE '' END
FROM (SELECT $1::timestamptz AS at, $2::text AS result) AS t, ccm.campaign AS c,
    LATERAL (SELECT id FROM ccm.lead LIMIT 1) AS l
"""
DECISION = """
INSERT INTO ccm.campaign_decision (campaign_id, at, term, number, claimed, reason, detail)
SELECT id, $1, 1, $2, $2, $3, $4::text::jsonb FROM ccm.campaign
"""
RESULTS = ["connected"] * 3 + ["dropped", "machine", "no_answer", "no_answer", "busy", "open"]


def paced() -> dict[str, Any]:
    pacer = Pacer()
    for agent in ("ann", "bob"):
        pacer.agent_logged_in(agent, 0.0)
    extra = {"go_on": "normal", "trunk_room": 7, "open_places": 1, "places": 1, "agents": 2}
    return pacer.decide(1.0).as_dict() | extra


def decided(url: str, at: datetime, number: int, reason: str, detail: dict[str, Any]) -> None:
    sql(url, DECISION, at, number, reason, json.dumps(detail))


@pytest.fixture
def dialed(filled: Ccm, database_url: str) -> Ccm:
    """A campaign that began nine calls a moment ago, and now has no agents."""
    now = utc_now()
    sql(database_url, CAMPAIGN, json.dumps(SETTINGS))
    sql(database_url, PLACE)
    sql(database_url, LEADS)
    for result in RESULTS:
        sql(database_url, ATTEMPT, now, result)
    decided(database_url, now - timedelta(minutes=3), 2, "pacing", paced())
    decided(database_url, now - timedelta(seconds=1), 0, "no_agents", {"go_on": "normal"})
    return filled


def asked(ccm: Ccm, *arguments: str) -> Any:
    return json.loads(ccm.run("campaign", *arguments, "--json").stdout)


@pytest.mark.parametrize("what", ["watch", "explain", "report"])
def test_a_campaign_that_is_not_there(on_database: Ccm, what: str) -> None:
    assert "there are no campaigns yet" in on_database.run("campaign", what, "x", code=1).stderr


def test_a_draft_has_nothing_to_show_and_says_why(on_database: Ccm) -> None:
    on_database.run("campaign", "create", "spring")
    never = "is a draft and never dialed: `ccm campaign start spring`"
    assert never in on_database.run("campaign", "explain", "spring").stderr
    assert never in on_database.run("campaign", "explain", "spring", "--since", "7d").stderr
    report = on_database.run("campaign", "report", "spring")
    assert "called nobody on" in report.stderr
    assert never in report.stderr
    assert "profile" in report.stderr  # without one nobody knows what the law counts
    picture = on_database.run("campaign", "watch", "spring").stdout
    assert "no node is set that dials" in picture
    assert never in picture
    assert "no attempts yet (UTC)" in picture


def test_watch_prints_one_snapshot_as_json(dialed: Ccm) -> None:
    seen = asked(dialed, "watch", "spring")
    assert (seen["campaign"], seen["state"], seen["queue"]) == ("spring", "running", "support")
    assert seen["agents"]["idle"] == 2
    assert seen["node_trouble"] == "pbx1: STALE, no daemon leads it"
    assert (seen["calls"]["under_way"], seen["calls"]["last_minute"]) == (1, 9)
    assert (seen["today"]["attempts"], seen["today"]["live"], seen["today"]["drops"]) == (9, 4, 1)
    assert seen["today"]["answer_rate"] == 0.5
    assert seen["time_zone"] == "America/New_York"
    ledger = seen["drops"]
    assert (ledger["live"], ledger["drops"], ledger["drop_rate"]) == (4, 1, 0.25)
    # The campaign allows itself less than the law does.
    assert (ledger["limit_rate"], ledger["level"], ledger["go_on"]) == (
        0.025,
        "over",
        "progressive",
    )
    first = datetime.fromisoformat(ledger["first_day"])
    last = datetime.fromisoformat(ledger["last_day"])
    assert (last - first).days == 29
    assert seen["leads"] == {"done": 2, "new": 2}
    assert seen["decision"]["reason"] == "no_agents"
    assert seen["last_with_calls"]["number"] == 2
    assert seen["silent"] == ""


def test_watch_in_a_pipe_is_one_picture(dialed: Ccm) -> None:
    text = dialed.run("campaign", "watch", "spring").stdout
    assert text.startswith("spring  running  predictive  queue support")
    for words in (
        "STALE, no daemon leads it",
        "2 idle, 0 talking",
        "1 under way",
        "9 attempts (50.0% answered by people): 3 with an agent, 1 dropped, 1 machines",
        "25.00% of at most 2.50%: 1 of 4 answered calls",
        "nobody is dialed ahead of an agent",
        "Began no call.",
        "No agent was there for it",
        "Began 2 calls.",
        "2 idle, 0 talking",
    ):
        assert words in text
    assert "\x1b" not in text


def test_watch_live_until_told_to_end(dialed: Ccm) -> None:
    with on_terminal(dialed, "campaign", "watch", "spring", "--interval", "0.2") as terminal:
        terminal.read_until("spring.*Drops.*25.00%.*spring.*25.00%")
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text


def test_explain_tells_the_last_decision_with_calls_and_without(dialed: Ccm) -> None:
    text = dialed.run("campaign", "explain", "spring").stdout
    assert text.index("that began calls: ") < text.index("Began 2 calls.")
    assert text.index("that began none: ") < text.index("No agent was there for it")
    assert "A person is believed to answer 25.0% of calls" in text
    told = asked(dialed, "explain", "spring")
    assert told["with_calls"]["detail"]["idle"] == 2
    assert told["without_calls"]["words"][0] == "Began no call."
    assert told["silent"] == ""


def test_explain_a_moment(dialed: Ccm) -> None:
    told = asked(dialed, "explain", "spring", "--at", "2m")
    assert told["at_that_time"]["number"] == 2
    text = dialed.run("campaign", "explain", "spring", "--at", "2m").stdout
    assert "before that time" in text
    assert (
        "no decision of spring is stored"
        in dialed.run("campaign", "explain", "spring", "--at", "30d").stderr
    )
    assert (
        "was not started by then"
        in dialed.run("campaign", "explain", "spring", "--at", "90d").stderr
    )


def test_explain_a_period(dialed: Ccm) -> None:
    told = asked(dialed, "explain", "spring", "--since", "1h")
    assert [(one["reason"], one["decisions"], one["calls"]) for one in told["counts"]] == [
        ("pacing", 1, 2),
        ("no_agents", 1, 0),
    ]
    assert [one["number"] for one in told["decisions"]] == [2, 0]
    result = dialed.run("campaign", "explain", "spring", "--since", "1h", "--limit", "1")
    assert "HELD BY" in result.stdout
    assert "cold start" in result.stdout
    assert "the last 1 of 2 decisions" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "--at", "1h", "--since", "2h"), "give one of them"),
        (("explain", "--until", "1h"), "--until needs --since"),
        (("explain", "--at", "soon"), "is no time"),
        (("report", "--day", "today", "--since", "7d"), "give one of them"),
        (("report", "--day", "soon"), "is no time"),
        (("report", "--since", "today", "--until", "yesterday"), "is before"),
    ],
)
def test_what_is_wrong_is_said(dialed: Ccm, arguments: tuple[str, ...], words: str) -> None:
    what, *more = arguments
    assert words in dialed.run("campaign", what, "spring", *more, code=2).stderr


def test_silence_is_explained(dialed: Ccm, database_url: str) -> None:
    sql(database_url, "DELETE FROM ccm.campaign_decision")
    assert "no daemon leads node pbx1" in dialed.run("campaign", "explain", "spring").stderr
    sql(database_url, "UPDATE ccm.campaign SET state = 'paused'")
    assert "spring is paused" in dialed.run("campaign", "watch", "spring").stdout


def test_report(dialed: Ccm) -> None:
    told = asked(dialed, "report", "spring", "--since", "yesterday")
    counts = told["attempts"]
    assert (counts["attempts"], counts["connected"], counts["open"]) == (9, 3, 1)
    assert (counts["answer_rate"], counts["drop_rate"]) == (0.5, 0.25)
    assert told["time_zone"] == "America/New_York"
    assert told["drops"]["drops"] == 1
    assert {(one["state"], one["leads"], one["lead_rate"]) for one in told["leads"]} == {
        ("done", 2, 0.5),
        ("new", 2, 0.5),
    }
    (agent,) = told["agents"]
    assert (agent["agent"], agent["calls"], agent["talk_seconds"]) == ("Alice Arnold", 3, 180)
    assert told["utilisation"]["ring_seconds"] == 4 * 10 + 10 + 3 * 71
    text = dialed.run("campaign", "report", "spring", "--since", "yesterday").stdout
    for words in (
        "America/New_York",
        "people answered 4, 50.0% of those that are over; 1 had no agent in time, 25.00%",
        "25.00% of at most 2.50% (OVER THE LIMIT), 1 of 4 answered calls",
        "Rule: 16 CFR 310.4(b)(4)(i)",
        "Alice Arnold",
        "With one call for each free agent occupancy would have been about",
    ):
        assert words in text


def test_a_report_of_days_without_calls(dialed: Ccm) -> None:
    result = dialed.run("campaign", "report", "spring", "--day", "2026-03-01")
    assert "spring called nobody on 2026-03-01" in result.stderr
    assert asked(dialed, "report", "spring", "--day", "2026-03-01")["days"] == []
