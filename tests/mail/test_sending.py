"""What a node says of its outbox, with and without a server; on a real Postgres."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, begin_term
from mail.test_outbox import Post
from mail.wire_peer import Hear, HearData, Say, serving

from ccmiddleware.config_mail import SmtpSettings
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.sending import NO_SERVER, Sending, State
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.database import Database
from ccmiddleware.vitals import _outbox


@pytest.fixture
async def post(database: Database) -> Post:
    return Post(database)


def sending(post: Post, term: int, settings: SmtpSettings | None) -> Sending:
    async def certain() -> None: ...

    return Sending(NODE, term, settings, post.database, certain=certain, clock=lambda: post.now)


async def running(sends: Sending, wanted: Callable[[State], bool]) -> None:
    """Run it until its state is so."""
    task = asyncio.get_running_loop().create_task(sends.run())
    try:
        async with asyncio.timeout(20):
            while not wanted(sends.state):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await sends.end(5)
        task.cancel()
        await asyncio.wait([task])


async def test_without_a_server_it_waits_and_that_is_trouble_only_then(post: Post):
    sends = sending(post, await post.prepare(), None)
    assert _outbox(NODE, sends).status == "ok"
    assert _outbox(NODE, sends).detail == NO_SERVER
    await post.put(1)
    await running(sends, lambda state: state.queued == 1)
    part = _outbox(NODE, sends)
    assert part.status == "degraded"
    assert part.figures == {
        "queued": 1,
        "queued_since": NOW.isoformat(timespec="seconds"),
        "unknown": 0,
        "failed_last_day": 0,
    }
    assert await post.states() == {1: "queued"}


async def test_what_can_be_sent_is(post: Post, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccmiddleware.mail.sending.COUNT_SECONDS", 0.05)
    term = await post.prepare()
    await post.put(1)
    script = [
        Say(b"220 x\r\n"), Hear("EHLO", b"250 x\r\n"), Hear("MAIL", b"250 ok\r\n"),
        Hear("RCPT", b"250 ok\r\n"), Hear("DATA", b"354 go\r\n"), HearData(), Say(b"250 ok\r\n"),
        Hear("QUIT", b"221 bye\r\n"),
    ]  # fmt: skip
    async with serving(script) as peer:
        sends = sending(post, term, SmtpSettings(host="127.0.0.1", port=peer.port, tls="none"))
        task = asyncio.get_running_loop().create_task(sends.run())
        async with asyncio.timeout(20):
            while await post.states() != {1: "sent"}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await sends.end(5)
        task.cancel()
        await asyncio.wait([task])
    assert sends.state.trouble == ""


async def test_a_server_that_is_away_is_told_and_counted(post: Post):
    term = await post.prepare()
    for number in (1, 2, 3, 4):
        await post.put(number)
    await post.database.rows("UPDATE ccm.outbox SET state = 'unknown' WHERE message_id LIKE '2@%'")
    for number, ago in ((3, timedelta(hours=23)), (4, timedelta(hours=25))):
        await post.database.rows(
            "UPDATE ccm.outbox SET state = 'failed', done_at = $2 WHERE message_id = $1",
            f"{number}@shop.example",
            NOW - ago,
        )
    sends = sending(post, term, SmtpSettings(host="127.0.0.1", port=1, tls="none", timeout=2))
    await running(
        sends,
        lambda state: (
            (state.queued, state.unknown, state.failed) == (1, 1, 1) and bool(state.trouble)
        ),
    )
    # claimed: it was ended amid the next attempt, which the next leader takes back.
    assert (await post.states())[1] in ("queued", "claimed")
    assert "SMTP 127.0.0.1:1: " in _outbox(NODE, sends).detail
    assert _outbox(NODE, sends).status == "degraded"


async def test_a_node_without_mailboxes_has_no_outbox_to_count(database: Database):
    term = await begin_term(database)
    assert await database.fetch("outbox_counts", NODE, NOW) == []

    async def decide(*_: object) -> Opens:
        return Opens("")

    await Filing(database, NODE, term, MAILBOX, decide, lambda: NOW).open(QUEUE)
    (row,) = await database.fetch("outbox_counts", None, NOW)
    assert (row["node"], row["queued"], row["queued_since"]) == (NODE, 0, None)
