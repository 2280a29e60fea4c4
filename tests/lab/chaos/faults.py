"""What breaks: each kind of fault done, undone, and how long it took.

Faults of one lane come one after another, the lanes go on side by side; so Postgres may be away
while the daemon is killed and Asterisk freezes. A fault holds the lock of what it breaks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.daemon import part
from lab.errors import LabError

from chaos.ground import Ground
from chaos.plan import Fault

LEADS_WITHIN = 60.0
"""Seconds that a journal's fault waits for a daemon that leads and is well before it begins."""

FULL_WITHIN = 40.0
POLL = 0.2


@dataclass
class Done:
    """A fault that was done: from the first to the last moment in which something was broken."""

    kind: str
    how: str
    began: float
    """Seconds since the start of the run."""
    seconds: float


@dataclass
class Faults:
    """All lanes of faults on one ground."""

    ground: Ground
    started: float
    done: list[Done] = field(default_factory=list)
    on: set[str] = field(default_factory=set)
    """Kinds of which one goes on."""

    async def run(self, lanes: Sequence[Sequence[Fault]]) -> None:
        """Do them all."""
        async with asyncio.TaskGroup() as tasks:
            for number, lane in enumerate(lanes):
                tasks.create_task(self._lane(lane), name=f"lane {number}")

    async def _lane(self, lane: Sequence[Fault]) -> None:
        ways: dict[str, Callable[[Fault], Awaitable[float]]] = {
            "daemon": self._daemon,
            "postgres": self._postgres,
            "asterisk": self._asterisk,
            "freeze": self._freeze,
            "link": self._link,
            "journal": self._journal,
        }
        loop = asyncio.get_running_loop()
        for fault in lane:
            await asyncio.sleep(fault.after)
            # What it returns is when it really began: after it had waited for locks.
            began = await ways[fault.kind](fault)
            ended = loop.time()
            self.on.discard(fault.kind)
            self.done.append(Done(fault.kind, fault.how, began - self.started, ended - began))

    def _begin(self, fault: Fault) -> float:
        self.on.add(fault.kind)
        return asyncio.get_running_loop().time()

    async def _daemon(self, fault: Fault) -> float:
        async with self.ground.daemon_lock:
            self.ground.look_after_daemons()
            daemon = await self.ground.leader() or self.ground.daemons[0]
            began = self._begin(fault)
            if daemon.running:
                await daemon.kill()
            await asyncio.sleep(fault.lasts)
            await daemon.launch()
            return began

    async def _link(self, fault: Fault) -> float:
        async with self.ground.daemon_lock:
            began = self._begin(fault)
            if fault.how == "reset":
                self.ground.relay.cut()
            else:
                self.ground.relay.stall()
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                await self.ground.relay.restore()
            return began

    async def _asterisk(self, fault: Fault) -> float:
        async with self.ground.asterisk_lock:
            began = self._begin(fault)
            await self.ground.kill_asterisk(fault.how, fault.lasts)
            return began

    async def _freeze(self, fault: Fault) -> float:
        async with self.ground.asterisk_lock:
            began = self._begin(fault)
            await self.ground.pbx.freeze()
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                self.ground.pbx.thaw()
            return began

    async def _postgres(self, fault: Fault) -> float:
        database = self.ground.database
        async with self.ground.database_lock:
            began = self._begin(fault)
            if fault.how == "hang":
                database.freeze()
            elif fault.how == "stop":
                await database.stop()
            else:
                await database.kill()
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                if fault.how == "hang":
                    database.thaw()
                else:
                    await database.start()
            return began

    async def _journal(self, fault: Fault) -> float:
        """Postgres is away, and so much happens that the journal's quota does not hold it."""
        ground = self.ground
        async with ground.database_lock:
            async with ground.asterisk_lock, ground.daemon_lock:
                await self._somebody_is_well()
                began = self._begin(fault)
                await ground.database.kill()
                try:
                    await self._fill()
                except BaseException:
                    await ground.database.start()
                    raise
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                await ground.database.start()
            return began

    async def _somebody_is_well(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LEADS_WITHIN
        health: Mapping[str, Any] = {}
        while True:
            self.ground.look_after_daemons()
            daemon = await self.ground.leader()
            if daemon is not None:
                health = await asyncio.to_thread(daemon.health)
                if health.get("status") == "ok":
                    return
            if loop.time() > deadline:
                raise LabError(
                    f"No daemon was well for {LEADS_WITHIN:g} s, with all else there: {health}"
                )
            await asyncio.sleep(POLL)

    async def _fill(self) -> None:
        """Storms, until the daemon that leads says that its journal takes no more."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FULL_WITHIN
        while True:
            await self.ground.pbx.cli("channel originate Local/s@storm application Wait 30")
            for _ in range(4):
                daemon = await self.ground.leader()
                health = await asyncio.to_thread(daemon.health) if daemon is not None else {}
                if part(health, "journal").get("status") == "failed":
                    return
                await asyncio.sleep(POLL)
            if loop.time() > deadline:
                raise LabError(f"The journal was not full after {FULL_WITHIN:g} s: {health}")
