"""Supervisors hear talks on a real Asterisk: who hears whom, what is kept of it and refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import VOICES, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.listening import Ears
from lab.phones import Caller, Phone
from lab.plan import ALICE, JOERG, Agent, Plan, Queue
from lab.root import Servers
from lab.script import Answer, Decline, Obey, Ring, Step, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 30.0
SUPPORT, TEAM = "12025550101", "12025550102"
SUE = Agent("2001", "Sue Visor")
TEN = Agent("10011", "Tenth Agent")
"""An agent whose interface begins like Alice's."""
CODES = """
[agents]
exten => *901001,1,Answer()
 same => n,ChanSpy(PJSIP/1001,qE)
 same => n,Hangup()
"""
PLAN = Plan(
    agents=(ALICE, JOERG, TEN, SUE),
    queues=(
        Queue("support", SUPPORT, members=("1001",), ring=20),
        Queue("team", TEAM, members=("1002", "10011"), ring=20),
    ),
    manager=("ccm-agents.conf", "ccm-supervision.conf"),
    dialplan=CODES,
)
HEARD, SILENT = -25.0, -35.0
"""Levels in dBFS above which a voice is heard, and below which it is not."""

SUPERVISIONS = """
SELECT agent, supervisor, supervisor_interface, mode, keys, queue, asked_by, inferred,
    ended_at IS NULL AS open, seconds::float8 AS seconds, started_at, ended_at, interaction_id
FROM report.supervision ORDER BY started_at
"""
EVENTS = """
SELECT kind, inferred, data FROM ccm.interaction_event
WHERE kind LIKE 'supervision%' ORDER BY at, kind
"""
STATE = "SELECT state FROM report.agent_state WHERE interface = $1 AND ended_at IS NULL"


@dataclass
class Scene:
    """The servers of this module, and the talk that goes on."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    alice: Phone
    sue: Phone
    ears: Ears
    caller: Caller | None = None

    async def talk(self, did: str = SUPPORT, number: str = "12025550111") -> None:
        """A caller talks to an agent when this returns, and our rows say so."""
        self.caller = self.pbx.caller(did, [Talk()], number)
        await self.caller.start()
        await self.eventually(
            "SELECT count(*) AS talks FROM ccm.segment AS s JOIN ccm.interaction AS i"
            " ON i.id = s.interaction_id WHERE s.ended_at IS NULL AND i.caller_num = $1",
            [{"talks": 1}],
            number,
        )

    async def hang_up(self) -> None:
        """The caller hangs up; when this returns, the interaction has ended."""
        assert self.caller is not None
        await self.pbx.cli("channel request hangup all")
        await self.caller.result(PATIENCE)
        self.caller = None
        await self.eventually(
            "SELECT count(*) AS open FROM ccm.interaction WHERE ended_at IS NULL", [{"open": 0}]
        )

    async def eventually(self, sql: str, wanted: object, *arguments: object) -> None:
        """Wait until the database answers this."""

        async def look() -> Any:
            return await rows(self.url, sql, *arguments)

        await witness.eventually(look, lambda seen: seen == wanted, PATIENCE, str(wanted))

    async def ccm(self, *arguments: str, code: int = 0) -> str:
        """Run ccm; what it printed on both outputs."""
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == code, ran
        return ran.out + ran.err

    async def supervision(self, *, open_: bool) -> dict[str, Any]:
        """The last supervision, once that is so."""

        async def look() -> Any:
            return (await rows(self.url, SUPERVISIONS))[-1:]

        seen = await witness.eventually(
            look, lambda seen: bool(seen) and seen[0]["open"] == open_, PATIENCE, f"open {open_}"
        )
        return dict(seen[0])

    async def hears(self, ip: str) -> set[str]:
        """Whose voices that address hears now, of caller, agent and supervisor."""
        self.ears.forget()
        while self.ears.heard(ip).seconds < 1.5:  # noqa: ASYNC110 - a socket is looked at
            await asyncio.sleep(0.2)
        heard = self.ears.heard(ip)
        levels = {who: heard.level_at(VOICES[who]) for who in ("caller", "agent", "supervisor")}
        doubtful = {who: at for who, at in levels.items() if SILENT < at < HEARD}
        assert not doubtful, levels
        return {who for who, level in levels.items() if level >= HEARD}

    async def everybody_hears(self) -> dict[str, set[str]]:
        """Whose voices agent, customer and supervisor hear."""
        assert self.caller is not None
        return {
            "agent": await self.hears(self.alice.ip),
            "customer": await self.hears(self.caller.ip),
            "supervisor": await self.hears(self.sue.ip),
        }


@pytest.fixture(scope="module")
def ears() -> Iterator[Ears]:
    with Ears() as ears:
        yield ears


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory, ears: Ears
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("supervision")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        alice = pbx.phone("1001", [Answer(0.1), Talk()])
        sue = pbx.phone("2001", [Answer(0.2), Obey()], voice="supervisor")
        for phone in (alice, sue, pbx.phone("10011", [Answer(0.1), Talk()])):
            await phone.start()
        url = await postgres.create("supervision")
        async with Daemon(
            directory / "daemon", pbx, database_url=url, recording="always"
        ) as daemon:
            yield Scene(pbx, daemon, url, alice, sue, ears)


MODES = {
    "monitor": {"agent": {"caller"}, "customer": {"agent"}},
    "whisper": {"agent": {"caller", "supervisor"}, "customer": {"agent"}},
    "barge": {"agent": {"caller", "supervisor"}, "customer": {"agent", "supervisor"}},
}


@pytest.mark.parametrize("mode", MODES)
async def test_who_hears_whom(scene: Scene, mode: str) -> None:
    await scene.talk()
    said = await scene.ccm("agent", mode, "Alice Arnold", "--to", "PJSIP/2001")
    assert "12025550111" in said
    assert (await scene.everybody_hears()) == MODES[mode] | {"supervisor": {"caller", "agent"}}
    shown = [line.rest for line in scene.sue.log() if line.word == "offered"][-1]
    assert f'"{mode}: Alice Arnold" <sip:1001@' in shown
    begun = await scene.supervision(open_=True)
    assert (begun["agent"], begun["supervisor"], begun["mode"], begun["queue"]) == (
        "Alice Arnold", "PJSIP/2001", mode, "support",
    )  # fmt: skip
    assert begun["asked_by"]
    # The agent's talk is what it was: one interaction, one segment, one recording, no hold.
    assert await rows(scene.url, STATE, "PJSIP/1001") == [{"state": "talking"}]
    await scene.hang_up()
    ended = await scene.supervision(open_=False)
    assert not ended["inferred"]
    assert ended["seconds"] > 3
    counted = await rows(
        scene.url,
        "SELECT count(*) AS segments, sum(hold_seconds)::int AS held FROM ccm.segment"
        " WHERE interaction_id = $1",
        ended["interaction_id"],
    )
    assert counted == [{"segments": 1, "held": 0}]


async def test_the_supervisor_is_no_interaction(scene: Scene) -> None:
    told = await rows(scene.url, "SELECT DISTINCT caller_num FROM ccm.interaction")
    assert told == [{"caller_num": "12025550111"}]
    events = await rows(scene.url, EVENTS)
    assert [row["kind"] for row in events] == ["supervision_began", "supervision_ended"] * 3


async def test_keys_change_the_mode(scene: Scene) -> None:
    await scene.talk()
    await scene.ccm("agent", "monitor", "1001", "--to", "PJSIP/2001", "--keys")
    assert await scene.hears(scene.alice.ip) == {"caller"}
    await scene.sue.press("5")
    assert await scene.hears(scene.alice.ip) == {"caller", "supervisor"}
    await scene.sue.press("4")
    assert await scene.hears(scene.alice.ip) == {"caller"}
    row = await scene.supervision(open_=True)
    assert (row["mode"], row["keys"]) == ("monitor", True)
    await scene.ccm("agent", "monitor", "1001", "--stop")
    row = await scene.supervision(open_=False)
    assert not row["inferred"]
    assert await scene.hears(scene.alice.ip) == {"caller"}
    said = await scene.ccm("agent", "unmonitor", "1001", code=1)
    assert "no talk of Alice Arnold is supervised now" in said
    await scene.hang_up()


async def test_what_is_refused(scene: Scene) -> None:
    said = await scene.ccm("agent", "monitor", "1001", "--to", "PJSIP/2001", code=1)
    assert "Alice Arnold is not talking to a customer now" in said
    await scene.talk()
    phones: list[tuple[list[Step], str]] = [
        ([Ring()], "the phone did not answer"),
        ([Decline()], "the phone refused the call"),
    ]
    for script, words in phones:
        await scene.sue.follow(script)
        said = await scene.ccm("agent", "monitor", "1001", "--to", "PJSIP/2001", code=1)
        assert words in said
    said = await scene.ccm("agent", "monitor", "1001", "--to", "PJSIP/2999", code=1)
    assert "is not known to Asterisk" in said
    await scene.sue.follow([Answer(0.2), Obey()])
    await scene.hang_up()


async def test_a_code_of_the_pbx_counts_too(scene: Scene) -> None:
    """And `PJSIP/1001` of ours is never `PJSIP/10011`, who talks as well."""
    await scene.talk(TEAM, "12025550122")
    other = scene.caller
    await scene.talk()
    spy = scene.pbx.agent_call("1002", "*901001", [Talk()])
    await spy.start()
    row = await scene.supervision(open_=True)
    assert (row["mode"], row["asked_by"], row["supervisor"]) == (None, None, "Jörg Müller")
    assert row["agent"] in ("Alice Arnold", "Tenth Agent")  # ChanSpy() takes what comes first
    await scene.eventually(STATE, [{"state": "busy"}], "PJSIP/1002")
    said = await scene.ccm("agent", "monitor", "PJSIP/1001", "--to", "PJSIP/2001")
    assert "Alice Arnold" in said
    assert "12025550111" in said
    await scene.hang_up()
    assert other is not None
    await other.result(PATIENCE)
    await spy.result(PATIENCE)
    told = await rows(scene.url, SUPERVISIONS)
    assert not any(row["open"] or row["inferred"] for row in told)


async def test_a_killed_daemon_doubles_nothing(scene: Scene) -> None:
    before = await rows(scene.url, SUPERVISIONS)
    await scene.talk()
    await scene.ccm("agent", "whisper", "1001", "--to", "PJSIP/2001")
    await scene.supervision(open_=True)
    await scene.daemon.kill()
    await scene.daemon.start()
    row = await scene.supervision(open_=True)
    assert row["mode"] == "whisper"
    await scene.daemon.kill()
    await scene.sue.hang_up()
    await scene.daemon.start()
    row = await scene.supervision(open_=False)
    assert row["inferred"]
    await scene.daemon.kill()
    spy = scene.pbx.agent_call("1002", "*901001", [Talk()])
    await spy.start()
    await spy.seen("answered")
    await scene.daemon.start()
    row = await scene.supervision(open_=True)
    assert (row["mode"], row["inferred"], row["supervisor"]) == (None, True, "Jörg Müller")
    await scene.hang_up()
    await spy.result(PATIENCE)
    row = await scene.supervision(open_=False)
    told = await rows(scene.url, SUPERVISIONS)
    assert len(told) == len(before) + 2
    events = await rows(scene.url, EVENTS)
    assert len(events) == 2 * len(told)
    assert await rows(scene.url, "SELECT * FROM ccm.rejected_fact") == []


async def test_switched_off(scene: Scene) -> None:
    text = scene.daemon.config.read_text()
    scene.daemon.config.write_text(f"{text}\n[supervision]\nenabled = false\n")
    await scene.daemon.stop()
    await scene.daemon.start()
    await scene.talk()
    said = await scene.ccm("agent", "barge", "1001", "--to", "PJSIP/2001", code=1)
    assert "[supervision] enabled = false" in said
    await scene.hang_up()
