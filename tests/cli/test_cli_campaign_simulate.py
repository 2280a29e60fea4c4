"""``ccm campaign simulate``: the table, the JSON and what is wrong with the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

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
