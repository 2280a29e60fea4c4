"""SIPp as the agents' phones and as the callers on the trunk."""

import asyncio
import base64
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab import addresses
from lab.errors import LabError
from lab.files import PHONE_PORT
from lab.processes import Child, until
from lab.root import Servers
from lab.scenario import caller_scenario, phone_scenario
from lab.script import Step

CALL_TIMEOUT = 120.0
"""Seconds within which a caller's call must be over."""

BETWEEN_KEYS = 0.15
"""Seconds from one key to the next."""


@dataclass(frozen=True)
class Sounds:
    """What a phone says: a file of raw A-law, as SIPp sees it."""

    speech: str


@dataclass(frozen=True)
class LogLine:
    """One thing that happened in a call: a word, SIPp's clock in seconds, and more."""

    word: str
    at: float
    rest: str


@dataclass(frozen=True)
class Dialog:
    """What SIP knows a call by: Call-ID, the tag of this side and that of the other side."""

    call_id: str
    our_tag: str
    their_tag: str


class Sipp:
    """One SIPp process with one scenario."""

    def __init__(self, servers: Servers, directory: Path, name: str, ip: str) -> None:
        self._servers = servers
        self._base = directory / name
        self._ip = ip
        self._child: Child | None = None
        self._runs = 0
        self._cues = 0

    def _run(self, scenario: str, *arguments: str) -> None:
        self._runs += 1
        scenario_file = self._file("xml")
        scenario_file.write_text(scenario)
        log, errors = self._file("log"), self._file("errors")
        log.touch()
        errors.touch()
        if self._servers.owner is not None:
            for path in (scenario_file, log, errors):
                os.chown(path, *self._servers.owner)
        inside = self._servers.inside
        self._child = Child(
            self._servers.command(
                self._servers.sipp, "-sf", inside(scenario_file), "-i", self._ip, "-mi", self._ip,
                "-p", str(PHONE_PORT), "-nostdin", "-aa", "-trace_logs", "-log_file", inside(log),
                "-trace_err", "-error_file", inside(errors), *arguments,
            ),
            self._file("screen"),
        )  # fmt: skip

    async def plugged_in(self) -> None:
        """Wait until it takes calls. Raises LabError when it ended instead."""
        child = self._child
        await until(
            lambda: _listens(self._ip) or child is None or not child.running, 10, "SIPp to start"
        )
        if not self.running:
            raise LabError(f"SIPp did not start: {self.errors()}{child and child.last_words()}")

    def _file(self, kind: str) -> Path:
        return self._base.with_name(f"{self._base.name}-{self._runs}.{kind}")

    @property
    def ip(self) -> str:
        """Its address."""
        return self._ip

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.running

    def log(self) -> list[LogLine]:
        """What happened since the present scenario began."""
        path = self._file("log")
        lines = []
        for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
            word, _, rest = line.partition(" ")
            tick, _, rest = rest.partition(" ")
            if tick.isdigit():
                lines.append(LogLine(word, int(tick) / 1000, rest.strip()))
        return lines

    def errors(self) -> str:
        """SIPp's complaints."""
        path = self._file("errors")
        return path.read_text(errors="replace") if path.exists() else ""

    def count(self, word: str) -> int:
        """How often that happened since the present scenario began."""
        return sum(line.word == word for line in self.log())

    async def seen(self, word: str, times: int = 1, seconds: float = 20) -> None:
        """Wait until that has happened so often. Raises LabError after ``seconds``."""
        name = self._base.name
        await until(lambda: self.count(word) >= times, seconds, f"{name}: {word} x {times}")

    async def hold(self) -> None:
        """Put the other side on hold. Like all of these, for a script with Obey in it."""
        await self._cue("LABHOLD", "held")

    async def resume(self) -> None:
        """Take the other side back."""
        await self._cue("LABRESUME", "unheld")

    async def press(self, keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            await self._cue("LABPRESS", "pressed", key)
            await asyncio.sleep(BETWEEN_KEYS)

    async def hang_up(self) -> None:
        """Hang up."""
        await self._cue("LABHANGUP", "ended")

    async def refer(self, target: str) -> None:
        """Send REFER to the SIP address ``target``; returns when the PBX has taken it up."""
        await self._cue("LABREFER", "referred", target)

    async def dialog(self, seconds: float = 20) -> Dialog:
        """The call that it is in, or was in last."""
        await self.seen("dialog", 1, seconds)
        last = [line.rest for line in self.log() if line.word == "dialog"][-1]
        call_id, our_tag, their_tag = [*last.split(), ""][:3]
        return Dialog(call_id, our_tag, their_tag.removeprefix(";tag="))

    async def _cue(self, method: str, done: str, what: str = "-") -> None:
        """Tell it what to do now, and wait until it has logged ``done``."""
        before = self.count(done)
        self._cues += 1
        dialog = await self.dialog()
        message = (
            f"{method} sip:lab@{self._ip} SIP/2.0\r\nVia: SIP/2.0/UDP {self._ip}:9\r\n"
            f"From: <sip:lab>;tag=lab\r\nTo: <sip:lab>;tag=lab\r\nCall-ID: {dialog.call_id}\r\n"
            f"CSeq: {self._cues} {method}\r\nX-Lab: {what}\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(message.encode(), (self._ip, PHONE_PORT))
        await self.seen(done, before + 1)

    async def stop(self) -> None:
        """End the process; calls that it is in are left hanging."""
        if self._child is not None:
            await self._child.stop(grace=0.5)


class Phone(Sipp):
    """An agent's phone. It does the same with every call, one after another or side by side."""

    def __init__(
        self,
        servers: Servers,
        directory: Path,
        ip: str,
        pbx: tuple[str, int],
        extension: str,
        sounds: Sounds,
        script: Sequence[Step],
    ) -> None:
        super().__init__(servers, directory, f"phone-{extension}", ip)
        self.extension = extension
        self._pbx = pbx
        self._sounds = sounds
        self._script = list(script)

    async def start(self) -> None:
        """Plug it in; it takes calls when this returns."""
        self._run(phone_scenario(self._script, self._sounds.speech), target_of(self._pbx))
        await self.plugged_in()

    async def follow(self, script: Sequence[Step], seconds: float = 30) -> None:
        """Do something else from now on. Waits until calls that are on have ended.

        Raises LabError when one is still on after ``seconds``.
        """
        if self._child is not None and self._child.running:
            self._child.signal(signal.SIGUSR1)  # SIPp: no new calls, end with the last one
            await self._child.ended(seconds)
        self._script = list(script)
        await self.start()

    async def replug(self, script: Sequence[Step] | None = None) -> None:
        """Start afresh, with the same script or another, whatever it is doing."""
        await self.stop()
        if script is not None:
            self._script = list(script)
        await self.start()


@dataclass(frozen=True)
class CallResult:
    """How a caller's call went.

    ``status`` is the final SIP status. ``answered`` is whether the PBX took the call, which it
    usually does before the queue; ``seconds`` is from there to the end. ``ended_by`` is who hung
    up; "nobody" when the PBX was gone.
    """

    status: int
    answered: bool
    seconds: float
    ended_by: Literal["caller", "pbx", "nobody"]


@dataclass(frozen=True)
class Crowd:
    """Many callers with one script: how many calls, how many a second, how many side by side."""

    calls: int
    rate: int
    limit: int


class Caller(Sipp):
    """One call from the trunk; with a ``crowd`` many, of which ``log`` tells and not ``result``."""

    _made = 0

    def __init__(
        self,
        servers: Servers,
        directory: Path,
        pbx: tuple[str, int],
        did: str,
        number: str,
        name: str,
        sounds: Sounds,
        script: Sequence[Step],
        patience: float = 60.0,
        crowd: Crowd | None = None,
        network: str = addresses.TRUNK,
    ) -> None:
        Caller._made += 1
        self._address = addresses.claim(network)
        super().__init__(servers, directory, f"caller-{Caller._made}", self._address.ip)
        self._pbx = pbx
        shown, extra = _display_name(name)
        self._shown = shown
        self._crowd = crowd or Crowd(1, 1, 1)
        self._scenario = caller_scenario(script, sounds.speech, did, number, extra, patience)

    async def start(self) -> None:
        """Dial."""
        crowd = self._crowd
        self._run(
            self._scenario, "-m", str(crowd.calls), "-r", str(crowd.rate), "-l", str(crowd.limit),
            "-set", "shown", self._shown, target_of(self._pbx),
        )  # fmt: skip

    async def done(self, seconds: float = CALL_TIMEOUT) -> None:
        """Wait until all calls are over."""
        if self._child is None:
            raise LabError("This caller has not dialled yet.")
        try:
            await self._child.ended(seconds)
        finally:
            await self.stop()

    async def result(self, seconds: float = CALL_TIMEOUT) -> CallResult:
        """Wait for the end of the call."""
        await self.done(seconds)
        return self._fate()

    async def call(self) -> CallResult:
        """Dial and wait for the end of the call."""
        await self.start()
        return await self.result()

    async def stop(self) -> None:
        """End the process; a call that is on is left hanging."""
        await super().stop()
        self._address.release()

    def _fate(self) -> CallResult:
        lines = {line.word: line for line in self.log()}
        if "answered" not in lines:
            refused = lines.get("refused")
            status = int(refused.rest) if refused is not None else 0
            if "unexpected message" in self.errors():
                raise LabError(f"A caller got into trouble: {self.errors()}")
            by: Literal["caller", "pbx", "nobody"] = "caller" if "cancelled" in lines else "pbx"
            return CallResult(status, False, 0.0, by if status else "nobody")
        ended = lines.get("ended")
        if ended is None:
            return CallResult(200, True, 0.0, "nobody")
        seconds = ended.at - lines["answered"].at
        return CallResult(200, True, seconds, "caller" if ended.rest == "us" else "pbx")


def target_of(pbx: tuple[str, int]) -> str:
    """Where a PBX is, as SIPp's argument."""
    return f"{pbx[0]}:{pbx[1]}"


def _listens(ip: str) -> bool:
    """Whether something is bound to the phone's UDP port (from /proc/net/udp)."""
    address = "".join(f"{int(part):02X}" for part in reversed(ip.split(".")))
    wanted = f"{address}:{PHONE_PORT:04X}"
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())


def _display_name(name: str) -> tuple[str, str]:
    """The name as SIP's quoted display name, or as a header of the lab when SIP can't carry it."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        encoded = base64.b64encode(name.encode()).decode()
        return "", f"X-Caller-Name: {encoded}\n"
    if not name:
        return "", ""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" ', ""
