"""Facts through journal and writer into a real Postgres: order, repetition, refusal."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_facts import at, call, contents, people, store

from ccmiddleware import facts
from ccmiddleware.store.batch import KINDS
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal

EVERYTHING = [*people(), *call(1), *call(2, "support", "PJSIP/1002")]


async def test_every_kind_of_fact_ends_up_in_its_table(database: Database, journal: Journal):
    assert {msgspec.json.decode(facts.encode(fact))["t"].encode() for fact in EVERYTHING} == {
        *KINDS
    }
    writer = await store(database, journal, EVERYTHING)
    rows = await contents(database)
    assert writer.counts.applied == len(EVERYTHING)
    assert rows.pop("rejected_fact") == []
    assert {table: len(found) for table, found in rows.items()} == {
        "node": 1,
        "queue": 2,
        "agent": 2,
        "queue_member": 1,
        "interaction": 2,
        "queue_visit": 2,
        "offer": 2,
        "segment": 2,
        "recording": 2,
        "interaction_event": 8,
        "agent_state": 2,
    }
    first = next(row for row in rows["interaction"] if row["caller_num"] == "+49300000001")
    assert first["caller_name"] == "Ærøskøbing 🙂"
    assert (first["version"], first["state"], first["ended_at"]) == (3, "ended", at(19))
    assert [(row["name"], row["service_level_seconds"]) for row in rows["queue"]] == [
        ("sales", 30),
        ("support", 20),
    ]
    assert {row["interface"]: row["name"] for row in rows["agent"]} == {
        "PJSIP/1001": "Ada L.",
        "PJSIP/1002": "Ada",
    }
    assert rows["queue_member"][0]["pause_reason"] == "lunch"
    assert {row["state"]: row["ended_at"] for row in rows["agent_state"]} == {
        "idle": at(50),
        "paused": None,
    }
    assert rows["interaction_event"][0]["data"]


@pytest.fixture
async def told_in_order(database: Database, journal: Journal) -> dict[str, list[dict[str, object]]]:
    await store(database, journal, EVERYTHING)
    return await contents(database)


@given(data=st.data())
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_order_and_repetition_comes_to_the_same(
    database: Database, journal: Journal, told_in_order: dict[str, list[dict[str, object]]], data
):
    again = data.draw(st.lists(st.sampled_from(EVERYTHING), max_size=40))
    told = data.draw(st.permutations([*EVERYTHING, *again]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=4)))
    await empty(database)
    for begin, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
        await store(database, journal, told[begin:end])
    assert await contents(database) == told_in_order


async def empty(database: Database) -> None:
    """Empty all tables, as the owner: the daemon's role may not."""
    owner = Database(database._url, role=None)
    async with owner:
        await owner.rows(
            "TRUNCATE ccm.node, ccm.queue, ccm.agent, ccm.queue_member, ccm.interaction, "
            "ccm.interaction_event, ccm.queue_visit, ccm.offer, ccm.segment, ccm.recording, "
            "ccm.agent_state, ccm.rejected_fact"
        )
