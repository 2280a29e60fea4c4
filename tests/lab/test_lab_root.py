"""When the lab's servers can't be had, one sentence says so and nothing half-made is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def ready(**environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCM_LAB_")}
    return subprocess.run(
        [sys.executable, "-m", "lab"], cwd=DEPLOY, env={**clean, **environment},
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_mirror_that_is_away(tmp_path: Path) -> None:
    done = ready(CCM_LAB_HOME=str(tmp_path), CCM_LAB_MIRROR="http://127.0.0.1:9/debian")
    assert done.returncode == 2
    assert "http://127.0.0.1:9/debian" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_asterisk_that_is_not_there() -> None:
    done = ready(CCM_LAB_ASTERISK="/nowhere/asterisk")
    assert done.returncode == 2
    assert done.stderr == (
        "CCM_LAB_ASTERISK is /nowhere/asterisk, which is no program on this host.\n"
    )


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    done = ready(CCM_LAB_HOME=str(in_the_way))
    assert done.returncode == 2
    assert "set CCM_LAB_HOME" in done.stderr


@pytest.mark.lab
def test_servers_that_are_built_are_used_at_once() -> None:
    done = ready()
    assert done.returncode == 0
    assert (Path(done.stdout.strip()) / "usr/sbin/asterisk").exists()
    assert done.stderr == ""
