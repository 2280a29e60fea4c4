"""Works through the recordings of one node after the talk: compress, store, delete.

Runs while the daemon leads the node. What is to be done is computed from each unsettled row
(``keeping``); what was done is written with a statement that holds only for the version that was
seen and in the leader's term, and only then is a file removed that it makes superfluous. So a crash
between any two steps leaves a row that says what is left, and doing a step again changes nothing.
The first-time order of a recording is: compressed file written, compared and named; row; original
removed; object written and read back; row; file removed; row, settled.

Once a day, and when it begins, the leader gives up the recordings whose time is over. That is one
statement too, which sees every hold; their files are removed afterwards like any other step.

Trouble with one file, or with the store, makes it wait with back-off, and holds up nothing else.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.errors import CcmError, ConfigError, PermanentError, TemporaryError
from ccmiddleware.recordings import files
from ccmiddleware.recordings.bucket import Bucket, StoreAway
from ccmiddleware.recordings.compressing import compress, part_of, remove_parts
from ccmiddleware.recordings.file_work import FileWork
from ccmiddleware.recordings.keeping import (
    Kept,
    Retention,
    Step,
    all_paths,
    compressed_path,
    next_step,
    object_key,
    original_paths,
)
from ccmiddleware.store.border import DatabaseAway, Rejected
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

PACE_SECONDS = 2.0
"""Pause between two looks for unsettled recordings."""

STORED_JUST_NOW = timedelta(hours=1)
"""For so long the reading back after the upload counts."""

PAGE = 500
DELETE_EVERY = timedelta(days=1)
DELETE_AT_ONCE = 500
PAUSE_FIRST, PAUSE_LONGEST = 5.0, 900.0
"""Seconds before something is tried again that did not work."""

GONE_AFTER = 4
"""Attempts after which a file that is not there is given up, until the next start."""

LONGEST_PACE = 30.0
"""Seconds; reading many recordings that wait for a store again and again is work, too."""

_STORE = "store"


class _Superseded(Exception):
    """The row is not any more as it was seen: somebody else leads, or it was given up."""


@dataclass
class _Pause:
    """Since when something does not work; not to be tried before ``until`` (loop time)."""

    until: float
    attempts: int
    reason: str


@dataclass
class KeeperState:
    """For health and metrics. ``waiting``: recordings with work left; ``deleted``: a count."""

    waiting: int = 0
    oldest: datetime | None = None
    trouble: str | None = None
    deleted: int = 0


class Keeper:
    """The recordings of one node in one term of its leader. ``run`` is one task of the leader."""

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        term: int,
        database: Database,
        work: FileWork,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self.state = KeeperState()
        self.pace = PACE_SECONDS
        self._node = node
        self._settings = settings
        self._store = settings.recording_store
        self._term = term
        self._database = database
        self._work = work
        self._certain = certain
        self._clock = clock
        self._bucket: Bucket | None = None
        self._pauses: dict[object, _Pause] = {}
        self._delete_due = clock()
        self._reopened = False
        self._refused = ""
        self._log = log.bind(node=node.name)

    async def run(self) -> None:
        """Work until cancelled. While Postgres is away everything waits."""
        while True:
            pages = 1
            try:
                await self._certain()
                if not self._reopened:
                    await self.reopen()
                    self._reopened = True
                if self._clock() >= self._delete_due:
                    await self.give_up_expired()
                    self._delete_due = self._clock() + DELETE_EVERY
                pages = await self.round()
            except DatabaseAway as error:
                self._log.debug("recordings wait for the database", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                if str(error) != self._refused:
                    self._refused = str(error)
                    self._log.error("the database refuses to keep recordings", reason=str(error))
            await beat(min(self.pace * pages, max(self.pace, LONGEST_PACE)))

    # -- what is to be done -----------------------------------------------------------------

    async def reopen(self) -> None:
        """Unsettle recordings that are no more as the settings want them, such as older ones."""
        policies = {queue: self._settings.recording_for(queue) for queue in self._settings.queue}
        compressed = [policy.compression != "none" for policy in policies.values()]
        others = self._settings.recording.compression != "none"
        if self._store is None and not others and not any(compressed):
            return
        after: tuple[UUID, int] = (UUID(int=0), -1)
        number = 0
        while True:
            last = await self._database.fetchrow(
                "reopen_recordings", self._node.name, *after, PAGE, self._store is not None,
                self._store is not None and self._store.keep_local,
                list(policies), compressed, others,
            )  # fmt: skip
            if last is None:
                break
            after = (last["interaction_id"], last["segment"])
            number += last["reopened"]
        if number:
            self._log.info("older recordings are compressed or stored now", recordings=number)

    async def give_up_expired(self) -> None:
        """Mark what is kept longer than it may be as deleted, in batches, and say how many."""
        keep = Retention.of(self._settings)
        if not keep.deletes:
            return
        counts: Counter[tuple[str | None, int]] = Counter()
        try:
            while True:
                await self._certain()
                rows = await self._database.fetch(
                    "delete_expired_recordings", self._node.name, self._term, keep.queues,
                    keep.days, keep.general, self._clock(), DELETE_AT_ONCE,
                )  # fmt: skip
                counts.update((row["queue"], row["keep_days"]) for row in rows)
                if len(rows) < DELETE_AT_ONCE:
                    return
        finally:
            self.state.deleted += counts.total()
            for (queue, days), number in sorted(counts.items(), key=str):
                self._log.info(
                    "recordings deleted: their time is over",
                    recordings=number, keep_days=days, queue=queue or "(none)",
                )  # fmt: skip

    async def round(self) -> int:
        """Look at every unsettled recording once; how many pages of them there were."""
        after: tuple[UUID, int] = (UUID(int=0), -1)
        for pages in count(1):
            rows = await self._database.fetch("unsettled_recordings", self._node.name, *after, PAGE)
            settled = [kept for row in rows if (kept := await self._keep(Kept.of(row))) is not None]
            if settled:
                await self._database.execute(
                    "settle_recordings",
                    [kept.interaction_id for kept in settled],
                    [kept.segment for kept in settled],
                    [kept.version for kept in settled],
                )
            if len(rows) < PAGE:
                await self._look()
                return pages
            after = (rows[-1]["interaction_id"], rows[-1]["segment"])
        raise AssertionError

    async def _look(self) -> None:
        row = await self._database.fetchrow("unsettled_recording_count", self._node.name)
        self.state.waiting = row["waiting"] if row is not None else 0
        self.state.oldest = row["oldest"] if row is not None else None
        if not self.state.waiting:
            self._pauses.clear()
        self.state.trouble = self._trouble()

    def _trouble(self) -> str | None:
        store = self._pauses.get(_STORE)
        if store is not None:
            return f"{self.state.waiting} recordings wait for the store: {store.reason}"
        if self._pauses:
            reason = next(iter(self._pauses.values())).reason
            return f"{len(self._pauses)} recordings can't be worked on; one of them: {reason}"
        return None

    # -- one recording ----------------------------------------------------------------------

    async def _keep(self, kept: Kept) -> Kept | None:
        """Do with one recording what can be done now; returned when nothing is left to be done."""
        try:
            return await self._advance(kept)
        except _Superseded:
            self._log.info("recording is kept by another daemon", recording=_name(kept))
        except (DatabaseAway, Rejected):
            raise
        except FileNotFoundError as error:
            return self._gone(kept, _words(error))
        except (StoreAway, ConfigError) as error:
            self._pause(_STORE, str(error))
        except (CcmError, OSError) as error:
            self._pause(kept.key, f"{_name(kept)}: {_words(error)}")
        return None

    async def _advance(self, kept: Kept) -> Kept | None:
        policy = self._settings.recording_for(kept.queue)
        if self._paused(kept.key):
            return None
        if kept.state == "finished":
            kept = await self._remove_leftovers(kept)
        while True:
            step = next_step(kept, policy, self._store)
            if step is Step.SETTLE:
                self._pauses.pop(kept.key, None)
                return kept
            if self._needs_store(kept, step) and self._paused(_STORE):
                return None
            await self._certain()
            kept = await self._do(step, kept, policy.compression)
            if step is Step.REMOVE:
                self._pauses.pop(kept.key, None)
                return None

    def _needs_store(self, kept: Kept, step: Step) -> bool:
        return step in (Step.STORE, Step.REMOVE_LOCAL) or (
            step is Step.REMOVE and kept.object is not None
        )

    async def _do(self, step: Step, kept: Kept, compression: Any) -> Kept:
        match step:
            case Step.COMPRESS:
                return await self._compress(kept, compression)
            case Step.STORE:
                return await self._bring(kept)
            case Step.REMOVE_LOCAL:
                await self._make_sure_it_is_stored(kept)
                await self._work.run(files.remove, self._node.recordings, kept.path)
                return await self._put(replace(kept, local=False))
            case Step.REMOVE:
                return await self._remove(kept)
        raise AssertionError(step)

    async def _compress(self, kept: Kept, compression: Any) -> Kept:
        source = files.locate(self._node.recordings, kept.path)
        path = compressed_path(kept.path, compression)
        target = files.locate(self._node.recordings, path)
        part = part_of(target, self._term)
        made = await self._work.run(
            compress, source, target, compression, part, kept.sha256, self._work.stop
        )
        kept = await self._put(
            replace(
                kept,
                path=path,
                bytes=made.bytes,
                sha256=made.sha256,
                compression=compression,
                original_bytes=made.original_bytes,
                original_sha256=made.original_sha256,
            )
        )
        self._log.info(
            "recording compressed",
            recording=_name(kept), bytes=made.bytes, original_bytes=made.original_bytes,
        )  # fmt: skip
        return await self._remove_leftovers(kept)

    async def _bring(self, kept: Kept) -> Kept:
        """Into the bucket, unless it is there already, and read back."""
        assert self._store is not None  # noqa: S101 - next_step
        bucket = self._bucket_there()
        address = bucket.address(object_key(self._store, self._node.name, kept.path))
        file = files.locate(self._node.recordings, kept.path)
        size, sha256 = await self._work.run(files.digest, file)
        if (size, sha256) != (kept.bytes, kept.sha256):
            raise PermanentError(
                "the file is not the one that was finished; see ccm recording verify"
            )
        if await bucket.size(address) != size or await bucket.digest(address) != (size, sha256):
            await bucket.put(address, file, size)
            if await bucket.digest(address) != (size, sha256):
                raise TemporaryError(f"{address}: what was read back is not what was stored")
        self._pauses.pop(_STORE, None)
        kept = await self._put(replace(kept, object=address, stored_at=self._clock()))
        self._log.info("recording stored", recording=_name(kept), object=address, bytes=size)
        return kept

    async def _make_sure_it_is_stored(self, kept: Kept) -> None:
        """Before the last other copy goes: that it was read back long ago proves nothing now.

        The bucket may be another one by the same name, or forget its objects after a while.
        """
        assert kept.object is not None  # noqa: S101 - next_step
        if kept.stored_at is not None and self._clock() - kept.stored_at < STORED_JUST_NOW:
            return
        if await self._bucket_there().digest(kept.object) != (kept.bytes, kept.sha256):
            raise PermanentError(f"{kept.object} is not what was stored; the local file stays")

    async def _remove(self, kept: Kept) -> Kept:
        """Of a recording that was given up, everything."""
        removed = [
            await self._work.run(files.remove, self._node.recordings, path)
            for path in all_paths(kept.path)
        ]
        if kept.local and kept.bytes is not None and not any(removed):
            # Gone before, or the directory is not mounted: then `ccm recording verify` finds it.
            self._log.warning("there was no file to remove", recording=_name(kept), path=kept.path)
        if kept.object is not None:
            if files.OUR_NAME.fullmatch(kept.object.rpartition("/")[2]) is None:
                raise PermanentError(f"{kept.object!r} is not named like a recording of ours")
            await self._bucket_there().remove(kept.object)
            self._pauses.pop(_STORE, None)
        kept = await self._put(replace(kept, local=False, object=None), settled=True)
        self._log.info("recording removed", recording=_name(kept))
        return kept

    async def _remove_leftovers(self, kept: Kept) -> Kept:
        """What a compression leaves behind: the original, and half files of killed daemons.

        The original only goes when the compressed file is the one that the row tells of. If that
        is not so, all begins anew with the original.
        """
        if kept.compression == "none" or not kept.local:
            return kept
        directory = self._node.recordings
        target = files.locate(directory, kept.path)
        await self._work.run(remove_parts, target)
        for path in original_paths(kept.path):
            original = files.locate(directory, path)
            if not await self._work.run(original.is_file):
                continue
            if not await self._work.run(files.holds, target, kept.bytes, kept.sha256):
                return await self._put(
                    replace(
                        kept,
                        path=path,
                        compression="none",
                        bytes=kept.original_bytes,
                        sha256=kept.original_sha256,
                        original_bytes=None,
                        original_sha256=None,
                    )
                )
            await self._work.run(files.remove, directory, path)
        return kept

    async def _put(self, kept: Kept, *, settled: bool = False) -> Kept:
        """Write down what became of it, if it is still as it was seen."""
        version = await self._database.fetchval(
            "keep_recording", *kept.key, kept.version, self._term, kept.path, kept.bytes,
            kept.sha256, kept.compression, kept.original_bytes, kept.original_sha256, kept.local,
            kept.object, kept.stored_at, settled,
        )  # fmt: skip
        if version is None:
            raise _Superseded
        return replace(kept, version=version)

    def _bucket_there(self) -> Bucket:
        if self._store is None:
            raise ConfigError(["a recording is in a bucket, and there is no [recording_store]"])
        if self._bucket is None:
            self._bucket = Bucket(self._store)
        return self._bucket

    # -- trouble ----------------------------------------------------------------------------

    def _paused(self, what: object) -> bool:
        pause = self._pauses.get(what)
        return pause is not None and asyncio.get_running_loop().time() < pause.until

    def _pause(self, what: object, reason: str) -> _Pause:
        before = self._pauses.get(what)
        attempts = before.attempts + 1 if before is not None else 1
        seconds = min(PAUSE_FIRST * 2 ** min(attempts - 1, 10), PAUSE_LONGEST)
        pause = _Pause(asyncio.get_running_loop().time() + seconds, attempts, reason)
        self._pauses[what] = pause
        if before is None or before.reason != reason:
            self._log.warning("recordings wait", reason=reason)
        return pause

    def _gone(self, kept: Kept, reason: str) -> Kept | None:
        """A file that is not there: perhaps the directory is, soon; if not, nothing can be done."""
        if self._pause(kept.key, reason).attempts < GONE_AFTER:
            return None
        del self._pauses[kept.key]
        self._log.error("the file of a recording is gone", recording=_name(kept), path=kept.path)
        return kept


def _name(kept: Kept) -> str:
    return f"{kept.interaction_id}-{kept.segment}"


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
