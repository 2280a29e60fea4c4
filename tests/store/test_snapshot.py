"""What a restarted daemon gets back from the database, and the state of the link."""

from store_facts import NODE, at, call, people, store, supervision

from ccmiddleware import facts
from ccmiddleware.facts import AnyFact
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.snapshot import open_facts, set_link


def newest(told: list[AnyFact]) -> list[AnyFact]:
    """The last state of each row, without events."""
    kept: dict[object, AnyFact] = {}
    for fact in told:
        match fact:
            case facts.InteractionEvent():
                continue
            case facts.Interaction():
                row: object = fact.id
            case facts.Recording():
                row = (fact.interaction_id, fact.segment)
            case facts.QueueVisit() | facts.Offer() | facts.Segment():
                row = (type(fact), fact.interaction_id, fact.ordinal)
            case facts.AgentState():
                row = (fact.interface, fact.started_at)
            case _:
                row = type(fact)
        kept[row] = fact
    return list(kept.values())


async def test_an_empty_database_and_an_unknown_node_give_nothing(database: Database):
    assert await open_facts(database, NODE) == []


async def test_all_that_has_not_ended_comes_back_as_it_was(database: Database, journal: Journal):
    talking = [fact for fact in call(2)[:-4] if not isinstance(fact, facts.Agent)]
    recording_unfinished = call(3)[:-1]
    await store(database, journal, [*people(), *call(1), *talking, *recording_unfinished])
    found = await open_facts(database, NODE)
    expected = newest([*people(), *talking])
    # The members' name is the agent's present one, and the ended interval is not open any more.
    by_kind = {type(fact) for fact in found}
    assert by_kind == {type(fact) for fact in expected}
    for kind in (facts.Queue, facts.Agent, facts.QueueMembership, facts.Interaction):
        assert [f for f in found if isinstance(f, kind)] == [
            f for f in expected if isinstance(f, kind)
        ]
    assert [f for f in found if isinstance(f, facts.QueueVisit)] == [
        f for f in expected if isinstance(f, facts.QueueVisit)
    ]
    offer = next(f for f in found if isinstance(f, facts.Offer))
    assert (offer.outcome, offer.member_name, offer.version) == ("answered", "Ada L.", 2)
    segment = next(f for f in found if isinstance(f, facts.Segment))
    assert (segment.ended_at, segment.answered_at, segment.version) == (None, at(24), 1)
    states = [f for f in found if isinstance(f, facts.AgentState)]
    assert [(f.state, f.started_at, f.ended_at) for f in states] == [("paused", at(50), None)]
    recordings = [f for f in found if isinstance(f, facts.Recording)]
    assert [(f.state, f.version) for f in recordings] == [("recording", 2), ("recording", 2)]
    # That of the talk that is over ended with it.
    ends = {fact.ended_at for fact in call(3) if isinstance(fact, facts.Segment)}
    assert {f.ended_at for f in recordings} == ends


async def test_told_again_it_changes_nothing(database: Database, journal: Journal):
    await store(database, journal, [*people(), *call(2)[:-4]])
    found = await open_facts(database, NODE)
    await store(database, journal, found)
    assert await open_facts(database, NODE) == found


async def test_a_member_that_was_removed_is_not_there(database: Database, journal: Journal):
    removed = facts.QueueMembership(
        node=NODE, queue="sales", interface="PJSIP/1001", at=at(99), member=False
    )
    await store(database, journal, [*people(), removed])
    found = await open_facts(database, NODE)
    assert not any(isinstance(fact, facts.QueueMembership) for fact in found)


async def test_other_nodes_stay_out(database: Database, journal: Journal):
    await store(database, journal, [*people(), *call(2)[:-4]])
    assert await open_facts(database, "pbx2") == []


async def test_the_state_of_the_link(database: Database):
    async def link() -> tuple[object, ...]:
        columns = "name, link, link_since, link_reason, version"
        return tuple((await database.rows(f"SELECT {columns} FROM ccm.node"))[0])  # noqa: S608

    await set_link(database, NODE, True, at(1), version="22.10.1")
    assert await link() == (NODE, "up", at(1), "", "22.10.1")
    await set_link(database, NODE, False, at(2), "no answer to a ping in 5 s")
    assert await link() == (NODE, "down", at(2), "no answer to a ping in 5 s", "22.10.1")


async def test_supervisions_come_back_while_their_interaction_lasts(
    database: Database, journal: Journal
):
    talking = call(2)[:-4]
    ended = [*call(1), *supervision(1, ended=False)]
    begun = supervision(2, ended=False)
    await store(database, journal, [*people(), *ended, *talking, *begun])
    found = [f for f in await open_facts(database, NODE) if isinstance(f, facts.Supervision)]
    assert [(f.started_at, f.mode, f.asked_by) for f in found] == [(at(26), "whisper", "ann")]
    await store(database, journal, supervision(2))
    found = await open_facts(database, NODE)
    assert not any(isinstance(fact, facts.Supervision) for fact in found)
