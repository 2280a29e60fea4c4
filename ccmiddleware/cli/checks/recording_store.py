"""Checks of what happens to recordings after the talk: compression, and the bucket."""

import os
from pathlib import Path

from ccmiddleware.cli.checks import Finding
from ccmiddleware.cli.checks.files import me
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.errors import CcmError


def works_on_files(settings: Settings) -> bool:
    """Whether anything of ours makes or removes files in recording directories."""
    policies = [settings.recording, *(settings.recording_for(queue) for queue in settings.queue)]
    return settings.recording_store is not None or any(
        policy.compression != "none" or policy.keep_days != "forever" for policy in policies
    )


def compression(settings: Settings) -> list[Finding]:
    """Whether libsndfile is there, if it is needed."""
    kinds = {settings.recording.compression} | {
        settings.recording_for(queue).compression for queue in settings.queue
    }
    kinds.discard("none")
    if not kinds:
        return []
    subject, words = "recording compression", " and ".join(sorted(kinds))
    from ccmiddleware.recordings.compressing import available

    if available():
        return [Finding(subject, "ok", f"{words}: libsndfile is there")]
    mend = "pip install 'ccmiddleware[audio]'"
    return [Finding(subject, "failed", f"{words} is wanted, and libsndfile is not there", mend)]


def directory(settings: Settings, node: NodeSettings) -> list[Finding]:
    """Whether this user may make and remove files where the recordings of a node are."""
    if not works_on_files(settings) or not node.recordings.is_dir():
        return []
    subject = f"{node.name} recording directory"
    closed = [path for path in _newest(node.recordings) if not os.access(path, os.W_OK | os.X_OK)]
    if not closed:
        return [Finding(subject, "ok", f"{me()} may make and remove files in {node.recordings}")]
    return [
        Finding(
            subject,
            "failed",
            f"{me()} may not make or remove files in {closed[0]}, which compression, the bucket "
            "and deletion need",
            "let the daemon's user write there, also in directories that Asterisk makes: "
            f"setfacl -R -m u:USER:rwX -m d:u:USER:rwX {node.recordings}",
        )
    ]


def _newest(directory: Path) -> list[Path]:
    """The directory, and those of the newest year, month and day below it."""
    found = [directory]
    for _ in range(3):
        try:
            below = sorted(
                path for path in found[-1].iterdir() if path.name.isdecimal() and path.is_dir()
            )
        except OSError:
            break
        if not below:
            break
        found.append(below[-1])
    return found


async def store(settings: Settings) -> list[Finding]:
    """Whether the bucket answers."""
    if settings.recording_store is None:
        return []
    from ccmiddleware.recordings.bucket import Bucket

    subject = "recording store"
    try:
        bucket = Bucket(settings.recording_store)
        await bucket.check()
    except CcmError as error:
        mend = (
            "see [recording_store]; finished recordings wait in the recording directory meanwhile"
        )
        return [Finding(subject, "failed", str(error), mend)]
    return [Finding(subject, "ok", f"{bucket.address('')} can be listed")]
