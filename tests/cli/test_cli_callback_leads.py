"""`ccm callback` for leads on a real database: promised, moved, cancelled, listed with others."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ccm_day import ANSWERED, Ccm

from ccmiddleware.ids import dial_id

NUMBER = "+13052220123"


def monday() -> datetime:
    """Next week's Monday, 15:00 UTC: the morning in Florida, whatever the clocks there say."""
    day = datetime.now(UTC).date()  # noqa: TID251 - the command itself looks at the clock
    ahead = day + timedelta(days=14 - day.weekday())
    return datetime(ahead.year, ahead.month, ahead.day, 15, tzinfo=UTC)


def asked(ccm: Ccm, *arguments: str, code: int = 0) -> Any:
    return json.loads(ccm.run("callback", *arguments, "--json", code=code).stdout)


@pytest.fixture
def spring(filled: Ccm, tmp_path: Path) -> Ccm:
    file = tmp_path / "leads.csv"
    file.write_text(f"id,name,phone,phone 2,consent\n7,Ann Lee,{NUMBER},+13052220124,web form\n")
    filled.run("campaign", "create", "spring", "node=pbx1", "queue=support", "profile=us-ftc")
    filled.run("lead", "import", str(file), "--campaign", "spring", "--region", "US")
    return filled


@pytest.fixture
def running(spring: Ccm, database_url: str) -> Ccm:
    from test_cli_callback import execute

    execute(database_url, "UPDATE ccm.campaign SET state = 'running', started_at = now()")
    return spring


def test_one_is_promised_shown_moved_and_cancelled(running: Ccm) -> None:
    at = monday()
    arguments = ("add", "spring", "7", "--at", at.isoformat(), "--agent", "Alice Arnold")
    planned = running.run("callback", *arguments, "--dry-run")
    assert "nothing was written" in planned.stderr
    assert "Ann Lee is called back on +13052220123 at" in planned.stdout
    assert asked(running, "list") == []
    made = asked(running, *arguments, "--note", "the blue one", "--tolerance", "30m")
    assert datetime.fromisoformat(made["promised_at"]) == at
    assert datetime.fromisoformat(made["late_from"]) == at + timedelta(minutes=30)
    assert made["agent"] == "Alice Arnold"
    running.run("callback", "add", "support", "12025550123")
    rows = asked(running, "list")
    assert [(row["kind"], row["number"]) for row in rows] == [
        ("lead", NUMBER), ("queue", "12025550123"),
    ]  # fmt: skip
    table = running.run("callback", "list").stdout
    assert "KIND" in table
    assert "Alice Arnold" in table
    for options, kinds in (
        (("--kind", "lead"), ["lead"]),
        (("--queue", "support"), ["queue"]),
        (("--campaign", "spring", "--state", "promised"), ["lead"]),
        (("--missed",), []),
        (("--agent", "Nobody"), []),
    ):
        assert [row["kind"] for row in asked(running, "list", *options)] == kinds
    id_ = made["id"]
    shown = running.run("callback", "show", id_[:13])
    assert "the blue one" in shown.stdout
    assert "nobody was called for it yet" in shown.stderr
    assert "callback move" in running.run("callback", *arguments, code=2).stderr
    later = at + timedelta(hours=3)
    moved = asked(running, "move", id_[:13], "--at", later.isoformat(), "--anybody")
    assert (datetime.fromisoformat(moved["promised_at"]), moved["agent"]) == (later, None)
    assert "is cancelled" in running.run("callback", "cancel", id_[:13]).stderr
    (row,) = asked(running, "list", "--kind", "lead", "--until", "2099-01-01")
    assert (row["state"], row["moves"], row["note"]) == ("cancelled", 1, "the blue one")
    assert "it is cancelled" in running.run("callback", "cancel", id_, code=2).stderr


def test_a_time_may_be_given_by_the_clock_of_the_party(running: Ccm) -> None:
    day = monday().date()
    made = asked(
        running, "add", "spring", NUMBER, "--time-zone", "America/New_York", "--at", f"{day} 14:30"
    )
    assert made["there"].startswith(f"{day} 14:30 E")


def test_an_unlawful_time_is_refused_with_the_next_lawful_one(running: Ccm) -> None:
    at = monday() + timedelta(hours=12)
    said = running.run("callback", "add", "spring", "7", "--at", at.isoformat(), code=2).stderr
    assert f"The next time at which one may is {at.date()} 08:00 E" in " ".join(said.split())
    assert asked(running, "list") == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "7", "--at", "2099-01-01"), 1, "there is no campaign 'nowhere'"),
        (("spring", "8", "--at", "2099-01-01"), 1, "there is no lead '8' in spring"),
        (("spring", "7", "--at", "soon"), 2, "is no time"),
        (("spring", "7", "--at", "2026-01-01"), 2, "is over"),
        (("spring", "7", "--at", "23:00", "--tolerance", "5"), 2, "is no duration"),
        (("spring", "7", "--at", "23:00", "--number", "12"), 2, "with + and country code"),
        (("spring", "7", "--agent", "Ann"), 2, "say --at TIME"),
        (("spring", "7"), 2, "say --at TIME"),
        (("spring", "12025550123"), 1, "say --at TIME"),
    ],
)
def test_what_can_not_be_promised_is_told(
    running: Ccm, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = running.run("callback", "add", *arguments, code=code).stderr
    assert words in " ".join(said.split())
    assert asked(running, "list") == []


def test_a_draft_keeps_no_promises(spring: Ccm) -> None:
    said = spring.run("callback", "add", "spring", "7", "--at", monday().isoformat(), code=2).stderr
    assert "ccm campaign start spring" in said


def test_callbacks_of_a_queue_have_no_time_to_be_moved(running: Ccm) -> None:
    id_ = running.run("callback", "add", "support", "12025550123").stdout.strip()
    for arguments, words in (((), "say what is to change"), (("--note", "x"), "its place")):
        assert words in running.run("callback", "move", id_, *arguments, code=2).stderr


def test_the_agent_promises_it_with_the_disposition(running: Ccm, database_url: str) -> None:
    from test_cli_callback import execute

    attempt = UUID("0193c1a2-55e0-7000-8000-000000000001")
    execute(
        database_url,
        "INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node,"
        " term, mode, trunk, caller_id, claimed_at)"
        " SELECT '0193c1a2-55e0-7000-8000-000000000001', campaign_id, id, 1,"
        " '+13052220124', 2, 'pbx1', 1, 'power', 'x',"
        " '+1', now() FROM ccm.lead",
    )
    running.run("disposition", "add", "later")
    at = monday().isoformat()
    arguments = ("interaction", "dispose", str(ANSWERED), "--code", "later")
    said = running.run(*arguments, "--callback", at, code=2).stderr
    assert "for calls of campaigns" in said
    call = dial_id(attempt, 1764277200)
    execute(database_url, f"UPDATE ccm.interaction SET linkedid = '{call}'")  # noqa: S608
    assert "--callback TIME" in running.run(*arguments, "--callback-agent", "x", code=2).stderr
    answer = running.run(*arguments, "--callback", at, "--callback-agent", "PJSIP/1001", "--json")
    made = json.loads(answer.stdout)["callback"]
    assert (made["number"], made["agent"]) == ("+13052220124", "Alice Arnold")
    assert [row["id"] for row in asked(running, "list")] == [made["id"]]
