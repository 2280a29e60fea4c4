"""Recordings under way, at the word of people: commands of ``ccm``, and codes keyed in by agents.

A pause holds for the customer, so it silences every recording of the interaction that goes on;
where nothing is recorded there is nothing to silence, and that is a yes. It belongs to the talk of
the agent who asked for it, and ends with it; recordings beside that one (a three-way call) then go
on with sound. The talk after a transfer is another talk and is recorded as the policy says: its
agent does not know of the pause, and asks for one if the customer still pays.

A code waits in the dialplan for an answer. It is *claimed* first, by removing the key under which
it waits from the AstDB: Asterisk removes it once, for us or for the dialplan that gave up. So
nothing is done after an agent has heard that it is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from ccmiddleware.commands import Answer, Handler, InvalidCommand, Outcome, State, summary
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import Segment
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.recordings import marks
from ccmiddleware.recordings.marks import Why
from ccmiddleware.recordings.policy import holding
from ccmiddleware.recordings.recorder import Recorder
from ccmiddleware.recordings.requests import KINDS, Request, keyed_in, parse
from ccmiddleware.recordings.take import Take

log = structlog.get_logger(__name__)

FAMILY = "ccm-recording"
"""AstDB family in which codes wait and are answered (asterisk/dialplan/ccm-recording.conf)."""

START_SECONDS = 12.0
"""How long to wait for a recording to begin before that is unknown: longer than for one answer."""

FORGET_SECONDS = 5.0
"""How long an answer is left for the dialplan, which takes it within a second or never."""


class Control:
    """Pause, resume, start and stop for one node. ``run`` is one task; it serves the codes."""

    def __init__(self, recorder: Recorder, certain: Callable[[], Awaitable[None]]) -> None:
        self._recorder = recorder
        self._certain = certain
        self._asked: asyncio.Queue[Request] = asyncio.Queue()

    # -- who asks ---------------------------------------------------------------------------

    def handlers(self) -> dict[str, Handler]:
        """A handler for each kind of command about recordings."""

        def handler(kind: str) -> Handler:
            async def carry_out(arguments: Mapping[str, Any]) -> Outcome:
                return await self.carry_out(parse(kind, arguments))

            return carry_out

        return {kind: handler(kind) for kind in KINDS}

    def hear(self, event: UserEvent) -> None:
        """Take a code that an agent keyed in; other events are nobody's."""
        request = keyed_in(event)
        if request is not None:
            self._asked.put_nowait(request)

    async def run(self) -> None:
        """Serve codes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                request = await self._asked.get()
                tasks.create_task(self._serve(request), name=f"recording code {request.reply}")

    async def _serve(self, request: Request) -> None:
        bound = log.bind(node=self._recorder.node.name, code=request.verb, by=request.why.by)
        await self._certain()
        if not await self._astdb("DBDel", f"{request.reply}/asked"):
            bound.info("a code came too late and was not heeded")
            return
        try:
            state, said = await self.carry_out(request)
        except InvalidCommand as error:
            state, said = "refused", str(error)
        bound.info("code", state=state, result=said)
        key = f"{request.reply}/answer"
        if await self._astdb("DBPut", key, Val="yes" if state == "done" else "no"):
            await asyncio.sleep(FORGET_SECONDS)
            await self._astdb("DBDel", key)  # unless the dialplan took it, as it should have

    async def _astdb(self, action: str, key: str, **more: str) -> bool:
        """Whether Asterisk said that it did so."""
        try:
            await self._recorder.commands.send(action, {"Family": FAMILY, "Key": key, **more})
        except (PermanentError, TemporaryError) as error:
            log.debug("AstDB", action=action, key=key, reason=str(error))
            return False
        return True

    # -- what is done -----------------------------------------------------------------------

    async def carry_out(self, request: Request) -> Outcome:
        """Do what is asked for. Raises InvalidCommand when there is nothing that is meant."""
        talks = self._recorder.talks.meant(request)
        match request.verb:
            case "pause" | "resume":
                answers = await self._pause_or_resume(talks, request)
            case "start":
                answers = [await self._start(talk, request.why) for talk in talks]
            case "stop":
                answers = [await self._stop(talk, request.why) for talk in talks]
        return summary(answers)

    async def _pause_or_resume(self, talks: list[Segment], request: Request) -> list[Answer]:
        recorder, switch = self._recorder, self._recorder.switch
        takes = [take for talk in talks if (take := self._take(talk)) is not None]
        # Those beside as well: the customer is heard in all of them.
        others = recorder.beside(takes[0]) if takes else self._of(talks[0])
        everything = takes + [take for take in others if take not in takes]
        if not everything:
            subject = f"{talks[0].interaction_id}"
            state: State = "done" if request.verb == "pause" else "refused"
            return [Answer(subject, state, "nothing is being recorded")]
        first = talks[0].ordinal
        return [
            await switch.pause(take, request.why, 0 if take in takes else first)
            if request.verb == "pause"
            else await switch.resume(take, request.why)
            for take in everything
        ]

    async def _start(self, talk: Segment, why: Why) -> Answer:
        recorder = self._recorder
        self._must_be_on_demand(talk)
        take = self._take(talk)
        if take is not None:
            return await recorder.switch.go_on(take, why, recorder.start_fields(take))
        take = recorder.begin(talk, recorder.clock())
        subject = f"{talk.interaction_id} segment {talk.ordinal}"
        try:
            async with asyncio.timeout(START_SECONDS):
                await take.begun.wait()
        except TimeoutError:
            said = "no answer from Asterisk yet; it is asked again while the talk goes on"
            return Answer(subject, "unknown", said)
        if take.recording.state != "recording":
            return Answer(subject, "refused", take.recording.error or "the talk is over")
        recorder.tell([marks.event(take.recording, "start", take.recording.started_at, why)])
        return Answer(subject, "done", "recording")

    async def _stop(self, talk: Segment, why: Why) -> Answer:
        self._must_be_on_demand(talk)
        take = self._take(talk)
        if take is None:
            subject = f"{talk.interaction_id} segment {talk.ordinal}"
            return Answer(subject, "done", "it was not being recorded")
        return await self._recorder.switch.stop(take, why)

    def _must_be_on_demand(self, talk: Segment) -> None:
        queue = self._recorder.queue_of(talk)
        policy = holding(self._recorder.settings, queue).policy
        if policy != "on_demand":
            where = f"of queue {queue}" if queue else "of talks without a queue"
            raise InvalidCommand(f"the recording policy {where} is {policy}, not on_demand")

    def _take(self, talk: Segment) -> Take | None:
        return self._recorder.takes.get((talk.interaction_id, talk.ordinal))

    def _of(self, talk: Segment) -> list[Take]:
        takes = self._recorder.takes.values()
        return [take for take in takes if take.key[0] == talk.interaction_id and take.may_run]
