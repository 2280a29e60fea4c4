"""What is set reaches Asterisk, and by the leader alone: a real Postgres, a scripted Asterisk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pbx.ami_peer import DEADLINE, Peer, Session, linked, until

from ccmiddleware.errors import TemporaryError
from ccmiddleware.queues import keeper as keeper_module
from ccmiddleware.queues import kept as kept_module
from ccmiddleware.queues.keeper import QueueKeeper
from ccmiddleware.store.database import Database

NODE, TERM = "pbx1", 3
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@dataclass
class AstDb:
    """The AstDB of a scripted Asterisk, and the manager actions on it."""

    peer: Peer
    content: dict[str, str] = field(default_factory=dict)
    refuse: str = ""
    silent_after: int = 10**9
    """Writes that are carried out and answered; those after it are carried out and not answered."""
    tree: bool = True

    def __post_init__(self) -> None:
        for name in ("DBPut", "DBDel", "DBGet", "DBGetTree", "DBDelTree"):
            self.peer.answers[name] = self._answer

    @property
    def keys(self) -> dict[str, str]:
        """What it has of queues but for the generation."""
        return {key.removeprefix("ccm-queues/"): value for key, value in self.content.items()
                if key != "ccm-queues/generation"}  # fmt: skip

    @property
    def writes(self) -> list[dict[str, str]]:
        return [
            one for one in self.peer.actions if one["Action"] in ("DBPut", "DBDel", "DBDelTree")
        ]

    async def _answer(self, session: Session, action: dict[str, str]) -> None:
        if self.refuse:
            await session.answer(action, ("Response", "Error"), ("Message", self.refuse))
            return
        name, key = action["Action"], f"{action.get('Family')}/{action.get('Key')}"
        match name:
            case "DBPut":
                self.content[key] = action.get("Val", "")
                if len(self.writes) <= self.silent_after:
                    await session.answer(action, ("Response", "Success"), ("Message", "Updated"))
            case "DBDel" | "DBGet" if key not in self.content:
                message = "Database entry not found"
                await session.answer(action, ("Response", "Error"), ("Message", message))
            case "DBDel":
                del self.content[key]
                await session.answer(action, ("Response", "Success"), ("Message", "Deleted"))
            case "DBDelTree":
                self.content.clear()
                await session.answer(action, ("Response", "Success"), ("Message", "Deleted"))
            case "DBGetTree" if not self.tree:
                message = "Invalid/unknown command: DBGetTree. Use Action: ListCommands to show"
                await session.answer(action, ("Response", "Error"), ("Message", message))
            case _:
                wanted = {key: self.content[key]} if name == "DBGet" else self.content
                await session.answer(action, ("Response", "Success"), ("EventList", "start"))
                id_ = f"ActionID: {action['ActionID']}\r\n"
                for found, value in wanted.items():
                    text = f"Event: {name}Response\r\n{id_}Key: /{found}\r\nVal: {value}\r\n\r\n"
                    await session.send(text.encode())
                end = f"Event: {name}Complete\r\n{id_}EventList: Complete\r\nListItems: 1\r\n\r\n"
                await session.send(end.encode())


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def astdb(peer: Peer) -> AstDb:
    return AstDb(peer)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database on which the node is led in TERM and has the queues support and sales."""
    async with Database(database_url) as database:
        await database.rows("INSERT INTO ccm.node (name) VALUES ($1)", NODE)
        await database.rows(
            "INSERT INTO ccm.leadership (node_id, term) SELECT id, $1 FROM ccm.node", TERM
        )
        await database.rows(
            "INSERT INTO ccm.queue (node_id, name)"
            " SELECT id, q FROM ccm.node, unnest(ARRAY['support', 'sales']) AS q"
        )
        yield database


async def put(database: Database, queue: str = "support", **columns: Any) -> int:
    """An edit: its revision."""
    async with database.transaction() as session:
        id_ = (await session.rows("SELECT id FROM ccm.queue WHERE name = $1", queue))[0][0]
        revision: int = await session.fetchval("begin_queue_edit", id_)
        for column, value in columns.items():
            sql = f"UPDATE ccm.queue_setting SET {column} = $2 WHERE queue_id = $1"  # noqa: S608
            await session.rows(sql, id_, value)
    return revision


async def _no_doubt() -> None:
    """Nothing to wait for."""


@asynccontextmanager
async def keeping(
    peer: Peer,
    database: Database,
    *,
    term: int = TERM,
    certain: Callable[[], Awaitable[None]] = _no_doubt,
    clock: Callable[[], datetime] = lambda: NOON,
    **changes: Any,
) -> AsyncIterator[None]:
    """A keeper at work, in that term."""
    async with linked(peer, **changes) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            keeper = QueueKeeper(NODE, term, database, run.link, certain, clock)
            task = group.create_task(keeper.run(), name="keeper")
            try:
                yield
            finally:
                task.cancel()


async def applied(database: Database, queue: str, revision: int) -> str:
    """The error with which that revision was told; "" when it is in Asterisk."""
    sql = """
        SELECT a.revision, a.error, a.applied_at FROM ccm.queue_applied AS a
        JOIN ccm.queue AS q ON q.id = a.queue_id WHERE q.name = $1
    """
    async with asyncio.timeout(DEADLINE):
        while True:
            found = await database.rows(sql, queue)
            if found and found[0]["revision"] >= revision:
                assert (found[0]["applied_at"] is not None) == (found[0]["error"] == "")
                return str(found[0]["error"])
            await asyncio.sleep(0.02)


async def test_what_is_set_is_written_and_told(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    async with keeping(peer, database):
        revision = await put(database, max_wait_seconds=30, closed_to="queue:sales")
        assert await applied(database, "support", revision) == ""
        assert astdb.keys == {"support/max-wait": "30", "support/closed-to": "queue:sales"}
        before = len(astdb.writes)
        revision = await put(database, max_wait_seconds=None)
        assert await applied(database, "support", revision) == ""
        assert astdb.keys == {"support/closed-to": "queue:sales"}
        assert [one["Action"] for one in astdb.writes[before:]] == ["DBDel", "DBPut"]
        assert astdb.writes[-1]["Key"] == "generation"


async def test_where_nothing_was_ever_set_nothing_is_asked_or_written(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    async with keeping(peer, database):
        await asyncio.sleep(3 * keeper_module.PACE_SECONDS)
    assert not any(action["Action"].startswith("DB") for action in peer.actions)


async def test_a_restarted_daemon_writes_only_what_differs(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await put(database, max_wait_seconds=30)
    revision = await put(database, "sales", max_waiting=5)
    async with keeping(peer, database):
        assert await applied(database, "sales", revision) == ""
    before = len(astdb.writes)
    revision = await put(database, "sales", max_waiting=6)
    async with keeping(peer, database):
        assert await applied(database, "sales", revision) == ""
    written = [(one.get("Family"), one.get("Key"), one.get("Val")) for one in astdb.writes[before:]]
    assert written[:-1] == [("ccm-queues/sales", "max-waiting", "6")]
    assert astdb.keys == {"support/max-wait": "30", "sales/max-waiting": "6"}


async def test_what_was_read_in_part_is_neither_applied_nor_counted_as_read(
    peer: Peer, astdb: AstDb, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres goes away between the two questions, at the beginning of a term."""
    await put(database, max_wait_seconds=30)
    async with keeping(peer, database):
        await until(lambda: astdb.keys.get("support/max-wait") == "30")
    before, fetch, away = dict(astdb.content), database.fetch, [True]

    async def failing(name: str, *arguments: Any) -> Any:
        if name == "queue_paces" and away[0]:
            raise TemporaryError("Postgres is away")
        return await fetch(name, *arguments)

    monkeypatch.setattr(database, "fetch", failing)
    monkeypatch.setattr(keeper_module, "PACE_SECONDS", 0.02)
    await put(database, max_wait_seconds=40)
    async with keeping(peer, database):
        await asyncio.sleep(0.3)  # some looks
        assert astdb.content == before
        away[0] = False
        await until(lambda: astdb.keys.get("support/max-wait") == "40")


async def test_what_is_of_nobody_is_removed(peer: Peer, astdb: AstDb, database: Database) -> None:
    astdb.content["ccm-queues/support/until"] = "1"
    astdb.content["ccm-queues/gone/max-wait"] = "1"
    revision = await put(database, max_wait_seconds=30)
    async with keeping(peer, database):
        assert await applied(database, "support", revision) == ""
    assert astdb.keys == {"support/max-wait": "30"}


async def test_an_asterisk_that_lost_its_database_gets_all_of_it_again(
    peer: Peer, astdb: AstDb, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "CHECK_SECONDS", 0.1)
    revision = await put(database, max_wait_seconds=30)
    async with keeping(peer, database):
        assert await applied(database, "support", revision) == ""
        content = dict(astdb.content)
        astdb.content.clear()  # by hand, while the link is up
        await until(lambda: astdb.content == content)
        await peer.stop()
        astdb.content.clear()  # with a restart
        await peer.start()
        await until(lambda: astdb.content == content)


async def test_an_asterisk_that_can_not_list_is_emptied_once(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    astdb.tree = False
    astdb.content["ccm-queues/gone/max-wait"] = "1"
    revision = await put(database, max_wait_seconds=30)
    for _ in range(2):
        async with keeping(peer, database):
            assert await applied(database, "support", revision) == ""
            revision = await put(database, max_wait_seconds=30)
            assert await applied(database, "support", revision) == ""
    assert astdb.keys == {"support/max-wait": "30"}
    assert len(peer.asked("DBDelTree")) == 1


async def test_an_answer_that_never_came_is_looked_after(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    astdb.silent_after = 1
    await put(database, max_wait_seconds=30, max_waiting=5)
    async with keeping(peer, database, action_timeout=0.2):
        await until(lambda: len(astdb.writes) >= 2)
        astdb.silent_after = 10**9
        assert await applied(database, "support", 1) == ""
    assert astdb.keys == {"support/max-wait": "30", "support/max-waiting": "5"}
    assert "ccm-queues/generation" in astdb.content


async def test_a_refusal_is_told_with_what_is_needed(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    astdb.refuse = "Permission denied"
    revision = await put(database, max_wait_seconds=30)
    async with keeping(peer, database):
        assert "needs write class system" in await applied(database, "support", revision)
        astdb.refuse = ""
        revision = await put(database, max_wait_seconds=31)
        assert await applied(database, "support", revision) == ""


async def test_a_row_that_can_not_be_used_holds_up_no_other(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    revision = await put(database, time_zone="UTC", max_wait_seconds=30)
    async with keeping(peer, database):
        assert await applied(database, "support", revision) == ""
        wrong = await put(database, time_zone="Mars/Olympus", max_wait_seconds=60)
        revision = await put(database, "sales", max_waiting=5)
        assert await applied(database, "sales", revision) == ""
        assert "no time zone" in await applied(database, "support", wrong)
        assert astdb.keys == {"support/max-wait": "30", "sales/max-waiting": "5"}


async def test_who_leads_no_more_writes_nothing(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await put(database, max_wait_seconds=30)
    async with keeping(peer, database, term=TERM - 1):
        await asyncio.sleep(3 * keeper_module.PACE_SECONDS)
    assert astdb.writes == []
    assert await database.rows("SELECT * FROM ccm.queue_applied") == []


async def test_nothing_is_written_while_the_lead_is_in_doubt(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    sure = asyncio.Event()
    doubt_from = 2  # looks: the first round is let through to where it would write
    looks = 0

    async def certain() -> None:
        nonlocal looks
        looks += 1
        if looks >= doubt_from:
            await sure.wait()

    revision = await put(database, max_wait_seconds=30)
    async with keeping(peer, database, certain=certain):
        await until(lambda: looks >= doubt_from)
        await asyncio.sleep(0.2)
        assert astdb.writes == []
        sure.set()
        assert await applied(database, "support", revision) == ""


async def test_the_spans_are_renewed_each_day(peer: Peer, astdb: AstDb, database: Database) -> None:
    now = NOON
    revision = await put(database, weekly=True)
    async with keeping(peer, database, clock=lambda: now):
        assert await applied(database, "support", revision) == ""
        first = int(astdb.keys["support/until"])
        now = NOON.replace(day=28)
        await until(lambda: int(astdb.keys["support/until"]) == first + 86400)


async def test_the_pace_follows_the_answers_while_somebody_waits(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    visits = """
        INSERT INTO ccm.queue_visit (interaction_id, ordinal, version, queue_id, position,
            joined_at, answered_at, left_at, outcome, inferred)
        SELECT gen_random_uuid(), 1, 1, q.id, 1, j, a, a, 'answered', false
        FROM ccm.queue AS q, unnest($1::timestamptz[], $2::timestamptz[]) AS v (j, a)
        WHERE q.name = 'support'
    """
    moments = [(0, 0, 20), (0, 5, 40), (30, 0, 10), (59, 0, 30)]  # minute, second joined, waited
    joined = [NOON.replace(hour=11, minute=minute, second=second) for minute, second, _ in moments]
    answered = [
        one.replace(second=one.second + wait)
        for one, (_, _, wait) in zip(joined, moments, strict=True)
    ]
    await database.rows(visits, joined, answered)
    revision = await put(database, max_estimated_wait_seconds=60)
    async with keeping(peer, database):
        assert await applied(database, "support", revision) == ""
    # 20 s; 25 s after the answer before; 10 s and 30 s after they came.
    assert astdb.keys["support/pace"] == "21"
