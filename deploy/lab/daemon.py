"""The daemon beside a PBX of the lab: its configuration file, its process, and ``ccm`` on it."""

import asyncio
import http.client
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lab import addresses
from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.processes import Child, output
from lab.root import LAUNCH

REPOSITORY = Path(__file__).parents[2]
WEB_PORT = 9733
NODE = "lab"
LINK = f"ami {NODE}"
"""The part of /healthz that is the link to the PBX."""
POLL = 0.1
"""Seconds between two questions to the daemon."""


def part(health: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One part of what /healthz says; empty when it says nothing of it."""
    found: Mapping[str, Any] = health.get("parts", {}).get(name, {})
    return found


@dataclass(frozen=True)
class Ran:
    """What a ``ccm`` command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, which must be one JSON value."""
        return json.loads(self.out)


class Daemon:
    """A daemon that follows one PBX of the lab.

    ``directory`` holds its configuration, its state and its log. ``database_url`` None means the
    embedded Postgres. ``ami_address`` is where it finds the PBX (a relay, for instance),
    ``ami_secret`` another secret than the right one. ``node_more`` and ``ami_more`` are TOML that
    is added to the section of the node and of its manager interface as it is, ``more`` to the end
    of the file.
    """

    def __init__(
        self,
        directory: Path,
        asterisk: Asterisk,
        *,
        database_url: str | None = None,
        ami_address: tuple[str, int] | None = None,
        ami_secret: str | None = None,
        recording: Literal["always", "never"] = "always",
        top_more: str = "",
        node_more: str = "",
        ami_more: str = "",
        more: str = "",
    ) -> None:
        self.directory = directory
        self.asterisk = asterisk
        self.ami_address = ami_address or (asterisk.host, asterisk.ami_port)
        self.web_address = addresses.claim(addresses.SERVERS)
        self.config = directory / "ccm.toml"
        self.log = directory / "daemon.log"
        self._child: Child | None = None
        directory.mkdir(parents=True, exist_ok=True)
        secret = directory / "ami.secret"
        secret.touch(mode=0o600)
        secret.write_text(ami_secret if ami_secret is not None else asterisk.ami_secret)
        self._write(secret, database_url, recording, (top_more, node_more, ami_more, more))

    def _write(
        self,
        secret: Path,
        database_url: str | None,
        recording: str,
        additions: tuple[str, str, str, str],
    ) -> None:
        top_more, node_more, ami_more, more = additions
        host, port = self.ami_address
        database = f"[database]\nurl = {json.dumps(database_url)}\n" if database_url else ""
        self.config.write_text(
            f"""\
state_dir = {json.dumps(str(self.directory / "state"))}
{top_more}

[[node]]
name = "{NODE}"
recordings = {json.dumps(str(self.asterisk.recordings))}
recordings_on_asterisk = {json.dumps(str(self.asterisk.recordings_on_asterisk))}
{node_more}

[node.ami]
host = "{host}"
port = {port}
user = "{self.asterisk.user}"
secret_file = {json.dumps(str(secret))}
connect_timeout = 5
ping_interval = 2
ping_timeout = 2
retry_max = 2
{ami_more}

[recording]
policy = "{recording}"

[web]
host = "{self.web_address.ip}"
port = {WEB_PORT}

[log]
format = "json"
level = "debug"
{database}
{more}
"""
        )

    async def start(self, seconds: float = 60) -> None:
        """Start it and wait until it follows the PBX."""
        await self.launch()
        await self.healthy(seconds)

    async def launch(self) -> None:
        """Start it and don't wait."""
        if self._child is not None and self._child.running:
            raise LabError("This daemon runs already.")
        parent = str(os.getpid())
        ccm = [sys.executable, "-m", "ccmiddleware", "--config", str(self.config), "run"]
        self._child = Child(
            [sys.executable, "-I", "-S", str(LAUNCH), parent, "-", "-", "-", *ccm],
            self.log,
        )

    async def healthy(self, seconds: float = 60) -> None:
        """Wait until every part says that it is well."""

        await self.says(lambda health: health.get("status") == "ok", seconds, "all is well")

    async def says(
        self, condition: Callable[[Mapping[str, Any]], bool], seconds: float, what: str
    ) -> Mapping[str, Any]:
        """Wait until ``condition`` holds for what /healthz says, and return that.

        Raises LabError when it does not within ``seconds``, or when the daemon has ended.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            if not self.running:
                raise LabError(f"The daemon ended:\n{self.process.last_words()}")
            health = await asyncio.to_thread(self.health)
            if condition(health):
                return health
            if loop.time() > deadline:
                raise LabError(f"Waited {seconds:g} s in vain: {what}; it says {health}")
            await asyncio.sleep(POLL)

    @property
    def process(self) -> Child:
        """Its process."""
        if self._child is None:
            raise LabError("The daemon was not started.")
        return self._child

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.running

    async def stop(self) -> int:
        """Ask it to stop; its exit code."""
        os.kill(self.process.pid, signal.SIGTERM)
        return await self.process.ended(40)

    async def kill(self) -> None:
        """SIGKILL, to it alone; what it started ends by itself."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.ended(10)

    async def remove(self) -> None:
        """Have it gone, whatever state it is in."""
        if self.running:
            try:
                await self.stop()
            except LabError:
                await self.process.kill()
        self.web_address.release()

    async def __aenter__(self) -> "Daemon":
        try:
            await self.start()
        except BaseException:
            await self.remove()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.remove()

    # -- asking it --------------------------------------------------------------------------

    def health(self) -> Mapping[str, Any]:
        """What /healthz says; empty while nobody answers."""
        connection = http.client.HTTPConnection(self.web_address.ip, WEB_PORT, timeout=5)
        try:
            connection.request("GET", "/healthz")
            answer: Mapping[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return answer

    def link(self) -> Mapping[str, Any]:
        """What it says of its link to the PBX."""
        return part(self.health(), LINK)

    async def ccm(self, *arguments: str, seconds: float = 60) -> Ran:
        """Run ``ccm`` on its configuration."""
        command = [sys.executable, "-m", "ccmiddleware", "--config", str(self.config), *arguments]
        try:
            return Ran(*await output(command, seconds, cwd=REPOSITORY))
        except TimeoutError:
            raise LabError(f"ccm {' '.join(arguments)} took more than {seconds:g} s.") from None

    async def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """The rows of a ``ccm`` listing."""
        ran = await self.ccm(*arguments, "--json")
        if ran.code != 0:
            raise LabError(f"ccm {' '.join(arguments)}: {ran.err}")
        listed: list[dict[str, Any]] = ran.json
        return listed

    async def settled(self, calls: int, seconds: float = 30) -> list[dict[str, Any]]:
        """Wait until ``calls`` interactions have ended, with their recordings; return them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            rows = await self.rows("report", "show", "interaction")
            over = [row for row in rows if row["state"] == "ended"]
            recordings = await self.rows("recording", "list")
            busy = [one for one in recordings if one["state"] in ("expected", "recording")]
            if len(over) >= calls and len(over) == len(rows) and not busy:
                return over
            if loop.time() > deadline:
                raise LabError(
                    f"Waited {seconds:g} s for {calls} interactions to end: {rows} {recordings}"
                )
            await asyncio.sleep(0.3)

    def said(self, event: str) -> Sequence[Mapping[str, Any]]:
        """Log lines with that event."""
        lines = []
        for line in self.log.read_text(errors="replace").splitlines():
            if f'"event": "{event}"' in line:
                lines.append(json.loads(line))
        return lines

    def complaints(self) -> list[str]:
        """Events that were logged as warnings or worse, in order."""
        lines = map(json.loads, self.log.read_text(errors="replace").splitlines())
        return [line["event"] for line in lines if line["level"] not in ("debug", "info")]
