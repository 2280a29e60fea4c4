"""Each trap of plain aioimaplib on a real Dovecot, and that ours does not have it.

The half about plain aioimaplib says why ``imap_link`` exists: when one of these fails after an
update of the library, something there can go.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes

import pytest
import pytest_asyncio
from aioimaplib import aioimaplib
from lab.mail import Mail
from lab.root import mail_servers

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail import imap
from ccmiddleware.mail.imap import AuthenticationRefused, Mailbox

pytestmark = pytest.mark.lab

MANY = 5000
QUEUE, CROWDED, OTHER = "support@shop.example", "crowd@shop.example", "other@shop.example"
STARS = b"From: a@b.example\r\nSubject: a * b * c\r\n\r\n* one\r\n* 2 EXISTS\r\nA1 OK (\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mail() -> AsyncIterator[Mail]:
    servers = mail_servers(lambda line: print(line, file=sys.stderr))
    async with Mail(servers, [QUEUE, CROWDED, OTHER]) as system:
        crowd(system)
        await asyncio.to_thread(system.append, QUEUE, STARS)
        yield system


def crowd(mail: Mail) -> None:
    """A mailbox of many messages: the APPEND of so many would take a minute, so one is copied."""
    with mail.session(CROWDED) as client:
        client.append("INBOX", "", "", b"Subject: crowd\r\n\r\nx\r\n")
        client.select("INBOX")
        there = 1
        while there < MANY:
            more = min(there, MANY - there)
            client.copy(f"1:{more}", "INBOX")
            there += more


@contextlib.asynccontextmanager
async def plain(mail: Mail, account: str, seconds: float = 3) -> AsyncIterator[aioimaplib.IMAP4]:
    client = aioimaplib.IMAP4(mail.host, mail.imaps_port, timeout=seconds, ssl_context=mail.tls())
    await client.wait_hello_from_server()
    await client.login(account, mail.password)
    await client.select("INBOX")
    try:
        yield client
    finally:
        client.protocol.transport.abort()
        for task in client.tasks | client.protocol.tasks:
            task.cancel()
        await asyncio.sleep(0.05)


async def ours(
    mail: Mail,
    account: str,
    security: imap.Security = "tls",
    patience: imap.Patience | None = None,
    login: imap.Login | None = None,
) -> Mailbox:
    ports = {"tls": mail.imaps_port, "starttls": mail.imap_port, "plain": mail.imap_port}
    server = imap.Server(mail.host, ports[security], security, str(mail.certificate))
    return await imap.connect(server, login or imap.Login(account, mail.password), patience)


@contextlib.contextmanager
def fatal() -> Iterator[list[object]]:
    """Exceptions that end a connection; here they are expected."""
    found: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context.get("exception")))
    try:
        yield found
    finally:
        loop.set_exception_handler(None)


async def test_1_thousands_of_lines_at_once(mail: Mail) -> None:
    with fatal() as errors:
        async with plain(mail, CROWDED) as client:
            with pytest.raises(TimeoutError):  # not that of the client, which never comes
                await asyncio.wait_for(client.uid("fetch", "1:*", "(UID FLAGS)"), 5)
    assert any(isinstance(one, RecursionError) for one in errors)
    async with await ours(mail, CROWDED) as box:
        assert (await box.select("INBOX")).exists == MANY
        uids = await box.uids_from(1)
        assert len(uids) == MANY
        got = [one.uid async for one in box.fetch(uids)]
        assert got == uids


async def test_2_many_commands_at_once(mail: Mail) -> None:
    with fatal():
        async with plain(mail, CROWDED) as client:
            asked = [client.uid("fetch", f"{uid}", "(BODY.PEEK[])") for uid in range(1, 21)]
            went = await asyncio.gather(*asked, return_exceptions=True)
    assert any(isinstance(one, Exception) for one in went)
    async with await ours(mail, CROWDED) as box:
        await box.select("INBOX")

        async def fetch(uid: int) -> list[int]:
            return [one.uid async for one in box.fetch([uid])]

        assert await asyncio.gather(*map(fetch, range(1, 21))) == [[uid] for uid in range(1, 21)]


async def test_3_a_lost_connection_wakes_who_waits(mail: Mail) -> None:
    async with plain(mail, OTHER) as client:
        box = await ours(mail, OTHER)
        await box.select("INBOX")
        ending = asyncio.gather(box.idle(1000), return_exceptions=True)
        await client.idle_start()
        pushed = asyncio.gather(client.wait_server_push(4), return_exceptions=True)
        await asyncio.sleep(0.3)
        await mail.dovecot.kill()
        (error,) = await asyncio.wait_for(ending, 3)
        assert isinstance(error, TemporaryError)
        assert not pushed.done()
        (late,) = await pushed
        assert not isinstance(late, list)
        await box.close()
    await mail.dovecot.start()


async def test_4_a_timeout_leaves_no_connection_that_waits_for_ever(mail: Mail) -> None:
    async with plain(mail, OTHER, 0.5) as client:
        box = await ours(mail, OTHER, patience=imap.Patience(quiet=0.5))
        await mail.dovecot.freeze()
        try:
            with pytest.raises(TimeoutError):
                await client.select("INBOX")
            with pytest.raises(TemporaryError, match="no answer to SELECT in time"):
                await box.select("INBOX")
        finally:
            mail.dovecot.thaw()
        await asyncio.sleep(0.3)
        assert box.over
        with pytest.raises(TemporaryError, match="not sent"):
            await box.noop()
        await box.close()
    async with await ours(mail, OTHER) as again:
        await again.select("INBOX")


async def test_5_xoauth2_with_a_bad_and_a_good_token(mail: Mail) -> None:
    client = aioimaplib.IMAP4(mail.host, mail.imaps_port, timeout=1, ssl_context=mail.tls())
    await client.wait_hello_from_server()
    with pytest.raises(TimeoutError):
        await client.xoauth2(QUEUE, "bad")
    client.protocol.transport.abort()

    good = aioimaplib.IMAP4(mail.host, mail.imaps_port, timeout=5, ssl_context=mail.tls())
    await good.wait_hello_from_server()
    assert (await good.xoauth2(QUEUE, mail.token(QUEUE))).result == "OK"
    assert not good.has_capability("MOVE")
    good.protocol.transport.abort()
    await asyncio.sleep(0.05)

    with pytest.raises(AuthenticationRefused, match=f"login of {QUEUE} refused"):
        await ours(mail, QUEUE, login=imap.Login(QUEUE, "bad", "xoauth2"))
    with pytest.raises(AuthenticationRefused):
        await ours(mail, QUEUE, login=imap.Login(OTHER, mail.token(QUEUE), "xoauth2"))
    async with await ours(
        mail, QUEUE, login=imap.Login(QUEUE, mail.token(QUEUE), "xoauth2")
    ) as box:
        assert {"MOVE", "UIDPLUS", "IDLE"} <= box.capabilities
        assert (await box.select("INBOX")).exists >= 1


async def test_a_wrong_password_is_an_authentication_error(mail: Mail) -> None:
    for user, secret in ((QUEUE, 'wr"ong\\'), ("nobody@shop.example", "x"), ('a" b', "pässwörd")):
        with pytest.raises(AuthenticationRefused):
            await ours(mail, QUEUE, login=imap.Login(user, secret))
    with pytest.raises(PermanentError, match="can't carry"):
        await ours(mail, QUEUE, login=imap.Login(QUEUE, "x\r\nA1 LOGOUT"))


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_6_tls_both_ways_and_nobody_else_is_believed(
    mail: Mail, security: imap.Security
) -> None:
    assert not hasattr(aioimaplib.IMAP4, "starttls")
    async with await ours(mail, QUEUE, security) as box:
        await box.select("INBOX")
    port = mail.imaps_port if security == "tls" else mail.imap_port
    login = imap.Login(QUEUE, mail.password)
    with pytest.raises(PermanentError, match="certificate"):
        await imap.connect(imap.Server(mail.host, port, security), login)
    unverified = imap.Server(mail.host, port, security, verify=False)
    await (await imap.connect(unverified, login)).logout()


async def test_tls_is_not_spoken_where_it_is_not(mail: Mail) -> None:
    server = imap.Server(mail.host, mail.imap_port, "tls", str(mail.certificate))
    with pytest.raises(TemporaryError):
        await imap.connect(server, imap.Login(QUEUE, mail.password), imap.Patience(connect=5))


async def test_7_text_arrives_as_it_was_sent(mail: Mail) -> None:
    async with plain(mail, QUEUE) as client:
        _, lines = await client.fetch("1", "(ENVELOPE)")
        assert b"a b c" in lines[0]
    async with await ours(mail, QUEUE) as box:
        await box.select("INBOX")
        (one,) = [one async for one in box.fetch([1])]
    assert one.raw == STARS
    assert one.problem == ""
    assert message_from_bytes(one.raw)["Subject"] == "a * b * c"
    assert one.size == len(STARS)


async def test_8_names_of_folders(mail: Mail) -> None:
    async with plain(mail, OTHER) as client:
        assert (await client.create("Sent Items")).result != "OK" or "Sent" in folders(mail)
    async with await ours(mail, OTHER) as box:
        for name in ("Done Items", "Entwürfe & mehr", 'quo"ted', "台北"):
            with pytest.raises(PermanentError, match="folder"):
                await box.select(name)
            await box.ensure_folder(name)
            await box.ensure_folder(name)
            assert (await box.select(name)).exists == 0
    assert {'"Done Items"', '"Entw&APw-rfe &- mehr"', '"quo\\"ted"', "&U,BTFw-"} <= folders(mail)


def folders(mail: Mail) -> set[str]:
    with mail.session(OTHER) as client:
        listed = [line for line in client.list()[1] if isinstance(line, bytes)]
        return {line.decode().partition(' "/" ')[2] for line in listed}


async def test_9_nothing_below_the_range_is_found(mail: Mail) -> None:
    async with plain(mail, QUEUE) as client:
        _, lines = await client.uid_search("UID 100:*", charset=None)
        assert lines[0] == b"1"
    async with await ours(mail, QUEUE) as box:
        await box.select("INBOX")
        assert await box.uids_from(100) == []
        assert await box.uids_from(1) == [1]


async def test_10_refusals_are_errors(mail: Mail) -> None:
    async with plain(mail, QUEUE) as client:
        assert (await client.select("Nowhere")).result == "NO"
    async with await ours(mail, QUEUE) as box:
        with pytest.raises(PermanentError, match="folder Nowhere"):
            await box.select("Nowhere")


async def test_an_intake_as_it_will_be(mail: Mail) -> None:
    raws = [b"Subject: n%d\r\n\r\n\x00 8-bit \xe4\r\n" % number for number in range(30)]
    await asyncio.to_thread(mail.append, OTHER, *raws)
    async with await ours(mail, OTHER) as box:
        found = await box.select("INBOX")
        uids = await box.uids_from(1)
        got = [one.raw async for one in box.fetch(uids)]
        # IMAP has no NUL outside of BINARY; what Dovecot puts in its place is Dovecot's.
        assert got == [raw.replace(b"\x00", b"\x80") for raw in raws]
        await box.add_flag(uids[:2], "\\Seen")
        await box.add_flag(uids[2:4], "$Stored")
        await box.move(uids[4:], "Archive/2026")
        assert await box.uids_from(1) == uids[:4]
        assert (await box.select("INBOX")).uidnext == found.uidnext
    assert len(mail.messages(OTHER, "Archive/2026")) == 26
    flags = [one - {"\\Recent", "$HasNoAttachment"} for one in mail.flags(OTHER)]
    assert flags == [{"\\Seen"}, {"\\Seen"}, {"$Stored"}, {"$Stored"}]


async def test_idle_hears_of_a_message_and_of_its_time(mail: Mail) -> None:
    async with await ours(mail, QUEUE) as box:
        found = await box.select("INBOX")
        assert await box.idle(0.2) is False
        idle = asyncio.gather(box.idle(60))
        await asyncio.to_thread(mail.append, QUEUE, b"Subject: new\r\n\r\nx\r\n")
        assert await asyncio.wait_for(idle, 30) == [True]
        assert found.uidnext is not None
        assert len(await box.uids_from(found.uidnext)) == 1


async def test_messages_expunged_by_others_between_search_and_fetch(mail: Mail) -> None:
    await asyncio.to_thread(
        mail.append, QUEUE, b"Subject: x\r\n\r\nx\r\n", b"Subject: y\r\n\r\ny\r\n"
    )
    async with await ours(mail, QUEUE) as box:
        await box.select("INBOX")
        uids = await box.uids_from(1)
        with mail.session(QUEUE) as client:
            client.select("INBOX")
            client.uid("STORE", str(uids[-2]), "+FLAGS", "\\Deleted")
            client.expunge()
        got = [one async for one in box.fetch(uids)]
        assert [one.uid for one in got if not one.problem][-1] == uids[-1]
        assert uids[-2] not in [one.uid for one in got]
        await box.add_flag([uids[-2]], "\\Seen")
        await box.move([uids[-2]], "Gone")


async def test_a_message_over_the_limit_comes_as_its_header(mail: Mail) -> None:
    header = b"Subject: large\r\nX: " + b"y" * 500 + b"\r\n\r\n"
    await asyncio.to_thread(mail.append, QUEUE, header + b"z" * 20_000 + b"\r\n")
    server = imap.Server(mail.host, mail.imaps_port, "tls", str(mail.certificate))
    limits = imap.Limits(message_bytes=10_000, header_bytes=200)
    login = imap.Login(QUEUE, mail.password)
    async with await imap.connect(server, login, limits=limits) as box:
        await box.select("INBOX")
        one = [one async for one in box.fetch(await box.uids_from(1))][-1]
    assert one.raw == header[:200]
    assert "more than the limit of 10000" in one.problem
    assert one.size > 20_000
