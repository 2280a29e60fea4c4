"""`ccm agent login|logout|pause|unpause`: who is meant, what would be sent, and what came of it.

The daemon's part is played in SQL; tests/agents and tests/lab have the real one.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from ccm_day import Ccm

from ccmiddleware.cli import commanding


async def run_sql(url: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        return await connection.fetch(sql, *arguments, timeout=30)
    finally:
        await connection.close(timeout=30)


def sql(url: str, text: str, *arguments: Any) -> list[asyncpg.Record]:
    return asyncio.run(run_sql(url, text, *arguments))


@contextmanager
def played(url: str, state: str, result: str) -> Iterator[None]:
    """Somebody who takes the next command and says that this came of it."""
    end = (
        "UPDATE ccm.command SET state = $1, result = $2, term = 1, taken_at = now(),"
        " done_at = now() WHERE state = 'waiting' RETURNING id"
    )

    async def play() -> None:
        async with asyncio.timeout(30):
            while not await run_sql(url, end, state, result):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(play()))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def planned(ccm: Ccm, *arguments: str) -> list[dict[str, str]]:
    told = json.loads(ccm.run("agent", *arguments, "--dry-run", "--json").stdout)
    assert (told["node"], told["dry_run"]) == ("pbx1", True)
    actions: list[dict[str, str]] = told["actions"]
    return actions


@pytest.mark.parametrize(
    "agent", ["Jörg Müller", "jörg müller", "PJSIP/1002", "pjsip/1002", "1002"]
)
def test_an_agent_is_known_by_name_and_interface(filled: Ccm, agent: str) -> None:
    assert planned(filled, "pause", agent, "--reason", "lunch") == [
        {
            "Action": "QueuePause",
            "Interface": "PJSIP/1002",
            "Paused": "true",
            "Reason": "lunch",
        }
    ]


def test_an_unknown_agent_is_told_with_those_that_are_like_it(filled: Ccm) -> None:
    result = filled.run("agent", "pause", "müller", code=1)
    assert "no agent 'müller'; did you mean Jörg Müller (PJSIP/1002 on pbx1)" in result.stderr
    result = filled.run("agent", "pause", "zzz", code=1)
    assert "there are Alice Arnold (PJSIP/1001 on pbx1), Jörg Müller" in result.stderr


def test_an_ambiguous_name_lists_who_may_be_meant(filled: Ccm, database_url: str) -> None:
    sql(database_url, "UPDATE ccm.agent SET name = 'Alice Arnold'")
    result = filled.run("agent", "pause", "Alice Arnold", code=1)
    assert "PJSIP/1001 on pbx1" in result.stderr
    assert "PJSIP/1002 on pbx1" in result.stderr
    assert planned(filled, "pause", "1001")[0]["Interface"] == "PJSIP/1001"


def test_login_knows_queues_name_and_penalty_of_last_time(filled: Ccm, database_url: str) -> None:
    sql(database_url, "UPDATE ccm.queue_member SET penalty = 3, member = false")
    again = {
        "Action": "QueueAdd",
        "Queue": "support",
        "Interface": "PJSIP/1001",
        "Penalty": "3",
        "MemberName": "Alice Arnold",
    }
    assert planned(filled, "login", "1001", "--all") == [again]
    assert planned(filled, "login", "1001", "--queue", "support", "--penalty", "0") == [
        {**again, "Penalty": "0"}
    ]
    assert planned(filled, "login", "1001", "--queue", "new") == [
        {**again, "Queue": "new", "Penalty": "0"}
    ]


def test_an_agent_who_was_never_seen_is_given_as_interface(filled: Ccm) -> None:
    assert planned(filled, "login", "PJSIP/1009", "--queue", "sales", "--name", "Zoë") == [
        {
            "Action": "QueueAdd",
            "Queue": "sales",
            "Interface": "PJSIP/1009",
            "Penalty": "0",
            "MemberName": "Zoë",
        }
    ]
    assert "no agent" in filled.run("agent", "login", "Zoë", "--queue", "sales", code=1).stderr
    assert "no agent" in filled.run("agent", "pause", "PJSIP/1009", code=1).stderr


def test_logout_of_all_is_of_those_that_the_agent_is_in(filled: Ccm, database_url: str) -> None:
    assert planned(filled, "logout", "1001", "--all") == [
        {"Action": "QueueRemove", "Queue": "support", "Interface": "PJSIP/1001"}
    ]
    sql(database_url, "UPDATE ccm.queue_member SET member = false")
    assert "is in no queue" in filled.run("agent", "logout", "1001", "--all", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("login", "1001"), "--queue"),
        (("login", "1001", "--all", "--queue", "support"), "--queue"),
        (("logout", "1001"), "--queue"),
        (("pause", "1001", "--all", "--queue", "support"), "exclude"),
        (("pause", "1001", "--reason", "a\nb"), "control character"),
        (("pause", "1001", "--queue", "a\rb"), "control character"),
        (("login", "1001", "--queue", "support", "--name", "x" * 100), "longer"),
        (("login", "1001", "--queue", "support", "--penalty", "-1"), "-1"),
    ],
)
def test_wrong_use_is_told(filled: Ccm, arguments: tuple[str, ...], words: str) -> None:
    assert words in filled.run("agent", *arguments, code=2).stderr


def test_a_dry_run_leaves_nothing_behind(filled: Ccm, database_url: str) -> None:
    told = filled.run("agent", "unpause", "1002", "--dry-run")
    assert told.stdout == "Action: QueuePause\nInterface: PJSIP/1002\nPaused: false\n"
    assert "nothing was sent" in told.stderr
    assert sql(database_url, "SELECT FROM ccm.command") == []


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("refused", 1), ("unknown", 3)])
def test_the_exit_code_is_what_came_of_it(
    filled: Ccm, database_url: str, state: str, code: int
) -> None:
    with played(database_url, state, "all its queues: as Asterisk said"):
        ran = filled.run("agent", "pause", "1001", "--reason", "lunch", "--json", code=code)
    assert json.loads(ran.stdout)["state"] == state
    assert json.loads(ran.stdout)["result"] == "all its queues: as Asterisk said"
    (listed,) = json.loads(filled.run("command", "list", "--json").stdout)
    assert (listed["kind"], listed["state"], listed["node"]) == ("agent_pause", state, "pbx1")
    assert listed["issued_by"] == commanding.user()
    assert "interface=PJSIP/1001 reason=lunch" in filled.run("command", "list").stdout.replace(
        "reason=lunch interface=PJSIP/1001", "interface=PJSIP/1001 reason=lunch"
    )


def test_without_a_daemon_a_command_expires(
    filled: Ccm, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commanding, "LIVES_SECONDS", 0.3)
    ran = filled.run("agent", "pause", "1001", code=3)
    assert "expired: no daemon took it in time" in ran.stderr
    assert "ccm status" in ran.stderr
    assert [row["state"] for row in sql(database_url, "SELECT state FROM ccm.command")] == [
        "expired"
    ]


def test_no_commands_are_explained(filled: Ccm) -> None:
    ran = filled.run("command", "list")
    assert ran.stdout == ""
    assert "no command was issued" in ran.stderr
