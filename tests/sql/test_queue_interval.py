"""report.queue_interval: every metric of a quarter of an hour, from pasted facts."""

import asyncpg
from pasted_facts import given, shows, shows_nothing

# 100 offered; 80 answered (60 within T = 20 s); 20 abandoned (8 under 5 s, 4 more within T).
EXAMPLE = """
queue | service_level_seconds
sales | 20

visit   | queue | joined   | answered | left     | outcome
in *60  | sales | 09:00:00 | 09:00:20 | 09:00:20 | answered
out *20 | sales | 09:00:00 | 09:00:21 | 09:00:21 | answered
a *8    | sales | 09:00:00 |          | 09:00:04 | abandoned
b *4    | sales | 09:00:00 |          | 09:00:20 | abandoned
c *8    | sales | 09:00:00 |          | 09:01:00 | abandoned
"""


async def test_the_worked_example_of_the_definitions(db: asyncpg.Connection) -> None:
    await given(db, EXAMPLE)
    await shows(
        db,
        "report.queue_interval",
        """
        column                                    | the only row
        node                                      | pbx
        queue                                     | sales
        interval_start                            | 09:00:00
        interval_end                              | 09:15:00
        service_level_seconds                     | 20
        short_abandon_seconds                     | 5
        offered                                   | 100
        answered                                  | 80
        abandoned                                 | 20
        answered_within                           | 60
        abandoned_within                          | 12
        short_abandons                            | 8
        service_level_of_ended_rate               | 0.6
        service_level_without_short_abandons_rate | 0.6522
        service_level_left_within_rate            | 0.72
        service_level_of_answered_rate            | 0.75
        abandonment_rate                          | 0.2
        abandonment_without_short_abandons_rate   | 0.1304
        average_speed_of_answer_seconds           | 20.25
        average_time_to_abandon_seconds           | 29.6
        longest_wait_seconds                      | 60
        waiting                                   | 0
        other_exits                               | 0
        """,
    )


async def test_a_visit_belongs_to_the_interval_in_which_it_began(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue   | joined       | answered | left     | outcome
        a     | sales   | 09:14:59.999 | 09:16:00 | 09:16:00 | answered
        b     | sales   | 09:15:00     | 09:16:00 | 09:16:00 | answered
        c     | support | 09:15:00     | 09:16:00 | 09:16:00 | answered
        d     | support | 09:29:59     |          | 10:00:00 | abandoned
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        queue   | interval_start | interval_end | offered | answered | abandoned
        sales   | 09:00:00       | 09:15:00     | 1       | 1        | 0
        sales   | 09:15:00       | 09:30:00     | 1       | 1        | 0
        support | 09:15:00       | 09:30:00     | 2       | 1        | 1
        """,
    )


async def test_every_way_out_of_a_queue_is_counted_once(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome     | inferred
        a     | sales | 09:00:00 | 09:00:05 | 09:00:05 | answered    |
        b     | sales | 09:00:00 |          | 09:00:05 | abandoned   |
        c *2  | sales | 09:00:00 |          | 09:01:00 | timed_out   |
        d *3  | sales | 09:00:00 |          | 09:00:09 | left_by_key |
        e *4  | sales | 09:00:00 |          | 09:00:00 | no_agents   |
        f *5  | sales | 09:00:00 |          | 09:00:00 | queue_full  |
        g *6  | sales | 09:00:00 |          | 09:00:01 | lost        | yes
        h *7  | sales | 09:00:00 |          |          |             |
        """,
        now="09:10",
    )
    await shows(
        db,
        "report.queue_interval",
        """
        column                         | row
        offered                        | 29
        answered                       | 1
        abandoned                      | 1
        timed_out                      | 2
        left_by_key                    | 3
        no_agents                      | 4
        queue_full                     | 5
        lost                           | 6
        other_exits                    | 15
        waiting                        | 7
        inferred                       | 6
        longest_wait_seconds           | 600
        service_level_of_ended_rate    | 0.5
        service_level_left_within_rate | 1
        abandonment_rate               | 0.0345
        short_abandons                 | 0
        """,
    )


async def test_nothing_to_divide_by_is_null(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | left     | outcome
        a     | sales | 09:00:00 |          |
        b     | calm  | 09:00:00 | 09:00:02 | abandoned
        """,
        now="09:00:30",
    )
    await shows(
        db,
        "report.queue_interval ORDER BY queue",
        """
        column                                    | calm | sales
        queue                                     | calm | sales
        service_level_of_ended_rate               | 0    |
        service_level_without_short_abandons_rate |      |
        service_level_left_within_rate            | 1    |
        service_level_of_answered_rate            |      |
        abandonment_rate                          | 1    | 0
        abandonment_without_short_abandons_rate   |      | 0
        average_speed_of_answer_seconds           |      |
        average_time_to_abandon_seconds           | 2    |
        average_handle_seconds                    |      |
        average_talk_seconds                      |      |
        average_hold_seconds                      |      |
        average_wrap_up_seconds                   |      |
        transfer_rate                             |      |
        agent_answer_rate                         |      |
        agent_answer_of_own_offers_rate           |      |
        longest_wait_seconds                      | 2    | 30
        """,
    )


async def test_no_visits_no_rows(db: asyncpg.Connection) -> None:
    await given(db, "queue\nsales")
    await shows_nothing(db, "report.queue_interval")


async def test_each_queue_has_its_own_threshold(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        queue | service_level_seconds
        fast  | 5
        slow  | 60

        visit | queue | joined   | answered | left     | outcome
        a     | fast  | 09:00:00 | 09:00:30 | 09:00:30 | answered
        b     | slow  | 09:00:00 | 09:00:30 | 09:00:30 | answered
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        queue | service_level_seconds | service_level_of_answered_rate
        fast  | 5                     | 0
        slow  | 60                    | 1
        """,
    )


async def test_an_interaction_in_two_queues_counts_in_both(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue   | joined   | answered | left     | outcome
        a     | sales   | 09:00:00 |          | 09:00:30 | timed_out
        a     | support | 09:00:30 | 09:00:40 | 09:00:40 | answered

        segment | visit | agent | answered | ended    | hold | wrap_up
        a       | 2     | ann   | 09:00:40 | 09:02:40 | 20   | 10

        offer | visit | agent | offered  | ended    | outcome
        a     | 1     | bob   | 09:00:01 | 09:00:16 | ring_no_answer
        a     | 2     | ann   | 09:00:32 | 09:00:40 | answered
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        column                          | sales | support
        queue                           | sales | support
        offered                         | 1     | 1
        answered                        | 0     | 1
        timed_out                       | 1     | 0
        average_speed_of_answer_seconds |       | 10
        longest_wait_seconds            | 30    | 10
        handled                         | 0     | 1
        average_handle_seconds          |       | 130
        average_talk_seconds            |       | 100
        average_hold_seconds            |       | 20
        average_wrap_up_seconds         |       | 10
        offers                          | 1     | 1
        agent_answer_rate               | 0     | 1
        """,
    )


async def test_a_transferred_interaction_is_handled_once_by_two(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        b     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

        segment | agent | answered | ended    | by       | hold | wrap_up
        a       | ann   | 09:00:10 | 09:01:10 | transfer | 10   | 5
        a       | bob   | 09:01:10 | 09:02:10 | caller   | 0    | 15
        b       | cat   | 09:00:10 | 09:00:50 | agent    | 0    | 0
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        column                  | row
        answered                | 2
        handled                 | 2
        transferred             | 1
        transfer_rate           | 0.5
        average_handle_seconds  | 90
        average_talk_seconds    | 75
        average_hold_seconds    | 5
        average_wrap_up_seconds | 10
        """,
    )


async def test_a_talk_that_goes_on_is_answered_and_not_yet_handled(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        b     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

        segment | agent | answered | ended    | by
        a       | ann   | 09:00:10 | 09:01:10 | transfer
        a       | bob   | 09:01:10 |          |
        b       | cat   | 09:00:10 | 09:00:30 | caller
        """,
        now="09:30",
    )
    await shows(
        db,
        "report.queue_interval",
        """
        answered | handled | transferred | average_handle_seconds | average_talk_seconds
        2        | 1       | 0           | 20                     | 20
        """,
    )


async def test_ring_all_counts_against_those_who_were_too_late_only_in_one_rate(
    db: asyncpg.Connection,
) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered
        b     | sales | 09:01:00 |          | 09:01:08 | abandoned
        c     | sales | 09:02:00 |          |          |

        offer | agent | offered  | ended    | outcome
        a     | ann   | 09:00:00 | 09:00:10 | answered
        a     | bob   | 09:00:00 | 09:00:10 | other_answered
        a     | cat   | 09:00:00 | 09:00:05 | ring_no_answer
        b     | ann   | 09:01:00 | 09:01:08 | caller_gone
        b     | bob   | 09:01:00 | 09:01:08 | lost
        c     | ann   | 09:02:00 |          |
        """,
        now="09:02:05",
    )
    await shows(
        db,
        "report.queue_interval",
        """
        column                          | row
        offers                          | 5
        offers_answered                 | 1
        ring_no_answers                 | 1
        agent_answer_rate               | 0.2
        agent_answer_of_own_offers_rate | 0.5
        """,
    )


async def test_a_hold_longer_than_the_talk_makes_no_negative_talk(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

        segment | agent | answered | ended        | hold
        a       | ann   | 09:00:10 | 09:00:20.500 | 10.501
        """,
    )
    await shows(
        db,
        "report.queue_interval",
        """
        average_talk_seconds | average_hold_seconds | average_handle_seconds
        0                    | 10.501               | 10.501
        """,
    )


async def test_emails_have_rows_of_their_own(db: asyncpg.Connection) -> None:
    await given(
        db,
        """
        visit | queue | joined   | answered | left     | outcome   | email
        a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered  |
        b     | sales | 09:01:00 |          | 09:01:03 | abandoned |
        c     | sales | 09:00:00 | 09:10:00 | 09:10:00 | answered  | yes
        d     | sales | 09:02:00 |          | 09:03:00 | withdrawn | yes
        e     | sales | 09:03:00 |          |          |           | yes

        segment | agent | answered | ended    | email
        a       | ann   | 09:00:10 | 09:01:10 |
        c       | ann   | 09:10:00 | 09:40:00 | yes

        offer | agent | offered  | ended    | outcome        | email
        c     | ann   | 09:04:00 | 09:04:20 | ring_no_answer | yes
        c     | ann   | 09:09:55 | 09:10:00 | answered       | yes
        """,
        now="09:45",
    )
    await shows(
        db,
        "report.queue_interval ORDER BY channel DESC",
        """
        column                          | of calls | of emails
        channel                         | voice    | email
        offered                         | 2        | 3
        answered                        | 1        | 1
        abandoned                       | 1        | 0
        withdrawn                       | 0        | 1
        waiting                         | 0        | 1
        service_level_seconds           | 20       |
        answered_within                 | 1        |
        short_abandons                  | 1        |
        service_level_of_ended_rate     | 0.5      |
        service_level_of_answered_rate  | 1        |
        abandonment_rate                | 0.5      |
        average_speed_of_answer_seconds | 10       | 600
        longest_wait_seconds            | 10       | 2520
        handled                         | 1        | 1
        average_handle_seconds          | 60       | 1800
        offers                          | 0        | 2
        ring_no_answers                 | 0        | 1
        """,
    )
