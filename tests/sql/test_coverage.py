"""report.coverage: what was seen, what was concluded, and for how long nobody looked."""

import asyncpg
from pasted_facts import given, shows, shows_nothing


async def test_each_interaction_is_counted_once(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        link | since    | until
        -    | 09:00:00 | 12:00:00

        visit | queue | joined   | answered | left     | outcome   | inferred
        a *3  | sales | 09:00:00 |          | 09:00:20 | abandoned |
        b     | sales | 09:10:00 |          | 09:10:20 | abandoned | yes
        c     | sales | 09:59:59 | 10:00:05 | 10:00:05 | answered  |
        d *2  | sales | 10:30:00 |          | 10:30:05 | abandoned | yes
        e     | sales | 11:10:00 |          |          |           |

        segment | agent | answered | ended    | inferred
        c       | ann   | 10:00:05 | 10:02:00 | yes

        made | at
        d#0  | 10:30:00
        """,
        now="11:30",
    )
    await shows(
        db,
        "report.coverage",
        """
        column               | 1        | 2        | 3
        node                 | pbx      | pbx      | pbx
        interval_start       | 09:00:00 | 10:00:00 | 11:00:00
        interval_end         | 10:00:00 | 11:00:00 | 12:00:00
        interactions         | 5        | 2        | 1
        observed             | 3        | 0        | 1
        partly_inferred      | 2        | 1        | 0
        queue_log_only       | 0        | 1        | 0
        observed_rate        | 0.6      | 0        | 1
        without_link_seconds | 0        | 0        | 0
        """,
    )


async def test_seconds_without_a_link(db: asyncpg.Connection) -> None:
    """Overlapping links count once, a gap over the full hour in both hours, the future never."""
    await given(
        db,
        """
        link | since    | until
        -    | 09:15:00 | 09:30:00
        -    | 09:20:00 | 09:50:00
        -    | 10:10:00 | 10:20:00
        """,
        now="12:05",
    )
    await shows(
        db,
        "report.coverage",
        """
        interval_start | interactions | observed_rate | without_link_seconds
        09:00:00       | 0            |               | 1500
        10:00:00       | 0            |               | 3000
        11:00:00       | 0            |               | 3600
        12:00:00       | 0            |               | 300
        """,
    )


async def test_hours_are_those_of_the_session(db: asyncpg.Connection) -> None:
    await given(db, "link | since | until\n- | 09:00 | 10:00", now="10:00")
    await db.execute("SET timezone = 'Asia/Kolkata'")  # half an hour off
    found = await db.fetch("SELECT interval_start, without_link_seconds FROM report.coverage")
    assert [row["interval_start"].minute for row in found] == [30, 30]
    assert [int(row["without_link_seconds"]) for row in found] == [1800, 0]


async def test_nothing_is_known_of_a_node_that_was_never_followed(db: asyncpg.Connection) -> None:
    await given(db, "queue\nsales")
    await shows_nothing(db, "report.coverage")
