"""The demo's emails: customers who write, agents' mail clients that answer, and what came of it.

All through a real Postfix and a real Dovecot. Most customers want an answer; a newsletter is closed
by the agent without one, spam and a robot's answer are held; one mailbox no longer exists, the
answer to it comes back, and the agent, who gets the letter once more, closes it.
"""

import asyncio
import email
import email.policy
import email.utils
import re
import smtplib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from lab.daemon import Daemon
from lab.errors import LabError
from lab.mail import Mail
from lab.mail_files import BOUNCES

SUPPORT = "support@shop.example"
AGENTS = {"PJSIP/1001": "alice@shop.example", "PJSIP/1002": "joerg@shop.example"}
ADA, BEN, CHLOE, ROBOT = (f"{name}@customer.example" for name in ("ada", "ben", "chloe", "robot"))
GONE = f"gone@{BOUNCES}"
ACCOUNTS = (SUPPORT, *AGENTS.values(), ADA, BEN, CHLOE, ROBOT)
PATIENCE = 90.0
POLL = 0.5

SETTINGS = """
[mailbox.support]
queue = "support"
address = "{address}"
name = "Support"
host = "{host}"
port = {imaps}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
acknowledge = "{acknowledge}"
poll_seconds = 2

[smtp]
host = "{host}"
port = {submissions}
tls_ca_file = "{ca}"
user = "{address}"
secret_file = "{secret}"
"""
ACKNOWLEDGEMENT = """\
Subject: Re: {subject} [#{number}]

Dear {name},
your mail has arrived. We answer as soon as we can.
"""


@dataclass(frozen=True)
class Planned:
    """One email: when (seconds from the start), from whom and about what."""

    at: float
    sender: str
    name: str
    subject: str
    text: str = "Hello,\nwhat about it?\n"
    headers: tuple[tuple[str, str], ...] = ()
    attachment: bytes = b""
    fate: Literal["answered", "closed", "held"] = "answered"

    @property
    def message_id(self) -> str:
        """Its own, with brackets."""
        return f"<{re.sub('[^a-z0-9]+', '-', self.subject.lower())}.{self.sender}>"

    def message(self) -> EmailMessage:
        """As the customer's mail client makes it."""
        made = EmailMessage()
        made["From"] = email.utils.formataddr((self.name, self.sender))
        made["To"] = SUPPORT
        made["Subject"] = self.subject
        made["Message-ID"] = self.message_id
        made["Date"] = email.utils.localtime()
        for name, value in self.headers:
            made[name] = value
        made.set_content(self.text)
        if self.attachment:
            made.add_attachment(
                self.attachment, maintype="image", subtype="png", filename="parcel.png"
            )
        return made


LETTERS = (
    Planned(1.0, ADA, "Ada Byron", "Broken parcel", attachment=b"\x89PNG\r\n\x1a\n" + bytes(4000)),
    Planned(2.0, BEN, "Ben Öztürk", "Ümlaut invoice", text="Grüße,\nwo bleibt die Rechnung?\n"),
    Planned(3.0, ROBOT, "Shop News", "Ten offers for you", fate="closed",
            headers=(("List-Id", "news <news.customer.example>"), ("Precedence", "bulk"))),
    Planned(4.0, GONE, "Gone Away", "Change of address"),
    Planned(5.0, ROBOT, "Cheap Pills", "You have won", fate="held",
            headers=(("X-Spam-Flag", "YES"),)),
    Planned(6.0, CHLOE, "Chloé Dubois", "Opening hours"),
    Planned(7.0, ROBOT, "Away", "Automatic reply", fate="held",
            headers=(("Auto-Submitted", "auto-replied"),)),
)  # fmt: skip
ANSWER, CLOSE = "Good day,\nwe have looked into it: all is well.\n", "#close\n"
"""What agents write to customers, and about a newsletter."""

THANKS = "Thank you. And what does it cost to send it back?\n"
"""What Ada writes when she has her answer, in the same thread."""


def settings(mail: Mail, directory: Path) -> str:
    """Sections of ccm.toml; the files that they name are written into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    secret, acknowledge = directory / "mail.secret", directory / "acknowledgement.txt"
    secret.touch(mode=0o600)
    secret.write_text(mail.password)
    acknowledge.write_text(ACKNOWLEDGEMENT)
    return SETTINGS.format(
        address=SUPPORT, host=mail.host, imaps=mail.imaps_port, submissions=mail.submissions_port,
        ca=mail.certificate, secret=secret, acknowledge=acknowledge,
    )  # fmt: skip


class Correspondence:
    """Everybody who writes and reads mail in the demo."""

    def __init__(self, mail: Mail, daemon: Daemon, say: Callable[[str], None]) -> None:
        self.mail = mail
        self.daemon = daemon
        self.say = say
        self._seen: dict[str, int] = {}
        self._answered: set[str] = set()
        self._closed: set[str] = set()
        """Subjects of letters that agents have answered, and closed."""

    async def settle_in(self) -> None:
        """Agents get their mail addresses, which the daemon must know them for."""
        for interface, address in AGENTS.items():
            for _ in range(60):
                ran = await self.daemon.ccm("agent", "email", interface, address)
                if ran.code == 0:
                    break
                await asyncio.sleep(POLL)
            else:
                raise LabError(f"{interface} gets no mail address: {ran.out}{ran.err}")

    async def play(self) -> None:
        """Write all letters, answer them, and wait until every answer has arrived."""
        async with asyncio.TaskGroup() as tasks:
            clients = [
                tasks.create_task(self._agent(address), name=address) for address in AGENTS.values()
            ]
            for planned in LETTERS:
                tasks.create_task(self._write(planned), name=planned.subject)
            ada = tasks.create_task(self._ada(), name="Ada")
            try:
                async with asyncio.timeout(PATIENCE):
                    await ada
                    await self._everybody_has_an_answer()
            except TimeoutError:
                raise LabError(f"not every email was answered in {PATIENCE:g} s") from None
            for client in clients:
                client.cancel()

    async def _write(self, planned: Planned) -> None:
        await asyncio.sleep(planned.at)
        await self._send(planned.sender, SUPPORT, planned.message())
        self.say(f"{planned.name} writes: {planned.subject}")

    async def _ada(self) -> None:
        """Ada answers the answer to her letter."""
        first = LETTERS[0]
        answer = await self._answer(ADA, first.message_id)
        reply = EmailMessage()
        reply["From"] = email.utils.formataddr((first.name, ADA))
        reply["To"] = str(answer["Reply-To"] or answer["From"])
        reply["Subject"] = f"Re: {first.subject}"
        reply["Message-ID"] = f"<thanks.{ADA}>"
        reply["In-Reply-To"] = str(answer["Message-ID"])
        reply["References"] = f"{first.message_id} {answer['Message-ID']}"
        reply.set_content(THANKS)
        await self._send(ADA, SUPPORT, reply)
        self.say(f"{first.name} answers the answer")
        await self._answer(ADA, f"<thanks.{ADA}>")

    async def _everybody_has_an_answer(self) -> None:
        waiting = [one for one in LETTERS if one.fate == "answered" and one.sender != GONE]
        for planned in waiting:
            await self._answer(planned.sender, planned.message_id)
        while not (await self.figures())["emails_bounced"]:  # noqa: ASYNC110 - with a limit
            await asyncio.sleep(POLL)
        gone = {one.subject for one in LETTERS if one.sender == GONE}
        while not gone <= self._closed:  # noqa: ASYNC110 - with a limit
            await asyncio.sleep(POLL)

    async def _answer(self, account: str, message_id: str) -> Any:
        """Wait for an agent's answer to that message."""
        while True:
            if found := await self._answers(account, message_id):
                return found[0]
            await asyncio.sleep(POLL)

    async def _answers(self, account: str, message_id: str) -> list[Any]:
        """Agents' answers to that message in a customer's mailbox; no acknowledgements."""
        found = []
        for raw in await asyncio.to_thread(self.mail.messages, account):
            message = email.message_from_bytes(raw, policy=email.policy.default)
            if str(message["In-Reply-To"]).strip() == message_id and not message["Auto-Submitted"]:
                found.append(message)
        return found

    async def _agent(self, address: str) -> None:
        """An agent's mail client: a human's answer to each email that comes from the queue."""
        while True:
            found = await asyncio.to_thread(self.mail.messages, address)
            for raw in found[self._seen.get(address, 0) :]:
                self._seen[address] = self._seen.get(address, 0) + 1
                relay = email.message_from_bytes(raw, policy=email.policy.default)
                if relay["Reply-To"] is None:
                    continue
                await asyncio.sleep(1)
                to = email.utils.parseaddr(str(relay["Reply-To"]))[1]
                to_what = str(relay["Subject"])
                reply = EmailMessage()
                reply["From"] = address
                reply["To"] = to
                reply["Subject"] = f"Re: {relay['Subject']}"
                reply["Message-ID"] = email.utils.make_msgid(domain="shop.example")
                reply["In-Reply-To"] = str(relay["Message-ID"])
                letters = [one for one in LETTERS if one.subject in to_what]
                closes = any(self._is_to_be_closed(one) for one in letters)
                reply.set_content(CLOSE if closes else ANSWER)
                await self._send(address, to, reply)
                done = self._closed if closes else self._answered
                done.update(one.subject for one in letters)
                does = "closes" if closes else "answers"
                self.say(f"{address.partition('@')[0]} {does} {to_what}")
            await asyncio.sleep(POLL)

    def _is_to_be_closed(self, letter: Planned) -> bool:
        """No answer is wanted, or it has come back and there is no other address."""
        returned = letter.sender == GONE and letter.subject in self._answered
        return returned or letter.fate == "closed"

    async def _send(self, sender: str, recipient: str, message: EmailMessage) -> None:
        def send() -> None:
            with smtplib.SMTP(self.mail.host, self.mail.smtp_port, timeout=30) as client:
                client.sendmail(sender, [recipient], message.as_bytes(policy=email.policy.SMTP))

        await asyncio.to_thread(send)

    # -- what came of it --------------------------------------------------------------------

    async def figures(self) -> dict[str, Any]:
        """Counts of emails, as ``--json`` shows them."""
        held = await self.daemon.rows("email", "quarantine", "list")
        stored = await self.daemon.rows("report", "show", "interaction")
        sent = await self.daemon.rows("report", "show", "outbox")
        emails = sum(row["channel"] == "email" for row in stored)
        kinds = [row["kind"] for row in sent]
        return {
            "emails_received": emails + len(held),
            "emails_answered": kinds.count("answer"),
            "emails_quarantined": len(held),
            "emails_acknowledged": kinds.count("acknowledgement"),
            "emails_bounced": sum(row["bounced"] for row in sent if row["kind"] == "answer"),
        }

    async def differences(self, figures: Mapping[str, Any]) -> list[str]:
        """What is not as the customers' own mailboxes have it, in words."""
        found = []
        wanted = [(one.sender, one.message_id) for one in LETTERS if one.fate == "answered"]
        wanted.append((ADA, f"<thanks.{ADA}>"))
        for account, message_id in wanted:
            answers = [] if account == GONE else await self._answers(account, message_id)
            if account != GONE and len(answers) != 1:
                found.append(f"{account}: {len(answers)} answers to {message_id}")
            for answer in answers:
                found += _leaks(answer, account)
        robots = await asyncio.to_thread(self.mail.messages, ROBOT)
        if robots:
            found.append(f"the robots got {len(robots)} answers")
        fates = [one.fate for one in LETTERS]
        expected = (
            ("emails_received", len(LETTERS) + 1),
            ("emails_answered", fates.count("answered") + 1),
            ("emails_quarantined", fates.count("held")),
            ("emails_bounced", 1),
        )  # fmt: skip
        found += [
            f"{name}: {figures[name]}, expected: {count}"
            for name, count in expected
            if figures[name] != count
        ]
        return found


def _leaks(answer: Any, account: str) -> Sequence[str]:
    """An answer comes from the queue, and no agent's address is anywhere in it."""
    text = answer.as_string().lower()
    found = [f"{account} can read {one}" for one in AGENTS.values() if one in text]
    if SUPPORT not in str(answer["From"]):
        found.append(f"{account} was answered by {answer['From']}")
    return found
