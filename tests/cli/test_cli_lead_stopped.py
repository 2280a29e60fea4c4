"""An import that is stopped in the middle, by Ctrl-C or for good: nothing of it stays."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import asyncpg
import psutil
import pytest
from ccm_day import PROJECT, Ccm

from ccmiddleware.dialer.lead_checking import BATCH

LIMIT = 60.0
ROWS = 3 * BATCH + 100
"""With one process that checks, the first batch is copied in while it waits for the fourth."""

COPYING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'ccm' AND state = 'idle in transaction' AND query LIKE 'COPY %lead_number%'
"""
STAYED = "SELECT (SELECT count(*) FROM ccm.lead), (SELECT count(*) FROM ccm.lead_import)"


def asked(url: str, sql: str) -> tuple[Any, ...]:
    async def ask() -> tuple[Any, ...]:
        connection = await asyncpg.connect(url, timeout=LIMIT)
        try:
            return tuple(await connection.fetchrow(sql, timeout=LIMIT))
        finally:
            await connection.close(timeout=LIMIT)

    return asyncio.run(ask())


def until(condition: Any) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + LIMIT
        time.sleep(0.05)


@pytest.fixture
def under_way(
    on_database: Ccm, database_url: str, tmp_path: Path
) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    """An import whose file is a pipe that goes on when the test wants."""
    on_database.run("campaign", "create", "spring", "default_region=US")
    pipe = tmp_path / "leads.csv"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "ccmiddleware", "--config", str(on_database.config), "lead",
         "import", str(pipe), "--campaign", "spring", "--encoding", "utf-8", "--processes", "1"],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # Who starts the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    with pipe.open("w") as writer:
        writer.write("phone\n")
        writer.writelines(f"305{2200000 + number}\n" for number in range(ROWS))
        writer.flush()
        until(lambda: asked(database_url, COPYING) == (1,))
        yield process, writer
    process.kill()
    process.communicate(timeout=LIMIT)


def test_ctrl_c_changes_nothing(
    under_way: tuple["subprocess.Popen[str]", IO[str]], database_url: str
) -> None:
    process, writer = under_way
    process.send_signal(signal.SIGINT)
    writer.close()  # it may have been in the middle of reading
    _, said = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "interrupted: nothing was changed" in said
    assert "Traceback" not in said
    assert asked(database_url, STAYED) == (0, 0)


def test_killed_it_leaves_neither_leads_nor_processes(
    under_way: tuple["subprocess.Popen[str]", IO[str]], database_url: str
) -> None:
    process, _ = under_way
    helpers = psutil.Process(process.pid).children(recursive=True)
    assert helpers
    process.kill()
    gone, alive = psutil.wait_procs(helpers, timeout=LIMIT)
    assert (len(gone), alive) == (len(helpers), [])
    until(lambda: asked(database_url, COPYING) == (0,))
    assert asked(database_url, STAYED) == (0, 0)
