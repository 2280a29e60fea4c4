"""A minute without Postgres, beside a daemon that notices nothing of it.

Two daemons follow one PBX. The Postgres of one is killed and started again a minute later; the
other has its own, and is the undisturbed run: it hears the very same calls, with the same times.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import witness
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.plan import ALICE, CHEN, JOERG, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Dtmf, Hangup, Ring, Step, Talk

AWAY_SECONDS = 60.0
SUPPORT, BRIEF = "12025550101", "12025550102"

PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        # Jörg never answers.
        Queue("support", SUPPORT, members=("1001", "1002"), strategy="rrmemory", ring=1),
        Queue("brief", BRIEF, members=("1003",), ring=1, patience=3),
    ),
)
PHONES: dict[str, list[Step]] = {
    "1001": [Answer(0.3), Talk(2), Hangup()],
    "1002": [Ring()],
    "1003": [Ring()],
}
ROUND: tuple[tuple[str, list[Step]], ...] = (
    (SUPPORT, []),
    (BRIEF, []),
    (SUPPORT, [Talk(4), Hangup()]),
    (BRIEF, [Talk(0.8), Dtmf("1")]),
    (BRIEF, [Talk(1), Hangup()]),
)
"""Callers of one round, side by side: answered, timed out, one that may be late, key, gives up."""

TABLES = {
    "interaction": """
        SELECT id, channel, direction, state, linkedid, uniqueid, caller_num, caller_name, did,
               started_at, ended_at, outcome, inferred
        FROM ccm.interaction ORDER BY id""",
    "interaction_event": """
        SELECT interaction_id, key, kind, at, inferred, data
        FROM ccm.interaction_event ORDER BY interaction_id, key""",
    "queue_visit": """
        SELECT interaction_id, ordinal, q.name, position, joined_at, answered_at, left_at, outcome,
               inferred
        FROM ccm.queue_visit JOIN ccm.queue AS q ON q.id = queue_id
        ORDER BY interaction_id, ordinal""",
    "offer": """
        SELECT interaction_id, ordinal, visit, interface, offered_at, ended_at, outcome
        FROM ccm.offer JOIN ccm.agent AS a ON a.id = agent_id ORDER BY interaction_id, ordinal""",
    "segment": """
        SELECT interaction_id, ordinal, visit, interface, channel, agent_channel, offered_at,
               answered_at, ended_at, ended_by, hold_seconds, wrap_up_seconds, inferred
        FROM ccm.segment JOIN ccm.agent AS a ON a.id = agent_id ORDER BY interaction_id, ordinal""",
    "agent_state": """
        SELECT interface, started_at, state, reason, ended_at, inferred
        FROM ccm.agent_state JOIN ccm.agent AS a ON a.id = agent_id
        WHERE started_at > (SELECT min(started_at) FROM ccm.interaction)
        ORDER BY interface, started_at""",
}
"""What must be the same in both databases: all but versions and the ids that each makes itself."""


@dataclass(frozen=True)
class Evidence:
    """What there was to see. ``away`` and ``doctor`` are from the end of the outage."""

    disturbed: Mapping[str, Any]
    undisturbed: Mapping[str, Any]
    rejected: int
    recordings: list[str]
    """States of the recordings of the disturbed daemon."""
    away: Mapping[str, Any]
    doctor: Mapping[str, str]
    well_after: float
    """Seconds from Postgres' return until all was applied and the daemon said that it was well."""
    log: list[str]
    """Events that the disturbed daemon logged above level info."""
    asterisk: witness.Told
    stored: witness.Told


async def story(lab_servers: Servers, directory: Path) -> Evidence:
    """Play it all, in about a minute and a half."""
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Database(directory / "database") as database,
        Daemon(directory / "undisturbed", pbx, recording="never") as undisturbed,
    ):
        url = await database.create("disturbed")
        async with Daemon(directory / "disturbed", pbx, database_url=url) as disturbed:
            for extension, script in PHONES.items():
                await pbx.phone(extension, script).start()
            return await _outage(pbx, database, url, disturbed, undisturbed)


async def _outage(
    pbx: Asterisk, database: Database, url: str, disturbed: Daemon, undisturbed: Daemon
) -> Evidence:
    loop = asyncio.get_running_loop()
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        # Two series of rounds, half a round apart, so that calls are on at every moment.
        series = [group.create_task(_rounds(pbx, first, enough)) for first in (0, 1)]
        await witness.eventually(
            lambda: rows(url, "SELECT 1 FROM ccm.interaction WHERE state = 'ended'"),
            lambda ended: len(ended) >= len(ROUND), 60, "a first round",
        )  # fmt: skip
        await database.kill()
        back_at = loop.time() + AWAY_SECONDS
        await asyncio.sleep(back_at - loop.time() - 10)
        ran = await disturbed.ccm("doctor", "--json")
        findings = {
            one["subject"]: one["found"]
            for one in ran.json["findings"]
            if one["verdict"] == "failed"
        }
        away = await asyncio.to_thread(disturbed.health)
        await asyncio.sleep(back_at - loop.time())
        await database.start()
        back_at = loop.time()
        await disturbed.says(_applied, 60, "all is applied")
        well_after = loop.time() - back_at
        enough.set()
    calls = sum(task.result() for task in series)
    own = (await undisturbed.ccm("db", "url")).out.strip()
    for address in (own, url):
        await witness.all_over(address, calls, 60)
    return Evidence(
        disturbed={name: await rows(url, sql) for name, sql in TABLES.items()},
        undisturbed={name: await rows(own, sql) for name, sql in TABLES.items()},
        rejected=len(await rows(url, "SELECT 1 FROM ccm.rejected_fact")),
        recordings=[
            str(row["state"]) for row in await rows(url, "SELECT state FROM ccm.recording")
        ],
        away=away,
        doctor=findings,
        well_after=well_after,
        log=disturbed.complaints(),
        asterisk=witness.by_asterisk(pbx.queue_log()),
        stored=await witness.by_us(url),
    )


def _applied(health: Mapping[str, Any]) -> bool:
    return health.get("status") == "ok" and health["parts"]["journal"]["backlog_facts"] < 100


async def _rounds(pbx: Asterisk, first: int, enough: asyncio.Event) -> int:
    """Play rounds until it is enough; how many callers there were."""
    await asyncio.sleep(first * 2.5)
    callers = 0
    while not enough.is_set():
        async with asyncio.TaskGroup() as group:
            for did, script in ROUND:
                number = f"1202555{4 + first}{callers:03}"
                caller = pbx.caller(did, script, number)
                group.create_task(caller.call(), name=number)
                callers += 1
    return callers
