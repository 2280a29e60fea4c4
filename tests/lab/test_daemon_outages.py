"""The daemon when something else is down: Postgres, the link to Asterisk, Asterisk, the daemon.

Every test ends with what Asterisk's queue_log has of the same calls. The longest outage, that of
Postgres, goes on beside the other tests, on a PBX of its own.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import postgres_away
import pytest
import pytest_asyncio
import witness
from lab.asterisk import Asterisk
from lab.daemon import LINK, Daemon, part
from lab.database import Database, rows
from lab.plan import Agent, Plan, Queue
from lab.processes import until
from lab.relay import Relay
from lab.root import Servers
from lab.script import Answer, Talk
from outage_site import Site, doctors, link_is
from postgres_away import Evidence
from stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

FROZEN_SECONDS = 20.0
STOP_TIMEOUT = 20.0
"""Seconds in which a stopping daemon must be gone: the default of stop_timeout."""

OPEN, SHUT, STORM = "12025550101", "12025550102", "12025550103"
AGENTS = [Agent(f"100{n}", name) for n, name in enumerate(("Ada", "Bo", "Cy", "Di", "Ed"), 1)]

PLAN = Plan(
    agents=(*AGENTS, Agent("1009", "Nobody")),
    queues=(
        # Whoever calls it is answered at once and talks until he is let go.
        Queue("open", OPEN, members=("1001", "1002", "1003", "1004"), ring=20),
        # Its one agent is paused until a test says so.
        Queue("shut", SHUT, members=("1005",), ring=20),
        Queue("storm", "12025550104", members=("1009",)),
    ),
    # Thousands of events, most of which become facts.
    dialplan=f"""
[trunk]
exten => {STORM},1,Answer()
 same => n,Set(left=1500)
 same => n(again),PauseQueueMember(storm,PJSIP/1009,,a reason so long that it fills the journal)
 same => n,UnpauseQueueMember(storm,PJSIP/1009)
 same => n,Set(left=$[${{left}} - 1])
 same => n,GotoIf($[${{left}} > 0]?again)
 same => n,Hangup()
""",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def story(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["asyncio.Task[Evidence]"]:
    """The minute without Postgres, which goes on beside the other tests."""
    directory = tmp_path_factory.mktemp("postgres_away")
    task = asyncio.get_running_loop().create_task(
        postgres_away.story(lab_servers, directory), name="a minute without Postgres"
    )
    yield task
    task.cancel()
    await asyncio.wait([task])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def minute(story: "asyncio.Task[Evidence]") -> Evidence:
    """What there was to see in it."""
    return await story


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("outages")
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Relay((pbx.host, pbx.ami_port)) as relay,
        Database(directory / "database") as database,
    ):
        url = await database.create("site")
        for agent in AGENTS:
            await pbx.phone(agent.extension, [Answer(0.2), Talk()]).start()
        stage = Stage(pbx)
        await stage.pause("shut", "1005")
        daemon = Daemon(directory / "daemon", pbx, database_url=url, ami_address=relay.address)
        async with daemon:
            yield Site(pbx, stage, relay, database, daemon, url)


@pytest.mark.parametrize("how", ["cut", "stalled"])
async def test_a_link_that_is_lost_for_some_seconds(site: Site, how: str) -> None:
    stage, daemon = site.stage, site.daemon
    talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
    is_answered, waits_on, gives_up = [await stage.call(SHUT) for _ in range(3)]
    await site.records([talks_on, talk_ends])
    await site.knows([is_answered, waits_on, gives_up], "")
    if how == "cut":
        site.relay.cut()
    else:
        site.relay.stall()
    try:
        said = await link_is(daemon, up=False)
        if how == "cut":
            assert (await doctors(daemon))[f"daemon {LINK}"].startswith("down: ")
        else:
            assert "did not answer a ping" in said["detail"]
        await stage.hang_up(talk_ends, gives_up)
        await stage.pause("shut", "1005", paused=False)
        await stage.answered(is_answered)
        comes_to_wait, comes_to_talk = await stage.call(SHUT), await stage.answered_call(OPEN)
    finally:
        await site.relay.restore()
    await daemon.healthy(30)
    await site.records([is_answered, comes_to_talk])
    await stage.hang_up(talks_on, is_answered, comes_to_talk)
    for call in (waits_on, comes_to_wait):
        await stage.answered(call)
        await site.records([call])  # else it may be over before Asterisk is asked to record it
        await stage.hang_up(call)
    await stage.pause("shut", "1005")

    await site.as_logged([talks_on, waits_on])
    await site.recorded([talks_on, talk_ends, waits_on, comes_to_wait])
    await site.recorded([is_answered, comes_to_talk], whole=False)
    await site.as_logged_but_for_ends([talk_ends, gives_up])
    await site.as_logged_but_for_begins([is_answered, comes_to_wait, comes_to_talk])
    assert len(daemon.said("ami down")) == len(daemon.said("ami up")) - 1


async def test_an_asterisk_that_is_frozen(site: Site) -> None:
    stage, daemon = site.stage, site.daemon
    loop = asyncio.get_running_loop()
    talks, waits = await stage.answered_call(OPEN), await stage.call(SHUT)
    await site.records([talks])
    await site.knows([waits], "")
    await site.pbx.freeze()
    thaw_at = loop.time() + FROZEN_SECONDS
    try:
        said = await link_is(daemon, up=False)
        assert "did not answer a ping" in said["detail"]
        findings = await doctors(daemon)
        assert findings[f"daemon {LINK}"].startswith("down: ")
        assert "took more than" in findings["lab AMI"]
        await asyncio.sleep(thaw_at - loop.time())
    finally:
        site.pbx.thaw()
    await daemon.healthy(30)
    await stage.hang_up(talks, waits)
    await site.as_logged([talks, waits])
    await site.recorded([talks], whole=False)  # what was not heard was not recorded
    assert await doctors(daemon) == {}


async def test_an_asterisk_that_is_killed(site: Site) -> None:
    stage, daemon = site.stage, site.daemon
    talks, waits = await stage.answered_call(OPEN), await stage.call(SHUT)
    await site.records([talks])
    await site.knows([waits], "")
    await site.pbx.kill()
    await link_is(daemon, up=False)
    for call in (talks, waits):
        await call.caller.stop()
    for phone in site.pbx.phones:
        await phone.replug()
    await site.pbx.start()
    await stage.pause("shut", "1005")
    await daemon.healthy(30)
    after = await stage.answered_call(OPEN)
    await site.records([after])  # else it may be over before Asterisk is asked to record it
    await stage.hang_up(after)

    await site.as_logged([after])
    await site.recorded([after])
    stored = await site.over([talks, waits])
    assert [(stay.outcome, stay.ended_by, stay.inferred) for (stay,) in stored.values()] == [
        ("answered", "lost", True),
        ("lost", "", True),
    ]


async def test_a_daemon_that_is_killed(site: Site) -> None:
    stage, daemon = site.stage, site.daemon
    talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
    is_answered, waits_on, gives_up = [await stage.call(SHUT) for _ in range(3)]
    await site.records([talks_on, talk_ends])
    await site.knows([is_answered, waits_on, gives_up], "")
    await daemon.kill()
    loop = asyncio.get_running_loop()
    start_at = loop.time() + 3
    await stage.hang_up(talk_ends, gives_up)
    await stage.pause("shut", "1005", paused=False)
    await stage.answered(is_answered)
    comes_to_wait, comes_to_talk = await stage.call(SHUT), await stage.answered_call(OPEN)
    await asyncio.sleep(start_at - loop.time())
    await daemon.start()
    await site.records([is_answered, comes_to_talk])
    await stage.hang_up(talks_on, is_answered, comes_to_talk)
    for call in (waits_on, comes_to_wait):
        await stage.answered(call)
        await site.records([call])  # else it may be over before Asterisk is asked to record it
        await stage.hang_up(call)
    await stage.pause("shut", "1005")

    await site.as_logged([talks_on, waits_on])
    await site.recorded([talks_on, talk_ends, waits_on, comes_to_wait])
    await site.recorded([is_answered, comes_to_talk], whole=False)
    await site.as_logged_but_for_ends([talk_ends, gives_up])
    await site.as_logged_but_for_begins([is_answered, comes_to_wait, comes_to_talk])


async def test_a_daemon_that_is_stopped_and_started(site: Site) -> None:
    stage, daemon = site.stage, site.daemon
    talks, waits = await stage.answered_call(OPEN), await stage.call(SHUT)
    await site.records([talks])
    gives_up = await stage.call(SHUT)
    await stage.hang_up(gives_up)
    await site.knows([gives_up], "abandoned")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await daemon.stop() == 0
    assert loop.time() - began < STOP_TIMEOUT
    assert daemon.said("daemon stopped")
    assert daemon.said("facts are left for the next start") == []
    stored = await site.stored([talks, waits, gives_up])
    assert [stay.outcome for (stay,) in stored.values()] == ["answered", "", "abandoned"]
    (node,) = await rows(site.url, "SELECT link, link_reason FROM ccm.node WHERE name = 'lab'")
    assert node == {"link": "down", "link_reason": "stopped"}
    await daemon.start()
    await stage.hang_up(talks, waits)
    await site.as_logged([talks, waits, gives_up])
    await site.recorded([talks])


async def test_a_wrong_password_is_told_once_and_tried_rarely(site: Site, tmp_path: Path) -> None:
    url = await site.database.create("refused")
    loop = asyncio.get_running_loop()
    async with Relay((site.pbx.host, site.pbx.ami_port)) as relay:
        daemon = Daemon(
            tmp_path, site.pbx, database_url=url, ami_address=relay.address, ami_secret="wr0ng",
        )  # fmt: skip
        try:
            await daemon.launch()
            began = loop.time()
            await until(lambda: relay.connections >= 3, 30, "the daemon to try again")
            # retry_max is 2 s here; a refused login waits at least so long.
            assert relay.connections <= 2 + (loop.time() - began) / 2
            said = part(daemon.health(), LINK)
            assert said["status"] == "failed"
            assert "Authentication failed" in said["detail"]
            findings = await doctors(daemon)
            assert "Authentication failed" in findings["lab AMI"]
            assert "Authentication failed" in findings[f"daemon {LINK}"]
            (refused,) = daemon.said("ami login refused")
            assert refused["level"] == "error"
            assert await daemon.stop() == 0
            assert "wr0ng" not in daemon.log.read_text()
        finally:
            await daemon.remove()
    messages = (site.pbx.directory / "log" / "messages").read_text()
    tried = messages.count("failed to authenticate as 'ccm'")
    assert relay.connections - 1 <= tried <= relay.connections


async def test_a_journal_that_is_full_while_postgres_is_away(site: Site, tmp_path: Path) -> None:
    stage = site.stage
    await site.daemon.stop()
    url = await site.database.create("full")
    daemon = Daemon(
        tmp_path, site.pbx, database_url=url,
        ami_more="queue_size = 2000", more="[journal]\nmax_bytes = 1_048_576",
    )  # fmt: skip
    full = dataclasses.replace(site, daemon=daemon, url=url)
    async with daemon:
        talks_on, talk_ends = [await stage.answered_call(OPEN) for _ in range(2)]
        await full.records([talks_on, talk_ends])
        await site.database.kill()
        try:
            said: Mapping[str, Any] = {}
            while said.get("status") != "failed":
                await site.pbx.caller(STORM, []).call()
                said = part(await asyncio.to_thread(daemon.health), "journal")
            assert "reached its quota of 1048576 bytes" in said["detail"]
            for _ in range(2):  # more than the queue holds
                await site.pbx.caller(STORM, []).call()
            await stage.hang_up(talk_ends)
            unseen = await stage.answered_call(OPEN)
            assert (await doctors(daemon))["daemon journal"].startswith("the journal in ")
        finally:
            await site.database.start()
        await daemon.healthy(60)
        seen = await stage.answered_call(OPEN)
        await full.records([unseen, seen])
        await stage.hang_up(talks_on, unseen, seen)
        await full.as_logged([talks_on, seen])
        await full.recorded([talks_on, talk_ends, seen])
        await full.as_logged_but_for_ends([talk_ends])
        await full.as_logged_but_for_begins([unseen])
    for event in ("journal takes no more facts", "facts wait for room", "events lost"):
        assert daemon.said(event), event
    refused = await rows(url, "SELECT * FROM ccm.rejected_fact")
    assert refused == []


async def test_a_daemon_is_gone_in_time_although_postgres_hangs(site: Site, tmp_path: Path) -> None:
    if site.daemon.running:
        await site.daemon.stop()
    url = await site.database.create("hangs")
    daemon = Daemon(tmp_path, site.pbx, database_url=url, top_more="stop_timeout = 8")
    hangs = dataclasses.replace(site, daemon=daemon, url=url)
    loop = asyncio.get_running_loop()
    async with daemon:
        call = await site.stage.answered_call(OPEN)
        await hangs.records([call])
        site.database.freeze()
        try:
            await site.stage.hang_up(call)
            began = loop.time()
            assert await daemon.stop() == 0
            assert loop.time() - began < 8 + 2  # the two are for a machine that is busy
        finally:
            site.database.thaw()
        assert daemon.said("facts are left for the next start")
        await daemon.start()
        await hangs.as_logged([call])
        await hangs.recorded([call])


async def test_a_minute_without_postgres_is_told(minute: Evidence) -> None:
    assert minute.away["status"] == "degraded"
    parts = minute.away["parts"]
    assert parts["database"]["status"] == "degraded"
    assert "can't be reached" in parts["database"]["detail"]
    assert parts["journal"]["status"] == parts[LINK]["status"] == "ok"
    assert parts["journal"]["backlog_facts"] > 100
    assert parts["journal"]["oldest_seconds"] > postgres_away.AWAY_SECONDS / 2
    assert minute.doctor.keys() == {"database", "daemon database"}
    assert "can't be reached" in minute.doctor["daemon database"]
    assert "facts wait in the journal" in minute.log
    assert len(minute.log) < 10  # each thing is said once and not over and over


async def test_a_minute_without_postgres_costs_nothing(minute: Evidence) -> None:
    for table, rows_ in minute.undisturbed.items():
        assert len(rows_) > len(postgres_away.ROUND), table
        assert minute.disturbed[table] == rows_, table
    assert minute.rejected == 0
    assert witness.differences(minute.asterisk, minute.stored) == []
    assert not any(stay.inferred for stays in minute.stored.values() for stay in stays)
    assert set(minute.recordings) == {"finished"}
    assert len(minute.recordings) == len(minute.disturbed["segment"])
    assert minute.well_after < 30
