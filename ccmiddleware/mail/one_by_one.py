"""What a task of a node's leader does about one thing after another, each in a transaction."""

from collections.abc import Awaitable, Callable

import structlog

from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.keys import signing_keys
from ccmiddleware.mail.tokens import Keys
from ccmiddleware.store.database import Database

PACE_SECONDS = 2.0
AT_ONCE = 100


class OneByOne:
    """``one`` does the next thing that is due and returns whether there was one; ``what`` is what
    the log calls them. ``certain`` waits while it is doubtful whether this daemon still leads.
    """

    def __init__(
        self,
        what: str,
        one: Callable[[Keys], Awaitable[bool]],
        database: Database,
        log: structlog.stdlib.BoundLogger,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._what = what
        self._one = one
        self._database = database
        self._log = log
        self._certain = certain
        self._clock = clock
        self._keys: Keys | None = None
        self._said = ""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except TemporaryError as error:
                self._log.debug(f"{self._what} wait", reason=str(error))
            except PermanentError as error:
                # Not worth the life of a daemon that sees calls.
                if self._said != str(error):
                    self._said = str(error)
                    self._log.error(self._what, reason=self._said)
            await beat(PACE_SECONDS)

    async def look(self) -> int:
        """Do what is to be done now, some of it; about how many that was."""
        if self._keys is None:
            self._keys = await signing_keys(self._database, self._clock)
        for count in range(AT_ONCE):
            await self._certain()
            if not await self._one(self._keys):
                return count
        return AT_ONCE
