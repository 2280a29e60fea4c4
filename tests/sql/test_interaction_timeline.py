"""report.interaction_timeline: each second of an interaction is in exactly one state."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from pasted_facts import call_id, certain, given, shows, shows_nothing
from store_facts import store
from test_ways import told_of
from ways_expected import WAYS

from ccmiddleware.facts import (
    AnyFact,
    Interaction,
    InteractionEvent,
    Offer,
    QueueVisit,
    Segment,
)
from ccmiddleware.ids import attempt_of
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal

LINES = "report.interaction_timeline"


async def test_a_queue_call_with_hold_and_wrap_up(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call | started  | ended    | outcome
        a    | 09:00:00 | 09:02:00 | answered

        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:02 | 09:00:22 | 09:00:22 | answered

        offer | agent | offered  | ended    | outcome
        a     | bob   | 09:00:05 | 09:00:10 | ring_no_answer
        a     | ann   | 09:00:12 | 09:00:22 | answered

        segment | agent | offered  | answered | ended    | hold | wrap_up
        a       | ann   | 09:00:12 | 09:00:22 | 09:01:50 | 20   | 30

        hold | since    | until
        a    | 09:00:30 | 09:00:40
        a    | 09:01:00 | 09:01:10
        """,
    )
    await shows(
        db,
        LINES,
        """
        ordinal | state    | started_at | ended_at | seconds | queue | agent
        1       | dialplan | 09:00:00   | 09:00:02 | 2       |       |
        2       | waiting  | 09:00:02   | 09:00:05 | 3       | sales |
        3       | ringing  | 09:00:05   | 09:00:10 | 5       | sales | bob
        4       | waiting  | 09:00:10   | 09:00:12 | 2       | sales |
        5       | ringing  | 09:00:12   | 09:00:22 | 10      | sales | ann
        6       | talking  | 09:00:22   | 09:00:30 | 8       | sales | ann
        7       | hold     | 09:00:30   | 09:00:40 | 10      | sales | ann
        8       | talking  | 09:00:40   | 09:01:00 | 20      | sales | ann
        9       | hold     | 09:01:00   | 09:01:10 | 10      | sales | ann
        10      | talking  | 09:01:10   | 09:01:50 | 40      | sales | ann
        11      | dialplan | 09:01:50   | 09:02:00 | 10      |       |
        12      | wrap_up  | 09:02:00   | 09:02:20 | 20      | sales | ann
        """,
    )


async def test_of_two_talks_and_phones_one_counts(db: asyncpg.Connection) -> None:
    """Ann holds the customer and calls Bob; for a while all three talk; Ann leaves."""
    await given(
        db,
        """
        call | started  | ended    | outcome
        a    | 09:00:00 | 09:02:00 | answered

        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

        offer | agent | offered  | ended    | outcome        | visit
        a     | ann   | 09:00:02 | 09:00:10 | answered       | 1
        a     | bob   | 09:00:04 | 09:00:10 | other_answered | 1
        a     | bob   | 09:00:35 | 09:00:50 | answered       | 0

        segment | agent | answered | ended    | by       | hold | wrap_up | visit
        a       | ann   | 09:00:10 | 09:01:20 | transfer | 30   | 20      | 1
        a       | bob   | 09:00:50 | 09:02:00 | caller   | 0    | 15      | 1

        hold | since    | until
        a    | 09:00:30 | 09:01:00
        """,
    )
    await shows(
        db,
        LINES,
        """
        state   | started_at | ended_at | agent
        waiting | 09:00:00   | 09:00:02 |
        ringing | 09:00:02   | 09:00:10 | ann
        talking | 09:00:10   | 09:00:30 | ann
        hold    | 09:00:30   | 09:00:50 | ann
        talking | 09:00:50   | 09:02:00 | bob
        wrap_up | 09:02:00   | 09:02:15 | bob
        """,
    )


async def test_between_queues_and_wrap_up_of_several(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue   | joined   | answered | left     | outcome
        a     | sales   | 09:00:00 |          | 09:00:30 | timed_out
        a     | support | 09:00:35 | 09:00:45 | 09:00:45 | answered

        segment | agent | answered | ended    | visit | by       | wrap_up
        a       | ann   | 09:00:45 | 09:00:55 | 2     | transfer | 60
        a       | bob   | 09:00:55 | 09:01:05 | 2     | agent    | 10
        """,
    )
    await shows(
        db,
        LINES,
        """
        state    | started_at | ended_at | queue   | agent
        waiting  | 09:00:00   | 09:00:30 | sales   |
        dialplan | 09:00:30   | 09:00:35 |         |
        waiting  | 09:00:35   | 09:00:45 | support |
        talking  | 09:00:45   | 09:00:55 | support | ann
        talking  | 09:00:55   | 09:01:05 | support | bob
        wrap_up  | 09:01:05   | 09:01:15 | support | bob
        wrap_up  | 09:01:15   | 09:01:55 | support | ann
        """,
    )


async def test_a_number_that_an_agent_dials(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call | direction | started  | ended    | outcome
        a    | outbound  | 09:00:00 | 09:00:40 | answered
        b    | outbound  | 10:00:00 | 10:00:20 | not_answered

        segment | agent | answered | ended    | visit
        a       | ann   | 09:00:12 | 09:00:38 | 0
        """,
    )
    await shows(
        db,
        LINES,
        """
        state    | started_at | ended_at | agent | queue
        ringing  | 09:00:00   | 09:00:12 |       |
        talking  | 09:00:12   | 09:00:38 | ann   |
        dialplan | 09:00:38   | 09:00:40 |       |
        ringing  | 10:00:00   | 10:00:20 |       |
        """,
    )


async def test_what_goes_on_counts_until_now(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call | started  | ended | state
        a    | 09:00:00 |       | talking
        b    | 09:00:00 |       | waiting

        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        b     | sales | 09:00:00 |          |          |

        segment | agent | answered | ended
        a       | ann   | 09:00:10 |

        hold | since    | until
        a    | 09:00:20 | 09:00:25
        a    | 09:00:30 |
        """,
        now="09:01",
    )
    await shows(
        db,
        LINES,
        """
        state   | started_at | ended_at | seconds
        waiting | 09:00:00   | 09:00:10 | 10
        talking | 09:00:10   | 09:00:20 | 10
        hold    | 09:00:20   | 09:00:25 | 5
        talking | 09:00:25   | 09:00:30 | 5
        hold    | 09:00:30   |          | 30
        waiting | 09:00:00   |          | 60
        """,
    )


async def test_a_hold_whose_end_was_not_seen_and_one_whose_begin_was_not(
    db: asyncpg.Connection,
) -> None:
    """As hold_seconds of the segment: an end counts, a begin alone does not."""
    await given(
        db,
        """
        segment | agent | answered | ended    | hold | visit
        a       | ann   | 09:00:00 | 09:01:00 | 10   | 0

        hold | since    | until    | unseen
        a    | 09:00:05 |          |
        a    | 09:00:30 | 09:00:40 | begin
        """,
    )
    await shows(
        db,
        LINES,
        """
        state   | started_at | ended_at
        talking | 09:00:00   | 09:00:30
        hold    | 09:00:30   | 09:00:40
        talking | 09:00:40   | 09:01:00
        """,
    )


async def test_what_lies_outside_is_cut_off_and_what_has_no_length_is_left_out(
    db: asyncpg.Connection,
) -> None:
    await given(
        db,
        """
        call | started  | ended    | outcome
        a    | 09:00:10 | 09:01:00 | answered
        b    | 10:00:00 | 10:00:00 | lost

        segment | agent | answered | ended    | visit
        a       | ann   | 09:00:00 | 09:02:00 | 0
        a       | bob   | 09:00:30 | 09:00:30 | 0
        """,
    )
    await shows(
        db,
        LINES,
        """
        state   | started_at | ended_at | agent
        talking | 09:00:10   | 09:01:00 | ann
        """,
    )


async def test_nothing(db: asyncpg.Connection) -> None:
    await shows_nothing(db, LINES)


def recorded() -> list[AnyFact]:
    """The facts of all recorded ways, in a node of its own each, since their ids may be equal."""
    return [fact for way in sorted(WAYS) for fact in told_of(way, node=way).facts]


def made_up() -> list[AnyFact]:
    """Calls in which everything overlaps, as it never should."""
    chance = random.Random(7)
    return [fact for number in range(150) for fact in tangled(chance, f"call {number}")]


def tangled(chance: random.Random, label: str) -> Iterator[AnyFact]:
    begin, id_ = certain("09:00"), call_id(label)

    def span(earliest: int = -5) -> tuple[datetime, datetime]:
        since = chance.randint(earliest, 55)
        until = since + chance.choice((0, 1, 5, 20, 40))
        return begin + timedelta(seconds=since), begin + timedelta(seconds=until)

    yield Interaction(
        id=id_, version=1, node="pbx", state="ended", linkedid=label, uniqueid=label,
        direction=chance.choice(("inbound", "outbound")), started_at=begin,
        ended_at=begin + timedelta(seconds=chance.randint(1, 60)), outcome="answered",
    )  # fmt: skip
    visits = chance.randint(0, 3)
    for ordinal in range(1, visits + 1):
        since, until = span()
        yield QueueVisit(
            interaction_id=id_, ordinal=ordinal, version=1, node="pbx", queue=f"q{ordinal % 2}",
            position=1, joined_at=since, left_at=until, outcome="timed_out",
        )  # fmt: skip
    for ordinal in range(1, chance.randint(1, 5)):
        since, until = span()
        yield Offer(
            interaction_id=id_, ordinal=ordinal, version=1, visit=chance.randint(0, visits),
            node="pbx", interface=f"PJSIP/{ordinal % 3}", member_name="", offered_at=since,
            ended_at=until, outcome="ring_no_answer",
        )  # fmt: skip
    for ordinal in range(1, chance.randint(1, 4)):
        since, until = span()
        yield Segment(
            interaction_id=id_, ordinal=ordinal, version=1, visit=chance.randint(0, visits),
            node="pbx", interface=f"PJSIP/{ordinal}", member_name="", channel="", agent_channel="",
            offered_at=since, answered_at=since, ended_at=until, ended_by="caller",
            wrap_up_seconds=chance.choice((0, 0, 10, 30)),
        )  # fmt: skip
        for second in range(0, int((until - since).total_seconds()) - 3, 7):
            held = chance.randint(1, 6)
            for kind, after, data in (
                ("hold", second, {}),
                ("unhold", second + held, {"seconds": held}),
            ):
                at = since + timedelta(seconds=after)
                key = f"{kind}:{ordinal}:{at.isoformat()}"
                yield InteractionEvent(interaction_id=id_, key=key, kind=kind, at=at, data=data)


@pytest.fixture(scope="module", params=[recorded, made_up])
def ways(request: pytest.FixtureRequest) -> list[AnyFact]:
    found: list[AnyFact] = request.param()
    return found


async def test_every_way_is_cut_exactly(
    db: asyncpg.Connection, database_url: str, tmp_path: Any, ways: list[AnyFact]
) -> None:
    """The states of each interaction add up to its length, one after the other; and to the sums
    that its own rows tell, as far as nothing overlaps."""
    async with Database(database_url) as database:
        journal = Journal(tmp_path)
        journal.open()
        await store(database, journal, ways)
        journal.close()
    rows = [dict(row) for row in await db.fetch(f"SELECT * FROM {LINES}")]  # noqa: S608
    calls = {fact.id: fact for fact in ways if isinstance(fact, Interaction)}
    assert len(calls) > 100
    told = {row["interaction_id"] for row in rows}
    assert told == {id_ for id_, call in calls.items() if call.ended_at != call.started_at}
    for id_ in told:
        call = calls[id_]
        assert call.ended_at is not None
        mine = sorted((r for r in rows if r["interaction_id"] == id_), key=lambda r: r["ordinal"])
        assert [row["ordinal"] for row in mine] == list(range(1, len(mine) + 1))
        at = call.started_at
        for row in mine:
            assert row["started_at"] == at < row["ended_at"], (id_, row)
            assert timedelta(seconds=float(row["seconds"])) == row["ended_at"] - at
            assert (row["state"] == "wrap_up") == (at >= call.ended_at)
            at = row["ended_at"]
        customers = [row["seconds"] for row in mine if row["state"] != "wrap_up"]
        assert timedelta(seconds=float(sum(customers))) == call.ended_at - call.started_at
        for one, other in pairwise(mine):
            assert (one["state"], one["queue"], one["agent"]) != (
                other["state"],
                other["queue"],
                other["agent"],
            )


async def test_states_of_the_ways_are_those_of_their_rows(
    db: asyncpg.Connection, database_url: str, tmp_path: Any, ways: list[AnyFact]
) -> None:
    """At the middle of each interval: what the facts say of that moment, by the precedence."""
    async with Database(database_url) as database:
        journal = Journal(tmp_path)
        journal.open()
        await store(database, journal, ways)
        journal.close()
    rows = await db.fetch(f"SELECT * FROM {LINES} WHERE state <> 'wrap_up'")  # noqa: S608
    for row in rows:
        middle = row["started_at"] + (row["ended_at"] - row["started_at"]) / 2
        assert row["state"] == at_the_moment(ways, row["interaction_id"], middle), dict(row)


def at_the_moment(ways: list[AnyFact], id_: Any, at: Any) -> str:
    mine = [fact for fact in ways if id_ in (getattr(fact, "interaction_id", 0), of_call(fact))]
    newest: dict[Any, Any] = {(type(fact), getattr(fact, "ordinal", 0)): fact for fact in mine}
    held = {
        fact.key.split(":")[1]: fact.kind
        for fact in mine
        if isinstance(fact, InteractionEvent) and fact.kind in ("hold", "unhold") and fact.at <= at
    }
    segments = [row for row in newest.values() if isinstance(row, Segment)]
    talks = [row for row in segments if row.answered_at <= at < row.ended_at]
    if any(held.get(str(talk.ordinal)) != "hold" for talk in talks):
        return "talking"
    if talks:
        return "hold"
    offers = [row for row in newest.values() if isinstance(row, Offer)]
    if any(row.offered_at <= at < row.ended_at for row in offers):
        return "ringing"
    visits = [row for row in newest.values() if isinstance(row, QueueVisit)]
    if any(row.joined_at <= at < row.left_at for row in visits):
        return "waiting"
    whole = newest[Interaction, 0]
    if attempt_of(whole.linkedid) is not None:
        # Without its attempt nobody knows when the party answered.
        return "ringing" if all(at < row.joined_at for row in visits) else "dialplan"
    if whole.direction == "outbound" and all(at < row.answered_at for row in segments):
        return "ringing"
    return "dialplan"


def of_call(fact: AnyFact) -> Any:
    return fact.id if isinstance(fact, Interaction) else None
