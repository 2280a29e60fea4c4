"""Facts for the tests of the store, the rows they come to, and ways to bring them in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from ccmiddleware import facts, ids
from ccmiddleware.facts import AnyFact
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.writer import FactWriter

NODE = "pbx1"
BEGIN = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
DEADLINE = 30.0

TABLES = {
    "node": "name, link, link_since, link_reason, version",
    "queue": "name, strategy, service_level_seconds, seen_at",
    "agent": "interface, name, seen_at",
    "queue_member": """(SELECT name FROM ccm.queue WHERE id = queue_id) AS queue,
        (SELECT interface FROM ccm.agent WHERE id = agent_id) AS interface,
        at, member, penalty, paused, pause_reason""",
    "interaction": """id, version, (SELECT name FROM ccm.node WHERE id = node_id) AS node, channel,
        direction, state, linkedid, uniqueid, caller_num, caller_name, did, started_at, ended_at,
        outcome, inferred""",
    "queue_visit": """interaction_id, ordinal, version,
        (SELECT name FROM ccm.queue WHERE id = queue_id) AS queue, position, joined_at, answered_at,
        left_at, outcome, inferred""",
    "offer": """interaction_id, ordinal, version, visit,
        (SELECT interface FROM ccm.agent WHERE id = agent_id) AS interface, offered_at, ended_at,
        outcome""",
    "segment": """interaction_id, ordinal, version, visit,
        (SELECT interface FROM ccm.agent WHERE id = agent_id) AS interface, channel, agent_channel,
        offered_at, answered_at, ended_at, ended_by, hold_seconds, wrap_up_seconds, inferred""",
    "recording": """interaction_id, segment, version,
        (SELECT name FROM ccm.node WHERE id = node_id) AS node, state, path, started_at, ended_at,
        seconds, bytes, sha256, error, channels, monitor, asked, paused_at, paused_seconds,
        stopped_at""",
    "interaction_event": "interaction_id, key, kind, at, inferred, data",
    "agent_state": """(SELECT interface FROM ccm.agent WHERE id = agent_id) AS interface,
        started_at, version, state, reason, ended_at, inferred""",
    "callback": "id, number, call, asked_at, state",
    "callback_step": "attempt, step, at",
    "disposition": "id, interaction_id, segment, code, note, given_by, given_at, source",
    "queue_turned_away": "id, call, at, why, destination, caller, did",
    "supervision": """interaction_id, uniqueid, started_at, version, segment,
        (SELECT interface FROM ccm.agent WHERE id = agent_id) AS interface, supervisor, channel,
        mode, keys, asked_by, ended_at, inferred""",
    "queue_log_row": "at, key, sequence, call, queue, agent, event, data",
    "queue_log_position": 'version, inode, "offset", fingerprint, row_at, checked',
    "rejected_fact": "fact, sqlstate",
}
"""Columns of each table; ids that the database makes up are replaced by what they stand for."""


def at(seconds: float) -> datetime:
    """A moment of the tests."""
    return BEGIN + timedelta(seconds=seconds)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most DEADLINE seconds."""
    for _ in range(int(DEADLINE / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


async def contents(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in an order that does not depend on how they came in."""
    found = {}
    for table, columns in TABLES.items():
        rows = await database.rows(f"SELECT {columns} FROM ccm.{table}")  # noqa: S608 - from above
        found[table] = sorted((dict(row) for row in rows), key=str)
    return found


@asynccontextmanager
async def writing(database: Database, journal: Journal) -> AsyncIterator[FactWriter]:
    """A writer that runs, and is stopped at the end."""
    writer = FactWriter(database, journal)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run(), name="writer")
        try:
            yield writer
        finally:
            await writer.stop()


async def store(database: Database, journal: Journal, told: Sequence[AnyFact]) -> FactWriter:
    """Write facts and wait until all of them are settled."""
    async with writing(database, journal) as writer:
        writer.write(told)
        assert await writer.drained(DEADLINE)
    return writer


def call(number: int, queue: str = "sales", interface: str = "PJSIP/1001") -> list[AnyFact]:
    """All facts of one answered and recorded call, in the order in which they arise."""
    t = number * 10.0
    linkedid = f"{int(at(t).timestamp())}.{number}"
    key = ids.interaction_id(NODE, linkedid)

    def interaction(version: int, state: Any, **more: Any) -> facts.Interaction:
        return facts.Interaction(
            id=key,
            version=version,
            node=NODE,
            state=state,
            linkedid=linkedid,
            uniqueid=linkedid,
            caller_num=f"+4930{number:07}",
            caller_name="Ærøskøbing 🙂",
            did="100",
            started_at=at(t),
            **more,
        )

    def visit(version: int, **more: Any) -> facts.QueueVisit:
        return facts.QueueVisit(
            interaction_id=key,
            ordinal=1,
            version=version,
            node=NODE,
            queue=queue,
            position=1,
            joined_at=at(t + 1),
            **more,
        )

    def offer(version: int, **more: Any) -> facts.Offer:
        return facts.Offer(
            interaction_id=key,
            ordinal=1,
            version=version,
            visit=1,
            node=NODE,
            interface=interface,
            member_name="Ada",
            offered_at=at(t + 2),
            **more,
        )

    def segment(version: int, **more: Any) -> facts.Segment:
        return facts.Segment(
            interaction_id=key,
            ordinal=1,
            version=version,
            visit=1,
            node=NODE,
            interface=interface,
            member_name="Ada",
            channel=f"PJSIP/trunk-{number}",
            agent_channel=f"{interface}-{number}",
            offered_at=at(t + 2),
            answered_at=at(t + 4),
            **more,
        )

    def recording(version: int, state: Any, **more: Any) -> facts.Recording:
        return facts.Recording(
            interaction_id=key,
            segment=1,
            version=version,
            node=NODE,
            state=state,
            path=f"ccm/{key}-1.wav",
            started_at=at(t + 4),
            **more,
        )

    def event(kind: str, seconds: float, **data: Any) -> facts.InteractionEvent:
        return facts.InteractionEvent(
            interaction_id=key, key=kind, kind=kind, at=at(t + seconds), data=data
        )

    return [
        interaction(1, "waiting"), visit(1), event("joined", 1, queue=queue, position=1),
        offer(1), event("offered", 2, interface=interface),
        offer(2, ended_at=at(t + 4), outcome="answered"),
        visit(2, answered_at=at(t + 4), left_at=at(t + 4), outcome="answered"),
        segment(1), interaction(2, "talking"), event("answered", 4, interface=interface),
        recording(1, "expected", channels="stereo"),
        recording(
            2, "recording", channels="stereo", monitor="0x7f", asked="resume", paused_at=at(t + 6),
            paused_seconds=0.5,
        ),
        segment(2, ended_at=at(t + 9), ended_by="caller", wrap_up_seconds=3.0),
        interaction(3, "ended", ended_at=at(t + 9), outcome="answered"),
        event("ended", 9, by="caller"),
        recording(
            3, "finished", ended_at=at(t + 8), seconds=5.0, bytes=80044, sha256="0f" * 32,
            channels="stereo", paused_seconds=1.5, stopped_at=at(t + 8),
        ),
    ]  # fmt: skip


def people() -> list[AnyFact]:
    """Queues, agents, memberships and what the agents did meanwhile."""
    return [
        facts.Queue(node=NODE, name="sales", strategy="ringall", seen_at=at(0)),
        facts.Queue(
            node=NODE, name="sales", strategy="rrmemory", service_level_seconds=30, seen_at=at(5)
        ),
        facts.Agent(node=NODE, interface="PJSIP/1001", name="Ada", seen_at=at(0)),
        facts.Agent(node=NODE, interface="PJSIP/1001", name="Ada L.", seen_at=at(60.5)),
        facts.QueueMembership(
            node=NODE, queue="sales", interface="PJSIP/1001", at=at(0), member=True
        ),
        facts.QueueMembership(
            node=NODE,
            queue="sales",
            interface="PJSIP/1001",
            at=at(50),
            member=True,
            penalty=2,
            paused=True,
            pause_reason="lunch",
        ),
        facts.AgentState(
            node=NODE, interface="PJSIP/1001", started_at=at(0), version=1, state="idle"
        ),
        facts.AgentState(
            node=NODE,
            interface="PJSIP/1001",
            started_at=at(0),
            version=2,
            state="idle",
            ended_at=at(50),
        ),
        facts.AgentState(
            node=NODE,
            interface="PJSIP/1001",
            started_at=at(50),
            version=1,
            state="paused",
            reason="lunch",
        ),
    ]


def supervision(number: int, *, ended: bool = True) -> list[AnyFact]:
    """A supervisor who heard the talk of ``call(number)``."""
    begun = facts.Supervision(
        interaction_id=next(
            fact.id for fact in call(number) if isinstance(fact, facts.Interaction)
        ),
        segment=1,
        version=1,
        node=NODE,
        interface="PJSIP/1001",
        member_name="Ada",
        supervisor="PJSIP/2001",
        channel="PJSIP/2001-1",
        uniqueid="ccm-whisper.ann.1",
        mode="whisper",
        asked_by="ann",
        started_at=at(10 * number + 6),
    )
    over = msgspec.structs.replace(begun, version=2, ended_at=at(10 * number + 8), inferred=True)
    return [begun, over] if ended else [begun]


def disposition() -> facts.Disposition:
    """What agent 1001 keyed in after all calls."""
    return facts.Disposition(
        node=NODE, call="1795770900.9", interface="PJSIP/1001", digits="7", at=at(600)
    )


def turned_away() -> facts.TurnedAway:
    """A caller whom the dialplan library did not let into a queue."""
    return facts.TurnedAway(
        node=NODE,
        call="1795770950.1",
        turn="1",
        queue="sales",
        at=at(650),
        why="closed",
        destination="queue:support",
        caller="+49301",
        did="7",
    )


def callback() -> list[AnyFact]:
    """A callback that was asked for, and a step of it."""
    attempt = ids.attempt_id(UUID(int=7), 1795770000, 1)
    return [
        facts.CallbackAsked(
            node=NODE, call="1795770000.1", queue="sales", number="+49301234", at=at(9)
        ),
        facts.CallbackStep(node=NODE, attempt=attempt, step="placed", at=at(10)),
    ]


def queue_log() -> list[AnyFact]:
    """Rows of Asterisk's own log, and how far it was read."""
    return [
        *(
            facts.QueueLogRow(
                node=NODE,
                at=at(0),
                key=UUID(int=number),
                sequence=number,
                call="1795770000.1",
                queue="sales",
                agent="NONE",
                event="ENTERQUEUE",
                data=["", "+4930", str(number)],
            )
            for number in (1, 2)
        ),
        *(
            facts.QueueLogPosition(
                node=NODE,
                version=number,
                inode=7,
                offset=number,
                fingerprint="0f",
                row_at=at(0),
            )
            for number in (1, 2)
        ),
    ]
