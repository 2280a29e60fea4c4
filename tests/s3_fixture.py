"""An S3 server for tests: moto's, a process of its own that is spoken to over HTTP.

A pytest plugin, named in tests/conftest.py. moto keeps everything in memory and answers the real
protocol; Debian has no server of S3 that starts in a second. Its rights and signatures are not
checked: what a store refuses is tried with a stand-in where it matters.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event

import pytest

_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


class S3Server:
    """The server. ``endpoint`` is its base URL."""

    def __init__(self, log: Path) -> None:
        self._buckets = count(1)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.endpoint = self._told(log)

    def _told(self, log: Path) -> str:
        for _ in range(600):
            found = _RUNNING.search(log.read_text(errors="replace"))
            if found:
                return found[1]
            if self._process.poll() is not None:
                break
            Event().wait(0.1)
        raise RuntimeError(f"moto does not run:\n{log.read_text(errors='replace')}")

    def bucket(self) -> str:
        """Make a new, empty bucket; its name."""
        name = f"recordings-{next(self._buckets)}"
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=30)
        try:
            connection.request("PUT", f"/{name}")
            assert connection.getresponse().status == 200
        finally:
            connection.close()
        return name

    def freeze(self) -> None:
        """Let it answer nobody."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Have it gone, frozen or not."""
        self._process.kill()
        self._process.wait(30)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """The server of this pytest process."""
    with tempfile.TemporaryDirectory(prefix="ccm-s3-") as directory:
        server = S3Server(Path(directory) / "moto.log")
        yield server
        server.stop()
