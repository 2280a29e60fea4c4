"""The pool: named queries, transactions, and what becomes of errors and of secrets."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import structlog
from pydantic import SecretStr

from ccmiddleware.config import DatabaseSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.store import database as module
from ccmiddleware.store.border import DatabaseAway, Rejected, translated, without_password
from ccmiddleware.store.database import Database, queries
from ccmiddleware.store.embedded import EmbeddedPostgres


def test_every_query_says_what_it_is_for():
    assert len(queries()) > 10
    for query in queries().values():
        assert query.sql.startswith("-- "), query.name
        assert len(query.description) > 20, query.name


async def test_values_come_back_as_they_were(database: Database):
    value = {"a": [1, 2.5, None, True], "text": 'ünï\t"quoted" 🙂'}
    row = (
        await database.rows(
            "SELECT $1::jsonb AS data, $2::uuid AS id, now() AS at", value, UUID(int=7)
        )
    )[0]
    assert row["data"] == value
    assert row["id"] == UUID(int=7)
    assert row["at"].utcoffset().total_seconds() == 0
    assert (await database.rows("SELECT $1::jsonb ->> 'x' AS x", b'{"x": "raw"}'))[0]["x"] == "raw"


async def test_a_connection_works_in_utc_as_the_application_role(database: Database):
    row = await database.rows(
        "SELECT current_user, current_setting('timezone'), current_setting('application_name')"
    )
    assert tuple(row[0]) == ("ccm_app", "UTC", "ccmiddleware")
    # Still so after the connection went back to the pool and was reset there.
    assert (await database.rows("SELECT current_user"))[0][0] == "ccm_app"


async def test_without_the_role_it_stays_who_it_is(database_url: str):
    async with Database(database_url, role="no_such_role") as pool:
        assert (await pool.rows("SELECT current_user"))[0][0] == "ccm"


async def test_a_transaction_is_all_or_nothing(database: Database):
    async def insert_and_fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("apply_nodes", [{"node": "pbx9"}])
            await transaction.rows("SELECT 1 / 0")

    with pytest.raises(Rejected, match="22012"):
        await insert_and_fail()
    assert await database.rows("SELECT FROM ccm.node") == []
    async with database.transaction() as transaction:
        assert await transaction.execute("apply_nodes", [{"node": "a"}, {"node": "b"}]) == 2
    assert len(await database.rows("SELECT FROM ccm.node")) == 2


async def test_an_exception_of_the_caller_rolls_back(database: Database):
    async def insert_and_fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("apply_nodes", [{"node": "pbx9"}])
            raise KeyError("of the caller")

    with pytest.raises(KeyError):
        await insert_and_fail()
    assert await database.rows("SELECT FROM ccm.node") == []


@pytest.mark.parametrize(
    ("statement", "state", "about_data"),
    [
        ("SELECT 1 / 0", "22012", True),
        ("INSERT INTO ccm.node (name) VALUES (NULL)", "23502", True),
        ("SELECT * FROM nowhere", "42P01", False),
        ("TRUNCATE ccm.node", "42501", False),
    ],
)
async def test_what_postgres_refuses_is_rejected_with_its_code(
    database: Database, statement: str, state: str, about_data: bool
):
    with pytest.raises(Rejected) as refused:
        await database.rows(statement)
    assert (refused.value.sqlstate, refused.value.about_data) == (state, about_data)
    assert isinstance(refused.value, PermanentError)


async def test_a_value_of_the_wrong_type_is_rejected(database: Database):
    with pytest.raises(Rejected) as refused:
        await database.rows("SELECT $1::uuid", "no uuid")
    assert refused.value.about_data


async def test_wrong_use_of_the_library_is_a_bug_and_not_an_outage(database: Database):
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        await database.rows("SELECT $1::int")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError(
            "cannot switch to state 11; another operation (2) is in progress"
        ),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.SerializationError("could not serialize access"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.InvalidCachedStatementError("cached plan must not change result type"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        ConnectionRefusedError(111, "Connection refused"),
        OSError(5, "Input/output error"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_may_pass_is_an_outage(error: Exception):
    with pytest.raises(DatabaseAway) as away, translated():
        raise error
    assert isinstance(away.value, TemporaryError)
    assert away.value.__cause__ is error


async def answers(pool: Database, *, until: bool) -> bool:
    """Ask until Postgres answers, or until it does not; whether it answered the last time."""
    for _ in range(3000):
        try:
            found = (await pool.server_version()).startswith("18.")
        except DatabaseAway:
            found = False
        if found is until:
            return found
        await asyncio.sleep(0.01)
    return not until


async def test_it_goes_on_by_itself_after_postgres_was_killed(tmp_path: Path):
    server = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    async with Database(await server.start(), pool_size=2) as pool:
        assert (await pool.server_version()).startswith("18.")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert not await answers(pool, until=False)
        await server.start()
        assert await answers(pool, until=True)
    await server.stop()


async def test_opening_does_not_need_postgres():
    pool = Database("postgresql://ccm:geheim@127.0.0.1:1/ccm")
    await pool.open()
    with pytest.raises(DatabaseAway, match="can't be reached") as away:
        await pool.server_version()
    assert "geheim" not in str(away.value)
    await pool.close()
    with pytest.raises(DatabaseAway, match="closed"):
        await pool.server_version()


async def test_a_statement_that_lasts_too_long_is_given_up(database_url: str):
    async with Database(database_url, command_timeout=0.2) as pool:
        with pytest.raises(DatabaseAway, match="in time"):
            await pool.rows("SELECT pg_sleep(30)")
        assert (await pool.server_version()).startswith("18.")


async def test_cut_off_ends_what_is_going_on_at_once(database_url: str):
    async with Database(database_url) as pool:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            asked = asyncio.Event()

            async def ask() -> None:
                async with pool.session() as session:
                    asked.set()
                    with pytest.raises(DatabaseAway):
                        await session.rows("SELECT pg_sleep(60)")

            tasks.create_task(ask(), name="ask")
            await asked.wait()
            await asyncio.sleep(0.05)
            pool.cut_off()
        with pytest.raises(DatabaseAway):
            await pool.server_version()


async def backend(pool: Database) -> int:
    (row,) = await pool.rows("SELECT pg_backend_pid() AS pid")
    return int(row["pid"])


async def test_a_connection_is_used_again_unless_something_went_wrong_on_it(database_url: str):
    async with Database(database_url, pool_size=2) as pool:
        first = await backend(pool)
        assert await backend(pool) == first
        with pytest.raises(Rejected):
            await pool.rows("SELECT 1 / 0")
        assert await backend(pool) == first  # the pool has looked at it
        task = asyncio.create_task(pool.rows("SELECT pg_sleep(60)"))  # noqa: TID251 - ends here
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Nobody is given one that is still busy with what was cancelled: that would raise.
        await asyncio.gather(*(backend(pool) for _ in range(6)))
        async with pool.transaction() as one:
            await one.rows("SELECT set_config('ccm.seen', 'here', true)")
        (row,) = await pool.rows("SELECT coalesce(current_setting('ccm.seen', true), '') AS seen")
        assert row["seen"] == ""


async def test_all_connections_serve_in_turn_when_many_ask(database_url: str):
    async with Database(database_url, pool_size=2) as pool:
        pids = await asyncio.gather(*(backend(pool) for _ in range(20)))
        assert 1 <= len(set(pids)) <= 2
        assert await backend(pool) in pids


async def test_a_connection_that_was_lost_while_nobody_used_it_is_replaced(database_url: str):
    async with (
        Database(database_url, pool_size=1) as pool,
        Database(database_url, role=None) as other,
    ):
        lost = await backend(pool)
        await other.rows("SELECT pg_terminate_backend($1)", lost)
        async with asyncio.timeout(20):
            while not await answers(pool, until=True):  # noqa: ASYNC110 - asks Postgres each time
                await asyncio.sleep(0.01)
        assert await backend(pool) != lost


async def test_nobody_waits_for_a_connection_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "ACQUIRE_TIMEOUT", 0.1)
    async with Database(database_url, pool_size=1) as pool, pool.session():
        with pytest.raises(DatabaseAway, match="in time"):
            await pool.server_version()


async def test_the_password_comes_from_its_file_and_goes_nowhere(tmp_path: Path, database_url: str):
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    settings = DatabaseSettings(url=SecretStr(database_url), password_file=secret)
    assert module.read_password(settings) == "geheim"
    with structlog.testing.capture_logs() as logs:
        async with Database.from_settings(settings, database_url) as pool:
            assert "geheim" not in repr(pool)
            await pool.server_version()
    assert "geheim" not in repr(logs)


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff\xfe"])
def test_a_password_file_that_holds_none_is_a_mistake(tmp_path: Path, content: str | bytes | None):
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"database\.password_file"):
        module.read_password(DatabaseSettings(password_file=secret))


def test_a_password_in_an_address_is_not_shown():
    shown = without_password("postgresql://ccm:ge:heim@db.example/ccm?x=1")
    assert shown == "postgresql://ccm:***@db.example/ccm?x=1"
    assert without_password("postgresql://ccm@db/ccm") == "postgresql://ccm@db/ccm"
