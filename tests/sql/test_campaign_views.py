"""report.campaign, lead_funnel and dnc; and the index by which leads are claimed."""

import re
from datetime import UTC, datetime

import asyncpg
import pytest

from ccmiddleware.store.database import queries

CAMPAIGNS = """
INSERT INTO ccm.campaign (name, state, settings, created_by, state_by, started_at) VALUES
    ('spring', 'running',
     '{"mode": "power", "queue": "sales", "node": "pbx1", "profile": "us-ftc"}',
     'ann', 'bob', '2026-11-27 08:00+00'),
    ('summer', 'draft', '{}', 'ann', 'ann', NULL);
INSERT INTO ccm.place (country, zones, states) VALUES
    ('US', '{America/New_York}', '{US-FL}'), ('US', '{America/Chicago}', '{US-IL}');
"""
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LEADS = """
INSERT INTO ccm.lead
    (campaign_id, external_id, place_id, priority, state, last_result, attempts, next_at)
SELECT c.id, n, 1 + n % 2, n % 3,
    CASE WHEN n < 900 THEN 'new' WHEN n < 950 THEN 'ready' WHEN n < 960 THEN 'waiting'
        ELSE 'done' END,
    CASE WHEN n < 900 THEN NULL WHEN n < 960 THEN 'no_answer' ELSE 'connected' END,
    CASE WHEN n < 900 THEN 0 ELSE 2 END,
    timestamptz '2026-11-27 09:00+00' + n * interval '1 second'
FROM generate_series(0, 999) AS n, ccm.campaign AS c
WHERE c.name = 'spring';
ANALYZE ccm.lead;
"""


async def test_campaigns_with_what_is_set(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    rows = await db.fetch("SELECT * FROM report.campaign ORDER BY campaign")
    assert [(row["campaign"], row["state"], row["mode"], row["queue"], row["profile"])
            for row in rows] == [
        ("spring", "running", "power", "sales", "us-ftc"),
        ("summer", "draft", "progressive", None, None),
    ]  # fmt: skip


async def test_how_far_the_leads_are(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    assert await db.fetch("SELECT * FROM report.lead_funnel") == []
    await db.execute(LEADS)
    rows = await db.fetch("SELECT * FROM report.lead_funnel ORDER BY state, last_result")
    assert [(row["state"], row["last_result"], row["leads"], row["attempts"]) for row in rows] == [
        ("done", "connected", 40, 80),
        ("new", None, 900, 0),
        ("ready", "no_answer", 50, 100),
        ("waiting", "no_answer", 10, 20),
    ]
    assert [float(row["lead_rate"]) for row in rows] == [0.04, 0.9, 0.05, 0.01]
    assert rows[0]["first_next_at"] is None
    assert rows[3]["first_next_at"] is not None


async def test_which_entries_hold(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    await db.execute(
        """
        INSERT INTO ccm.dnc_entry (number, prefix, campaign_id, source, added_by, added_version,
                                   expires_at, removed_at, removed_by, removed_version)
        SELECT number, prefix, CASE WHEN one THEN c.id END, 'internal', 'ann', 1,
            expires::timestamptz, CASE WHEN removed THEN now() END,
            CASE WHEN removed THEN 'bob' END, CASE WHEN removed THEN 2 END
        FROM ccm.campaign AS c, (VALUES
            ('+12025550101', false, false, NULL, false),
            ('+1900', true, false, NULL, false),
            ('+12025550102', false, true, '2026-11-27 10:00+00', false),
            ('+12025550103', false, false, NULL, true)
        ) AS v (number, prefix, one, expires, removed)
        WHERE c.name = 'spring'
        """
    )

    async def holding(now: str) -> list[tuple[str, str | None]]:
        await db.execute(f"SET ccm.now = '{now}'")
        rows = await db.fetch("SELECT number, campaign FROM report.dnc WHERE holds ORDER BY number")
        return [(row["number"], row["campaign"]) for row in rows]

    assert await holding("2026-11-27 09:59+00") == [
        ("+12025550101", None), ("+12025550102", "spring"), ("+1900", None),
    ]  # fmt: skip
    assert await holding("2026-11-27 10:00+00") == [("+12025550101", None), ("+1900", None)]


async def test_leads_of_a_place_come_in_order_from_the_index_alone(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    await db.execute(LEADS)
    query = """
        SELECT l.id, l.priority, l.next_at FROM ccm.lead AS l
        WHERE l.campaign_id = (SELECT id FROM ccm.campaign WHERE name = 'spring')
            AND l.place_id = 1 AND l.state IN ('new', 'ready')
        ORDER BY l.priority DESC, l.next_at, l.id
        LIMIT 10
        """
    plan = "\n".join(row[0] for row in await db.fetch(f"EXPLAIN (COSTS OFF) {query}"))
    assert "lead_to_claim" in plan, plan
    assert "Sort" not in plan, plan
    rows = await db.fetch(query)
    assert {row["priority"] for row in rows} == {2}
    assert [row["next_at"] for row in rows] == sorted(row["next_at"] for row in rows)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("INSERT INTO ccm.campaign (name, created_by, state_by) VALUES ('../x', 'a', 'a')",
         "campaign_name_is_a_word"),
        ("UPDATE ccm.campaign SET settings = '{\"mode\": \"fast\"}'", "campaign_mode_known"),
        ("UPDATE ccm.campaign SET state = 'running' WHERE name = 'summer'",
         "campaign_started_unless_draft"),
        ("INSERT INTO ccm.trunk (name, dial, channels, calls_per_second, changed_by) "
         "VALUES ('t', 'PJSIP/{number}@p&SIP/x', 1, 1, 'a')",
         "trunk_dial_is_technology_and_resource"),
        ("INSERT INTO ccm.dnc_entry (number, source, added_by, added_version) "
         "VALUES ('2025550101', 'internal', 'a', 1)", "dnc_entry_number_is_e164"),
        ("INSERT INTO ccm.dnc_entry (number, source, added_by, added_version) "
         "VALUES ('+12025550101', 'Not a word', 'a', 1)", "dnc_entry_source_is_a_word"),
        ("INSERT INTO ccm.lead (campaign_id, place_id, state) "
         "SELECT id, 1, 'lost' FROM ccm.campaign LIMIT 1", "lead_state_known"),
    ],
)  # fmt: skip
async def test_what_can_not_be_is_refused_by_the_tables(
    db: asyncpg.Connection, statement: str, constraint: str
) -> None:
    await db.execute(CAMPAIGNS)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await db.execute(statement)
    assert refused.value.constraint_name == constraint


async def test_history_and_entries_are_not_changed_by_the_daemon(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    await db.execute(
        "INSERT INTO ccm.dnc_entry (number, source, added_by, added_version) "
        "VALUES ('+12025550101', 'internal', 'a', 1)"
    )
    await db.execute("SET ROLE ccm_app")
    for statement in (
        "UPDATE ccm.dnc_entry SET number = '+12025550102'",
        "UPDATE ccm.dnc_entry SET expires_at = now()",
        "DELETE FROM ccm.dnc_entry",
        "DELETE FROM ccm.lead",
        "UPDATE ccm.dnc_scrub SET note = ''",
        "UPDATE ccm.campaign_change SET what = ''",
        "UPDATE ccm.lead_number SET number = '+1'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement)
    await db.execute(
        "UPDATE ccm.dnc_entry SET removed_at = now(), removed_by = 'b', removed_version = 2"
    )


async def test_beginnings_of_a_number(db: asyncpg.Connection) -> None:
    found = await db.fetchval("SELECT ccm.beginnings_of_number('+12025')")
    assert found == ["+1", "+12", "+120", "+1202", "+12025"]


async def test_nothing_that_is_asked_of_leads_reads_all_of_them(db: asyncpg.Connection) -> None:
    await db.execute(CAMPAIGNS)
    await db.execute(LEADS)
    id_ = await db.fetchval("SELECT id FROM ccm.campaign WHERE name = 'spring'")
    await db.execute("SET enable_seqscan = off")
    await db.execute("SET plan_cache_mode = force_custom_plan")
    for name, *arguments in (
        ("find_leads", 7, "7", "+12025550101", None),
        ("list_leads", id_, None, None, None, 10),
        ("list_leads", None, None, "+12025550101", None, 10),
        ("export_leads", id_, 0, 10),
        ("before_lead_import", id_),
        ("taken_external_ids", id_, ["1", "2"]),
        ("taken_numbers", id_, ["+12025550101", "+12025550102"]),
        ("listed_numbers", id_, ["+12025550101", "+12025550102"], NOW),
        ("forbidding_dnc_entries", "+12025550101", NOW, None),
    ):
        rows = await db.fetch(f"EXPLAIN (COSTS OFF) {queries()[name].sql}", *arguments)
        plan = "\n".join(row[0] for row in rows)
        assert re.findall(r"Seq Scan on (?:lead|lead_number|dnc_entry)\b", plan) == [], plan
