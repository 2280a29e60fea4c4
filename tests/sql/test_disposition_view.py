"""Dispositions: to which interaction a code belongs, whatever comes first, and each counts once."""

import json

import asyncpg
from pasted_facts import Writer, call_id, given

from ccmiddleware.store.database import queries

BEGUN = """
call | started  | ended    | outcome
a    | 09:00:00 | 09:02:00 | answered
b    | 09:10:00 | 09:12:00 | answered

agent
ann
"""
TALKS = "segment | agent | answered | ended"
TALK_A = f"{TALKS}\na | ann | 09:00:10 | 09:02:00"
TALK_B = f"{TALKS}\nb | ann | 09:10:10 | 09:12:00"
CALLS = f"{BEGUN}\n{TALK_A}\n\n{TALK_B}"
DAY = "2026-11-27"


async def key_in(db: asyncpg.Connection, call: str, digits: str, at: str) -> None:
    """The fact that the daemon makes of the event."""
    fact = {
        "node": "pbx", "call": call, "interface": "PJSIP/ann", "digits": digits,
        "at": f"{DAY}T{at}Z",
    }  # fmt: skip
    await db.execute(queries()["apply_disposition"].sql, json.dumps([fact]))


async def log_row(db: asyncpg.Connection, call: str, digits: str, at: str) -> None:
    """The row that the dialplan writes into queue_log."""
    await db.execute(
        "INSERT INTO ccm.queue_log_row"
        " (node_id, at, key, sequence, call, queue, agent, event, data)"
        " SELECT id, $3::text::timestamptz, gen_random_uuid(), 1, $1, 'NONE', 'PJSIP/ann',"
        " 'CCMDISPOSITION', ARRAY[$2::text] FROM ccm.node",
        call,
        digits,
        f"{DAY} {at}Z",
    )


async def shown(db: asyncpg.Connection) -> dict[str, str | None]:
    labels = {call_id(label): label for label in "ab"}
    rows = await db.fetch("SELECT id, disposition FROM report.interaction")
    return {labels[row["id"]]: row["disposition"] for row in rows}


async def test_a_code_belongs_to_the_agents_last_talk(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    await key_in(db, "1.1", "7", "09:02:30")
    assert await shown(db) == {"a": "7", "b": None}
    await key_in(db, "1.2", "8", "09:12:30")
    assert await shown(db) == {"a": "7", "b": "8"}


async def test_a_talk_that_comes_late_takes_its_code(db: asyncpg.Connection) -> None:
    writer = Writer(db)
    await writer.write(f"{BEGUN}\n{TALK_A}")
    await key_in(db, "1.2", "8", "09:12:30")
    assert await shown(db) == {"a": "8", "b": None}
    await writer.write(TALK_B)
    assert await shown(db) == {"a": None, "b": "8"}


async def test_an_earlier_talk_does_not_take_the_code_of_a_later(db: asyncpg.Connection) -> None:
    writer = Writer(db)
    await writer.write(BEGUN)
    await key_in(db, "1.2", "8", "09:12:30")
    assert await shown(db) == {"a": None, "b": None}
    await writer.write(TALK_B)
    await writer.write(TALK_A)
    assert await shown(db) == {"a": None, "b": "8"}


async def test_a_code_of_tomorrow_belongs_to_no_talk_of_today(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    await key_in(db, "1.1", "7", "23:59:00")
    assert await shown(db) == {"a": None, "b": None}
    assert (
        await db.fetchval("SELECT count(*) FROM ccm.disposition WHERE interaction_id IS NULL") == 1
    )


async def test_event_and_queue_log_count_once(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    await key_in(db, "1.1", "7", "09:02:30.25")
    await log_row(db, "1.1", "7", "09:02:30")
    await log_row(db, "1.2", "8", "09:12:30")
    await key_in(db, "1.2", "8", "09:12:30.75")
    assert await shown(db) == {"a": "7", "b": "8"}
    assert await db.fetchval("SELECT count(*) FROM ccm.disposition") == 2


async def test_queue_log_alone_is_enough(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    await log_row(db, "1.1", "7", "09:02:30")
    await log_row(db, "1.3", "x", "09:02:31")
    assert await shown(db) == {"a": "7", "b": None}


async def test_digits_become_the_code_that_has_them(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    add, remove = queries()["add_disposition_code"].sql, queries()["remove_disposition_code"].sql
    await db.execute(add, "old", "", "7", False)
    await db.execute(remove, "old")
    await db.execute(add, "sold", "Sold something", "7", False)
    await key_in(db, "1.1", "7", "09:02:30")
    await key_in(db, "1.2", "9", "09:12:30")
    assert await shown(db) == {"a": "sold", "b": "9"}


async def test_the_last_one_holds_and_all_are_kept(db: asyncpg.Connection) -> None:
    await given(db, CALLS)
    await key_in(db, "1.1", "7", "09:02:30")
    dispose = queries()["dispose"].sql
    row = await db.fetchrow(dispose, call_id("a"), "sold", "two boxes", "root", None)
    assert row is not None
    assert (row["segment"], row["code"]) == (1, "sold")
    assert await db.fetchrow(dispose, call_id("a"), "sold", "", "root", 2) is None
    assert await db.fetchrow(dispose, call_id("never"), "sold", "", "root", None) is None
    assert await shown(db) == {"a": "sold", "b": None}
    history = await db.fetch(queries()["show_dispositions"].sql, call_id("a"))
    assert [(h["code"], h["given_by"], h["agent"], h["note"]) for h in history] == [
        ("7", "PJSIP/ann", "ann", ""),
        ("sold", "root", "ann", "two boxes"),
    ]
