"""``ccm status``: who leads, who is there, what is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
from ccm_day import Ccm

from ccmiddleware.store.leadership import Leadership

TIMEOUT = 30


@asynccontextmanager
async def leading(url: str, facts: int = 0) -> AsyncIterator[None]:
    """A daemon that leads pbx1, as far as the database sees."""
    lead = Leadership(url, ["pbx1"], uuid4(), lambda: (facts, 100 * facts))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(lead.run(), name="leadership")
        async with asyncio.timeout(TIMEOUT):
            assert await lead.won("pbx1") == 1
        yield
        task.cancel()
        await asyncio.wait([task])
        await lead.close()


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url, timeout=TIMEOUT)
    try:
        await connection.execute(sql)
    finally:
        await connection.close(timeout=TIMEOUT)


def status(ccm: Ccm, url: str, sql: str, code: int, **more: int) -> tuple[Any, str, str]:
    """The answer as JSON, as a table, and the words beside it, while somebody leads."""

    async def ask() -> tuple[Any, str, str]:
        async with leading(url, **more):
            await execute(url, sql)
            told = await asyncio.to_thread(ccm.process, "status", "--json")
            drawn = await asyncio.to_thread(ccm.process, "status")
            assert (told.returncode, drawn.returncode) == (code, code), told.stderr
            return json.loads(told.stdout), drawn.stdout, drawn.stderr

    return asyncio.run(ask())


UP = "UPDATE ccm.node SET link = 'up', link_since = now()"


def test_all_is_well(on_database: Ccm, database_url: str) -> None:
    told, drawn, said = status(on_database, database_url, UP, 0)
    (node,), (daemon,) = told["nodes"], told["daemons"]
    assert (node["node"], node["term"], node["link"], node["led"]) == ("pbx1", 1, "up", True)
    assert node["leader"] == daemon["daemon"]
    assert (daemon["state"], daemon["leads"], daemon["journal_facts"]) == ("alive", ["pbx1"], 0)
    assert told["wrong"] == []
    assert said == ""
    assert "alive" in drawn
    assert daemon["daemon"] in drawn


def test_a_link_that_is_down_is_said(on_database: Ccm, database_url: str) -> None:
    sql = "UPDATE ccm.node SET link = 'down', link_reason = 'refused'"
    told, _, said = status(on_database, database_url, sql, 1)
    assert told["wrong"] == ["node pbx1: the link to Asterisk is not up: refused"]
    assert told["wrong"][0] in said


def test_a_node_that_this_configuration_does_not_have_is_not_judged(
    on_database: Ccm, database_url: str
) -> None:
    asyncio.run(execute(database_url, "INSERT INTO ccm.node (name) VALUES ('elsewhere')"))
    told, _, _ = status(on_database, database_url, UP, 0)
    assert {row["node"]: row["leader"] for row in told["nodes"]}["elsewhere"] == "nobody"


def test_a_leader_that_is_gone_and_took_facts_along(on_database: Ccm, database_url: str) -> None:
    status(on_database, database_url, UP, 0, facts=3)
    asyncio.run(
        execute(
            database_url,
            "UPDATE ccm.daemon SET stopped_at = NULL, journal_facts = 3, "
            "seen_at = now() - interval '3 days'",
        )
    )
    ran = on_database.run("status", "--json", code=1)
    told = json.loads(ran.stdout)
    assert told["nodes"][0]["leader"] == "nobody"
    assert told["wrong"] == ["node pbx1: no daemon leads it, so nobody sees its calls"]
    assert [(row["state"], row["leads"]) for row in told["daemons"]] == [("gone", [])]
    assert "is gone and has 3 facts in its journal; start it again" in ran.stderr


def test_before_any_daemon_ever_ran(on_database: Ccm) -> None:
    ran = on_database.run("status", code=1)
    assert "nobody" in ran.stdout
    assert "no daemon was seen since yesterday" in ran.stderr
    assert json.loads(on_database.run("status", "--json", code=1).stdout)["daemons"] == []
