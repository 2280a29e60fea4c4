"""Checks of what lies on this machine's disks: configuration, secrets, state, recordings."""

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ccmiddleware.cli.checks import Finding
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.config_section import MaybeSecret
from ccmiddleware.errors import ConfigError

GIBIBYTE = 1024**3


def configuration(path: Path, settings: Settings) -> list[Finding]:
    """The configuration file itself, and every file with a secret that it names."""
    findings = [Finding("configuration", "ok", f"{path} has no mistakes")]
    if _holds_secrets(settings) and _mode(path) & stat.S_IROTH:
        findings.append(
            Finding(
                "configuration",
                "warning",
                f"{path} holds secrets and everybody on this machine can read it",
                f"chmod o-rwx {path}, or move the secrets to files of their own with secret_file",
            )
        )
    for key, secret_file in _secret_files(settings):
        findings.append(_secret_file(key, secret_file))
    return findings


def _holds_secrets(settings: Settings) -> bool:
    return any(section.secret is not None for _, section in _sections(settings))


def _sections(settings: Settings) -> Iterator[tuple[str, MaybeSecret]]:
    """The sections that may hold a secret."""
    for node in settings.node:
        yield f"node[{node.name}].ami", node.ami
        if node.ari is not None:
            yield f"node[{node.name}].ari", node.ari
    if settings.recording_store is not None:
        yield "recording_store", settings.recording_store
    for name, mailbox in settings.mailbox.items():
        yield f"mailbox.{name}", mailbox
    if settings.smtp is not None:
        yield "smtp", settings.smtp


def _secret_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for key, section in _sections(settings):
        if section.secret_file is not None:
            yield f"{key}.secret_file", section.secret_file
    if settings.database.password_file is not None:
        yield "database.password_file", settings.database.password_file


def _secret_file(key: str, path: Path) -> Finding:
    subject = f"secret {key}"
    try:
        if not path.read_text().strip():
            return Finding(subject, "failed", f"{path} is empty", f"write the secret into {path}")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text"
        return Finding(
            subject,
            "failed",
            f"{path}: {why}",
            f"create it with the secret in it and let {me()} read it, or correct {key}",
        )
    mode = _mode(path)
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        return Finding(
            subject,
            "warning",
            f"{path} has mode {stat.filemode(mode)}: others can read or change it",
            f"chmod 600 {path}, and let it belong to the daemon's user",
        )
    return Finding(subject, "ok", f"{path} can be read, and not by everybody")


def state_directory(settings: Settings) -> list[Finding]:
    """Whether the daemon can keep its journal, as far as this user can tell."""
    path = settings.state_dir
    subject = "state directory"
    make = f"install -d -m 750 -o USER -g USER {path}   (USER: who runs the daemon)"
    if not path.exists():
        above = next(parent for parent in path.parents if parent.exists())
        if os.access(above, os.W_OK | os.X_OK):
            return [Finding(subject, "note", f"{path} is not there yet; the daemon will make it")]
        return [Finding(subject, "failed", f"{path} is not there and {me()} can't make it", make)]
    if not path.is_dir():
        return [Finding(subject, "failed", f"{path} is no directory", f"move it away, then {make}")]
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return [
            Finding(
                subject,
                "failed",
                f"{me()} can't write to {path}, which belongs to {owner_of(path)}",
                f"run this as {owner_of(path)} if the daemon does, else: chown USER {path}",
            )
        ]
    return [_free_space(subject, path, settings)]


def _free_space(subject: str, path: Path, settings: Settings) -> Finding:
    free = shutil.disk_usage(path).free
    found = f"{path} is writable, {free / GIBIBYTE:.1f} GiB free"
    if free < min(settings.journal.max_bytes, GIBIBYTE):
        return Finding(
            subject,
            "warning",
            f"{found}: less than the journal may need while Postgres is away",
            "make room, or set journal.max_bytes to what there is",
        )
    return Finding(subject, "ok", found)


def recordings(settings: Settings, node: NodeSettings) -> list[Finding]:
    """The policy in use and whether this user can read where the files of a node come to lie."""
    subject = f"{node.name} recordings"
    findings = [Finding(subject, "note", policy_words(settings))]
    path = node.recordings
    needed = records(settings)
    verdict = "failed" if needed else "note"
    try:
        with os.scandir(path) as entries:
            next(entries, None)
    except FileNotFoundError:
        findings.append(
            Finding(
                subject,
                verdict,  # type: ignore[arg-type]  # mypy widens the conditional to str
                f"{path} is not there",
                f"correct node[{node.name}].recordings, or mount Asterisk's directory there "
                "(Asterisk makes it with its first recording)",
            )
        )
    except OSError as error:
        findings.append(
            Finding(
                subject,
                verdict,  # type: ignore[arg-type]  # mypy widens the conditional to str
                f"{path}: {error.strerror} for {me()}; it belongs to {owner_of(path)}",
                f"let the daemon's user read it, for example: usermod -aG {group_of(path)} USER",
            )
        )
    else:
        seen = (
            f"; Asterisk sees it as {node.recordings_on_asterisk}"
            if node.recordings_on_asterisk
            else ""
        )
        findings.append(Finding(subject, "ok", f"{path} can be read by {me()}{seen}"))
        if stereo(settings) and not os.access(path, os.W_OK):
            findings.append(
                Finding(
                    subject,
                    "warning",
                    f"{path} can't be written by {me()}, so that the two sides of a stereo "
                    "recording can't be joined",
                    f"let the daemon's user write it, with all that is below, for example: "
                    f"setfacl -R -m u:USER:rwX -m d:u:USER:rwX {path}",
                )
            )
    return findings


def stereo(settings: Settings) -> bool:
    """Whether any recording is stereo."""
    policies = [settings.recording, *(settings.recording_for(queue) for queue in settings.queue)]
    return any(policy.channels == "stereo" for policy in policies)


def records(settings: Settings) -> bool:
    """Whether any call can be recorded at all."""
    policies = [settings.recording, *(settings.recording_for(queue) for queue in settings.queue)]
    return any(
        policy.policy in ("always", "on_demand")
        or (policy.policy == "percentage" and policy.percentage > 0)
        for policy in policies
    )


_POLICY_WORDS = {
    "always": "every answered call",
    "never": "nothing",
    "on_demand": "what is asked for during the call",
}


def policy_words(settings: Settings) -> str:
    """What is recorded, in one line."""

    def one(queue: str | None) -> str:
        policy = settings.recording if queue is None else settings.recording_for(queue)
        if policy.policy == "percentage":
            return f"{policy.percentage:g} % of the answered calls"
        return _POLICY_WORDS[policy.policy]

    own = [
        f"{queue}: {one(queue)}"
        for queue, section in sorted(settings.queue.items())
        if section.recording is not None
    ]
    return f"recorded: {one(None)}" + (f"; but {', '.join(own)}" if own else "")


def unreadable_secrets(settings: Settings) -> list[str]:
    """Nodes whose manager secret can't be had; asking Asterisk makes no sense for these."""
    nodes = []
    for node in settings.node:
        try:
            node.ami.reveal()
        except ConfigError:
            nodes.append(node.name)
    return nodes


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def owner_of(path: Path) -> str:
    """Name of the user to whom a file belongs, as far as it can be told."""
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (KeyError, OSError):
        return "somebody else"


def group_of(path: Path) -> str:
    """Name of the group of a file, or a placeholder."""
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (KeyError, OSError):
        return "GROUP"


def me() -> str:
    """Who runs this, in words."""
    try:
        return f"user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"user id {os.geteuid()}"
