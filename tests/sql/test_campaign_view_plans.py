"""A question about one day of campaigns reads that day: plans over a year of attempts."""

from datetime import UTC, datetime

import asyncpg
from test_view_plans import YEAR, explained, rows_read

# One attempt with its decision every 15 minutes for eleven months, of two campaigns by turns.
DIALLED = """
INSERT INTO ccm.campaign (name, state, created_by, state_by, started_at)
SELECT 'c' || n, 'running', 'ann', 'ann', '2025-01-01+00' FROM generate_series(0, 1) n;
INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{US-FL}');
INSERT INTO ccm.lead (campaign_id, place_id) SELECT c.id, 1 FROM ccm.campaign c;
INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
    mode, trunk, caller_id, claimed_at, dialed_at, answered_at, connected_at, ended_at, result,
    live)
SELECT call.id, c.id, l.id, 1, '+13052220001', 1, 'pbx', 1, 'predictive', 'one', '+12025550100',
    began, began, began + interval '9 s', began + interval '9 s', began + interval '2 minutes',
    'connected', true
FROM call JOIN ccm.campaign c ON c.name = 'c' || n % 2 JOIN ccm.lead l ON l.campaign_id = c.id;
UPDATE ccm.interaction SET linkedid = 'ccmat-' || replace(id::text, '-', '') || '-1735689600.1';
INSERT INTO ccm.permit
SELECT id, began, 2, 'us-ftc 1', 1, 'area code 305', began + interval '1 hour', '47 CFR',
    '[]', '[]', 7, NULL, 'by form', '+12025550100', 'Acme', '+12025550199', 'offer', 25, false
FROM call;
INSERT INTO ccm.campaign_decision
SELECT c.id, began, 1, 1, 1, 'pacing', '{"idle": 1}'
FROM call JOIN ccm.campaign c ON c.name = 'c' || n % 2;
ANALYZE;
"""
GROWING = (
    "attempt_2",
    "interaction_2",
    "permit_2",
    "campaign_decision_2",
    "segment_2",
    "agent_state_2",
)
DAY = [datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 6, 11, tzinfo=UTC)]


async def test_one_day_of_campaigns_reads_one_day(db: asyncpg.Connection) -> None:
    await db.execute(YEAR)
    await db.execute(DIALLED)

    async def read(query: str, *args: object) -> tuple[int, int]:
        plan = await explained(db, query, *args)
        return plan[0]["Actual Rows"], rows_read(plan, GROWING)

    # Of each campaign the first and the last attempt of each month are looked at, too; the index by
    # time alone finds those of both campaigns.
    edges = 2 * 2 * 13 + 2 * 48
    rows, seen = await read("SELECT * FROM report.campaign_day WHERE day = '2025-06-10'")
    assert rows == 2
    assert 2 * 96 <= seen <= 2 * 96 + edges
    rows, seen = await read(
        "SELECT * FROM report.campaign_interval WHERE interval_start >= $1 AND interval_start < $2",
        *DAY,
    )
    assert rows == 2 * 48
    assert 96 <= seen <= 96 + edges
    # The attempts twice or thrice, their segments; of ten agents the states of the day.
    for view, expected in (("agent_campaign_day", 10), ("predictive_gain", 2)):
        rows, seen = await read(f"SELECT * FROM report.{view} WHERE day = '2025-06-10'")  # noqa: S608
        assert rows == expected
        assert seen <= 11 * 96 + edges + 20 * 12, view
    rows, seen = await read(
        "SELECT * FROM report.dialer_decision WHERE campaign = 'c1' AND at >= $1 AND at < $2", *DAY
    )
    assert (rows, seen) == (48, 48)
