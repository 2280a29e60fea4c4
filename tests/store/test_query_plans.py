"""Guards: the queries that run all the time use the indexes of the partitioned tables."""

import re
from uuid import UUID, uuid4

from store_facts import (
    NODE,
    at,
    call,
    callback,
    disposition,
    people,
    queue_log,
    store,
    supervision,
    turned_away,
)

from ccmiddleware import facts
from ccmiddleware.store import batch
from ccmiddleware.store.batch import KINDS
from ccmiddleware.store.database import Database, queries
from ccmiddleware.store.journal import Journal

GROWING = (
    "interaction|interaction_event|queue_visit|offer|segment|recording|agent_state|queue_log_row"
)


async def plan(database: Database, name: str, *arguments: object) -> str:
    async with database.transaction() as transaction:
        # The tables of a test are so small that reading all of it would always be cheapest.
        await transaction.rows("SET LOCAL enable_seqscan = off")
        await transaction.rows("SET LOCAL plan_cache_mode = force_custom_plan")
        found = await transaction.rows(
            f"EXPLAIN (COSTS OFF) {queries()[name].sql}",
            *arguments,
        )
    return "\n".join(row[0] for row in found)


async def test_the_snapshot_reads_no_table_from_end_to_end(database: Database, journal: Journal):
    await store(database, journal, [*people(), *call(1), *call(2)[:-4]])
    text = await plan(database, "open_facts", NODE)
    scans = re.findall(rf"Seq Scan on (?:{GROWING})\w*", text)
    assert scans == [], text
    for index in ("interaction_open", "recording_unfinished", "agent_state_open"):
        partitions = index.replace("_open", "").replace("_unfinished", "")
        scan = rf"Scan (?:Backward )?using {partitions}_\d{{4}}_\d\d_\w+|{index}"
        assert re.search(scan, text), text


async def test_looking_for_what_was_left_open_reads_only_what_is_open(
    database: Database, journal: Journal
):
    await store(database, journal, [*people(), *call(1), *call(2)[:-4]])
    for name in ("close_left_open", "close_rows_left_open", "recordings_left_open"):
        text = await plan(database, name, NODE, 1_000_000_000)
        assert re.findall(rf"Seq Scan on (?:{GROWING})\w*", text) == [], text
    text = await plan(database, "late_recordings", NODE)
    assert re.findall(rf"Seq Scan on (?:late_fact|{GROWING})\w*", text) == [], text
    assert "late_fact_recording" in text
    text = await plan(database, "close_rows_left_open", NODE, 1_000_000_000)
    for index in ("queue_visit_waiting", "offer_open", "segment_open", "supervision_open"):
        table = index.rpartition("_")[0]
        assert re.search(rf"Scan using {table}_\d{{4}}_\d\d_\w+|{index}", text), text


async def test_applying_reads_only_the_names(database: Database, journal: Journal):
    await store(database, journal, [*people(), *call(1)])
    planned = batch.plan(
        [
            facts.encode(fact)
            for fact in [
                *people(),
                *call(3),
                *queue_log(),
                disposition(),
                turned_away(),
                *supervision(3),
                *callback(),
            ]
        ]
    )
    for tag, kind in KINDS.items():
        text = await plan(database, kind.query, batch.array(planned.lines[tag]))
        assert re.findall(r"Seq Scan on \w+", text) == [], text
        if tag != b"callback_asked":  # there a function inserts
            assert "Conflict Arbiter Indexes" in text


async def test_a_plan_does_not_change_anything(database: Database):
    await plan(database, "set_link", f"node {uuid4()}", "up", at(0), "", "")
    assert await database.rows("SELECT FROM ccm.node") == []


async def test_completing_reads_the_rows_of_a_call(database: Database, journal: Journal):
    await store(database, journal, [*people(), *call(1), *queue_log()])
    key, begin = uuid4(), at(0)
    for name, arguments in {
        "queue_log_ended_calls": (NODE, 0, ["ABANDON"], 100),
        "queue_log_rows_of_calls": (NODE, ["1795770000.1"]),
        "queue_log_death_after": (NODE, 0),
        "queue_log_stored_call": (NODE, "1795770000.1", key, "sales", begin),
    }.items():
        text = await plan(database, name, *arguments)
        assert re.findall(rf"Seq Scan on (?:{GROWING})\w*", text) == [], f"{name}:\n{text}"


async def test_looking_after_recordings_reads_only_what_there_is_to_do(
    database: Database, journal: Journal
):
    await store(database, journal, [*people(), *call(1)])
    nowhere = UUID(int=0)
    for name, arguments, index in (
        ("unsettled_recordings", (NODE, nowhere, -1, 100), "unsettled"),
        ("unsettled_recording_count", (NODE,), "unsettled"),
        ("list_recordings_of", ([NODE], [nowhere]), "pkey"),
    ):
        text = await plan(database, name, *arguments)
        assert re.findall(rf"Seq Scan on (?:{GROWING})\w*", text) == [], f"{name}:\n{text}"
        assert re.search(rf"recording_\w*{index}|recording_\d{{4}}_\d\d_\w+_idx", text), text
