"""Emails whose time is nearly over, on real servers: each way of escalating, once, in time."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest
import pytest_asyncio
import witness
from lab.database import rows
from lab.plan import Queue
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Obey
from test_relay_lab import SMTP
from test_work_lab import HELP, MAILBOX, PATIENCE, PLAN, SUPPORT, Desk, mail, site_with

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LEAD = "lead@shop.example"
SECOND = Queue("second", "12025550102", members=(), keys="", ring=20, more=("ringinuse = no",))
SETTINGS = (
    "email_first_response", "email_escalate_before", "email_escalate_to", "email_take_back"
)  # fmt: skip
CLOCK = """
SELECT k.steps, k.warn_at, k.due_at, k.ended_at FROM ccm.service_clock k
JOIN ccm.work_item w ON w.conversation_id = k.conversation_id
WHERE w.id = $1 AND k.goal = 'first_response'
"""
ESCALATED = """
SELECT at, data FROM ccm.interaction_event
WHERE interaction_id = $1 AND kind = 'escalated' ORDER BY at
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    plan = replace(PLAN, queues=(*PLAN.queues, SECOND))
    directory = tmp_path_factory.mktemp("escalation")
    async with site_with(lab_servers, directory, MAILBOX + SMTP, plan=plan, also=[LEAD]) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: Desk) -> AsyncIterator[Desk]:
    for phone in site.phones.values():
        await phone.replug([Answer(0.2), Obey()])
    yield site
    await site.ccm("queue", "set", "support", *(f"{name}=" for name in SETTINGS))
    await site.leave()


async def order(desk: Desk) -> list[str]:
    """Who waits in the queue, first to last: the channels' names without what counts them."""
    shown = await desk.pbx.cli("queue show support")
    _, _, callers = shown.partition("Callers:")
    return [line.split()[1].partition("-")[0] for line in callers.splitlines() if ". " in line]


async def escalated(
    desk: Desk, item: dict[str, Any], count: int, seconds: float = PATIENCE
) -> list[dict[str, Any]]:
    """Wait until so many escalations of it are written down."""

    async def found() -> list[dict[str, Any]]:
        return [
            {"at": row["at"], "data": json.loads(str(row["data"]))}
            for row in await rows(desk.url, ESCALATED, item["id"])
        ]

    return await witness.eventually(
        found, lambda some: len(some) == count, seconds, f"{count} escalations"
    )


async def test_an_email_behind_calls_is_escalated_and_served_first(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.stage.pause("support", "1001")
    before = len(desk.pbx.queue_log())
    calls = [await desk.stage.call(SUPPORT, [Obey()]) for _ in range(2)]
    await asyncio.sleep(1.5)  # when an email came is told by IMAP in whole seconds
    await desk.arrives(mail("carl@customer.example", "Parcel"))
    item = await desk.item("Parcel", state="queued")
    await until(lambda: desk.steps(item, "ENTERQUEUE") == 1, PATIENCE, "it in the queue")
    email = f"Local/{item['id'].hex}@ccm"
    assert await order(desk) == ["PJSIP/trunk", "PJSIP/trunk", email]
    # Nearly due from its first seconds on, and due in half an hour.
    await desk.ccm(
        "queue", "set", "support", "email_first_response=1800s", "email_escalate_before=1799s",
        "email_escalate_to=priority=50",
    )  # fmt: skip
    await escalated(desk, item, 1)
    await witness.eventually(
        lambda: order(desk), lambda found: found[0] == email, PATIENCE, "it before the calls"
    )
    await desk.stage.pause("support", "1001", paused=False)
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    # Moved, not placed anew: this Asterisk can do it.
    assert desk.steps(item, "ENTERQUEUE") == 1
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    taken = await desk.item("Parcel", state="working", priority=50)
    assert taken["placements"] == 1
    await rows(desk.url, "SELECT ccm.end_work($1, 'answered', now())", item["id"])
    for call in calls:
        await desk.stage.answered(call)
        await desk.stage.hang_up(call)
    served = [row.call for row in desk.pbx.queue_log()[before:] if row.event == "CONNECT"]
    assert served[0].startswith("ccmwk-")
    assert served[1:] == [call.id for call in calls]


async def test_each_way_once_and_in_time_whenever_the_daemon_is_killed(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.stage.pause("support", "1001")
    await desk.ccm(
        "queue", "set", "support", "email_first_response=100s", "email_escalate_before=80s",
        f"email_escalate_to=priority=50,queue:second,notify:{LEAD}",
    )  # fmt: skip
    await desk.arrives(mail("dora@customer.example", "Refund"))
    item = await desk.item("Refund", state="queued", priority=0)
    (clock,) = await witness.eventually(
        lambda: rows(desk.url, CLOCK, item["id"]), lambda found: len(found) == 1, PATIENCE, "clock"
    )
    assert clock["steps"] == []
    # Its moment comes while no daemon lives …
    await desk.daemon.kill()
    now = "SELECT now() > $1::timestamptz AS passed"
    await witness.eventually(
        lambda: rows(desk.url, now, clock["warn_at"]),
        lambda found: found[0]["passed"], PATIENCE, "the moment",
    )  # fmt: skip
    assert await rows(desk.url, ESCALATED, item["id"]) == []
    await desk.daemon.start()
    (told,) = await escalated(desk, item, 1)
    # … and the next one dies when it has just done it: the notice is sent by the one after.
    await desk.daemon.kill()
    await desk.daemon.start()
    assert told["at"] < clock["due_at"]
    assert told["data"]["steps"] == ["warned"]
    assert (told["data"]["priority"], told["data"]["queue"]) == (50, "second")
    sql = """
    SELECT w.state, w.priority, q.name AS queue
    FROM ccm.work_item w JOIN ccm.queue q ON q.id = w.queue_id WHERE w.id = $1
    """
    waits = [{"state": "waiting", "priority": 50, "queue": "second"}]
    assert await rows(desk.url, sql, item["id"]) == waits
    outcomes = "SELECT outcome FROM ccm.work_placement WHERE item_id = $1"
    await witness.eventually(
        lambda: rows(desk.url, outcomes, item["id"]),
        lambda found: found == [{"outcome": "withdrawn"}], PATIENCE, "out of the first queue",
    )  # fmt: skip
    (notice,) = [message_from_bytes(raw) for raw in await desk.mail.arrived(LEAD, 1)]
    assert notice["Subject"] == f"Email {item['number']} in support is nearly due"
    assert notice["From"].endswith(f"<{HELP}>")
    # The second queue promised nothing, so that nothing follows; nor after another start.
    await desk.daemon.kill()
    await desk.daemon.start()
    await desk.arrives(mail("emil@customer.example", "Later"))
    later = await desk.item("Later", priority=0)
    await witness.eventually(
        lambda: rows(desk.url, CLOCK, later["id"]), lambda found: len(found) == 1, PATIENCE, "clock"
    )
    assert len(await rows(desk.url, ESCALATED, item["id"])) == 1
    assert await rows(desk.url, sql, item["id"]) == waits
    assert len(await asyncio.to_thread(desk.mail.messages, LEAD)) == 1


async def test_who_sits_on_it_is_told_of_once_more_and_loses_it(desk: Desk) -> None:
    already = len(await asyncio.to_thread(desk.mail.messages, LEAD))
    await desk.joins("1001")
    await desk.arrives(mail("fred@customer.example", "Delay"))
    item = await desk.item("Delay", state="queued")
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")
    await desk.item("Delay", state="working")
    await desk.stage.pause("support", "1001")
    await desk.ccm(
        "queue", "set", "support", "email_first_response=90s", "email_escalate_before=85s",
        f"email_escalate_to=notify:{LEAD}", "email_take_back=yes",
    )  # fmt: skip
    (told,) = await escalated(desk, item, 1)
    await desk.daemon.kill()
    await desk.daemon.start()
    first, second = await escalated(desk, item, 2, 2 * PATIENCE)
    (clock,) = await rows(desk.url, CLOCK, item["id"])
    assert first == told
    if first["at"] < clock["due_at"]:  # else both were done at once, by a machine that stalled
        assert (first["data"]["steps"], second["data"]["steps"]) == (["warned"], ["overdue"])
    await desk.daemon.kill()
    await desk.daemon.start()
    waits = await desk.item("Delay", state="queued")
    assert waits["placements"] == 2
    mails = [message_from_bytes(raw) for raw in await desk.mail.arrived(LEAD, already + 2)]
    assert [str(one["Subject"]) for one in mails[already:]] == [
        f"Email {item['number']} in support is nearly due",
        f"Email {item['number']} in support is overdue",
    ]
    assert len(await rows(desk.url, ESCALATED, item["id"])) == 2
