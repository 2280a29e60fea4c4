"""The AMI link against a scripted peer: coming up, staying up, order, overflow, actions, TLS."""

import asyncio
import random
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ami_peer import DEADLINE, SECRET, Peer, Session, event, frame, linked, settings_for, until
from structlog.testing import capture_logs

from ccmiddleware.errors import ConfigError
from ccmiddleware.pbx import gathering
from ccmiddleware.pbx.events import (
    CoreShowChannel,
    FullyBooted,
    Hangup,
    Newchannel,
    QueueCallerJoin,
    QueueEntry,
    QueueMember,
    QueueParams,
    QueueStatusComplete,
    QueueStatusSet,
)
from ccmiddleware.pbx.link import (
    ActionRefused,
    ActionTimeout,
    AmiLink,
    Gap,
    LinkDown,
    LinkDownError,
    LinkUp,
    UnsafeValue,
)

# --- coming up --------------------------------------------------------------------------------


async def test_comes_up_after_login_and_fully_booted(peer: Peer) -> None:
    async with linked(peer) as run:
        await run.up()
        up, booted = run.items[:2]
        assert isinstance(up, LinkUp)
        assert (up.node, up.epoch, up.banner) == ("pbx1", 1, "Asterisk Call Manager/9.0.0")
        assert isinstance(booted, FullyBooted)
        assert booted.uptime == 12
        state = run.link.state
        assert (state.up, state.reason, state.reconnects) == (True, "up", 0)
        assert (state.since, state.banner) == (up.at, up.banner)
        assert (await run.link.send("Ping")).headers["Ping"] == "Pong"


async def test_is_not_up_before_fully_booted(peer: Peer) -> None:
    peer.boots = False
    async with linked(peer) as run:
        session = await peer.session(0)
        with pytest.raises(LinkDownError, match="no link to Asterisk"):
            await run.link.send("Ping")
        assert run.items == []
        await session.send(event("FullyBooted", Uptime=1))
        await run.up()


async def test_events_before_fully_booted_stand_behind_link_up(peer: Peer) -> None:
    peer.before_boot = event("Newchannel", Uniqueid="1.1") + event("Hangup", Uniqueid="1.1")
    async with linked(peer) as run:
        await until(lambda: run.of(FullyBooted))
        assert [type(item) for item in run.items] == [LinkUp, Newchannel, Hangup, FullyBooted]


async def test_endless_events_before_fully_booted_end_the_connection(peer: Peer) -> None:
    peer.boots = False
    peer.before_boot = event("Newchannel", Uniqueid="1.1") * 101
    async with linked(peer, queue_size=100) as run:
        await until(lambda: "more events before FullyBooted" in run.link.state.reason)
        assert run.items == []


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({"banner": None}, "waiting for Asterisk's banner"),
        ({"deaf": True}, "logging in"),
        ({"boots": False}, "waiting for FullyBooted (needs read class system)"),
    ],
)
async def test_says_what_a_silent_peer_did_not_do(
    peer: Peer, change: dict[str, Any], stage: str
) -> None:
    for name, value in change.items():
        setattr(peer, name, value)
    async with linked(peer, connect_timeout=0.2) as run:
        await until(lambda: run.link.state.reason == f"{stage} took more than 0.2 s")
        await until(lambda: len(peer.sessions) > 1)
        assert run.items == []


async def test_says_when_nobody_listens(peer: Peer) -> None:
    await peer.stop()
    async with linked(peer) as run:
        await until(lambda: run.link.state.reason.startswith("connecting failed: "))
        await peer.start()
        await run.up()


async def test_says_when_it_is_no_manager_interface(peer: Peer) -> None:
    peer.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    async with linked(peer) as run:
        await until(lambda: "SSH-2.0-OpenSSH_9.2" in run.link.state.reason)
        assert not run.link.state.up


async def test_plain_login(peer: Peer) -> None:
    async with linked(peer, auth="plain") as run:
        await run.up()
        [login] = peer.asked("Login")
        assert (login["Username"], login["Secret"], login["Events"]) == ("ccm", SECRET, "on")


async def test_a_lingering_session_is_no_wrong_password(peer: Peer) -> None:
    async def in_use(session: Session, action: dict[str, str]) -> None:
        del peer.answers["Login"]
        await session.answer(action, ("Response", "Error"), ("Message", "Login Already In Use"))

    peer.answers["Login"] = in_use
    async with linked(peer) as run:
        await run.up()  # at once, not after the long pause of a refused login
        assert len(peer.asked("Login")) == 2


async def test_a_secret_that_cannot_be_sent_ends_the_link(peer: Peer) -> None:
    link = AmiLink("pbx1", settings_for(peer, user="ccm\r\nAction: Logoff"))
    with pytest.raises(UnsafeValue) as caught:
        await asyncio.wait_for(link.run(), DEADLINE)
    assert "Logoff" not in str(caught.value)


async def test_an_unreadable_secret_is_told_at_once(peer: Peer, tmp_path: Path) -> None:
    settings = settings_for(peer, secret=None, secret_file=tmp_path / "none")
    with pytest.raises(ConfigError, match="secret_file"):
        AmiLink("pbx1", settings)


# --- going down -------------------------------------------------------------------------------


async def test_reconnects_and_counts(peer: Peer) -> None:
    with capture_logs() as logs:
        async with linked(peer) as run:
            for epoch in (1, 2, 3):
                await run.up(epoch)
                if epoch < 3:
                    peer.sessions[-1].cut()
            assert run.link.state.reconnects == 2
            marks = [item for item in run.items if isinstance(item, LinkUp | LinkDown)]
            assert [(type(mark), mark.epoch) for mark in marks] == [
                (LinkUp, 1),
                (LinkDown, 1),
                (LinkUp, 2),
                (LinkDown, 2),
                (LinkUp, 3),
            ]
    names = [entry["event"] for entry in logs]
    assert names.count("ami up") == 3
    assert names.count("ami down") == 3


async def test_cancelling_logs_off_and_fails_what_is_open(peer: Peer) -> None:
    async def ignore(session: Session, action: dict[str, str]) -> None:
        """No answer."""

    peer.answers["Originate"] = ignore
    async with linked(peer) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(caught(run.link.send("Originate")))
            await until(lambda: peer.asked("Originate"))
            await run.stop()
        assert isinstance(sent.result(), LinkDownError)
        await until(lambda: run.of(LinkDown))
        down = run.items[-1]
        assert isinstance(down, LinkDown)
        assert down.reason == "stopped"
        assert not run.link.state.up
        await until(lambda: peer.asked("Logoff"))
        with pytest.raises(LinkDownError, match="stopped"):
            await run.link.send("Ping")


async def test_what_has_gathered_is_read_before_the_link_is_closed(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "QUIET", DEADLINE)  # from the first chunk on, nothing
    async with linked(peer) as run:
        await run.up()
        session = await peer.session(0)
        for number in range(3):
            await session.send(event("Hangup", Channel="PJSIP/1", Uniqueid=f"1.{number}"))
        await run.stop()
        await until(lambda: run.of(LinkDown))
    assert [one.uniqueid for one in run.of(Hangup)] == ["1.0", "1.1", "1.2"]
    assert isinstance(run.items[-1], LinkDown)


async def caught(sending: Any) -> BaseException:
    with pytest.raises(LinkDownError) as error:
        await sending
    return error.value


async def test_cancelling_does_not_wait_for_a_peer_that_reads_nothing(peer: Peer) -> None:
    stuck = asyncio.Event()

    async def stop_reading(session: Session, action: dict[str, str]) -> None:
        await asyncio.wait_for(stuck.wait(), DEADLINE)

    peer.answers["Command"] = stop_reading
    async with linked(peer) as run:
        await run.up()
        with pytest.raises(ActionTimeout):
            await run.link.send("Command", timeout=0.05)
        await run.stop()
        assert not run.link.state.up
        stuck.set()


async def test_a_link_that_is_talked_to_is_not_pinged(peer: Peer) -> None:
    async with linked(peer, ping_interval=1.0) as run:
        session = await peer.session(0)
        for _ in range(30):
            await session.send(event("RTCPSent"))
            await asyncio.sleep(0.05)
        assert len(session.asked("Ping")) <= 1  # one, should this machine have slept
        await until(lambda: session.asked("Ping"))
        assert run.link.state.up
        assert len(peer.sessions) == 1


def test_pauses_grow_and_spread() -> None:
    peer = Peer()
    peer.port = 5038
    link = AmiLink("pbx1", settings_for(peer, retry_min=0.5, retry_max=30), random=random.Random(1))
    for failures in range(12):
        pauses = [link._pause(failures) for _ in range(200)]
        assert min(pauses) >= 0.5
        assert max(pauses) <= min(30, 0.5 * 2**failures)
    assert len({round(pause, 6) for pause in pauses}) > 100
    assert max(pauses) > 25
    link._refused = True
    assert min(link._pause(1) for _ in range(200)) >= 30


# --- events -----------------------------------------------------------------------------------


async def test_ten_thousand_events_in_order(peer: Peer) -> None:
    stream = b"".join(
        event("Newchannel", Uniqueid=f"1.{n}")
        + event("Newexten", Uniqueid=f"1.{n}", Application="Queue")
        + event("Hangup", Uniqueid=f"1.{n}", Cause=16)
        for n in range(5_000)
    )
    async with linked(peer) as run:
        session = await peer.session(0)
        chooser = random.Random(2)
        at = 0
        while at < len(stream):
            size = chooser.randint(1, 30_000)
            await session.send(stream[at : at + size])
            at += size
        await until(lambda: len(run.events()) == 10_000)
        seen = [(item.NAME, item.uniqueid) for item in run.of(Newchannel | Hangup)]
        assert seen == [(name, f"1.{n}") for n in range(5_000) for name in ("Newchannel", "Hangup")]
        assert run.link.state.events == 10_001
        assert run.link.state.dropped == 0


async def test_overflow_leaves_a_gap_where_events_are_missing(peer: Peer) -> None:
    async with linked(peer, reading=False, queue_size=100) as run:
        session = await peer.session(0)
        await until(lambda: run.link.state.up)
        await session.send(b"".join(event("Hangup", Uniqueid=f"1.{n}") for n in range(150)))
        await until(lambda: run.link.state.dropped == 52)
        first = await asyncio.wait_for(run.link.read(), DEADLINE)
        assert [type(item) for item in first] == [LinkUp, FullyBooted, *[Hangup] * 98, Gap]
        gap = first[-1]
        assert isinstance(gap, Gap)
        assert (gap.node, gap.dropped) == ("pbx1", 52)
        assert run.link.state.up  # the socket was read all the time
        await session.send(event("Hangup", Uniqueid="1.150"))
        [after] = await asyncio.wait_for(run.link.read(), DEADLINE)
        assert isinstance(after, Hangup)
        assert after.uniqueid == "1.150"
        assert run.link.state.dropped == 52


HOSTILE = 'Eve"; \\r\\nAction: Command\\r\\n <b>\N{PILE OF POO}\0\x1b[2J' + "x" * 2000


async def test_hostile_caller_name_is_text(peer: Peer) -> None:
    async with linked(peer) as run:
        session = await peer.session(0)
        await session.send(
            event(
                "QueueCallerJoin", Queue="sales", CallerIDName=HOSTILE, Uniqueid="1.1", Position=1
            )
            + event("Hangup", Uniqueid="1.1")
        )
        await until(lambda: run.of(Hangup))
        [join] = run.of(QueueCallerJoin)
        assert (join.queue, join.uniqueid, join.position) == ("sales", "1.1", 1)
        assert 1000 < len(join.caller_name) <= 1024
        assert "Action: Command" in join.caller_name
        assert "\N{PILE OF POO}\ufffd\ufffd[2J" in join.caller_name
        assert "\0" not in join.caller_name


async def test_unused_events_and_odd_frames_are_skipped(peer: Peer) -> None:
    async with linked(peer) as run:
        session = await peer.session(0)
        await session.send(
            event("BrandNewThing", Cause="x")
            + event("VarSet", Variable="ONE", Value="yes")
            + event("VarSet", Variable="TWO", Value="yes")
            + event("VarSet", Variable="QUEUESTATUS", Value="TIMEOUT")
            + b"\r\n\r\n"
            + b"Event: \r\n\r\n"
            + b"Response: Success\r\nActionID: nobody's\r\n\r\n"
            + b"Response: Success\r\n\r\n"
            + event("Hangup", Uniqueid="1.1")
        )
        await until(lambda: run.of(Hangup))
        told = [item.variable for item in run.of(QueueStatusSet)]
        assert told[-1] == "QUEUESTATUS"
        assert "TWO" not in told
        assert {type(item) for item in run.events()} == {QueueStatusSet, Hangup}
        assert run.link.state.malformed == 0


async def test_rest_of_a_torn_event_is_counted_and_skipped(peer: Peer) -> None:
    """Asterisk does not escape AppData; a value with an empty line in it tears the event up."""
    async with linked(peer) as run:
        session = await peer.session(0)
        torn = event("Newexten", Application="Set", AppData="CALLERID(name)=a\r\n\r\nrest")
        await session.send(torn + event("Hangup", Uniqueid="1.1"))
        await until(lambda: run.of(Hangup))
        assert run.link.state.malformed == 1
        assert [item.NAME for item in run.events()] == ["Hangup"]


async def test_malformed_event_is_counted_and_logged_once(peer: Peer) -> None:
    with capture_logs() as logs:
        async with linked(peer) as run:
            session = await peer.session(0)
            bad = event("Hangup", Uniqueid="1.1", Cause="many")
            await session.send(bad + bad + event("Hangup", Uniqueid="1.2", Cause=""))
            await until(lambda: run.of(Hangup))
            assert [(item.uniqueid, item.cause) for item in run.of(Hangup)] == [("1.2", 0)]
            assert run.link.state.malformed == 2
    told = [entry for entry in logs if entry["event"] == "ami frame malformed"]
    assert [entry["event_name"] for entry in told] == ["Hangup"]
    assert "Cause" in told[0]["error"]


async def test_frame_without_end_is_dropped_and_the_link_goes_on(peer: Peer) -> None:
    async with linked(peer) as run:
        session = await peer.session(0)
        await session.send(
            event("Hangup", Uniqueid="1.1")
            + event("Hangup", Uniqueid="1.2", AppData="x" * 1_200_000)
            + event("Hangup", Uniqueid="1.3")
        )
        await until(lambda: len(run.of(Hangup)) == 2)
        assert [item.uniqueid for item in run.of(Hangup)] == ["1.1", "1.3"]
        assert run.link.state.malformed == 1


# --- actions ----------------------------------------------------------------------------------


async def test_refused_action_tells_asterisks_words(peer: Peer) -> None:
    async def refuse(session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Error"), ("Message", "Permission denied"))

    peer.answers["Originate"] = refuse
    async with linked(peer) as run:
        await run.up()
        for sending in (run.link.send, run.link.send_list):
            with pytest.raises(ActionRefused, match="refused Originate: Permission denied"):
                await sending("Originate")
        assert run.link.state.up


async def test_repeated_headers_are_sent_in_order(peer: Peer) -> None:
    async with linked(peer) as run:
        await run.up()
        await run.link.send("Originate", {"Variable": ["A=1", "B=zwölf"], "ActionID": "mine"})
        sent = peer.received[peer.received.index(b"Action: Originate") :]
        assert (
            sent
            == (
                "Action: Originate\r\nVariable: A=1\r\nVariable: B=zwölf\r\nActionID: mine\r\n\r\n"
            ).encode()
        )


async def test_an_action_id_is_not_used_twice_at_once(peer: Peer) -> None:
    asked = asyncio.Event()

    async def hold(session: Session, action: dict[str, str]) -> None:
        await asyncio.wait_for(asked.wait(), DEADLINE)
        await session.answer(action, ("Response", "Success"))

    peer.answers["Originate"] = hold
    async with linked(peer) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(run.link.send("Originate", {"ActionID": "a"}))
            await until(lambda: peer.asked("Originate"))
            with pytest.raises(ValueError, match="in use"):
                await run.link.send("Originate", {"ActionID": "a"})
            asked.set()
        assert first.result().headers["Response"] == "Success"


def queue_status(action_id: str) -> bytes:
    head = ("ActionID", action_id)
    return (
        frame(("Response", "Success"), head, ("EventList", "start"), ("Message", "will follow"))
        + frame(("Event", "QueueParams"), head, ("Queue", "sales"), ("Calls", 1))
        + frame(("Event", "QueueMember"), head, ("Queue", "sales"), ("Location", "PJSIP/1001"))
        + event("Hangup", Uniqueid="1.7", Cause=16)
        + frame(("Event", "QueueEntry"), head, ("Queue", "sales"), ("CallerIDName", "<unknown>"))
        + frame(("Event", "SomethingNew"), head, ("Queue", "sales"))
        + frame(("Event", "QueueStatusComplete"), head, ("EventList", "Complete"), ("ListItems", 4))
    )


async def test_items_of_a_list_are_answer_and_events(peer: Peer) -> None:
    async def answer(session: Session, action: dict[str, str]) -> None:
        await session.send(queue_status(action["ActionID"]))

    peer.answers["QueueStatus"] = answer
    async with linked(peer) as run:
        await run.up()
        items = await run.link.send_list("QueueStatus")
        assert [item["Event"] for item in items] == [
            "QueueParams",
            "QueueMember",
            "QueueEntry",
            "SomethingNew",
        ]
        assert items[2]["CallerIDName"] == ""
        await until(lambda: run.of(QueueStatusComplete))
        order = [QueueParams, QueueMember, Hangup, QueueEntry, QueueStatusComplete]
        assert [type(item) for item in run.events()] == order
        await run.link.send("QueueStatus", {"ActionID": "again"})
        await until(lambda: len(run.of(QueueStatusComplete)) == 2)
        assert run.of(QueueStatusComplete)[1].action_id == "again"
        assert [type(item) for item in run.events()] == order * 2


async def test_list_action_without_a_list_is_an_empty_list(peer: Peer) -> None:
    async with linked(peer) as run:
        await run.up()
        assert await run.link.send_list("CoreShowChannels") == []
        assert run.of(CoreShowChannel) == []


async def test_list_that_does_not_end_times_out(peer: Peer) -> None:
    async def begin(session: Session, action: dict[str, str]) -> None:
        await session.send(queue_status(action["ActionID"]).rpartition(b"Event: ")[0])

    peer.answers["QueueStatus"] = begin
    async with linked(peer) as run:
        await run.up()
        with pytest.raises(ActionTimeout):
            await run.link.send_list("QueueStatus", timeout=0.1)
        await run.link.send("Ping")


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=pbx1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return cert, key


@pytest.fixture
async def tls_peer(certificate: tuple[Path, Path]) -> Any:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    peer = Peer(tls=context)
    await peer.start()
    yield peer
    await peer.stop()


async def test_tls_login(tls_peer: Peer, certificate: tuple[Path, Path]) -> None:
    async with linked(tls_peer, tls=True, tls_ca_file=certificate[0]) as run:
        await run.up()
        await run.link.send("Ping")
        await tls_peer.sessions[-1].send(event("Hangup", Uniqueid="1.1"))
        await until(lambda: run.of(Hangup))
        tls_peer.sessions[-1].cut()
        await run.up(epoch=2)


async def test_tls_refuses_a_certificate_of_nobody(tls_peer: Peer) -> None:
    async with linked(tls_peer, tls=True) as run:
        await until(lambda: "CERTIFICATE_VERIFY_FAILED" in run.link.state.reason)
        assert tls_peer.actions == []


async def test_tls_takes_any_certificate_when_told_so(tls_peer: Peer) -> None:
    async with linked(tls_peer, tls=True, tls_verify=False) as run:
        await run.up()


async def test_tls_against_a_plain_port(peer: Peer) -> None:
    async with linked(peer, tls=True, tls_verify=False) as run:
        await until(lambda: run.link.state.reason.startswith("connecting failed: "))
        assert peer.actions == []


async def test_tls_ca_file_that_is_none(peer: Peer, tmp_path: Path) -> None:
    for name in ("missing.pem", "empty.pem"):
        (tmp_path / "empty.pem").write_text("no certificate")
        with pytest.raises(ConfigError, match="tls_ca_file"):
            AmiLink("pbx1", settings_for(peer, tls=True, tls_ca_file=tmp_path / name))
