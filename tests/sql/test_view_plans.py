"""A question about one day reads that day: plans of the views over a year of interactions."""

import json
from datetime import UTC, datetime
from typing import Any

import asyncpg

from ccmiddleware.store.database import queries

# One interaction every 15 minutes for eleven months (some 32,000), one agent state for each.
YEAR = """
SELECT ccm.ensure_partitions('2025-01-01+00', 12);
INSERT INTO ccm.node (name) VALUES ('pbx');
INSERT INTO ccm.queue (node_id, name) SELECT id, 'q' || n FROM ccm.node, generate_series(0, 3) n;
INSERT INTO ccm.agent (node_id, interface)
SELECT id, 'PJSIP/' || n FROM ccm.node, generate_series(0, 9) n;
CREATE TEMP TABLE call AS
SELECT
    n,
    t.began,
    overlay(ccm.uuid7_bound(t.began)::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid AS id,
    (SELECT id FROM ccm.queue WHERE name = 'q' || n % 4) AS queue_id,
    (SELECT id FROM ccm.agent WHERE interface = 'PJSIP/' || n % 10) AS agent_id
FROM generate_series(0, 32000) n
CROSS JOIN LATERAL (SELECT timestamptz '2025-01-01+00' + n * interval '15 minutes' AS began) t;
INSERT INTO ccm.interaction
SELECT call.id, 1, node.id, 'voice', 'inbound', 'ended', n, n, '', '', '', began,
    began + interval '2 minutes', 'answered', false
FROM call, ccm.node;
INSERT INTO ccm.queue_visit
SELECT id, 1, 1, queue_id, 1, began, began + interval '9 s', began + interval '9 s', 'answered',
    false
FROM call;
INSERT INTO ccm.offer
SELECT id, 1, 1, 1, agent_id, began, began + interval '9 s', 'answered' FROM call;
INSERT INTO ccm.segment
SELECT id, 1, 1, 1, agent_id, '', '', began, began + interval '9 s', began + interval '2 minutes',
    'caller', 0, 0, false
FROM call;
INSERT INTO ccm.recording
SELECT call.id, 1, 1, node.id, 'missing', '', began, began, NULL, NULL, NULL, ''
FROM call, ccm.node;
INSERT INTO ccm.agent_state
SELECT agent_id, began, 1, CASE n / 10 % 2 WHEN 0 THEN 'idle' ELSE 'talking' END, '',
    began + interval '150 minutes', false
FROM call;
ANALYZE;
"""
LOGGED = """
INSERT INTO ccm.queue_log_row
SELECT node.id, began, overlay(call.id::text PLACING '7' FROM 15)::uuid, 2 * n, n, 'q' || n % 4,
    'NONE', 'ENTERQUEUE', '{}'
FROM call, ccm.node;
INSERT INTO ccm.queue_log_row
SELECT node.id, began + interval '9 s', call.id, 2 * n + 1, n, 'q' || n % 4,
    'PJSIP/' || n % 10, 'CONNECT', '{9}'
FROM call, ccm.node;
ANALYZE;
"""
GROWING = ("interaction_2", "queue_visit_2", "offer_2", "segment_2", "recording_2", "agent_state_2")
GROWING += ("queue_log_row_2", "interaction_event_2", "attempt_")


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The node and all below it."""
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


async def explained(db: asyncpg.Connection, query: str, *args: object) -> list[dict[str, Any]]:
    """Runs ``query`` and returns the nodes of its plan with what they really read."""
    text = await db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {query}", *args)
    return nodes(json.loads(text)[0]["Plan"])


def rows_read(plan: list[dict[str, Any]], growing: tuple[str, ...] = GROWING) -> int:
    """Rows that came from partitions, the ones that a condition then threw away too."""
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in plan
        if node.get("Relation Name", "").startswith(growing)
    )


async def test_one_day_reads_one_day(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    day = [datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 6, 11, tzinfo=UTC)]
    # 96 interactions on that day: a visit, an offer and a segment each, over four queues.
    plan = await explained(
        db,
        "SELECT * FROM report.queue_interval WHERE interval_start >= $1 AND interval_start < $2",
        *day,
    )
    assert plan[0]["Actual Rows"] == 96
    assert 3 * 96 <= rows_read(plan) <= 4 * 96
    plan = await explained(
        db, "SELECT * FROM report.interaction WHERE started_at >= $1 AND started_at < $2", *day
    )
    assert plan[0]["Actual Rows"] == 96
    assert 5 * 96 <= rows_read(plan) <= 6 * 96
    plan = await explained(
        db, "SELECT * FROM report.recording WHERE started_at >= $1 AND started_at < $2", *day
    )
    assert plan[0]["Actual Rows"] == 96
    assert 3 * 96 <= rows_read(plan) <= 4 * 96
    plan = await explained(
        db,
        "SELECT * FROM report.interaction_timeline"
        " WHERE interaction_started_at >= $1 AND interaction_started_at < $2",
        *day,
    )
    assert plan[0]["Actual Rows"] == 2 * 96  # it waits, and rings all the while; then it talks
    assert 4 * 96 <= rows_read(plan) <= 7 * 96
    # Has no index of its own by time; it reads the month.
    plan = await explained(
        db, "SELECT * FROM report.agent_state WHERE started_at >= $1 AND started_at < $2", *day
    )
    assert plan[0]["Actual Rows"] == 96
    assert rows_read(plan) <= 30 * 96
    # The states, segments and offers of the day, and of each agent the first ones and those before.
    plan = await explained(db, "SELECT * FROM report.agent_day WHERE day = '2025-06-10'")
    assert plan[0]["Actual Rows"] == 10
    assert 3 * 96 <= rows_read(plan) <= 3 * 96 + 10 * 12 * 8


async def test_live_views_read_what_is_open(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    await db.execute(
        "INSERT INTO ccm.queue_member SELECT q.id, a.id, now(), true FROM ccm.queue q, ccm.agent a"
    )
    for view in ("queue_now", "agent_now"):
        assert rows_read(await explained(db, f"SELECT * FROM report.{view}")) == 0  # noqa: S608


async def test_the_wallboard_reads_what_is_open_and_today(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    await db.execute(
        "INSERT INTO ccm.queue_member SELECT q.id, a.id, now(), true FROM ccm.queue q, ccm.agent a"
    )
    for name in ("wallboard_queues", "wallboard_agents"):
        plan = await explained(db, queries()[name].sql, None, None)
        assert rows_read(plan) == 0, name
    # The last day of the year: 97 visits, and of each whether a campaign dialled its call.
    today = datetime(2025, 11, 29, 8, tzinfo=UTC)
    plan = await explained(db, queries()["wallboard_today"].sql, today)
    assert rows_read(plan) == 2 * 97


async def test_one_day_beside_queue_log_reads_one_day(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    await db.execute(LOGGED)
    day = [datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 6, 11, tzinfo=UTC)]
    plan = await explained(
        db, "SELECT * FROM report.coverage WHERE interval_start >= $1 AND interval_start < $2", *day
    )
    assert plan[0]["Actual Rows"] == 24
    assert 96 <= rows_read(plan) <= 4 * 96
    # Our visits of two days with offers and segments, and the rows of one.
    plan = await explained(db, "SELECT * FROM report.reconcile_queue_log WHERE day = '2025-06-10'")
    assert plan[0]["Actual Rows"] == 4
    assert rows_read(plan) <= 10 * 96
    for view in ("queue_log_stay", "queue_log_difference"):
        plan = await explained(
            db,
            f"SELECT * FROM report.{view} WHERE started_at >= $1 AND started_at < $2",  # noqa: S608
            *day,
        )
        assert rows_read(plan) <= 20 * 96, view


DIALLED = """
INSERT INTO ccm.campaign (name, state, created_by, state_by) VALUES ('spring', 'draft', '', '');
INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{}');
INSERT INTO ccm.lead (campaign_id, place_id) SELECT id, 1 FROM ccm.campaign;
INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
    mode, trunk, caller_id, claimed_at)
SELECT call.id, c.id, 1, 1, '+13052220001', 1, 'pbx', 1, 'power', 'one', '+12025550100', began
FROM call, ccm.campaign AS c WHERE n % 4 = 0;
UPDATE ccm.interaction AS i
SET linkedid = 'ccmat-' || replace(i.id::text, '-', '') || '-1795824000.1', direction = 'outbound'
FROM call WHERE call.id = i.id AND n % 8 = 0;
ANALYZE;
"""


async def test_attempts_and_their_interactions_are_looked_up(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    await db.execute(DIALLED)
    day = [datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 6, 11, tzinfo=UTC)]
    plan = await explained(
        db,
        "SELECT id, interaction_id FROM report.attempt WHERE claimed_at >= $1 AND claimed_at < $2",
        *day,
    )
    assert plan[0]["Actual Rows"] == 24
    assert rows_read(plan) == 24 + 12
    plan = await explained(
        db,
        "SELECT id, campaign FROM report.interaction WHERE started_at >= $1 AND started_at < $2",
        *day,
    )
    assert plan[0]["Actual Rows"] == 96
    assert rows_read(plan) <= 6 * 96 + 12
    plan = await explained(
        db,
        "SELECT * FROM report.queue_interval WHERE interval_start >= $1 AND interval_start < $2",
        *day,
    )
    assert rows_read(plan) <= 5 * 96
