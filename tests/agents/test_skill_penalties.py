"""Penalties follow skills: a real Postgres, a scripted Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from pbx.ami_peer import Peer, Session, event, linked, until

from ccmiddleware.agents import skill_penalties
from ccmiddleware.agents.presence import Presence
from ccmiddleware.agents.skill_penalties import SkillPenalties
from ccmiddleware.clock import utc_now
from ccmiddleware.pbx.events import Event
from ccmiddleware.store.database import Database

SKILLED, OTHER = "PJSIP/1001", "PJSIP/1002"
RULES = """
INSERT INTO ccm.node (name) VALUES ('pbx1');
INSERT INTO ccm.queue (node_id, name)
SELECT id, q FROM ccm.node, unnest('{support,sales}'::text[]) q;
INSERT INTO ccm.agent (node_id, interface)
SELECT id, i FROM ccm.node, unnest('{PJSIP/1001,PJSIP/1002}'::text[]) i;
INSERT INTO ccm.skill (name) VALUES ('english');
INSERT INTO ccm.agent_skill SELECT id, 'english', 90 FROM ccm.agent WHERE interface = 'PJSIP/1001';
INSERT INTO ccm.queue_skill SELECT id, 'english', 60, 1 FROM ccm.queue WHERE name = 'support';
INSERT INTO ccm.queue_skill_relaxation
SELECT id, 'english', 30, 0 FROM ccm.queue WHERE name = 'support'
"""


@dataclass
class Site:
    """A scripted Asterisk with members, and our service beside it."""

    peer: Peer
    presence: Presence
    session: Session | None = None
    waits: dict[str, datetime] = field(default_factory=dict)
    whole: bool = True
    penalties: dict[tuple[str, str], int] = field(default_factory=dict)

    async def member(self, queue: str, interface: str, penalty: int, name: str = "Added") -> None:
        """Asterisk has this member; it is told."""
        self.penalties[queue, interface] = penalty
        assert self.session is not None
        await self.session.send(
            event(f"QueueMember{name}", Queue=queue, Interface=interface, Penalty=penalty, Status=1)
        )

    async def set(self, session: Session, action: dict[str, str]) -> None:
        """QueuePenalty, as app_queue does it."""
        await session.answer(action, ("Response", "Success"), ("Message", "Interface penalty set"))
        await self.member(
            action["Queue"], action["Interface"], int(action["Penalty"]), name="Penalty"
        )

    async def listing(self, session: Session, action: dict[str, str]) -> None:
        """QueueStatus, as app_queue answers it."""
        number = action["ActionID"]
        await session.answer(action, ("Response", "Success"), ("EventList", "start"))
        lines = [
            event(
                "QueueMember", Queue=queue, Location=interface, Penalty=penalty, Status=1,
                ActionID=number,
            )
            for (queue, interface), penalty in self.penalties.items()
        ]  # fmt: skip
        end = {"EventList": "Complete", "ListItems": len(lines), "ActionID": number}
        await session.send(b"".join(lines) + event("QueueStatusComplete", **end))

    def asked(self) -> list[tuple[str, str, int]]:
        return [
            (action["Queue"], action["Interface"], int(action["Penalty"]))
            for action in self.peer.asked("QueuePenalty")
        ]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as database:
        for statement in RULES.split(";"):
            await database.rows(statement)
        yield database


@asynccontextmanager
async def working(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(skill_penalties, "PACE_SECONDS", 0.02)
    monkeypatch.setattr(skill_penalties, "RELOAD_SECONDS", 0.05)
    peer = Peer()
    await peer.start()
    site = Site(peer, Presence("pbx1"))
    peer.answers["QueuePenalty"] = site.set
    peer.answers["QueueStatus"] = site.listing

    async def no_doubt() -> None:
        """Nothing to wait for."""

    try:
        async with linked(peer, reading=False) as run, asyncio.TaskGroup() as group:

            async def pump() -> None:
                while True:
                    for item in await run.link.read():
                        if isinstance(item, Event):
                            site.presence.step(item)

            service = SkillPenalties(
                "pbx1",
                database,
                run.link,
                site.presence,
                waits=lambda: site.waits,
                whole=lambda: site.whole,
                certain=no_doubt,
                clock=utc_now,
            )
            tasks = [group.create_task(pump()), group.create_task(service.run())]
            site.session = await peer.session()
            try:
                yield site
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        await peer.stop()


async def rounds() -> None:
    """Some rounds of the service go by."""
    await asyncio.sleep(0.3)


async def test_members_get_their_penalty_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        await site.member("support", SKILLED, 0)
        await site.member("support", OTHER, 0)
        await site.member("sales", OTHER, 3)
        await until(lambda: len(site.asked()) == 2)
        await rounds()
        assert sorted(site.asked()) == [("support", SKILLED, 1), ("support", OTHER, 1010)]
        assert site.penalties["sales", OTHER] == 3


async def test_a_long_wait_relaxes_until_nobody_waits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        await site.member("support", OTHER, 1010)
        site.waits = {"support": utc_now() - timedelta(seconds=20), "sales": utc_now()}
        await rounds()
        assert site.asked() == []
        site.waits = {"support": utc_now() - timedelta(seconds=31)}
        await until(lambda: site.asked() == [("support", OTHER, 10)])
        site.waits = {"support": utc_now()}  # that one was answered; another one waits
        await rounds()
        assert len(site.asked()) == 1
        site.waits = {}
        await until(lambda: site.penalties["support", OTHER] == 1010)
        assert len(site.asked()) == 2


async def test_whoever_changes_it_and_whoever_logs_in_again_gets_it_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        await site.member("support", SKILLED, 1)
        await rounds()
        assert site.asked() == []
        await site.member("support", SKILLED, 500, name="Penalty")
        await until(lambda: site.penalties["support", SKILLED] == 1)
        await rounds()
        await site.member("support", SKILLED, 1, name="Removed")
        await site.member("support", SKILLED, 0)
        await until(lambda: site.penalties["support", SKILLED] == 1)
        assert site.asked() == [("support", SKILLED, 1)] * 2


async def test_a_reload_that_no_event_tells_of_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skill_penalties, "LOOK_SECONDS", 0.1)
    async with working(database, monkeypatch) as site:
        await site.member("support", OTHER, 1010)
        await rounds()
        assert site.asked() == []
        site.penalties["support", OTHER] = 0
        await until(lambda: site.asked() == [("support", OTHER, 1010)])


async def test_new_rules_are_heeded_and_no_rules_leave_things_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        await site.member("support", OTHER, 1010)
        await database.rows(
            "INSERT INTO ccm.agent_skill SELECT id, 'english', 70 FROM ccm.agent"
            " WHERE interface = 'PJSIP/1002'"
        )
        await until(lambda: site.penalties["support", OTHER] == 3)
        await database.rows("DELETE FROM ccm.queue_skill")
        await rounds()
        await site.member("support", OTHER, 0, name="Penalty")
        await rounds()
        assert site.asked() == [("support", OTHER, 3)]


async def test_nothing_is_sent_while_members_are_not_known_for_sure(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        site.whole = False
        await site.member("support", OTHER, 0)
        await rounds()
        assert site.asked() == []
        site.whole = True
        await until(lambda: site.asked() == [("support", OTHER, 1010)])


async def test_a_refusal_is_not_repeated_for_a_while(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deny(session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Error"), ("Message", "Permission denied"))

    async with working(database, monkeypatch) as site:
        site.peer.answers["QueuePenalty"] = deny
        await site.member("support", OTHER, 0)
        await site.member("support", SKILLED, 0)
        await until(lambda: site.asked())
        await rounds()
        assert len(site.asked()) == 1


async def test_a_member_who_is_refused_holds_up_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        usual = site.peer.answers["QueuePenalty"]

        async def gone(session: Session, action: dict[str, str]) -> None:
            if action["Interface"] == OTHER:
                await session.answer(
                    action,
                    ("Response", "Error"),
                    ("Message", "Invalid interface, queue or penalty"),
                )
            else:
                await usual(session, action)

        site.peer.answers["QueuePenalty"] = gone
        await site.member("support", OTHER, 0)
        await site.member("support", "PJSIP/1003", 0)
        await until(lambda: site.penalties.get(("support", "PJSIP/1003")) == 1010)


async def test_many_members_are_changed_a_few_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skill_penalties, "MOST_AT_ONCE", 3)
    async with working(database, monkeypatch) as site:
        for number in range(10):
            await site.member("support", f"PJSIP/{2000 + number}", 0)
        await until(lambda: set(site.penalties.values()) == {1010})
        assert len(site.asked()) == 10


async def test_while_postgres_is_away_the_last_rules_hold(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(database, monkeypatch) as site:
        await site.member("support", OTHER, 0)
        await until(lambda: site.penalties["support", OTHER] == 1010)
        await rounds()
        database.cut_off()
        await database.close()
        await site.member("support", OTHER, 0, name="Penalty")
        await until(lambda: site.penalties["support", OTHER] == 1010)
