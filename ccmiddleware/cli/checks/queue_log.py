"""Check of a node's queue_log: whether the daemon can read it, and whether it is one."""

import os

from ccmiddleware.cli.checks import Finding
from ccmiddleware.cli.checks.files import group_of, me, owner_of
from ccmiddleware.config import NodeSettings
from ccmiddleware.queue_log.rows import Line, parse

LAST_BYTES = 16 * 1024

ITS_PLACE = "/var/log/asterisk/queue_log"


def queue_log(node: NodeSettings) -> list[Finding]:
    """Whether calls can be completed that go by while the daemon is away."""
    subject, path = f"{node.name} queue_log", node.queue_log
    key = f"node[{node.name}].queue_log"
    if path is None:
        found = "not set: of calls that go by while the daemon is away nothing will be known"
        mend = f'set {key} = "{ITS_PLACE}" where that file is on this machine'
        return [Finding(subject, "note", found, mend)]
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - LAST_BYTES))
            lines = file.read().splitlines()
        next(path.parent.iterdir(), None)
    except FileNotFoundError:
        mend = (
            f"correct {key}; Asterisk makes the file with the first row, unless logger.conf says "
            "queue_log = no"
        )
        return [Finding(subject, "failed", f"{path} is not there", mend)]
    except OSError as error:
        what = path if error.filename is None else error.filename
        mend = f"let the daemon's user read it, for example: usermod -aG {group_of(path)} USER"
        found = f"{what}: {error.strerror} for {me()}; it belongs to {owner_of(path)}"
        return [Finding(subject, "failed", found, mend)]
    return [_content(subject, f"{path}", key, lines)]


def _content(subject: str, path: str, key: str, lines: list[bytes]) -> Finding:
    rows: list[Line] = [row for line in lines if (row := parse(line)) is not None]
    if not lines:
        return Finding(subject, "ok", f"{path} can be read by {me()}, and is empty")
    if not rows:
        mend = f"{key} must be the log of app_queue, not another of Asterisk's logs"
        return Finding(subject, "failed", f"{path} holds no rows of queue_log", mend)
    last = f"{rows[-1].at:%Y-%m-%d %H:%M:%S} UTC"
    return Finding(subject, "ok", f"{path} can be read by {me()}; last row of {last}")
