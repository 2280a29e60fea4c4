"""`ccm wallboard` on a database: once, as JSON, live, and while the database is away."""

import json
import re
import signal

import pytest
from ccm_day import ABANDONED, HOSTILE, Ccm
from test_cli_agent import sql
from test_cli_terminal import Terminal, on_terminal

OPEN = "UPDATE ccm.interaction SET state = 'waiting', ended_at = NULL, outcome = NULL WHERE id = $1"
WAITS = "UPDATE ccm.queue_visit SET left_at = NULL, outcome = NULL WHERE interaction_id = $1"
LED = "UPDATE ccm.node SET link = 'up'"


@pytest.fixture
def waiting(filled: Ccm, database_url: str) -> Ccm:
    """A caller waits, and no daemon leads the node."""
    sql(database_url, OPEN, ABANDONED)
    sql(database_url, WAITS, ABANDONED)
    sql(database_url, LED)
    return filled


def test_once_in_a_pipe(waiting: Ccm) -> None:
    result = waiting.run("wallboard", "--once")
    assert result.stdout.startswith("Wallboard  20")
    assert "pbx1: STALE, no daemon leads it" in result.stdout
    assert "Alice Arnold" in result.stdout
    assert "lunch" in result.stdout
    assert "\x1b" not in result.stdout
    # A pipe gets one picture anyway. It is the same but for the time that has passed.
    again = waiting.run("wallboard").stdout
    assert [line.split()[:1] for line in again.splitlines()] == [
        line.split()[:1] for line in result.stdout.splitlines()
    ]


def test_json(waiting: Ccm) -> None:
    told = json.loads(waiting.run("wallboard", "--json").stdout)
    assert told["nodes"][0]["stale"] == "no daemon leads it"
    by_queue = {row["queue"]: row for row in told["queues"]}
    (waits,) = [row for row in told["queues"] if row["waiting"]]
    assert waits["longest_wait_seconds"] > 0
    assert by_queue["support"]["paused"] + by_queue["support"]["idle"] == 2
    assert [row["state"] for row in told["agents"]] == ["idle", "paused"]
    assert "answered within T" in told["service_level"]


def test_filters(waiting: Ccm) -> None:
    told = json.loads(waiting.run("wallboard", "--json", "--queue", "sales").stdout)
    assert [row["queue"] for row in told["queues"]] == ["sales"]
    assert told["agents"] == []
    told = json.loads(waiting.run("wallboard", "--json", "--node", "pbx9").stdout)
    assert (told["nodes"], told["queues"], told["agents"]) == ([], [], [])
    assert "no node fits" in waiting.run("wallboard", "--node", "pbx9").stdout


def test_thresholds_in_the_wrong_order(ccm: Ccm) -> None:
    for words in (["--wait-warn", "90"], ["--level-alarm", "90"]):
        assert "the alarm comes after" in ccm.run("wallboard", *words, code=2).stderr


def test_no_database_to_begin_with(ccm: Ccm) -> None:
    assert "no database" in ccm.run("wallboard", code=3).stderr


@pytest.mark.parametrize("how", ["q", "ctrl-c", "term"])
def test_live_until_told_to_end(waiting: Ccm, how: str) -> None:
    with on_terminal(waiting, "wallboard", "--interval", "0.2") as terminal:
        terminal.read_until("STALE.*support.*STALE")
        assert not terminal.echoes
        end(terminal, how)
        assert terminal.wait() == 0
        assert terminal.echoes
        assert "Traceback" not in terminal.text
        assert HOSTILE not in terminal.text
        assert terminal.text.rindex("\x1b[?1049l") > terminal.text.rindex("STALE")
        assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("STALE")


def end(terminal: Terminal, how: str) -> None:
    if how == "term":
        terminal.process.send_signal(signal.SIGTERM)
    elif how == "q":
        terminal.press(b"q")
    else:
        terminal.process.send_signal(signal.SIGINT)


def test_a_database_that_goes_away_and_comes_back(waiting: Ccm, database_url: str) -> None:
    name = database_url.rpartition("/")[2].partition("?")[0]
    admin = re.sub(rf"/{name}(?=$|\?)", "/postgres", database_url)
    with on_terminal(waiting, "wallboard", "--interval", "0.2") as terminal:
        terminal.read_until("support")
        sql(admin, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        sql(
            admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        terminal.read_until("NOT CURRENT since")
        away = len(terminal.text)
        sql(admin, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        terminal.read_until(r"NOT CURRENT.*Wallboard(?:(?!NOT CURRENT).)*support(?:(?!NOT).)*FOR")
        assert len(terminal.text) > away
        terminal.press(b"q")
        assert terminal.wait() == 0
