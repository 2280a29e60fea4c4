"""bench/pacing.py at its smallest: it runs, and the plain evaluation finds the same probabilities.

Figures are not asserted: this machine may be busy with anything.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parents[2] / "bench" / "pacing.py"


def test_prints_one_object_and_the_same_probabilities() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--json", "--agents", "5,70", "--minutes", "3"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert [one["agents"] for one in result["teams"]] == [5, 70]
    assert [one["decisions"] for one in result["teams"]] == [180, 180]
    assert all(one["same"] for one in result["teams"])
    assert result["ratio"] == result["teams"][1]["ratio"] > 0
