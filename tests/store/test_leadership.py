"""Who leads a node: the lock and the term on a real Postgres, won, kept, lost, frozen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from ccmiddleware.store import leadership as module
from ccmiddleware.store.border import DatabaseAway
from ccmiddleware.store.database import Database
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.leadership import Leadership, identity
from ccmiddleware.store.migrations import migrate

A, B = "pbx1", "pbx2"
DEADLINE = 30.0


class Member:
    """One daemon as far as leading goes."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        url: str,
        *,
        daemon: UUID | None = None,
        nodes: tuple[str, ...] = (A,),
    ) -> None:
        self.lead = Leadership(url, nodes, daemon or uuid4(), lambda: (7, 700))
        self._group = group
        self.start()

    def start(self) -> None:
        self._task = self._group.create_task(self.lead.run(), name="leadership")

    def reach(self) -> asyncio.Task[int | None]:
        """Reach for the lead, beside the test."""
        return self._group.create_task(won(self), name="reach")

    async def freeze(self) -> None:
        """It does nothing any more, and its connection stays as it is."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def end(self) -> None:
        """Its process is gone: no farewell, the connection is cut."""
        await self.freeze()
        if self.lead._connection is not None:
            self.lead._connection.terminate()

    async def stop(self) -> None:
        await self.lead.resign()
        await self.freeze()
        await self.lead.close()


async def won(member: Member, node: str = A) -> int | None:
    async with asyncio.timeout(DEADLINE):
        return await member.lead.won(node)


async def lost(member: Member, term: int, node: str = A) -> None:
    async with asyncio.timeout(DEADLINE):
        await member.lead.lost(node, term)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - states set no events
            await asyncio.sleep(0.02)


@asynccontextmanager
async def members(url: str, number: int, **more: Any) -> AsyncIterator[list[Member]]:
    """Daemons that are gone at the end."""
    async with asyncio.TaskGroup() as group:
        made = [Member(group, url, **more) for _ in range(number)]
        try:
            yield made
        finally:
            for member in made:
                await member.end()


async def ask(url: str, sql: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(url, timeout=DEADLINE)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close(timeout=DEADLINE)


async def cut(url: str) -> None:
    """Postgres ends the connections that hold leads."""
    await ask(
        url,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'ccmiddleware leadership' AND datname = current_database()",
    )


async def test_one_wins_and_the_other_knows_who(database_url: str) -> None:
    async with members(database_url, 2) as (one, two):
        assert await won(one) == 1
        await until(lambda: A in two.lead.standings and bool(two.lead.standings[A].leader))
        await until(lambda: two.lead.standings[A] == one.lead.standings[A])
        async with asyncio.timeout(DEADLINE):
            await two.lead.decided()
        waiting = two.reach()
        await asyncio.sleep(3 * module.PACE_SECONDS)
        assert not waiting.done()
        await one.end()
        assert await waiting == 2
        await until(lambda: two.lead.standings[A].leader != "")
    assert await ask(database_url, "SELECT term FROM ccm.leadership") == 2
    assert await ask(database_url, "SELECT max(journal_facts) FROM ccm.daemon") == 7


async def test_nobody_reaches_for_what_nobody_wants_here(database_url: str) -> None:
    async with members(database_url, 1, nodes=(A, B)) as (one,):
        assert await won(one, B) == 1
        await until(lambda: set(one.lead.standings) == {A, B})
        assert one.lead.terms == {B: 1}
        assert one.lead.standings[A].leader == ""


async def test_each_node_has_its_own_lead(database_url: str) -> None:
    async with members(database_url, 2, nodes=(A, B)) as (one, two):
        assert await won(one, A) == 1
        assert await won(two, B) == 1
        await until(lambda: bool(one.lead.standings[B].leader and two.lead.standings[A].leader))
        await one.end()
        assert await won(two, A) == 2
        assert two.lead.terms == {A: 2, B: 1}


async def test_a_lead_that_is_given_up_in_order_passes_at_once(database_url: str) -> None:
    async with members(database_url, 2) as (one, two):
        term = await won(one)
        waiting = two.reach()
        await one.lead.resign()
        await lost(one, 1)
        assert await one.lead.won(A) is None
        await asyncio.sleep(3 * module.PACE_SECONDS)
        assert not waiting.done()  # what was followed is not written yet
        await one.stop()
        assert await waiting == 2
        assert term == 1
        sql = "SELECT count(*) FROM ccm.daemon WHERE stopped_at IS NOT NULL"
        assert await ask(database_url, sql) == 1


async def test_a_leader_whose_connection_breaks_keeps_its_term(database_url: str) -> None:
    async with members(database_url, 1) as (one,):
        assert await won(one) == 1
        for _ in range(3):
            before = one.lead._connection
            await cut(database_url)
            await until(lambda: one.lead._connection not in (before, None))  # noqa: B023
            await until(lambda: one.lead._locked == {A})
        assert one.lead.terms == {A: 1}
    assert await ask(database_url, "SELECT term FROM ccm.leadership") == 1


async def test_a_leader_that_finds_a_later_term_stands_back(database_url: str) -> None:
    async with members(database_url, 1) as (one,):
        assert await won(one) == 1
        other = await asyncpg.connect(database_url, timeout=DEADLINE)
        try:
            # Another one was quicker after the connection broke.
            await one.end()
            # Postgres takes a moment to see that the connection is gone.
            await other.execute(
                "SELECT pg_advisory_lock(1667460354, number) FROM ccm.leadership", timeout=DEADLINE
            )
            await other.execute("UPDATE ccm.leadership SET term = 2, daemon_id = NULL")
            one.start()
            await lost(one, 1)
            assert one.lead.terms == {}
        finally:
            await other.close(timeout=DEADLINE)


async def test_a_leader_that_is_frozen_loses_the_lead_and_doubts(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FROZEN_SECONDS", 1.0)
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0.7)
    monkeypatch.setattr(module, "PACE_SECONDS", 0.1)
    async with members(database_url, 2) as (one, two):
        assert await won(one) == 1
        await one.freeze()
        assert await won(two) == 2
        assert one.lead.leads(A, 1)  # as far as it knows
        async with asyncio.TaskGroup() as group:
            doubting = group.create_task(one.lead.certain(), name="doubting")
            leading = group.create_task(one.lead.certain_in(A, 1), name="leading")
            await asyncio.sleep(0.2)
            assert not doubting.done()
            one.start()
            async with asyncio.timeout(DEADLINE):
                await doubting
                await one.lead.lost(A, 1)
                # Nothing is in doubt any more, and nothing may be done in that term.
                for _ in range(3):
                    await one.lead.certain()
                    await asyncio.sleep(0.1)
            assert not leading.done()
            leading.cancel()
            async with asyncio.timeout(DEADLINE):
                await two.lead.certain_in(A, 2)
        assert not one.lead.leads(A, 1)


async def test_a_postgres_that_hangs_makes_nobody_doubt(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0.5)
    monkeypatch.setattr(module, "PACE_SECONDS", 0.1)
    async with members(server.url, 1) as (one,):
        assert await won(one) == 1
        looking, go_on = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            looking.set()
            await go_on.wait()

        monkeypatch.setattr(one.lead, "_round", hang)
        async with asyncio.timeout(DEADLINE):
            await looking.wait()
            for _ in range(10):
                await asyncio.sleep(0.1)
                with capture_logs() as logged:
                    await one.lead.certain()
                assert logged == []
        go_on.set()


async def test_a_batch_that_is_being_written_is_waited_for(database_url: str) -> None:
    async with Database(database_url) as database, members(database_url, 1) as (one,):
        await until(lambda: A in one.lead.standings)
        async with database.transaction() as batch:
            assert [tuple(row) for row in await batch.fetch("fence", [A])] == [(A, 0)]
            waiting = one.reach()
            await asyncio.sleep(3 * module.PACE_SECONDS)
            assert not waiting.done()
        assert await waiting == 1
        async with database.transaction() as batch:
            assert [tuple(row) for row in await batch.fetch("fence", [A])] == [(A, 1)]


async def test_a_frozen_batch_holds_nobody_up_for_long(database_url: str) -> None:
    async def frozen(database: Database, one: Member) -> None:
        async with database.transaction() as batch:
            await batch.fetch("fence", [A])
            assert await won(one) == 1
            await batch.fetch("fence", [A])

    async with (
        Database(database_url, idle_timeout=0.5) as database,
        members(database_url, 1) as (one,),
    ):
        await until(lambda: A in one.lead.standings)
        with pytest.raises(DatabaseAway):
            await frozen(database, one)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    await made.start()
    await migrate(made.url)
    yield made
    await made.stop()


async def test_after_an_outage_the_same_one_leads_on(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with members(server.url, 2) as (one, two):
        assert await won(one) == 1
        waiting = two.reach()
        await until(lambda: A in two.lead.standings)
        # The one that led comes back a second later than the other.
        await server.stop()
        await until(lambda: one.lead.trouble is not None and two.lead.trouble is not None)
        assert one.lead.leads(A, 1)
        async with asyncio.timeout(DEADLINE):
            await one.lead.certain()  # nobody can lead instead
        back = one.lead._connect

        async def late() -> asyncpg.Connection:
            await asyncio.sleep(1.0)
            return await back()

        monkeypatch.setattr(one.lead, "_connect", late)
        await server.start()
        await until(lambda: two.lead.trouble is None)
        await until(lambda: one.lead._locked == {A})
        await asyncio.sleep(module.GRACE_SECONDS + 2 * module.PACE_SECONDS)
        assert (one.lead.terms, two.lead.terms) == ({A: 1}, {})
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_after_an_outage_another_leads_when_the_leader_does_not_come_back(
    server: EmbeddedPostgres,
) -> None:
    async with members(server.url, 2) as (one, two):
        assert await won(one) == 1
        waiting = two.reach()
        await until(lambda: A in two.lead.standings)
        await server.stop()
        await until(lambda: two.lead.trouble is not None)
        await one.end()
        loop = asyncio.get_running_loop()
        await server.start()
        began = loop.time()
        assert await waiting == 2
        assert loop.time() - began > module.GRACE_SECONDS - 1


async def test_a_daemon_that_comes_back_is_not_patient_with_itself(
    server: EmbeddedPostgres,
) -> None:
    mine = uuid4()
    async with members(server.url, 1, daemon=mine) as (one,):
        assert await won(one) == 1
    await server.stop()
    await server.start()
    loop = asyncio.get_running_loop()
    async with members(server.url, 1, daemon=mine) as (one,):
        began = loop.time()
        assert await won(one) == 2
        assert loop.time() - began < module.GRACE_SECONDS


def test_a_daemon_is_known_by_its_state_directory(tmp_path: Path) -> None:
    first = identity(tmp_path / "one")
    assert identity(tmp_path / "one") == first
    assert identity(tmp_path / "two") != first
    (tmp_path / "one" / module.IDENTITY_FILE).write_text("")
    made = identity(tmp_path / "one")
    assert identity(tmp_path / "one") == made != first


async def test_a_database_without_the_schema_is_not_led(empty_database_url: str) -> None:
    async with members(empty_database_url, 1) as (one,):
        await until(lambda: one.lead.trouble is not None)
        assert "does not exist" in str(one.lead.trouble)
        assert one.lead.terms == {}
