"""`ccm email list|take|requeue|transfer|close|note` on a real database."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ccm_day import Ccm
from click.testing import CliRunner
from test_cli_email import MAILBOX, take

from ccmiddleware.cli.main import cli
from ccmiddleware.store.database import Database

AGENTS = (
    "INSERT INTO ccm.agent (node_id, interface, name, email)"
    " SELECT n.id, a.interface, a.name, a.email FROM ccm.node AS n,"
    " (VALUES ('PJSIP/1001', 'Alice Arnold', 'alice@shop.example'), ('PJSIP/1002', 'Jörg Müller',"
    " NULL), ('PJSIP/1003', 'Zoe', 'zoe@shop.example')) AS a (interface, name, email)"
)
QUEUES = "INSERT INTO ccm.queue (node_id, name) SELECT id, 'sales' FROM ccm.node"


@pytest.fixture
def work(on_database: Ccm, database_url: str) -> Ccm:
    """One matter of two mails, number 1, in support; agents; another queue."""

    async def fill() -> None:
        await take(database_url, on_database)
        async with Database(database_url) as database:
            await database.rows(AGENTS)
            await database.rows(QUEUES)

    on_database.write(on_database.config.read_text() + MAILBOX)
    asyncio.run(fill())
    return on_database


@pytest.fixture
def ask(database_url: str) -> Callable[..., list[dict[str, Any]]]:
    """Rows of a query."""

    async def rows(sql: str, *arguments: Any) -> list[dict[str, Any]]:
        async with Database(database_url) as database:
            return [dict(row) for row in await database.rows(sql, *arguments)]

    return lambda sql, *arguments: asyncio.run(rows(sql, *arguments))


Ask = Callable[..., list[dict[str, Any]]]


def answer(ccm: Ccm, *arguments: str) -> Any:
    return json.loads(ccm.run("email", *arguments, "--json").stdout)


def state(ask: Ask) -> tuple[Any, ...]:
    (row,) = ask(
        "SELECT w.state AS item, c.state AS matter, q.name, a.name AS agent FROM ccm.work_item AS w"
        " JOIN ccm.conversation AS c ON c.id = w.conversation_id"
        " JOIN ccm.queue AS q ON q.id = w.queue_id AND q.id = c.queue_id"
        " LEFT JOIN ccm.agent AS a ON a.id = w.agent_id AND w.state = 'working'"
    )
    return tuple(row.values())


def history(ask: Ask) -> list[tuple[str, dict[str, Any]]]:
    rows = ask(
        "SELECT e.kind, e.data FROM ccm.interaction_event AS e JOIN ccm.work_item AS w"
        " ON w.id = e.interaction_id ORDER BY e.at, e.key"
    )
    return [(row["kind"], row["data"]) for row in rows]


def by(ask: Ask, kind: str) -> str:
    from ccmiddleware.cli.commanding import user

    told = [data["by"] for each, data in history(ask) if each == kind]
    assert told == [user()] * len(told)
    return f"{len(told)} times"


def test_nothing_yet_is_explained(on_database: Ccm) -> None:
    assert "no email waits or is worked on" in on_database.run("email", "list").stderr
    said = on_database.run("email", "list", "--state", "all").stderr
    assert "no email came to an agent's queue yet" in said
    for arguments in (
        ("take", "1", "--agent", "x"), ("requeue", "1"), ("transfer", "1", "x"), ("close", "1"),
        ("note", "1", "x"),
    ):  # fmt: skip
        said = on_database.run("email", *arguments, code=1).stderr
        assert "there is no email '1' that waits, or did" in said


def test_what_waits_is_listed(work: Ccm) -> None:
    (row,) = answer(work, "list")
    assert (row["number"], row["state"], row["queue"], row["agent"], row["priority"]) == (
        1, "waiting", "support", None, 0,
    )  # fmt: skip
    assert (row["emails"], row["from_address"], row["subject"]) == (2, "ann@x.example", "Question")
    assert "Question" in work.run("email", "list", "--queue", "support").stdout
    assert answer(work, "list", "--queue", "sales") == []
    assert answer(work, "list", "--state", "working") == []
    assert answer(work, "list", "--agent", "Zoe") == []


def test_an_email_is_taken_once(work: Ccm, ask: Ask) -> None:
    done = answer(work, "take", "1", "--agent", "alice arnold")
    assert (done["state"], done["agent"], done["dry_run"]) == ("working", "Alice Arnold", False)
    assert state(ask) == ("working", "open", "support", "Alice Arnold")
    assert by(ask, "answered") == "1 times"
    said = work.run("email", "take", "1", "--agent", "Zoe", code=1).stderr
    assert "email 1 is Alice Arnold's since" in said
    assert state(ask) == ("working", "open", "support", "Alice Arnold")
    assert [row["number"] for row in answer(work, "list", "--agent", "1001")] == [1]
    assert "Alice Arnold works on it" in work.run("email", "show", "1").stdout


def test_who_may_have_no_more_is_given_more_only_by_force(work: Ccm, ask: Ask) -> None:
    work.run("agent", "email", "Zoe", "--capacity", "0")
    said = work.run("email", "take", "1", "--agent", "Zoe", code=1).stderr
    assert "Zoe has 0 of 0 emails already; --force" in said
    said = work.run("email", "take", "1", "--agent", "1002", code=1).stderr
    assert "Jörg Müller has no address to send it to: ccm agent email 'Jörg Müller'" in said
    assert (
        "there is no agent 'Bob'" in work.run("email", "take", "1", "--agent", "Bob", code=1).stderr
    )
    assert state(ask)[0] == "waiting"
    assert "Zoe has it now" in work.run("email", "take", "1", "--agent", "Zoe", "--force").stderr
    assert state(ask)[3] == "Zoe"


def test_an_email_is_given_back_at_once_or_later(work: Ccm, ask: Ask) -> None:
    assert "waits in support already" in work.run("email", "requeue", "1", code=1).stderr
    work.run("email", "take", "1", "--agent", "Zoe")
    said = work.run("email", "requeue", "1", "--dry-run").stderr
    assert "nothing was changed; this would be: email 1: it waits in support; Zoe had it" in said
    assert state(ask) == ("working", "open", "support", "Zoe")
    work.run("email", "requeue", "1")
    assert state(ask) == ("waiting", "open", "support", None)
    done = answer(work, "requeue", "1", "--after", "2d")
    assert done["done"] == "it waits in support in 2d"
    assert done["asleep_until"] is not None
    assert state(ask) == ("waiting", "waiting", "support", None)
    assert by(ask, "requeued") == "2 times"
    work.run("email", "take", "1", "--agent", "Zoe")
    assert state(ask) == ("working", "open", "support", "Zoe")
    said = work.run("email", "requeue", "1", "--after", "soon", code=2).stderr
    assert "--after: 'soon' is no time; write 30m" in said


def test_an_email_that_sleeps_is_woken(work: Ccm, ask: Ask) -> None:
    work.run("email", "requeue", "1", "--after", "3d")
    work.run("email", "requeue", "1")
    assert state(ask) == ("waiting", "open", "support", None)
    assert answer(work, "list")[0]["asleep_until"] is None


def test_its_time_comes(work: Ccm, ask: Ask, database_url: str) -> None:
    work.run("email", "requeue", "1", "--after", "1m")

    async def wake() -> int:
        async with Database(database_url) as database:
            later = datetime.now(UTC).replace(year=2200)  # noqa: TID251 - after all that waits
            woken: int = await database.fetchval("wake_work", "pbx1", later)
            return woken

    assert asyncio.run(wake()) == 1
    assert state(ask) == ("waiting", "open", "support", None)


def test_an_email_goes_to_another_queue(work: Ccm, ask: Ask) -> None:
    said = work.run("email", "transfer", "1", "sale", code=1).stderr
    assert "there is no queue 'sale' on pbx1; did you mean sales?" in said
    assert "is in support already" in work.run("email", "transfer", "1", "support", code=1).stderr
    work.run("email", "transfer", "1", "sales", "--dry-run")
    assert state(ask)[2] == "support"
    work.run("email", "take", "1", "--agent", "Zoe")
    assert "it waits in sales; Zoe had it" in work.run("email", "transfer", "1", "sales").stderr
    assert state(ask) == ("waiting", "open", "sales", None)
    assert by(ask, "requeued") == "1 times"


def test_an_email_is_closed_once(work: Ccm, ask: Ask) -> None:
    work.run("email", "close", "1", "--dry-run")
    assert state(ask)[0] == "waiting"
    assert answer(work, "close", "1")["outcome"] == "closed"
    assert state(ask) == ("done", "closed", "support", None)
    assert by(ask, "ended") == "1 times"
    for arguments in (("close", "1"), ("requeue", "1"), ("take", "1", "--agent", "Zoe")):
        said = work.run("email", *arguments, code=1).stderr
        assert "nothing was changed: email 1 is done (closed)" in said
    assert answer(work, "list") == []
    assert [row["state"] for row in answer(work, "list", "--state", "done")] == ["done"]


def test_ids_do_as_well_as_numbers(work: Ccm) -> None:
    rows = answer(work, "messages")
    for row in rows:
        assert answer(work, "requeue", row["id"], "--after", "1h")["number"] == 1
    said = work.run("email", "close", "%", code=1).stderr
    assert "there is no email '%'" in said


def test_notes_are_kept_and_shown(work: Ccm, ask: Ask) -> None:
    work.run("email", "note", "1", "She \x1b[2Jcalled.")
    runner = CliRunner(env={"CCM_CONFIG": ""})
    arguments = ["--config", str(work.config), "email", "note", "#1", "-"]
    assert runner.invoke(cli, arguments, input="From a pipe,\ntwo lines\n").exit_code == 0
    shown = work.run("email", "show", "1").stdout
    assert "called." in shown
    assert "From a pipe,\ntwo lines" in shown
    assert "\x1b" not in shown
    notes = answer(work, "show", "1")["colleagues_notes"]
    assert [one["text"][:4] for one in notes] == ["She ", "From"]
    assert "the note is empty" in work.run("email", "note", "1", " \n", code=2).stderr
    assert "longer than" in work.run("email", "note", "1", "x" * 20_001, code=2).stderr
    work.run("email", "close", "1")
    work.run("email", "note", "1", "Afterwards.")
    assert len(ask("SELECT FROM ccm.conversation_note")) == 3
