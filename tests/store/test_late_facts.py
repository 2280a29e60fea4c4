"""What the journal of an earlier leader brings when a later one leads already."""

import pytest
from msgspec.structs import replace
from store_facts import NODE, TABLES, at, call, contents, people, store, supervision

from ccmiddleware import facts
from ccmiddleware.facts import AnyFact
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.snapshot import (
    close_left_open,
    late_recordings,
    open_facts,
    recordings_left_open,
)
from ccmiddleware.store.terms import first_version, last_seen, stamped, unstamped, versioned


async def begin_term(database: Database) -> int:
    """Another daemon leads from here on; its term."""
    await database.execute("apply_nodes", [{"node": NODE}])
    await database.execute("prepare_leadership", [NODE])
    (row,) = await database.rows("UPDATE ccm.leadership SET term = term + 1 RETURNING term")
    return int(row["term"])


async def take_up(database: Database, journal: Journal) -> int:
    """Lead in a new term, telling anew what is open, as a leader does."""
    term = await begin_term(database)
    found = unstamped(await open_facts(database, NODE))
    await store(database, journal, stamped(versioned(found), term))
    return term


async def late(database: Database) -> int:
    return len(await database.rows("SELECT FROM ccm.late_fact"))


def closing(told: list[AnyFact], seconds: float) -> list[AnyFact]:
    """The later leader closes a call that it had taken up while it waited."""
    (key,) = {fact.id for fact in told if isinstance(fact, facts.Interaction)}
    interaction = next(fact for fact in told if isinstance(fact, facts.Interaction))
    visit = next(fact for fact in told if isinstance(fact, facts.QueueVisit))
    changes = {"version": 9, "inferred": True}
    event = facts.InteractionEvent(
        interaction_id=key, key="ended", kind="ended", at=at(seconds), inferred=True
    )
    return [
        replace(visit, left_at=at(seconds), outcome="lost", **changes),
        replace(interaction, state="ended", ended_at=at(seconds), outcome="lost", **changes),
        event,
    ]


@pytest.mark.parametrize("known", [2, 5, 8])
async def test_the_story_of_the_later_leader_stands(
    database: Database, journal: Journal, known: int
) -> None:
    first = await begin_term(database)
    told = stamped(call(1), first)
    await store(database, journal, [*stamped(people(), first), *told[:known]])
    second = await take_up(database, journal)
    await store(database, journal, stamped(closing(call(1), 16), second))
    before = await contents(database)
    writer = await store(database, journal, told[known:])
    after = await contents(database)
    for table in TABLES:
        if table != "interaction_event":
            assert after[table] == before[table], table
    assert writer.counts.late == await late(database) > 0
    # History is kept, each line once, whoever told it first.
    keys = [row["key"] for row in after["interaction_event"]]
    assert sorted(keys) == ["answered", "ended", "joined", "offered"]
    assert [row["inferred"] for row in after["interaction_event"] if row["key"] == "ended"] == [
        True
    ]


async def test_what_only_the_earlier_leader_saw_is_stored(
    database: Database, journal: Journal
) -> None:
    first = await begin_term(database)
    await store(database, journal, stamped([*people(), *call(1)], first))
    await take_up(database, journal)
    await store(database, journal, stamped(call(2), first))
    stored = await contents(database)
    assert [row["state"] for row in stored["interaction"]] == ["ended", "ended"]
    assert {len(stored[table]) for table in ("queue_visit", "segment", "recording")} == {2}
    assert await late(database) == 0


async def test_facts_in_time_are_not_late(database: Database, journal: Journal) -> None:
    await begin_term(database)
    term = await take_up(database, journal)
    writer = await store(database, journal, stamped([*people(), *call(1), *call(2)], term))
    assert writer.counts.late == 0
    assert await late(database) == 0
    assert len((await contents(database))["interaction"]) == 2


async def test_intervals_of_agents_do_not_overlap(database: Database, journal: Journal) -> None:
    def state(name: str, version: int, since: float, until: float | None = None) -> AnyFact:
        return facts.AgentState(
            node=NODE,
            interface="PJSIP/1001",
            started_at=at(since),
            version=version,
            state=name,  # type: ignore[arg-type]
            ended_at=None if until is None else at(until),
        )

    first = await begin_term(database)
    await store(database, journal, stamped([*people()[:5], state("idle", 1, 0)], first))
    second = await take_up(database, journal)
    await store(database, journal, stamped([state("idle", 2, 0, 30), state("busy", 1, 30)], second))
    # The earlier one had seen a call of which the later one knows nothing.
    seen = [state("idle", 2, 0, 10), state("talking", 1, 10), state("talking", 2, 10, 20)]
    await store(database, journal, stamped([*seen, state("idle", 1, 20)], first))
    rows = (await contents(database))["agent_state"]
    assert {(row["state"], row["started_at"], row["ended_at"]) for row in rows} == {
        ("idle", at(0), at(30)),
        ("busy", at(30), None),
    }
    assert await late(database) > 0


async def test_what_nobody_follows_is_closed_and_its_true_end_may_still_come(
    database: Database, journal: Journal
) -> None:
    first = await begin_term(database)
    await store(database, journal, stamped(people(), first))
    second = await take_up(database, journal)
    below = first_version(second)
    await store(database, journal, stamped(call(3)[:12], first))  # talking, being recorded
    await store(database, journal, stamped(call(4)[:4], first))  # ringing
    assert await open_facts(database, NODE) != []
    assert await close_left_open(database, NODE, below) == 2
    assert await close_left_open(database, NODE, below) == 0
    stored = await contents(database)
    assert [(row["state"], row["outcome"], row["inferred"]) for row in stored["interaction"]] == [
        ("ended", "answered", True),
        ("ended", "lost", True),
    ]
    assert [row["ended_at"] for row in stored["interaction"]] == [at(34), at(42)]
    assert [row["ended_by"] for row in stored["segment"]] == ["lost"]
    assert [row["outcome"] for row in stored["offer"]] == ["answered", "lost"]
    assert [row["outcome"] for row in stored["queue_visit"]] == ["answered", "lost"]
    (recording,) = await recordings_left_open(database, NODE, below)
    # The talk that was recorded has ended, so the recording has.
    assert (recording.state, recording.ended_at) == ("recording", at(34))
    await store(database, journal, stamped(call(3)[12:], first))
    stored = await contents(database)
    assert (stored["segment"][0]["ended_by"], stored["segment"][0]["inferred"]) == ("caller", False)
    assert [row["inferred"] for row in stored["interaction"]] == [False, True]
    assert await recordings_left_open(database, NODE, below) == []
    assert stored["rejected_fact"] == []


@pytest.mark.parametrize(("told", "state"), [(12, "recording"), (None, "finished")])
async def test_a_late_recording_is_kept_for_the_talk_that_became_known_later(
    database: Database, journal: Journal, told: int | None, state: str
) -> None:
    first = await begin_term(database)
    mine = call(3)
    await store(database, journal, stamped([*people(), *mine[:2]], first))
    second = await take_up(database, journal)
    closed = [one for one in closing(mine, 50) if not isinstance(one, facts.InteractionEvent)]
    await store(database, journal, stamped(closed, second))
    await store(database, journal, stamped(mine[2:told], first))
    assert await late_recordings(database, NODE) == []  # nobody knows of the talk
    talk = [one for one in mine if isinstance(one, facts.Segment)][-1]
    elsewhere = replace(talk, answered_at=at(40), ended_at=at(45), inferred=True)
    begun = talk.answered_at.replace(microsecond=0)
    second_talk = replace(talk, ordinal=2, version=20, answered_at=begun, inferred=True)
    await store(database, journal, stamped([elsewhere, second_talk], second))
    (found,) = await late_recordings(database, NODE)
    # It is that of the second talk as it is stored, although the file is named after the first.
    assert (found.segment, found.state, found.ended_at) == (2, state, talk.ended_at)
    assert found.path.endswith("-1.wav")
    await store(database, journal, stamped(unstamped([found]), second))
    assert await late_recordings(database, NODE) == []
    (stored,) = (await contents(database))["recording"]
    assert (stored["segment"], stored["state"], stored["path"]) == (2, state, found.path)


async def test_what_nobody_followed_is_known_by_the_term_in_which_it_was_told(
    database: Database, journal: Journal
) -> None:
    first = await begin_term(database)
    await store(database, journal, stamped(people(), first))
    second = await take_up(database, journal)
    await store(database, journal, stamped(call(9)[:4], second))  # ringing
    # Now the journal of the first one comes, and a third leads before the second has tidied up.
    await store(database, journal, stamped([*call(3)[:12], *call(4)[:4]], first))
    third = await begin_term(database)
    found = await open_facts(database, NODE)
    left = {call(3)[0].id: at(42), call(4)[0].id: at(42)}  # type: ignore[union-attr]
    assert last_seen(found, third) == left
    # Whoever comes next knows no more than that the third took them up.
    assert last_seen(found, second) == {}
    await store(database, journal, stamped(versioned(unstamped(found)), third))
    assert last_seen(await open_facts(database, NODE), third + 1) == {}


async def test_what_the_leader_follows_is_left_open(database: Database, journal: Journal) -> None:
    first = await begin_term(database)
    await store(database, journal, stamped([*people(), *call(3)[:12], *call(4)[:4]], first))
    second = await take_up(database, journal)
    before = await contents(database)
    assert await close_left_open(database, NODE, first_version(second)) == 0
    assert await recordings_left_open(database, NODE, first_version(second)) == []
    assert await contents(database) == before


async def test_a_talk_left_open_in_a_call_that_has_ended_is_closed(
    database: Database, journal: Journal
) -> None:
    first = await begin_term(database)
    told = [fact for fact in call(1) if not isinstance(fact, facts.Segment) or fact.version == 1]
    await store(database, journal, stamped([*people(), *told], first))
    second = await take_up(database, journal)
    assert await close_left_open(database, NODE, first_version(second)) == 1
    (segment,) = (await contents(database))["segment"]
    assert (segment["ended_at"], segment["ended_by"], segment["inferred"]) == (at(19), "lost", True)


async def test_rows_left_open_in_a_call_that_the_leader_follows_are_closed(
    database: Database, journal: Journal
) -> None:
    """Told late, but before the leader found the call itself, from which it began anew."""
    first = await begin_term(database)
    await store(database, journal, stamped(people(), first))
    second = await take_up(database, journal)
    offer = next(fact for fact in call(1) if isinstance(fact, facts.Offer))
    visit = next(fact for fact in call(1) if isinstance(fact, facts.QueueVisit))
    further = [replace(visit, ordinal=2, joined_at=at(13)), replace(offer, ordinal=2)]
    await store(database, journal, stamped([*call(1)[:8], *further], first))
    await store(database, journal, stamped(call(1)[:4], second))
    assert await close_left_open(database, NODE, first_version(second)) == 3
    stored = await contents(database)
    assert [row["state"] for row in stored["interaction"]] == ["waiting"]
    assert [row["left_at"] for row in stored["queue_visit"]] == [None, at(13)]
    assert [row["ended_at"] for row in stored["offer"]] == [None, at(12)]
    assert [row["ended_by"] for row in stored["segment"]] == ["lost"]
    assert await close_left_open(database, NODE, first_version(second)) == 0


async def test_a_supervision_left_open_is_closed_with_its_talk(
    database: Database, journal: Journal
) -> None:
    first = await begin_term(database)
    told = [*people(), *call(1), *supervision(1, ended=False)]
    await store(database, journal, stamped(told, first))
    second = await take_up(database, journal)
    assert await close_left_open(database, NODE, first_version(second)) == 1
    stored = await contents(database)
    (row,) = stored["supervision"]
    assert (row["ended_at"], row["inferred"]) == (at(19), True)
    (event,) = [row for row in stored["interaction_event"] if "supervision" in row["kind"]]
    began = row["started_at"].isoformat()
    assert event["key"] == f"supervision_ended:{row['uniqueid']}:{began}"
    assert await close_left_open(database, NODE, first_version(second)) == 0
    # The true end may still come, from the journal of the leader who saw it.
    await store(database, journal, stamped(supervision(1)[1:], first))
    (row,) = (await contents(database))["supervision"]
    assert row["ended_at"] == at(18)
