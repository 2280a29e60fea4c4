"""docs/email-security.md names the tests that hold what it says: they are there."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "email-security.md"
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def test_the_tests_that_it_names_are_there() -> None:
    named = NAMED.findall(DOCUMENT.read_text())
    assert len(named) > 40
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not any(
            re.search(rf"^(?:async )?def {test}\(", path.read_text(), re.MULTILINE)
            for path in TESTS.rglob(file)
        )
    ]
    assert missing == []
