"""One private Asterisk: configured from a plan, run on an address of its own, gone without a trace.

Everything it reads and writes is in one directory. It ends with the process that started it.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import addresses, ami, audio, instances
from lab.errors import LabError
from lab.far_end import GREETING, HELLO, FarEnd
from lab.files import AMI_PORT, HTTP_PORT, OPERATOR, SIP_PORT, USER, Place, files
from lab.parties import Party
from lab.phones import Caller, Crowd, Phone, Sounds
from lab.plan import Plan
from lab.processes import Child, output
from lab.root import Servers
from lab.script import Step

SHIPPED = Path(__file__).resolve().parents[2] / "asterisk"
DIRECTORIES = ("etc", "lib/keys", "spool/monitor", "log", "run", "cache", "music", "agi", "sip")
START_TIMEOUT = 60
VOICES = {"caller": 180.0, "agent": 300.0, "music": 620.0, "supervisor": 1010.0}
"""Pitch in Hz of what is heard in the lab, so that a recording shows who is in it."""


@dataclass(frozen=True)
class QueueLogRow:
    """One line of queue_log, as app_queue writes it."""

    at: int
    call: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


class Asterisk:
    """One PBX. ``async with`` starts and removes it; ``start`` and ``stop`` work as well.

    ``host``, ``ami_port``, ``ari_url``, ``user``, ``ami_secret`` and ``ari_secret`` are how to
    reach it. ``recordings`` is the recording directory as this host sees it,
    ``recordings_on_asterisk`` the same as Asterisk does. ``phones`` and ``callers`` are all that
    were made.
    """

    def __init__(self, servers: Servers, plan: Plan | None = None) -> None:
        self.servers = servers
        self.plan = plan if plan is not None else Plan()
        self._address = addresses.claim(addresses.SERVERS)
        self._outside = addresses.claim(addresses.TRUNK)
        self._phone_addresses = {
            agent.extension: addresses.claim(addresses.PHONES) for agent in self.plan.agents
        }
        self.directory, self._lock = instances.new_directory(servers, "pbx")
        self.ami_secret = secrets.token_urlsafe(24)
        self.ari_secret = secrets.token_urlsafe(24)
        self._child: Child | None = None
        self.phones: list[Phone] = []
        self.far_ends: list[FarEnd] = []
        self.callers: list[Caller] = []
        self._write()

    host = property(lambda self: str(self._address.ip), doc="Its loopback address.")
    ami_port = AMI_PORT
    user = USER

    @property
    def ari_url(self) -> str:
        """Base URL of its REST interface."""
        return f"http://{self._address.ip}:{HTTP_PORT}/ari"

    @property
    def sip(self) -> tuple[str, int]:
        """Where it takes calls."""
        return self._address.ip, SIP_PORT

    @property
    def recordings(self) -> Path:
        """The recording directory as this host sees it."""
        return self.directory / "spool" / "monitor"

    @property
    def recordings_on_asterisk(self) -> Path:
        """The recording directory as Asterisk sees it."""
        return Path(self.servers.inside(self.recordings))

    @property
    def queue_log_path(self) -> Path:
        """app_queue's own log."""
        return self.directory / "log" / "queue_log"

    def queue_log(self) -> list[QueueLogRow]:
        """What app_queue has logged so far, in files that were rotated too."""
        rows = []
        for path in sorted(self.queue_log_path.parent.glob("queue_log*"), key=_changed):
            for line in path.read_text(errors="replace").splitlines():
                at, call, queue, agent, event, *data = line.split("|")
                rows.append(QueueLogRow(int(at), call, queue, agent, event, tuple(data)))
        return rows

    # Its life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start it and wait until it says that it is fully booted."""
        if self._child is not None and self._child.running:
            raise LabError("This Asterisk runs already.")
        self._child = Child(
            self.servers.command(
                self.servers.asterisk, "-f", "-C", self.servers.inside(self._etc("asterisk.conf"))
            ),
            self.directory / "log" / "console",
        )
        try:
            await self._booted(self._child)
        except BaseException:
            await self._child.kill()
            raise

    async def stop(self) -> None:
        """Stop it in order, and every phone and caller with it."""
        for sipp in (*self.callers, *self.phones, *self.far_ends):
            await sipp.stop()
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """SIGKILL: it can say nothing to anybody."""
        await self._running().kill()

    async def restart(self) -> None:
        """Stop it (if it runs) and start it again with the same configuration and addresses."""
        if self._child is not None and self._child.running:
            await self._child.stop()
        await self.start()

    async def freeze(self) -> None:
        """SIGSTOP; returns when none of its threads runs any more."""
        await self._running().freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._running().thaw()

    async def remove(self) -> None:
        """Stop it and remove all that it wrote."""
        await self.stop()
        self._discard()

    def _discard(self) -> None:
        instances.discard(self.directory, self._lock)
        for address in (self._address, self._outside, *self._phone_addresses.values()):
            address.release()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.remove()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.remove()

    # Talking to it -------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Process id."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether its process is there (frozen or not)."""
        return self._child is not None and self._child.running

    async def cli(self, command: str, seconds: float = 30) -> str:
        """What `asterisk -rx` prints. Raises LabError when Asterisk does not answer."""
        asked = self.servers.command(
            self.servers.asterisk,
            "-C",
            self.servers.inside(self._etc("asterisk.conf")),
            "-rx",
            command,
        )
        try:
            code, out, err = await output(asked, seconds)
        except TimeoutError:
            raise LabError(f"`{command}` was not answered in {seconds:g} s.") from None
        text = out + err
        if code:
            raise LabError(f"`{command}`: {text.strip()}")
        return text

    async def version(self) -> str:
        """Its version, as in 22.10.1."""
        words = (await self.cli("core show version")).split()
        return words[1].partition("~")[0].partition("+")[0]

    @contextlib.asynccontextmanager
    async def operator(self) -> AsyncIterator[ami.Ami]:
        """A manager session that may act on calls and queues, and hears nothing."""
        async with ami.connect(self.host, AMI_PORT, OPERATOR, self.ami_secret) as session:
            yield session

    @contextlib.asynccontextmanager
    async def ami(self) -> AsyncIterator[ami.Ami]:
        """A manager session as the user that ships to operators."""
        async with ami.connect(self.host, AMI_PORT, USER, self.ami_secret) as session:
            yield session

    def phone(self, extension: str, script: list[Step], voice: str = "agent") -> Phone:
        """The phone of an agent; ``await phone.start()`` plugs it in."""
        phone = Phone(
            self.servers,
            self.directory / "sip",
            self._phone_addresses[extension].ip,
            self.sip,
            extension,
            self._sounds(voice),
            script,
        )
        self.phones.append(phone)
        return phone

    def outside(self, script: list[Step], voice: str = "caller") -> Phone:
        """Whoever answers when the PBX calls somebody through the trunk ``outside``.

        The voice ``hello`` says one short word and listens, as a person does. ``greeting`` says
        something long and listens, as a machine does; ``caller`` goes on and on.
        """
        phone = Phone(
            self.servers,
            self.directory / "sip",
            self._outside.ip,
            self.sip,
            "outside",
            self._sounds(voice),
            script,
        )
        self.phones.append(phone)
        return phone

    def far_end(self, parties: Sequence[Party]) -> FarEnd:
        """All who can be called through the trunk ``outside``, in place of ``outside``."""
        end = FarEnd(
            self.servers,
            self.directory / "sip",
            self._outside.ip,
            self.sip,
            {voice: self._sounds(voice).speech for voice in (HELLO, GREETING)},
            parties,
        )
        self.far_ends.append(end)
        return end

    def caller(
        self,
        did: str,
        script: list[Step],
        number: str = "12025550199",
        name: str = "",
        patience: float = 60.0,
        crowd: Crowd | None = None,
    ) -> Caller:
        """A caller from the trunk; ``await caller.start()`` dials.

        ``patience`` is how many seconds the caller waits for an answer of the PBX.
        """
        caller = Caller(
            self.servers,
            self.directory / "sip",
            self.sip,
            did,
            number,
            name,
            self._sounds("caller"),
            script,
            patience=patience,
            crowd=crowd,
        )
        self.callers.append(caller)
        return caller

    def agent_call(
        self, extension: str, number: str, script: list[Step], patience: float = 60.0
    ) -> Caller:
        """A call that an agent dials; ``await caller.start()`` dials."""
        caller = Caller(
            self.servers,
            self.directory / "sip",
            self.sip,
            number,
            extension,
            "",
            self._sounds("agent"),
            script,
            patience=patience,
            network=addresses.PHONES,
        )
        self.callers.append(caller)
        return caller

    # Inside --------------------------------------------------------------------------------

    def _running(self) -> Child:
        if self._child is None or not self._child.running:
            raise LabError("This Asterisk does not run.")
        return self._child

    def _etc(self, name: str) -> Path:
        return self.directory / "etc" / name

    def _sounds(self, voice: str) -> Sounds:
        return Sounds(self.servers.inside(self.directory / "sip" / f"{voice}.al"))

    async def _booted(self, child: Child) -> None:
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                if not child.running:
                    raise LabError(
                        f"Asterisk ended at once (exit code {child.exit_code}):\n"
                        f"{child.last_words()}"
                    )
                try:
                    async with self.ami() as session:
                        await session.event("FullyBooted", START_TIMEOUT)
                        return
                except LabError:
                    await asyncio.sleep(0.05)

    def _write(self) -> None:
        for name in DIRECTORIES:
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        shutil.copytree(SHIPPED, self.directory / "shipped")
        inside = self.servers.inside
        place = Place(
            ip=self._address.ip,
            base=inside(self.directory),
            shipped=inside(self.directory / "shipped"),
            outside_ip=self._outside.ip,
            phone_ips={name: at.ip for name, at in self._phone_addresses.items()},
            trunk_net=addresses.TRUNK,
            ami_secret=self.ami_secret,
            ari_secret=self.ari_secret,
        )
        for name, text in files(self.plan, place).items():
            self._etc(name).write_text(text)
        _write_sounds(self.directory)
        if self.servers.owner is not None:
            user, group = self.servers.owner
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, user, group)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _write_sounds(directory: Path) -> None:
    audio.write_wav(directory / "music" / "quiet.wav", audio.tone(VOICES["music"], 5, -35))
    for seed, voice in enumerate(("caller", "agent")):
        samples = audio.speech(VOICES[voice], 5, -12, seed)
        (directory / "sip" / f"{voice}.al").write_bytes(audio.alaw(samples))
    silence = audio.alaw(audio.tone(VOICES["caller"], 15, -90))
    for voice, seconds in (("hello", 0.5), ("greeting", 4.0)):
        words = audio.alaw(audio.speech(VOICES["caller"], seconds, -12, 2))
        (directory / "sip" / f"{voice}.al").write_bytes(words + silence)
    steady = audio.tone(VOICES["supervisor"], 5, -12)
    (directory / "sip" / "supervisor.al").write_bytes(audio.alaw(steady))
