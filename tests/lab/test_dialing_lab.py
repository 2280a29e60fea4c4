"""The dialer beside a real Asterisk: each lead dialled once, each attempt with permit and result.

Also when the daemon is killed in the middle, and when nobody is there to talk.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import NODE, Daemon
from lab.database import rows
from lab.phones import Caller, Phone
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Hangup, Obey, Ring, Step, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

LIBRARIES = ("ccm-agents.conf", "ccm-dial.conf")
AGENTS = ("1001", "1002")
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(Queue("spring", "12025550101", members=(), keys="", ring=15),),
    manager=LIBRARIES,
    files={
        **{name: (SHIPPED / "dialplan" / name).read_text() for name in LIBRARIES},
        "agents.conf": (SHIPPED / "agents" / "ccm-dial.conf").read_text()
        + "".join(f"[{name}](ccm-agent)\n" for name in AGENTS),
    },
    dialplan="""
#include "ccm-agents.conf"
#include "ccm-dial.conf"
[globals]
CCM_QUEUES = spring
[agents](+)
include => ccm-dial-agents
""",
)
PATIENCE = 40.0


@dataclass
class Site:
    """The servers of this module."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    far: Phone
    agents: dict[str, Caller]

    async def far_end(self, script: list[Step]) -> None:
        """Whoever is called from now on does this."""
        await self.far.stop()
        await self.far.replug(script)

    async def ccm(self, *arguments: str) -> str:
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == 0, ran.err + ran.out
        return ran.out

    async def campaign(self, name: str, *settings: str, leads: list[str]) -> None:
        """A campaign that runs, with a lead for each number."""
        file = self.daemon.directory / f"{name}.csv"
        file.write_text("phone\n" + "".join(f"{number}\n" for number in leads))
        await self.ccm("campaign", "create", name, *SETTINGS, *settings)
        await self.ccm("lead", "import", str(file), "--campaign", name)
        await self.ccm("campaign", "start", name)

    async def attempts(self, name: str) -> list[dict[str, object]]:
        found = await rows(
            self.url,
            "SELECT a.*, p.attempt_id IS NOT NULL AS permitted FROM ccm.attempt AS a "
            "JOIN ccm.campaign AS c ON c.id = a.campaign_id AND c.name = $1 "
            "LEFT JOIN ccm.permit AS p ON p.attempt_id = a.id ORDER BY a.id",
            name,
        )
        return [dict(row) for row in found]

    async def over(self, name: str, wanted: int) -> list[dict[str, object]]:
        """Wait until so many attempts are over."""

        async def shown() -> list[dict[str, object]]:
            return [one for one in await self.attempts(name) if one["ended_at"] is not None]

        return await witness.eventually(
            shown, lambda found: len(found) >= wanted, PATIENCE, f"{wanted} attempts over"
        )


SETTINGS = (
    "mode=progressive", f"node={NODE}", "queue=spring", "profile=us-ftc", "trunks=far",
    "caller_ids=+12025550100", "seller_name=Acme", "seller_number=+12025550199",
    "purpose=winter offer", "default_region=US", "safe_harbour_message=agent-pass",
    "opt_out_key=9", "calls_per_second=20", "lines_per_agent=10",
)  # fmt: skip


def phones(first: int, count: int) -> list[str]:
    return [f"+1212555{first + number:04}" for number in range(count)]


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
        agents = {name: pbx.agent_call(name, "*16", [Obey()]) for name in AGENTS}
        for agent in agents.values():
            await agent.start()
        ran = await daemon.ccm("db", "url")
        found = Site(pbx, daemon, ran.out.strip(), far, agents)
        await found.ccm(
            "trunk", "set", "far", "--dial", "PJSIP/{digits}@outside",
            "--channels", "30", "--calls-per-second", "30",
        )  # fmt: skip
        await found.ccm("dnc", "scrubbed", "--source", "national", "--at", "2026-11-27")

        async def free() -> str:
            return await pbx.cli("queue show spring")

        await witness.eventually(
            free, lambda text: text.count("(Not in use)") == 2, PATIENCE, "free agents"
        )
        yield found


async def test_each_lead_is_called_and_meets_an_agent(site: Site) -> None:
    await site.far_end([Answer(0.3), Talk(1), Hangup()])
    await site.campaign("first", leads=phones(100, 6))
    over = await site.over("first", 6)
    assert Counter(one["result"] for one in over) == {"connected": 6}
    assert len({one["lead_id"] for one in over}) == 6
    assert all(one["permitted"] for one in over)
    assert not any(one["inferred"] for one in over)
