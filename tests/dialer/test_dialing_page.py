"""docs/dialing-calls.md: the tests that it names for each way of a call are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(test_[a-z_]+\.py)`|`(test_[a-z_]+)`")


def test_each_way_is_played_by_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "dialing-calls.md").read_text()
    table = page.partition("## Every way a dialled call can go")[2].partition("\n## ")[0]
    ways = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(ways) > 20
    for way in ways:
        text, named = "", 0
        for file, test in NAMED.findall(way):
            if file:
                text = (ROOT / "tests" / "lab" / file).read_text()
            else:
                named += 1
                assert f"async def {test}(" in text, test
        assert named, way
