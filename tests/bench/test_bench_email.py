"""bench/email.py at its smallest: it runs, tells what it should, and every message is there.

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
        [sys.executable, str(BENCH / "email.py"), "--rounds", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.lab
def test_prints_one_object_with_every_message_accounted_for() -> None:
    done = run("--json", "--messages", "60", "--waiting", "100")
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["problems"] == []
    assert set(result["sizes"]) == {"2 kB", "50 kB"}
    for size in result["sizes"].values():
        assert size["ratio"] > 0
        assert size["ratio_batched"] > 0
        assert size["ours_per_second"] > 0
        assert len(size["rounds"]) == 1
    assert result["ratio"] == min(size["ratio"] for size in result["sizes"].values())
    assert (result["messages"], result["waiting"]) == (60, 100)
    assert len(result["cost"]) > 5
    for cost in result["cost"].values():
        assert cost["none_ms"] > 0
        assert cost["waiting_ms"] > 0
        assert cost["ratio"] > 0
    assert set(result["versions"]) >= {"dovecot", "postgres", "aioimaplib"}


@pytest.mark.lab
def test_table_for_people_names_the_ratio() -> None:
    done = run("--messages", "20", "--waiting", "0")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "\nratio " in done.stdout
    assert "waiting" not in done.stdout
    assert "WRONG" not in done.stdout


@pytest.mark.parametrize("program", ["ami.py", "calls.py", "email.py"])
def test_its_name_takes_the_standard_library_from_nobody(program: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / program), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {program}")


@pytest.mark.parametrize("size", [2_000, 50_000])
def test_messages_have_their_size_and_differ(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    import mail_letters

    made = [mail_letters.letter(number, size) for number in range(50)]
    assert len(set(made)) == 50
    assert all(0.95 * size < len(raw) < 1.05 * size for raw in made)
