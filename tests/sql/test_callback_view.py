"""Callbacks in the database: each asked for counts once, whatever witness tells of it first."""

import json

import asyncpg
import pytest
from pasted_facts import call_id, given

from ccmiddleware.store.database import queries

DAY = "2026-11-27"
WAITED = """
queue
support

call | started  | ended    | outcome
a    | 09:00:00 | 09:01:00 | left_by_key
b    | 09:02:00 | 09:10:00 | answered
c    | 09:03:00 | 09:05:00 | answered

visit | queue   | joined   | answered | left     | outcome     | position
a     | support | 09:00:10 |          | 09:00:50 | left_by_key | 3
b     | support | 09:02:10 | 09:08:00 | 09:08:00 | answered    | 1
c     | support | 09:03:00 | 09:03:05 | 09:03:05 | answered    | 1
"""
NUMBER = "12025550301"


async def uniqueid(db: asyncpg.Connection, label: str) -> str:
    found: str = await db.fetchval(
        "SELECT uniqueid FROM ccm.interaction WHERE id = $1", call_id(label)
    )
    return found


async def event(db: asyncpg.Connection, call: str, at: str, number: str = NUMBER) -> None:
    """The fact that the daemon makes of the event."""
    fact = {
        "node": "pbx", "call": call, "queue": "support", "number": number, "priority": 0,
        "at": f"{DAY}T{at}Z",
    }  # fmt: skip
    await db.execute(queries()["apply_callback_asked"].sql, json.dumps([fact]))


async def row(
    db: asyncpg.Connection, call: str, at: str, *data: str, event: str = "CCMCALLBACK"
) -> None:
    """The row that the dialplan writes into queue_log."""
    await db.execute(
        "INSERT INTO ccm.queue_log_row"
        " (node_id, at, key, sequence, call, queue, agent, event, data)"
        " SELECT id, $3::text::timestamptz, gen_random_uuid(), 1, $1, 'support', 'NONE',"
        " $4, $2::text[] FROM ccm.node",
        call,
        list(data),
        f"{DAY} {at}Z",
        event,
    )


async def asked(db: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await db.fetch(
        "SELECT number, state, joined_at::time::text, position FROM ccm.callback ORDER BY asked_at"
    )
    return [tuple(row) for row in rows]


WANTED = [(NUMBER, "waiting", "09:00:10", 3)]


@pytest.mark.parametrize("first", ["event", "row"])
async def test_asking_counts_once_and_keeps_the_place(db: asyncpg.Connection, first: str) -> None:
    await given(db, WAITED)
    await db.execute("UPDATE ccm.queue_visit SET position = 3 WHERE outcome = 'left_by_key'")
    call = await uniqueid(db, "a")
    for way in ("event", "row") if first == "event" else ("row", "event"):
        if way == "event":
            await event(db, call, "09:00:52")
        else:
            await row(db, call, "09:00:51", NUMBER, "0")
    assert await asked(db) == WANTED


async def test_the_place_is_known_from_queue_log_alone(db: asyncpg.Connection) -> None:
    await given(db, WAITED)
    await row(db, "1795770000.99", "08:30:00", "", NUMBER, "4", event="ENTERQUEUE")
    await row(db, "1795770000.99", "08:31:00", NUMBER, "0")
    assert await asked(db) == [(NUMBER, "waiting", "08:30:00", 4)]


async def test_who_asks_again_keeps_the_first_place(db: asyncpg.Connection) -> None:
    await given(db, WAITED)
    await event(db, await uniqueid(db, "a"), "09:00:51")
    await event(db, await uniqueid(db, "b"), "09:02:20")
    await event(db, "x.1", "09:02:30", "12025550302")
    states = await db.fetch("SELECT state FROM ccm.callback ORDER BY asked_at")
    assert [one["state"] for one in states] == ["waiting", "merged", "waiting"]
    # Told again by the other witness, when the first one is done: it is still the same asking.
    await db.execute(
        "UPDATE ccm.callback SET state = 'done', done_at = now() WHERE state = 'waiting'"
    )
    await row(db, await uniqueid(db, "b"), "09:02:20", NUMBER, "0")
    assert await db.fetchval("SELECT count(*) FROM ccm.callback") == 3


@pytest.mark.parametrize("number", ["", "12", "1" * 19, "12a", "+", "1;2"])
async def test_what_is_no_number_is_no_callback(db: asyncpg.Connection, number: str) -> None:
    await given(db, WAITED)
    await event(db, "x.1", "09:00:51", number)
    await row(db, "x.2", "09:00:51", number, "0")
    await row(db, "x.3", "09:00:51")
    assert await asked(db) == []


async def place(db: asyncpg.Connection, attempt: str, *steps: tuple[str, str]) -> None:
    """An attempt of the only callback, and what was told of it, by row."""
    await db.execute(
        "INSERT INTO ccm.callback_attempt (attempt, callback_id, ordinal, term, placed_at,"
        " valid_until, place) SELECT $1, id, 1, 1, asked_at, asked_at, 1 FROM ccm.callback",
        attempt,
    )
    await db.execute("UPDATE ccm.callback SET state = 'queued'")
    for step, at in steps:
        await row(db, f"{attempt};2", at, step, event="CCMCALLBACKSTEP")


async def shown(db: asyncpg.Connection) -> dict[str, object]:
    (found,) = await db.fetch("SELECT * FROM report.callback")
    return dict(found)


async def test_the_report_tells_how_it_was_kept(db: asyncpg.Connection) -> None:
    await given(db, WAITED)
    await event(db, await uniqueid(db, "a"), "09:00:51")
    before = await shown(db)
    assert (before["state"], before["kept_on_time"]) == ("waiting", None)
    assert before["asking_interaction_id"] == call_id("a")
    attempt = "ccmcb-00000000000000000000000000000abc-1795770000.1"
    await place(db, attempt, ("placed", "09:00:53"))
    assert (await shown(db))["state"] == "queued"
    await row(db, f"{attempt};2", "09:04:00", "dial", event="CCMCALLBACKSTEP")
    assert (await shown(db))["state"] == "calling"
    await row(db, f"{attempt};2", "09:04:10", "answered", event="CCMCALLBACKSTEP")
    talking = await shown(db)
    assert talking["state"] == "talking"
    assert talking["wait_seconds"] == 240
    # c joined later and was answered before; b was answered after the customer was called.
    assert (talking["overtaken"], talking["kept_on_time"]) == (1, False)


async def test_steps_count_once_and_only_those_of_attempts(db: asyncpg.Connection) -> None:
    await given(db, WAITED)
    attempt = "ccmcb-00000000000000000000000000000abc-1795770000.1"
    fact = {"node": "pbx", "attempt": attempt, "step": "dial", "at": f"{DAY}T09:00:00.5Z"}
    await db.execute(queries()["apply_callback_step"].sql, json.dumps([fact, fact]))
    await row(db, f"{attempt};2", "09:00:00", "dial", event="CCMCALLBACKSTEP")
    await row(db, "1795770000.1", "09:00:00", "dial", event="CCMCALLBACKSTEP")
    await row(db, f"{attempt};2", "09:00:00", "x y", event="CCMCALLBACKSTEP")
    steps = await db.fetch("SELECT attempt, step FROM ccm.callback_step")
    assert [tuple(one) for one in steps] == [(attempt, "dial")]


async def test_callbacks_are_no_callers_in_the_report_of_queues(db: asyncpg.Connection) -> None:
    await given(db, WAITED)
    sql = "SELECT sum(offered), sum(abandoned), sum(answered) FROM report.queue_interval"
    assert tuple(await db.fetchrow(sql)) == (3, 0, 2)
    await db.execute("UPDATE ccm.interaction SET channel = 'callback' WHERE id = $1", call_id("c"))
    assert tuple(await db.fetchrow(sql)) == (2, 0, 1)
