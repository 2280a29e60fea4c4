"""report.queue_now, agent_now, agent_state and recording."""

import asyncpg
from pasted_facts import call_id, given, set_now, shows

PRESENT = """
queue
sales
support

agent | interface  | name
ann   | PJSIP/ann  | ann
eve   | PJSIP/1009 |

member | queue   | paused | removed
ann    | sales   |        |
ann    | support | yes    |
bob    | sales   |        |
cat    | sales   | yes    |
dan    | sales   |        |
eli    | sales   |        | yes
fay    | sales   |        |

state | agent | since    | until    | state   | reason
-     | ann   | 08:00:00 | 09:00:00 | talking | sales
-     | ann   | 09:00:00 |          | idle    |
-     | bob   | 09:00:30 |          | talking | sales
-     | cat   | 09:00:00 |          | idle    |
-     | dan   | 08:30:00 |          | wrap_up | sales

visit | queue | joined   | answered | left     | outcome
a     | sales | 09:00:00 | 09:00:30 | 09:00:30 | answered
b     | sales | 09:00:10 |          |          |
c     | sales | 09:00:40 |          |          |
d     | sales | 08:00:00 |          | 08:00:10 | abandoned

segment | agent | answered | ended
a       | bob   | 09:00:30 |
"""


async def test_queues_now(db: asyncpg.Connection) -> None:
    await given(db, PRESENT, now="09:01")
    await shows(
        db,
        "report.queue_now",
        """
        column               | sales   | support
        node                 | pbx     | pbx
        queue                | sales   | support
        strategy             | ringall | ringall
        link                 | up      | up
        waiting              | 2       | 0
        longest_wait_seconds | 50      |
        talking              | 1       | 0
        members              | 5       | 1
        members_idle         | 1       | 0
        members_ringing      | 0       | 0
        members_talking      | 1       | 0
        members_wrap_up      | 1       | 0
        members_busy         | 0       | 0
        members_paused       | 1       | 1
        members_unavailable  | 0       | 0
        members_unknown      | 1       | 0
        """,
    )


async def test_agents_now(db: asyncpg.Connection) -> None:
    await given(db, PRESENT, now="09:01")
    await shows(
        db,
        "report.agent_now",
        """
        agent      | link | state   | reason | since    | seconds
        ann        | up   | idle    |        | 09:00:00 | 60
        bob        | up   | talking | sales  | 09:00:30 | 30
        cat        | up   | idle    |        | 09:00:00 | 60
        dan        | up   | wrap_up | sales  | 08:30:00 | 1860
        eli        | up   |         |        |          |
        fay        | up   |         |        |          |
        PJSIP/1009 | up   |         |        |          |
        """,
    )
    await shows(
        db,
        "report.agent_now WHERE queues <> '{}'",
        f"""
        interface | queues         | paused_queues | interaction_id
        PJSIP/ann | sales, support | support       |
        PJSIP/bob | sales          |               | {call_id("a")}
        PJSIP/cat | sales          | sales         |
        PJSIP/dan | sales          |               |
        PJSIP/fay | sales          |               |
        """,
    )


async def test_states_that_go_on_count_until_now(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        state | agent | since    | until    | state  | reason | inferred
        -     | ann   | 08:00:00 | 09:00:00 | paused | lunch  | yes
        -     | ann   | 09:00:00 |          | idle   |        |
        """,
        now="09:00:01.500",
    )
    await shows(
        db,
        "report.agent_state",
        """
        agent | state  | reason | started_at | ended_at | seconds | inferred
        ann   | paused | lunch  | 08:00:00   | 09:00:00 | 3600    | yes
        ann   | idle   |        | 09:00:00   |          | 1.5     | no
        """,
    )


async def test_a_present_before_the_begin_is_no_negative_time(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        state | agent | since    | state
        -     | ann   | 09:00:00 | idle

        visit | queue | joined
        a     | sales | 09:00:00
        """,
        now="08:59:58",
    )
    await shows(db, "report.agent_now", "agent | seconds\nann | 0")
    await shows(db, "report.queue_now", "queue | longest_wait_seconds\nsales | 0")
    await shows(db, "report.queue_interval", "queue | longest_wait_seconds\nsales | 0")


async def test_recordings_know_their_queue_and_agent(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue   | joined   | answered | left     | outcome
        a     | sales   | 09:00:00 |          | 09:00:10 | timed_out
        a     | support | 09:00:10 | 09:00:20 | 09:00:20 | answered

        segment | visit | agent | answered | ended
        a       | 2     | ann   | 09:00:20 | 09:01:20
        b       | 1     | bob   | 09:00:20 |

        recording | state    | path    | started  | ended    | seconds | error
        a         | finished | a/1.wav | 09:00:20 | 09:01:20 | 59.98   |
        b         | failed   | b/1.wav | 09:00:20 |          |         | no such channel
        c         | missing  | c/1.wav | 09:00:20 | 09:01:00 |         | file not found
        """,
    )
    await shows(
        db,
        "report.recording",
        """
        column          | of a     | of b            | of c
        segment         | 1        | 1               | 1
        node            | pbx      | pbx             | pbx
        queue           | support  |                 |
        agent           | ann      | bob             |
        state           | finished | failed          | missing
        path            | a/1.wav  | b/1.wav         | c/1.wav
        seconds         | 59.98    |                 |
        segment_seconds | 60       |                 |
        bytes           | 1000     |                 |
        error           |          | no such channel | file not found
        """,
    )


async def test_a_recording_shows_how_long_it_was_paused(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        segment | visit | agent | answered | ended
        a       | 1     | ann   | 09:00:00 | 09:01:00
        b       | 1     | bob   | 09:00:00 |
        c       | 1     | cid   | 09:00:00 |

        recording | state     | path    | started  | ended    | seconds
        a         | finished  | a/1.wav | 09:00:00 | 09:01:00 | 60
        b         | recording | b/1.wav | 09:00:00 |          |
        c         | recording | c/1.wav | 09:00:00 |          |
        """,
        now="09:01:30",
    )
    await db.execute("UPDATE ccm.recording SET paused_seconds = 12.5, channels = 'stereo'")
    await db.execute(
        "UPDATE ccm.recording SET paused_at = '2026-11-27 09:01:20+00', asked = 'resume' "
        "WHERE path = 'b/1.wav'"
    )
    await db.execute("UPDATE ccm.recording SET paused_seconds = 0 WHERE path = 'c/1.wav'")
    await shows(
        db,
        "report.recording",
        """
        column         | of a   | of b     | of c
        channels       | stereo | stereo   | stereo
        paused_seconds | 12.5   | 22.5     | 0
        paused_since   |        | 09:01:20 |
        unsure         |        | resume   |
        """,
    )


async def test_now_is_the_clock_unless_it_is_set(db: asyncpg.Connection) -> None:
    assert await db.fetchval("SELECT report.now() = now()")
    await set_now(db, "09:00")
    assert await db.fetchval("SELECT report.now() = '2026-11-27 09:00+00'")
    await db.execute("RESET ccm.now")
    assert await db.fetchval("SELECT report.now() = now()")


async def test_emails_wait_beside_calls(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome  | email
        a     | sales | 08:59:00 |          |          |          |
        b     | sales | 07:00:00 |          |          |          | yes
        c     | sales | 08:00:00 |          |          |          | yes
        d     | sales | 08:00:00 | 08:30:00 | 08:30:00 | answered | yes

        segment | agent | answered | ended | email
        d       | ann   | 08:30:00 |       | yes

        member | queue
        ann    | sales

        state | agent | since    | until | state   | reason
        -     | ann   | 08:30:00 |       | working | sales
        """,
        now="09:00",
    )
    await shows(
        db,
        "report.queue_now",
        """
        waiting | longest_wait_seconds | talking | emails_waiting | longest_email_wait_seconds | emails_working | members | members_working
        1       | 60                   | 0       | 2              | 7200                       | 1              | 1       | 1
        """,  # noqa: E501
    )
    await shows(
        db,
        "report.agent_now",
        f"""
        agent | state   | reason | interaction_id
        ann   | working | sales  | {call_id("d")}
        """,
    )
