"""bench/ami.py at its smallest: it runs, tells what it should, and notices calls that are missing.

Figures are not asserted: this machine may be busy with anything.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCH / "ami.py"), "--rounds", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.parametrize("stream", [(), ("--used-only",)], ids=["recorded", "used only"])
def test_prints_one_object_with_every_call_accounted_for(stream: tuple[str, ...]) -> None:
    done = run("--json", "--events", "300", *stream)
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["ratio"] > 0
    assert result["rounds"] == result["repetitions"] == 1
    assert 300 <= result["events"] < 1000
    assert result["problems"] == []
    assert result["stored"] == result["expected"]
    assert result["stored"]["interactions"] == sum(result["stored"]["outcomes"].values()) > 2
    assert result["daemon"]["facts"] > result["stored"]["interactions"]
    for side in ("daemon", "bare"):
        assert result[side]["cpu_us_per_event"] > 0
        assert result[side]["events_per_second"] > 0
        assert result[side]["max_rss_mib"] > 0
    assert result["daemon"]["postgres_cpu_us_per_event"] >= 0
    assert result["daemon"]["facts_per_second"] > 0
    assert result["cores"] > 0
    assert set(result["versions"]) >= {"python", "postgres", "panoramisk"}


def test_table_for_people_names_the_ratio() -> None:
    done = run("--events", "300", "--pace", "2000")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "\nratio " in done.stdout
    assert "WRONG" not in done.stdout


def test_lost_calls_fail_the_run() -> None:
    done = run("--json", "--events", "3000", "--used-only", "--queue-size", "100")
    assert done.returncode == 1, done.stderr + done.stdout
    result = json.loads(done.stdout)
    assert any(" dropped" in problem for problem in result["problems"])
    assert result["stored"] != result["expected"]
