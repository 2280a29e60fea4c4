"""bench/calls.py at its smallest: it runs, tells what it should, and every call is accounted for.

Figures are not asserted: this machine may be busy with anything.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import calls
from lab.asterisk import QueueLogRow

BENCH = Path(__file__).parents[2] / "bench"
SMALL = ("--rate", "10", "--seconds", "4", "--members", "40", "--queues", "2")


@pytest.mark.lab
def test_prints_one_object_with_every_call_accounted_for() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / "calls.py"), "--json", *SMALL],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["calls"] == sum(result["outcomes"].values()) == 40
    assert result["outcomes"] == {"abandoned": 2, "answered": 36, "timed_out": 2}
    assert result["ratio"] > 0
    assert 0 < result["lag_p50_below_seconds"] <= result["lag_p99_below_seconds"]
    assert result["lag_p99_below_seconds"] <= result["lag_max_below_seconds"]
    assert result["daemon_max_rss_mib"] > 0
    assert set(result["cpu_seconds"]) == {"asterisk", "daemon", "postgres"}
    assert set(result["versions"]) == {"asterisk", "postgres", "python"}
    assert result["cores"] > 0


LOAD = calls.Load(rate=2, seconds=1, members=2, queues=1, record=False)
LOG = [
    QueueLogRow(1, "1.1", "q0", "NONE", "ENTERQUEUE", ("", "", "1")),
    QueueLogRow(1, "1.3", "nobody", "NONE", "ENTERQUEUE", ("", "", "1")),
    QueueLogRow(2, "1.1", "q0", "Local/1@x", "CONNECT", ("1", "1.2", "1")),
    QueueLogRow(4, "1.1", "q0", "Local/1@x", "COMPLETEAGENT", ("1", "2", "1")),
    QueueLogRow(4, "1.3", "nobody", "NONE", "ABANDON", ("1", "1", "3")),
]
ANSWERED = ("1.1", "q0", "answered", "Local/1@x", "agent", False)
ABANDONED = ("1.3", "nobody", "abandoned", "", "", False)


@pytest.mark.parametrize(
    ("stored", "wrong"),
    [
        pytest.param([ANSWERED, ABANDONED], 0, id="as logged"),
        pytest.param([ANSWERED], 1, id="lost"),
        pytest.param([ANSWERED, ABANDONED, ABANDONED], 1, id="doubled"),
        pytest.param([ANSWERED, (*ABANDONED[:-1], True)], 1, id="inferred"),
        pytest.param([(*ANSWERED[:4], "caller", False), ABANDONED], 1, id="ended otherwise"),
        pytest.param([ANSWERED, ABANDONED, ("1.9", *ABANDONED[1:])], 1, id="never logged"),
    ],
)
def test_every_difference_to_queue_log_is_told(stored: list[Any], wrong: int) -> None:
    logged = calls.by_asterisk(LOG)
    told = calls.Told({}, 0, 0)
    assert len(calls.problems(LOAD, logged, stored, told, 0)) == wrong


def test_what_the_daemon_lost_is_told() -> None:
    stored = [ANSWERED, ABANDONED]
    found = calls.problems(LOAD, calls.by_asterisk(LOG), stored, calls.Told({}, 3, 1), 2)
    assert found == ["3 events dropped", "1 facts rejected", "2 rows in ccm.rejected_fact"]


def test_the_quantile_is_the_least_bound_that_holds() -> None:
    lag = {0.01: 50.0, 0.1: 98.0, 0.25: 100.0, float("inf"): 100.0}
    assert [calls.quantile(lag, part) for part in (0.5, 0.98, 0.99)] == [0.01, 0.1, 0.25]
