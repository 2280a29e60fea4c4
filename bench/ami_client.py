"""One of the two sides that are compared, in a process of its own: the daemon, or a bare listener.

    python ami_client.py daemon|bare  < task.json

The task has the ``port`` of the sender; for the daemon also ``url`` of Postgres, ``state_dir``, the
name of the ``node`` and ``queue_size``. Prints one JSON object: CPU and wall-clock
seconds from the sign to begin until all is done, what was counted meanwhile, and memory.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from panoramisk.manager import Manager

DEADLINE = 120.0
"""Seconds for each step; far more than any takes."""


class Stopwatch:
    """CPU of this process, all its threads, and wall clock, from its making on."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds since then, and the most memory that this process ever had, in MiB."""
        return {
            "cpu_seconds": time.process_time() - self._cpu,
            "wall_seconds": time.perf_counter() - self._wall,
            "max_rss_mib": _most_memory(),
        }


def _most_memory() -> float:
    # Not getrusage: its figure is handed on through exec, from the process that started this one.
    status = Path("/proc/self/status").read_text()
    [kibibytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kibibytes) / 1024


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what nobody tells of."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)


async def run_daemon(task: dict[str, Any]) -> dict[str, Any]:
    """The whole daemon as it runs in production; done when Postgres has everything."""
    # Imported here, so that the bare listener's memory is its own.
    from ccmiddleware import logs
    from ccmiddleware.config import Settings
    from ccmiddleware.daemon import Daemon

    settings = Settings.model_validate(
        {
            "state_dir": task["state_dir"],
            "node": [
                {
                    "name": task["node"],
                    "ami": {
                        "port": task["port"],
                        "secret": "bench",
                        "queue_size": task["queue_size"],
                    },
                    "recordings": task["state_dir"],
                }
            ],
            "database": {"url": task["url"]},
            "recording": {"policy": "never"},
            "web": {"port": 0},
            "log": {"level": "error", "format": "json"},
        }
    )
    logs.configure(settings.log)
    daemon = Daemon(settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(daemon.run(), name="daemon")
        try:
            await until(lambda: daemon.followers and daemon.followers[0].synchronised)
            [follower] = daemon.followers
            await until(lambda: follower.version)
            before = daemon.writer.counts.applied
            watch = Stopwatch()
            await follower.link.send("UserEvent", {"UserEvent": "go"}, timeout=DEADLINE)
            all_read = watch.read()["wall_seconds"]
            await until(lambda: not follower.machine.by_id)
            if not await daemon.writer.drained(DEADLINE):
                raise TimeoutError("Postgres did not take all facts in time")
            result: dict[str, Any] = watch.read()
            link, counts = follower.link.state, daemon.writer.counts
        finally:
            daemon.stop.set()
    return result | {
        "read_seconds": all_read,
        "facts": counts.applied - before,
        "rejected": counts.rejected,
        "dropped": link.dropped,
        "malformed": link.malformed,
    }


async def run_bare(task: dict[str, Any]) -> dict[str, Any]:
    """panoramisk as it is, with one callback that counts."""
    count = 0

    def counted(manager: Manager, event: Any) -> None:
        nonlocal count
        count += 1

    manager = Manager(
        host="127.0.0.1",
        port=task["port"],
        username="bench",
        secret="bench",  # noqa: S106 - the sender takes any
        loop=asyncio.get_running_loop(),
    )
    manager.register_event("*", counted)
    manager.connect()
    await until(lambda: manager.authenticated and count)  # the first event is FullyBooted
    count = 0
    watch = Stopwatch()
    async with asyncio.timeout(DEADLINE):
        await manager.send_action({"Action": "UserEvent", "UserEvent": "go"})
    result = watch.read()
    manager.close()
    return result | {"events": count}


if __name__ == "__main__":
    sides = {"daemon": run_daemon, "bare": run_bare}
    told = asyncio.run(sides[sys.argv[1]](json.load(sys.stdin)))
    print(json.dumps(told))
