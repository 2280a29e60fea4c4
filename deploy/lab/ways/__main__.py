"""`python -m lab.ways DIRECTORY [WAY…]`: record ways (all of them, or those named)."""

import asyncio
import sys
from pathlib import Path

from lab.errors import LabError
from lab.root import servers
from lab.ways import WAYS
from lab.ways.capture import capture


def main() -> int:
    """Exit code 1 when a way failed, 2 when the lab can't run."""
    match sys.argv[1:]:
        case [directory, *names] if set(names) <= set(WAYS):
            pass
        case _:
            print(f"{__doc__}\nWays: {', '.join(WAYS)}", file=sys.stderr)
            return 2
    kept_in = Path(directory)
    kept_in.mkdir(parents=True, exist_ok=True)
    try:
        failed = asyncio.run(capture(servers(print), kept_in, names or list(WAYS)))
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
