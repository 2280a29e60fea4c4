"""How fast leads are claimed with attempt and permit, beside a claim that looks at nothing.

Part of ``leads.py``. A database of its own gets leads of several campaigns, some calls to each of
them that were made before, and a do-not-call list. Claimers of one campaign each, all at once,
claim through the daemon's own ``Claiming``: hours and caps of the place, the list, calls to the
number by everybody, attempt, permit and lead in one transaction. The reference takes as many of
the same leads with a plain UPDATE … SKIP LOCKED and an INSERT into the same table of attempts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from ccmiddleware.dialer.claiming import Claiming
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.store.database import Database

Say = Callable[[str], None]

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
"""A Monday, noon in New York: every place of these leads may be called."""

CLAIMERS = 4
CAMPAIGN_COUNT = 1 + 2 * CLAIMERS
BATCH = 10
"""Leads that a decision of the controller asks for."""

PLACE_COUNT = 16
SLICE = 250_000
"""Leads that are made in one statement, so that progress can be told."""

CAMPAIGNS = """
INSERT INTO ccm.campaign (name, state, settings, created_by, state_by, started_at)
SELECT 'c' || n, 'running', jsonb_build_object('mode', 'predictive', 'node', 'pbx1',
    'profile', 'us-ftc', 'trunks', '["one"]'::jsonb, 'caller_ids', '["+12025550100"]'::jsonb),
    'bench', 'bench', now() FROM generate_series(1, $1) AS n
"""
PLACES = """
INSERT INTO ccm.place (country, zones, states)
SELECT 'US', ARRAY[z.zone], ARRAY[z.state] FROM (VALUES
    ('America/New_York', 'US-NY'), ('America/New_York', 'US-FL'), ('America/New_York', 'US-GA'),
    ('America/New_York', 'US-OH'), ('America/New_York', 'US-PA'), ('America/New_York', 'US-MD'),
    ('America/New_York', 'US-NJ'), ('America/New_York', 'US-VA'), ('America/Chicago', 'US-IL'),
    ('America/Chicago', 'US-TX'), ('America/Chicago', 'US-OK'), ('America/Chicago', 'US-MO'),
    ('America/Chicago', 'US-WI'), ('America/Denver', 'US-CO'), ('America/Denver', 'US-UT'),
    ('America/Denver', 'US-NM')) AS z (zone, state)
"""
LEADS = """
WITH made AS (
    INSERT INTO ccm.lead (id, campaign_id, place_id, next_at, attempts)
    SELECT n, c.id, 1 + n % 16, $4::timestamptz - interval '1 day', $3
    FROM generate_series($1::bigint, $2::bigint) AS n
    JOIN ccm.campaign AS c ON c.name = 'c' || (1 + n % $5)
    RETURNING id, place_id)
INSERT INTO ccm.lead_number (lead_id, ordinal, number, kind, place_id, evidence)
SELECT id, 1, '+1' || (2000000000 + id), 'fixed', place_id, 'area code' FROM made
"""
ATTEMPTS = """
INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
    mode, trunk, caller_id, claimed_at, dialed_at, ended_at, result)
SELECT (left(ccm.uuid7_bound(t.at)::text, 14) || '7000-8000-'
        || lpad(to_hex(l.id * 64 + n), 12, '0'))::uuid,
    l.campaign_id, l.id, n, '+1' || (2000000000 + l.id), 1, 'pbx1', 1, 'predictive', 'one',
    '+12025550100', t.at, t.at, t.at + interval '25 s', 'no_answer'
FROM ccm.lead AS l
CROSS JOIN generate_series(1, $3) AS n
CROSS JOIN LATERAL (
    SELECT $4::timestamptz - n * interval '9 days' - l.id % 86400 * interval '1 s' AS at) AS t
WHERE l.id BETWEEN $1 AND $2
"""
PERMITS = """
INSERT INTO ccm.permit
SELECT a.id, a.claimed_at, 1, 'us-ftc', 1, 'area code', a.claimed_at + interval '1 hour', '47 CFR',
    '[]', '[]', 1, NULL, '', a.caller_id, 'Acme', '+12025550199', 'offer', 25, false
FROM ccm.attempt AS a WHERE a.lead_id BETWEEN $1 AND $2
"""
CALLED = """
INSERT INTO ccm.called_number (number, attempts, called_at)
SELECT a.number, array_agg(a.id ORDER BY a.id), array_agg(a.claimed_at ORDER BY a.id)
FROM ccm.attempt AS a
WHERE a.lead_id BETWEEN $1 AND $2 AND a.claimed_at > $3::timestamptz - interval '31 days'
GROUP BY a.number
"""
LISTED = """
INSERT INTO ccm.dnc_entry (number, source, added_by, added_version)
SELECT '+1' || (2000000000 + n * 97), 'internal', 'bench', 1 FROM generate_series(1, 10000) AS n
"""
PLAIN = """
WITH taken AS (
    UPDATE ccm.lead SET state = 'claimed', attempts = attempts + 1
    WHERE id IN (SELECT id FROM ccm.lead WHERE campaign_id = $1 AND place_id = $2
        AND state IN ('new', 'ready') ORDER BY priority DESC, next_at, id LIMIT $3
        FOR UPDATE SKIP LOCKED)
    RETURNING id, attempts)
INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode,
    trunk, caller_id, claimed_at)
SELECT $1, t.id, t.attempts, n.number, 1, 'pbx1', 1, 'plain', 'one', '+12025550100', $4
FROM taken AS t JOIN ccm.lead_number AS n ON n.lead_id = t.id
RETURNING id
"""


async def claim_rates(
    url: str, leads: int, attempts: int, seconds: float, say: Say
) -> dict[str, Any]:
    """Claims a second, ours and plain, in a migrated database that is empty."""
    await fill(url, leads, attempts, say)
    async with Database(url, pool_size=CLAIMERS + 1) as database:
        rows = await database.rows(
            "SELECT id, name, revision, settings FROM ccm.campaign WHERE state = 'running' "
            "ORDER BY name"
        )
        profile = builtin("us-ftc")
        campaigns = [
            Campaign(row["id"], row["name"], row["revision"], row["settings"], profile)
            for row in rows
        ]
        claimers = [Claiming(database, "pbx1", 1) for _ in campaigns]

        # Each way has campaigns of its own, so that none of them finds what another left.
        async def ours(number: int) -> int:
            claims = await claimers[number].claim(campaigns[number], ["one"] * BATCH, NOW)
            return len(claims.claimed)

        turn = [0] * CLAIMERS

        async def plain(number: int) -> int:
            turn[number] += 1
            number += 1 + CLAIMERS
            async with database.transaction() as session:
                place = 1 + turn[number - 1 - CLAIMERS] % PLACE_COUNT
                taken = await session.rows(PLAIN, campaigns[number].id, place, BATCH, NOW)
                return len(taken)

        say(f"one claimer, {seconds:g} s")
        single = await rate(ours, 1, seconds)
        say(f"{CLAIMERS} claimers, {seconds:g} s")
        mine = await rate(lambda number: ours(number + 1), CLAIMERS, seconds)
        say(f"{CLAIMERS} plain claimers, {seconds:g} s")
        theirs = await rate(plain, CLAIMERS, seconds)
        (wrong,) = await database.rows(
            "SELECT (SELECT count(*) FROM ccm.attempt AS a LEFT JOIN ccm.permit AS p "
            "ON p.attempt_id = a.id WHERE p.attempt_id IS NULL AND a.mode <> 'plain') AS bare, "
            "(SELECT count(*) FROM (SELECT FROM ccm.attempt WHERE ended_at IS NULL "
            "GROUP BY lead_id HAVING count(*) > 1) AS twice) AS twice"
        )
    problems = []
    if wrong["bare"]:
        problems.append(f"{wrong['bare']} attempts without a permit")
    if wrong["twice"]:
        problems.append(f"{wrong['twice']} leads claimed twice")
    return {
        "ratio": round(mine / theirs, 3),
        "claims_per_second": round(mine),
        "claims_per_second_one_claimer": round(single),
        "plain_claims_per_second": round(theirs),
        "leads": leads,
        "attempts": attempts,
        "claimers": CLAIMERS,
        "at_once": BATCH,
        "problems": problems,
    }


async def rate(claim: Callable[[int], Awaitable[int]], claimers: int, seconds: float) -> float:
    """Leads a second of so many claimers, each one claim after the other, while there are any."""
    begun = time.perf_counter()
    claimed = 0

    async def one(number: int) -> None:
        nonlocal claimed
        fruitless = 0
        while time.perf_counter() - begun < seconds and fruitless < PLACE_COUNT:
            found = await claim(number)
            claimed += found
            fruitless = 0 if found else fruitless + 1

    async with asyncio.TaskGroup() as group:
        for number in range(claimers):
            group.create_task(one(number))
    return claimed / (time.perf_counter() - begun)


async def fill(url: str, leads: int, attempts: int, say: Say) -> None:
    """Campaigns, leads, what was tried on them, and the list."""
    each = attempts // leads
    connection = await asyncpg.connect(url, timeout=900, command_timeout=900)
    try:
        await connection.execute(
            "SELECT ccm.ensure_partitions($1, $2)",
            NOW - timedelta(days=9 * each + 40),
            4 + (9 * each + 40) // 28,
        )
        await connection.execute(CAMPAIGNS, CAMPAIGN_COUNT)
        await connection.execute(PLACES)
        for first in range(1, leads + 1, SLICE):
            last = min(first + SLICE - 1, leads)
            say(f"{last:,} of {leads:,} leads, {last * each:,} attempts")
            await connection.execute(LEADS, first, last, each, NOW, CAMPAIGN_COUNT)
            if each:
                await connection.execute(ATTEMPTS, first, last, each, NOW)
                await connection.execute(PERMITS, first, last)
                await connection.execute(CALLED, first, last, NOW)
        await connection.execute(LISTED)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close(timeout=60)
