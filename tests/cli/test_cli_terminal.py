"""What is seen on a real (pseudo) terminal: live tables, Ctrl-C, and tables that are too wide."""

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from ccm_day import PROJECT, Ccm

DEADLINE = 30
STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A program on a terminal of its own; ``text`` is all it has written there, without colours."""

    def __init__(self, ccm: Ccm, arguments: tuple[str, ...], width: int) -> None:
        self._end, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ccmiddleware", "--config", str(ccm.config), *arguments],
            cwd=PROJECT,
            env={**os.environ, "TZ": "Europe/Berlin", "TERM": "xterm", "COLUMNS": "", "LINES": ""},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            # What a shell starts in the background ignores Ctrl-C, and so would all it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(inside)
        self.text = ""
        self._raw = b""

    def read_until(self, pattern: str) -> str:
        """Read until the pattern is there; fails after DEADLINE seconds."""
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.text, re.DOTALL):
            assert time.monotonic() < end, self.text
            if not self._read(end):
                break
        assert re.search(pattern, self.text, re.DOTALL), self.text
        return self.text

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._end, keys)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, a line at a time, as a shell expects it."""
        usual = termios.ECHO | termios.ICANON
        return termios.tcgetattr(self._end)[3] & usual == usual

    def wait(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + DEADLINE
        while self._read(end):
            assert time.monotonic() < end, self.text
        return self.process.wait(DEADLINE)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:  # EIO: the program has closed the terminal
            return False
        self._raw += data
        self.text = STYLE.sub("", self._raw.decode(errors="replace"))
        return bool(data)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        os.close(self._end)


@contextmanager
def on_terminal(ccm: Ccm, *arguments: str, width: int = 200) -> Iterator[Terminal]:
    terminal = Terminal(ccm, arguments, width)
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_live_table_refreshes_and_ends_with_ctrl_c(filled: Ccm) -> None:
    with on_terminal(filled, "queue", "watch", "--interval", "0.2") as terminal:
        terminal.read_until("(support.*){3}")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text
        assert "Aborted" not in terminal.text
        assert "CET" in terminal.text


def test_a_live_table_ends_after_a_count(filled: Ccm) -> None:
    with on_terminal(filled, "agent", "watch", "--interval", "0.2", "--count", "2") as terminal:
        assert terminal.wait() == 0
        assert "Jörg Müller" in terminal.text


def test_a_table_that_is_too_wide_becomes_blocks(filled: Ccm) -> None:
    arguments = ("interaction", "list", "--since", "2026-03-02", "--until", "2026-03-03")
    with on_terminal(filled, *arguments, width=250) as terminal:
        assert terminal.wait() == 0
        assert re.search(r"BEGAN\s+INTERACTION\s+CALLER", terminal.text)
    with on_terminal(filled, *arguments, width=80) as terminal:
        assert terminal.wait() == 0
        assert re.search(r"CALLER\s+12025550666\r\n", terminal.text)
        assert not re.search(r"BEGAN\s+INTERACTION", terminal.text)
        assert max(len(line) for line in terminal.text.split("\r\n")) <= 80


def test_verification_shows_a_bar_and_takes_it_away(filled: Ccm) -> None:
    with on_terminal(filled, "recording", "verify") as terminal:
        assert terminal.wait() == 0
        assert "reading recordings" in terminal.text
        assert terminal.text.rstrip().endswith("checked 1: 1 ok")


def test_ctrl_c_elsewhere_is_one_code_and_no_traceback(filled: Ccm) -> None:
    """A command that waits for an Asterisk that takes connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        filled.write(
            filled.config.read_text()
            .replace("[node.ami]\nport = 1", f"[node.ami]\nport = {port}")
            .replace("connect_timeout = 2", "connect_timeout = 60")
        )
        with on_terminal(filled, "doctor") as terminal:
            terminal.read_until("state directory")
            silent.settimeout(DEADLINE)
            connection, _ = silent.accept()
            with connection:
                terminal.process.send_signal(signal.SIGINT)
                assert terminal.wait() == 130
            assert "Traceback" not in terminal.text


def test_a_live_table_survives_a_database_that_goes_away(filled: Ccm, database_url: str) -> None:
    async def cut_off() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            cut = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ccm' AND datname = current_database()"
            )
        finally:
            await connection.close()
        return len(cut)

    with on_terminal(filled, "queue", "watch", "--interval", "0.2") as terminal:
        terminal.read_until("support")
        assert asyncio.run(cut_off()) == 1
        seen = terminal.text.count("support")
        terminal.read_until(f"(support.*){{{seen + 3}}}")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() == 0


def test_a_report_that_is_too_wide_becomes_blocks(filled: Ccm) -> None:
    with on_terminal(filled, "report", "show", "interaction", width=80) as terminal:
        assert terminal.wait() == 0
        assert re.search(r"caller\s+12025550666\r\n", terminal.text)
