"""What plain panoramisk 1.4 does wrong, and that our link does not.

Each test runs one script against both: first panoramisk as it is, where the trap must show itself,
then the link, which must not fall into it.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ami_peer import (
    DEADLINE,
    SECRET,
    Peer,
    Session,
    event,
    frame,
    linked,
    plainly,
    settings_for,
    until,
)
from panoramisk.actions import Action
from panoramisk.message import Message
from structlog.testing import capture_logs

from ccmiddleware.pbx.events import Hangup, Newchannel, OriginateResponse, QueueMember, Shutdown
from ccmiddleware.pbx.link import (
    ActionTimeout,
    AmiLink,
    LinkDown,
    LinkDownError,
    LinkUp,
    UnsafeValue,
)

AWHILE = 0.3
"""Seconds in which something that must not happen would have happened many times over."""


async def ignore(session: Session, action: dict[str, str]) -> None:
    """An answer that never comes."""


def collect(manager: Any, pattern: str = "*") -> list[Message]:
    """The list that panoramisk's handler for ``pattern`` fills."""
    seen: list[Message] = []
    manager.register_event(pattern, lambda _, message: seen.append(message))
    return seen


# --- 1: a UTF-8 character split across TCP segments -------------------------------------------

UMLAUT = event("Newchannel", CallerIDName="Müller", Uniqueid="1.1")


async def send_in_halves(session: Session) -> None:
    cut = UMLAUT.index("ü".encode()) + 1
    await session.send(UMLAUT[:cut])
    await asyncio.sleep(0.02)  # so that they arrive one by one; when not, the callers try again
    await session.send(UMLAUT[cut:])


async def test_character_split_across_segments(peer: Peer) -> None:
    async with plainly(peer) as manager:
        seen = collect(manager, "Newchannel")
        session = await peer.session(0)
        async with asyncio.timeout(DEADLINE):
            while not any(message.calleridname == "Mller" for message in seen):
                await send_in_halves(session)
                await until(lambda: seen)

    async with linked(peer) as run:
        session = await peer.session(1)
        for _ in range(5):
            await send_in_halves(session)
        await until(lambda: len(run.of(Newchannel)) == 5)
        assert {item.caller_name for item in run.of(Newchannel)} == {"Müller"}


# --- 2: an exception in a handler closes the connection ---------------------------------------


async def test_failing_handler(peer: Peer) -> None:
    def fail(_: Any, message: Message) -> None:
        raise RuntimeError("a bug in a handler")

    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    async with plainly(peer) as manager:
        session = await peer.session(0)
        manager.register_event("Hangup", fail)
        await session.send(event("Hangup", Uniqueid="1.1"))
        await until(lambda: session.over)
        assert "data_received() call failed" in errors[0]["message"]
        manager.over = True

    async def consume_and_fail(link: AmiLink) -> None:
        for item in await link.read():
            raise RuntimeError(f"a bug in the consumer of {item}")

    async with linked(peer, reading=False) as run:
        await until(lambda: run.link.state.up)
        session = peer.sessions[-1]
        broken = event("Hangup", Uniqueid="1.1", Cause="sixteen")
        await session.send(broken + event("Hangup", Uniqueid="1.2", Cause="16"))
        await until(lambda: run.link.state.events == 2)  # FullyBooted and the sound one
        with pytest.raises(RuntimeError, match="a bug"):
            await consume_and_fail(run.link)
        await session.send(event("Newchannel", Uniqueid="1.3"))
        [after] = await asyncio.wait_for(run.link.read(), DEADLINE)
        assert isinstance(after, Newchannel)
        assert run.link.state.up
        assert run.link.state.malformed == 1
        assert not session.over


# --- 3: Originate without Async ---------------------------------------------------------------

ORIGINATE = {"Channel": "Local/1@x", "Application": "Wait"}


async def queued(session: Session, action: dict[str, str]) -> None:
    await session.answer(
        action, ("Response", "Success"), ("Message", "Originate successfully queued")
    )


async def test_successfully_queued_without_async(peer: Peer) -> None:
    peer.answers["Originate"] = queued
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with plainly(peer) as manager:
        session = await peer.session(0)
        future = manager.send_action({"Action": "Originate", **ORIGINATE})
        await until(lambda: session.over)
        assert not future.done()

    async with linked(peer) as run:
        await run.up()
        response = await run.link.send("Originate", ORIGINATE)
        assert response.message == "Originate successfully queued"
        assert run.link.state.up


# --- 4: QueueAdd never resolves ---------------------------------------------------------------


async def added(session: Session, action: dict[str, str]) -> None:
    await session.answer(action, ("Response", "Success"), ("Message", "Added interface to queue"))


async def test_queue_add_is_answered(peer: Peer) -> None:
    peer.answers["QueueAdd"] = added
    fields = {"Queue": "sales", "Interface": "PJSIP/1001"}
    async with plainly(peer) as manager:
        await peer.session(0)
        future = manager.send_action({"Action": "QueueAdd", **fields})
        await asyncio.wait_for(manager.send_action({"Action": "Ping"}), DEADLINE)
        assert not future.done()  # though what was asked later is answered

    async with linked(peer) as run:
        await run.up()
        assert (await run.link.send("QueueAdd", fields)).message == "Added interface to queue"


# --- 5: no timeout, and what timed out is kept for ever ---------------------------------------


async def test_action_that_times_out_is_forgotten(peer: Peer) -> None:
    peer.answers["Command"] = ignore
    async with plainly(peer) as manager:
        session = await peer.session(0)
        future = manager.send_action({"Action": "Command", "Command": "x"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.05)
        [asked] = await until(lambda: session.asked("Command"))
        await session.answer(asked, ("Response", "Success"))
        await asyncio.wait_for(manager.send_action({"Action": "Ping"}), DEADLINE)
        assert len(manager.protocol.responses) > 0

    async with linked(peer) as run:
        await run.up()
        session = await peer.session(1)
        with pytest.raises(ActionTimeout, match=r"no answer to Command within 0\.05 s"):
            await run.link.send("Command", {"Command": "x"}, timeout=0.05)
        [asked] = await until(lambda: session.asked("Command"))
        await session.answer(asked, ("Response", "Success"))
        await run.link.send("Ping")
        assert run.link._manager.protocol.responses == {}
        assert run.link.state.up


# --- 6: a half-open link ----------------------------------------------------------------------


async def test_half_open_link(peer: Peer) -> None:
    peer.answers["Ping"] = ignore
    async with plainly(peer, ping=0.02):
        session = await peer.session(0)
        await until(lambda: len(session.asked("Ping")) > 5)
        assert len(peer.sessions) == 1
        assert not session.over

    async with linked(peer, ping_interval=0.1, ping_timeout=0.1) as run:
        first = await peer.session(1)
        await run.up(epoch=2)
        [down] = run.of(LinkDown)[:1]
        assert down.reason == "Asterisk did not answer a ping within 0.1 s"
        # Until then it was heard: not in the pause before the ping, nor while that was awaited.
        up, again = run.of(LinkUp)[:2]
        assert down.at <= again.at - timedelta(seconds=0.19)
        assert down.at >= up.at - timedelta(seconds=0.1)
        assert len(first.asked("Ping")) == 1


async def test_a_connection_that_ends_while_a_ping_waits_was_heard_until_before_it(
    peer: Peer,
) -> None:
    peer.answers["Ping"] = ignore
    async with linked(peer, ping_interval=0.2, ping_timeout=DEADLINE) as run:
        await run.up()
        session = await peer.session(0)
        await until(lambda: session.asked("Ping"))
        session.cut()
        await until(lambda: run.of(LinkDown))
        [down] = run.of(LinkDown)[:1]
        assert run.link.state.since - down.at >= timedelta(seconds=0.19)


# --- 7: replay --------------------------------------------------------------------------------


async def hang_up_once(session: Session, action: dict[str, str]) -> None:
    if len(session.peer.asked(action["Action"])) == 1:
        session.cut()
    else:
        await session.answer(action, ("Response", "Success"), ("Message", "Done"))


@pytest.mark.parametrize(
    ("action", "fields"), [("Originate", ORIGINATE), ("Command", {"Command": "queue show"})]
)
async def test_nothing_is_sent_twice(peer: Peer, action: str, fields: dict[str, str]) -> None:
    peer.answers[action] = hang_up_once
    async with plainly(peer) as manager:
        await peer.session(0)
        manager.send_action({"Action": action, **fields})
        await peer.session(1)
        await until(lambda: len(peer.asked(action)) > 1)
        manager.over = True

    before = len(peer.asked(action))
    peer.answers[action] = ignore
    async with linked(peer) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            sent = group.create_task(refused_by_cut(run.link, action, fields))
            await until(lambda: len(peer.asked(action)) == before + 1)
            peer.sessions[-1].cut()
        assert str(sent.result()).startswith(f"{action} not answered: ")
        await run.up(epoch=2)
        await run.link.send("Ping")  # whatever was to be sent again would have come before this
        assert len(peer.asked(action)) == before + 1


async def refused_by_cut(link: AmiLink, action: str, fields: dict[str, str]) -> LinkDownError:
    with pytest.raises(LinkDownError) as caught:
        await link.send(action, fields)
    return caught.value


async def test_nothing_sent_while_down_fires_later(peer: Peer) -> None:
    async with plainly(peer) as manager:
        await peer.session(0)
        await peer.stop()
        await until(lambda: not manager._connected)
        manager.send_action({"Action": "Hangup", "Channel": "PJSIP/1001-1"})
        await peer.start()
        await until(lambda: peer.asked("Hangup"))  # silently accepted, and fired when it came back

    async with linked(peer) as run:
        await run.up()
        await peer.stop()
        await until(lambda: run.of(LinkDown))
        with pytest.raises(LinkDownError):
            await run.link.send("Hangup", {"Channel": "PJSIP/1001-1"})
        await peer.start()
        await run.up(epoch=2)
        await run.link.send("Ping")
        assert peer.sessions[-1].asked("Hangup") == []


# --- 8: an action before the first connection -------------------------------------------------


async def test_action_before_the_first_connection(peer: Peer) -> None:
    await peer.stop()
    async with plainly(peer) as manager:
        with pytest.raises(AttributeError):
            manager.send_action({"Action": "Ping"})

    async with linked(peer) as run:
        with pytest.raises(LinkDownError, match="not sent"):
            await run.link.send("Ping")
        await until(lambda: "refused" in run.link.state.reason or "failed" in run.link.state.reason)
        await peer.start()
        await run.up()
        await run.link.send("Ping")


# --- 9: a closed link comes back --------------------------------------------------------------


async def test_no_connection_after_the_end(peer: Peer) -> None:
    async with plainly(peer) as manager:
        session = await peer.session(0)
        session.cut()
        await until(lambda: not manager._connected)
        manager.close()
        await peer.session(1)  # the zombie
        manager.over = True

    async with linked(peer) as run:
        await run.up()
        peer.sessions[-1].cut()
        await until(lambda: run.of(LinkDown))
        await run.stop()
        before = len(peer.sessions)
        await asyncio.sleep(AWHILE)
        assert len(peer.sessions) == before
        assert run.link.state.reason == "stopped"


# --- 10: a wrong password ---------------------------------------------------------------------


async def test_wrong_password_is_no_storm(peer: Peer) -> None:
    peer.secret = "another"
    async with plainly(peer):
        await until(lambda: len(peer.asked("Login")) >= 5)  # and so on for ever, and nobody knows

    before = len(peer.asked("Login"))
    async with linked(peer, retry_min=0.01, retry_max=600) as run:
        await until(lambda: run.link.state.auth_refused)
        assert not run.link.state.up
        assert run.link.state.reason == "Asterisk refused Login: Authentication failed (user ccm)"
        await asyncio.sleep(AWHILE)
        assert len(peer.asked("Login")) == before + 1


async def test_wrong_password_is_told_once_and_can_be_mended(peer: Peer) -> None:
    peer.secret = "another"
    with capture_logs() as logs:
        async with linked(peer) as run:
            await until(lambda: len(peer.asked("Login")) >= 3)
            peer.secret = SECRET
            await run.up()
            assert not run.link.state.auth_refused
    told = [entry for entry in logs if entry["event"] == "ami login refused"]
    assert [(entry["log_level"], entry["user"], entry["node"]) for entry in told] == [
        ("error", "ccm", "pbx1")
    ]
    assert SECRET not in repr(logs)


# --- 11: events with the ActionID of an open action -------------------------------------------


async def originate_and_fail(session: Session, action: dict[str, str]) -> None:
    await queued(session, action)
    await session.send(
        frame(
            ("Event", "OriginateResponse"),
            ("Privilege", "call,all"),
            ("ActionID", action["ActionID"]),
            ("Response", "Failure"),
            ("Channel", "Local/1@x"),
            ("Reason", "3"),
            ("Uniqueid", "<null>"),
        )
    )


async def test_originate_response_is_seen(peer: Peer) -> None:
    peer.answers["Originate"] = originate_and_fail
    fields = {**ORIGINATE, "Async": "true", "ActionID": "ccm-lead-17"}
    async with plainly(peer) as manager:
        seen = collect(manager, "OriginateResponse")
        await peer.session(0)
        manager.send_action({"Action": "Originate", **fields})
        await asyncio.wait_for(manager.send_action({"Action": "Ping"}), DEADLINE)
        assert seen == []

    async with linked(peer) as run:
        await run.up()
        response = await run.link.send("Originate", fields)
        assert response.message == "Originate successfully queued"
        [seen_by_us] = await until(lambda: run.of(OriginateResponse))
        assert (seen_by_us.action_id, seen_by_us.reason) == ("ccm-lead-17", 3)
        assert (seen_by_us.response, seen_by_us.uniqueid) == ("Failure", "")


# --- 12: injection ----------------------------------------------------------------------------

INJECTION = "x\r\n\r\nAction: Command\r\nActionID: 1\r\nCommand: core stop now"


async def test_line_ends_in_values_are_refused(peer: Peer) -> None:
    async with plainly(peer) as manager:
        await peer.session(0)
        manager.send_action({"Action": "Setvar", "Variable": "A", "Value": INJECTION})
        await until(lambda: peer.asked("Command"))
        assert peer.asked("Command")[0]["Command"].startswith("core stop now")

    async with linked(peer) as run:
        await run.up()
        session, before = peer.sessions[-1], peer.received
        for fields in (
            {"Variable": "A", "Value": INJECTION},
            {"Variable": ["A=1", INJECTION]},
            {INJECTION: "x"},
            {"Value": "a\nb"},
            {"Value": "a\rb"},
            {"Value": "a\0b"},
        ):
            with pytest.raises(UnsafeValue):
                await run.link.send("Setvar", fields)
            with pytest.raises(UnsafeValue):
                await run.link.send_list("Setvar", fields)
        with pytest.raises(UnsafeValue):
            await run.link.send(INJECTION)
        await run.link.send("Ping")
        assert b"Setvar" not in peer.received[len(before) :]
        assert session.asked("Command") == []


# --- 13: order --------------------------------------------------------------------------------


async def test_handlers_keep_the_order(peer: Peer) -> None:
    burst = b"".join(event("Hangup", Uniqueid=f"1.{n}") for n in range(20))
    done: list[int] = []

    async def handle(_: Any, message: Message) -> None:
        number = int(message.uniqueid.removeprefix("1."))
        await asyncio.sleep(0.02 if number % 2 == 0 else 0)  # the one needs the database, say
        done.append(number)

    async with plainly(peer) as manager:
        manager.register_event("Hangup", handle)
        await (await peer.session(0)).send(burst)
        await until(lambda: len(done) == 20)
        assert done != list(range(20))

    done.clear()
    async with linked(peer, reading=False) as run:
        await (await peer.session(1)).send(burst)
        async with asyncio.timeout(DEADLINE):
            while len(done) < 20:
                for item in await run.link.read():
                    if isinstance(item, Hangup):
                        number = int(item.uniqueid.removeprefix("1."))
                        await asyncio.sleep(0.02 if number % 2 == 0 else 0)
                        done.append(number)
        assert done == list(range(20))


# --- 14: one line of output, and an empty header at the end -----------------------------------


async def one_line(session: Session, action: dict[str, str]) -> None:
    await session.answer(
        action,
        ("Response", "Success"),
        ("Message", "Command output follows"),
        ("Output", "No queues."),
    )


async def one_member(session: Session, action: dict[str, str]) -> None:
    head = ("ActionID", action["ActionID"])
    await session.send(
        frame(("Response", "Success"), head, ("EventList", "start"), ("Message", "follows"))
        + frame(("Event", "QueueMember"), head, ("Queue", "sales"), ("PausedReason", ""))
        + frame(("Event", "QueueStatusComplete"), head, ("EventList", "Complete"))
    )


async def test_output_lines_and_an_empty_last_header(peer: Peer) -> None:
    peer.answers |= {"Command": one_line, "QueueStatus": one_member}
    async with plainly(peer) as manager:
        await peer.session(0)
        answer = await asyncio.wait_for(manager.send_command("queue show"), DEADLINE)
        assert answer.output == "No queues."  # for two lines it would be a list
        listed = manager.send_action({"Action": "QueueStatus"})
        answer = await asyncio.wait_for(listed, DEADLINE)
        assert "PausedReason" not in answer[1]

    async with linked(peer) as run:
        await run.up()
        response = await run.link.send("Command", {"Command": "queue show"})
        assert response.output == ["No queues."]
        [member] = await run.link.send_list("QueueStatus")
        assert member["PausedReason"] == ""
        assert [item.queue for item in run.of(QueueMember)] == ["sales"]


# --- 15: needs a running loop, and sends the password in clear ---------------------------------


async def test_made_without_a_loop(peer: Peer) -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        await asyncio.to_thread(Action, {"Action": "Ping"})
    link = await asyncio.to_thread(AmiLink, "pbx1", settings_for(peer))
    assert not link.state.up


async def test_password_is_not_sent(peer: Peer) -> None:
    async with plainly(peer):
        await peer.session(0)
        assert SECRET.encode() in peer.received

    before = len(peer.received)
    async with linked(peer) as run:
        await run.up()
        assert SECRET.encode() not in peer.received[before:]


# --- and one that the list does not have: Shutdown counts as the end of the connection ---------


async def test_shutdown_event_is_an_event(peer: Peer) -> None:
    stopping = event("Shutdown", Shutdown="Cleanly", Restart="False") + event("Hangup", Cause=16)
    async with plainly(peer) as manager:
        session = await peer.session(0)
        await session.send(stopping)
        await until(lambda: session.over)
        manager.over = True

    async with linked(peer) as run:
        await run.up()
        session = peer.sessions[-1]
        await session.send(stopping)
        await until(lambda: run.of(Hangup))
        assert [item.restart for item in run.of(Shutdown)] == ["False"]
        assert not session.over
        session.cut()
        await run.up(epoch=2)
        kinds = [type(item) for item in run.items if not isinstance(item, Hangup)]
        assert (
            kinds.index(Shutdown) < kinds.index(LinkDown) < len(kinds) - kinds[::-1].index(LinkUp)
        )
