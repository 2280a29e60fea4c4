"""report.supervision: who heard whom, for which queue and how long."""

import json

import asyncpg
from pasted_facts import call_id, given

from ccmiddleware.store.database import queries

DAY = "2026-11-27"
TALKING = """
visit | queue | joined   | answered | left     | outcome
a     | sales | 09:00:00 | 09:00:10 | 09:00:10 | answered

segment | agent | answered | ended
a       | ann   | 09:00:10 | 09:05:00

agent
bob
"""


def fact(**more: object) -> dict[str, object]:
    return {
        "interaction_id": str(call_id("a")), "uniqueid": "ccm-1", "started_at": f"{DAY}T09:01:00Z",
        "version": 1, "segment": 1, "node": "pbx", "interface": "PJSIP/ann",
        "supervisor": "PJSIP/2001", "channel": "PJSIP/2001-1", "mode": "barge", "keys": False,
        "asked_by": "sue", "ended_at": f"{DAY}T09:02:30Z", "inferred": False, **more,
    }  # fmt: skip


async def test_who_heard_whom(db: asyncpg.Connection) -> None:
    await given(db, TALKING)
    told = [
        fact(),
        fact(uniqueid="9.9", supervisor="PJSIP/bob", mode=None, asked_by="", ended_at=None),
    ]
    await db.execute(queries()["apply_supervision"].sql, json.dumps(told))
    await db.execute(f"SET ccm.now = '{DAY} 09:03:00+00'")
    ours, theirs = await db.fetch("SELECT * FROM report.supervision ORDER BY mode")
    assert (ours["agent"], ours["supervisor"], ours["queue"]) == ("ann", "PJSIP/2001", "sales")
    assert (ours["mode"], ours["asked_by"], ours["seconds"]) == ("barge", "sue", 90)
    assert (theirs["supervisor"], theirs["supervisor_interface"]) == ("bob", "PJSIP/bob")
    assert (theirs["mode"], theirs["asked_by"], theirs["seconds"]) == (None, None, 120)


async def test_an_older_version_changes_nothing(db: asyncpg.Connection) -> None:
    await given(db, TALKING)
    for one in (fact(version=2, inferred=True), fact(), fact(version=2)):
        await db.execute(queries()["apply_supervision"].sql, json.dumps([one]))
    (row,) = await db.fetch("SELECT inferred FROM report.supervision")
    assert row["inferred"]
