"""Callbacks on a real Asterisk: the place is kept, nobody is called twice, nobody is forgotten."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.phones import Phone
from lab.plan import ALICE, Plan, Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Decline, Obey, Ring
from stage import Call, Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 90.0
SUPPORT = "12025550101"
PLAN = Plan(
    agents=(ALICE,),
    queues=(Queue("support", SUPPORT, members=(), keys="", ring=20, more=("context = exits",)),),
    manager=("ccm-agents.conf", "ccm-callbacks.conf"),
    files={"ccm-callbacks.conf": (SHIPPED / "dialplan" / "ccm-callbacks.conf").read_text()},
    dialplan="""
#include "ccm-callbacks.conf"
[exits]
exten => 2,1,Gosub(ccm-callback-ask,s,1(support))
 same => n,Queue(support)
 same => n,Hangup()
[ccm-callback-customer]
exten => _12025XXXXXX,1,Set(CALLERID(num)=12025550100)
 same => n,Dial(PJSIP/${EXTEN}@outside)
 same => n,Hangup(${HANGUPCAUSE})
""",
)
RULES = """
[queues.callback]
opens = "00:00"
closes = "00:00"
pause_seconds = 10
ring_seconds = 5
"""
SHOWN = "SELECT * FROM report.callback WHERE number = $1 ORDER BY asked_at"


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    stage: Stage
    daemon: Daemon
    customer: Phone
    url: str

    async def joins(self) -> None:
        """Alice becomes a member of the queue."""
        told = await self.pbx.cli(
            'queue add member PJSIP/1001 to support penalty 0 as "Alice Arnold"'
        )
        assert "Added interface" in told

    async def leaves(self) -> None:
        """And is none any more."""
        if "PJSIP/1001" in await self.pbx.cli("queue show support"):
            await self.pbx.cli("queue remove member PJSIP/1001 from support")

    async def asks(self, key: str = "2") -> Call:
        """A caller who asked to be called back, and was let go."""
        call = await self.stage.call(SUPPORT, [Obey()])
        await call.caller.press(key)
        await call.caller.result(60)
        return call

    async def callback(self, number: str, **wanted: object) -> dict[str, Any]:
        """Wait until the only callback of that number is stored like this."""

        def fits(found: list[dict[str, object]]) -> bool:
            return len(found) == 1 and all(found[0][key] == wanted[key] for key in wanted)

        (row,) = await witness.eventually(
            lambda: rows(self.url, SHOWN, number), fits, PATIENCE, f"{number}: {wanted}"
        )
        return dict(row)

    def log_of(self, event: str) -> list[str]:
        """The calls of which queue_log tells that, in order."""
        return [row.call for row in self.pbx.queue_log() if row.event == event]

    def steps(self, callback: dict[str, Any], step: str) -> int:
        """How often queue_log tells a step of a callback."""
        return sum(
            row.event == "CCMCALLBACKSTEP" and row.data == (step,)
            and callback["id"].hex in row.call
            for row in self.pbx.queue_log()
        )  # fmt: skip

    async def talks_and_ends(self, callback: dict[str, Any]) -> None:
        """The customer has answered; he hangs up."""
        try:
            await until(lambda: self.steps(callback, "answered") == 1, PATIENCE, "the customer")
        except BaseException:
            print(await self.pbx.cli("queue show support"))
            print(await self.pbx.cli("core show channels verbose"))
            print(*self.pbx.queue_log()[-20:], sep="\n")
            print(*await rows(self.url, "SELECT * FROM ccm.callback_attempt"), sep="\n")
            raise
        await self.customer.hang_up()

    async def ccm(self, *arguments: str, code: int = 0) -> str:
        """Run ccm; what it printed on both outputs."""
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == code, ran
        return ran.out + ran.err


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("callbacks")
    async with Asterisk(lab_servers, PLAN) as pbx, Database(directory / "postgres") as postgres:
        await pbx.phone("1001", [Answer(0.2), Obey()]).start()
        customer = pbx.outside([Answer(0.5), Obey()])
        await customer.start()
        url = await postgres.create("callbacks")
        queue_log = f"queue_log = {json.dumps(str(pbx.queue_log_path))}"
        daemon = Daemon(
            directory / "daemon", pbx, database_url=url, recording="never", more=RULES,
            node_more=queue_log,
        )  # fmt: skip
        async with daemon:
            yield Scene(pbx, Stage(pbx), daemon, customer, url)


@pytest_asyncio.fixture(loop_scope="module")
async def scene(site: Scene) -> AsyncIterator[Scene]:
    await site.customer.replug([Answer(0.5), Obey()])
    yield site
    await site.leaves()


async def test_the_place_is_kept(scene: Scene) -> None:
    first = await scene.stage.call(SUPPORT)
    asked = await scene.asks()
    await scene.callback(asked.number, state="queued")
    last = await scene.stage.call(SUPPORT)
    await scene.joins()
    await scene.stage.answered(first)
    await scene.stage.hang_up(first)
    callback = await scene.callback(asked.number, position=2)
    await scene.talks_and_ends(callback)
    await scene.stage.answered(last)
    await scene.stage.hang_up(last)
    connected = scene.log_of("CONNECT")[-3:]
    assert connected[0] == first.id
    assert connected[1].startswith(f"ccmcb-{callback['id'].hex}")
    assert connected[2] == last.id
    kept = await scene.callback(asked.number, state="done")
    assert (kept["attempts"], kept["placed"], kept["last_outcome"]) == (1, 1, "answered")
    assert (kept["overtaken"], kept["kept_on_time"]) == (0, True)
    assert kept["asking_interaction_id"] is not None


async def test_reports_tell_callbacks_from_calls(scene: Scene) -> None:
    """Of the calls of the first test: what is a callback's is not a caller's."""

    async def interactions() -> list[dict[str, object]]:
        sql = """
            SELECT channel, direction, outcome, array_to_string(agents, ' ') AS agents, segments
            FROM report.interaction ORDER BY started_at
        """
        return await rows(scene.url, sql)

    wanted = [
        ("voice", "inbound", "answered", "Alice Arnold", 1),
        ("voice", "inbound", "left_by_key", "", 0),
        ("callback", "outbound", "answered", "Alice Arnold", 1),
        ("voice", "inbound", "answered", "Alice Arnold", 1),
    ]
    await witness.eventually(
        interactions, lambda found: [tuple(row.values()) for row in found] == wanted, 30, "calls"
    )
    (counts,) = await rows(
        scene.url,
        "SELECT sum(offered) AS offered, sum(answered) AS answered, sum(abandoned) AS abandoned, "
        "sum(left_by_key) AS left_by_key FROM report.queue_interval",
    )
    assert [int(str(count)) for count in counts.values()] == [3, 2, 0, 1]
    events = await rows(scene.url, "SELECT kind FROM ccm.interaction_event")
    kinds = [row["kind"] for row in events]
    assert kinds.count("callback_asked") == 1
    assert kinds.count("taken") == 1
    sql = "SELECT call, what, ours, queue_log FROM report.queue_log_difference"
    await witness.eventually(
        lambda: rows(scene.url, sql), lambda found: found == [], 30, "queue_log to agree"
    )


async def test_a_customer_who_does_not_answer_is_called_again(scene: Scene) -> None:
    await scene.customer.replug([Ring()])
    number = "12025557001"
    planned = await scene.ccm("callback", "add", "support", number, "--dry-run")
    assert "nothing was written" in planned
    assert await rows(scene.url, SHOWN, number) == []
    await scene.ccm("callback", "add", "support", number)
    await scene.joins()
    tried = await scene.callback(number, attempts=1, last_outcome="not_answered")
    assert tried["state"] in ("waiting", "queued")
    await scene.customer.replug([Answer(0.5), Obey()])
    await scene.talks_and_ends(tried)
    done = await scene.callback(number, state="done")
    assert (done["attempts"], scene.steps(done, "dial")) == (2, 2)
    shown = json.loads(await scene.ccm("callback", "show", str(done["id"]), "--json"))
    assert [one["outcome"] for one in shown["attempts"]] == ["not_answered", "answered"]


async def test_a_busy_customer_is_told_from_one_who_does_not_answer(scene: Scene) -> None:
    await scene.customer.replug([Decline()])
    number = "12025557002"
    await scene.ccm("callback", "add", "support", number)
    await scene.joins()
    await scene.callback(number, attempts=1, last_outcome="busy")
    await scene.leaves()
    cancelled = await scene.callback(number)
    await scene.ccm("callback", "cancel", str(cancelled["id"])[:13])
    await scene.callback(number, state="cancelled")


async def test_a_placeholder_is_worked_off_without_the_daemon(scene: Scene) -> None:
    asked = await scene.asks()
    callback = await scene.callback(asked.number, state="queued")
    await until(lambda: scene.steps(callback, "placed") == 1, PATIENCE, "the placeholder")
    await scene.daemon.kill()
    await scene.joins()
    await scene.talks_and_ends(callback)
    await scene.daemon.start()
    done = await scene.callback(asked.number, state="done")
    assert (done["attempts"], done["placed"]) == (1, 1)
    assert scene.steps(done, "dial") == 1


async def test_a_daemon_killed_while_the_placeholder_stands_makes_no_second_one(
    scene: Scene,
) -> None:
    asked = await scene.asks()
    await scene.callback(asked.number, state="queued")
    await scene.daemon.kill()
    await scene.daemon.start()
    callback = await scene.callback(asked.number, state="queued")
    await scene.joins()
    await scene.talks_and_ends(callback)
    done = await scene.callback(asked.number, state="done")
    assert (done["placed"], scene.steps(done, "dial")) == (1, 1)


async def test_placeholders_are_put_back_in_order_when_asterisk_restarts(scene: Scene) -> None:
    asked = [await scene.asks(), await scene.asks()]
    for call in asked:
        await scene.callback(call.number, state="queued")
    before = len(scene.log_of("ENTERQUEUE"))
    await scene.pbx.kill()
    await scene.pbx.start()
    await until(lambda: len(scene.log_of("ENTERQUEUE")) >= before + 2, PATIENCE, "both again")
    await scene.joins()
    for call in asked:
        callback = await scene.callback(call.number)
        await scene.talks_and_ends(callback)
        done = await scene.callback(call.number, state="done")
        assert (done["attempts"], scene.steps(done, "dial")) == (1, 1)
    told = [row.call for row in scene.pbx.queue_log() if row.data == ("answered",)][-2:]
    ids = [(await scene.callback(call.number))["id"].hex for call in asked]
    assert [id_ in call for id_, call in zip(ids, told, strict=True)] == [True, True]


async def test_what_is_asked_for_while_the_daemon_is_away_is_kept(scene: Scene) -> None:
    await scene.daemon.kill()
    asked = await scene.asks()
    await scene.daemon.start()
    callback = await scene.callback(asked.number, state="queued")
    assert callback["position"] is not None
    await scene.joins()
    await scene.talks_and_ends(callback)
    await scene.callback(asked.number, state="done")


async def test_a_number_that_is_not_allowed_is_refused(scene: Scene) -> None:
    before = scene.log_of("CCMCALLBACK")
    call = await scene.stage.call(SUPPORT, [Obey()])
    foreign = scene.pbx.caller(SUPPORT, [Obey()], "4479460000")
    await foreign.start()
    await until(lambda: witness.unique_id(scene.pbx, "4479460000") != "", PATIENCE, "a caller")
    await foreign.press("2")
    id_ = witness.unique_id(scene.pbx, "4479460000")

    def joined() -> int:
        return sum(row.call == id_ and row.event == "ENTERQUEUE" for row in scene.pbx.queue_log())

    await until(lambda: joined() == 2, PATIENCE, "the refused caller back in the queue")
    assert scene.log_of("CCMCALLBACK") == before
    await scene.stage.hang_up(call)
    await foreign.hang_up()
    await scene.ccm("callback", "add", "support", "4479460000")
    failed = await scene.callback("4479460000", state="failed")
    assert "the dialplan allows no call" in failed["reason"]
    assert scene.steps(failed, "placed") == 0
    await scene.ccm("callback", "add", "support", "44 79", code=2)


async def test_who_asks_twice_keeps_the_first_place_and_may_be_cancelled(scene: Scene) -> None:
    number = "12025557003"
    await scene.ccm("callback", "add", "support", number)
    first = await scene.callback(number, state="queued")
    told = await scene.ccm("callback", "add", "support", number)
    assert "keeps its place" in told
    states = [row["state"] for row in await rows(scene.url, SHOWN, number)]
    assert states == ["queued", "merged"]
    await scene.ccm("callback", "cancel", str(first["id"]))
    sql = "SELECT state, last_outcome FROM report.callback WHERE id = $1"
    wanted = [{"state": "cancelled", "last_outcome": "withdrawn"}]
    await witness.eventually(
        lambda: rows(scene.url, sql, first["id"]), lambda found: found == wanted, 60, "cancelled"
    )
    assert first["id"].hex not in await scene.pbx.cli("core show channels concise")
    assert "kept" not in await scene.ccm("callback", "list", "--queue", "support")
    assert await rows(scene.url, "SELECT * FROM ccm.rejected_fact") == []
