"""Long-lived tasks by name, and in which order they end."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Tasks of one owner in a TaskGroup, in stages that are ended one after the other.

    A task that ends by itself while the daemon is not stopping is a bug and ends the daemon.
    """

    def __init__(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        self._group = group
        self._stop = stop
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    def start(self, name: str, work: Coroutine[Any, Any, None], *, until: str = "last") -> None:
        """Start a task under its name; it is ended with the stage ``until``."""
        task = self._group.create_task(self._guard(name, work), name=name)
        self._tasks.setdefault(until, []).append(task)

    async def _guard(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        await work
        if not self._stop.is_set():
            raise RuntimeError(f"the task {name!r} ended by itself")

    async def end(self, stage: str) -> None:
        """Cancel the tasks of that stage and wait for them."""
        tasks = self._tasks.pop(stage, [])
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def finish(self, stage: str, seconds: float) -> bool:
        """Wait until the tasks of that stage have ended, and cancel those that take longer.

        Returns whether all of them ended in time.
        """
        late: set[asyncio.Task[None]] = set()
        if self._tasks.get(stage):
            _, late = await asyncio.wait(self._tasks[stage], timeout=seconds)
        await self.end(stage)
        return not late
