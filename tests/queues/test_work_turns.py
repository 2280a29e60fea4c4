"""Emails are put into queues once, by the leader alone: a real Postgres, a scripted Asterisk."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pbx.ami_peer import Linked, Peer, Session, linked

from ccmiddleware.config import JournalSettings
from ccmiddleware.queues.placeholders import SETTLED, VALID
from ccmiddleware.queues.work_turns import WorkTurns
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.writer import FactWriter

NODE, TERM = "pbx1", 3
ALICE = "PJSIP/1001"
MAIL = """
WITH c AS (
    INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)
    SELECT node_id, id, $1, $2, $2 FROM ccm.queue RETURNING id
), m AS (
    INSERT INTO ccm.mailbox (name, node_id, queue_id) SELECT 'help', node_id, id FROM ccm.queue
    ON CONFLICT (name) DO UPDATE SET name = 'help' RETURNING id
)
INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,
    from_address, from_name, subject, body, quoted, html, joined_by)
SELECT ccm.uuid7(), c.id, m.id, 'inbound', $3, '', $2,
    'ann@customer.example', 'Ann', $1, '', '', '', ''
FROM c, m RETURNING id
"""


class World:
    """A leader's view, a clock, and what Asterisk has."""

    def __init__(self, database: Database, peer: Peer, journal: Journal) -> None:
        self.database = database
        self.peer = peer
        self.writer = FactWriter(database, journal)
        self.now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the database's too
        self.channels: set[str] = set()
        self.members = 1
        self.serves: dict[str, set[str]] = {}
        """Queues in which agents could take an email now."""
        self.slow = False
        """Asterisk has not carried out what it was asked for yet."""
        self.read_until: datetime | None = self.now
        peer.answers["QueueStatus"] = self.status
        peer.answers["Originate"] = self.originate

    async def status(self, session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Success"), ("EventList", "start"))
        for position, uniqueid in enumerate(sorted(self.channels), start=1):
            await session.answer(
                action, ("Event", "QueueEntry"), ("Queue", "support"),
                ("Uniqueid", f"{uniqueid};2"), ("Position", position), ("Wait", 0), ("Priority", 0),
            )  # fmt: skip
        await session.answer(
            action, ("Event", "QueueStatusComplete"), ("EventList", "Complete"),
            ("ListItems", len(self.channels)),
        )  # fmt: skip

    async def originate(self, session: Session, action: dict[str, str]) -> None:
        if "ChannelId" in action and not self.slow:
            self.channels.add(action["ChannelId"])
        await session.answer(action, ("Response", "Success"), ("Message", "queued"))

    def turns(self, run: Linked, term: int) -> WorkTurns:
        return WorkTurns(
            NODE, term, self.database, self.writer, run.link,
            certain=_no_doubt,
            sees=lambda: True,
            channel_of=lambda uniqueid: "Local/x" if uniqueid in self.channels else None,
            joined_at=lambda uniqueid: None,
            offered=lambda uniqueid: False,
            members=lambda queue: self.members,
            working=lambda work: None,
            serves=lambda interface: self.serves.get(interface, set()),
            queues_of=lambda interface: self.serves.get(interface, set()),
            read_until=lambda: self.read_until,
            clock=lambda: self.now,
        )  # fmt: skip

    async def look(self, term: int = TERM, *, times: int = 1) -> None:
        """What a leader of that term does, so many times."""
        async with linked(self.peer) as run:
            await run.up()
            turns = self.turns(run, term)
            for _ in range(times):
                await turns.look()

    async def mail(self, subject: str, minutes: int = 5) -> None:
        """An email came so many minutes ago."""
        sha256 = subject.encode().ljust(32, b"\0")
        came = self.now - timedelta(minutes=minutes)
        await self.database.rows(
            "INSERT INTO ccm.email_raw (sha256, content, stored_at) VALUES ($1, '', $2)",
            sha256, came,
        )  # fmt: skip
        (row,) = await self.database.rows(MAIL, subject, came, sha256)
        await self.database.rows("SELECT ccm.open_work($1)", row["id"])

    async def tell(self, event: str, *data: str, agent: str = "NONE") -> None:
        """queue_log told of the newest placement."""
        await self.database.rows(
            "INSERT INTO ccm.queue_log_row"
            " (node_id, at, key, sequence, call, queue, agent, event, data)"
            " SELECT n.id, $3, gen_random_uuid(), 1, a.attempt || ';2', 'support', $4, $1, $2"
            " FROM ccm.node AS n, ccm.work_placement AS a ORDER BY a.placed_at DESC LIMIT 1",
            event, list(data), self.now, agent,
        )  # fmt: skip

    def passes(self, seconds: float) -> None:
        """Time passes, and queue_log is read."""
        self.now += timedelta(seconds=seconds)
        self.read_until = self.now

    async def items(self) -> list[tuple[str, str]]:
        sql = (
            "SELECT e.subject, w.state FROM ccm.work_item AS w JOIN ccm.email AS e ON e.id = w.id "
            "ORDER BY w.number"
        )
        return [(row["subject"], row["state"]) for row in await self.database.rows(sql)]

    async def outcomes(self) -> list[str | None]:
        sql = "SELECT outcome FROM ccm.work_placement ORDER BY placed_at, ordinal"
        return [row["outcome"] for row in await self.database.rows(sql)]

    def originated(self) -> list[dict[str, Any]]:
        return [one for one in self.peer.asked("Originate") if "ChannelId" in one]


async def _no_doubt() -> None:
    """Nothing to wait for."""


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A database on which the node is led in TERM, and a scripted Asterisk."""
    peer = Peer()
    await peer.start()
    journal = Journal(tmp_path / "journal", JournalSettings())
    journal.open()
    async with Database(database_url) as database:
        await database.rows("INSERT INTO ccm.node (name) VALUES ($1)", NODE)
        await database.rows(
            "INSERT INTO ccm.leadership (node_id, term) SELECT id, $1 FROM ccm.node", TERM
        )
        await database.rows(
            "INSERT INTO ccm.queue (node_id, name) SELECT id, 'support' FROM ccm.node"
        )
        await database.rows(
            "INSERT INTO ccm.agent (node_id, interface, name, email)"
            " SELECT id, $1, 'Alice', 'alice@shop.example' FROM ccm.node",
            ALICE,
        )
        yield World(database, peer, journal)
    journal.close()
    await peer.stop()


async def test_as_many_as_there_is_room_for_in_their_order(world: World) -> None:
    for number, subject in enumerate(("third", "second", "first")):
        await world.mail(subject, minutes=number)
    await world.look(times=5)
    assert sorted(await world.items()) == [
        ("first", "queued"), ("second", "queued"), ("third", "waiting"),
    ]  # fmt: skip
    assert [one["Variable"] for one in world.originated()]
    assert len(world.originated()) == 2


async def test_only_the_leader_of_the_present_term_places(world: World) -> None:
    await world.mail("Parcel")
    await world.look(TERM - 1)
    assert world.originated() == []
    assert await world.items() == [("Parcel", "waiting")]


async def test_what_asterisk_is_slow_to_make_is_not_placed_again(world: World) -> None:
    """Two placeholders of one item could give it to two agents, or to one who gets nothing."""
    world.slow = True
    await world.mail("Parcel")
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run, TERM)
        for seconds in (0, 2, 10, 10):
            world.passes(seconds)
            await turns.look()
    assert (len(world.originated()), await world.outcomes()) == (1, [None])
    # It comes after all.
    world.channels.add(world.originated()[0]["ChannelId"])
    await world.tell("CONNECT", "20", "x", "2", agent="Alice")
    await world.tell("CCMWORKSTEP", "taken", agent=ALICE)
    await world.look()
    assert await world.items() == [("Parcel", "working")]
    assert await world.outcomes() == ["taken"]


async def test_what_asterisk_never_made_is_placed_again(world: World) -> None:
    world.slow = True
    await world.mail("Parcel")
    await world.look()
    world.passes((VALID + SETTLED).total_seconds() + 1)
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run, TERM)
        await turns.look()  # it is known from now on that the channel is not there
        world.passes(2)
        await turns.look()
        assert await world.outcomes() == ["gone"]
        world.passes(5)
        world.slow = False
        await turns.look()
    assert await world.outcomes() == ["gone", None]
    assert await world.items() == [("Parcel", "queued")]


async def test_what_vanished_is_over_only_when_queue_log_was_read(world: World) -> None:
    await world.mail("Parcel")
    await world.look()
    await world.tell("CCMWORKSTEP", "placed")
    world.channels.clear()
    await world.look(times=2)
    assert await world.outcomes() == [None]
    # What queue_log had to say: an agent took it while nobody listened.
    await world.tell("CONNECT", "20", "x", "2", agent="Alice")
    await world.tell("CCMWORKSTEP", "taken", agent=ALICE)
    world.passes(2)
    await world.look()
    assert await world.items() == [("Parcel", "working")]


async def test_nobody_there_and_nothing_is_placed(world: World) -> None:
    world.members = 0
    await world.mail("Parcel")
    await world.look(times=2)
    assert world.originated() == []


async def test_who_may_be_interrupted_has_no_more_emails_than_he_may(world: World) -> None:
    """Alice, whom calls may interrupt, has one of one; Bob, who is idle, is rung by us."""
    bob = "PJSIP/1002"
    await world.database.rows(
        "INSERT INTO ccm.agent (node_id, interface, name, email)"
        " SELECT id, $1, 'Bob', 'bob@shop.example' FROM ccm.node",
        bob,
    )
    await world.database.rows(
        "UPDATE ccm.agent SET calls_interrupt = true WHERE interface = $1", ALICE
    )
    world.serves = {ALICE: {"support"}, bob: {"support"}}
    for minutes, subject in enumerate(("third", "second", "first")):
        await world.mail(subject, minutes)
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run, TERM)
        await turns.look()
        await world.tell("CONNECT", "20", "x", "2", agent="Alice")
        await world.tell("CCMWORKSTEP", "taken", agent=ALICE)
        world.passes(1)
        await turns.look()
        assert sorted(await world.items()) == [
            ("first", "working"), ("second", "queued"), ("third", "waiting"),
        ]  # fmt: skip
        first, second = world.originated()
        assert first["Channel"].startswith("Local/")
        assert second["Channel"] == bob
        # Bob takes it: nobody has room, and nothing stands in the queue.
        await world.tell("CCMWORKSTEP", "answered", agent=bob)
        await world.tell("CCMWORKSTEP", "taken", agent=bob)
        await turns.look()
        world.passes(60)
        await turns.look()
        assert sorted(await world.items()) == [
            ("first", "working"), ("second", "working"), ("third", "waiting"),
        ]  # fmt: skip
        # Alice is done with hers: app_queue may offer her the next one.
        await world.database.rows(
            "SELECT ccm.end_work(w.id, 'answered', now()) FROM ccm.work_item AS w"
            " JOIN ccm.email AS e ON e.id = w.id WHERE e.subject = 'first'"
        )
        await turns.look()
    assert world.originated()[-1]["Channel"].startswith("Local/")
    assert len(world.originated()) == 3
