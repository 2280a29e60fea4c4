"""Speaks SMTP for the outbox: one connection for each message. The only module with aiosmtplib.

What counts is where a failure falls. Before DATA nothing was sent, and sending again is safe. A
reply of the server, whatever its code, says what it did. A connection that is lost after DATA, an
answer that never comes, or one that makes no sense, leaves the message unknown; it is not for this
module to try again.

TLS is required unless the settings say otherwise: never the opportunistic kind, which whoever sits
in between turns off.
"""

import contextlib
import platform
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from ccmiddleware.config_mail import SmtpSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.mail.delivery import Attempt, NoAnswer, NotSpoken, Reply, Took, TookNot
from ccmiddleware.mail.tls import tls_context

Security = Literal["tls", "starttls", "none"]

DATA_SECONDS = 600.0
"""How long the answer to the final dot may take (RFC 5321, 4.5.3.2.6)."""
QUIT_SECONDS = 5.0

_ADDRESS = re.compile(r"[^\s<>\"\\@\x00-\x1f\x7f]{1,64}@[^\s<>\"\\@\x00-\x1f\x7f]{1,255}")
_NO_SENDER = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Where mail is handed in. ``user`` empty means without a login; ``name`` is said in EHLO."""

    host: str
    port: int = 465
    security: Security = "tls"
    ca_file: str | None = None
    verify: bool = True
    user: str = ""
    secret: str = field(default="", repr=False)
    method: Literal["password", "xoauth2"] = "password"
    name: str = "localhost"
    seconds: float = 60.0
    """To wait for the connection, and for each answer but the last."""

    @property
    def where(self) -> str:
        """For messages."""
        return f"SMTP {self.host}:{self.port}"


def submission(settings: SmtpSettings) -> Submission:
    """Where the settings say. Raises ConfigError for a secret that can't be read."""
    return Submission(
        settings.host,
        settings.at_port,
        settings.tls,
        ca_file=str(settings.tls_ca_file) if settings.tls_ca_file is not None else None,
        verify=settings.tls_verify,
        user=settings.user or "",
        secret=settings.reveal() if settings.has_secret else "",
        method=settings.auth,
        name=settings.hello or _own_name(),
        seconds=settings.timeout,
    )


def _own_name() -> str:
    """This machine's name, if a server can be told it."""
    name = platform.node()
    return name if re.fullmatch(r"[A-Za-z0-9.-]{1,255}", name) else "localhost"


class SmtpSender:
    """Sends messages, each over a connection of its own; any number of them at once."""

    def __init__(self, submission: Callable[[], Submission]) -> None:
        """``submission`` is asked for each message, since tokens do not live long."""
        self._submission = submission

    async def send(
        self,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        about_to_speak: Callable[[], Awaitable[None]],
    ) -> Attempt:
        """Send one message, as ``outbox.Sender`` says. Raises what ``about_to_speak`` raises."""
        try:
            to = self._submission()
            client = self._client(to)
        except ConfigError as error:
            return NotSpoken(f"SMTP: {error}")
        try:
            try:
                await self._enter(client, to)
                named = await self._name(client, envelope_from, recipients, content)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                return NotSpoken(f"{to.where}: {_words(error)}")
            if isinstance(named, TookNot):
                return named
            await about_to_speak()
            return await self._speak(client, content, named, to.where)
        finally:
            # Also after a cancellation: a connection with an answer on its way is of no use.
            client.close()

    async def knock(self) -> str:
        """Connect and log in, and send nothing: why that does not work, or nothing where it does.

        Raises ConfigError for a secret or an authority that can't be read.
        """
        to = self._submission()
        client = self._client(to)
        try:
            await self._enter(client, to)
            await client.quit(timeout=QUIT_SECONDS)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return f"{to.where}: {_words(error)}"
        finally:
            client.close()
        return ""

    def _client(self, to: Submission) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=to.host,
            port=to.port,
            use_tls=to.security == "tls",
            start_tls=False,  # by ourselves, so that its refusal is one
            tls_context=self._context(to),
            timeout=to.seconds,
            local_hostname=to.name,
        )

    @staticmethod
    def _context(to: Submission) -> ssl.SSLContext | None:
        if to.security == "none":
            return None
        return tls_context(to.ca_file, verify=to.verify)

    async def _enter(self, client: aiosmtplib.SMTP, to: Submission) -> None:
        """Connect and log in; one attempt, for several wrong ones may lock the account."""
        await client.connect()
        await client.ehlo()
        if to.security == "starttls":
            if not client.supports_extension("starttls"):
                raise ValueError("offers no STARTTLS")
            await client.starttls(tls_context=self._context(to))
            await client.ehlo()
        if to.user and to.method == "xoauth2":
            await client.auth_xoauth2(to.user, to.secret)
        elif to.user and "plain" in client.supported_auth_methods:
            await client.auth_plain(to.user, to.secret)
        elif to.user:
            await client.login(to.user, to.secret)

    async def _name(
        self, client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], content: bytes
    ) -> dict[str, Reply] | TookNot:
        """Sender and recipients; who was refused, or that there is nobody left to send to."""
        utf8 = not all(map(str.isascii, (sender, *recipients)))
        options = _options(client, utf8, content)
        if isinstance(options, Reply):
            return TookNot(options, {})
        if sender != _NO_SENDER and not _ADDRESS.fullmatch(sender):
            return TookNot(Reply(553, "the sender is no address that SMTP can carry"), {})
        encoding = "utf-8" if utf8 else "ascii"
        try:
            await client.mail(sender, options=options, encoding=encoding)
        except aiosmtplib.SMTPResponseException as error:
            return TookNot(_reply(error), {})
        refused: dict[str, Reply] = {}
        for recipient in recipients:
            if not _ADDRESS.fullmatch(recipient):
                refused[recipient] = Reply(553, "no address that SMTP can carry")
                continue
            try:
                await client.rcpt(recipient, encoding=encoding)
            except aiosmtplib.SMTPResponseException as error:
                refused[recipient] = _reply(error)
        if len(refused) == len(set(recipients)):
            return TookNot(Reply(554, "no recipient was accepted"), refused)
        return refused

    async def _speak(
        self, client: aiosmtplib.SMTP, content: bytes, refused: dict[str, Reply], where: str
    ) -> Attempt:
        try:
            await client.data(content, timeout=DATA_SECONDS)
        except aiosmtplib.SMTPResponseException as error:
            if 400 <= error.code <= 599:
                return TookNot(_reply(error), refused)
            return NoAnswer(f"{where}: after DATA: {_words(error)}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return NoAnswer(f"{where}: after DATA: {_words(error)}")
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS)
        return Took(refused)


def _options(client: aiosmtplib.SMTP, utf8: bool, content: bytes) -> list[str] | Reply:
    """Parameters of MAIL; a Reply where the server can't carry the message at all."""
    options = []
    if client.supports_extension("size"):
        options.append(f"SIZE={len(content)}")
    if not content.isascii():
        if not client.supports_extension("8bitmime"):
            return Reply(554, "the server does not take messages with 8-bit characters")
        options.append("BODY=8BITMIME")
    if utf8:
        if not client.supports_extension("smtputf8"):
            return Reply(553, "the server takes no addresses beyond ASCII")
        options.append("SMTPUTF8")
    return options


def _reply(error: aiosmtplib.SMTPResponseException) -> Reply:
    """What the server said, on one line. A code that is none counts as a passing one."""
    code = error.code if 200 <= error.code <= 599 else 451
    return Reply(code, _clean(error.message))


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {_clean(error.message)}"
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate: {cause.verify_message}"
    return _clean(str(error)) or type(error).__name__


def _clean(text: str) -> str:
    """On one line, and sound for Postgres: servers answer in whatever charset they like."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]+", " ", text)[:300]
