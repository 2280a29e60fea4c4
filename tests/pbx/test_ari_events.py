"""The event socket against a real WebSocket server: order, markers, outages, hostile text."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import aiohttp
import pytest
from ari_peer import SECRET, AriPeer, ari_peer, event
from structlog.testing import capture_logs

from ccmiddleware.clock import utc_now
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.ari_events import AriDown, AriEvents, AriGap, AriItem, AriUp, BackOff
from ccmiddleware.pbx.ari_http import open_session
from ccmiddleware.pbx.ari_model import (
    ApplicationReplaced,
    AriEvent,
    ChannelDestroyed,
    ChannelDtmfReceived,
    StasisEnd,
    StasisStart,
)

DEADLINE = 20.0
QUICK = BackOff(first=0.01, longest=0.05, refused=0.05)


@pytest.fixture
async def peer() -> AsyncIterator[AriPeer]:
    async with ari_peer() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as running:
        yield running


@asynccontextmanager
async def running(
    peer: AriPeer,
    session: aiohttp.ClientSession,
    *,
    on_connected: Callable[[], Awaitable[None]] | None = None,
    queue_size: int = 1000,
    back_off: BackOff = QUICK,
    subscribe_all: bool = False,
    **settings: Any,
) -> AsyncIterator[AriEvents]:
    events = AriEvents(
        "pbx1",
        peer.settings(**settings),
        session,
        on_connected=on_connected,
        clock=utc_now,
        random=Random(1),
        queue_size=queue_size,
        back_off=back_off,
        subscribe_all=subscribe_all,
    )
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(events.run())
        yield events
        task.cancel()


async def read(events: AriEvents, count: int) -> list[AriItem]:
    """The next ``count`` items or a few more."""
    items: list[AriItem] = []
    while len(items) < count:
        items += await events.read()
    return items


def kinds(items: list[AriItem]) -> list[str]:
    return [type(item).__name__ for item in items]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for knows no test
        await asyncio.sleep(0.005)


async def test_events_are_typed_and_in_order(peer: AriPeer, session: aiohttp.ClientSession) -> None:
    async with running(peer, session, subscribe_all=True) as events:
        socket = await peer.until_connected(1)
        channel = {"id": "1.2", "state": "Up", "caller": {"name": "Ann", "number": "1"}}
        await socket.send_str(event("StasisStart", args=["work", "7"], channel=channel))
        await socket.send_str(
            event("ChannelDtmfReceived", digit="#", duration_ms=120, channel=channel)
        )
        await socket.send_str(event("StasisEnd", channel=channel))
        up, start, key, end = await read(events, 4)
        state = events.state

    assert isinstance(up, AriUp)
    assert isinstance(start, StasisStart)
    assert start.args == ("work", "7")
    assert start.channel.caller.name == "Ann"
    assert start.at == datetime(2026, 3, 1, 11, 0, 0, 250_000, tzinfo=UTC)
    assert isinstance(key, ChannelDtmfReceived)
    assert (key.digit, key.duration_ms) == ("#", 120)
    assert isinstance(end, StasisEnd)
    assert peer.queries == [{"app": "ccm", "subscribeAll": "true"}]
    assert (state.up, state.reason, state.reconnects, state.received) == (True, "", 0, 3)


async def test_unknown_types_are_ignored_and_missing_fields_have_defaults(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    async with running(peer, session) as events:
        socket = await peer.until_connected(1)
        await socket.send_str(event("ChannelVarset", variable="X", channel="not even an object"))
        await socket.send_str('{"type": "ChannelDestroyed", "channel": null, "cause": "16"}')
        _, destroyed = await read(events, 2)

    assert isinstance(destroyed, ChannelDestroyed)
    assert (destroyed.channel.id, destroyed.cause) == ("", 16)
    assert (utc_now() - destroyed.at).total_seconds() < DEADLINE
    assert events.state.received == 2


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-03-01T12:00:00", None, 7])
async def test_a_time_that_is_none_is_the_time_of_reading(
    peer: AriPeer, session: aiohttp.ClientSession, stamp: Any
) -> None:
    before = utc_now()
    async with running(peer, session) as events:
        socket = await peer.until_connected(1)
        await socket.send_str(event("StasisEnd", timestamp=stamp))
        await socket.send_str(event("StasisEnd", timestamp="2026-03-01T12:00:00.250+0100"))
        items = [item for item in await read(events, 2) if isinstance(item, AriEvent)]
        while not items:
            items += [item for item in await events.read() if isinstance(item, AriEvent)]

    if stamp == 7:  # not text at all: the event can't be read
        assert items[0].at == datetime(2026, 3, 1, 11, 0, 0, 250_000, tzinfo=UTC)
        assert events.state.malformed == 1
    else:
        assert before <= items[0].at <= utc_now()


async def test_malformed_messages_are_counted_and_do_no_harm(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    bad = ["", "{", "[]", '"x"', '{"type": 7}', '{"type": "StasisEnd", "channel": 7}', "[" * 5000]
    with capture_logs() as logs:
        async with running(peer, session) as events:
            socket = await peer.until_connected(1)
            for text in bad:
                await socket.send_str(text)
            await socket.send_bytes(b"\xff\x00")
            await socket.send_str(event("StasisEnd"))
            items = await read(events, 2)
            state = events.state

    assert kinds(items) == ["AriUp", "StasisEnd"]
    assert state.malformed == len(bad) + 1
    assert state.up
    warned = [line for line in logs if line["event"] == "ari_event_malformed"]
    assert [line["total"] for line in warned] == [1, 2, 4]


async def test_hostile_names_become_plain_text(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    name = "Eve\r\nAction: Command\x00\x1b[2J\u202e😀" + "x" * 5000
    async with running(peer, session) as events:
        socket = await peer.until_connected(1)
        await socket.send_str(event("StasisStart", channel={"caller": {"name": name}}))
        _, start = await read(events, 2)

    assert isinstance(start, StasisStart)
    assert start.channel.caller.name.startswith("Eve��Action: Command��[2J�😀xxx")
    assert len(start.channel.caller.name) == 1024


async def test_events_during_the_hook_come_after_it(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    let_go = asyncio.Event()
    begun = asyncio.Event()

    async def hook() -> None:
        begun.set()
        await let_go.wait()

    async with running(peer, session, on_connected=hook) as events:
        socket = await peer.until_connected(1)
        await begun.wait()
        await socket.send_str(event("StasisStart", channel={"id": "1"}))
        await socket.send_str(event("StasisEnd", channel={"id": "1"}))
        await until(lambda: events.state.received == 2)
        during = events.state
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.read(), 0.05)
        let_go.set()
        items = await read(events, 3)

    assert not during.up
    assert kinds(items) == ["AriUp", "StasisStart", "StasisEnd"]


async def test_after_an_outage_the_hook_runs_again(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    calls: list[int] = []

    async def hook() -> None:
        calls.append(len(calls))

    async with running(peer, session, on_connected=hook) as events:
        first = await peer.until_connected(1)
        await first.send_str(event("StasisStart"))
        items = await read(events, 2)
        await first.close()
        second = await peer.until_connected(2)
        await second.send_str(event("StasisEnd"))
        items += await read(events, 3)
        state = events.state

    assert kinds(items) == ["AriUp", "StasisStart", "AriDown", "AriUp", "StasisEnd"]
    assert isinstance(items[2], AriDown)
    assert "closed the event socket" in items[2].reason
    assert calls == [0, 1]
    assert state.reconnects == 1


async def test_a_silent_peer_is_found_by_the_heartbeat(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    peer.deaf = True
    async with running(peer, session, heartbeat=0.2) as events:
        await peer.until_connected(2)
        items = await read(events, 2)

    assert kinds(items)[:2] == ["AriUp", "AriDown"]
    assert isinstance(items[1], AriDown)
    assert "ping" in items[1].reason


async def test_a_link_that_dies_in_the_hook_was_never_up(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    ended: list[str] = []

    async def hook() -> None:
        if len(peer.sockets) == 1:
            await peer.sockets[0].close()
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("cancelled")

    async with running(peer, session, on_connected=hook) as events:
        await peer.until_connected(2)
        items = await read(events, 1)

    assert kinds(items)[:1] == ["AriUp"]
    assert ended == ["cancelled"]
    assert events.state.reconnects == 0


@pytest.mark.parametrize("error", [TemporaryError("no"), PermanentError("never")])
async def test_a_hook_that_fails_is_tried_again_on_a_new_connection(
    peer: AriPeer, session: aiohttp.ClientSession, error: Exception
) -> None:
    calls: list[int] = []

    async def hook() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise error

    async with running(peer, session, on_connected=hook) as events:
        await peer.until_connected(3)
        items = await read(events, 1)

    assert kinds(items) == ["AriUp"]
    assert len(calls) == 3


async def test_a_bug_in_the_hook_is_not_hidden(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    async def hook() -> None:
        raise KeyError("bug")

    events = AriEvents(
        "pbx1", peer.settings(), session, on_connected=hook, clock=utc_now, random=Random(1)
    )
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(DEADLINE):
            await events.run()

    assert caught.value.subgroup(KeyError) is not None


async def test_a_slow_reader_gets_a_gap_where_events_are_missing(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    async with running(peer, session, queue_size=5) as events:
        socket = await peer.until_connected(1)
        for number in range(12):
            await socket.send_str(event("StasisStart", args=[str(number)]))
        await until(lambda: events.state.received == 12)
        before = await events.read()
        await socket.send_str(event("StasisStart", args=["later"]))
        after = await read(events, 1)
        state = events.state

    assert kinds(before) == ["AriUp", *["StasisStart"] * 4, "AriGap"]
    assert [item.args[0] for item in before if isinstance(item, StasisStart)] == list("0123")
    assert isinstance(before[-1], AriGap)
    assert before[-1].dropped == state.dropped == 8
    assert [item.args for item in after if isinstance(item, StasisStart)] == [("later",)]


async def test_too_many_events_during_the_hook_begin_it_anew(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    async def hook() -> None:
        if len(peer.sockets) == 1:
            for _ in range(6):
                await peer.sockets[0].send_str(event("StasisStart"))
            await asyncio.sleep(60)

    async with running(peer, session, on_connected=hook, queue_size=5) as events:
        await peer.until_connected(2)
        items = await read(events, 1)

    assert kinds(items) == ["AriUp"]


async def test_a_wrong_secret_is_reported_once_and_tried_rarely(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    peer.secret = "another"
    with capture_logs() as logs:
        async with running(peer, session) as events:
            await until(lambda: peer.logins_refused >= 4)
            state = events.state
            peer.secret = SECRET
            items = await read(events, 1)

    errors = [line for line in logs if line["log_level"] == "error"]
    assert len(errors) == 1
    assert "secret is wrong" in errors[0]["reason"]
    assert SECRET not in repr(logs)
    assert "secret is wrong" in state.reason
    assert not state.up
    assert kinds(items) == ["AriUp"]


async def test_a_wrong_path_and_a_gone_server_are_outages(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{peer.port}/wrong"
    async with running(peer, session, url=url) as events:
        await until(lambda: "404" in events.state.reason)
    async with ari_peer() as gone:
        pass
    async with running(gone, session) as events:
        await until(lambda: "not reachable" in events.state.reason)


async def test_a_server_that_never_answers_the_handshake_is_an_outage(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    peer.hang = True
    async with running(peer, session, timeout=0.1) as events:
        await until(lambda: "within 0.1 s" in events.state.reason)
        peer.hang = False
        items = await read(events, 1)

    assert kinds(items) == ["AriUp"]


async def test_an_application_taken_over_is_left_alone_for_long(
    peer: AriPeer, session: aiohttp.ClientSession
) -> None:
    back_off = BackOff(first=0.01, longest=0.05, refused=3600)
    async with running(peer, session, back_off=back_off) as events:
        socket = await peer.until_connected(1)
        await socket.send_str(event("ApplicationReplaced", application="other"))
        await socket.send_str(event("ApplicationReplaced"))
        items = await read(events, 4)
        await asyncio.sleep(0.2)

    assert kinds(items) == ["AriUp", "ApplicationReplaced", "ApplicationReplaced", "AriDown"]
    assert isinstance(items[2], ApplicationReplaced)
    assert isinstance(items[3], AriDown)
    assert "took over the application ccm" in items[3].reason
    assert len(peer.sockets) == 1


async def test_stopping_closes_the_socket(peer: AriPeer, session: aiohttp.ClientSession) -> None:
    async with running(peer, session) as events:
        socket = await peer.until_connected(1)
        await read(events, 1)
    await until(lambda: socket.closed)

    assert socket.close_code == 1000
    assert not events.state.up
    assert events.state.reason == "stopped"


def test_pauses_grow_with_jitter_up_to_a_limit() -> None:
    back_off = BackOff(first=0.5, longest=30, refused=60)
    random = Random(7)

    pauses = [back_off.pause(failures, False, random) for failures in range(1, 40)]

    assert all(0.25 <= pauses[0] <= 0.5 for _ in pauses)
    assert all(pause <= 30 for pause in pauses)
    assert all(pause >= 15 for pause in pauses[6:])
    assert len(set(pauses)) == len(pauses)
    assert 30 <= back_off.pause(1, True, random) <= 60
