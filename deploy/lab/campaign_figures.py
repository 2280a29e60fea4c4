"""What a campaign of the lab came to: figures from the report views, and what is wrong with them.

The truth is the parties and the far end's own log of calls.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab.database import rows
from lab.errors import LabError
from lab.far_end import Call
from lab.parties import ANSWERS, CAUSES, RESULTS, Party

ATTEMPTS = """
SELECT id, lead_id, number, result, cause, live, dropped, permitted, inferred, note, claimed_at,
       dialed_at, answered_at, connected_at, ended_at, agent_seconds, interface
FROM report.attempt WHERE campaign = $1 ORDER BY claimed_at
"""
UTILISATION = """
-- Talk and wrap-up of the agents, from the first claim of the campaign to its last.
WITH span AS (
    SELECT min(claimed_at) AS began, max(claimed_at) AS ended
    FROM report.attempt WHERE campaign = $1),
part AS (
    SELECT s.interface, s.state,
        extract(epoch FROM least(coalesce(s.ended_at, span.ended), span.ended)
                           - greatest(s.started_at, span.began)) AS seconds
    FROM report.agent_state AS s, span
    WHERE s.started_at < span.ended AND coalesce(s.ended_at, span.ended) > span.began)
SELECT state, sum(seconds)::float8 AS seconds, count(DISTINCT interface) AS agents
FROM part GROUP BY state
"""
MET_FREE = """
-- From the answer to the agent, of calls that were answered while more agents were idle than calls
-- before them still looked for one.
SELECT a.agent_seconds::float8 AS seconds
FROM report.attempt AS a
WHERE a.campaign = $1 AND a.connected_at IS NOT NULL
  AND (SELECT count(*) FROM report.agent_state AS s
       WHERE s.state = 'idle' AND s.started_at <= a.answered_at
         AND coalesce(s.ended_at, a.answered_at) >= a.answered_at)
    > (SELECT count(*) FROM report.attempt AS b
       WHERE b.answered_at < a.answered_at
         AND coalesce(b.connected_at, b.ended_at) > a.answered_at)
ORDER BY 1
"""
BUSY = ("talking", "wrap_up")
AWAY = ("logged_out", "unavailable")


@dataclass(frozen=True)
class Figures:
    """What came of a campaign. Percentages are of 100; times in seconds."""

    attempts: int
    permits: int
    results: dict[str, int]
    live: int
    drops: int
    drop_pct: float
    utilisation_pct: float
    span_seconds: float
    states: dict[str, float]
    """Seconds of all agents together in each state, within the span."""
    agent_seconds_p50: float
    agent_seconds_p99: float
    met_a_free_agent: int
    met_a_free_agent_p99: float


async def figures(url: str, campaign: str) -> Figures:
    """From the views of a database."""
    found = await rows(url, ATTEMPTS, campaign)
    days = await rows(url, "SELECT * FROM report.campaign_day WHERE campaign = $1", campaign)
    states = {str(row["state"]): _number(row) for row in await rows(url, UTILISATION, campaign)}
    met = [_number(row) for row in await rows(url, MET_FREE, campaign)]
    waits = sorted(float(str(row["agent_seconds"])) for row in found if row["connected_at"])
    live, drops = (sum(int(str(day[name])) for day in days) for name in ("live", "drops"))
    present = sum(seconds for state, seconds in states.items() if state not in AWAY)
    busy = sum(states.get(state, 0.0) for state in BUSY)
    claims: list[Any] = [row["claimed_at"] for row in found]
    return Figures(
        attempts=sum(int(str(day["attempts"])) for day in days),
        permits=sum(int(str(day["permits"])) for day in days),
        results=dict(sorted(Counter(str(row["result"]) for row in found).items())),
        live=live,
        drops=drops,
        drop_pct=round(100 * drops / max(live, 1), 2),
        utilisation_pct=round(100 * busy / max(present, 1e-9), 1),
        span_seconds=(claims[-1] - claims[0]).total_seconds() if claims else 0.0,
        states={state: round(seconds, 1) for state, seconds in sorted(states.items())},
        agent_seconds_p50=quantile(waits, 0.5),
        agent_seconds_p99=quantile(waits, 0.99),
        met_a_free_agent=len(met),
        met_a_free_agent_p99=quantile(met, 0.99),
    )


def _number(row: Mapping[str, object]) -> float:
    return float(str(row["seconds"]))


def quantile(values: Sequence[float], part: float) -> float:
    """The least of sorted values that so large a part of them does not pass; 0 of none."""
    return values[min(int(part * len(values)), len(values) - 1)] if values else 0.0


async def attempts(url: str, campaign: str) -> list[dict[str, Any]]:
    """All attempts of a campaign."""
    return await rows(url, ATTEMPTS, campaign)


async def over(url: str, campaign: str, count: int, seconds: float) -> int:
    """Wait until so many attempts are over, and return how many are. Raises LabError in vain."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        ended = [one for one in await attempts(url, campaign) if one["ended_at"] is not None]
        if len(ended) >= count:
            return len(ended)
        if loop.time() > deadline:
            raise LabError(f"Waited {seconds:g} s for {count} attempts to end; {len(ended)} did.")
        await asyncio.sleep(0.5)


def differences(
    found: Iterable[Mapping[str, Any]], people: Iterable[Party], calls: Sequence[Call]
) -> list[str]:
    """Where the attempts are not what the parties did, and the far end saw, in words.

    Each party is one lead, called once.
    """
    wrong: list[str] = []
    by_number: dict[str, list[Mapping[str, Any]]] = {}
    for row in found:
        by_number.setdefault(row["number"], []).append(row)
    seen = Counter(call.number for call in calls)
    parties = {party.number: party for party in people}
    for number in sorted({*by_number, *seen, *parties}):
        made = by_number.get(number, [])
        if number not in parties:
            wrong.append(
                f"{number}: nobody's number has {len(made)} attempts, {seen[number]} calls"
            )
        elif len(made) != 1 or seen[number] != 1:
            wrong.append(f"{number}: {len(made)} attempts, {seen[number]} calls; 1 is right")
    for row in (row for made in by_number.values() for row in made):
        wrong += [f"{row['number']}: {what}" for what in _wrong(row, parties.get(row["number"]))]
    wrong += [f"{number}: called while it was called" for number in twice_at_once(calls)]
    return wrong


def _wrong(row: Mapping[str, Any], party: Party | None) -> Iterable[str]:
    if not row["permitted"]:
        yield "no permit"
    if party is None:
        return
    result, cause = row["result"], row["cause"]
    if result not in RESULTS[party.kind]:
        yield f"{party.kind}, and the result is {result} (cause {cause}, {row['note']!r})"
    elif cause != CAUSES.get(party.kind, cause):
        yield f"{party.kind}, and the cause is {cause}"
    if result in RESULTS[party.kind] and row["live"] != (party.kind in ANSWERS):
        yield f"{party.kind}, and live is {row['live']}"
    if row["inferred"]:
        yield f"its end was concluded and not seen ({row['note']!r})"


def twice_at_once(calls: Iterable[Call]) -> list[str]:
    """Numbers that were called while another call to them was on."""
    by_number: dict[str, list[Call]] = {}
    for call in calls:
        by_number.setdefault(call.number, []).append(call)
    return sorted(
        number
        for number, made in by_number.items()
        if any(
            before.over is None or before.over > after.offered
            for before, after in pairwise(sorted(made, key=lambda one: one.offered))
        )
    )
