"""The demo's campaign: two hundred leads, three agents with open lines, beside calls and emails.

Short talks and rings, so that it is over within a minute. Figures come from the report views and
are compared with what the far end saw.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from ccmiddleware.clock import utc_now
from lab import campaign_figures, outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.parties import World, numbers, parties
from lab.plan import Plan

QUEUE = NAME = "spring"
LEADS, SEED, WRAPUP = 200, 1, 1
AGENTS = outbound.agents(3)
WORLD = World(
    people=0.18, machines=0.06, ring_mean=0.2, ring_longest=0.4, failed_ring=0.1,
    short_talk=0.8, long_talk=1.5,
)  # fmt: skip
RATIO = "3"
"""Calls for each free agent: talks are so short that who answers seldom waits too long."""

PATIENCE = 150.0


def added(plan: Plan) -> Plan:
    """That PBX, and what the campaign needs of it."""
    return replace(
        plan,
        agents=(*plan.agents, *AGENTS),
        queues=(*plan.queues, outbound.dialing(QUEUE, WRAPUP)),
        manager=(*plan.manager, "ccm-dial.conf"),
        files=plan.files | outbound.files(AGENTS),
        dialplan=plan.dialplan + outbound.dialplan(QUEUE),
    )


def settings() -> str:
    """What the daemon's configuration has of it. Its talks are not recorded."""
    return outbound.more(QUEUE, WRAPUP) + f'[queue.{QUEUE}.recording]\npolicy = "never"\n'


class Campaign:
    """The campaign on one PBX and one daemon."""

    def __init__(self, pbx: Asterisk, daemon: Daemon, say: Callable[[str], None]) -> None:
        self._pbx = pbx
        self._daemon = daemon
        self._say = say
        self._people = parties(WORLD, numbers(LEADS, utc_now()), SEED)
        self._far = pbx.far_end(self._people)
        self._url = ""

    async def settle_in(self) -> None:
        """The agents dial *16, and the leads are imported."""
        await self._far.start()
        self._url = (await self._daemon.ccm("db", "url")).out.strip()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(outbound.sit_down(self._pbx, AGENTS, QUEUE), name="agents dial *16")
            tasks.create_task(
                outbound.prepare(self._daemon, NAME, self._people, mode="power", ratio=RATIO),
                name="leads are imported",
            )

    async def play(self) -> None:
        """Begin, and wait until all attempts are over."""
        await outbound.begin(self._daemon, NAME)
        self._say(f"{len(AGENTS)} agents keep their lines open; a campaign of {LEADS} leads dials")
        await campaign_figures.over(self._url, NAME, LEADS, PATIENCE)
        self._say(f"all {LEADS} leads were called")

    async def figures(self) -> dict[str, Any]:
        """For ``--json``."""
        found = await campaign_figures.figures(self._url, NAME)
        known = asdict(found)
        return {
            "attempts": found.attempts,
            "permits": found.permits,
            "drops": found.drops,
            "utilisation_pct": found.utilisation_pct,
            "attempts_by_result": found.results,
            **{name: known[name] for name in ("live", "drop_pct", "agent_seconds_p99")},
        }

    async def differences(self) -> list[str]:
        """Where the attempts are not what the far end did, in words."""
        found = await campaign_figures.attempts(self._url, NAME)
        return campaign_figures.differences(found, self._people, self._far.calls())
