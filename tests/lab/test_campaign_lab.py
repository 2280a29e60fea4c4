"""A whole campaign on a real Asterisk: what is stored of it is what the far end did.

150 leads, five agents with open lines, and the daemon with the engine. `bench/campaign.py` is the
long form, whose figures are compared with the simulation.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lab import campaign_figures, outbound
from lab.asterisk import Asterisk
from lab.campaign_figures import Figures
from lab.daemon import Daemon
from lab.far_end import Call
from lab.parties import Party, World, numbers, parties
from lab.root import Servers

from ccmiddleware.clock import utc_now

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

AGENTS, LEADS, WRAPUP = 5, 150, 1
WORLD = World(gone=0.02, short_talk=0.8, long_talk=2.0, ring_mean=0.4, ring_longest=0.8)


@dataclass
class Played:
    """What is there when the last call is over."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    people: list[Party]
    calls: list[Call]
    attempts: list[dict[str, object]]
    figures: Figures


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Played]:
    directory: Path = tmp_path_factory.mktemp("campaign")
    people = parties(WORLD, numbers(LEADS, utc_now()), 5)  # as the daemon's clock has it
    async with (
        Asterisk(lab_servers, outbound.plan(AGENTS, wrapup=WRAPUP)) as pbx,
        Daemon(directory, pbx, recording="never", more=outbound.more(wrapup=WRAPUP),
               node_more=f'queue_log = "{pbx.queue_log_path}"') as daemon,
    ):  # fmt: skip
        far = pbx.far_end(people)
        await far.start()
        await outbound.sit_down(pbx, pbx.plan.agents)
        url = (await daemon.ccm("db", "url")).out.strip()
        await outbound.prepare(daemon, "spring", people)
        await outbound.begin(daemon, "spring")

        await campaign_figures.over(url, "spring", LEADS, 180)
        attempts = await campaign_figures.attempts(url, "spring")
        figures = await campaign_figures.figures(url, "spring")
        print(figures)
        yield Played(pbx, daemon, url, people, far.calls(), attempts, figures)


async def test_each_lead_is_called_once_and_its_result_is_what_its_number_does(
    played: Played,
) -> None:
    found = campaign_figures.differences(played.attempts, played.people, played.calls)
    assert found == []
    assert {call.number for call in played.calls} == {party.number for party in played.people}


async def test_the_figures_are_those_of_the_far_end(played: Played) -> None:
    figures = played.figures
    answered = [call for call in played.calls if call.answered is not None]
    kinds = Counter(party.kind for party in played.people)
    assert figures.attempts == figures.permits == LEADS
    assert sum(figures.results.values()) == LEADS
    assert figures.live == len(answered)
    assert figures.results["busy"] == kinds["busy"]
    assert figures.results["no_answer"] == kinds["no answer"]
    assert figures.results["failed"] == sum(
        kinds[kind] for kind in ("wrong number", "no line", "declined")
    )
    assert figures.drops == figures.results.get("dropped", 0) + sum(
        bool(one["dropped"]) for one in played.attempts if one["result"] == "connected"
    )
    assert 0 < figures.utilisation_pct <= 100


async def test_managers_are_shown_what_was_stored(played: Played) -> None:
    async def ccm(*arguments: str) -> Any:
        ran = await played.daemon.ccm("campaign", *arguments, "--json")
        assert ran.code == 0, ran.err
        return ran.json

    figures = played.figures
    report = await ccm("report", "spring", "--since", "yesterday")
    counts = report["attempts"]
    assert (counts["attempts"], counts["live"], counts["drops"], counts["open"]) == (
        LEADS, figures.live, figures.drops, 0,
    )  # fmt: skip
    assert report["drops"]["drops"] == figures.drops
    assert [(one["state"], one["leads"]) for one in report["leads"] if one["state"] != "done"] == []
    # What agents did is that of the interactions, which are linked to the attempts.
    connected = [one for one in played.attempts if one["connected_at"]]
    assert sum(agent["calls"] for agent in report["agents"]) == len(connected)
    talk = sum((one["ended_at"] - one["connected_at"]).total_seconds() for one in connected)  # type: ignore[operator]
    told = sum(agent["talk_seconds"] for agent in report["agents"])
    assert told == pytest.approx(talk, abs=len(connected))
    assert sum(agent["wrap_up_seconds"] for agent in report["agents"]) == WRAPUP * len(connected)
    gain = report["utilisation"]
    assert 0 < gain["progressive_occupancy_rate"] < 1
    assert 0 < gain["occupancy_rate"] <= 1

    seen = await ccm("watch", "spring")
    assert (seen["calls"]["under_way"], seen["node_trouble"]) == (0, "")
    assert (seen["agents"]["idle"], seen["today"]["attempts"] <= LEADS) == (AGENTS, True)
    told = await ccm("explain", "spring")
    assert told["with_calls"]["claimed"] > 0
    assert told["without_calls"]["reason"] == "leads"
    period = await ccm("explain", "spring", "--since", "yesterday")
    assert sum(one["claimed"] for one in period["counts"]) == LEADS


async def test_nothing_is_left_of_it(played: Played) -> None:
    """No call, no agent in a talk, no lead that is claimed; nothing was worth a warning."""
    assert all(call.over is not None for call in played.calls)
    channels = (await played.pbx.cli("core show channels concise")).split("\n")
    lines = [one.split("!")[0].rpartition("-")[0] for one in channels if "!" in one]
    assert sorted(lines) == [f"PJSIP/{one.extension}" for one in played.pbx.plan.agents]
    await outbound.all_free(played.pbx, AGENTS)
    leads = await played.daemon.rows("lead", "list", "--campaign", "spring", "--limit", "1000")
    assert Counter(one["state"] for one in leads) == {"done": LEADS}
    assert played.daemon.complaints() == []
