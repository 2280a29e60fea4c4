"""Postgres killed under load: in the end the rows are those of an undisturbed run."""

import asyncio
import os
import signal
from pathlib import Path

from store_facts import call, contents, people, store, until, writing

from ccmiddleware.facts import AnyFact
from ccmiddleware.store.database import Database
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.migrations import migrate

LOAD: list[AnyFact] = [*people(), *(fact for number in range(150) for fact in call(number))]


async def test_a_killed_postgres_costs_nothing(
    database: Database, journal: Journal, tmp_path: Path
):
    await store(database, journal, LOAD)
    undisturbed = await contents(database)

    server = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    url = await server.start()
    await migrate(url)
    kills = 0
    async with Database(url) as other, writing(other, journal) as writer:
        for first in range(0, len(LOAD), 40):
            writer.write(LOAD[first : first + 40])
            await asyncio.sleep(0.02)
            pid = server.pid
            if first % 800 == 400 and pid is not None:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            elif pid is None and first % 400 == 0:
                await server.start()
        await server.start()
        assert await writer.drained(60)
        assert await contents(other) == undisturbed
    assert kills >= 2
    assert writer.counts.failures > 0
    assert writer.counts.rejected == 0
    await server.stop()


async def test_a_daemon_killed_while_postgres_is_away_loses_nothing(
    database: Database, database_url: str, tmp_path: Path
):
    """The journal of the first daemon is simply left as it is, as after a SIGKILL."""
    nowhere = Database("postgresql://ccm@127.0.0.1:1/ccm")
    first = Journal(tmp_path / "journal")
    first.open()
    async with nowhere, writing(nowhere, first) as writer:
        writer.write(LOAD)
        await until(lambda: writer.trouble is not None)
        assert "can't be reached" in str(writer.trouble)
        assert writer.backlog == len(LOAD)
    first.close()
    second = Journal(tmp_path / "journal")
    second.open()
    assert second.backlog_facts == len(LOAD)
    async with writing(database, second) as writer:
        assert await writer.drained(60)
    assert len((await contents(database))["interaction"]) == 150
    second.close()
