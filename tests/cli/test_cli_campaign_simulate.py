"""``ccm campaign simulate``: the table, the JSON and what is wrong with the command line."""

import json
import re
from pathlib import Path

import pytest
from ccm_day import Ccm
from click.testing import CliRunner
from test_cli_agent import sql
from test_cli_campaign_seen import PLACE

from ccmiddleware.cli import campaign_simulate
from ccmiddleware.cli.main import cli
from ccmiddleware.dialer.simulation.running import POLICIES
from ccmiddleware.dialer.simulation.workloads import STRESS, WORKLOADS

SHORT = ("campaign", "simulate", "--hours", "0.2", "--shifts", "2", "--processes", "1")


def test_the_names_are_those_of_the_simulation() -> None:
    assert tuple(POLICIES) == campaign_simulate.POLICIES
    assert tuple(one.name for one in STRESS) == campaign_simulate.STRESS
    assert {campaign_simulate.REFERENCE, campaign_simulate.LEADS_DIFFER} <= set(WORKLOADS)


def test_json_has_a_row_for_each_policy_and_team() -> None:
    done = CliRunner().invoke(cli, [*SHORT, "--agents", "3,8", "--json", "--seed", "5"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [(row["policy"], row["agents"]) for row in rows] == [
        (policy, agents)
        for agents in (3, 8)
        for policy in ("progressive", "adaptive", "predictive")
    ]
    for row in rows:
        assert row["seeds"] == [5, 6]
        assert 0 < row["utilisation_pct"] < 100
        assert 0 <= row["abandonment_pct"] <= row["worst_shift_pct"]
    assert "seeds 5 to 6" in done.stderr


def test_the_table_names_what_was_asked_for() -> None:
    done = CliRunner().invoke(
        cli, [*SHORT, "--agents", "4", "--policy", "ours", "--policy", "power-2", "--stress"]
    )
    assert done.exit_code == 0, done.output
    for word in ("UTILISATION %", "predictive", "power-2", "step", "agents-leave", "outage"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--agents", "5,many"), "write 5,10,25"),
        (("--agents", "0"), "1 to 2000"),
        (("--policy", "guess"), "'guess' is not one of"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(cli, [*SHORT, *arguments])
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_plot_needs_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(cli, [*SHORT, "--plot", str(tmp_path / "a.png")])
    assert done.exit_code == 2
    assert "pip install 'ccmiddleware[plot]'" in done.stderr
    assert not (tmp_path / "a.png").exists()


HISTORY = """
INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode,
    trunk, caller_id, claimed_at, dialed_at, answered_at, connected_at, ended_at, result, live,
    interface)
SELECT c.id, l.id, 1, '+13052220001', 1, 'pbx1', 1, 'predictive', 'one', '+12025550100', t.at,
    t.at, CASE WHEN t.live THEN t.at + interval '10 s' END,
    CASE WHEN t.live THEN t.at + interval '11 s' END,
    t.at + CASE WHEN t.live THEN interval '71 s' ELSE interval '25 s' END,
    CASE WHEN t.live THEN 'connected' ELSE 'no_answer' END, t.live,
    CASE WHEN t.live THEN 'PJSIP/' || 1001 + n % 8 / 4 ELSE '' END
FROM ccm.campaign AS c, ccm.lead AS l, generate_series(1, $1::integer) AS n,
    LATERAL (
        SELECT now() - interval '2 days' + n * interval '1 second' AS at, n % 4 = 0 AS live
    ) AS t
"""


@pytest.fixture
def with_leads(filled: Ccm, database_url: str) -> Ccm:
    filled.run("campaign", "create", "spring", "profile=us-ftc", "time_zone=America/New_York")
    sql(database_url, PLACE)
    sql(database_url, "INSERT INTO ccm.lead (campaign_id, place_id) SELECT id, 1 FROM ccm.campaign")
    return filled


def test_from_a_campaign(with_leads: Ccm, database_url: str) -> None:
    sql(database_url, HISTORY, 400)
    done = with_leads.run(*SHORT, "--from", "spring", "--json", "--policy", "progressive")
    (row,) = json.loads(done.stdout)
    assert (row["workload"], row["agents"], row["hours"]) == ("spring", 2, 0.2)
    assert re.search(r"from 400 attempts and 100 talks: people answer 2[45]\.\d%", done.stderr)
    assert "they ring 10.0 s until answered, 25 s at most; talks of 60 s" in done.stderr
    done = with_leads.run(*SHORT, "--from", "spring", "--policy", "ours", "--agents", "4", "--json")
    assert [row["agents"] for row in json.loads(done.stdout)] == [4]


def test_from_a_campaign_with_too_little_history(with_leads: Ccm, database_url: str) -> None:
    sql(database_url, HISTORY, 40)
    said = with_leads.run("campaign", "simulate", "--from", "spring", code=1).stderr
    assert "40 of the 300 attempts that are over" in said
    assert "of the last 30 days" in said
    said = with_leads.run("campaign", "simulate", "--from", "sprig", code=1).stderr
    assert "did you mean spring" in said
