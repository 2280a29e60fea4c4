"""One thread for everything that is long and about files: one piece of work at a time, niced.

A recording that is compressed or hashed must not take the CPU from the calls that go on, whichever
node it belongs to. Only the thread is niced, not the daemon: Linux keeps that for each thread.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")

NICENESS = 15


class FileWork:
    """The thread. ``stop`` is set when the daemon stops; long work looks at it now and then."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="files", initializer=_be_nice)

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Do a piece of work after those that wait already, and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def close(self) -> None:
        """Have the thread end: what waits is dropped, what goes on is told to stop."""
        self.stop.set()
        self._thread.shutdown(wait=True, cancel_futures=True)


def _be_nice() -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
