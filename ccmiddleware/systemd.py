"""Telling systemd how the daemon is: ready, stopping, alive (``Type=notify``, ``WatchdogSec=``).

The protocol of sd_notify(3): datagrams with ``KEY=value`` lines to the Unix socket named in
NOTIFY_SOCKET. Without systemd all of it does nothing.
"""

import asyncio
import os
import socket
from collections.abc import Callable, MutableMapping

import structlog

from ccmiddleware.plaintext import plain

log = structlog.get_logger(__name__)


class Notifier:
    """Sends to one notification socket, or nowhere. Sending never blocks and never fails."""

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        """``address``: a path, or ``@name`` in the abstract namespace. ``watchdog`` in seconds."""
        self._address = _socket_address(address)
        self.watchdog = watchdog
        """Seconds within which systemd wants a sign of life; None if it does not."""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "Notifier":
        """What systemd says in the environment, taken out of it.

        Out, since it is meant for this process alone: a child that finds it there, Postgres for
        one, would speak to systemd in our name.
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        interval = environment.pop("WATCHDOG_USEC", "")
        process = environment.pop("WATCHDOG_PID", "")
        if not interval.isdecimal() or int(interval) == 0:
            return cls(address)
        if process and process != str(os.getpid()):
            return cls(address)
        return cls(address, int(interval) / 1_000_000)

    def ready(self, status: str = "") -> None:
        """The daemon does its work now."""
        self._send("READY=1", *([f"STATUS={_line(status)}"] if status else []))

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={_line(text)}")

    def stopping(self) -> None:
        """The daemon has begun to stop."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    async def watch(self, healthy: Callable[[], bool]) -> None:
        """Give signs of life, twice per watchdog interval, for ever.

        None is given while ``healthy`` says no, and none can be given while the loop is blocked:
        systemd then restarts the daemon. Without a watchdog it only waits to be cancelled.
        """
        if self.watchdog is None:
            await asyncio.Event().wait()
            return
        while True:
            if healthy():
                self.alive()
            await asyncio.sleep(self.watchdog / 2)

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)
        except OSError as error:
            # The daemon works without systemd; if it was a sign of life, systemd acts by itself.
            log.warning("systemd_not_notified", error=str(error))


def _socket_address(address: str | None) -> str | None:
    if not address:
        return None
    if address.startswith("@"):
        return "\0" + address[1:]
    return address if address.startswith("/") else None


def _line(text: str) -> str:
    """One line, since a line break would begin another variable."""
    return plain(text, 200)
