"""Calls of campaigns in Postgres: watched by a daemon, or known only afterwards, from queue_log.

What the dialer does stands in the test: attempts are written down as it would, and dialled as the
shipped manager user. One story is played once; each test looks at another side of what came of it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import NODE, Daemon
from lab.database import rows
from lab.phones import Phone
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Obey, Ring, Step

from ccmiddleware.clock import utc_now
from ccmiddleware.ids import dial_id, interaction_id

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PARTY, SHOWN = "+12025550199", "+12025550100"
LINE = "Local/1001@agent-request/n"
LIBRARIES = ("ccm-agents.conf", "ccm-dial.conf")
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(
        Queue("spring", "12025550101", members=(), keys="", ring=15),
        Queue("slow", "12025550102", members=("1002",), keys="", ring=15),
    ),
    manager=LIBRARIES,
    files={
        **{name: (SHIPPED / "dialplan" / name).read_text() for name in LIBRARIES},
        "agents.conf": (SHIPPED / "agents" / "ccm-dial.conf").read_text() + "[1001](ccm-agent)\n",
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
PATIENCE = 60.0
CAMPAIGN = """
INSERT INTO ccm.campaign (name, state, created_by, state_by) VALUES ('winter', 'draft', '', '');
INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{}');
INSERT INTO ccm.lead (campaign_id, place_id) SELECT id, 1 FROM ccm.campaign;
"""
CLAIMED = """
INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode,
    trunk, caller_id, claimed_at)
SELECT c.id, l.id, 1, $1, 1, $2, 1, 'power', 'one', $3, now()
FROM ccm.campaign AS c, ccm.lead AS l
RETURNING id
"""
ENDED = """
UPDATE ccm.attempt SET ended_at = now(), result = $2, live = $3, dropped = $4,
    answered_at = CASE WHEN $3 THEN now() END
WHERE id = $1
"""


@dataclass
class Story:
    """The servers, and the attempts by what became of them."""

    pbx: Asterisk
    daemon: Daemon
    far: Phone
    url: str = ""
    attempts: dict[str, UUID] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)

    async def far_end(self, *script: Step) -> None:
        await self.far.stop()
        await self.far.replug(list(script))

    async def execute(self, sql: str, *args: object) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(sql, *args)
        finally:
            await connection.close()

    async def claim(self, name: str) -> None:
        """Write an attempt down."""
        self.attempts[name] = await self.execute(CLAIMED, PARTY, NODE, SHOWN)

    async def dial(self, name: str, queue: str = "spring", timeout: float = 20) -> str:
        """Have Asterisk dial; the channel."""
        channel = dial_id(self.attempts[name], int(utc_now().timestamp()))
        values = {
            "CHANNEL(hangup_handler_push)": '"ccm-dial-end,s,1"',
            "CCM_DIAL_ATTEMPT": channel,
            "CCM_DIAL_NUMBER": PARTY,
            "CCM_DIAL_QUEUE": queue,
            "CCM_DIAL_LIMIT": "2000",
            "CCM_DIAL_MESSAGE": "agent-pass",
        }
        async with self.pbx.ami() as session:
            await session.action(
                "Originate", Channel="PJSIP/12025550199@outside", Context="ccm-dial", Exten="s",
                Priority="1", Timeout=str(round(timeout * 1000)), Async="true", ChannelId=channel,
                CallerID=f"<{SHOWN}>",
                Variable=",".join(f"{key}={value}" for key, value in values.items()),
            )  # fmt: skip
        self.channels[name] = channel
        return channel

    async def told(self, name: str, *steps: str) -> None:
        """Wait until queue_log tells these steps."""

        async def seen() -> set[str]:
            rows = self.pbx.queue_log()
            return {row.data[0] for row in rows if row.call == self.channels[name] and row.data}

        await witness.eventually(seen, lambda found: set(steps) <= found, PATIENCE, f"{steps}")

    async def end(self, name: str, result: str) -> None:
        live = result != "no_answer"
        await self.execute(ENDED, self.attempts[name], result, live, result == "dropped")

    async def talk(self, name: str) -> None:
        await self.dial(name)
        await self.told(name, "connected")
        await asyncio.sleep(2)

    async def free(self) -> None:
        """Wait until the agent with the open line is free."""

        async def shown() -> str:
            return await self.pbx.cli("queue show spring")

        await witness.eventually(shown, lambda text: "(Not in use)" in text, PATIENCE, "free")


async def watched(story: Story) -> None:
    """Calls that the daemon sees from begin to end."""
    await story.far_end(Answer(0.2), Obey())
    await story.claim("connected")
    await story.talk("connected")
    await story.far.hang_up()
    await story.told("connected", "ended")

    await story.pbx.cli(f"queue pause member {LINE} queue spring")
    await story.claim("dropped")
    await story.dial("dropped")
    await story.told("dropped", "played")
    await story.far.hang_up()
    await story.told("dropped", "ended")
    await story.pbx.cli(f"queue unpause member {LINE} queue spring")

    await story.claim("met nobody")
    await story.dial("met nobody", "slow")
    await story.told("met nobody", "played")
    await asyncio.sleep(1)
    await story.far.hang_up()
    await story.told("met nobody", "ended")

    await story.far_end(Ring())
    await story.claim("not answered")
    await story.dial("not answered", timeout=1)
    await story.told("not answered", "failed")


async def unwatched(story: Story) -> None:
    """One call that no daemon sees, and one that it finds when it comes back."""
    for name in ("unseen", "found"):
        await story.claim(name)
    await story.daemon.kill()
    await story.far_end(Answer(0.2), Obey())
    await story.free()
    await story.talk("unseen")
    await story.far.hang_up()
    await story.told("unseen", "ended")
    await story.free()
    await story.talk("found")
    await story.daemon.start()
    story.url = (await story.daemon.ccm("db", "url")).out.strip()
    await asyncio.sleep(2)
    await story.far.hang_up()
    await story.told("found", "ended")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    directory = tmp_path_factory.mktemp("dialled")
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Daemon(directory, pbx, node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):
        await pbx.phone("1002", [Ring()]).start()
        await pbx.agent_call("1001", "*16", [Obey()]).start()
        played = Story(pbx, daemon, pbx.outside([Ring()], "hello"))
        played.url = (await daemon.ccm("db", "url")).out.strip()
        for statement in CAMPAIGN.strip().split("\n"):
            await played.execute(statement)
        await played.free()
        await watched(played)
        await unwatched(played)
        for name, result in RESULTS.items():
            await played.end(name, result)
        await witness.all_over(played.url, len(IN_A_QUEUE))
        yield played


RESULTS = {
    "connected": "connected",
    "dropped": "dropped",
    "met nobody": "dropped",
    "not answered": "no_answer",
    "unseen": "connected",
    "found": "connected",
}
IN_A_QUEUE = {
    "connected": ("spring", "answered"),
    "met nobody": ("slow", "dropped"),
    "unseen": ("spring", "answered"),
    "found": ("spring", "answered"),
}


async def test_what_came_to_a_queue_is_an_outbound_interaction_and_nothing_else_is(
    story: Story,
) -> None:
    found = await rows(story.url, "SELECT * FROM report.interaction")
    by_attempt = {row["attempt_id"]: row for row in found}
    assert set(by_attempt) == {story.attempts[name] for name in IN_A_QUEUE}
    assert len(found) == len(IN_A_QUEUE)
    for name, (queue, outcome) in IN_A_QUEUE.items():
        row = by_attempt[story.attempts[name]]
        assert row["id"] == interaction_id(NODE, story.channels[name])
        assert (row["direction"], row["channel"], row["campaign"]) == (
            "outbound", "voice", "winter",
        )  # fmt: skip
        assert (row["caller"], row["did"], row["caller_name"]) == (PARTY, SHOWN, "")
        assert (row["queues"], row["outcome"], row["state"]) == ([queue], outcome, "ended")
        if outcome == "answered":
            assert row["segments"] == 1
            assert row["talk_seconds"] > 1


async def test_the_command_line_shows_campaign_and_drop(story: Story) -> None:
    listed = await story.daemon.ccm("interaction", "list", "--outcome", "dropped", "--json")
    assert [row["linkedid"] for row in listed.json] == [story.channels["met nobody"]]
    shown = await story.daemon.ccm("interaction", "show", story.channels["met nobody"])
    assert shown.code == 0, shown.err
    lines = [line.strip() for line in shown.out.splitlines()]
    assert f"called:    {PARTY}" in lines
    assert f"shown:     {SHOWN}" in lines
    assert f"campaign:  winter, attempt {story.attempts['met nobody']}" in lines
    assert "outcome:   dropped" in lines


async def test_each_attempt_shows_its_interaction(story: Story) -> None:
    found = await rows(story.url, "SELECT id, interaction_id FROM report.attempt")
    shown = {row["id"]: row["interaction_id"] for row in found}
    assert shown == {
        attempt: interaction_id(NODE, story.channels[name]) if name in IN_A_QUEUE else None
        for name, attempt in story.attempts.items()
    }


async def test_who_was_dropped_did_not_give_up(story: Story) -> None:
    found = await rows(
        story.url,
        "SELECT channel, sum(offered)::int AS offered, sum(answered)::int AS answered,"
        " sum(abandoned)::int AS abandoned, sum(timed_out)::int AS timed_out,"
        " sum(lost)::int AS lost FROM report.queue_interval GROUP BY channel",
    )
    assert found == [
        {
            "channel": "campaign",
            "offered": 4,
            "answered": 3,
            "abandoned": 0,
            "timed_out": 1,
            "lost": 0,
        }
    ]


async def test_queue_log_tells_the_same(story: Story) -> None:
    asterisk = witness.by_asterisk(story.pbx.queue_log())
    ours = await witness.by_us(story.url)
    assert witness.differences(asterisk, ours) == []
    inferred = {call for call, stays in ours.items() for stay in stays if stay.inferred}
    assert inferred == {story.channels["unseen"], story.channels["found"]}
    assert await rows(story.url, "SELECT * FROM report.queue_log_difference") == []
    reconciled = await rows(story.url, "SELECT queue, differences FROM report.reconcile_queue_log")
    assert {row["queue"]: row["differences"] for row in reconciled} == {"spring": 0, "slow": 0}


async def test_only_what_nobody_saw_is_known_from_queue_log_alone(story: Story) -> None:
    (row,) = await rows(
        story.url,
        "SELECT sum(interactions)::int AS interactions, sum(observed)::int AS observed,"
        " sum(queue_log_only)::int AS only FROM report.coverage",
    )
    assert row == {"interactions": 4, "observed": 2, "only": 1}


async def test_the_agent_talked_and_is_free(story: Story) -> None:
    found = await rows(
        story.url,
        "SELECT s.state, s.ended_at FROM ccm.agent_state AS s"
        " JOIN ccm.agent AS a ON a.id = s.agent_id WHERE a.interface = $1 ORDER BY s.started_at",
        LINE,
    )
    assert [row["state"] for row in found].count("talking") >= 2
    assert (found[-1]["state"], found[-1]["ended_at"]) == ("idle", None)
    agents = await rows(story.url, "SELECT interface FROM ccm.agent ORDER BY 1")
    assert [row["interface"] for row in agents] == [LINE, "PJSIP/1002"]


async def test_every_watched_talk_was_recorded(story: Story) -> None:
    found = await rows(
        story.url,
        "SELECT r.state FROM ccm.recording AS r WHERE r.interaction_id = $1",
        interaction_id(NODE, story.channels["connected"]),
    )
    assert found == [{"state": "finished"}]
