"""A campaign in the lab: a PBX whose agents keep their lines open, and how it is set up and begun.

The far end is ``far_end``, who is called ``parties``. Used by tests, by the benchmark and the demo.
"""

import asyncio
from collections.abc import Sequence

from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import NODE, Daemon
from lab.errors import LabError
from lab.parties import Party, lead_file
from lab.phones import Caller
from lab.plan import Agent, Plan, Queue
from lab.script import Talk

LIBRARIES = ("ccm-agents.conf", "ccm-dial.conf")
SORRY = "agent-pass"
"""A sound that every Asterisk has, as the safe-harbour message."""

SHIFT = 3600.0
"""Seconds that an agent stays on the line."""

FREE = "(Not in use)"


def agents(count: int, first: int = 2001) -> tuple[Agent, ...]:
    """So many agents, by number."""
    return tuple(Agent(str(first + n), f"Agent {first + n}") for n in range(count))


def dialing(queue: str, wrapup: int) -> Queue:
    """The queue of a campaign. ``wrapup``: seconds after a talk."""
    return Queue(queue, "12025550190", members=(), keys="", ring=15, wrapup=wrapup)


def files(people: Sequence[Agent]) -> dict[str, str]:
    """What Asterisk reads for a campaign, beside its dialplan."""
    known = "".join(f"[{one.extension}](ccm-agent)\nfullname = {one.name}\n" for one in people)
    return {
        **{name: (SHIPPED / "dialplan" / name).read_text() for name in LIBRARIES},
        "agents.conf": (SHIPPED / "agents" / "ccm-dial.conf").read_text() + known,
    }


def dialplan(queue: str) -> str:
    """What stands in extensions.conf for a campaign."""
    return f"""
#include "ccm-agents.conf"
#include "ccm-dial.conf"
[globals]
CCM_QUEUES = {queue}
[agents](+)
include => ccm-dial-agents
"""


def plan(count: int, queue: str = "spring", wrapup: int = 2) -> Plan:
    """A PBX with that many agents who do nothing but campaigns."""
    people = agents(count)
    return Plan(
        agents=people,
        queues=(dialing(queue, wrapup),),
        manager=LIBRARIES,
        files=files(people),
        dialplan=dialplan(queue),
    )


def more(queue: str = "spring", wrapup: int = 2) -> str:
    """What stands in the daemon's configuration about the queue: Asterisk does not tell it."""
    return f"[queue.{queue}]\nwrap_up_seconds = {wrapup}\n"


async def sit_down(pbx: Asterisk, people: Sequence[Agent], queue: str = "spring") -> list[Caller]:
    """Each agent dials *16 and stays; returns when all are free, some six seconds later."""
    lines = [pbx.agent_call(one.extension, "*16", [Talk(SHIFT)]) for one in people]
    for line in lines:
        await line.start()
    await all_free(pbx, len(lines), queue)
    return lines


async def all_free(pbx: Asterisk, count: int, queue: str = "spring", seconds: float = 30) -> None:
    """Wait until that many agents are free."""
    shown = ""

    async def free() -> int:
        nonlocal shown
        shown = await pbx.cli(f"queue show {queue}")
        return shown.count(FREE)

    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while await free() != count:
        if loop.time() > deadline:
            raise LabError(f"Waited {seconds:g} s for {count} free agents: {shown}")
        await asyncio.sleep(0.1)


# -- the campaign -------------------------------------------------------------------------------


def settings(queue: str = "spring") -> dict[str, str]:
    """What is set of a campaign of the lab: one attempt for each lead."""
    return {
        "mode": "predictive", "node": NODE, "queue": queue, "profile": "us-ftc",
        "trunks": "outside", "caller_ids": "+12025550100", "seller_name": "Example Ltd",
        "seller_number": "+12025550100", "purpose": "a test", "safe_harbour_message": SORRY,
        "opt_out_key": "9", "ring_seconds": "15", "retry": "never", "calls_per_second": "20",
    }  # fmt: skip


async def prepare(daemon: Daemon, name: str, people: Sequence[Party], **changes: str) -> None:
    """Make a campaign with its leads; it is a draft."""
    wanted = settings() | changes
    await ccm(
        daemon, "trunk", "set", "outside", "--dial", "PJSIP/{digits}@outside",
        "--channels", "100", "--calls-per-second", "30",
    )  # fmt: skip
    await ccm(daemon, "campaign", "create", name, *map("=".join, wanted.items()))
    await ccm(daemon, "dnc", "scrubbed", "--source", "national", "--at", "today")
    leads = daemon.directory / f"{name}.csv"
    leads.write_text(lead_file(people))
    await ccm(daemon, "lead", "import", str(leads), "--campaign", name)


async def begin(daemon: Daemon, name: str) -> None:
    """Let it dial."""
    await ccm(daemon, "campaign", "start", name)


async def ccm(daemon: Daemon, *arguments: str) -> str:
    """What a command prints. Raises LabError when it fails."""
    ran = await daemon.ccm(*arguments)
    if ran.code != 0:
        raise LabError(f"ccm {' '.join(arguments)}: {ran.out}{ran.err}")
    return ran.out
