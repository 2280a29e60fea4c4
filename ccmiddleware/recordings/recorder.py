"""Records the talks of one node: MixMonitor on one of its channels, then the finished file.

The talk that a queue makes is recorded on the customer's channel. A talk that follows a transfer,
or has no queue, is recorded on the agent's: two MixMonitors on one channel can't be told apart when
one of them is to stop, and in a three-way call both talks go on at once.

One task follows each recording from the answer to the finished file, so that its steps keep their
order. Everything it learns is told as a ``Recording`` fact; a recording that should exist and does
not ends in the state ``missing`` or ``failed``, with the reason. Recordings that an earlier daemon
left unfinished are taken up again by ``restore``.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import structlog
from msgspec.structs import replace

from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import AnyFact, Interaction, Recording, Segment
from ccmiddleware.recordings.finishing import CUT_OFF, Finished, inspect
from ccmiddleware.recordings.policy import relative_path, wanted

log = structlog.get_logger(__name__)

Key = tuple[UUID, int]

POLL_SECONDS = 0.5
"""How often an unfinished file is looked at."""


class Commands(Protocol):
    """What the recorder needs of the AMI link."""

    async def send(
        self,
        action: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Send one action; raises TemporaryError or PermanentError."""


class Recorder:
    """The recordings of one node.

    ``tell`` takes facts and must not block. Durations are in seconds: ``finish_within`` is how long
    a file may take to be complete after the talk ended, ``retry_after`` the pause before Asterisk
    is asked again to record when it did not answer.
    """

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        commands: Commands,
        tell: Callable[[Sequence[AnyFact]], None],
        *,
        finish_within: float = 60.0,
        retry_after: float = 2.0,
    ) -> None:
        self.node = node
        self.settings = settings
        self.commands = commands
        self.tell = tell
        self.finish_within = finish_within
        self.retry_after = retry_after
        self.ended: dict[Key, asyncio.Future[datetime]] = {}
        """One future for each recording that is followed; set to the end of the talk."""
        self._new: asyncio.Queue[tuple[Recording, str, bool]] = asyncio.Queue()
        self._visits: dict[UUID, dict[int, int]] = {}
        """By interaction: the first segment of each visit, which is the one that a queue made."""

    def observe(self, facts: Iterable[AnyFact], queue_of: Callable[[Segment], str]) -> None:
        """Look at facts of the call machine: talks that begin, talks that end."""
        for fact in facts:
            if isinstance(fact, Interaction) and fact.ended_at is not None:
                self._visits.pop(fact.id, None)
            if not isinstance(fact, Segment):
                continue
            key = (fact.interaction_id, fact.ordinal)
            waiting = self.ended.get(key)
            if fact.ended_at is not None:
                if waiting is not None and not waiting.done():
                    waiting.set_result(fact.ended_at)
            elif waiting is None:
                policy = self.settings.recording_for(queue_of(fact))
                if wanted(policy, *key):
                    recording = Recording(
                        interaction_id=fact.interaction_id,
                        segment=fact.ordinal,
                        version=1,
                        node=self.node.name,
                        state="expected",
                        path=str(relative_path(fact, policy)),
                        started_at=fact.answered_at,
                    )
                    self._follow(recording, self._channel_of(fact), fresh=True)

    def _channel_of(self, segment: Segment) -> str:
        """The channel on which a talk is recorded."""
        first = self._visits.setdefault(segment.interaction_id, {})
        made_by_queue = segment.visit > 0 and (
            first.setdefault(segment.visit, segment.ordinal) == segment.ordinal
        )
        return segment.channel if made_by_queue else segment.agent_channel

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up what an earlier daemon left unfinished."""
        facts = list(facts)
        for segment in (fact for fact in facts if isinstance(fact, Segment)):
            self._channel_of(segment)
        talking = {
            (fact.interaction_id, fact.ordinal): fact
            for fact in facts
            if isinstance(fact, Segment) and fact.ended_at is None
        }
        for fact in facts:
            if isinstance(fact, Recording) and fact.state in ("expected", "recording"):
                key = (fact.interaction_id, fact.segment)
                talk = talking.get(key)
                channel = self._channel_of(talk) if talk is not None else ""
                self._follow(fact, channel, fresh=False)
                if talk is None:
                    self.ended[key].set_result(fact.ended_at or fact.started_at)

    def _follow(self, recording: Recording, channel: str, *, fresh: bool) -> None:
        key = (recording.interaction_id, recording.segment)
        self.ended[key] = asyncio.get_running_loop().create_future()
        self._new.put_nowait((recording, channel, fresh))

    async def run(self) -> None:
        """Follow recordings until cancelled; what is unfinished then is left for the next start."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                recording, channel, fresh = await self._new.get()
                name = f"recording {recording.interaction_id}-{recording.segment}"
                tasks.create_task(self._record(recording, channel, fresh), name=name)

    async def _record(self, recording: Recording, channel: str, fresh: bool) -> None:
        key = (recording.interaction_id, recording.segment)
        bound = log.bind(node=self.node.name, interaction=str(key[0]), segment=key[1])
        try:
            if fresh:
                self.tell([recording])
            if recording.state == "expected":
                recording = await self._start(recording, channel, self.ended[key], sure=fresh)
            if recording.state == "failed":
                bound.warning("recording failed", reason=recording.error)
                return
            ended_at = await self.ended[key]
            await self._stop(channel)
            recording = await self._finish(recording, ended_at)
            if recording.state == "finished":
                bound.info("recording finished", seconds=recording.seconds, path=recording.path)
            else:
                bound.warning("recording missing", reason=recording.error, path=recording.path)
        finally:
            self.ended.pop(key, None)

    def _put(self, recording: Recording, **changes: Any) -> Recording:
        recording = replace(recording, version=recording.version + 1, **changes)
        self.tell([recording])
        return recording

    async def _start(
        self, recording: Recording, channel: str, ended: asyncio.Future[datetime], *, sure: bool
    ) -> Recording:
        """Have Asterisk record; as long as it does not answer and the talk goes on, try again.

        ``sure`` is whether Asterisk was not asked yet, as far as we know. A file that is there was
        begun by somebody, perhaps by a daemon that led the node before and could not say so any
        more: MixMonitor a second time would truncate it.
        """
        file = str(self.node.recordings_for_asterisk / recording.path)
        while sure or not ended.done():
            if await asyncio.to_thread((self.node.recordings / recording.path).exists):
                return self._put(recording, state="recording", error="")
            try:
                await self.commands.send("MixMonitor", {"Channel": channel, "File": file})
            except PermanentError as error:
                return self._put(recording, state="failed", error=f"Asterisk refused: {error}")
            except TemporaryError as error:
                # It may or may not record now.
                sure = False
                if not recording.error:
                    recording = self._put(recording, error=f"no answer from Asterisk: {error}")
                await asyncio.wait([ended], timeout=self.retry_after)
            else:
                return self._put(recording, state="recording", error="")
        return recording

    async def _stop(self, channel: str) -> None:
        """Stop in case the customer's channel goes on in the dialplan after the talk."""
        if not channel:
            return
        try:
            await self.commands.send("StopMixMonitor", {"Channel": channel})
        except PermanentError:
            log.debug("channel gone before its recording was stopped", channel=channel)
        except TemporaryError as error:
            log.info("recording not stopped", channel=channel, reason=str(error))

    async def _finish(self, recording: Recording, ended_at: datetime) -> Recording:
        file = self.node.recordings / recording.path
        loop = asyncio.get_running_loop()
        give_up, size = loop.time() + self.finish_within, -1
        while True:
            before, size = size, await asyncio.to_thread(_size, file)
            if size != before:
                # Asterisk is still writing, as far as anybody can tell.
                give_up = loop.time() + self.finish_within
            over = loop.time() >= give_up
            found, problem = await asyncio.to_thread(_look, file, cut_off=over)
            if found is not None:
                return self._put(
                    recording,
                    state="finished",
                    ended_at=ended_at,
                    seconds=found.seconds,
                    bytes=found.bytes,
                    sha256=found.sha256,
                    error=CUT_OFF if found.cut_off else "",
                )
            if over:
                return self._put(recording, state="missing", ended_at=ended_at, error=problem)
            await asyncio.sleep(POLL_SECONDS)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _look(file: Path, *, cut_off: bool) -> tuple[Finished | None, str]:
    try:
        found = inspect(file, cut_off=cut_off)
        if found is not None:
            return found, ""
        return None, "the file is incomplete" if file.exists() else "there is no such file"
    except OSError as error:
        return None, f"the file can't be read: {error.strerror}"
