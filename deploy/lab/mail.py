"""One private mail system: a Dovecot and a Postfix on a loopback address of their own.

Mailboxes of queues, customers and agents are made by their addresses. What is sent to one of them
is delivered; nothing can be sent anywhere else (``mail_files``). Everything that the servers read
and write is in one directory, and they end with the process that started them.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import imaplib
import json
import os
import secrets
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from lab import addresses, instances, mail_files
from lab.errors import LabError
from lab.mail_files import (
    BOUNCES,
    IMAP_PORT,
    IMAPS_PORT,
    POLICY_PORT,
    SMTP_PORT,
    SUBMISSION_PORT,
    SUBMISSIONS_PORT,
    MailPlace,
)
from lab.processes import POLL, Child, until
from lab.root import Servers

START_SECONDS = 30
SESSION_SECONDS = 30
TOKEN_LIFE = 2**31
"""Tokens expire in 2038: the lab has no use for a clock here."""
SPOOL = {
    "active": 0o700, "bounce": 0o700, "corrupt": 0o700, "defer": 0o700, "deferred": 0o700,
    "flush": 0o700, "hold": 0o700, "incoming": 0o700, "maildrop": 0o730, "pid": 0o755,
    "private": 0o700, "public": 0o710, "saved": 0o700, "trace": 0o700,
}  # fmt: skip
"""Postfix's queue directories and their modes, as `postfix check` would make them."""


class Server:
    """Dovecot or Postfix: a master process and its children, which share its fate here."""

    def __init__(self, command: Sequence[str], output: Path, ports: Sequence[tuple[str, int]]):
        self._command = command
        self._output = output
        self._ports = ports
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Whether its master is there (frozen or not)."""
        return self._child is not None and self._child.running

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        if self.running:
            raise LabError("This server runs already.")
        child = self._child = Child(self._command, self._output)
        await until(lambda: self._listens() or not child.running, START_SECONDS, "server's ports")
        if not child.running:
            raise LabError(f"{self._command[-3:]} ended at once:\n{child.last_words()}")

    async def stop(self) -> None:
        """End it in order, if it runs; all its processes are gone afterwards."""
        if self._child is None or not self._child.running:
            return
        self.thaw()
        family = self._family()
        os.kill(self._child.pid, signal.SIGTERM)
        with contextlib.suppress(LabError):
            await self._child.ended(10)
        await self._slay(family)

    async def kill(self) -> None:
        """SIGKILL to all its processes."""
        await self._slay(self._family())

    async def _slay(self, family: list[int]) -> None:
        _signal(family, signal.SIGKILL)
        await until(lambda: not any(map(_alive, family)) and not self.running, 10, "its end")

    async def freeze(self) -> None:
        """SIGSTOP to all its processes: connections are taken by the kernel, and nobody answers."""
        stopped: list[int] = []
        while stopped != (family := self._family()):
            _signal(family, signal.SIGSTOP)
            stopped = family
            await asyncio.sleep(POLL)

    def thaw(self) -> None:
        """SIGCONT."""
        _signal(self._family(), signal.SIGCONT)

    def _listens(self) -> bool:
        for address in self._ports:
            try:
                socket.create_connection(address, timeout=1).close()
            except OSError:
                return False
        return True

    def _family(self) -> list[int]:
        """The process ids of the master and all that it started."""
        if self._child is None or not self._child.running:
            raise LabError("This server does not run.")
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # proc_pid_stat(5): state and parent follow the command, which is in parentheses.
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        family = [self._child.pid]
        for pid in family:
            family.extend(sorted(child for child, parent in parents.items() if parent == pid))
        return family


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Mail:
    """The mail system. ``async with`` starts and removes it.

    Everybody in ``accounts`` (addresses) has a mailbox, and ``password`` for IMAP and submission;
    ``token(address)`` makes one for XOAUTH2. ``host`` and the ports are where to reach it, and
    ``certificate`` is what to trust for TLS. ``dovecot`` and ``postfix`` can be stopped, killed and
    frozen one by one. The methods that talk to mailboxes block: call them in a thread.
    """

    imap_port, imaps_port = IMAP_PORT, IMAPS_PORT
    smtp_port, submission_port, submissions_port = SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT

    def __init__(self, servers: Servers, accounts: Sequence[str]) -> None:
        self.accounts = tuple(accounts)
        self.password = secrets.token_urlsafe(12)
        self._servers = servers
        self._address = addresses.claim(addresses.SERVERS)
        self.host = self._address.ip
        self.directory, self._lock = instances.new_directory(servers, "mail")
        self.certificate = self.directory / "etc" / "cert.pem"
        self._token_key = secrets.token_bytes(32)
        self._policy = _Policy((self.host, POLICY_PORT))
        self._write()
        inside = servers.inside
        self.dovecot = Server(
            servers.command(
                "/usr/sbin/dovecot", "-F", "-c", inside(self._etc("dovecot.conf")), as_root=True
            ),
            self.directory / "log" / "dovecot.out",
            [(self.host, IMAP_PORT), (self.host, IMAPS_PORT)],
        )
        self.postfix = Server(
            servers.command(
                "/usr/lib/postfix/sbin/master", "-d", "-c", inside(self._etc("")), as_root=True
            ),
            self.directory / "log" / "postfix.out",
            [(self.host, SMTP_PORT), (self.host, SUBMISSION_PORT)],
        )

    # Its life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start both servers."""
        await self.dovecot.start()
        await self.postfix.start()

    async def remove(self) -> None:
        """Stop both and remove all that they wrote, the mail with it."""
        await self.postfix.stop()
        await self.dovecot.stop()
        self._policy.close()
        instances.discard(self.directory, self._lock)
        self._address.release()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.remove()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.remove()

    # What it shall refuse ------------------------------------------------------------------

    def refuse(self, recipient: str, code: int, text: str = "not now") -> None:
        """From now on answer RCPT for that address with 4xx or 5xx; 0 is as before."""
        if code:
            self._policy.verdicts[recipient] = f"{code} {text}"
        else:
            self._policy.verdicts.pop(recipient, None)

    # Mailboxes -----------------------------------------------------------------------------

    def tls(self) -> ssl.SSLContext:
        """A context that trusts this mail system alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @contextlib.contextmanager
    def session(self, account: str) -> Iterator[imaplib.IMAP4]:
        """A logged-in session of the standard library's client, another one than ours."""
        client = imaplib.IMAP4_SSL(
            self.host, IMAPS_PORT, ssl_context=self.tls(), timeout=SESSION_SECONDS
        )
        try:
            client.login(account, self.password)
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def append(self, account: str, *messages: bytes, folder: str = "INBOX") -> None:
        """Put messages into a mailbox as they are, with no mail server in between."""
        with self.session(account) as client:
            for raw in messages:
                _ok(client.append(f'"{folder}"', "", "", raw))

    def messages(self, account: str, folder: str = "INBOX") -> list[bytes]:
        """What is in a mailbox, in order; nothing is marked as seen."""
        with self.session(account) as client:
            _ok(client.select(f'"{folder}"', readonly=True))
            _, found = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
            return [part[1] for part in found if isinstance(part, tuple)]

    def flags(self, account: str, folder: str = "INBOX") -> list[set[str]]:
        """The flags of the messages in a mailbox, in order."""
        with self.session(account) as client:
            _ok(client.select(f'"{folder}"', readonly=True))
            _, found = client.uid("FETCH", "1:*", "(FLAGS)")
            lines = (line for line in found if isinstance(line, bytes))
            return [{flag.decode() for flag in imaplib.ParseFlags(line)} for line in lines]

    async def arrived(
        self, account: str, count: int, folder: str = "INBOX", seconds: float = 30
    ) -> list[bytes]:
        """Wait until a mailbox has ``count`` messages; return them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while len(found := await asyncio.to_thread(self.messages, account, folder)) < count:
            if loop.time() > deadline:
                raise LabError(f"{len(found)} of {count} messages came to {account}: {self.log()}")
            await asyncio.sleep(0.2)
        return found

    def token(self, account: str) -> str:
        """A token for XOAUTH2: a JWT (RFC 7519) that Dovecot checks by itself."""
        claims = {"email": account, "sub": account, "exp": TOKEN_LIFE, "iat": 0, "nbf": 0}
        parts = [_coded(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims)]
        signed = ".".join(parts)
        mark = hmac.digest(self._token_key, signed.encode(), hashlib.sha256)
        return f"{signed}.{_coded(mark)}"

    def log(self, lines: int = 8) -> str:
        """The end of both logs."""
        said = []
        for name in ("dovecot.log", "postfix.log"):
            path = self.directory / "log" / name
            text = path.read_text(errors="replace") if path.exists() else ""
            said += text.splitlines()[-lines:]
        return "\n".join(said)

    # Inside --------------------------------------------------------------------------------

    def _etc(self, name: str) -> Path:
        return self.directory / "etc" / name

    def _write(self) -> None:
        user, group = self._servers.owner or (os.geteuid(), os.getegid())
        place = MailPlace(self.host, self._servers.inside(self.directory), user, group)
        for name in ("etc/keys/default/HS256", "log", "mail", "run", "state", "data", "spool"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        domains = {account.partition("@")[2] for account in self.accounts}
        texts = {
            "dovecot.conf": mail_files.dovecot(place),
            "main.cf": mail_files.main_cf(place, domains),
            "master.cf": mail_files.master_cf(place),
            "mailboxes": "".join(f"{account} ok\n" for account in (*self.accounts, f"@{BOUNCES}")),
            "users": "".join(
                f"{account}:{{PLAIN}}{self.password}:{user}:{group}::{place.base}/mail/{account}\n"
                for account in self.accounts
            ),
            "keys/default/HS256/default": base64.b64encode(self._token_key).decode(),
        }
        for name, text in texts.items():
            self._etc(name).write_text(text)
        self._make_certificate()
        self._give_away(user, group)

    def _make_certificate(self) -> None:
        made = subprocess.run(
            self._servers.command(
                "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "30",
                "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=mail.lab.example",
                "-addext", f"subjectAltName=IP:{self.host}",
                "-keyout", self._servers.inside(self._etc("key.pem")),
                "-out", self._servers.inside(self.certificate), as_root=True,
            ),
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if made.returncode:
            raise LabError(f"openssl made no certificate: {made.stderr}")

    def _give_away(self, user: int, group: int) -> None:
        """Directories to those who use them; the servers' users must be able to pass through."""
        self.directory.chmod(0o755)
        os.chown(self.directory / "mail", user, group)
        postfix, postdrop = self._ids("passwd", "postfix"), self._ids("group", "postdrop")
        os.chown(self.directory / "data", postfix, 0)
        for name, mode in SPOOL.items():
            directory = self.directory / "spool" / name
            directory.mkdir()
            if name != "pid":
                os.chown(directory, postfix, postdrop if mode in (0o730, 0o710) else 0)
            directory.chmod(mode)

    def _ids(self, file: str, name: str) -> int:
        for line in ((self._servers.root or Path("/")) / "etc" / file).read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split(":")[2])
        raise LabError(f"{self._servers.root} has no {name}; remove that directory and try again.")


class _Policy:
    """Postfix asks it about each recipient (its SMTPD_POLICY_README). A thread of its own."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.verdicts: dict[str, str] = {}
        verdicts = self.verdicts

        class Answerer(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked: dict[str, str] = {}
                for line in self.rfile:
                    name, _, value = line.decode(errors="replace").rstrip("\n").partition("=")
                    if name:
                        asked[name] = value
                        continue
                    verdict = verdicts.get(asked.get("recipient", ""), "DUNNO")
                    self.wfile.write(f"action={verdict}\n\n".encode())

        self._server = socketserver.ThreadingTCPServer(address, Answerer)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _ok(answer: tuple[str, object]) -> None:
    if answer[0] != "OK":
        raise LabError(f"Dovecot refuses: {answer}")


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
