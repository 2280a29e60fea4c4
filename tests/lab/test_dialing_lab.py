"""The dialer beside a real Asterisk: each lead dialled once, each attempt with permit and result.

Also when the daemon is killed in the middle, and when nobody is there to talk.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import witness
from lab import outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import rows
from lab.parties import Party, numbers
from lab.phones import Caller, Phone
from lab.root import Servers
from lab.script import Answer, Decline, Hangup, Ring, Step, Talk

from ccmiddleware.clock import utc_now
from ccmiddleware.dialer.steps import Step as DialStep
from ccmiddleware.dialer.steps import fold, from_queue_log
from ccmiddleware.queue_log.rows import parse

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

AGENTS = ("2001", "2002")
PLAN = outbound.plan(len(AGENTS), wrapup=0)
PATIENCE = 90.0


@dataclass
class Site:
    """The servers of this module."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    far: Phone
    lines: list[Caller] = field(default_factory=list)

    async def log_in(self) -> None:
        """Have the agents open their lines; they are free when this returns."""
        for line in self.lines:
            await line.stop()
        self.lines = await outbound.sit_down(self.pbx, PLAN.agents)

    async def far_end(self, script: list[Step]) -> None:
        """Whoever is called from now on does this."""
        await self.far.stop()
        await self.far.replug(script)

    async def campaign(self, name: str, leads: list[str], **settings: str) -> None:
        """A campaign that runs, with a lead for each number."""
        people = [Party(number, "person", 0.0) for number in leads]
        await outbound.prepare(self.daemon, name, people, **{"mode": "progressive", **settings})
        await outbound.begin(self.daemon, name)

    async def attempts(self, name: str) -> list[dict[str, Any]]:
        found = await rows(
            self.url,
            "SELECT a.*, p.attempt_id IS NOT NULL AS permitted FROM ccm.attempt AS a "
            "JOIN ccm.campaign AS c ON c.id = a.campaign_id AND c.name = $1 "
            "LEFT JOIN ccm.permit AS p ON p.attempt_id = a.id ORDER BY a.id",
            name,
        )
        return [dict(row) for row in found]

    async def begun(self, name: str, wanted: int) -> None:
        """Wait until so many attempts were begun."""

        async def shown() -> int:
            return len(await self.attempts(name))

        await witness.eventually(
            shown, lambda found: found >= wanted, PATIENCE, f"{wanted} attempts begun"
        )

    async def decided(self, name: str, reason: str) -> None:
        """Wait until it decided to begin nothing, for that reason."""

        async def shown() -> list[str]:
            found = await rows(
                self.url,
                "SELECT d.reason FROM ccm.campaign_decision AS d JOIN ccm.campaign AS c "
                "ON c.id = d.campaign_id AND c.name = $1 WHERE d.number = 0",
                name,
            )
            return [row["reason"] for row in found]

        await witness.eventually(shown, lambda found: reason in found, PATIENCE, reason)

    async def pause(self, *agents: str, paused: bool = True) -> None:
        for name in agents:
            how = "pause" if paused else "unpause"
            await self.pbx.cli(f"queue {how} member Local/{name}@agent-request/n queue spring")

    def told(self) -> dict[UUID, set[DialStep]]:
        """What Asterisk itself has in its queue_log, by attempt."""
        found: dict[UUID, set[DialStep]] = {}
        for line in map(parse, self.pbx.queue_log_path.read_bytes().splitlines()):
            step = from_queue_log(line) if line is not None else None
            if step is not None:
                found.setdefault(step.attempt, set()).add(step)
        return found

    def agree(self, over: list[dict[str, Any]]) -> None:
        """Each attempt is what Asterisk has of it, with a permit, and of a lead of its own."""
        told = self.told()
        assert len({one["lead_id"] for one in over}) == len(over)
        for one in over:
            assert one["permitted"]
            outcome = fold(told.get(one["id"], ()))
            assert (one["result"], one["dropped"]) == (outcome.result, outcome.dropped), one

    async def over(self, name: str, wanted: int) -> list[dict[str, Any]]:
        """Wait until so many attempts are over."""

        async def shown() -> list[dict[str, Any]]:
            return [one for one in await self.attempts(name) if one["ended_at"] is not None]

        return await witness.eventually(
            shown, lambda found: len(found) >= wanted, PATIENCE, f"{wanted} attempts over"
        )


def phones(first: int, count: int) -> list[str]:
    """Some that may be called now, whatever time it is."""
    return numbers(first + count, utc_now())[first:]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    directory: Path = tmp_path_factory.mktemp("dialing")
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Daemon(directory, pbx, recording="never",
               node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):  # fmt: skip
        far = pbx.outside([Ring()], "hello")
        ran = await daemon.ccm("db", "url")
        found = Site(pbx, daemon, ran.out.strip(), far)
        await found.log_in()
        yield found


async def test_each_lead_is_called_and_meets_an_agent(site: Site) -> None:
    await site.far_end([Answer(0.3), Talk(1), Hangup()])
    await site.campaign("first", phones(100, 6))
    over = await site.over("first", 6)
    assert Counter(one["result"] for one in over) == {"connected": 6}
    assert not any(one["inferred"] for one in over)
    site.agree(over)
    decisions = await rows(
        site.url, "SELECT sum(d.claimed)::integer AS claimed FROM ccm.campaign_decision AS d "
        "JOIN ccm.campaign AS c ON c.id = d.campaign_id WHERE c.name = 'first'",
    )  # fmt: skip
    assert decisions[0]["claimed"] == 6


async def test_what_becomes_of_each_call_is_written_down(site: Site) -> None:
    await site.far_end([Decline()])
    await site.campaign("busy", phones(200, 2), retry="busy 10m x3")
    over = await site.over("busy", 2)
    assert {(one["result"], one["cause"], one["live"]) for one in over} == {("busy", 17, False)}
    await site.far_end([Answer(0), Hangup()])
    await site.campaign("brief", phones(210, 2))
    over = await site.over("brief", 2)
    assert {(one["result"], one["live"], one["dropped"]) for one in over} == {
        ("hung_up", True, False)
    }
    states = await rows(
        site.url, "SELECT c.name, l.state FROM ccm.lead AS l JOIN ccm.campaign AS c "
        "ON c.id = l.campaign_id WHERE c.name IN ('busy', 'brief')"
    )  # fmt: skip
    assert {(row["name"], row["state"]) for row in states} == {
        ("busy", "waiting"),
        ("brief", "done"),
    }


async def test_nobody_is_called_while_no_agent_is_there(site: Site) -> None:
    await site.far_end([Answer(0.3), Talk(1), Hangup()])
    await site.pause(*AGENTS)
    await site.campaign("alone", phones(300, 3))
    await site.decided("alone", "no_agents")
    assert await site.attempts("alone") == []
    await site.pause(*AGENTS, paused=False)
    site.agree(await site.over("alone", 3))


async def test_a_killed_daemon_calls_nobody_twice(site: Site) -> None:
    await site.far_end([Answer(1.5), Talk(2.5), Hangup()])
    await site.campaign("killed", phones(400, 10))
    for wanted in (1, 4, 7):
        await site.begun("killed", wanted)
        await site.daemon.kill()
        await site.daemon.start()
    over = await site.over("killed", 10)
    assert len(over) == 10
    site.agree(over)
    # Killed between the claim and the order to dial, nobody was called.
    assert Counter(one["result"] for one in over)["connected"] >= 10 - 3


async def test_calls_that_asterisk_took_with_it_are_over(site: Site) -> None:
    await site.far_end([Ring()])
    await site.campaign("gone", phones(500, 2))
    await site.begun("gone", 2)
    await site.pbx.kill()
    await site.pbx.start()
    over = await site.over("gone", 2)
    assert {(one["result"], one["inferred"]) for one in over} == {("unknown", True)}
    site.agree(over)
    await site.log_in()
    await site.far_end([Answer(0.3), Talk(1), Hangup()])
    await site.campaign("again", phones(600, 4))
    site.agree(await site.over("again", 4))
