"""The migration runner on a real Postgres, with small files of its own and with the product's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store import migrations
from ccmiddleware.store.migrations import MigrationError, migrate, status

Sql = Callable[[str, str], Path]


@pytest.fixture
def sql(tmp_path: Path) -> Sql:
    """Writes a file below a directory sql of the test's own and returns that directory."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return tmp_path

    return write


async def run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close(timeout=30)


async def test_the_products_own_schema_applies_once(empty_database_url: str):
    first = await migrate(empty_database_url)
    assert first.applied[0] == "0001_interactions.sql"
    assert first.repeated[-1] == "roles.sql"
    assert not (await migrate(empty_database_url)).changed
    assert {line.state for line in await status(empty_database_url)} == {"applied"}


async def test_the_state_of_an_empty_database_is_pending(empty_database_url: str):
    found = await status(empty_database_url)
    assert {line.state for line in found} == {"pending"}
    assert found[0].name == "0001_interactions.sql"
    assert await run(empty_database_url, "SELECT FROM pg_namespace WHERE nspname = 'ccm'") == []


async def test_files_are_applied_in_order_and_views_after_them(empty_database_url: str, sql: Sql):
    directory = sql("migrations/0001_first.sql", "CREATE TABLE ccm.t (a integer);")
    sql("migrations/0002_second.sql", "INSERT INTO ccm.t VALUES (1); INSERT INTO ccm.t VALUES (2);")
    sql("views/10_v.sql", "DROP VIEW IF EXISTS ccm.v; CREATE VIEW ccm.v AS SELECT a FROM ccm.t;")
    report = await migrate(empty_database_url, directory=directory)
    assert report.applied == ["0001_first.sql", "0002_second.sql"]
    assert report.repeated == ["views/10_v.sql"]
    sql("views/10_v.sql", "DROP VIEW IF EXISTS ccm.v; CREATE VIEW ccm.v AS SELECT -a FROM ccm.t;")
    assert [line.state for line in await status(empty_database_url, directory=directory)] == [
        "applied",
        "applied",
        "changed",
    ]
    report = await migrate(empty_database_url, directory=directory)
    assert (report.applied, report.repeated) == ([], ["views/10_v.sql"])
    assert [row[0] for row in await run(empty_database_url, "TABLE ccm.v")] == [-1, -2]
    # A migration may drop a view that is in its way; it is there again afterwards.
    sql("migrations/0003_third.sql", "DROP VIEW ccm.v; ALTER TABLE ccm.t ALTER a TYPE bigint;")
    report = await migrate(empty_database_url, directory=directory)
    assert (report.applied, report.repeated) == (["0003_third.sql"], ["views/10_v.sql"])
    assert len(await run(empty_database_url, "TABLE ccm.v")) == 2


async def test_a_mistake_is_told_with_its_place_and_leaves_nothing(
    empty_database_url: str, sql: Sql
):
    directory = sql(
        "migrations/0001_wrong.sql",
        "CREATE TABLE ccm.kept (a integer);\n"
        "-- Übergröße\nSELECT 1,\n    no_such_column FROM ccm.kept;\n",
    )
    with pytest.raises(MigrationError, match=r'0001_wrong\.sql:4:5: column "no_such_column"'):
        await migrate(empty_database_url, directory=directory)
    assert await run(empty_database_url, "SELECT FROM pg_class WHERE relname = 'kept'") == []
    assert [line.state for line in await status(empty_database_url, directory=directory)] == [
        "pending"
    ]


async def test_a_mistake_in_a_view_keeps_the_old_views(empty_database_url: str, sql: Sql):
    directory = sql("migrations/0001_first.sql", "CREATE TABLE ccm.t (a integer);")
    sql("views/10_v.sql", "CREATE OR REPLACE VIEW ccm.v AS SELECT a FROM ccm.t;")
    sql("views/20_w.sql", "CREATE OR REPLACE VIEW ccm.w AS SELECT a FROM ccm.t;")
    await migrate(empty_database_url, directory=directory)
    sql("views/10_v.sql", "DROP VIEW ccm.v; CREATE VIEW ccm.v AS SELECT a, 1 AS b FROM ccm.t;")
    sql("views/20_w.sql", "CREATE OR REPLACE VIEW ccm.w AS SELECT b FROM ccm.t;")
    with pytest.raises(MigrationError, match=r"views/20_w\.sql:1:40"):
        await migrate(empty_database_url, directory=directory)
    columns = "SELECT FROM information_schema.columns WHERE table_name = 'v'"
    assert len(await run(empty_database_url, columns)) == 1


async def test_an_edited_file_is_refused(empty_database_url: str, sql: Sql):
    directory = sql("migrations/0001_first.sql", "CREATE TABLE ccm.t (a integer);")
    await migrate(empty_database_url, directory=directory)
    sql("migrations/0001_first.sql", "CREATE TABLE ccm.t (a bigint);")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was edited after it was applied"):
        await migrate(empty_database_url, directory=directory)


async def test_a_newer_database_is_refused(empty_database_url: str, sql: Sql):
    directory = sql("migrations/0001_first.sql", "SELECT 1;")
    second = sql("migrations/0002_second.sql", "SELECT 2;") / "migrations" / "0002_second.sql"
    await migrate(empty_database_url, directory=directory)
    second.unlink()
    with pytest.raises(MigrationError, match=r"newer than this program.*0002_second\.sql"):
        await migrate(empty_database_url, directory=directory)
    states = {
        line.name: line.state for line in await status(empty_database_url, directory=directory)
    }
    assert states == {"0001_first.sql": "applied", "0002_second.sql": "unknown"}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["0001_a.sql", "0003_c.sql"], "no migration 0002, but 0003_c.sql"),
        (["0002_b.sql"], "no migration 0001, but 0002_b.sql"),
        (["0001_a.sql", "0001_b.sql"], "two migrations have the number 0001: 0001_b.sql"),
        (["0001_a.sql", "2_b.sql"], "2_b.sql: migrations are named like"),
        ([], "no migrations in"),
    ],
)
def test_gaps_doubles_and_odd_names_are_refused(
    tmp_path: Path, sql: Sql, names: list[str], problem: str
):
    for name in names:
        sql(f"migrations/{name}", "SELECT 1;")
    with pytest.raises(MigrationError, match=problem):
        migrations.read_migrations(tmp_path)


async def test_two_runs_at_once_apply_everything_once(empty_database_url: str, sql: Sql):
    directory = sql("migrations/0001_slow.sql", "CREATE TABLE ccm.t (); SELECT pg_sleep(0.3);")
    reports = await asyncio.gather(
        *(migrate(empty_database_url, directory=directory) for _ in range(3))
    )
    assert sorted(report.applied for report in reports) == [[], [], ["0001_slow.sql"]]


async def test_a_run_that_does_not_end_is_not_waited_for_for_ever(
    empty_database_url: str, sql: Sql
):
    directory = sql("migrations/0001_first.sql", "SELECT 1;")
    holder = await asyncpg.connect(empty_database_url, timeout=30)
    await holder.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)
    with pytest.raises(TemporaryError, match="another migration"):
        await migrate(empty_database_url, directory=directory, lock_timeout=0.2)
    await holder.close(timeout=30)


async def test_an_index_is_made_concurrently_while_another_run_waits(
    empty_database_url: str, sql: Sql
):
    directory = sql("migrations/0001_first.sql", "CREATE TABLE ccm.t (a integer);")
    sql(
        "migrations/0002_index.sql",
        "-- ccm: no-transaction\nCREATE INDEX CONCURRENTLY i ON ccm.t (a);",
    )
    async with asyncio.timeout(60):
        await asyncio.gather(*(migrate(empty_database_url, directory=directory) for _ in range(3)))
    found = await run(
        empty_database_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ccm.i'::regclass"
    )
    assert found[0][0] is True


async def test_two_statements_without_a_transaction_are_refused(empty_database_url: str, sql: Sql):
    directory = sql(
        "migrations/0001_two.sql",
        "-- ccm: no-transaction\n"
        "CREATE TABLE ccm.t (a int); CREATE INDEX CONCURRENTLY i ON ccm.t (a);",
    )
    with pytest.raises(MigrationError, match=r"0001_two\.sql.*25001"):
        await migrate(empty_database_url, directory=directory)


async def test_an_old_postgres_is_refused(empty_database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "OLDEST_POSTGRES", 99)
    with pytest.raises(PermanentError, match="PostgreSQL 99 or newer is needed, and this is"):
        await migrate(empty_database_url)


async def test_nobody_there_is_temporary_and_a_wrong_address_is_not():
    with pytest.raises(TemporaryError, match="can't be reached"):
        await migrate("postgresql://ccm:geheim@127.0.0.1:1/ccm")
    with pytest.raises(PermanentError, match="address of the database") as refused:
        await migrate("mysql://ccm:geheim@127.0.0.1:1/ccm")
    assert "geheim" not in str(refused.value)
