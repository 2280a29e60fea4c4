"""Checks of what sends: the files that mailboxes write with, and the SMTP server."""

import asyncio

from ccmiddleware.cli.checks import Finding
from ccmiddleware.config import Settings
from ccmiddleware.errors import ConfigError

SECONDS = 15.0


def writing(settings: Settings) -> list[Finding]:
    """Whether signatures and templates can be read and are right."""
    from ccmiddleware.mail import stationery

    return [
        Finding(
            f"mailbox {name}",
            "failed",
            problem,
            "correct the file; until then nothing of this mailbox is acknowledged",
        )
        for name, mailbox in settings.mailbox.items()
        for problem in stationery.problems(mailbox)
    ]


async def smtp(settings: Settings) -> list[Finding]:
    """Whether the server lets us in, up to and without the first message."""
    if settings.smtp is None:
        if not settings.mailbox:
            return []
        found = "there are mailboxes, and nothing can be sent"
        return [Finding("smtp", "note", found, "add a section [smtp]")]
    from ccmiddleware.mail.smtp import SmtpSender, submission

    where = settings.smtp
    mend = "check host, port, tls, user and secret of [smtp]; the words are the server's"
    try:
        asked = submission(where)
        async with asyncio.timeout(SECONDS):
            reason = await SmtpSender(lambda: asked).knock()
    except ConfigError as error:
        return [Finding("smtp", "failed", str(error), mend)]
    except TimeoutError:
        reason = f"{asked.where}: no answer in {SECONDS:.0f} seconds"
    if reason:
        return [Finding("smtp", "failed", reason, mend)]
    login = f"and lets {where.user} in" if where.user else "without a login"
    return [Finding("smtp", "ok", f"{asked.where} answers {login}")]
