"""Records what Asterisk sends for each kind of call, as input for tests and the benchmark.

`python -m lab.capture DIRECTORY` writes one .ami file for each kind of call;
`python -m lab.capture --many FILE.ami.gz` one stream of a busy quarter of a minute. The manager
user is the one that ships to operators. Files hold the bytes as they came, from FullyBooted on.
"""

import asyncio
import contextlib
import gzip
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from lab.ami import Ami
from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.phones import Crowd
from lab.plan import ALICE, CHEN, JOERG, Agent, Plan, Queue
from lab.root import servers
from lab.script import Answer, Decline, Dtmf, Hangup, Hold, Ring, Step, Talk

SUPPORT, SALES, FULL, EMPTY, COLD, NEXT = (f"1202555010{number}" for number in range(1, 7))

KINDS_PLAN = Plan(
    agents=(ALICE, JOERG, CHEN),
    queues=(
        Queue("support", SUPPORT, members=("1001", "1002"), strategy="linear", ring=1),
        Queue("sales", SALES, members=("1003",), ring=1, patience=2),
        Queue("full", FULL, members=("1003",), maxlen=1),
        Queue("empty", EMPTY, members=(), joinempty="no"),
        Queue("cold", COLD, members=("1003",), answer_first=False),
    ),
    # A caller whom sales lets go in time comes to support.
    dialplan=f"""
[trunk]
exten => {NEXT},1,Answer()
 same => n,Queue(sales,,,,1)
 same => n,Queue(support)
 same => n,Hangup()
""",
)

Kind = Callable[["Stage", Ami], Awaitable[None]]


class Stage:
    """The PBX on which one call after another is played."""

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx

    async def phones(self, **scripts: list[Step]) -> None:
        """What the phones do from now on: a1001=[…]; those not named ring without answer."""
        for phone in self.pbx.phones:
            await phone.follow(scripts.get(f"a{phone.extension}", [Ring()]))

    async def call(self, did: str, *script: Step, name: str = "Zoë Ångström") -> None:
        """One call, to its end."""
        await self.pbx.caller(did, list(script), name=name).call()


TALK: list[Step] = [Answer(0.4), Talk(1.5), Hangup()]
LISTEN: list[Step] = [Answer(0.4)]


async def answered_agent_hangs_up(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=TALK)
    await stage.call(SUPPORT)


async def answered_caller_hangs_up(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=LISTEN)
    await stage.call(SUPPORT, Talk(2), Hangup())


async def ring_no_answer(stage: Stage, _: Ami) -> None:
    await stage.phones(a1002=TALK)
    await stage.call(SUPPORT)


async def declined(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=[Decline(486)], a1002=TALK)
    await stage.call(SUPPORT)


async def abandoned(stage: Stage, _: Ami) -> None:
    await stage.phones()
    await stage.call(SUPPORT, Talk(2.5), Hangup())


async def abandoned_before_answer(stage: Stage, _: Ami) -> None:
    await stage.phones()
    await stage.pbx.caller(COLD, [], patience=1).call()


async def timed_out(stage: Stage, _: Ami) -> None:
    await stage.phones()
    await stage.call(SALES)


async def left_by_key(stage: Stage, _: Ami) -> None:
    await stage.phones()
    await stage.call(SUPPORT, Talk(0.7), Dtmf("1"))


async def queue_empty(stage: Stage, _: Ami) -> None:
    await stage.call(EMPTY)


async def queue_full(stage: Stage, _: Ami) -> None:
    await stage.phones()
    first = stage.pbx.caller(FULL, [Talk(2), Hangup()])
    await first.start()
    await asyncio.sleep(0.5)
    await stage.call(FULL)
    await first.result()


async def second_queue(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=TALK)
    await stage.call(NEXT)


async def held(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=[Answer(0.3), Talk(0.5), Hold(1), Talk(0.5), Hangup()])
    await stage.call(SUPPORT)


async def recorded(stage: Stage, session: Ami) -> None:
    await stage.phones(a1001=TALK)
    caller = stage.pbx.caller(SUPPORT, [])
    await caller.start()
    connect = await session.event("AgentConnect")
    file = stage.pbx.recordings_on_asterisk / "recorded.wav"
    await session.action("MixMonitor", Channel=connect["Channel"], File=str(file))
    await caller.result()


async def hostile_name(stage: Stage, _: Ami) -> None:
    """Nobody answers: with such a name Asterisk sends INVITEs that no phone can read."""
    await stage.phones()
    await stage.call(
        SUPPORT, Talk(1.5), Hangup(), name="O'Hara\r\nEvent: Hangup\r\n\r\n" + "x" * 1000
    )


async def quoted_name(stage: Stage, _: Ami) -> None:
    await stage.phones(a1001=TALK)
    await stage.call(SUPPORT, name='O\'Hara "💥" \\o/ a|b?; DROP TABLE interaction;--')


async def agent_dials_out(stage: Stage, _: Ami) -> None:
    outside = stage.pbx.outside(TALK)
    await outside.start()
    await stage.pbx.agent_call("1002", "012025550177", []).call()
    await outside.stop()


async def two_callers(stage: Stage, _: Ami) -> None:
    """One waits while the other talks; the phone takes both, one after another."""
    await stage.phones(a1003=TALK)
    callers = [stage.pbx.caller(SALES, [], number=f"1202555018{n}") for n in range(2)]
    for caller in callers:
        await caller.start()
        await asyncio.sleep(0.2)
    for caller in callers:
        await caller.result()


async def resync_while_calls_are_on(stage: Stage, session: Ami) -> None:
    """One call talks, one waits: the answers to QueueStatus and CoreShowChannels."""
    await stage.phones(a1003=[Answer(0.2), Talk(2), Hangup()])
    callers = [stage.pbx.caller(COLD, []) for _ in range(2)]
    for caller in callers:
        await caller.start()
    await session.event("AgentConnect")
    for action in ("QueueStatus", "CoreShowChannels"):
        await session.action(action)
        await session.event(f"{action}Complete")
    for caller in callers:
        await caller.result()


KINDS: tuple[Kind, ...] = (
    answered_agent_hangs_up, answered_caller_hangs_up, ring_no_answer, declined, abandoned,
    abandoned_before_answer, timed_out, left_by_key, queue_empty, queue_full, second_queue, held,
    recorded, hostile_name, quoted_name, agent_dials_out, two_callers, resync_while_calls_are_on,
)  # fmt: skip


@contextlib.asynccontextmanager
async def _stage(plan: Plan) -> AsyncIterator[Asterisk]:
    async with Asterisk(servers(print), plan) as pbx:
        for agent in plan.agents:
            await pbx.phone(agent.extension, [Ring()]).start()
        yield pbx


async def kinds(directory: Path) -> None:
    """One file for each kind of call."""
    async with _stage(KINDS_PLAN) as pbx:
        for kind in KINDS:
            name = getattr(kind, "__name__", "call")
            async with pbx.ami() as session:
                await session.event("FullyBooted")
                await kind(Stage(pbx), session)
                await session.drain(0.7)
            _keep(directory / f"{name}.ami", session.raw)
            print(f"{name}: {len(session.events)} events")


async def many(file: Path) -> None:
    """About 200 calls with all fates, side by side, as one stream."""
    agents = tuple(Agent(f"10{n:02}", f"Agent {n:02} Ñandú") for n in range(1, 17))
    plan = Plan(
        agents,
        (
            Queue("support", SUPPORT, members=tuple(a.extension for a in agents[:10]), ring=2),
            Queue("sales", SALES, members=tuple(a.extension for a in agents[8:]), patience=6),
        ),
    )
    async with _stage(plan) as pbx:
        for place, phone in enumerate(pbx.phones):
            # One of eight never answers; the others are quick or slow, and some hold.
            hold: list[Step] = [Hold(0.4)] if place % 4 == 1 else []
            script: list[Step] = [Answer(0.2 + place * 0.05), Talk(1), *hold, Talk(0.5), Hangup()]
            await phone.follow([Ring()] if place % 8 == 7 else script)
        scripts: tuple[tuple[str, list[Step], int], ...] = (
            (SUPPORT, [], 70), (SALES, [], 50), (SUPPORT, [Talk(1.5), Hangup()], 50),
            (SALES, [Talk(0.4), Hangup()], 20), (SUPPORT, [Talk(0.3), Dtmf("1")], 10),
        )  # fmt: skip
        async with pbx.ami() as session:
            await session.event("FullyBooted")
            callers = [
                pbx.caller(did, script, f"1202{at}[call_number]", "Ärger & Söhne", crowd=crowd)
                for at, (did, script, calls) in enumerate(scripts)
                for crowd in (Crowd(calls, 4, 12),)
            ]
            for caller in callers:
                await caller.start()
            for caller in callers:
                await caller.done()
            await session.drain(1)
            _keep(file, gzip.compress(session.raw, 9, mtime=0))
            print(f"{len(session.events)} events, {len(session.raw)} bytes")


def _keep(file: Path, data: bytes | bytearray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def main() -> int:
    """Run one of the two. Exit code 2 when the lab can't run."""
    arguments = sys.argv[1:]
    try:
        match arguments:
            case ["--many", file]:
                asyncio.run(many(Path(file)))
            case [directory]:
                asyncio.run(kinds(Path(directory)))
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
