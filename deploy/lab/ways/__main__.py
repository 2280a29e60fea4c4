"""Records ways: `python -m lab.ways DIRECTORY [WAY…]` all of them, or those named.

`python -m lab.ways --race DIRECTORY WAY TIMES` plays one often, and keeps what differs.
"""

import asyncio
import sys
from pathlib import Path

from lab.errors import LabError
from lab.root import servers
from lab.ways import WAYS
from lab.ways.capture import capture, races


async def _record(directory: Path, names: list[str]) -> int:
    return 1 if await capture(servers(print), directory, names or list(WAYS)) else 0


async def _race(directory: Path, name: str, times: int) -> int:
    found = await races(servers(print), directory, name, times)
    print(f"{found} of {times} were different")
    return 0


def main() -> int:
    """Exit code 1 when a way failed, 2 when the lab can't run."""
    match sys.argv[1:]:
        case ["--race", directory, name, times] if name in WAYS and times.isdigit():
            (Path(directory) / "races").mkdir(exist_ok=True)
            work = _race(Path(directory), name, int(times))
        case [directory, *names] if set(names) <= set(WAYS):
            Path(directory).mkdir(parents=True, exist_ok=True)
            work = _record(Path(directory), names)
        case _:
            print(f"{__doc__}\nWays: {', '.join(WAYS)}", file=sys.stderr)
            return 2
    try:
        return asyncio.run(work)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
