"""What a migrated database is: commented, with rights for two roles, partitioned by month."""

from datetime import UTC, datetime

import asyncpg
import pytest
from store_facts import BEGIN, at, call, contents, people, queue_log, store

from ccmiddleware import ids
from ccmiddleware.store.border import DatabaseAway, Rejected
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.partitions import ensure_partitions

PARTITIONED = {
    "interaction",
    "interaction_event",
    "queue_visit",
    "offer",
    "segment",
    "recording",
    "agent_state",
    "queue_log_row",
}
"""Those that the facts of a call fill."""
ALL_PARTITIONED = PARTITIONED | {"attempt", "permit", "campaign_decision"}


async def rows(url: str, sql: str, role: str | None = None) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        if role is not None:
            await connection.execute(f"SET ROLE {role}")
        return await connection.fetch(sql)
    finally:
        await connection.close(timeout=30)


async def test_every_column_and_every_relation_has_a_comment(database_url: str):
    silent = await rows(
        database_url,
        """
        SELECT c.oid::regclass::text AS relation, a.attname AS column
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace IN ('ccm'::regnamespace, 'report'::regnamespace)
            AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
            AND (coalesce(col_description(c.oid, a.attnum), '') = ''
                OR coalesce(obj_description(c.oid, 'pg_class'), '') = '')
        """,
    )
    assert [tuple(row) for row in silent] == []
    relations = await rows(
        database_url,
        """
        SELECT relname FROM pg_class
        WHERE relnamespace IN ('ccm'::regnamespace, 'report'::regnamespace)
            AND relkind IN ('r', 'p', 'v') AND NOT relispartition
        """,
    )
    assert {row[0] for row in relations} >= ALL_PARTITIONED | {"queue_interval", "agent_day"}


async def test_every_function_has_a_comment(database_url: str):
    silent = await rows(
        database_url,
        """
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace IN ('ccm'::regnamespace, 'report'::regnamespace)
            AND coalesce(obj_description(oid, 'pg_proc'), '') = ''
        """,
    )
    assert [row[0] for row in silent] == []


async def test_constraints_have_names_that_say_what_is_wrong(database_url: str):
    nameless = await rows(
        database_url,
        """
        SELECT conrelid::regclass::text, conname FROM pg_constraint
        WHERE connamespace = 'ccm'::regnamespace AND contype = 'c'
            AND conname ~ '_check[0-9]*$'
        """,
    )
    assert [tuple(row) for row in nameless] == []


async def test_analysts_read_the_reports_and_nothing_else(database_url: str):
    views = await rows(database_url, "SELECT viewname FROM pg_views WHERE schemaname = 'report'")
    assert views
    for view in views:
        statement = f'SELECT * FROM report."{view[0]}" LIMIT 1'  # noqa: S608 - from the catalog
        await rows(database_url, statement, role="ccm_report")
    for statement in (
        "SELECT * FROM ccm.interaction",
        "SELECT * FROM ccm.node",
        "SELECT ccm.ensure_partitions(now(), 1)",
        "CREATE VIEW report.mine AS SELECT 1",
        "CREATE TABLE ccm.mine ()",
        "CREATE TABLE public.mine ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await rows(database_url, statement, role="ccm_report")


async def test_the_daemon_may_not_change_what_it_has_no_business_with(database: Database):
    assert (await database.rows("SELECT current_user"))[0][0] == "ccm_app"
    for statement in (
        "UPDATE ccm.interaction_event SET kind = 'other'",
        "DELETE FROM ccm.interaction_event",
        "DELETE FROM ccm.interaction",
        "TRUNCATE ccm.interaction",
        "UPDATE ccm.rejected_fact SET reason = ''",
        "CREATE TABLE ccm.mine ()",
        "CREATE TABLE report.mine ()",
        "CREATE TABLE public.mine ()",
        "DROP TABLE ccm.interaction_default",
        "CREATE OR REPLACE VIEW report.interaction AS SELECT 1",
        "INSERT INTO ccm.schema_migration (number, name, sha256) VALUES (99, 'x', 'y')",
        "UPDATE ccm.schema_repeatable SET sha256 = ''",
    ):
        with pytest.raises(Rejected, match="42501"):
            await database.rows(statement)


async def test_history_can_not_be_changed_even_by_the_owner(
    database: Database, database_url: str, journal: Journal
):
    await store(database, journal, call(1))
    for statement in (
        "UPDATE ccm.interaction_event SET kind = 'other'",
        "DELETE FROM ccm.interaction_event",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await rows(database_url, statement)


async def partitions(database: Database, parent: str) -> set[str]:
    found = await database.rows(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass",
        f"ccm.{parent}",
    )
    return {row["name"] for row in found}


async def test_partitions_are_made_ahead_once(database: Database):
    new_year = datetime(2031, 12, 15, 12, 0, tzinfo=UTC)
    assert await ensure_partitions(database, new_year) == 4 * len(ALL_PARTITIONED)
    assert await ensure_partitions(database, new_year) == 0
    assert await partitions(database, "segment") >= {
        f"ccm.segment_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")
    }


async def test_rows_lie_in_the_partition_of_their_month(database: Database, journal: Journal):
    await ensure_partitions(database, BEGIN)
    await store(database, journal, [*people(), *call(1), *queue_log()])
    for table in PARTITIONED:
        found = await database.rows(
            f"SELECT DISTINCT tableoid::regclass::text FROM ccm.{table}"  # noqa: S608 - from above
        )
        assert [row[0] for row in found] == [f"ccm.{table}_2026_11"]


async def test_the_bounds_of_a_month_are_those_of_the_ids(database: Database):
    edge = datetime(2031, 3, 1, tzinfo=UTC)
    await ensure_partitions(database, edge)
    bound = (await database.rows("SELECT ccm.uuid7_bound($1)", edge))[0][0]
    first = ids.uuid7_shaped(int(edge.timestamp() * 1000), "a")
    last = ids.uuid7_shaped(int(edge.timestamp() * 1000) - 1, "a")
    assert last < bound <= first


async def test_a_month_whose_rows_lie_in_the_default_partition_is_left_there(
    database: Database, journal: Journal
):
    """A daemon that was stopped for long writes before anybody made the partitions."""
    seconds = (datetime(2033, 5, 5, tzinfo=UTC) - at(0)).total_seconds()
    await store(database, journal, call(int(seconds / 10)))
    before = await contents(database)
    assert await ensure_partitions(database, datetime(2033, 5, 6, tzinfo=UTC)) > 0
    assert "ccm.interaction_2033_05" not in await partitions(database, "interaction")
    assert "ccm.interaction_2033_06" in await partitions(database, "interaction")
    assert await contents(database) == before


async def test_a_long_report_does_not_make_everybody_wait_for_a_partition(database: Database):
    async with database.transaction() as report:
        await report.rows("SELECT count(*) FROM ccm.segment")
        with pytest.raises(DatabaseAway, match="55P03"):
            await ensure_partitions(database, datetime(2034, 5, 6, tzinfo=UTC))
    assert await ensure_partitions(database, datetime(2034, 5, 6, tzinfo=UTC)) > 0


async def test_months_out_of_reason_are_refused(database: Database):
    with pytest.raises(Rejected, match="months must be between 1 and 120"):
        await database.fetchval("ensure_partitions", at(0), 1000)


async def test_uuid7_is_one(database: Database):
    made = [row[0] for row in await database.rows("SELECT ccm.uuid7() FROM generate_series(1, 50)")]
    assert {(value.version, value.variant) for value in made} == {(7, "specified in RFC 4122")}
    assert len(set(made)) == 50
    now = (await database.rows("SELECT extract(epoch FROM now())::float8"))[0][0]
    assert abs((made[0].int >> 80) / 1000 - now) < 60
