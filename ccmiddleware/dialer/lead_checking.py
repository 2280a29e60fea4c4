"""Has the rows of a file checked: in this process, or by several where there are many rows.

The processes know nothing of Postgres: rows go in, and what came of them comes back in order.
"""

import asyncio
import ctypes
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

from ccmiddleware.dialer.lead_rows import Batch, Row
from ccmiddleware.errors import TemporaryError

BATCH = 5000
"""Rows that are checked, and copied into Postgres, at once."""

AHEAD = 2
"""Batches that are on their way to each process."""

PR_SET_PDEATHSIG = 1

Check = Callable[[Sequence[Row]], Batch]
Checked = tuple[list[Row], Batch]
"""Rows, and what came of them."""


async def checked(check: Check, rows: Iterator[Row], processes: int) -> AsyncGenerator[Checked]:
    """Rows with what came of them, batch by batch, in order. ``processes`` 0: in this one."""
    batches = iter(lambda: list(islice(rows, BATCH)), [])
    if processes == 0:
        for batch in batches:
            yield batch, check(batch)
            await asyncio.sleep(0)
        return
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    )
    waiting: deque[tuple[list[Row], Future[Batch]]] = deque()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(check, batch)))
            while len(waiting) > AHEAD * processes:
                yield await _first(waiting)
        while waiting:
            yield await _first(waiting)
    except BrokenProcessPool:
        raise TemporaryError("a process that checks rows was killed; nothing was changed") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def _first(waiting: deque[tuple[list[Row], Future[Batch]]]) -> Checked:
    rows, future = waiting.popleft()
    return rows, await asyncio.wrap_future(future)


def _begin(parent: int) -> None:
    """Ctrl-C is for the process that asked; when that is gone, so is this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
