"""Which report views there are, how they are asked, on the real database."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from ccmiddleware.errors import CcmError
from ccmiddleware.reports.views import (
    Column,
    Filters,
    NoSuchReport,
    Report,
    View,
    catalogue,
    find,
    read,
    select,
)
from ccmiddleware.store.database import Database

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
HOSTILE = 'sales"; DROP SCHEMA ccm CASCADE; --'

FACTS = """
INSERT INTO ccm.node (name) VALUES ('pbx'), ('other');
INSERT INTO ccm.queue (node_id, name) SELECT id, 'sales' FROM ccm.node;
INSERT INTO ccm.agent (node_id, interface, name)
SELECT id, 'PJSIP/1001', 'Ann' FROM ccm.node WHERE name = 'pbx';
INSERT INTO ccm.interaction
SELECT ccm.uuid7(), 1, id, 'voice', 'inbound', 'ended', n, n, '', '', '',
    '2026-11-27 10:00+00'::timestamptz + n * interval '1 hour', '2026-11-28 10:00+00', 'lost', false
FROM ccm.node, generate_series(0, 4) n WHERE name = 'pbx';
INSERT INTO ccm.queue_visit
SELECT i.id, 1, 1, q.id, 1, i.started_at, NULL, i.ended_at, 'lost', false
FROM ccm.interaction i JOIN ccm.queue q USING (node_id) WHERE i.linkedid IN ('0', '1');
INSERT INTO ccm.segment
SELECT id, 1, 1, 1, (SELECT id FROM ccm.agent), '', '', started_at, started_at, ended_at, 'caller',
    0, 0, false
FROM ccm.interaction WHERE linkedid IN ('1', '2');
INSERT INTO ccm.agent_state
SELECT id, '2026-11-26 22:30+00', 1, 'idle', '', '2026-11-26 23:30+00', false FROM ccm.agent;
"""


@pytest.fixture
async def filled(database_url: str, database: Database) -> Database:
    connection = await asyncpg.connect(database_url, timeout=30)
    await connection.execute(FACTS, timeout=30)
    await connection.close(timeout=30)
    return database


async def report(
    database: Database, name: str, filters: Filters | None = None, **options: Any
) -> Report:
    async with database.transaction() as session:
        return await read(session, name, filters or Filters(), **{"zone": UTC_ZONE, **options})


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 27, hour, minute, tzinfo=UTC)


async def test_the_catalogue_holds_every_view_with_its_comments(database: Database) -> None:
    views = await catalogue(database)
    assert {"interaction", "queue_interval", "agent_day", "agent_state", "recording"} < set(views)
    interval = views["queue_interval"]
    columns = {column.name: column for column in interval.columns}
    assert columns["abandonment_rate"] == Column(
        "abandonment_rate", "numeric", "abandoned / offered"
    )
    assert "quarter of an hour" in interval.comment


async def test_each_view_knows_its_filters(database: Database) -> None:
    views = await catalogue(database)
    period = ("since", "until")
    assert {name: view.filters for name, view in views.items()} == {
        "interaction": (*period, "node", "queue", "agent"),
        "interaction_timeline": (*period, "node", "queue", "agent"),
        "queue_interval": (*period, "node", "queue"),
        "attempt": (*period, "node", "agent"),
        "campaign_day": period,
        "detection_day": period,
        "drop_ledger": period,
        "dialer_decision": (*period, "node", "queue"),
        "campaign_interval": (*period, "node", "queue"),
        "agent_campaign_day": (*period, "node", "agent"),
        "predictive_gain": period,
        "campaign": (*period, "node", "queue"),
        "lead_funnel": (),
        "lead_callback": ("agent",),
        "opt_out": (),
        "dnc": (),
        "agent_day": (*period, "node", "agent"),
        "agent_state": (*period, "node", "agent"),
        "recording": (*period, "node", "queue", "agent"),
        "coverage": (*period, "node"),
        "queue_log_stay": (*period, "node", "queue", "agent"),
        "queue_log_difference": (*period, "node", "queue"),
        "reconcile_queue_log": (*period, "node", "queue"),
        "callback": (*period, "node", "queue"),
        "outbox": ("node", "queue"),
        "journey": (*period, "queue", "agent"),
        "email": (*period, "node", "queue", "agent"),
        "email_queue_interval": (*period, "node", "queue"),
        "email_agent_day": (*period, "node", "agent"),
        "supervision": (*period, "node", "queue", "agent"),
        "queue_turned_away": (*period, "node", "queue"),
        "queue_now": ("node", "queue"),
        "agent_now": ("node", "queue", "agent"),
    }


async def test_every_view_can_be_asked_with_all_its_filters(filled: Database) -> None:
    value = {"since": at(0), "until": at(23), "node": "pbx", "queue": "sales", "agent": "Ann"}
    for name, view in (await catalogue(filled)).items():
        filters = Filters(**{each: value[each] for each in view.filters})
        found = await report(filled, name, filters, limit=10)
        assert [column.name for column in found.columns] == list(view.names())


async def test_a_view_that_is_not_there_is_told_with_what_is(database: Database) -> None:
    with pytest.raises(NoSuchReport, match="did you mean queue_interval"):
        await find(database, "queue_intervals")
    with pytest.raises(NoSuchReport, match="there are: agent_campaign_day, agent_day"):
        await find(database, HOSTILE)
    assert (await find(database, "report.agent_day")).name == "agent_day"


async def test_without_a_schema_it_says_what_to_do(empty_database_url: str) -> None:
    async with Database(empty_database_url, role=None) as database:
        with pytest.raises(NoSuchReport, match="ccm db migrate"):
            await find(database, "interaction")


async def test_a_period_includes_its_begin_and_not_its_end(filled: Database) -> None:
    found = await report(filled, "interaction", Filters(since=at(11), until=at(13)))
    assert [row["started_at"] for row in found.rows] == [at(11), at(12)]


async def test_queue_and_agent_are_looked_for_in_lists_too(filled: Database) -> None:
    in_queue = await report(filled, "interaction", Filters(queue="sales"))
    assert [row["started_at"] for row in in_queue.rows] == [at(10), at(11)]
    of_agent = await report(filled, "interaction", Filters(agent="Ann"))
    assert [row["started_at"] for row in of_agent.rows] == [at(11), at(12)]
    assert len((await report(filled, "agent_now", Filters(agent="PJSIP/1001"))).rows) == 1
    assert len((await report(filled, "queue_now", Filters(node="other"))).rows) == 1


async def test_values_never_become_sql(filled: Database) -> None:
    hostile = Filters(node=HOSTILE, queue=HOSTILE, agent=HOSTILE)
    assert (await report(filled, "interaction", hostile)).rows == []
    assert len((await report(filled, "interaction")).rows) == 5


async def test_names_in_the_catalogue_are_quoted() -> None:
    odd = View('a"b', "", (Column('x"; DROP TABLE y; --', "text", ""),))
    sql, arguments = select(odd, Filters(), zone=UTC_ZONE)
    assert sql == 'SELECT "x""; DROP TABLE y; --" FROM report."a""b" ORDER BY 1'
    assert arguments == []


async def test_a_limit_keeps_the_newest_in_order_and_says_that_there_are_more(
    filled: Database,
) -> None:
    two = await report(filled, "interaction", limit=2)
    assert [row["started_at"] for row in two.rows] == [at(13), at(14)]
    assert two.more
    all_five = await report(filled, "interaction", limit=5)
    assert (len(all_five.rows), all_five.more) == (5, False)


async def test_columns_are_chosen_by_name(filled: Database) -> None:
    found = await report(filled, "queue_now", columns=["waiting", "queue"])
    assert [column.name for column in found.columns] == ["waiting", "queue"]
    assert [tuple(row) for row in found.rows] == [(0, "sales"), (0, "sales")]
    with pytest.raises(NoSuchReport, match="no column 'wating'; did you mean waiting"):
        await report(filled, "queue_now", columns=["wating"])


async def test_filters_that_a_view_lacks_are_refused(database: Database) -> None:
    with pytest.raises(NoSuchReport, match="shows the present"):
        await report(database, "queue_now", Filters(since=at(10)))
    with pytest.raises(NoSuchReport, match="no column for agent"):
        await report(database, "queue_interval", Filters(agent="Ann"))


async def test_days_are_those_of_the_zone_and_of_this_question_only(filled: Database) -> None:
    async def days(zone: ZoneInfo) -> list[tuple[date, int]]:
        found = await report(filled, "agent_day", zone=zone, columns=["day", "idle_seconds"])
        return [(row["day"], int(row["idle_seconds"])) for row in found.rows if row["idle_seconds"]]

    assert await days(BERLIN) == [(date(2026, 11, 26), 1800), (date(2026, 11, 27), 1800)]
    assert await days(UTC_ZONE) == [(date(2026, 11, 26), 3600)]
    assert await filled.rows("SELECT current_setting('TimeZone') AS zone") != [(BERLIN.key,)]


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (datetime(2026, 11, 26, 22, 59, tzinfo=UTC), None, [26, 27]),
        (datetime(2026, 11, 26, 23, 0, tzinfo=UTC), None, [27]),
        (None, datetime(2026, 11, 26, 23, 0, tzinfo=UTC), [26]),
        (None, datetime(2026, 11, 26, 23, 0, 1, tzinfo=UTC), [26, 27]),
    ],
)
async def test_a_day_counts_when_any_of_it_is_in_the_period(
    filled: Database, since: datetime | None, until: datetime | None, days: list[int]
) -> None:
    found = await report(filled, "agent_day", Filters(since=since, until=until), zone=BERLIN)
    assert [row["day"].day for row in found.rows if row["idle_seconds"]] == days


async def test_a_report_can_change_nothing(filled: Database) -> None:
    async with filled.transaction() as session:
        await read(session, "queue_now", Filters(), zone=UTC_ZONE)
        with pytest.raises(CcmError, match="read-only"):
            await session.rows("DELETE FROM ccm.queue_member")
