"""report.queue_turned_away: each caller who was not let in, once, by whichever way it was told."""

import json

import asyncpg

from ccmiddleware.store.database import queries

DAY = "2026-11-27"


async def node(db: asyncpg.Connection) -> None:
    await db.execute("INSERT INTO ccm.node (name) VALUES ('pbx')")
    await db.execute("INSERT INTO ccm.queue (node_id, name) SELECT id, 'support' FROM ccm.node")


async def told(db: asyncpg.Connection, call: str, turn: str, why: str, at: str) -> None:
    """The fact that the daemon makes of the event."""
    fact = {
        "node": "pbx", "call": call, "turn": turn, "queue": "support", "at": f"{DAY}T{at}Z",
        "why": why, "destination": "queue:sales", "caller": "4930", "did": "7",
    }  # fmt: skip
    await db.execute(queries()["apply_turned_away"].sql, json.dumps([fact, fact]))


async def logged(
    db: asyncpg.Connection, call: str, data: list[str], at: str, queue: str = "support"
) -> None:
    """The row that the dialplan writes into queue_log."""
    await db.execute(
        "INSERT INTO ccm.queue_log_row"
        " (node_id, at, key, sequence, call, queue, agent, event, data)"
        " SELECT id, $3::text::timestamptz, gen_random_uuid(), 1, $1, $4, 'NONE',"
        " CASE ($2::text[])[2] WHEN 'closed' THEN 'CCMCLOSED' ELSE 'CCMOVERFLOW' END,"
        " $2::text[] FROM ccm.node",
        call,
        data,
        f"{DAY} {at}Z",
        queue,
    )


async def shown(db: asyncpg.Connection) -> list[tuple[str, ...]]:
    rows = await db.fetch(
        "SELECT queue, why, caller, did, destination, call FROM report.queue_turned_away"
        " ORDER BY call, at"
    )
    return [tuple(row) for row in rows]


async def test_event_and_queue_log_count_once_in_either_order(db: asyncpg.Connection) -> None:
    await node(db)
    await told(db, "1.1", "1", "closed", "09:00:00.5")
    await logged(db, "1.1", ["1", "closed", "queue:sales", "4930", "7"], "09:00:00")
    await logged(db, "1.2", ["1", "waiting", "queue:sales", "4930", "7"], "09:01:00")
    await told(db, "1.2", "1", "waiting", "09:01:00.5")
    assert await shown(db) == [
        ("support", "closed", "4930", "7", "queue:sales", "1.1"),
        ("support", "waiting", "4930", "7", "queue:sales", "1.2"),
    ]


async def test_a_call_that_comes_again_counts_again(db: asyncpg.Connection) -> None:
    await node(db)
    await told(db, "1.1", "1", "closed", "09:00:00")
    await told(db, "1.1", "3", "estimated_wait", "09:05:00")
    assert [row[1] for row in await shown(db)] == ["closed", "estimated_wait"]


async def test_queue_log_alone_is_enough_also_for_a_queue_not_seen_yet(
    db: asyncpg.Connection,
) -> None:
    await node(db)
    await logged(db, "1.1", ["1", "closed", "", "", ""], "09:00:00", "night")
    assert await shown(db) == [("night", "closed", "", "", "", "1.1")]


async def test_rows_that_are_not_whole_are_left_out(db: asyncpg.Connection) -> None:
    await node(db)
    for data in (["1", "other", "", "", ""], ["x", "closed"], ["1"], []):
        await logged(db, "1.1", data, "09:00:00")
    await logged(db, "1.2", ["1", "closed"], "09:00:00")
    assert await shown(db) == [("support", "closed", "", "", "", "1.2")]


async def test_a_day_is_found_by_its_index(db: asyncpg.Connection) -> None:
    await db.execute("SET enable_seqscan = off")
    plan = await db.fetch(
        "EXPLAIN SELECT * FROM report.queue_turned_away"
        " WHERE at >= '2026-11-27' AND at < '2026-11-28'"
    )
    assert "queue_turned_away_at" in "\n".join(row[0] for row in plan)
