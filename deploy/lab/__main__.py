"""`python -m lab`: have the lab's servers ready, and say where they are. Exit code 2 if not."""

import sys

from lab.errors import LabError
from lab.root import servers


def main() -> int:
    """Build what is missing."""
    try:
        found = servers(lambda line: print(line, file=sys.stderr, flush=True))
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    print(found.root or found.asterisk)
    return 0


if __name__ == "__main__":
    sys.exit(main())
