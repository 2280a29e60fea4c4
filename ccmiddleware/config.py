"""The settings of the daemon: one TOML file, typed, every mistake reported at once.

Secrets need not stand in the file: each ``secret`` has a ``secret_file`` beside it, and the
environment overrides both (``environment_overrides`` lists the variables). The commented example
file and the reference table are made from these classes by ``config_example.py``, so that they
can't disagree with them. How mistakes are worded stands in ``config_problems.py``.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from ccmiddleware.config_callbacks import CallbackSettings
from ccmiddleware.config_environment import override
from ccmiddleware.config_mail import MailboxSettings, SmtpSettings
from ccmiddleware.config_problems import problem
from ccmiddleware.config_section import Days, NodeName, Port, Seconds, Secret, Section
from ccmiddleware.errors import ConfigError

DEFAULT_PATH = Path("/etc/ccmiddleware/ccm.toml")
PATH_VARIABLE = "CCM_CONFIG"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class AmiSettings(Secret):
    """How to reach the Asterisk Manager Interface of a node."""

    host: str = Field(default="127.0.0.1", description="Host of Asterisk's manager interface.")
    port: Port = Field(default=5038, description="Its port; 5039 is usual with TLS.")
    user: str = Field(
        default="ccm", min_length=1, description="Manager user, see asterisk/manager."
    )
    auth: Literal["md5", "plain"] = Field(
        default="md5", description="md5 never sends the secret; plain only makes sense with TLS."
    )
    tls: bool = Field(default=False, description="Speak TLS to the manager interface.")
    tls_ca_file: Path | None = Field(
        default=None, description="Authority that signed Asterisk's certificate; system's if unset."
    )
    tls_verify: bool = Field(
        default=True, description="Refuse a certificate that is not valid for the host."
    )
    connect_timeout: Seconds = Field(default=10, description="Seconds to connect and log in.")
    action_timeout: Seconds = Field(default=10, description="Seconds to wait for an answer.")
    ping_interval: Seconds = Field(default=5, description="Seconds of silence before a ping.")
    ping_timeout: Seconds = Field(
        default=5, description="Seconds without its answer after which the link counts as dead."
    )
    retry_min: Seconds = Field(default=0.5, description="First pause before connecting again.")
    retry_max: Seconds = Field(default=30, description="Longest pause before connecting again.")
    queue_size: int = Field(
        default=50_000,
        ge=100,
        description="Events kept while the daemon is busy; more are dropped and marked as a gap.",
    )


class AriSettings(Secret):
    """How to reach the Asterisk REST Interface of a node."""

    url: str = Field(
        default="http://127.0.0.1:8088/ari",
        pattern=r"^https?://",
        description="Base URL of ARI, up to and with /ari.",
    )
    user: str = Field(default="ccm", min_length=1, description="ARI user, see asterisk/ari.")
    app: str = Field(default="ccm", pattern=r"^[a-z0-9_-]+$", description="Stasis application.")
    timeout: Seconds = Field(default=10, description="Seconds to wait for an answer.")
    heartbeat: Seconds = Field(default=20, description="Seconds between pings of the event socket.")


class NodeSettings(Section):
    """One Asterisk server."""

    name: NodeName = Field(description="Name of this node in every table; never change it.")
    ami: AmiSettings = Field(description="Manager interface.")
    ari: AriSettings | None = Field(
        default=None, description="REST interface; not needed to observe, record and report."
    )
    recordings: Path = Field(
        default=Path("/var/spool/asterisk/monitor"),
        description="Where the daemon finds this node's recordings.",
    )
    recordings_on_asterisk: Path | None = Field(
        default=None,
        description="The same directory as Asterisk sees it, when that differs.",
    )

    queue_log: Path | None = Field(
        default=None,
        description="Asterisk's queue_log file. With it, calls that went by while the daemon was "
        "away are completed, and ours can be reconciled with Asterisk's own count.",
    )

    @property
    def recordings_for_asterisk(self) -> Path:
        """The recording directory as Asterisk sees it."""
        return self.recordings_on_asterisk or self.recordings


def _days_or_forever(value: Any) -> Any:
    days = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 36500
    if days or value == "forever":
        return value
    raise ValueError('must be a number of days from 1 to 36500, or "forever"')


class RecordingSettings(Section):
    """What is recorded, unless a queue says otherwise."""

    policy: Literal["never", "always", "percentage", "on_demand"] = Field(
        default="never",
        description="never, always, percentage of the answered calls, or on_demand: what an agent "
        "starts by code, or somebody by `ccm recording start`.",
    )
    percentage: float = Field(
        default=100.0, ge=0, le=100, description="Of answered calls, with policy percentage."
    )
    format: Literal["wav", "wav16"] = Field(
        default="wav", description="File format: wav is 8 kHz, wav16 is 16 kHz linear PCM."
    )
    channels: Literal["mono", "stereo"] = Field(
        default="mono",
        description="stereo: the customer left, the agent right; the daemon must be allowed to "
        "write into the recording directory.",
    )
    beep_seconds: int = Field(
        default=0, ge=0, le=3600, description="Play a beep so often while recording; 0: none."
    )
    pause_limit_seconds: int = Field(
        default=0,
        ge=0,
        le=3600,
        description="Resume a paused recording by itself after so long; 0: never.",
    )
    compression: Literal["none", "flac", "opus"] = Field(
        default="none",
        description="What becomes of finished files: none, flac (about half the size, nothing is "
        "lost) or opus (about a quarter, for listening). Needs ccmiddleware[audio].",
    )
    keep_days: Annotated[Days | Literal["forever"], BeforeValidator(_days_or_forever)] = Field(
        default="forever",
        description="Days after which recordings are deleted, unless they are on hold; or forever.",
    )


class RecordingStoreSettings(Secret):
    """An S3-compatible bucket into which finished recordings are moved; without it they stay."""

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Base URL of the store; that of Amazon S3 if unset.",
    )
    bucket: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Name of the bucket; it must exist.",
    )
    prefix: str = Field(
        default="recordings/",
        pattern=r"^([A-Za-z0-9_.-]+/)*$",
        description="What the names of all objects begin with; empty, or ends with a slash.",
    )
    region: str = Field(default="us-east-1", min_length=1, description="Region of the bucket.")
    access_key: str = Field(min_length=1, description="Id of the access key; its secret is secret.")
    keep_local: bool = Field(
        default=False, description="Leave the file in the recording directory, too."
    )
    timeout: Seconds = Field(default=30, description="Seconds to wait for an answer of the store.")


class DialingSettings(Section):
    """Calls of campaigns."""

    profiles: Path | None = Field(
        default=None,
        description="Directory with your own profiles of law, one in each NAME.toml "
        "(docs/compliance.md). Every daemon, and ccm, must find the same files there.",
    )


class SupervisionSettings(Section):
    """Listening to talks, whispering and barging in."""

    enabled: bool = Field(
        default=True,
        description="Carry out ccm agent monitor, whisper and barge. Needs asterisk/manager/"
        "ccm-supervision.conf in any case. Set it to false where the law or an agreement forbids "
        "it; what the PBX's own codes do is written down all the same.",
    )


class QueueSettings(Section):
    """What differs in one queue. The section is named as the queue is in Asterisk."""

    service_level_seconds: int | None = Field(
        default=None, ge=1, le=3600, description="T of the service level columns for this queue."
    )
    wrap_up_seconds: float = Field(
        default=0,
        ge=0,
        le=3600,
        description="wrapuptime of this queue in queues.conf, which Asterisk does not report. "
        "Talks of its campaigns that come without the queue (preview) have it as well, by a pause.",
    )
    wrap_up_pause: bool = Field(
        default=False,
        description="Pause agents for wrap_up_seconds after each talk of this queue, in all of "
        "their queues; needs asterisk/manager/ccm-agents.conf.",
    )
    recording: RecordingSettings | None = Field(
        default=None,
        description="Recording policy of this queue; what is not set here is as in [recording].",
    )
    callback: CallbackSettings | None = Field(
        default=None,
        description="Callbacks of this queue; what is not set here is as in [queues.callback].",
    )

    @model_validator(mode="after")
    def _pause_has_an_end(self) -> "QueueSettings":
        if self.wrap_up_pause and not self.wrap_up_seconds:
            raise ValueError("has wrap_up_pause and no wrap_up_seconds: say how long")
        return self


class QueueDefaults(Section):
    """What holds for all queues."""

    service_level_seconds: int = Field(
        default=20, ge=1, le=3600, description="T of the service level columns, in seconds."
    )
    callback: CallbackSettings = Field(default_factory=CallbackSettings)


class DatabaseSettings(Section):
    """Where everything is stored."""

    url: SecretStr | None = Field(
        default=None,
        description="postgresql://user@host/name. Unset: an embedded Postgres in state_dir.",
    )
    password_file: Path | None = Field(
        default=None, description="File with the password for url, so that url holds none."
    )
    pool_size: int = Field(default=5, ge=2, le=100, description="Connections kept.")
    command_timeout: Seconds = Field(default=30, description="Seconds for one statement.")


class JournalSettings(Section):
    """The facts on disk that Postgres does not have yet."""

    max_bytes: int = Field(
        default=2 * 1024**3,
        ge=1024**2,
        description="Disk quota in bytes; when it is full the daemon says so and stops recording "
        "new facts until Postgres is back.",
    )
    segment_bytes: int = Field(
        default=16 * 1024**2, ge=64 * 1024, description="Size at which a new file is begun."
    )
    flush_interval: float = Field(
        default=0.05, gt=0, le=5, description="Longest time a fact waits for its fsync, in seconds."
    )


class WebSettings(Section):
    """Health and metrics over HTTP."""

    host: str = Field(default="127.0.0.1", description="Loopback unless you know better.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=9733, description="Port; 0 takes any free one."
    )


class LogSettings(Section):
    """What the daemon says, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto is console on a terminal and json elsewhere."
    )


class Settings(Section):
    """The whole configuration file."""

    state_dir: Path = Field(
        default=Path("/var/lib/ccmiddleware"),
        description="Journal, embedded Postgres and sockets; belongs to the daemon's user.",
    )
    stop_timeout: Seconds = Field(
        default=20, description="Seconds in which a stopping daemon must be gone."
    )
    node: list[NodeSettings] = Field(min_length=1, description="The Asterisk servers.")
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    queues: QueueDefaults = Field(default_factory=QueueDefaults)
    queue: dict[str, QueueSettings] = Field(default_factory=dict)
    recording: RecordingSettings = Field(default_factory=RecordingSettings)
    recording_store: RecordingStoreSettings | None = None
    supervision: SupervisionSettings = Field(default_factory=SupervisionSettings)
    dialing: DialingSettings = Field(default_factory=DialingSettings)
    mailbox: dict[str, MailboxSettings] = Field(default_factory=dict)
    smtp: SmtpSettings | None = None
    web: WebSettings = Field(default_factory=WebSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @model_validator(mode="after")
    def _nodes_differ(self) -> "Settings":
        names = [node.name for node in self.node]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"node names must differ; used more than once: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _mailboxes_have_nodes(self) -> "Settings":
        known = [node.name for node in self.node]
        for name, mailbox in self.mailbox.items():
            if mailbox.node is None and len(known) > 1:
                raise ValueError(f"mailbox.{name} has no node: say on which of them its queue is")
            if mailbox.node is not None and mailbox.node not in known:
                raise ValueError(
                    f"mailbox.{name}.node {mailbox.node!r} is none of the nodes {', '.join(known)}"
                )
            if mailbox.acknowledge is not None and self.smtp is None:
                raise ValueError(f"mailbox.{name}.acknowledge needs [smtp], to send it")
        return self

    def mailboxes_of(self, node: str) -> dict[str, MailboxSettings]:
        """The mailboxes whose queues are on ``node``, by name."""
        return {
            name: mailbox
            for name, mailbox in self.mailbox.items()
            if (mailbox.node or self.node[0].name) == node
        }

    def recording_for(self, queue: str) -> RecordingSettings:
        """The recording policy that holds in ``queue``."""
        own = self.queue.get(queue)
        if own is None or own.recording is None:
            return self.recording
        given = {name: getattr(own.recording, name) for name in own.recording.model_fields_set}
        return self.recording.model_copy(update=given)

    def callback_for(self, queue: str) -> CallbackSettings:
        """How callbacks of ``queue`` are kept."""
        own = self.queue.get(queue)
        if own is None or own.callback is None:
            return self.queues.callback
        given = {name: getattr(own.callback, name) for name in own.callback.model_fields_set}
        return self.queues.callback.model_copy(update=given)

    def wrap_up_for(self, queue: str) -> float:
        """Wrap-up time of ``queue`` in seconds, for members that have none of their own."""
        own = self.queue.get(queue)
        return own.wrap_up_seconds if own is not None else 0.0

    def forced_wrap_up_for(self, queue: str) -> float:
        """Seconds for which agents are paused after a talk of ``queue``; 0 where they are not."""
        own = self.queue.get(queue)
        return own.wrap_up_seconds if own is not None and own.wrap_up_pause else 0.0

    @property
    def longest_wrap_up(self) -> float:
        """The longest of all queues, in seconds."""
        return max(map(self.wrap_up_for, self.queue), default=0.0)

    def service_level_for(self, queue: str) -> int:
        """T of the service level columns of ``queue``, in seconds."""
        own = self.queue.get(queue)
        if own is not None and own.service_level_seconds is not None:
            return own.service_level_seconds
        return self.queues.service_level_seconds


def find(path: Path | None) -> Path:
    """The file to read: ``path``, else $CCM_CONFIG, else /etc/ccmiddleware/ccm.toml."""
    if path is not None:
        return path
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named else DEFAULT_PATH


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check a file. Raises ConfigError with every mistake: file, key and what is right.

    ``environ`` (the process's own if None) may override secrets, see ``config_environment.py``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: no such file; `ccm config example > {path}` writes one to begin with"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: can't be read: {error}"]) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    problems = override(raw, os.environ if environ is None else environ)
    if problems:
        raise ConfigError([f"environment: {text}" for text in problems])
    return parse(raw, str(path))


def parse(raw: dict[str, Any], source: str) -> Settings:
    """Check what was read from ``source``. Raises ConfigError with every mistake."""
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError(
            [f"{source}: {problem(Settings, raw, detail)}" for detail in details]
        ) from None
