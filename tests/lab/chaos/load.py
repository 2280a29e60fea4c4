"""The callers: one after the other dials, many are on at once, each with a fate of his own."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress

from lab.errors import LabError
from lab.phones import Caller

from chaos.ground import Ground
from chaos.plan import MOST_AT_ONCE, NEXT, Planned
from chaos.told import Row

LOOK_SECONDS = 0.25
ANSWERED_WITHIN = 15.0


class Load:
    """Dials until ``enough`` callers have joined a queue and ``until`` is set."""

    def __init__(self, ground: Ground, planned: Iterator[Planned], seed: int, pace: float) -> None:
        self.ground = ground
        self.dialled: dict[str, Planned] = {}
        """By number."""
        self.callers: list[Caller] = []
        self._planned = planned
        self._chance = random.Random(f"pace {seed}")
        self._pace = pace
        self._joined: set[str] = set()
        self._enough = asyncio.Event()
        self._read = 0

    def joined(self) -> int:
        """How many of the callers have joined a queue."""
        rows = self.ground.queue_log()
        for row in rows[self._read :]:
            if row.event == "ENTERQUEUE":
                self._joined.add(row.data[1])
        self._read = len(rows)
        return len(self._joined)

    def on(self) -> int:
        """How many callers are dialling or in a call."""
        return sum(caller.running for caller in self.callers)

    async def run(self, enough: int, until: asyncio.Event) -> None:
        """Dial, in the seeded pace. A PBX that is down is not dialled: it would not be a call."""
        async with asyncio.TaskGroup() as tasks:
            while self.joined() < enough or not until.is_set():
                if self.on() < MOST_AT_ONCE and self.ground.pbx.running:
                    planned = next(self._planned)
                    self.dialled[planned.number] = planned
                    tasks.create_task(self._call(planned), name=f"caller {planned.number}")
                await asyncio.sleep(self._chance.uniform(0.5, 1.5) * self._pace)

            self._enough.set()

    async def dialled_enough(self) -> None:
        """Wait until ``run`` dials no more; calls may go on."""
        await self._enough.wait()

    async def _call(self, planned: Planned) -> None:
        caller = self.ground.pbx.caller(
            planned.did, list(planned.script), planned.number, f"Caller {planned.number[-4:]}"
        )
        self.callers.append(caller)
        await caller.start()
        try:
            if planned.transfer_after is not None:
                # Asterisk may be gone, or the call over: then there is nothing to transfer.
                with suppress(LabError):
                    await self._transfer(planned, caller)
        finally:
            with suppress(LabError):
                await caller.done()

    async def _transfer(self, planned: Planned, caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWERED_WITHIN
        while not (agent := self._agent_channel(planned.number)):
            if loop.time() > deadline or not caller.running:
                return
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(planned.transfer_after or 0.0)
        pbx = self.ground.pbx
        for line in (await pbx.cli("core show channels concise")).splitlines():
            fields = line.split("!")
            if fields[-1] == agent:
                async with pbx.operator() as operator:
                    await operator.action(
                        "BlindTransfer", Channel=fields[0], Context="trunk", Exten=NEXT
                    )

    def _agent_channel(self, number: str) -> str:
        """Unique id of the channel of the agent who answered that caller; "" while nobody has."""
        rows = self.ground.queue_log()
        call = next((one.call for one in rows if _entered(one, number)), None)
        answered = (row.data[1] for row in rows if row.call == call and row.event == "CONNECT")
        return next(answered, "")


def _entered(row: Row, number: str) -> bool:
    return row.event == "ENTERQUEUE" and row.data[1] == number
