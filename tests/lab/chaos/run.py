"""One run: start everything, let callers call and things break, wait for the end, compare."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.root import Servers

from ccmiddleware import __version__
from chaos import plan, told
from chaos.comparing import Account, compare
from chaos.faults import Done, Faults
from chaos.ground import Ground, ground
from chaos.load import Load
from chaos.stored import Stored, read, recording_differences

PACE = 0.75
"""Seconds between two callers, on average."""

CALLS_END_WITHIN = 20.0
SETTLE_WITHIN = 70.0
"""After the last call: what ended unseen is completed from queue_log, which takes 15 to 20 s."""

RECORDINGS_WITHIN = 75.0
"""The daemon waits a minute for a file that Asterisk did not finish."""

SIGN_SECONDS = 10.0


@dataclass(frozen=True)
class Wanted:
    """What is asked for. ``recordings``: wait for those, too, that Asterisk did not finish."""

    seed: int = 1
    calls: int = 500
    faults: int = 20
    daemons: int = 1
    limit: float = 40 * 60.0
    recordings: bool = True
    pace: float = PACE
    pause: float = plan.PAUSE


@dataclass
class Outcome:
    """What came of a run. ``directory`` holds logs and is kept when something is wrong."""

    wanted: Wanted
    asterisk: str
    version: str
    seconds: float
    dialled: int
    in_queue_log: int
    fates: Counter[str]
    faults: list[Done]
    deaths: int
    account: Account
    stored: Stored
    recordings: list[str]
    troubles: list[str]
    said: Counter[str] = field(default_factory=Counter)
    """Warnings of the daemons, and worse, by event."""
    directory: Path | None = None

    def problems(self) -> dict[str, list[str]]:
        """What is wrong, by kind; all of it empty if nothing is."""
        stored = self.stored
        return {
            "lost": self.account.lost,
            "doubled": self.account.doubled,
            "differences to queue_log": self.account.different,
            "overlaps and gaps of agents": stored.intervals,
            "open at the end": stored.open,
            "talks without a visit": stored.without_visit,
            "recordings": self.recordings,
            "rejected facts": [f"{stored.rejected} in ccm.rejected_fact"] * bool(stored.rejected),
            "other troubles": self.troubles,
        }

    @property
    def well(self) -> bool:
        """Whether nothing was lost, doubled or different."""
        return not any(self.problems().values())


async def run(
    wanted: Wanted, servers: Servers, directory: Path, say: Callable[[str], None]
) -> Outcome:
    """Do it all. Raises LabError when the lab itself fails, TimeoutError at the limit."""
    async with asyncio.timeout(wanted.limit):
        async with ground(servers, directory, wanted.daemons) as site:
            return await _on(site, wanted, say)


async def _on(site: Ground, wanted: Wanted, say: Callable[[str], None]) -> Outcome:
    loop = asyncio.get_running_loop()
    started = loop.time()
    version = await site.pbx.version()
    say(f"Asterisk {version}, {wanted.daemons} daemon(s) {__version__}, seed {wanted.seed}")
    load = Load(site, plan.callers(wanted.seed), wanted.seed, wanted.pace)
    faults = Faults(site, started)
    broken = asyncio.Event()

    def sign() -> None:
        counts = Counter(done.kind for done in faults.done)
        told_ = ", ".join(f"{kind} {counts[kind]}/{wanted.faults}" for kind in plan.KINDS)
        now = f"; now: {', '.join(sorted(faults.on))}" if faults.on else ""
        say(f"{loop.time() - started:5.0f} s: {load.joined()} calls, {load.on()} on; {told_}{now}")

    async def signs() -> None:
        while True:
            await asyncio.sleep(SIGN_SECONDS)
            sign()

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(signs(), name="signs of life")
        calling = tasks.create_task(load.run(wanted.calls, broken), name="load")
        await faults.run(plan.lanes(wanted.seed, wanted.faults, wanted.pause))
        broken.set()
        await load.dialled_enough()
        say("all faults done; the last calls end")
        await site.clear(load.callers, CALLS_END_WITHIN)
        await calling
        telling.cancel()
    sign()
    say("comparing with queue_log, until all is settled")
    account, stored, recordings = await _settled(site, wanted)
    site.look_after_daemons()
    site.keep_logs()
    return Outcome(
        wanted=wanted,
        asterisk=version,
        version=__version__,
        seconds=loop.time() - started,
        dialled=len(load.dialled),
        in_queue_log=len(told.calls(site.queue_log())),
        fates=Counter(planned.fate for planned in load.dialled.values()),
        faults=sorted(faults.done, key=lambda done: done.began),
        deaths=len(site.deaths),
        account=account,
        stored=stored,
        recordings=recordings,
        troubles=site.troubles,
        said=sum((Counter(daemon.complaints()) for daemon in site.daemons), Counter()),
        directory=site.directory,
    )


async def _settled(site: Ground, wanted: Wanted) -> tuple[Account, Stored, list[str]]:
    """Compare until there is nothing to complain about, or for as long as it may take."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        stored = await read(site.url)
        account = compare(told.calls(site.queue_log()), stored.calls, site.deaths)
        recordings = recording_differences(stored.recordings, site.pbx.recordings)
        waited = loop.time() - began
        awaited = [one for one in stored.recordings if one["state"] in ("expected", "recording")]
        if wanted.recordings and waited > RECORDINGS_WITHIN:
            recordings += [f"recording still {one['state']}: {one['path']}" for one in awaited]
            awaited = []
        well = account.well and not (stored.open or stored.intervals or recordings)
        if (well or waited > SETTLE_WITHIN) and not (wanted.recordings and awaited):
            return account, stored, recordings
        await asyncio.sleep(1.0)
