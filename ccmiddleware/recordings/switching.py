"""Asks Asterisk to pause, resume, stop and go on with one recording, and tells what came of it.

That something was asked is told before it is: a daemon that is killed in between leaves a row that
says so, instead of one that is silently wrong. Only Asterisk's yes is told as done. All four may be
asked for again without harm, which settles what was left unknown.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.commands import Answer, State
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.recordings import marks, mixmonitor
from ccmiddleware.recordings.marks import Verb, Why
from ccmiddleware.recordings.take import Busy, Take

log = structlog.get_logger(__name__)


class Commands(Protocol):
    """What is needed of the AMI link."""

    async def send(
        self,
        action: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Send one action; raises TemporaryError or PermanentError."""


def monitor_in(response: Any) -> str:
    """The id that Asterisk gave a MixMonitor; "" when it gave none."""
    return str(response.headers.get("MixMonitorID", ""))


class Switch:
    """Pause and its like. ``certain`` waits while it is doubtful whether this daemon leads."""

    def __init__(
        self, commands: Commands, clock: Clock, certain: Callable[[], Awaitable[None]]
    ) -> None:
        self._commands = commands
        self._clock = clock
        self._certain = certain

    async def pause(self, take: Take, why: Why, beside: int = 0) -> Answer:
        """Silence in the file from now on. ``beside``: the segment with whose pause this begins."""

        async def ask() -> Answer:
            if problem := _in_doubt(take):
                return _answer(take, "refused", problem)
            if not take.runs:
                return _answer(take, "done", "it is not being recorded now")
            if take.recording.paused_at is not None and not take.recording.asked:
                if not beside:
                    take.beside = 0  # asked for in its own right now: it does not end with another
                return _answer(take, "done", "it was paused already")
            fields = mixmonitor.mute(take.channel, on=True)
            answer = await self._ask(take, "pause", "MixMonitorMute", fields, why)
            take.beside = beside
            return answer

        return await _alone(take, ask)

    async def resume(self, take: Take, why: Why) -> Answer:
        """End a pause."""

        async def ask() -> Answer:
            problem = _in_doubt(take) or ("" if take.runs else "it is not being recorded now")
            if problem:
                return _answer(take, "refused", problem)
            known = take.fresh and not take.recording.asked
            if known and take.recording.paused_at is None:
                # Of one that was taken over, a pause may never have been told.
                return _answer(take, "done", "it was not paused")
            fields = mixmonitor.mute(take.channel, on=False)
            return await self._ask(take, "resume", "MixMonitorMute", fields, why)

        return await _alone(take, ask)

    async def stop(self, take: Take, why: Why) -> Answer:
        """End the recording before the talk ends; it may go on later."""

        async def ask() -> Answer:
            if not take.runs and not take.recording.asked:
                return _answer(take, "done", "it was not being recorded")
            fields = mixmonitor.stop(take.channel, take.recording.monitor)
            return await self._ask(take, "stop", "StopMixMonitor", fields, why)

        return await _alone(take, ask)

    async def go_on(self, take: Take, why: Why, start: mixmonitor.Fields) -> Answer:
        """Record again after a stop, or a refusal. ``start``: the fields of MixMonitor."""

        async def ask() -> Answer:
            if take.ended.done():
                return _answer(take, "refused", "the talk is over")
            in_doubt = take.recording.asked in ("start", "stop")
            if take.runs and not in_doubt:
                return _answer(take, "done", "it is being recorded already")
            # Where it is in doubt it may be recording, and twice at once must not be.
            if in_doubt and (problem := await self._still_in_doubt(take)):
                return _answer(take, "unknown", problem)
            return await self._ask(take, "start", "MixMonitor", start, why)

        return await _alone(take, ask)

    async def _still_in_doubt(self, take: Take) -> str:
        """Have it stopped; why it may record all the same, "" when it does not."""
        fields = mixmonitor.stop(take.channel, take.recording.monitor)
        try:
            await self._commands.send("StopMixMonitor", fields)
        except PermanentError as error:
            log.debug("there was nothing to stop", channel=take.channel, reason=str(error))
        except TemporaryError as error:
            return f"whether it is being recorded is not known, and no answer came: {error}"
        return ""

    async def _ask(
        self, take: Take, verb: Verb, action: str, fields: mixmonitor.Fields, why: Why
    ) -> Answer:
        await self._certain()
        take.put(asked=verb)
        try:
            response = await self._commands.send(action, fields)
        except PermanentError as error:
            take.put(asked="")
            return _answer(take, "refused", str(error))
        except TemporaryError as error:
            take.put(marks.unsure(take.recording, verb, self._clock(), why))
            return _answer(take, "unknown", f"asked, and no answer came: {error}")
        now = self._clock()
        changes = _changes(take, verb, now, response)
        take.put(marks.event(take.recording, verb, now, why), asked="", **changes)
        return _answer(take, "done", _DONE[verb])


def _in_doubt(take: Take) -> str:
    """Why nothing can be said of a pause; "" where it can."""
    if take.ended.done():
        return "the talk is over"
    if take.recording.asked in ("start", "stop"):
        return "whether it is being recorded is not known: start or stop it first"
    return ""


_DONE: dict[Verb, str] = {
    "pause": "paused",
    "resume": "resumed",
    "start": "recording",
    "stop": "stopped",
}


def _changes(take: Take, verb: Verb, now: datetime, response: Any) -> dict[str, Any]:
    match verb:
        case "pause":
            return marks.paused(take.recording, now)
        case "resume":
            return marks.resumed(take.recording, now)
        case "stop":
            return marks.stopped(take.recording, now)
        case "start":
            # A MixMonitor that begins is not muted, whatever the one before was.
            changes = {"state": "recording", "monitor": monitor_in(response), "stopped_at": None}
            return {**marks.resumed(take.recording, now), **changes, "error": ""}


async def _alone(take: Take, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    try:
        async with take.alone():
            return await ask()
    except Busy as error:
        return _answer(take, "refused", str(error))


def _answer(take: Take, state: State, said: str) -> Answer:
    return Answer(f"{take.recording.interaction_id} segment {take.recording.segment}", state, said)
