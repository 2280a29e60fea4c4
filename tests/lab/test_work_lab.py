"""Emails in the Asterisk queue of the calls, on real servers: one order, and each given once."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.mail import Mail
from lab.phones import Phone
from lab.plan import ALICE, JOERG, Plan, Queue
from lab.processes import until
from lab.root import Servers, mail_servers
from lab.script import Answer, Decline, Obey
from stage import Call, Stage

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

PATIENCE = 60.0
SUPPORT, URGENT = "12025550101", "12025550109"
HELP = "help@shop.example"
NAMES = {"1001": "Alice Arnold", "1002": "Jörg Müller"}
MAIL_OF = {"1001": "alice@shop.example", "1002": "joerg@shop.example"}
PLAN = Plan(
    agents=(ALICE, JOERG),
    queues=(Queue("support", SUPPORT, members=(), keys="", ring=20, more=("ringinuse = no",)),),
    manager=("ccm-agents.conf", "ccm-work.conf"),
    files={"ccm-work.conf": (SHIPPED / "dialplan" / "ccm-work.conf").read_text()},
    dialplan=f"""
#include "ccm-work.conf"
[trunk](+)
exten => {URGENT},1,Set(QUEUE_PRIO=10)
 same => n,Goto({SUPPORT},1)
""",
)
MAILBOX = """
[mailbox.help]
queue = "support"
address = "{address}"
host = "{host}"
port = {port}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
poll_seconds = 2
timeout = 5
"""
ITEMS = """
SELECT w.number, w.state, w.priority, w.outcome, w.reason, w.id, e.subject, a.interface,
    (SELECT count(*) FROM ccm.work_placement p WHERE p.item_id = w.id) AS placements
FROM ccm.work_item w JOIN ccm.email e ON e.id = w.id LEFT JOIN ccm.agent a ON a.id = w.agent_id
ORDER BY w.number
"""


def mail(who: str, subject: str) -> bytes:
    name = who.partition("@")[0].title()
    return (
        f"From: {name} <{who}>\r\nTo: {HELP}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '')}.{who}>\r\n\r\nHello, {subject}?\r\n"
    ).encode()


@dataclass
class Desk:
    """The servers of this module."""

    pbx: Asterisk
    stage: Stage
    daemon: Daemon
    mail: Mail
    url: str
    phones: dict[str, Phone]

    async def joins(self, *extensions: str) -> None:
        """Agents become members of the queue, with a state that knows of their work."""
        for extension in extensions:
            told = await self.pbx.cli(
                f'queue add member PJSIP/{extension} to support penalty 0 as "{NAMES[extension]}" '
                f"state_interface hint:{extension}@ccm-agents-state"
            )
            assert "Added interface" in told, told
        await witness.eventually(
            lambda: rows(self.url, "SELECT interface FROM ccm.agent"),
            lambda found: (
                {f"PJSIP/{one}" for one in extensions} <= {str(row["interface"]) for row in found}
            ),
            30,
            "agents known",
        )
        for extension in extensions:
            await rows(
                self.url, "UPDATE ccm.agent SET email = $1 WHERE interface = $2",
                MAIL_OF[extension], f"PJSIP/{extension}",
            )  # fmt: skip

    async def leave(self) -> None:
        """Nobody is a member any more, and nothing is left to do."""
        shown = await self.pbx.cli("queue show support")
        for extension in NAMES:
            if f"PJSIP/{extension}" in shown:
                await self.pbx.cli(f"queue remove member PJSIP/{extension} from support")
        await self.ccm("queue", "resume", "support")
        await self.ccm("queue", "set", "support", "email_after_calls=")
        for one in await self.items(lambda found: True, "them"):
            await rows(self.url, "SELECT ccm.end_work($1, 'closed', now())", one["id"])
        standing = "SELECT FROM ccm.work_placement WHERE ended_at IS NULL"
        await witness.eventually(
            lambda: rows(self.url, standing), lambda found: not found, 30, "placeholders gone"
        )

    async def arrives(self, *messages: bytes) -> None:
        for message in messages:
            await asyncio.to_thread(self.mail.append, HELP, message)

    async def items(
        self, fits: Callable[[list[dict[str, Any]]], bool], what: str, seconds: float = PATIENCE
    ) -> list[dict[str, Any]]:
        async def found() -> list[dict[str, Any]]:
            return [dict(row) for row in await rows(self.url, ITEMS)]

        return await witness.eventually(found, fits, seconds, what)

    async def item(self, subject: str, **wanted: object) -> dict[str, Any]:
        """Wait until the item of that subject is stored like this."""

        def fits(found: list[dict[str, Any]]) -> bool:
            return any(
                one["subject"] == subject and all(one[key] == wanted[key] for key in wanted)
                for one in found
            )

        found = await self.items(fits, f"{subject}: {wanted}")
        return next(one for one in found if one["subject"] == subject)

    async def ccm(self, *arguments: str) -> str:
        ran = await self.daemon.ccm(*arguments)
        assert ran.code == 0, ran
        return ran.out

    def steps(self, item: dict[str, Any], event: str, *data: str) -> int:
        """How often queue_log tells that of an item's placeholders."""
        return sum(
            row.event == event and item["id"].hex in row.call and row.data[: len(data)] == data
            for row in self.pbx.queue_log()
        )


@asynccontextmanager
async def site_with(
    servers: Servers, directory: Path, settings: str, *, plan: Plan = PLAN, also: Sequence[str] = ()
) -> AsyncIterator[Desk]:
    """All servers of a module, and a daemon with these settings of email; ``also``: mailboxes."""
    others = mail_servers(lambda line: print(line, file=sys.stderr))
    async with (
        Mail(others, [HELP, *MAIL_OF.values(), *also]) as system,
        Asterisk(servers, plan) as pbx,
        Database(directory / "postgres") as postgres,
    ):
        phones = {one: pbx.phone(one, [Answer(0.2), Obey()]) for one in NAMES}
        for phone in phones.values():
            await phone.start()
        url = await postgres.create("work")
        secret = directory / "mailbox.secret"
        secret.touch(mode=0o600)
        secret.write_text(system.password)
        more = settings.format(
            address=HELP, host=system.host, port=system.imaps_port, ca=system.certificate,
            secret=secret, submission=system.submission_port,
        )  # fmt: skip
        daemon = Daemon(
            directory / "daemon", pbx, database_url=url, recording="never", more=more,
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
        )  # fmt: skip
        async with daemon:
            yield Desk(pbx, Stage(pbx), daemon, system, url, phones)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    async with site_with(lab_servers, tmp_path_factory.mktemp("work"), MAILBOX) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: Desk) -> AsyncIterator[Desk]:
    for phone in site.phones.values():
        await phone.replug([Answer(0.2), Obey()])
    yield site
    await site.leave()


async def test_an_agent_takes_an_email_on_the_phone_and_is_busy_until_it_is_done(
    desk: Desk,
) -> None:
    await desk.arrives(mail("carl@customer.example", "Parcel"))
    await desk.item("Parcel", state="waiting")
    await desk.joins("1001")
    item = await desk.item("Parcel", state="queued")
    await desk.phones["1001"].seen("answered")
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    taken = await desk.item("Parcel", state="working", interface="PJSIP/1001")
    assert taken["placements"] == 1
    shown = await desk.pbx.cli("queue show support")
    assert "In use" in shown
    now = "SELECT state, reason FROM report.agent_now WHERE interface = 'PJSIP/1001'"
    works = [{"state": "working", "reason": "support"}]
    await witness.eventually(
        lambda: rows(desk.url, now), lambda found: found == works, 20, "Alice works on it"
    )
    assert await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", taken["id"])

    async def members() -> str:
        return await desk.pbx.cli("queue show support")

    await witness.eventually(members, lambda text: "Not in use" in text, 20, "Alice is free")
    await witness.eventually(
        lambda: rows(desk.url, now), lambda found: found[0]["state"] == "idle", 20, "Alice is idle"
    )
    # From the moment in which she answered the phone to the end of the email it is one interval.
    states = "SELECT state FROM report.agent_state WHERE interface = 'PJSIP/1001'"
    told = [row["state"] for row in await rows(desk.url, states)]
    assert told.count("working") == 1
    assert "talking" not in told
    sql = "SELECT channel, outcome, agents, offers, segments FROM report.interaction"
    (row,) = await rows(desk.url, sql)
    assert row == {
        "channel": "email", "outcome": "answered", "agents": ["Alice Arnold"], "offers": 1,
        "segments": 1,
    }  # fmt: skip


async def test_an_email_given_back_comes_again(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.arrives(mail("dora@customer.example", "Refund"))
    item = await desk.item("Refund", state="queued")
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("2")
    await until(lambda: desk.steps(item, "CONNECT") == 2, PATIENCE, "the next offer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    await desk.item("Refund", state="working", placements=2)
    sql = "SELECT outcome FROM ccm.offer WHERE interaction_id = $1 ORDER BY ordinal"
    assert [row["outcome"] for row in await rows(desk.url, sql, item["id"])] == [
        "ring_no_answer",
        "answered",
    ]


async def _serve(desk: Desk, before: int, calls: dict[str, Call], wanted: int) -> None:
    """Be the agents: talk for a moment to whom app_queue gives, until so many were served."""
    done: list[str] = []
    while len(done) < wanted:
        for row in desk.pbx.queue_log()[before:]:
            if row.event != "CONNECT":
                continue
            if row.call in done:
                continue
            if row.call in calls:
                done.append(row.call)
                await asyncio.sleep(1)
                await desk.stage.hang_up(calls[row.call])
            elif row.call.startswith("ccmwk-"):
                done.append(row.call)
                extension = next(one for one, name in NAMES.items() if name == row.agent)
                await asyncio.sleep(2)
                await desk.phones[extension].press("1")
                item = row.call.removeprefix("ccmwk-")[:32]
                await desk.items(
                    lambda found, item=item: any(  # type: ignore[misc]
                        one["id"].hex == item and one["state"] == "working" for one in found
                    ),
                    "taken",
                )
                await rows(desk.url, "SELECT ccm.end_work($1::uuid, 'answered', now())", item)
        await asyncio.sleep(0.2)


async def test_calls_and_emails_are_answered_in_one_order(desk: Desk) -> None:
    """Five of each, mixed, with two priorities, and two agents."""
    await desk.ccm("queue", "priority", "add", "support", "sender", "@vip.example", "10")
    await desk.joins("1001", "1002")
    for extension in NAMES:
        await desk.stage.pause("support", extension)
    before = len(desk.pbx.queue_log())
    calls: dict[str, Call] = {}
    came: list[tuple[int, str]] = []  # priority, and what it is
    for number, what in enumerate("ecEcCeceCe"):
        if what in "eE":
            who = "vera@vip.example" if what == "E" else f"carl{number}@customer.example"
            await desk.arrives(mail(who, f"Order {number}"))
            item = await desk.item(f"Order {number}")
            came.append((item["priority"], item["id"].hex))
        else:
            call = await desk.stage.call(URGENT if what == "C" else SUPPORT, [Obey()])
            calls[call.id] = call
            came.append((10 if what == "C" else 0, call.id))
        await asyncio.sleep(1.1)  # INTERNALDATE is in whole seconds
    assert [priority for priority, _ in came] == [0, 0, 10, 0, 10, 0, 0, 0, 10, 0]
    # Three placeholders stand: one for each agent, and one to come up.
    standing = "SELECT FROM ccm.work_placement WHERE ended_at IS NULL"
    await witness.eventually(
        lambda: rows(desk.url, standing), lambda found: len(found) == 3, PATIENCE, "placeholders"
    )

    def connected() -> int:
        return sum(row.event == "CONNECT" for row in desk.pbx.queue_log()[before:])

    # One after the other: of two phones that ring at the same time either may be answered first.
    for number, extension in enumerate(NAMES):
        await until(lambda number=number: connected() == number, PATIENCE, "an answer")  # type: ignore[misc]
        await desk.stage.pause("support", extension, paused=False)
    try:
        await asyncio.wait_for(_serve(desk, before, calls, 10), 200)
    finally:
        print(*desk.pbx.queue_log()[before:], sep="\n")
        print(
            *await rows(desk.url, "SELECT * FROM ccm.work_placement ORDER BY placed_at"), sep="\n"
        )
    served = [
        row.call.removeprefix("ccmwk-")[:32] if row.call.startswith("ccmwk-") else row.call
        for row in desk.pbx.queue_log()[before:]
        if row.event == "CONNECT"
    ]
    # sorted() keeps the order in which they came within one priority.
    assert served == [what for _, what in sorted(came, key=lambda one: -one[0])]


async def _takes(desk: Desk, extension: str, item: dict[str, Any], offers: int = 1) -> None:
    """The agent, whose phone has answered for the item, presses 1."""
    await until(lambda: desk.steps(item, "CONNECT") == offers, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones[extension].press("1")
    await until(lambda: desk.steps(item, "CCMWORKSTEP", "taken") == 1, PATIENCE, "taken")


async def _busy(desk: Desk, extension: str) -> bool:
    shown = await desk.pbx.cli("queue show support")
    (line,) = [one for one in shown.splitlines() if f"PJSIP/{extension}" in one]
    return "(In use)" in line


async def test_who_does_not_answer_did_not_take_it(desk: Desk) -> None:
    await desk.phones["1001"].replug([Decline()])
    await desk.joins("1001")
    await desk.arrives(mail("emil@customer.example", "Delay"))
    item = await desk.item("Delay", state="queued")
    await until(lambda: desk.steps(item, "RINGNOANSWER") >= 1, PATIENCE, "a ring-no-answer")
    await desk.pbx.cli("queue remove member PJSIP/1001 from support")
    await desk.joins("1002")
    await _takes(desk, "1002", item)
    await desk.item("Delay", state="working", interface="PJSIP/1002")
    sql = (
        "SELECT a.interface, o.outcome FROM ccm.offer o JOIN ccm.agent a ON a.id = o.agent_id "
        "WHERE interaction_id = $1 ORDER BY ordinal"
    )
    offers = [tuple(row.values()) for row in await rows(desk.url, sql, item["id"])]
    assert offers[0] == ("PJSIP/1001", "ring_no_answer")
    assert offers[-1] == ("PJSIP/1002", "answered")
    assert [outcome for _, outcome in offers].count("answered") == 1


async def test_what_is_taken_while_the_daemon_is_dead_is_taken(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.stage.pause("support", "1001")
    await desk.arrives(mail("frida@customer.example", "Night"))
    item = await desk.item("Night", state="queued")
    await asyncio.sleep(1.1)  # INTERNALDATE is in whole seconds
    await desk.arrives(mail("gus@customer.example", "Day"))
    await desk.item("Day", state="queued")
    await until(lambda: desk.steps(item, "ENTERQUEUE") == 1, PATIENCE, "it in the queue")
    await desk.daemon.kill()
    await desk.stage.pause("support", "1001", paused=False)
    await _takes(desk, "1001", item)
    await asyncio.sleep(3)
    assert await _busy(desk, "1001")
    await desk.daemon.start()
    taken = await desk.item("Night", state="working", interface="PJSIP/1001")
    sql = "SELECT * FROM ccm.work_placement WHERE item_id = $1"
    assert taken["placements"] == 1, await rows(desk.url, sql, item["id"])
    sql = "SELECT count(*) AS number FROM ccm.segment WHERE interaction_id = $1"
    assert await rows(desk.url, sql, item["id"]) == [{"number": 1}]
    # The agent is busy still: the other one waits, in the same placement as before.
    waits = await desk.item("Day", state="queued")
    assert waits["placements"] == 1
    assert await _busy(desk, "1001")
    await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", item["id"])
    await _takes(desk, "1001", waits)


async def test_asterisk_restarts(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.arrives(mail("hans@customer.example", "First"))
    first = await desk.item("First", state="queued")
    await _takes(desk, "1001", first)
    await desk.item("First", state="working")
    await desk.arrives(mail("ida@customer.example", "Second"))
    second = await desk.item("Second", state="queued", placements=1)
    await until(lambda: desk.steps(second, "ENTERQUEUE") == 1, PATIENCE, "it in the queue")
    await desk.pbx.kill()
    await desk.pbx.start()
    # Members of queues are forgotten by the lab's Asterisk; the agent logs in again.
    await desk.joins("1001")
    assert await _busy(desk, "1001")
    await desk.item("Second", state="queued", placements=2)
    await until(lambda: desk.steps(second, "ENTERQUEUE") == 2, PATIENCE, "it in the queue again")
    assert desk.steps(second, "CONNECT") == 0
    await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", first["id"])
    await _takes(desk, "1001", second)


async def test_emails_after_calls_and_not_when_closed(desk: Desk) -> None:
    await desk.ccm("queue", "priority", "add", "support", "sender", "@vip.example", "10")
    await desk.ccm("queue", "set", "support", "email_after_calls=yes")
    await desk.ccm("queue", "close", "support")
    await desk.joins("1001")
    await desk.stage.pause("support", "1001")
    await asyncio.sleep(8)  # longer than what is set takes to be known
    await desk.arrives(mail("jane@vip.example", "Later"))
    await desk.item("Later", state="waiting", priority=10)
    await asyncio.sleep(3)  # and longer than an item takes to be placed
    await desk.item("Later", state="waiting", placements=0)
    await desk.ccm("queue", "resume", "support")
    item = await desk.item("Later", state="queued")
    await until(lambda: desk.steps(item, "ENTERQUEUE") == 1, PATIENCE, "it in the queue")
    call = await desk.stage.call(SUPPORT, [Obey()])
    await desk.stage.pause("support", "1001", paused=False)
    await desk.stage.answered(call)
    assert desk.steps(item, "CONNECT") == 0
    await desk.stage.hang_up(call)
    await _takes(desk, "1001", item)


async def test_who_may_have_two_emails_gets_the_second_and_no_call(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.ccm("agent", "email", "PJSIP/1001", MAIL_OF["1001"], "--capacity", "2")
    await desk.arrives(mail("kim@customer.example", "One"))
    first = await desk.item("One", state="queued")
    await _takes(desk, "1001", first)
    await desk.item("One", state="working")
    call = await desk.stage.call(SUPPORT, [Obey()])
    await desk.arrives(mail("lou@customer.example", "Two"))
    second = await desk.item("Two")
    answered = ("CCMWORKSTEP", "answered")
    await until(lambda: desk.steps(second, *answered) == 1, PATIENCE, "Alice hears of it")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    await desk.item("Two", state="working", interface="PJSIP/1001")
    await desk.arrives(mail("mia@customer.example", "Three"))
    await desk.item("Three", state="queued")
    await asyncio.sleep(3)
    third = await desk.item("Three", state="queued")
    assert (desk.steps(third, *answered), desk.steps(third, "CONNECT")) == (0, 0)
    assert "CONNECT" not in desk.stage.events(call)
    for item in (first, second):
        assert await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", item["id"])
    await desk.stage.answered(call)
    await desk.stage.hang_up(call)
    await _takes(desk, "1001", third)
    sql = "SELECT outcome FROM ccm.offer WHERE interaction_id = $1"
    assert await rows(desk.url, sql, second["id"]) == [{"outcome": "answered"}]
    await desk.ccm("agent", "email", "PJSIP/1001", MAIL_OF["1001"], "--capacity", "1")


async def test_whom_calls_may_interrupt_gets_a_call_and_no_second_email(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.ccm("agent", "email", "PJSIP/1001", MAIL_OF["1001"], "--calls-interrupt")
    await desk.arrives(mail("nina@customer.example", "Alpha"))
    first = await desk.item("Alpha", state="queued")
    await _takes(desk, "1001", first)
    await desk.item("Alpha", state="working")
    await desk.arrives(mail("otto@customer.example", "Beta"))
    second = await desk.item("Beta")

    async def busy() -> bool:
        return await _busy(desk, "1001")

    await witness.eventually(busy, lambda is_so: not is_so, PATIENCE, "Alice free for calls")
    call = await desk.stage.answered_call(SUPPORT)
    await desk.stage.hang_up(call)
    await asyncio.sleep(3)  # longer than an item takes to be placed, or a phone to be rung
    waits = await desk.item("Beta", state="waiting")
    answered = ("CCMWORKSTEP", "answered")
    assert (desk.steps(waits, "CONNECT"), desk.steps(waits, *answered)) == (0, 0)
    await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", first["id"])
    await _takes(desk, "1001", second)
    await desk.item("Beta", state="working")
    await desk.ccm("agent", "email", "PJSIP/1001", MAIL_OF["1001"], "--calls-wait")
