"""Emails in and answers out through real servers, while the daemon is killed again and again.

    python -m chaos.mail --seed 7 --emails 300 --kills 100      (from the directory tests/lab)

Customers write through Postfix; emails wait in a real Asterisk's queue; agents' phones answer and
press 1; their mail clients answer what was relayed to them; the answers arrive in the customers'
mailbox. Meanwhile the daemon gets kill -9 at seeded moments. Then everything is counted: each email
stored once and given to one agent, each answer delivered once, or listed as unknown.

Exit code 0 when all of it holds, 1 when not, 2 when the lab failed.
"""

import argparse
import asyncio
import email
import email.policy
import json
import random
import re
import shutil
import smtplib
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from lab.asterisk import SHIPPED, Asterisk
from lab.daemon import Daemon
from lab.database import Database, rows
from lab.errors import LabError
from lab.mail import Mail
from lab.plan import Agent, Plan, Queue
from lab.root import Servers, mail_servers, servers
from lab.script import Answer, Dtmf, Talk

HELP = "help@shop.example"
CUSTOMERS = "carl@customer.example"
SETTINGS = """
[mailbox.help]
queue = "support"
address = "{help}"
host = "{host}"
port = {imaps}
tls_ca_file = "{ca}"
user = "{help}"
secret_file = "{secret}"
poll_seconds = 2
timeout = 5

[smtp]
host = "{host}"
port = {submissions}
tls_ca_file = "{ca}"
user = "{help}"
secret_file = "{secret}"
domain_per_minute = 100000
"""
NUMBER = re.compile(r"Question (\d+)\b")


@dataclass(frozen=True)
class Wanted:
    """What to do. ``limit``: seconds at most."""

    seed: int = 1
    emails: int = 300
    kills: int = 100
    agents: int = 12
    limit: float = 2400


@dataclass
class Found:
    """What was counted."""

    seed: int
    emails: int
    kills: int = 0
    stored: int = 0
    answers: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """One object."""
        return json.dumps(self.__dict__, indent=2)


def plan(agents: int) -> Plan:
    """A queue with so many agents, in the queue and known by their state."""
    people = [Agent(str(1001 + number), f"Agent {number}") for number in range(agents)]
    members = tuple(
        f"member => {one.interface},0,{one.name},hint:{one.extension}@ccm-agents-state"
        for one in people
    )
    return Plan(
        agents=tuple(people),
        queues=(
            Queue("support", "12025550101", members=(), keys="", ring=20, strategy="leastrecent",
                  more=members),
        ),
        manager=("ccm-agents.conf", "ccm-work.conf"),
        files={"ccm-work.conf": (SHIPPED / "dialplan" / "ccm-work.conf").read_text()},
        dialplan='\n#include "ccm-work.conf"\n',
    )  # fmt: skip


def address_of(agent: Agent) -> str:
    """The agent's mailbox."""
    return f"agent{agent.extension}@shop.example"


class Run:
    """One run on servers that are up."""

    def __init__(
        self, wanted: Wanted, mail: Mail, pbx: Asterisk, daemon: Daemon, url: str,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.wanted = wanted
        self.mail = mail
        self.pbx = pbx
        self.daemon = daemon
        self.url = url
        self.say = say
        self.dice = random.Random(wanted.seed)
        self.found = Found(wanted.seed, wanted.emails)
        self.answered: dict[str, int] = {}
        """How many relays each agent's mail client has answered."""

    async def play(self) -> Found:
        """Do all of it, and count. Raises LabError when it does not come to an end."""
        await self._addresses()
        async with asyncio.timeout(self.wanted.limit):
            async with asyncio.TaskGroup() as tasks:
                clients = [
                    tasks.create_task(self._client(agent), name=agent.name)
                    for agent in self.pbx.plan.agents
                ]
                customers = tasks.create_task(self._customers(), name="customers")
                for number in range(self.wanted.kills):
                    await asyncio.sleep(self.dice.uniform(0.5, 6))
                    await self.daemon.kill()
                    self.found.kills += 1
                    await asyncio.sleep(self.dice.uniform(0, 0.5))
                    await self.daemon.start()
                    if number % 10 == 9:
                        self.say(f"{number + 1} kills; {await self._progress()}")
                await customers
                await self._settled()
                for client in clients:
                    client.cancel()
        await self._count()
        return self.found

    async def _addresses(self) -> None:
        for agent in self.pbx.plan.agents:
            for _ in range(50):
                ran = await self.daemon.ccm("agent", "email", agent.interface, address_of(agent))
                if ran.code == 0:
                    break
                await asyncio.sleep(0.5)
            else:
                raise LabError(f"{agent.interface} is not known to the daemon: {ran}")

    # -- customers and agents ---------------------------------------------------------------

    async def _customers(self) -> None:
        """Emails come in over the time that the kills take."""
        pause = 4.5 * self.wanted.kills / self.wanted.emails
        for number in range(self.wanted.emails):
            who = CUSTOMERS.replace("@", f"+{number}@")
            message = EmailMessage()
            message["From"] = f"Carl {number} <{who}>"
            message["To"] = HELP
            message["Subject"] = f"Question {number}"
            message["Message-ID"] = f"<question{number}@customer.example>"
            message.set_content(f"This is question {number}.\n")
            await asyncio.to_thread(self._send, who, HELP, message.as_bytes())
            await asyncio.sleep(self.dice.uniform(0, 2 * pause))

    def _send(self, sender: str, recipient: str, raw: bytes) -> None:
        with smtplib.SMTP(self.mail.host, self.mail.smtp_port, timeout=30) as client:
            client.sendmail(sender, [recipient], raw)

    async def _client(self, agent: Agent) -> None:
        """An agent's mail client: answers each relay once."""
        mine = address_of(agent)
        while True:
            found = await asyncio.to_thread(self.mail.messages, mine)
            for raw in found[self.answered.get(mine, 0) :]:
                self.answered[mine] = self.answered.get(mine, 0) + 1
                await self._answer(mine, raw)
            await asyncio.sleep(0.7)

    async def _answer(self, mine: str, raw: bytes) -> None:
        relay = email.message_from_bytes(raw, policy=email.policy.default)
        number = NUMBER.search(str(relay["Subject"] or ""))
        if relay["Reply-To"] is None or number is None or str(relay["Subject"]).startswith("Not"):
            self.found.problems.append(f"{mine} got {relay['Subject']!r}: {raw[-300:]!r}")
            return
        to = email.utils.parseaddr(str(relay["Reply-To"]))[1]
        message = EmailMessage()
        message["From"] = mine
        message["To"] = to
        message["Subject"] = f"Re: {relay['Subject']}"
        message["Message-ID"] = f"<answer{number[1]}.{self.dice.random()}@shop.example>"
        message["In-Reply-To"] = relay["Message-ID"]
        message.set_content(f"This is the answer to question {number[1]}.\n")
        await asyncio.to_thread(self._send, mine, to, message.as_bytes())

    # -- the end ----------------------------------------------------------------------------

    async def _progress(self) -> str:
        sql = "SELECT state, count(*) AS number FROM ccm.work_item GROUP BY state ORDER BY state"
        states = {row["state"]: row["number"] for row in await rows(self.url, sql)}
        return f"items {states}"

    async def _settled(self) -> None:
        """Wait until nothing is left to do, or nothing happens any more."""
        sql = """
            SELECT (SELECT count(*) FROM ccm.work_item WHERE state = 'done') AS done,
                (SELECT count(*) FROM ccm.outbox WHERE state IN ('queued', 'claimed', 'speaking'))
                    AS going
        """
        quiet, before = 0, None
        while quiet < 60:
            (now,) = await rows(self.url, sql)
            done, going = now["done"], now["going"]
            if (done, going) == (self.wanted.emails, 0):
                break
            quiet = quiet + 1 if (done, going) == before else 0
            before = (done, going)
            await asyncio.sleep(1)
        await asyncio.sleep(3)

    async def _count(self) -> None:
        found, problem = self.found, self.found.problems.append
        emails = await rows(
            self.url, "SELECT subject FROM ccm.email WHERE direction = 'inbound' ORDER BY at"
        )
        stored = Counter(str(row["subject"]) for row in emails)
        for number in range(self.wanted.emails):
            if (times := stored.get(f"Question {number}", 0)) != 1:
                problem(f"question {number} is stored {times} times")
        found.stored = len([one for one in stored if NUMBER.fullmatch(one)])
        unknown = {
            number[1]
            for row in await rows(
                self.url, "SELECT kind, content FROM ccm.outbox WHERE state = 'unknown'"
            )
            if row["kind"] == "answer"
            and (number := NUMBER.search(bytes(row["content"]).decode(errors="replace")))  # type: ignore[arg-type]
        }
        every = await rows(self.url, "SELECT count(*) AS n FROM ccm.outbox WHERE state = 'unknown'")
        found.unknown = int(str(every[0]["n"]))
        answers: Counter[str] = Counter()
        for raw in await asyncio.to_thread(self.mail.messages, CUSTOMERS):
            message = email.message_from_bytes(raw, policy=email.policy.default)
            if number := NUMBER.search(str(message["Subject"])):
                answers[number[1]] += 1
                wanted = f"<question{number[1]}@customer.example>"
                if str(message["In-Reply-To"]).strip() != wanted:
                    problem(f"answer {number[1]} is in reply to {message['In-Reply-To']}")
        found.answers = len(answers)
        for one in range(self.wanted.emails):
            times = answers.get(str(one), 0)
            if times > 1 or (times == 0 and str(one) not in unknown):
                problem(f"answer {one} was delivered {times} times")
        await self._count_offers(problem)

    async def _count_offers(self, problem: Callable[[str], None]) -> None:
        connected: Counter[tuple[str, str]] = Counter()
        taken: Counter[str] = Counter()
        for row in self.pbx.queue_log():
            item = row.call.removeprefix("ccmwk-")[:32]
            if row.call.startswith("ccmwk-") and row.event == "CONNECT":
                connected[item, row.agent] += 1
            if row.event == "CCMWORKSTEP" and row.data == ("taken",):
                taken[item] += 1
        for (item, agent), times in connected.items():
            if times > 1:
                problem(f"{agent} was offered item {item} {times} times")
        for item, times in taken.items():
            if times > 1:
                problem(f"item {item} was taken {times} times")
        sql = "SELECT number, state, outcome, reason FROM ccm.work_item WHERE state <> 'done'"
        for left in await rows(self.url, sql):
            problem(f"not done: {dict(left)}")
        sql = """
            SELECT interaction_id, count(*) AS n FROM ccm.segment
            WHERE version = ccm.work_version() GROUP BY interaction_id HAVING count(*) > 1
        """
        for twice in await rows(self.url, sql):
            problem(f"interaction {twice['interaction_id']} has {twice['n']} segments")


async def run(
    wanted: Wanted, asterisk: Servers, mails: Servers, directory: Path, say: Callable[[str], None]
) -> Found:
    """Start the servers, play, and stop them."""
    async with AsyncExitStack() as stack:
        layout = plan(wanted.agents)
        accounts = [HELP, CUSTOMERS, *(address_of(agent) for agent in layout.agents)]
        mail = await stack.enter_async_context(Mail(mails, accounts))
        pbx = await stack.enter_async_context(Asterisk(asterisk, layout))
        database = await stack.enter_async_context(Database(directory / "postgres"))
        url = await database.create("kills")
        secret = directory / "mailbox.secret"
        secret.touch(mode=0o600)
        secret.write_text(mail.password)
        for agent in layout.agents:
            await pbx.phone(agent.extension, [Answer(0.2), Talk(2.5), Dtmf("1"), Talk()]).start()
        daemon = Daemon(
            directory / "daemon", pbx, database_url=url, recording="never",
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
            more=SETTINGS.format(
                help=HELP, host=mail.host, imaps=mail.imaps_port,
                submissions=mail.submissions_port, ca=mail.certificate, secret=secret,
            ),
        )  # fmt: skip
        await stack.enter_async_context(daemon)
        return await Run(wanted, mail, pbx, daemon, url, say).play()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.mail", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--emails", type=int, default=300)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--agents", type=int, default=12)
    parser.add_argument("--limit", type=float, default=40, help="minutes at most (default 40)")
    asked = parser.parse_args(arguments)
    wanted = Wanted(asked.seed, asked.emails, asked.kills, asked.agents, asked.limit * 60)
    directory = Path(tempfile.mkdtemp(prefix="ccm-mail-kills-"))
    try:
        found = asyncio.run(run(wanted, servers(_say), mail_servers(_say), directory, _say))
    except (LabError, TimeoutError, ExceptionGroup) as error:
        _say(f"the lab failed: {error!r}; its logs are in {directory}")
        return 2
    print(found.as_json())
    if found.problems:
        _say(f"the daemon's log is in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
