"""report.attempt, campaign_day and drop_ledger."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest
from pasted_facts import given, shows

from ccmiddleware.dialer.profile_files import BUILTIN, builtin
from ccmiddleware.store.database import queries

CAMPAIGN = """
INSERT INTO ccm.campaign (name, state, settings, created_by, state_by, started_at) VALUES
    ('spring', 'running', '{"time_zone": "America/New_York", "abandonment_limit": 3.0}',
     'ann', 'ann', '2026-10-15 14:00+00');
INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{US-FL}');
INSERT INTO ccm.lead (campaign_id, external_id, name, place_id)
SELECT c.id, 'x-1', 'Ann', 1 FROM ccm.campaign AS c;
"""
ATTEMPT = """
WITH made AS (
    INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
        mode, trunk, caller_id, claimed_at, dialed_at, answered_at, greeting_end_at, connected_at,
        ended_at, result, live, dropped)
    SELECT ccm.uuid7_shaped_for_test($1, $2), c.id, 1, $2, '+13052220001', 1, 'pbx1', 1,
        'predictive', 'one', '+12025550100', $1, $1,
        CASE WHEN $3 IN ('connected', 'dropped', 'hung_up', 'machine') THEN $1 + interval '9 s' END,
        NULL,
        CASE WHEN $3 = 'connected' THEN $1 + interval '9 s' + $4 * interval '1 s' END,
        CASE WHEN $3 <> 'open' THEN $1 + interval '60 s' END, nullif($3, 'open'),
        $3 IN ('connected', 'dropped', 'hung_up'), $3 = 'dropped' OR $4 > 2
    FROM ccm.campaign AS c
    RETURNING id, claimed_at)
INSERT INTO ccm.permit
SELECT id, claimed_at, 2, 'us-ftc 1', 1, 'area code 305', claimed_at + interval '1 hour', '47 CFR',
    '[]', '[]', 7, NULL, 'by form', '+12025550100', 'Acme', '+12025550199', 'offer', 25, false
FROM made
"""
SHAPED = """
CREATE FUNCTION ccm.uuid7_shaped_for_test(at timestamptz, n integer) RETURNS uuid LANGUAGE sql AS $$
    SELECT (left(ccm.uuid7_bound(at)::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
$$
"""


async def attempts(db: asyncpg.Connection, *rows: tuple[str, str, float]) -> None:
    await db.execute(CAMPAIGN)
    await db.execute(SHAPED)
    for number, (at, result, seconds) in enumerate(rows, 1):
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        await db.execute(ATTEMPT, moment, number, result, seconds)


async def test_an_attempt_with_its_times_and_its_permit(db: asyncpg.Connection) -> None:
    await attempts(db, ("2026-11-30 15:00:00", "connected", 0.4))
    (row,) = await db.fetch("SELECT * FROM report.attempt")
    assert (row["campaign"], row["lead"], row["external_id"]) == ("spring", "Ann", "x-1")
    assert (row["ring_seconds"], row["agent_seconds"]) == (Decimal("9.000"), Decimal("0.400"))
    assert row["talk_seconds"] == Decimal("50.600")
    assert (row["permitted"], row["profile"], row["dnc_version"]) == (True, "us-ftc 1", 7)
    assert row["agent"] is None


async def test_a_campaigns_day_is_that_of_its_own_zone(db: asyncpg.Connection) -> None:
    await attempts(
        db,
        ("2026-11-30 04:30:00", "no_answer", 0),  # 23:30 of the 29th in New York
        ("2026-11-30 15:00:00", "connected", 0.4),
        ("2026-11-30 15:00:01", "connected", 2.1),  # an agent came, too late
        ("2026-11-30 15:00:02", "dropped", 0),
        ("2026-11-30 15:00:03", "hung_up", 0),
        ("2026-11-30 15:00:04", "machine", 0),
        ("2026-11-30 15:00:05", "busy", 0),
        ("2026-11-30 15:00:06", "open", 0),
    )
    first, second = await db.fetch("SELECT * FROM report.campaign_day ORDER BY day")
    assert (first["day"], first["attempts"], first["no_answer"]) == (date(2026, 11, 29), 1, 1)
    assert (first["drop_rate"], first["median_agent_seconds"]) == (None, None)
    assert (second["day"], second["attempts"], second["permits"]) == (date(2026, 11, 30), 7, 7)
    assert (second["live"], second["drops"], second["dropped_calls"]) == (4, 2, 1)
    assert (second["connected"], second["machine"], second["open"]) == (2, 1, 1)
    assert second["drop_rate"] == Decimal("0.5")
    assert round(second["answer_rate"], 3) == Decimal("0.667")
    assert (second["median_agent_seconds"], second["p99_agent_seconds"]) == (
        Decimal("0.400"),
        Decimal("2.100"),
    )


async def test_the_ledger_sums_up_thirty_days_and_begins_anew(db: asyncpg.Connection) -> None:
    """Started on 15 October: the second period begins on 14 November."""
    await attempts(
        db,
        ("2026-11-12 15:00:00", "dropped", 0),
        ("2026-11-13 15:00:00", "connected", 0.4),
        ("2026-11-14 15:00:00", "connected", 0.4),
        ("2026-11-15 15:00:00", "connected", 0.4),
        ("2026-11-15 15:01:00", "dropped", 0),
    )
    rows = await db.fetch("SELECT * FROM report.drop_ledger ORDER BY day")
    assert [
        (row["day"].day, row["period_began"].day, row["period_live"], row["period_drops"])
        for row in rows
    ] == [(12, 15, 1, 1), (13, 15, 2, 1), (14, 14, 1, 0), (15, 14, 3, 1)]
    assert [row["over_limit"] for row in rows] == [True, True, False, True]
    assert rows[3]["limit_rate"] == Decimal("0.03")
    assert rows[1]["period_drop_rate"] == Decimal("0.5")


@pytest.mark.parametrize("name", BUILTIN)
async def test_the_ledger_counts_over_the_period_of_the_profile(
    db: asyncpg.Connection, name: str
) -> None:
    days = builtin(name).terms.period_days.value
    await attempts(
        db, ("2026-11-15 15:00:00", "dropped", 0), ("2026-11-16 15:00:00", "connected", 0.4)
    )
    await db.execute("UPDATE ccm.campaign SET period_days = $1", days)
    rows = await db.fetch(
        "SELECT day, period_began, period_drops FROM report.drop_ledger ORDER BY day"
    )
    began = date(2026, 10, 15)
    for row in rows:
        assert row["period_began"] == began + (row["day"] - began).days // days * days * timedelta(
            1
        )
    assert [row["period_drops"] for row in rows] == ([1, 0] if days == 1 else [1, 1])


async def channel_of(db: asyncpg.Connection, ordinal: int) -> str:
    """The unique id of the channel that is dialled for an attempt."""
    attempt = await db.fetchval("SELECT id FROM ccm.attempt WHERE ordinal = $1", ordinal)
    return f"ccmat-{attempt.hex}-1795824000.1"


@pytest.mark.parametrize("first", ["attempt", "interaction"])
async def test_attempt_and_interaction_know_each_other(db: asyncpg.Connection, first: str) -> None:
    """Whichever is written first, and without anybody who links them."""
    await db.execute(CAMPAIGN)
    await db.execute(SHAPED)
    moment = datetime(2026, 11, 27, 0, 10, tzinfo=UTC)
    attempt = await db.fetchval("SELECT ccm.uuid7_shaped_for_test($1, 1)", moment)
    if first == "attempt":
        await db.execute(ATTEMPT, moment, 1, "connected", 0.4)
    await given(
        db,
        f"""
        call                              | caller       | started  | ended    | outcome
        ccmat-{attempt.hex}-1795824000.1  | +13052220001 | 00:10:00 | 00:11:00 | answered
        ccmat-{attempt.hex}-1795824000.1x | +13052220002 | 00:10:00 | 00:11:00 | answered
        """,
    )
    if first == "interaction":
        await db.execute(ATTEMPT, moment, 1, "connected", 0.4)
    await shows(
        db,
        "report.interaction",
        f"""
        caller       | did          | campaign | attempt_id | outcome
        +13052220001 | +12025550100 | spring   | {attempt}  | answered
        +13052220002 |              |          |            | answered
        """,
    )
    (row,) = await db.fetch("SELECT interaction_id FROM report.attempt")
    (known,) = await db.fetch("SELECT id FROM report.interaction WHERE campaign = 'spring'")
    assert row["interaction_id"] == known["id"]


async def test_what_came_to_no_queue_has_no_interaction(db: asyncpg.Connection) -> None:
    await attempts(db, ("2026-11-27 00:10:00", "dropped", 0))
    assert await db.fetchval("SELECT interaction_id FROM report.attempt") is None


async def test_calls_of_campaigns_stand_apart_in_a_queue(db: asyncpg.Connection) -> None:
    """And who was dropped while a phone rang did not give up."""
    await attempts(
        db,
        ("2026-11-27 09:00:00", "connected", 0.4),
        ("2026-11-27 09:00:00", "dropped", 0),
        ("2026-11-27 09:00:00", "hung_up", 0),
    )
    one, two, three = [await channel_of(db, ordinal) for ordinal in (1, 2, 3)]
    await given(
        db,
        f"""
        visit   | queue | joined   | answered | left     | outcome
        {one}   | sales | 09:00:10 | 09:00:11 | 09:00:11 | answered
        {two}   | sales | 09:00:10 |          | 09:00:12 | abandoned
        {three} | sales | 09:00:10 |          | 09:00:11 | abandoned
        in      | sales | 09:00:10 | 09:00:50 | 09:00:50 | answered
        out     | sales | 09:00:10 |          | 09:01:10 | abandoned

        logged  | at       | queue | event      | agent | data
        {one}   | 09:00:10 | sales | ENTERQUEUE |       | /+1/1
        {two}   | 09:00:10 | sales | ENTERQUEUE |       | /+1/1
        {three} | 09:00:10 | sales | ENTERQUEUE |       | /+1/1
        in      | 09:00:10 | sales | ENTERQUEUE |       | /+1/1
        out     | 09:00:10 | sales | ENTERQUEUE |       | /+1/1
        {one}   | 09:00:11 | sales | CONNECT    | Ann   | 1/x/0
        {two}   | 09:00:12 | sales | ABANDON    |       | 1/1/2
        {two}   | 09:00:12 | sales | CCMDIALSTEP |      | dropped/1
        {three} | 09:00:11 | sales | ABANDON    |       | 1/1/1
        in      | 09:00:50 | sales | CONNECT    | Ann   | 40/x/0
        out     | 09:01:10 | sales | ABANDON    |       | 1/1/60
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        channel  | offered | answered | abandoned | timed_out | service_level_of_answered_rate
        campaign | 3       | 1        | 1         | 1         | 1
        voice    | 2       | 1        | 1         | 0         | 0
        """,
    )
    outcomes = await db.fetch("SELECT outcome FROM report.interaction WHERE campaign = 'spring'")
    assert sorted(row["outcome"] for row in outcomes) == ["abandoned", "answered", "dropped"]
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        offered | queue_log_offered | abandoned | queue_log_abandoned | differences
        5       | 5                 | 3         | 3                   | 0
        """,
    )
    await db.execute("SET ccm.now = '2026-11-27 10:00+00'")
    today = await db.fetchrow(queries()["wallboard_today"].sql, datetime(2026, 11, 27, tzinfo=UTC))
    assert (today["offered"], today["answered"], today["abandoned"]) == (2, 1, 1)


async def test_the_party_rings_until_it_answers_and_hears_the_message_in_the_dialplan(
    db: asyncpg.Connection,
) -> None:
    await attempts(db, ("2026-11-27 09:00:00", "dropped", 0))
    one = await channel_of(db, 1)
    await given(
        db,
        f"""
        call  | caller       | direction | started  | ended    | outcome
        {one} | +13052220001 | outbound  | 09:00:00 | 09:00:20 | abandoned

        visit | queue | joined   | left     | outcome
        {one} | sales | 09:00:10 | 09:00:11 | abandoned
        """,
    )
    await shows(
        db,
        "report.interaction_timeline",
        """
        state    | started_at | ended_at
        ringing  | 09:00:00   | 09:00:09
        dialplan | 09:00:09   | 09:00:10
        waiting  | 09:00:10   | 09:00:11
        dialplan | 09:00:11   | 09:00:20
        """,
    )
    await db.execute(
        "WITH made AS (INSERT INTO ccm.contact (name, made_by) VALUES ('Ann', 'me') RETURNING id)"
        " INSERT INTO ccm.contact_address"
        " SELECT 'phone', '+13052220001', id, 'cli', 'me' FROM made"
    )
    found = await db.fetch("SELECT direction, outcome, address FROM report.journey")
    assert [tuple(row) for row in found] == [("outbound", "dropped", "+13052220001")]
