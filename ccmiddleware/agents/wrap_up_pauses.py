"""Carries out the forced wrap-up: pauses agents after talks, and ends these pauses (``wrap_up``).

Runs while the daemon leads the node. Without the daemon nobody is paused, and a pause that it began
stays until the agent ends it or a daemon leads the node again.
"""

from collections.abc import Awaitable, Callable

import structlog

from ccmiddleware.agents.commands import AgentCommand, asks
from ccmiddleware.agents.wrap_up import WrapUp
from ccmiddleware.beat import beat
from ccmiddleware.clock import Clock
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.pbx.link import AmiLink

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.2


class WrapUpPauses:
    """The pauses of one node. ``certain`` waits while it is doubtful whether we still lead it."""

    def __init__(
        self,
        node: str,
        wrap_up: WrapUp,
        link: AmiLink,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._wrap_up = wrap_up
        self._link = link
        self._certain = certain
        self._clock = clock
        self._log = log.bind(node=node)
        self._said = ""

    async def run(self) -> None:
        """Pause and unpause until cancelled."""
        while True:
            await self._certain()
            if self._link.state.up:
                for command in self._wrap_up.commands(self._clock()):
                    await self._carry_out(command)
            await beat(PACE_SECONDS)

    async def _carry_out(self, command: AgentCommand) -> None:
        for ask in asks(command):
            try:
                await self._link.send(ask.action, ask.fields)
            except (TemporaryError, PermanentError) as error:
                # A pause that was not begun is not made up for; one that was not ended is tried
                # again. Said once: it is the same for every talk where the right is missing.
                if str(error) != self._said:
                    self._said = str(error)
                    self._log.error("wrap-up pause not carried out", reason=self._said)
