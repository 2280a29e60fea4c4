"""Callbacks are put into queues once, by the leader alone: a real Postgres, a scripted Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pbx.ami_peer import Linked, Peer, Session, linked

from ccmiddleware.config import JournalSettings
from ccmiddleware.config_callbacks import CallbackSettings
from ccmiddleware.errors import TemporaryError
from ccmiddleware.queues.callback_turns import CallbackTurns
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.writer import FactWriter

NODE, TERM = "pbx1", 3
SETTINGS = CallbackSettings(opens="00:00", closes="00:00", time_zone="UTC", pause_seconds=600)
NUMBER = "12025550301"


class World:
    """A leader's view, a clock, and what Asterisk has."""

    def __init__(self, database: Database, peer: Peer, journal: Journal) -> None:
        self.database = database
        self.peer = peer
        self.writer = FactWriter(database, journal)
        self.now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the database's too
        self.channels: set[str] = set()
        self.sees = True
        self.read_until: datetime | None = self.now
        self.queue: list[tuple[str, int, int]] = []
        """Unique id, wait and priority of those who wait."""
        peer.answers["QueueStatus"] = self.status
        peer.answers["Originate"] = self.originate

    async def status(self, session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Success"), ("EventList", "start"))
        for position, (uniqueid, wait, priority) in enumerate(self.queue, start=1):
            await session.answer(
                action, ("Event", "QueueEntry"), ("Queue", "support"), ("Uniqueid", uniqueid),
                ("Position", position), ("Wait", wait), ("Priority", priority),
            )  # fmt: skip
        await session.answer(
            action, ("Event", "QueueStatusComplete"), ("EventList", "Complete"),
            ("ListItems", len(self.queue)),
        )  # fmt: skip

    async def originate(self, session: Session, action: dict[str, str]) -> None:
        self.channels.add(action["ChannelId"])
        self.queue.append((action["OtherChannelId"], 0, 0))
        await session.answer(action, ("Response", "Success"), ("Message", "queued"))

    def turns(self, run: Linked, term: int = TERM, *, queue_log: bool = True) -> CallbackTurns:
        """A leader of that term."""
        return CallbackTurns(
            NODE, term, self.database, self.writer, run.link, lambda queue: SETTINGS,
            certain=_no_doubt,
            sees=lambda: self.sees,
            channel_of=lambda uniqueid: "Local/x" if uniqueid in self.channels else None,
            joined_at=lambda uniqueid: None,
            read_until=(lambda: self.read_until) if queue_log else None,
            clock=lambda: self.now,
        )  # fmt: skip

    async def look(self, term: int = TERM, *, times: int = 1) -> None:
        """What a leader of that term does, so many times."""
        async with linked(self.peer) as run:
            await run.up()
            turns = self.turns(run, term)
            for _ in range(times):
                await turns.look()

    async def ask(self, number: str = NUMBER, minutes: int = 5) -> UUID:
        """Somebody asked, so many minutes ago."""
        (row,) = await self.database.rows(
            "SELECT i.id, ccm.ask_callback(i.id, q.id, $1, '', 'tester', $2, 0)"
            " FROM ccm.queue AS q, (SELECT gen_random_uuid() AS id) AS i",
            number,
            self.now - timedelta(minutes=minutes),
        )
        id_: UUID = row["id"]
        return id_

    async def tell(self, *steps: str) -> None:
        """queue_log told of the newest attempt."""
        for number, step in enumerate(steps):
            await self.database.rows(
                "INSERT INTO ccm.queue_log_row"
                " (node_id, at, key, sequence, call, queue, agent, event, data)"
                " SELECT n.id, $2, gen_random_uuid(), $3, a.attempt || ';2', 'support', 'NONE',"
                " 'CCMCALLBACKSTEP', ARRAY[$1::text] FROM ccm.node AS n, ccm.callback_attempt AS a"
                " ORDER BY a.placed_at DESC, a.ordinal DESC LIMIT 1",
                step,
                self.now,
                number,
            )

    def passes(self, seconds: float) -> None:
        """Time passes, and queue_log is read."""
        self.now += timedelta(seconds=seconds)
        self.read_until = self.now

    async def state(self) -> dict[str, Any]:
        (row,) = await self.database.rows("SELECT * FROM ccm.callback")
        return dict(row)

    async def attempts(self) -> list[str | None]:
        found = await self.database.rows("SELECT * FROM ccm.callback_attempt ORDER BY ordinal")
        return [row["outcome"] for row in found]

    def originated(self) -> list[dict[str, str]]:
        return self.peer.asked("Originate")


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
        yield World(database, peer, journal)
    journal.close()
    await peer.stop()


async def ends(world: World) -> None:
    """All channels go away, queue_log is read past that, and the leader looks again."""
    world.channels.clear()
    world.queue.clear()
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run)
        await turns.look()
        world.passes(1)
        await turns.look()


async def test_a_callback_is_placed_once_and_behind_who_came_earlier(world: World) -> None:
    world.queue = [("1.1", 600, 0), ("1.2", 10, 0)]
    id_ = await world.ask()
    await world.look(times=3)
    (action,) = world.originated()
    assert action["Channel"] == f"Local/{id_.hex}@ccm-callback-turn/n"
    assert action["OtherChannelId"] == f"{action['ChannelId']};2"
    assert (await world.state())["state"] == "queued"
    (attempt,) = await world.database.rows("SELECT place, term FROM ccm.callback_attempt")
    assert dict(attempt) == {"place": 2, "term": TERM}


async def test_two_are_placed_one_after_the_other(world: World) -> None:
    later = await world.ask("12025550302", minutes=4)
    first = await world.ask(minutes=5)
    await world.look()
    assert [first.hex in one["Channel"] for one in world.originated()] == [True]
    await world.look()
    assert [later.hex in one["Channel"] for one in world.originated()] == [False, True]
    places = await world.database.rows("SELECT place FROM ccm.callback_attempt ORDER BY placed_at")
    assert [row["place"] for row in places] == [1, 2]


async def test_only_the_leader_of_the_term_places(world: World) -> None:
    await world.ask()
    await world.look(TERM - 1)
    await world.look(TERM + 1)
    assert world.originated() == []
    assert (await world.state())["state"] == "waiting"


async def test_a_leader_killed_before_it_asked_asterisk(world: World) -> None:
    """The attempt stands in Postgres and nowhere else: it is made again, but not too soon."""
    id_ = await world.ask()
    await world.database.execute(
        "place_callback", NODE, TERM, id_, f"ccmcb-{id_.hex}-1795825645.1", 1, world.now,
        world.now + timedelta(seconds=30), 1,
    )  # fmt: skip
    await ends(world)
    assert world.originated() == []
    world.passes(40)
    await ends(world)
    assert await world.attempts() == ["gone"]
    world.passes(5)
    await world.look()
    assert len(world.originated()) == 1


async def test_a_leader_killed_while_the_placeholder_stands(world: World) -> None:
    await world.ask()
    await world.look()
    await world.tell("placed")
    world.passes(3600)
    await world.look(times=3)
    assert len(world.originated()) == 1


@pytest.mark.parametrize(
    ("steps", "state", "outcome", "calls"),
    [
        (("placed", "dial", "answered"), "done", "answered", 1),
        (("placed", "dial", "noanswer"), "waiting", "not_answered", 1),
        (("placed", "dial"), "waiting", "lost", 1),
        (("placed",), "waiting", "gone", 0),
        (("refused",), "failed", "refused", 0),
    ],
)
async def test_what_came_of_it(
    world: World, steps: tuple[str, ...], state: str, outcome: str, calls: int
) -> None:
    await world.ask()
    await world.look()
    await world.tell(*steps)
    world.passes(10)
    await ends(world)
    row = await world.state()
    assert (row["state"], row["attempts"]) == (state, calls)
    assert await world.attempts() == [outcome]


async def test_nothing_is_concluded_before_queue_log_was_read(world: World) -> None:
    await world.ask()
    await world.look()
    await world.tell("placed")
    world.channels.clear()
    world.now += timedelta(hours=2)
    await world.look(times=3)
    assert await world.attempts() == [None]
    world.sees = False
    world.passes(10)
    await ends(world)
    assert await world.attempts() == [None]
    world.sees = True
    await ends(world)
    assert await world.attempts() == ["gone"]


async def test_without_queue_log_nobody_is_called(world: World) -> None:
    await world.ask()
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run, queue_log=False)
        await turns.look()
    assert world.originated() == []


async def test_an_event_that_queue_log_does_not_confirm_stops_all(world: World) -> None:
    await world.ask()
    await world.look()
    await world.database.rows(
        "INSERT INTO ccm.callback_step SELECT attempt, 'placed', now() FROM ccm.callback_attempt"
    )
    await world.ask("12025550302", minutes=4)
    world.passes(60)
    await ends(world)
    assert await world.attempts() == [None]
    assert len(world.originated()) == 1


async def test_asterisk_refuses(world: World) -> None:
    async def refuse(session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Error"), ("Message", "Permission denied"))

    world.peer.answers["Originate"] = refuse
    await world.ask()
    await world.look(times=2)
    row = await world.state()
    assert (row["state"], row["attempts"], row["fruitless"]) == ("waiting", 0, 1)
    assert await world.attempts() == ["not_placed"]


async def test_an_answer_that_never_comes_is_not_asked_for_again(world: World) -> None:
    async def silent(session: Session, action: dict[str, str]) -> None:
        session.cut()

    world.peer.answers["Originate"] = silent
    await world.ask()
    with pytest.raises(TemporaryError):
        await world.look()
    world.peer.answers["Originate"] = world.originate
    await world.look(times=3)
    assert len(world.originated()) == 1
    assert await world.attempts() == [None]


async def test_a_cancelled_one_is_taken_away(world: World) -> None:
    id_ = await world.ask()
    await world.look()
    await world.tell("placed")
    state = await world.database.fetchval("cancel_callback", id_, "ann")
    assert state == "queued"
    hung_up = asyncio.Event()

    async def hangup(session: Session, action: dict[str, str]) -> None:
        hung_up.set()
        await session.answer(action, ("Response", "Success"))

    world.peer.answers["Hangup"] = hangup
    await world.look()
    assert hung_up.is_set()
    world.passes(5)
    await ends(world)
    row = await world.state()
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled by ann")
    assert await world.attempts() == ["withdrawn"]


async def test_who_is_being_called_can_not_be_cancelled(world: World) -> None:
    id_ = await world.ask()
    await world.look()
    await world.tell("placed", "dial")
    assert await world.database.fetchval("cancel_callback", id_, "ann") is None


async def test_who_is_being_called_is_not_taken_away_before_that_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step was told, and is on its way to Postgres when the leader looks."""
    id_ = await world.ask()
    await world.look()
    await world.tell("placed")
    await world.database.fetchval("cancel_callback", id_, "ann")
    stored: list[str] = []

    async def caught_up() -> None:
        if not stored:
            stored.append("dial")
            await world.tell("placed", "dial")

    monkeypatch.setattr(world.writer, "caught_up", caught_up)
    await world.look()
    assert stored == ["dial"]
    assert world.peer.asked("Hangup") == []


async def test_it_is_given_up_in_time(world: World) -> None:
    await world.ask(minutes=24 * 60 + 1)
    await world.look()
    assert (await world.state())["state"] == "expired"
    assert world.originated() == []
