"""What agents took is in their mailboxes, once, through a real Postfix and Dovecot."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr

import pytest
import pytest_asyncio
import witness
from lab.database import rows
from lab.processes import until
from lab.root import Servers
from lab.script import Answer, Obey
from test_work_lab import HELP, MAIL_OF, MAILBOX, PATIENCE, Desk, mail, site_with

from ccmiddleware.clock import utc_now
from ccmiddleware.mail.keys import signing_keys
from ccmiddleware.mail.tokens import ReplyTo, Use, read_address
from ccmiddleware.store.database import Database

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

ALICE = MAIL_OF["1001"]
SMTP = """
[smtp]
host = "{host}"
tls = "starttls"
port = {submission}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
timeout = 10
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    async with site_with(lab_servers, tmp_path_factory.mktemp("relay"), MAILBOX + SMTP) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site: Desk) -> AsyncIterator[Desk]:
    for phone in site.phones.values():
        await phone.replug([Answer(0.2), Obey()])
    yield site
    await site.leave()


async def relayed(desk: Desk, number: object, count: int) -> list[Message]:
    """Wait until the agent's mailbox holds so many mails about an item; they are those there are.

    Nothing that could bring another one is on its way then.
    """

    async def found() -> list[Message]:
        raws = await asyncio.to_thread(desk.mail.messages, ALICE)
        mails = [message_from_bytes(raw) for raw in raws]
        return [one for one in mails if str(one["Subject"]).startswith(f"[#{number}] ")]

    await witness.eventually(found, lambda some: len(some) >= count, PATIENCE, f"{count} relays")
    sql = "SELECT state FROM ccm.outbox WHERE kind = 'relay' AND state <> 'sent'"
    await witness.eventually(
        lambda: rows(desk.url, sql), lambda left: not left, PATIENCE, "nothing left to send"
    )
    mails = await found()
    assert len(mails) == count
    return mails


async def presses_1(desk: Desk, item: dict[str, object]) -> None:
    await until(lambda: desk.steps(item, "CONNECT") == 1, PATIENCE, "the agent's answer")
    await asyncio.sleep(2)
    await desk.phones["1001"].press("1")


async def test_what_an_agent_takes_is_in_his_mailbox_and_what_the_customer_adds(
    desk: Desk,
) -> None:
    await desk.joins("1001")
    await desk.arrives(mail("carl@customer.example", "Parcel"))
    item = await desk.item("Parcel", state="queued")
    await presses_1(desk, item)
    await desk.item("Parcel", state="working", interface="PJSIP/1001")
    (first,) = await relayed(desk, item["number"], 1)
    async with Database(desk.url) as database:
        keys = await signing_keys(database, utc_now)
    (agent,) = await rows(desk.url, "SELECT id FROM ccm.agent WHERE email = $1", ALICE)
    _, address = parseaddr(str(first["Reply-To"]))
    told = read_address(address, keys, utc_now(), Use.AGENT, [str(agent["id"])])
    assert isinstance(told, ReplyTo), told
    assert (told.item, told.agent) == (item["id"], str(agent["id"]))
    assert "Hello, Parcel?" in str(first.get_payload())
    more = (
        f"From: Carl <carl@customer.example>\r\nTo: {HELP}\r\nSubject: Re: Parcel\r\n"
        "Message-ID: <more.carl@customer.example>\r\n"
        "In-Reply-To: <Parcel.carl@customer.example>\r\n\r\nIt is urgent.\r\n"
    ).encode()
    await desk.arrives(more)
    _, second = await relayed(desk, item["number"], 2)
    assert "It is urgent." in str(second.get_payload())
    assert second["In-Reply-To"] == first["Message-ID"]


async def test_what_is_taken_by_hand_is_offered_to_nobody_else(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.stage.pause("support", "1001")
    await desk.arrives(mail("dora@customer.example", "Refund"))
    item = await desk.item("Refund", state="queued")
    await until(lambda: desk.steps(item, "ENTERQUEUE") == 1, PATIENCE, "it in the queue")
    ran = await desk.daemon.ccm("email", "take", str(item["number"]), "--agent", "1001")
    assert ran.code == 0, ran.err
    sql = "SELECT outcome FROM ccm.work_placement WHERE item_id = $1"
    await witness.eventually(
        lambda: rows(desk.url, sql, item["id"]),
        lambda found: [row["outcome"] for row in found] == ["withdrawn"],
        PATIENCE,
        "the placeholder gone",
    )
    assert item["id"].hex not in await desk.pbx.cli("core show channels concise")
    await desk.joins("1002")
    await relayed(desk, item["number"], 1)
    taken = await desk.item("Refund", state="working", interface="PJSIP/1001")
    assert taken["placements"] == 1
    assert desk.steps(item, "CONNECT") == 0
    again = await desk.daemon.ccm("email", "take", str(item["number"]), "--agent", "1002")
    assert again.code == 1
    assert "Alice Arnold's since" in again.err


async def test_a_daemon_that_is_killed_after_the_taking_sends_it_once(desk: Desk) -> None:
    await desk.joins("1001")
    await desk.arrives(mail("emil@customer.example", "Delay"))
    item = await desk.item("Delay", state="queued")
    await desk.mail.postfix.stop()
    await presses_1(desk, item)
    await desk.item("Delay", state="working", interface="PJSIP/1001")
    await desk.daemon.kill()
    await desk.daemon.launch()  # it is not well: it can't send
    sql = "SELECT FROM ccm.email_relay WHERE item_id = $1"
    await witness.eventually(
        lambda: rows(desk.url, sql, item["id"]), lambda found: bool(found), PATIENCE, "a relay"
    )
    await desk.daemon.kill()
    await desk.mail.postfix.start()
    await desk.daemon.start()
    sql = "UPDATE ccm.outbox SET next_attempt_at = now() WHERE state = 'queued'"
    await rows(desk.url, sql)  # it was tried while Postfix was away
    await relayed(desk, item["number"], 1)
    assert (
        len(await rows(desk.url, "SELECT FROM ccm.email_relay WHERE item_id = $1", item["id"])) == 1
    )
