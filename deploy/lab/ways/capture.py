"""Records every way: what Asterisk sent and logged, as input for tests, and a table of it to read.

Of the raw stream events are left out that say nothing about the way of a call (``SKIPPED``, and
variables other than ``table.VARIABLES``), and headers of others (``UNUSED``); the rest is as it
came.
"""

from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError
from lab.root import Servers
from lab.ways import WAYS, Played, description, play_all
from lab.ways.table import END, VARIABLES, significant, table, verbs

SKIPPED = frozenset(
    {
        "DeviceStateChange", "DialState", "ExtensionStatus", "MusicOnHoldStart", "MusicOnHoldStop",
        "NewAccountCode", "NewCallerid", "NewConnectedLine", "Newexten", "RTCPReceived", "RTCPSent",
        "SoftHangupRequest", "TestEvent",
    }
)  # fmt: skip
UNUSED = (
    "AccountCode", "BridgeName", "Cause-txt", "ChannelState", "ConnectedLineName", "Creator",
    "Language", "LastPause", "LastReload", "LoginTime", "Priority", "Privilege", "Ringinuse",
    "VideoSourceMode",
)  # fmt: skip
"""Ends of the names of headers that are left out of the events that are kept."""


def kept(raw: bytes) -> bytes:
    """The stream without events and headers that nobody needs."""
    frames = raw.split(END)
    return b"".join(_trimmed(frame) + END for frame in frames[:-1] if _is_kept(frame))


def _is_kept(frame: bytes) -> bool:
    name = _header(frame, b"Event")
    if name == "VarSet":
        return _header(frame, b"Variable") in VARIABLES
    # Answers to actions of this session (its login) are no part of the way.
    return bool(name) and name not in SKIPPED


def _trimmed(frame: bytes) -> bytes:
    lines = frame.split(b"\r\n")
    unused = tuple(name.encode() for name in UNUSED)
    return b"\r\n".join(line for line in lines if not line.partition(b":")[0].endswith(unused))


def _header(frame: bytes, name: bytes) -> str:
    for line in frame.split(b"\r\n"):
        if line.startswith(name + b": "):
            return line[len(name) + 2 :].decode("utf-8", "replace")
    return ""


async def capture(servers: Servers, directory: Path, names: Sequence[str]) -> list[str]:
    """Play the ways and keep them; the names of those that failed."""
    failed = []

    def keep(name: str, played: Played) -> None:
        size = _write(directory, name, played)
        print(f"{name}: {len(played.stream)} bytes, {size} kept")

    def fail(name: str, error: LabError) -> None:
        failed.append(name)
        print(f"{name}: {error}")

    await play_all(servers, names, keep, fail)
    descriptions = {name: description(name) for name in WAYS}
    (directory / "README.md").write_text(table(directory, descriptions))
    return failed


async def races(servers: Servers, directory: Path, name: str, times: int) -> int:
    """Play a way often, and keep in ``races/`` what differs from its recording; how often it did.

    Asterisk's threads race: the same call may be told, and logged, in another way.
    """
    recorded = (directory / f"{name}.ami").read_bytes()
    logged = (directory / f"{name}.queue_log").read_text()
    different = []

    def compare(name: str, played: Played) -> None:
        same_log = set(verbs("\n".join(played.queue_log))) == set(verbs(logged))
        if not same_log or significant(played.stream) != significant(recorded):
            different.append(name)
            _write(directory / "races", name, played)

    def fail(name: str, error: LabError) -> None:
        print(f"{name}: {error}")

    await play_all(servers, [name] * times, compare, fail)
    return len(different)


def _write(directory: Path, name: str, played: Played) -> int:
    stream = kept(played.stream)
    (directory / f"{name}.ami").write_bytes(stream)
    (directory / f"{name}.queue_log").write_text("".join(f"{row}\n" for row in played.queue_log))
    return len(stream)
