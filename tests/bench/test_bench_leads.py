"""bench/leads.py at its smallest: it runs, tells what it should, and every lead is there.

Figures are not asserted: this machine may be busy with anything.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parents[2] / "bench"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCH / "leads.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_prints_one_object_with_every_lead_accounted_for() -> None:
    done = run("--json", "--rows", "2000", "--seconds", "1", "--processes", "1")
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["problems"] == []
    assert (result["rows"], result["import"]["leads"]) == (2000, 1960)
    assert result["import"]["rows_per_second"] > 0
    assert result["import"]["copy_rows_per_second"] > 0
    assert result["ratio"] == result["import"]["ratio"] > 0
    claims = result["claims"]
    assert (claims["leads"], claims["attempts"]) == (2000, 10_000)
    assert claims["claims_per_second"] > 0
    assert claims["plain_claims_per_second"] > 0
    assert set(result["versions"]) >= {"postgres", "phonenumbers", "python"}


def test_table_for_people_names_the_ratio() -> None:
    done = run("--rows", "300", "--attempts", "0")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "\nratio " in done.stdout
    assert "WRONG" not in done.stdout
