"""The folder of a mailbox on its IMAP server, as the intake takes it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError, PermanentError
from ccmiddleware.mail import imap
from ccmiddleware.mail.intake import Fetched, Folder, Selected


@asynccontextmanager
async def open_folder(settings: MailboxSettings, clock: Clock) -> AsyncIterator[Folder]:
    """Connect and log in; the secret is read anew each time. Raises Temporary-, PermanentError."""
    try:
        login = imap.Login(settings.user, settings.reveal(), settings.auth)
        mailbox = await imap.connect(
            imap.Server(
                settings.host,
                settings.at_port,
                "plain" if settings.tls == "none" else settings.tls,
                str(settings.tls_ca_file) if settings.tls_ca_file else None,
                settings.tls_verify,
            ),
            login,
            imap.Patience(connect=settings.timeout, quiet=settings.timeout),
            imap.Limits(message_bytes=settings.max_bytes),
        )
    except ConfigError as error:
        raise PermanentError(str(error)) from None
    async with mailbox:
        yield _Folder(mailbox, clock)


class _Folder:
    def __init__(self, mailbox: imap.Mailbox, clock: Clock) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self.uids_from = mailbox.uids_from
        self.idle = mailbox.idle

    async def select(self, folder: str) -> Selected:
        found = await self._mailbox.select(folder)
        return Selected(found.uidvalidity, found.uidnext)

    async def fetch(self, uids: Sequence[int]) -> AsyncIterator[Fetched]:
        async for one in self._mailbox.fetch(uids):
            yield Fetched(one.uid, one.raw, one.arrived_at or self._clock(), one.problem)

    async def add_flag(self, uids: Sequence[int], flag: str) -> None:
        await self._mailbox.add_flag(uids, flag)

    async def move(self, uids: Sequence[int], folder: str) -> None:
        await self._mailbox.move(uids, folder)
