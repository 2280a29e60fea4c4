"""What Postgres has in the end, read whole."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.database import rows

INTERACTIONS = """
SELECT id::text, uniqueid, linkedid, state, outcome, inferred, started_at, ended_at
FROM ccm.interaction ORDER BY started_at, id
"""
STAYS = """
SELECT v.interaction_id::text AS id, v.ordinal, q.name AS queue, v.outcome, v.joined_at, v.left_at,
       v.inferred OR coalesce(s.inferred, false) AS inferred,
       extract(epoch FROM coalesce(v.answered_at, v.left_at) - v.joined_at)::float8 AS wait,
       ARRAY (SELECT a.name FROM ccm.offer AS o JOIN ccm.agent AS a ON a.id = o.agent_id
              WHERE o.interaction_id = v.interaction_id AND o.visit = v.ordinal
                AND o.outcome = 'ring_no_answer' ORDER BY o.offered_at, o.ordinal) AS unanswered,
       (SELECT count(*) FROM ccm.offer AS o WHERE o.interaction_id = v.interaction_id
           AND o.visit = v.ordinal AND o.outcome = 'answered') AS answered_offers,
       a.name AS agent, s.ended_by, s.ended_at AS talk_ended_at,
       extract(epoch FROM s.ended_at - s.answered_at)::float8 AS talk
FROM ccm.queue_visit AS v
JOIN ccm.queue AS q ON q.id = v.queue_id
LEFT JOIN ccm.segment AS s ON s.interaction_id = v.interaction_id AND s.visit = v.ordinal
LEFT JOIN ccm.agent AS a ON a.id = s.agent_id
ORDER BY v.joined_at, v.ordinal, s.answered_at
"""
OPEN = """
SELECT 'interaction' AS what, id::text FROM ccm.interaction
WHERE ended_at IS NULL OR state <> 'ended' OR outcome IS NULL
UNION ALL SELECT 'visit', interaction_id::text FROM ccm.queue_visit
WHERE left_at IS NULL OR outcome IS NULL
UNION ALL SELECT 'offer', interaction_id::text FROM ccm.offer
WHERE ended_at IS NULL OR outcome IS NULL
UNION ALL SELECT 'segment', interaction_id::text FROM ccm.segment
WHERE ended_at IS NULL OR ended_by IS NULL
"""
WITHOUT_VISIT = """
SELECT interaction_id::text AS id, ordinal FROM ccm.segment AS s WHERE NOT EXISTS (
    SELECT FROM ccm.queue_visit AS v WHERE v.interaction_id = s.interaction_id
    AND v.ordinal = s.visit)
"""
# Each interval beside the next of the same agent.
INTERVALS = """
SELECT * FROM (
    SELECT a.name, s.state, s.started_at, s.ended_at,
           lead(s.started_at) OVER agent AS next_at, lead(s.state) OVER agent AS next
    FROM ccm.agent_state AS s JOIN ccm.agent AS a ON a.id = s.agent_id
    WINDOW agent AS (PARTITION BY s.agent_id ORDER BY s.started_at, s.ended_at NULLS LAST)) AS one
WHERE ended_at < started_at OR (next_at IS NOT NULL AND ended_at IS DISTINCT FROM next_at)
"""
RECORDINGS = """
SELECT r.interaction_id::text AS id, r.segment, r.state, r.path, r.bytes, r.sha256, r.error,
       EXISTS (SELECT FROM ccm.segment AS s WHERE s.interaction_id = r.interaction_id
               AND s.ordinal = r.segment) AS talked
FROM ccm.recording AS r
"""


@dataclass(frozen=True)
class StoredStay:
    """A visit with its talk."""

    queue: str
    outcome: str
    inferred: bool
    wait: float
    unanswered: list[str]
    answered_offers: int
    agent: str
    ended_by: str
    talk: float
    ended_at: datetime | None


@dataclass
class StoredCall:
    """An interaction with its visits."""

    id: str
    uniqueid: str
    outcome: str
    inferred: bool
    started_at: datetime
    ended_at: datetime | None
    stays: list[StoredStay] = field(default_factory=list)


@dataclass
class Stored:
    """All of it."""

    calls: list[StoredCall]
    open: list[str]
    without_visit: list[str]
    intervals: list[str]
    """Intervals of agents that overlap the next, or leave a gap before it."""
    recordings: list[dict[str, Any]]
    rejected: int
    late: int
    queue_log_rows: int


async def _rows(url: str, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await rows(url, sql)]


async def read(url: str) -> Stored:
    """Read the database at ``url``."""
    calls: dict[str, StoredCall] = {}
    for one in await _rows(url, INTERACTIONS):
        calls[one["id"]] = StoredCall(
            one["id"], one["uniqueid"], one["outcome"] or "", one["inferred"], one["started_at"],
            one["ended_at"],
        )  # fmt: skip
    for one in await _rows(url, STAYS):
        calls[one["id"]].stays.append(
            StoredStay(
                one["queue"], one["outcome"] or "", one["inferred"], one["wait"] or 0.0,
                list(one["unanswered"]), one["answered_offers"], one["agent"] or "",
                one["ended_by"] or "", one["talk"] or 0.0, one["talk_ended_at"] or one["left_at"],
            )
        )  # fmt: skip
    counts = (
        "SELECT (SELECT count(*) FROM ccm.rejected_fact) AS rejected, "
        "(SELECT count(*) FROM ccm.late_fact) AS late, "
        "(SELECT count(*) FROM ccm.queue_log_row) AS logged"
    )
    (counted,) = await _rows(url, counts)
    return Stored(
        calls=list(calls.values()),
        open=[f"{row['what']} of {row['id']}" for row in await _rows(url, OPEN)],
        without_visit=[f"{row['id']}-{row['ordinal']}" for row in await _rows(url, WITHOUT_VISIT)],
        intervals=[
            f"{row['name']}: {row['state']} {row['started_at']} to {row['ended_at']}, then "
            f"{row['next']} from {row['next_at']}"
            for row in await _rows(url, INTERVALS)
        ],
        recordings=await _rows(url, RECORDINGS),
        rejected=counted["rejected"],
        late=counted["late"],
        queue_log_rows=counted["logged"],
    )


def recording_differences(recordings: list[dict[str, Any]], directory: Path) -> list[str]:
    """Where files and rows of recordings don't agree: each file is the one of one row."""
    found = []
    files = {str(path.relative_to(directory)) for path in directory.rglob("*.wav")}
    paths = [row["path"] for row in recordings]
    found += [
        f"recording told twice: {path}" for path in sorted(set(paths)) if paths.count(path) > 1
    ]
    found += [f"recording that nobody knows: {path}" for path in sorted(files - set(paths))]
    for row in recordings:
        if not row["talked"]:
            found.append(f"recording without a talk: {row['path']}")
        if row["state"] != "finished":
            continue
        if row["path"] not in files:
            found.append(f"finished recording without its file: {row['path']}")
            continue
        data = (directory / row["path"]).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (row["bytes"], row["sha256"]):
            found.append(f"recording that was changed after it was finished: {row['path']}")
    return found
