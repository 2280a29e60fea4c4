"""The settings of email; sections of ``config``."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from ccmiddleware.config_section import MaybeSecret, NodeName, Port, Seconds, Secret

PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}
EmailAddress = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        r"@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
    ),
]
LONGEST_LOCAL_PART = 15
"""Of a mailbox's address: behind it there must be room for a token (``mail.tokens``) in 64."""
FolderName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class MailboxSettings(Secret):
    """A mailbox whose messages wait in a queue. Its password, or its token, is the secret."""

    queue: str = Field(min_length=1, description="The queue, as it is named in Asterisk.")
    node: NodeName | None = Field(
        default=None, description="Node of the queue; need not be set where there is only one."
    )
    address: EmailAddress = Field(
        description="The address that customers write to, and that answers come from; at most "
        f"{LONGEST_LOCAL_PART} characters before the @, and no +."
    )
    name: str = Field(
        default="",
        max_length=60,
        description="Name that stands beside the address in what is sent.",
    )
    signature_file: Path | None = Field(
        default=None, description="Text that stands below everything that is sent."
    )
    acknowledge: Path | None = Field(
        default=None,
        description="Template of the word that a mail has arrived, which who begins a conversation "
        "gets; none is sent if unset. Needs [smtp].",
    )
    host: str = Field(min_length=1, description="Host of the IMAP server.")
    tls: Literal["tls", "starttls", "none"] = Field(
        default="tls", description="none sends the password for everybody on the way to read."
    )
    port: Port | None = Field(
        default=None, description="Its port; unset, 993 with tls and 143 otherwise."
    )
    tls_ca_file: Path | None = Field(
        default=None, description="Authority that signed its certificate; the system's if unset."
    )
    tls_verify: bool = Field(
        default=True, description="Refuse a certificate that is not valid for the host."
    )
    user: str = Field(min_length=1, description="User of the mailbox.")
    auth: Literal["password", "xoauth2"] = Field(
        default="password", description="xoauth2: the secret is a token, read anew each time."
    )
    folder: FolderName = Field(default="INBOX", description="Folder that is taken in.")
    mark: Literal["seen", "keyword", "move"] = Field(
        default="seen",
        description="What is done to a message once it is safe in Postgres: it is flagged as seen, "
        "gets the keyword $ccm, or is moved. Which ones were taken is known without that.",
    )
    move_to: FolderName | None = Field(
        default=None, description="Folder for mark = move; it is made where it is missing."
    )
    poll_seconds: Seconds = Field(
        default=60, description="Looked into so often; at once, too, where the server has IDLE."
    )
    timeout: Seconds = Field(default=30, description="Seconds to wait for an answer.")
    spam_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Score of X-Spam-Score from which on a message goes to quarantine; unset, only "
        "X-Spam-Flag: YES does that.",
    )
    answer_all: bool = Field(
        default=False,
        description="Agents' answers go to all whom the customer wrote to, not to him alone.",
    )
    answer_receipts: bool = Field(
        default=False,
        description="Agents get a receipt for each answer, not only for commands and mistakes.",
    )
    agents_proven_by: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.:_-]{0,255}$",
        description="The name with which the mail server that takes this mailbox's mail begins its "
        "Authentication-Results (RFC 8601); agents' answers then count only if it found their "
        "sender proven (a pass of DMARC, or of SPF, DKIM or a login for the very sender).",
    )
    max_bytes: int = Field(
        default=35 * 1024 * 1024,
        ge=64 * 1024,
        le=200 * 1024 * 1024,
        description="Of a larger message only the header is taken, into quarantine.",
    )

    reply_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="So long an agent can answer an email that he was sent; then it must be taken "
        "again.",
    )
    relay_bytes: int = Field(
        default=10 * 1024 * 1024,
        ge=0,
        le=100 * 1024 * 1024,
        description="Attachments of an email that are sent to the agent are this large together at "
        "most; the others are named.",
    )

    @model_validator(mode="after")
    def _has_room_for_tokens(self) -> "MailboxSettings":
        local = self.address.partition("@")[0]
        if len(local) > LONGEST_LOCAL_PART or "+" in local:
            raise ValueError(
                f"{self.address} has no room for the token that answers are known by: before the @ "
                f"there may be {LONGEST_LOCAL_PART} characters, without a + (it has {len(local)})"
            )
        if not self.name.isprintable():
            raise ValueError("name has control characters: it must be one line of text")
        return self

    @model_validator(mode="after")
    def _moves_somewhere(self) -> "MailboxSettings":
        if (self.mark == "move") != (self.move_to is not None):
            raise ValueError('mark = "move" and move_to belong together: set both or neither')
        if self.move_to is not None and self.move_to == self.folder:
            raise ValueError("move_to is the folder that is taken in: name another one")
        return self

    @property
    def at_port(self) -> int:
        """The port of the server."""
        return self.port or PORTS[self.tls]

    @property
    def source(self) -> str:
        """Which folder of whose account it is; UIDs of one say nothing about another."""
        host, user, folder = self.host.lower(), quote(self.user, ""), quote(self.folder, "")
        return f"imap://{user}@{host}/{folder}"


class SmtpSettings(MaybeSecret):
    """The server that takes what is sent; without it nothing is. The secret is the user's."""

    host: str = Field(min_length=1, description="Host of the SMTP server.")
    tls: Literal["tls", "starttls", "none"] = Field(
        default="tls", description="none sends mail and password for everybody on the way to read."
    )
    port: Port | None = Field(
        default=None,
        description="Its port; unset, 465 with tls, 587 with starttls and 25 otherwise.",
    )
    tls_ca_file: Path | None = Field(
        default=None, description="Authority that signed its certificate; the system's if unset."
    )
    tls_verify: bool = Field(
        default=True, description="Refuse a certificate that is not valid for the host."
    )
    user: str | None = Field(
        default=None, min_length=1, description="User to log in as; without one there is no login."
    )
    auth: Literal["password", "xoauth2"] = Field(
        default="password", description="xoauth2: the secret is a token, read anew each time."
    )
    hello: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.:\[\]-]{0,255}$",
        description="Name that is said to the server; this machine's if empty.",
    )
    timeout: Seconds = Field(
        default=60, description="Seconds to wait for an answer; for that to a whole message, 600."
    )
    workers: int = Field(default=3, ge=1, le=50, description="Messages that are sent at a time.")
    domain_per_minute: int = Field(
        default=120, ge=1, le=100_000, description="Recipients of one domain in a minute at most."
    )
    give_up_hours: float = Field(
        default=72,
        gt=0,
        le=720,
        description="Recipients deferred for so long are given up.",
    )
    unknown: Literal["hold", "resend"] = Field(
        default="hold",
        description="What becomes of a message of which nobody can tell whether the server took "
        "it: held until somebody decides (ccm outbox), or sent again, at the risk of twice.",
    )

    @model_validator(mode="after")
    def _user_has_secret(self) -> "SmtpSettings":
        if (self.user is None) == self.has_secret:
            raise ValueError("user and its secret_file (or secret) belong together: set both")
        return self

    @property
    def at_port(self) -> int:
        """The port of the server."""
        return self.port or SMTP_PORTS[self.tls]
