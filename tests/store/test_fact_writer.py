"""Facts through journal and writer into a real Postgres: order, repetition, refusal."""

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_facts import (
    NODE,
    at,
    call,
    callback,
    contents,
    disposition,
    people,
    queue_log,
    store,
    supervision,
    turned_away,
    until,
    writing,
)

from ccmiddleware import facts
from ccmiddleware.config import JournalSettings
from ccmiddleware.facts import AnyFact
from ccmiddleware.store import batch
from ccmiddleware.store.batch import KINDS
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal, JournalFull
from ccmiddleware.store.migrations import migrate
from ccmiddleware.store.writer import FactWriter

EVERYTHING = [
    *people(),
    *call(1),
    *call(2, "support", "PJSIP/1002"),
    *queue_log(),
    disposition(),
    turned_away(),
    *supervision(1),
    *callback(),
]


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
        "supervision": 1,
        "recording": 2,
        "interaction_event": 8,
        "agent_state": 2,
        "callback": 1,
        "callback_step": 1,
        "disposition": 1,
        "queue_turned_away": 1,
        "queue_log_row": 2,
        "queue_log_position": 1,
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
            "ccm.agent_state, ccm.queue_log_row, ccm.queue_log_position, ccm.link_interval, "
            "ccm.leadership, ccm.late_fact, ccm.rejected_fact CASCADE"
        )


async def test_an_older_version_never_replaces_a_newer_one(database: Database, journal: Journal):
    told = call(1)
    await store(database, journal, told)
    before = await contents(database)
    await store(database, journal, [fact for fact in reversed(told) if _version(fact) < 3])
    assert await contents(database) == before


def _version(fact: AnyFact) -> int:
    return getattr(fact, "version", 0)


def interaction(number: int, **more: object) -> facts.Interaction:
    first = call(number)[0]
    assert isinstance(first, facts.Interaction)
    return msgspec.structs.replace(first, **more)


async def test_facts_that_are_refused_are_singled_out(database: Database, journal: Journal):
    good: list[AnyFact] = [fact for number in range(40) for fact in call(number)]
    bad: list[AnyFact] = [
        interaction(101, state="ended", ended_at=at(-9999), outcome="answered"),
        interaction(102, caller_name="a\x00b"),
        interaction(103, caller_name="half \ud83d of a pair"),
        interaction(104, linkedid="x" * 20, state="ended"),
        facts.Offer(
            interaction_id=uuid4(),
            ordinal=2**40,
            version=1,
            visit=1,
            node=NODE,
            interface="PJSIP/1",
            member_name="",
            offered_at=at(0),
        ),
        facts.QueueVisit(
            interaction_id=uuid4(),
            ordinal=1,
            version=1,
            node=NODE,
            queue="",
            position=1,
            joined_at=at(0),
        ),
    ]
    told = list(good)
    for number, fact in enumerate(bad):
        told.insert(17 + 90 * number, fact)
    async with writing(database, journal) as writer:
        writer.write(told)
        journal.append([b'{"t":"riddle","n":1}', b"no JSON at all"])
        assert await writer.drained(60)
    assert writer.counts.rejected == len(bad) + 2
    assert writer.counts.applied == len(good)
    rows = await contents(database)
    assert len(rows["interaction"]) == 40
    assert len(rows["interaction_event"]) == 160
    refused = {row["sqlstate"] for row in rows["rejected_fact"]}
    assert refused == {"23514", "22P05", "22003", "23502", "CCM01"}
    assert len(rows["rejected_fact"]) == len(bad) + 2
    kept = [row["fact"] for row in rows["rejected_fact"]]
    assert sum(isinstance(fact, str) for fact in kept) == 3
    assert any(isinstance(fact, str) and "\\u0000" in fact for fact in kept)
    assert writer.trouble is None
    assert journal.backlog_facts == 0


async def test_a_refused_newer_version_leaves_the_older_one(database: Database, journal: Journal):
    told = [interaction(1), interaction(1, version=2, state="ended")]
    writer = await store(database, journal, told)
    rows = await contents(database)
    assert [row["version"] for row in rows["interaction"]] == [1]
    assert (writer.counts.applied, writer.counts.rejected) == (1, 1)


async def test_a_refused_fact_is_put_aside_only_once(database: Database, journal: Journal):
    told = [interaction(1, state="ended")]
    await store(database, journal, told)
    await store(database, journal, told)
    assert len((await contents(database))["rejected_fact"]) == 1


async def test_a_missing_schema_is_waited_for_and_nothing_is_rejected(
    empty_database_url: str, journal: Journal
):
    async with (
        Database(empty_database_url) as database,
        writing(database, journal) as writer,
    ):
        writer.write(EVERYTHING)
        await until(lambda: writer.trouble is not None)
        assert "ccm db status" in str(writer.trouble)
        assert writer.backlog == len(EVERYTHING)
        await migrate(empty_database_url)
        assert await writer.drained(30)
        assert (writer.counts.rejected, writer.trouble) == (0, None)
        assert len((await contents(database))["interaction"]) == 2


async def test_stopping_leaves_facts_in_the_journal(database: Database, journal: Journal):
    async with writing(database, journal) as writer:
        await writer.stop()
        writer.write(EVERYTHING)
        assert not await writer.drained(0.2)
    assert journal.backlog_facts == len(EVERYTHING)
    async with writing(database, journal) as writer:
        assert await writer.drained(30)
    assert len((await contents(database))["interaction"]) == 2


async def test_a_full_journal_refuses_and_counts(database: Database, tmp_path: Path):
    journal = Journal(tmp_path / "small", JournalSettings(max_bytes=1024**2))
    journal.open()
    writer = FactWriter(database, journal)
    big = [interaction(1, caller_name="x" * 200_000)]
    for _ in range(5):
        writer.write(big)
    with pytest.raises(JournalFull):
        writer.write(big)
    assert (writer.counts.written, writer.counts.refused) == (5, 1)
    journal.close()


async def test_names_come_from_agent_facts_or_else_from_offers(
    database: Database, journal: Journal
):
    offer = call(1)[3]
    assert isinstance(offer, facts.Offer)

    def named(name: str) -> facts.Offer:
        return msgspec.structs.replace(offer, interaction_id=uuid4(), member_name=name)

    async def name() -> object:
        return (await database.rows("SELECT name FROM ccm.agent"))[0]["name"]

    await store(database, journal, [named("")])
    assert await name() == "PJSIP/1001"
    await store(database, journal, [named("Ada")])
    assert await name() == "Ada"
    told = facts.Agent(node=NODE, interface="PJSIP/1001", name="Aardvark", seen_at=at(0))
    await store(database, journal, [told])
    assert await name() == "Aardvark"
    await store(database, journal, [named("Zoë")])
    assert await name() == "Aardvark"


def test_a_batch_sends_only_the_newest_version_of_a_row():
    told = [facts.encode(fact) for fact in call(1)]
    planned = batch.plan([*told, *reversed(told)])
    assert {tag: len(lines) for tag, lines in planned.lines.items()} == {
        b"interaction": 1,
        b"queue_visit": 1,
        b"offer": 1,
        b"segment": 1,
        b"recording": 1,
        b"event": 8,
    }
    assert list(planned.lines) == [tag for tag in KINDS if tag in planned.lines]
    newest = facts.decode(planned.lines[b"interaction"][0])
    assert isinstance(newest, facts.Interaction)
    assert newest.version == 3
