"""Calls moved step by step: each step waits until Asterisk itself says that it is done.

So that tests which need a call in a certain state at a certain moment depend on no times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import witness
from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.phones import Caller
from lab.processes import until
from lab.script import Step

OVER = ("ABANDON", "COMPLETECALLER", "COMPLETEAGENT", "EXITWITHTIMEOUT", "EXITWITHKEY")
PATIENCE = 30.0
"""Seconds for one step, which takes a fraction of one when the machine has nothing else to do."""


@dataclass(frozen=True)
class Call:
    """A call that has joined a queue. ``id`` is Asterisk's unique id of the caller's channel."""

    id: str
    number: str
    caller: Caller


class Stage:
    """A PBX and the calls on it."""

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx
        self._numbers = count(12025550300)

    async def call(self, did: str, script: Sequence[Step] = (), name: str = "") -> Call:
        """A new caller, who has joined the queue when this returns and stays until he is let go."""
        number = str(next(self._numbers))
        caller = self.pbx.caller(did, list(script), number, name)
        await caller.start()
        await until(
            lambda: witness.unique_id(self.pbx, number) != "", PATIENCE, f"{number} in the queue"
        )
        return Call(witness.unique_id(self.pbx, number), number, caller)

    async def answered_call(self, did: str, name: str = "") -> Call:
        """A new caller to a queue that has a free agent, who has answered when this returns."""
        call = await self.call(did, name=name)
        await self.answered(call)
        return call

    def events(self, call: Call) -> list[str]:
        """What queue_log has of the call."""
        return [row.event for row in self.pbx.queue_log() if row.call == call.id]

    async def answered(self, call: Call) -> None:
        """Wait until an agent has answered."""
        await until(lambda: "CONNECT" in self.events(call), PATIENCE, f"{call.id} to be answered")

    async def hang_up(self, *calls: Call) -> None:
        """Have Asterisk hang up on callers, wherever they are."""
        for call in calls:
            await self.pbx.cli(f"channel request hangup {await self._channel(call)}")
        for call in calls:
            await self.over(call)

    async def over(self, call: Call) -> None:
        """Wait until Asterisk has done with a call."""
        await until(lambda: self.events(call)[-1] in OVER, PATIENCE, f"queue_log to end {call.id}")
        await call.caller.result(PATIENCE)

    async def pause(self, queue: str, extension: str, paused: bool = True) -> None:
        """Pause a member of a queue, or end the pause."""
        how = "pause" if paused else "unpause"
        await self.pbx.cli(f"queue {how} member PJSIP/{extension} queue {queue}")

    async def _channel(self, call: Call) -> str:
        for line in (await self.pbx.cli("core show channels concise")).splitlines():
            fields = line.split("!")
            if fields[-1] == call.id:
                return fields[0]
        raise LabError(f"Asterisk has no channel {call.id}.")
