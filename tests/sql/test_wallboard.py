"""The statements of the wallboard say what the live views say, and the day's counts are right."""

from datetime import UTC, datetime

import asyncpg
from pasted_facts import given
from test_live_views import PRESENT

from ccmiddleware.store.database import queries


async def rows(db: asyncpg.Connection, name: str, *arguments: object) -> list[asyncpg.Record]:
    return await db.fetch(queries()[name].sql, *arguments)


async def test_queues_are_as_in_queue_now(db: asyncpg.Connection) -> None:
    await given(db, PRESENT)
    kinds = (
        "idle", "talking", "ringing", "wrap_up", "paused", "working", "busy", "unavailable",
    )  # fmt: skip
    columns = ", ".join(f"members_{kind} AS {kind}" for kind in kinds)
    view = await db.fetch(
        f"SELECT node, link, queue, waiting, emails_waiting, {columns}"  # noqa: S608
        " FROM report.queue_now ORDER BY queue"
    )
    board = await rows(db, "wallboard_queues", None, None)
    names = list(dict(view[0]))
    assert [{name: row[name] for name in names} for row in board] == [dict(row) for row in view]
    assert {row["led"] for row in board} == {False}
    assert [row["queue"] for row in await rows(db, "wallboard_queues", None, "sales")] == ["sales"]
    # A node is shown though none of its queues is.
    (alone,) = await rows(db, "wallboard_queues", None, "none")
    assert (alone["node"], alone["queue"]) == ("pbx", None)


async def test_a_held_lock_leads(db: asyncpg.Connection) -> None:
    await given(db, PRESENT)
    await db.execute("INSERT INTO ccm.leadership (node_id, term) SELECT id, 1 FROM ccm.node")
    await db.execute("SELECT pg_advisory_lock(1667460354, number) FROM ccm.leadership")
    assert {row["led"] for row in await rows(db, "wallboard_queues", None, None)} == {True}


async def test_agents_with_their_talk_or_what_rings(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
call | started  | caller
a    | 09:00:00 | +491
b    | 09:01:00 | +492

visit | queue | joined   | answered | left     | outcome
a     | sales | 09:00:00 | 09:00:30 | 09:00:30 | answered
b     | help  | 09:01:00 |          |          |

segment | agent | answered | ended
a       | ann   | 09:00:30 |

offer | agent | offered  | ended | outcome
b     | bob   | 09:01:05 |       |

member | queue
bob    | help

state | agent | since    | until | state      | reason
-     | ann   | 09:00:30 |       | talking    |
-     | bob   | 09:01:05 |       | ringing    |
-     | cat   | 09:00:00 |       | paused     | lunch
-     | dan   | 09:00:00 |       | logged_out |
""",
    )
    found = await rows(db, "wallboard_agents", None, None)
    assert [(r["agent"], r["state"], r["reason"], r["queue"], r["customer"]) for r in found] == [
        ("ann", "talking", "", "sales", "+491"),
        ("bob", "ringing", "", "help", "+492"),
        ("cat", "paused", "lunch", None, None),
    ]
    assert [r["agent"] for r in await rows(db, "wallboard_agents", None, "help")] == ["bob"]
    assert await rows(db, "wallboard_agents", "other", None) == []


async def test_the_day_is_as_in_queue_interval(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
queue | service_level_seconds
sales | 20

visit | queue | joined   | answered | left     | outcome
old   | sales | 07:59:00 | 07:59:01 | 07:59:01 | answered
a *7  | sales | 09:00:00 | 09:00:20 | 09:00:20 | answered
b     | sales | 09:00:00 | 09:00:21 | 09:00:21 | answered
c *2  | sales | 09:00:00 |          | 09:00:40 | abandoned
d     | sales | 09:00:00 |          | 09:00:40 | timed_out
e     | sales | 09:00:00 |          | 09:00:40 | moved
""",
    )
    since = datetime(2026, 11, 27, 8, tzinfo=UTC)
    (found,) = await rows(db, "wallboard_today", since)
    names = ("offered", "answered", "abandoned", "answered_within")
    (view,) = await db.fetch(
        "SELECT offered, answered, abandoned, answered_within FROM report.queue_interval"
        " WHERE interval_start >= $1",
        since,
    )
    assert [found[name] for name in names] == [view[name] for name in names] == [11, 8, 2, 7]
