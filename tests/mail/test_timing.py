"""The clocks of conversations and the views that show them, with faked times."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from mail_story import MailStory, at

from ccmiddleware.store.database import Database

HOUR = 3600
OFFICE = "09:00-17:00"


@pytest_asyncio.fixture
async def story(database: Database) -> AsyncIterator[MailStory]:
    yield await MailStory(database).begin()


async def clocks(story: MailStory) -> list[tuple[Any, ...]]:
    rows = await story.run(
        "SELECT goal, ordinal, began_at, ended_at, reached, seconds, business_seconds, due_at"
        " FROM ccm.service_clock ORDER BY goal, ordinal"
    )
    return [tuple(row.values()) for row in rows]


async def test_an_answer_the_next_morning_took_an_hour_of_business(story: MailStory) -> None:
    await story.settings("help", hours=OFFICE, email_first_response_seconds=2 * HOUR)
    await story.asks("a", "2026-11-27 16:30")
    assert await story.measured() == 1
    assert await clocks(story) == [
        (
            "first_response",
            1,
            at("2026-11-27 16:30"),
            None,
            False,
            None,
            None,
            at("2026-11-28 10:30"),
        ),
        ("resolution", 1, at("2026-11-27 16:30"), None, False, None, None, None),
    ]
    (item,) = await story.run("SELECT due_at, opened_at FROM ccm.work_item")
    assert tuple(item.values()) == (at("2026-11-28 10:30"), at("2026-11-27 16:30"))
    await story.asks("a", "2026-11-27 18:00")  # waits from the first on
    await story.takes("a", "2026-11-28 09:20")
    await story.answers("a", "2026-11-28 09:30")
    assert await story.measured() == 1
    assert await story.measured() == 0
    first, whole = await clocks(story)
    assert first[3:] == (at("2026-11-28 09:30"), True, 17 * HOUR, HOUR, None)
    assert whole[3] is None
    # The next question, and the end.
    await story.asks("a", "2026-11-28 11:00")
    await story.answers("a", "2026-11-28 11:10", closes=True)
    await story.measured()
    _, second, whole = await clocks(story)
    assert second[:2] == ("next_response", 2)
    assert second[5:7] == (600, 600)
    assert whole[3:7] == (at("2026-11-28 11:10"), True, 18 * HOUR + 2400, 2 * HOUR + 2400)
    (found,) = await story.view(
        "email",
        "state, received, answered, first_response_seconds, first_response_within_target,"
        " next_responses, resolution_business_seconds, resolution_within_target, due_at, item",
        "2026-11-29 00:00",
    )
    assert found == ("closed", 3, 2, 17 * HOUR, True, 1, 2 * HOUR + 2400, None, None, None)


@pytest.mark.parametrize(
    ("asked", "answered", "wall", "business"),
    [
        # Berlin, 25 October 2026: the clocks go back from 03:00 to 02:00. Open all day.
        ("2026-10-24 22:00", "2026-10-25 23:00", 25 * HOUR, 25 * HOUR),
        # 29 March: from 02:00 to 03:00.
        ("2026-03-28 23:00", "2026-03-29 22:00", 23 * HOUR, 23 * HOUR),
    ],
)
async def test_a_day_on_which_the_clocks_change(
    story: MailStory, asked: str, answered: str, wall: int, business: int
) -> None:
    await story.settings("help", "Europe/Berlin", hours="00:00-24:00")
    await story.asks("a", asked)
    await story.answers("a", answered)
    await story.measured()
    assert (await clocks(story))[0][5:7] == (wall, business)


async def test_hours_over_the_change_and_a_deadline_behind_it(story: MailStory) -> None:
    await story.settings(
        "help", "Europe/Berlin", hours="01:00-04:00", email_first_response_seconds=4 * HOUR
    )
    # Saturday 03:00 in Berlin, an hour is left; on Sunday 01:00 to 04:00 are four hours.
    await story.asks("a", "2026-10-24 01:00")
    await story.measured()
    assert (await clocks(story))[0][7] == at("2026-10-25 02:00")  # 03:00, the second time
    await story.answers("a", "2026-10-25 03:30")
    await story.measured()
    assert (await clocks(story))[0][5:7] == (26 * HOUR + 1800, 5 * HOUR)


async def test_other_hours_move_what_is_due_and_not_what_is_over(story: MailStory) -> None:
    await story.settings(
        "help", email_first_response_seconds=HOUR, email_next_response_seconds=HOUR
    )
    await story.asks("a", "2026-11-27 08:00")
    await story.answers("a", "2026-11-27 10:00")
    await story.asks("a", "2026-11-27 20:00")
    await story.measured()
    assert [row[6:] for row in await clocks(story)][:2] == [
        (2 * HOUR, None),
        (None, at("2026-11-27 21:00")),
    ]
    await story.settings("help", hours=OFFICE, email_next_response_seconds=2 * HOUR)
    assert await story.measured() == 1
    assert [row[6:] for row in await clocks(story)][:2] == [
        (2 * HOUR, None),
        (None, at("2026-11-28 11:00")),
    ]


async def test_waiting_for_the_customer_does_not_count_against_the_resolution(
    story: MailStory,
) -> None:
    await story.settings("help", email_resolution_seconds=3 * HOUR)
    await story.asks("a", "2026-11-27 08:00")
    await story.answers("a", "2026-11-27 09:00")
    await story.measured()
    assert (await clocks(story))[-1][7] is None
    await story.asks("a", "2026-11-27 20:00")
    await story.measured()
    assert (await clocks(story))[-1][7] == at("2026-11-27 22:00")
    await story.done("a", "2026-11-27 21:30", "closed", "closed")
    await story.measured()
    rows = await story.run(
        "SELECT goal, reached, seconds, counted_seconds FROM ccm.service_clock"
        " ORDER BY goal, ordinal"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("first_response", True, HOUR, HOUR),
        ("next_response", False, 5400, 5400),  # closed without an answer: no response time
        ("resolution", True, 13 * HOUR + 1800, 9000),
    ]


async def test_a_change_that_is_not_committed_is_measured_afterwards(story: MailStory) -> None:
    await story.asks("a", "2026-11-27 08:00")
    await story.measured()
    async with story.database.transaction() as other:
        await other.execute("touch_conversation", story.conversations["a"], at("2026-11-27 09:00"))
        assert await story.measured() == 0
    assert await story.measured() == 1


async def test_the_quarters_of_an_hour_of_email(story: MailStory) -> None:
    await story.settings("help", email_first_response_seconds=HOUR)
    await story.asks("a", "2026-11-27 09:01")
    await story.asks("b", "2026-11-27 09:02")
    await story.asks("b", "2026-11-27 09:03")
    await story.asks("c", "2026-11-27 09:10", "sales")
    await story.answers("a", "2026-11-27 09:31")
    await story.answers("b", "2026-11-27 10:42")
    await story.requeued("c", "2026-11-27 09:40", "help")
    await story.done("c", "2026-11-27 10:43", "closed", "closed")
    await story.measured()
    columns = (
        "interval_start, received, opened, answered, closed, backlog, first_responses,"
        " first_responses_within_target, first_responses_within_target_rate,"
        " first_response_average_seconds, first_response_p90_business_seconds, resolutions"
    )
    found = await story.view(
        "email_queue_interval",
        columns,
        "2026-11-27 12:00",
        "WHERE queue = 'help' ORDER BY interval_start",
    )
    assert found == [
        (at("2026-11-27 09:00"), 3, 3, 0, 0, 3, 0, 0, None, None, None, 0),
        (at("2026-11-27 09:30"), 0, 0, 1, 0, 2, 1, 1, Decimal(1), 1800, 1800, 0),
        (at("2026-11-27 10:30"), 0, 0, 1, 1, 0, 1, 0, Decimal(0), 6000, 6000, 1),
    ]
    # Of sales only what its mailbox received; in the interval that goes on the backlog is now's.
    assert await story.view(
        "email_queue_interval", "received, opened", "2026-11-27 12:00", "WHERE queue = 'sales'"
    ) == [(1, 0)]
    (now,) = await story.view(
        "email_queue_interval", "backlog", "2026-11-27 09:02:30",
        "WHERE queue = 'help' AND interval_start = '2026-11-27 09:00+00'",
    )  # fmt: skip
    assert now == (2,)


async def test_the_day_of_an_agent_with_email(story: MailStory) -> None:
    await story.asks("a", "2026-11-27 09:00")
    await story.asks("b", "2026-11-27 09:00")
    await story.asks("c", "2026-11-27 09:00")
    await story.takes("a", "2026-11-27 09:10")
    await story.answers("a", "2026-11-27 09:30")
    await story.takes("b", "2026-11-27 09:30")
    await story.done("b", "2026-11-27 09:35", "closed", "closed")
    await story.takes("c", "2026-11-27 23:40")
    await story.requeued("c", "2026-11-28 00:10", "sales")
    await story.run(
        "INSERT INTO ccm.work_step SELECT 'x', 'back', $1, id FROM ccm.agent",
        at("2026-11-27 09:05"),
    )
    await story.run(
        "INSERT INTO ccm.agent_state"
        " (agent_id, started_at, version, state, reason, ended_at, inferred)"
        " SELECT id, $1, 1, 'working', 'help', $2, false FROM ccm.agent",
        at("2026-11-27 23:40"),
        at("2026-11-28 00:10"),
    )
    columns = (
        "day, taken, given_back, answered, closed, transferred, handle_seconds, working_seconds"
    )
    found = await story.view("email_agent_day", columns, "2026-11-28 12:00", "ORDER BY day")
    day, next_day = (
        datetime(2026, 11, 27, tzinfo=UTC).date(),
        datetime(2026, 11, 28, tzinfo=UTC).date(),
    )
    assert found == [
        (day, 3, 1, 1, 1, 1, 1200 + 300 + 1800, 1200),
        (next_day, 0, 0, 0, 0, 0, 0, 600),
    ]


YEAR = """
INSERT INTO ccm.conversation (id, node_id, queue_id, subject, opened_at, changed_at)
SELECT ccm.uuid7(), q.node_id, q.id, '', t, t
FROM ccm.queue q,
    generate_series(timestamptz '2026-01-01+00', '2026-11-01+00', '15 minutes') t
WHERE q.name = 'help';
INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,
    from_address, from_name, subject, body, quoted, html, joined_by)
SELECT c.id, c.id, m.id, 'inbound', decode(repeat('00', 32), 'hex'), '', c.opened_at,
    '', '', '', '', '', '', ''
FROM ccm.conversation c JOIN ccm.mailbox m ON m.queue_id = c.queue_id;
INSERT INTO ccm.work_item (id, node_id, queue_id, conversation_id, arrived_at, not_before, state,
    done_at, outcome)
SELECT c.id, c.node_id, c.queue_id, c.id, c.opened_at, c.opened_at, 'done',
    c.opened_at + interval '1 hour', 'answered'
FROM ccm.conversation c;
INSERT INTO ccm.service_clock (conversation_id, goal, ordinal, queue_id, began_at, ended_at,
    reached, seconds, business_seconds, counted_seconds)
SELECT c.id, 'first_response', 1, c.queue_id, c.opened_at, c.opened_at + interval '1 hour',
    true, 3600, 3600, 3600
FROM ccm.conversation c;
"""


async def test_one_day_reads_one_day(story: MailStory) -> None:
    async with story.database.transaction() as transaction:
        for statement in YEAR.split(";")[:-1]:
            await transaction.rows(statement)
    async with story.database.session() as session:
        for table in ("conversation", "email", "work_item", "service_clock"):
            await session.rows(f"ANALYZE ccm.{table}")
        (row,) = await session.rows(
            "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) SELECT * FROM report.email_queue_interval"
            " WHERE interval_start >= '2026-06-10+00' AND interval_start < '2026-06-11+00'"
        )
    plan = row["QUERY PLAN"]
    text = json.loads(plan) if isinstance(plan, str) else plan

    def read(node: dict[str, Any]) -> int:
        here = 0
        if node.get("Relation Name") in ("email", "work_item", "service_clock"):
            here = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node[
                "Actual Loops"
            ]
        return int(here) + sum(read(part) for part in node.get("Plans", []))

    assert text[0]["Plan"]["Actual Rows"] == 96
    # 96 emails, items that began and that ended, clocks; of each interval four or five were open.
    assert 4 * 96 <= read(text[0]["Plan"]) <= 10 * 96
