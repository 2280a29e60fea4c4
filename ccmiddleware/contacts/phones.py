"""Has Asterisk know which callers have open emails, so that agents' phones show it.

Runs while the daemon leads the node. The AstDB family ``ccm-contact`` holds a short text for each
number of a contact with conversations that are not closed; asterisk/dialplan/ccm-queues.conf adds
it to the name that the agent's phone shows. It goes on with what is there while the daemon is away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import AmiLink
from ccmiddleware.queues.kept import KeptFamily, NotKept
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

FAMILY = "ccm-contact"
PACE_SECONDS = 5.0
"""Between two looks at the conversations that are open."""

REST = 40
"""A look is followed by a pause of so many times its own length, where that is longer."""

LONGEST_PAUSE_SECONDS = 60.0

MOST_KEYS = 20_000
"""Of more numbers only those are kept whose conversations changed last."""


def texts(counts: Iterable[tuple[str, int]]) -> dict[str, str]:
    """What the AstDB is to have: by number what phones show."""
    return {number: f"{emails} open email{'s' * (emails != 1)}" for number, emails in counts}


class ContactPhones:
    """The callers of one node in one term of its leader. ``run`` is one task of the leader."""

    def __init__(
        self,
        node: str,
        term: int,
        database: Database,
        link: AmiLink,
        certain: Callable[[], Awaitable[None]],
    ) -> None:
        """``certain`` waits while it is doubtful whether this daemon still leads the node."""
        self._node = node
        self._term = term
        self._database = database
        self._link = link
        self._certain = certain
        self._log = log.bind(node=node)
        self._family = KeptFamily(node, FAMILY, link, certain)
        self._wanted: dict[str, str] | None = None
        """None while nobody has used contacts: such a site's AstDB is left alone."""
        self._more = False

    async def run(self) -> None:
        """Keep them until cancelled."""
        said = ""
        loop = asyncio.get_running_loop()
        while True:
            await self._certain()
            begun = loop.time()
            trouble = await self._round()
            took = loop.time() - begun
            if trouble and trouble != said:
                self._log.warning("open emails of callers not up to date", reason=trouble)
            said = trouble
            await asyncio.sleep(min(max(PACE_SECONDS, REST * took), LONGEST_PAUSE_SECONDS))

    async def _round(self) -> str:
        """Look, and make it so; what was in the way, or nothing."""
        try:
            await self._load()
            if self._wanted is not None and self._link.state.up:
                await self._family.apply(self._wanted)
        except (TemporaryError, NotKept) as error:
            return str(error)
        except PermanentError as error:
            return f"the database refuses: {error}"
        return ""

    async def _load(self) -> None:
        if not await self._database.fetchval("contacts_used", self._node, self._term):
            return  # nobody made any, or somebody else leads the node
        rows = await self._database.fetch("contacts_with_open_emails", MOST_KEYS + 1)
        if len(rows) > MOST_KEYS and not self._more:
            self._log.warning("more callers with open emails than phones can show", most=MOST_KEYS)
        self._more = len(rows) > MOST_KEYS
        wanted = texts((row["number"], row["emails"]) for row in rows[:MOST_KEYS])
        if wanted != self._wanted:
            self._wanted = wanted
