"""Records every way: what Asterisk sent and logged, as input for tests, and a table of it to read.

Of the raw stream only events are left out that say nothing about the way of a call (``SKIPPED``,
and variables other than ``VARIABLES``); what is kept is as it came, byte by byte.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.root import Servers
from lab.ways import WAYS, description, play, theatre
from lab.ways.table import END, table

SKIPPED = frozenset(
    {
        "DeviceStateChange", "DialState", "ExtensionStatus", "MusicOnHoldStart", "MusicOnHoldStop",
        "NewAccountCode", "NewCallerid", "NewConnectedLine", "Newexten", "RTCPReceived",
        "RTCPSent", "TestEvent",
    }
)  # fmt: skip
VARIABLES = frozenset({"ATTENDEDTRANSFER", "BLINDTRANSFER", "PARKINGSLOT", "QUEUESTATUS"})


def kept(raw: bytes) -> bytes:
    """The stream without events that nobody needs."""
    frames = raw.split(END)
    return b"".join(frame + END for frame in frames[:-1] if _is_kept(frame))


def _is_kept(frame: bytes) -> bool:
    name = _header(frame, b"Event")
    if name == "VarSet":
        return _header(frame, b"Variable") in VARIABLES
    # Answers to actions of this session (its login, its ping) are no part of the way.
    return bool(name) and name not in SKIPPED


def _header(frame: bytes, name: bytes) -> str:
    for line in frame.split(b"\r\n"):
        if line.startswith(name + b": "):
            return line[len(name) + 2 :].decode("utf-8", "replace")
    return ""


async def capture(
    servers: Servers, directory: Path, names: Sequence[str], side_by_side: int
) -> list[str]:
    """Play the ways on some PBXs at once and keep them; the names of those that failed."""
    waiting = list(names)
    failed: list[str] = []

    async def worker() -> None:
        async with theatre(servers) as pbx:
            while waiting:
                name = waiting.pop(0)
                try:
                    await _capture_one(pbx, directory, name)
                except LabError as error:
                    failed.append(name)
                    print(f"{name}: {error}")

    async with asyncio.TaskGroup() as group:
        for number in range(min(side_by_side, len(waiting))):
            group.create_task(worker(), name=f"pbx {number}")
    descriptions = {name: description(name) for name in WAYS}
    (directory / "README.md").write_text(table(directory, descriptions))
    return failed


async def _capture_one(pbx: Asterisk, directory: Path, name: str) -> None:
    played = await play(pbx, name)
    stream = kept(played.stream)
    (directory / f"{name}.ami").write_bytes(stream)
    (directory / f"{name}.queue_log").write_text("".join(f"{row}\n" for row in played.queue_log))
    print(f"{name}: {len(played.stream)} bytes, {len(stream)} kept")
