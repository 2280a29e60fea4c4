"""One connection to Asterisk's manager interface: bytes in, events and answers out, once each.

Built on panoramisk's AMIProtocol; what its name says is kept (``responses`` are the open actions,
``factory`` is who gets the events), what loses or repeats something is replaced. A connection is
used once: it never comes back, and nothing that was sent over it is ever sent again.
"""

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import structlog
from panoramisk.ami_protocol import AMIProtocol

from ccmiddleware.clock import Clock
from ccmiddleware.pbx import frames
from ccmiddleware.pbx.actions import ActionTimeout, LinkDownError, Question, Reply
from ccmiddleware.pbx.events import Event
from ccmiddleware.pbx.gathering import Gathering

CLOSE_SECONDS = 1.0
"""How long a connection may take to close before it is cut off."""

READ_ROUNDS = 3
"""Of the event loop, in which bytes that wait in a socket have been read."""

_TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux, RFC 5482


class Receiver(Protocol):
    """Who gets what a connection receives."""

    @property
    def full(self) -> bool:
        """Whether an event would be dropped unseen."""

    def dispatch(self, event: Event) -> None:
        """Take the next event; must not wait."""

    def dropped(self, at: datetime) -> None:
        """Take notice of an event that was not even parsed, as ``full`` said so."""

    def malformed(self, name: str, error: Exception) -> None:
        """Take notice of a frame that could not be understood."""


class LinkProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """The protocol of one connection. ``lost`` resolves to the reason when it is over."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
        patience: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.receiver = receiver
        self.authenticated = False
        self.greeted: asyncio.Future[str] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.heard_at = loop.time()
        self.responses: dict[str, Question] = {}
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._gone = loop.create_future()
        self._clock = clock
        self._now: Callable[[], float] = loop.time
        self._patience = patience
        self._link_log = log
        self._splitter = frames.Splitter()
        self._events = frames.EventReader()
        self._varset_told = False
        self._gathering = Gathering(self.heard_at)

    # --- what asyncio calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport. Bytes that stay unacknowledged for ``patience`` seconds end it."""
        super().connection_made(transport)
        self.factory = self.receiver
        self.log = self._link_log
        sock = transport.get_extra_info("socket")
        if sock is not None and _TCP_USER_TIMEOUT is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, int(self._patience * 1000))

    def data_received(self, data: bytes) -> None:
        """Take a chunk. Whatever stands in a frame, the frames behind it are still read."""
        if self.closed:
            return
        self.heard_at = self._now()
        if self.authenticated:
            self._gather(len(data))
        long_before = self._splitter.too_long
        try:
            whole = self._splitter.feed(data)
        except frames.NotAmi as error:
            self.end(str(error))
            return
        if not self.greeted.done() and self._splitter.banner:
            self.greeted.set_result(self._splitter.banner)
        for _ in range(self._splitter.too_long - long_before):
            self.receiver.malformed("", ValueError("a frame is longer than any real one"))
        read_at = self._clock()
        for frame in whole:
            if self._varset_told and frames.is_idle_varset(frame):
                continue  # most of all frames, and known without a further look
            try:
                self._take(frame, read_at)
            except Exception as error:  # noqa: BLE001 - told to the receiver, which counts and logs it
                self.receiver.malformed(frames.event_name(frame).decode("ascii", "replace"), error)

    def _gather(self, read: int) -> None:
        """Leave what comes after so many bytes in the socket for a moment."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        pause = self._gathering.pause(read, self.heard_at, buffer)
        if pause:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(pause, self._read_on)

    async def read_rest(self) -> None:
        """Read what has gathered, before the connection is ended by us."""
        self._read_on()
        for _ in range(READ_ROUNDS):
            await asyncio.sleep(0)

    def _read_on(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is closed, by whichever side."""
        self.end(f"connection lost: {exc}" if exc else "Asterisk closed the connection")
        if not self._gone.done():
            self._gone.set_result(None)

    # --- frames -------------------------------------------------------------------------------

    def _take(self, frame: bytes, read_at: datetime) -> None:
        if frame.startswith(frames.EVENT):
            self._take_event(frame, read_at)
        elif frame.startswith(frames.RESPONSE):
            self.handle_message(Reply(frames.pairs(frame)))
        elif frame.startswith((b"\r", b"\n")):
            self._take(frame.strip(b"\r\n"), read_at)
        elif frame:
            # Asterisk does not escape every value: a line end in Newexten's AppData tears it up.
            raise ValueError("neither an event nor a response")

    def _take_event(self, frame: bytes, read_at: datetime) -> None:
        if self.responses and frames.ACTION_ID in frame:
            self._take_list_item(frame)
        name = frames.event_name(frame)
        # The first VarSet of each connection, whatever it sets, shows that the user hears the class
        # dialplan: from then on a missing QUEUESTATUS means something.
        news = name == frames.VARSET and not self._varset_told
        if not (news or frames.is_wanted(name, frame)):
            return
        self._varset_told = self._varset_told or news
        if self.receiver.full:
            self.receiver.dropped(read_at)
            return
        self.receiver.dispatch(self._events.read(name, frame, read_at))

    def _take_list_item(self, frame: bytes) -> None:
        item = Reply(frames.pairs(frame))
        question = self.responses.get(item.action_id)
        # Before its response an action has no list; OriginateResponse is not part of the answer.
        if question is not None and question.expects_list and question.responses:
            self.handle_message(item)

    def handle_message(self, message: Reply) -> None:
        """Give a response or a list item to the action it answers; a late one is nobody's."""
        question = self.responses.get(message.action_id)
        if question is None or not question.add_message(message):
            return
        del self.responses[question.id]
        if question.name == "Login" and message.success:
            self.authenticated = True

    # --- actions ------------------------------------------------------------------------------

    async def ask(self, question: Question, limit: float) -> Question:
        """Write an action and wait for its whole answer, for ``limit`` seconds.

        Raises LinkDownError and ActionTimeout; either way the action is forgotten.
        """
        if self.closed or self.transport is None:
            reason = self.lost.result() if self.lost.done() else "not connected"
            raise LinkDownError(f"{question.name} not sent: {reason}")
        if question.id in self.responses:
            raise ValueError(f"ActionID {question.id} is in use")
        self.responses[question.id] = question
        try:
            self.transport.write(question.wire)
            # asyncio.wait and not a timeout that cancels: an answer that came is never thrown away.
            await asyncio.wait([question.future], timeout=limit)
            if not question.future.done():
                raise ActionTimeout(f"no answer to {question.name} within {limit:g} s")
            if question.future.cancelled():
                raise LinkDownError(f"{question.name} not answered: {self.lost.result()}")
            return question
        finally:
            self.responses.pop(question.id, None)

    # --- the end ------------------------------------------------------------------------------

    def end(self, reason: str) -> None:
        """Stop: nothing is read or answered any more, open actions fail with LinkDownError."""
        if self.closed:
            return
        self.closed = True
        self.lost.set_result(reason)
        for question in self.responses.values():
            question.future.cancel()
        self.responses.clear()
        if self.transport is not None:
            self.transport.close()

    def close(self) -> None:
        """What panoramisk calls; unlike there, nothing is kept to be sent again."""
        self.end("closed")

    def log_off(self) -> None:
        """Take leave politely; the answer is not waited for."""
        if not self.closed and self.transport is not None:
            self.transport.write(b"Action: Logoff\r\n\r\n")

    async def until(self, future: asyncio.Future[Any]) -> Any:
        """The result of ``future``, or LinkDownError when the connection ends before it."""
        await asyncio.wait([future, self.lost], return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise LinkDownError(self.lost.result())

    async def gone(self) -> None:
        """Wait until the socket is closed; cut it off when that takes too long."""
        transport = self.transport
        if transport is None:
            return
        await asyncio.wait([self._gone], timeout=CLOSE_SECONDS)
        if not self._gone.done():
            transport.abort()
            await asyncio.wait([self._gone], timeout=CLOSE_SECONDS)
