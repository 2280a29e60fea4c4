"""Commands are carried out once and by the leader alone: a real Postgres, a scripted Asterisk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from pbx.ami_peer import DEADLINE, Peer, Session, linked

from ccmiddleware.agents.carrying_out import agent_handlers
from ccmiddleware.commander import Commander
from ccmiddleware.store.database import Database

NODE, TERM = "pbx1", 3
PAUSE = {"interface": "PJSIP/1001", "queues": [], "reason": "lunch"}


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database on which the node is led in TERM."""
    async with Database(database_url) as database:
        await database.rows("INSERT INTO ccm.node (name) VALUES ($1)", NODE)
        await database.rows(
            "INSERT INTO ccm.leadership (node_id, term) SELECT id, $1 FROM ccm.node", TERM
        )
        yield database


async def _no_doubt() -> None:
    """Nothing to wait for."""


@asynccontextmanager
async def commanding(
    peer: Peer,
    database: Database,
    *,
    term: int = TERM,
    certain: Callable[[], Awaitable[None]] = _no_doubt,
    **changes: Any,
) -> AsyncIterator[None]:
    """A commander at work, in that term."""
    async with linked(peer, **changes) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            commander = Commander(NODE, term, database, run.link, certain, agent_handlers(run.link))
            task = group.create_task(commander.run(), name="commander")
            try:
                yield
            finally:
                task.cancel()


async def issue(
    database: Database,
    kind: str = "agent_pause",
    arguments: Any = None,
    *,
    lives: float = 30.0,
) -> UUID:
    id_: UUID = await database.fetchval(
        "issue_command", NODE, kind, PAUSE if arguments is None else arguments, "tester", lives
    )
    return id_


async def state(database: Database, id_: UUID, *wanted: str) -> tuple[str, str]:
    """State and result, once it is one of those."""
    async with asyncio.timeout(DEADLINE):
        while True:
            row = await database.fetchrow("show_command", id_)
            assert row is not None
            if row["state"] in wanted:
                return row["state"], row["result"]
            await asyncio.sleep(0.02)


def saying(*headers: tuple[str, object]) -> Callable[[Session, dict[str, str]], Awaitable[None]]:
    async def answer(session: Session, action: dict[str, str]) -> None:
        await session.answer(action, *headers)

    return answer


OVER = ("done", "refused", "expired", "unknown")


async def test_a_command_is_sent_once_and_its_answer_kept(peer: Peer, database: Database) -> None:
    said = "Interface paused successfully"
    peer.answers["QueuePause"] = saying(("Response", "Success"), ("Message", said))
    async with commanding(peer, database):
        id_ = await issue(database)
        assert await state(database, id_, *OVER) == ("done", f"all its queues: {said}")
    (action,) = peer.asked("QueuePause")
    del action["ActionID"]
    assert action == {
        "Action": "QueuePause",
        "Interface": "PJSIP/1001",
        "Paused": "true",
        "Reason": "lunch",
    }


async def test_two_daemons_never_both_send(peer: Peer, database: Database) -> None:
    """Both believe to lead in the same term, which the leadership excludes; so do the rows."""
    ids = [await issue(database) for _ in range(20)]
    async with commanding(peer, database), commanding(peer, database):
        for id_ in ids:
            await state(database, id_, "done")
    assert len(peer.asked("QueuePause")) == len(ids)


async def test_who_leads_no_more_takes_nothing(peer: Peer, database: Database) -> None:
    async with commanding(peer, database, term=TERM - 1):
        id_ = await issue(database, lives=1.5)
        await asyncio.sleep(1.0)  # two looks
        assert (await state(database, id_, "waiting", *OVER))[0] == "waiting"
    assert peer.asked("QueuePause") == []


REFUSALS: Sequence[tuple[str, dict[str, Any], str, str, str]] = (
    (
        "agent_login",
        {"interface": "PJSIP/1001", "queues": {"support": 0}},
        "Unable to add interface: Already there",
        "done",
        "it was so already",
    ),
    (
        "agent_login",
        {"interface": "PJSIP/1001", "queues": {"nowhere": 0}},
        "Unable to add interface to queue: No such queue",
        "refused",
        "queue nowhere: Unable to add interface to queue: No such queue",
    ),
    (
        "agent_logout",
        {"interface": "PJSIP/1001", "queues": ["support"]},
        "Unable to remove interface: Not there",
        "done",
        "it was so already",
    ),
    ("agent_pause", PAUSE, "Permission denied", "refused", "needs write class agent"),
)


@pytest.mark.parametrize(("kind", "arguments", "message", "wanted", "words"), REFUSALS)
async def test_refusals(
    peer: Peer,
    database: Database,
    kind: str,
    arguments: dict[str, Any],
    message: str,
    wanted: str,
    words: str,
) -> None:
    for action in ("QueueAdd", "QueueRemove", "QueuePause"):
        peer.answers[action] = saying(("Response", "Error"), ("Message", message))
    async with commanding(peer, database):
        id_ = await issue(database, kind, arguments)
        found, result = await state(database, id_, *OVER)
    assert found == wanted
    assert words in result


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("core_stop", {}),
        ("agent_pause", 5),
        ("agent_pause", ["interface"]),
        ("agent_pause", {"interface": "PJSIP/1001\r\nAction: Command", "queues": []}),
        ("agent_pause", {"interface": "PJSIP/1001", "reason": "a\r\nb"}),
    ],
)
async def test_what_is_no_command_is_never_sent(
    peer: Peer, database: Database, kind: str, arguments: Any
) -> None:
    async with commanding(peer, database):
        id_ = await issue(database, kind, arguments)
        assert (await state(database, id_, *OVER))[0] == "refused"
    assert {action["Action"] for action in peer.actions} <= {"Challenge", "Login", "Logoff"}


async def test_an_answer_that_never_comes_is_unknown_and_not_asked_again(
    peer: Peer, database: Database
) -> None:
    async def silence(session: Session, action: dict[str, str]) -> None:
        """Nothing."""

    peer.answers["QueuePause"] = silence
    async with commanding(peer, database, action_timeout=0.3):
        id_ = await issue(database)
        found, result = await state(database, id_, *OVER)
        assert found == "unknown"
        assert "no answer came" in result
        other = await issue(database, "agent_login", {"interface": "PJSIP/1", "queues": {"a": 0}})
        await state(database, other, "done")
    assert len(peer.asked("QueuePause")) == 1


async def test_what_a_killed_leader_had_taken_is_unknown_to_the_next(
    peer: Peer, database: Database
) -> None:
    id_ = await issue(database)
    row = await database.fetchrow("take_command", NODE, TERM)  # and then it is killed
    assert row is not None
    await database.rows("UPDATE ccm.leadership SET term = $1", TERM + 1)
    async with commanding(peer, database, term=TERM + 1):
        found, result = await state(database, id_, *OVER)
        assert found == "unknown"
        assert "ended before it could say" in result
    assert peer.asked("QueuePause") == []


async def test_a_command_waits_for_the_link_and_expires_without_it(
    peer: Peer, database: Database
) -> None:
    async with commanding(peer, database):
        await peer.stop()
        id_ = await issue(database, lives=0.2)
        assert (await state(database, id_, *OVER))[0] == "expired"
        waiting = await issue(database)
        await peer.start()
        assert (await state(database, waiting, *OVER))[0] == "done"
    assert len(peer.asked("QueuePause")) == 1


async def test_nothing_is_sent_while_the_lead_is_in_doubt(peer: Peer, database: Database) -> None:
    sure = asyncio.Event()

    async def certain() -> None:
        await sure.wait()

    async with commanding(peer, database, certain=certain):
        id_ = await issue(database)
        await state(database, id_, "taken")
        await asyncio.sleep(0.2)
        assert peer.asked("QueuePause") == []
        sure.set()
        assert (await state(database, id_, *OVER))[0] == "done"


async def test_a_command_that_lasts_holds_nobody_up(peer: Peer, database: Database) -> None:
    goes_on = asyncio.Event()

    async def rings(arguments: Any) -> tuple[Any, str]:
        await goes_on.wait()
        return "done", "answered"

    async with linked(peer) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            commander = Commander(
                NODE, TERM, database, run.link, _no_doubt,
                {**agent_handlers(run.link), "ring": rings}, lasting={"ring"},
            )  # fmt: skip
            task = group.create_task(commander.run(), name="commander")
            first = await issue(database, "ring", {})
            second = await issue(database)
            assert (await state(database, second, "done"))[0] == "done"
            assert (await state(database, first, "taken"))[0] == "taken"
            goes_on.set()
            assert await state(database, first, "done") == ("done", "answered")
            # One that is cut off with the daemon stays as taken, for the next leader to settle.
            goes_on.clear()
            third = await issue(database, "ring", {})
            await state(database, third, "taken")
            task.cancel()
    assert (await state(database, third, "taken"))[0] == "taken"
