"""How fast email comes from a real Dovecot into Postgres, beside plain aioimaplib.

    python bench/email.py [--messages N] [--rounds N] [--waiting N] [--json]

Messages of 2 kB and of 50 kB lie in mailboxes of the lab's Dovecot. In turns they are

* taken in as the daemon does it: IMAP over TLS, read in a process of its own, decided on, stored in
  a real Postgres (the embedded one, default settings, a new database each time), marked as seen;
* fetched by plain aioimaplib over TLS, one after the other, and thrown away;
* the same, 50 with each FETCH, which is the most that aioimaplib can do.

Each turn begins with the connection and ends with the last message. Figures are medians of the
rounds; ``ratio`` is our rate through that of aioimaplib one after the other, of the size where it
is least, and ``ratio_batched`` the same beside 50 with each FETCH. Then ``waiting`` more emails are
stored, and what the daemon asks Postgres for each email and at each poll is timed with none and
with all of them waiting (``mail_waiting``). A run in which a message is missing, doubled, or other
than in its mailbox exits with code 1.
"""

import argparse
import asyncio
import hashlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import mail_waiting
from aioimaplib import aioimaplib
from mail_letters import letter

sys.path.append(str(Path(__file__).parents[1] / "deploy"))

from lab.mail import Mail
from lab.root import mail_servers

from ccmiddleware import logs
from ccmiddleware.clock import utc_now
from ccmiddleware.config import LogSettings
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.mail.mailboxes import Mailboxes
from ccmiddleware.mail.message import Limits
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.store.database import Database
from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.migrations import migrate

Say = Callable[[str], None]

SIZES = {"2 kB": 2_000, "50 kB": 50_000}
BATCHED = 50
DEADLINE = 300.0
"""Seconds after which a turn counts as stuck."""
POLL = 0.02

STORED = """
SELECT count(*) FILTER (WHERE p.marked) AS marked, count(e.id) AS emails, count(*) AS places
FROM ccm.email_place AS p LEFT JOIN ccm.email AS e ON e.id = p.arrival_id
"""


def main() -> int:
    """Run it; the exit code says whether every message is there as it was."""
    arguments = _arguments()
    with tempfile.TemporaryFile("w+") as told:
        logs.configure(LogSettings(), told)  # as many lines as in production, for nobody to read
        result = asyncio.run(
            measure(
                arguments.messages,
                arguments.rounds,
                arguments.waiting,
                lambda text: print(f"email: {text}", file=sys.stderr),
            )
        )
    print(json.dumps(result) if arguments.json else table(result))
    return 1 if result["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=1000, help="messages of each size")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each kind")
    parser.add_argument(
        "--waiting", type=int, default=20_000, help="emails that wait for the second part; 0: none"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


# -- measuring ----------------------------------------------------------------------------------


async def measure(messages: int, rounds: int, waiting: int, say: Say) -> dict[str, Any]:
    """Everything that --json prints."""
    servers = mail_servers(say)
    mail = Mail(servers, [account(name) for name in SIZES])
    with tempfile.TemporaryDirectory(prefix="ccm-bench-") as directory:
        postgres = EmbeddedPostgres(Path(directory))
        try:
            say("starting Dovecot and Postgres")
            await mail.dovecot.start()
            await postgres.start()
            async with Readers(Limits()) as readers:
                await readers.parse(letter(0, 2000))  # its process is there, as in production
                sizes = {
                    name: await rates(Turns(mail, postgres, readers, name, messages), rounds, say)
                    for name in SIZES
                }
            cost = {}
            if waiting:
                say(f"storing {waiting} emails that wait")
                async with asyncio.timeout(DEADLINE + waiting / 20):
                    empty, full = [await new_database(postgres) for _ in range(2)]
                    cost = await mail_waiting.measure(empty, full, waiting)
            return summary(sizes, cost, messages, rounds, waiting) | {
                "versions": await versions(
                    postgres, servers.command("/usr/sbin/dovecot", "--version")
                ),
                "cores": os.cpu_count(),
            }
        finally:
            await mail.remove()
            await postgres.stop()


class Turns:
    """What is measured with the messages of one size."""

    def __init__(
        self, mail: Mail, postgres: EmbeddedPostgres, readers: Readers, name: str, messages: int
    ) -> None:
        self.name = name
        self.messages = messages
        self.problems: list[str] = []
        self._mail = mail
        self._postgres = postgres
        self._readers = readers
        self._account = account(name)
        self._hashes: set[bytes] = set()

    def fill(self) -> None:
        """Put the messages into their mailbox."""
        raws = [letter(number, SIZES[self.name]) for number in range(self.messages)]
        self._hashes = {hashlib.sha256(raw).digest() for raw in raws}
        self._mail.append(self._account, *raws)

    def unmark(self) -> None:
        """As if nobody had seen them."""
        with self._mail.session(self._account) as client:
            client.select("INBOX")
            client.uid("STORE", "1:*", "-FLAGS.SILENT", "(\\Seen)")

    async def plain(self, batch: int) -> float:
        """Messages a second that aioimaplib fetches, so many with each command."""
        client = aioimaplib.IMAP4_SSL(
            self._mail.host, self._mail.imaps_port, timeout=DEADLINE, ssl_context=self._mail.tls()
        )
        begun = time.perf_counter()
        await client.wait_hello_from_server()
        await client.login(self._account, self._mail.password)
        await client.select("INBOX")
        listed = await client.uid_search("ALL", charset=None)
        uids = listed.lines[0].decode().split()
        found: list[bytearray] = []
        for first in range(0, len(uids), batch):
            some = ",".join(uids[first : first + batch])
            answer = await client.uid("fetch", some, "(BODY.PEEK[])")
            found += [line for line in answer.lines if isinstance(line, bytearray)]
        took = time.perf_counter() - begun
        await client.logout()
        self._compare("aioimaplib", [hashlib.sha256(raw).digest() for raw in found])
        return len(found) / took

    async def ours(self) -> float:
        """Messages a second that are taken in."""
        settings = MailboxSettings(
            queue="support", address=self._account, user=self._account, secret=self._mail.password,
            host=self._mail.host, port=self._mail.imaps_port, tls_ca_file=self._mail.certificate,
        )  # fmt: skip
        async with Database(await new_database(self._postgres)) as database:
            term = await mail_waiting.begin_term(database)
            mailboxes = Mailboxes(
                mail_waiting.NODE, term, {mail_waiting.NODE: {"help": settings}}, database,
                self._readers, certain=_certain, clock=utc_now,
            )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                begun = time.perf_counter()
                taking = group.create_task(mailboxes.run(), name="mailboxes")
                while (stored := (await database.rows(STORED))[0])["marked"] < self.messages:  # noqa: ASYNC110
                    await asyncio.sleep(POLL)
                took = time.perf_counter() - begun
                taking.cancel()
            kept = await database.rows("SELECT sha256(content) AS sha256 FROM ccm.email_raw")
            self._compare("taken in", [row["sha256"] for row in kept])
            if (stored["emails"], stored["places"]) != (self.messages, self.messages):
                self.problems.append(f"{self.name}: stored are {dict(stored)}")
        return self.messages / took

    def _compare(self, who: str, found: Sequence[bytes]) -> None:
        if len(found) != self.messages or set(found) != self._hashes:
            right = len(self._hashes & set(found))
            self.problems.append(f"{self.name}: {who} {len(found)}, of them {right} as they were")


async def rates(turns: Turns, rounds: int, say: Say) -> dict[str, Any]:
    """What is told of one size."""
    say(f"{turns.messages} messages of {turns.name} into their mailbox")
    await asyncio.to_thread(turns.fill)
    ours, single, batched = [], [], []
    for number in range(rounds):
        say(f"{turns.name}, round {number + 1} of {rounds}")
        async with asyncio.timeout(DEADLINE):
            single.append(await turns.plain(1))
            batched.append(await turns.plain(BATCHED))
            ours.append(await turns.ours())
            await asyncio.to_thread(turns.unmark)
    mine, other, best = map(statistics.median, (ours, single, batched))
    return {
        "ours_per_second": round(mine),
        "aioimaplib_per_second": round(other),
        "aioimaplib_batched_per_second": round(best),
        "ratio": round(mine / other, 3),
        "ratio_batched": round(mine / best, 3),
        "rounds": [round(mine) for mine in ours],
        "problems": turns.problems,
    }


async def new_database(postgres: EmbeddedPostgres) -> str:
    """The address of a new database of ours."""
    connection = await asyncpg.connect(postgres.url, timeout=DEADLINE)
    try:
        count = await connection.fetchval("SELECT count(*) FROM pg_database", timeout=DEADLINE)
        await connection.execute(f"CREATE DATABASE bench{count}", timeout=DEADLINE)
    finally:
        await connection.close(timeout=DEADLINE)
    url = urlunsplit(urlsplit(postgres.url)._replace(path=f"/bench{count}"))
    await migrate(url)
    return url


async def _certain() -> None:
    """Who leads is not measured."""


def account(name: str) -> str:
    """The mailbox with the messages of a size."""
    return f"{name.replace(' ', '').lower()}@shop.example"


async def versions(postgres: EmbeddedPostgres, dovecot: Sequence[str]) -> dict[str, str]:
    """What it ran against."""
    connection = await asyncpg.connect(postgres.url, timeout=DEADLINE)
    try:
        server = str(await connection.fetchval("SHOW server_version", timeout=DEADLINE))
    finally:
        await connection.close(timeout=DEADLINE)
    asked = await asyncio.create_subprocess_exec(*dovecot, stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(asked.communicate(), DEADLINE)
    return {
        "dovecot": told.decode().partition(" ")[0].strip(),
        "postgres": server,
        "python": platform.python_version(),
        "aioimaplib": version("aioimaplib"),
        "asyncpg": version("asyncpg"),
    }


# -- telling ------------------------------------------------------------------------------------


def summary(
    sizes: dict[str, dict[str, Any]],
    cost: dict[str, dict[str, float]],
    messages: int,
    rounds: int,
    waiting: int,
) -> dict[str, Any]:
    """The figures together."""
    return {
        "ratio": min(size["ratio"] for size in sizes.values()),
        "ratio_batched": min(size["ratio_batched"] for size in sizes.values()),
        "messages": messages,
        "rounds": rounds,
        "problems": [problem for size in sizes.values() for problem in size.pop("problems")],
        "sizes": sizes,
        "waiting": waiting,
        "cost": cost,
    }


def table(result: dict[str, Any]) -> str:
    """The same for people."""
    told = ", ".join(f"{name} {one}" for name, one in result["versions"].items())
    lines = [
        f"{result['messages']:,} messages of each size, {result['rounds']} rounds, medians, TLS",
        f"{told}, {result['cores']} cores",
        "",
        f"{'messages a second':<20}{'ours':>8}{'aioimaplib':>12}{f'{BATCHED} a FETCH':>12}"
        f"{'ratio':>8}{'batched':>9}",
    ]
    lines += [
        f"{name:<20}{size['ours_per_second']:>8,}{size['aioimaplib_per_second']:>12,}"
        f"{size['aioimaplib_batched_per_second']:>12,}{size['ratio']:>8}{size['ratio_batched']:>9}"
        for name, size in result["sizes"].items()
    ]
    if result["cost"]:
        full = f"{result['waiting']:,} waiting"
        lines += ["", f"{'milliseconds':<44}{'none waiting':>13}{full:>16}{'ratio':>8}"]
        lines += [
            f"{name:<44}{one['none_ms']:>13}{one['waiting_ms']:>16}{one['ratio']:>8}"
            for name, one in result["cost"].items()
        ]
    lines += ["", f"ratio {result['ratio']} (beside {BATCHED} a FETCH: {result['ratio_batched']})"]
    return "\n".join([*lines, *(f"WRONG: {problem}" for problem in result["problems"])])
