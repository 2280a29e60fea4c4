"""The ARI client against a real HTTP server: what is sent, what comes back, what goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from ari_peer import SECRET, AriPeer, ari_peer

from ccmiddleware.config import AriSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.pbx.ari import (
    AriClient,
    AriRefused,
    AriUnavailable,
    Denied,
    NotFound,
    caller_id,
    open_session,
)
from ccmiddleware.pbx.ari_model import Channel, Party


@pytest.fixture
async def peer() -> AsyncIterator[AriPeer]:
    async with ari_peer() as running:
        yield running


@pytest.fixture
async def client(peer: AriPeer) -> AsyncIterator[AriClient]:
    async with open_session() as session:
        yield AriClient("pbx1", peer.settings(), session)


Operation = Callable[[AriClient], Awaitable[Any]]

# operation, method, path, query, body
OPERATIONS: list[tuple[Operation, str, str, dict[str, str], Any]] = [
    (lambda c: c.info(), "GET", "/asterisk/info", {}, None),
    (lambda c: c.ping(), "GET", "/asterisk/ping", {}, None),
    (lambda c: c.endpoints(), "GET", "/endpoints", {}, None),
    (
        lambda c: c.subscribe("deviceState:", "channel:1.2"),
        "POST",
        "/applications/ccm/subscription",
        {"eventSource": "deviceState:,channel:1.2"},
        None,
    ),
    (
        lambda c: c.receive_only(["StasisStart", "StasisEnd"]),
        "PUT",
        "/applications/ccm/eventFilter",
        {},
        {"allowed": [{"type": "StasisStart"}, {"type": "StasisEnd"}]},
    ),
    (lambda c: c.channels(), "GET", "/channels", {}, None),
    (lambda c: c.channel("1.2"), "GET", "/channels/1.2", {}, None),
    (
        lambda c: c.originate(
            "Local/7@ccm-work/n",
            channel_id="ccm-7;1",
            other_channel_id="ccm-7;2",
            app_args=("work", "7"),
            caller_name="Müller & Co",
            caller_number="+49 30 1",
            ring_seconds=-1,
            variables={"CCM_ITEM": "a&b=c"},
        ),
        "POST",
        "/channels",
        {
            "endpoint": "Local/7@ccm-work/n",
            "channelId": "ccm-7;1",
            "otherChannelId": "ccm-7;2",
            "app": "ccm",
            "appArgs": "work,7",
            "callerId": '"Müller & Co" <+49301>',
            "timeout": "-1",
        },
        {"variables": {"CCM_ITEM": "a&b=c"}},
    ),
    (
        lambda c: c.originate("PJSIP/1", channel_id="x", context="in", extension="s"),
        "POST",
        "/channels",
        {
            "endpoint": "PJSIP/1",
            "channelId": "x",
            "context": "in",
            "extension": "s",
            "priority": "1",
            "timeout": "30",
        },
        None,
    ),
    (
        lambda c: c.create("PJSIP/1", channel_id="x", app_args=["a"], variables={"V": "1"}),
        "POST",
        "/channels/create",
        {"endpoint": "PJSIP/1", "app": "ccm", "appArgs": "a", "channelId": "x"},
        {"variables": {"V": "1"}},
    ),
    (
        lambda c: c.dial("x", caller="y", ring_seconds=9),
        "POST",
        "/channels/x/dial",
        {"caller": "y", "timeout": "9"},
        None,
    ),
    (lambda c: c.answer("1.2"), "POST", "/channels/1.2/answer", {}, None),
    (lambda c: c.hangup("1.2", "busy"), "DELETE", "/channels/1.2", {"reason": "busy"}, None),
    (
        lambda c: c.continue_in_dialplan("1.2", "in", "100", 3),
        "POST",
        "/channels/1.2/continue",
        {"context": "in", "extension": "100", "priority": "3"},
        None,
    ),
    (lambda c: c.continue_in_dialplan("1.2"), "POST", "/channels/1.2/continue", {}, None),
    (lambda c: c.ring("1.2"), "POST", "/channels/1.2/ring", {}, None),
    (lambda c: c.stop_ringing("1.2"), "DELETE", "/channels/1.2/ring", {}, None),
    (lambda c: c.hold("1.2"), "POST", "/channels/1.2/hold", {}, None),
    (lambda c: c.unhold("1.2"), "DELETE", "/channels/1.2/hold", {}, None),
    (
        lambda c: c.start_music("1.2", "jazz"),
        "POST",
        "/channels/1.2/moh",
        {"mohClass": "jazz"},
        None,
    ),
    (lambda c: c.stop_music("1.2"), "DELETE", "/channels/1.2/moh", {}, None),
    (lambda c: c.dtmf("1.2", "*1#"), "POST", "/channels/1.2/dtmf", {"dtmf": "*1#"}, None),
    (
        lambda c: c.variable("1.2", "CALLERID(name)"),
        "GET",
        "/channels/1.2/variable",
        {"variable": "CALLERID(name)"},
        None,
    ),
    (
        lambda c: c.set_variable("1.2", "X", "a\r\nb"),
        "POST",
        "/channels/1.2/variable",
        {},
        {"variable": "X", "value": "a\r\nb"},
    ),
    (
        lambda c: c.play("1.2", "sound:hello", "digits:12", playback_id="p", language="de"),
        "POST",
        "/channels/1.2/play",
        {"media": "sound:hello,digits:12", "playbackId": "p", "lang": "de"},
        None,
    ),
    (lambda c: c.stop_playback("p"), "DELETE", "/playbacks/p", {}, None),
    (
        lambda c: c.snoop("1.2", snoop_id="s", whisper="in", app_args=["watch"]),
        "POST",
        "/channels/1.2/snoop",
        {"snoopId": "s", "spy": "both", "whisper": "in", "app": "ccm", "appArgs": "watch"},
        None,
    ),
    (
        lambda c: c.record("1.2", "greet/1", max_seconds=5, beep=True, terminate_on="#"),
        "POST",
        "/channels/1.2/record",
        {
            "name": "greet/1",
            "format": "wav",
            "maxDurationSeconds": "5",
            "maxSilenceSeconds": "0",
            "ifExists": "fail",
            "beep": "true",
            "terminateOn": "#",
        },
        None,
    ),
    (lambda c: c.stop_recording("g/1"), "POST", "/recordings/live/g%2F1/stop", {}, None),
    (lambda c: c.stored_recordings(), "GET", "/recordings/stored", {}, None),
    (lambda c: c.stored_recording("g/1"), "GET", "/recordings/stored/g%2F1", {}, None),
    (lambda c: c.delete_stored_recording("g"), "DELETE", "/recordings/stored/g", {}, None),
    (lambda c: c.bridges(), "GET", "/bridges", {}, None),
    (
        lambda c: c.create_bridge("b", kind="holding", name="n"),
        "POST",
        "/bridges",
        {"type": "holding", "bridgeId": "b", "name": "n"},
        None,
    ),
    (
        lambda c: c.add_to_bridge("b", "1.2", "1.3"),
        "POST",
        "/bridges/b/addChannel",
        {"channel": "1.2,1.3"},
        None,
    ),
    (
        lambda c: c.remove_from_bridge("b", "1.2"),
        "POST",
        "/bridges/b/removeChannel",
        {"channel": "1.2"},
        None,
    ),
    (
        lambda c: c.play_to_bridge("b", "sound:x", playback_id="p"),
        "POST",
        "/bridges/b/play",
        {"media": "sound:x", "playbackId": "p"},
        None,
    ),
    (lambda c: c.destroy_bridge("b"), "DELETE", "/bridges/b", {}, None),
    (lambda c: c.device_state("Stasis:a"), "GET", "/deviceStates/Stasis%3Aa", {}, None),
    (
        lambda c: c.set_device_state("Stasis:a", "INUSE"),
        "PUT",
        "/deviceStates/Stasis%3Aa",
        {"deviceState": "INUSE"},
        None,
    ),
    (lambda c: c.delete_device_state("Stasis:a"), "DELETE", "/deviceStates/Stasis%3Aa", {}, None),
]


@pytest.mark.parametrize(("operation", "method", "path", "query", "body"), OPERATIONS)
async def test_an_operation_is_sent_as_ari_wants_it(
    peer: AriPeer,
    client: AriClient,
    operation: Operation,
    method: str,
    path: str,
    query: dict[str, str],
    body: Any,
) -> None:
    lists = {"/channels", "/bridges", "/endpoints", "/recordings/stored"}
    peer.answer(method, path, [] if method == "GET" and path in lists else {})

    await operation(client)

    (request,) = peer.requests
    assert (request.method, request.raw_path) == (method, "/ari" + path)
    assert request.query == query
    assert request.body == body


async def test_answers_are_typed_and_clean(peer: AriPeer, client: AriClient) -> None:
    peer.answer(
        "GET",
        "/channels",
        [
            {
                "id": "1700000000.1",
                "name": "PJSIP/trunk-00000001",
                "state": "Up",
                "caller": {"name": "Eve\r\nAction: Command\x00😀", "number": None},
                "connected": None,
                "dialplan": {"context": "in", "exten": "100", "priority": "2"},
                "something_new": {"deep": [1]},
            },
            {},
        ],
    )

    first, empty = await client.channels()

    assert first.id == "1700000000.1"
    assert first.caller == Party(name="Eve��Action: Command�😀", number="")
    assert (first.dialplan.exten, first.dialplan.priority) == ("100", 2)
    assert first.connected == Party()
    assert empty == Channel()


async def test_info_tells_the_version(peer: AriPeer, client: AriClient) -> None:
    peer.answer("GET", "/asterisk/info", {"system": {"version": "22.10.1"}, "build": {"os": "x"}})

    assert (await client.info()).system.version == "22.10.1"


@pytest.mark.parametrize(
    "channel_id", ["a/b", "a/../../b", "%2e%2e", "a?b=c", "a#b", "ä b", "..%2f", "a\r\nX: y", "\\"]
)
async def test_an_id_never_changes_the_path(
    peer: AriPeer, client: AriClient, channel_id: str
) -> None:
    with pytest.raises(NotFound):
        await client.answer(channel_id)

    (request,) = peer.requests
    parts = request.raw_path.split("/")
    assert parts[:3] == ["", "ari", "channels"]
    assert parts[4:] == ["answer"]
    assert not request.query


@pytest.mark.parametrize("channel_id", ["", ".", "..", "1.2\0"])
async def test_an_id_that_can_not_be_quoted_is_not_there(
    peer: AriPeer, client: AriClient, channel_id: str
) -> None:
    with pytest.raises(NotFound) as caught:
        await client.hangup(channel_id)

    assert caught.value.status == 404
    assert peer.requests == []


@pytest.mark.parametrize(
    "operation",
    [
        lambda c: c.dtmf("1.2", "1\0"),
        lambda c: c.dtmf("1.2", "\ud800"),
        lambda c: c.set_variable("1.2", "X", "\ud800"),
        lambda c: c.add_to_bridge("b", "1.2,1.3"),
        lambda c: c.add_to_bridge("b"),
        lambda c: c.play("1.2", "sound:a,b", playback_id="p"),
    ],
)
async def test_what_asterisk_would_read_otherwise_is_refused(
    peer: AriPeer, client: AriClient, operation: Operation
) -> None:
    with pytest.raises(AriRefused) as caught:
        await operation(client)

    assert caught.value.status == 400
    assert peer.requests == []


async def test_an_originate_goes_to_one_place(client: AriClient) -> None:
    with pytest.raises(ValueError, match="one of both"):
        await client.originate("PJSIP/1", channel_id="x")
    with pytest.raises(ValueError, match="one of both"):
        await client.originate("PJSIP/1", channel_id="x", app_args=[], extension="s")
    with pytest.raises(ValueError, match="not usable"):
        await client.originate("PJSIP/1", channel_id="x", app_args=["a,b"])


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"message": "Invalid reason"}, AriRefused, "Invalid reason"),
        (401, {"message": "Authentication required"}, Denied, "Authentication required"),
        (403, {"message": "Write access denied"}, Denied, "Write access denied"),
        (404, {"message": "Channel not found"}, NotFound, "Channel not found"),
        (404, {"error": "Not\r\nhere"}, NotFound, "Not��here"),
        (409, {"message": "Channel not in Stasis application"}, AriRefused, "Channel not in"),
        (422, b"<html>", AriRefused, "no reason given"),
        (422, {"message": 7}, AriRefused, "no reason given"),
        (302, None, AriRefused, "no reason given"),
    ],
)
async def test_a_refusal_is_permanent_and_says_why(
    peer: AriPeer,
    client: AriClient,
    status: int,
    body: Any,
    kind: type[AriRefused],
    message: str,
) -> None:
    peer.answer("POST", "/channels/1.2/answer", body, status)

    with pytest.raises(PermanentError) as caught:
        await client.answer("1.2")

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert message in caught.value.message
    assert "pbx1" in str(caught.value)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_temporary(peer: AriPeer, client: AriClient, status: int) -> None:
    peer.answer("GET", "/channels", {"message": "Asterisk not booted"}, status)

    with pytest.raises(TemporaryError, match="Asterisk not booted") as caught:
        await client.channels()

    assert type(caught.value) is AriUnavailable


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b'{"id": "1"}', b"[[]]", b"", b"\xff"])
async def test_an_answer_that_is_not_aris_is_refused(
    peer: AriPeer, client: AriClient, body: bytes
) -> None:
    peer.answer("GET", "/channels", body)

    with pytest.raises(AriRefused, match="does not answer as ARI does"):
        await client.channels()


async def test_a_refused_connection_is_temporary() -> None:
    async with ari_peer() as gone:
        settings = gone.settings()
    async with open_session() as session:
        client = AriClient("pbx1", settings, session)
        with pytest.raises(AriUnavailable, match="not reachable"):
            await client.ping()


async def test_a_hanging_asterisk_is_given_up_after_the_timeout(peer: AriPeer) -> None:
    peer.hang = True
    async with open_session() as session, asyncio.timeout(20):
        client = AriClient("pbx1", peer.settings(timeout=0.2), session)
        with pytest.raises(AriUnavailable, match=r"within 0\.2 s"):
            await client.ping()


async def test_a_wrong_secret_is_denied_without_being_shown(peer: AriPeer) -> None:
    peer.secret = "another"
    async with open_session() as session:
        client = AriClient("pbx1", peer.settings(), session)
        with pytest.raises(Denied) as caught:
            await client.ping()

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


async def test_redirects_are_not_followed(peer: AriPeer, client: AriClient) -> None:
    peer.answer("DELETE", "/bridges/b", None, 307)

    with pytest.raises(AriRefused):
        await client.destroy_bridge("b")

    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "http://u:p@127.0.0.1:1/ari"}, "must not hold user and secret"),
        ({"url": "http://127.0.0.1:1/ari?api_key=u:p"}, "without query"),
        ({"url": "http://:99999/ari"}, "ari.url"),
        ({"user": "a:b"}, "colon"),
    ],
)
async def test_settings_that_can_not_work_are_a_config_error(
    changes: dict[str, Any], message: str
) -> None:
    settings = AriSettings(**({"secret": "x"} | changes))
    async with open_session() as session:
        with pytest.raises(ConfigError, match=message):
            AriClient("pbx1", settings, session)


async def test_a_slash_at_the_end_of_the_url_does_no_harm(peer: AriPeer) -> None:
    peer.answer("GET", "/asterisk/ping", {"ping": "pong"})
    async with open_session() as session:
        settings = peer.settings(url=f"http://127.0.0.1:{peer.port}/ari/")
        pong = await AriClient("pbx1", settings, session).ping()

    assert pong.ping == "pong"


@pytest.mark.parametrize(
    ("name", "number", "shown"),
    [
        ("Ann", "+49 (30) 12-3", '"Ann" <+493012-3>'),
        ('a" <900> "b', "1", "\"a' (900) 'b\" <1>"),
        ("x\\", "1> <2", '"x/" <12>'),
        ("a\r\nb\0", "", '"a\ufffd\ufffdb\ufffd" <>'),
        ("", "", '"" <>'),
    ],
)
def test_a_caller_id_is_two_parts_whatever_is_in_them(name: str, number: str, shown: str) -> None:
    assert caller_id(name, number) == shown
