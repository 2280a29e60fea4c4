"""Two daemons on one Postgres: who leads a PBX, and what happens when the leader does not.

The leader is killed, frozen, cut off from Postgres together with the other one; at the end stands
what Asterisk's queue_log has of the same calls, each once. Then one daemon on two PBXs that give
their calls the same ids.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab import audio
from lab.asterisk import Asterisk
from lab.daemon import NODE, Daemon, part
from lab.database import Database, rows
from lab.plan import Agent, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Hangup, Talk
from stage import Call, Stage
from witness import Stay

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

OPEN, SHUT, BUSY = "12025550101", "12025550102", "12025550103"
AGENTS = [Agent(f"100{n}", name) for n, name in enumerate(("Ada", "Bo", "Cy", "Di", "Ed"), 1)]
CROWD = [Agent(f"101{n}", name) for n, name in enumerate(("Flo", "Gus", "Hal"), 1)]
PLAN = Plan(
    agents=(*AGENTS, *CROWD),
    queues=(
        # Whoever calls it is answered at once and talks until he is let go.
        Queue("open", OPEN, members=("1001", "1002", "1003", "1004"), ring=20),
        # Its one agent is paused until a test says so.
        Queue("shut", SHUT, members=("1005",), ring=20),
        # Short talks, one after the other.
        Queue("busy", BUSY, members=tuple(agent.extension for agent in CROWD), ring=20),
    ),
)

OVERLAPS = """
SELECT a.interface, s.state, s.started_at, s.ended_at, o.state AS other, o.started_at AS from
FROM ccm.agent_state AS s
JOIN ccm.agent_state AS o ON o.agent_id = s.agent_id AND o.started_at > s.started_at
    AND o.started_at < coalesce(s.ended_at, 'infinity')
JOIN ccm.agent AS a ON a.id = s.agent_id
"""
LEFT_OPEN = """
SELECT 'visit' AS what, interaction_id FROM ccm.queue_visit WHERE left_at IS NULL
UNION ALL SELECT 'offer', interaction_id FROM ccm.offer WHERE ended_at IS NULL
UNION ALL SELECT 'segment', interaction_id FROM ccm.segment WHERE ended_at IS NULL
UNION ALL SELECT 'interaction', id FROM ccm.interaction WHERE ended_at IS NULL
"""


def stands(daemon: Daemon) -> Mapping[str, Any]:
    """What the daemon says of its node: leading, or led by whom; its address if it is asked."""
    return part(daemon.health(), f"node {NODE}")


def name(daemon: Daemon) -> str:
    """host:pid without the host, which is the same for all here."""
    return f":{daemon.process.pid}"


@dataclass
class Site:
    """The servers of this module; ``leader`` and ``standby`` change their parts."""

    pbx: Asterisk
    stage: Stage
    database: Database
    url: str
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def leader(self) -> Daemon:
        (found,) = [one for one in self.daemons if one.running and stands(one).get("leading")]
        return found

    @property
    def standby(self) -> Daemon:
        leader = self.leader
        (found,) = [one for one in self.daemons if one is not leader]
        return found

    async def term(self) -> int:
        (row,) = await rows(self.url, "SELECT term FROM ccm.leadership")
        return int(str(row["term"]))

    async def leads(self, daemon: Daemon, began: float, what: str) -> float:
        """Wait until the daemon leads and knows Asterisk's calls; seconds since ``began``."""

        def follows(health: Mapping[str, Any]) -> bool:
            leading = part(health, f"node {NODE}").get("leading") is True
            return leading and health["status"] == "ok"

        await daemon.says(follows, 30, f"{name(daemon)} to lead")
        took = asyncio.get_running_loop().time() - began
        print(f"\n{what}: taken over and synchronised after {took:.2f} s")
        return took

    async def stored(self, calls: Sequence[Call]) -> dict[str, list[Stay]]:
        told = await witness.by_us(self.url)
        return {call.id: told.get(call.id, []) for call in calls}

    async def knows(self, calls: Sequence[Call], outcome: str) -> None:
        """Wait until the last stay of each call has that outcome in the database."""

        def known(stored: Mapping[str, Sequence[Stay]]) -> bool:
            return all(stays and stays[-1].outcome == outcome for stays in stored.values())

        await witness.eventually(
            lambda: self.stored(calls), known, 30, f"{outcome!r} in the database"
        )

    async def recordings(self) -> dict[str, dict[str, Any]]:
        """The recording of each call; no call here has two talks."""
        sql = (
            "SELECT uniqueid, r.* FROM ccm.recording AS r "
            "JOIN ccm.interaction AS i ON i.id = r.interaction_id"
        )
        return {str(row["uniqueid"]): row for row in await rows(self.url, sql)}

    async def records(self, calls: Sequence[Call]) -> None:
        """Wait until each call is being recorded."""
        ids = [call.id for call in calls]
        await witness.recordings_are("recording", self.recordings, ids)

    async def recorded(self, calls: Sequence[Call]) -> None:
        """Each call has a recording as long as its talk."""
        ids = [call.id for call in calls]
        found = await witness.recordings_are("finished", self.recordings, ids)
        logged = witness.by_asterisk(self.pbx.queue_log())
        for call in calls:
            heard = audio.read_wav(self.pbx.recordings / found[call.id]["path"])
            assert heard.seconds == pytest.approx(logged[call.id][-1].talk, abs=witness.WITHIN)
            assert heard.silence() < 0.6

    async def over(self, calls: Sequence[Call]) -> dict[str, list[Stay]]:
        """Wait until all calls are over in the database; each has one interaction."""
        ids = [call.id for call in calls]
        sql = "SELECT uniqueid, state FROM ccm.interaction WHERE uniqueid = ANY ($1)"

        def ended(found: Sequence[Mapping[str, object]]) -> bool:
            return len(found) >= len(ids) and all(row["state"] == "ended" for row in found)

        found = await witness.eventually(
            lambda: rows(self.url, sql, ids), ended, 40, "calls to be over in the database"
        )
        assert sorted(str(row["uniqueid"]) for row in found) == sorted(ids)
        return await self.stored(calls)

    async def as_logged(self, calls: Sequence[Call]) -> None:
        """Each call is over, seen from beginning to end, and as queue_log has it."""
        stored = await self.over(calls)
        logged = witness.by_asterisk(self.pbx.queue_log())
        assert witness.differences({call.id: logged[call.id] for call in calls}, stored) == []
        assert not [stays for stays in stored.values() if stays[-1].inferred]

    async def ended_unseen(self, calls: Sequence[Call], ended_by: str) -> None:
        """Each call ended while nobody looked: concluded, and marked so."""
        for stays in (await self.over(calls)).values():
            assert [(stay.ended_by, stay.inferred) for stay in stays] == [(ended_by, True)]

    async def daemons_are(self, states: Mapping[Daemon, str]) -> None:
        """Wait until ``ccm status`` says so; one counts as alive until its last sign is too old."""
        expected = {daemon.process.pid: state for daemon, state in states.items()}
        asked = next(daemon for daemon in self.daemons if daemon.running)

        async def told() -> dict[int, str]:
            ran = await asked.ccm("status", "--json")
            assert ran.code == 0
            return {row["pid"]: row["state"] for row in ran.json["daemons"]}

        await witness.eventually(told, lambda found: found == expected, 20, f"{expected}")

    async def clean(self) -> None:
        """Nothing is open any more, doubled or refused, and no agent is in two states at once."""
        sql = LEFT_OPEN

        async def left() -> list[dict[str, object]]:
            return await rows(self.url, sql)

        await witness.eventually(left, lambda found: not found, 20, "everything to be closed")
        assert await rows(self.url, OVERLAPS) == []
        assert await rows(self.url, "SELECT * FROM ccm.rejected_fact") == []
        logged = witness.by_asterisk(self.pbx.queue_log())
        assert set(logged) == set(await witness.by_us(self.url))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("leaders")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "database") as database:
        url = await database.create("site")
        for agent in AGENTS:
            await pbx.phone(agent.extension, [Answer(0.2), Talk()]).start()
        for agent in CROWD:
            await pbx.phone(agent.extension, [Answer(0.2), Talk(0.8), Hangup()]).start()
        stage = Stage(pbx)
        await stage.pause("shut", "1005")
        made = Site(pbx, stage, database, url)
        async with (
            Daemon(directory / "one", pbx, database_url=url) as one,
            Daemon(directory / "two", pbx, database_url=url) as two,
        ):
            made.daemons = [one, two]
            yield made


async def test_one_leads_and_the_other_stands_by(site: Site) -> None:
    one, two = site.daemons
    assert (site.leader, site.standby) == (one, two)
    assert stands(one) == {"status": "ok", "detail": "leading", "leading": True, "term": 1}
    said = stands(two)
    assert said["status"] == "ok"
    assert said["detail"].startswith("standby (led by ")
    assert said["detail"].endswith(f"{name(one)})")
    assert two.health()["status"] == "ok"
    assert two.link() == {}
    call = await site.stage.answered_call(OPEN)
    await site.records([call])
    await site.stage.hang_up(call)
    await site.as_logged([call])
    for daemon in site.daemons:
        ran = await daemon.ccm("status", "--json")
        assert (ran.code, ran.err) == (0, "")
        (node,) = ran.json["nodes"]
        assert (node["node"], node["link"], node["term"]) == (NODE, "up", 1)
        assert node["leader"].endswith(name(one))
        found = {row["pid"]: row for row in ran.json["daemons"]}
        assert {row["state"] for row in found.values()} == {"alive"}
        assert [found[one.process.pid]["leads"], found[two.process.pid]["leads"]] == [[NODE], []]


async def test_a_leader_that_is_killed(site: Site) -> None:
    stage, loop = site.stage, asyncio.get_running_loop()
    leader, standby, term = site.leader, site.standby, await site.term()
    talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
    is_answered, waits_on = [await stage.call(SHUT) for _ in range(2)]
    await site.records([talks_on, talk_ends])
    await site.knows([is_answered, waits_on], "")
    storm = asyncio.create_task(callers(site, 12))  # noqa: TID251 - ends with this test
    await asyncio.sleep(1.5)
    began = loop.time()
    await leader.kill()
    await stage.hang_up(talk_ends)
    assert await site.leads(standby, began, "leader killed") < 5
    assert await site.term() == term + 1
    await stage.pause("shut", "1005", paused=False)
    await stage.answered(is_answered)
    comes_after = await stage.answered_call(OPEN)
    await site.records([is_answered, comes_after])
    await stage.hang_up(talks_on, is_answered, comes_after)
    await stage.answered(waits_on)
    await site.records([waits_on])  # else it may be over before Asterisk is asked to record it
    await stage.hang_up(waits_on)
    await stage.pause("shut", "1005")
    await storm

    await site.as_logged([talks_on, is_answered, waits_on, comes_after])
    await site.recorded([talks_on, is_answered, waits_on, comes_after])
    await site.over([talk_ends])
    await site.daemons_are({leader: "gone", standby: "alive"})
    await leader.start()
    assert site.leader is standby
    await site.clean()


async def callers(site: Site, number: int) -> None:
    """Callers one after the other, who talk for a second each."""
    async with asyncio.TaskGroup() as group:
        for index in range(number):
            caller = site.pbx.caller(BUSY, [], f"120255504{index:02}", patience=60)
            group.create_task(caller.call(), name=f"caller {index}")
            await asyncio.sleep(0.35)


async def test_a_leader_that_is_frozen_and_thaws(site: Site) -> None:
    stage, loop = site.stage, asyncio.get_running_loop()
    leader, standby, term = site.leader, site.standby, await site.term()
    talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
    is_answered, waits_on = [await stage.call(SHUT) for _ in range(2)]
    await site.records([talks_on, talk_ends])
    await site.knows([is_answered, waits_on], "")
    began = loop.time()
    await leader.process.freeze()
    try:
        within = await stage.answered_call(OPEN)  # seen by the frozen one alone, when it thaws
        await stage.hang_up(within)
        assert await site.leads(standby, began, "leader frozen") < 8
        assert await site.term() == term + 1
        await stage.hang_up(talk_ends)
        await stage.pause("shut", "1005", paused=False)
        await stage.answered(is_answered)
        comes_after = await stage.answered_call(OPEN)
        await site.records([is_answered, comes_after])
    finally:
        before = leader.log.stat().st_size
        leader.process.thaw()
    said = await leader.says(
        lambda health: str(part(health, f"node {NODE}").get("detail")).startswith("standby"),
        20,
        "the thawed leader to stand back",
    )
    assert part(said, f"node {NODE}")["detail"].endswith(f"{name(standby)})")
    assert leader.link() == {}
    # Of the recordings that it followed and of those that it missed it leaves all to the other.
    assert "ccmiddleware.recordings" not in leader.log.read_text()[before:]
    await stage.hang_up(talks_on, is_answered, comes_after)
    await stage.answered(waits_on)
    await site.records([waits_on])  # else it may be over before Asterisk is asked to record it
    await stage.hang_up(waits_on)
    await stage.pause("shut", "1005")
    assert site.leader is standby

    await site.as_logged([talks_on, talk_ends, is_answered, waits_on, comes_after])
    await site.recorded([talks_on, talk_ends, is_answered, waits_on, comes_after])
    await site.over([within])
    await site.clean()
    (node,) = await rows(site.url, "SELECT link FROM ccm.node")
    assert node["link"] == "up"


async def test_a_postgres_that_is_away_for_both(site: Site) -> None:
    stage = site.stage
    leader, term = site.leader, await site.term()
    talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
    await site.records([talks_on, talk_ends])
    await site.database.kill()
    try:
        await leader.says(
            lambda health: part(health, "database").get("status") == "degraded", 20, "it is noticed"
        )
        await stage.hang_up(talk_ends)
        within = await stage.answered_call(OPEN)
        assert stands(leader)["leading"] is True
    finally:
        await site.database.start()
    for daemon in site.daemons:
        await daemon.healthy(30)
    await asyncio.sleep(4)  # longer than the other one's patience
    assert site.leader is leader
    assert await site.term() == term
    await stage.hang_up(talks_on, within)
    await site.as_logged([talks_on, talk_ends, within])
    await site.recorded([talks_on, talk_ends, within])
    await site.clean()


async def test_a_leader_that_stops_in_order(site: Site) -> None:
    stage, loop = site.stage, asyncio.get_running_loop()
    leader, standby = site.leader, site.standby
    talks, waits = await stage.answered_call(OPEN), await stage.call(SHUT)
    await site.records([talks])
    began = loop.time()
    assert await leader.stop() == 0
    assert await site.leads(standby, began, "leader stopped") < 8
    await stage.hang_up(talks, waits)
    await site.as_logged([talks, waits])
    await site.recorded([talks])
    ran = await standby.ccm("status")
    assert ran.code == 0
    assert "stopped" in ran.out
    # The last one is killed, and comes back at once: nobody else has a claim.
    began = loop.time()
    await standby.kill()
    ran = await standby.ccm("status")
    assert ran.code == 1
    assert "no daemon leads it" in ran.err
    await standby.start()
    assert stands(standby)["leading"] is True
    await site.clean()


async def test_two_nodes_with_the_same_ids_are_kept_apart(
    lab_servers: Servers, tmp_path: Path
) -> None:
    plan = Plan(agents=(AGENTS[0],), queues=(Queue("shut", SHUT, members=("1001",), ring=20),))
    async with (
        Asterisk(lab_servers, plan) as first,
        Asterisk(lab_servers, plan) as second,
    ):
        secret = tmp_path / "second.secret"
        secret.touch(mode=0o600)
        secret.write_text(second.ami_secret)
        more = (
            f'[[node]]\nname = "second"\nrecordings = "{second.recordings}"\n'
            f'[node.ami]\nhost = "{second.host}"\nport = {second.ami_port}\n'
            f'user = "{second.user}"\nsecret_file = "{secret}"\n'
        )
        for pbx in (first, second):
            await Stage(pbx).pause("shut", "1001")
        async with Daemon(tmp_path / "daemon", first, more=more) as daemon:
            for pbx in (first, second):
                async with pbx.operator() as operator:
                    await operator.action(
                        "Originate", Channel=f"Local/{SHUT}@trunk/n", Application="Wait",
                        Data="60", Async="true",
                        ChannelId="1764277200.1", OtherChannelId="1764277200.2",
                    )  # fmt: skip
                await until(
                    lambda pbx=pbx: any(row.event == "ENTERQUEUE" for row in pbx.queue_log()),
                    20,
                    "the call to wait",
                )
            ran = await daemon.ccm("db", "url")
            url = ran.out.strip()
            sql = (
                "SELECT n.name, i.linkedid, i.uniqueid, i.state, q.name AS queue "
                "FROM ccm.interaction AS i JOIN ccm.node AS n ON n.id = i.node_id "
                "JOIN ccm.queue_visit AS v ON v.interaction_id = i.id "
                "JOIN ccm.queue AS q ON q.id = v.queue_id AND q.node_id = n.id ORDER BY n.name"
            )
            found = await witness.eventually(
                lambda: rows(url, sql), lambda seen: len(seen) == 2, 20, "two interactions"
            )
            assert [row["name"] for row in found] == [NODE, "second"]
            assert found[0]["linkedid"] == found[1]["linkedid"]
            assert found[0]["uniqueid"] == found[1]["uniqueid"]
            # One of them goes, the other one waits on.
            await second.cli("channel request hangup all")
            states = await witness.eventually(
                lambda: rows(url, sql),
                lambda seen: seen[1]["state"] == "ended",
                20,
                "the second one to end",
            )
            assert states[0]["state"] == "waiting"
            ran = await daemon.ccm("status", "--json")
            assert ran.code == 0
            assert [row["node"] for row in ran.json["nodes"]] == [NODE, "second"]
            await second.kill()
            await daemon.says(
                lambda health: part(health, "ami second").get("up") is False, 20, "it is noticed"
            )
            ran = await witness.eventually(
                lambda: daemon.ccm("status"), lambda ran: ran.code == 1, 20, "status to say so"
            )
            assert "node second: the link to Asterisk is not up" in ran.err
            assert "node lab" not in ran.err
