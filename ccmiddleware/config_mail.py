"""The settings of email; sections of ``config``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ccmiddleware.config_section import NodeName, Port, Seconds, Secret

PORTS = {"tls": 993, "starttls": 143, "none": 143}
EmailAddress = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$")
]
FolderName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class MailboxSettings(Secret):
    """A mailbox whose messages wait in a queue. Its password, or its token, is the secret."""

    queue: str = Field(min_length=1, description="The queue, as it is named in Asterisk.")
    node: NodeName | None = Field(
        default=None, description="Node of the queue; need not be set where there is only one."
    )
    address: EmailAddress = Field(description="The address that customers write to.")
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
    max_bytes: int = Field(
        default=35 * 1024 * 1024,
        ge=64 * 1024,
        le=200 * 1024 * 1024,
        description="Of a larger message only the header is taken, into quarantine.",
    )

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
