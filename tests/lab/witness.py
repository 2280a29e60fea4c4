"""The same calls told twice in one form: by Asterisk's queue_log, and by our rows in Postgres."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.asterisk import Asterisk, QueueLogRow
from lab.database import rows
from lab.errors import LabError

WITHIN = 1.5
"""Seconds by which our times may differ: queue_log counts whole seconds, each rounded down."""

POLL = 0.2


@dataclass
class Stay:
    """One stay of a call in one queue. ``wait`` and ``talk`` in seconds; "" is what never came."""

    queue: str
    outcome: str = ""
    wait: float = 0.0
    unanswered: list[str] = field(default_factory=list)
    """Agents who let it ring, in order."""
    agent: str = ""
    talk: float = 0.0
    ended_by: str = ""
    inferred: bool = False


Told = dict[str, list[Stay]]
"""The stays of each call, by Asterisk's unique id."""

LEFT = {
    "ABANDON": ("abandoned", 2),
    "EXITWITHTIMEOUT": ("timed_out", 2),
    "EXITWITHKEY": ("left_by_key", 3),
}
"""Outcome, and in which field the wait stands. Asterisk: the queue_log lines of app_queue.c."""


def by_asterisk(log: Sequence[QueueLogRow]) -> Told:
    """What queue_log tells."""
    told: Told = defaultdict(list)
    for row in log:
        if row.event == "ENTERQUEUE":
            told[row.call].append(Stay(row.queue))
        elif row.call in told:
            _further(told[row.call][-1], row)
    return dict(told)


def _further(stay: Stay, row: QueueLogRow) -> None:
    match row.event:
        case "CONNECT":
            stay.outcome, stay.wait, stay.agent = "answered", float(row.data[0]), row.agent
        case "COMPLETECALLER" | "COMPLETEAGENT":
            stay.talk = float(row.data[1])
            stay.ended_by = row.event.removeprefix("COMPLETE").lower()
        case "RINGNOANSWER":
            stay.unanswered.append(row.agent)
        case event if event in LEFT:
            stay.outcome, wait = LEFT[event]
            stay.wait = float(row.data[wait])


STAYS = """
SELECT i.uniqueid, q.name AS queue, v.outcome,
       v.inferred OR coalesce(s.inferred, false) AS inferred,
       extract(epoch FROM coalesce(v.answered_at, v.left_at) - v.joined_at)::float8 AS wait,
       ARRAY (SELECT a.name FROM ccm.offer AS o JOIN ccm.agent AS a ON a.id = o.agent_id
              WHERE o.interaction_id = i.id AND o.visit = v.ordinal AND o.outcome = 'ring_no_answer'
              ORDER BY o.ordinal) AS unanswered,
       a.name AS agent, s.ended_by, extract(epoch FROM s.ended_at - s.answered_at)::float8 AS talk
FROM ccm.interaction AS i
JOIN ccm.queue_visit AS v ON v.interaction_id = i.id
JOIN ccm.queue AS q ON q.id = v.queue_id
LEFT JOIN ccm.segment AS s ON s.interaction_id = i.id AND s.visit = v.ordinal
LEFT JOIN ccm.agent AS a ON a.id = s.agent_id
ORDER BY i.uniqueid, v.ordinal
"""


async def by_us(url: str) -> Told:
    """What the database at ``url`` tells."""
    told: Told = defaultdict(list)
    for row in await rows(url, STAYS):
        told[row.pop("uniqueid")].append(
            Stay(**{key: value for key, value in row.items() if value is not None})
        )
    return dict(told)


def differences(asterisk: Told, ours: Told) -> list[str]:
    """Where the two don't agree, in words; times that differ by no more than ``WITHIN`` do."""
    found = [f"{call}: only queue_log has it" for call in asterisk.keys() - ours.keys()]
    found += [f"{call}: only we have it" for call in ours.keys() - asterisk.keys()]
    for call in asterisk.keys() & ours.keys():
        theirs, our = asterisk[call], ours[call]
        if len(theirs) != len(our) or not all(map(_alike, theirs, our)):
            found.append(f"{call}: queue_log {theirs}, we {our}")
    return found


def _alike(theirs: Stay, our: Stay) -> bool:
    return (
        (theirs.queue, theirs.outcome, theirs.unanswered, theirs.agent, theirs.ended_by)
        == (our.queue, our.outcome, our.unanswered, our.agent, our.ended_by)
        and abs(theirs.wait - our.wait) <= WITHIN
        and abs(theirs.talk - our.talk) <= WITHIN
    )


def unique_id(pbx: Asterisk, number: str) -> str:
    """Asterisk's unique id of the call from that number; "" while queue_log has none."""
    entered = (row for row in pbx.queue_log() if row.event == "ENTERQUEUE")
    return next((row.call for row in entered if row.data[1] == number), "")


async def eventually(
    look: Callable[[], Awaitable[Any]], enough: Callable[[Any], bool], seconds: float, what: str
) -> Any:
    """Look until it is enough, and return what was seen. Raises LabError after ``seconds``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        seen = await look()
        if enough(seen):
            return seen
        if loop.time() > deadline:
            raise LabError(f"Waited {seconds:g} s in vain: {what}; there is {seen}")
        await asyncio.sleep(POLL)


async def recordings_are(
    state: str, look: Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]], calls: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Wait until the recording of each call is in that state; the recordings, by call.

    Raises LabError, which tells of those recordings alone that are not.
    """
    found: Mapping[str, Mapping[str, Any]] = {}

    async def others() -> dict[str, str]:
        nonlocal found
        found = await look()
        return {
            call: _in_short(found.get(call))
            for call in calls
            if call not in found or found[call]["state"] != state
        }

    await eventually(others, lambda left: not left, 30, f"recordings to be {state}")
    return found


def _in_short(recording: Mapping[str, Any] | None) -> str:
    if recording is None:
        return "none"
    told = {key: str(recording[key]) for key in ("version", "path", "started_at", "ended_at")}
    return f"{recording['state']}: {recording['error'] or 'no error'}; {told}"


async def all_over(url: str, calls: int, seconds: float = 40) -> None:
    """Wait until ``calls`` interactions and all their recordings are over."""
    open_ = "SELECT 1 FROM ccm.recording WHERE state IN ('expected', 'recording')"
    over = "SELECT 1 FROM ccm.interaction WHERE state = 'ended'"
    waiting = "SELECT 1 FROM ccm.interaction WHERE state <> 'ended'"

    async def count() -> Mapping[str, int]:
        parts = {"over": over, "open": waiting, "recording": open_}
        return {name: len(await rows(url, sql)) for name, sql in parts.items()}

    def settled(seen: Mapping[str, int]) -> bool:
        return seen["over"] >= calls and not seen["open"] and not seen["recording"]

    await eventually(count, settled, seconds, f"{calls} calls to be over")
