"""What holds for every report view: comments, names, rights, applying them again and again."""

import re
from pathlib import Path

import asyncpg
import pytest
from pasted_facts import given

VIEWS = Path(__file__).parents[2] / "sql" / "views"
NAMES = {
    "interaction", "queue_interval", "agent_day", "agent_state", "recording",
    "queue_now", "agent_now", "coverage", "queue_log_stay", "reconcile_queue_log",
    "queue_log_difference", "interaction_timeline", "queue_turned_away", "supervision",
    "callback", "outbox", "journey", "email", "email_queue_interval", "email_agent_day",
    "campaign", "lead_funnel", "dnc", "attempt", "campaign_day", "drop_ledger",
    "lead_callback", "opt_out",
    "agent_campaign_day", "campaign_interval", "detection_day", "dialer_decision",
    "predictive_gain",
}  # fmt: skip

EXPECTED_NUMBERS = {
    "detection_day.estimated_false_positives", "campaign_day.estimated_false_positives",
    "drop_ledger.estimated_false_positives",
    "drop_ledger.period_live", "drop_ledger.period_drops",
    *(f"dialer_decision.{name}" for name in ("answers_soon", "free_soon", "drops_left")),
}  # fmt: skip
"""What is expected of a number of things is no whole number."""


async def apply(db: asyncpg.Connection) -> None:
    """As the migrations do: all files, in the order of their names, in one transaction."""
    async with db.transaction():
        for file in sorted(VIEWS.glob("*.sql")):
            await db.execute(file.read_text(encoding="utf-8"))


async def columns(db: asyncpg.Connection) -> list[asyncpg.Record]:
    return await db.fetch(
        "SELECT c.relname AS view, a.attname AS name, col_description(c.oid, a.attnum) AS comment,"
        " obj_description(c.oid, 'pg_class') AS about"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'report'::regnamespace AND c.relkind = 'v' AND a.attnum > 0"
    )


async def test_every_view_and_column_has_a_comment(db: asyncpg.Connection) -> None:
    found = await columns(db)
    assert {row["view"] for row in found} == NAMES
    assert [f"{row['view']}.{row['name']}" for row in found if not row["comment"]] == []
    assert [row["view"] for row in found if not row["about"]] == []


async def test_every_function_has_a_comment(db: asyncpg.Connection) -> None:
    silent = await db.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'report'::regnamespace"
        " AND obj_description(oid, 'pg_proc') IS NULL"
    )
    assert silent == []


async def test_no_column_is_ambiguous_about_the_service_level(db: asyncpg.Connection) -> None:
    names = {row["name"] for row in await columns(db)}
    assert not names & {"service_level", "service_level_rate", "asa", "aht"}


async def test_rates_and_seconds_say_so_in_their_names(db: asyncpg.Connection) -> None:
    kinds = await db.fetch(
        "SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'report'"
        " AND data_type IN ('numeric', 'double precision', 'interval')"
    )
    assert kinds
    assert [row["name"] for row in kinds if row["data_type"] != "numeric"] == []
    assert {
        row["name"] for row in kinds if not re.search(r"(_rate|seconds)$", row["name"])
    } == EXPECTED_NUMBERS


async def test_all_our_views_are_dropped_before_they_are_made(db: asyncpg.Connection) -> None:
    listed = re.search(r"ours +text\[\] := ARRAY\[([^]]*)\]", (VIEWS / "00_begin.sql").read_text())
    assert listed is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == NAMES


async def test_applying_again_changes_nothing(db: asyncpg.Connection) -> None:
    async def definitions() -> list[asyncpg.Record]:
        return await db.fetch(
            "SELECT viewname, definition FROM pg_views WHERE schemaname = 'report' ORDER BY 1"
        )

    before, comments = await definitions(), await columns(db)
    await apply(db)
    await apply(db)
    assert await definitions() == before
    assert sorted(map(str, await columns(db))) == sorted(map(str, comments))


async def test_columns_of_an_older_version_are_replaced(db: asyncpg.Connection) -> None:
    await db.execute(
        "DROP VIEW report.agent_now; CREATE VIEW report.agent_now AS SELECT 1 AS agent"
    )
    await db.execute("CREATE OR REPLACE VIEW report.queue_now AS TABLE report.queue_now")
    await apply(db)
    names = [row["name"] for row in await columns(db) if row["view"] == "agent_now"]
    assert {"node", "agent", "state", "since"} <= set(names)


async def test_views_that_others_built_on_ours_stay(db: asyncpg.Connection) -> None:
    await db.execute(
        "CREATE VIEW public.mine AS SELECT queue, offered FROM report.queue_interval;"
        "CREATE VIEW report.of_an_analyst AS SELECT agent FROM report.agent_now"
    )
    await apply(db)
    assert await db.fetch("SELECT * FROM public.mine, report.of_an_analyst") == []


async def test_columns_that_others_use_are_not_taken_from_them(db: asyncpg.Connection) -> None:
    await db.execute(
        "DROP VIEW report.agent_now; CREATE VIEW report.agent_now AS SELECT 1 AS gone;"
        "CREATE VIEW public.mine AS SELECT gone FROM report.agent_now"
    )
    with pytest.raises(asyncpg.InvalidTableDefinitionError, match="gone"):
        await apply(db)
    assert await db.fetchval("SELECT gone FROM public.mine") == 1


async def test_analysts_may_read_the_views_and_nothing_else(db: asyncpg.Connection) -> None:
    await given(db, "visit | queue | joined\na | sales | 09:00:00")
    await db.execute("SET ROLE ccm_report")
    for name in sorted(NAMES):
        await db.fetch(f"SELECT * FROM report.{name}")  # noqa: S608 - names of this module
    assert await db.fetchval("SELECT offered FROM report.queue_interval") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.fetch("SELECT * FROM ccm.interaction")
    with pytest.raises(asyncpg.PostgresError):
        await db.execute("DELETE FROM report.recording")
