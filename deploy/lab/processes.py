"""Child processes that can't outlive the lab.

Popen and polling instead of asyncio's subprocesses: a server is started in one event loop (that of
a test module) and used in others (those of its tests).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.errors import LabError

POLL = 0.01
"""Seconds between two looks at something that can't be awaited."""


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``condition`` holds. Raises LabError, naming ``what``, after ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - files and processes set no events
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise LabError(f"Waited {seconds:g} s in vain: {what}.") from None


async def output(
    command: Sequence[str], seconds: float, *, cwd: Path | None = None
) -> tuple[int, str, str]:
    """Run a program: its exit code, output and errors. Raises TimeoutError after ``seconds``."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, cwd=cwd
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        # Not longer, as what it started may hold its output open.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await process.wait()
        raise
    return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


class Child:
    """One child in a process group of its own; its command must set a parent-death signal."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        self.command = list(command)
        self.output = output
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As subprocess has it: negative is the signal that ended it; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if it is still there."""
        if self.running:
            os.killpg(self.pid, number)

    async def ended(self, seconds: float) -> int:
        """Wait for its end; the exit code. Raises LabError after ``seconds``."""
        await until(lambda: not self.running, seconds, f"end of {self.command[-1]} ({self.pid})")
        return int(self._process.returncode)

    async def stop(self, grace: float = 5.0) -> None:
        """End it: SIGTERM, and SIGKILL when it is still there after ``grace`` seconds."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            await self.ended(grace)
        except LabError:
            await self.kill()

    async def kill(self) -> None:
        """End it with SIGKILL, and with it whatever is left of its group."""
        self.signal(signal.SIGKILL)
        await self.ended(10)

    async def freeze(self) -> None:
        """Stop every thread of it; returns when none runs any more."""
        self.signal(signal.SIGSTOP)
        await until(self._stopped, 10, f"process {self.pid} to stop on SIGSTOP")

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        self.signal(signal.SIGCONT)

    def _stopped(self) -> bool:
        states = []
        for stat in Path(f"/proc/{self.pid}/task").glob("*/stat"):
            # proc_pid_stat(5): the state follows the command, which is in parentheses.
            states.append(stat.read_text().rpartition(")")[2].split()[0])
        return bool(states) and all(state == "T" for state in states)

    def last_words(self, lines: int = 8) -> str:
        """The end of its output, for a message about its failure."""
        text = self.output.read_text(errors="replace") if self.output.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
