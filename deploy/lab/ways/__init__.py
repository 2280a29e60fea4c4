"""Every way a call can go through a PBX with queues, as real calls in the lab.

A way is a small async function whose docstring says what happens. ``WAYS`` has all of them,
``play`` plays one on a PBX of ``PLAN``. `python -m lab.ways DIRECTORY` records them.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from lab.asterisk import Asterisk
from lab.root import Servers
from lab.ways import attended, blind, chains, direct, features, hold, members, redirects, waiting
from lab.ways.plan import PLAN
from lab.ways.stage import ON_CUE, Stage

Way = Callable[[Stage], Awaitable[None]]

ROOMS = (blind, attended, chains, hold, features, redirects, waiting, members, direct)

WAYS: dict[str, Way] = {way.__name__: way for room in ROOMS for way in room.WAYS}


def description(name: str) -> str:
    """What happens in that way, in one line."""
    return " ".join((WAYS[name].__doc__ or "").split())


@contextlib.asynccontextmanager
async def theatre(servers: Servers) -> AsyncIterator[Asterisk]:
    """A PBX for the ways."""
    async with Asterisk(servers, PLAN) as pbx:
        for agent in PLAN.agents:
            pbx.phone(agent.extension, list(ON_CUE))
        pbx.outside(list(ON_CUE))
        yield pbx


@dataclass(frozen=True)
class Played:
    """What Asterisk told and logged of one way: the bytes of the AMI stream, lines of queue_log."""

    stream: bytes
    queue_log: list[str]


async def play(pbx: Asterisk, name: str) -> Played:
    """Play one way to its end, on a PBX of ``theatre`` on which nothing else goes on."""
    before = len(_log_lines(pbx))
    async with pbx.ami() as watch, pbx.operator() as operator:
        await watch.event("FullyBooted")
        stage = Stage(pbx, watch, operator)
        try:
            for phone in pbx.phones:
                await phone.replug(ON_CUE)
            await WAYS[name](stage)
            await stage.over()
            logged = _log_lines(pbx)[before:]
        finally:
            await stage.tidy()
        return Played(bytes(watch.raw), logged)


def _log_lines(pbx: Asterisk) -> list[str]:
    path = pbx.queue_log_path
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if "|QUEUESTART|" not in line]
