"""The second witness on a real file and a real Postgres: rows stored once, calls completed once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ccmiddleware.config import JournalSettings
from ccmiddleware.facts import Agent, AnyFact, Interaction, Offer, QueueVisit, Segment
from ccmiddleware.ids import dial_id, interaction_id
from ccmiddleware.queue_log.service import QueueLog
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.terms import stamped
from ccmiddleware.store.writer import FactWriter

NODE = "pbx1"
DEADLINE = 30.0
BEGIN = 1795817559
NOW = datetime.fromtimestamp(BEGIN + 3600, UTC)
LOG = f"""\
{BEGIN}|NONE|NONE|NONE|QUEUESTART|
{BEGIN + 10}|{BEGIN + 10}.1|support|NONE|ENTERQUEUE||12025550131|1
{BEGIN + 15}|{BEGIN + 10}.1|support|Ann|RINGNOANSWER|4000
{BEGIN + 20}|{BEGIN + 10}.1|support|Bob|CONNECT|10|{BEGIN + 18}.2|2
{BEGIN + 50}|{BEGIN + 10}.1|support|Bob|COMPLETECALLER|10|30|1
{BEGIN + 60}|{BEGIN + 60}.3|sales|NONE|ENTERQUEUE||12025550132|1
{BEGIN + 75}|{BEGIN + 60}.3|sales|NONE|ABANDON|1|1|15
"""
ANSWERED, ABANDONED = f"{BEGIN + 10}.1", f"{BEGIN + 60}.3"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGIN, UTC) + timedelta(seconds=seconds)


class Site:
    """One daemon's part; ``term`` is that in which it leads."""

    def __init__(self, path: Path, database: Database, journal: Journal, term: int = 1) -> None:
        self.path = path / "queue_log"
        self.database = database
        self.writer = FactWriter(database, journal)
        self.term = term
        self.open: set[UUID] = set()
        self.now = NOW

    def tell(self, facts: Sequence[AnyFact]) -> None:
        self.writer.write(stamped(facts, self.term))

    def service(self) -> QueueLog:
        return QueueLog(
            NODE,
            self.path,
            self.database,
            self.writer,
            self.tell,
            self.open.__contains__,
            wrap_up=lambda queue: 7.0,
            clock=lambda: self.now,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[QueueLog]:
        """The service as the daemon runs it."""
        service = self.service()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run(), name="queue_log")
            yield service
            task.cancel()

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.rows(sql, *arguments)]

    async def until(self, sql: str, wanted: list[tuple[Any, ...]]) -> None:
        """Wait until a query shows that."""
        async with asyncio.timeout(DEADLINE):
            while (found := await self.rows(sql)) != wanted:  # noqa: ASYNC110 - of the database
                await asyncio.sleep(0.1)
        assert found == wanted


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    journal = Journal(tmp_path / "journal", JournalSettings())
    journal.open()
    async with Database(database_url) as database, asyncio.TaskGroup() as group:
        site = Site(tmp_path, database, journal)
        group.create_task(site.writer.run(), name="writer")
        yield site
        await site.writer.stop()
    journal.close()


CALLS = "SELECT uniqueid, outcome, inferred FROM ccm.interaction ORDER BY 1"
DONE = [(ANSWERED, "answered", True), (ABANDONED, "abandoned", True)]


async def test_calls_that_nobody_saw_are_made(site: Site) -> None:
    site.tell([Agent(node=NODE, interface="PJSIP/1002", name="Bob", seen_at=at(0))])
    site.path.write_text(LOG)
    async with site.running():
        await site.until(CALLS, DONE)
        assert await site.writer.drained(DEADLINE)
    assert await site.rows(
        "SELECT a.interface, s.answered_at, s.ended_at, s.ended_by, s.wrap_up_seconds"
        " FROM ccm.segment AS s JOIN ccm.agent AS a ON a.id = s.agent_id"
    ) == [("PJSIP/1002", at(20), at(50), "caller", 7.0)]
    assert await site.rows(
        "SELECT a.name, o.outcome FROM ccm.offer AS o JOIN ccm.agent AS a ON a.id = o.agent_id"
        " ORDER BY o.ordinal"
    ) == [("Ann", "ring_no_answer"), ("Bob", "answered")]
    assert await site.rows("TABLE report.queue_log_difference") == []
    assert await site.rows("SELECT fact FROM ccm.rejected_fact") == []


async def everything(site: Site) -> list[tuple[Any, ...]]:
    found = []
    for table in ("interaction", "queue_visit", "offer", "segment", "interaction_event"):
        found += await site.rows(f"SELECT t::text FROM ccm.{table} AS t ORDER BY 1")  # noqa: S608
    return [*found, *await site.rows("SELECT key, sequence FROM ccm.queue_log_row ORDER BY 2")]


async def test_reading_and_completing_again_changes_nothing(site: Site, database_url: str) -> None:
    site.path.write_text(LOG)
    async with site.running():
        await site.until(CALLS, DONE)
        assert await site.writer.drained(DEADLINE)
    before = await everything(site)
    site.term = 2
    service = site.service()
    assert await service.look() == 0  # the mark is at the beginning: all calls are compared
    # A daemon that lost its place reads the whole file again.
    async with Database(database_url, role=None) as owner:
        await owner.rows("DELETE FROM ccm.queue_log_position")
    async with site.running():
        await site.until("SELECT count(*) FROM ccm.queue_log_position", [(1,)])
        assert await site.writer.drained(DEADLINE)
    assert await service.look() == 0
    assert await everything(site) == before


async def test_rows_that_come_later_are_read_from_where_reading_stopped(site: Site) -> None:
    site.path.write_text("".join(LOG.splitlines(keepends=True)[:4]))
    count = "SELECT count(*) FROM ccm.queue_log_row"
    async with site.running():
        await site.until(count, [(4,)])
        assert await site.writer.drained(DEADLINE)
    assert await site.rows(CALLS) == []  # goes on, as far as its rows tell
    site.path.write_text(LOG)
    site.path.rename(site.path.with_name("queue_log.1"))
    site.path.write_text(f"{BEGIN + 80}|NONE|NONE|NONE|CONFIGRELOAD|\n")
    async with site.running():
        await site.until(count, [(8,)])
        await site.until(CALLS, DONE)


async def test_calls_that_are_fresh_or_open_are_left_alone(site: Site) -> None:
    site.path.write_text(LOG)
    site.open.add(interaction_id(NODE, ANSWERED))
    site.now = at(80)  # 5 seconds after the last row
    async with site.running():
        await site.until("SELECT count(*) FROM ccm.queue_log_row", [(7,)])
    service = site.service()
    assert await service.look() == 0
    site.now = at(91)
    assert await service.look() == 1
    assert await site.writer.drained(DEADLINE)
    assert await site.rows(CALLS) == DONE[1:]
    site.open.clear()
    assert await service.look() == 1
    assert await site.writer.drained(DEADLINE)
    assert await site.rows(CALLS) == DONE
    assert await service.look() == 0


async def test_what_asterisk_killed_is_closed_when_it_comes_back(site: Site) -> None:
    site.path.write_text(
        "".join(LOG.splitlines(keepends=True)[:4]) + f"{BEGIN + 40}|NONE|NONE|NONE|QUEUESTART|\n"
    )
    async with site.running():
        await site.until(CALLS, [(ANSWERED, "answered", True)])
    # It may have died at any time after its last row.
    assert await site.rows("SELECT ended_at, ended_by FROM ccm.segment") == [(at(20), "lost")]


@pytest.mark.parametrize(("seen_until", "lived_until"), [(33, 33), (15, 20), (55, 40)])
async def test_what_asterisk_killed_lasted_as_long_as_it_is_known_to_have_lived(
    site: Site, seen_until: float, lived_until: float
) -> None:
    await site.database.execute("apply_nodes", [{"node": NODE}])
    await site.database.rows(
        "INSERT INTO ccm.link_interval SELECT id, $1, $2 FROM ccm.node RETURNING 1",
        at(0), at(seen_until),
    )  # fmt: skip
    site.path.write_text(
        "".join(LOG.splitlines(keepends=True)[:4]) + f"{BEGIN + 40}|NONE|NONE|NONE|QUEUESTART|\n"
    )
    async with site.running():
        await site.until(CALLS, [(ANSWERED, "answered", True)])
    ends = await site.rows("SELECT ended_at, ended_by FROM ccm.segment")
    assert ends == [(at(lived_until), "lost")]


async def test_what_was_closed_as_lost_gets_its_end(site: Site) -> None:
    """Seen until second 25 by a daemon of an earlier term, and closed by the next one."""
    key = interaction_id(NODE, ANSWERED)
    site.term = 3
    site.tell(
        [
            Interaction(
                id=key, version=9, node=NODE, state="ended", linkedid=ANSWERED, uniqueid=ANSWERED,
                caller_name="Zoë", started_at=at(9.5), ended_at=at(25), outcome="answered",
                inferred=True,
            ),
            QueueVisit(
                interaction_id=key, ordinal=1, version=5, node=NODE, queue="support", position=1,
                joined_at=at(10.25), answered_at=at(20.5), left_at=at(20.5), outcome="answered",
            ),
            Offer(
                interaction_id=key, ordinal=1, version=3, visit=1, node=NODE,
                interface="PJSIP/1001", member_name="Ann", offered_at=at(11.1), ended_at=at(15.2),
                outcome="ring_no_answer",
            ),
            Offer(
                interaction_id=key, ordinal=2, version=4, visit=1, node=NODE,
                interface="PJSIP/1002", member_name="Bob", offered_at=at(18.1), ended_at=at(20.5),
                outcome="answered",
            ),
            Segment(
                interaction_id=key, ordinal=1, version=8, visit=1, node=NODE,
                interface="PJSIP/1002", member_name="Bob", channel="PJSIP/trunk-1",
                agent_channel="PJSIP/1002-1", offered_at=at(18.1), answered_at=at(20.5),
                ended_at=at(25), ended_by="lost", inferred=True,
            ),
        ]
    )  # fmt: skip
    assert await site.writer.drained(DEADLINE)
    before = await site.rows("SELECT t::text FROM ccm.queue_visit AS t")
    site.term = 4
    site.path.write_text(LOG)
    async with site.running():
        await site.until(
            "SELECT answered_at, ended_at, ended_by, inferred, version / 1000000000"
            " FROM ccm.segment",
            [(at(20.5), at(50), "caller", True, 4)],
        )
        await site.until(CALLS, DONE)
    ours = "SELECT t::text FROM ccm.queue_visit AS t WHERE interaction_id = $1"
    assert await site.rows(ours, key) == before
    assert await site.rows(
        "SELECT started_at, ended_at, caller_name FROM ccm.interaction WHERE id = $1", key
    ) == [(at(9.5), at(50), "Zoë")]
    kinds = await site.rows(
        "SELECT key FROM ccm.interaction_event WHERE interaction_id = $1 ORDER BY 1", key
    )
    assert kinds == [("queue_log:completed:1",), ("queue_log:ended",)]


async def test_a_file_that_can_not_be_read_is_told_once(site: Site) -> None:
    site.path.mkdir()
    async with site.running() as service:
        async with asyncio.timeout(DEADLINE):
            while service.trouble is None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        site.path.rmdir()
        site.path.write_text(LOG)
        await site.until(CALLS, DONE)
        assert service.trouble is None


DIALLED = dial_id(UUID(int=7), BEGIN)
LINE = "Local/1002@agent-request/n"
JOINED = f"""\
{BEGIN}|NONE|NONE|NONE|QUEUESTART|
{BEGIN + 10}|{DIALLED}|spring|NONE|CCMDIALSTEP|answered|{BEGIN + 10}250|
{BEGIN + 10}|{DIALLED}|spring|{LINE}|CCMDIALSTEP|connected|{BEGIN + 10}252|+12025550133
"""
OVER = f"{BEGIN + 40}|{DIALLED}|spring|NONE|CCMDIALSTEP|ended|{BEGIN + 40}500|16|Up|agent\n"
TALK = (
    "SELECT i.direction, i.channel, i.caller_num, i.outcome, i.inferred, a.interface, a.name,"
    " s.visit, s.answered_at, s.ended_at, s.ended_by, s.wrap_up_seconds, s.inferred"
    " FROM ccm.interaction AS i JOIN ccm.segment AS s ON s.interaction_id = i.id"
    " JOIN ccm.agent AS a ON a.id = s.agent_id"
)


@pytest.mark.parametrize("end", ["told", "never, since Asterisk died"])
async def test_a_talk_without_a_queue_of_a_call_that_a_campaign_dialled_is_made(
    site: Site, end: str
) -> None:
    site.tell([Agent(node=NODE, interface=LINE, name="Bob", seen_at=at(0))])
    other = dial_id(UUID(int=8), BEGIN)
    unanswered = f"{BEGIN + 10}|{other}|spring|NONE|CCMDIALSTEP|ended|{BEGIN + 10}250|16|Ringing\n"
    cut = f"{BEGIN + 45}|NONE|NONE|NONE|QUEUESTART|\n"
    site.path.write_text("".join([JOINED, unanswered, OVER if end == "told" else cut]))
    async with site.running():
        ended = (at(40.5), "agent") if end == "told" else (at(10.252), "lost")
        await site.until(
            TALK,
            [("outbound", "voice", "+12025550133", "answered", True, LINE, "Bob", 0,
              at(10.252), *ended, 7.0, True)],
        )  # fmt: skip
        assert await site.writer.drained(DEADLINE)
    assert await site.rows("SELECT FROM ccm.queue_visit") == []
    assert await site.rows("SELECT FROM ccm.offer") == []
    assert await site.rows("TABLE report.queue_log_difference") == []
    assert await site.rows("SELECT fact FROM ccm.rejected_fact") == []


async def test_such_a_talk_that_was_seen_from_its_middle_on_gets_its_begin(site: Site) -> None:
    key = interaction_id(NODE, DIALLED)
    site.tell([
        Agent(node=NODE, interface=LINE, name="Bob", seen_at=at(0)),
        Interaction(
            id=key, version=3, node=NODE, direction="outbound", state="ended", linkedid=DIALLED,
            uniqueid=DIALLED, caller_num="+12025550133", started_at=at(10), ended_at=at(40.51),
            outcome="answered", inferred=True,
        ),
        Segment(
            interaction_id=key, ordinal=1, version=4, visit=0, node=NODE, interface=LINE,
            member_name="Bob", channel="", agent_channel="", offered_at=at(20), answered_at=at(20),
            ended_at=at(40.5), ended_by="agent", wrap_up_seconds=20.0, inferred=True,
        ),
    ])  # fmt: skip
    site.path.write_text(JOINED + OVER)
    async with site.running():
        await site.until(
            TALK,
            [("outbound", "voice", "+12025550133", "answered", True, LINE, "Bob", 0,
              at(10.252), at(40.5), "agent", 20.0, True)],
        )  # fmt: skip
