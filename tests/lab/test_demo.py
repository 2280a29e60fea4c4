"""The demo, as `deploy/demo --json` runs it after set-up."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab.audio import read_wav

pytestmark = pytest.mark.lab
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("demo") / "demo"
    ran = subprocess.run(
        [sys.executable, "-m", "lab.demo", "--json"],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "deploy"),
            "CCM_DEMO_DIR": str(directory),
        },
        capture_output=True,
        timeout=270,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_its_figures_are_asterisks(result: dict[str, Any]) -> None:
    assert result["differences"] == []
    assert result["calls_placed"] == result["interactions"] >= 12
    assert result["abandoned"] > 0
    assert result["ring_no_answers"] > 0
    assert result["asterisk"][0].isdigit()


def test_every_talk_is_recorded_with_audio_in_it(result: dict[str, Any]) -> None:
    assert result["recordings"] == result["recordings_verified"] == result["answered"] > 0
    assert result["recordings_silent"] == 0
    # Each file within one second of its talk.
    assert abs(result["audio_seconds"] - result["talk_seconds"]) < result["recordings"]


def test_the_recording_it_names_can_be_played(result: dict[str, Any]) -> None:
    recorded = read_wav(Path(result["recording"]))
    assert recorded.seconds > 1
    assert recorded.silence() < 0.7


def test_emails_are_answered_beside_the_calls(result: dict[str, Any]) -> None:
    """One with an attachment, one in a thread, a bounce, and machines that get no answer.

    That each customer's mailbox holds one answer in the right thread, from the queue and without a
    trace of the agent, is among the differences.
    """
    assert result["emails_received"] >= 6
    assert result["emails_answered"] == 5
    assert result["emails_quarantined"] == 2
    assert result["emails_bounced"] == 1
    assert result["emails_acknowledged"] == 4


def test_a_campaign_dials_all_its_leads_beside_that(result: dict[str, Any]) -> None:
    """That each result is what the called party did, once, is among the differences."""
    assert result["attempts"] == result["permits"] == 200
    assert sum(result["attempts_by_result"].values()) == 200
    assert result["attempts_by_result"].keys() >= {"connected", "no_answer", "busy", "failed"}
    assert 0 <= result["drops"] < result["live"]
    assert 0 < result["utilisation_pct"] <= 100
