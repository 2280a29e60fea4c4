"""report.queue_log_stay, .reconcile_queue_log, .queue_log_difference: two tellings of one day."""

import asyncpg
from pasted_facts import given, shows, shows_nothing

LOG = """
logged | at       | queue   | agent | event           | data
-      | 08:00:00 |         |       | QUEUESTART      |
a      | 09:00:00 | sales   |       | ENTERQUEUE      | /+491/1
a      | 09:00:05 | sales   | ann   | RINGNOANSWER    | 5000
a      | 09:00:20 | sales   | bob   | CONNECT         | 20/x.1/3
a      | 09:01:20 | sales   | bob   | COMPLETEAGENT   | 20/60/1
b      | 09:02:00 | sales   |       | ENTERQUEUE      | /+492/1
b      | 09:02:30 | sales   |       | EXITWITHTIMEOUT | 1/1/30
b      | 09:02:30 | support |       | ENTERQUEUE      | /+492/1
b      | 09:02:40 | support | ann   | CONNECT         | 10/x.2/2
b      | 09:02:50 | support | ann   | BLINDTRANSFER   | 100/agents/10/10/1
b      | 09:02:50 | support |       | ENTERQUEUE      | /+492/2
b      | 09:03:00 | support |       | ABANDON         | 1/2/10
c      | 23:29:50 | sales   |       | ENTERQUEUE      | /+493/1
c      | 23:30:10 | sales   |       | EXITWITHKEY     | 1/1/1/20
"""
OURS = """
visit | queue   | joined      | answered    | left           | outcome
a     | sales   | 09:00:00.40 | 09:00:20.70 | 09:00:20.70    | answered
b     | sales   | 09:02:00.10 |             | 09:02:30.20    | timed_out
b     | support | 09:02:30.30 | 09:02:40.90 | 09:02:40.90    | answered
b     | support | 09:02:50.50 |             | 09:03:00.90    | abandoned
c     | sales   | 23:29:50.30 |             | 23:30:10 | left_by_key

offer | agent | offered     | ended       | outcome
a     | ann   | 09:00:00.50 | 09:00:05.50 | ring_no_answer
a     | bob   | 09:00:17.00 | 09:00:20.70 | answered

segment | visit | agent | answered    | ended       | by
a       | 1     | bob   | 09:00:20.70 | 09:01:20.90 | agent
b       | 2     | ann   | 09:02:40.90 | 09:02:50.40 | transfer
b       | 2     | eve   | 09:02:50.40 | 09:20:00.00 | caller
"""
NEXT_DAY = "11-28 01:00"


async def test_stays_as_queue_log_tells_them(db: asyncpg.Connection) -> None:
    await given(db, LOG, now=NEXT_DAY)
    await shows(
        db,
        "report.queue_log_stay",
        """
        column          | 1        | 2         | 3        | 4         | 5
        started_at      | 09:00:00 | 09:02:00  | 09:02:30 | 09:02:50  | 23:29:50
        queue           | sales    | sales     | support  | support   | sales
        call            | a        | b         | b        | b         | c
        caller          | +491     | +492      | +492     | +492      | +493
        agent           | bob      |           | ann      |           |
        answered_at     | 09:00:20 |           | 09:02:40 |           |
        outcome         | answered | timed_out | answered | abandoned | left_by_key
        ended_by        | agent    |           | transfer |           |
        talk_seconds    | 60       |           | 10       |           |
        ring_no_answers | 1        | 0         | 0        | 0         | 0
        """,
    )


async def test_the_same_day_told_twice_agrees(db: asyncpg.Connection) -> None:
    await given(db, LOG + OURS, now=NEXT_DAY)
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        column                    | sales      | support
        node                      | pbx        | pbx
        queue                     | sales      | support
        day                       | 2026-11-27 | 2026-11-27
        offered                   | 3          | 2
        queue_log_offered         | 3          | 2
        answered                  | 1          | 1
        queue_log_answered        | 1          | 1
        abandoned                 | 0          | 1
        queue_log_abandoned       | 0          | 1
        timed_out                 | 1          | 0
        queue_log_timed_out       | 1          | 0
        left_by_key               | 1          | 0
        queue_log_left_by_key     | 1          | 0
        ring_no_answers           | 1          | 0
        queue_log_ring_no_answers | 1          | 0
        talk_seconds              | 60.2       | 9.5
        queue_log_talk_seconds    | 60         | 10
        talk_difference_seconds   | 0.2        | -0.5
        differences               | 0          | 0
        """,
    )
    await shows_nothing(db, "report.queue_log_difference")


async def test_days_are_those_of_the_session(db: asyncpg.Connection) -> None:
    await given(db, LOG + OURS, now=NEXT_DAY)
    await db.execute("SET timezone = 'Europe/Berlin'")
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        day        | queue   | offered | queue_log_offered | differences
        2026-11-27 | sales   | 2       | 2                 | 0
        2026-11-27 | support | 2       | 2                 | 0
        2026-11-28 | sales   | 1       | 1                 | 0
        """,
    )


async def test_each_difference_is_named(db: asyncpg.Connection) -> None:
    await given(
        db,
        LOG
        + """
        visit | queue   | joined   | answered | left     | outcome
        a     | sales   | 09:00:00 | 09:00:20 | 09:00:20 | answered
        b     | sales   | 09:02:00 |          | 09:02:30 | abandoned
        b     | support | 09:02:50 |          | 09:03:00 | abandoned
        x     | support | 10:00:00 |          | 10:00:09 | abandoned
        z     | sales   | 07:00:00 |          | 07:00:09 | abandoned
        c     | sales   | 23:29:50 |          | 23:30:10 | left_by_key

        segment | visit | agent | answered | ended    | by
        a       | 1     | ann   | 09:00:20 | 09:02:20 | caller
        """,
        now=NEXT_DAY,
    )
    await shows(
        db,
        "report.queue_log_difference",
        """
        started_at | queue   | call | what            | ours      | queue_log
        09:00:00   | sales   | a    | agent           | ann       | bob
        09:00:00   | sales   | a    | ring_no_answers | 0         | 1
        09:00:00   | sales   | a    | talk_seconds    | 120.000   | 60
        09:02:00   | sales   | b    | outcome         | abandoned | timed_out
        09:02:30   | support | b    | visit           | none      | there
        10:00:00   | support | x    | visit           | there     | none
        """,
    )
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        column              | 1     | 2
        queue               | sales | support
        offered             | 3     | 2
        queue_log_offered   | 3     | 2
        abandoned           | 1     | 2
        queue_log_abandoned | 0     | 1
        timed_out           | 0     | 0
        queue_log_timed_out | 1     | 0
        differences         | 4     | 3
        """,
    )


async def test_a_place_that_an_agents_channel_took_is_the_callers(db: asyncpg.Connection) -> None:
    """After an attended transfer, queue_log has the second stay under another channel."""
    await given(
        db,
        """
        logged | at       | queue   | agent | event        | data
        a      | 09:00:00 | sales   |       | ENTERQUEUE   | /+491/1
        a      | 09:00:10 | sales   | ann   | CONNECT      | 10/x.1/3
        a      | 09:01:00 | sales   | ann   | COMPLETEAGENT | 10/50/1
        agents | 09:00:30 | support |       | ENTERQUEUE   | /1001/1
        agents | 09:00:40 | support | bob   | CONNECT      | 10/x.2/3
        agents | 09:02:00 | support | bob   | COMPLETEAGENT | 10/80/1

        visit | queue   | joined      | answered    | left        | outcome
        a     | sales   | 09:00:00.10 | 09:00:10.10 | 09:00:10.10 | answered
        a     | support | 09:00:30.10 | 09:00:40.10 | 09:00:40.10 | answered

        segment | visit | agent | answered    | ended       | by
        a       | 1     | ann   | 09:00:10.10 | 09:01:00.10 | transfer
        a       | 2     | bob   | 09:00:40.10 | 09:02:00.10 | agent
        """,
    )
    await shows_nothing(db, "report.queue_log_difference")
    await shows_nothing(db, "report.reconcile_queue_log WHERE differences > 0")


async def test_a_place_that_was_handed_over_is_counted_once(db: asyncpg.Connection) -> None:
    """The agent's second call waits; the transfer puts the customer there, under another id."""
    await given(
        db,
        """
        logged | at       | queue   | agent | event            | data
        a      | 09:00:00 | support |       | ENTERQUEUE       | /+491/1
        a      | 09:00:10 | support | ann   | CONNECT          | 10/x.1/3
        agent  | 09:00:30 | sales   |       | ENTERQUEUE       | /1001/1
        a      | 09:00:50 | support | ann   | ATTENDEDTRANSFER | APP/Queue/10/40/1
        a      | 09:01:10 | sales   | bob   | CONNECT          | 40/x.2/3
        a      | 09:02:00 | sales   | bob   | COMPLETEAGENT    | 40/50/1

        visit | queue   | joined      | answered    | left        | outcome
        a     | support | 09:00:00.10 | 09:00:10.10 | 09:00:10.10 | answered
        a     | sales   | 09:00:50.20 | 09:01:10.20 | 09:01:10.20 | answered
        agent | sales   | 09:00:30.10 |             | 09:00:50.20 | moved

        segment | visit | agent | answered    | ended       | by
        a       | 1     | ann   | 09:00:10.10 | 09:00:50.20 | transfer
        a       | 2     | bob   | 09:01:10.20 | 09:02:00.30 | agent
        """,
    )
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        queue   | offered | answered | queue_log_answered | talk_difference_seconds | differences
        sales   | 1       | 1        | 1                  | 0.1                     | 0
        support | 1       | 1        | 1                  | 0.1                     | 0
        """,
    )
    await shows_nothing(db, "report.queue_log_difference")


async def test_a_call_over_midnight_is_counted_where_each_thing_happened(
    db: asyncpg.Connection,
) -> None:
    await given(
        db,
        """
        logged | at             | queue | agent | event         | data
        a      | 23:59:50       | sales |       | ENTERQUEUE    | /+491/1
        a      | 23:59:58       | sales | ann   | RINGNOANSWER  | 5000
        a      | 11-28 00:00:10 | sales | bob   | CONNECT       | 20/x.1/3
        a      | 11-28 00:01:10 | sales | bob   | COMPLETEAGENT | 20/60/1

        visit | queue | joined   | answered       | left           | outcome
        a     | sales | 23:59:50 | 11-28 00:00:10 | 11-28 00:00:10 | answered

        offer | agent | offered  | ended    | outcome
        a     | ann   | 23:59:53 | 23:59:58 | ring_no_answer

        segment | agent | answered       | ended          | by
        a       | bob   | 11-28 00:00:10 | 11-28 00:01:10 | agent
        """,
        now=NEXT_DAY,
    )
    await shows(
        db,
        "report.reconcile_queue_log",
        """
        day        | offered | answered | ring_no_answers | talk_seconds | differences
        2026-11-27 | 1       | 0        | 1               | 0            | 0
        2026-11-28 | 0       | 1        | 0               | 60           | 0
        """,
    )
