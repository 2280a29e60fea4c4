"""Takes the commands that wait in Postgres for one node and carries them out, each once.

Runs while the daemon leads the node. A command is marked as taken, in a statement that holds only
for the leader of the present term, before anything is sent; so a crash never makes anybody send it
again. What was taken and whose answer nobody wrote down is made ``unknown`` by the next leader.

What a command means is known to the room that it belongs to: ``handlers`` has one for each kind.
This only takes, has it done and writes down. Commands are carried out one after the other, but for
those that last, since others must not wait while a phone rings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.commands import Handler, InvalidCommand, Outcome, State
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.store.database import Database, Row

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
"""Pause between two looks for commands."""

LASTING_AT_ONCE = 20
"""So many commands that last go on side by side; further commands wait then."""

SETTLE_EVERY = 10
"""Looks for commands between two looks for those that nobody will end."""


class Commander:
    """The commands of one node in one term of its leader. ``run`` is one task of the leader."""

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        certain: Callable[[], Awaitable[None]],
        handlers: Mapping[str, Handler],
        *,
        lasting: Collection[str] = (),
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node.

        ``lasting``: kinds of commands that last, as long as a phone rings for instance.
        """
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._certain = certain
        self._handlers = handlers
        self._lasting = lasting
        self._places = asyncio.Semaphore(LASTING_AT_ONCE)
        self._log = log.bind(node=node)
        self._refused = ""

    async def run(self) -> None:
        """Take commands until cancelled. While the link is down they wait, or expire."""
        async with asyncio.TaskGroup() as side:
            await self._take_all(side)

    async def _take_all(self, side: asyncio.TaskGroup) -> None:
        rounds = 0
        while True:
            try:
                if rounds % SETTLE_EVERY == 0:
                    await self._database.execute("settle_commands", self._node, self._term)
                while self._link.state.up and (row := await self._take()) is not None:
                    if row["kind"] in self._lasting:
                        await self._places.acquire()
                        side.create_task(self._aside(row), name=f"command {row['id']}")
                    else:
                        await self._carry_out(row)
            except TemporaryError as error:
                self._log.debug("commands wait for the database", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls and keeps the journal.
                if str(error) != self._refused:
                    self._refused = str(error)
                    self._log.error("the database refuses commands", reason=self._refused)
            rounds += 1
            await beat(PACE_SECONDS)

    async def _take(self) -> Row | None:
        return await self._database.fetchrow("take_command", self._node, self._term)

    async def _aside(self, row: Row) -> None:
        try:
            await self._carry_out(row)
        except PermanentError as error:
            self._log.error("the database refuses a command's end", reason=str(error))
        finally:
            self._places.release()

    async def _carry_out(self, row: Row) -> None:
        # The daemon may have been frozen after it took the command.
        await self._certain()
        state, result = await self._outcome(row)
        self._log.info("command", id=str(row["id"]), kind=row["kind"], state=state, result=result)
        await self._write_down(row, state, result)

    async def _outcome(self, row: Row) -> Outcome:
        handler = self._handlers.get(row["kind"])
        if handler is None:
            return "refused", f"{row['kind']!r} is no command that this version knows"
        if not isinstance(row["arguments"], dict):
            return "refused", "the arguments are no JSON object"
        try:
            return await handler(row["arguments"])
        except InvalidCommand as error:
            return "refused", str(error)

    async def _write_down(self, row: Row, state: State, result: str) -> None:
        while True:
            try:
                await self._database.execute("finish_command", row["id"], state, result)
            except TemporaryError as error:
                self._log.warning("outcome not stored yet", id=str(row["id"]), reason=str(error))
                await asyncio.sleep(PACE_SECONDS)
            else:
                return
