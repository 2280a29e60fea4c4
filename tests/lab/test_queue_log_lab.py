"""Calls that began and ended while no daemon was there are known afterwards, from queue_log.

One story on a real Asterisk: the daemon is killed while calls wait, ring and talk; others come and
go in its absence, and Asterisk's log is rotated twice. Each test looks at another side of the end.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.database import rows
from lab.plan import Agent, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Ring, Talk
from stage import Call, Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

ABSENT_SECONDS = 6.0
COMPLETED_WITHIN = 60.0
"""The daemon waits 15 s after a call's last row before it completes the call."""

OPEN, SHUT, BRIEF, BELL = (f"1202555010{n}" for n in range(1, 5))
AGENTS = [Agent(f"100{n}", name) for n, name in enumerate(("Ada", "Jörg Müller", "Cy", "Di"), 1)]
SHY = Agent("1005", "Éva O'Neil")
DEAF = Agent("1006", "Faye Fox")

PLAN = Plan(
    agents=(*AGENTS, SHY, DEAF),
    queues=(
        Queue("open", OPEN, members=tuple(agent.extension for agent in AGENTS), ring=20),
        Queue("shut", SHUT, members=(SHY.extension,), ring=20),
        Queue("brief", BRIEF, members=(SHY.extension,), ring=20, patience=1),
        Queue("bell", BELL, members=(DEAF.extension,), ring=1),
    ),
)


@dataclass
class Story:
    """What is there in the end."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    calls: dict[str, Call]
    absent: tuple[str, ...]
    """Calls of which the daemon saw nothing."""

    async def view(self, name: str) -> list[dict[str, Any]]:
        return await rows(self.url, f"SELECT * FROM report.{name}")  # noqa: S608 - of this module


async def before(stage: Stage) -> dict[str, Call]:
    """Calls that are there when the daemon is killed."""
    return {
        "talks on": await stage.answered_call(OPEN),
        "talk ends": await stage.answered_call(OPEN),
        "waits on": await stage.call(SHUT),
        "gives up": await stage.call(SHUT),
        "rings": await stage.call(BELL),
    }


async def meanwhile(stage: Stage, calls: dict[str, Call]) -> dict[str, Call]:
    """What happens while no daemon is there; returns calls of which it sees nothing."""
    pbx = stage.pbx
    await stage.hang_up(calls["talk ends"], calls["gives up"])
    unseen = {"unseen talk": await stage.answered_call(OPEN), "unseen wait": await stage.call(SHUT)}
    unseen["timed out"] = await stage.call(BRIEF)
    calls["talk begins"] = await stage.answered_call(OPEN)
    await pbx.cli("logger rotate")
    await stage.hang_up(unseen["unseen talk"], unseen["unseen wait"])
    unseen["after rotation"] = await stage.answered_call(OPEN)
    await stage.over(unseen["timed out"])
    unseen["rings unseen"] = await stage.call(BELL)
    await pbx.cli("logger rotate")
    await asyncio.sleep(ABSENT_SECONDS / 2)
    await stage.hang_up(unseen["after rotation"], unseen["rings unseen"])
    return unseen


async def afterwards(stage: Stage, calls: dict[str, Call]) -> None:
    """The end of the calls that outlasted the absence."""
    await stage.hang_up(calls["talks on"], calls["talk begins"], calls["rings"], calls["waits on"])
    calls["later"] = await stage.answered_call(OPEN)
    await stage.pbx.cli("logger rotate")
    await stage.hang_up(calls["later"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    directory = tmp_path_factory.mktemp("queue_log")
    async with Asterisk(lab_servers, PLAN) as pbx:
        daemon = Daemon(directory, pbx, node_more=f'queue_log = "{pbx.queue_log_path}"')
        async with daemon:
            for agent in AGENTS:
                await pbx.phone(agent.extension, [Answer(0.2), Talk()]).start()
            await pbx.phone(DEAF.extension, [Ring()]).start()
            stage = Stage(pbx)
            for queue in ("shut", "brief"):
                await stage.pause(queue, SHY.extension)
            url = (await daemon.ccm("db", "url")).out.strip()
            calls = await before(stage)
            await known(url, 5)
            await daemon.kill()
            unseen = await meanwhile(stage, calls)
            await daemon.start()
            url = (await daemon.ccm("db", "url")).out.strip()
            await afterwards(stage, calls)
            story = Story(pbx, daemon, url, calls | unseen, tuple(unseen))
            await completed(story)
            yield story


async def known(url: str, calls: int) -> None:
    """Wait until so many interactions are in the database."""
    sql = "SELECT FROM ccm.interaction"
    await witness.eventually(
        lambda: rows(url, sql), lambda found: len(found) >= calls, 30, f"{calls} interactions"
    )


async def completed(story: Story) -> None:
    """Wait until nothing differs any more."""

    async def differing() -> list[Any]:
        ours = await witness.by_us(story.url)
        asterisk = witness.by_asterisk(story.pbx.queue_log())
        return [*await story.view("queue_log_difference"), *witness.differences(asterisk, ours)]

    await witness.eventually(
        differing, lambda found: not found, COMPLETED_WITHIN, "nothing to differ"
    )


async def test_every_call_is_there_once_with_its_true_outcome(story: Story) -> None:
    stored = await rows(
        story.url, "SELECT uniqueid, state, outcome, caller_num FROM ccm.interaction"
    )
    by_id = {row["uniqueid"]: row for row in stored}
    assert len(stored) == len(by_id) == len(story.calls)
    outcomes = {name: by_id[call.id]["outcome"] for name, call in story.calls.items()}
    assert outcomes == {
        "talks on": "answered",
        "talk ends": "answered",
        "waits on": "abandoned",
        "gives up": "abandoned",
        "rings": "abandoned",
        "talk begins": "answered",
        "unseen talk": "answered",
        "unseen wait": "abandoned",
        "timed out": "timed_out",
        "after rotation": "answered",
        "rings unseen": "abandoned",
        "later": "answered",
    }
    assert {row["state"] for row in stored} == {"ended"}
    numbers = {name: by_id[call.id]["caller_num"] for name, call in story.calls.items()}
    assert numbers == {name: call.number for name, call in story.calls.items()}


async def test_our_counts_are_those_of_asterisk(story: Story) -> None:
    found = await story.view("reconcile_queue_log")
    assert {row["queue"] for row in found} == {"open", "shut", "brief", "bell"}
    assert [row for row in found if row["differences"]] == []
    total = {name: sum(row[name] for row in found) for name in found[0] if name.endswith("ed")}
    assert total["offered"] == len(story.calls)
    assert total["answered"] == 6
    assert sum(row["ring_no_answers"] for row in found) >= 4


async def test_what_was_concluded_is_marked(story: Story) -> None:
    (hour,) = await rows(
        story.url,
        "SELECT sum(interactions)::int AS interactions, sum(queue_log_only)::int AS only,"
        " sum(partly_inferred)::int AS partly, sum(observed)::int AS observed,"
        " max(without_link_seconds)::float8 AS without FROM report.coverage",
    )
    assert hour["interactions"] == len(story.calls)
    assert hour["only"] == len(story.absent)
    assert hour["partly"] == 3  # two that ended meanwhile, one that began
    assert hour["observed"] == len(story.calls) - len(story.absent) - 3
    assert hour["without"] >= ABSENT_SECONDS / 2
    unseen = [story.calls[name].id for name in story.absent]
    marked = await rows(
        story.url,
        "SELECT i.uniqueid FROM ccm.interaction AS i"
        " JOIN ccm.queue_visit AS v ON v.interaction_id = i.id"
        " LEFT JOIN ccm.segment AS s ON s.interaction_id = i.id"
        " WHERE i.uniqueid = ANY ($1)"
        " AND i.inferred AND v.inferred AND coalesce(s.inferred, true)",
        unseen,
    )
    assert {row["uniqueid"] for row in marked} == set(unseen)


async def test_every_row_of_every_file_is_stored_once(story: Story) -> None:
    stored = await rows(
        story.url,
        "SELECT extract(epoch FROM at)::int AS at, call, queue, agent, event, data"
        " FROM ccm.queue_log_row ORDER BY sequence",
    )
    written = [
        (row.at, row.call, row.queue, row.agent, row.event, list(row.data))
        for row in story.pbx.queue_log()
    ]
    assert [tuple(row.values()) for row in stored] == written


async def everything(url: str) -> list[Any]:
    """All that is stored of calls, but for versions: a new leader raises those of what is open."""
    found: list[Any] = []
    for table in ("interaction", "queue_visit", "offer", "segment", "interaction_event"):
        found += await rows(url, f"SELECT t::text FROM ccm.{table} AS t ORDER BY 1")  # noqa: S608
    return [*found, *await rows(url, "SELECT count(*) FROM ccm.queue_log_row")]


async def test_completing_again_changes_nothing(story: Story) -> None:
    before = await everything(story.url)
    await story.daemon.kill()
    await story.daemon.start()
    url = (await story.daemon.ccm("db", "url")).out.strip()
    forgotten = "UPDATE ccm.queue_log_position SET checked = 0"
    await rows(url, forgotten)
    await story.daemon.kill()
    await story.daemon.start()
    url = (await story.daemon.ccm("db", "url")).out.strip()

    async def checked() -> int:
        (row,) = await rows(url, "SELECT checked FROM ccm.queue_log_position")
        return int(row["checked"])

    await witness.eventually(checked, lambda sequence: sequence > 0, 30, "calls to be compared")
    assert await everything(url) == before
    errors = [
        line for line in story.daemon.log.read_text().splitlines() if '"level": "error"' in line
    ]
    assert errors == []
    refused = await rows(url, "SELECT * FROM ccm.rejected_fact")
    assert refused == []
