"""report.campaign_interval, agent_campaign_day, predictive_gain and dialer_decision."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
from test_attempt_views import attempts

from ccmiddleware.dialer.pacing import Pacer

AGENTS = """
INSERT INTO ccm.node (name) VALUES ('pbx1');
INSERT INTO ccm.agent (node_id, interface, name)
SELECT id, 'Local/' || n || '@agent-request/n', CASE n WHEN 1001 THEN 'Ann' ELSE 'Bob' END
FROM ccm.node, generate_series(1001, 1002) AS n;
"""


async def states(db: asyncpg.Connection, agent: str, *rows: tuple[str, str, str | None]) -> None:
    for state, since, until in rows:
        await db.execute(
            "INSERT INTO ccm.agent_state"
            " SELECT id, $2::timestamptz, 1, $3, '', $4::timestamptz, false"
            " FROM ccm.agent WHERE name = $1",
            agent,
            datetime.fromisoformat(since).replace(tzinfo=UTC),
            state,
            until and datetime.fromisoformat(until).replace(tzinfo=UTC),
        )


async def talked(
    db: asyncpg.Connection, attempt: int, agent: str, hold: float, wrap_up: float
) -> None:
    """The interaction of an attempt: a talk of 40 s from its connection on."""
    await db.execute(
        """
        WITH a AS (
            SELECT id, connected_at FROM ccm.attempt WHERE ordinal = $1
        ), i AS (
            INSERT INTO ccm.interaction
            SELECT a.id, 1, n.id, 'voice', 'outbound', 'ended',
                'ccmat-' || replace(a.id::text, '-', '') || '-1795824000.1', '', '', '', '',
                a.connected_at, a.connected_at + interval '40 s', 'answered', false
            FROM a, ccm.node AS n
        )
        INSERT INTO ccm.segment
        SELECT a.id, 1, 1, 1, g.id, '', '', a.connected_at, a.connected_at,
            a.connected_at + interval '40 s', 'caller', $3, $4, false
        FROM a, ccm.agent AS g WHERE g.name = $2
        """,
        attempt,
        agent,
        hold,
        wrap_up,
    )


async def test_half_hours(db: asyncpg.Connection) -> None:
    await attempts(
        db,
        ("2026-11-30 15:00:00", "connected", 0.4),
        ("2026-11-30 15:29:59", "connected", 2.1),  # an agent came, too late
        ("2026-11-30 15:10:00", "dropped", 0),
        ("2026-11-30 15:11:00", "machine", 0),
        ("2026-11-30 15:12:00", "no_answer", 0),
        ("2026-11-30 15:13:00", "open", 0),
        ("2026-11-30 15:30:00", "busy", 0),
        ("2026-12-02 15:30:00", "failed", 0),
    )
    await db.execute("UPDATE ccm.attempt SET interface = 'a' WHERE result = 'connected'")
    first, second, third = await db.fetch(
        "SELECT * FROM report.campaign_interval ORDER BY interval_start"
    )
    assert first["interval_start"] == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert first["interval_end"] == second["interval_start"]
    assert (first["attempts"], first["open"], first["answered"], first["live"]) == (6, 1, 4, 3)
    assert (first["connected"], first["dropped_calls"], first["drops"]) == (2, 1, 2)
    assert (first["answer_rate"], first["drop_rate"]) == (Decimal("0.6000"), Decimal("0.6667"))
    assert first["average_ring_seconds"] == Decimal("9.000")
    assert (first["median_agent_seconds"], first["p99_agent_seconds"]) == (
        Decimal("0.400"),
        Decimal("2.100"),
    )
    assert first["agents_talked"] == 1
    assert (second["busy"], second["live"], second["drop_rate"]) == (1, 0, None)
    assert (third["failed"], third["interval_start"].day) == (1, 2)


async def test_an_agents_day_for_a_campaign(db: asyncpg.Connection) -> None:
    """Day of New York: 05:00 UTC. Talks of 40 s with 10 s of hold and 20 s of wrap-up."""
    await attempts(
        db,
        ("2026-11-30 15:00:00", "connected", 1.0),
        ("2026-11-30 15:05:00", "connected", 1.0),
        ("2026-11-30 15:06:00", "no_answer", 0),
        ("2026-11-30 15:07:00", "connected", 1.0),
    )
    await db.execute(AGENTS)
    await talked(db, 1, "Ann", hold=10, wrap_up=20)
    await talked(db, 2, "Bob", hold=0, wrap_up=20)
    # Of the last one no interaction is known: 60 s - 9 s - 1 s.
    await db.execute(
        "UPDATE ccm.attempt SET interface = 'Local/1001@agent-request/n' WHERE ordinal = 4"
    )
    await states(
        db,
        "Ann",
        ("idle", "2026-11-30 04:00:00", "2026-11-30 05:30:00"),  # half an hour of this day
        ("paused", "2026-11-30 05:30:00", "2026-11-30 14:55:00"),
        ("idle", "2026-11-30 14:55:00", "2026-11-30 15:05:00"),  # five of them while it dialled
        ("talking", "2026-11-30 15:05:00", "2026-11-30 15:10:00"),
        ("ringing", "2026-11-30 15:10:00", "2026-11-30 15:11:00"),  # it claimed nothing then
        ("unavailable", "2026-11-30 15:11:00", "2026-11-30 15:12:00"),
        ("logged_out", "2026-11-30 15:12:00", None),
    )
    ann, bob = await db.fetch("SELECT * FROM report.agent_campaign_day ORDER BY agent")
    assert (ann["campaign"], ann["agent"], ann["day"]) == ("spring", "Ann", date(2026, 11, 30))
    assert (ann["calls"], ann["talk_seconds"], ann["hold_seconds"]) == (2, 80, 10)
    assert (ann["wrap_up_seconds"], ann["average_handle_seconds"]) == (20, 55)
    assert ann["unpaused_seconds"] == 30 * 60 + 10 * 60 + 5 * 60 + 60
    assert ann["logged_in_seconds"] == ann["unpaused_seconds"] + 9 * 3600 + 25 * 60 + 60
    assert ann["free_seconds"] == 5 * 60
    assert ann["utilisation_rate"] == round(Decimal(110) / ann["unpaused_seconds"], 4)
    assert ann["occupancy_rate"] == round(Decimal(110) / 410, 4)
    assert (bob["calls"], bob["utilisation_rate"], bob["occupancy_rate"]) == (1, None, 1)


async def test_the_gain_against_progressive(db: asyncpg.Connection) -> None:
    """Three of four calls answered: 3 x 9 s and 60 s of ringing for three talks."""
    await attempts(
        db,
        ("2026-11-30 15:00:00", "connected", 1.0),
        ("2026-11-30 15:05:00", "connected", 1.0),
        ("2026-11-30 15:06:00", "no_answer", 0),
        ("2026-11-30 15:07:00", "dropped", 0),
        ("2026-11-30 15:08:00", "open", 0),
    )
    await db.execute(AGENTS)
    await talked(db, 1, "Ann", hold=10, wrap_up=20)
    await talked(db, 2, "Ann", hold=0, wrap_up=20)
    await states(db, "Ann", ("idle", "2026-11-30 15:00:00", "2026-11-30 15:01:00"))
    (row,) = await db.fetch("SELECT * FROM report.predictive_gain")
    assert (row["calls"], row["live"], row["ring_seconds"]) == (2, 3, 3 * 9 + 60)
    assert (row["handle_seconds"], row["talk_seconds"], row["free_seconds"]) == (120, 70, 60)
    assert row["occupancy_rate"] == Decimal("0.6667")
    # A talk of 60 s with wrap-up, and 29 s of search before it.
    assert row["progressive_occupancy_rate"] == Decimal("0.6742")
    assert row["talk_per_hour_seconds"] == 1400
    assert row["progressive_talk_per_hour_seconds"] == Decimal("1415.7")
    assert row["gain_per_hour_seconds"] == Decimal("-15.7")


async def decide(
    db: asyncpg.Connection, at: str, reason: str, detail: Any, number: int = 0
) -> None:
    await db.execute(
        "INSERT INTO ccm.campaign_decision SELECT id, $1, 3, $4, $4, $2, $3 FROM ccm.campaign",
        datetime.fromisoformat(at).replace(tzinfo=UTC),
        reason,
        json.dumps(detail),
        number,
    )


async def test_decisions_by_column(db: asyncpg.Connection) -> None:
    await attempts(db)
    pacer = Pacer()
    for agent in ("ann", "bob", "cara"):
        pacer.agent_logged_in(agent, 0.0)
    pacer.agent_paused("cara", 0.5)
    made = pacer.decide(1.0)
    extra = {"go_on": "normal", "trunk_room": 7, "open_places": 2, "places": 3, "agents": 3}
    await decide(db, "2026-11-30 15:00:00", "pacing", made.as_dict() | extra, made.calls)
    await decide(db, "2026-11-30 15:00:10", "closed", {"places": 3, "open_places": 0})
    paced, closed = await db.fetch("SELECT * FROM report.dialer_decision ORDER BY at")
    assert (paced["campaign"], paced["number"], paced["held_by"]) == ("spring", 2, "cold start")
    assert (paced["agents_there"], paced["agents_idle"], paced["agents_away"]) == (3, 2, 1)
    assert (paced["answer_rate"], paced["limit_rate"]) == (Decimal("0.2500"), Decimal("0.0300"))
    assert (paced["bound_rate"], paced["window_drop_rate"], paced["drops_left"]) == (0, None, 0)
    assert (paced["go_on"], paced["trunk_room"], paced["open_places"]) == ("normal", 7, 2)
    assert (closed["reason"], closed["held_by"], closed["places"]) == ("closed", None, 3)
    assert closed["agents_idle"] is None
