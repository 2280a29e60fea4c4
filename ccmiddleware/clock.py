"""The only reader of the wall clock and its zone. Everything else takes time as an argument."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock as an aware UTC datetime."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


def local_zone(root: Path = Path("/")) -> ZoneInfo:
    """The zone of this machine: $TZ, else /etc/localtime, else /etc/timezone, else UTC.

    A ZoneInfo and not a fixed offset, since Postgres must be told a name too.
    """
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    resolved = str((root / "etc/localtime").resolve())
    if "/zoneinfo/" in resolved:
        candidates.append(resolved.rsplit("/zoneinfo/", 1)[1])
    with suppress(OSError, UnicodeDecodeError):  # it exists on Debian only
        candidates.append((root / "etc/timezone").read_text().strip())
    for name in candidates:
        try:
            if name:
                return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")
