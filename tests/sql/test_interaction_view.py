"""report.interaction: what the visits, offers, segments and recordings of one come to."""

import asyncpg
from pasted_facts import call_id, given, shows


async def test_an_answered_call(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call | started  | ended    | outcome  | caller      | caller_name | did
        a    | 09:00:00 | 09:02:00 | answered | +4930123456 | Zoë [red]   | 100

        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:01 | 09:00:11 | 09:00:11 | answered

        offer | agent | offered  | ended    | outcome
        a     | ann   | 09:00:05 | 09:00:11 | answered

        segment | agent | offered  | answered | ended    | hold | wrap_up
        a       | ann   | 09:00:05 | 09:00:11 | 09:02:00 | 9    | 15

        recording | state    | started  | ended    | seconds
        a         | finished | 09:00:11 | 09:02:00 | 108.9
        """,
    )
    await shows(
        db,
        "report.interaction",
        f"""
        column           | row
        id               | {call_id("a")}
        node             | pbx
        channel          | voice
        direction        | inbound
        caller           | +4930123456
        caller_name      | Zoë [red]
        did              | 100
        first_queue      | sales
        last_queue       | sales
        queues           | sales
        agents           | ann
        started_at       | 09:00:00
        ended_at         | 09:02:00
        wait_seconds     | 10
        ring_seconds     | 6
        talk_seconds     | 100
        hold_seconds     | 9
        wrap_up_seconds  | 15
        handle_seconds   | 124
        outcome          | answered
        state            | ended
        segments         | 1
        transfers        | 0
        offers           | 1
        ring_no_answers  | 0
        recordings       | 1
        recording_states | finished
        inferred         | no
        """,
    )


async def test_several_queues_and_a_transfer_keep_their_order(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue   | joined   | answered | left     | outcome
        a     | sales   | 09:00:00 |          | 09:00:30 | timed_out
        a     | support | 09:00:31 | 09:00:41 | 09:00:41 | answered
        a     | sales   | 09:05:00 |          | 09:05:07 | abandoned

        segment | visit | agent | answered | ended    | by       | hold | wrap_up
        a       | 2     | zoe   | 09:00:41 | 09:01:41 | transfer | 10   | 5
        a       | 2     | ann   | 09:01:41 | 09:02:41 | agent    | 0    | 5

        recording | number | state    | started
        a         | 1      | finished | 09:00:41
        a         | 2      | missing  | 09:01:41
        """.replace("finished | 09:00:41", "expected | 09:00:41"),
    )
    await shows(
        db,
        "report.interaction",
        """
        column           | row
        first_queue      | sales
        last_queue       | sales
        queues           | sales, support, sales
        agents           | zoe, ann
        wait_seconds     | 47
        talk_seconds     | 110
        hold_seconds     | 10
        wrap_up_seconds  | 10
        handle_seconds   | 130
        segments         | 2
        transfers        | 1
        recordings       | 2
        recording_states | expected, missing
        """,
    )


async def test_phones_that_ring_together_ring_once(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:01:00 | 09:01:00 | answered

        offer | agent | offered  | ended    | outcome
        a     | ann   | 09:00:00 | 09:00:10 | other_answered
        a     | bob   | 09:00:05 | 09:00:20 | ring_no_answer
        a     | cat   | 09:00:50 | 09:01:00 | answered
        a     | dan   | 09:00:50 | 09:00:50 | ring_no_answer
        """,
    )
    await shows(
        db,
        "report.interaction",
        """
        ring_seconds | offers | ring_no_answers
        30           | 4      | 2
        """,
    )


async def test_what_goes_on_counts_until_now(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call    | started  | state
        waiting | 09:00:00 | waiting
        talking | 09:00:00 | talking

        visit   | queue | joined   | answered | left     | outcome
        waiting | sales | 09:00:00 |          |          |
        talking | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

        offer   | agent | offered  | ended | outcome
        waiting | bob   | 09:00:55 |       |

        segment | agent | answered | ended | hold
        talking | ann   | 09:00:10 |       | 20
        """,
        now="09:01",
    )
    await shows(
        db,
        "report.interaction",
        """
        state   | ended_at | outcome | wait_seconds | ring_seconds | talk_seconds | hold_seconds
        waiting |          |         | 60           | 5            | 0            | 0
        talking |          |         | 10           | 0            | 30           | 20
        """,
    )


async def test_an_end_that_was_not_seen_stops_at_the_end_of_the_interaction(
    db: asyncpg.Connection,
) -> None:
    await given(
        db,
        """
        call | started  | ended    | outcome  | inferred
        a    | 09:00:00 | 09:01:00 | answered | yes

        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        a     | sales | 09:00:50 |          |          |

        segment | agent | answered | ended | hold
        a       | ann   | 09:00:10 |       | 0

        offer | visit | agent | offered  | ended | outcome
        a     | 2     | ann   | 09:00:55 |       |
        """,
        now="15:00",
    )
    await shows(
        db,
        "report.interaction",
        """
        wait_seconds | talk_seconds | ring_seconds | inferred
        20           | 50           | 5            | yes
        """,
    )


async def test_what_is_inferred_of_a_part_is_inferred_of_the_whole(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome  | inferred
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered | yes
        b     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered |
        c     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered |

        segment | agent | answered | ended    | by     | inferred
        b       | ann   | 09:00:10 | 09:00:20 | lost   | yes
        c       | ann   | 09:00:10 | 09:00:20 | caller |
        """,
    )
    await shows(
        db,
        "report.interaction WHERE inferred",
        f"""
        id             | inferred
        {call_id("a")} | yes
        {call_id("b")} | yes
        """,
    )


async def test_a_call_that_joined_no_queue(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        call | started  | ended    | outcome
        a    | 09:00:00 | 09:00:05 | lost
        """,
    )
    await shows(
        db,
        "report.interaction",
        """
        first_queue | queues | agents | wait_seconds | handle_seconds | segments | recording_states
                    |        |        | 0            | 0              | 0        |
        """,
    )
