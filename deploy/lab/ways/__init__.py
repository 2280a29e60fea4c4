"""Every way a call can go through a PBX with queues, as real calls in the lab.

A way is a small async function whose docstring says what happens. ``WAYS`` has all of them,
``play`` plays one on a PBX of ``PLAN``. `python -m lab.ways DIRECTORY` records them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.root import Servers
from lab.ways import (
    attended,
    blind,
    callbacks,
    campaigns,
    chains,
    direct,
    features,
    hold,
    members,
    redirects,
    waiting,
)
from lab.ways.plan import PLAN
from lab.ways.stage import ON_CUE, Stage

Way = Callable[[Stage], Awaitable[None]]

SIDE_BY_SIDE = 6
"""PBXs at once: most of a way is waiting."""

ROOMS = (
    blind, attended, chains, hold, features, redirects, waiting, members, direct, callbacks,
    campaigns,
)  # fmt: skip

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


async def play_all(
    servers: Servers,
    names: Iterable[str],
    well: Callable[[str, Played], None],
    ill: Callable[[str, LabError], None],
) -> None:
    """Play ways on ``SIDE_BY_SIDE`` PBXs at once, and tell how each went."""
    waiting = list(names)

    async def one_after_another() -> None:
        async with theatre(servers) as pbx:
            while waiting:
                name = waiting.pop(0)
                try:
                    played = await play(pbx, name)
                except LabError as error:
                    ill(name, error)
                else:
                    well(name, played)

    async with asyncio.TaskGroup() as group:
        for number in range(min(SIDE_BY_SIDE, len(waiting))):
            group.create_task(one_after_another(), name=f"pbx {number}")


def _log_lines(pbx: Asterisk) -> list[str]:
    path = pbx.queue_log_path
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if "|QUEUESTART|" not in line]
