"""The directory of hostile messages: by name, each with what must come of it.

``python tests/mail/hostile.py`` reads each in this process and prints what took longest;
``python tests/mail/hostile.py FOLDER`` writes them as files, for other programs to try.
"""

import re
import sys
import time
from pathlib import Path

import hostile_bodies
import hostile_headers
from hostile_case import Case

CASES: list[Case] = [*hostile_headers.CASES, *hostile_bodies.CASES]


def write(folder: Path) -> None:
    """Write each message as ``name.eml``."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        name = re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")
        (folder / f"{name}.eml").write_bytes(case.make())


def main() -> None:
    """Measure, or write the files."""
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]))
        return
    from ccmiddleware.mail.message import Limits
    from ccmiddleware.mail.reading import read

    taken = []
    for case in CASES:
        raw = case.make()
        begun = time.perf_counter()
        read(raw, Limits())
        taken.append((time.perf_counter() - begun, case.name, len(raw)))
    for seconds, name, size in sorted(taken, reverse=True)[:25]:
        print(f"{seconds:8.3f} s  {size:>10}  {name}")


if __name__ == "__main__":
    main()
