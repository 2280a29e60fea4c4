"""Records the talks of one node: MixMonitor on one of its channels, then the finished file.

Which talks there are and on which channel each is recorded stands in ``talks``; which are recorded
by themselves in ``policy``; pausing, and what else is done to a recording that goes on, in
``switching``. Who may ask for that, and how, is ``control``.

One task follows each recording from the answer to the finished file, so that its steps keep their
order. Everything it learns is told as a ``Recording`` fact; a recording that should exist and does
not ends in the state ``missing`` or ``failed``, with the reason. Recordings that an earlier daemon
left unfinished are taken up again by ``restore``, with their pauses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from ccmiddleware.clock import Clock, utc_now
from ccmiddleware.config import NodeSettings, RecordingSettings, Settings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.facts import AnyFact, InteractionEvent, Recording, Segment
from ccmiddleware.recordings import marks, mixmonitor, stereo
from ccmiddleware.recordings.finishing import CUT_OFF, Finished, inspect
from ccmiddleware.recordings.marks import Why
from ccmiddleware.recordings.policy import holding, relative_path, wanted
from ccmiddleware.recordings.switching import Commands, Switch, monitor_in
from ccmiddleware.recordings.take import Take
from ccmiddleware.recordings.talks import Key, Talks

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
"""How often an unfinished file is looked at."""

JOIN_AGAIN_SECONDS = 30.0
"""Pause before the sides of a stereo recording are joined again when the disk was in the way."""


async def _no_doubt() -> None:
    """Nothing to wait for."""


class Recorder:
    """The recordings of one node.

    ``tell`` takes facts and must not block; ``queue_of`` names the queue of a talk; ``version`` is
    Asterisk's, "" while it is not known; ``certain`` waits while it is doubtful whether this daemon
    still leads the node. Durations are in seconds: ``finish_within`` is how long a file may take to
    be complete after the talk ended, ``retry_after`` the pause before Asterisk is asked again when
    it did not answer.
    """

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        commands: Commands,
        tell: Callable[[Sequence[AnyFact]], None],
        queue_of: Callable[[Segment], str],
        *,
        clock: Clock = utc_now,
        version: Callable[[], str] = lambda: "",
        certain: Callable[[], Awaitable[None]] = _no_doubt,
        finish_within: float = 60.0,
        retry_after: float = 2.0,
    ) -> None:
        self.node = node
        self.settings = settings
        self.commands = commands
        self.tell = tell
        self.queue_of = queue_of
        self.clock = clock
        self.version = version
        self.certain = certain
        self.finish_within = finish_within
        self.retry_after = retry_after
        self.talks = Talks()
        self.takes: dict[Key, Take] = {}
        """Every recording that is followed."""
        self.switch = Switch(commands, clock, certain)
        self._new: asyncio.Queue[Take] = asyncio.Queue()

    # -- which talks are recorded -----------------------------------------------------------

    def observe(self, facts: Iterable[AnyFact]) -> None:
        """Look at facts of the call machine: talks that begin, talks that end."""
        for fact in facts:
            self.talks.observe(fact)
            if not isinstance(fact, Segment):
                continue
            key = (fact.interaction_id, fact.ordinal)
            take = self.takes.get(key)
            if fact.ended_at is not None:
                if take is not None:
                    take.end(fact.ended_at)
            elif take is None and wanted(holding(self.settings, self.queue_of(fact)), *key):
                self.begin(fact, fact.answered_at)

    def begin(self, talk: Segment, at: datetime) -> Take:
        """Have a talk recorded; ``begun`` of what is returned tells when that is so."""
        policy = holding(self.settings, self.queue_of(talk))
        return self._follow(self._expected(talk, policy, at), talk, fresh=True)

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up what an earlier daemon left unfinished."""
        facts = list(facts)
        over: dict[Key, datetime] = {}
        for fact in facts:
            self.talks.observe(fact)
            if isinstance(fact, Segment) and fact.ended_at is not None:
                over[fact.interaction_id, fact.ordinal] = fact.ended_at
        for fact in facts:
            if isinstance(fact, Recording) and fact.state in ("expected", "recording"):
                talk = self.talks.going_on.get((fact.interaction_id, fact.segment))
                take = self._follow(fact, talk, fresh=False)
                if talk is None:
                    take.end(over.get(take.key) or fact.ended_at or fact.started_at)
        for key, talk in self.talks.going_on.items():
            # It was answered, and the daemon was killed before it could say that it records.
            if key not in self.takes and wanted(holding(self.settings, self.queue_of(talk)), *key):
                self.begin(talk, self.clock())

    def learn(self, facts: Iterable[AnyFact]) -> None:
        """Look at facts that tell of talks which went by unseen: of one, a file may be there.

        A daemon that was killed had Asterisk record it, and could tell of neither, since its
        journal had no room. Where there is no file, nobody knows that there should be one.
        """
        facts = list(facts)
        queues = {
            (event.interaction_id, event.key): event.data["queue"]
            for event in facts
            if isinstance(event, InteractionEvent) and event.kind == "answered"
        }
        for talk in facts:
            if not isinstance(talk, Segment) or talk.ended_at is None:
                continue
            queue = queues.get((talk.interaction_id, f"answered:{talk.ordinal}"))
            if queue is None or (talk.interaction_id, talk.ordinal) in self.takes:
                continue
            recording = self._expected(talk, holding(self.settings, queue), talk.answered_at)
            take = self._follow(recording, None, fresh=False)
            take.rumoured = True
            take.end(talk.ended_at)

    def _expected(self, talk: Segment, policy: RecordingSettings, at: datetime) -> Recording:
        return Recording(
            interaction_id=talk.interaction_id,
            segment=talk.ordinal,
            version=1,
            node=self.node.name,
            state="expected",
            path=str(relative_path(talk, policy)),
            started_at=at,
            channels=policy.channels,
        )

    def _follow(self, recording: Recording, talk: Segment | None, *, fresh: bool) -> Take:
        queue = self.queue_of(talk) if talk is not None else ""
        take = Take(
            recording,
            holding(self.settings, queue),
            self.tell,
            channel=self.talks.channel_of(talk) if talk is not None else "",
            customers=talk is not None and self.talks.on_customer(talk),
            fresh=fresh,
        )
        self.takes[take.key] = take
        self._new.put_nowait(take)
        return take

    @property
    def in_progress(self) -> int:
        """How many recordings are not finished yet."""
        return sum(take.recording.state != "failed" for take in self.takes.values())

    def beside(self, take: Take) -> list[Take]:
        """The other recordings of the same interaction that go on, or are about to begin."""
        interaction = take.recording.interaction_id
        return [
            other
            for other in self.takes.values()
            if other is not take and other.recording.interaction_id == interaction and other.may_run
        ]

    # -- one recording ----------------------------------------------------------------------

    async def run(self) -> None:
        """Follow recordings until cancelled; what is unfinished then is left for the next start."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                take = await self._new.get()
                name = f"recording {take.recording.interaction_id}-{take.recording.segment}"
                tasks.create_task(self._record(take), name=name)

    async def _record(self, take: Take) -> None:
        bound = log.bind(node=self.node.name, interaction=str(take.key[0]), segment=take.key[1])
        try:
            file = self.node.recordings / take.recording.path
            if take.rumoured and not await asyncio.to_thread(_there, file):
                return
            if take.fresh:
                self.tell([take.recording])
            async with take.lock:
                if take.recording.state == "expected":
                    await self._start(take)
            take.begun.set()
            if take.recording.state == "failed":
                bound.warning("recording failed", reason=take.recording.error)
            await self._take_up_pause(take)
            ended_at = await self._until_over(take)
            for other in self.beside(take):
                if other.beside == take.recording.segment:
                    await self.switch.resume(other, Why("beside"))
            if take.recording.state == "failed":
                return
            async with take.lock:
                await self._stop(take)
            await self._finish(take, ended_at)
            recording = take.recording
            if recording.state == "finished":
                bound.info("recording finished", seconds=recording.seconds, path=recording.path)
            else:
                bound.warning("recording missing", reason=recording.error, path=recording.path)
        finally:
            self.takes.pop(take.key, None)

    def start_fields(self, take: Take) -> mixmonitor.Fields:
        """MixMonitor for this recording."""
        return mixmonitor.start(
            take.channel,
            str(self.node.recordings_for_asterisk / take.recording.path),
            stereo=take.recording.channels == "stereo",
            customers=take.customers,
            beep_seconds=take.settings.beep_seconds,
            version=self.version(),
        )

    async def _start(self, take: Take) -> None:
        """Have Asterisk record; as long as it does not answer and the talk goes on, try again.

        A file that is there was begun by somebody: by an earlier try whose answer was lost, or by
        a daemon that led the node before and could not say so any more.
        """
        file = self.node.recordings / take.recording.path
        sure = take.fresh  # Asterisk was not asked yet, as far as we know
        while sure or not take.ended.done():
            if await asyncio.to_thread(_there, file):
                take.put(state="recording", error="")
                return
            await self.certain()
            try:
                response = await self.commands.send("MixMonitor", self.start_fields(take))
            except PermanentError as error:
                take.put(state="failed", error=f"Asterisk refused: {error}")
                return
            except TemporaryError as error:
                # It may or may not record now.
                sure = False
                if not take.recording.error:
                    take.put(error=f"no answer from Asterisk: {error}")
                await asyncio.wait([take.ended], timeout=self.retry_after)
            else:
                take.put(state="recording", error="", monitor=monitor_in(response))
                return

    async def _take_up_pause(self, take: Take) -> None:
        """A pause that an earlier daemon did not see to its end, or that goes on beside us."""
        if take.recording.asked == "pause":
            await self.switch.pause(take, Why("restart"))
        if take.fresh and take.runs:
            for other in self.beside(take):
                if other.recording.paused_at is not None:
                    await self.switch.pause(take, Why("beside"), other.recording.segment)
                    return

    async def _until_over(self, take: Take) -> datetime:
        """Wait for the end of the talk; end a pause that lasts longer than it may."""
        while not take.ended.done():
            take.news.clear()
            try:
                async with asyncio.timeout(self._pause_left(take)):
                    await take.news.wait()
            except TimeoutError:
                answer = await self.switch.resume(take, Why("limit"))
                if answer.state != "done":
                    await asyncio.wait([take.ended], timeout=self.retry_after)
        return take.ended.result()

    def _pause_left(self, take: Take) -> float | None:
        limit, since = take.settings.pause_limit_seconds, take.recording.paused_at
        if not limit or since is None:
            return None
        return max(0.0, limit - (self.clock() - since).total_seconds())

    # -- its end ----------------------------------------------------------------------------

    async def _stop(self, take: Take) -> None:
        """Stop in case the customer's channel goes on in the dialplan after the talk."""
        if not take.channel or (take.recording.stopped_at and not take.recording.asked):
            return
        fields = mixmonitor.stop(take.channel, take.recording.monitor)
        # Another leader may record the next talk on this channel by now.
        await self.certain()
        try:
            await self.commands.send("StopMixMonitor", fields)
        except PermanentError:
            log.debug("channel gone before its recording was stopped", channel=take.channel)
        except TemporaryError as error:
            log.info("recording not stopped", channel=take.channel, reason=str(error))

    async def _finish(self, take: Take, ended_at: datetime) -> None:
        file = self.node.recordings / take.recording.path
        joined = take.recording.channels == "stereo"
        loop = asyncio.get_running_loop()
        give_up, size = loop.time() + self.finish_within, -1
        while True:
            before, size = size, await asyncio.to_thread(stereo.sizes, file)
            if size != before:
                # Asterisk is still writing, as far as anybody can tell.
                give_up = loop.time() + self.finish_within
            over = loop.time() >= give_up
            await self.certain()  # two must not join the same sides
            try:
                found, problem = await asyncio.to_thread(_look, file, joined, cut_off=over)
            except stereo.JoinError as error:
                # Both sides are there, and only the disk is in the way: somebody can mend that.
                if take.recording.error != str(error):
                    take.put(error=str(error))
                    log.error("recording waits", path=take.recording.path, reason=str(error))
                await asyncio.sleep(JOIN_AGAIN_SECONDS)
                continue
            changes = marks.ended(take.recording, ended_at)
            if found is not None:
                take.put(
                    **changes,
                    state="finished",
                    seconds=found.seconds,
                    bytes=found.bytes,
                    sha256=found.sha256,
                    error=CUT_OFF if found.cut_off else "",
                )
                return
            if over:
                take.put(**changes, state="missing", error=problem)
                return
            await asyncio.sleep(POLL_SECONDS)


def _there(file: Path) -> bool:
    """Whether it was begun; not, as far as we know, where we may not look."""
    try:
        return stereo.is_there(file)
    except OSError as error:
        log.warning("can't look for a recording", file=str(file), reason=error.strerror)
        return False


def _look(file: Path, joined: bool, *, cut_off: bool) -> tuple[Finished | None, str]:
    """Raises JoinError."""
    if joined:
        stereo.join(file, cut_off=cut_off)
    try:
        found = inspect(file, cut_off=cut_off)
        if found is not None:
            return found, ""
        return None, "the file is incomplete" if stereo.is_there(file) else "there is no such file"
    except OSError as error:
        return None, f"the file can't be read: {error.strerror}"
