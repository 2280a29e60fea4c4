"""Carries out the commands of supervision: rings the supervisor's phone and waits what comes of it.

Asterisk answers an Originate at once; how it went comes later, as events (``heard``). If none comes
in time the outcome is unknown: the phone may be ringing.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from ccmiddleware.commands import Handler, InvalidCommand, Outcome, summary
from ccmiddleware.pbx import events as ami
from ccmiddleware.pbx.asking import ask_asterisk
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.plaintext import plain
from ccmiddleware.supervision.commands import (
    KINDS,
    RING_SECONDS,
    WORDS,
    EndSupervision,
    Supervise,
    Talk,
    chosen,
    hang_up,
    parse,
    ring,
    why_not,
)
from ccmiddleware.supervision.watch import Watch

NEEDS = "the manager user needs write class originate (asterisk/manager/ccm-supervision.conf)"
NEEDS_CALL = "the manager user needs write class call (asterisk/manager/ccm-supervision.conf)"
SWITCHED_OFF = "supervision is switched off here: [supervision] enabled = false"
NOT_YET = "Asterisk has not told yet which talks there are; try again in a moment"
TOO_LATE = "the talk was over before the phone answered"

LASTING = frozenset({"agent_supervise"})
"""Kinds of commands that take as long as a phone rings."""

GRACE_SECONDS = 10.0
"""How long after the ringing Asterisk may still tell how it went."""

BEGIN_SECONDS = 3.0
"""How long after the phone answered Asterisk may still tell that it listens, or has hung up."""


class Supervising:
    """The commands of one node. ``talks``: those of an agent now, or None while that is unknown."""

    HEARD = (ami.OriginateResponse, ami.Hangup, ami.ChanSpyStart)
    """Kinds of events that ``heard`` looks at."""

    def __init__(
        self,
        link: AmiLink,
        watch: Watch,
        talks: Callable[[str], list[Talk] | None],
        name_of: Callable[[str], str],
        *,
        enabled: bool,
    ) -> None:
        self._link = link
        self._watch = watch
        self._talks = talks
        self._name_of = name_of
        self._enabled = enabled
        self._awaited: dict[str, asyncio.Queue[ami.Event]] = {}
        """What is told of the channels that we had made, by their unique ids."""

    def handlers(self) -> dict[str, Handler]:
        """A handler for each kind of command of supervision."""

        def handler(kind: str) -> Handler:
            async def carry_out(arguments: Mapping[str, Any]) -> Outcome:
                if not self._enabled:
                    raise InvalidCommand(SWITCHED_OFF)
                command = parse(kind, arguments)
                if isinstance(command, EndSupervision):
                    return await self._end(command)
                return await self._supervise(command)

            return carry_out

        return {kind: handler(kind) for kind in KINDS}

    def heard(self, event: ami.Event) -> None:
        """An event of the node, in its place in the stream."""
        match event:
            case ami.OriginateResponse() | ami.Hangup():
                uniqueid = event.uniqueid
            case ami.ChanSpyStart():
                uniqueid = event.spyer_uniqueid
            case _:
                return
        awaited = self._awaited.get(uniqueid)
        if awaited is not None:
            awaited.put_nowait(event)

    async def _supervise(self, command: Supervise) -> Outcome:
        talks = self._talks(command.interface)
        if talks is None:
            raise InvalidCommand(NOT_YET)
        talk = chosen(command, talks, self._name_of(command.interface))
        ask = ring(command, talk, uuid4())
        uniqueid = ask.fields["ChannelId"]
        self._awaited[uniqueid] = asyncio.Queue()
        try:
            answer = await ask_asterisk(self._link, ask, needs=NEEDS)
            if answer.state != "done":
                return summary([answer])
            return await self._how_it_went(command, talk, self._awaited[uniqueid])
        finally:
            del self._awaited[uniqueid]

    async def _how_it_went(
        self, command: Supervise, talk: Talk, events: "asyncio.Queue[ami.Event]"
    ) -> Outcome:
        to, seconds = command.to, RING_SECONDS + GRACE_SECONDS
        while True:
            try:
                async with asyncio.timeout(seconds):
                    event = await events.get()
            except TimeoutError:
                return "unknown", f"{to}: Asterisk did not tell what became of it"
            match event:
                case ami.OriginateResponse(response="Failure"):
                    return "refused", f"{to}: {why_not(event.reason)}"
                case ami.OriginateResponse():
                    seconds = BEGIN_SECONDS
                case ami.ChanSpyStart():
                    who = plain(talk.agent)
                    customer = plain(talk.customer) or "a withheld number"
                    return "done", (
                        f"{to} {WORDS[command.mode]} {who}, who talks to {customer} "
                        f"(interaction {talk.interaction})"
                    )
                case ami.Hangup() if seconds == BEGIN_SECONDS:
                    return "refused", f"{to}: {TOO_LATE}"
                case _:
                    pass  # the failure that explains the hangup follows

    async def _end(self, command: EndSupervision) -> Outcome:
        rows = self._watch.of(command.interface, command.to)
        if not rows:
            by = f" by {command.to}" if command.to else ""
            who = self._name_of(command.interface)
            raise InvalidCommand(f"no talk of {who} is supervised{by} now")
        return summary(
            [await ask_asterisk(self._link, hang_up(row), needs=NEEDS_CALL) for row in rows]
        )
