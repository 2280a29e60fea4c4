"""One family of Asterisk's AstDB, kept as it is wanted, for the dialplan to read.

What the AstDB has is read once for each link and remembered, so that only what differs is written.
A key of the family, the generation, holds a hash of all the others and is written last: gone or
another, it shows that Asterisk lost something, and all is read and written anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import ActionRefused, AmiLink
from ccmiddleware.plaintext import plain
from ccmiddleware.queues.astdb import GENERATION, Write, fingerprint, from_tree, writes

log = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
"""Between two looks whether the AstDB still has the generation."""

AT_ONCE = 50
"""Actions that are on their way to Asterisk at the same time."""

NOT_THERE = "Database entry not found"
UNKNOWN_ACTION = "Invalid/unknown command"
DENIED = "Permission denied"
NEEDS = "the manager user needs write class system (asterisk/manager/ccm.conf)"


class NotKept(PermanentError):
    """Asterisk refuses; the text says what it says, and what would help."""


class KeptFamily:
    """The keys below ``family`` on one node. ``apply`` makes them what is wanted."""

    def __init__(
        self, node: str, family: str, link: AmiLink, certain: Callable[[], Awaitable[None]]
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self._family = family
        self._link = link
        self._certain = certain
        self._log = log.bind(node=node, family=family)
        self._present: dict[str, str] | None = None
        """What the AstDB has; None while that is not known."""
        self._written: Mapping[str, str] | None = None
        """What was wanted when it was last made so."""
        self._whole = False
        """Whether the generation was written after the last change."""
        self._reconnects: tuple[int, object] | None = None
        self._checked_at = float("-inf")

    async def apply(
        self, wanted: Mapping[str, str], keep: Callable[[str], bool] = lambda key: False
    ) -> None:
        """Make the AstDB what is wanted; keys that ``keep`` names stay as they are.

        The same object, when it is given again, counts as unchanged. Raises TemporaryError, and
        NotKept when Asterisk refuses.
        """
        state = self._link.state
        if self._reconnects != (state.reconnects, state.since):
            self._reconnects = (state.reconnects, state.since)
            self._present = None
        try:
            await self._make(wanted, keep)
        except TemporaryError:
            self._present = None  # what was sent last may have arrived or not
            raise
        except PermanentError as error:
            self._present = None
            reason = plain(str(error))
            if isinstance(error, ActionRefused) and error.message == DENIED:
                reason = f"{reason}: {NEEDS}"
            raise NotKept(reason) from error

    async def _make(self, wanted: Mapping[str, str], keep: Callable[[str], bool]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() - self._checked_at >= CHECK_SECONDS
        if self._present is not None and self._whole and due:
            self._checked_at = loop.time()
            if await self._generation() != fingerprint(self._present):
                self._log.warning("Asterisk lost what was written; writing it anew")
                self._present = None
        if self._present is None:
            self._written = None
            self._present = await self._read(wanted)
            self._whole = await self._generation() == fingerprint(self._present)
            self._checked_at = loop.time()
        if self._written is not wanted or not self._whole:
            await self._write(self._present, wanted, keep)

    async def _write(
        self, present: dict[str, str], wanted: Mapping[str, str], keep: Callable[[str], bool]
    ) -> None:
        kept = {key: text for key, text in present.items() if keep(key)}
        todo = writes(present, {**wanted, **kept})
        for begin in range(0, len(todo), AT_ONCE):
            # A daemon that was frozen meanwhile must look who leads before it goes on.
            await self._certain()
            self._whole = False
            await self._send_all(todo[begin : begin + AT_ONCE])
            for write in todo[begin : begin + AT_ONCE]:
                if write.value is None:
                    present.pop(write.key, None)
                else:
                    present[write.key] = write.value
        if not self._whole:
            await self._certain()
            await self._send(Write(GENERATION, fingerprint(present)))
            self._whole = True
        self._written = wanted
        if todo:
            self._log.info("written into Asterisk's database", keys=len(todo))

    async def _send_all(self, todo: Sequence[Write]) -> None:
        """Send them without waiting in between; Asterisk does them one after another, in order."""
        answers = await asyncio.gather(*map(self._send, todo), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _send(self, write: Write) -> None:
        where = self._where(write.key)
        if write.value is not None:
            await self._link.send("DBPut", where | {"Val": write.value})
            return
        try:
            await self._link.send("DBDel", where)
        except ActionRefused as error:
            if error.message == DENIED:
                raise  # anything else: it is not there

    async def _generation(self) -> str:
        try:
            items = await self._link.send_list("DBGet", self._where(GENERATION))
        except ActionRefused as error:
            if error.message != NOT_THERE:
                raise
            return ""
        return next((item["Val"] for item in items if "Val" in item), "")

    async def _read(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """What the AstDB has of the family. An Asterisk that can't tell it is emptied of it."""
        try:
            items = await self._link.send_list("DBGetTree", {"Family": self._family})
            return from_tree(items, self._family)
        except ActionRefused as error:
            if not error.message.startswith(UNKNOWN_ACTION):
                raise
        if await self._generation() == fingerprint(wanted):
            return dict(wanted)
        await self._certain()
        try:
            await self._link.send("DBDelTree", {"Family": self._family})
        except ActionRefused as error:
            if error.message != NOT_THERE:
                raise
        return {}

    def _where(self, key: str) -> dict[str, str]:
        """Family and key as the manager actions take them."""
        below, slash, rest = key.partition("/")
        if not slash:
            return {"Family": self._family, "Key": key}
        return {"Family": f"{self._family}/{below}", "Key": rest}
