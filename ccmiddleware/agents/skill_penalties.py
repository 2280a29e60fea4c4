"""Gives the members of queues the penalties that their skills ask for (``skills``).

Runs while the daemon leads the node. It compares several times a second, so that an agent who logs
in, a lost link or somebody else's change needs no case of its own; only differences are sent. Since
a reload of queues.conf puts the penalties of its members back and no event tells of it, Asterisk is
asked for its members now and then. Without a daemon penalties stay as they are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog

from ccmiddleware.agents.presence import Presence
from ccmiddleware.agents.skills import Member, Penalties, Rules, ask, rules_of
from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.asking import DENIED
from ccmiddleware.pbx.link import ActionRefused, AmiLink
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.5
RELOAD_SECONDS = 2.0
"""How often the database is asked for the rules."""
LOOK_SECONDS = 15.0
"""How often Asterisk is asked for its members, while there are rules."""
MOST_AT_ONCE = 25
"""Penalties that are changed in one round; each is a row in queue_log as well."""
REFUSED_SECONDS = 60.0
"""How long nothing is sent after Asterisk refused."""


class SkillPenalties:
    """The penalties of one node.

    ``waits`` says since when the longest waiting caller of each queue waits, ``whole`` whether all
    members are known; ``certain`` waits while it is doubtful whether we still lead the node.
    """

    def __init__(
        self,
        node: str,
        database: Database,
        link: AmiLink,
        presence: Presence,
        *,
        waits: Callable[[], Mapping[str, datetime]],
        whole: Callable[[], bool],
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._node = node
        self._database = database
        self._link = link
        self._presence = presence
        self._waits = waits
        self._whole = whole
        self._certain = certain
        self._clock = clock
        self._log = log.bind(node=node)
        self._penalties = Penalties()
        self._rules = Rules({}, {})
        self._reload_at = 0.0
        self._send_at = 0.0
        self._look_at = 0.0
        self._said = ""

    async def run(self) -> None:
        """Keep penalties as they should be, until cancelled."""
        while True:
            await self._certain()
            await self._reload()
            if self._ready():
                await self._look()
            if self._ready():  # the link may have been lost meanwhile
                await self._apply()
            await beat(PACE_SECONDS)

    def _ready(self) -> bool:
        return bool(self._rules.required) and self._link.state.up and self._whole()

    async def _reload(self) -> None:
        """Read the rules again if it is time. While Postgres is away the last ones hold."""
        now = asyncio.get_running_loop().time()
        if now < self._reload_at:
            return
        self._reload_at = now + RELOAD_SECONDS
        try:
            required = await self._database.fetch("skill_rules", self._node)
            levels = await self._database.fetch("skill_levels", self._node) if required else []
        except TemporaryError as error:
            self._log.debug("skills wait for the database", reason=str(error))
        except PermanentError as error:
            self._say("the database refuses skills", error)
        else:
            self._rules = rules_of(map(dict, required), map(dict, levels))

    async def _look(self) -> None:
        """Ask for the members if it is time. The answer comes through the stream."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        try:
            # Of all queues: a part could be taken for the whole that a resync asked for.
            await self._link.send_list("QueueStatus")
        except (TemporaryError, PermanentError) as error:
            self._log.debug("members not listed", reason=str(error))

    async def _apply(self) -> None:
        """Send what differs, a few at a time."""
        loop = asyncio.get_running_loop()
        now = self._clock()
        self._penalties.patience.observe(
            {queue: (now - since).total_seconds() for queue, since in self._waits().items()}
        )
        if loop.time() < self._send_at:
            return
        members = self._presence.memberships()
        found = self._penalties.changes(
            self._rules, [Member(*member) for member in members], loop.time()
        )
        for member in found[:MOST_AT_ONCE]:
            self._penalties.asked(member, loop.time())
            action = ask(member)
            try:
                await self._link.send(action.action, action.fields)
            except TemporaryError as error:
                self._log.warning("penalty not set", about=action.subject, reason=str(error))
                return
            except PermanentError as error:
                if not (isinstance(error, ActionRefused) and error.message == DENIED):
                    # Such as a member that has just left: the others are none the worse for it.
                    self._log.info("penalty refused", about=action.subject, reason=str(error))
                    continue
                self._say("penalties not set; see asterisk/manager/ccm-agents.conf", error)
                self._send_at = loop.time() + REFUSED_SECONDS
                return
            self._said = ""
            self._log.info("penalty", about=action.subject, penalty=member.penalty)

    def _say(self, event: str, error: Exception) -> None:
        """Say it once, since it is the same every time."""
        if str(error) != self._said:
            self._said = str(error)
            self._log.error(event, reason=self._said)
