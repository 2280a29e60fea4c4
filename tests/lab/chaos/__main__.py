"""Run it by hand, from the directory ``tests/lab``:

    python -m chaos --seed 7 --calls 500 --faults 20

Starts an Asterisk, a Postgres and daemons of its own, and stops them all, also on Ctrl-C. Exit code
0 when Postgres and queue_log agree about every call, 1 when they don't, 2 when the lab failed.
"""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import structlog
from lab.errors import LabError
from lab.root import Servers, servers

import chaos  # noqa: F401 - makes the lab importable
from chaos import report
from chaos.run import Outcome, Wanted, run


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, help="callers and faults (default 1)")
    parser.add_argument("--calls", type=int, default=500, help="at least so many (default 500)")
    parser.add_argument("--faults", type=int, default=20, help="of each kind (default 20)")
    parser.add_argument("--daemons", type=int, choices=(1, 2), help="default: by the seed")
    parser.add_argument("--limit", type=float, default=40, help="minutes at most (default 40)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", type=Path, help="keep logs and database in this directory")
    return parser.parse_args()


async def _run(wanted: Wanted, found: Servers, directory: Path) -> Outcome:
    return await run(wanted, found, directory, _say)


def main() -> int:
    """Run once; the exit code."""
    asked = _arguments()
    # Of the lab's own Postgres, which is the product's; the daemons log to files.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    wanted = Wanted(
        seed=asked.seed,
        calls=asked.calls,
        faults=asked.faults,
        daemons=asked.daemons or 1 + asked.seed % 2,
        limit=asked.limit * 60,
    )
    directory = asked.keep or Path(tempfile.mkdtemp(prefix="ccm-chaos-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        outcome = asyncio.run(_run(wanted, servers(_say), directory))
    except (LabError, TimeoutError, ExceptionGroup) as error:
        _say(f"the lab failed: {error!r}; its logs are in {directory}")
        return 2
    except KeyboardInterrupt:
        _say("stopped")
        if asked.keep is None:
            shutil.rmtree(directory)
        return 130
    print(report.as_json(outcome) if asked.json else report.text(outcome))
    if not outcome.well:
        _say(f"logs and queue_log are in {directory}")
    elif asked.keep is None:
        shutil.rmtree(directory)
    return 0 if outcome.well else 1


if __name__ == "__main__":
    sys.exit(main())
