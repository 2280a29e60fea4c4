"""What a mailbox writes with: its name and signature, and the template of its acknowledgement.

A template is a text file. Its first line may be ``Subject: …``, with an empty line behind it; the
placeholders are those of ``letters``. The files are read when a daemon begins to lead; a change
holds from the next time on.
"""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.mail.letters import Identity, Template
from ccmiddleware.mail.message import Address

SUBJECT = "subject:"
LARGEST = 64 * 1024
"""Bytes that a signature or a template may have."""


def identity(settings: MailboxSettings, mark: str) -> Identity:
    """As whom the mailbox writes. Raises ConfigError for a signature that can't be read."""
    return Identity(
        queue=settings.queue,
        address=Address(settings.address, settings.name),
        mark=mark,
        zone=UTC,
        signature=_text(settings.signature_file, "signature_file") or "",
    )


def unsigned(settings: MailboxSettings, mark: str) -> Identity:
    """As whom it writes to agents, who need no signature; whatever files are broken."""
    return identity(settings.model_copy(update={"signature_file": None}), mark)


def acknowledgement(settings: MailboxSettings) -> Template | None:
    """The template, None where nothing is acknowledged. Raises ConfigError with all mistakes."""
    text = _text(settings.acknowledge, "acknowledge")
    if text is None:
        return None
    first, _, rest = text.partition("\n")
    if first.lower().startswith(SUBJECT):
        template = Template(rest, first[len(SUBJECT) :].strip())
    else:
        template = Template(text)
    wrong = list(template.problems())
    if not template.subject:
        wrong.append("subject: it is empty")
    if wrong:
        raise ConfigError([f"acknowledge {settings.acknowledge}: {one}" for one in wrong])
    return template


def problems(settings: MailboxSettings) -> Iterator[str]:
    """What is wrong with the files, for those who write the configuration."""
    for read in (lambda: identity(settings, ""), lambda: acknowledgement(settings)):
        try:
            read()
        except ConfigError as error:
            yield from error.problems


def _text(path: Path | None, key: str) -> str | None:
    """What stands in the file, with plain line ends; None where none is named."""
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{key} {path}: {error}"]) from None
    if len(text) > LARGEST:
        raise ConfigError([f"{key} {path} has more than {LARGEST} characters"])
    return text.removeprefix("\ufeff")
