"""report.agent_day: the days of agents, in a time zone, with its days of 23 and 25 hours."""

import asyncpg
import pytest
from pasted_facts import given, set_now, shows, shows_nothing

SHIFT = """
state | agent | since    | until    | state
-     | ann   | 08:00:00 | 08:00:10 | logged_out
-     | ann   | 08:00:10 | 08:10:10 | idle
-     | ann   | 08:10:10 | 08:10:20 | ringing
-     | ann   | 08:10:20 | 08:15:20 | talking
-     | ann   | 08:15:20 | 08:15:50 | wrap_up
-     | ann   | 08:15:50 | 08:20:50 | paused
-     | ann   | 08:20:50 | 08:21:50 | unavailable
-     | ann   | 08:21:50 | 08:23:50 | busy
-     | ann   | 08:23:50 | 08:24:50 | idle
-     | ann   | 08:24:50 | 08:30:50 | working
-     | ann   | 08:30:50 |          | logged_out
"""


def states(text: str) -> str:
    """Pasted states without the column that only says so."""
    head, *rows = text.strip().splitlines()
    return "\n".join([f"state | {head}", *(f"- | {row}" for row in rows)])


async def berlin(db: asyncpg.Connection) -> None:
    await db.execute("SET timezone = 'Europe/Berlin'")


async def test_the_states_of_a_shift_add_up(db: asyncpg.Connection) -> None:
    await given(db, SHIFT)
    await shows(
        db,
        "report.agent_day",
        """
        column              | row
        node                | pbx
        agent               | ann
        interface           | PJSIP/ann
        day                 | 2026-11-27
        day_start           | 00:00:00
        day_end             | 2026-11-28 00:00:00
        logged_in_seconds   | 1840
        idle_seconds        | 660
        ringing_seconds     | 10
        talking_seconds     | 300
        wrap_up_seconds     | 30
        paused_seconds      | 300
        unavailable_seconds | 60
        working_seconds     | 360
        busy_seconds        | 120
        occupancy_rate      | 0.5111
        utilisation_rate    | 0.375
        first_login_at      | 08:00:10
        last_logout_at      | 08:30:50
        """,
    )


async def test_what_an_agent_handled_and_was_offered(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        b     | sales | 10:00:00 | 10:00:10 | 10:00:10 | answered
        c     | sales | 11:00:00 | 11:00:10 | 11:00:10 | answered

        segment | agent | answered | ended    | hold | wrap_up | by
        a       | ann   | 09:00:10 | 09:01:10 | 20   | 10      | transfer
        a       | bob   | 09:01:10 | 09:02:10 | 0    | 0       | caller
        b       | ann   | 10:00:10 | 10:02:10 | 5    | 10      | caller
        c       | ann   | 11:00:10 |          | 1    | 0       |

        offer | agent | offered  | ended    | outcome
        a     | ann   | 09:00:00 | 09:00:10 | answered
        b     | ann   | 10:00:00 | 10:00:10 | answered
        b     | bob   | 10:00:00 | 10:00:10 | other_answered
        b     | bob   | 10:00:00 | 10:00:08 | ring_no_answer
        c     | ann   | 11:00:00 | 11:00:05 | ring_no_answer
        c     | ann   | 11:00:06 | 11:00:10 | answered
        c     | bob   | 11:00:06 |          |
        """,
        now="11:05",
    )
    await shows(
        db,
        "report.agent_day",
        """
        column                          | ann   | bob
        agent                           | ann   | bob
        handled                         | 3     | 1
        hold_seconds                    | 26    | 0
        average_handle_seconds          | 100   | 60
        offers                          | 4     | 2
        offers_answered                 | 3     | 0
        ring_no_answers                 | 1     | 1
        agent_answer_rate               | 0.75  | 0
        agent_answer_of_own_offers_rate | 0.75  | 0
        logged_in_seconds               | 0     | 0
        occupancy_rate                  |       |
        utilisation_rate                |       |
        first_login_at                  |       |
        last_logout_at                  |       |
        """,
    )


async def test_a_state_over_midnight_is_cut_there(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since       | until       | state
        ann   | 11-25 22:00 | 11-27 01:00 | idle
        ann   | 11-27 01:00 | 11-27 01:30 | talking
        ann   | 11-27 01:30 | 11-27 02:00 | logged_out
        """),
    )
    await shows(
        db,
        "report.agent_day",
        """
        column            | before              | between             | after
        day               | 2026-11-25          | 2026-11-26          | 2026-11-27
        logged_in_seconds | 7200                | 86400               | 5400
        idle_seconds      | 7200                | 86400               | 3600
        talking_seconds   | 0                   | 0                   | 1800
        first_login_at    | 2026-11-25 22:00:00 | 2026-11-26 00:00:00 | 00:00:00
        last_logout_at    | 2026-11-26 00:00:00 | 00:00:00            | 01:30:00
        """,
    )


async def test_midnight_is_that_of_the_session(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since       | until       | state
        ann   | 11-26 22:30 | 11-26 23:30 | idle
        """),
    )
    await berlin(db)
    await shows(
        db,
        "report.agent_day",
        """
        day        | idle_seconds | day_start           | day_end
        2026-11-26 | 1800         | 2026-11-25 23:00:00 | 2026-11-26 23:00:00
        2026-11-27 | 1800         | 2026-11-26 23:00:00 | 23:00:00
        """,
    )


async def test_the_day_of_23_hours(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since               | until               | state
        ann   | 2026-03-28 22:00+01 | 2026-03-30 01:00+02 | idle
        """),
    )
    await berlin(db)
    await shows(
        db,
        "report.agent_day",
        """
        day        | logged_in_seconds | day_start           | day_end
        2026-03-28 | 7200              | 2026-03-27 23:00:00 | 2026-03-28 23:00:00
        2026-03-29 | 82800             | 2026-03-28 23:00:00 | 2026-03-29 22:00:00
        2026-03-30 | 3600              | 2026-03-29 22:00:00 | 2026-03-30 22:00:00
        """,
    )


async def test_the_day_of_25_hours(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since               | until               | state
        ann   | 2026-10-24 23:30+02 | 2026-10-25 02:30+02 | idle
        ann   | 2026-10-25 02:30+02 | 2026-10-25 02:30+01 | talking
        ann   | 2026-10-25 02:30+01 | 2026-10-26 00:30+01 | paused
        """),
    )
    await berlin(db)
    await shows(
        db,
        "report.agent_day",
        """
        day        | logged_in_seconds | idle_seconds | talking_seconds | paused_seconds
        2026-10-24 | 1800              | 1800         | 0               | 0
        2026-10-25 | 90000             | 9000         | 3600            | 77400
        2026-10-26 | 1800              | 0            | 0               | 1800
        """,
    )


async def test_clocks_that_go_back_over_midnight_lose_nothing(db: asyncpg.Connection) -> None:
    # Havana, 2026-11-01: at 01:00 it is 00:00 again; the first hour of the day is there twice.
    await given(
        db,
        states("""
        agent | since               | until               | state
        ann   | 2026-11-01 00:10-04 | 2026-11-01 00:20-04 | idle
        ann   | 2026-11-01 00:20-04 | 2026-11-01 02:00-05 | talking
        """),
    )
    await db.execute("SET timezone = 'America/Havana'")
    total = await db.fetchval("SELECT sum(logged_in_seconds) FROM report.agent_day")
    assert total == 600 + 40 * 60 + 2 * 3600


async def test_a_state_that_goes_on_counts_until_now(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since       | until | state
        ann   | 11-26 23:00 |       | idle
        """),
        now="10:00",
    )
    await shows(
        db,
        "report.agent_day",
        """
        day        | idle_seconds | first_login_at      | last_logout_at
        2026-11-26 | 3600         | 2026-11-26 23:00:00 | 00:00:00
        2026-11-27 | 36000        | 00:00:00            |
        """,
    )


async def test_an_agent_who_stays_logged_out_makes_no_days(db: asyncpg.Connection) -> None:
    await given(
        db,
        states("""
        agent | since            | until | state
        ann   | 2026-03-01 10:00 |       | logged_out
        """),
    )
    await shows_nothing(db, "report.agent_day")


async def test_a_segment_belongs_to_the_local_day_of_its_answer(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined      | answered    | left        | outcome
        a     | sales | 11-26 22:59 | 11-26 22:59 | 11-26 22:59 | answered

        segment | agent | answered    | ended       | hold
        a       | ann   | 11-26 22:59 | 11-26 23:59 | 600

        offer | agent | offered     | ended       | outcome
        a     | ann   | 11-26 22:59 | 11-26 22:59 | answered
        """,
    )
    await berlin(db)
    await shows(
        db,
        "report.agent_day",
        """
        day        | handled | hold_seconds | offers | average_handle_seconds
        2026-11-26 | 1       | 600          | 1      | 3600
        """,
    )


@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "Europe/Berlin",
        "America/Havana",  # midnight is there twice
        "Asia/Beirut",  # midnight is left out
        "Australia/Lord_Howe",  # the clocks change by half an hour
        "Asia/Kathmandu",
        "Pacific/Apia",
    ],
)
async def test_no_second_is_lost_or_counted_twice(db: asyncpg.Connection, zone: str) -> None:
    """A year of states, of 7 h 13 min each, in the zones where days are the oddest."""
    await given(db, "agent\nann")
    await db.execute(
        "INSERT INTO ccm.agent_state"
        " SELECT (SELECT id FROM ccm.agent), t, 1, ('{idle,ringing,talking,wrap_up,paused,"
        "unavailable,busy,logged_out}'::text[])[1 + n % 8], '', t + interval '7:13', false"
        " FROM generate_series(timestamptz '2025-11-27+00', '2026-11-26+00', '7:13')"
        " WITH ORDINALITY AS s (t, n)"
    )
    await set_now(db, "23:59")
    await db.execute("SELECT set_config('TimeZone', $1, false)", zone)
    by_day = await db.fetchrow(
        "SELECT sum(logged_in_seconds) AS logged_in, sum(idle_seconds) AS idle,"
        " sum(idle_seconds + ringing_seconds + talking_seconds + wrap_up_seconds + paused_seconds"
        " + unavailable_seconds + busy_seconds) AS of_states,"
        " bool_and(logged_in_seconds <= extract(epoch FROM day_end - day_start)) AS fit,"
        " count(*) AS days, count(DISTINCT day) AS different"
        " FROM report.agent_day"
    )
    by_state = await db.fetchrow(
        "SELECT sum(seconds) AS logged_in, sum(seconds) FILTER (WHERE state = 'idle') AS idle"
        " FROM report.agent_state WHERE state <> 'logged_out'"
    )
    assert by_day is not None
    assert by_state is not None
    assert by_day["logged_in"] == by_day["of_states"] == by_state["logged_in"] > 300 * 20 * 3600
    assert by_day["idle"] == by_state["idle"]
    assert by_day["days"] == by_day["different"] >= 364
    assert by_day["fit"]


async def test_emails_are_not_in_the_figures_of_calls(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome  | email
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered |
        b     | sales | 09:05:00 | 10:00:10 | 10:00:10 | answered | yes

        segment | agent | answered | ended    | by    | email
        a       | ann   | 09:00:10 | 09:01:10 | agent |
        b       | ann   | 10:00:10 | 11:00:10 | agent | yes

        offer | agent | offered  | ended    | outcome        | email
        a     | ann   | 09:00:00 | 09:00:10 | answered       |
        b     | ann   | 09:50:00 | 09:50:10 | ring_no_answer | yes
        b     | ann   | 10:00:00 | 10:00:10 | answered       | yes

        state | agent | since    | until    | state
        -     | ann   | 09:00:00 | 09:00:10 | ringing
        -     | ann   | 09:00:10 | 09:01:10 | talking
        -     | ann   | 09:01:10 | 10:00:10 | idle
        -     | ann   | 10:00:10 | 10:30:10 | working
        -     | ann   | 10:30:10 | 10:40:10 | talking
        -     | ann   | 10:40:10 | 11:00:10 | working
        -     | ann   | 11:00:10 |          | logged_out
        """,
    )
    # An email in hand for an hour, ten minutes of which a call interrupted it: each counts once.
    await shows(
        db,
        "report.agent_day",
        """
        logged_in_seconds | talking_seconds | working_seconds | handled | offers | average_handle_seconds | occupancy_rate
        7210              | 660             | 3000            | 1       | 1      | 60                     | 0.5083
        """,  # noqa: E501
    )
